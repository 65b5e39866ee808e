/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Code for cores that run no kernel. Three position independent pieces, kept
 * as data here and copied by park.c to where they run:
 *
 *  rfctl_tramp	phase 1, a page below 1 MB. Entry: SIPI, real mode, CS:IP =
 *		page:0. Goes to 64-bit mode on the parking page tables (identity,
 *		four levels) and jumps to TRAMP_ENTRY.
 *  rfctl_park	the parking code, a page of the supervisor. Entry
 *		rfctl_park_entry from phase 1, rfctl_park_return from a subOS.
 *  rfctl_ret	the reset vector of the wake-up structure, a page of the subOS.
 *		Leaves the subOS's page tables and jumps to rfctl_park_return.
 *
 * Addresses are physical throughout; interrupts are off except in HLT of the
 * mailbox loop.
 */
#include <linux/linkage.h>
#include <asm/msr-index.h>
#include <asm/processor-flags.h>
#include "park.h"

	.section .rodata.rfctl_park, "a"

/* ---- phase 1 ---- */
	.balign 16
	.globl rfctl_tramp_start
rfctl_tramp_start:
	.code16
	cli
	cld
	xorl	%ebx, %ebx
	movw	%cs, %bx
	movw	%bx, %ds
	shll	$4, %ebx			/* %ebx: physical address of this page */
	lgdtl	TRAMP_GDTR
	movl	%cr0, %eax
	orl	$X86_CR0_PE, %eax
	movl	%eax, %cr0
	ljmpl	*TRAMP_JMP32

	.code32
	.globl rfctl_tramp_32
rfctl_tramp_32:
	movw	$PARK_DS, %ax
	movw	%ax, %ds
	movw	%ax, %es
	movw	%ax, %ss
	movl	$X86_CR4_PAE, %eax
	movl	%eax, %cr4
	movl	TRAMP_CR3(%ebx), %eax
	movl	%eax, %cr3
	movl	$MSR_EFER, %ecx			/* the OS that is started expects NXE */
	xorl	%edx, %edx
	movl	$(1 << 8 | 1 << 11), %eax	/* LME, NXE */
	wrmsr
	movl	$(X86_CR0_PE | X86_CR0_MP | X86_CR0_ET | X86_CR0_NE | X86_CR0_WP | X86_CR0_PG), %eax
	movl	%eax, %cr0
	ljmpl	*TRAMP_JMP64(%ebx)

	.code64
	.globl rfctl_tramp_64
rfctl_tramp_64:
	movl	%ebx, %ebx
	movq	TRAMP_ENTRY(%rbx), %rax
	jmp	*%rax
	.globl rfctl_tramp_end
rfctl_tramp_end:

/* ---- the reset vector inside a subOS ---- */
	.balign 16
	.globl rfctl_ret_start
rfctl_ret_start:
	endbr64
	cli
	leaq	rfctl_ret_start(%rip), %rbx
	movq	RET_CR3_4(%rbx), %rcx
	movl	$X86_CR4_PAE, %edx
	movq	%cr4, %rax
	btq	$X86_CR4_LA57_BIT, %rax
	jnc	1f
	movq	RET_CR3_5(%rbx), %rcx
	orl	$X86_CR4_LA57, %edx
1:	movq	RET_ENTRY(%rbx), %rax
	movq	%rdx, %cr4			/* PCIDE, PGE, SMEP, SMAP and CET go */
	movq	%rcx, %cr3
	jmp	*%rax				/* from here on nothing of the subOS is used */
	.globl rfctl_ret_end
rfctl_ret_end:

/* ---- parking ---- */
	.balign 4096
	.globl rfctl_park_start
rfctl_park_start:

/*
 * APIC registers. %r13 holds IA32_APIC_BASE; bit 10 of it says x2APIC, where
 * register R is MSR 0x800 + R / 16. Clobber %rax, %rcx, %rdx.
 */
.macro APIC_WRITE reg, value
	movl	$\value, %eax
	call	.Lapic_write_\reg
.endm

.macro APIC_WRITE_FN reg
.Lapic_write_\reg:
	btl	$10, %r13d
	jc	1f
	movq	%r13, %rdx
	andq	$~0xfff, %rdx
	movl	%eax, \reg(%rdx)
	ret
1:	movl	$(0x800 + \reg / 16), %ecx
	xorl	%edx, %edx
	wrmsr
	ret
.endm

	APIC_WRITE_FN 0x0b0
	APIC_WRITE_FN 0x0f0
	APIC_WRITE_FN 0x320
	APIC_WRITE_FN 0x340
	APIC_WRITE_FN 0x350
	APIC_WRITE_FN 0x360
	APIC_WRITE_FN 0x370
	APIC_WRITE_FN 0x380
	APIC_WRITE_FN 0x3e0

/* The current count of the timer to %eax. */
.Lapic_timer_count:
	btl	$10, %r13d
	jc	1f
	movq	%r13, %rdx
	andq	$~0xfff, %rdx
	movl	0x390(%rdx), %eax
	ret
1:	movl	$0x839, %ecx
	rdmsr
	ret

	.globl rfctl_park_return
rfctl_park_return:
	endbr64
	movl	$1, %r12d			/* came back by itself */
	jmp	.Lsettle

	.globl rfctl_park_entry
rfctl_park_entry:
	endbr64
	xorl	%r12d, %r12d

/* Own descriptor tables, own stack, known state of what INIT leaves alone. */
.Lsettle:
	leaq	rfctl_park_start(%rip), %r15
	lgdt	PARK_GDTR(%r15)
	movl	$PARK_DS, %eax
	movl	%eax, %ds
	movl	%eax, %es
	movl	%eax, %ss
	xorl	%eax, %eax
	movl	%eax, %fs
	movl	%eax, %gs
	movq	%rax, %dr7

	/* the APIC id: leaf 0xb where there is one, else 8 bits of leaf 1 */
	xorl	%eax, %eax
	cpuid
	cmpl	$0xb, %eax
	jb	1f
	movl	$0xb, %eax
	xorl	%ecx, %ecx
	cpuid
	testl	%ebx, %ebx
	jz	1f
	movl	%edx, %edi
	jmp	2f
1:	movl	$1, %eax
	cpuid
	shrl	$24, %ebx
	movl	%ebx, %edi
2:	cmpq	PARK_NR(%r15), %rdi
	jae	.Lstranger
	movq	PARK_TABLE(%r15), %rax
	movq	(%rax, %rdi, 8), %r14
	testq	%r14, %r14
	jz	.Lstranger

	leaq	SLOT_SIZE(%r14), %rsp
	leaq	.Lreload_cs(%rip), %rax
	pushq	$PARK_CS
	pushq	%rax
	lretq
.Lreload_cs:
	lidt	PARK_IDTR(%r15)
	movq	%cr4, %rax			/* a broadcast #MC must not shut the machine down */
	orq	$X86_CR4_MCE, %rax
	movq	%rax, %cr4

	movl	SLOT_NR_MSRS(%r14), %ebx
	cmpl	$SLOT_MAX_MSRS, %ebx
	ja	.Lstranger
	leaq	SLOT_MSRS(%r14), %rsi
3:	subl	$1, %ebx
	js	4f
	movl	(%rsi), %ecx
	movl	8(%rsi), %eax
	movl	12(%rsi), %edx
	wrmsr
	addq	$SLOT_MSR_SIZE, %rsi
	jmp	3b

	/* APIC on, so that a stray interrupt shows in IRR; all local sources masked */
4:	movl	$MSR_IA32_APICBASE, %ecx
	rdmsr
	shlq	$32, %rdx
	orq	%rdx, %rax
	movq	%rax, %r13
	APIC_WRITE 0x0f0, (0x100 | PARK_SPURIOUS_VECTOR)
	APIC_WRITE 0x320, 0x10000
	APIC_WRITE 0x340, 0x10000
	APIC_WRITE 0x350, 0x10000
	APIC_WRITE 0x360, 0x10000
	APIC_WRITE 0x370, 0x10000

	movq	SLOT_SEQ(%r14), %rax
	movq	%rax, SLOT_ARRIVED(%r14)
	testl	%r12d, %r12d
	jnz	.Lreturned
	movl	SLOT_CMD(%r14), %eax
	cmpl	$PARK_CMD_BOOT, %eax
	je	.Lboot
	cmpl	$PARK_CMD_WAIT, %eax
	je	.Lwait
.Lpark:
	movq	SLOT_SEQ(%r14), %rax
	movq	%rax, SLOT_PARKED(%r14)
5:	hlt
	jmp	5b

.Lreturned:
	cmpq	$0, SLOT_MAILBOX(%r14)
	je	.Lpark

/*
 * Serve the mailbox. A periodic timer interrupt of about 1 ms ends each HLT:
 * a core that spins would take its SMT sibling's and the power budget's share.
 * The timer is measured against the TSC, which is read first and last: a core
 * that is held up meanwhile (SMI, a busy emulator) finds the timer too slow and
 * would look at its mailbox too often, never too seldom. So the fastest of four
 * counts, and never less than PARK_TIMER_MIN: without that a core was seen to
 * interrupt itself every 784 ns.
 */
.Lwait:
	movq	SLOT_MAILBOX(%r14), %rbx
	movl	$PARK_TIMER_MIN, %r10d		/* ticks in 1 ms */
	movl	$4, %r9d
.Lmeasure:
	rdtsc
	shlq	$32, %rdx
	leaq	(%rax, %rdx), %r8
	APIC_WRITE 0x3e0, 3			/* divide by 16 */
	APIC_WRITE 0x380, 0xffffffff
	movq	PARK_TSC_KHZ(%r15), %rdi
	movq	%rdi, %rsi
	shrq	$3, %rsi			/* an eighth of a millisecond */
	addq	%r8, %rsi
6:	pause
	rdtsc
	shlq	$32, %rdx
	orq	%rdx, %rax
	cmpq	%rsi, %rax
	jb	6b
	call	.Lapic_timer_count
	notl	%eax
	movl	%eax, %esi
	rdtsc
	shlq	$32, %rdx
	orq	%rdx, %rax
	subq	%r8, %rax
	movq	%rax, %rcx
	movq	%rsi, %rax
	mulq	%rdi
	divq	%rcx
	cmpl	%r10d, %eax
	jbe	7f
	movl	%eax, %r10d
7:	subl	$1, %r9d
	jnz	.Lmeasure
	APIC_WRITE 0x320, (0x20000 | PARK_TIMER_VECTOR)
	movl	%r10d, %eax
	call	.Lapic_write_0x380
	movq	$1, SLOT_WAITING(%r14)

.Lpoll:
	movzwl	MAILBOX_COMMAND(%rbx), %eax
	testl	%eax, %eax
	jz	.Lsleep
	movl	MAILBOX_APICID(%rbx), %ecx
	cmpl	SLOT_APICID(%r14), %ecx
	jne	.Lsleep
	cmpl	$MAILBOX_CMD_WAKEUP, %eax
	je	.Lwakeup
	/* TEST, and what later versions may add: acknowledge */
	movw	$MAILBOX_CMD_NOOP, MAILBOX_COMMAND(%rbx)
.Lsleep:
	sti
	hlt
	cli
	jmp	.Lpoll

.Lwakeup:
	call	.Lquiet_timer
	movq	$0, SLOT_WAITING(%r14)
	movq	MAILBOX_VECTOR(%rbx), %r8
	movw	$MAILBOX_CMD_NOOP, MAILBOX_COMMAND(%rbx)
	xorl	%esi, %esi
	jmp	.Lleave

.Lboot:
	movq	SLOT_TARGET(%r14), %r8
	movq	SLOT_ARG(%r14), %rsi
.Lleave:
	xorl	%eax, %eax
	xorl	%ebx, %ebx
	xorl	%ecx, %ecx
	xorl	%edx, %edx
	xorl	%edi, %edi
	xorl	%ebp, %ebp
	jmp	*%r8

/* Stop the timer and take what is pending, so that it is not seen elsewhere. */
.Lquiet_timer:
	APIC_WRITE 0x320, 0x10000
	APIC_WRITE 0x380, 0
	sti
	nop
	cli
	ret

/* A core that has no slot: nothing here is for it. */
.Lstranger:
	hlt
	jmp	.Lstranger

/* ---- interrupts ---- */
	.balign 16
	.globl rfctl_park_nmi
rfctl_park_nmi:
	incq	SLOT_NMI(%r14)
	iretq

	.balign 16
	.globl rfctl_park_mce
rfctl_park_mce:
	pushq	%rax
	pushq	%rcx
	pushq	%rdx
	incq	SLOT_MCE(%r14)
	movl	$MSR_IA32_MCG_STATUS, %ecx	/* MCIP must go, or the next one shuts down */
	xorl	%eax, %eax
	xorl	%edx, %edx
	wrmsr
	popq	%rdx
	popq	%rcx
	popq	%rax
	iretq

	.balign 16
	.globl rfctl_park_irq
rfctl_park_irq:
	pushq	%rax
	pushq	%rcx
	pushq	%rdx
	APIC_WRITE 0x0b0, 0
	popq	%rdx
	popq	%rcx
	popq	%rax
	iretq

	.balign 16
	.globl rfctl_park_fault
rfctl_park_fault:
	popq	%rax
	movq	%rax, SLOT_FAULT_RIP(%r14)
	incq	SLOT_FAULT(%r14)
8:	hlt
	jmp	8b
	.globl rfctl_park_end
rfctl_park_end:
