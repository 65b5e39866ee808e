// SPDX-License-Identifier: GPL-2.0-only
/*
 * Queues that the back ends' worker serves itself, and what a subOS says of its queues. The
 * input is the subOS's memory, small, in which addresses wrap so that they meet something.
 */
#include <endian.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/virtio_ring.h>

#include "ctrlq.h"
#include "fuzz.h"
#include "ready.h"

#define ROOM	8192U
#define DESC	0U
#define AVAIL	1024U
#define USED	2048U

static uint8_t memory[ROOM];
static unsigned long served, refused, broken, ready_good, ready_bad;

static void must(bool good)
{
	if (!good)
		abort();
}

static int mem_read(void *ctx, uint64_t at, void *to, uint32_t bytes)
{
	if (at >= ROOM || bytes > ROOM - at)
		return -EFAULT;
	memcpy(to, memory + at, bytes);
	return 0;
}

static int mem_write(void *ctx, uint64_t at, const void *from, uint32_t bytes)
{
	if (at >= ROOM || bytes > ROOM - at)
		return -EFAULT;
	memcpy(memory + at, from, bytes);
	return 0;
}

static bool run(void *ctx, const struct ctrlq_command *c)
{
	unsigned int i, sum = 0;

	must(c->bytes <= CTRLQ_DATA_MAX);
	for (i = 0; i < c->bytes; i++)
		sum += c->data[i];
	return sum % 2;
}

static void serve(bool refuse, uint32_t size, bool event_idx)
{
	static const struct ctrlq_memory m = { mem_read, mem_write, NULL };
	struct ctrlq q = { .memory = &m, .size = size, .desc = DESC, .avail = AVAIL,
			   .used = USED, .event_idx = event_idx };
	int ret;

	must(!ctrlq_resume(&q));
	ret = refuse ? ctrlq_refuse(&q, ENOTCONN) : ctrlq_serve(&q, run, NULL);
	must(ret <= (int)size && (ret >= 0 || ret == -EFAULT || ret == -EPROTO));
	if (ret < 0)
		broken++;
	else if (refuse)
		refused += ret;
	else
		served += ret;
}

static void ready(const uint8_t *data, size_t size)
{
	struct rf_virtio_device d = { .nr_queues = htole32(2), .features = htole64(0xff),
				      .queue_max = { htole16(64), htole16(64) } };
	struct rf_virtio_ready r = { 0 };
	uint32_t i;

	memcpy(&r, data, size < sizeof(r) ? size : sizeof(r));
	if (ready_check(&r, size < sizeof(r) ? size : sizeof(r), &d, ROOM)) {
		ready_bad++;
		return;
	}
	ready_good++;
	for (i = 0; i < 2; i++) {
		uint64_t n = le32toh(r.queue[i].size);

		must(n <= 64 && (!n || le64toh(r.queue[i].desc) + 16 * n <= ROOM));
		must(!n || le64toh(r.queue[i].avail) + 6 + 2 * n <= ROOM);
		must(!n || le64toh(r.queue[i].used) + 6 + 8 * n <= ROOM);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 4)
		return 0;
	if (data[0] % 8 == 7) {
		ready(data + 4, size - 4);
		return 0;
	}
	memset(memory, 0, sizeof(memory));
	memcpy(memory, data + 4, size - 4 < ROOM ? size - 4 : ROOM);
	serve(data[0] & 1, 1U << data[1] % 6, data[2] & 1);
	return 0;
}

static void put_desc(uint8_t *at, uint64_t (*random)(void))
{
	struct vring_desc d = {
		.addr = htole64(random() % (random() % 16 ? ROOM : ROOM + 64)),
		.len = htole32(random() % (random() % 8 ? 64 : ROOM)),
		.flags = htole16(random() % 3 | (random() % 16 ? 0 : VRING_DESC_F_INDIRECT)),
		.next = htole16(random() % 34),
	};

	memcpy(at, &d, sizeof(d));
}

static size_t make_ready(uint8_t *data, uint64_t (*random)(void))
{
	struct rf_virtio_ready r = { .features = htole64(random() % 300),
				     .nr_queues = htole32(random() % 16 ? 2 : random()) };
	unsigned int i;

	for (i = 0; i < 2; i++)
		r.queue[i] = (struct rf_virtio_queue){
			.size = htole32(1U << random() % 8),
			.desc = htole64(random() % (ROOM / 16) * 16),
			.avail = htole64(random() % (ROOM / 2) * 2),
			.used = htole64(random() % (ROOM / 4) * 4),
		};
	data[0] = 7;
	memcpy(data + 4, &r, sizeof(r));
	return 4 + offsetof(struct rf_virtio_ready, queue[random() % 16 ? 2 : 1]);
}

size_t fuzz_make(uint8_t *data, uint64_t (*random)(void))
{
	unsigned int i;

	if (random() % 4 == 0)
		return make_ready(data, random);
	for (i = 0; i < 4 + ROOM; i++)
		data[i] = random();
	data[0] = random() % 7;
	for (i = 0; i < AVAIL; i += sizeof(struct vring_desc))
		put_desc(data + 4 + i, random);
	data[4 + AVAIL + 2] = random() % 8;
	data[4 + AVAIL + 3] = 0;
	for (i = 0; i < 64; i++)
		data[4 + AVAIL + 4 + i] = i % 2 ? 0 : random() % 33;
	memset(data + 4 + USED, 0, 4);
	return 4 + ROOM;
}

int fuzz_summary(char *text, size_t size)
{
	snprintf(text, size, "%lu commands, %lu requests refused, %lu queues broken, %lu of %lu queues taken",
		 served, refused, broken, ready_good, ready_good + ready_bad);
	return !served || !refused || !broken || !ready_good || !ready_bad;
}
