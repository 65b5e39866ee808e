// SPDX-License-Identifier: GPL-2.0-only
/*
 * What was written without waiting, and found the ring between the kernels full: one message,
 * or what is left of it, and marks. It has its place in the other end's queue; a work sends it,
 * also after the channel was closed here.
 */
#include <linux/delay.h>
#include <linux/jiffies.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/uio.h>

#include "internal.h"

#define REST_ROUNDS	16		/* of the work, before others have their turn */
#define REST_SOON	(HZ / 10)	/* so long it looks often */

static struct workqueue_struct *rest_queue;

/**
 * struct rfcom_rest - a message, or what is left of it
 * @node: in the list of its channel
 * @flags: RF_COM_MARK
 * @at: bytes that were sent
 * @len: of all
 * @data: the bytes
 */
struct rfcom_rest {
	struct list_head node;
	u32 flags;
	size_t at;
	size_t len;
	u8 data[];
};

/**
 * rfcom_rest_keep() - send it when there is room
 * @ch: the channel's end, under its write_lock
 * @from: the message, or what is left of it
 * @len: its bytes
 * @flags: RF_COM_MARK
 *
 * Return: 0, -ENOMEM, -EFAULT.
 */
int rfcom_rest_keep(struct rf_channel *ch, struct iov_iter *from, size_t len, u32 flags)
{
	struct rfcom_rest *rest = kvmalloc(struct_size(rest, data, len), GFP_KERNEL_ACCOUNT);

	if (!rest)
		return -ENOMEM;
	rest->flags = flags;
	rest->at = 0;
	rest->len = len;
	if (copy_from_iter(rest->data, len, from) != len) {
		kvfree(rest);
		return -EFAULT;
	}
	list_add_tail(&rest->node, &ch->rest);
	if (!ch->resting) {
		WRITE_ONCE(ch->resting, true);
		ch->stalled = jiffies;
		queue_work(rest_queue, &ch->push);
	}
	return 0;
}

static void rest_drop(struct rfcom_rest *rest)
{
	list_del(&rest->node);
	kvfree(rest);
}

/* As rfcom_send_lines(), of the first message. */
static int rest_send_first(struct rf_channel *ch, struct rfcom_rest *rest)
{
	size_t left = rest->len - rest->at;
	struct kvec vec = { .iov_base = rest->data + rest->at, .iov_len = left };
	struct iov_iter from;
	int ret;

	iov_iter_kvec(&from, ITER_SOURCE, &vec, 1, left);
	ret = rfcom_send_lines(ch, &from, &left, rest->flags);
	rest->at = rest->len - left;
	return ret;
}

/**
 * rfcom_rest_send() - send what was kept, as far as there is room
 * @ch: the channel's end, under its write_lock
 *
 * Return: 0 when nothing is left; else as rfcom_send_lines().
 */
int rfcom_rest_send(struct rf_channel *ch)
{
	struct rfcom_rest *rest, *next;
	int ret;

	if (!ch->resting)
		return 0;
	list_for_each_entry_safe(rest, next, &ch->rest, node) {
		ret = rest_send_first(ch, rest);
		if (ret)
			return ret;
		rest_drop(rest);
	}
	WRITE_ONCE(ch->resting, false);
	return 0;
}

/**
 * rfcom_rest_forget() - nobody sends it any more
 * @ch: the channel's end, which nobody else uses
 */
void rfcom_rest_forget(struct rf_channel *ch)
{
	struct rfcom_rest *rest, *next;

	list_for_each_entry_safe(rest, next, &ch->rest, node)
		rest_drop(rest);
}

/* -EAGAIN: once more. */
static int rest_push_locked(struct rf_channel *ch)
{
	u32 before = ch->out.sent;
	int ret = rfcom_rest_send(ch);

	if (ch->out.sent != before)
		ch->stalled = jiffies;
	if (ret == -EAGAIN && time_after(jiffies, ch->stalled + RFCOM_STALL))
		ret = -ETIMEDOUT;
	return ret;
}

static int rest_push(struct rf_channel *ch)
{
	int ret;

	/* Who waits there sends what was kept. */
	if (!mutex_trylock(&ch->write_lock))
		return -EAGAIN;
	ret = rest_push_locked(ch);
	mutex_unlock(&ch->write_lock);
	return ret;
}

static void rest_pause(const struct rf_channel *ch)
{
	/* nobody tells when the ring has room */
	if (time_before(jiffies, READ_ONCE(ch->stalled) + REST_SOON))
		usleep_range(20, 50);
	else
		usleep_range(1000, 2000);
}

/* The end is looked at under the lock: rfcom_rest_close() sees it broken, or we that it closes. */
static bool rest_closing(struct rf_channel *ch)
{
	bool closing;

	mutex_lock(&ch->write_lock);
	closing = ch->closing;
	mutex_unlock(&ch->write_lock);
	return closing;
}

/**
 * rfcom_rest_work() - send what was kept
 * @work: @push of the channel's end
 */
void rfcom_rest_work(struct work_struct *work)
{
	struct rf_channel *ch = container_of(work, struct rf_channel, push);
	unsigned int round = 0;
	int ret;

	while ((ret = rest_push(ch)) == -EAGAIN && ++round < REST_ROUNDS)
		rest_pause(ch);
	if (ret == -EAGAIN) {
		queue_work(rest_queue, work);
		return;
	}
	if (ret)
		rfcom_channel_break(ch, ret);
	rfcom_channel_wake(ch);
	if (rest_closing(ch))
		rfcom_channel_end(ch);
}

/**
 * rfcom_rest_close() - nobody uses the channel's end any more
 * @ch: it
 *
 * Return: whether something is still to be sent: rfcom_channel_end() is called then.
 */
bool rfcom_rest_close(struct rf_channel *ch)
{
	bool rest;

	mutex_lock(&ch->write_lock);
	rest = ch->resting && rfcom_channel_is_open(ch);
	ch->closing = rest;
	mutex_unlock(&ch->write_lock);
	if (!rest)
		cancel_work_sync(&ch->push);
	return rest;
}

/**
 * rfcom_rest_init() - what sends it
 *
 * Return: 0, -ENOMEM.
 */
int rfcom_rest_init(void)
{
	rest_queue = alloc_workqueue("rfcom_rest", WQ_UNBOUND, 0);
	return rest_queue ? 0 : -ENOMEM;
}

/**
 * rfcom_rest_exit() - there is no channel any more, but those that were closed
 *
 * Waits until these have sent what was kept, or their kernels took nothing for long.
 */
void rfcom_rest_exit(void)
{
	destroy_workqueue(rest_queue);
}
