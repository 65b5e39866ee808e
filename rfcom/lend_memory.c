// SPDX-License-Identifier: GPL-2.0-only
/*
 * The memory of a region: pieces of up to 4 MB, as the supervisor's allocator has them.
 * The table for other kernels is a copy: they could write to it.
 */
#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/mm.h>
#include <linux/sizes.h>
#include <linux/slab.h>

#include "lend.h"

#define PIECE_MAX	SZ_4M	/* what alloc_pages_exact() can do in any kernel */

static void *piece_alloc(size_t *size, u64 left)
{
	gfp_t gfp = GFP_KERNEL | __GFP_ZERO | __GFP_NOWARN;
	void *piece;

	while (*size > left)
		*size /= 2;
	while (*size > PAGE_SIZE) {
		piece = alloc_pages_exact(*size, gfp | __GFP_NORETRY);
		if (piece)
			return piece;
		*size /= 2;
	}
	return alloc_pages_exact(*size, gfp | __GFP_RETRY_MAYFAIL);
}

static void memory_free_pieces(struct lent_memory *m)
{
	u32 i;

	for (i = 0; i < m->nr; i++)
		free_pages_exact(m->piece[i].start, m->piece[i].bytes);
	kvfree(m->piece);
}

static int memory_make_table(struct lent_memory *m)
{
	u32 i;

	m->table = alloc_pages_exact(m->nr * sizeof(*m->table), GFP_KERNEL | __GFP_ZERO);
	if (!m->table)
		return -ENOMEM;
	for (i = 0; i < m->nr; i++) {
		m->table[i].start = cpu_to_le64(virt_to_phys(m->piece[i].start));
		m->table[i].bytes = cpu_to_le64(m->piece[i].bytes);
	}
	return 0;
}

/**
 * rfcom_memory_alloc() - get memory for a region, zeroed
 * @m: (out) where it is
 * @bytes: how much, whole pages
 *
 * Context: sleeps.
 * Return: 0, -ENOMEM, also when it would lie in too many pieces.
 */
int rfcom_memory_alloc(struct lent_memory *m, u64 bytes)
{
	size_t size = PIECE_MAX;
	u64 left = bytes;

	m->nr = 0;
	m->piece = kvcalloc(RF_COM_EXTENTS, sizeof(*m->piece), GFP_KERNEL);
	if (!m->piece)
		return -ENOMEM;
	for (; left && m->nr < RF_COM_EXTENTS; left -= size) {
		void *start = piece_alloc(&size, left);

		if (!start)
			break;
		m->piece[m->nr].start = start;
		m->piece[m->nr++].bytes = size;
		cond_resched();
	}
	if (!left && !memory_make_table(m))
		return 0;
	memory_free_pieces(m);
	return -ENOMEM;
}

/**
 * rfcom_memory_free() - nobody has it mapped any more
 * @m: where it is
 */
void rfcom_memory_free(struct lent_memory *m)
{
	free_pages_exact(m->table, m->nr * sizeof(*m->table));
	memory_free_pieces(m);
}
