/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The ring between two kernels, apart from all that is around it: it compiles
 * in the kernel and in user space, allocates nothing, waits for nothing, and
 * knows no doorbell. What lies in shared memory is in rainforest_wire.h.
 *
 *	writing kernel                                     reading kernel
 *	ficm_ring_put()   --- rf_ring_head, slots --->    ficm_ring_get()
 *	  when full       <----- rf_ring_ack taken ---    now and then
 *	ficm_ring_bell()  <----- rf_ring_ack wanted --    ficm_ring_arm()
 *	  true: ring      ------- the doorbell ------->   wakes up
 *
 * One thread at a time on each end. The sizes and the generations of both
 * kernels come from the supervisor, not from the peer.
 */
#ifndef _FICM_RING_H
#define _FICM_RING_H

#include <rainforest/pure.h>
#include <linux/rainforest_wire.h>

/* why a ring end does not work any more; it stays so until it is opened anew */
enum ficm_ring_fault {
	FICM_RING_GOOD,
	FICM_RING_GONE,		/* the peer closed its end or is another incarnation */
	FICM_RING_BAD_ID,	/* not a ring, of another version, or of another size */
	FICM_RING_BAD_STAMP,	/* a slot holds what no writer puts there */
	FICM_RING_BAD_MSG,	/* a message with an impossible length or flag */
	FICM_RING_BAD_ACK,	/* more taken than was sent, or less than before */
};

/**
 * struct ficm_ring_mem - where a ring lies
 * @head: the writer's area, 64-byte aligned, ficm_ring_size() bytes
 * @ack: the reader's area, 64-byte aligned
 * @slots: messages, a power of two, RF_RING_SLOTS_MIN to RF_RING_SLOTS_MAX
 */
struct ficm_ring_mem {
	struct rf_ring_head *head;
	struct rf_ring_ack *ack;
	u32 slots;
};

/**
 * struct ficm_ring_out - the writer's end
 * @mem: where it lies
 * @pair: both generations, as in the upper half of a stamp
 * @next: messages put so far, modulo 2^32
 * @taken: @next as far as the reader was last seen to be
 * @belled: @next at the last look for a sleeper
 * @met: the reader was seen to have opened its end
 * @fault: why it is broken
 * @sent: messages put
 * @full: refused because the ring was full
 * @bells: times that the doorbell had to be rung
 */
struct ficm_ring_out {
	struct ficm_ring_mem mem;
	u32 pair;
	u32 next;
	u32 taken;
	u32 belled;
	bool met;
	enum ficm_ring_fault fault;
	u64 sent;
	u64 full;
	u64 bells;
};

/**
 * struct ficm_ring_in - the reader's end
 * @mem: where it lies
 * @pair: both generations, as in the upper half of a stamp
 * @next: messages got so far, modulo 2^32
 * @told: @next as the writer was last told
 * @met: the writer was seen to have opened its end
 * @fault: why it is broken
 * @got: messages got
 * @arms: times that it was armed
 */
struct ficm_ring_in {
	struct ficm_ring_mem mem;
	u32 pair;
	u32 next;
	u32 told;
	bool met;
	enum ficm_ring_fault fault;
	u64 got;
	u64 arms;
};

u32 ficm_ring_size(u32 slots);
u32 ficm_ring_pair(u32 writer, u32 reader);
const char *ficm_ring_fault_name(enum ficm_ring_fault fault);

int ficm_ring_out_open(struct ficm_ring_out *out, const struct ficm_ring_mem *mem,
		       u32 self, u32 peer);
void ficm_ring_out_close(struct ficm_ring_out *out);
int ficm_ring_put(struct ficm_ring_out *out, const struct rf_msg *msg);
bool ficm_ring_bell(struct ficm_ring_out *out);

int ficm_ring_in_open(struct ficm_ring_in *in, const struct ficm_ring_mem *mem,
		      u32 self, u32 peer);
void ficm_ring_in_close(struct ficm_ring_in *in);
int ficm_ring_get(struct ficm_ring_in *in, struct rf_msg *msg);
const __le64 *ficm_ring_next(const struct ficm_ring_in *in, __le64 *before);
bool ficm_ring_arm(struct ficm_ring_in *in);

#endif /* _FICM_RING_H */
