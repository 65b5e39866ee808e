/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The queue of a channel's end, and what the other end may send: apart from all that is
 * around it, for the kernel and for user space. Everything that comes from the other
 * kernel is checked here.
 *
 * One thread puts, one takes.
 */
#ifndef _RFCOM_QUEUE_H
#define _RFCOM_QUEUE_H

#include <rainforest/pure.h>
#include <linux/rainforest_wire.h>

#define RFCOM_TELL	(RF_COM_CELLS / 4)	/* cells taken before the sender is told */

/**
 * struct rfcom_store - where a queue keeps lines
 * @line: what begins in that cell
 * @line.bytes: of the line; it fills cells from that one on
 * @line.last: the message ends with it
 * @line.mark: RF_COM_MARK
 * @line.chunk: its bytes are still in the other kernel's chunks, from that of this
 *	number less one on, and the cells are kept for them; 0: they are in its cells
 * @cell: the bytes
 */
struct rfcom_store {
	struct {
		u16 bytes;
		bool last;
		bool mark;
		u16 chunk;
	} line[RF_COM_CELLS];
	u8 cell[RF_COM_CELLS * RF_COM_CELL];
};

/**
 * struct rfcom_queue - what came and was not taken yet
 * @store: where
 * @head: cells put so far, modulo 2^32
 * @messages: messages that are there as a whole, put so far; written after @head
 * @part: bytes of the message that has begun; whoever puts
 * @tail: cells taken so far
 * @taken: messages taken so far; whoever takes
 * @told: @tail as the sender was last told; whoever takes
 */
struct rfcom_queue {
	struct rfcom_store *store;
	u32 head;
	u32 messages;
	u32 part;
	u32 tail;
	u32 taken;
	u32 told;
};

/**
 * struct rfcom_piece - a part of a message that lies in one piece
 * @data: it
 * @bytes: of it
 */
struct rfcom_piece {
	const u8 *data;
	u32 bytes;
};

/**
 * struct rfcom_credit - what may be sent
 * @sent: cells sent so far, modulo 2^32; whoever sends
 * @taken: of these, cells that left the other end's queue
 */
struct rfcom_credit {
	u32 sent;
	u32 taken;
};

/* For each message, from several files. */

/**
 * rfcom_cells() - cells of a queue that a line fills
 * @bytes: of the line
 *
 * Return: that.
 */
static inline u32 rfcom_cells(u32 bytes)
{
	return (bytes + RF_COM_CELL - 1) / RF_COM_CELL;
}

/**
 * rfcom_chunks() - chunks that a line fills
 * @bytes: of the line, 1 to RF_COM_RUN * RF_COM_CHUNK
 *
 * Return: that.
 */
static inline u32 rfcom_chunks(u32 bytes)
{
	return (bytes + RF_COM_CHUNK - 1) / RF_COM_CHUNK;
}

/**
 * rfcom_queue_bytes() - how long a line is
 * @q: the queue
 * @cell: its first cell, of all so far
 *
 * Return: bytes.
 */
static inline u32 rfcom_queue_bytes(const struct rfcom_queue *q, u32 cell)
{
	return q->store->line[cell % RF_COM_CELLS].bytes;
}

int rfcom_queue_put(struct rfcom_queue *q, const struct rf_com_data *body, u32 len,
		    const u8 *chunks, bool hold);
int rfcom_queue_chunk(const struct rfcom_queue *q, u32 cell);
void rfcom_queue_fetch(struct rfcom_queue *q, u32 cell, const u8 *chunks);
void rfcom_queue_fetched(struct rfcom_queue *q, u32 cell);
bool rfcom_queue_readable(const struct rfcom_queue *q);
u32 rfcom_queue_message(const struct rfcom_queue *q, u32 *cells);
u32 rfcom_queue_line(const struct rfcom_queue *q, u32 at, struct rfcom_piece piece[2]);
bool rfcom_queue_last(const struct rfcom_queue *q, u32 at);
bool rfcom_queue_marked(const struct rfcom_queue *q);
void rfcom_queue_drop(struct rfcom_queue *q, u32 cells);
bool rfcom_queue_tell(struct rfcom_queue *q);

u32 rfcom_credit_left(const struct rfcom_credit *c);
void rfcom_credit_use(struct rfcom_credit *c, u32 bytes);
void rfcom_credit_return(struct rfcom_credit *c, u32 bytes);
int rfcom_credit_taken(struct rfcom_credit *c, u32 cells);
u32 rfcom_chunks_most(u32 count);
u32 rfcom_credit_wanted(u32 bytes);
u32 rfcom_credit_bytes(u32 cells);

#endif /* _RFCOM_QUEUE_H */
