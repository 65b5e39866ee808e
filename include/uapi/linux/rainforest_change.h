/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * User interface of RainForest: what changes of a subOS that runs, loans, policies. Part
 * of linux/rainforest.h, which has the conventions and the calls.
 */
#ifndef _UAPI_LINUX_RAINFOREST_CHANGE_H
#define _UAPI_LINUX_RAINFOREST_CHANGE_H

#include <linux/rainforest_base.h>
#include <linux/types.h>

/* how a resource of a subOS that runs shall change */
#define RF_RESIZE_ADD		(1U << 0)	/* this much more; without: so much in all */
#define RF_RESIZE_REMOVE	(1U << 1)	/* this much less */
#define RF_RESIZE_DRY_RUN	(1U << 2)	/* check only, change nothing */

/**
 * enum rf_resize_stage - where the time of a change went
 * @RF_RESIZE_TAKE: take it from the supervisor, or from the pool
 * @RF_RESIZE_ASK: from the request to the answer of the subOS, its work included
 * @RF_RESIZE_WORK: what the subOS says that it worked itself
 * @RF_RESIZE_PARK: prove that cores are parked, reset functions
 * @RF_RESIZE_SCRUB: zero memory
 * @RF_RESIZE_GIVE: give it back to the supervisor, or to the pool
 * @RF_RESIZE_STAGES: number of stages
 */
enum rf_resize_stage {
	RF_RESIZE_TAKE		= 0,
	RF_RESIZE_ASK		= 1,
	RF_RESIZE_WORK		= 2,
	RF_RESIZE_PARK		= 3,
	RF_RESIZE_SCRUB		= 4,
	RF_RESIZE_GIVE		= 5,
	RF_RESIZE_STAGES	= 6,
};

/**
 * struct rf_resize_cpus - RF_IOC_RESIZE_CPUS: move cores to or from a subOS that runs
 * @size: (in) size of this structure
 * @flags: (in) RF_RESIZE_*
 * @mask: (in/out) user address of a bit mask of logical CPUs: in, which; all
 *	zero: any @count; out, the CPUs that the subOS has now
 * @mask_bytes: (in) size of the mask, a multiple of 8
 * @count: (in) number of CPUs when the mask is zero, else 0
 * @timeout_ms: (in) how long the subOS may take for each core, 0: 10 s
 * @got: (out) number of CPUs that the subOS has now
 * @stage_ns: (out) see enum rf_resize_stage
 * @msg: (in) buffer for a message, or 0
 * @msg_len: (in) its size
 * @reserved: 0
 *
 * Without RF_RESIZE_ADD or RF_RESIZE_REMOVE the mask or the count is what the
 * subOS shall have in all: cores are added first, then removed. The boot core
 * stays. Cores go one after the other; after a failure those that moved stay
 * moved, and @got tells how far it came.
 *
 * Return: 0. EINVAL as RF_IOC_ADD_CPUS, or the boot core would go; EBUSY a CPU
 * has another owner, or the subOS is being changed by somebody else; ENODEV
 * more than are to be had, or not that many to be removed; ENOTCONN the subOS
 * does not run, or has no module of ours that listens; EREMOTEIO it refused,
 * the message says what; ETIMEDOUT it did not answer: what was offered stays
 * its own; EOPNOTSUPP its kernel cannot let a core go (before 6.11); EPIPE it
 * ended meanwhile; EIO a core did not reach the parking loop and is
 * quarantined; ENOMEM, EINTR.
 */
struct rf_resize_cpus {
	__u32 size;
	__u32 flags;
	__u64 mask;
	__u32 mask_bytes;
	__u32 count;
	__u32 timeout_ms;
	__u32 got;
	__u64 stage_ns[RF_RESIZE_STAGES];
	__u64 msg;
	__u32 msg_len;
	__u32 reserved;
};

/**
 * struct rf_resize_memory - RF_IOC_RESIZE_MEMORY: change the memory of a subOS that runs
 * @size: (in) size of this structure
 * @flags: (in) RF_RESIZE_*
 * @bytes: (in) what it shall have in all, or more, or less: growth is rounded
 *	up to RF_GRAIN, shrinking down
 * @got: (out) what it has now
 * @timeout_ms: (in) limit for taking, and for each block at the subOS, 0: 60 s
 * @node: (in) NUMA node to grow from, or -1
 * @held_by: (out) where a block could not leave: physical address of a page
 *	that held it back, 0 when not known
 * @stage_ns: (out) see enum rf_resize_stage
 * @msg: (in) buffer for a message, or 0
 * @msg_len: (in) its size
 * @reserved: 0
 *
 * Growing is all or nothing as far as the supervisor is concerned. Only memory
 * that was added to the running kernel can leave it; what it booted with stays
 * until it is started again. A block that cannot leave is passed over, others
 * are tried.
 *
 * Return: 0. ENOMEM not that much can be had (@got tells what it has); EREMOTEIO
 * not all that was wanted could leave, or the subOS refused; ENOSPC it would
 * have more ranges than RF_WIRE_RANGES; EINVAL, EBUSY, ENOTCONN, ETIMEDOUT,
 * EPIPE, ETIME, EINTR as RF_IOC_RESIZE_CPUS and RF_IOC_ADD_MEMORY.
 */
struct rf_resize_memory {
	__u32 size;
	__u32 flags;
	__u64 bytes;
	__u64 got;
	__u32 timeout_ms;
	__s32 node;
	__u64 held_by;
	__u64 stage_ns[RF_RESIZE_STAGES];
	__u64 msg;
	__u32 msg_len;
	__u32 reserved;
};

/**
 * struct rf_resize_pci - RF_IOC_RESIZE_PCI: give a PCI function to a subOS that runs, or take it
 * @size: (in) size of this structure
 * @flags: (in) RF_RESIZE_ADD or RF_RESIZE_REMOVE
 * @segment: (in) PCI segment (Linux: domain)
 * @bus: (in) bus number
 * @devfn: (in) device << 3 | function
 * @timeout_ms: (in) how long the subOS may take, 0: 10 s
 * @stage_ns: (out) see enum rf_resize_stage
 * @msg: (in) buffer for a message, or 0
 * @msg_len: (in) its size
 * @reserved: 0
 *
 * Return: 0. As RF_IOC_ADD_PCI; ENOENT the subOS does not have it; EREMOTEIO
 * the subOS refused, as a file system on it is mounted; EIO it could not be
 * reset and is quarantined; ENOTCONN, ETIMEDOUT, EPIPE, EBUSY as
 * RF_IOC_RESIZE_CPUS.
 */
struct rf_resize_pci {
	__u32 size;
	__u32 flags;
	__u16 segment;
	__u8 bus;
	__u8 devfn;
	__u32 timeout_ms;
	__u64 stage_ns[RF_RESIZE_STAGES];
	__u64 msg;
	__u32 msg_len;
	__u32 reserved;
};

/**
 * struct rf_borrow - RF_IOC_BORROW: cores or memory from one subOS to another
 * @size: (in) size of this structure
 * @flags: (in) RF_BORROW_PREEMPT: only if @to has the higher priority
 * @from: (in) name of the subOS that lends
 * @to: (in) name of the subOS that borrows
 * @mask: (in) user address of a bit mask of logical CPUs, which; all zero: any
 *	@count
 * @mask_bytes: (in) size of the mask, a multiple of 8
 * @count: (in) number of CPUs when the mask is zero, else 0
 * @bytes: (in) memory, a multiple of RF_GRAIN; not together with CPUs
 * @timeout_ms: (in) how long each of them may take for each core or block, 0: 10 s
 * @id: (out) number of the loan, for RF_IOC_RETURN; 0 when nothing moved
 * @got: (out) CPUs, or bytes, that moved
 * @stage_ns: (out) see enum rf_resize_stage, both subOSes together
 * @msg: (in) buffer for a message, or 0
 * @msg_len: (in) its size
 * @reserved: 0
 *
 * Cores go from parking to parking and memory is zeroed in between; neither is
 * the supervisor's meanwhile. The loan ends with RF_IOC_RETURN, and when the
 * kernel that borrowed ends, in whatever way: then the lender gets it back, or,
 * when it is gone, the pool. When the lender is destroyed first the borrower
 * keeps it as its own.
 *
 * Return: 0. As RF_IOC_RESIZE_CPUS and RF_IOC_RESIZE_MEMORY; ENOENT one of the
 * two does not exist; EINVAL they are the same; EPERM see @flags. What the
 * borrower would not take went back to the lender.
 */
struct rf_borrow {
	__u32 size;
	__u32 flags;
	char from[RF_NAME_MAX];
	char to[RF_NAME_MAX];
	__u64 mask;
	__u32 mask_bytes;
	__u32 count;
	__u64 bytes;
	__u32 timeout_ms;
	__u32 id;
	__u64 got;
	__u64 stage_ns[RF_RESIZE_STAGES];
	__u64 msg;
	__u32 msg_len;
	__u32 reserved;
};

#define RF_BORROW_PREEMPT	(1U << 0)

/**
 * struct rf_return - RF_IOC_RETURN: end a loan
 * @size: (in) size of this structure
 * @flags: (in) 0
 * @id: (in) number of the loan
 * @timeout_ms: (in) as struct rf_borrow
 * @got: (out) CPUs and blocks that went back
 * @stage_ns: (out) see enum rf_resize_stage
 * @msg: (in) buffer for a message, or 0
 * @msg_len: (in) its size
 * @reserved: 0
 *
 * Return: as RF_IOC_BORROW. ENOENT there is no such loan. What did not go back
 * stays lent.
 */
struct rf_return {
	__u32 size;
	__u32 flags;
	__u32 id;
	__u32 timeout_ms;
	__u64 got;
	__u64 stage_ns[RF_RESIZE_STAGES];
	__u64 msg;
	__u32 msg_len;
	__u32 reserved;
};

/**
 * struct rf_loan - one core or block that is lent
 * @id: number of the loan
 * @kind: RF_RES_CPU or RF_RES_MEMORY
 * @start: see RF_RES_*
 * @length: see RF_RES_*
 * @from: id of the lender
 * @to: id of the borrower
 * @since_ns: wall clock
 * @from_name: name of the lender
 * @to_name: name of the borrower
 */
struct rf_loan {
	__u32 id;
	__u32 kind;
	__u64 start;
	__u64 length;
	__u32 from;
	__u32 to;
	__u64 since_ns;
	char from_name[RF_NAME_MAX];
	char to_name[RF_NAME_MAX];
};

/**
 * struct rf_loans - RF_IOC_LOANS: what is lent
 * @size: (in) size of this structure
 * @flags: (in) 0
 * @entries: (in) user address of an array of struct rf_loan
 * @capacity: (in) entries in the array
 * @count: (out) entries there are, may exceed @capacity
 *
 * Return: 0. EFAULT.
 */
struct rf_loans {
	__u32 size;
	__u32 flags;
	__u64 entries;
	__u32 capacity;
	__u32 count;
};

/**
 * struct rf_priority - RF_IOC_PRIORITY on a subOS descriptor: who may take from whom
 * @size: (in) size of this structure
 * @flags: (in) 0
 * @priority: (in) -100 to 100; 0 at the start. See RF_BORROW_PREEMPT
 * @reserved: 0
 *
 * Return: 0. EINVAL.
 */
struct rf_priority {
	__u32 size;
	__u32 flags;
	__s32 priority;
	__u32 reserved;
};

/**
 * struct rf_policy - RF_IOC_POLICY on a subOS descriptor: what happens without the operator
 * @size: (in) size of this structure
 * @flags: (in) RF_POLICY_*: which of these are set; the others stay as they are
 * @on_crash: (in) enum rf_on_crash, for a panic and for a boot that never gives
 *	a sign of life. Nothing is done to one that was asked to end before, nor
 *	to one that is hung
 * @max_cpus: (in) up to so many CPUs its own requests may get it, 0: none are heard
 * @max_bytes: (in) the same of memory
 * @msg: (in) buffer for a message, or 0
 * @msg_len: (in) its size
 * @reserved: 0
 *
 * Return: 0. EINVAL; EOPNOTSUPP a bare subOS does not tell of a crash; ENODATA
 * restarts of a subOS that runs need RF_IOC_KEEP first; ENOENT it is gone.
 */
struct rf_policy {
	__u32 size;
	__u32 flags;
	__u32 on_crash;
	__u32 max_cpus;
	__u64 max_bytes;
	__u64 msg;
	__u32 msg_len;
	__u32 reserved;
};

#define RF_POLICY_ON_CRASH	(1U << 0)
#define RF_POLICY_MAX_CPUS	(1U << 1)
#define RF_POLICY_MAX_MEMORY	(1U << 2)

#endif /* _UAPI_LINUX_RAINFOREST_CHANGE_H */
