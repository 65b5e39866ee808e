// SPDX-License-Identifier: GPL-2.0-only
/*
 * Signals between two kernels, one step at a time; or, with "race N", N times one that is
 * raised by one thread while another takes it.
 */
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>

#include "ring.h"
#include "signal.h"
#include "tap.h"

#define RACED	70U
#define LINES	16

static struct rf_signals *area_a, *area_b;
static struct ficm_signals a, b;

static void open_both(void)
{
	static u32 generation;

	generation++;
	ficm_signals_open(&a, area_a, area_b, generation, generation + 7);
	ficm_signals_open(&b, area_b, area_a, generation + 7, generation);
}

/* All that @s has to take. The last of them in @last. */
static u32 take_all(struct ficm_signals *s, u32 *last)
{
	u32 word, n = 0;
	u64 some;

	if (!ficm_signals_look(s))
		return 0;
	for (word = 0; word < RF_SIGNAL_WORDS; word++) {
		for (some = ficm_signals_take(s, word); some; some &= some - 1) {
			*last = 64 * word + __builtin_ctzll(some);
			n++;
		}
	}
	return n;
}

/* Is @n alone to be taken? */
static bool takes(struct ficm_signals *s, u32 n)
{
	u32 last = RF_SIGNALS;

	return take_all(s, &last) == 1 && last == n;
}

static bool takes_none(struct ficm_signals *s)
{
	u32 last;

	return !take_all(s, &last);
}

static void test_each(void)
{
	u32 n, round, good = 0;

	open_both();
	ok(takes_none(&a) && takes_none(&b), "nothing is pending at first");
	for (round = 0; round < 3; round++)
		for (n = 0; n < RF_SIGNALS; n++)
			good += ficm_signal_raise(&a, n) && takes(&b, n) && takes_none(&b);
	ok(good == 3 * RF_SIGNALS && a.raised == good, "each is taken, once, three times: %u",
	   good);
	ok(takes_none(&a), "and by nobody else");
	ok(ficm_signal_raise(&b, 5) && takes(&a, 5) && takes_none(&b), "the other way likewise");
	for (n = 0; n < RF_SIGNALS; n++)
		ficm_signal_raise(&a, n);
	ok(take_all(&b, &n) == RF_SIGNALS && takes_none(&b), "all at a time");
}

static void test_pending(void)
{
	open_both();
	ok(ficm_signal_raise(&a, 9), "it is rung for");
	ok(!ficm_signal_raise(&a, 9) && !ficm_signal_raise(&a, 9) && a.raised == 1,
	   "not while it is pending");
	ok(ficm_signal_raise(&a, 10) && ficm_signal_raise(&a, 9 + 64), "others are");
	ok(ficm_signals_look(&b) && !ficm_signals_look(&b), "one look tells");
	ok(ficm_signals_take(&b, 0) == (BIT_ULL(9) | BIT_ULL(10)), "two in one word");
	ok(ficm_signal_raise(&a, 9), "taken: rung for again");
	ok(!ficm_signal_raise(&a, 9 + 64), "not what has not been taken");
	ok(ficm_signals_look(&b), "there is news");
	ok(ficm_signals_take(&b, 0) == BIT_ULL(9) && ficm_signals_take(&b, 1) == BIT_ULL(9),
	   "both are there");
	ok(!ficm_signals_take(&b, 0) && !ficm_signals_take(&b, 1), "once");
}

static void test_open(void)
{
	open_both();
	ficm_signal_raise(&a, 1);
	ficm_signal_raise(&a, 2);
	takes_none(&b);
	ficm_signal_raise(&a, 3);
	ficm_signals_open(&b, area_b, area_a, 900, 800);
	ok(takes_none(&b), "what was raised for its predecessor does not come");
	ficm_signals_open(&a, area_a, area_b, 801, 900);
	ok(ficm_signal_raise(&a, 4) && takes_none(&b), "nor what another than it knows raises");
	ficm_signals_open(&b, area_b, area_a, 900, 801);
	ok(takes(&b, 4), "until it knows it: that was pending");
	ok(ficm_signal_raise(&a, 4) && takes(&b, 4), "and they go on");
	ficm_signal_raise(&a, 5);
	ficm_signals_open(&a, area_a, area_b, 802, 900);
	ok(takes_none(&b), "nothing of who was before, when another begins");
	ficm_signals_open(&b, area_b, area_a, 900, 802);
	ok(takes_none(&b) && ficm_signal_raise(&a, 5) && takes(&b, 5), "nor later: it begins empty");
	ficm_signal_raise(&a, 5);
	ficm_signals_close(&a);
	ok(takes_none(&b), "nothing after its end");
}

/* The other one's words from its former life say nothing about what is pending. */
static void test_stale(void)
{
	open_both();
	ficm_signal_raise(&a, 70);
	takes(&b, 70);
	ficm_signals_open(&a, area_a, area_b, 500, 501);
	ok(ficm_signal_raise(&a, 70) && !ficm_signal_raise(&a, 70),
	   "old words of the taker do not make it pending");
	ficm_signals_open(&b, area_b, area_a, 501, 500);
	ok(takes(&b, 70), "and it comes");
}

static void test_hostile(void)
{
	u8 *bytes = (u8 *)area_a;
	u32 i, k, last, most = 0, word;

	srand(1);
	open_both();
	for (i = 0; i < 1000; i++) {
		for (k = 0; k < sizeof(*area_a); k++)
			bytes[k] = rand();
		area_a->open = b.other_open;
		last = take_all(&b, &word);
		most = last > most ? last : most;
		ficm_signal_raise(&b, rand() % RF_SIGNALS);
	}
	ok(most > 0 && most <= RF_SIGNALS, "noise: at most so many at a time: %u", most);
	area_a->count = 0;
	ficm_signals_look(&b);
	for (i = 0; i < RF_SIGNAL_WORDS; i++)
		ficm_signals_take(&b, i);
	area_a->sent[3] ^= cpu_to_le64(2);
	ok(takes_none(&b), "what is not counted is not looked at");
	area_a->count = cpu_to_le64(~0ULL);
	ok(takes(&b, 3 * 64 + 1), "it is when a count tells, whichever");
	area_a->open = 0;
	area_a->count = 0;
	ok(takes_none(&b), "one that has closed has no signals");
}

/* --- two threads: one raises, and one takes, at the same moment --- */
static u64 rounds, lost;
static u64 __attribute__((aligned(64))) stored, __attribute__((aligned(64))) seen;
static u64 __attribute__((aligned(64))) before[LINES][8];	/* keeps stores waiting */
static u32 __attribute__((aligned(64))) met;
static bool __attribute__((aligned(64))) rang;

static void jitter(u64 *state)
{
	unsigned int n;

	*state = *state * 6364136223846793005ULL + 1442695040888963407ULL;
	for (n = *state >> 58; n; n--)
		__asm__ __volatile__("");
}

/* Until both have come so far. */
static void meet(u32 *turn)
{
	unsigned int spins = 0;

	*turn += 2;
	__atomic_fetch_add(&met, 1, __ATOMIC_SEQ_CST);
	while ((s32)(__atomic_load_n(&met, __ATOMIC_SEQ_CST) - *turn) < 0)
		if (!(++spins % 4096))
			sched_yield();
}

static bool take_raced(void)
{
	return ficm_signals_look(&b) && ficm_signals_take(&b, RACED / 64);
}

static void *taker(void *arg)
{
	u64 i, state = 2;
	u32 turn = 0, k;
	bool again;

	for (i = 0; i < rounds; i++) {
		meet(&turn);
		jitter(&state);
		if (take_raced())
			WRITE_ONCE(seen, READ_ONCE(stored));
		meet(&turn);
		/* Not rung for once more: then it was seen. Otherwise it is there now. */
		again = take_raced();
		for (k = 0; k < LINES; k++)
			lost += READ_ONCE(before[k][0]) != i + 1;
		lost += READ_ONCE(rang) ? !again : READ_ONCE(seen) != READ_ONCE(stored);
		meet(&turn);
	}
	return arg;
}

static void race(void)
{
	u64 i, state = 1;
	u32 turn = 0, k;
	pthread_t thread;

	open_both();
	pthread_create(&thread, NULL, taker, NULL);
	for (i = 0; i < rounds; i++) {
		ficm_signal_raise(&a, RACED);
		meet(&turn);
		jitter(&state);
		for (k = 0; k < LINES; k++)
			WRITE_ONCE(before[k][0], i + 1);
		WRITE_ONCE(stored, i + 1);
		WRITE_ONCE(rang, ficm_signal_raise(&a, RACED));
		meet(&turn);
		meet(&turn);
	}
	pthread_join(thread, NULL);
	ok(!lost, "raised while it is taken: lost %llu times of %llu", (unsigned long long)lost,
	   (unsigned long long)rounds);
}

int main(int argc, char **argv)
{
	area_a = aligned_alloc(64, sizeof(*area_a));
	area_b = aligned_alloc(64, sizeof(*area_b));
	memset(area_a, 0xa5, sizeof(*area_a));
	memset(area_b, 0x5a, sizeof(*area_b));
	if (argc == 3) {
		rounds = strtoull(argv[2], NULL, 10);
		race();
	} else {
		test_each();
		test_pending();
		test_open();
		test_stale();
		test_hostile();
	}
	free(area_a);
	free(area_b);
	return tap_end();
}
