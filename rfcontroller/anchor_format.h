/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The anchor: what a detached supervisor leaves in memory for the build that is
 * loaded next, which may lay out its own structures otherwise. Nothing here is
 * a structure of the module's own: widths are fixed, nothing is implied.
 *
 *	struct rf_anchor_head, one or more whole pages
 *	  at RF_ANCHOR_RESOURCE: how it is found, see anchor.c
 *	  at RF_ANCHOR_PAGES: physical addresses of the pages that hold the data
 *	data: records, each a struct rf_anchor_record and its elements
 *
 * A later build may add record types, and members at the end of elements: a
 * reader fills with zeros what a writer did not know, and leaves out what it
 * does not know itself. A type that must not be left out says so.
 *
 * Pure functions: a unit test spoils anchors in user space, under sanitizers.
 */
#ifndef _RFCTL_ANCHOR_FORMAT_H
#define _RFCTL_ANCHOR_FORMAT_H

#include <rainforest/pure.h>
#include <linux/rainforest.h>
#include <linux/rainforest_wire.h>

#define RF_ANCHOR_MAGIC		0x524f48434e414652ULL	/* "RFANCHOR" */
#define RF_ANCHOR_VERSION	1
#define RF_ANCHOR_RESOURCE	0x100
#define RF_ANCHOR_NAME		0x200
#define RF_ANCHOR_PAGES		0x400
#define RF_ANCHOR_PAGE		4096UL
#define RF_ANCHOR_MAX_PAGES	65536U
#define RF_ANCHOR_BACKLOG	0x10000U

/**
 * struct rf_anchor_head - begins the anchor
 * @magic: RF_ANCHOR_MAGIC
 * @version: RF_ANCHOR_VERSION
 * @head_size: sizeof(struct rf_anchor_head)
 * @size: bytes of data
 * @sum: XXH64 of the data
 * @head_sum: that of this structure, with 0 here, and of the list of pages
 * @nr_pages: pages that hold the data
 * @reserved: 0
 * @build: version of the module that wrote it
 */
struct rf_anchor_head {
	u64 magic;
	u32 version;
	u32 head_size;
	u64 size;
	u64 sum;
	u64 head_sum;
	u32 nr_pages;
	u32 reserved;
	char build[32];
};

/**
 * struct rf_anchor_record - begins a record
 * @type: RF_ANCHOR_*; with RF_ANCHOR_OPTIONAL a reader may leave it out
 * @size: of an element, a multiple of 8
 * @count: elements that follow
 * @reserved: 0
 */
struct rf_anchor_record {
	u32 type;
	u32 size;
	u32 count;
	u32 reserved;
};

#define RF_ANCHOR_OPTIONAL	BIT(31)

enum rf_anchor_type {
	RF_ANCHOR_MACHINE = 1,
	RF_ANCHOR_PARK,
	RF_ANCHOR_PARK_PAGE,
	RF_ANCHOR_CPU,
	RF_ANCHOR_BLOCK,
	RF_ANCHOR_LOW,
	RF_ANCHOR_PCI,
	RF_ANCHOR_EXCHANGE,
	RF_ANCHOR_SUBOS,
	RF_ANCHOR_CONSOLE,
	RF_ANCHOR_LOAN,
	RF_ANCHOR_ACCOUNT,
	RF_ANCHOR_FOLDED,
	RF_ANCHOR_LEDGER,	/* struct rf_ledger_entry */
	RF_ANCHOR_EVENT,	/* struct rf_event */
	RF_ANCHOR_IMAGE,
	RF_ANCHOR_TYPES
};

/**
 * struct rf_anchor_machine - what there is once
 * @abi: RF_ABI_VERSION
 * @wire: RF_WIRE_VERSION
 * @park_layout: PARK_LAYOUT
 * @nr_cpu_ids: of the supervisor's kernel
 * @next_id: of the next subOS
 * @last_loan: number of the last loan
 * @elcr: of the interrupt controller, as the supervisor has it
 * @dir_seq: sequence count of the directory of the exchange
 * @dir: its physical address
 * @mem_pool: memory that the pool shall hold
 * @last_event: number of the newest
 * @last_change: number of the newest in the ledger
 * @breaks: see ledger.c
 * @lost: see ledger.c
 * @usage_lost: see usage.c
 * @usage_since_us: see struct rf_accounts
 * @usage_cpus: see struct rf_accounts
 * @usage_ended: see struct rf_accounts
 * @usage_folded: see struct rf_accounts
 * @reserved: 0
 */
struct rf_anchor_machine {
	u32 abi;
	u32 wire;
	u32 park_layout;
	u32 nr_cpu_ids;
	u32 next_id;
	u32 last_loan;
	u32 elcr;
	u32 dir_seq;
	u64 dir;
	u64 mem_pool;
	u64 last_event;
	u64 last_change;
	u64 breaks;
	u64 lost;
	u64 usage_lost;
	u64 usage_since_us;
	u32 usage_cpus;
	u32 usage_ended;
	u32 usage_folded;
	u32 reserved;
};

/**
 * struct rf_anchor_park - where cores run that run no kernel; physical addresses
 * @code: page of the parking code
 * @idt: its interrupt table
 * @pml4: its page tables
 * @pml5: the same for five levels
 * @slot_table: of slots, by APIC id
 * @nr_slots: entries there
 * @return_offset: where a core enters @code that comes back from a subOS
 */
struct rf_anchor_park {
	u64 code;
	u64 idt;
	u64 pml4;
	u64 pml5;
	u64 slot_table;
	u32 nr_slots;
	u32 return_offset;
};

/**
 * struct rf_anchor_park_page - a page of these, to be freed in the end
 * @phys: its physical address
 */
struct rf_anchor_park_page {
	u64 phys;
};

#define RF_ANCHOR_CPU_POOL	BIT(0)	/* the pool is to hold it */
#define RF_ANCHOR_CPU_GRANTED	BIT(1)	/* its subOS was told of it */
#define RF_ANCHOR_CPU_COUNTED	BIT(2)	/* it is on account */

/**
 * struct rf_anchor_cpu - a logical CPU of the supervisor
 * @cpu: its number
 * @apicid: its APIC id
 * @owner: RF_OWNER_* or id of a subOS
 * @core: lowest number of the CPUs of its core
 * @flags: RF_ANCHOR_CPU_*
 * @reserved: 0
 * @slot: physical address of its struct rfctl_slot, 0 for none
 */
struct rf_anchor_cpu {
	u32 cpu;
	u32 apicid;
	u32 owner;
	u32 core;
	u32 flags;
	u32 reserved;
	u64 slot;
};

#define RF_ANCHOR_DIRTY		BIT(0)
#define RF_ANCHOR_HOT		BIT(1)
#define RF_ANCHOR_OFFERED	BIT(2)

/**
 * struct rf_anchor_block - RF_GRAIN of memory, from alloc_contig_range()
 * @start: physical address
 * @owner: RF_OWNER_* or id of a subOS
 * @flags: RF_ANCHOR_*
 */
struct rf_anchor_block {
	u64 start;
	u32 owner;
	u32 flags;
};

/**
 * struct rf_anchor_low - a slice below 1 MB that is lent
 * @start: physical address
 * @owner: RF_OWNER_* or id of a subOS
 * @reserved: 0
 */
struct rf_anchor_low {
	u64 start;
	u32 owner;
	u32 reserved;
};

#define RF_ANCHOR_CLEAN		BIT(0)
#define RF_ANCHOR_UNPLUGGED	BIT(1)
#define RF_ANCHOR_OVERRIDE	BIT(2)

/**
 * struct rf_anchor_pci - a function that is not the supervisor's
 * @pdev: address of the kernel's struct pci_dev, to which a reference is held
 * @saved: address of the kernel's copy of its configuration
 * @unit: see RF_RES_PCI
 * @ecam: physical address of its configuration space
 * @owner: id of a subOS or RF_OWNER_QUARANTINE
 * @place: in the resource description of its subOS
 * @flags: RF_ANCHOR_*
 * @reserved: 0
 * @driver: that it had, empty for none
 * @override: with RF_ANCHOR_OVERRIDE: driver_override that it had
 */
struct rf_anchor_pci {
	u64 pdev;
	u64 saved;
	u64 unit;
	u64 ecam;
	u32 owner;
	u32 place;
	u32 flags;
	u32 reserved;
	char driver[32];
	char override[64];
};

/**
 * struct rf_anchor_exchange - an entry of the directory
 * @slot: its number
 * @generation: see struct exchange_slot
 * @used: see struct exchange_slot
 * @may_open: see struct exchange_slot
 * @area: physical address, 0 for none
 * @id: see struct exchange_slot
 * @reserved: 0
 * @bulk: physical addresses, 0 for none; see struct rf_ficm_entry
 */
struct rf_anchor_exchange {
	u32 slot;
	u32 generation;
	u32 used;
	u32 may_open;
	u64 area;
	u32 id;
	u32 reserved;
	u64 bulk[RF_WIRE_PEERS];
};

#define RF_ANCHOR_STARTED	BIT(0)
#define RF_ANCHOR_LOADED	BIT(1)
#define RF_ANCHOR_RUNNING	BIT(2)
#define RF_ANCHOR_LISTED	BIT(3)
#define RF_ANCHOR_LISTENS	BIT(4)
#define RF_ANCHOR_HAS_MEMORY	BIT(5)
#define RF_ANCHOR_ASKED		BIT(6)

/**
 * struct rf_anchor_subos - a subOS; see struct subos
 * @id: its id
 * @state: enum rf_state
 * @flags: RF_ANCHOR_*
 * @info_flags: RF_INFO_*
 * @boot_cpu: logical CPU
 * @ficm_slot: entry in the directory
 * @con_seq: last request to it
 * @desc_seq: sequence count of its resource description
 * @request_seq: see struct subos
 * @generation: counts its starts
 * @probe_seq: see struct subos
 * @sub_state: see struct subos
 * @nr_online: see struct subos
 * @priority: see struct subos
 * @svc: physical address of the service area, with RF_ANCHOR_HAS_MEMORY
 * @mem_bytes: memory that it has
 * @low: its slice below 1 MB
 * @entry: of its kernel
 * @heartbeat: last one seen
 * @created_ns: wall clock
 * @started_ns: wall clock
 * @started_ktime: monotonic clock
 * @stage_ns: see enum rf_stage
 * @name: its name
 * @reason: see struct subos
 * @release: see struct subos
 * @boot_id: see struct subos
 * @on_crash: enum rf_on_crash
 * @restarts: see struct rf_info
 * @max_cpus: see struct rf_policy
 * @reserved: 0
 * @max_bytes: see struct rf_policy
 * @asks: see struct rf_info
 * @asks_refused: see struct rf_info
 */
struct rf_anchor_subos {
	u32 id;
	u32 state;
	u32 flags;
	u32 info_flags;
	u32 boot_cpu;
	u32 ficm_slot;
	u32 con_seq;
	u32 desc_seq;
	u32 request_seq;
	u32 generation;
	u32 probe_seq;
	u32 sub_state;
	u32 nr_online;
	s32 priority;
	u64 svc;
	u64 mem_bytes;
	u64 low;
	u64 entry;
	u64 heartbeat;
	u64 created_ns;
	u64 started_ns;
	u64 started_ktime;
	u64 stage_ns[16];
	char name[32];
	char reason[128];
	char release[64];
	char boot_id[40];
	u32 on_crash;
	u32 restarts;
	u32 max_cpus;
	u32 reserved;
	u64 max_bytes;
	u64 asks;
	u64 asks_refused;
};

/**
 * struct rf_anchor_image - what a subOS is booted from again
 * @id: of the subOS
 * @reserved: 0
 * @data: virtual address of the copy, which stays where it is: vmalloc() memory
 * @bytes: its size
 * @req: addresses in it lie in the copy, but for that of the segments
 * @seg: its segments
 */
struct rf_anchor_image {
	u32 id;
	u32 reserved;
	u64 data;
	u64 bytes;
	struct rf_load req;
	struct rf_segment seg[RF_SEGMENTS_MAX];
};

/**
 * struct rf_anchor_console - its terminal; see struct rfctl_console
 * @id: of the subOS
 * @broken: it wrote nonsense
 * @attached: its rings are used
 * @reserved: 0
 * @in_head: see struct rfctl_console
 * @in_tail: see struct rfctl_console
 * @out_tail: see struct rfctl_console
 * @winsize_seq: see struct rfctl_console
 * @rows: see struct rfctl_console
 * @cols: see struct rfctl_console
 * @head: see struct rfctl_console
 * @backlog: the last bytes
 */
struct rf_anchor_console {
	u32 id;
	u32 broken;
	u32 attached;
	u32 reserved;
	u32 in_head;
	u32 in_tail;
	u32 out_tail;
	u32 winsize_seq;
	u32 rows;
	u32 cols;
	u64 head;
	u8 backlog[RF_ANCHOR_BACKLOG];
};

/**
 * struct rf_anchor_loan - see struct rf_loan
 * @id: number of the loan
 * @kind: RF_RES_CPU or RF_RES_MEMORY
 * @start: see RF_RES_*
 * @length: see RF_RES_*
 * @from: id of the lender
 * @to: id of the borrower
 * @since_ns: wall clock
 * @home: it is the lender's again, who does not know yet
 * @reserved: 0
 */
struct rf_anchor_loan {
	u32 id;
	u32 kind;
	u64 start;
	u64 length;
	u32 from;
	u32 to;
	u64 since_ns;
	u32 home;
	u32 reserved;
};

/**
 * struct rf_anchor_account - see struct rf_account; in the order of struct rf_accounts
 * @owner: id of a subOS or RF_OWNER_*
 * @flags: RF_USAGE_GONE
 * @name: of the subOS
 * @nr: CPUs, blocks
 * @us: the same times microseconds
 * @at_us: when @us was brought up to date
 */
struct rf_anchor_account {
	u32 owner;
	u32 flags;
	char name[32];
	u64 nr[2];
	u64 us[2];
	u64 at_us;
};

/**
 * struct rf_anchor_folded - an owner as of before the oldest entry of the ledger
 * @key: see ledger.c
 * @owner: RF_OWNER_* or id of a subOS
 * @reserved: 0
 */
struct rf_anchor_folded {
	u64 key;
	u32 owner;
	u32 reserved;
};

/**
 * struct rf_anchor_out - an anchor that is being written
 * @buf: where the data goes, NULL: only count
 * @size: bytes there
 * @used: bytes used so far
 * @last: where the last record begins
 * @full: there was no room for something
 */
struct rf_anchor_out {
	void *buf;
	u64 size;
	u64 used;
	u64 last;
	bool full;
};

/**
 * struct rf_anchor - the data of an anchor that was checked
 * @buf: the data
 * @size: bytes
 */
struct rf_anchor {
	const void *buf;
	u64 size;
};

/**
 * struct rf_anchor_iter - a place in it
 * @anchor: the anchor
 * @type: of the elements looked for
 * @at: the record that comes next
 * @left: elements that are left of the one before
 * @elem: the next of these
 * @size: their size
 */
struct rf_anchor_iter {
	const struct rf_anchor *anchor;
	u32 type;
	u64 at;
	u32 left;
	const u8 *elem;
	u32 size;
};

/**
 * rf_anchor_put() - add an element
 * @out: the anchor
 * @type: RF_ANCHOR_*
 * @elem: the element
 * @size: its size, a multiple of 8
 */
void rf_anchor_put(struct rf_anchor_out *out, u32 type, const void *elem, u32 size);

/**
 * rf_anchor_walk() - are these records?
 * @anchor: the data
 * @why: (out) what is wrong with them, a word or two
 *
 * Return: 0. -EBADMSG they are not; -EPROTO one is of a type that is not known and
 * must not be left out.
 */
int rf_anchor_walk(const struct rf_anchor *anchor, const char **why);

/**
 * rf_anchor_first() - prepare to go through the elements of a type
 * @it: (out) a place before the first
 * @anchor: the data, for which rf_anchor_walk() gave 0
 * @type: RF_ANCHOR_*
 */
void rf_anchor_first(struct rf_anchor_iter *it, const struct rf_anchor *anchor, u32 type);

/**
 * rf_anchor_next() - the next element
 * @it: the place, moved on
 * @elem: (out) a copy; zeros where the writer knew of less
 * @size: of @elem
 *
 * Return: whether there was one.
 */
bool rf_anchor_next(struct rf_anchor_iter *it, void *elem, u32 size);

/* How many elements of a type there are. */
u64 rf_anchor_count(const struct rf_anchor *anchor, u32 type);

#endif /* _RFCTL_ANCHOR_FORMAT_H */
