// SPDX-License-Identifier: GPL-2.0-only
/*
 * The range algebra does at random what a bitmap does too; after each step
 * both must say the same.
 */
#include <stdlib.h>
#include <time.h>
#include "range.h"
#include "tap.h"

#define ROUNDS		100000
#define BITS		160
#define MAX_SPANS	24

static struct rf_span spans[MAX_SPANS + 1];
static struct rf_set set = { .span = spans, .max = MAX_SPANS };
static bool bits[BITS];

static u32 count(u32 from, u32 length)
{
	u32 n = 0;

	while (length--)
		n += bits[from++];
	return n;
}

/* Spans that the bitmap would need. */
static u32 runs(void)
{
	u32 i, n = bits[0];

	for (i = 1; i < BITS; i++)
		n += bits[i] && !bits[i - 1];
	return n;
}

/* The bitmap where the range has @value already gives @exists, else it is set. */
static int model(u32 from, u32 length, bool value, int exists)
{
	u32 i, had = count(from, length);

	if (!length)
		return -EINVAL;
	if (had != (value ? 0 : length))
		return exists;
	for (i = 0; i < length; i++)
		bits[from + i] = value;
	if (runs() <= MAX_SPANS)
		return 0;
	for (i = 0; i < length; i++)
		bits[from + i] = !value;
	return -ENOSPC;
}

/* @base moves the whole game, up to the end of the address space. */
static bool same_as_model(u64 base)
{
	u32 i;

	if (!rf_set_valid(&set) || set.nr != runs() || rf_set_total(&set) != count(0, BITS))
		return false;
	for (i = 0; i < BITS; i++)
		if (rf_set_contains(&set, base + i, 1) != bits[i])
			return false;
	return true;
}

static bool step(u64 base, u32 *full)
{
	u32 from = rand() % BITS;
	u32 length = rand() % 4 ? rand() % 6 : rand() % BITS;
	int want, got;

	if (length > BITS - from)
		length = BITS - from;
	if (rf_set_overlaps(&set, base + from, length) != !!count(from, length))
		return false;
	if (rf_set_contains(&set, base + from, length) !=
	    (length && count(from, length) == length))
		return false;
	if (rand() % 2) {
		want = model(from, length, true, -EEXIST);
		got = rf_set_add(&set, base + from, length);
	} else {
		want = model(from, length, false, -ENOENT);
		got = rf_set_remove(&set, base + from, length);
	}
	*full += want == -ENOSPC;
	return want == got && same_as_model(base);
}

static void test_random(u64 base, const char *where, u32 seed)
{
	u32 i, full = 0;

	srand(seed);
	memset(bits, 0, sizeof(bits));
	set.nr = 0;
	for (i = 0; i < ROUNDS && step(base, &full); i++)
		;
	ok(i == ROUNDS && full, "%s, seed %u: %u steps as the bitmap, %u times full", where, seed,
	   i, full);
}

/* Every block of the bitmap, in the order in which they must come. */
static bool picks_right(u64 grain, u64 prefer)
{
	struct rf_pick pick;
	u64 start;
	u32 pass;

	rf_pick_init(&pick, grain, prefer);
	for (pass = 0; pass < 2; pass++) {
		u64 at = BITS / grain * grain;

		for (; at >= grain; at -= grain) {
			u64 want = at - grain;
			bool high = at > prefer;

			if (pass != high || count(want, grain) != grain)
				continue;
			if (!rf_pick_next(&pick, &set, &start) || start != want)
				return false;
		}
	}
	return !rf_pick_next(&pick, &set, &start);
}

static void test_pick(u32 seed)
{
	u32 i, full, blocks = 0;

	srand(seed);
	memset(bits, 0, sizeof(bits));
	set.nr = 0;
	for (i = 0; i < ROUNDS / 10; i++) {
		u64 grain = 1 << rand() % 5;

		if (!step(0, &full) || !picks_right(grain, rand() % (BITS + 20)))
			break;
		blocks += rf_set_total(&set) / grain;
	}
	ok(i == ROUNDS / 10 && blocks, "seed %u: %u searches find every block, in order", seed, i);
}

static void not_a_set(const struct rf_span *list, u32 nr, const char *what)
{
	struct rf_span copy[4];
	struct rf_set bad = { .span = copy, .nr = nr, .max = ARRAY_SIZE(copy) };

	memcpy(copy, list, nr * sizeof(*list));
	ok(!rf_set_valid(&bad), "not a set: %s", what);
}

static void test_edges(void)
{
	static const struct rf_span touching[] = { { 0, 4 }, { 4, 4 } };
	static const struct rf_span crossed[] = { { 8, 4 }, { 0, 4 } };
	static const struct rf_span empty[] = { { 0, 0 } };
	static const struct rf_span wraps[] = { { U64_MAX, 1 } };
	struct rf_pick pick;
	u64 start;

	not_a_set(touching, ARRAY_SIZE(touching), "spans that touch");
	not_a_set(crossed, ARRAY_SIZE(crossed), "spans out of order");
	not_a_set(empty, ARRAY_SIZE(empty), "an empty span");
	not_a_set(wraps, ARRAY_SIZE(wraps), "a span that ends beyond the address space");
	ok(!rf_set_valid(&(struct rf_set){ spans, 3, 2 }), "not a set: more spans than room");
	set.nr = 0;
	ok(rf_set_valid(&set) && !rf_set_total(&set) && !rf_set_contains(&set, 0, 1) &&
	   !rf_set_overlaps(&set, 0, U64_MAX), "the empty set");
	ok(rf_set_add(&set, U64_MAX, 1) == -EINVAL && rf_set_add(&set, 2, U64_MAX) == -EINVAL &&
	   rf_set_add(&set, 2, 0) == -EINVAL && rf_set_remove(&set, U64_MAX, 2) == -EINVAL,
	   "ranges that are none");
	ok(!rf_set_add(&set, 0, U64_MAX) && rf_set_contains(&set, U64_MAX - 1, 1) &&
	   rf_set_overlaps(&set, U64_MAX - 1, U64_MAX) && !rf_set_remove(&set, 1, U64_MAX - 2) &&
	   set.nr == 2 && rf_set_total(&set) == 2, "the largest set");
	set.nr = 0;
	rf_set_add(&set, 0, U64_MAX);
	rf_pick_init(&pick, 1ULL << 63, 0);
	ok(rf_pick_next(&pick, &set, &start) && !start && !rf_pick_next(&pick, &set, &start),
	   "a search with a huge grain ends");
}

static void test_control(void)
{
	u32 i;

	memset(bits, 0, sizeof(bits));
	set.nr = 0;
	for (i = 0; i < 10; i++) {
		model(i * 8, 4, true, -EEXIST);
		rf_set_add(&set, i * 8, 4);
	}
	ok(same_as_model(0) && picks_right(4, 40), "control: both agree");
	spans[3].length++;
	ok(!same_as_model(0), "control: one address too many is noticed");
	spans[3].length -= 2;
	ok(!same_as_model(0) && !picks_right(4, 40), "control: one address less is noticed");
}

int main(int argc, char **argv)
{
	u32 seed = argc > 1 ? strtoul(argv[1], NULL, 0) : (u32)time(NULL);

	test_random(0, "at 0", seed);
	test_random(0x138000000, "at 5 GB", seed + 1);
	test_random(U64_MAX - BITS, "at the end", seed + 2);
	test_pick(seed + 3);
	test_edges();
	test_control();
	return tap_end();
}
