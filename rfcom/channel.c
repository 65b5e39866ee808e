// SPDX-License-Identifier: GPL-2.0-only
/*
 * Channels: their ends of this kernel.
 */
#include <linux/err.h>
#include <linux/export.h>
#include <linux/jiffies.h>
#include <linux/mm.h>
#include <linux/notifier.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uio.h>
#include <linux/xarray.h>

#include "internal.h"
#include "lend.h"

static DEFINE_XARRAY_ALLOC1(channels);	/* by number; holds a reference to each */
static u32 channels_next;

static void channel_free(struct kref *ref)
{
	struct rf_channel *ch = container_of(ref, struct rf_channel, ref);

	rfcom_hold_forget(ch);
	rfcom_rest_forget(ch);
	kvfree(ch->in.store);
	kfree(ch);
}

/**
 * rfcom_channel_put() - a reference less
 * @ch: the end
 *
 * Context: any that may free memory of vmalloc(): not in an interrupt.
 */
void rfcom_channel_put(struct rf_channel *ch)
{
	kref_put(&ch->ref, channel_free);
}

/**
 * rfcom_channel_create() - an end, in the table, with no partner yet
 * @kernel: where its partner is
 * @service: name of the service
 *
 * Return: the end, for rf_close(). -ENOMEM.
 */
struct rf_channel *rfcom_channel_create(const struct ficm_kernel *kernel, const char *service)
{
	struct rf_channel *ch = kzalloc(sizeof(*ch), GFP_KERNEL_ACCOUNT);
	int ret;

	if (!ch)
		return ERR_PTR(-ENOMEM);
	ch->in.store = kvmalloc(sizeof(*ch->in.store), GFP_KERNEL_ACCOUNT);
	if (!ch->in.store) {
		kfree(ch);
		return ERR_PTR(-ENOMEM);
	}
	rfcom_bulk_open(kernel);
	kref_init(&ch->ref);
	ch->peer = kernel->peer;
	ch->generation = kernel->generation;
	strscpy(ch->kernel, kernel->name, sizeof(ch->kernel));
	strscpy(ch->service, service, sizeof(ch->service));
	spin_lock_init(&ch->lock);
	ch->state = RFCOM_STATE_OPENING;
	init_waitqueue_head(&ch->wait);
	INIT_DELAYED_WORK(&ch->news, rfcom_news_work);
	INIT_LIST_HEAD(&ch->rest);
	INIT_WORK(&ch->push, rfcom_rest_work);
	mutex_init(&ch->write_lock);
	mutex_init(&ch->read_lock);
	INIT_LIST_HEAD(&ch->node);
	kref_get(&ch->ref);
	ret = xa_alloc_cyclic(&channels, &ch->id, ch, XA_LIMIT(1, INT_MAX), &channels_next,
			      GFP_KERNEL_ACCOUNT);
	if (ret < 0) {
		channel_free(&ch->ref);
		return ERR_PTR(ret);
	}
	return ch;
}

/**
 * rfcom_channel_find() - the end of a number
 * @id: its number
 * @peer: the kernel that asks for it: it has to be its partner's
 *
 * Context: any but interrupts.
 * Return: the end, for rfcom_channel_put(), or NULL.
 */
struct rf_channel *rfcom_channel_find(u32 id, u32 peer)
{
	struct rf_channel *ch;

	xa_lock(&channels);
	ch = xa_load(&channels, id);
	if (ch && ch->peer == peer)
		kref_get(&ch->ref);
	else
		ch = NULL;
	xa_unlock(&channels);
	return ch;
}

/**
 * rfcom_channel_next() - all ends, one after the other
 * @id: (in, out) number of the last one, 0 at the start
 *
 * Return: the end, for rfcom_channel_put(), or NULL.
 */
struct rf_channel *rfcom_channel_next(unsigned long *id)
{
	struct rf_channel *ch;

	xa_lock(&channels);
	ch = xa_find_after(&channels, id, ULONG_MAX, XA_PRESENT);
	if (ch)
		kref_get(&ch->ref);
	xa_unlock(&channels);
	return ch;
}

/**
 * rfcom_channel_wake() - there is news for those who wait, if any do
 * @ch: the end
 *
 * What they wait for was written before, and wq_has_sleeper() has the barrier: pairs with that
 * of prepare_to_wait(), or of whoever came into the queue otherwise.
 *
 * Context: any.
 */
void rfcom_channel_wake(struct rf_channel *ch)
{
	if (wq_has_sleeper(&ch->wait))
		wake_up_all(&ch->wait);
}

/**
 * rfcom_channel_fail() - the end is closed, from without
 * @ch: the end
 * @error: why, negative; 0: the other end closed it
 *
 * Context: any but interrupts.
 */
void rfcom_channel_fail(struct rf_channel *ch, int error)
{
	bool ended;

	spin_lock(&ch->lock);
	ended = ch->state == RFCOM_STATE_CLOSED;
	if (!ended) {
		WRITE_ONCE(ch->error, error);
		/* Why before that: pairs with rf_ended(). */
		smp_store_release(&ch->state, RFCOM_STATE_CLOSED);
	}
	spin_unlock(&ch->lock);
	if (!ended)
		rfcom_hold_end(ch);
	rfcom_channel_wake(ch);
}

/**
 * rfcom_channel_is_open() - can it be used?
 * @ch: the end
 *
 * Return: whether it has a partner that has not closed.
 */
bool rfcom_channel_is_open(const struct rf_channel *ch)
{
	return READ_ONCE(ch->state) == RFCOM_STATE_OPEN;
}

/**
 * rf_ended() - is it closed?
 * @ch: the end
 * @error: (out) why it is, negative; 0: the other end closed it
 *
 * Return: whether it is.
 */
bool rf_ended(const struct rf_channel *ch, int *error)
{
	/* Pairs with rfcom_channel_fail(). */
	if (smp_load_acquire(&ch->state) != RFCOM_STATE_CLOSED)
		return false;
	*error = READ_ONCE(ch->error);
	return true;
}
EXPORT_SYMBOL_NS_GPL(rf_ended, RAINFOREST_RFCOM);

/**
 * rfcom_name_good() - can it be a name of a service?
 * @name: RFCOM_NAME_MAX bytes
 *
 * Return: false for one without an end, for none, and for what cannot be printed.
 */
bool rfcom_name_good(const char *name)
{
	size_t i, len = strnlen(name, RFCOM_NAME_MAX);

	for (i = 0; i < len; i++)
		if (name[i] <= ' ' || name[i] > '~')
			return false;
	return len && len < RFCOM_NAME_MAX;
}

static int channel_ask_for_partner(struct rf_channel *ch, unsigned int timeout_ms)
{
	struct rf_com_open body = { .from = cpu_to_le32(ch->id) };
	long left;
	int ret;

	strscpy_pad(body.service, ch->service, sizeof(body.service));
	ret = rfcom_send(ch->peer, RF_MSG_COM_OPEN, 0, &body, sizeof(body));
	if (ret)
		return ret;
	left = wait_event_interruptible_timeout(ch->wait,
						READ_ONCE(ch->state) != RFCOM_STATE_OPENING,
						msecs_to_jiffies(timeout_ms));
	if (left < 0)
		return -EINTR;
	if (rf_ended(ch, &ret))
		return ret ?: -ECONNREFUSED;
	return left ? 0 : -ETIMEDOUT;
}

/**
 * rf_open() - open a channel to a service of another kernel
 * @kernel: name of its subOS, or "supervisor"
 * @service: name of the service there
 * @timeout_ms: how long to wait for an answer
 *
 * Context: sleeps.
 * Return: the channel's end, for rf_close(). -EINVAL a name that cannot be, -ENOENT
 * there is no such kernel, -ENOTCONN this kernel is in no exchange, or that one has not
 * joined yet, -ECONNREFUSED nobody listens there, -EACCES no rule allows it, -EAGAIN too
 * many wait to be accepted, or that kernel takes no messages; -EPIPE, -EPROTO its ring is
 * broken, -ETIMEDOUT no answer, -EINTR a signal came, -ENOMEM.
 */
struct rf_channel *rf_open(const char *kernel, const char *service, unsigned int timeout_ms)
{
	struct ficm_kernel where;
	struct rf_channel *ch;
	int ret;

	if (strlen(service) >= RFCOM_NAME_MAX || !rfcom_name_good(service))
		return ERR_PTR(-EINVAL);
	ret = ficm_find(kernel, &where);
	if (ret)
		return ERR_PTR(ret);
	ch = rfcom_channel_create(&where, service);
	if (IS_ERR(ch))
		return ch;
	ret = channel_ask_for_partner(ch, timeout_ms);
	if (ret) {
		rf_close(ch);
		return ERR_PTR(ret);
	}
	return ch;
}
EXPORT_SYMBOL_NS_GPL(rf_open, RAINFOREST_RFCOM);

/**
 * rfcom_channel_end() - the end is closed from within, and all was sent
 * @ch: the end; it is gone then
 *
 * Context: sleeps, but waits for no other kernel.
 */
void rfcom_channel_end(struct rf_channel *ch)
{
	bool open = rfcom_channel_is_open(ch);

	cancel_delayed_work_sync(&ch->news);
	xa_erase(&channels, ch->id);
	rfcom_channel_put(ch);
	if (open)
		rfcom_tell_end(ch->peer, RF_MSG_COM_CLOSE, ch->remote, ch->id);
	rfcom_channel_put(ch);
}

/**
 * rf_close() - close a channel's end; nobody uses it any more
 * @ch: the end
 *
 * What was written before is not lost: the other end can read it.
 *
 * Context: sleeps, but waits for no other kernel. One that takes no messages is told when
 * it sends to this end.
 */
void rf_close(struct rf_channel *ch)
{
	if (!rfcom_rest_close(ch))
		rfcom_channel_end(ch);
}
EXPORT_SYMBOL_NS_GPL(rf_close, RAINFOREST_RFCOM);

/**
 * rf_readable() - would reading not wait?
 * @ch: the channel's end
 *
 * Return: whether a message is there, or the channel is closed.
 */
bool rf_readable(const struct rf_channel *ch)
{
	return rf_has_message(ch) || READ_ONCE(ch->state) == RFCOM_STATE_CLOSED;
}
EXPORT_SYMBOL_NS_GPL(rf_readable, RAINFOREST_RFCOM);

/* Bytes of the first message, when there is one or it comes; 0 at the end. */
static ssize_t channel_await_message(struct rf_channel *ch, bool nowait, u32 *cells)
{
	int error = 0;
	bool ended;
	u32 bytes;

	for (;;) {
		/* In this order: what came before the end is there when the end is seen. */
		ended = rf_ended(ch, &error);
		if (READ_ONCE(ch->lost))
			return -ECONNRESET;
		bytes = rfcom_queue_message(&ch->in, cells);
		if (bytes)
			return bytes;
		if (ended)
			return error;
		ficm_read_more();
		if (nowait)
			return -EAGAIN;
		if (wait_event_interruptible(ch->wait, rf_readable(ch)))
			return -ERESTARTSYS;
	}
}

/**
 * rfcom_tell_taken() - tell the other end what was read, when it is time
 * @ch: the channel's end, under its read_lock
 */
void rfcom_tell_taken(struct rf_channel *ch)
{
	struct rf_com_taken body = {
		.from = cpu_to_le32(ch->id),
		.cells = cpu_to_le32(ch->in.tail),
	};

	if (rfcom_channel_is_open(ch) && rfcom_queue_tell(&ch->in))
		rfcom_tell(ch->peer, RF_MSG_COM_TAKEN, ch->remote, &body, sizeof(body));
}

static ssize_t channel_read_locked(struct rf_channel *ch, struct iov_iter *to, bool nowait)
{
	u32 cells, bytes, at;
	ssize_t len;

	/* A rest that rf_read_some() has left is for it alone. */
	if (ch->part || ch->part_bytes)
		return -EMSGSIZE;
	len = channel_await_message(ch, nowait, &cells);
	if (len <= 0)
		return len;
	if (len > iov_iter_count(to))
		return -EMSGSIZE;
	for (at = 0; at < cells; at += rfcom_cells(bytes)) {
		bytes = rfcom_queue_bytes(&ch->in, ch->in.tail + at);
		if (rfcom_hold_read(ch, at, 0, to, bytes) != bytes)
			return READ_ONCE(ch->lost) ? -ECONNRESET : -EFAULT;
	}
	rfcom_hold_took(ch, cells);
	rfcom_queue_drop(&ch->in, cells);
	ch->received++;
	ch->received_bytes += len;
	rfcom_tell_taken(ch);
	return len;
}

/**
 * rfcom_read() - get a message
 * @ch: the channel's end
 * @to: where to
 * @nowait: do not wait
 *
 * Return: as rf_read(); -EFAULT: it stays.
 */
ssize_t rfcom_read(struct rf_channel *ch, struct iov_iter *to, bool nowait)
{
	ssize_t ret;

	if (nowait) {
		if (!mutex_trylock(&ch->read_lock))
			return -EAGAIN;
	} else if (mutex_lock_interruptible(&ch->read_lock)) {
		return -ERESTARTSYS;
	}
	ret = channel_read_locked(ch, to, nowait);
	mutex_unlock(&ch->read_lock);
	return ret;
}

/**
 * rf_read() - get a message
 * @ch: the channel's end
 * @data: where to
 * @size: bytes there
 * @flags: RF_NOWAIT
 *
 * Context: sleeps.
 * Return: bytes of the message; 0 the other end has closed, and all was read.
 * -EMSGSIZE the message does not fit, and stays; -EAGAIN there is none, -ERESTARTSYS a
 * signal came. When all was read: -ECONNRESET the other kernel is gone, -EPROTO it sent
 * what cannot be, -EACCES a rule forbids it now; or what broke the channel in rf_write().
 */
ssize_t rf_read(struct rf_channel *ch, void *data, size_t size, unsigned int flags)
{
	struct kvec vec = { .iov_base = data, .iov_len = size };
	struct iov_iter to;

	iov_iter_kvec(&to, ITER_DEST, &vec, 1, size);
	return rfcom_read(ch, &to, flags & RF_NOWAIT);
}
EXPORT_SYMBOL_NS_GPL(rf_read, RAINFOREST_RFCOM);

/*
 * Does it stand as it did, now that the directory has changed? Whoever changed it may be
 * waiting: so we do not.
 */
static void channel_look(struct rf_channel *ch)
{
	struct ficm_kernel kernel;

	if (ficm_describe(ch->peer, &kernel) || kernel.generation != ch->generation)
		rfcom_channel_fail(ch, -ECONNRESET);
	else if (ch->accepted && !kernel.may_open && rfcom_channel_is_open(ch))
		rfcom_channel_break(ch, -EACCES);
}

static int directory_changed(struct notifier_block *nb, unsigned long action, void *data)
{
	struct rf_channel *ch;
	unsigned long id = 0;

	while ((ch = rfcom_channel_next(&id))) {
		channel_look(ch);
		rfcom_channel_put(ch);
	}
	rfcom_bulk_look();
	rfcom_lend_look();
	return NOTIFY_DONE;
}

static struct notifier_block watcher = {
	.notifier_call = directory_changed,
};

/**
 * rfcom_watch() - notice when other kernels go, or rules change
 *
 * Return: 0.
 */
int rfcom_watch(void)
{
	return ficm_watch(&watcher);
}

/**
 * rfcom_unwatch() - no longer
 */
void rfcom_unwatch(void)
{
	ficm_unwatch(&watcher);
}
