/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where the memory of a region lies: apart from all that is around it, for the kernel
 * and for user space. What the supervisor wrote is checked here, once it was copied.
 */
#ifndef _RFCOM_EXTENTS_H
#define _RFCOM_EXTENTS_H

#include <rainforest/pure.h>
#include <linux/rainforest_wire.h>

#define RFCOM_PAGE	4096U	/* bytes; x86-64 has no others to begin with */

/**
 * struct rfcom_extent - a part of a region
 * @first: number of its first page in the region
 * @pages: how many it has
 * @start: physical address
 */
struct rfcom_extent {
	u64 first;
	u64 pages;
	u64 start;
};

int rfcom_extents_check(struct rfcom_extent *to, const struct rf_com_extent *from, u32 nr,
			u64 bytes, u64 limit);
const struct rfcom_extent *rfcom_extents_find(const struct rfcom_extent *e, u32 nr, u64 page);

#endif /* _RFCOM_EXTENTS_H */
