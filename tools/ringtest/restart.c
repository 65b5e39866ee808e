// SPDX-License-Identifier: GPL-2.0-only
/*
 * Either end dies at any time and comes back as another incarnation, which it
 * learns from a list that the supervisor would keep. A reader gets messages that
 * were meant for it, of the writer that it knows, from the first one on.
 */
#include "ringtest.h"

static struct ficm_ring_mem mem;
static struct ficm_ring_out out;
static struct ficm_ring_in in;
static u32 generation[2] = { 1, 1 };	/* writer, reader: the list */
static bool done;
static u64 got;

static u64 key_of(u32 writer, u32 reader)
{
	return (u64)writer << 32 | reader;
}

static u32 listed(int who)
{
	return __atomic_load_n(&generation[who], __ATOMIC_ACQUIRE);
}

static void *writer(void *arg)
{
	u32 self = 1, peer = 0;
	unsigned int spins = 0;
	u64 number = 0, state = 1;
	struct rf_msg msg;

	while (!__atomic_load_n(&done, __ATOMIC_ACQUIRE)) {
		if (rng(&state) % 1024 == 0) {
			__atomic_store_n(&generation[0], ++self, __ATOMIC_RELEASE);
			peer = 0;
		}
		if (peer != listed(1)) {
			peer = listed(1);
			number = 0;
			ficm_ring_out_open(&out, &mem, self, peer);
		}
		msg_fill(&msg, number, key_of(self, peer));
		if (ficm_ring_put(&out, &msg))
			relax(&spins);
		else
			number++;
	}
	return NULL;
}

static void *reader(void *arg)
{
	u32 self = 1, peer = 0;
	unsigned int spins = 0;
	u64 number = 0, state = 2;
	struct rf_msg msg;

	/* a writer that gets no time from a busy machine is waited for: --limit ends that */
	while (self <= opt.count || !got) {
		if (rng(&state) % 1024 == 0) {
			__atomic_store_n(&generation[1], ++self, __ATOMIC_RELEASE);
			peer = 0;
		}
		if (peer != listed(0)) {
			peer = listed(0);
			number = 0;
			ficm_ring_in_open(&in, &mem, self, peer);
		}
		if (ficm_ring_get(&in, &msg)) {
			relax(&spins);
			continue;
		}
		msg_check(&msg, number++, key_of(peer, self));
		got++;
	}
	__atomic_store_n(&done, true, __ATOMIC_RELEASE);
	return NULL;
}

void restart(void)
{
	mem_make(&mem);
	both(writer, reader);
	printf("writers %u readers %u messages %llu\n", generation[0], generation[1],
	       (unsigned long long)got);
	if (!got)
		fail("no message came");
	mem_free(&mem);
}
