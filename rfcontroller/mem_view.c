// SPDX-License-Identifier: GPL-2.0-only
/*
 * DOC: Memory that left the supervisor: listed, and checked against the machine
 */
#include <linux/mm.h>
#include <linux/seq_buf.h>
#include <linux/string.h>
#include "internal.h"
#include "mem.h"

/**
 * rfctl_mem_resources - list the memory that left the supervisor
 * @res: (out) entries, may be NULL when @max is 0
 * @max: room in @res
 *
 * Adjacent blocks of one owner are one entry, unless it booted with one and not
 * with the other: an entry begins where its kernel does.
 *
 * Return: number of entries, may exceed @max.
 */
unsigned int rfctl_mem_resources(struct rf_resource *res, unsigned int max)
{
	struct rf_resource cur = { .kind = 0 };
	struct rfctl_mem_block *block;
	unsigned int n = 0;
	bool hot = false;

	guard(mutex)(&rfctl_mem_list_lock);
	list_for_each_entry(block, &rfctl_mem_blocks, node) {
		if (cur.kind && cur.owner == block->owner && hot == block->hot &&
		    cur.start + cur.length == block->start) {
			cur.length += RF_GRAIN;
		} else {
			n++;
			cur = (struct rf_resource){
				.kind = RF_RES_MEMORY,
				.owner = block->owner,
				.start = block->start,
				.length = RF_GRAIN,
				.aux = page_to_nid(pfn_to_page(PHYS_PFN(block->start))),
			};
			hot = block->hot;
		}
		if (n <= max)
			res[n - 1] = cur;
	}
	return n;
}

static bool mem_reads_zero(u64 start)
{
	u64 end = start + RF_GRAIN;

	for (; start < end; start += PAGE_SIZE)
		if (memchr_inv(__va(start), 0, PAGE_SIZE))
			return false;
	return true;
}

/**
 * rfctl_mem_audit - check the owners of memory against the live machine
 * @audit: counters
 * @out: findings
 */
void rfctl_mem_audit(struct rf_audit *audit, struct seq_buf *out)
{
	struct rfctl_mem_block *block;

	guard(mutex)(&rfctl_mem_lock);
	list_for_each_entry(block, &rfctl_mem_blocks, node) {
		unsigned long pfn = PHYS_PFN(block->start), end = pfn + GRAIN_PAGES;
		u64 bad = 0;

		for (; pfn < end; pfn++)
			bad += !pfn_valid(pfn) || page_count(pfn_to_page(pfn)) != 1 ||
			       page_mapped(pfn_to_page(pfn));
		rfctl_audit_check(audit, out, !bad,
				  "memory %#llx: %llu pages are not ours alone", block->start, bad);
		rfctl_audit_check(audit, out, rfctl_ledger_owner(RF_RES_MEMORY, block->start) ==
				  block->owner, "memory %#llx: ledger and owner differ",
				  block->start);
		if (audit->flags & RF_AUDIT_READ_PAGES && block->owner == RF_OWNER_FREE)
			rfctl_audit_check(audit, out, mem_reads_zero(block->start),
					  "memory %#llx in the pool is not zero", block->start);
		cond_resched();
	}
}
