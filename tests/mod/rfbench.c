// SPDX-License-Identifier: GPL-2.0-only
/*
 * What tools/bench compares scrubbing with: the time of a plain memset() of a
 * given range of free memory. Loading it does that once and then fails, so
 * that it need not be removed.
 */
#include <linux/gfp.h>
#include <linux/ktime.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/sizes.h>
#include <linux/string.h>

static ulong start;
module_param(start, ulong, 0);
MODULE_PARM_DESC(start, "physical address, a multiple of 128 MB");

static ulong bytes;
module_param(bytes, ulong, 0);
MODULE_PARM_DESC(bytes, "bytes, a multiple of 128 MB");

static int __init rfbench_init(void)
{
	u64 addr, begin, ns;
	int ret;

	ret = alloc_contig_range(PHYS_PFN(start), PHYS_PFN(start + bytes), MIGRATE_MOVABLE,
				 GFP_KERNEL | __GFP_NOWARN);
	if (ret)
		return ret;
	begin = ktime_get_ns();
	for (addr = start; addr < start + bytes; addr += SZ_2M) {
		memset(__va(addr), 0, SZ_2M);
		cond_resched();
	}
	ns = ktime_get_ns() - begin;
	free_contig_range(PHYS_PFN(start), bytes >> PAGE_SHIFT);
	pr_info("rfbench: memset %llu ns\n", ns);
	return -EAGAIN;
}

module_init(rfbench_init);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("reference figures for RainForest's benchmark");
