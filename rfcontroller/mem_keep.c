// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory over a change of the module: it stays allocated, only the list of it
 * goes and comes.
 */
#include <linux/slab.h>
#include "anchor.h"
#include "fail.h"
#include "internal.h"
#include "mem.h"

/**
 * rfctl_mem_save - put it into the anchor
 * @out: the anchor
 */
void rfctl_mem_save(struct rf_anchor_out *out)
{
	struct rfctl_mem_block *block;

	guard(mutex)(&rfctl_mem_list_lock);
	list_for_each_entry(block, &rfctl_mem_blocks, node) {
		const struct rf_anchor_block b = {
			.start = block->start,
			.owner = block->owner,
			.flags = (block->dirty ? RF_ANCHOR_DIRTY : 0) |
				 (block->hot ? RF_ANCHOR_HOT : 0) |
				 (block->offered ? RF_ANCHOR_OFFERED : 0),
		};

		rf_anchor_put(out, RF_ANCHOR_BLOCK, &b, sizeof(b));
	}
}

/**
 * rfctl_mem_forget - free the list, not the memory
 */
void rfctl_mem_forget(void)
{
	struct rfctl_mem_block *block, *next;

	list_for_each_entry_safe(block, next, &rfctl_mem_blocks, node) {
		list_del(&block->node);
		kfree(block);
	}
}

/**
 * rfctl_mem_init - take the list from the anchor, which was checked
 *
 * Return: 0, -ENOMEM.
 */
int rfctl_mem_init(void)
{
	struct rf_anchor_machine machine;
	struct rfctl_mem_block *block;
	struct rf_anchor_iter it;
	struct rf_anchor_block b;

	if (!rfctl_adopted)
		return 0;
	rfctl_adopt_machine(&machine);
	guard(mutex)(&rfctl_mem_list_lock);
	rf_anchor_first(&it, rfctl_adopted, RF_ANCHOR_BLOCK);
	while (rf_anchor_next(&it, &b, sizeof(b))) {
		block = rfctl_zalloc(sizeof(*block));
		if (!block) {
			rfctl_mem_forget();
			return -ENOMEM;
		}
		block->start = b.start;
		block->owner = b.owner;
		block->dirty = b.flags & RF_ANCHOR_DIRTY;
		block->hot = b.flags & RF_ANCHOR_HOT;
		block->offered = b.flags & RF_ANCHOR_OFFERED;
		list_add_tail(&block->node, &rfctl_mem_blocks);
	}
	rfctl_mem_pool = machine.mem_pool;
	return 0;
}
