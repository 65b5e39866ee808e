// SPDX-License-Identifier: GPL-2.0-only
/*
 * At most so often in such a time: single cases, and at random beside a model
 * that keeps all times for ever.
 */
#include <stdlib.h>

#include "limit.c"
#include "tap.h"

#define STEPS	200000

/* what is right, the slow way */
static u64 kept[STEPS];
static u32 nr_kept;

static u32 model_count(u64 now, u64 window)
{
	u32 i, n = 0;

	for (i = 0; i < nr_kept; i++)
		n += now - kept[i] < window;
	return n;
}

static void cases(void)
{
	struct rf_limit l = { 0 };

	ok(rf_limit_take(&l, 1000, 0, 100) == U64_MAX && !l.nr, "none allowed: never");
	ok(!rf_limit_take(&l, 1000, 2, 100), "the first");
	ok(!rf_limit_take(&l, 1010, 2, 100), "the second");
	ok(rf_limit_take(&l, 1020, 2, 100) == 80, "the third is to come again in 80");
	ok(rf_limit_take(&l, 1099, 2, 100) == 1, "in 1");
	ok(rf_limit_count(&l, 1099, 100) == 2, "refusals are not counted");
	ok(!rf_limit_take(&l, 1100, 2, 100), "when told so it is allowed");
	ok(rf_limit_take(&l, 1100, 2, 100) == 10, "then the second one is in the way");
	ok(!rf_limit_take(&l, 5000, 1, 100), "after a long time all is forgotten");
	ok(rf_limit_take(&l, 5000, 1, 100) == 100, "the same moment counts");
	ok(!rf_limit_take(&l, 5000, 2, 100), "a higher maximum holds at once");
	ok(rf_limit_take(&l, 5001, 1, 100) == 99, "a lower one, too");
	ok(!rf_limit_take(&l, 5001, 1, 0), "in no time: always");
}

static void at_most_max(void)
{
	struct rf_limit l = { 0 };
	u32 n = 0;

	while (n < 1000 && !rf_limit_take(&l, 1, U32_MAX, 10))
		n++;
	ok(n == RF_LIMIT_MAX, "%d at most, whatever is asked for", RF_LIMIT_MAX);
}

static void random_steps(unsigned int seed)
{
	struct rf_limit l = { 0 };
	u32 i, max, wrong = 0, allowed = 0, refused = 0;
	u64 now = 0, window, again;
	bool may;

	srandom(seed);
	nr_kept = 0;
	for (i = 0; i < 2000; i++) {
		now += random() % 50;
		max = 1 + random() % RF_LIMIT_MAX;
		window = 1 + random() % 2000;
		/* the ring keeps RF_LIMIT_MAX times: more than that nobody can ask about */
		may = model_count(now, window) < max;
		again = rf_limit_take(&l, now, max, window);
		wrong += may != !again;
		if (again) {
			refused++;
			wrong += model_count(now + again, window) >= max;
			wrong += again > 1 && model_count(now + again - 1, window) < max;
		} else {
			allowed++;
			kept[nr_kept++] = now;
		}
	}
	ok(!wrong && allowed > 100 && refused > 100,
	   "seed %u: as the model says (%u allowed, %u refused, %u wrong)", seed, allowed, refused,
	   wrong);
}

int main(void)
{
	unsigned int seed;

	cases();
	at_most_max();
	for (seed = 1; seed <= 20; seed++)
		random_steps(seed);
	return tap_end();
}
