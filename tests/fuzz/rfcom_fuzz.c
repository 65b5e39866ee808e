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

static struct rfcom_line lines[RF_COM_LINES];
static unsigned long accepted, refused, taken, news;

/* what has to be there */
static uint32_t length[RF_COM_LINES];
static uint32_t first, next, part, used;

static void must(bool good)
{
	if (!good)
		abort();
}

/* Exactly as many bytes as came: who reads beyond is caught. */
static void put(struct rfcom_queue *q, uint32_t len, uint32_t flags, uint8_t value)
{
	struct rf_com_data *body = malloc(len ? len : 1);
	uint32_t bytes = len - offsetof(struct rf_com_data, data);
	bool good = len > offsetof(struct rf_com_data, data) && len <= sizeof(*body) &&
		    flags <= RF_COM_LAST && (flags || bytes == RF_COM_LINE) &&
		    part + bytes <= RF_COM_MESSAGE_MAX && used < RF_COM_LINES;
	int ret;

	memset(body, value, len);
	if (len >= offsetof(struct rf_com_data, data))
		body->flags = cpu_to_le32(flags);
	ret = rfcom_queue_put(q, body, len);
	free(body);
	must(ret == (good ? (int)flags : -EPROTO));
	if (!good) {
		refused++;
		return;
	}
	accepted++;
	used++;
	part += bytes;
	if (flags) {
		length[next++ % RF_COM_LINES] = part;
		part = 0;
	}
}

static void take(struct rfcom_queue *q)
{
	uint32_t n, bytes = rfcom_queue_message(q, &n);

	must(rfcom_queue_readable(q) == (first != next));
	must(bytes == (first == next ? 0 : length[first % RF_COM_LINES]));
	if (!bytes)
		return;
	must(n == rfcom_lines(bytes) && rfcom_queue_line(q, n - 1)->last);
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
	must(rfcom_credit_left(c) >= left && rfcom_credit_left(c) <= RF_COM_LINES);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rfcom_queue q = { .line = lines };
	struct rfcom_credit c = { 0 };
	uint32_t value;

	first = next = part = used = 0;
	for (; size >= 4; data += 4, size -= 4) {
		value = data[1] | data[2] << 8;
		switch (data[0] % 16) {
		case 0 ... 6:	/* as a sender that keeps the rules */
			put(&q, sizeof(struct rf_com_data), data[1] < 8, data[3]);
			break;
		case 7 ... 8:
			put(&q, data[1] % (sizeof(struct rf_com_data) + 1), RF_COM_LAST, data[3]);
			break;
		case 9:
			put(&q, data[1], data[2] % 8, data[3]);
			break;
		case 10:
			put(&q, data[1], value << 16 | data[3], data[3]);
			break;
		case 11 ... 12:
			take(&q);
			break;
		case 13:
			if (rfcom_credit_left(&c) >= value % RF_COM_LINES)
				c.sent += value % RF_COM_LINES;
			break;
		case 14:
			hear(&c, c.taken + value % (RF_COM_LINES + 2));
			break;
		default:
			hear(&c, value << 16 | data[3]);
		}
	}
	return 0;
}

size_t fuzz_make(uint8_t *data, uint64_t (*random)(void))
{
	size_t i, size = 4 * (1 + random() % 6000);

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
