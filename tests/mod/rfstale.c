// SPDX-License-Identifier: GPL-2.0-only
/*
 * rfstale.ko: makes up for a fault of QEMU 7.2. A kernel patches code that runs by
 * way of an INT3 (text_poke_bp()). A virtual CPU that translates the place just
 * then can keep the translation with the INT3 after the code is whole again, and
 * traps where no breakpoint is: "Oops: int3". Such a trap is told by the byte that
 * stands there. It is written over itself, which makes QEMU drop its translations,
 * and the instruction is run again. A breakpoint that is there is not touched.
 *
 * For emulated machines only: a processor has no such translations.
 */
#include <linux/atomic.h>
#include <linux/kdebug.h>
#include <linux/module.h>
#include <linux/notifier.h>
#include <linux/uaccess.h>
#include <asm/processor-flags.h>
#include <asm/ptrace.h>
#include <asm/text-patching.h>

static unsigned int met;
module_param(met, uint, 0444);
MODULE_PARM_DESC(met, "such traps so far");

/* Stores what is there. Kernel text is read-only but for a CPU with WP off. */
static void rewrite(u8 *at, u8 byte)
{
	unsigned long cr0;

	asm volatile("mov %%cr0, %0" : "=r" (cr0));
	asm volatile("mov %0, %%cr0" : : "r" (cr0 & ~X86_CR0_WP) : "memory");
	cmpxchg(at, byte, byte);	/* unless somebody patches it again */
	asm volatile("mov %0, %%cr0" : : "r" (cr0) : "memory");
}

/* Runs with interrupts off on the CPU that trapped. */
static int trapped(struct notifier_block *nb, unsigned long event, void *data)
{
	struct pt_regs *regs = ((struct die_args *)data)->regs;
	u8 *at = (u8 *)regs->ip - INT3_INSN_SIZE;
	u8 byte;

	if (event != DIE_INT3 || user_mode(regs) ||
	    copy_from_kernel_nofault(&byte, at, sizeof(byte)) || byte == INT3_INSN_OPCODE)
		return NOTIFY_DONE;
	rewrite(at, byte);
	regs->ip = (unsigned long)at;
	met++;
	pr_info("a stale breakpoint of the emulator at %pS\n", at);
	return NOTIFY_STOP;
}

static struct notifier_block stale_nb = {
	.notifier_call = trapped,
	.priority = INT_MIN,
};

static int __init rfstale_init(void)
{
	return register_die_notifier(&stale_nb);
}

static void __exit rfstale_exit(void)
{
	unregister_die_notifier(&stale_nb);
}

module_init(rfstale_init);
module_exit(rfstale_exit);
MODULE_DESCRIPTION("RainForest: forgives QEMU its stale breakpoints");
MODULE_AUTHOR("RainForest developers");
MODULE_LICENSE("GPL");
