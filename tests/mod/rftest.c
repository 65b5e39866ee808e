// SPDX-License-Identifier: GPL-2.0-only
/*
 * rftest: does on demand what a broken kernel does. Loading it is the deed.
 *
 *	what=spin	this CPU loops with interrupts off, for good
 *	what=spin-all	every CPU does
 *	what=triple	a triple fault
 *	what=nmi	an NMI to the core with the APIC id given
 *	what=broadcast	a reschedule interrupt with the all-but-self shorthand
 *	what=port	a write to I/O port 0x80
 *	what=pattern	fills free memory with a pattern made from the seed
 *	what=pin	takes a page in [start, start + bytes) and keeps it until it is
 *			unloaded; it cannot be moved
 */
#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/irqflags.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/sched/signal.h>
#include <linux/smp.h>
#include <linux/string.h>
#include <asm/apic.h>
#include <asm/desc.h>
#include <asm/irq_vectors.h>

static char *what = "";
module_param(what, charp, 0400);
MODULE_PARM_DESC(what, "spin, spin-all, triple, nmi, broadcast, port, pattern or pin");

static uint apicid;
module_param(apicid, uint, 0400);
MODULE_PARM_DESC(apicid, "for nmi: whom");

static ulong seed = 1;
module_param(seed, ulong, 0400);
MODULE_PARM_DESC(seed, "for pattern: each word is the seed times a constant");

static ulong start;
module_param(start, ulong, 0400);
MODULE_PARM_DESC(start, "for pin: physical address");

static ulong bytes;
module_param(bytes, ulong, 0400);
MODULE_PARM_DESC(bytes, "for pin: size of the range");

static struct page *pinned;

static void spin(void *unused)
{
	local_irq_disable();
	for (;;)
		cpu_relax();
}

static void triple_fault(void)
{
	struct desc_ptr none = { };

	local_irq_disable();
	asm volatile("lidt %0; int3" : : "m" (none));
}

/* Page by page until nothing is free; the pages are lost for this kernel. */
static void fill_memory(void)
{
	u64 word = seed * 0x9e3779b97f4a7c15ULL;
	ulong pages = 0;
	struct page *page;

	while (!fatal_signal_pending(current)) {
		page = alloc_page(GFP_HIGHUSER | __GFP_NORETRY | __GFP_NOWARN);
		if (!page)
			break;
		memset64(page_address(page), word, PAGE_SIZE / sizeof(word));
		pages++;
	}
	pr_info("filled %lu pages\n", pages);
}

/* Movable memory, as somebody who does not keep the rules takes it. */
static int pin_page(void)
{
	struct page *page, *next;
	LIST_HEAD(others);

	while (!fatal_signal_pending(current)) {
		page = alloc_page(GFP_HIGHUSER_MOVABLE | __GFP_NORETRY | __GFP_NOWARN);
		if (!page)
			break;
		if (page_to_phys(page) - start < bytes) {
			pinned = page;
			break;
		}
		list_add(&page->lru, &others);
	}
	list_for_each_entry_safe(page, next, &others, lru)
		__free_page(page);
	if (!pinned)
		return -ENOMEM;
	pr_info("pinned %#llx\n", page_to_phys(pinned));
	return 0;
}

static int __init rftest_init(void)
{
	if (!strcmp(what, "spin"))
		spin(NULL);
	if (!strcmp(what, "spin-all"))
		on_each_cpu(spin, NULL, 0);
	else if (!strcmp(what, "triple"))
		triple_fault();
	else if (!strcmp(what, "nmi"))
		apic->icr_write(APIC_DM_NMI | APIC_DEST_PHYSICAL, apicid);
	else if (!strcmp(what, "broadcast"))
		apic->icr_write(APIC_DEST_ALLBUT | APIC_DM_FIXED | RESCHEDULE_VECTOR, 0);
	else if (!strcmp(what, "port"))
		outb(0, 0x80);
	else if (!strcmp(what, "pattern"))
		fill_memory();
	else if (!strcmp(what, "pin"))
		return pin_page();
	else
		return -EINVAL;
	return 0;
}
module_init(rftest_init);

static void __exit rftest_exit(void)
{
	if (pinned)
		__free_page(pinned);
}
module_exit(rftest_exit);

MODULE_DESCRIPTION("RainForest: misbehaviour, for tests");
MODULE_AUTHOR("RainForest developers");
MODULE_LICENSE("GPL");
