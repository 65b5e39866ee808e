// SPDX-License-Identifier: GPL-2.0-only
/*
 * Channels: sending messages.
 */
#include <linux/delay.h>
#include <linux/export.h>
#include <linux/jiffies.h>
#include <linux/sched/signal.h>
#include <linux/string.h>
#include <linux/uio.h>

#include "internal.h"

static_assert(sizeof(struct rf_com_data) <= RF_MSG_BODY);

#define CHANNEL_FEW	(3 * RF_COM_LINE)	/* bytes that go in lines all the same */
#define CHANNEL_RUN	(RF_COM_RUN * RF_COM_CHUNK)	/* bytes that a line brings, at most */
#define CHANNEL_FAULTS	16	/* times that memory is made present for one line */
#define CHANNEL_LITTLE	(RF_COM_CELLS - RFCOM_TELL)	/* cells: less, and news may be lost */
#define CHANNEL_ASK	HZ		/* without news of what was taken: then it is asked for */
#define CHANNEL_ASKS	10U		/* without an answer: then the channel breaks */

/* Why nothing can be sent any more. */
static int channel_gone(const struct rf_channel *ch)
{
	int error = 0;

	rf_ended(ch, &error);
	return error == -ECONNRESET || error == -ETIMEDOUT ? error : -EPIPE;
}

/*
 * Ask for news of what was taken. Each kernel answers that at once, whether anybody reads
 * or not: one that does not is taken for dead.
 */
static void channel_ask(struct rf_channel *ch)
{
	u32 asked = READ_ONCE(ch->asked);

	if (asked >= CHANNEL_ASKS) {
		rfcom_channel_break(ch, -ETIMEDOUT);
		return;
	}
	WRITE_ONCE(ch->asked, asked + 1);
	rfcom_tell_end(ch->peer, RF_MSG_COM_ASK, ch->remote, ch->id);
}

/* Until so many cells may be sent. News of what was taken may be lost: they are asked for. */
static int channel_await_credit(struct rf_channel *ch, u32 cells, bool nowait)
{
	long left;

	for (;;) {
		if (READ_ONCE(ch->state) == RFCOM_STATE_CLOSED)
			return channel_gone(ch);
		if (rfcom_credit_left(&ch->out) >= cells)
			return 0;
		if (nowait) {
			rf_want_room(ch);
			return -EAGAIN;
		}
		left = wait_event_interruptible_timeout(ch->wait, !rfcom_channel_is_open(ch) ||
							rfcom_credit_left(&ch->out) >= cells,
							CHANNEL_ASK);
		if (left < 0)
			return -ERESTARTSYS;
		if (!left)
			channel_ask(ch);
	}
}

/**
 * rfcom_news_work() - ask for news of what was taken, each second while there is little room
 * @work: @news of the channel's end
 */
void rfcom_news_work(struct work_struct *work)
{
	struct rf_channel *ch = container_of(work, struct rf_channel, news.work);

	if (!rfcom_channel_is_open(ch) || rfcom_credit_left(&ch->out) >= CHANNEL_LITTLE)
		return;
	channel_ask(ch);
	schedule_delayed_work(&ch->news, CHANNEL_ASK);
}

/* One line; -EAGAIN while the ring between the kernels is full. */
static int channel_send_line(struct rf_channel *ch, const struct rf_msg *msg)
{
	int ret;

	if (!rfcom_channel_is_open(ch))
		return channel_gone(ch);
	ret = ficm_send(ch->peer, msg);
	return ret == -ENOENT ? -ECONNRESET : ret;
}

/* Sends what is in @body, and counts it before. */
static int channel_send_part(struct rf_channel *ch, struct rf_msg *msg, size_t len, u32 bytes)
{
	int ret;

	msg->len = offsetof(struct rf_com_data, data) + len;
	rfcom_credit_use(&ch->out, bytes);
	ret = channel_send_line(ch, msg);
	if (ret)
		rfcom_credit_return(&ch->out, bytes);
	return ret;
}

/* The message ends with the part, if that is all that is left of it. */
static void channel_flag(struct rf_msg *msg, u32 flags, bool last)
{
	struct rf_com_data *body = (void *)msg->body;

	body->flags = cpu_to_le32(flags | (last ? RF_COM_LAST : 0));
}

/* A part in chunks. -EAGAIN: there are none, or no room in the ring; nothing was sent. */
static int channel_send_chunks(struct rf_channel *ch, struct rf_msg *msg, struct iov_iter *from,
			       size_t left, u32 flags, size_t *sent)
{
	struct rf_com_data *body = (void *)msg->body;
	struct rf_com_chunk chunk;
	struct rfcom_bulk *b;
	int ret = -EAGAIN;

	b = rfcom_bulk_begin(ch->peer, ch->generation);
	if (b)
		ret = rfcom_bulk_fill(b, from, left, &chunk);
	if (!ret) {
		*sent = le32_to_cpu(chunk.bytes);
		channel_flag(msg, flags | RF_COM_IN_CHUNK, *sent == left);
		memset(body->data, 0, sizeof(body->data));
		memcpy(body->data, &chunk, sizeof(chunk));
		ret = channel_send_part(ch, msg, sizeof(chunk), *sent);
		if (ret)
			iov_iter_revert(from, *sent);
		else
			rfcom_bulk_sent(b, *sent);
	}
	rfcom_bulk_end(b);
	return ret;
}

static int channel_send_few(struct rf_channel *ch, struct rf_msg *msg, struct iov_iter *from,
			    size_t bytes)
{
	struct rf_com_data *body = (void *)msg->body;
	int ret;

	if (bytes < RF_COM_LINE)
		memset(body->data, 0, sizeof(body->data));
	if (copy_from_iter(body->data, bytes, from) != bytes)
		return -EFAULT;
	ret = channel_send_part(ch, msg, bytes, bytes);
	if (ret)
		iov_iter_revert(from, bytes);
	return ret;
}

/*
 * Faults come while nothing is held; chunks are filled without any. Where that does not
 * succeed, or there is none, a line.
 */
static int channel_send_next(struct rf_channel *ch, struct rf_msg *msg, struct iov_iter *from,
			     size_t left, u32 flags, size_t *sent)
{
	int tries, ret = -EAGAIN;

	for (tries = 0; left > CHANNEL_FEW && tries < CHANNEL_FAULTS; tries++) {
		ret = channel_send_chunks(ch, msg, from, left, flags, sent);
		if (ret != -EFAULT)
			break;
		if (fault_in_iov_iter_readable(from, min_t(size_t, left, CHANNEL_RUN)))
			return -EFAULT;
	}
	if (ret != -EAGAIN && ret != -EFAULT)
		return ret;
	*sent = min_t(size_t, left, RF_COM_LINE);
	channel_flag(msg, flags, *sent == left);
	return channel_send_few(ch, msg, from, *sent);
}

/**
 * rfcom_send_lines() - send what is left of a message, as far as there is room
 * @ch: the channel's end, under its write_lock
 * @from: the rest of the message
 * @left: (in, out) its bytes
 * @flags: RF_COM_MARK
 *
 * Return: 0 when all was sent; -EAGAIN the ring between the kernels is full: @from stands at
 * what was not sent; or why nothing can be sent any more.
 */
int rfcom_send_lines(struct rf_channel *ch, struct iov_iter *from, size_t *left, u32 flags)
{
	struct rf_msg msg = {
		.type = cpu_to_le16(RF_MSG_COM_DATA),
		.tag = cpu_to_le32(ch->remote),
	};
	struct rf_com_data *body = (void *)msg.body;
	int ret = 0;
	size_t sent;

	body->from = cpu_to_le32(ch->id);
	while (!ret && *left) {
		ret = channel_send_next(ch, &msg, from, *left, flags, &sent);
		if (!ret)
			*left -= sent;
	}
	return ret;
}

/*
 * The same, and waits for room, but not for ever: what came before is sent first. Nobody else
 * is held up: nothing is held but the channel's write_lock.
 */
static int channel_send_all(struct rf_channel *ch, struct iov_iter *from, size_t *left, u32 flags)
{
	unsigned long end = jiffies + RFCOM_STALL;
	u32 before;
	int ret;

	for (;;) {
		before = ch->out.sent;
		ret = rfcom_rest_send(ch) ?: rfcom_send_lines(ch, from, left, flags);
		if (ret != -EAGAIN)
			return ret;
		if (ch->out.sent != before)
			end = jiffies + RFCOM_STALL;
		if (time_after(jiffies, end))
			return -ETIMEDOUT;
		if (fatal_signal_pending(current))
			return -EINTR;
		usleep_range(20, 50);	/* nobody tells when the ring has room */
	}
}

/* The same without waiting: what there is no room for is kept, and sent later. */
static int channel_send_now(struct rf_channel *ch, struct iov_iter *from, size_t *left, u32 flags)
{
	int ret = -EAGAIN;

	if (!ch->resting)
		ret = rfcom_send_lines(ch, from, left, flags);
	return ret == -EAGAIN ? rfcom_rest_keep(ch, from, *left, flags) : ret;
}

/* Half a message cannot be taken back: the channel breaks then. */
static int channel_write_locked(struct rf_channel *ch, struct iov_iter *from, unsigned int flags)
{
	size_t len = iov_iter_count(from), left = len;
	u32 mark = flags & RF_MARK ? RF_COM_MARK : 0;
	int ret;

	/* One message is kept, and marks, of which there are few. */
	if (flags & RF_NOWAIT && !mark && ch->resting && rfcom_channel_is_open(ch))
		return -EAGAIN;
	ret = channel_await_credit(ch, rfcom_credit_wanted(len), flags & RF_NOWAIT);
	if (ret)
		return ret;
	if (fault_in_iov_iter_readable(from, len))
		return -EFAULT;
	ret = flags & RF_NOWAIT ? channel_send_now(ch, from, &left, mark) :
				  channel_send_all(ch, from, &left, mark);
	if (!ret) {
		ch->sent++;
		ch->sent_bytes += len;
	} else if (left != len || ret == -ETIMEDOUT) {
		rfcom_channel_break(ch, ret);
	}
	return ret;
}

/* A mark shall not be lost because somebody sends what was kept: that does not take long. */
static int channel_write_lock(struct rf_channel *ch, unsigned int flags)
{
	if (flags & RF_MARK)
		mutex_lock(&ch->write_lock);
	else if (flags & RF_NOWAIT)
		return mutex_trylock(&ch->write_lock) ? 0 : -EAGAIN;
	else if (mutex_lock_interruptible(&ch->write_lock))
		return -ERESTARTSYS;
	return 0;
}

/**
 * rfcom_write() - send a message, whole or not at all
 * @ch: the channel's end
 * @from: the message
 * @flags: RF_NOWAIT, RF_MARK
 *
 * Return: as rf_write(); -ERESTARTSYS for a signal, -EFAULT.
 */
int rfcom_write(struct rf_channel *ch, struct iov_iter *from, unsigned int flags)
{
	size_t len = iov_iter_count(from);
	int ret;

	if (!len)
		return -EINVAL;
	if (len > RF_COM_MESSAGE_MAX)
		return -EMSGSIZE;
	ret = channel_write_lock(ch, flags);
	if (ret)
		return ret;
	ret = channel_write_locked(ch, from, flags);
	mutex_unlock(&ch->write_lock);
	return ret;
}

/**
 * rf_write() - send a message, whole or not at all
 * @ch: the channel's end
 * @data: the message
 * @len: its bytes, 1 to RF_COM_MESSAGE_MAX
 * @flags: RF_NOWAIT, RF_MARK
 *
 * Waits while the other end's queue is full, or the ring between the kernels. With RF_NOWAIT a
 * message that finds the latter full is kept here, and sent when there is room; the next one
 * is refused until then.
 *
 * Context: sleeps.
 * Return: 0. -EINVAL an empty message, -EMSGSIZE one that is too long, -EAGAIN it would
 * have to wait, -EPIPE the other end has closed, or the channel is broken, -ECONNRESET
 * its kernel is gone, -ETIMEDOUT it takes no messages: the channel is broken, -ERESTARTSYS a
 * signal came, -ENOMEM. In the middle of a message, which breaks the channel: -EINTR a fatal
 * signal came.
 */
int rf_write(struct rf_channel *ch, const void *data, size_t len, unsigned int flags)
{
	struct kvec vec = { .iov_base = (void *)data, .iov_len = len };
	struct iov_iter from;

	iov_iter_kvec(&from, ITER_SOURCE, &vec, 1, len);
	return rfcom_write(ch, &from, flags);
}
EXPORT_SYMBOL_NS_GPL(rf_write, RAINFOREST_RFCOM);
