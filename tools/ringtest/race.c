// SPDX-License-Identifier: GPL-2.0-only
/*
 * One message against one arming, both at the same moment, again and again:
 * either the writer sees that it has to ring, or the reader sees the message.
 */
#include "ringtest.h"

static struct ficm_ring_mem mem;
static struct ficm_ring_out out;
static struct ficm_ring_in in;
static bool rang;
static u64 slept, lost;

/* A few cycles more or less. */
static void jitter(u64 *state)
{
	unsigned int n;

	for (n = rng(state) % 32; n; n--)
		__asm__ __volatile__("");
}

static void *writer(void *arg)
{
	unsigned int turn = 0;
	u64 i, state = 1;
	struct rf_msg msg;

	for (i = 0; i < opt.count; i++) {
		msg_fill(&msg, i, 0);
		meet(&turn);
		jitter(&state);
		if (ficm_ring_put(&out, &msg))
			fail("put: %s", ficm_ring_fault_name(out.fault));
		rang = ficm_ring_bell(&out);
		meet(&turn);
	}
	return NULL;
}

static void *reader(void *arg)
{
	unsigned int turn = 0;
	u64 i, state = 2;
	struct rf_msg msg;
	bool sleep;

	for (i = 0; i < opt.count; i++) {
		meet(&turn);
		jitter(&state);
		sleep = ficm_ring_arm(&in);
		meet(&turn);
		slept += sleep;
		lost += sleep && !rang;
		if (ficm_ring_get(&in, &msg))
			fail("get: %s", ficm_ring_fault_name(in.fault));
		msg_check(&msg, i, 0);
	}
	return NULL;
}

void race(void)
{
	mem_make(&mem);
	if (ficm_ring_out_open(&out, &mem, 1, 2) || ficm_ring_in_open(&in, &mem, 2, 1))
		fail("a ring of %u slots is refused", opt.slots);
	both(writer, reader);
	printf("rounds %llu asleep %llu lost %llu\n", (unsigned long long)opt.count,
	       (unsigned long long)slept, (unsigned long long)lost);
	if (lost)
		fail("%llu wake-ups were lost", (unsigned long long)lost);
	mem_free(&mem);
}
