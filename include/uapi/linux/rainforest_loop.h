/* SPDX-License-Identifier: (GPL-2.0-only WITH Linux-syscall-note) OR BSD-2-Clause */
/*
 * RFloop: packets between two kernels of one machine. What two kernels share beside the
 * messages of rainforest_wire.h. All values are little endian.
 *
 * A kernel that wants to send asks for a ring; the one that would receive offers it, a
 * region (rfcom) for these two alone.
 *
 *	sender		ASK ------------------------------->	receiver
 *			<-------------- ANSWER (name of the region)
 *	both		packets in the ring, BELL where one of them sleeps
 *	either		DOWN ------------------------------>	no longer
 */
#ifndef _UAPI_LINUX_RAINFOREST_LOOP_H
#define _UAPI_LINUX_RAINFOREST_LOOP_H

#include <linux/types.h>

#define RF_LOOP_VERSION		2
#define RF_LOOP_SERVICE		"rfloop"	/* of the supervisor: the list of addresses */

/* types of messages, struct rf_msg @type */
#define RF_MSG_LOOP_ASK		32	/* struct rf_loop_ask: offer me a ring to send in */
#define RF_MSG_LOOP_ANSWER	33	/* struct rf_loop_answer */
#define RF_MSG_LOOP_DOWN	34	/* struct rf_loop_down: a ring is not used any more */
#define RF_MSG_LOOP_BELL	35	/* no body: look at the rings between us, there is room;
					 * of the supervisor: I have a list, too
					 */

/**
 * struct rf_loop_ask - body of RF_MSG_LOOP_ASK
 * @version: RF_LOOP_VERSION
 * @number: of this request; it comes back in the answer
 */
struct rf_loop_ask {
	__le32 version;
	__le32 number;
};

/**
 * struct rf_loop_answer - body of RF_MSG_LOOP_ANSWER
 * @number: of the request
 * @error: 0 or an errno: why there is none
 * @name: of the region, ended by NUL; empty with an error
 */
struct rf_loop_answer {
	__le32 number;
	__le32 error;
	char name[32];
};

/**
 * struct rf_loop_down - body of RF_MSG_LOOP_DOWN
 * @yours: 1: the ring in which the addressed kernel sends; 0: in which it receives
 */
struct rf_loop_down {
	__le32 yours;
};

/*
 * A ring, at the beginning of its region; all pages behind it are data. A packet fills
 * whole pages, the last one in part, which the sender takes from those that are free:
 * all in the beginning. The receiver gives them back in any order, by number.
 */
#define RF_LOOP_MAGIC		0x504f4f4c	/* "LOOP" */
#define RF_LOOP_PAGE		4096U
#define RF_LOOP_SLOTS		512U		/* packets; a power of two */
#define RF_LOOP_BACK		4096U		/* pages of data at most; a power of two */
#define RF_LOOP_FRAGS		16U		/* pages of one packet */
#define RF_LOOP_PACKET		65535U		/* bytes of one packet */

/**
 * struct rf_loop_receiver - what the receiver of a ring writes
 * @magic: RF_LOOP_MAGIC; written last
 * @version: RF_LOOP_VERSION
 * @size: sizeof(struct rf_loop_ring)
 * @pages: of data, up to RF_LOOP_BACK; their numbers go from 0
 * @reserved: 0
 * @taken: packets taken so far, modulo 2^32
 * @returned: pages given back so far, modulo 2^32
 * @wanted: the receiver sleeps until the packet with this number is there: who puts it
 *	rings
 * @reserved2: 0
 * @back: numbers of the pages that were given back
 */
struct rf_loop_receiver {
	__le32 magic;
	__le32 version;
	__le32 size;
	__le32 pages;
	__u8 reserved[48];
	__le32 taken;
	__le32 returned;
	__le32 wanted;
	__u8 reserved2[4096 - 64 - 12];
	__le16 back[RF_LOOP_BACK];
};

/**
 * struct rf_loop_slot - a packet, from its IP header on
 * @len: bytes
 * @flags: of struct virtio_net_hdr, as the five that follow
 * @gso_type: see there
 * @hdr_len: see there
 * @gso_size: see there
 * @csum_start: see there
 * @csum_offset: see there
 * @reserved: 0
 * @page: where it is: @len in whole pages
 */
struct rf_loop_slot {
	__le32 len;
	__u8 flags;
	__u8 gso_type;
	__le16 hdr_len;
	__le16 gso_size;
	__le16 csum_start;
	__le16 csum_offset;
	__u8 reserved[18];
	__le16 page[RF_LOOP_FRAGS];
};

/**
 * struct rf_loop_sender - what the sender in a ring writes
 * @put: packets so far, modulo 2^32
 * @room_wanted: the sender waits until @taken and @returned together are more than that:
 *	the receiver rings then
 * @reserved: 0
 * @slot: the packets
 */
struct rf_loop_sender {
	__le32 put;
	__le32 room_wanted;
	__u8 reserved[4088];
	struct rf_loop_slot slot[RF_LOOP_SLOTS];
};

/**
 * struct rf_loop_ring - a ring; the pages of data follow
 * @receiver: what that writes
 * @sender: what that writes, as the pages of data
 */
struct rf_loop_ring {
	struct rf_loop_receiver receiver;
	struct rf_loop_sender sender;
};

/*
 * The list of addresses, on a channel to the supervisor's service RF_LOOP_SERVICE: a
 * subOS sends all that are its own whenever they change, the supervisor the whole list.
 * Each message is struct rf_loop_list and its entries.
 */
#define RF_LOOP_OWN_MAX		64U	/* addresses of one kernel */
#define RF_LOOP_LIST_MAX	1024U	/* of all */
#define RF_LOOP_ON		(1U << 0)	/* rf_loop_list @flags, to a subOS: take part */

/**
 * struct rf_loop_list - the head of a message
 * @version: RF_LOOP_VERSION
 * @nr: entries behind it
 * @flags: RF_LOOP_ON
 * @reserved: 0
 */
struct rf_loop_list {
	__le32 version;
	__le32 nr;
	__le32 flags;
	__le32 reserved;
};

/**
 * struct rf_loop_entry - an address
 * @kernel: id of the subOS that has it, 0: the supervisor; not looked at in what a subOS
 *	sends
 * @family: 4 or 6
 * @reserved: 0
 * @mac: of its device, 0: it has none
 * @address: as in a packet; of IPv4 in the first four bytes, then 0
 */
struct rf_loop_entry {
	__le32 kernel;
	__le16 family;
	__u8 mac[6];
	__u8 reserved[4];
	__u8 address[16];
};

#endif /* _UAPI_LINUX_RAINFOREST_LOOP_H */
