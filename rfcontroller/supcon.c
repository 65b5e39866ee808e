// SPDX-License-Identifier: GPL-2.0-only
/*
 * DOC: supcon: requests to a subOS, and from it
 *
 * A request is one message, its answer another. The same request is sent again
 * until the answer comes or the time is up: the other end does it once and
 * answers as often as it is asked. An answer is taken only by whoever waits for
 * just that: subOS, number and kind must be the same. All that is in it was
 * written by another kernel: an errno that cannot be is no success.
 *
 * Silence says nothing about what was done. Who gets no answer leaves things
 * with the subOS: see Documentation/ficm.rst, "How a resource changes hands".
 */
#include <linux/jiffies.h>
#include <linux/list.h>
#include <linux/sched/signal.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include <linux/workqueue.h>
#include <rainforest/ficm.h>
#include "anchor.h"
#include "fail.h"
#include "internal.h"

#define CON_AGAIN_MS		200	/* between two times that the same is asked */
#define CON_FLOOD		32	/* requests of a subOS that are taken up in a second */

static_assert(sizeof(struct rf_request) == RF_MSG_BODY);
static_assert(sizeof(struct rf_reply) == RF_MSG_BODY);

/**
 * struct con_wait - somebody who waits for an answer
 * @node: in con_waits, under con_lock
 * @so: the subOS that was asked
 * @seq: number of the request
 * @op: RF_OP_*
 * @answered: @reply holds the answer; set last
 * @reply: the answer, copied
 */
struct con_wait {
	struct list_head node;
	struct subos *so;
	u32 seq;
	u16 op;
	bool answered;
	struct rf_reply reply;
};

static DEFINE_SPINLOCK(con_lock);	/* protects con_waits and the answers in it, con_asked */
static LIST_HEAD(con_waits);
static struct workqueue_struct *con_queue;	/* what is done at once */
static struct workqueue_struct *con_slow_queue;	/* what may take its time: nobody waits for it */
static bool con_listens;	/* the handlers are ours; changed by one at a time, see detach.c */

/**
 * struct con_asked - a request of a subOS that waits for our worker
 * @work: does it
 * @peer: id of the subOS
 * @req: the request, copied
 * @busy: it waits or is being worked on
 * @since: begin of the second in which @nr requests came from @peer, jiffies
 * @nr: see @since
 *
 * All but @work under con_lock.
 */
struct con_asked {
	struct work_struct work;
	u32 peer;
	struct rf_request req;
	bool busy;
	unsigned long since;
	unsigned int nr;
};

static struct con_asked con_asked[RF_WIRE_PEERS];

static void con_reply_arrived(u32 peer, const struct rf_msg *msg, void *arg)
{
	struct con_wait *wait;
	struct rf_reply reply;

	memcpy(&reply, msg->body, sizeof(reply));
	spin_lock(&con_lock);
	list_for_each_entry(wait, &con_waits, node) {
		if (wait->so->id != peer || wait->answered ||
		    wait->seq != le32_to_cpu(reply.seq) || wait->op != le16_to_cpu(reply.op))
			continue;
		wait->reply = reply;
		/* the answer before its flag: pairs with con_answered() */
		smp_store_release(&wait->answered, true);
		wake_up_all(&wait->so->wait);
	}
	spin_unlock(&con_lock);
}

static bool con_answered(struct con_wait *wait)
{
	/* pairs with con_reply_arrived() */
	return smp_load_acquire(&wait->answered);
}

static bool con_over(struct con_wait *wait)
{
	struct subos *so = wait->so;

	return con_answered(wait) || !READ_ONCE(so->running) || READ_ONCE(so->cancel);
}

static void con_send(struct subos *so, const struct con_wait *wait, const u64 *args,
		     unsigned int timeout_ms)
{
	struct rf_request req = {
		.seq = cpu_to_le32(wait->seq),
		.op = cpu_to_le16(wait->op),
		.timeout_ms = cpu_to_le32(timeout_ms),
	};
	struct rf_msg msg = {
		.type = cpu_to_le16(RF_MSG_REQUEST),
		.len = sizeof(req),
		.tag = cpu_to_le32(wait->seq),
	};
	unsigned int i;

	for (i = 0; args && i < ARRAY_SIZE(req.arg); i++)
		req.arg[i] = cpu_to_le64(args[i]);
	memcpy(msg.body, &req, sizeof(req));
	/* a ring that is full or broken: asked again, until the time is up */
	if (!rfctl_fail("con_send"))
		ficm_send(so->id, &msg);
}

/* Returns 0 when the answer is there. */
static int con_wait_for(struct con_wait *wait, const u64 *args, unsigned int timeout_ms)
{
	unsigned long end = jiffies + msecs_to_jiffies(timeout_ms);
	struct subos *so = wait->so;

	for (;;) {
		long left;

		con_send(so, wait, args, timeout_ms);
		left = wait_event_interruptible_timeout(so->wait, con_over(wait),
							msecs_to_jiffies(CON_AGAIN_MS));
		if (con_answered(wait))
			return 0;
		if (!READ_ONCE(so->running))
			return -EPIPE;
		if (READ_ONCE(so->cancel))
			return -ECANCELED;
		if (left < 0)
			return -EINTR;
		if (time_after(jiffies, end))
			return -ETIMEDOUT;
	}
}

/**
 * rfctl_con_ask - ask a subOS for something
 * @so: the subOS, locked, @so->busy set by the caller; the lock is not held
 *	while the answer is waited for
 * @op: RF_OP_*
 * @args: up to four numbers, or NULL
 * @timeout_ms: how long to wait
 * @reply: (out) its answer, an untrusted copy
 *
 * Return: 0 there is an answer: the errno in it, negated, is returned where it
 * is one. -ENOTCONN nobody listens; -ETIMEDOUT; -EPIPE it ended meanwhile;
 * -ECANCELED it is to be stopped; -EINTR. After the last four nobody knows
 * whether it was done.
 */
int rfctl_con_ask(struct subos *so, u16 op, const u64 *args, unsigned int timeout_ms,
		  struct rf_reply *reply)
{
	struct con_wait wait = { .so = so, .op = op };
	u16 error;
	int ret;

	lockdep_assert_held(&so->lock);
	if (!so->running || !READ_ONCE(so->listening))
		return -ENOTCONN;
	wait.seq = ++so->con_seq;
	spin_lock(&con_lock);
	list_add(&wait.node, &con_waits);
	spin_unlock(&con_lock);
	mutex_unlock(&so->lock);
	ret = con_wait_for(&wait, args, timeout_ms);
	mutex_lock(&so->lock);
	spin_lock(&con_lock);
	list_del(&wait.node);
	spin_unlock(&con_lock);
	if (!ret && !so->running)
		ret = -EPIPE;
	if (ret)
		return ret;
	*reply = wait.reply;
	error = le16_to_cpu(reply->error);
	if (error > MAX_ERRNO)
		return -EREMOTEIO;
	/* these words have another meaning here */
	if (error == ENOTCONN || error == ETIMEDOUT || error == EPIPE || error == ECANCELED ||
	    error == EINTR)
		return -EREMOTEIO;
	return -error;
}

static struct subos *con_subos_of(u32 peer)
{
	struct subos *so;

	guard(mutex)(&rfctl_lock);
	list_for_each_entry(so, &rfctl_subos_list, node) {
		if (so->id != peer)
			continue;
		kref_get(&so->ref);
		return so;
	}
	return NULL;
}

/* What a subOS may ask us. Returns 0 or a negative errno. */
static int con_do(struct subos *so, const struct rf_request *req)
{
	switch (le16_to_cpu(req->op)) {
	case RF_OP_PING:
		return 0;
	case RF_OP_HELLO:
		if (le64_to_cpu(req->arg[0]) != RF_WIRE_VERSION)
			return -EPROTO;
		WRITE_ONCE(so->listening, true);
		return 0;
	}
	return -EOPNOTSUPP;
}

static bool con_takes_time(const struct rf_request *req)
{
	u16 op = le16_to_cpu(req->op);

	return op == RF_OP_ASK_CPUS || op == RF_OP_ASK_MEMORY;
}

static void con_asked_work(struct work_struct *work)
{
	struct con_asked *asked = container_of(work, struct con_asked, work);
	struct rf_reply reply = { .seq = asked->req.seq, .op = asked->req.op };
	struct rf_msg msg = {
		.type = cpu_to_le16(RF_MSG_REPLY),
		.len = sizeof(reply),
		.tag = asked->req.seq,
	};
	struct subos *so = con_subos_of(asked->peer);
	struct rfctl_call call;

	/* while we are detached there is no answer: it is asked for again */
	if (so && rfctl_call_try(&call, so->name)) {
		if (con_takes_time(&asked->req))
			rfctl_ask(so, &asked->req, &reply);
		else
			reply.error = cpu_to_le16(-con_do(so, &asked->req));
		memcpy(msg.body, &reply, sizeof(reply));
		ficm_send(asked->peer, &msg);	/* one that is lost is asked for again */
		rfctl_call_end(&call);
	}
	if (so)
		subos_put(so);
	spin_lock(&con_lock);
	asked->busy = false;
	spin_unlock(&con_lock);
}

/* The place of a subOS; of those that are idle, that of the oldest one is given away. */
static struct con_asked *con_place(u32 peer)
{
	struct con_asked *asked, *oldest = NULL;

	for (asked = con_asked; asked < con_asked + ARRAY_SIZE(con_asked); asked++) {
		if (asked->peer == peer)
			return asked;
		if (!asked->busy && (!oldest || asked->peer < oldest->peer))
			oldest = asked;
	}
	if (oldest) {
		oldest->peer = peer;
		oldest->nr = 0;
	}
	return oldest;
}

/* One that asks all the time costs its messages to be read, and no more. */
static bool con_floods(struct con_asked *asked)
{
	if (!asked->nr || time_after(jiffies, asked->since + HZ)) {
		asked->since = jiffies;
		asked->nr = 0;
	}
	return ++asked->nr > CON_FLOOD;
}

/* One at a time from each; who asks for more meanwhile asks again. */
static void con_request_arrived(u32 peer, const struct rf_msg *msg, void *arg)
{
	struct con_asked *asked;

	spin_lock(&con_lock);
	asked = con_place(peer);
	if (asked && !asked->busy && !con_floods(asked)) {
		asked->busy = true;
		memcpy(&asked->req, msg->body, sizeof(asked->req));
		queue_work(con_takes_time(&asked->req) ? con_slow_queue : con_queue, &asked->work);
	}
	spin_unlock(&con_lock);
}

/**
 * rfctl_con_resume - listen to subOSes
 *
 * Return: 0, or as ficm_register().
 */
int rfctl_con_resume(void)
{
	int ret;

	ret = ficm_register(RF_MSG_REPLY, con_reply_arrived, NULL);
	if (ret)
		return ret;
	ret = ficm_register(RF_MSG_REQUEST, con_request_arrived, NULL);
	if (ret)
		ficm_unregister(RF_MSG_REPLY);
	else
		con_listens = true;
	return ret;
}

/**
 * rfctl_con_pause - listen no more for the moment
 *
 * Who asks gets no answer, and asks again. Nothing happens when we did not listen:
 * somebody else may by now.
 */
void rfctl_con_pause(void)
{
	if (!con_listens)
		return;
	con_listens = false;
	ficm_unregister(RF_MSG_REQUEST);
	ficm_unregister(RF_MSG_REPLY);
	flush_workqueue(con_queue);
	flush_workqueue(con_slow_queue);
}

/**
 * rfctl_con_init - be ready to listen to subOSes, and do
 *
 * Return: 0, -ENOMEM, or as ficm_register().
 */
int rfctl_con_init(void)
{
	unsigned int i;
	int ret;

	con_queue = rfctl_alloc(alloc_ordered_workqueue("rfctl_con", 0));
	if (!con_queue)
		return -ENOMEM;
	con_slow_queue = rfctl_alloc(alloc_workqueue("rfctl_con_slow", WQ_UNBOUND, 0));
	ret = con_slow_queue ? 0 : -ENOMEM;
	if (ret)
		goto err_queue;
	for (i = 0; i < ARRAY_SIZE(con_asked); i++)
		INIT_WORK(&con_asked[i].work, con_asked_work);
	ret = rfctl_con_resume();
	if (ret)
		goto err_slow_queue;
	return 0;

err_slow_queue:
	destroy_workqueue(con_slow_queue);
err_queue:
	destroy_workqueue(con_queue);
	return ret;
}

/**
 * rfctl_con_exit - listen no more
 */
void rfctl_con_exit(void)
{
	rfctl_con_pause();
	destroy_workqueue(con_slow_queue);
	destroy_workqueue(con_queue);
}
