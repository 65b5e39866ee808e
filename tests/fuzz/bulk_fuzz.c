// SPDX-License-Identifier: GPL-2.0-only
/*
 * rfcom's channels, from the messages that come to what is read (message.c, channel.c,
 * stream.c, write.c, rest.c, bulk.c, hold.c, queue.c), with two other kernels. The one keeps the
 * rules and takes and reads when it likes, or restarts: whatever it sends is read as it was, and
 * what is sent to it lies untouched until it has taken it. The other one says and writes anything,
 * also in the middle of a copy: whatever it does costs itself alone.
 */
#include <stddef.h>

/* What an end keeps lines in is more than malloc() gives away quickly. */
static void *store_alloc(size_t size);
static void store_free(void *p);

#define kvmalloc(size, gfp)	store_alloc(size)
#define kvfree(p)		store_free(p)

#include "rfcom_kernel.h"

#include "dice.h"
#include "iter.h"

static void *stores[8];
static unsigned int stores_free;

static void *store_alloc(size_t size)
{
	void *p = stores_free ? stores[--stores_free] : malloc(size);

	must(p && size == sizeof(struct rfcom_store));
	ASAN_UNPOISON_MEMORY_REGION(p, size);
	kernel_pieces++;
	return p;
}

static void store_free(void *p)
{
	must(p && stores_free < ARRAY_SIZE(stores));
	kernel_pieces--;
	ASAN_POISON_MEMORY_REGION(p, sizeof(struct rfcom_store));
	stores[stores_free++] = p;
}

/* regions are another target's */
#define _RFCOM_LEND_H
#define _RFCOM_REGION_H

static void rfcom_lend_look(void)
{
}

static void other_target(u32 peer, const struct rf_msg *msg)
{
	(void)peer;
	(void)msg;
}

#define rfcom_lend_asked	other_target
#define rfcom_region_answered	other_target
#define rfcom_region_revoked	other_target
#define rfcom_region_left	other_target
#define rfcom_service_asked	other_target

static struct rf_com_bulk loopback_memory;

#define alloc_pages_exact(size, gfp)	((struct rf_com_bulk *)(kernel_pieces++, &loopback_memory))
#define free_pages_exact(p, size)	(kernel_pieces--)

static u32 get_random_u32(void)
{
	static u32 n;

	return n += 2;
}

#include "queue.c"
#include "channel.c"
#include "stream.c"
#include "write.c"
#include "message.c"
#include "bulk.c"
#include "hold.c"

/* what is kept there is not what an end keeps lines in */
#undef kvmalloc
#undef kvfree
#define kvmalloc(size, gfp)	kernel_alloc(size, gfp, false)
#define kvfree(p)		kfree(p)
#include "rest.c"

#include "bulk_far.h"

/* the one that lies */

static void bad_line(void)
{
	struct rf_com_data body;
	struct rf_com_chunk chunk;
	struct rfcom_bulk *b = rfcom_bulk_find(BAD);
	u32 d = dice(), len = offsetof(struct rf_com_data, data) + sizeof(chunk);
	struct end *e = &far[BAD].end[d & 1];

	memset(&body, dice(), sizeof(body));
	body.from = FIRST_END + (d & 1) + (d % 64 == 63);
	body.flags = RF_COM_IN_CHUNK | (d & 2 ? RF_COM_LAST : 0) | (d & 4 ? 0 : dice());
	chunk.count = d & 8 || !b ? dice32() : b->next + (d & 16 ? 0 : dice() % 64 - 32);
	chunk.bytes = d & 32 ? dice32() : (dice() % 34 * RF_COM_CHUNK) + (d & 2 ? dice() : 0);
	memcpy(body.data, &chunk, sizeof(chunk));
	deliver(BAD, RF_MSG_COM_DATA, e->ch ? e->ch->id : dice() % 8, &body,
		d % 16 == 15 ? dice() % (sizeof(body) + 1) : len);
}

static void bad_message(void)
{
	u8 body[RF_MSG_BODY];
	u32 d = dice(), i, from = FIRST_END + (d & 1);
	struct end *e = &far[d & 64 ? BAD : GOOD].end[d & 1];

	for (i = 0; i < sizeof(body); i++)
		body[i] = i < 12 ? dice() : 0;
	if (d & 2)
		memcpy(body, &from, sizeof(from));
	if (d & 4)
		memset(body + 5, 0, 3);
	deliver(BAD, RF_MSG_COM_OPENED + (d >> 3) % 5, e->ch ? e->ch->id : dice(), body,
		d & 128 ? dice() % (sizeof(body) + 1) : 8);
}

/* what this kernel does */

/* So many bytes were read, of that end's messages, one after the other. */
static void end_expect(struct end *e, const u8 *data, size_t bytes, bool peek)
{
	u32 done = e->done, first = e->first, n;

	while (bytes) {
		must(first != e->next);
		n = min_t(u32, bytes, e->message[first % MESSAGES].len - done);
		must(all_are(data, n, e->message[first % MESSAGES].tag));
		data += n;
		bytes -= n;
		done += n;
		if (done == e->message[first % MESSAGES].len) {
			done = 0;
			first++;
			messages++;
		}
	}
	if (!peek) {
		e->done = done;
		e->first = first;
	}
}

/* How a read may end where no byte was got. */
static void end_refused(const struct end *e, ssize_t ret, bool some)
{
	switch (ret) {
	case -ECONNRESET:
		must(e->lost || !rfcom_channel_is_open(e->ch));
		losses++;
		return;
	case -EMSGSIZE:
		must(some && e->first != e->next);
		return;
	case -EFAULT:
		must(e->first != e->next);
		return;
	}
	must(e->first == e->next && (ret == -EAGAIN || ret == 0 || !rfcom_channel_is_open(e->ch)));
}

static void end_read(struct end *e, u32 d)
{
	struct iov_iter to = { .at = buffer, .count = sizeof(buffer), .absent = dice() % 8 };
	bool good = e < far[BAD].end;
	ssize_t ret;

	if (!e->ch)
		return;
	to.absent = to.absent < 6 ? 0 : 3 * to.absent - 17;
	to.bad = d % 16 == 15;
	if (d & 16)
		to.count = dice() * 16;
	late += to.absent > HOLD_TRIES;
	ret = d & 1 ? rf_read_some(e->ch, &to, min_t(size_t, to.count, dice32() % 65536),
				   d & 2 ? RF_PEEK : 0) : rfcom_read(e->ch, &to, true);
	must(ret <= (ssize_t)sizeof(buffer) && (ret <= 0 || to.at == buffer + ret));
	if (!good)
		return;
	if (ret > 0)
		end_expect(e, buffer, ret, d & 1 && d & 2);
	else if (!(d & 1))
		end_refused(e, ret, d & 16 || e->done);
}

static void end_write(struct end *e, u32 d)
{
	u32 len = d & 1 ? 1 + dice() : 1 + dice32() % RF_COM_MESSAGE_MAX;
	struct iov_iter from = { .at = buffer, .count = len, .absent = d & 2 ? 0 : dice() % 20 };
	bool kept;
	int ret;

	if (!e->ch)
		return;
	from.bad = d % 32 == 31;
	if (d % 32 == 30)
		busy = dice();
	memset(buffer, ++tag, len);
	e->tag[e->written++ % ARRAY_SIZE(e->tag)] = tag;
	kept = e->ch->resting;
	ret = rfcom_write(e->ch, &from, RF_NOWAIT);
	e->written -= !!ret;
	must(!kept || ret);
	waits += !kept && e->ch->resting;
	must(ret <= 0 && (ret || from.at == buffer + len));
	busy = 0;
	if (ret && !rfcom_channel_is_open(e->ch))
		breaks++;
}

/* Whatever was said: what waits in chunks is known, and is all of channels that there are. */
static void check(u32 peer)
{
	struct rfcom_bulk *b = rfcom_bulk_find(peer);
	u32 at, n = 0, of = 0;

	if (!b || !b->in)
		return;
	must(b->next - b->tail <= RFCOM_HELD && b->tail - b->told < RF_COM_CHUNKS);
	for (at = b->tail; at != b->next; at += b->held[at % RF_COM_CHUNKS].chunks, n++) {
		struct rfcom_held *h = &b->held[at % RF_COM_CHUNKS];

		must(n < RFCOM_HELD && h->chunks && h->chunks <= RF_COM_RUN);
		if (!h->ch)
			continue;
		of++;
		held++;
		must(h->ch->peer == peer);
		must(rfcom_queue_chunk(&h->ch->in, h->cell) == (int)(at % RF_COM_CHUNKS));
		must(at % RF_COM_CHUNKS * RF_COM_CHUNK + rfcom_queue_bytes(&h->ch->in, h->cell) <=
		     sizeof(b->in->chunk));
	}
	for (at = 0; at < RF_COM_CHUNKS; at++)
		of -= !!b->held[at].ch;
	must(!of);
}

static void step(void)
{
	u32 d = dice(), peer = 1 + d / 16 % 2, n = d / 32 % ENDS;
	struct end *e = &far[peer].end[n];

	if (d & 128)
		good_arrive(d & 64 && d & 8 ? LINES : d / 2 % 8);
	switch (d % 16) {
	case 0 ... 2:
		good_send(n, d & 16 ? 1 + dice() : 1 + dice32() % RF_COM_MESSAGE_MAX);
		break;
	case 3:
		good_send(n, 900 + dice());
		break;
	case 4 ... 5:
		end_read(e, dice());
		break;
	case 6:
		end_write(e, dice());
		break;
	case 7:
		good_take(dice() % 64);
		break;
	case 8 ... 10:
		bad_line();
		break;
	case 11:
		bad_message();
		break;
	case 12:
		round_end();
		break;
	case 13:
		kernel_wait();
		break;
	case 14:
		end_close(e);
		if (d & 128)
			end_open(peer, n);
		break;
	default:
		n = dice();
		if (n % 8 == 0)
			restart(peer);
		else if (n % 8 == 1)
			far[peer].gone = !far[peer].gone;
		else if (n % 8 == 2)
			kernel_do_work(1, true);
		else if (n % 2)
			watching->notifier_call(watching, 0, NULL);
		if (n % 8 == 0 && far[peer].generation)
			bulk_magic(peer);
	}
}

static void begin(void)
{
	u32 peer, count = dice() % 2 ? dice32() : 0;

	rfcom_bulk_init();
	must(!rfcom_messages_init() && !rfcom_watch());
	for (peer = GOOD; peer <= BAD; peer++) {
		if (!far[peer].in) {
			far[peer].in = malloc(sizeof(*far->in));
			far[peer].out = malloc(sizeof(*far->out));
		}
		bulk_renew(peer, false);
		bulk_magic(peer);
		/* Both modules were here before. */
		far[peer].in->sent = count;
		far[peer].in->taken = count;
		far[peer].out->sent = count;
		far[peer].gone = false;
		far[peer].head = count;
		far[peer].first = 0;
		far[peer].next = 0;
		far[peer].gone_by = far[peer].on_way;
		must(end_open(peer, 0) && end_open(peer, 1));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	u32 i;

	input = data;
	input_size = size;
	begin();
	while (input_size) {
		step();
		must(!kernel_nofault && !kernel_rcu && !kernel_spin);
		check(GOOD);
		check(BAD);
	}
	for (i = 0; i < 2 * ENDS; i++)
		end_close(end_of(i));
	rfcom_unwatch();
	round_end();
	kernel_do_work(UINT_MAX, true);
	rfcom_messages_exit();
	rfcom_bulk_exit();
	kernel_end();
	return 0;
}

size_t fuzz_make(uint8_t *data, uint64_t (*random)(void))
{
	return dice_make(data, random, 200, 3000);
}

int fuzz_summary(char *text, size_t size)
{
	snprintf(text, size, "%lu messages read, %lu lines held, %lu late, %lu lost; %lu lines taken, %lu channels broken, %lu messages kept",
		 messages, held, late, losses, taken, breaks, waits);
	return !messages || !held || !late || !losses || !taken || !breaks || !waits;
}
