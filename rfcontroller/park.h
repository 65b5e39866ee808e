/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Layout shared by park.c and park_64.S. Offsets are checked by static_assert
 * in park.c. Included by assembly: macros only outside of __ASSEMBLY__.
 */
#ifndef _RFCTL_PARK_H
#define _RFCTL_PARK_H

/*
 * Raised when another build could not go on with what this one left: anything
 * below that a core and the supervisor share changes, or how it is used.
 */
#define PARK_LAYOUT		1

#define PARK_MAX_APICID		0x8000	/* size limit of the table of slots */

/* phase 1, one page below 1 MB: fields at its end, filled in by park.c */
#define TRAMP_GDTR	0xf00		/* 2 bytes limit, 4 bytes base */
#define TRAMP_JMP32	0xf08		/* far pointer 16:32 */
#define TRAMP_JMP64	0xf10		/* far pointer 16:32 */
#define TRAMP_CR3	0xf18
#define TRAMP_ENTRY	0xf20		/* 64-bit address that phase 1 ends in */
#define TRAMP_GDT	0xf28		/* 4 descriptors */

/* selectors, the same in phase 1 and in the parking code */
#define PARK_CS32	0x08
#define PARK_CS		0x10
#define PARK_DS		0x18

/* the parking code's page: fields at its end */
#define PARK_GDTR	0xf00		/* 2 bytes limit, 8 bytes base */
#define PARK_IDTR	0xf10
#define PARK_TABLE	0xf20		/* address of the slot table */
#define PARK_NR		0xf28		/* its entries */
#define PARK_TSC_KHZ	0xf30
#define PARK_GDT	0xf40		/* 4 descriptors */

/* the return code's page in a subOS: fields at its end */
#define RET_CR3_4	0xf00		/* page tables of the parking code, 4 levels */
#define RET_CR3_5	0xf08		/* the same, 5 levels */
#define RET_ENTRY	0xf10		/* park_return */

/* struct rfctl_slot */
#define SLOT_SEQ	0
#define SLOT_ARRIVED	8
#define SLOT_PARKED	16
#define SLOT_CMD	24
#define SLOT_APICID	28
#define SLOT_TARGET	32
#define SLOT_ARG	40
#define SLOT_MAILBOX	48
#define SLOT_NMI	56
#define SLOT_MCE	64
#define SLOT_FAULT	72
#define SLOT_FAULT_RIP	80
#define SLOT_WAITING	88
#define SLOT_NR_MSRS	128
#define SLOT_MSRS	136
#define SLOT_MSR_SIZE	16
#define SLOT_MAX_MSRS	8
#define SLOT_SIZE	4096		/* the rest is the core's stack */

/* SLOT_CMD */
#define PARK_CMD_PARK	0		/* HLT until INIT */
#define PARK_CMD_BOOT	1		/* jump to SLOT_TARGET, %rsi = SLOT_ARG */
#define PARK_CMD_WAIT	2		/* serve the mailbox at SLOT_MAILBOX */

/* vector of the timer that lets a waiting core look at its mailbox */
#define PARK_TIMER_VECTOR	0xf0
#define PARK_SPURIOUS_VECTOR	0xff
/*
 * Ticks between two looks, divided by 16, at least: from 10 us (a timer of 1.6 GHz, as
 * fast as any) to 0.7 ms (a crystal of 24 MHz, Intel SDM vol. 3, 11.5.4).
 */
#define PARK_TIMER_MIN		1000

/* multiprocessor wake-up mailbox, ACPI 6.5 section 5.2.12.19 */
#define MAILBOX_COMMAND	0		/* 16 bit */
#define MAILBOX_APICID	4		/* 32 bit */
#define MAILBOX_VECTOR	8		/* 64 bit */
#define MAILBOX_CMD_NOOP	0
#define MAILBOX_CMD_WAKEUP	1
#define MAILBOX_CMD_TEST	2

#ifndef __ASSEMBLY__
#include <linux/types.h>

/**
 * struct rfctl_slot - what a core under our own code and the supervisor share
 * @seq: raised by the supervisor before each start of the core
 * @arrived: the core copies @seq here when it runs our code
 * @parked: the core copies @seq here when it is in the HLT loop for good
 * @cmd: PARK_CMD_*
 * @apicid: of this core
 * @target: see PARK_CMD_BOOT
 * @arg: see PARK_CMD_BOOT
 * @mailbox: see PARK_CMD_WAIT; also where a core goes that comes back through
 *	the reset vector, 0 to park it
 * @nmi: NMIs taken here
 * @mce: machine checks taken here
 * @fault: other exceptions taken here; the core is parked then
 * @fault_rip: what lay on the stack of the last one
 * @waiting: 1 while the core serves the mailbox
 * @reserved: pads
 * @nr_msrs: entries used in @msr
 * @reserved2: pads
 * @msr: registers that INIT leaves alone and that are set each time
 */
struct rfctl_slot {
	u64 seq;
	u64 arrived;
	u64 parked;
	u32 cmd;
	u32 apicid;
	u64 target;
	u64 arg;
	u64 mailbox;
	u64 nmi;
	u64 mce;
	u64 fault;
	u64 fault_rip;
	u64 waiting;
	u64 reserved[4];
	u32 nr_msrs;
	u32 reserved2;
	struct {
		u32 index;
		u32 reserved;
		u64 value;
	} msr[SLOT_MAX_MSRS];
};

/* park_64.S: pieces of code that are copied to where they run */
extern const u8 rfctl_tramp_start[], rfctl_tramp_end[];
extern const u8 rfctl_tramp_32[], rfctl_tramp_64[];
extern const u8 rfctl_park_start[], rfctl_park_end[];
extern const u8 rfctl_park_entry[], rfctl_park_return[];
extern const u8 rfctl_park_nmi[], rfctl_park_mce[], rfctl_park_fault[], rfctl_park_irq[];
extern const u8 rfctl_ret_start[], rfctl_ret_end[];
#endif /* __ASSEMBLY__ */

#endif /* _RFCTL_PARK_H */
