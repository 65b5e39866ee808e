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

#define STEPS	60000

static struct rfcom_store store_of_q;
static struct rfcom_queue q;
static struct rfcom_credit credit;
static u8 chunks[RF_COM_CHUNKS * RF_COM_CHUNK];

/* What a chunk is filled with: another byte than that of the chunk 256 away. */
static u8 tint(u32 count)
{
	u32 n = count % RF_COM_CHUNKS;

	return n + n / 256 * 101;
}

static void reset(void)
{
	memset(&store_of_q, 0xee, sizeof(store_of_q));
	q = (struct rfcom_queue){ .store = &store_of_q };
	credit = (struct rfcom_credit){ 0 };
}

/* A line of so many bytes. */
static int put(u32 bytes, u32 flags, u8 value)
{
	struct rf_com_data d = { .flags = cpu_to_le32(flags) };

	memset(d.data, value, sizeof(d.data));
	return rfcom_queue_put(&q, &d, offsetof(struct rf_com_data, data) + bytes, chunks,
			       false);
}

/* One whose bytes are in that chunk, and stay there. */
static int put_held(u32 count, u32 bytes, u32 flags, const u8 *where, bool hold)
{
	struct rf_com_data d = { .flags = cpu_to_le32(flags | RF_COM_IN_CHUNK) };
	struct rf_com_chunk c = { .count = cpu_to_le32(count), .bytes = cpu_to_le32(bytes) };

	memcpy(d.data, &c, sizeof(c));
	return rfcom_queue_put(&q, &d, offsetof(struct rf_com_data, data) + sizeof(c), where,
			       hold);
}

/* Or do not. */
static int put_chunk(u32 count, u32 bytes, u32 flags, const u8 *where)
{
	return put_held(count, bytes, flags, where, false);
}

/* As many lines of a whole chunk as fit, and then of a byte. Returns what went wrong. */
static u32 fill(bool hold)
{
	u32 i, bad = 0;

	for (i = 0; i < RF_COM_CELLS / rfcom_cells(RF_COM_CHUNK); i++)
		bad += put_held(i, RF_COM_CHUNK, RF_COM_LAST, chunks, hold) != 1;
	bad += put_held(i, RF_COM_CHUNK, RF_COM_LAST, chunks, hold) != -EPROTO;
	for (i = 0; i < RF_COM_CELLS % rfcom_cells(RF_COM_CHUNK); i++)
		bad += put_held(i, 1, RF_COM_LAST, chunks, hold) != 1;
	return bad + (put_held(i, 1, RF_COM_LAST, chunks, hold) != -EPROTO);
}

static u32 take(void)
{
	u32 n, bytes = rfcom_queue_message(&q, &n);

	if (bytes)
		rfcom_queue_drop(&q, n);
	return bytes;
}

/* The byte of the first message at that place. */
static u8 byte(u32 place)
{
	struct rfcom_piece piece[2];
	u32 at = 0, i;

	for (;;) {
		at = rfcom_queue_line(&q, at, piece);
		for (i = 0; i < 2; i++) {
			if (place < piece[i].bytes)
				return piece[i].data[place];
			place -= piece[i].bytes;
		}
	}
}

static void cases(void)
{
	u32 n, i, bad = 0;

	reset();
	ok(!rfcom_queue_message(&q, &n) && !n && !rfcom_queue_readable(&q), "an empty queue");
	ok(put(1, RF_COM_LAST, 7) == 1 && rfcom_queue_readable(&q), "a message of a byte");
	ok(rfcom_queue_message(&q, &n) == 1 && n == 1 && byte(0) == 7,
	   "is there");
	ok(take() == 1 && !take() && !rfcom_queue_readable(&q), "and then not");
	ok(put(RF_COM_LINE, 0, 1) == 0 && !take(), "half a message is none");
	ok(put(3, RF_COM_LAST, 2) == 1 && take() == RF_COM_LINE + 3, "with the rest it is");
	put(5, RF_COM_LAST, 1);
	put(RF_COM_LINE, RF_COM_LAST, 2);
	ok(take() == 5 && take() == RF_COM_LINE && !take(), "two come one after the other");
	ok(rfcom_cells(1) == 1 && rfcom_cells(RF_COM_CELL) == 1 &&
	   rfcom_cells(RF_COM_CELL + 1) == 2 && rfcom_cells(RF_COM_CHUNK) == 26 &&
	   rfcom_credit_wanted(RF_COM_MESSAGE_MAX) == 1596, "cells of lines and messages");
	ok(rfcom_chunks(1) == 1 && rfcom_chunks(RF_COM_CHUNK) == 1 &&
	   rfcom_chunks(RF_COM_CHUNK + 1) == 2 && rfcom_chunks_most(0) == RF_COM_RUN &&
	   rfcom_chunks_most(RF_COM_CHUNKS + 3) == RF_COM_RUN &&
	   rfcom_chunks_most(RF_COM_CHUNKS - 1) == 1, "chunks of lines");
	for (i = 0; i <= RF_COM_CELLS; i++)
		bad += i && (rfcom_credit_bytes(i) < i * 38 ||
			     rfcom_credit_wanted(rfcom_credit_bytes(i)) > i);
	ok(!bad, "bytes that may be sent need no more cells than there are");
	/* or the sender of long messages waits for the reader after each of them */
	ok(RF_COM_CELLS - RFCOM_TELL - rfcom_cells(RF_COM_MESSAGE_MAX) >=
	   rfcom_credit_wanted(RF_COM_MESSAGE_MAX),
	   "a message of any length can be sent while one is read");

	put(1, RF_COM_LAST, 1);
	put(RF_COM_LINE, RF_COM_MARK, 2);
	ok(!rfcom_queue_marked(&q) && take() == 1 && !rfcom_queue_marked(&q),
	   "no mark before it is there as a whole, and comes next");
	put(2, RF_COM_LAST, 2);
	ok(rfcom_queue_marked(&q) && !rfcom_queue_last(&q, 0) && rfcom_queue_last(&q, 1) &&
	   take() == RF_COM_LINE + 2 && !rfcom_queue_marked(&q), "then there is one");

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
	for (i = 0; i < RF_COM_CELLS; i++)
		bad += put(1, RF_COM_LAST, i) != 1;
	ok(!bad && put(1, RF_COM_LAST, 1) == -EPROTO, "more cells than there are");
	ok(take() == 1 && put(1, RF_COM_LAST, 1) == 1 && put(1, RF_COM_LAST, 1) == -EPROTO,
	   "one was taken: one more");
}

static void in_chunks(void)
{
	u32 i, n, bad = 0;

	for (i = 0; i < sizeof(chunks); i++)
		chunks[i] = tint(i / RF_COM_CHUNK);
	reset();
	ok(put_chunk(5, 100, RF_COM_LAST, chunks) == 1 && rfcom_queue_message(&q, &n) == 100 &&
	   n == 3 && byte(0) == 5 && byte(99) == 5 && take() == 100, "a message in a chunk");
	ok(put_chunk(RF_COM_CHUNKS + 6, RF_COM_CHUNK, 0, chunks) == 0 &&
	   put(RF_COM_LINE, 0, 77) == 0 && put_chunk(7, 1, RF_COM_LAST, chunks) == 1 &&
	   rfcom_queue_message(&q, &n) == RF_COM_CHUNK + RF_COM_LINE + 1 && byte(0) == 6 &&
	   byte(RF_COM_CHUNK) == 77 && byte(RF_COM_CHUNK + RF_COM_LINE) == 7 && take(),
	   "one in chunks and lines");
	ok(put_chunk(8, RF_COM_RUN * RF_COM_CHUNK, 0, chunks) == 0 &&
	   put_chunk(RF_COM_CHUNKS - 2, RF_COM_CHUNK + 1, RF_COM_LAST, chunks) == 1 &&
	   byte(0) == 8 && byte(RF_COM_RUN * RF_COM_CHUNK - 1) == 8 + RF_COM_RUN - 1 &&
	   byte(RF_COM_RUN * RF_COM_CHUNK) == tint(RF_COM_CHUNKS - 2) &&
	   byte((RF_COM_RUN + 1) * RF_COM_CHUNK) == tint(RF_COM_CHUNKS - 1) &&
	   take() == (RF_COM_RUN + 1) * RF_COM_CHUNK + 1, "lines of several chunks");
	chunks[0] = 9;
	put_chunk(0, 1, RF_COM_LAST, chunks);
	chunks[0] = 10;
	ok(byte(0) == 9 && take() == 1, "what is changed later does not matter");
	chunks[0] = 0;

	/* all around the queue, so that lines are cut at its end */
	reset();
	for (i = 0; i < 1000; i++)
		bad += put_chunk(i, RF_COM_CHUNK - i % 77, RF_COM_LAST, chunks) != 1 ||
		       byte(0) != tint(i) ||
		       byte(RF_COM_CHUNK - i % 77 - 1) != tint(i) ||
		       take() != RF_COM_CHUNK - i % 77;
	ok(!bad, "lines that go over the end of the queue");
	reset();
	for (i = 0; i < RF_COM_MESSAGE_MAX / RF_COM_CHUNK; i++)
		bad += put_chunk(i, RF_COM_CHUNK, 0, chunks) != 0;
	ok(!bad && put_chunk(0, 1, RF_COM_LAST, chunks) == -EPROTO, "one byte too many");
	reset();
	ok(!fill(false) && put(1, RF_COM_LAST, 1) == -EPROTO, "more cells than there are");

	reset();
	ok(put_chunk(0, 0, RF_COM_LAST, chunks) == -EPROTO, "an empty chunk");
	ok(put_chunk(0, RF_COM_RUN * RF_COM_CHUNK + 1, RF_COM_LAST, chunks) == -EPROTO &&
	   put_chunk(0, U32_MAX, RF_COM_LAST, chunks) == -EPROTO, "more chunks than may be");
	ok(put_chunk(RF_COM_CHUNKS - 1, RF_COM_CHUNK + 1, RF_COM_LAST, chunks) == -EPROTO &&
	   put_chunk(2 * RF_COM_CHUNKS - 2, 3 * RF_COM_CHUNK, 0, chunks) == -EPROTO,
	   "more than there are behind it");
	ok(put_chunk(0, 100, 0, chunks) == -EPROTO &&
	   put_chunk(0, RF_COM_CHUNK + 100, 0, chunks) == -EPROTO,
	   "a chunk that is not full in the middle");
	ok(put_chunk(0, 100, RF_COM_LAST, NULL) == -EPROTO, "where there are none");
	ok(put(9, RF_COM_LAST | RF_COM_IN_CHUNK, 0) == -EPROTO &&
	   put(7, RF_COM_LAST | RF_COM_IN_CHUNK, 0) == -EPROTO, "a line of another length");
	ok(put_chunk(U32_MAX, 1, RF_COM_LAST, chunks) == 1 && byte(0) == tint(RF_COM_CHUNKS - 1),
	   "every number is one of a chunk that there is");
}

/* How many bytes of the queue's cells were written. */
static u32 written(void)
{
	u32 i, n = 0;

	for (i = 0; i < sizeof(store_of_q.cell); i++)
		n += store_of_q.cell[i] != 0xee;
	return n;
}

static void held(void)
{
	const u32 second = rfcom_cells(RF_COM_CHUNK), last = RF_COM_CHUNKS - 1;
	u32 i, n, cell, bad = 0;

	reset();
	ok(put_held(5, 100, 0, chunks, true) == -EPROTO &&
	   put_held(RF_COM_CHUNKS + 5, RF_COM_CHUNK, 0, chunks, true) == 0 &&
	   put_held(last, 100, RF_COM_LAST, chunks, true) == 1 &&
	   rfcom_queue_message(&q, &n) == RF_COM_CHUNK + 100 && n == second + 3 && !written(),
	   "bytes that stay in chunks are not copied");
	ok(rfcom_queue_chunk(&q, 0) == 5 && rfcom_queue_chunk(&q, second) == (int)last &&
	   rfcom_queue_bytes(&q, 0) == RF_COM_CHUNK && rfcom_queue_bytes(&q, second) == 100,
	   "it is known where they are");
	rfcom_queue_fetch(&q, second, chunks);
	ok(written() == 100 && rfcom_queue_chunk(&q, second) == (int)last,
	   "fetched: copied once");
	rfcom_queue_fetched(&q, second);
	rfcom_queue_fetched(&q, 0);
	ok(rfcom_queue_chunk(&q, second) == -1 && rfcom_queue_chunk(&q, 0) == -1 &&
	   byte(RF_COM_CHUNK) == tint(last) && byte(RF_COM_CHUNK + 99) == tint(last) &&
	   take() == RF_COM_CHUNK + 100, "then they are in the cells");

	/* all around the queue, every other one */
	reset();
	for (i = 0; i < 1000; i++) {
		cell = q.head;
		bad += put_held(i, RF_COM_CHUNK - i % 77, RF_COM_LAST, chunks, i % 2) != 1 ||
		       rfcom_queue_chunk(&q, cell) != (i % 2 ? (int)i % RF_COM_CHUNKS : -1);
		if (i % 2) {
			rfcom_queue_fetch(&q, cell, chunks);
			rfcom_queue_fetched(&q, cell);
		}
		bad += byte(0) != tint(i) ||
		       byte(RF_COM_CHUNK - i % 77 - 1) != tint(i) ||
		       take() != RF_COM_CHUNK - i % 77;
	}
	ok(!bad, "held or not, over the end of the queue");
	reset();
	ok(!fill(true), "what is held needs its cells all the same");
	ok(put(1, RF_COM_LAST, 1) == -EPROTO && take() == RF_COM_CHUNK &&
	   put(1, RF_COM_LAST, 1) == 1 && rfcom_queue_chunk(&q, q.head - 1) == -1,
	   "a line after it is not");
}

static void hostile(void)
{
	struct rf_com_data d = { .flags = cpu_to_le32(RF_COM_LAST) };
	u32 len, n, bad = 0;

	reset();
	for (len = 0; len < 300; len++)
		bad += (rfcom_queue_put(&q, &d, len, NULL, true) == 1) !=
		       (len > offsetof(struct rf_com_data, data) && len <= sizeof(d));
	ok(!bad, "every length that cannot be is refused");
	reset();
	ok(put(5, 0, 1) == -EPROTO, "a short line in the middle");
	ok(put(5, 9, 1) == -EPROTO && put(RF_COM_LINE, 8, 1) == -EPROTO, "unknown flags");
	ok(!take() && put(1, RF_COM_LAST, 1) == 1 && take() == 1, "nothing of that is left");

	reset();
	credit.sent = 100;
	ok(!rfcom_credit_taken(&credit, 60) && rfcom_credit_left(&credit) == RF_COM_CELLS - 40,
	   "60 of 100 taken");
	ok(!rfcom_credit_taken(&credit, 40) && credit.taken == 60, "old news are none");
	ok(rfcom_credit_taken(&credit, 101) == -EPROTO && credit.taken == 60, "more than was sent");
	n = rfcom_credit_left(&credit);
	rfcom_credit_use(&credit, 100);
	ok(rfcom_credit_left(&credit) == n - 3, "a line uses credit");
	rfcom_credit_return(&credit, 100);
	ok(rfcom_credit_left(&credit) == n, "one that was not sent does not");
	credit.sent = credit.taken = U32_MAX - 1;
	credit.sent += 5;
	ok(!rfcom_credit_taken(&credit, 3) && rfcom_credit_left(&credit) == RF_COM_CELLS,
	   "it goes on beyond 2^32");
}

/* As a sender that follows the rules: in chunks at times. Returns what went wrong. */
static u32 send_message(u32 bytes, u8 value)
{
	u32 wrong = 0, part, full;
	bool chunk;

	for (; bytes; bytes -= part) {
		chunk = rand() % 2;
		full = chunk ? (1 + rand() % RF_COM_RUN) * RF_COM_CHUNK : RF_COM_LINE;
		part = bytes < full ? bytes : full;
		rfcom_credit_use(&credit, part);
		if (chunk)
			memset(chunks, value, part);
		wrong += (chunk ? put_chunk(0, part, part == bytes ? RF_COM_LAST : 0, chunks) :
				  put(part, part == bytes ? RF_COM_LAST : 0, value)) !=
			 (part == bytes);
	}
	return wrong;
}

/* Such a sender, and a reader that takes now and then. */
static void random_steps(unsigned int seed)
{
	static u32 length[RF_COM_CELLS];	/* messages on their way */
	u32 i, first = 0, next = 0, bytes, n, stuck = 0, wrong = 0;

	reset();
	srand(seed);
	for (i = 0; i < STEPS; i++) {
		bytes = rand() % 4 ? 1 + rand() % 200 : 1 + rand() % RF_COM_MESSAGE_MAX;
		if (rand() % 2 && rfcom_credit_left(&credit) >= rfcom_credit_wanted(bytes)) {
			length[next++ % RF_COM_CELLS] = bytes;
			wrong += send_message(bytes, next);
		} else if (first != next) {
			bytes = rfcom_queue_message(&q, &n);
			wrong += bytes != length[first % RF_COM_CELLS] ||
				 byte(0) != (u8)(first + 1) || byte(bytes - 1) != (u8)(first + 1);
			rfcom_queue_drop(&q, n);
			first++;
			if (rfcom_queue_tell(&q))
				wrong += rfcom_credit_taken(&credit, q.told) != 0;
		}
		stuck += first == next && rfcom_credit_left(&credit) <
					  rfcom_credit_wanted(RF_COM_MESSAGE_MAX);
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
			rfcom_credit_use(&credit, RF_COM_LINE);
			if (rfcom_queue_put(&q, &d, sizeof(d), NULL, false) < 0)
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
			wrong += byte(RF_COM_LINE * (i + 1) - 1) != (u8)(n + i);
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
	in_chunks();
	held();
	hostile();
	for (seed = 1; seed <= 3; seed++)
		random_steps(seed);
	return tap_end();
}
