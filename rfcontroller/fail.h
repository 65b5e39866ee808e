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
 * rfctl_zalloc - zeroed memory, with a fault point "alloc"
 * @size: bytes
 *
 * Context: process.
 * Return: memory for kvfree() or kfree(), or NULL.
 */
static inline void *rfctl_zalloc(size_t size)
{
	return rfctl_fail("alloc") ? NULL : kzalloc(size, GFP_KERNEL);
}

#endif /* _RFCTL_FAIL_H */
