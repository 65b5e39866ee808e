/* SPDX-License-Identifier: (GPL-2.0-only WITH Linux-syscall-note) OR BSD-2-Clause */
/*
 * What two kernels share: structures in the service area, the first
 * RF_SERVICE_SIZE bytes of a subOS's first memory range.
 *
 *	base + 0x00000	code of the reset vector			(supervisor)
 *	base + 0x01000	wake-up mailbox, ACPI 6.5 section 5.2.12.19	(subOS; the
 *			waiting core clears the command)
 *	base + 0x10000	boot_params, 0x11000 command line		(supervisor)
 *	base + 0x12000	ACPI tables					(supervisor)
 *	base + 0x20000	struct rf_desc, 2 pages				(supervisor)
 *	base + 0x22000	struct rf_status, 1 page			(subOS)
 *	base + 0x23000	struct rf_con_out and its bytes			(subOS)
 *	base + 0x30000	struct rf_con_in and its bytes			(supervisor)
 *
 * Each page has one writing kernel, named on the right. All values are little
 * endian. A reader copies what it needs once, checks it, and then uses the
 * copy. The subOS finds the areas through an ACPI table of our own,
 * struct rf_acpi_facts.
 */
#ifndef _UAPI_LINUX_RAINFOREST_WIRE_H
#define _UAPI_LINUX_RAINFOREST_WIRE_H

#include <linux/types.h>

#define RF_WIRE_VERSION		6

#define RF_OFF_RESET_VECTOR	0x00000
#define RF_OFF_MAILBOX		0x01000
#define RF_OFF_BOOT_PARAMS	0x10000
#define RF_OFF_CMDLINE		0x11000
#define RF_OFF_ACPI		0x12000
#define RF_ACPI_SIZE		0x0e000
#define RF_OFF_DESC		0x20000
#define RF_DESC_SIZE		0x02000
#define RF_OFF_STATUS		0x22000
#define RF_STATUS_SIZE		0x01000
#define RF_OFF_CON_OUT		0x23000
#define RF_CON_OUT_SIZE		0x09000
#define RF_OFF_CON_IN		0x30000
#define RF_CON_IN_SIZE		0x02000

#define RF_ACPI_SIG		"RFBF"		/* signature of struct rf_acpi_facts */
#define RF_DESC_MAGIC		0x43534452	/* "RDSC" */
#define RF_STATUS_MAGIC		0x54415352	/* "RSAT" */
#define RF_CON_MAGIC		0x4e4f4352	/* "RCON" */

#define RF_WIRE_CPUS		256		/* cores of one subOS at most */
#define RF_WIRE_RANGES		64		/* memory ranges of one subOS at most */
#define RF_WIRE_PCI		16		/* PCI functions of one subOS at most */
#define RF_WIRE_BARS		7		/* six BARs and the expansion ROM */
#define RF_WIRE_PEERS		16		/* kernels that exchange messages */

/**
 * struct rf_acpi_facts - ACPI table that tells a subOS where its areas are
 * @header: standard ACPI table header, signature RF_ACPI_SIG
 * @wire_version: RF_WIRE_VERSION of the supervisor
 * @base: physical address of the service area
 * @desc_size: size of the area at RF_OFF_DESC
 * @status_size: size of the area at RF_OFF_STATUS
 * @con_out_size: size of the area at RF_OFF_CON_OUT
 * @con_in_size: size of the area at RF_OFF_CON_IN
 */
struct rf_acpi_facts {
	__u8 header[36];
	__le32 wire_version;
	__le64 base;
	__le32 desc_size;
	__le32 status_size;
	__le32 con_out_size;
	__le32 con_in_size;
};

/**
 * struct rf_wire_bar - one base address register of a granted function
 * @start: physical address, 0 where there is none
 * @size: bytes
 * @flags: IORESOURCE_* flags of the supervisor's resource
 */
struct rf_wire_bar {
	__le64 start;
	__le64 size;
	__le64 flags;
};

/**
 * struct rf_wire_pci - one granted PCI function
 * @ecam: physical address of its 4 KB of configuration space
 * @segment: PCI segment in the supervisor
 * @bus: bus number in the supervisor
 * @devfn: device << 3 | function in the supervisor
 * @vendor: vendor id
 * @device: device id
 * @class_code: class << 8 | revision, as in the register at 8
 * @flags: RF_PCIF_*
 * @reserved: 0
 * @bar: BARs 0 to 5, then the expansion ROM
 *
 * The place in the description's list is the device number in the subOS, so it
 * stays the same while the function is granted; others come and go around it.
 */
struct rf_wire_pci {
	__le64 ecam;
	__le16 segment;
	__u8 bus;
	__u8 devfn;
	__le16 vendor;
	__le16 device;
	__le32 class_code;
	__le32 flags;
	__le64 reserved;
	struct rf_wire_bar bar[RF_WIRE_BARS];
};

#define RF_PCIF_GRANTED		(1U << 0)	/* without it the entry is empty */

/**
 * struct rf_wire_range - a memory range
 * @start: physical address
 * @length: bytes
 */
struct rf_wire_range {
	__le64 start;
	__le64 length;
};

/* what the supervisor asks for, struct rf_desc @request */
#define RF_REQ_NONE		0
#define RF_REQ_POWEROFF		1	/* orderly shutdown, as by the power button */
#define RF_REQ_RESTART		2	/* orderly restart */

/**
 * struct rf_desc - resource description, written by the supervisor only
 * @magic: RF_DESC_MAGIC
 * @version: RF_WIRE_VERSION
 * @size: sizeof(struct rf_desc)
 * @seq: odd while the description is being changed; a reader retries when it
 *	was odd or has changed
 * @id: id of the subOS
 * @generation: counts the starts of this subOS, from 1
 * @name: name of the subOS, ended by NUL
 * @nr_cpus: entries used in @apicid
 * @nr_ranges: entries used in @range
 * @nr_pci: entries used in @pci, empty ones between them included
 * @heartbeat_ms: time between two signs of life
 * @request: RF_REQ_*
 * @request_seq: counts the requests
 * @rows: lines of the console's terminal, 0 when not known
 * @cols: columns
 * @winsize_seq: counts changes of @rows and @cols
 * @realtime_ns: wall clock of the supervisor, ns since 1970, when its TSC read @tsc
 * @tsc: see @realtime_ns
 * @tsc_khz: frequency of the TSC
 * @ficm_dir: physical address of struct rf_ficm_dir, 0: there is none
 * @ficm_slot: own entry there
 * @probe_seq: counts the NMIs by which the supervisor asks the boot core whether
 *	it executes at all
 * @apicid: APIC ids of the cores granted, the boot core first
 * @range: memory granted, the first range holds this structure
 * @pci: PCI functions granted
 */
struct rf_desc {
	__le32 magic;
	__le32 version;
	__le32 size;
	__le32 seq;
	__le32 id;
	__le32 generation;
	char name[32];
	__le32 nr_cpus;
	__le32 nr_ranges;
	__le32 nr_pci;
	__le32 heartbeat_ms;
	__le32 request;
	__le32 request_seq;
	__le16 rows;
	__le16 cols;
	__le32 winsize_seq;
	__le64 realtime_ns;
	__le64 tsc;
	__le64 tsc_khz;
	__le64 ficm_dir;
	__le32 ficm_slot;
	__le32 probe_seq;
	__le32 apicid[RF_WIRE_CPUS];
	struct rf_wire_range range[RF_WIRE_RANGES];
	struct rf_wire_pci pci[RF_WIRE_PCI];
};

/* what the subOS says of itself, struct rf_status @state */
#define RF_SUB_NONE		0	/* our module has not run yet */
#define RF_SUB_MODULE		1	/* our module runs */
#define RF_SUB_INIT		2	/* init is being started */
#define RF_SUB_STOPPING		3	/* shutting down */
#define RF_SUB_HALTED		4	/* will execute nothing of use any more */
#define RF_SUB_POWEROFF		5
#define RF_SUB_RESTART		6	/* wants to be started again */
#define RF_SUB_PANIC		7

#define RF_SUBF_KPROBE		(1U << 0)	/* emergency restart is caught */

/**
 * struct rf_stat - what a kernel says of its own work, since it booted
 * @seq: odd while it is being written; see struct rf_desc
 * @nr_cpus: CPUs on line
 * @time_ns: monotonic clock of that kernel when this was written
 * @user_ns: of all CPUs together; nice included
 * @system_ns: interrupts included
 * @idle_ns: waiting for I/O included
 * @irq_ns: of @system_ns, in interrupts
 * @interrupts: interrupts taken
 * @switches: context switches
 * @mem_total: bytes that its allocator manages
 * @mem_free: bytes
 * @mem_available: bytes that programs can get
 * @processes: tasks that run or want to
 * @reserved: 0
 */
struct rf_stat {
	__le32 seq;
	__le32 nr_cpus;
	__le64 time_ns;
	__le64 user_ns;
	__le64 system_ns;
	__le64 idle_ns;
	__le64 irq_ns;
	__le64 interrupts;
	__le64 switches;
	__le64 mem_total;
	__le64 mem_free;
	__le64 mem_available;
	__le32 processes;
	__le32 reserved;
};

/**
 * struct rf_status - status page, written by the subOS only
 * @magic: RF_STATUS_MAGIC
 * @version: RF_WIRE_VERSION
 * @size: sizeof(struct rf_status)
 * @state: RF_SUB_*
 * @flags: RF_SUBF_*
 * @generation: copied from struct rf_desc
 * @request_seq: last request that was taken up
 * @nr_online: CPUs on line
 * @heartbeat: counts up every @heartbeat_ms of struct rf_desc
 * @release: release of the kernel, ended by NUL
 * @boot_id: its boot id, ended by NUL
 * @reason: why it stops or panics, ended by NUL
 * @probe_seq: of struct rf_desc, as the last such NMI found it
 * @reserved: 0
 * @stat: see there; written on RF_OP_STAT and with each tenth heartbeat
 */
struct rf_status {
	__le32 magic;
	__le32 version;
	__le32 size;
	__le32 state;
	__le32 flags;
	__le32 generation;
	__le32 request_seq;
	__le32 nr_online;
	__le64 heartbeat;
	char release[64];
	char boot_id[40];
	char reason[128];
	__le32 probe_seq;
	__le32 reserved;
	struct rf_stat stat;
};

/**
 * struct rf_con_out - console, the subOS's side, written by the subOS only
 * @magic: RF_CON_MAGIC
 * @version: RF_WIRE_VERSION
 * @bytes: size of the ring at RF_OFF_CON_OUT + RF_CON_DATA, a power of two
 * @out_head: bytes put into that ring so far, modulo 2^32
 * @in_tail: bytes taken from struct rf_con_in so far, modulo 2^32
 */
struct rf_con_out {
	__le32 magic;
	__le32 version;
	__le32 bytes;
	__le32 out_head;
	__le32 in_tail;
};

/**
 * struct rf_con_in - console, the supervisor's side, written by the supervisor only
 * @magic: RF_CON_MAGIC
 * @version: RF_WIRE_VERSION
 * @bytes: size of the ring at RF_OFF_CON_IN + RF_CON_DATA, a power of two
 * @in_head: bytes put into that ring so far, modulo 2^32
 * @out_tail: bytes taken from struct rf_con_out so far, modulo 2^32
 */
struct rf_con_in {
	__le32 magic;
	__le32 version;
	__le32 bytes;
	__le32 in_head;
	__le32 out_tail;
};

#define RF_CON_DATA		0x1000		/* offset of the bytes in both areas */
#define RF_CON_OUT_BYTES	0x8000
#define RF_CON_IN_BYTES		0x1000

/*
 * FICM: one ring of messages for each ordered pair of kernels. The writing
 * kernel's area holds struct rf_ring_head and behind it the slots, the reading
 * kernel's area holds struct rf_ring_ack. A message is one cache line and holds
 * its own sequence number, so that one transfer of a line carries it over.
 *
 * A stamp names a place in the stream and the two incarnations that it belongs
 * to: (the writer's generation modulo 65535, plus 1) << 48 | (the reader's,
 * likewise) << 32 | number of messages before it, modulo 2^32. It is never 0.
 */
#define RF_RING_MAGIC		0x474e5252	/* "RRNG" */
#define RF_MSG_BODY		48		/* bytes of its own that a message carries */
#define RF_RING_SLOTS_MIN	8
#define RF_RING_SLOTS_MAX	65536

/**
 * struct rf_ring_id - begins both areas of a ring
 * @magic: RF_RING_MAGIC
 * @version: RF_WIRE_VERSION
 * @size: of the area, bytes
 * @slots: messages that the ring holds, a power of two
 */
struct rf_ring_id {
	__le32 magic;
	__le32 version;
	__le32 size;
	__le32 slots;
};

/**
 * struct rf_msg - a message; in a ring written by the writing kernel only
 * @stamp: place in the stream; written last, with all of the rest visible
 * @type: of the message
 * @len: bytes used in @body
 * @flags: 0
 * @tag: as the sender likes; a reply has that of the request
 * @body: 0 behind @len
 */
struct rf_msg {
	__le64 stamp;
	__le16 type;
	__u8 len;
	__u8 flags;
	__le32 tag;
	__u8 body[RF_MSG_BODY];
} __attribute__((aligned(64)));

/**
 * struct rf_ring_head - a cache line before the slots, by the writing kernel only
 * @id: see there; @size with the slots
 * @open: stamp of the first message, 0 while the ring is closed or being made
 * @reserved: 0
 */
struct rf_ring_head {
	struct rf_ring_id id;
	__le64 open;
	__u8 reserved[40];
} __attribute__((aligned(64)));

/**
 * struct rf_ring_ack - two cache lines, written by the reading kernel only
 * @id: see there
 * @taken: stamp of the first message whose slot is still needed; 0 while closed.
 *	Moves on now and then, not with each message
 * @reserved: 0
 * @wanted: the reader sleeps, or was about to, until the message with this stamp
 *	comes: whoever writes that one rings the doorbell. Not taken back
 * @reserved2: 0
 */
struct rf_ring_ack {
	struct rf_ring_id id;
	__le64 taken;
	__u8 reserved[40];
	__le64 wanted;
	__u8 reserved2[56];
} __attribute__((aligned(64)));

#define RF_SIGNALS		2048		/* from one kernel to one other */
#define RF_SIGNAL_WORDS		32		/* of 64 of them */

/**
 * struct rf_signals - signals of a kernel to one other, written by the first only
 * @open: as of struct rf_ring_head: until it is that of the pair, the rest is somebody else's
 * @count: rises with each signal that is raised, after it
 * @sent: signals to the other kernel, signal 64 * i + j at bit j of word i: it is raised by
 *	changing the bit, unless it is pending
 * @reserved: 0
 * @taken: of the other kernel's @sent, as far as they were taken. A signal is pending while
 *	its bits in the one's @sent and the other's @taken differ
 *
 * What is raised is rung for, pending signals are not. A signal is numbered by who uses it:
 * RF_VIRTIO_SIGNAL.
 */
struct rf_signals {
	__le64 open;
	__le64 count;
	__le64 sent[RF_SIGNAL_WORDS];
	__u8 reserved[48];
	__le64 taken[RF_SIGNAL_WORDS];
} __attribute__((aligned(64)));

/*
 * The exchange: the supervisor lends each kernel an area of its own memory, in
 * which that kernel alone writes, and lists the areas in a directory, in which
 * the supervisor alone writes. The memory stays the supervisor's and is not
 * freed while any subOS lives, so that no kernel ever maps what another kernel
 * may lose.
 *
 *	directory	 area of kernel w (w writes)
 *	(supervisor)	+--------------------------------+
 *	entry[w] ------>| doorbell of w                  |
 *	...		| pair[r].ack: of the ring r to w |
 *			| pair[r].head, .slot: ring w to r|
 *			| pair[r].signals                |
 *			+--------------------------------+
 */
#define RF_FICM_DIR_MAGIC	0x52494446	/* "FDIR" */
#define RF_FICM_AREA_MAGIC	0x45524146	/* "FARE" */
#define RF_FICM_SLOTS		128		/* messages in one ring of the exchange */
#define RF_FICM_NOBODY		0xffffffffU	/* an entry of the directory that is empty */
#define RF_FICM_LOST		0x80000000U	/* with an id: in quarantine, it may still run */
#define RF_FICM_NAME		32		/* bytes of a kernel's name, with the final NUL */

/**
 * struct rf_ficm_entry - one kernel in the directory
 * @id: id of the subOS, 0 for the supervisor, RF_FICM_NOBODY, RF_FICM_LOST
 * @generation: counts the kernels that had this entry, restarts included, from 1
 * @area: physical address of its struct rf_ficm_area
 * @nr_cpus: entries used in @apicid
 * @may_open: who may open channels to it, a bit for each entry of the directory
 * @bulk: physical address of the struct rf_com_bulk that it writes for the kernel with
 *	that entry, 0: none
 * @name: name of the subOS, "supervisor", ended by NUL
 * @apicid: its cores: its doorbell can be at one of these only
 */
struct rf_ficm_entry {
	__le32 id;
	__le32 generation;
	__le64 area;
	__le32 nr_cpus;
	__le32 may_open;
	__le64 bulk[RF_WIRE_PEERS];
	char name[RF_FICM_NAME];
	__le32 apicid[RF_WIRE_CPUS];
};

/**
 * struct rf_ficm_dir - who there is, written by the supervisor only
 * @magic: RF_FICM_DIR_MAGIC
 * @version: RF_WIRE_VERSION
 * @size: sizeof(struct rf_ficm_dir)
 * @seq: odd while the directory is being changed; see struct rf_desc
 * @entry: the kernels; the supervisor is entry 0
 */
struct rf_ficm_dir {
	__le32 magic;
	__le32 version;
	__le32 size;
	__le32 seq;
	struct rf_ficm_entry entry[RF_WIRE_PEERS];
};

/**
 * struct rf_ficm_pair - what a kernel writes for one other, three pages
 * @ack: of the ring that the other writes
 * @head: of the ring to the other
 * @slot: its messages
 * @signals: to the other, and those taken from it
 * @reserved: 0
 */
struct rf_ficm_pair {
	struct rf_ring_ack ack;
	struct rf_ring_head head;
	struct rf_msg slot[RF_FICM_SLOTS];
	struct rf_signals signals;
	__u8 reserved[3328];
};

/**
 * struct rf_ficm_area - all that a kernel writes for others, page aligned
 * @magic: RF_FICM_AREA_MAGIC; written last
 * @version: RF_WIRE_VERSION
 * @size: sizeof(struct rf_ficm_area)
 * @generation: as in the directory
 * @doorbell: APIC id << 32 | vector of its doorbell, 0: none. Moves at any time
 * @reserved: 0
 * @pair: by the other's entry in the directory
 */
struct rf_ficm_area {
	__le32 magic;
	__le32 version;
	__le32 size;
	__le32 generation;
	__le64 doorbell;
	__u8 reserved[4072];
	struct rf_ficm_pair pair[RF_WIRE_PEERS];
};

/* types of messages, struct rf_msg @type */
#define RF_MSG_DIR		0	/* the directory has changed; no body */
#define RF_MSG_REQUEST		1	/* struct rf_request */
#define RF_MSG_REPLY		2	/* struct rf_reply, with the tag of the request */
#define RF_MSG_CONSOLE		3	/* input waits, or the window has changed; no body */
#define RF_MSG_COM_OPEN		16	/* struct rf_com_open; these six: see there */
#define RF_MSG_COM_OPENED	17	/* struct rf_com_opened */
#define RF_MSG_COM_DATA		18	/* struct rf_com_data, cut to its length */
#define RF_MSG_COM_TAKEN	19	/* struct rf_com_taken */
#define RF_MSG_COM_ASK		20	/* struct rf_com_end: is there no news of what was taken? */
#define RF_MSG_COM_CLOSE	21	/* struct rf_com_end */
#define RF_MSG_COM_OFFER	22	/* struct rf_com_offer; these six: see there */
#define RF_MSG_COM_ATTACH	23	/* struct rf_com_attach */
#define RF_MSG_COM_REGION	24	/* struct rf_com_region */
#define RF_MSG_COM_REVOKE	25	/* struct rf_com_end */
#define RF_MSG_COM_DETACH	26	/* struct rf_com_end */
#define RF_MSG_COM_DETACHED	27	/* struct rf_com_end */
/* 32 to 35 are RFloop's: rainforest_loop.h */

/* what is asked for, struct rf_request @op */
#define RF_OP_PING		1	/* only an answer */
#define RF_OP_HELLO		2	/* subOS to supervisor: I listen; arg 0: RF_WIRE_VERSION */
#define RF_OP_CPU_ADD		3	/* bring the granted core on line; arg 0: APIC id */
#define RF_OP_CPU_REMOVE	4	/* let the core go to the reset vector; arg 0: APIC id */
#define RF_OP_MEM_ADD		5	/* use granted memory; arg 0: start, arg 1: bytes */
#define RF_OP_MEM_REMOVE	6	/* use it no more; arg 0: start, arg 1: bytes */
#define RF_OP_PCI_ADD		7	/* use the granted function; arg 0: place in rf_desc.pci */
#define RF_OP_PCI_REMOVE	8	/* use it no more; arg 0: place in rf_desc.pci */
#define RF_OP_STAT		9	/* fill rf_status.stat */
#define RF_OP_CLOCK		10	/* take the wall clock of rf_desc */
#define RF_OP_POWEROFF		11	/* orderly shutdown */
#define RF_OP_RESTART		12	/* orderly restart */
#define RF_OP_ASK_CPUS		13	/* subOS to supervisor: arg 0: how many in all */
#define RF_OP_ASK_MEMORY	14	/* subOS to supervisor: arg 0: bytes in all */
#define RF_OP_MAX		15

/* why not, struct rf_reply @value[0] to RF_OP_ASK_* with an error */
#define RF_WHY_NONE		1	/* the operator allows none */
#define RF_WHY_ABOVE		2	/* the operator allows @value[1] in all */
#define RF_WHY_OFTEN		3	/* too often: again in @value[1] ms */
#define RF_WHY_FAILED		4	/* it was tried: @error; @value[1] in all by now */

/**
 * struct rf_request - body of RF_MSG_REQUEST: something to be done at the other end
 * @seq: counts the requests of the sender, from 1. The number of the one before
 *	means the same request again: it is answered again, not done again
 * @op: RF_OP_*
 * @flags: 0
 * @timeout_ms: the sender waits so long
 * @reserved: 0
 * @arg: see RF_OP_*
 *
 * One request at a time is under way in each direction between two kernels.
 */
struct rf_request {
	__le32 seq;
	__le16 op;
	__le16 flags;
	__le32 timeout_ms;
	__le32 reserved;
	__le64 arg[4];
};

#define RF_REPLY_STAGES		4

/**
 * struct rf_reply - body of RF_MSG_REPLY: how it ended
 * @seq: of the request
 * @op: of the request
 * @error: 0 or an errno: nothing has changed then, unless @value says so
 * @stage_us: time of each stage, us; the first is that between the message's
 *	arrival and the begin of the work
 * @value: see RF_OP_*; RF_OP_MEM_REMOVE: address of the page that held it back
 */
struct rf_reply {
	__le32 seq;
	__le16 op;
	__le16 error;
	__le32 stage_us[RF_REPLY_STAGES];
	__le64 value[3];
};

/*
 * RFcom: channels between two kernels, in messages of FICM. Each end has a number,
 * given by its own kernel, and never 0. The tag of a message is the number of the end
 * that it is for (0 in RF_MSG_COM_OPEN), @from in its body that of the end that sends.
 *
 *	opener		OPEN (service) -------------------->	listener
 *			<------------------- OPENED (or why not)
 *	both ends	DATA, DATA, DATA + RF_COM_LAST ---->	a message in lines
 *			<------------------------- TAKEN	cells that left the other's queue
 *			CLOSE ----------------------------->	in answer to what is for no
 *								end of ours, too
 *
 * A line brings up to RF_COM_LINE bytes in itself, or names up to RF_COM_RUN chunks of
 * struct rf_com_bulk, one behind the other, that have them. Chunks are taken in the order
 * in which they were filled, whichever channel they are of. A queue has RF_COM_CELLS
 * cells; a line takes as many as its bytes fill. Whoever sends more than was taken and
 * that many breaks the channel.
 */
#define RF_COM_CELLS		8192		/* of one end's queue, a power of two */
#define RF_COM_CELL		RF_COM_LINE	/* bytes */
#define RF_COM_LINE		40		/* bytes of a message in one line */
#define RF_COM_CHUNK		1024		/* bytes of a message in one chunk */
#define RF_COM_CHUNKS		512		/* a power of two */
#define RF_COM_RUN		32		/* chunks that a line names at most */
#define RF_COM_MESSAGE_MAX	61440		/* bytes of a message: 3/8 of the cells */
#define RF_COM_LAST		(1U << 0)	/* rf_com_data @flags: the message ends here */
#define RF_COM_IN_CHUNK		(1U << 1)	/* rf_com_data @flags: see struct rf_com_chunk */
#define RF_COM_MARK		(1U << 2)	/* rf_com_data @flags: no data for its reader */
#define RF_COM_BULK_MAGIC	0x4b4c4252	/* "RBLK" */

/**
 * struct rf_com_open - body of RF_MSG_COM_OPEN
 * @from: end that wants a partner
 * @reserved: 0
 * @service: whom it wants, ended by NUL
 */
struct rf_com_open {
	__le32 from;
	__le32 reserved;
	char service[32];
};

/**
 * struct rf_com_opened - body of RF_MSG_COM_OPENED
 * @from: end that is the partner, 0 with an error
 * @error: 0 or an errno: ECONNREFUSED nobody listens there, EACCES no rule allows it,
 *	EAGAIN too many wait to be accepted, ENOMEM
 */
struct rf_com_opened {
	__le32 from;
	__le32 error;
};

/**
 * struct rf_com_data - body of RF_MSG_COM_DATA
 * @from: end that sends
 * @flags: RF_COM_LAST, RF_COM_IN_CHUNK; RF_COM_MARK in the first line of a message says
 *	that it is about what came before it, and no data
 * @data: a part of a message, not empty; full where the message does not end. With
 *	RF_COM_IN_CHUNK struct rf_com_chunk
 */
struct rf_com_data {
	__le32 from;
	__le32 flags;
	__u8 data[RF_COM_LINE];
};

/**
 * struct rf_com_chunk - @data of struct rf_com_data: the bytes are in chunks
 * @count: chunks before the first of them, of this kernel to that one, modulo 2^32; modulo
 *	RF_COM_CHUNKS the number of that chunk
 * @bytes: used in it and those behind it, which are as many as that takes, and none beyond
 *	the last of struct rf_com_bulk; all of theirs where the message does not end
 */
struct rf_com_chunk {
	__le32 count;
	__le32 bytes;
};

/**
 * struct rf_com_bulk - what a kernel writes for one other, page aligned
 * @magic: RF_COM_BULK_MAGIC; written last, when it can take chunks
 * @version: RF_WIRE_VERSION
 * @size: sizeof(struct rf_com_bulk)
 * @token: random, not 0, as long as this memory is not zeroed: whoever reads a chunk late
 *	sees by it that it still is what it was
 * @reserved: 0
 * @taken: @count of a chunk of the other kernel before which it has taken all: of the first
 *	that it has not, or of one of the RF_COM_RUN before it
 * @reserved_taken: 0
 * @sent: @count of the chunk that it fills next
 * @reserved_sent: 0
 * @chunk: for the other kernel
 *
 * What hardly changes, what the sender reads for each message and what nobody does lie in
 * cache lines of their own.
 *
 * Memory of the supervisor, lent like struct rf_ficm_area, and zeroed for each new
 * generation of either kernel.
 */
struct rf_com_bulk {
	__le32 magic;
	__le32 version;
	__le32 size;
	__le32 token;
	__u8 reserved[48];
	__le32 taken;
	__u8 reserved_taken[60];
	__le32 sent;
	__u8 reserved_sent[3964];
	__u8 chunk[RF_COM_CHUNKS][RF_COM_CHUNK];
};

/**
 * struct rf_com_taken - body of RF_MSG_COM_TAKEN
 * @from: end whose queue it is
 * @cells: that were taken out of it so far, modulo 2^32
 */
struct rf_com_taken {
	__le32 from;
	__le32 cells;
};

/**
 * struct rf_com_end - body of RF_MSG_COM_ASK, RF_MSG_COM_CLOSE
 * @from: end that sends
 */
struct rf_com_end {
	__le32 from;
};

/*
 * Regions: memory of the supervisor that kernels map with each other. The supervisor's
 * rfcom lends it; whoever offers or maps a region holds it, by a number of its own, until
 * it has said that nothing maps it any more.
 *
 *	holder		OFFER (name, size) or ATTACH (whose, name) ->	supervisor
 *			<------------------------- REGION (where, or why not)
 *			<------------------------- REVOKE	map it no longer
 *			DETACH ------------------------------------>	nothing maps it
 *			<------------------------- DETACHED
 *
 * The tag of what goes to a holder is its number, @from of what comes from it, too. The
 * supervisor repeats REVOKE, the holder DETACH, until there is an answer. What was revoked
 * from everybody but one who does not answer is never used for anything else.
 */
#define RF_COM_REGION_MAX	(1ULL << 30)	/* bytes of a region */
#define RF_COM_EXTENTS		1024		/* in which its memory lies, at most */
#define RF_COM_WRITE		(1U << 0)	/* others may write; I want to; you may */
#define RF_COM_ONLY		(1U << 1)	/* rf_com_offer @flags: for one kernel alone */

/**
 * struct rf_com_offer - body of RF_MSG_COM_OFFER: a region that is to be the sender's
 * @from: number under which the sender holds it
 * @flags: RF_COM_WRITE: those who attach to it may write, too; RF_COM_ONLY: see @only
 * @bytes: 1 to RF_COM_REGION_MAX, rounded up to whole pages, which are zeroed
 * @only: with RF_COM_ONLY the id of the one kernel, as it is now, that may attach to it;
 *	there has to be a rule between the two, in either direction. 0 otherwise
 * @name: of it, ended by NUL; one region of each name for each kernel
 */
struct rf_com_offer {
	__le32 from;
	__le32 flags;
	__le32 bytes;
	__le32 only;
	char name[32];
};

/**
 * struct rf_com_attach - body of RF_MSG_COM_ATTACH
 * @from: number under which the sender holds it
 * @flags: RF_COM_WRITE
 * @owner: id of the subOS that offers it, 0 the supervisor, RF_FICM_NOBODY the sender
 * @reserved: 0
 * @name: of the region, ended by NUL
 */
struct rf_com_attach {
	__le32 from;
	__le32 flags;
	__le32 owner;
	__le32 reserved;
	char name[32];
};

/**
 * struct rf_com_region - body of RF_MSG_COM_REGION
 * @error: 0 or an errno: EACCES no rule allows it, or not to write; ENOENT there is no
 *	such region, EEXIST the sender offers one of that name; EDQUOT more than a kernel
 *	may offer, EMFILE it holds too many, EAGAIN too many requests at a time, ENOMEM,
 *	EINVAL
 * @flags: RF_COM_WRITE
 * @nr_extents: entries of @table
 * @reserved: 0
 * @bytes: of the region, whole pages
 * @table: physical address of struct rf_com_extent [@nr_extents], of the supervisor
 */
struct rf_com_region {
	__le32 error;
	__le32 flags;
	__le32 nr_extents;
	__le32 reserved;
	__le64 bytes;
	__le64 table;
};

/**
 * struct rf_com_extent - where a part of a region lies
 * @start: physical address
 * @bytes: whole pages
 */
struct rf_com_extent {
	__le64 start;
	__le64 bytes;
};

/*
 * Sockets of the family AF_VSOCK: a channel to the service RF_VSOCK_SERVICE for each
 * connection. A kernel's CID is the id of the subOS and RF_VSOCK_CID; who is connected
 * to is told by the channel, not by a message.
 *
 *	connects	struct rf_vsock_request ---------->	listens
 *			<-------------- struct rf_vsock_answer
 *	both ends	bytes of the stream ------------->	messages of any length
 *			struct rf_vsock_shutdown -------->	with RF_COM_MARK, behind them
 *
 * A channel that is closed without RF_VSOCK_SENT before was reset.
 */
#define RF_VSOCK_SERVICE	"vsock"
#define RF_VSOCK_CID		2		/* of the supervisor */
#define RF_VSOCK_STREAM		1		/* rf_vsock_request @type */
#define RF_VSOCK_READ		(1U << 0)	/* rf_vsock_shutdown @how: I read no more */
#define RF_VSOCK_SENT		(1U << 1)	/* rf_vsock_shutdown @how: I send no more */

/**
 * struct rf_vsock_request - first message of a channel
 * @type: RF_VSOCK_STREAM
 * @from_port: of the socket that connects
 * @to_port: of the one that listens
 * @reserved: 0
 */
struct rf_vsock_request {
	__le32 type;
	__le32 from_port;
	__le32 to_port;
	__le32 reserved;
};

/**
 * struct rf_vsock_answer - first message the other way
 * @error: 0, or an errno: ECONNRESET nobody listens, or too many wait to be accepted
 * @reserved: 0
 */
struct rf_vsock_answer {
	__le32 error;
	__le32 reserved;
};

/**
 * struct rf_vsock_shutdown - a message with RF_COM_MARK
 * @how: RF_VSOCK_READ, RF_VSOCK_SENT
 */
struct rf_vsock_shutdown {
	__le32 how;
};

#endif /* _UAPI_LINUX_RAINFOREST_WIRE_H */
