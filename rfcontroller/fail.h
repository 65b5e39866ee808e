/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Fault points of rfcontroller. A test names one through the module parameter
 * fail_point; Documentation/testing.rst lists them.
 */
#ifndef _RFCTL_FAIL_H
#define _RFCTL_FAIL_H

#include <linux/slab.h>
#include <linux/types.h>

bool rfctl_fail(const char *point);

/**
 * rfctl_alloc - an allocation, with a fault point "alloc"
 * @call: what gives memory, or NULL
 *
 * scripts/check-layers sees to it that this module has no other.
 *
 * Return: as @call, or NULL.
 */
#define rfctl_alloc(call)	(rfctl_fail("alloc") ? NULL : (call))

/**
 * rfctl_zalloc - zeroed memory, with that fault point
 * @size: bytes
 *
 * Context: process.
 * Return: memory for kvfree() or kfree(), or NULL.
 */
static inline void *rfctl_zalloc(size_t size)
{
	return rfctl_alloc(kzalloc(size, GFP_KERNEL));
}

#endif /* _RFCTL_FAIL_H */
