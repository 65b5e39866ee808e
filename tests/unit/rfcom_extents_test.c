// SPDX-License-Identifier: GPL-2.0-only
/*
 * Where a region lies: what is taken over, and which page is where.
 */
#include "extents.c"
#include "tap.h"

#define LIMIT	(1ULL << 36)

static struct rfcom_extent e[RF_COM_EXTENTS];

static int check(u64 bytes, u32 nr, const u64 (*table)[2])
{
	struct rf_com_extent from[4];
	u32 i;

	for (i = 0; i < nr; i++) {
		from[i].start = cpu_to_le64(table[i][0]);
		from[i].bytes = cpu_to_le64(table[i][1]);
	}
	return rfcom_extents_check(e, from, nr, bytes, LIMIT);
}

#define CHECK(bytes, ...) ({						\
	static const u64 t[][2] = { __VA_ARGS__ };			\
	check(bytes, sizeof(t) / sizeof(*t), t);			\
})

static void test_check(void)
{
	ok(!CHECK(0x1000, { 0x5000, 0x1000 }), "a page");
	ok(!CHECK(0x4000, { 0x5000, 0x1000 }, { 0x1000, 0x3000 }), "two pieces");
	ok(e[0].first == 0 && e[0].pages == 1 && e[0].start == 0x5000 && e[1].first == 1 &&
	   e[1].pages == 3 && e[1].start == 0x1000, "are taken over");
	ok(CHECK(0x2000, { 0x5000, 0x1000 }) == -EPROTO, "too little");
	ok(CHECK(0x1000, { 0x5000, 0x2000 }) == -EPROTO, "too much");
	ok(CHECK(0x1000, { 0x5000, 0x1000 }, { 0x7000, 0x1000 }) == -EPROTO, "one too many");
	ok(CHECK(0x1800, { 0x5000, 0x1000 }, { 0x7000, 0x800 }) == -EPROTO, "half a page");
	ok(CHECK(0x2000, { 0x5000, 0x1800 }, { 0x7000, 0x800 }) == -EPROTO, "two halves");
	ok(CHECK(0x1000, { 0x5800, 0x1000 }) == -EPROTO, "from the middle of a page on");
	ok(CHECK(0x1000, { 0, 0x1000 }) == -EPROTO, "page 0");
	ok(CHECK(0x1000, { 0x5000, 0x1000 }, { 0x7000, 0 }) == -EPROTO, "an empty piece");
	ok(CHECK(0, { 0x5000, 0x1000 }) == -EPROTO, "an empty region");
	ok(!CHECK(0x1000, { LIMIT - 0x1000, 0x1000 }), "the last page that there can be");
	ok(CHECK(0x2000, { LIMIT - 0x1000, 0x2000 }) == -EPROTO, "one behind it");
	ok(CHECK(0x1000, { LIMIT, 0x1000 }) == -EPROTO, "and alone");
	ok(CHECK(0x2000, { 0x5000, 0xfffffffffffff000ULL }, { 0x5000, 0x3000 }) == -EPROTO,
	   "sizes that wrap around");
	ok(CHECK(0x1000, { 0xfffffffffffff000ULL, 0x1000 }) == -EPROTO, "an address that does");
	ok(!CHECK(RF_COM_REGION_MAX, { 0x1000000, RF_COM_REGION_MAX }), "the largest region");
	ok(CHECK(RF_COM_REGION_MAX + 0x1000, { 0x1000000, RF_COM_REGION_MAX + 0x1000 }) == -EPROTO,
	   "one page more");
	ok(check(0x1000, 0, NULL) == -EPROTO, "no piece at all");
	ok(check(0, 0, NULL) == -EPROTO, "nor in an empty one");
}

static void test_find(void)
{
	u64 page, first = 0;
	bool good = true;
	u32 i, j;

	for (i = 0; i < 7; i++) {
		e[i].first = first;
		e[i].pages = 1 + i % 3;
		first += e[i].pages;
	}
	for (i = 0, page = 0; i < 7; i++)
		for (j = 0; j < e[i].pages; j++)
			good &= rfcom_extents_find(e, 7, page++) == &e[i];
	ok(good, "each page is in its piece");
	ok(!rfcom_extents_find(e, 7, page), "the one behind the last in none");
	ok(!rfcom_extents_find(e, 7, ~0ULL), "nor one far behind");
	ok(!rfcom_extents_find(e, 0, 0), "nor in a region of none");
}

int main(void)
{
	test_check();
	test_find();
	return tap_end();
}
