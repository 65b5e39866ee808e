// SPDX-License-Identifier: GPL-2.0-only
/*
 * The queue of a channel's end: see queue.h.
 */
#include "queue.h"

/**
 * rfcom_queue_put() - a line has come
 * @q: the queue
 * @body: body of the message that brought it; a copy that nobody changes
 * @len: bytes used in @body
 *
 * Return: whether a message ends with it; -EPROTO for what no sender sends: a line
 * that is empty, too long, or short although the message goes on, a message that is
 * too long, more lines than fit.
 */
int rfcom_queue_put(struct rfcom_queue *q, const struct rf_com_data *body, u32 len)
{
	u32 flags, bytes, head = q->head;
	struct rfcom_line *line;

	if (len <= offsetof(struct rf_com_data, data) || len > sizeof(*body))
		return -EPROTO;
	flags = le32_to_cpu(body->flags);
	bytes = len - offsetof(struct rf_com_data, data);
	if (flags & ~RF_COM_LAST || (!flags && bytes != RF_COM_LINE) ||
	    q->part + bytes > RF_COM_MESSAGE_MAX)
		return -EPROTO;
	/* Read out before it is written anew: pairs with rfcom_queue_drop(). */
	if (head - smp_load_acquire(&q->tail) >= RF_COM_LINES)
		return -EPROTO;
	line = &q->line[head % RF_COM_LINES];
	line->len = bytes;
	line->last = flags;
	memcpy(line->data, body->data, bytes);
	q->part = flags ? 0 : q->part + bytes;
	WRITE_ONCE(q->head, head + 1);
	if (flags)	/* all of its lines before the message: pairs with rfcom_queue_message() */
		smp_store_release(&q->messages, q->messages + 1);
	return !!flags;
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
	return READ_ONCE(q->messages) != READ_ONCE(q->taken);
}

/**
 * rfcom_queue_message() - the first message that is there as a whole, for who takes it
 * @q: the queue
 * @lines: (out) its lines, rfcom_queue_line() of 0 to this, exclusive
 *
 * Return: its bytes; 0: there is none.
 */
u32 rfcom_queue_message(const struct rfcom_queue *q, u32 *lines)
{
	const struct rfcom_line *line;
	u32 bytes = 0;

	*lines = 0;
	/* Pairs with rfcom_queue_put(). */
	if (smp_load_acquire(&q->messages) == q->taken)
		return 0;
	do {
		line = rfcom_queue_line(q, (*lines)++);
		bytes += line->len;
	} while (!line->last);
	return bytes;
}

/**
 * rfcom_queue_line() - a line of the first message
 * @q: the queue
 * @n: which
 *
 * Return: the line, until rfcom_queue_drop().
 */
const struct rfcom_line *rfcom_queue_line(const struct rfcom_queue *q, u32 n)
{
	return &q->line[(q->tail + n) % RF_COM_LINES];
}

/**
 * rfcom_queue_drop() - the first message was taken
 * @q: the queue
 * @lines: of it
 */
void rfcom_queue_drop(struct rfcom_queue *q, u32 lines)
{
	WRITE_ONCE(q->taken, q->taken + 1);
	/* Read out before it is written anew: pairs with rfcom_queue_put(). */
	smp_store_release(&q->tail, q->tail + lines);
}

/**
 * rfcom_queue_tell() - is it time to tell the sender what was taken?
 * @q: the queue
 *
 * Whoever is told nothing can still send a message of any length: three quarters of
 * the lines are his. That he is told is taken for granted.
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
 * Return: lines.
 */
u32 rfcom_credit_left(const struct rfcom_credit *c)
{
	return RF_COM_LINES - (READ_ONCE(c->sent) - READ_ONCE(c->taken));
}

/**
 * rfcom_credit_use() - a line is about to be sent
 * @c: the credit
 *
 * Before it is: the other end may take it, and say so, before its sender goes on.
 */
void rfcom_credit_use(struct rfcom_credit *c)
{
	WRITE_ONCE(c->sent, c->sent + 1);
}

/**
 * rfcom_credit_return() - the line could not be sent
 * @c: the credit
 */
void rfcom_credit_return(struct rfcom_credit *c)
{
	WRITE_ONCE(c->sent, c->sent - 1);
}

/**
 * rfcom_credit_taken() - the other end says what it took
 * @c: the credit
 * @lines: so far, as it says
 *
 * Return: 0, also when that is no news; -EPROTO for more than was sent.
 */
int rfcom_credit_taken(struct rfcom_credit *c, u32 lines)
{
	u32 more = lines - c->taken;

	if ((s32)more <= 0)
		return 0;
	if (more > READ_ONCE(c->sent) - c->taken)
		return -EPROTO;
	WRITE_ONCE(c->taken, lines);
	return 0;
}

/**
 * rfcom_lines() - lines that a message takes
 * @bytes: its length
 *
 * Return: that.
 */
u32 rfcom_lines(u32 bytes)
{
	return (bytes + RF_COM_LINE - 1) / RF_COM_LINE;
}
