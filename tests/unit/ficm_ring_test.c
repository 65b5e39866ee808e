// SPDX-License-Identifier: GPL-2.0-only
/*
 * The ring between two kernels, one step at a time.
 */
#include <stdlib.h>

#include "ring.h"
#include "tap.h"

#define SLOTS	8U

static struct ficm_ring_mem mem = { .slots = SLOTS };
static struct ficm_ring_out out;
static struct ficm_ring_in in;
static struct rf_msg msg;

static int put(u32 number)
{
	struct rf_msg m = { .type = 7, .len = 4, .tag = cpu_to_le32(number) };

	memset(m.body, 0x5a, sizeof(m.body));
	return ficm_ring_put(&out, &m);
}

/* What came, or an error. */
static long get(void)
{
	int ret = ficm_ring_get(&in, &msg);

	return ret ? ret : (long)le32_to_cpu(msg.tag);
}

static void open_out(u32 writer, u32 reader)
{
	ficm_ring_out_open(&out, &mem, writer, reader);
}

static void open_in(u32 writer, u32 reader)
{
	ficm_ring_in_open(&in, &mem, reader, writer);
}

static void open_both(void)
{
	static u32 generation;

	generation++;
	open_out(generation, generation);
	open_in(generation, generation);
}

/* @n messages through the ring, so that both ends know each other. */
static bool pass(u32 n)
{
	u32 i;

	for (i = 0; i < n; i++)
		if (put(i) || get() != (long)i)
			return false;
	return true;
}

static u32 fill(void)
{
	u32 n = 0;

	while (!put(n))
		n++;
	return n;
}

static struct rf_msg *slot(u32 n)
{
	return (struct rf_msg *)(mem.head + 1) + n % SLOTS;
}

static void test_order(void)
{
	u32 i, n;

	open_both();
	ok(get() == -EAGAIN, "an empty ring is -EAGAIN");
	ok(pass(1), "a message comes through");
	ok(msg.type == 7 && msg.len == 4 && !memcmp(msg.body, "\x5a\x5a\x5a\x5a", 5),
	   "type, length and body arrive, nothing behind the length does");
	pass(1);
	n = fill();
	ok(n == SLOTS, "a ring of 8 holds 8: %u", n);
	ok(put(99) == -EAGAIN && out.full == 2 && !out.fault, "full is -EAGAIN, counted, no fault");
	for (i = 0; i < n && get() == (long)i; i++)
		;
	ok(i == n && get() == -EAGAIN, "they come out in order, and then no more");
	ok(fill() == SLOTS, "and there is room again");
	open_both();
	ok(pass(10 * SLOTS), "many times around");
	ok(out.sent == 10 * SLOTS && in.got == 10 * SLOTS, "counted");
}

/* Each length: so many bytes come, none behind them, and none of the message before. */
static void test_lengths(void)
{
	struct rf_msg full = { .type = 7, .len = RF_MSG_BODY }, part;
	u32 i, len, good = 0;

	open_both();
	memset(full.body, 0xa5, sizeof(full.body));
	for (len = 0; len <= RF_MSG_BODY; len++) {
		u32 same = 0, zero = 0;

		for (i = 0; i < SLOTS; i++)
			if (ficm_ring_put(&out, &full) || get() != 0 ||
			    memcmp(msg.body, full.body, RF_MSG_BODY))
				break;
		part = full;
		part.len = len;
		part.tag = cpu_to_le32(len);
		if (i < SLOTS || ficm_ring_put(&out, &part) || get() != (long)len)
			break;
		for (i = 0; i < RF_MSG_BODY; i++) {
			same += i < len && msg.body[i] == 0xa5;
			zero += i >= len && !msg.body[i];
		}
		good += msg.type == 7 && msg.len == len && same + zero == RF_MSG_BODY;
	}
	ok(good == RF_MSG_BODY + 1, "bodies of 0 to %u bytes, zero behind: %u", RF_MSG_BODY, good);
}

static bool quiet(void)
{
	__le64 before = 0;
	const __le64 *at = ficm_ring_next(&in, &before);

	return at && *at == before;
}

static void test_next(void)
{
	u32 i, good = 0;

	open_in(77, 78);
	ok(get() == -EAGAIN && quiet(), "quiet before the writer is there");
	open_out(77, 78);
	ok(!quiet() && get() == -EAGAIN && quiet(), "not when it comes, but once both have met");
	for (i = 0; i < 3 * SLOTS; i++)
		good += quiet() && !put(i) && !quiet() && get() == (long)i && quiet();
	ok(good == 3 * SLOTS, "not quiet while a message is there: %u", good);
	ficm_ring_out_close(&out);
	ok(!quiet() && get() == -EPIPE && !quiet(), "nor when the writer has left, ever after");
}

static void test_wrap(void)
{
	open_both();
	out.next = out.taken = out.belled = in.next = in.told = -20U;
	mem.ack->taken = cpu_to_le64((u64)out.pair << 32 | out.next);
	ok(pass(5 * SLOTS) && out.next == 20, "sequence numbers go around at 2^32");
}

static void test_arguments(void)
{
	static const u32 bad[] = { 0, 1, 7, 9, 24, 2 * RF_RING_SLOTS_MAX, 0x80000000 };
	struct ficm_ring_mem odd = mem;
	struct rf_msg m = { .len = RF_MSG_BODY + 1 };
	u32 i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		odd.slots = bad[i];
		ok(ficm_ring_out_open(&out, &odd, 1, 1) == -EINVAL &&
		   ficm_ring_in_open(&in, &odd, 1, 1) == -EINVAL, "%u slots are refused", bad[i]);
	}
	open_both();
	ok(ficm_ring_put(&out, &m) == -EINVAL, "a message that is too long is refused");
	m = (struct rf_msg) { .flags = 1 };
	ok(ficm_ring_put(&out, &m) == -EINVAL && !out.sent, "an unknown flag is refused");
	m = (struct rf_msg) { .len = RF_MSG_BODY };
	ok(!ficm_ring_put(&out, &m) && !get(), "the longest one is not");
}

static void test_bell(void)
{
	open_both();
	ok(!ficm_ring_bell(&out), "nothing sent, nothing to ring for");
	put(0);
	ok(!ficm_ring_bell(&out), "nobody sleeps, nobody is woken");
	ok(!ficm_ring_arm(&in), "a message waits: no sleep");
	ok(get() == 0 && ficm_ring_arm(&in), "nothing there: sleep");
	put(1);
	put(2);
	ok(ficm_ring_bell(&out), "the first of two is waited for: ring");
	ok(!ficm_ring_bell(&out), "once");
	put(3);
	ok(!ficm_ring_bell(&out), "the next one does not ring");
	ok(get() == 1 && get() == 2 && get() == 3 && ficm_ring_arm(&in), "asleep again");
	put(4);
	ok(ficm_ring_bell(&out) && out.bells == 2, "and woken again");
}

static void test_bell_early(void)
{
	open_both();
	ok(pass(3) && ficm_ring_arm(&in), "asleep");
	open_out(77, 78);
	put(0);
	ok(!ficm_ring_bell(&out), "another pair of kernels does not ring");
	open_in(77, 79);
	ok(ficm_ring_arm(&in), "armed before the writer is there");
	open_out(77, 79);
	put(0);
	ok(ficm_ring_bell(&out) && get() == 0, "its first message rings");
}

static void test_generations(void)
{
	open_both();
	ok(pass(3) && !put(3), "a message is in the ring when the reader dies");
	open_in(in.pair >> 16, 4711);
	ok(get() == -EAGAIN && ficm_ring_arm(&in), "the next reader does not get it");
	open_out(1000, 4711);
	ok(get() == -EAGAIN, "a writer that it does not know stays unheard");
	put(5);
	open_in(1000, 4711);
	ok(get() == 5, "until both know each other");
	open_out(1001, 4711);
	put(6);
	put(7);
	ok(get() == -EPIPE && in.fault == FICM_RING_GONE, "the writer began anew: gone");
	open_in(1001, 4711);
	ok(get() == 6 && get() == 7, "and the reader does");
	ficm_ring_out_close(&out);
	ok(get() == -EPIPE && in.fault == FICM_RING_GONE, "the writer closes: gone");
	ok(put(7) == -EPIPE, "and cannot write any more");
}

static void test_reader_leaves(void)
{
	open_both();
	ok(pass(SLOTS + 1), "both know each other");
	ficm_ring_in_close(&in);
	ok(get() == -EPIPE && !ficm_ring_arm(&in), "a closed end reads nothing, and does not sleep");
	ok(fill() < SLOTS + 1 && put(0) == -EPIPE && out.fault == FICM_RING_GONE,
	   "the writer notices when it is full");
	ok(out.full == 0, "which is not counted as full");
}

/* One thing that the writer's area may hold after both have met. */
struct spoil {
	const char *what;
	void (*fn)(void);
	enum ficm_ring_fault fault;
};

static void stamp_ahead(void)
{
	slot(in.next)->stamp = cpu_to_le64((u64)in.pair << 32 | (in.next + 1));
}

static void stamp_behind(void)
{
	slot(in.next)->stamp = cpu_to_le64((u64)in.pair << 32 | (in.next - 2 * SLOTS));
}

static void stamp_zero(void)
{
	slot(in.next)->stamp = 0;
}

static void stamp_noise(void)
{
	slot(in.next)->stamp = cpu_to_le64(0x123456789abcdefULL);
}

static void length_long(void)
{
	put(0);
	slot(in.next)->len = RF_MSG_BODY + 1;
}

static void flag_unknown(void)
{
	put(0);
	slot(in.next)->flags = 0x80;
}

static void head_closed(void)
{
	mem.head->open = 0;
	stamp_zero();
}

static void test_bad_writer(void)
{
	static const struct spoil spoils[] = {
		{ "a stamp ahead of its time", stamp_ahead, FICM_RING_BAD_STAMP },
		{ "a stamp of two rounds ago", stamp_behind, FICM_RING_BAD_STAMP },
		{ "no stamp where there was one", stamp_zero, FICM_RING_BAD_STAMP },
		{ "noise for a stamp", stamp_noise, FICM_RING_BAD_STAMP },
		{ "an impossible length", length_long, FICM_RING_BAD_MSG },
		{ "an unknown flag", flag_unknown, FICM_RING_BAD_MSG },
		{ "a closed ring", head_closed, FICM_RING_GONE },
	};
	u32 i;

	for (i = 0; i < ARRAY_SIZE(spoils); i++) {
		open_both();
		pass(3 * SLOTS + i);
		spoils[i].fn();
		ok(get() == -EPIPE && in.fault == spoils[i].fault && get() == -EPIPE &&
		   !ficm_ring_arm(&in), "%s: %s", spoils[i].what, ficm_ring_fault_name(in.fault));
	}
}

static void test_bad_id(void)
{
	__le32 *word = (__le32 *)mem.head, *ack = (__le32 *)mem.ack;
	u32 i;

	for (i = 0; i < 4; i++) {
		open_both();
		word[i] ^= cpu_to_le32(16);
		ok(get() == -EPIPE && in.fault == FICM_RING_BAD_ID,
		   "word %u of the writer's area", i);
		open_both();
		ack[i] ^= cpu_to_le32(16);
		fill();
		ok(put(0) == -EPIPE && out.fault == FICM_RING_BAD_ID,
		   "word %u of the reader's area", i);
	}
}

static void test_bad_reader(void)
{
	static const struct {
		const char *what;
		s32 from_next;
		int ret;
	} acks[] = {
		{ "more taken than was sent", 1, -EPIPE },
		{ "half of all numbers more", 0x7fffffff, -EPIPE },
		{ "less than before", -17, -EPIPE },
		{ "as before", -8, -EAGAIN },
		{ "one more", -7, 0 },
		{ "everything", 0, 0 },
	};
	enum ficm_ring_fault fault;
	u32 i, taken;

	for (i = 0; i < ARRAY_SIZE(acks); i++) {
		open_both();
		pass(4 * SLOTS);
		fill();
		taken = out.next + acks[i].from_next;
		mem.ack->taken = cpu_to_le64((u64)out.pair << 32 | taken);
		fault = acks[i].ret == -EPIPE ? FICM_RING_BAD_ACK : FICM_RING_GOOD;
		ok(put(0) == acks[i].ret && out.fault == fault, "acknowledged: %s", acks[i].what);
	}
	open_both();
	mem.ack->taken = cpu_to_le64(0xfeedbeefULL);
	ok(fill() == SLOTS && put(0) == -EAGAIN && !out.fault,
	   "a reader that never came is a full ring, not a fault");
	open_both();
	mem.ack->wanted = cpu_to_le64(~0ULL);
	put(0);
	ok(!ficm_ring_bell(&out), "noise for what is wanted rings nothing");
}

int main(void)
{
	mem.head = aligned_alloc(64, ficm_ring_size(SLOTS));
	mem.ack = aligned_alloc(64, sizeof(*mem.ack));
	memset(mem.head, 0xa5, ficm_ring_size(SLOTS));
	memset(mem.ack, 0xa5, sizeof(*mem.ack));
	test_order();
	test_lengths();
	test_next();
	test_wrap();
	test_arguments();
	test_bell();
	test_bell_early();
	test_generations();
	test_reader_leaves();
	test_bad_writer();
	test_bad_id();
	test_bad_reader();
	free(mem.head);
	free(mem.ack);
	return tap_end();
}
