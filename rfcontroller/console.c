// SPDX-License-Identifier: GPL-2.0-only
/*
 * The supervisor's end of a subOS's terminal.
 *
 * What the subOS prints is moved from its ring into a backlog, which stays
 * when the subOS stops, is loaded again or is gone; every descriptor has its
 * own position there. What is typed goes straight into the other ring.
 *
 * Memory of the subOS is touched under con->lock only, and only while con->svc
 * is set. What lies there may have been written by anybody: our own indices
 * are kept here and never read back, and those of the subOS are read once and
 * checked. Nonsense ends the conversation until the next start.
 */
#include <linux/anon_inodes.h>
#include <linux/cleanup.h>
#include <linux/fs.h>
#include <linux/jiffies.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/poll.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <rainforest/ficm.h>

#include "anchor.h"
#include "console.h"
#include "fail.h"
#include "internal.h"

#define CON_CHUNK	512U		/* bytes moved to or from user space at a time */
#define CON_WRITE_MS	10000U		/* a blocking write gives up after that */
#define CON_HOLD_MS	500U		/* the subOS drops output after twice that */
#define CON_RECHECK_MS	500U		/* a sleeper looks after the subOS that often */

struct con_file {
	struct subos *so;
	struct list_head node;	/* in @files of the console, under its lock */
	struct mutex lock;	/* protects @pos; taken before the console's lock */
	u64 pos;
	bool writer;
};

static struct rf_con_out *con_out(struct rfctl_console *con)
{
	return con->svc + RF_OFF_CON_OUT;
}

static struct rf_con_in *con_in(struct rfctl_console *con)
{
	return con->svc + RF_OFF_CON_IN;
}

static void backlog_add(struct rfctl_console *con, const void *src, u32 len)
{
	u32 at = con->head & (CON_BACKLOG - 1);
	u32 first = min(len, CON_BACKLOG - at);

	memcpy(con->backlog + at, src, first);
	memcpy(con->backlog, src + first, len - first);
	con->head += len;
}

/* Says so where the user looks, and stops reading until the next start. */
static void con_break(struct rfctl_console *con)
{
	static const char text[] = "\r\n[rainforest: the subOS damaged its console]\r\n";

	con->broken = true;
	backlog_add(con, text, sizeof(text) - 1);
}

/* Is the subOS's side set up, and as we expect it? */
static bool con_ready(struct rfctl_console *con)
{
	struct rf_con_out *out = con_out(con);
	u32 magic;

	lockdep_assert_held(&con->lock);
	if (con->broken)
		return false;
	magic = le32_to_cpu(READ_ONCE(out->magic));
	if (!magic)
		return false;
	if (magic == RF_CON_MAGIC && READ_ONCE(out->version) == cpu_to_le32(RF_WIRE_VERSION) &&
	    READ_ONCE(out->bytes) == cpu_to_le32(RF_CON_OUT_BYTES))
		return true;
	con_break(con);
	return false;
}

static u64 backlog_oldest(const struct rfctl_console *con)
{
	return con->head > CON_BACKLOG ? con->head - CON_BACKLOG : 0;
}

/*
 * Whoever prints waits for the slowest reader, as at any terminal, but not for long for one
 * that does not read: he loses what is overwritten, and then does not count until he reads.
 */
static u32 con_may_take(struct rfctl_console *con, u32 len)
{
	u64 oldest = backlog_oldest(con), slowest = con->head;
	struct con_file *cf;
	u32 room;

	list_for_each_entry(cf, &con->files, node) {
		u64 pos = READ_ONCE(cf->pos);

		if (pos >= oldest)
			slowest = min(slowest, pos);
	}
	room = CON_BACKLOG - (con->head - slowest);
	if (len <= room)
		return len;
	if (slowest != con->held_at) {
		con->held_at = slowest;
		con->held_until = jiffies + msecs_to_jiffies(CON_HOLD_MS);
	}
	return time_after(jiffies, con->held_until) ? len : room;
}

/* Moves what the subOS printed; of one that prints no more, all. */
static void con_drain(struct rfctl_console *con, bool all)
{
	const u8 *data = con->svc + RF_OFF_CON_OUT + RF_CON_DATA;
	u32 at = con->out_tail & (RF_CON_OUT_BYTES - 1);
	u32 len, first;

	/* pairs with the release of out_head by the subOS, after its bytes */
	len = le32_to_cpu(smp_load_acquire(&con_out(con)->out_head)) - con->out_tail;
	if (!len)
		return;
	if (len > RF_CON_OUT_BYTES) {
		con_break(con);
		return;
	}
	if (!all)
		len = con_may_take(con, len);
	first = min(len, RF_CON_OUT_BYTES - at);
	backlog_add(con, data + at, first);
	backlog_add(con, data, len - first);
	con->out_tail += len;
	/* our reads are done: pairs with the acquire of out_tail by the subOS */
	smp_store_release(&con_in(con)->out_tail, cpu_to_le32(con->out_tail));
}

/* Looks at what the subOS took of our bytes; returns true when it was more. */
static bool con_check_tail(struct rfctl_console *con)
{
	/* pairs with the release of in_tail by the subOS, after its reads */
	u32 tail = le32_to_cpu(smp_load_acquire(&con_out(con)->in_tail));

	if (tail == con->in_tail)
		return false;
	if (con->in_head - tail > con->in_head - con->in_tail) {
		con_break(con);
		return false;
	}
	con->in_tail = tail;
	return true;
}

static u32 con_room(const struct rfctl_console *con)
{
	u32 used = READ_ONCE(con->in_head) - READ_ONCE(con->in_tail);

	return READ_ONCE(con->svc) && !READ_ONCE(con->broken) ? RF_CON_IN_BYTES - used : 0;
}

/* Types as much of @src as there is room for; returns the number of bytes. */
static u32 con_push(struct rfctl_console *con, const u8 *src, u32 len)
{
	u32 at, first;
	u8 *data;

	guard(mutex)(&con->lock);
	if (con->svc && con_ready(con))
		con_check_tail(con);
	len = min(len, con_room(con));
	if (!len)
		return 0;
	at = con->in_head & (RF_CON_IN_BYTES - 1);
	data = con->svc + RF_OFF_CON_IN + RF_CON_DATA;
	first = min(len, RF_CON_IN_BYTES - at);
	memcpy(data + at, src, first);
	memcpy(data, src + first, len - first);
	con->in_head += len;
	/* pairs with the acquire of in_head by the subOS, before its reads */
	smp_store_release(&con_in(con)->in_head, cpu_to_le32(con->in_head));
	return len;
}

/* Where that does not arrive the subOS looks at its next heartbeat. */
static void con_tell(const struct subos *so)
{
	struct rf_msg msg = { .type = cpu_to_le16(RF_MSG_CONSOLE) };

	ficm_send(so->id, &msg);
}

/**
 * rfctl_console_create() - make the console of a subOS
 * @so: without a console yet
 *
 * Return: 0, -ENOMEM.
 */
int rfctl_console_create(struct subos *so)
{
	struct rfctl_console *con;

	con = rfctl_alloc(kvzalloc(sizeof(*con), GFP_KERNEL));
	if (!con)
		return -ENOMEM;
	mutex_init(&con->lock);
	init_waitqueue_head(&con->wait);
	INIT_LIST_HEAD(&con->files);
	con->held_at = U64_MAX;
	so->con = con;
	return 0;
}

/**
 * rfctl_console_free() - undo rfctl_console_create()
 * @so: nobody has a reference to it any more
 */
void rfctl_console_free(struct subos *so)
{
	kvfree(so->con);
	so->con = NULL;
}

static void con_put_winsize(struct subos *so, struct rf_desc *desc)
{
	struct rfctl_console *con = so->con;

	desc->rows = cpu_to_le16(con->rows);
	desc->cols = cpu_to_le16(con->cols);
	desc->winsize_seq = cpu_to_le32(con->winsize_seq);
}

/**
 * rfctl_console_attach() - begin to use the rings
 * @so: its service area is there and was zeroed, its description is built,
 *	and none of its cores runs
 */
void rfctl_console_attach(struct subos *so)
{
	struct rfctl_console *con = so->con;
	struct rf_con_in *in;

	guard(mutex)(&con->lock);
	con->svc = so->svc;
	con->broken = false;
	con->in_head = 0;
	con->in_tail = 0;
	con->out_tail = 0;
	memset(con->svc + RF_OFF_CON_IN, 0, RF_CON_IN_SIZE);
	in = con_in(con);
	in->version = cpu_to_le32(RF_WIRE_VERSION);
	in->bytes = cpu_to_le32(RF_CON_IN_BYTES);
	/* a reader that sees the magic sees the rest */
	smp_store_release(&in->magic, cpu_to_le32(RF_CON_MAGIC));
	if (con->rows || con->cols)
		rfctl_desc_update(so, con_put_winsize);
	wake_up_interruptible(&con->wait);
}

/**
 * rfctl_console_detach() - take over the last output and leave the rings alone
 * @so: may be detached already
 *
 * When this returns, nothing here touches memory of the subOS any more.
 */
void rfctl_console_detach(struct subos *so)
{
	struct rfctl_console *con = so->con;

	guard(mutex)(&con->lock);
	if (con->svc && con_ready(con))
		con_drain(con, true);
	con->svc = NULL;
	wake_up_interruptible(&con->wait);
}

/**
 * rfctl_console_poll() - move what the subOS printed
 * @so: attached or not
 *
 * Return: true when something moved, in either direction.
 */
bool rfctl_console_poll(struct subos *so)
{
	struct rfctl_console *con = so->con;
	bool moved = false;
	u64 head;

	guard(mutex)(&con->lock);
	head = con->head;
	if (con->svc && con_ready(con)) {
		moved = con_check_tail(con);
		if (!con->broken)
			con_drain(con, !READ_ONCE(so->running));
	}
	moved |= con->head != head;
	if (moved)
		wake_up_interruptible(&con->wait);
	return moved;
}

/* These two are hints, taken without lock: who acts on them looks again. */
static bool con_readable(struct con_file *cf)
{
	return READ_ONCE(cf->so->con->head) != READ_ONCE(cf->pos);
}

static bool con_writable(struct con_file *cf)
{
	return con_room(cf->so->con);
}

/* The wake-up when the subOS ends is not ours: look for it now and then. */
static int con_wait(struct con_file *cf, bool (*ready)(struct con_file *cf), unsigned int ms)
{
	unsigned long end = jiffies + msecs_to_jiffies(ms);
	long ret;

	while (!ready(cf) && !READ_ONCE(cf->so->gone)) {
		ret = wait_event_interruptible_timeout(cf->so->con->wait, ready(cf),
						       msecs_to_jiffies(CON_RECHECK_MS));
		if (ret < 0)
			return ret;
		if (ms && time_after(jiffies, end))
			return -ETIMEDOUT;
	}
	return 0;
}

/* Copies from the backlog at the descriptor's position, without moving it. */
static u32 con_peek(struct con_file *cf, u8 *dest, u32 len)
{
	struct rfctl_console *con = cf->so->con;
	u32 at, first;

	lockdep_assert_held(&cf->lock);
	guard(mutex)(&con->lock);
	cf->pos = max(cf->pos, backlog_oldest(con));
	at = cf->pos & (CON_BACKLOG - 1);
	len = min_t(u64, len, con->head - cf->pos);
	first = min(len, CON_BACKLOG - at);
	memcpy(dest, con->backlog + at, first);
	memcpy(dest + first, con->backlog, len - first);
	return len;
}

static ssize_t con_read_some(struct con_file *cf, char __user *dest, size_t count)
{
	u8 chunk[CON_CHUNK];
	size_t done = 0;

	guard(mutex)(&cf->lock);
	while (done < count) {
		u32 len = con_peek(cf, chunk, min_t(size_t, count - done, CON_CHUNK));

		if (!len)
			break;
		if (copy_to_user(dest + done, chunk, len))
			return done ?: -EFAULT;
		cf->pos += len;
		done += len;
	}
	return done;
}

static ssize_t con_read(struct file *file, char __user *dest, size_t count, loff_t *ppos)
{
	struct con_file *cf = file->private_data;
	ssize_t ret;

	if (!count)
		return 0;
	for (;;) {
		bool gone = READ_ONCE(cf->so->gone);

		ret = con_read_some(cf, dest, count);
		if (ret || gone)
			return ret;
		if (file->f_flags & O_NONBLOCK)
			return -EAGAIN;
		ret = con_wait(cf, con_readable, 0);
		if (ret)
			return ret;
	}
}

static ssize_t con_write_chunk(struct con_file *cf, const char __user *src, size_t count)
{
	u8 chunk[CON_CHUNK];
	u32 typed;

	count = min_t(size_t, count, CON_CHUNK);
	if (copy_from_user(chunk, src, count))
		return -EFAULT;
	typed = con_push(cf->so->con, chunk, count);
	if (typed) {
		con_tell(cf->so);
		rfctl_monitor_typed(cf->so);
	}
	return typed;
}

static ssize_t con_write(struct file *file, const char __user *src, size_t count, loff_t *ppos)
{
	struct con_file *cf = file->private_data;
	size_t done = 0;
	ssize_t ret;

	while (done < count) {
		if (READ_ONCE(cf->so->gone))
			return done ?: -EIO;
		ret = con_write_chunk(cf, src + done, count - done);
		if (ret < 0)
			return done ?: ret;
		done += ret;
		if (ret)
			continue;
		if (file->f_flags & O_NONBLOCK)
			return done ?: -EAGAIN;
		ret = con_wait(cf, con_writable, CON_WRITE_MS);
		if (ret)
			return done ?: ret;
	}
	return done;
}

static __poll_t con_poll(struct file *file, poll_table *wait)
{
	struct con_file *cf = file->private_data;
	__poll_t mask = 0;

	poll_wait(file, &cf->so->con->wait, wait);
	poll_wait(file, &cf->so->wait, wait);
	if (READ_ONCE(cf->so->gone))
		mask |= EPOLLIN | EPOLLRDNORM | EPOLLHUP;
	if (con_readable(cf))
		mask |= EPOLLIN | EPOLLRDNORM;
	if (cf->writer && con_writable(cf))
		mask |= EPOLLOUT | EPOLLWRNORM;
	return mask;
}

static void con_set_winsize(struct subos *so, const struct rf_winsize *size)
{
	struct rfctl_console *con = so->con;

	guard(mutex)(&con->lock);
	if (rfctl_detached())
		return;		/* who comes back looks at his terminal again */
	con->rows = size->rows;
	con->cols = size->cols;
	con->winsize_seq++;
	if (con->svc) {
		rfctl_desc_update(so, con_put_winsize);
		con_tell(so);
	}
}

static long con_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct con_file *cf = file->private_data;
	struct rf_winsize size;

	if (cmd != RF_IOC_WINSIZE)
		return -ENOTTY;
	if (!cf->writer)
		return -EPERM;
	if (copy_from_user(&size, (void __user *)arg, sizeof(size)))
		return -EFAULT;
	con_set_winsize(cf->so, &size);
	return 0;
}

static void con_file_free(struct con_file *cf)
{
	struct subos *so = cf->so;

	mutex_lock(&so->con->lock);
	if (cf->writer)
		so->con->writer = false;
	list_del(&cf->node);
	mutex_unlock(&so->con->lock);
	mutex_destroy(&cf->lock);
	kfree(cf);
	subos_put(so);
}

static int con_release(struct inode *inode, struct file *file)
{
	con_file_free(file->private_data);
	return 0;
}

static const struct file_operations con_fops = {
	.owner = THIS_MODULE,
	.read = con_read,
	.write = con_write,
	.poll = con_poll,
	.unlocked_ioctl = con_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.release = con_release,
};

static struct con_file *con_file_new(struct subos *so, bool writer)
{
	struct rfctl_console *con = so->con;
	struct con_file *cf;

	cf = rfctl_zalloc(sizeof(*cf));
	if (!cf)
		return ERR_PTR(-ENOMEM);
	mutex_init(&cf->lock);
	cf->so = so;
	cf->writer = writer;
	guard(mutex)(&con->lock);
	if (writer && con->writer) {
		kfree(cf);
		return ERR_PTR(-EBUSY);
	}
	con->writer |= writer;
	list_add(&cf->node, &con->files);
	cf->pos = backlog_oldest(con);
	kref_get(&so->ref);
	return cf;
}

/**
 * rfctl_console_open() - make a descriptor
 * @so: the caller has a reference
 * @flags: RF_CONSOLE_*
 *
 * Return: the descriptor; -EINVAL, -ENOENT, -EBUSY, -ENOMEM, -EMFILE.
 */
int rfctl_console_open(struct subos *so, u32 flags)
{
	bool writer = flags & RF_CONSOLE_WRITE;
	struct con_file *cf;
	int fd;

	if (flags & ~RF_CONSOLE_WRITE)
		return -EINVAL;
	if (READ_ONCE(so->gone))
		return -ENOENT;
	cf = con_file_new(so, writer);
	if (IS_ERR(cf))
		return PTR_ERR(cf);
	fd = rfctl_fail("alloc") ? -ENOMEM :
	     anon_inode_getfd("[rainforest-console]", &con_fops, cf,
			      (writer ? O_RDWR : O_RDONLY) | O_CLOEXEC);
	if (fd < 0)
		con_file_free(cf);
	return fd;
}
