// SPDX-License-Identifier: GPL-2.0-only
/*
 * Where the memory of a region lies: see extents.h.
 */
#include "extents.h"

static bool extent_good(u64 start, u64 bytes, u64 limit)
{
	return bytes && !(bytes % RFCOM_PAGE) && start && !(start % RFCOM_PAGE) && start < limit &&
	       limit - start >= bytes;
}

/**
 * rfcom_extents_check() - take over where a region lies
 * @to: (out) @nr extents
 * @from: a copy of what the supervisor wrote
 * @nr: how many, 1 to RF_COM_EXTENTS
 * @bytes: of the region
 * @limit: physical addresses are below, at most 2^52
 *
 * Return: 0; -EPROTO an extent cannot be, or they do not come to @bytes.
 */
int rfcom_extents_check(struct rfcom_extent *to, const struct rf_com_extent *from, u32 nr,
			u64 bytes, u64 limit)
{
	u64 at = 0, start, size;
	u32 i;

	if (!bytes || bytes > RF_COM_REGION_MAX)
		return -EPROTO;
	for (i = 0; i < nr; i++) {
		start = le64_to_cpu(from[i].start);
		size = le64_to_cpu(from[i].bytes);
		if (!extent_good(start, size, limit))
			return -EPROTO;
		to[i].first = at / RFCOM_PAGE;
		to[i].pages = size / RFCOM_PAGE;
		to[i].start = start;
		at += size;
	}
	return at == bytes ? 0 : -EPROTO;
}

/**
 * rfcom_extents_find() - the extent that has a page
 * @e: the extents
 * @nr: how many
 * @page: number of the page in the region
 *
 * Return: it, NULL: the region ends before.
 */
const struct rfcom_extent *rfcom_extents_find(const struct rfcom_extent *e, u32 nr, u64 page)
{
	u32 low = 0, high = nr, middle;

	while (low < high) {
		middle = low + (high - low) / 2;
		if (page < e[middle].first)
			high = middle;
		else if (page - e[middle].first >= e[middle].pages)
			low = middle + 1;
		else
			return &e[middle];
	}
	return NULL;
}
