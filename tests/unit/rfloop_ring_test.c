// SPDX-License-Identifier: GPL-2.0-only
/*
 * Both ends of a ring of packets in one program, each as the other expects it, then one of
 * them as nobody does.
 */
#include <stdlib.h>

#include "ring.c"
#include "tap.h"

#define PAGES	40U
#define BYTES	(sizeof(struct rf_loop_ring) + PAGES * RF_LOOP_PAGE)

static struct rf_loop_ring ring;
static struct rfloop_out out;
static struct rfloop_in in;

static bool begin(void)
{
	memset(&ring, 0, sizeof(ring));
	return !rfloop_in_init(&in, &ring, BYTES) && !rfloop_out_init(&out, &ring, BYTES);
}

/* A packet of so many bytes; whether a bell is to be rung. */
static bool put(u32 len)
{
	struct rf_loop_slot slot = { .len = cpu_to_le32(len) };
	u32 i;

	for (i = 0; i < rfloop_pages(len); i++)
		slot.page[i] = cpu_to_le16(rfloop_out_page(&out));
	return rfloop_out_put(&out, &slot);
}

static bool take(u32 len)
{
	struct rfloop_packet p;
	u32 i;

	if (rfloop_in_next(&in, &p) != 1 || p.len != len)
		return false;
	for (i = 0; i < p.nr; i++)
		rfloop_in_return(&in, p.page[i]);
	return true;
}

static void test_order(void)
{
	u32 i, n = 0;
	bool good = true;

	ok(begin() && out.pages == PAGES && in.pages == PAGES, "a ring");
	for (i = 1; good && i < 5000; i++) {
		u32 len = i * 7919 % RF_LOOP_PACKET + 1;

		good = !rfloop_out_look(&out) && rfloop_out_room(&out, rfloop_pages(len));
		put(len);
		good = good && take(len);
		rfloop_in_publish(&in);
		n += good;
	}
	ok(good && n == 4999, "packets of any length come as they were sent");
	ok(!rfloop_out_look(&out) && out.nr_free == PAGES && !in.held, "all pages are back");
}

static void test_room(void)
{
	u32 n = 0;

	begin();
	while (rfloop_out_room(&out, 16)) {
		put(RF_LOOP_PACKET);
		n++;
	}
	ok(n == 2 && out.nr_free == 8, "as many as there are pages");
	ok(!rfloop_out_wait(&out, 20) && !rfloop_out_room(&out, 16), "full: it waits");
	ok(take(RF_LOOP_PACKET) && !rfloop_in_publish(&in), "one is taken: no bell yet");
	ok(take(RF_LOOP_PACKET) && rfloop_in_publish(&in), "the other one: a bell");
	ok(!rfloop_in_publish(&in), "and no other");
	ok(!rfloop_out_look(&out) && rfloop_out_room(&out, PAGES), "there is room");
}

static void test_slots(void)
{
	static struct rf_loop_ring large;
	u32 n = 0, i;
	bool good = true;

	rfloop_in_init(&in, &large, sizeof(large) + 1000 * RF_LOOP_PAGE);
	rfloop_out_init(&out, &large, sizeof(large) + 1000 * RF_LOOP_PAGE);
	for (; rfloop_out_room(&out, 1); n++)
		put(1 + n);
	ok(n == RF_LOOP_SLOTS, "as many as there are slots");
	for (i = 0; i < n; i++)
		good = good && take(1 + i);
	rfloop_in_publish(&in);
	ok(good && !rfloop_out_look(&out) && rfloop_out_room(&out, 1000), "all of them come");
}

static void test_bells(void)
{
	begin();
	ok(!rfloop_in_any(&in) && rfloop_in_sleep(&in), "nothing is there: it may sleep");
	ok(put(100), "who puts the first one rings");
	ok(!put(100), "who puts the next one does not");
	ok(rfloop_in_any(&in) && !rfloop_in_sleep(&in), "who was about to sleep sees them");
	ok(take(100) && take(100) && rfloop_in_sleep(&in) && put(5), "asleep again: a bell");
}

/* What the receiver says, against what was put: two packets of two pages. */
static int said(u32 taken, u32 returned, u16 page0, u16 page1)
{
	begin();
	put(8000);
	put(8000);
	ring.receiver.back[0] = cpu_to_le16(page0);
	ring.receiver.back[1] = cpu_to_le16(page1);
	ring.receiver.taken = cpu_to_le32(taken);
	ring.receiver.returned = cpu_to_le32(returned);
	return rfloop_out_look(&out);
}

static void test_liars(void)
{
	struct rf_loop_slot *slot = &ring.sender.slot[0];
	struct rfloop_packet p;
	u32 i;

	ok(!said(2, 2, 0, 1), "control: what can be");
	ok(said(3, 2, 0, 1) == -EPROTO, "more taken than was put");
	ok(said(U32_MAX, 2, 0, 1) == -EPROTO, "less than nothing");
	ok(said(2, 5, 0, 1) == -EPROTO, "more given back than was sent");
	ok(said(2, 2, 0, 0) == -EPROTO, "a page twice");
	ok(said(2, 2, 0, 4) == -EPROTO, "one that was not sent");
	ok(said(2, 2, 0, PAGES) == -EPROTO, "one that there is not");
	ok(said(2, 2, 0, 65535) == -EPROTO, "nor room for its number");
	begin();
	put(8000);
	ok(rfloop_in_next(&in, &p) == 1 && rfloop_in_next(&in, &p) == 0, "control: a packet");
	ring.sender.slot[1] = *slot;
	for (i = 0; i < RF_LOOP_FRAGS; i++)
		ring.sender.slot[1].page[i] = cpu_to_le16(10 + i);
	ring.sender.put = cpu_to_le32(2 + RF_LOOP_SLOTS);
	ok(rfloop_in_next(&in, &p) == -EPROTO, "more packets than slots");
	begin();
	put(8000);
	slot->len = 0;
	ok(rfloop_in_next(&in, &p) == -EPROTO, "no bytes");
	for (i = 0; i < RF_LOOP_FRAGS; i++)
		slot->page[i] = cpu_to_le16(i);
	slot->len = cpu_to_le32(RF_LOOP_PACKET + 1);
	ok(rfloop_in_next(&in, &p) == -EPROTO, "too many");
	slot->len = cpu_to_le32(8000);
	slot->page[1] = cpu_to_le16(PAGES);
	ok(rfloop_in_next(&in, &p) == -EPROTO, "a page that there is not");
	begin();
	put(8000);
	slot->page[1] = slot->page[0];
	ok(rfloop_in_next(&in, &p) == -EPROTO, "a page twice in one packet");
	begin();
	put(100);
	rfloop_in_next(&in, &p);
	put(100);
	ring.sender.slot[1].page[0] = slot->page[0];
	ok(rfloop_in_next(&in, &p) == -EPROTO, "one that is with us");
}

static void test_init(void)
{
	ok(rfloop_in_init(&in, &ring, sizeof(ring) + 15 * RF_LOOP_PAGE) == -EINVAL,
	   "a ring too small");
	begin();
	ok(rfloop_out_init(&out, &ring, BYTES - 1) == -EPROTO, "more pages than the region has");
	ring.receiver.pages = cpu_to_le32(RF_LOOP_FRAGS - 1);
	ok(rfloop_out_init(&out, &ring, BYTES) == -EPROTO, "too few");
	begin();
	ring.receiver.version = cpu_to_le32(RF_LOOP_VERSION + 1);
	ok(rfloop_out_init(&out, &ring, BYTES) == -EPROTO, "another version");
	begin();
	ring.receiver.size = 0;
	ok(rfloop_out_init(&out, &ring, BYTES) == -EPROTO, "another layout");
	memset(&ring, 0, sizeof(ring));
	ok(rfloop_out_init(&out, &ring, BYTES) == -EPROTO, "no ring");
	ok(sizeof(struct rf_loop_slot) == 64 && offsetof(struct rf_loop_ring, sender) % 4096 == 0 &&
	   sizeof(struct rf_loop_ring) % 4096 == 0,
	   "a slot is a cache line, each end has pages of its own");
}

int main(void)
{
	test_init();
	test_order();
	test_room();
	test_slots();
	test_bells();
	test_liars();
	return tap_end();
}
