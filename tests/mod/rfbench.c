// SPDX-License-Identifier: GPL-2.0-only
/*
 * What tools/bench compares scrubbing with: the time of a plain memset() of
 * the blocks of a given range, as many as are free, each with an empty TLB as
 * when its last owner was another kernel. Loading it does that once and then
 * fails, so that it need not be removed.
 */
#include <linux/gfp.h>
#include <linux/ktime.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/sizes.h>
#include <linux/string.h>
#include <asm/special_insns.h>

static ulong start;
module_param(start, ulong, 0);
MODULE_PARM_DESC(start, "physical address, a multiple of 128 MB");

static ulong bytes;
module_param(bytes, ulong, 0);
MODULE_PARM_DESC(bytes, "bytes, a multiple of 128 MB");

/* Global entries too: they go when CR4.PGE changes (Intel SDM vol. 3, 4.10.4.1). */
static void rfbench_flush_tlb(void)
{
	unsigned long flags, cr4;

	local_irq_save(flags);
	cr4 = __read_cr4();
	__write_cr4(cr4 ^ X86_CR4_PGE);
	__write_cr4(cr4);
	local_irq_restore(flags);
}

static u64 rfbench_block(u64 addr)
{
	u64 end = addr + SZ_128M, begin;

	rfbench_flush_tlb();
	begin = ktime_get_ns();
	for (; addr < end; addr += SZ_2M) {
		memset(__va(addr), 0, SZ_2M);
		cond_resched();
	}
	return ktime_get_ns() - begin;
}

static int __init rfbench_init(void)
{
	u64 addr, ns = 0, done = 0;

	for (addr = start; addr < start + bytes; addr += SZ_128M) {
		if (alloc_contig_range(PHYS_PFN(addr), PHYS_PFN(addr + SZ_128M),
				       MIGRATE_MOVABLE, GFP_KERNEL | __GFP_NOWARN))
			continue;
		ns += rfbench_block(addr);
		done += SZ_128M;
		free_contig_range(PHYS_PFN(addr), SZ_128M >> PAGE_SHIFT);
	}
	pr_info("rfbench: memset %llu bytes in %llu ns\n", done, ns);
	return -EAGAIN;
}

module_init(rfbench_init);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("reference figures for RainForest's benchmark");
