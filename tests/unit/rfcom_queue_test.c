// SPDX-License-Identifier: GPL-2.0-only
/*
 * The queue of a channel's end: single cases, hostile lines, and a random peer beside
 * a model.
 *
 * usage: test			these
 *	  test threads COUNT	messages from one thread to another
 */
#include <pthread.h>
#include <stdlib.h>

#include "queue.c"
#include "tap.h"

#define STEPS	300000

static struct rfcom_line lines[RF_COM_LINES];
static struct rfcom_queue q;
static struct rfcom_credit credit;

static void reset(void)
{
	memset(lines, 0xee, sizeof(lines));
	q = (struct rfcom_queue){ .line = lines };
	credit = (struct rfcom_credit){ 0 };
}

/* A line of so many bytes. */
static int put(u32 bytes, u32 flags, u8 value)
{
	struct rf_com_data d = { .flags = cpu_to_le32(flags) };

	memset(d.data, value, sizeof(d.data));
	return rfcom_queue_put(&q, &d, offsetof(struct rf_com_data, data) + bytes);
}

static u32 take(void)
{
	u32 n, bytes = rfcom_queue_message(&q, &n);

	if (bytes)
		rfcom_queue_drop(&q, n);
	return bytes;
}

static void cases(void)
{
	u32 n, i, bad = 0;

	reset();
	ok(!rfcom_queue_message(&q, &n) && !n && !rfcom_queue_readable(&q), "an empty queue");
	ok(put(1, RF_COM_LAST, 7) == 1 && rfcom_queue_readable(&q), "a message of a byte");
	ok(rfcom_queue_message(&q, &n) == 1 && n == 1 && rfcom_queue_line(&q, 0)->data[0] == 7,
	   "is there");
	ok(take() == 1 && !take() && !rfcom_queue_readable(&q), "and then not");
	ok(put(RF_COM_LINE, 0, 1) == 0 && !take(), "half a message is none");
	ok(put(3, RF_COM_LAST, 2) == 1 && take() == RF_COM_LINE + 3, "with the rest it is");
	put(5, RF_COM_LAST, 1);
	put(RF_COM_LINE, RF_COM_LAST, 2);
	ok(take() == 5 && take() == RF_COM_LINE && !take(), "two come one after the other");
	ok(rfcom_lines(1) == 1 && rfcom_lines(RF_COM_LINE) == 1 &&
	   rfcom_lines(RF_COM_LINE + 1) == 2 &&
	   rfcom_lines(RF_COM_MESSAGE_MAX) == RF_COM_LINES - RFCOM_TELL, "lines of a message");

	reset();
	for (i = 0; i < RF_COM_MESSAGE_MAX / RF_COM_LINE - 1; i++)
		bad += put(RF_COM_LINE, 0, i) != 0;
	ok(!bad && put(RF_COM_LINE, RF_COM_LAST, 1) == 1 && take() == RF_COM_MESSAGE_MAX,
	   "the longest message");
	reset();
	for (i = 0; i < RF_COM_MESSAGE_MAX / RF_COM_LINE; i++)
		put(RF_COM_LINE, 0, i);
	ok(put(1, RF_COM_LAST, 1) == -EPROTO, "one that is longer");
	reset();
	for (i = 0; i < RF_COM_LINES; i++)
		bad += put(1, RF_COM_LAST, i) != 1;
	ok(!bad && put(1, RF_COM_LAST, 1) == -EPROTO, "more lines than there are");
	ok(take() == 1 && put(1, RF_COM_LAST, 1) == 1 && put(1, RF_COM_LAST, 1) == -EPROTO,
	   "one was taken: one more");
}

static void hostile(void)
{
	struct rf_com_data d = { .flags = cpu_to_le32(RF_COM_LAST) };
	u32 len, n, bad = 0;

	reset();
	for (len = 0; len < 300; len++)
		bad += (rfcom_queue_put(&q, &d, len) == 1) !=
		       (len > offsetof(struct rf_com_data, data) && len <= sizeof(d));
	ok(!bad, "every length that cannot be is refused");
	reset();
	ok(put(5, 0, 1) == -EPROTO, "a short line in the middle");
	ok(put(5, 2, 1) == -EPROTO && put(RF_COM_LINE, 3, 1) == -EPROTO, "unknown flags");
	ok(!take() && put(1, RF_COM_LAST, 1) == 1 && take() == 1, "nothing of that is left");

	reset();
	credit.sent = 100;
	ok(!rfcom_credit_taken(&credit, 60) && rfcom_credit_left(&credit) == RF_COM_LINES - 40,
	   "60 of 100 taken");
	ok(!rfcom_credit_taken(&credit, 40) && credit.taken == 60, "old news are none");
	ok(rfcom_credit_taken(&credit, 101) == -EPROTO && credit.taken == 60, "more than was sent");
	n = rfcom_credit_left(&credit);
	rfcom_credit_use(&credit);
	ok(rfcom_credit_left(&credit) == n - 1, "a line uses credit");
	rfcom_credit_return(&credit);
	ok(rfcom_credit_left(&credit) == n, "one that was not sent does not");
	credit.sent = credit.taken = U32_MAX - 1;
	credit.sent += 5;
	ok(!rfcom_credit_taken(&credit, 3) && rfcom_credit_left(&credit) == RF_COM_LINES,
	   "it goes on beyond 2^32");
}

/* A sender that follows the rules, and a reader that takes now and then. */
static void random_steps(unsigned int seed)
{
	static u32 length[RF_COM_LINES];	/* messages on their way */
	u32 i, first = 0, next = 0, bytes, n, stuck = 0, wrong = 0;

	reset();
	srand(seed);
	for (i = 0; i < STEPS; i++) {
		bytes = rand() % 4 ? 1 + rand() % 200 : 1 + rand() % RF_COM_MESSAGE_MAX;
		if (rand() % 2 && rfcom_credit_left(&credit) >= rfcom_lines(bytes)) {
			length[next++ % RF_COM_LINES] = bytes;
			for (; bytes > RF_COM_LINE; bytes -= RF_COM_LINE) {
				rfcom_credit_use(&credit);
				wrong += put(RF_COM_LINE, 0, next) != 0;
			}
			rfcom_credit_use(&credit);
			wrong += put(bytes, RF_COM_LAST, next) != 1;
		} else if (first != next) {
			bytes = rfcom_queue_message(&q, &n);
			wrong += bytes != length[first % RF_COM_LINES] ||
				 rfcom_queue_line(&q, 0)->data[0] != (u8)(first + 1);
			rfcom_queue_drop(&q, n);
			first++;
			if (rfcom_queue_tell(&q))
				wrong += rfcom_credit_taken(&credit, q.told) != 0;
		}
		stuck += first == next &&
			 rfcom_credit_left(&credit) < rfcom_lines(RF_COM_MESSAGE_MAX);
	}
	ok(!wrong && next > 1000, "seed %u: %u messages as they were sent", seed, next);
	ok(!stuck, "seed %u: when all was read, a message of any length can be sent", seed);
}

static u32 threads_count;

/* From one thread to another: numbers, in messages of one to five lines. */
static void *sender(void *unused)
{
	struct rf_com_data d = { 0 };
	u32 n, i, parts;

	for (n = 0; n < threads_count; n++) {
		parts = 1 + n % 5;
		while (rfcom_credit_left(&credit) < parts)
			;
		for (i = 0; i < parts; i++) {
			d.flags = cpu_to_le32(i + 1 == parts ? RF_COM_LAST : 0);
			memset(d.data, n + i, sizeof(d.data));
			rfcom_credit_use(&credit);
			if (rfcom_queue_put(&q, &d, sizeof(d)) < 0)
				abort();
		}
	}
	return NULL;
}

static int threads(u32 count)
{
	pthread_t thread;
	u32 n = 0, i, got, wrong = 0;

	reset();
	threads_count = count;
	pthread_create(&thread, NULL, sender, NULL);
	while (n < count) {
		if (!rfcom_queue_message(&q, &got))
			continue;
		wrong += got != 1 + n % 5;
		for (i = 0; i < got; i++)
			wrong += rfcom_queue_line(&q, i)->data[RF_COM_LINE - 1] != (u8)(n + i);
		rfcom_queue_drop(&q, got);
		n++;
		if (rfcom_queue_tell(&q) && rfcom_credit_taken(&credit, q.told))
			wrong++;
	}
	pthread_join(thread, NULL);
	return wrong ? 1 : 0;
}

int main(int argc, char **argv)
{
	unsigned int seed;

	if (argc > 2)
		return threads(atoi(argv[2]));
	cases();
	hostile();
	for (seed = 1; seed <= 3; seed++)
		random_steps(seed);
	return tap_end();
}
