/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * User interface of the RainForest supervisor module, /dev/rainforest.
 *
 * A subOS is made in steps, on the file descriptor that RF_IOC_CREATE returns:
 *
 *	fd = ioctl(dev, RF_IOC_CREATE, ...)	a name and an id, nothing else
 *	ioctl(fd, RF_IOC_ADD_CPUS, ...)		cores leave the supervisor
 *	ioctl(fd, RF_IOC_ADD_MEMORY, ...)	memory leaves the supervisor
 *	ioctl(fd, RF_IOC_ADD_PCI, ...)		one call for each PCI function
 *	ioctl(fd, RF_IOC_LOAD, ...)		kernel, initrd, tables
 *	ioctl(fd, RF_IOC_START)			the boot core starts
 *
 * Closing that descriptor before RF_IOC_START undoes every step: a tool that
 * is killed in the middle of a creation leaves the machine as it was. From
 * RF_IOC_START on the subOS lives by itself until RF_IOC_DESTROY; other
 * descriptors for it come from RF_IOC_OPEN.
 *
 * A subOS descriptor can also be
 *  - read with pread(): the offset is a physical address, and only memory that
 *    the subOS owns can be read (EFAULT otherwise). What is read was written
 *    by another kernel and deserves no trust;
 *  - polled, as a pidfd is: EPOLLRDHUP when the subOS is dead (stopped, crashed,
 *    quarantined or gone) and as long as it is not started again, EPOLLHUP when
 *    it is gone; EPOLLIN when the state, whatever it is, has changed since the
 *    last RF_IOC_INFO on this descriptor.
 *
 * Conventions. Every structure begins with its own size in bytes, as the
 * caller knows it, and flags; unknown flags, non-zero reserved fields and a
 * size below that of the first version give EINVAL, non-zero bytes beyond
 * what the kernel knows give E2BIG. Where a structure has @msg and @msg_len,
 * they name a buffer that receives one line of text, ended by NUL, that says
 * what a failure was about ("CPU 3 belongs to subOS web"). Calls need
 * CAP_SYS_ADMIN (EPERM), and a supervisor that is not detached (ESHUTDOWN). CPU
 * numbers are the supervisor's logical CPUs, sizes and addresses are bytes.
 */
#ifndef _UAPI_LINUX_RAINFOREST_H
#define _UAPI_LINUX_RAINFOREST_H

#include <linux/ioctl.h>
#include <linux/rainforest_base.h>
#include <linux/rainforest_change.h>
#include <linux/rainforest_watch.h>
#include <linux/types.h>

#define RF_ABI_VERSION		3	/* raised when any structure here changes incompatibly */
#define RF_IOC_MAGIC		0xB9

/**
 * struct rf_version - RF_IOC_VERSION: who is there
 * @size: (in) size of this structure
 * @flags: (in) 0, (out) RF_VERSION_*
 * @abi: (out) RF_ABI_VERSION of the module
 * @wire: (out) RF_WIRE_VERSION of the module
 * @version: (out) release of the module, a string
 *
 * Return: 0. EFAULT.
 */
struct rf_version {
	__u32 size;
	__u32 flags;
	__u32 abi;
	__u32 wire;
	char version[32];
};

#define RF_VERSION_DETACHED	(1U << 0)	/* RF_IOC_DETACH: all else gives ESHUTDOWN */

/**
 * struct rf_create - RF_IOC_CREATE: begin a subOS
 * @size: (in) size of this structure
 * @flags: (in) 0
 * @name: (in) [a-z0-9][a-z0-9._-]*, ended by NUL
 * @id: (out) id, unique until the module is unloaded for good (not detached)
 * @reserved: 0
 * @msg: (in) buffer for a message, or 0
 * @msg_len: (in) its size
 * @reserved2: 0
 *
 * Return: a file descriptor (close-on-exec). EEXIST the name is in use,
 * EINVAL the name is malformed, ENOSPC no low-memory slice is left (it bounds
 * the number of subOSes), EBUSY the module is shutting down, ENOMEM.
 */
struct rf_create {
	__u32 size;
	__u32 flags;
	char name[RF_NAME_MAX];
	__u32 id;
	__u32 reserved;
	__u64 msg;
	__u32 msg_len;
	__u32 reserved2;
};

/**
 * struct rf_open - RF_IOC_OPEN: a descriptor for a subOS that exists
 * @size: (in) size of this structure
 * @flags: (in) 0
 * @name: (in) its name
 *
 * Return: a file descriptor. ENOENT there is none of this name.
 */
struct rf_open {
	__u32 size;
	__u32 flags;
	char name[RF_NAME_MAX];
};

/**
 * struct rf_cpus - RF_IOC_ADD_CPUS: give cores to a subOS that was not started
 * @size: (in) size of this structure
 * @flags: (in) RF_CPUS_DRY_RUN: check only, change nothing
 * @mask: (in/out) user address of a bit mask of logical CPUs: in, the CPUs
 *	wanted; out, the CPUs given. All zero on entry: any @count CPUs, whole
 *	SMT cores, free ones first
 * @mask_bytes: (in) size of the mask, a multiple of 8
 * @count: (in) number of CPUs when the mask is zero, else 0
 * @msg: (in) buffer for a message, or 0
 * @msg_len: (in) its size
 * @reserved: 0
 *
 * The first CPU in the mask becomes the boot core. Each core is taken off
 * line, forgotten by the supervisor's broadcasts, and parked under the
 * module's own tables before the call returns.
 *
 * Return: 0. EINVAL a CPU that does not exist, CPU 0, an incomplete SMT core
 * or a malformed mask; EBUSY it has another owner, the supervisor cannot let
 * it go, or the subOS was loaded (RF_IOC_LOAD wrote down what it has) or
 * started; ENODEV more than are to be had; EIO a core did not reach the
 * parking loop and is quarantined; ENOMEM, EINTR.
 */
struct rf_cpus {
	__u32 size;
	__u32 flags;
	__u64 mask;
	__u32 mask_bytes;
	__u32 count;
	__u64 msg;
	__u32 msg_len;
	__u32 reserved;
};

#define RF_CPUS_DRY_RUN		(1U << 0)

/**
 * struct rf_memory - RF_IOC_ADD_MEMORY: give memory to a subOS that was not started
 * @size: (in) size of this structure
 * @flags: (in) RF_MEMORY_DRY_RUN: say how much could be tried, change nothing
 * @bytes: (in) wanted, rounded up to RF_GRAIN
 * @got: (out) given; after ENOMEM, what could have been had
 * @timeout_ms: (in) limit for the whole call, 0 for the default of 60 s
 * @node: (in) NUMA node, or -1 for any
 * @msg: (in) buffer for a message, or 0
 * @msg_len: (in) its size
 * @reserved: 0
 *
 * All or nothing. What was given reads as zeros.
 *
 * Return: 0. ENOMEM not that much can be had; EINVAL; ETIME the limit was
 * reached; EBUSY the subOS has memory, or was loaded or started; EINTR.
 */
struct rf_memory {
	__u32 size;
	__u32 flags;
	__u64 bytes;
	__u64 got;
	__u32 timeout_ms;
	__s32 node;
	__u64 msg;
	__u32 msg_len;
	__u32 reserved;
};

#define RF_MEMORY_DRY_RUN	(1U << 0)

/**
 * struct rf_pci - RF_IOC_ADD_PCI: give a PCI function to a subOS that was not started
 * @size: (in) size of this structure
 * @flags: (in) RF_PCI_DRY_RUN: check only, change nothing
 * @segment: (in) PCI segment (Linux: domain)
 * @bus: (in) bus number
 * @devfn: (in) device << 3 | function
 * @msg: (in) buffer for a message, or 0
 * @msg_len: (in) its size
 * @reserved2: 0
 * @reserved: 0
 *
 * The function's driver is unbound, the function is reset, its bus mastering
 * is off. At the end of the subOS it is reset again and its driver rebound.
 *
 * Return: 0. ENODEV there is no such function; EBUSY it has another owner or
 * is in use, or the subOS was loaded or started; EOPNOTSUPP it has no MSI or
 * MSI-X, cannot be reset, is a bridge, or stands behind a translating IOMMU or
 * interrupt remapping; ENOSPC more functions than a subOS can have; EIO the
 * reset failed.
 */
struct rf_pci {
	__u32 size;
	__u32 flags;
	__u16 segment;
	__u8 bus;
	__u8 devfn;
	__u32 reserved;
	__u64 msg;
	__u32 msg_len;
	__u32 reserved2;
};

#define RF_PCI_DRY_RUN		(1U << 0)

/**
 * struct rf_segment - a piece of a kernel image
 * @src: user address of the bytes
 * @filesz: number of bytes to copy
 * @dest: where to, relative to the base of the subOS's first memory range
 * @memsz: bytes that the piece occupies, at least @filesz; the rest is zero
 */
struct rf_segment {
	__u64 src;
	__u64 filesz;
	__u64 dest;
	__u64 memsz;
};

/**
 * struct rf_load - RF_IOC_LOAD: put a kernel into the subOS's memory
 * @size: (in) size of this structure
 * @flags: (in) RF_LOAD_*
 * @segments: (in) user address of an array of struct rf_segment
 * @nr_segments: (in) its length, at most RF_SEGMENTS_MAX
 * @kernel_version: (in) major << 16 | minor << 8 | patch (patch at most 255)
 * @entry: (in) 64-bit entry point, relative to the base of the first range
 * @setup_header: (in) user address of the bzImage's setup header: the bytes
 *	from offset 0x1f1 on (Documentation/arch/x86/boot.rst)
 * @setup_header_size: (in) number of bytes, at most 0x290 - 0x1f1
 * @cmdline_size: (in) bytes of @cmdline, at most RF_CMDLINE_MAX
 * @cmdline: (in) user's part of the kernel command line, no NUL needed; ours
 *	is put behind it
 * @initrd: (in) user address of the first initrd, 0 for none
 * @initrd_size: (in) its size
 * @overlay: (in) user address of our cpio archive, appended to the first
 *	initrd at the next multiple of four bytes
 * @overlay_size: (in) its size
 * @msg: (in) buffer for a message, or 0
 * @msg_len: (in) its size
 * @reserved: 0
 *
 * While enum rf_on_crash is restart, the module keeps a copy of all that was
 * loaded, in memory of the supervisor. RF_IOC_KEEP takes the same structure and
 * only keeps such a copy: to be done before RF_IOC_POLICY wants restarts of a
 * subOS that was loaded without.
 *
 * Return: 0. EINVAL a segment lies outside the first range or over our own
 * area (its first RF_SERVICE_SIZE bytes), a field is malformed, or a parameter
 * on the command line contradicts ours; ENOSPC kernel and initrd do not fit
 * (the message says what is needed); EBUSY the subOS was started already,
 * or has no memory or no CPU yet; ENOMEM the supervisor has no memory for a
 * copy; EFAULT, EINTR.
 */
struct rf_load {
	__u32 size;
	__u32 flags;
	__u64 segments;
	__u32 nr_segments;
	__u32 kernel_version;
	__u64 entry;
	__u64 setup_header;
	__u32 setup_header_size;
	__u32 cmdline_size;
	__u64 cmdline;
	__u64 initrd;
	__u64 initrd_size;
	__u64 overlay;
	__u64 overlay_size;
	__u64 msg;
	__u32 msg_len;
	__u32 reserved;
};

#define RF_LOAD_BARE		(1U << 0)	/* none of our modules inside */
#define RF_SEGMENTS_MAX		32
#define RF_CMDLINE_MAX		1024		/* of the user; the rest of 2048 is ours */
#define RF_SERVICE_SIZE		(2UL << 20)	/* head of the first range, ours */

/**
 * enum rf_stage - stages of create and destroy whose time is kept
 * @RF_STAGE_CPUS: take the CPUs
 * @RF_STAGE_MEMORY: take the memory
 * @RF_STAGE_SCRUB: zero memory (part of no other stage)
 * @RF_STAGE_PCI: take the PCI functions
 * @RF_STAGE_LOAD: copy images, build tables
 * @RF_STAGE_START: start the boot core
 * @RF_STAGE_MODULE: from the start until our module ran inside
 * @RF_STAGE_INIT: from the start until init was started
 * @RF_STAGE_STOP: park all cores of the subOS
 * @RF_STAGE_GIVE_CPUS: give the CPUs back
 * @RF_STAGE_GIVE_MEMORY: give the memory back, without RF_STAGE_SCRUB
 * @RF_STAGE_GIVE_PCI: give the PCI functions back
 * @RF_STAGE_MAX: number of stages
 */
enum rf_stage {
	RF_STAGE_CPUS		= 0,
	RF_STAGE_MEMORY		= 1,
	RF_STAGE_SCRUB		= 2,
	RF_STAGE_PCI		= 3,
	RF_STAGE_LOAD		= 4,
	RF_STAGE_START		= 5,
	RF_STAGE_MODULE		= 6,
	RF_STAGE_INIT		= 7,
	RF_STAGE_STOP		= 8,
	RF_STAGE_GIVE_CPUS	= 9,
	RF_STAGE_GIVE_MEMORY	= 10,
	RF_STAGE_GIVE_PCI	= 11,
	RF_STAGE_MAX		= 12,
};

#define RF_INFO_BARE		(1U << 0)	/* runs without our module */
#define RF_INFO_NO_KPROBE	(1U << 1)	/* emergency restart is not caught inside */
#define RF_INFO_GONE		(1U << 2)	/* it has ended; its last state */
#define RF_INFO_LISTENS		(1U << 3)	/* its kernel answers requests: it can be resized */
#define RF_INFO_RESTARTS	(1U << 4)	/* it crashed, and is about to be started again */

/**
 * struct rf_info - RF_IOC_INFO on a subOS descriptor, and one entry of RF_IOC_LIST
 * @size: (in) size of this structure
 * @flags: (out) RF_INFO_*
 * @name: (out) name
 * @id: (out) id
 * @state: (out) enum rf_state
 * @nr_cpus: (out) CPUs owned
 * @nr_online: (out) CPUs on line inside, as the subOS says
 * @nr_pci: (out) PCI functions owned
 * @nr_ranges: (out) memory ranges owned
 * @priority: (out) see struct rf_priority
 * @on_crash: (out) enum rf_on_crash
 * @mem_bytes: (out) memory owned
 * @hot_bytes: (out) of these, what can leave the running kernel
 * @base: (out) physical address of the first range
 * @created_ns: (out) wall clock of the creation, ns since 1970
 * @started_ns: (out) wall clock of the start, 0 before
 * @heartbeats: (out) signs of life so far
 * @cpumask: (out) logical CPUs 0..1023 owned, a bit each
 * @stage_ns: (out) time of each enum rf_stage, 0 where it did not happen (yet)
 * @kernel: (out) release of the kernel inside, as it says; empty before
 * @boot_id: (out) boot id of the kernel inside, as it says
 * @reason: (out) why it is in this state, one line
 * @max_cpus: (out) see struct rf_policy
 * @restarts: (out) times it was booted again after a crash, by @on_crash
 * @max_bytes: (out) see struct rf_policy
 * @kept_bytes: (out) the supervisor's memory that keeps what it is to be booted
 *	from again
 * @asks: (out) requests of its own that were looked at
 * @asks_refused: (out) of these, how many were refused
 *
 * A descriptor answers also when the subOS is gone: RF_INFO_GONE is set then.
 *
 * Return: 0. EFAULT, EINVAL, ENOMEM.
 */
struct rf_info {
	__u32 size;
	__u32 flags;
	char name[RF_NAME_MAX];
	__u32 id;
	__u32 state;
	__u32 nr_cpus;
	__u32 nr_online;
	__u32 nr_pci;
	__u32 nr_ranges;
	__s32 priority;
	__u32 on_crash;
	__u64 mem_bytes;
	__u64 hot_bytes;
	__u64 base;
	__u64 created_ns;
	__u64 started_ns;
	__u64 heartbeats;
	__u64 cpumask[16];
	__u64 stage_ns[RF_STAGE_MAX];
	char kernel[64];
	char boot_id[40];
	char reason[RF_REASON_MAX];
	__u32 max_cpus;
	__u32 restarts;
	__u64 max_bytes;
	__u64 kept_bytes;
	__u64 asks;
	__u64 asks_refused;
};

/**
 * struct rf_list - RF_IOC_LIST: all subOSes
 * @size: (in) size of this structure
 * @flags: (in) 0
 * @infos: (in) user address of an array of struct rf_info
 * @info_size: (in) sizeof(struct rf_info) as the caller knows it
 * @capacity: (in) entries in the array
 * @count: (out) subOSes there are, may exceed @capacity
 * @reserved: 0
 *
 * Return: 0. EFAULT.
 */
struct rf_list {
	__u32 size;
	__u32 flags;
	__u64 infos;
	__u32 info_size;
	__u32 capacity;
	__u32 count;
	__u32 reserved;
};

/**
 * struct rf_resource - one resource and its owner
 * @kind: RF_RES_*
 * @owner: id of a subOS or RF_OWNER_*
 * @start: see RF_RES_*
 * @length: see RF_RES_*
 * @aux: CPU: APIC id; memory: NUMA node; PCI: vendor << 16 | device
 * @reserved: 0
 * @owner_name: name of the owning subOS, else empty
 */
struct rf_resource {
	__u32 kind;
	__u32 owner;
	__u64 start;
	__u64 length;
	__u32 aux;
	__u32 reserved;
	char owner_name[RF_NAME_MAX];
};

/**
 * struct rf_resources - RF_IOC_RESOURCES: who owns what
 * @size: (in) size of this structure
 * @flags: (in) 0
 * @entries: (in) user address of an array of struct rf_resource
 * @capacity: (in) entries in the array
 * @count: (out) entries there are, may exceed @capacity
 *
 * CPUs of the supervisor are listed, its memory and PCI functions are not:
 * /proc/iomem and lspci have them.
 *
 * Return: 0. EFAULT.
 */
struct rf_resources {
	__u32 size;
	__u32 flags;
	__u64 entries;
	__u32 capacity;
	__u32 count;
};

/**
 * struct rf_pool - RF_IOC_POOL: take memory and CPUs ahead of their use
 * @size: (in) size of this structure
 * @flags: (in) RF_POOL_SET: change it; without, only ask
 * @mem_bytes: (in) with RF_POOL_SET: memory that the pool shall hold when no
 *	subOS uses any, rounded up to RF_GRAIN; (out) that figure
 * @mem_free: (out) memory in the pool now
 * @mask: (in/out) user address of a bit mask of logical CPUs: in, the CPUs that
 *	the pool shall hold (whole SMT cores, not CPU 0); out, that set. May be 0
 * @mask_bytes: (in) its size, a multiple of 8
 * @timeout_ms: (in) limit, 0 for the default of 60 s
 * @msg: (in) buffer for a message, or 0
 * @msg_len: (in) its size
 * @reserved: 0
 *
 * Memory in the pool is zeroed. Resources of a subOS that ends refill the
 * pool first; what exceeds it goes back to the supervisor.
 *
 * Return: 0, or as RF_IOC_ADD_CPUS and RF_IOC_ADD_MEMORY; after a failure the
 * pool is what it was.
 */
struct rf_pool {
	__u32 size;
	__u32 flags;
	__u64 mem_bytes;
	__u64 mem_free;
	__u64 mask;
	__u32 mask_bytes;
	__u32 timeout_ms;
	__u64 msg;
	__u32 msg_len;
	__u32 reserved;
};

#define RF_POOL_SET		(1U << 0)

/**
 * struct rf_destroy - RF_IOC_DESTROY on a subOS descriptor: end it, take everything back
 * @size: (in) size of this structure
 * @flags: (in) RF_DESTROY_FORCE: do not ask the subOS to shut down first
 * @timeout_ms: (in) time for an orderly shutdown, 0 for the default of 10 s
 * @reserved: 0
 * @msg: (in) buffer for a message, or 0
 * @msg_len: (in) its size
 * @reserved2: 0
 *
 * Without RF_DESTROY_FORCE the subOS is asked to power itself off; when the
 * time is up it is stopped by force all the same.
 *
 * Return: 0. ENOENT it is gone already; EBUSY somebody else is ending it; EIO
 * a core did not answer: it and all memory of the subOS are quarantined, the
 * rest was given back; or a PCI function could not be reset: it is quarantined,
 * its bus mastering off, and everything else was given back.
 */
struct rf_destroy {
	__u32 size;
	__u32 flags;
	__u32 timeout_ms;
	__u32 reserved;
	__u64 msg;
	__u32 msg_len;
	__u32 reserved2;
};

#define RF_DESTROY_FORCE	(1U << 0)

/**
 * struct rf_stop - RF_IOC_STOP on a subOS descriptor: park its cores, keep everything
 * @size: (in) size of this structure
 * @flags: (in) as struct rf_destroy
 * @timeout_ms: (in) as struct rf_destroy
 * @reserved: 0
 * @msg: (in) buffer for a message, or 0
 * @msg_len: (in) its size
 * @reserved2: 0
 *
 * Afterwards RF_IOC_LOAD and RF_IOC_START boot it again on the same
 * resources; its memory was zeroed by RF_IOC_LOAD in between, and its PCI
 * functions were reset.
 *
 * Return: as RF_IOC_DESTROY.
 */
struct rf_stop {
	__u32 size;
	__u32 flags;
	__u32 timeout_ms;
	__u32 reserved;
	__u64 msg;
	__u32 msg_len;
	__u32 reserved2;
};

/**
 * struct rf_console - RF_IOC_CONSOLE on a subOS descriptor: its terminal
 * @size: (in) size of this structure
 * @flags: (in) RF_CONSOLE_WRITE: be the one who types
 *
 * Return: a file descriptor. read() gives what the subOS printed, from the
 * oldest byte that is still kept (64 KB); each descriptor reads by itself.
 * write() types, poll() and O_NONBLOCK work. The descriptor survives
 * RF_IOC_STOP and a new start; after the end of the subOS read() gives end of
 * file. EBUSY there is a writer already; ENOENT.
 */
struct rf_console {
	__u32 size;
	__u32 flags;
};

#define RF_CONSOLE_WRITE	(1U << 0)

/**
 * struct rf_window - RF_IOC_WINDOW on a subOS descriptor: its memory, for back ends
 * @size: (in) size of this structure
 * @flags: 0
 * @bytes: (out) end of the machine's memory: no mapping needs to be longer
 *
 * Whoever has the descriptor that this returns can mmap() it, shared, with physical
 * addresses as offsets. There are pages where the subOS has memory, and while it runs: other
 * accesses end with SIGBUS or EFAULT, those to its service area too. Memory that the subOS
 * gets while it runs appears there; what it loses, or has when it ends, disappears before
 * it is zeroed. The pages cannot be pinned (no O_DIRECT from and to them).
 *
 * The descriptor needs no privilege; it does not keep the subOS. A mapping that is private
 * or executable is refused.
 *
 * Return: the descriptor. ENOENT the subOS is gone; EMFILE, ENFILE, ENOMEM, EINVAL.
 */
struct rf_window {
	__u32 size;
	__u32 flags;
	__u64 bytes;
};

/**
 * struct rf_crash - RF_IOC_CRASH on a subOS descriptor: it has lost what it cannot go on without
 * @size: (in) size of this structure
 * @flags: 0
 * @reason: (in) why, ended by NUL, not empty: what rfm list shows
 *
 * For back ends that are gone for good with something of the subOS: its root file system,
 * say. Its cores are parked, its state is crashed, and what RF_IOC_POLICY said for that case
 * follows.
 *
 * Return: 0. ESRCH it does not run; EBUSY it is just being stopped or changed; EIO a core did
 * not answer, the subOS is in quarantine; ENOENT it is gone; EINVAL.
 */
struct rf_crash {
	__u32 size;
	__u32 flags;
	char reason[RF_REASON_MAX];
};

/**
 * struct rf_winsize - RF_IOC_WINSIZE on a console descriptor that may write
 * @rows: (in) lines of the terminal
 * @cols: (in) columns of the terminal
 *
 * Return: 0. EPERM the descriptor may only read.
 */
struct rf_winsize {
	__u16 rows;
	__u16 cols;
};

/**
 * struct rf_cmdline - RF_IOC_CMDLINE: would RF_IOC_LOAD accept this command line?
 * @size: (in) size of this structure
 * @flags: (in) RF_LOAD_BARE, as it will be given to RF_IOC_LOAD
 * @kernel_version: (in) as struct rf_load
 * @nr_cpus: (in) CPUs that the subOS will have
 * @cmdline: (in) as struct rf_load
 * @cmdline_size: (in) as struct rf_load
 * @msg_len: (in) size of @msg
 * @msg: (in) buffer for a message, or 0
 *
 * Nothing is taken or changed: to be asked before anything is.
 *
 * Return: 0. EINVAL a parameter contradicts ours, or the line, the version or
 * the number of CPUs is unusable; ENOSPC it is too long; EFAULT, ENOMEM.
 */
struct rf_cmdline {
	__u32 size;
	__u32 flags;
	__u32 kernel_version;
	__u32 nr_cpus;
	__u64 cmdline;
	__u32 cmdline_size;
	__u32 msg_len;
	__u64 msg;
};

/**
 * struct rf_detach - RF_IOC_DETACH: let go of all subOSes without touching them
 * @size: (in) size of this structure
 * @flags: (in) RF_DETACH_UNDO: take them up again instead
 * @count: (out) subOSes
 * @open: (out) descriptors, other than the caller's, that still keep the module
 * @msg: (in) buffer for a message, or 0
 * @msg_len: (in) its size
 * @reserved: 0
 *
 * All or nothing. Afterwards the module can be unloaded while they run on: CPUs,
 * memory and PCI functions stay theirs. The module that is loaded next, this one
 * or another build of the same RF_ABI_VERSION and RF_WIRE_VERSION, adopts them
 * before it offers the device. Until then nobody looks after them, and every call
 * but RF_IOC_VERSION and this one gives ESHUTDOWN. Ids, loans, ledger, events and
 * accounts go on where they were.
 *
 * Return: 0. EBUSY a call is under way, or a subOS is in a state that cannot be
 * carried over (being created or changed, booting, stopping), or something is
 * quarantined: the message names it, nothing is changed. EALREADY it is
 * detached already; with RF_DETACH_UNDO, it is not. ENOMEM, EINTR.
 */
struct rf_detach {
	__u32 size;
	__u32 flags;
	__u32 count;
	__u32 open;
	__u64 msg;
	__u32 msg_len;
	__u32 reserved;
};

#define RF_DETACH_UNDO		(1U << 0)

/**
 * struct rf_rule - RF_IOC_RULE: who may open channels to whom
 * @size: (in) size of this structure
 * @flags: (in) RF_RULE_ALLOW: it may; else it may not, and channels that it opened
 *	are closed
 * @from: (in) name of the subOS that opens them
 * @to: (in) name of the subOS that they are opened to
 * @msg: (in) buffer for a message, or 0
 * @msg_len: (in) its size
 * @reserved: 0
 *
 * Between subOSes nothing is allowed at the start; between the supervisor and a
 * subOS everything always is. A rule ends with either subOS, not with a restart.
 *
 * Return: 0. ENOENT there is no such subOS, EINVAL both are the same.
 */
struct rf_rule {
	__u32 size;
	__u32 flags;
	char from[RF_NAME_MAX];
	char to[RF_NAME_MAX];
	__u64 msg;
	__u32 msg_len;
	__u32 reserved;
};

#define RF_RULE_ALLOW		(1U << 0)

/**
 * struct rf_rule_entry - one rule
 * @from: id of the subOS that may open channels
 * @to: id of the subOS that they may be opened to
 * @from_name: its name
 * @to_name: its name
 */
struct rf_rule_entry {
	__u32 from;
	__u32 to;
	char from_name[RF_NAME_MAX];
	char to_name[RF_NAME_MAX];
};

/**
 * struct rf_rules - RF_IOC_RULES: what is allowed
 * @size: (in) size of this structure
 * @flags: (in) 0
 * @entries: (in) user address of an array of struct rf_rule_entry
 * @capacity: (in) entries in the array
 * @count: (out) entries there are, may exceed @capacity
 *
 * Return: 0. EFAULT.
 */
struct rf_rules {
	__u32 size;
	__u32 flags;
	__u64 entries;
	__u32 capacity;
	__u32 count;
};

/* on /dev/rainforest */
#define RF_IOC_VERSION		_IOWR(RF_IOC_MAGIC, 0x00, struct rf_version)
#define RF_IOC_CREATE		_IOWR(RF_IOC_MAGIC, 0x01, struct rf_create)
#define RF_IOC_OPEN		_IOW(RF_IOC_MAGIC, 0x02, struct rf_open)
#define RF_IOC_LIST		_IOWR(RF_IOC_MAGIC, 0x03, struct rf_list)
#define RF_IOC_RESOURCES	_IOWR(RF_IOC_MAGIC, 0x04, struct rf_resources)
#define RF_IOC_LEDGER		_IOWR(RF_IOC_MAGIC, 0x05, struct rf_ledger)
#define RF_IOC_AUDIT		_IOWR(RF_IOC_MAGIC, 0x06, struct rf_audit)
#define RF_IOC_POOL		_IOWR(RF_IOC_MAGIC, 0x07, struct rf_pool)
#define RF_IOC_EVENTS		_IOWR(RF_IOC_MAGIC, 0x08, struct rf_events)
#define RF_IOC_USAGE		_IOWR(RF_IOC_MAGIC, 0x09, struct rf_usage)
#define RF_IOC_BORROW		_IOWR(RF_IOC_MAGIC, 0x0a, struct rf_borrow)
#define RF_IOC_RETURN		_IOWR(RF_IOC_MAGIC, 0x0b, struct rf_return)
#define RF_IOC_LOANS		_IOWR(RF_IOC_MAGIC, 0x0c, struct rf_loans)
#define RF_IOC_CMDLINE		_IOW(RF_IOC_MAGIC, 0x0d, struct rf_cmdline)
#define RF_IOC_DETACH		_IOWR(RF_IOC_MAGIC, 0x0e, struct rf_detach)
#define RF_IOC_RULE		_IOW(RF_IOC_MAGIC, 0x0f, struct rf_rule)
#define RF_IOC_RULES		_IOWR(RF_IOC_MAGIC, 0x10, struct rf_rules)
/* on a subOS descriptor */
#define RF_IOC_ADD_CPUS		_IOWR(RF_IOC_MAGIC, 0x20, struct rf_cpus)
#define RF_IOC_ADD_MEMORY	_IOWR(RF_IOC_MAGIC, 0x21, struct rf_memory)
#define RF_IOC_ADD_PCI		_IOWR(RF_IOC_MAGIC, 0x22, struct rf_pci)
#define RF_IOC_LOAD		_IOWR(RF_IOC_MAGIC, 0x23, struct rf_load)
#define RF_IOC_START		_IO(RF_IOC_MAGIC, 0x24)
#define RF_IOC_STOP		_IOWR(RF_IOC_MAGIC, 0x25, struct rf_stop)
#define RF_IOC_DESTROY		_IOWR(RF_IOC_MAGIC, 0x26, struct rf_destroy)
#define RF_IOC_INFO		_IOWR(RF_IOC_MAGIC, 0x27, struct rf_info)
#define RF_IOC_CONSOLE		_IOW(RF_IOC_MAGIC, 0x28, struct rf_console)
#define RF_IOC_RESIZE_CPUS	_IOWR(RF_IOC_MAGIC, 0x29, struct rf_resize_cpus)
#define RF_IOC_RESIZE_MEMORY	_IOWR(RF_IOC_MAGIC, 0x2a, struct rf_resize_memory)
#define RF_IOC_RESIZE_PCI	_IOWR(RF_IOC_MAGIC, 0x2b, struct rf_resize_pci)
#define RF_IOC_STATS		_IOWR(RF_IOC_MAGIC, 0x2c, struct rf_stats)
#define RF_IOC_PRIORITY		_IOW(RF_IOC_MAGIC, 0x2d, struct rf_priority)
#define RF_IOC_POLICY		_IOW(RF_IOC_MAGIC, 0x2e, struct rf_policy)
#define RF_IOC_KEEP		_IOWR(RF_IOC_MAGIC, 0x2f, struct rf_load)
#define RF_IOC_WINDOW		_IOWR(RF_IOC_MAGIC, 0x30, struct rf_window)
#define RF_IOC_CRASH		_IOW(RF_IOC_MAGIC, 0x31, struct rf_crash)
/* on a console descriptor */
#define RF_IOC_WINSIZE		_IOW(RF_IOC_MAGIC, 0x40, struct rf_winsize)

#endif /* _UAPI_LINUX_RAINFOREST_H */
