/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * User interface of RainForest: ledger, audit, events, figures and accounts. Part of
 * linux/rainforest.h, which has the conventions and the calls.
 */
#ifndef _UAPI_LINUX_RAINFOREST_WATCH_H
#define _UAPI_LINUX_RAINFOREST_WATCH_H

#include <linux/rainforest_base.h>
#include <linux/types.h>

/**
 * struct rf_ledger_entry - one change of owner
 * @seq: counts from 1
 * @time_ns: wall clock, ns since 1970
 * @kind: RF_RES_*
 * @from: owner before
 * @to: owner after; the same as @from where the change failed
 * @error: 0, or the errno of the failure
 * @start: see RF_RES_*
 * @length: see RF_RES_*
 */
struct rf_ledger_entry {
	__u64 seq;
	__u64 time_ns;
	__u32 kind;
	__u32 from;
	__u32 to;
	__u32 error;
	__u64 start;
	__u64 length;
};

/**
 * struct rf_ledger - RF_IOC_LEDGER: the changes of owner so far
 * @size: (in) size of this structure
 * @flags: (in) 0
 * @entries: (in) user address of an array of struct rf_ledger_entry
 * @first: (in) first @seq wanted; (out) first @seq stored in @entries. Old
 *	entries are forgotten in the end: then it is larger than asked
 * @capacity: (in) entries in the array
 * @count: (out) entries stored
 *
 * Return: 0. EFAULT.
 */
struct rf_ledger {
	__u32 size;
	__u32 flags;
	__u64 entries;
	__u64 first;
	__u32 capacity;
	__u32 count;
};

/**
 * struct rf_audit - RF_IOC_AUDIT: check the invariants against the live machine
 * @size: (in) size of this structure
 * @flags: (in) RF_AUDIT_READ_PAGES: read a word of every online page too
 * @checks: (out) facts that were checked
 * @violations: (out) facts that did not hold
 * @text: (in) user address of a buffer for the findings, one a line
 * @text_len: (in) its size; (out) bytes stored, without the final NUL
 * @reserved: 0
 *
 * Return: 0, also with violations. EFAULT, ENOMEM, EINTR.
 */
struct rf_audit {
	__u32 size;
	__u32 flags;
	__u64 checks;
	__u64 violations;
	__u64 text;
	__u32 text_len;
	__u32 reserved;
};

#define RF_AUDIT_READ_PAGES	(1U << 0)

/**
 * struct rf_stats - RF_IOC_STATS on a subOS descriptor: what its kernel says of its work
 * @size: (in) size of this structure
 * @flags: (in) 0
 * @timeout_ms: (in) how long the subOS may take, 0: 1 s
 * @nr_cpus: (out) CPUs on line inside
 * @time_ns: (out) time since that kernel booted
 * @user_ns: (out) work of programs, all CPUs together
 * @system_ns: (out) work of the kernel
 * @idle_ns: (out) no work
 * @irq_ns: (out) of @system_ns, in interrupts
 * @interrupts: (out) since it booted
 * @switches: (out) context switches since it booted
 * @mem_total: (out) bytes that its allocator manages
 * @mem_free: (out) bytes
 * @mem_available: (out) bytes that programs can get
 * @processes: (out) tasks that run or want to
 * @reserved: 0
 *
 * All figures are the subOS's own words.
 *
 * Return: 0. ENOTCONN, ETIMEDOUT, EPIPE as RF_IOC_RESIZE_CPUS; EREMOTEIO what
 * it wrote makes no sense.
 */
struct rf_stats {
	__u32 size;
	__u32 flags;
	__u32 timeout_ms;
	__u32 nr_cpus;
	__u64 time_ns;
	__u64 user_ns;
	__u64 system_ns;
	__u64 idle_ns;
	__u64 irq_ns;
	__u64 interrupts;
	__u64 switches;
	__u64 mem_total;
	__u64 mem_free;
	__u64 mem_available;
	__u32 processes;
	__u32 reserved;
};

/* kinds of event */
#define RF_EVENT_CREATED	1	/* RF_IOC_CREATE; the subOS exists */
#define RF_EVENT_STATE		2	/* it is in another state: @value, enum rf_state */
#define RF_EVENT_CPUS		3	/* it has another number of CPUs: @value */
#define RF_EVENT_MEMORY		4	/* it has another amount of memory: @value, bytes */
#define RF_EVENT_PCI		5	/* it has another number of PCI functions: @value */
#define RF_EVENT_GONE		6	/* all was given back */
#define RF_EVENT_POLICY		7	/* its policy was changed */
#define RF_EVENT_ON_CRASH	8	/* its policy acts: @value, enum rf_on_crash */
#define RF_EVENT_REFUSED	9	/* what it asked for was refused */

/**
 * struct rf_event - something that happened to a subOS
 * @seq: counts from 1
 * @time_ns: wall clock, ns since 1970
 * @kind: RF_EVENT_*
 * @id: id of the subOS
 * @value: see RF_EVENT_*
 * @error: 0, or the errno of a change that failed
 * @reserved: 0
 * @name: its name
 * @text: why, one line
 */
struct rf_event {
	__u64 seq;
	__u64 time_ns;
	__u32 kind;
	__u32 id;
	__u64 value;
	__u32 error;
	__u32 reserved;
	char name[RF_NAME_MAX];
	char text[RF_REASON_MAX];
};

/**
 * struct rf_events - RF_IOC_EVENTS: what happened so far
 * @size: (in) size of this structure
 * @flags: (in) 0
 * @entries: (in) user address of an array of struct rf_event
 * @first: (in) first @seq wanted, 0: what comes next; (out) first @seq stored.
 *	Old events are forgotten in the end: then it is larger than asked
 * @capacity: (in) entries in the array
 * @count: (out) entries stored
 *
 * A descriptor of /dev/rainforest can be polled: EPOLLIN when there is an event
 * behind the last one that RF_IOC_EVENTS stored on this descriptor; one that
 * stored none yet waits for what comes next.
 *
 * Return: 0. EFAULT, ENOMEM.
 */
struct rf_events {
	__u32 size;
	__u32 flags;
	__u64 entries;
	__u64 first;
	__u32 capacity;
	__u32 count;
};

/**
 * struct rf_usage_entry - what one owner has had so far
 * @owner: id of a subOS or RF_OWNER_*; where several are summed up, the highest
 * @flags: RF_USAGE_GONE: the subOS has ended
 * @name: name of the subOS, else empty
 * @cpu_us: CPUs times microseconds
 * @block_us: blocks of RF_GRAIN times microseconds; 0 for the supervisor
 */
struct rf_usage_entry {
	__u32 owner;
	__u32 flags;
	char name[RF_NAME_MAX];
	__u64 cpu_us;
	__u64 block_us;
};

#define RF_USAGE_GONE		(1U << 0)

/**
 * struct rf_usage - RF_IOC_USAGE: what each owner has had so far
 * @size: (in) size of this structure
 * @flags: (in) 0
 * @entries: (in) user address of an array of struct rf_usage_entry
 * @capacity: (in) entries in the array
 * @count: (out) entries there are, may exceed @capacity
 * @now_us: (out) monotonic clock of the supervisor at this moment
 * @since_us: (out) the same when counting began
 * @nr_cpus: (out) CPUs that are counted
 * @reserved: 0
 *
 * All entries are of the same moment: the sum of all @cpu_us is @nr_cpus times
 * (@now_us - @since_us), to the last microsecond. The oldest of the subOSes
 * that have ended are summed up in one entry without name when there are many.
 *
 * Return: 0. EFAULT, ENOMEM.
 */
struct rf_usage {
	__u32 size;
	__u32 flags;
	__u64 entries;
	__u32 capacity;
	__u32 count;
	__u64 now_us;
	__u64 since_us;
	__u32 nr_cpus;
	__u32 reserved;
};

#endif /* _UAPI_LINUX_RAINFOREST_WATCH_H */
