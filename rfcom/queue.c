// SPDX-License-Identifier: GPL-2.0-only
/*
 * The queue of a channel's end: see queue.h.
 */
#include "queue.h"

#define STORE_BYTES	(RF_COM_CELLS * RF_COM_CELL)

/**
 * rfcom_chunks_most() - chunks that a line may fill
 * @count: of the first of them: chunks before it
 *
 * Return: how many: none beyond the end of them all.
 */
u32 rfcom_chunks_most(u32 count)
{
	u32 left = RF_COM_CHUNKS - count % RF_COM_CHUNKS;

	return left < RF_COM_RUN ? left : RF_COM_RUN;
}

/**
 * rfcom_credit_wanted() - cells that a message fills at most, however it is cut
 * @bytes: its length
 *
 * Return: as many as it has lines that bring their bytes in themselves, and one more for
 * each chunk that is full, as the last cell of that is not.
 */
u32 rfcom_credit_wanted(u32 bytes)
{
	return (bytes + RF_COM_LINE - 1) / RF_COM_LINE + bytes / RF_COM_CHUNK;
}

/**
 * rfcom_credit_bytes() - what may be sent in so many cells
 * @cells: that
 *
 * Return: bytes, in however many messages, if each but one is a multiple of RF_COM_LINE:
 * rfcom_credit_wanted() of them fits.
 */
u32 rfcom_credit_bytes(u32 cells)
{
	return cells * (RF_COM_LINE - 2);
}

/* Where the bytes of a line lie, and how many there are; -EPROTO for no such line. */
static int line_bytes(const struct rf_com_data *body, u32 len, const u8 *chunks,
		      const u8 **data)
{
	u32 bytes = len - offsetof(struct rf_com_data, data), flags = le32_to_cpu(body->flags);
	u32 full = RF_COM_LINE, most = RF_COM_LINE;
	struct rf_com_chunk chunk;

	*data = body->data;
	if (flags & ~(RF_COM_LAST | RF_COM_IN_CHUNK | RF_COM_MARK))
		return -EPROTO;
	if (flags & RF_COM_IN_CHUNK) {
		if (!chunks || bytes != sizeof(chunk))
			return -EPROTO;
		memcpy(&chunk, body->data, sizeof(chunk));
		*data = chunks + le32_to_cpu(chunk.count) % RF_COM_CHUNKS * RF_COM_CHUNK;
		bytes = le32_to_cpu(chunk.bytes);
		full = RF_COM_CHUNK;
		most = rfcom_chunks_most(le32_to_cpu(chunk.count)) * RF_COM_CHUNK;
	}
	if (!bytes || bytes > most || (!(flags & RF_COM_LAST) && bytes % full))
		return -EPROTO;
	return bytes;
}

static void store(struct rfcom_queue *q, u32 cell, const u8 *data, u32 bytes)
{
	u32 at = cell % RF_COM_CELLS * RF_COM_CELL;
	u32 first = bytes < STORE_BYTES - at ? bytes : STORE_BYTES - at;

	memcpy(q->store->cell + at, data, first);
	memcpy(q->store->cell, data + first, bytes - first);
}

static void line_begin(struct rfcom_queue *q, u32 bytes, u32 flags)
{
	u32 cell = q->head % RF_COM_CELLS;

	q->store->line[cell].bytes = bytes;
	q->store->line[cell].last = flags & RF_COM_LAST;
	q->store->line[cell].mark = flags & RF_COM_MARK;
	q->store->line[cell].chunk = 0;
}

/**
 * rfcom_queue_put() - a line has come
 * @q: the queue
 * @body: body of the message that brought it; a copy that nobody changes
 * @len: bytes used in @body
 * @chunks: the other kernel's chunks, NULL: there are none. It may change them at any
 *	time: they are read once
 * @hold: bytes that are in chunks stay there, until rfcom_queue_fetch() or whoever takes
 *	them
 *
 * Return: whether a message ends with it; -EPROTO for what no sender sends: a line
 * that is empty, too long, or not full although the message goes on, a message that is
 * too long, more than fits.
 */
int rfcom_queue_put(struct rfcom_queue *q, const struct rf_com_data *body, u32 len,
		    const u8 *chunks, bool hold)
{
	const u8 *data;
	bool last;
	int bytes;

	if (len <= offsetof(struct rf_com_data, data))
		return -EPROTO;
	bytes = line_bytes(body, len, chunks, &data);
	if (bytes < 0 || q->part + bytes > RF_COM_MESSAGE_MAX)
		return -EPROTO;
	/* Read out before it is written anew: pairs with rfcom_queue_drop(). */
	if (q->head - smp_load_acquire(&q->tail) + rfcom_cells(bytes) > RF_COM_CELLS)
		return -EPROTO;
	last = le32_to_cpu(body->flags) & RF_COM_LAST;
	line_begin(q, bytes, le32_to_cpu(body->flags));
	if (hold && data != body->data)
		q->store->line[q->head % RF_COM_CELLS].chunk = (data - chunks) / RF_COM_CHUNK + 1;
	else
		store(q, q->head, data, bytes);
	q->part = last ? 0 : q->part + bytes;
	WRITE_ONCE(q->head, q->head + rfcom_cells(bytes));
	if (last)	/* all of its lines before the message: pairs with rfcom_queue_message() */
		smp_store_release(&q->messages, q->messages + 1);
	return last;
}

/**
 * rfcom_queue_chunk() - where the bytes of a line are
 * @q: the queue
 * @cell: its first cell, of all so far
 *
 * Return: number of the chunk that they begin in, -1: in its cells.
 */
int rfcom_queue_chunk(const struct rfcom_queue *q, u32 cell)
{
	/* Pairs with rfcom_queue_fetched(). */
	return smp_load_acquire(&q->store->line[cell % RF_COM_CELLS].chunk) - 1;
}

/**
 * rfcom_queue_fetch() - copy the bytes of a line out of its chunks, into its cells
 * @q: the queue
 * @cell: its first cell, of all so far
 * @chunks: the other kernel's
 *
 * Whoever calls this holds off those who take the line.
 */
void rfcom_queue_fetch(struct rfcom_queue *q, u32 cell, const u8 *chunks)
{
	store(q, cell, chunks + rfcom_queue_chunk(q, cell) * RF_COM_CHUNK,
	      rfcom_queue_bytes(q, cell));
}

/**
 * rfcom_queue_fetched() - the bytes of a line are in its cells, or are of no use any more
 * @q: the queue
 * @cell: its first cell, of all so far
 */
void rfcom_queue_fetched(struct rfcom_queue *q, u32 cell)
{
	/* They are before this says so: pairs with rfcom_queue_chunk(). */
	smp_store_release(&q->store->line[cell % RF_COM_CELLS].chunk, 0);
}

/**
 * rfcom_queue_readable() - is a message there as a whole?
 * @q: the queue
 *
 * For anybody: whoever takes may do so meanwhile.
 *
 * Return: whether one is.
 */
bool rfcom_queue_readable(const struct rfcom_queue *q)
{
	/* Pairs with rfcom_queue_put(). */
	return smp_load_acquire(&q->messages) != READ_ONCE(q->taken);
}

/**
 * rfcom_queue_message() - the first message that is there as a whole, for who takes it
 * @q: the queue
 * @cells: (out) its cells
 *
 * Return: its bytes; 0: there is none.
 */
u32 rfcom_queue_message(const struct rfcom_queue *q, u32 *cells)
{
	u32 at, bytes = 0;

	*cells = 0;
	/* Pairs with rfcom_queue_put(). */
	if (smp_load_acquire(&q->messages) == q->taken)
		return 0;
	do {
		at = (q->tail + *cells) % RF_COM_CELLS;
		bytes += q->store->line[at].bytes;
		*cells += rfcom_cells(q->store->line[at].bytes);
	} while (!q->store->line[at].last);
	return bytes;
}

/**
 * rfcom_queue_line() - a line of the first message
 * @q: the queue
 * @at: its first cell, 0 for the first line
 * @piece: (out) its bytes, until rfcom_queue_drop(), if they are in its cells, see
 *	rfcom_queue_chunk(); the second piece may be empty
 *
 * Return: first cell of the line behind it.
 */
u32 rfcom_queue_line(const struct rfcom_queue *q, u32 at, struct rfcom_piece piece[2])
{
	u32 cell = (q->tail + at) % RF_COM_CELLS, from = cell * RF_COM_CELL;
	u32 bytes = q->store->line[cell].bytes;

	piece[0].data = q->store->cell + from;
	piece[0].bytes = bytes < STORE_BYTES - from ? bytes : STORE_BYTES - from;
	piece[1].data = q->store->cell;
	piece[1].bytes = bytes - piece[0].bytes;
	return at + rfcom_cells(bytes);
}

/**
 * rfcom_queue_last() - does the message end with that line?
 * @q: the queue
 * @at: its first cell, as for rfcom_queue_line()
 *
 * Return: whether it does.
 */
bool rfcom_queue_last(const struct rfcom_queue *q, u32 at)
{
	return q->store->line[(q->tail + at) % RF_COM_CELLS].last;
}

/**
 * rfcom_queue_marked() - does a message with RF_COM_MARK come next?
 * @q: the queue
 *
 * For who takes, and as a hint for anybody.
 *
 * Return: whether one is there as a whole.
 */
bool rfcom_queue_marked(const struct rfcom_queue *q)
{
	/* Pairs with rfcom_queue_put(). */
	return smp_load_acquire(&q->messages) != READ_ONCE(q->taken) &&
	       q->store->line[READ_ONCE(q->tail) % RF_COM_CELLS].mark;
}

/**
 * rfcom_queue_drop() - the first message was taken
 * @q: the queue
 * @cells: of it
 */
void rfcom_queue_drop(struct rfcom_queue *q, u32 cells)
{
	WRITE_ONCE(q->taken, q->taken + 1);
	/* Read out before it is written anew: pairs with rfcom_queue_put(). */
	smp_store_release(&q->tail, q->tail + cells);
}

/**
 * rfcom_queue_tell() - is it time to tell the sender what was taken?
 * @q: the queue
 *
 * Whoever is told nothing can still send a message of any length: three quarters of
 * the cells are his. That he is told is taken for granted.
 *
 * Return: whether it is: send @tail.
 */
bool rfcom_queue_tell(struct rfcom_queue *q)
{
	if (q->tail - q->told < RFCOM_TELL)
		return false;
	q->told = q->tail;
	return true;
}

/**
 * rfcom_credit_left() - how much may be sent
 * @c: the credit
 *
 * Return: cells.
 */
u32 rfcom_credit_left(const struct rfcom_credit *c)
{
	return RF_COM_CELLS - (READ_ONCE(c->sent) - READ_ONCE(c->taken));
}

/**
 * rfcom_credit_use() - a line is about to be sent
 * @c: the credit
 * @bytes: of the line
 *
 * Before it is: the other end may take it, and say so, before its sender goes on.
 */
void rfcom_credit_use(struct rfcom_credit *c, u32 bytes)
{
	WRITE_ONCE(c->sent, c->sent + rfcom_cells(bytes));
}

/**
 * rfcom_credit_return() - the line could not be sent
 * @c: the credit
 * @bytes: of the line
 */
void rfcom_credit_return(struct rfcom_credit *c, u32 bytes)
{
	WRITE_ONCE(c->sent, c->sent - rfcom_cells(bytes));
}

/**
 * rfcom_credit_taken() - the other end says what it took
 * @c: the credit
 * @cells: so far, as it says
 *
 * Return: 0, also when that is no news; -EPROTO for more than was sent.
 */
int rfcom_credit_taken(struct rfcom_credit *c, u32 cells)
{
	u32 more = cells - c->taken;

	if ((s32)more <= 0)
		return 0;
	if (more > READ_ONCE(c->sent) - c->taken)
		return -EPROTO;
	WRITE_ONCE(c->taken, cells);
	return 0;
}
