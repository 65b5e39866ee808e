// SPDX-License-Identifier: GPL-2.0-only
/*
 * The list of addresses in the supervisor: it takes what kernels say they have, the first
 * one that says so has it, and tells all. A thread for each kernel: one that takes no
 * messages holds up nobody else.
 */
#include <linux/err.h>
#include <linux/kthread.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/sysfs.h>
#include <linux/wait.h>
#include <linux/xarray.h>

#include "internal.h"

#define LOOK_AGAIN	HZ
#define CALL_AGAIN	(10 * HZ)
#define CLAIMS_REST	(HZ / 20)	/* between two claims: each makes a list for all */

/**
 * struct client - a kernel that takes part
 * @thread: talks with it; NULL: none
 * @channel: to it
 * @kernel: its id
 * @seen: number of the list that it was told
 * @done: its channel has ended
 * @message: what is said and heard
 * @message.head: its head
 * @message.entry: behind it
 */
struct client {
	struct task_struct *thread;
	struct rf_channel *channel;
	u32 kernel;
	unsigned int seen;
	bool done;
	struct {
		struct rf_loop_list head;
		struct rf_loop_entry entry[RF_LOOP_LIST_MAX];
	} message;
};

static DEFINE_MUTEX(list_lock);		/* protects what follows, but @changed */
static struct client *clients[RFLOOP_KERNELS];
static struct rfloop_claims claims;
static struct rfloop_table table;
static DEFINE_XARRAY(switched_off);
static unsigned int version;		/* counts the lists */
static struct rf_service *service;
static bool changed;
static bool again;			/* the thread's own: look at the addresses once more */

static void wake_all(void)
{
	unsigned int i;

	lockdep_assert_held(&list_lock);
	for (i = 0; i < RFLOOP_KERNELS; i++)
		if (clients[i])
			wake_up_all(rf_channel_wait(clients[i]->channel));
}

static void tell_refused(void)
{
	unsigned int i, j;

	for (i = 0; i < RFLOOP_KERNELS; i++)
		for (j = 0; j < claims.of[i].nr; j++) {
			struct rfloop_claim *c = &claims.of[i].claim[j];

			if (c->refused && !c->told && le16_to_cpu(c->entry.family) == 4)
				pr_warn("kernel %u claims %pI4 (%pM), which another kernel has: refused\n",
					claims.of[i].kernel, c->entry.address, c->entry.mac);
			else if (c->refused && !c->told)
				pr_warn("kernel %u claims %pI6c (%pM), which another kernel has: refused\n",
					claims.of[i].kernel, c->entry.address, c->entry.mac);
			c->told = c->refused;
		}
}

/* What was said has changed: another list, for all. */
static void list_make(void)
{
	unsigned int i;

	lockdep_assert_held(&list_lock);
	for (i = 0; i < RFLOOP_KERNELS; i++)
		claims.of[i].off = !rfloop_serve_on(claims.of[i].kernel);
	rfloop_claims_build(&claims, &table);
	tell_refused();
	WRITE_ONCE(version, version + 1);
	rfloop_table_install(&table);
	wake_all();
}

static int claims_take(u32 kernel, const struct rf_loop_entry *e, u32 nr)
{
	int ret;

	mutex_lock(&list_lock);
	ret = rfloop_claims_set(&claims, kernel, e, nr);
	if (!ret)
		list_make();
	mutex_unlock(&list_lock);
	return ret;
}

static int client_hear(struct client *c)
{
	ssize_t n = rf_read(c->channel, &c->message, sizeof(c->message), RF_NOWAIT);
	u32 nr = le32_to_cpu(c->message.head.nr);

	if (n == -EAGAIN)
		return 0;
	if (n < (ssize_t)sizeof(c->message.head) || nr > RF_LOOP_OWN_MAX ||
	    n != sizeof(c->message.head) + nr * sizeof(c->message.entry[0]) ||
	    le32_to_cpu(c->message.head.version) != RF_LOOP_VERSION)
		return -EPROTO;
	return claims_take(c->kernel, c->message.entry, nr);
}

static void entry_fill(struct rf_loop_entry *e, const struct rfloop_address *a)
{
	memset(e, 0, sizeof(*e));
	e->kernel = cpu_to_le32(a->kernel);
	e->family = cpu_to_le16(a->family);
	memcpy(e->mac, a->mac, sizeof(e->mac));
	memcpy(e->address, a->address, sizeof(e->address));
}

/* Nothing but its own state to one that is switched off. */
static int client_tell(struct client *c)
{
	bool on;
	u32 i, nr;

	mutex_lock(&list_lock);
	on = rfloop_serve_on(c->kernel);
	nr = on ? table.nr : 0;
	for (i = 0; i < nr; i++)
		entry_fill(&c->message.entry[i], &table.a[i]);
	c->seen = version;
	mutex_unlock(&list_lock);
	memset(&c->message.head, 0, sizeof(c->message.head));
	c->message.head.version = cpu_to_le32(RF_LOOP_VERSION);
	c->message.head.nr = cpu_to_le32(nr);
	c->message.head.flags = cpu_to_le32(on ? RF_LOOP_ON : 0);
	return rf_write(c->channel, &c->message,
			sizeof(c->message.head) + nr * sizeof(c->message.entry[0]), 0);
}

static bool client_pending(const struct client *c)
{
	return rf_readable(c->channel) || c->seen != READ_ONCE(version) || kthread_should_stop();
}

static int client_loop(void *arg)
{
	struct client *c = arg;
	int ret = 0;

	while (!ret && !kthread_should_stop()) {
		wait_event_interruptible(*rf_channel_wait(c->channel), client_pending(c));
		if (rf_readable(c->channel)) {
			ret = client_hear(c);
			schedule_timeout_interruptible(CLAIMS_REST);
		}
		if (!ret && c->seen != READ_ONCE(version))
			ret = client_tell(c);
	}
	mutex_lock(&list_lock);
	rfloop_claims_drop(&claims, c->kernel);
	list_make();
	mutex_unlock(&list_lock);
	WRITE_ONCE(c->done, true);
	wake_up_all(rf_service_wait(service));
	while (!kthread_should_stop()) {
		set_current_state(TASK_INTERRUPTIBLE);
		if (!kthread_should_stop())
			schedule();
		__set_current_state(TASK_RUNNING);
	}
	return 0;
}

static void client_end(unsigned int i)
{
	struct client *c = clients[i];

	kthread_stop(c->thread);
	mutex_lock(&list_lock);
	clients[i] = NULL;
	mutex_unlock(&list_lock);
	rf_close(c->channel);
	kvfree(c);
}

/* A place for a kernel that has none; RFLOOP_KERNELS: it has one, or all are taken. */
static unsigned int client_place(u32 kernel)
{
	unsigned int i, empty = RFLOOP_KERNELS;

	for (i = 0; i < RFLOOP_KERNELS; i++)
		if (!clients[i])
			empty = i;
		else if (clients[i]->kernel == kernel)
			return RFLOOP_KERNELS;
	return empty;
}

static void client_begin(struct rf_channel *ch)
{
	struct client *c = kvzalloc(sizeof(*c), GFP_KERNEL);
	unsigned int i = client_place(rf_channel_peer(ch));

	if (!c || i == RFLOOP_KERNELS)
		goto err_free;
	c->channel = ch;
	c->kernel = rf_channel_peer(ch);
	c->seen = version - 1;
	c->thread = kthread_create(client_loop, c, "rfloop/%u", c->kernel);
	if (IS_ERR(c->thread))
		goto err_free;
	mutex_lock(&list_lock);
	clients[i] = c;
	mutex_unlock(&list_lock);
	wake_up_process(c->thread);
	return;

err_free:
	kvfree(c);
	rf_close(ch);
}

static void clients_reap(bool all)
{
	unsigned int i;

	for (i = 0; i < RFLOOP_KERNELS; i++)
		if (clients[i] && (all || READ_ONCE(clients[i]->done)))
			client_end(i);
}

static bool any_done(void)
{
	unsigned int i;

	for (i = 0; i < RFLOOP_KERNELS; i++)
		if (clients[i] && READ_ONCE(clients[i]->done))
			return true;
	return false;
}

/**
 * rfloop_serve_changed() - addresses of this kernel have changed
 *
 * Context: any but interrupts.
 */
void rfloop_serve_changed(void)
{
	struct rf_service *s = READ_ONCE(service);

	WRITE_ONCE(changed, true);
	if (s)
		wake_up_all(rf_service_wait(s));
}

static void own_look(struct rf_loop_entry *own)
{
	if (!again && !READ_ONCE(changed))
		return;
	WRITE_ONCE(changed, false);
	/* Forgotten before they are read: whatever changes meanwhile is seen again. */
	smp_mb();
	claims_take(FICM_SUPERVISOR, own, rfloop_own_collect(own, &again));
}

/* The next channel that somebody opened, or there may be something else to do. */
static struct rf_channel *next_channel(void)
{
	struct rf_channel *ch;
	DEFINE_WAIT(wait);

	prepare_to_wait(rf_service_wait(service), &wait, TASK_INTERRUPTIBLE);
	ch = rf_accept(service, RF_NOWAIT);
	if (IS_ERR(ch) && !READ_ONCE(changed) && !any_done() && !kthread_should_stop())
		schedule_timeout(LOOK_AGAIN);
	finish_wait(rf_service_wait(service), &wait);
	return ch;
}

/* Whoever is not here yet, or was not reached, opens a channel then. */
static void call_all(unsigned long *due)
{
	const struct rf_msg call = { .type = cpu_to_le16(RF_MSG_LOOP_BELL) };

	if (time_before(jiffies, *due))
		return;
	ficm_broadcast(&call);
	*due = jiffies + CALL_AGAIN;
}

static void serve_loop(struct rf_loop_entry *own)
{
	unsigned long due = jiffies;
	struct rf_channel *ch;

	while (!kthread_should_stop()) {
		call_all(&due);
		ch = next_channel();
		clients_reap(false);
		if (!IS_ERR(ch))
			client_begin(ch);
		own_look(own);
	}
}

/**
 * rfloop_serve_on() - does a kernel take part?
 * @kernel: its id
 *
 * Return: whether it may.
 */
bool rfloop_serve_on(u32 kernel)
{
	return !xa_load(&switched_off, kernel);
}

/**
 * rfloop_serve_switch() - let a kernel take part, or not
 * @kernel: its id; also of one that is not there now
 * @on: whether
 *
 * Context: sleeps.
 */
void rfloop_serve_switch(u32 kernel, bool on)
{
	mutex_lock(&list_lock);
	if (on)
		xa_erase(&switched_off, kernel);
	else
		xa_store(&switched_off, kernel, xa_mk_value(1), GFP_KERNEL);
	list_make();
	mutex_unlock(&list_lock);
}

/**
 * rfloop_serve_off() - who takes part no longer
 * @page: (out) their ids, a line each; of sysfs
 *
 * Context: sleeps.
 * Return: bytes of it.
 */
ssize_t rfloop_serve_off(char *page)
{
	unsigned long kernel;
	ssize_t n = 0;
	void *value;

	mutex_lock(&list_lock);
	xa_for_each(&switched_off, kernel, value)
		n += sysfs_emit_at(page, n, "%lu\n", kernel);
	mutex_unlock(&list_lock);
	return n;
}

/**
 * rfloop_serve_refused() - claims that were refused
 * @to: (out) a line for each
 * @size: bytes there
 *
 * Context: sleeps.
 * Return: bytes of it.
 */
ssize_t rfloop_serve_refused(char *to, size_t size)
{
	unsigned int i, j;
	ssize_t n = 0;

	mutex_lock(&list_lock);
	for (i = 0; i < RFLOOP_KERNELS; i++)
		for (j = 0; j < claims.of[i].nr; j++) {
			const struct rfloop_claim *c = &claims.of[i].claim[j];
			bool is4 = le16_to_cpu(c->entry.family) == 4;

			if (c->refused)
				n += scnprintf(to + n, size - n, is4 ? "%u %pI4 %pM\n" :
					       "%u %pI6c %pM\n", claims.of[i].kernel,
					       c->entry.address, c->entry.mac);
		}
	mutex_unlock(&list_lock);
	return n;
}

/**
 * rfloop_serve() - what the supervisor's thread does
 *
 * Return: 0, when the thread has to end, or an error.
 */
int rfloop_serve(void)
{
	struct rf_loop_entry *own = kcalloc(RF_LOOP_OWN_MAX, sizeof(*own), GFP_KERNEL);
	struct rf_service *s = rf_listen(RF_LOOP_SERVICE, RFLOOP_KERNELS);
	int ret = own ? PTR_ERR_OR_ZERO(s) : -ENOMEM;

	if (ret)
		goto out;
	WRITE_ONCE(service, s);
	WRITE_ONCE(changed, true);
	serve_loop(own);
	clients_reap(true);
out:
	if (!IS_ERR(s)) {
		WRITE_ONCE(service, NULL);
		rf_unlisten(s);
	}
	xa_destroy(&switched_off);
	kfree(own);
	return ret;
}
