// SPDX-License-Identifier: GPL-2.0-only
/*
 * Channels for modules that carry bytes rather than messages, and that wait for more than
 * one thing.
 */
#include <linux/export.h>
#include <linux/minmax.h>
#include <linux/uio.h>

#include "internal.h"

/**
 * rf_channel_wait() - what is woken by messages, credit and the end
 * @ch: the channel's end
 *
 * In ficm's thread, for the most part: who puts a function of its own there must not sleep,
 * and has a full barrier before it looks whether there was news before that.
 *
 * Return: the wait queue.
 */
struct wait_queue_head *rf_channel_wait(struct rf_channel *ch)
{
	return &ch->wait;
}
EXPORT_SYMBOL_NS_GPL(rf_channel_wait, RAINFOREST_RFCOM);

/**
 * rf_channel_peer() - where the other end is
 * @ch: the channel's end
 *
 * Return: the kernel, as ficm calls it.
 */
u32 rf_channel_peer(const struct rf_channel *ch)
{
	return ch->peer;
}
EXPORT_SYMBOL_NS_GPL(rf_channel_peer, RAINFOREST_RFCOM);

/**
 * rf_has_message() - is a message there?
 * @ch: the channel's end
 *
 * If none is, ficm's thread is asked for more: whoever looks is about to wait.
 *
 * Return: whether one is, or the rest of one.
 */
bool rf_has_message(const struct rf_channel *ch)
{
	if (rfcom_queue_readable(&ch->in))
		return true;
	ficm_read_more();
	return false;
}
EXPORT_SYMBOL_NS_GPL(rf_has_message, RAINFOREST_RFCOM);

/**
 * rf_marked() - is the next message one with RF_MARK?
 * @ch: the channel's end
 *
 * Return: whether it is: for who reads; for others a hint.
 */
bool rf_marked(const struct rf_channel *ch)
{
	return rfcom_queue_marked(&ch->in);
}
EXPORT_SYMBOL_NS_GPL(rf_marked, RAINFOREST_RFCOM);

/**
 * rf_room() - how much may be sent without waiting
 * @ch: the channel's end
 *
 * Return: bytes, in however many messages, if each but one is a multiple of RF_COM_LINE.
 */
size_t rf_room(const struct rf_channel *ch)
{
	return READ_ONCE(ch->resting) ? 0 : rfcom_credit_bytes(rfcom_credit_left(&ch->out));
}
EXPORT_SYMBOL_NS_GPL(rf_room, RAINFOREST_RFCOM);

/**
 * rf_want_room() - see to it that there is news when there is more of it
 * @ch: the channel's end
 *
 * For who waits for room on rf_channel_wait(): what the other end says of it may be lost,
 * and is asked for then.
 *
 * Context: any but NMI.
 */
void rf_want_room(struct rf_channel *ch)
{
	if (rfcom_channel_is_open(ch))
		schedule_delayed_work(&ch->news, HZ);
}
EXPORT_SYMBOL_NS_GPL(rf_want_room, RAINFOREST_RFCOM);

/**
 * rf_write_iter() - send a message, whole or not at all
 * @ch: the channel's end
 * @from: the message
 * @flags: RF_NOWAIT, RF_MARK
 *
 * Context: sleeps.
 * Return: as rf_write(); -EFAULT.
 */
int rf_write_iter(struct rf_channel *ch, struct iov_iter *from, unsigned int flags)
{
	return rfcom_write(ch, from, flags);
}
EXPORT_SYMBOL_NS_GPL(rf_write_iter, RAINFOREST_RFCOM);

static size_t channel_read_some(struct rf_channel *ch, struct iov_iter *to, size_t bytes, bool peek)
{
	u32 at = ch->part, skip = ch->part_bytes, line;
	size_t done = 0, n;
	bool last;

	while (done < bytes && rfcom_queue_readable(&ch->in) && !rfcom_queue_marked(&ch->in)) {
		line = rfcom_queue_bytes(&ch->in, ch->in.tail + at);
		n = rfcom_hold_read(ch, at, skip, to, bytes - done);
		done += n;
		skip += n;
		if (skip < line)
			break;
		last = rfcom_queue_last(&ch->in, at);
		at += rfcom_cells(line);
		skip = 0;
		if (!last)
			continue;
		if (peek)
			return done;
		rfcom_hold_took(ch, at);
		rfcom_queue_drop(&ch->in, at);
		at = 0;
		ch->received++;
		rfcom_tell_taken(ch);
	}
	if (!peek) {
		ch->part = at;
		ch->part_bytes = skip;
		ch->received_bytes += done;
	}
	return done;
}

/**
 * rf_read_some() - get bytes, whichever messages they came in
 * @ch: the channel's end
 * @to: where to
 * @bytes: how many, at most
 * @flags: RF_PEEK: they stay, and are of one message
 *
 * Does not wait. A message of which a part was read is for rf_read_some() alone.
 *
 * Context: sleeps.
 * Return: bytes that were read; -EAGAIN there are none, or what comes next is marked;
 * -EFAULT; -ECONNRESET they were lost with the other kernel.
 */
ssize_t rf_read_some(struct rf_channel *ch, struct iov_iter *to, size_t bytes,
		     unsigned int flags)
{
	bool there;
	size_t done;

	mutex_lock(&ch->read_lock);
	there = rfcom_queue_readable(&ch->in) && !rfcom_queue_marked(&ch->in);
	done = channel_read_some(ch, to, bytes, flags & RF_PEEK);
	mutex_unlock(&ch->read_lock);
	if (done || !bytes)
		return done;
	if (READ_ONCE(ch->lost))
		return -ECONNRESET;
	return there ? -EFAULT : -EAGAIN;
}
EXPORT_SYMBOL_NS_GPL(rf_read_some, RAINFOREST_RFCOM);
