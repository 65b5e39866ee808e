/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Both ends of a ring of packets: apart from all that is around it, for the kernel and for
 * user space. What the other end wrote is read once and checked here.
 */
#ifndef _RFLOOP_RING_H
#define _RFLOOP_RING_H

#include <rainforest/pure.h>
#include <linux/rainforest_loop.h>

/**
 * struct rfloop_out - the end that sends
 * @ring: memory that both ends have
 * @pages: of data
 * @put: packets so far, modulo 2^32, as all that follows
 * @taken: of these, as the receiver said last
 * @returned: pages that came back
 * @nr_free: entries used in @free
 * @free: pages that are ours to fill
 * @away: by page: it is on its way, or has not come back
 */
struct rfloop_out {
	struct rf_loop_ring *ring;
	u32 pages;
	u32 put;
	u32 taken;
	u32 returned;
	u32 nr_free;
	u16 free[RF_LOOP_BACK];
	u8 away[RF_LOOP_BACK];
};

/**
 * struct rfloop_in - the end that receives
 * @ring: memory that both ends have
 * @pages: of data
 * @taken: packets so far, modulo 2^32, as all that follows
 * @returned: pages given back
 * @told: both together, as the sender can see
 * @held: pages that are with us
 * @here: by page: it is with us
 */
struct rfloop_in {
	struct rf_loop_ring *ring;
	u32 pages;
	u32 taken;
	u32 returned;
	u32 told;
	u32 held;
	u8 here[RF_LOOP_BACK];
};

/**
 * struct rfloop_packet - a packet in a ring, checked
 * @len: bytes, 1 to RF_LOOP_PACKET
 * @nr: entries used in @page
 * @page: all below the number of pages, none twice
 * @slot: the slot, a copy; its other fields are as the sender wrote them
 */
struct rfloop_packet {
	u32 len;
	u32 nr;
	u16 page[RF_LOOP_FRAGS];
	struct rf_loop_slot slot;
};

/**
 * rfloop_pages() - how many pages a packet fills
 * @len: its bytes
 *
 * Return: that.
 */
static inline u32 rfloop_pages(u32 len)
{
	return (len + RF_LOOP_PAGE - 1) / RF_LOOP_PAGE;
}

int rfloop_out_init(struct rfloop_out *o, struct rf_loop_ring *ring, u64 bytes);
int rfloop_out_look(struct rfloop_out *o);
bool rfloop_out_room(const struct rfloop_out *o, u32 pages);
u16 rfloop_out_page(struct rfloop_out *o);
bool rfloop_out_put(struct rfloop_out *o, const struct rf_loop_slot *slot);
int rfloop_out_wait(struct rfloop_out *o, u32 steps);

int rfloop_in_init(struct rfloop_in *in, struct rf_loop_ring *ring, u64 bytes);
int rfloop_in_next(struct rfloop_in *in, struct rfloop_packet *packet);
void rfloop_in_return(struct rfloop_in *in, u16 page);
bool rfloop_in_publish(struct rfloop_in *in);
bool rfloop_in_any(const struct rfloop_in *in);
bool rfloop_in_sleep(struct rfloop_in *in);

#endif /* _RFLOOP_RING_H */
