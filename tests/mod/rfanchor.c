// SPDX-License-Identifier: GPL-2.0-only
/*
 * rfanchor.ko: a bit that flips in the anchor of a detached supervisor. Loading it
 * flips it, unloading flips it back:
 *
 *	insmod rfanchor.ko phys=0x... at=N		byte N of the head
 *	insmod rfanchor.ko phys=0x... at=N data=1	byte N of the first page of data
 *	insmod rfanchor.ko phys=0x... version=N		another version
 */
#include <linux/io.h>
#include <linux/mm.h>
#include <linux/module.h>
#include "../../rfcontroller/anchor_format.h"

static unsigned long long phys;
module_param(phys, ullong, 0400);
static unsigned int at;
module_param(at, uint, 0400);
static bool data;
module_param(data, bool, 0400);
static unsigned int version;
module_param(version, uint, 0400);

static u8 *spoilt;
static u32 old_version;

static int __init rfanchor_init(void)
{
	struct rf_anchor_head *head = __va(phys);
	u64 *list = (void *)head + RF_ANCHOR_PAGES;

	if (!phys || !pfn_valid(PHYS_PFN(phys)) || at >= PAGE_SIZE ||
	    head->magic != RF_ANCHOR_MAGIC)
		return -EINVAL;
	if (version) {
		old_version = head->version;
		head->version = version;
		return 0;
	}
	spoilt = (data ? (u8 *)__va(list[0]) : (u8 *)head) + at;
	*spoilt ^= 1;
	return 0;
}

static void __exit rfanchor_exit(void)
{
	struct rf_anchor_head *head = __va(phys);

	if (spoilt)
		*spoilt ^= 1;
	else
		head->version = old_version;
}

module_init(rfanchor_init);
module_exit(rfanchor_exit);
MODULE_DESCRIPTION("RainForest: an anchor that is spoiled");
MODULE_AUTHOR("RainForest developers");
MODULE_LICENSE("GPL");
