/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the files of rfping.ko share. rfping_main.c tells what it is.
 */
#ifndef _RFPING_H
#define _RFPING_H

#include <linux/bits.h>
#include <linux/types.h>
#include <linux/rainforest_wire.h>

#define PING_SLOTS	8
#define PING_SPINS	BIT_ULL(31)	/* before the other kernel is given up */

enum ping_mode {
	PING_LINE,	/* one word of a cache line */
	PING_MSG,	/* a cache line of 64 bytes, as FICM's messages are */
	PING_RING,	/* the ring of FICM, polled */
	PING_POLL,	/* ficm_send() from handler to handler, polled by the reading threads */
	PING_BELL,	/* interrupt handler to interrupt handler */
	PING_WAKE,	/* ficm_send() to a reading thread that sleeps, and back */
	PING_FLOOD,	/* one way, as fast as the ring takes them */
	PING_TRACED,	/* likewise, a few, with tracing on */
	PING_ALLOC,	/* control: likewise, with an allocation for each */
	PING_CALL,	/* here alone: two smp_call_function_single() */
	PING_THREAD,	/* here alone: two threads that wake each other */
	PING_MODES,
};

/* In the part of struct rf_ficm_pair that nobody uses; written by one kernel, as all of it. */
struct ping_lines {
	union {
		struct rf_msg msg;
		__le64 word[8];
	} line;
	struct rf_ring_ack ack;
	struct rf_ring_head head;
	struct rf_msg slot[PING_SLOTS];
	__le64 bell;	/* APIC id << 32 | vector */
	__le64 done;	/* number of the run that is over */
} __aligned(64);

/**
 * struct ping_run - what both kernels know of a run
 * @mode: enum ping_mode
 * @number: of the run, never 0
 * @trips: round trips of one batch
 * @batches: batches; one more trip before them is not measured
 * @leads: we are the one that measures
 * @own: what we write
 * @peer: what the other kernel writes
 * @ns: (out) time of each batch
 */
struct ping_run {
	u32 mode;
	u32 number;
	u32 trips;
	u32 batches;
	bool leads;
	struct ping_lines *own;
	const struct ping_lines *peer;
	u64 *ns;
};

/* a trip in a poll or bell handler, or in a loop: accounts batches */
void ping_account(const struct ping_run *run, u32 trip);

/* rfping_poll.c */
int ping_poll_lines(const struct ping_run *run);
int ping_poll_rings(const struct ping_run *run);

/* rfping_bell.c */
int ping_bell_init(unsigned int cpu);
void ping_bell_exit(void);
u64 ping_bell_place(void);
int ping_bells(const struct ping_run *run);
int ping_calls(const struct ping_run *run, unsigned int partner);

/* rfping_wake.c */
int ping_threads(const struct ping_run *run, unsigned int partner);

#endif /* _RFPING_H */
