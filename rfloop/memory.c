// SPDX-License-Identifier: GPL-2.0-only
/*
 * The memory of a ring: a region of the supervisor's, in pieces.
 */
#include <linux/err.h>
#include <linux/mm.h>

#include "internal.h"

#define RING_PAGES	(sizeof(struct rf_loop_ring) / RF_LOOP_PAGE)

/* The ring itself lies in one piece, the pages behind it where they like. */
static int memory_piece(struct rfloop_memory *m, u64 at, u8 *map, size_t bytes)
{
	u64 first = at / RF_LOOP_PAGE;
	size_t i;

	if (!at) {
		if (bytes < sizeof(struct rf_loop_ring))
			return -ENOMEM;
		m->ring = (struct rf_loop_ring *)map;
	}
	for (i = 0; i < bytes / RF_LOOP_PAGE; i++)
		if (first + i >= RING_PAGES && first + i - RING_PAGES < RF_LOOP_BACK)
			m->page[first + i - RING_PAGES] = map + i * RF_LOOP_PAGE;
	return 0;
}

/**
 * rfloop_memory_map() - map a ring
 * @m: (out) it
 * @region: a region, which belongs to @m from then on, also on an error
 *
 * Context: sleeps.
 * Return: 0; -ENOMEM it lies in pieces that are too small, -ENXIO it was revoked.
 */
int rfloop_memory_map(struct rfloop_memory *m, struct rf_region *region)
{
	size_t bytes;
	int ret = 0;
	u64 at;
	u8 *map;

	m->region = region;
	m->bytes = rf_region_bytes(region);
	for (at = 0; !ret && at < m->bytes; at += bytes) {
		map = rf_map(region, at, &bytes);
		if (IS_ERR(map)) {
			ret = PTR_ERR(map);
			break;
		}
		m->maps++;
		ret = memory_piece(m, at, map, bytes);
	}
	if (ret)
		rfloop_memory_unmap(m);
	return ret;
}

/**
 * rfloop_memory_unmap() - let go of it; nobody uses it any more
 * @m: the memory
 *
 * Context: sleeps.
 */
void rfloop_memory_unmap(struct rfloop_memory *m)
{
	for (; m->maps; m->maps--)
		rf_unmap(m->region);
	rf_detach(m->region);
}
