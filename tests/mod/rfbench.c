// SPDX-License-Identifier: GPL-2.0-only
/*
 * What tools/bench compares scrubbing with: the time of a plain memset() of
 * memory that a stopped subOS owns. Whoever loads it says where that is, and
 * is believed. Loading it does that, once.
 */
#include <linux/io.h>
#include <linux/ktime.h>
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

static int __init rfbench_init(void)
{
	u64 done = 0, begin = ktime_get_ns();
	int i;

	for (i = 0; i < min(nr_start, nr_bytes); i++) {
		u64 addr = start[i], end = addr + bytes[i];

		for (; addr < end; addr += SZ_2M) {
			memset(__va(addr), 0, SZ_2M);
			cond_resched();
			done += SZ_2M;
		}
	}
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
