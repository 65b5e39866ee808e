// SPDX-License-Identifier: GPL-2.0-only
/*
 * rftest: does on demand what a broken kernel does. Loading it is the deed.
 *
 *	what=spin	this CPU loops with interrupts off, for good
 *	what=spin-all	every CPU does
 *	what=halt-all	every CPU halts with interrupts off: costs an emulator nothing
 *	what=triple	a triple fault
 *	what=nmi	an NMI to the core with the APIC id given
 *	what=broadcast	a reschedule interrupt with the all-but-self shorthand
 *	what=port	a write to I/O port 0x80
 *	what=pattern	fills free memory with a pattern made from the seed
 *	what=pin	takes a page in [start, start + bytes) and keeps it until it is
 *			unloaded; it cannot be moved
 *	what=at-panic, at-spin, at-skip
 *			once the kernel comes to the function @at, or with after=1
 *			when it returns: a panic; this CPU loops with interrupts
 *			off; the function does nothing and returns @ret
 */
#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/irqflags.h>
#include <linux/kprobes.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/panic.h>
#include <linux/ptrace.h>
#include <linux/sched/signal.h>
#include <linux/smp.h>
#include <linux/string.h>
#include <asm/apic.h>
#include <asm/desc.h>
#include <asm/irq_vectors.h>

static char *what = "";
module_param(what, charp, 0400);
MODULE_PARM_DESC(what, "what to do, see the head of this file");

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

static char *at = "";
module_param(at, charp, 0400);
MODULE_PARM_DESC(at, "for at-: name of the function");

static bool after;
module_param(after, bool, 0400);
MODULE_PARM_DESC(after, "for at-panic and at-spin: when it returns");

static long ret_value;
module_param_named(ret, ret_value, long, 0400);
MODULE_PARM_DESC(ret, "for at-skip: what it returns");

static void spin(void *unused)
{
	local_irq_disable();
	for (;;)
		cpu_relax();
}

static void stop_here(void *unused)
{
	local_irq_disable();
	for (;;)
		asm volatile("hlt");	/* an NMI ends it */
}

static void triple_fault(void)
{
	struct desc_ptr none = { };

	local_irq_disable();
	asm volatile("lidt %0; int3" : : "m" (none));
}

#define FILL_SPARE	2048	/* pages: what a shell needs to go on */

/* Page by page until nothing is free; all but the last ones are lost for this kernel. */
static void fill_memory(void)
{
	u64 word = seed * 0x9e3779b97f4a7c15ULL;
	struct page *page, *next;
	ulong pages = 0, spare = 0;
	LIST_HEAD(filled);

	while (!fatal_signal_pending(current)) {
		page = alloc_page(GFP_HIGHUSER | __GFP_NORETRY | __GFP_NOWARN);
		if (!page)
			break;
		memset64(page_address(page), word, PAGE_SIZE / sizeof(word));
		list_add(&page->lru, &filled);
		pages++;
	}
	list_for_each_entry_safe(page, next, &filled, lru) {
		if (spare++ == FILL_SPARE)
			break;
		list_del(&page->lru);
		__free_page(page);
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

static void at_do(void)
{
	if (!strcmp(what, "at-panic"))
		panic("rftest: %s %s", after ? "after" : "at", at);
	pr_emerg("spin %s %s\n", after ? "after" : "at", at);
	spin(NULL);
}

/* Entered instead of the function: only it finds back, wherever the probe was. */
static noinline notrace void at_nothing(void)
{
	barrier();
}

static int at_enter(struct kprobe *kp, struct pt_regs *regs)
{
	if (strcmp(what, "at-skip"))
		at_do();
	regs->ax = ret_value;
	regs->ip = (unsigned long)at_nothing;
	return 1;
}

/* With this the probe stays a breakpoint: one made a jump cannot skip the function. */
static void at_passed(struct kprobe *kp, struct pt_regs *regs, unsigned long flags)
{
}

static int at_return(struct kretprobe_instance *ri, struct pt_regs *regs)
{
	at_do();
	return 0;
}

static struct kprobe at_probe = { .pre_handler = at_enter, .post_handler = at_passed };
static struct kretprobe at_retprobe = { .handler = at_return, .maxactive = 8 };
static bool at_placed;

static int at_place(void)
{
	int ret;

	at_probe.symbol_name = at;
	at_retprobe.kp.symbol_name = at;
	ret = after ? register_kretprobe(&at_retprobe) : register_kprobe(&at_probe);
	at_placed = !ret;
	return ret;
}

static int __init rftest_init(void)
{
	if (!strcmp(what, "spin"))
		spin(NULL);
	if (!strcmp(what, "spin-all"))
		on_each_cpu(spin, NULL, 0);
	else if (!strcmp(what, "halt-all"))
		on_each_cpu(stop_here, NULL, 0);
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
	else if (!strncmp(what, "at-", 3))
		return at_place();
	else
		return -EINVAL;
	return 0;
}
module_init(rftest_init);

static void __exit rftest_exit(void)
{
	if (at_placed && after)
		unregister_kretprobe(&at_retprobe);
	else if (at_placed)
		unregister_kprobe(&at_probe);
	if (pinned)
		__free_page(pinned);
}
module_exit(rftest_exit);

MODULE_DESCRIPTION("RainForest: misbehaviour, for tests");
MODULE_AUTHOR("RainForest developers");
MODULE_LICENSE("GPL");
