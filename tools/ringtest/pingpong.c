// SPDX-License-Identifier: GPL-2.0-only
/*
 * Round trips of polled messages beside those of a bare cache line between the
 * same two CPUs, in turns. Nothing passes or fails here.
 */
#include <time.h>

#include "ringtest.h"

#define TRIPS	1000

struct line {
	u64 word[8];
} __attribute__((aligned(64)));

static struct ficm_ring_mem mem[2];
static struct ficm_ring_out out[2];
static struct ficm_ring_in in[2];
static struct line bare[2];
static u64 best[2] = { ~0ULL, ~0ULL };	/* ns of TRIPS: bare, messages */

static u64 now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

static void line_send(struct line *line, u64 number)
{
	int i;

	for (i = 1; i < 8; i++)
		WRITE_ONCE(line->word[i], number);
	/* the line's other words first: pairs with line_wait() */
	smp_store_release(&line->word[0], number);
}

static void line_wait(struct line *line, u64 number)
{
	unsigned int spins = 0;
	u64 sum = 0;
	int i;

	/* pairs with line_send() */
	while (smp_load_acquire(&line->word[0]) != number)
		if (++spins % 65536 == 0)
			relax(&spins);
	for (i = 1; i < 8; i++)
		sum += READ_ONCE(line->word[i]);
	if (sum != number * 7)
		fail("a line came in pieces");
}

static void msg_send(int ring, u64 number)
{
	struct rf_msg msg = { .len = RF_MSG_BODY, .tag = cpu_to_le32((u32)number) };

	if (ficm_ring_put(&out[ring], &msg))
		fail("put: %s", ficm_ring_fault_name(out[ring].fault));
	ficm_ring_bell(&out[ring]);
}

static void msg_wait(int ring, u64 number)
{
	unsigned int spins = 0;
	struct rf_msg msg;

	while (ficm_ring_get(&in[ring], &msg))
		if (++spins % 65536 == 0)
			relax(&spins);
	if (le32_to_cpu(msg.tag) != (u32)number)
		fail("message %llu is not what was sent", (unsigned long long)number);
}

static void trips(int self, bool messages, u64 first)
{
	u64 i;

	for (i = first; i < first + TRIPS; i++) {
		if (messages) {
			if (!self)
				msg_send(0, i);
			msg_wait(!self, i);
			if (self)
				msg_send(1, i);
		} else {
			if (!self)
				line_send(&bare[0], i);
			line_wait(&bare[!self], i);
			if (self)
				line_send(&bare[1], i);
		}
	}
}

static void rounds(int self)
{
	unsigned int turn = 0;
	u64 i, begin, ns;

	for (i = 0; i < opt.count / TRIPS; i++) {
		meet(&turn);
		begin = now_ns();
		trips(self, i % 2, 1 + i * TRIPS);
		ns = now_ns() - begin;
		if (!self && ns < best[i % 2])
			best[i % 2] = ns;
	}
}

static void *ping(void *arg)
{
	rounds(0);
	return NULL;
}

static void *pong(void *arg)
{
	rounds(1);
	return NULL;
}

void pingpong(void)
{
	int i;

	for (i = 0; i < 2; i++) {
		mem_make(&mem[i]);
		if (ficm_ring_out_open(&out[i], &mem[i], 1, 2) ||
		    ficm_ring_in_open(&in[i], &mem[i], 2, 1))
			fail("a ring of %u slots is refused", opt.slots);
	}
	both(ping, pong);
	printf("line_ns %llu message_ns %llu ratio %.2f\n", (unsigned long long)best[0] / TRIPS,
	       (unsigned long long)best[1] / TRIPS, (double)best[1] / best[0]);
	for (i = 0; i < 2; i++)
		mem_free(&mem[i]);
}
