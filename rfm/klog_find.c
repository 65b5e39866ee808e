// SPDX-License-Identifier: GPL-2.0-only
/*
 * Looks for the log in the first part of the subOS's memory, where its kernel's
 * image lies. The kernel's data holds a pointer to the VMCOREINFO page once
 * that exists, so that the rest of the memory need not be searched; and the
 * static ring itself, which can be recognised from the first message on.
 */
#include "klog_priv.h"

#include <stdlib.h>
#include <string.h>

#include <linux/rainforest.h>

#define SCAN_MAX	(256ULL << 20)	/* a kernel image ends before this */
#define SCAN_BEHIND	(64ULL << 20)	/* its data ends less than this behind its ring */
#define EMPTY_MAX	(32ULL << 20)	/* so many zeros are in no kernel image */
#define CHUNK		(256U << 10)
#define PAGE_SIZE	4096
#define PAGES_MAX	65536		/* different pages looked at in one search */
#define SEEN_BITS	14

/* One search. */
struct search {
	const struct rfm_mem *mem;
	__u64 phys_base;
	__u64 end;
	__u64 empty;
	unsigned int nr_pages;
	bool found;
	struct klog_ring best;
	__u64 best_end;
	__u64 seen[1 << SEEN_BITS];
	unsigned char chunk[CHUNK + 2 * KLOG_RING_MAX];
};

/* Data repeats pointers: most are seen more than once. */
static bool was_seen(struct search *s, __u64 page)
{
	__u64 *slot = &s->seen[(page / PAGE_SIZE * 0x9e3779b97f4a7c15ULL) >> (64 - SEEN_BITS)];
	bool seen = *slot == page;

	*slot = page;
	return seen;
}

static bool try_page(struct search *s, __u64 page)
{
	char tag[sizeof(KLOG_VMCOREINFO_TAG) - 1];
	struct klog_ring ring;

	if (was_seen(s, page) || s->nr_pages++ >= PAGES_MAX ||
	    s->mem->read(s->mem->ctx, page, tag, sizeof(tag)) ||
	    memcmp(tag, KLOG_VMCOREINFO_TAG, sizeof(tag)) ||
	    !klog_from_vmcoreinfo(&ring, s->mem, page))
		return false;
	s->best = ring;
	s->found = true;
	return true;
}

/*
 * The ring with the newest message: with many CPUs a second one replaces the
 * static one. Of equals the first: while a kernel unpacks itself, a copy of its
 * data lies behind the place where it belongs.
 */
static void try_ring(struct search *s, __u64 address, const unsigned char *head,
		     const struct klog_layout *layout)
{
	struct klog_bounds bounds;
	struct klog_ring ring;

	if (!klog_looks_like_ring(head, layout) ||
	    !klog_ring_take(&ring, s->mem, s->phys_base, address, layout) ||
	    !klog_ring_bounds(&bounds, &ring, ring.head))
		return;
	if (s->found && bounds.end <= s->best_end)
		return;
	ring.by_shape = true;
	s->best = ring;
	s->best_end = bounds.end;
	s->found = true;
	if (s->end > address + SCAN_BEHIND)
		s->end = address + SCAN_BEHIND;
}

/* Return: true when the search is over. */
static bool search_word(struct search *s, __u64 address, const unsigned char *p)
{
	__u64 word = klog_get64(p, 0);
	unsigned int i;
	__u64 page;

	if (!word)
		return false;
	if (!(word & (PAGE_SIZE - 1)) &&
	    klog_translate(&page, s->mem, s->phys_base, word, PAGE_SIZE))
		return try_page(s, page);
	/* the head of a ring begins with count_bits and padding */
	if (word > 64)
		return false;
	for (i = 0; i < klog_nr_layouts; i++)
		try_ring(s, address, p, &klog_layouts[i]);
	return false;
}

static bool is_empty(const unsigned char *p, size_t size)
{
	return !p[0] && !memcmp(p, p + 1, size - 1);
}

static bool search_chunk(struct search *s, __u64 address, size_t size)
{
	size_t off;

	if (s->mem->read(s->mem->ctx, address, s->chunk, size))
		return false;
	/* memory that was not written yet is zero: a search before the boot is short */
	s->empty += CHUNK;
	if (is_empty(s->chunk, size))
		return s->empty >= EMPTY_MAX;
	s->empty = 0;
	memset(s->chunk + size, 0, KLOG_RING_MAX);
	for (off = 0; off + 8 <= size && off < CHUNK; off += 8) {
		if (search_word(s, address + off, s->chunk + off))
			return true;
	}
	return false;
}

static void search_image(struct search *s)
{
	const struct rfm_mem_range *first = &s->mem->ranges[0];
	__u64 address = first->start + RF_SERVICE_SIZE;
	size_t size;

	s->end = first->start + (first->length < SCAN_MAX ? first->length : SCAN_MAX);
	for (; address < s->end; address += CHUNK) {
		/* some more, for a ring that lies across the end */
		size = CHUNK + KLOG_RING_MAX;
		if (size > first->start + first->length - address)
			size = first->start + first->length - address;
		if (search_chunk(s, address, size))
			return;
	}
}

bool klog_find(struct klog_ring *ring, const struct rfm_mem *mem)
{
	struct search *s;
	bool found;

	if (!mem->nr_ranges || mem->ranges[0].length <= RF_SERVICE_SIZE)
		return false;
	s = calloc(1, sizeof(*s));
	if (!s)
		return false;
	s->mem = mem;
	/* without KASLR the image lies where its addresses say, from the base on */
	s->phys_base = mem->ranges[0].start;
	search_image(s);
	found = s->found;
	if (found)
		*ring = s->best;
	free(s);
	return found;
}
