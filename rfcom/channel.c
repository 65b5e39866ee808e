// SPDX-License-Identifier: GPL-2.0-only
/*
 * Channels: their ends of this kernel.
 */
#include <linux/delay.h>
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

#define CHANNEL_STALL	(5 * HZ)	/* a message half way: then the channel breaks */
#define CHANNEL_ASK	HZ		/* without news of what was taken: then it is asked for */

static DEFINE_XARRAY_ALLOC1(channels);	/* by number; holds a reference to each */
static u32 channels_next;

static void channel_free(struct kref *ref)
{
	struct rf_channel *ch = container_of(ref, struct rf_channel, ref);

	kvfree(ch->in.line);
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
	ch->in.line = kvmalloc_array(RF_COM_LINES, sizeof(*ch->in.line), GFP_KERNEL_ACCOUNT);
	if (!ch->in.line) {
		kfree(ch);
		return ERR_PTR(-ENOMEM);
	}
	kref_init(&ch->ref);
	ch->peer = kernel->peer;
	ch->generation = kernel->generation;
	strscpy(ch->kernel, kernel->name, sizeof(ch->kernel));
	strscpy(ch->service, service, sizeof(ch->service));
	spin_lock_init(&ch->lock);
	ch->state = RFCOM_STATE_OPENING;
	init_waitqueue_head(&ch->wait);
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
 * rfcom_channel_fail() - the end is closed, from without
 * @ch: the end
 * @error: why, negative; 0: the other end closed it
 *
 * Context: any but interrupts.
 */
void rfcom_channel_fail(struct rf_channel *ch, int error)
{
	spin_lock(&ch->lock);
	if (ch->state != RFCOM_STATE_CLOSED) {
		WRITE_ONCE(ch->error, error);
		/* Why before that: pairs with channel_ended(). */
		smp_store_release(&ch->state, RFCOM_STATE_CLOSED);
	}
	spin_unlock(&ch->lock);
	wake_up_all(&ch->wait);
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

/* Whether it is closed, and then why. */
static bool channel_ended(const struct rf_channel *ch, int *error)
{
	/* Pairs with rfcom_channel_fail(). */
	if (smp_load_acquire(&ch->state) != RFCOM_STATE_CLOSED)
		return false;
	*error = READ_ONCE(ch->error);
	return true;
}

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
	if (channel_ended(ch, &ret))
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
 * rf_close() - close a channel's end; nobody uses it any more
 * @ch: the end
 *
 * What was written before is not lost: the other end can read it.
 *
 * Context: sleeps, up to a second when the other kernel takes no messages; what it
 * sends to this end later tells it.
 */
void rf_close(struct rf_channel *ch)
{
	struct rf_com_end end = { .from = cpu_to_le32(ch->id) };
	bool open = rfcom_channel_is_open(ch);

	xa_erase(&channels, ch->id);
	rfcom_channel_put(ch);
	if (open)
		rfcom_send(ch->peer, RF_MSG_COM_CLOSE, ch->remote, &end, sizeof(end));
	rfcom_channel_put(ch);
}
EXPORT_SYMBOL_NS_GPL(rf_close, RAINFOREST_RFCOM);

/* Until so many lines may be sent. News of what was taken may be lost: they are asked for. */
static int channel_await_credit(struct rf_channel *ch, u32 lines, bool nowait)
{
	struct rf_com_end ask = { .from = cpu_to_le32(ch->id) };
	int error;
	long left;

	for (;;) {
		if (channel_ended(ch, &error))
			return error == -ECONNRESET ? error : -EPIPE;
		if (rfcom_credit_left(&ch->out) >= lines)
			return 0;
		if (nowait)
			return -EAGAIN;
		left = wait_event_interruptible_timeout(ch->wait, !rfcom_channel_is_open(ch) ||
							rfcom_credit_left(&ch->out) >= lines,
							CHANNEL_ASK);
		if (left < 0)
			return -ERESTARTSYS;
		if (!left)
			rfcom_post(ch->peer, RF_MSG_COM_ASK, ch->remote, &ask, sizeof(ask));
	}
}

/* One line; waits while the ring between the kernels is full, but not for ever. */
static int channel_send_line(struct rf_channel *ch, const struct rf_msg *msg)
{
	unsigned long end = jiffies + CHANNEL_STALL;
	int ret;

	for (;;) {
		if (!rfcom_channel_is_open(ch))
			return -EPIPE;
		ret = ficm_send(ch->peer, msg);
		if (ret != -EAGAIN)
			return ret;
		if (time_after(jiffies, end))
			return -ETIMEDOUT;
		if (fatal_signal_pending(current))
			return -EINTR;
		usleep_range(20, 50);
	}
}

static int channel_send_lines(struct rf_channel *ch, struct iov_iter *from, size_t len)
{
	struct rf_msg msg = {
		.type = cpu_to_le16(RF_MSG_COM_DATA),
		.tag = cpu_to_le32(ch->remote),
	};
	struct rf_com_data *body = (void *)msg.body;
	int ret = 0;
	size_t n;

	BUILD_BUG_ON(sizeof(*body) > sizeof(msg.body));
	body->from = cpu_to_le32(ch->id);
	while (!ret && len) {
		n = min_t(size_t, len, RF_COM_LINE);
		len -= n;
		if (n < RF_COM_LINE)
			memset(body->data, 0, sizeof(body->data));
		body->flags = cpu_to_le32(len ? 0 : RF_COM_LAST);
		if (copy_from_iter(body->data, n, from) != n)
			return -EFAULT;
		msg.len = offsetof(struct rf_com_data, data) + n;
		rfcom_credit_use(&ch->out);
		ret = channel_send_line(ch, &msg);
		if (ret)
			rfcom_credit_return(&ch->out);
	}
	return ret;
}

/* Half a message cannot be taken back: the channel breaks then. */
static int channel_write_locked(struct rf_channel *ch, struct iov_iter *from, bool nowait)
{
	struct rf_com_end end = { .from = cpu_to_le32(ch->id) };
	size_t len = iov_iter_count(from);
	u32 before = ch->out.sent;
	int ret;

	ret = channel_await_credit(ch, rfcom_lines(len), nowait);
	if (ret)
		return ret;
	if (fault_in_iov_iter_readable(from, len))
		return -EFAULT;
	ret = channel_send_lines(ch, from, len);
	if (!ret) {
		ch->sent++;
		ch->sent_bytes += len;
	} else if (ch->out.sent != before) {
		rfcom_channel_fail(ch, ret);
		rfcom_post(ch->peer, RF_MSG_COM_CLOSE, ch->remote, &end, sizeof(end));
	}
	return ret;
}

/**
 * rfcom_write() - send a message, whole or not at all
 * @ch: the channel's end
 * @from: the message
 * @nowait: do not wait
 *
 * Return: as rf_write(); -ERESTARTSYS for a signal, -EFAULT.
 */
int rfcom_write(struct rf_channel *ch, struct iov_iter *from, bool nowait)
{
	size_t len = iov_iter_count(from);
	int ret;

	if (!len)
		return -EINVAL;
	if (len > RF_COM_MESSAGE_MAX)
		return -EMSGSIZE;
	if (nowait) {
		if (!mutex_trylock(&ch->write_lock))
			return -EAGAIN;
	} else if (mutex_lock_interruptible(&ch->write_lock)) {
		return -ERESTARTSYS;
	}
	ret = channel_write_locked(ch, from, nowait);
	mutex_unlock(&ch->write_lock);
	return ret;
}

/**
 * rf_write() - send a message, whole or not at all
 * @ch: the channel's end
 * @data: the message
 * @len: its bytes, 1 to RF_COM_MESSAGE_MAX
 * @flags: RF_NOWAIT
 *
 * Waits while the other end's queue is full.
 *
 * Context: sleeps.
 * Return: 0. -EINVAL an empty message, -EMSGSIZE one that is too long, -EAGAIN it would
 * have to wait, -EPIPE the other end has closed, or the channel is broken, -ECONNRESET
 * its kernel is gone, -ERESTARTSYS a signal came. In the middle of a message, which
 * breaks the channel: -ETIMEDOUT the other kernel takes no messages, -EINTR a fatal
 * signal came.
 */
int rf_write(struct rf_channel *ch, const void *data, size_t len, unsigned int flags)
{
	struct kvec vec = { .iov_base = (void *)data, .iov_len = len };
	struct iov_iter from;

	iov_iter_kvec(&from, ITER_SOURCE, &vec, 1, len);
	return rfcom_write(ch, &from, flags & RF_NOWAIT);
}
EXPORT_SYMBOL_NS_GPL(rf_write, RAINFOREST_RFCOM);

/**
 * rfcom_readable() - would reading not wait?
 * @ch: the channel's end
 *
 * Return: whether a message is there, or the channel is closed.
 */
bool rfcom_readable(const struct rf_channel *ch)
{
	return rfcom_queue_readable(&ch->in) || READ_ONCE(ch->state) == RFCOM_STATE_CLOSED;
}

/* Bytes of the first message, when there is one or it comes; 0 at the end. */
static ssize_t channel_await_message(struct rf_channel *ch, bool nowait, u32 *lines)
{
	int error = 0;
	bool ended;
	u32 bytes;

	for (;;) {
		/* In this order: what came before the end is there when the end is seen. */
		ended = channel_ended(ch, &error);
		bytes = rfcom_queue_message(&ch->in, lines);
		if (bytes)
			return bytes;
		if (ended)
			return error;
		if (nowait)
			return -EAGAIN;
		if (wait_event_interruptible(ch->wait, rfcom_readable(ch)))
			return -ERESTARTSYS;
	}
}

static void channel_tell_taken(struct rf_channel *ch)
{
	struct rf_com_taken body = {
		.from = cpu_to_le32(ch->id),
		.lines = cpu_to_le32(ch->in.tail),
	};

	if (rfcom_channel_is_open(ch) && rfcom_queue_tell(&ch->in))
		rfcom_send(ch->peer, RF_MSG_COM_TAKEN, ch->remote, &body, sizeof(body));
}

static ssize_t channel_read_locked(struct rf_channel *ch, struct iov_iter *to, bool nowait)
{
	const struct rfcom_line *line;
	ssize_t len;
	u32 lines, n;

	len = channel_await_message(ch, nowait, &lines);
	if (len <= 0)
		return len;
	if (len > iov_iter_count(to))
		return -EMSGSIZE;
	for (n = 0; n < lines; n++) {
		line = rfcom_queue_line(&ch->in, n);
		if (copy_to_iter(line->data, line->len, to) != line->len)
			return -EFAULT;
	}
	rfcom_queue_drop(&ch->in, lines);
	ch->received++;
	ch->received_bytes += len;
	channel_tell_taken(ch);
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

/* Does it stand as it did, now that the directory has changed? */
static void channel_look(struct rf_channel *ch)
{
	struct rf_com_end end = { .from = cpu_to_le32(ch->id) };
	struct ficm_kernel kernel;

	if (ficm_describe(ch->peer, &kernel) || kernel.generation != ch->generation) {
		rfcom_channel_fail(ch, -ECONNRESET);
	} else if (ch->accepted && !kernel.may_open && rfcom_channel_is_open(ch)) {
		rfcom_channel_fail(ch, -EACCES);
		rfcom_send(ch->peer, RF_MSG_COM_CLOSE, ch->remote, &end, sizeof(end));
	}
}

static int directory_changed(struct notifier_block *nb, unsigned long action, void *data)
{
	struct rf_channel *ch;
	unsigned long id = 0;

	while ((ch = rfcom_channel_next(&id))) {
		channel_look(ch);
		rfcom_channel_put(ch);
	}
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
