/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The queue of a channel's end, in lines, and what the other end may send: apart
 * from all that is around it, for the kernel and for user space. Everything that
 * comes from the other kernel is checked here.
 *
 * One thread puts, one takes.
 */
#ifndef _RFCOM_QUEUE_H
#define _RFCOM_QUEUE_H

#include <rainforest/pure.h>
#include <linux/rainforest_wire.h>

#define RFCOM_TELL	(RF_COM_LINES / 4)	/* lines taken before the sender is told */

/**
 * struct rfcom_line - a part of a message
 * @len: bytes used
 * @last: the message ends here
 * @data: these bytes
 */
struct rfcom_line {
	u8 len;
	bool last;
	u8 data[RF_COM_LINE];
};

/**
 * struct rfcom_queue - what came and was not taken yet
 * @line: RF_COM_LINES of them
 * @head: lines put so far, modulo 2^32
 * @messages: messages that are there as a whole, put so far; written after @head
 * @part: bytes of the message that has begun; whoever puts
 * @tail: lines taken so far
 * @taken: messages taken so far; whoever takes
 * @told: @tail as the sender was last told; whoever takes
 */
struct rfcom_queue {
	struct rfcom_line *line;
	u32 head;
	u32 messages;
	u32 part;
	u32 tail;
	u32 taken;
	u32 told;
};

/**
 * struct rfcom_credit - what may be sent
 * @sent: lines sent so far, modulo 2^32; whoever sends
 * @taken: of these, lines that left the other end's queue
 */
struct rfcom_credit {
	u32 sent;
	u32 taken;
};

int rfcom_queue_put(struct rfcom_queue *q, const struct rf_com_data *body, u32 len);
bool rfcom_queue_readable(const struct rfcom_queue *q);
u32 rfcom_queue_message(const struct rfcom_queue *q, u32 *lines);
const struct rfcom_line *rfcom_queue_line(const struct rfcom_queue *q, u32 n);
void rfcom_queue_drop(struct rfcom_queue *q, u32 lines);
bool rfcom_queue_tell(struct rfcom_queue *q);

u32 rfcom_credit_left(const struct rfcom_credit *c);
void rfcom_credit_use(struct rfcom_credit *c);
void rfcom_credit_return(struct rfcom_credit *c);
int rfcom_credit_taken(struct rfcom_credit *c, u32 lines);
u32 rfcom_lines(u32 bytes);

#endif /* _RFCOM_QUEUE_H */
