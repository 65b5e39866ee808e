// SPDX-License-Identifier: GPL-2.0-only
/*
 * rfcom/queue.h against a kernel that lies. The input is a list of steps: lines that
 * come, with any length and flags, messages that are taken, and news of what the other
 * end took. A model beside it knows which messages have to be there.
 */
#include <stdio.h>
#include <stdlib.h>

#include "../../rfcom/queue.h"
#include "fuzz.h"

static struct rfcom_store store;
static uint8_t *all;	/* chunks, of malloc(): who reads beyond is caught */
static unsigned long accepted, refused, taken, news;

/* what has to be there */
static uint32_t length[RF_COM_CELLS];
static bool marked[RF_COM_CELLS];
static uint32_t first, next, part, used;

static void must(bool good)
{
	if (!good)
		abort();
}

/* What the line brings, as the rules are; 0: it breaks them. */
static uint32_t brings(const struct rf_com_data *body, uint32_t len, bool chunks)
{
	uint32_t flags, bytes = len - offsetof(struct rf_com_data, data), first;
	uint32_t full = RF_COM_LINE, most = RF_COM_LINE;
	struct rf_com_chunk chunk;

	if (len <= offsetof(struct rf_com_data, data))
		return 0;
	flags = le32_to_cpu(body->flags);
	if (flags & RF_COM_IN_CHUNK) {
		if (bytes != sizeof(chunk) || !chunks)
			return 0;
		memcpy(&chunk, body->data, sizeof(chunk));
		bytes = le32_to_cpu(chunk.bytes);
		full = RF_COM_CHUNK;
		first = le32_to_cpu(chunk.count) % RF_COM_CHUNKS;
		most = first + RF_COM_RUN > RF_COM_CHUNKS ?
			(RF_COM_CHUNKS - first) * RF_COM_CHUNK : RF_COM_RUN * RF_COM_CHUNK;
	}
	return flags > (RF_COM_LAST | RF_COM_IN_CHUNK | RF_COM_MARK) || bytes > most ||
	       (!(flags & RF_COM_LAST) && bytes % full) ? 0 : bytes;
}

/* Exactly as many bytes as came: who reads beyond is caught. */
static void put(struct rfcom_queue *q, uint32_t len, uint32_t flags, const uint8_t *how)
{
	const uint8_t *chunks;
	struct rf_com_data *body = malloc(len ? len : 1);
	struct rf_com_chunk chunk = { .count = cpu_to_le32((uint32_t)how[1] << 24 | how[2]) };
	uint32_t bytes;
	bool good, last = flags & RF_COM_LAST;
	int ret;

	if (!all)
		all = calloc(RF_COM_CHUNKS, RF_COM_CHUNK);
	chunks = how[3] % 8 ? all : NULL;
	memset(body, how[3], len);
	if (len >= offsetof(struct rf_com_data, data))
		body->flags = cpu_to_le32(flags);
	if (flags & RF_COM_IN_CHUNK &&
	    len >= offsetof(struct rf_com_data, data) + sizeof(chunk)) {
		chunk.bytes = cpu_to_le32(last ? how[1] << 6 | how[2] :
					  (1 + how[2] % (RF_COM_RUN + 1)) * RF_COM_CHUNK +
					  how[2] / 250);
		memcpy(body->data, &chunk, sizeof(chunk));
	}
	bytes = brings(body, len, chunks);
	good = bytes && part + bytes <= RF_COM_MESSAGE_MAX &&
	       used + rfcom_cells(bytes) <= RF_COM_CELLS;
	ret = rfcom_queue_put(q, body, len, chunks, how[3] % 16 > 8);
	free(body);
	must(ret == (good ? (int)last : -EPROTO));
	if (!good) {
		refused++;
		return;
	}
	accepted++;
	used += rfcom_cells(bytes);
	if (!part)	/* the first line says it of its message */
		marked[next % RF_COM_CELLS] = flags & RF_COM_MARK;
	part += bytes;
	if (last) {
		length[next++ % RF_COM_CELLS] = part;
		part = 0;
	}
}

/* What is in chunks is fetched, or read there, as rfcom/hold.c does. */
static void fetch(struct rfcom_queue *q, uint32_t cell)
{
	int chunk = rfcom_queue_chunk(q, cell);

	if (chunk < 0)
		return;
	must(chunk * RF_COM_CHUNK + rfcom_queue_bytes(q, cell) <= RF_COM_CHUNKS * RF_COM_CHUNK);
	if (cell % 3)
		rfcom_queue_fetch(q, cell, all);
	rfcom_queue_fetched(q, cell);
	must(rfcom_queue_chunk(q, cell) < 0);
}

static void take(struct rfcom_queue *q)
{
	uint32_t n, at = 0, sum = 0, bytes = rfcom_queue_message(q, &n);
	struct rfcom_piece piece[2];
	bool last;

	must(rfcom_queue_readable(q) == (first != next));
	must(rfcom_queue_marked(q) == (first != next && marked[first % RF_COM_CELLS]));
	must(bytes == (first == next ? 0 : length[first % RF_COM_CELLS]));
	if (!bytes)
		return;
	while (at < n) {
		fetch(q, q->tail + at);
		last = rfcom_queue_last(q, at);
		at = rfcom_queue_line(q, at, piece);
		must(last == (at == n));
		sum += piece[0].bytes + piece[1].bytes;
		must(piece[0].data >= store.cell && piece[1].data >= store.cell &&
		     piece[0].data + piece[0].bytes <= store.cell + sizeof(store.cell));
	}
	must(at == n && sum == bytes);
	rfcom_queue_drop(q, n);
	rfcom_queue_tell(q);
	first++;
	used -= n;
	taken++;
}

static void hear(struct rfcom_credit *c, uint32_t said)
{
	uint32_t before = c->taken, left = rfcom_credit_left(c);

	news += !rfcom_credit_taken(c, said) && c->taken != before;
	must(rfcom_credit_left(c) >= left && rfcom_credit_left(c) <= RF_COM_CELLS);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rfcom_queue q = { .store = &store };
	struct rfcom_credit c = { 0 };
	uint32_t value;

	first = next = part = used = 0;
	for (; size >= 4; data += 4, size -= 4) {
		value = data[1] | data[2] << 8;
		switch (data[0] % 16) {
		case 0 ... 4:	/* as a sender that keeps the rules */
			put(&q, sizeof(struct rf_com_data), data[1] < 8, data);
			break;
		case 5 ... 6:
			put(&q, offsetof(struct rf_com_data, data) + sizeof(struct rf_com_chunk),
			    RF_COM_IN_CHUNK | (data[1] < 128), data);
			break;
		case 7 ... 8:
			put(&q, data[1] % (sizeof(struct rf_com_data) + 1), RF_COM_LAST, data);
			break;
		case 9:
			put(&q, data[1], data[2] % 8, data);
			break;
		case 10:
			put(&q, data[1], value << 16 | data[3], data);
			break;
		case 11 ... 12:
			take(&q);
			break;
		case 13:
			value %= RF_COM_RUN * RF_COM_CHUNK;
			if (rfcom_credit_left(&c) >= rfcom_cells(value))
				rfcom_credit_use(&c, value);
			break;
		case 14:
			hear(&c, c.taken + value % (RF_COM_CELLS + 2));
			break;
		default:
			hear(&c, value << 16 | data[3]);
		}
	}
	return 0;
}

size_t fuzz_make(uint8_t *data, uint64_t (*random)(void))
{
	size_t i, size = 4 * (1 + random() % (random() % 64 ? 100 : 6000));

	for (i = 0; i < size; i++)
		data[i] = random();
	/* A run of lines now and then, so that queues and messages fill. */
	if (random() % 4 == 0)
		for (i = 0; i < size; i += 4) {
			data[i] = 0;
			data[i + 1] = random() % 2 ? 255 : data[i + 1];
		}
	return size;
}

int fuzz_summary(char *text, size_t size)
{
	snprintf(text, size, "%lu lines taken in, %lu refused, %lu messages, %lu news", accepted,
		 refused, taken, news);
	return !accepted || !refused || !taken || !news;
}
