// SPDX-License-Identifier: GPL-2.0-only
/*
 * What tools/bench compares us with. Whoever loads it says which memory, and is
 * believed. Loading it does one of these, once:
 *
 *	what=memset	a plain memset() of memory that a stopped subOS owns
 *	what=take	take memory from this kernel's allocator, clear it once more just as
 *			the allocator does, give it back
 *	what=hot	remove hot-added memory of this kernel, block by block, add it again
 */
#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/ktime.h>
#include <linux/memory_hotplug.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/sizes.h>
#include <linux/string.h>

#define RANGES	64

static ulong start[RANGES];
static int nr_start;
module_param_array(start, ulong, &nr_start, 0);
MODULE_PARM_DESC(start, "physical address of each range, a multiple of 2 MB");

static ulong bytes[RANGES];
static int nr_bytes;
module_param_array(bytes, ulong, &nr_bytes, 0);
MODULE_PARM_DESC(bytes, "bytes of each range, a multiple of 2 MB");

static char *what = "memset";
module_param(what, charp, 0);
MODULE_PARM_DESC(what, "memset, take or hot");

static u64 zero(void)
{
	u64 done = 0;
	int i;

	for (i = 0; i < min(nr_start, nr_bytes); i++) {
		u64 addr = start[i], end = addr + bytes[i];

		for (; addr < end; addr += SZ_2M) {
			memset(__va(addr), 0, SZ_2M);
			cond_resched();
			done += SZ_2M;
		}
	}
	return done;
}

/* With the instructions that the allocator uses: others differ by a factor under emulation. */
static void clear(int nr)
{
	unsigned long pfn, end;

	while (nr--) {
		end = PHYS_PFN(start[nr] + bytes[nr]);
		for (pfn = PHYS_PFN(start[nr]); pfn < end; pfn++) {
			clear_page(__va(PFN_PHYS(pfn)));
			cond_resched();
		}
	}
}

static void put(int nr)
{
	while (nr--)
		free_contig_range(PHYS_PFN(start[nr]), PHYS_PFN(bytes[nr]));
}

static int take_memory(void)
{
	u64 begin = ktime_get_ns(), taken, cleared;
	int i, ret = 0, nr = min(nr_start, nr_bytes);

	for (i = 0; i < nr && !ret; i++)
		ret = alloc_contig_range(PHYS_PFN(start[i]), PHYS_PFN(start[i] + bytes[i]),
					 MIGRATE_MOVABLE, GFP_KERNEL);
	if (ret) {
		put(i - 1);
		return ret;
	}
	taken = ktime_get_ns();
	clear(nr);
	cleared = ktime_get_ns();
	put(nr);
	pr_info("take: %llu %llu %llu\n", taken - begin, cleared - taken,
		ktime_get_ns() - cleared);
	return 0;
}

/* The second half of it goes on after an error: what left should come back. */
static int hot_plug(void)
{
	u64 begin = ktime_get_ns(), gone;
	int i, ret = 0, nr = min(nr_start, nr_bytes);

	for (i = 0; i < nr && !ret; i++)
		ret = offline_and_remove_memory(start[i], bytes[i]);
	gone = ktime_get_ns();
	while (i--)
		ret = add_memory_driver_managed(memory_add_physaddr_to_nid(start[i]), start[i],
						bytes[i], "System RAM (RainForest)", MHP_NONE) ?:
		      ret;
	pr_info("hot: %llu %llu\n", gone - begin, ktime_get_ns() - gone);
	for (i = 0; i < nr && !ret; i++)
		ret = pfn_to_online_page(PHYS_PFN(start[i])) ? 0 : -EIO;
	return ret;
}

static int __init rfbench_init(void)
{
	u64 begin = ktime_get_ns(), done;

	if (!strcmp(what, "take"))
		return take_memory();
	if (!strcmp(what, "hot"))
		return hot_plug();
	done = zero();
	pr_info("rfbench: memset %llu bytes in %llu ns\n", done, ktime_get_ns() - begin);
	return 0;
}

static void __exit rfbench_exit(void)
{
}

module_init(rfbench_init);
module_exit(rfbench_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("reference figures for RainForest's benchmark");
