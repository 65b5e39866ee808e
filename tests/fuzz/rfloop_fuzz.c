// SPDX-License-Identifier: GPL-2.0-only
/*
 * rfloop/ring.h against another end that lies, at each end in turn, and rfloop/list.h
 * against kernels that claim anything. The other end's counters, slots and page numbers are
 * any; both ends must stay within the pages that there are, each with one at most.
 */
#include <stdio.h>
#include <stdlib.h>

#include "../../rfloop/list.h"
#include "../../rfloop/ring.h"
#include "fuzz.h"

#define PAGES	40U
#define BYTES	(sizeof(struct rf_loop_ring) + PAGES * RF_LOOP_PAGE)

static struct rf_loop_ring ring;
static struct rfloop_out out;
static struct rfloop_in in;
static struct rfloop_claims claims;
static struct rfloop_table table;
static unsigned long packets, broken, sent, rung, listed, refused;

static void must(bool good)
{
	if (!good)
		abort();
}

/* Near what is true, or anything. */
static uint32_t lie(uint32_t truth, const uint8_t *d)
{
	uint32_t any;

	memcpy(&any, d + 1, sizeof(any));
	switch (d[0] % 4) {
	case 0: return truth;
	case 1: return truth + d[1] % 4;
	case 2: return truth - d[1] % 4;
	default: return any;
	}
}

static void out_check(void)
{
	uint8_t seen[RF_LOOP_BACK] = { 0 };
	uint32_t i, away = 0;

	must(out.nr_free <= out.pages && out.put - out.taken <= RF_LOOP_SLOTS);
	for (i = 0; i < out.nr_free; i++)
		must(out.free[i] < out.pages && !seen[out.free[i]]++ && !out.away[out.free[i]]);
	for (i = 0; i < out.pages; i++)
		away += out.away[i];
	must(away + out.nr_free == out.pages);
}

static int out_step(const uint8_t *d)
{
	struct rf_loop_slot slot = { 0 };
	uint32_t n = 1 + d[0] % RF_LOOP_FRAGS, i, back = d[6] % 8;

	ring.receiver.back[(out.returned + d[7] % 8) % RF_LOOP_BACK] = d[8] % (PAGES + 2);
	for (i = 0; i < back && d[5] & 1; i++)
		ring.receiver.back[(out.returned + i) % RF_LOOP_BACK] =
			le16_to_cpu(ring.sender.slot[(out.put - 1) % RF_LOOP_SLOTS].page[i]);
	ring.receiver.taken = lie(d[5] & 1 ? out.put : out.taken, d + 9);
	ring.receiver.returned = d[5] & 1 ? out.returned + back : lie(out.returned, d + 14);
	ring.receiver.wanted = lie(out.put, d + 19);
	if (d[5] & 2 ? rfloop_out_look(&out) : rfloop_out_wait(&out, 1 + d[1] % 64))
		return 1;
	out_check();
	if (!rfloop_out_room(&out, n))
		return 0;
	for (i = 0; i < n; i++)
		slot.page[i] = cpu_to_le16(rfloop_out_page(&out));
	rung += rfloop_out_put(&out, &slot);
	sent++;
	out_check();
	return 0;
}

static int in_step(const uint8_t *d)
{
	struct rf_loop_slot *slot = &ring.sender.slot[in.taken % RF_LOOP_SLOTS];
	struct rfloop_packet p;
	uint32_t i;
	int ret;

	slot->len = lie((1 + d[0] % 3) * RF_LOOP_PAGE - d[1], d + 2);
	for (i = 0; i < RF_LOOP_FRAGS; i++)
		slot->page[i] = (d[7] + i) % (d[8] % 8 ? PAGES : 3);
	if (d[8] % 16 == 0)
		slot->page[d[9] % 4] = d[10] | d[11] << 8;
	ring.sender.put = lie(in.taken + 1, d + 12);
	ring.sender.room_wanted = lie(in.told, d + 17);
	ret = rfloop_in_next(&in, &p);
	if (ret < 0)
		return 1;
	if (ret) {
		packets++;
		must(p.len && p.len <= RF_LOOP_PACKET && p.nr == rfloop_pages(p.len) &&
		     p.nr <= RF_LOOP_FRAGS);
		for (i = 0; i < p.nr; i++)
			must(p.page[i] < in.pages && in.here[p.page[i]]);
		for (i = 0; i < p.nr; i++)
			rfloop_in_return(&in, p.page[i]);
	}
	must(in.held <= in.pages);
	rung += rfloop_in_publish(&in);
	rfloop_in_sleep(&in);
	return 0;
}

static void claim(const uint8_t *d)
{
	struct rf_loop_entry e[4] = { 0 };
	uint32_t i, n = d[0] % 5;

	for (i = 0; i < n; i++) {
		e[i].family = cpu_to_le16(d[1 + i] % 8 ? 4 + 2 * (d[1 + i] & 1) : d[1 + i]);
		memcpy(e[i].mac, d + 6, d[5] % 7);
		e[i].address[0] = d[12 + i];
		e[i].address[3] = e[i].address[15] = d[16 + i] % 8;
		if (le16_to_cpu(e[i].family) == 4)
			e[i].address[15] = d[20] % 16 == 0;
	}
	if (d[21] % 8 == 0)
		rfloop_claims_drop(&claims, d[22] % 20);
	if (rfloop_claims_set(&claims, d[22] % 20, e, n))
		refused++;
	rfloop_claims_build(&claims, &table);
	must(table.nr <= RF_LOOP_LIST_MAX);
	for (i = 0; i < table.nr; i++)
		must(rfloop_table_find(&table, table.a[i].family, table.a[i].address) ==
		     &table.a[i]);
	listed += table.nr;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t at;

	memset(&claims, 0, sizeof(claims));
	memset(&ring, 0, sizeof(ring));
	if (size < 25)
		return 0;
	must(!rfloop_in_init(&in, &ring, BYTES) && in.pages == PAGES);
	if (data[0] % 16 == 0)
		ring.receiver.pages = lie(PAGES, data + 1);
	if (rfloop_out_init(&out, &ring, BYTES))
		return 0;
	must(out.pages <= PAGES);
	for (at = 1; at + 24 <= size; at += 24) {
		if (data[0] % 3 == 0 ? out_step(data + at) :
		    data[0] % 3 == 1 && in_step(data + at)) {
			broken++;
			break;
		}
		if (data[0] % 3 == 2)
			claim(data + at);
	}
	return 0;
}

size_t fuzz_make(uint8_t *data, uint64_t (*random)(void))
{
	size_t n = 1 + 24 * (random() % 40), i;
	bool kind = random() % 2;

	for (i = 0; i < n; i++)
		data[i] = random();
	/* A peer that lies seldom gets further. */
	for (i = 1; kind && i + 24 <= n; i += 24) {
		data[i + 5] |= 1;
		data[i + 9] = data[i + 12] = random() % 64 ? 0 : 3;
		data[i + 2] = 0;
		data[i + 8] |= 1;
		data[i + 7] = i / 24 * 3;
	}
	return n;
}

int fuzz_summary(char *text, size_t size)
{
	snprintf(text, size, "%lu packets taken, %lu put, %lu rings broken, %lu bells, %lu addresses listed, %lu claims refused",
		 packets, sent, broken, rung, listed, refused);
	return !packets || !sent || !broken || !rung || !listed || !refused;
}
