// SPDX-License-Identifier: GPL-2.0-only
/*
 * One end is honest, the other writes into its own area what it likes, at any
 * time. Every call returns, a message that comes out is well formed, and in the
 * end the ring is known to be broken.
 */
#include "ringtest.h"

enum { NOISE, STAMPS, BITS, KINDS };

static struct ficm_ring_mem mem;
static struct ficm_ring_out out;
static struct ficm_ring_in in;
static bool stop;
static u64 passes;		/* of the hostile end over its whole area */
static u64 faults[FICM_RING_BAD_ACK + 1];
static u64 strays;

/* A stamp of this stream, near to where it is. */
static u64 stamp_like(u64 dice, u64 old)
{
	return (u64)in.pair << 32 | ((dice + old) & (dice & 0x100 ? 0xffffffff : 0xff));
}

static void spoil(u64 *word, size_t words, u64 *state, u64 kind)
{
	size_t i;

	for (i = 0; i < words; i++) {
		u64 dice = rng(state), old = READ_ONCE(word[i]);

		if (kind == STAMPS)
			dice = dice & 0x8000 ? stamp_like(dice, old) : dice & (dice >> 32);
		else if (kind == BITS)
			dice = old ^ 1ULL << dice % 64;
		WRITE_ONCE(word[i], dice);
	}
}

/* All of the writer's area, or its slots only: then what it says of itself stays true. */
static void spoil_writer(u64 *state, u64 kind, bool all)
{
	u64 *area = (u64 *)mem.head, skip = all ? 0 : sizeof(*mem.head) / 8;

	spoil(area + skip, ficm_ring_size(mem.slots) / 8 - skip, state, kind);
}

static void *hostile(void *arg)
{
	unsigned int turn = 0;
	u64 round, state = 1;

	for (round = 0; round < opt.count; round++) {
		u64 kind = round / 2 % KINDS;

		meet(&turn);
		while (!__atomic_load_n(&stop, __ATOMIC_ACQUIRE)) {
			if (round % 2)
				spoil((u64 *)mem.ack, sizeof(*mem.ack) / 8, &state, kind);
			else
				spoil_writer(&state, kind, round / 6 % 2);
			__atomic_add_fetch(&passes, 1, __ATOMIC_RELEASE);
		}
		meet(&turn);
	}
	return NULL;
}

/* Both ends honest for a while: they know each other, the slots were all used. */
static void begin(u64 round)
{
	struct rf_msg msg;
	u64 i, n = mem.slots * (1 + round % 3) + round % 5;

	if (ficm_ring_out_open(&out, &mem, round, round) ||
	    ficm_ring_in_open(&in, &mem, round, round))
		fail("a ring of %u slots is refused", opt.slots);
	for (i = 0; i < n; i++) {
		msg_fill(&msg, i, round);
		if (ficm_ring_put(&out, &msg) || ficm_ring_get(&in, &msg))
			fail("honest ends: %s, %s", ficm_ring_fault_name(out.fault),
			     ficm_ring_fault_name(in.fault));
		msg_check(&msg, i, round);
	}
}

static int read_some(void)
{
	struct rf_msg msg;
	int ret = ficm_ring_get(&in, &msg);

	ficm_ring_arm(&in);
	if (!ret && (msg.len > RF_MSG_BODY || msg.flags))
		fail("a message of %u bytes, flags %#x", msg.len, msg.flags);
	strays += !ret;
	return ret;
}

static int write_some(void)
{
	struct rf_msg msg;
	int ret;

	msg_fill(&msg, out.sent, 0);
	ret = ficm_ring_put(&out, &msg);
	ficm_ring_bell(&out);
	return ret;
}

static u64 passed(void)
{
	return __atomic_load_n(&passes, __ATOMIC_ACQUIRE);
}

static void *honest(void *arg)
{
	unsigned int turn = 0, spins;
	u64 round, from, calls, seen, looks;
	int ret;

	for (round = 0; round < opt.count; round++) {
		begin(round);
		__atomic_store_n(&stop, false, __ATOMIC_RELEASE);
		meet(&turn);
		from = seen = passed();
		calls = spins = looks = 0;
		while ((ret = round % 2 ? write_some() : read_some()) != -EPIPE) {
			/* What it wrote while we did not run it wrote for nobody. */
			looks += passed() != seen;
			seen = passed();
			if (++calls > 1000000 && seen - from > 1000 && looks > 1000)
				fail("round %llu: nothing was noticed: %d",
				     (unsigned long long)round, ret);
			relax(&spins);
		}
		__atomic_store_n(&stop, true, __ATOMIC_RELEASE);
		meet(&turn);
		faults[round % 2 ? out.fault : in.fault]++;
	}
	return NULL;
}

void garbage(void)
{
	unsigned int i;

	mem_make(&mem);
	both(hostile, honest);
	printf("rounds %llu strays %llu", (unsigned long long)opt.count,
	       (unsigned long long)strays);
	for (i = 0; i < ARRAY_SIZE(faults); i++)
		printf(" %s %llu", ficm_ring_fault_name(i), (unsigned long long)faults[i]);
	putchar('\n');
	mem_free(&mem);
}
