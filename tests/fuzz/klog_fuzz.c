// SPDX-License-Identifier: GPL-2.0-only
/*
 * rfm/klog.h against a kernel that lies. The input is a list of changes to a
 * memory with a good ring in it: when (after how many reads), where, and the
 * value. So each byte of it counts, and changes can come between two reads.
 */
#define KLOG_SMALL
#include "../unit/klog_make.h"
#include "fuzz.h"

#define CHANGE_SIZE	12
#define CHANGES_MAX	32
#define RECORDS_MAX	300
#define READS_MAX	200000	/* a run that needs more hangs */

struct change {
	uint8_t when;
	uint8_t how;
	uint16_t where;
	uint64_t value;
};

static struct made_memory memory;
static unsigned char *good;	/* the memory before the changes */
static struct change changes[CHANGES_MAX];
static unsigned int nr_changes;
static unsigned long opened, records;

static const struct made_ring ring = {
	false, 6, 12, AT_RING, AT_DESCS, AT_INFOS, AT_TEXT, IMAGE_VA,
};

static const struct made_ring old = {
	true, 6, 12, AT_RING, AT_DESCS, AT_INFOS, AT_TEXT, IMAGE_VA,
};

/* Places worth a change, more often than others. */
static uint64_t place(const struct change *c)
{
	switch (c->how >> 4) {
	case 0 ... 3:
		return AT_RING + c->where % 88;
	case 4 ... 6:
		return AT_DESCS + c->where % (64 * 24);
	case 7 ... 8:
		return AT_INFOS + c->where % (64 * 88);
	case 9:
		return AT_TEXT + c->where % 4096;
	case 10 ... 13:
		return AT_VMCOREINFO + c->where % 1024;
	case 14:
		return AT_PRB + c->where % 8;
	default:
		return AT_POINTER + c->where % 8;
	}
}

static void apply(const struct change *c)
{
	uint64_t at = place(c), old_value = peek(&memory, at);

	switch (c->how & 7) {
	case 0 ... 1:
		poke(&memory, at, c->value);
		break;
	case 2:
		memory.bytes[at] = c->value;
		break;
	case 3:
		poke(&memory, at, old_value + (int8_t)c->value);
		break;
	case 4:
		poke(&memory, at & ~7ULL, peek(&memory, at & ~7ULL) ^ 1ULL << (c->value & 63));
		break;
	case 5:
		poke(&memory, at & ~7ULL, IMAGE_VA + (c->value & 0x3fffff));
		break;
	case 6:
		poke(&memory, at & ~7ULL,
		     (c->value & 3) << 62 | (uint32_t)(-70 + (int)(c->value >> 2 & 255)));
		break;
	default:
		memory.bytes[at] = '0' + c->value % 10;
	}
}

/* Changes whose time has come; called at each read. */
static void disturb(struct made_memory *m, uint64_t addr)
{
	unsigned int i;

	(void)addr;
	if (m->reads > READS_MAX)
		abort();
	if (m->reads > 255)
		return;
	for (i = 0; i < nr_changes; i++) {
		if (changes[i].when == m->reads)
			apply(&changes[i]);
	}
}

static void make_good(void)
{
	memory.bytes = calloc(2, LENGTH);
	if (!memory.bytes)
		exit(1);
	good = memory.bytes + LENGTH;
	memory.range = (struct rfm_mem_range){ BASE, LENGTH };
	memory.disturb = disturb;
}

/* 0: empty, 1: some, 2: wrapped; by shape or by VMCOREINFO; both layouts */
static void refill(uint8_t kind)
{
	static int last = -1;
	const struct made_ring *r = kind & 8 ? &old : &ring;
	int count = (kind & 3) * 50, i;

	if (last != kind) {
		memset(memory.bytes + 0x200000, 0, LENGTH - 0x200000);
		make_ring(&memory, r);
		for (i = 0; i < count; i++)
			add_message(&memory, r, "a message of some length", i % 7 ? 2 : 1);
		if (kind & 4)
			make_vmcoreinfo(&memory, r, DIRECT_4, r->old ? 40 : 48);
		memcpy(good + 0x200000, memory.bytes + 0x200000, LENGTH - 0x200000);
		last = kind;
	}
	memcpy(memory.bytes + 0x200000, good + 0x200000, LENGTH - 0x200000);
}

static void check_record(const struct rfm_klog_record *rec)
{
	volatile char sum = 0;
	size_t i;

	if (rec->len > sizeof(rec->text) || rec->level > 7 || rec->facility > 255)
		abort();
	for (i = 0; i < rec->len; i++)
		sum += rec->text[i];
	records++;
}

static void read_log(void)
{
	const struct rfm_mem mem = { read_made, &memory, &memory.range, 1 };
	struct rfm_klog_record rec;
	struct rfm_klog log;
	char err[64];
	int i, ret;

	memory.reads = 0;
	if (rfm_klog_open(&log, &mem, err, sizeof(err)))
		return;
	opened++;
	for (i = 0; i < RECORDS_MAX; i++) {
		memory.reads %= 256;
		ret = rfm_klog_next(&log, &rec);
		if (ret != 1)
			break;
		check_record(&rec);
	}
	rfm_klog_close(&log);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned int i;

	if (!size)
		return 0;
	if (!memory.bytes)
		make_good();
	refill(data[0] & 15);
	data++;
	size--;
	for (i = 0; i < CHANGES_MAX && size >= CHANGE_SIZE; i++) {
		changes[i].when = data[0];
		changes[i].how = data[1];
		memcpy(&changes[i].where, data + 2, 2);
		memcpy(&changes[i].value, data + 4, 8);
		data += CHANGE_SIZE;
		size -= CHANGE_SIZE;
	}
	nr_changes = i;
	for (i = 0; i < nr_changes; i++) {
		if (!changes[i].when)
			apply(&changes[i]);
	}
	read_log();
	return 0;
}

size_t fuzz_make(uint8_t *data, uint64_t (*random)(void))
{
	size_t size = 1 + random() % 6 * CHANGE_SIZE, i;

	for (i = 0; i < size; i++)
		data[i] = random() >> 32;
	/* small values reach further than large ones; half of the changes come first */
	for (i = 1; i < size; i += CHANGE_SIZE) {
		if (random() & 1)
			data[i] = 0;
		if (random() & 1)
			memset(data + i + 6, 0, 6);
	}
	return size;
}

int fuzz_summary(char *text, size_t size)
{
	snprintf(text, size, "%lu logs opened, %lu messages read", opened, records);
	return !opened || !records;
}
