// SPDX-License-Identifier: GPL-2.0-only
/*
 * rfwrong.ko: makes facts untrue that "rfm audit" looks at, as long as it is loaded: an audit
 * that no longer looks would find nothing. What it changes it finds through the addresses of
 * rfcontroller's variables, which root reads in /proc/kallsyms:
 *
 *	insmod rfwrong.ko what=WHAT[,WHAT]... cpu=N rfctl_cpus=0x... rfctl_park=0x... ...
 *
 * There are a pool with CPU N and two blocks of memory, and one subOS with a PCI function.
 * Nobody else may be at work. That an online CPU has left, or that the ledger's tables differ,
 * cannot be played without harm.
 */
#include <asm/pgtable.h>
#include <asm/set_memory.h>
#include <asm/tlbflush.h>
#include <linux/cpumask.h>
#include <linux/ioport.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/page_ref.h>
#include <linux/pci.h>
#include <linux/string.h>

#include "account.h"
#include "cpu.h"
#include "internal.h"
#include "mem.h"
#include "park.h"
#include "park_keep.h"
#include "pci_held.h"

#define NOBODY		999	/* id of no subOS */
#define CHANGES_MAX	32

static char *what = "";
module_param(what, charp, 0400);
static unsigned int cpu;
module_param(cpu, uint, 0400);

/* Where these are in rfcontroller. */
#define AT(name)	static ulong at_##name; module_param_named(name, at_##name, ulong, 0400)
AT(rfctl_cpus);
AT(rfctl_park);
AT(rfctl_mem_blocks);
AT(rfctl_subos_list);
AT(rfctl_pci_held);
AT(accounts);
AT(usage_lost);
AT(ledger_breaks);
AT(ledger_lost);

static struct rfctl_mem_block *pool[2], *block;	/* the pool's, the subOS's first */
static struct subos *so;
static struct rfctl_pci *pci;

/* What was there before, undone in the other order. */
static struct change {
	void *at;
	u64 was;
	unsigned int bytes;
} changes[CHANGES_MAX];

static unsigned int nr_changes;
static struct page *counted;	/* has a reference of ours */
static struct page *hidden;	/* ours, cannot be read */

static void change(void *at, unsigned int bytes, u64 value)
{
	struct change *c = &changes[nr_changes++];

	*c = (struct change){ .at = at, .bytes = bytes };
	memcpy(&c->was, at, bytes);
	memcpy(at, &value, bytes);
}

#define CHANGE(lvalue, value)	change(&(lvalue), sizeof(lvalue), (u64)(value))

static struct rfctl_slot *slot(void)
{
	return ((struct rfctl_park *)at_rfctl_park)->slot[cpu];
}

static int set_present(void)
{
	unsigned long *word = cpumask_bits(&__cpu_present_mask) + BIT_WORD(cpu);

	CHANGE(*word, *word | BIT_MASK(cpu));
	return 0;
}

static int set_unparked(void)
{
	CHANGE(slot()->parked, slot()->parked - 1);
	return 0;
}

static int set_fault(void)
{
	CHANGE(slot()->fault, 1);
	return 0;
}

/* As if the supervisor had it. */
static int set_cpu(void)
{
	struct rfctl_cpu *cpus = *(struct rfctl_cpu **)at_rfctl_cpus;

	CHANGE(cpus[cpumask_first(&so->cpus)].owner, RF_OWNER_SUPERVISOR);
	return 0;
}

static int set_block(void)
{
	CHANGE(block->owner, NOBODY);
	return 0;
}

static int set_twice(void)
{
	CHANGE(pool[0]->start, pool[1]->start);
	return 0;
}

static int set_shared(void)
{
	counted = pfn_to_page(PHYS_PFN(pool[1]->start) + 5);
	page_ref_inc(counted);
	return 0;
}

static int set_dirty(void)
{
	u64 *last = __va(pool[1]->start + RF_GRAIN - sizeof(*last));

	CHANGE(*last, 1);
	return 0;
}

static int set_iomem(void)
{
	struct resource *res;

	for (res = iomem_resource.child; res; res = res->sibling) {
		if (block->start < res->start || block->start > res->end)
			continue;
		CHANGE(res->flags, res->flags & ~IORESOURCE_SYSRAM);
		return 0;
	}
	return -ENODEV;
}

static void flush(void *unused)
{
	__flush_tlb_all();
}

/* Its memory type makes it a page by itself in the direct map. */
static int set_unreadable(void)
{
	unsigned long addr;
	unsigned int level;
	pte_t *pte;

	hidden = alloc_page(GFP_KERNEL);
	if (!hidden)
		return -ENOMEM;
	addr = (unsigned long)page_address(hidden);
	set_memory_uc(addr, 1);
	pte = lookup_address(addr, &level);
	if (!pte || level != PG_LEVEL_4K)
		return -EINVAL;
	CHANGE(*(u64 *)pte, pte_val(*pte) & ~(u64)_PAGE_PRESENT);
	on_each_cpu(flush, NULL, 1);
	return 0;
}

static int set_range(void)
{
	CHANGE(so->ranges[so->nr_ranges].start, pool[1]->start);
	CHANGE(so->nr_ranges, so->nr_ranges + 1);
	return 0;
}

static int set_low(void)
{
	CHANGE(so->low, so->low + RFCTL_LOW_SIZE);
	return 0;
}

static int set_driver(void)
{
	CHANGE(pci->pdev->dev.driver, NULL);
	return 0;
}

static int set_account(void)
{
	struct rf_accounts *accounts = *(struct rf_accounts **)at_accounts;
	u64 *nr = &accounts->account[accounts->nr - 1].nr[RF_ACCOUNT_CPU];

	CHANGE(*nr, *nr + 1);
	return 0;
}

static int set_usage_lost(void)
{
	CHANGE(*(u64 *)at_usage_lost, 1);
	return 0;
}

static int set_breaks(void)
{
	CHANGE(*(u64 *)at_ledger_breaks, 1);
	return 0;
}

static int set_ledger_lost(void)
{
	CHANGE(*(u64 *)at_ledger_lost, 1);
	return 0;
}

static const struct {
	const char *name;
	int (*set)(void);
} wrongs[] = {
	{ "present", set_present },
	{ "unparked", set_unparked },
	{ "fault", set_fault },
	{ "cpu", set_cpu },
	{ "block", set_block },
	{ "twice", set_twice },
	{ "shared", set_shared },
	{ "dirty", set_dirty },
	{ "iomem", set_iomem },
	{ "unreadable", set_unreadable },
	{ "range", set_range },
	{ "low", set_low },
	{ "driver", set_driver },
	{ "account", set_account },
	{ "usage-lost", set_usage_lost },
	{ "breaks", set_breaks },
	{ "ledger-lost", set_ledger_lost },
};

/* All that is changed below is there. */
static int find(void)
{
	struct list_head *blocks = (struct list_head *)at_rfctl_mem_blocks;
	struct list_head *held = (struct list_head *)at_rfctl_pci_held;
	struct rfctl_mem_block *b;
	unsigned int n = 0;

	if (!at_rfctl_cpus || !at_rfctl_park || !blocks || !at_rfctl_subos_list || !held ||
	    !at_accounts || !at_usage_lost || !at_ledger_breaks || !at_ledger_lost)
		return -EINVAL;
	so = list_first_entry_or_null((struct list_head *)at_rfctl_subos_list, struct subos, node);
	pci = list_first_entry_or_null(held, struct rfctl_pci, node);
	if (!so || !pci || so->nr_ranges == RF_WIRE_RANGES || !slot())
		return -ENODEV;
	list_for_each_entry(b, blocks, node)
		if (b->owner == RF_OWNER_FREE && n < ARRAY_SIZE(pool))
			pool[n++] = b;
		else if (b->owner == so->id && !block)
			block = b;
	return n == ARRAY_SIZE(pool) && block ? 0 : -ENODEV;
}

static void undo(void)
{
	while (nr_changes) {
		struct change *c = &changes[--nr_changes];

		memcpy(c->at, &c->was, c->bytes);
	}
	if (counted)
		page_ref_dec(counted);
	if (!hidden)
		return;
	set_memory_wb((unsigned long)page_address(hidden), 1);
	__free_page(hidden);
}

static int set_one(const char *name)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(wrongs); i++)
		if (!strcmp(wrongs[i].name, name))
			return wrongs[i].set();
	return -EINVAL;
}

static int __init rfwrong_init(void)
{
	char *rest = what, *name;
	int ret = find();

	while (!ret && (name = strsep(&rest, ",")))
		ret = set_one(name);
	if (ret)
		undo();
	return ret;
}

static void __exit rfwrong_exit(void)
{
	undo();
}

module_init(rfwrong_init);
module_exit(rfwrong_exit);
MODULE_DESCRIPTION("RainForest: what an audit shall find, for tests");
MODULE_AUTHOR("RainForest developers");
MODULE_LICENSE("GPL");
