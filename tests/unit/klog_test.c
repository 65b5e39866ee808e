// SPDX-License-Identifier: GPL-2.0-only
/*
 * rfm/klog.h on memory made here: found by shape and by VMCOREINFO, both
 * layouts, wrapped rings, messages that are not complete, and a kernel that
 * changes or lies about everything.
 */
#include <time.h>

#include "klog_make.h"
#include "tap.h"

/* A second ring, whose arrays lie outside the kernel's image. */
#define AT_DYNAMIC	0x1200100
#define AT_DYN_DESCS	0x1a00000
#define AT_DYN_INFOS	0x1b00000
#define AT_DYN_TEXT	0x1c00000

static struct made_memory memory;
static struct rfm_klog klog;
static struct rfm_klog_record rec;
static char err[128];

static const struct made_ring new_ring = {
	false, 6, 12, AT_RING, AT_DESCS, AT_INFOS, AT_TEXT, IMAGE_VA,
};

static const struct made_ring old_ring = {
	true, 6, 12, AT_RING, AT_DESCS, AT_INFOS, AT_TEXT, IMAGE_VA,
};

static const struct made_ring dynamic_ring = {
	false, 8, 14, AT_DYNAMIC, AT_DYN_DESCS, AT_DYN_INFOS, AT_DYN_TEXT, DIRECT_4 + BASE,
};

static void clear_memory(void)
{
	rfm_klog_close(&klog);
	memset(memory.bytes, 0, LENGTH);
	memory.disturb = NULL;
	memory.range = (struct rfm_mem_range){ BASE, LENGTH };
}

static int open_log(void)
{
	const struct rfm_mem mem = { read_made, &memory, &memory.range, 1 };

	rfm_klog_close(&klog);
	return rfm_klog_open(&klog, &mem, err, sizeof(err));
}

static void add_numbered(const struct made_ring *r, int from, int to)
{
	char text[80];

	for (; from < to; from++) {
		snprintf(text, sizeof(text), "message %d%.*s", from, from % 40,
			 "........................................");
		add_message(&memory, r, text, FINALIZED);
	}
}

/* The next message is this one, with its data. */
static bool gives(const char *text, unsigned long long seq, unsigned long long lost)
{
	int ret = rfm_klog_next(&klog, &rec);

	if (ret == 1 && rec.len == strlen(text) && !memcmp(rec.text, text, rec.len) &&
	    rec.seq == seq && rec.lost == lost && rec.level == 6 && rec.facility == 1 &&
	    rec.ts_nsec == seq * 1000000)
		return true;
	printf("# returned %d: %llu (lost %llu) %.*s\n", ret, rec.seq, rec.lost,
	       ret == 1 ? (int)rec.len : 0, rec.text);
	return false;
}

/* All from @from to @to come, in order, the first after @lost lost ones; then none. */
static bool gives_numbered(int from, int to, int lost)
{
	char text[80];

	for (; from < to; from++, lost = 0) {
		snprintf(text, sizeof(text), "message %d%.*s", from, from % 40,
			 "........................................");
		if (!gives(text, from, lost))
			return false;
	}
	return !rfm_klog_next(&klog, &rec);
}

static void test_nothing(void)
{
	struct rfm_mem mem = { read_made, &memory, &memory.range, 0 };

	clear_memory();
	ok(open_log() == -EAGAIN && *err && !strchr(err, '\n'), "zeros: nothing found");
	ok(rfm_klog_open(&klog, &mem, err, sizeof(err)) == -EAGAIN, "no memory: nothing found");
	memory.range.length = 4096;
	ok(open_log() == -EAGAIN, "hardly any memory: nothing found");
}

static void test_ring(const struct made_ring *r, const char *name)
{
	clear_memory();
	make_ring(&memory, r);
	ok(!open_log() && !rfm_klog_next(&klog, &rec), "%s: found by shape while empty", name);
	add_numbered(r, 0, 5);
	ok(gives_numbered(0, 5, 0), "%s: messages of the first round", name);
	add_numbered(r, 5, 7);
	ok(gives_numbered(5, 7, 0), "%s: and what comes later", name);
	add_numbered(r, 7, 60);
	ok(gives_numbered(7, 60, 0), "%s: until the ring is nearly full", name);
	add_numbered(r, 60, 100);
	ok(gives_numbered(60, 100, 0), "%s: beyond the end of the ring", name);
	ok(!open_log(), "%s: found when it has wrapped", name);
	ok(rfm_klog_next(&klog, &rec) == 1 && rec.seq && rec.lost == rec.seq,
	   "%s: lost messages are counted", name);
	ok(gives_numbered(rec.seq + 1, 100, 0), "%s: the others are there", name);
	add_numbered(r, 100, 1000);
	ok(rfm_klog_next(&klog, &rec) == 1 && rec.seq > 930 && rec.lost == rec.seq - 100,
	   "%s: so are those lost between two looks", name);
	ok(gives_numbered(rec.seq + 1, 1000, 0), "%s: and the others are there again", name);
}

static void test_vmcoreinfo(const struct made_ring *r, uint64_t direct, const char *name)
{
	clear_memory();
	make_ring(&memory, r);
	make_vmcoreinfo(&memory, r, direct, r->old ? 40 : 48);
	add_numbered(r, 0, 10);
	ok(!open_log() && gives_numbered(0, 10, 0), "%s: by VMCOREINFO", name);
	/* a layout that has no known shape */
	memmove(memory.bytes + r->ring + 80, memory.bytes + text_part(r), 32);
	memset(memory.bytes + text_part(r), 0xff, 8);
	ok(open_log() == -EAGAIN, "%s: control: moved, it has no shape", name);
	make_vmcoreinfo(&memory, r, direct, 80);
	ok(!open_log() && gives_numbered(0, 10, 0), "%s: moved, VMCOREINFO tells", name);
}

static void test_switch(void)
{
	clear_memory();
	make_ring(&memory, &new_ring);
	add_numbered(&new_ring, 0, 5);
	ok(!open_log() && gives_numbered(0, 5, 0), "switch: the static ring first");
	make_ring(&memory, &dynamic_ring);
	add_numbered(&dynamic_ring, 0, 8);
	ok(gives_numbered(5, 8, 0), "switch: a larger ring is found and goes on");
	make_vmcoreinfo(&memory, &dynamic_ring, DIRECT_4, 48);
	add_numbered(&dynamic_ring, 8, 20);
	ok(gives_numbered(8, 20, 0), "switch: and VMCOREINFO leads to the same");
	ok(!open_log() && gives_numbered(0, 20, 0), "switch: a new reader finds it at once");
}

/* The data of a kernel that unpacks itself is there twice for a moment. */
static void test_copy(void)
{
	clear_memory();
	make_ring(&memory, &new_ring);
	add_numbered(&new_ring, 0, 5);
	memcpy(memory.bytes + AT_RING + 0x80000, memory.bytes + AT_RING, 88);
	ok(!open_log(), "copy: open");
	memset(memory.bytes + AT_RING + 0x80000, 0xff, 88);
	ok(gives_numbered(0, 5, 0), "copy: the ring in its place is the one");
}

static void test_states(void)
{
	uint64_t id;

	clear_memory();
	make_ring(&memory, &new_ring);
	ok(!open_log(), "states: open");
	id = add_message(&memory, &new_ring, "first half", COMMITTED);
	ok(gives("first half", 0, 0), "states: a message that may grow is given");
	ok(!rfm_klog_next(&klog, &rec), "states: once");
	/* as pr_cont() does */
	memcpy(memory.bytes + AT_TEXT + 8, "first half and more", 19);
	poke(&memory, desc_of(&new_ring, id) + 16, -4096ULL + 32);
	poke(&memory, info_of(&new_ring, id) + 16, info_bits(19));
	poke(&memory, desc_of(&new_ring, id), FINALIZED << 62 | id);
	ok(gives(" and more", 0, 0), "states: what was added follows");
	ok(!rfm_klog_next(&klog, &rec), "states: once, too");
	poke(&memory, text_part(&new_ring) + 16, -4096ULL + 32);
	id = add_message(&memory, &new_ring, "being written", 0);
	ok(!rfm_klog_next(&klog, &rec), "states: the newest one is waited for");
	poke(&memory, desc_of(&new_ring, id), FINALIZED << 62 | id);
	ok(gives("being written", 1, 0), "states: and comes when it is complete");
	add_message(&memory, &new_ring, "never completed", 0);
	add_message(&memory, &new_ring, "after it", FINALIZED);
	ok(gives("after it", 3, 1), "states: one that is never completed is lost in the end");
	id = add_message(&memory, &new_ring, "no room", FINALIZED);
	poke(&memory, desc_of(&new_ring, id) + 8, 1);
	poke(&memory, desc_of(&new_ring, id) + 16, 1);
	id = add_message(&memory, &new_ring, "", FINALIZED);
	poke(&memory, desc_of(&new_ring, id) + 8, 3);
	poke(&memory, desc_of(&new_ring, id) + 16, 3);
	ok(gives("", 5, 1), "states: without text: lost, or an empty line");
}

/* Overwrites record 0 while its text is being copied. */
static void overwrite(struct made_memory *m, uint64_t addr)
{
	if (addr - BASE - AT_TEXT < 4096 && !m->cookie) {
		m->cookie = 1;
		add_numbered(&new_ring, 1, 80);
	}
}

static void test_race(void)
{
	clear_memory();
	make_ring(&memory, &new_ring);
	add_numbered(&new_ring, 0, 1);
	ok(!open_log(), "race: open");
	memory.cookie = 0;
	memory.disturb = overwrite;
	ok(rfm_klog_next(&klog, &rec) == 1 && rec.seq > 10 && rec.lost == rec.seq,
	   "race: a message overwritten while it is read is lost, not mixed");
	ok(gives_numbered(rec.seq + 1, 80, 0), "race: the later ones are whole");
}

static void test_restart(void)
{
	clear_memory();
	make_ring(&memory, &new_ring);
	add_numbered(&new_ring, 0, 10);
	ok(!open_log() && gives_numbered(0, 10, 0), "restart: before");
	memset(memory.bytes, 0, LENGTH);
	ok(rfm_klog_next(&klog, &rec) == -EIO, "restart: memory that was scrubbed is nonsense");
	make_ring(&memory, &new_ring);
	add_numbered(&new_ring, 0, 3);
	ok(rfm_klog_next(&klog, &rec) == -EIO, "restart: so is a log that began anew");
	ok(!open_log() && gives_numbered(0, 3, 0), "restart: it can be opened again");
}

/* ---- lies ---- */

/* Each is written over the head of a good ring with ten messages. */
static const struct {
	const char *what;
	uint64_t off, val;
} lies[] = {
	{ "count_bits 0", AT_RING, 0 },
	{ "count_bits 63", AT_RING, 63 },
	{ "descriptors outside", AT_RING + 8, IMAGE_VA + LENGTH - 64 },
	{ "descriptors nowhere", AT_RING + 8, 0x4141414141414140 },
	{ "records outside", AT_RING + 16, IMAGE_VA + (1 << 30) - 8 },
	{ "records in another's memory", AT_RING + 16, DIRECT_4 + BASE - 0x1000 },
	{ "a tail before the head", AT_RING + 32, 5 },
	{ "a head with state bits", AT_RING + 24, -1ULL },
	{ "a tail with state bits", AT_RING + 32, 1ULL << 63 },
	{ "size_bits 63", AT_RING + 48, 63 },
	{ "text outside", AT_RING + 56, IMAGE_VA + LENGTH - 8 },
};

static void test_lies(void)
{
	size_t i;

	for (i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		clear_memory();
		make_ring(&memory, &new_ring);
		add_numbered(&new_ring, 0, 10);
		if (open_log())
			ok(false, "lies: control: the ring is good");
		poke(&memory, lies[i].off, lies[i].val);
		ok(rfm_klog_next(&klog, &rec) == -EIO, "lies: %s: nonsense", lies[i].what);
		ok(open_log() == -EAGAIN, "lies: %s: no ring", lies[i].what);
	}
}

static void test_bad_text(void)
{
	uint64_t id;

	clear_memory();
	make_ring(&memory, &new_ring);
	id = add_message(&memory, &new_ring, "short", FINALIZED);
	poke(&memory, info_of(&new_ring, id) + 16, info_bits(0xffff));
	ok(!open_log() && rfm_klog_next(&klog, &rec) == 1 && rec.len == 8,
	   "text: no longer than its block");
	id = add_message(&memory, &new_ring, "x", FINALIZED);
	poke(&memory, desc_of(&new_ring, id) + 16, -4096ULL + 4000);
	poke(&memory, info_of(&new_ring, id) + 16, info_bits(0xffff));
	ok(rfm_klog_next(&klog, &rec) == 1 && rec.len == sizeof(rec.text),
	   "text: no longer than there is room");
	id = add_message(&memory, &new_ring, "x", FINALIZED);
	poke(&memory, desc_of(&new_ring, id) + 8, 0x1000000);
	id = add_message(&memory, &new_ring, "x", FINALIZED);
	poke(&memory, desc_of(&new_ring, id) + 16, peek(&memory, desc_of(&new_ring, id) + 8) + 4);
	id = add_message(&memory, &new_ring, "good", FINALIZED);
	ok(gives("good", 4, 2), "text: impossible positions are lost");
	id = add_message(&memory, &new_ring, "x", FINALIZED);
	poke(&memory, info_of(&new_ring, id), 77);
	add_message(&memory, &new_ring, "good", FINALIZED);
	ok(gives("good", 6, 1), "text: a wrong sequence number is lost");
}

/* The largest ring there can be, full of descriptors without text. */
static void test_bounded(void)
{
	static const struct made_ring r = {
		false, 16, 12, AT_RING, 0x1800000, AT_DYN_INFOS - 0x100000, AT_TEXT, IMAGE_VA,
	};
	uint64_t i;

	clear_memory();
	make_ring(&memory, &r);
	add_message(&memory, &r, "x", FINALIZED);
	ok(!open_log(), "bounded: a large ring");
	for (i = 0; i < 1 << 16; i++)
		poke(&memory, desc_of(&r, first_id(&r) + i), REUSABLE << 62 | (first_id(&r) + i));
	poke(&memory, AT_RING + 24, first_id(&r) + 65534);
	memory.reads = 0;
	rfm_klog_next(&klog, &rec);
	ok(memory.reads < 1 << 20, "bounded: %lu reads for 65535 lost messages", memory.reads);
}

int main(void)
{
	struct timespec begin, end;

	setvbuf(stdout, NULL, _IOLBF, 0);
	memory.bytes = malloc(LENGTH);
	if (!memory.bytes)
		return 1;
	clock_gettime(CLOCK_MONOTONIC, &begin);
	test_nothing();
	test_ring(&new_ring, "6.8 and later");
	test_ring(&old_ring, "before 6.8");
	test_vmcoreinfo(&new_ring, DIRECT_4, "four levels");
	test_vmcoreinfo(&old_ring, DIRECT_5, "five levels");
	test_switch();
	test_copy();
	test_states();
	test_race();
	test_restart();
	test_lies();
	test_bad_text();
	test_bounded();
	clock_gettime(CLOCK_MONOTONIC, &end);
	ok(end.tv_sec - begin.tv_sec < 60, "all of it in bounded time");
	rfm_klog_close(&klog);
	free(memory.bytes);
	return tap_end();
}
