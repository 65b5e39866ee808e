// SPDX-License-Identifier: GPL-2.0-only
/*
 * Anchors: what was put is what comes out, also for a build that knows of more or
 * of less; what is spoiled is noticed, and never read beyond its end.
 */
#include <stdlib.h>

#include "anchor_format.c"
#include "tap.h"

#define CPUS	300
#define SIZE	65536

static u8 buf[SIZE];

static struct rf_anchor_out begin(u64 size)
{
	memset(buf, 0xee, sizeof(buf));
	return (struct rf_anchor_out){ .buf = buf, .size = size };
}

static void put_once(struct rf_anchor_out *out)
{
	const struct rf_anchor_machine machine = { .abi = 7, .dir = 0x1234000, .usage_folded = 9 };
	const struct rf_anchor_park park = { .code = 0x5000, .return_offset = 77 };

	rf_anchor_put(out, RF_ANCHOR_MACHINE, &machine, sizeof(machine));
	rf_anchor_put(out, RF_ANCHOR_PARK, &park, sizeof(park));
}

/* CPUs in two runs, blocks between them. */
static void put_all(struct rf_anchor_out *out)
{
	u32 i;

	for (i = 0; i < CPUS; i++) {
		const struct rf_anchor_cpu c = { .cpu = i, .apicid = ~i, .slot = (u64)i << 12 };
		const struct rf_anchor_block b = { .start = (u64)i << 27, .owner = i };

		rf_anchor_put(out, RF_ANCHOR_CPU, &c, sizeof(c));
		if (i == CPUS / 3 || i == CPUS / 2)
			rf_anchor_put(out, RF_ANCHOR_BLOCK, &b, sizeof(b));
	}
	put_once(out);
}

static int walk(u64 size, const char **why)
{
	const struct rf_anchor anchor = { .buf = buf, .size = size };

	*why = "";
	return rf_anchor_walk(&anchor, why);
}

/* CPUs that come out, in order; -1: another one came. */
static int read_cpus(const struct rf_anchor *anchor)
{
	struct rf_anchor_iter it;
	struct rf_anchor_cpu c;
	int n = 0;

	rf_anchor_first(&it, anchor, RF_ANCHOR_CPU);
	while (rf_anchor_next(&it, &c, sizeof(c)))
		if (c.cpu != (u32)n || c.apicid != ~(u32)n || c.slot != (u64)n++ << 12)
			return -1;
	return n;
}

static void test_round(void)
{
	struct rf_anchor_out count = { .buf = NULL }, out = begin(SIZE);
	struct rf_anchor anchor = { .buf = buf };
	struct rf_anchor_machine m;
	struct rf_anchor_iter it;
	const char *why;

	put_all(&count);
	put_all(&out);
	anchor.size = out.used;
	ok(!out.full && out.used <= count.used, "what is counted is enough: %llu of %llu",
	   (unsigned long long)out.used, (unsigned long long)count.used);
	ok(!walk(out.used, &why), "what was written are records");
	ok(read_cpus(&anchor) == CPUS, "all elements come out in order, over several records");
	ok(rf_anchor_count(&anchor, RF_ANCHOR_CPU) == CPUS &&
	   rf_anchor_count(&anchor, RF_ANCHOR_BLOCK) == 2 &&
	   rf_anchor_count(&anchor, RF_ANCHOR_LOAN) == 0, "and are counted");
	rf_anchor_first(&it, &anchor, RF_ANCHOR_MACHINE);
	ok(rf_anchor_next(&it, &m, sizeof(m)) && m.abi == 7 && m.dir == 0x1234000 &&
	   m.usage_folded == 9 && !rf_anchor_next(&it, &m, sizeof(m)), "what is there once");
	out = begin(count.used / 2);
	put_all(&out);
	ok(out.full && out.used <= count.used / 2 && buf[count.used / 2] == 0xee,
	   "no room: it says so, and writes nothing behind its end");
}

/* A later build put two more members at the end of each CPU; an earlier one knew less. */
static void test_builds(void)
{
	struct { struct rf_anchor_cpu c; u64 more[2]; } later = { .more = { 1, 2 } };
	struct rf_anchor anchor = { .buf = buf };
	struct rf_anchor_cpu c = { .slot = 5 };
	const u32 earlier[2] = { 3, 4 };	/* cpu, apicid */
	struct rf_anchor_out out = begin(SIZE);
	struct rf_anchor_iter it;
	const char *why;
	int ret;
	u32 i;

	for (i = 0; i < 10; i++) {
		later.c = (struct rf_anchor_cpu){ .cpu = i, .apicid = ~i, .slot = (u64)i << 12 };
		rf_anchor_put(&out, RF_ANCHOR_CPU, &later, sizeof(later));
	}
	put_once(&out);
	anchor.size = out.used;
	ok(!walk(out.used, &why) && read_cpus(&anchor) == 10, "longer elements of a later build");
	out = begin(SIZE);
	rf_anchor_put(&out, RF_ANCHOR_CPU, earlier, sizeof(earlier));
	put_once(&out);
	anchor.size = out.used;
	rf_anchor_first(&it, &anchor, RF_ANCHOR_CPU);
	ok(rf_anchor_next(&it, &c, sizeof(c)) && c.cpu == 3 && c.apicid == 4 && !c.owner && !c.slot,
	   "shorter ones of an earlier build: zeros behind");
	rf_anchor_put(&out, RF_ANCHOR_TYPES + 5, &c, sizeof(c));
	ret = walk(out.used, &why);
	ok(ret == -EPROTO, "a type that is not known is refused: %s", why);
	out = begin(SIZE);
	put_once(&out);
	rf_anchor_put(&out, (RF_ANCHOR_TYPES + 5) | RF_ANCHOR_OPTIONAL, &c, sizeof(c));
	ok(!walk(out.used, &why), "unless it may be left out");
	put_once(&out);
	ret = walk(out.used, &why);
	ok(ret == -EBADMSG, "the machine twice is refused: %s", why);
	ret = walk(0, &why);
	ok(ret == -EBADMSG, "nothing at all is refused: %s", why);
}

static u64 noticed;

/* With memory of just that size, so that a read beyond the end is seen. */
static void spoil_once(u64 size)
{
	u64 at = random() % size, cut = random() % 8 ? size : random() % size;
	u8 *copy = malloc(cut ?: 1);
	const struct rf_anchor anchor = { .buf = copy, .size = cut };
	const char *why;

	memcpy(copy, buf, cut);
	if (at < cut)
		copy[at] ^= 1 << random() % 8;
	noticed += rf_anchor_walk(&anchor, &why) != 0;
	read_cpus(&anchor);
	free(copy);
}

static void test_spoilt(void)
{
	struct rf_anchor_out out = begin(SIZE);
	int i;

	put_all(&out);
	for (i = 0; i < 20000; i++)
		spoil_once(out.used);
	ok(noticed > 100 && noticed < 20000,
	   "20000 anchors that were spoiled or cut are read to their end, %llu of them refused",
	   (unsigned long long)noticed);
}

int main(void)
{
	test_round();
	test_builds();
	test_spoilt();
	return tap_end();
}
