// SPDX-License-Identifier: GPL-2.0-only
/*
 * The memory of a ring: a region of the supervisor's, in pieces.
 */
#include <linux/err.h>
#include <linux/memremap.h>
#include <linux/mm.h>
#include <linux/sizes.h>
#include <linux/slab.h>

#include "internal.h"

#define UNIT		SZ_2M	/* for which x86 can have pages, or not */
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

/* Pages for a piece, as far as it has whole units of what there can be pages for. */
static void frames_make(struct rfloop_memory *m, u64 at, u64 place, size_t bytes)
{
	u64 start = ALIGN(place, UNIT), end = ALIGN_DOWN(place + bytes, UNIT), page;
	struct dev_pagemap *map;
	void *made;

	if (start >= end || m->nr_made == RFLOOP_MADE)
		return;
	map = kzalloc(sizeof(*map), GFP_KERNEL);
	if (!map)
		return;
	map->type = MEMORY_DEVICE_GENERIC;
	map->range.start = start;
	map->range.end = end - 1;
	map->nr_range = 1;
	made = memremap_pages(map, NUMA_NO_NODE);
	if (IS_ERR(made)) {
		pr_info_once("packets are copied: there can be no pages for %#llx: error %ld\n",
			     start, PTR_ERR(made));
		kfree(map);
		return;
	}
	m->made[m->nr_made++] = map;
	for (; start < end; start += RF_LOOP_PAGE) {
		page = (at + start - place) / RF_LOOP_PAGE;
		if (page >= RING_PAGES && page - RING_PAGES < RF_LOOP_BACK)
			m->frame[page - RING_PAGES] = pfn_to_page(PHYS_PFN(start));
	}
}

/**
 * rfloop_memory_frames() - have pages of it that can be attached to packets
 * @m: the memory, mapped
 *
 * In the supervisor it is its own. Where there are none, packets are copied.
 *
 * Context: sleeps.
 */
void rfloop_memory_frames(struct rfloop_memory *m)
{
	u64 at, place;
	size_t bytes;
	u32 i;

	if (rfloop_own_id == FICM_SUPERVISOR) {
		for (i = 0; i < RF_LOOP_BACK && m->page[i]; i++)
			m->frame[i] = virt_to_page(m->page[i]);
		return;
	}
	for (at = 0; at < m->bytes; at += bytes) {
		if (IS_ERR(rf_map(m->region, at, &bytes)))
			return;
		m->maps++;
		if (!rf_region_place(m->region, at, &place))
			frames_make(m, at, place, bytes);
	}
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
 * rfloop_memory_unmap() - let go of it; nobody uses it any more, no packet has a page of it
 * @m: the memory
 *
 * Context: sleeps.
 */
void rfloop_memory_unmap(struct rfloop_memory *m)
{
	while (m->nr_made) {
		memunmap_pages(m->made[--m->nr_made]);
		kfree(m->made[m->nr_made]);
	}
	for (; m->maps; m->maps--)
		rf_unmap(m->region);
	rf_detach(m->region);
}
