// SPDX-License-Identifier: GPL-2.0-only
/*
 * The list of addresses in a subOS: it tells the supervisor its own, and is told all. While
 * there is no channel there is no list, and packets take the device.
 */
#include <linux/err.h>
#include <linux/jiffies.h>
#include <linux/kthread.h>
#include <linux/slab.h>
#include <linux/wait.h>

#include "internal.h"

#define OPEN_PATIENCE	1000	/* ms */
#define OPEN_AGAIN	HZ

/**
 * struct asking - what is said and heard; too large for the stack
 * @message: a message
 * @message.head: its head
 * @message.entry: behind it
 * @table: the list made of that
 */
struct asking {
	struct {
		struct rf_loop_list head;
		struct rf_loop_entry entry[RF_LOOP_LIST_MAX];
	} message;
	struct rfloop_table table;
};

static DEFINE_SPINLOCK(channel_lock);	/* protects @channel for who wakes its reader */
static struct rf_channel *channel;
static DECLARE_WAIT_QUEUE_HEAD(no_channel);
static bool called;
static bool changed;
static bool again;		/* the thread's own: look at the addresses in a second */

/**
 * rfloop_ask_changed() - addresses of this kernel have changed
 *
 * Context: any but interrupts.
 */
void rfloop_ask_changed(void)
{
	WRITE_ONCE(changed, true);
	spin_lock_bh(&channel_lock);
	if (channel)
		wake_up_all(rf_channel_wait(channel));
	spin_unlock_bh(&channel_lock);
}

/**
 * rfloop_ask_called() - the supervisor has a list, by now
 *
 * Context: any but interrupts.
 */
void rfloop_ask_called(void)
{
	WRITE_ONCE(called, true);
	wake_up_all(&no_channel);
}

static void channel_set(struct rf_channel *ch)
{
	spin_lock_bh(&channel_lock);
	channel = ch;
	spin_unlock_bh(&channel_lock);
}

static int own_send(struct rf_channel *ch, struct asking *a)
{
	u32 nr;

	WRITE_ONCE(changed, false);
	/* Forgotten before they are read: whatever changes meanwhile is seen again. */
	smp_mb();
	nr = rfloop_own_collect(a->message.entry, &again);
	memset(&a->message.head, 0, sizeof(a->message.head));
	a->message.head.version = cpu_to_le32(RF_LOOP_VERSION);
	a->message.head.nr = cpu_to_le32(nr);
	return rf_write(ch, &a->message, sizeof(a->message.head) + nr * sizeof(a->message.entry[0]),
			0);
}

/* A list from the supervisor. */
static int list_take(struct asking *a, size_t bytes)
{
	u32 nr = le32_to_cpu(a->message.head.nr), i;

	if (bytes < sizeof(a->message.head) || nr > RF_LOOP_LIST_MAX ||
	    bytes != sizeof(a->message.head) + nr * sizeof(a->message.entry[0]) ||
	    le32_to_cpu(a->message.head.version) != RF_LOOP_VERSION)
		return -EPROTO;
	memset(&a->table, 0, sizeof(a->table));
	for (i = 0; i < nr; i++)
		rfloop_table_add(&a->table, &a->message.entry[i]);
	rfloop_table_install(&a->table);
	return 0;
}

static bool something_to_do(const struct rf_channel *ch)
{
	return READ_ONCE(changed) || rf_readable(ch) || kthread_should_stop();
}

/* Until the channel ends, or the thread has to. */
static void talk(struct rf_channel *ch, struct asking *a)
{
	ssize_t n = 0;
	int ret;

	ret = own_send(ch, a);
	while (!ret && !kthread_should_stop()) {
		wait_event_interruptible_timeout(*rf_channel_wait(ch), something_to_do(ch), HZ);
		if (again || READ_ONCE(changed))
			ret = own_send(ch, a);
		if (ret || !rf_readable(ch))
			continue;
		n = rf_read(ch, &a->message, sizeof(a->message), RF_NOWAIT);
		ret = n > 0 ? list_take(a, n) : n == -EAGAIN ? 0 : -EPIPE;
	}
}

/*
 * Whoever does not listen is not asked again and again, which would interrupt its cores:
 * it calls. Who is in no exchange yet disturbs nobody.
 */
static void wait_for_call(int error)
{
	wait_event_interruptible_timeout(no_channel, READ_ONCE(called) || kthread_should_stop(),
					 error == -ENOTCONN || error == -EAGAIN ?
					 OPEN_AGAIN : MAX_SCHEDULE_TIMEOUT);
	WRITE_ONCE(called, false);
}

/**
 * rfloop_ask() - what a subOS's thread does
 *
 * Return: 0, when the thread has to end; -ENOMEM.
 */
int rfloop_ask(void)
{
	struct asking *a = kvzalloc(sizeof(*a), GFP_KERNEL);
	struct rf_channel *ch;

	if (!a)
		return -ENOMEM;
	while (!kthread_should_stop()) {
		ch = rf_open("supervisor", RF_LOOP_SERVICE, OPEN_PATIENCE);
		if (IS_ERR(ch)) {
			wait_for_call(PTR_ERR(ch));
			continue;
		}
		channel_set(ch);
		talk(ch, a);
		channel_set(NULL);
		rf_close(ch);
		rfloop_table_install(NULL);
	}
	kvfree(a);
	return 0;
}
