// SPDX-License-Identifier: GPL-2.0-only
/*
 * Lines of another kernel whose bytes stay in its chunks until the reader takes them, so
 * that they are copied twice in all. Those in the last RFCOM_HELD chunks of a kernel can: an
 * older one is copied into the cells that it has in the queue of its channel, and so is
 * all that a channel holds when it ends. Whoever does not read holds up nobody.
 *
 * A reader copies without a lock, and looks afterwards whether the line was still in its
 * chunks: if not, it is in its cells.
 *
 * The other kernel's memory is zeroed for its successor. Its token tells whether that was
 * before a copy was made: then the channel has lost what had come.
 */
#include <linux/minmax.h>
#include <linux/rcupdate.h>
#include <linux/spinlock.h>
#include <linux/uaccess.h>
#include <linux/uio.h>

#include "internal.h"

#define HOLD_TRIES	3	/* times that a reader's memory is made present for one line */

/* What waits and what is not told of yet leave a whole run to the sender. */
static_assert(RFCOM_HELD + 2 * RF_COM_RUN <= RF_COM_CHUNKS);

static bool hold_same(const struct rfcom_bulk *b, const struct rf_com_bulk *in)
{
	smp_rmb();	/* the copy before this: pairs with bulk_zero() of the supervisor */
	return le32_to_cpu(READ_ONCE(in->token)) == READ_ONCE(b->token);
}

static struct rfcom_held *hold_at(struct rfcom_bulk *b, u32 count)
{
	return &b->held[count % RF_COM_CHUNKS];
}

/* The line that is held in that place is copied into its queue, and its chunks are free. */
static void hold_fetch(struct rfcom_bulk *b, const struct rf_com_bulk *in, u32 count)
{
	struct rfcom_held *held = hold_at(b, count);
	struct rf_channel *ch = held->ch;

	if (!ch)
		return;
	rfcom_queue_fetch(&ch->in, held->cell, in->chunk[0]);
	if (!hold_same(b, in))
		WRITE_ONCE(ch->lost, true);
	rfcom_queue_fetched(&ch->in, held->cell);
	held->ch = NULL;
	WRITE_ONCE(b->fetched, b->fetched + 1);
}

/*
 * Say what was taken: all before the first chunk that is held. Not of each chunk: the sender
 * reads that word for each message, and has enough without the last RF_COM_RUN.
 */
static void hold_tell(struct rfcom_bulk *b)
{
	struct rf_com_bulk *out = rcu_dereference_protected(b->out, lockdep_is_held(&b->hold_lock));

	while (b->tail != b->next && !hold_at(b, b->tail)->ch)
		b->tail += hold_at(b, b->tail)->chunks;
	if (!out || b->tail - b->told < RF_COM_RUN)
		return;
	b->told = b->tail;
	/* Read out before it is filled anew: pairs with bulk_taken(). */
	smp_store_release(&out->taken, cpu_to_le32(b->tail));
}

static struct rf_com_bulk *hold_in(struct rfcom_bulk *b)
{
	return rcu_dereference_protected(b->in, lockdep_is_held(&b->hold_lock));
}

/* All of a channel, or all that there is. */
static void hold_fetch_all(struct rfcom_bulk *b, const struct rf_channel *ch)
{
	const struct rf_com_bulk *in = hold_in(b);
	u32 at;

	for (at = b->tail; in && at != b->next; at += hold_at(b, at)->chunks)
		if (!ch || hold_at(b, at)->ch == ch)
			hold_fetch(b, in, at);
	hold_tell(b);
}

/*
 * Make room for so many chunks. If the first is not the next, some were lost, or its
 * kernel's rfcom is another one: it begins anew there.
 */
static void hold_make_room(struct rfcom_bulk *b, const struct rf_com_bulk *in, u32 count,
			   u32 chunks)
{
	u32 token = le32_to_cpu(READ_ONCE(in->token));

	if (count != b->next || token != b->token) {
		hold_fetch_all(b, NULL);
		b->tail = count;
		b->next = count;
		WRITE_ONCE(b->token, token);
	}
	while (b->next - b->tail + chunks > RFCOM_HELD) {
		hold_fetch(b, in, b->tail);
		hold_tell(b);
	}
}

/* There are no chunks: a line that names one cannot be. */
static int hold_none(const struct rf_channel *ch)
{
	return ch && rfcom_channel_is_open(ch) ? -EPROTO : 0;
}

/* What a line cannot bring counts as one chunk, and goes no further. */
static u32 hold_chunks(u32 count, u32 bytes)
{
	u32 most = rfcom_chunks_most(count);

	return bytes && bytes <= most * RF_COM_CHUNK ? rfcom_chunks(bytes) : 1;
}

static int hold_put(struct rfcom_bulk *b, struct rf_channel *ch, const struct rf_com_data *body,
		    u32 len, u32 count, u32 chunks)
{
	struct rfcom_held *held = hold_at(b, count);
	const struct rf_com_bulk *in = hold_in(b);
	u32 cell;
	int ret = 0;

	if (!in)
		return hold_none(ch);
	hold_make_room(b, in, count, chunks);
	held->chunks = chunks;
	/* Whoever ends the channel fetches what it holds then: see rfcom_hold_end(). */
	if (ch && rfcom_channel_is_open(ch)) {
		cell = ch->in.head;
		ret = rfcom_queue_put(&ch->in, body, len, in->chunk[0], true);
		if (ret >= 0) {
			held->ch = ch;
			held->cell = cell;
		}
	}
	b->next = count + chunks;
	hold_tell(b);
	return ret;
}

/**
 * rfcom_hold_put() - a line has come whose bytes are in chunks
 * @ch: the end that it is for, NULL: none of ours
 * @peer: whose chunks
 * @body: body of the message that brought it; a copy that nobody changes
 * @len: bytes used in @body, with a struct rf_com_chunk
 *
 * Context: any but interrupts.
 * Return: as rfcom_queue_put().
 */
int rfcom_hold_put(struct rf_channel *ch, u32 peer, const struct rf_com_data *body, u32 len)
{
	struct rfcom_bulk *b = rfcom_bulk_find(peer);
	struct rf_com_chunk chunk;
	u32 count, chunks;
	int ret;

	if (!b)
		return hold_none(ch);
	memcpy(&chunk, body->data, sizeof(chunk));
	count = le32_to_cpu(chunk.count);
	chunks = hold_chunks(count, le32_to_cpu(chunk.bytes));
	spin_lock(&b->hold_lock);
	ret = hold_put(b, ch, body, len, count, chunks);
	spin_unlock(&b->hold_lock);
	return ret;
}

/**
 * rfcom_hold_end() - the end is closed: it shall not need chunks any more
 * @ch: the end, in a state that says so
 *
 * Context: any but interrupts.
 */
void rfcom_hold_end(struct rf_channel *ch)
{
	struct rfcom_bulk *b = rfcom_bulk_find(ch->peer);

	if (!b)
		return;
	spin_lock(&b->hold_lock);
	hold_fetch_all(b, ch);
	spin_unlock(&b->hold_lock);
}

/**
 * rfcom_hold_leave() - the memory of a kernel goes: nobody uses it any more
 * @b: its chunks
 *
 * Context: any but interrupts.
 */
void rfcom_hold_leave(struct rfcom_bulk *b)
{
	spin_lock(&b->hold_lock);
	hold_fetch_all(b, NULL);
	RCU_INIT_POINTER(b->out, NULL);
	RCU_INIT_POINTER(b->in, NULL);
	spin_unlock(&b->hold_lock);
}

/* The line in that place is of no use to the end any more. */
static void hold_release(struct rfcom_bulk *b, struct rf_channel *ch, u32 place)
{
	struct rfcom_held *held = &b->held[place];

	if (held->ch != ch)
		return;
	rfcom_queue_fetched(&ch->in, held->cell);
	held->ch = NULL;
}

/**
 * rfcom_hold_forget() - nobody reads what the end holds
 * @ch: the end; nothing comes for it any more
 *
 * Context: any but interrupts.
 */
void rfcom_hold_forget(struct rf_channel *ch)
{
	struct rfcom_bulk *b = rfcom_bulk_find(ch->peer);
	u32 i;

	if (!b)
		return;
	spin_lock(&b->hold_lock);
	for (i = 0; i < RF_COM_CHUNKS; i++)
		hold_release(b, ch, i);
	hold_tell(b);
	spin_unlock(&b->hold_lock);
}

/**
 * rfcom_hold_took() - the first message was taken: so were its chunks
 * @ch: the end, under its read_lock
 * @cells: of the message
 *
 * Context: before rfcom_queue_drop().
 */
void rfcom_hold_took(struct rf_channel *ch, u32 cells)
{
	struct rfcom_bulk *b = rfcom_bulk_find(ch->peer);
	u32 at, cell;
	int chunk;

	if (!b)
		return;
	spin_lock(&b->hold_lock);
	for (at = 0; at < cells; at += rfcom_cells(rfcom_queue_bytes(&ch->in, cell))) {
		cell = ch->in.tail + at;
		chunk = rfcom_queue_chunk(&ch->in, cell);
		if (chunk >= 0)
			hold_release(b, ch, chunk);
	}
	hold_tell(b);
	spin_unlock(&b->hold_lock);
}

/*
 * Out of the chunks. -EAGAIN: it is in its cells by now, or its kernel is gone; -EFAULT: not
 * without faults, or lost.
 */
static int hold_copy(struct rfcom_bulk *b, struct rf_channel *ch, u32 cell, u32 skip,
		     struct iov_iter *to, size_t bytes)
{
	const struct rf_com_bulk *in = rcu_dereference(b->in);
	int chunk = rfcom_queue_chunk(&ch->in, cell);
	bool same;
	size_t done;

	if (!in || chunk < 0)
		return -EAGAIN;
	pagefault_disable();
	/* Not of one chunk alone: a line fills several, one behind the other. */
	done = copy_to_iter((const u8 *)in->chunk + chunk * RF_COM_CHUNK + skip, bytes, to);
	pagefault_enable();
	same = hold_same(b, in);
	/* Copied before it was another's: pairs with hold_tell(). */
	if (rfcom_queue_chunk(&ch->in, cell) == chunk && done == bytes && same)
		return 0;
	iov_iter_revert(to, done);
	if (rfcom_queue_chunk(&ch->in, cell) != chunk)
		return -EAGAIN;
	if (!same)
		WRITE_ONCE(ch->lost, true);
	return -EFAULT;
}

static int hold_try(struct rf_channel *ch, u32 cell, u32 skip, struct iov_iter *to, size_t bytes)
{
	struct rfcom_bulk *b = rfcom_bulk_find(ch->peer);
	int ret;

	if (!b)
		return -EAGAIN;
	rcu_read_lock();
	ret = hold_copy(b, ch, cell, skip, to, bytes);
	rcu_read_unlock();
	return ret;
}

/* Out of the queue's cells; less after a fault. */
static size_t cells_copy(const struct rfcom_piece piece[2], u32 skip, struct iov_iter *to,
			 size_t most)
{
	size_t done = 0, n, copied;
	unsigned int i;
	u32 gone;

	for (i = 0; i < 2; i++) {
		gone = min(skip, piece[i].bytes);
		skip -= gone;
		n = min_t(size_t, piece[i].bytes - gone, most - done);
		copied = copy_to_iter(piece[i].data + gone, n, to);
		done += copied;
		if (copied != n)
			break;
	}
	return done;
}

/**
 * rfcom_hold_read() - copy bytes of a line, wherever they are
 * @ch: the end, under its read_lock
 * @at: first cell of the line in the first message, 0 for its first line
 * @skip: bytes of the line that are not wanted
 * @to: where to
 * @most: how many at most
 *
 * Context: sleeps.
 * Return: bytes copied: less than there are, or are wanted, after a fault; 0 when they
 * were lost, see @lost of the end.
 */
size_t rfcom_hold_read(struct rf_channel *ch, u32 at, u32 skip, struct iov_iter *to, size_t most)
{
	u32 cell = ch->in.tail + at, bytes = rfcom_queue_bytes(&ch->in, cell);
	struct rfcom_piece piece[2];
	unsigned int tries;
	size_t n;
	int ret;

	n = min_t(size_t, bytes - min(skip, bytes), most);
	for (tries = 0; tries <= HOLD_TRIES && rfcom_queue_chunk(&ch->in, cell) >= 0; tries++) {
		ret = hold_try(ch, cell, skip, to, n);
		if (!ret)
			return n;
		if (READ_ONCE(ch->lost))
			return 0;
		/* What cannot be copied without faults is copied as if it came late. */
		if (ret == -EFAULT && (tries == HOLD_TRIES || fault_in_iov_iter_writeable(to, n)))
			rfcom_hold_end(ch);
	}
	if (rfcom_queue_chunk(&ch->in, cell) >= 0)
		return 0;
	rfcom_queue_line(&ch->in, at, piece);
	n = cells_copy(piece, skip, to, most);
	if (!READ_ONCE(ch->lost))
		return n;
	iov_iter_revert(to, n);
	return 0;
}
