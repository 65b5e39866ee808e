// SPDX-License-Identifier: GPL-2.0-only
/*
 * Rings to receive in: when they are looked at without a doorbell, and how they end, while
 * packets may have pages of them.
 */
#include <linux/ktime.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/timer.h>

#include "internal.h"

#define AGAIN_IDLE	(HZ / 20)
#define SOON_CREDIT	4
#define SOON_MIN	((u64)20 * NSEC_PER_USEC)
#define SOON_MAX	((u64)NSEC_PER_MSEC)

static DEFINE_MUTEX(drain_lock);	/* protects the list */
static LIST_HEAD(drains);
static void drain_work(struct work_struct *work);
static DECLARE_DELAYED_WORK(drain, drain_work);

static void again_timer(struct timer_list *timer)
{
	struct rfloop_receiving *r = container_of(timer, struct rfloop_receiving, again);

	napi_schedule(&r->peer->napi);
}

static enum hrtimer_restart soon_timer(struct hrtimer *timer)
{
	struct rfloop_receiving *r = container_of(timer, struct rfloop_receiving, soon);

	napi_schedule(&r->peer->napi);
	return HRTIMER_NORESTART;
}

/**
 * rfloop_receiving_init() - a ring is there
 * @r: the ring
 * @peer: who sends in it
 */
void rfloop_receiving_init(struct rfloop_receiving *r, struct rfloop_peer *peer)
{
	r->peer = peer;
	timer_setup(&r->again, again_timer, 0);
	hrtimer_init(&r->soon, CLOCK_MONOTONIC, HRTIMER_MODE_REL_SOFT);
	r->soon.function = soon_timer;
}

/**
 * rfloop_receiving_rest() - look for pages later, when packets have some
 * @r: the ring
 *
 * Context: NAPI.
 */
void rfloop_receiving_rest(struct rfloop_receiving *r)
{
	if (r->first != r->last && !timer_pending(&r->again))
		mod_timer(&r->again, jiffies + (4 * r->in.held > r->in.pages ? 1 : AGAIN_IDLE));
}

/**
 * rfloop_receiving_soon() - look for packets before long, without a doorbell?
 * @r: the ring
 * @done: packets that were there just now
 *
 * Where several came at a time there will be more, perhaps after a while: a sender, too, is made
 * to wait at times. What comes one by one, each perhaps in answer to another, is not.
 *
 * Context: NAPI, completed.
 * Return: whether that will be done.
 */
bool rfloop_receiving_soon(struct rfloop_receiving *r, unsigned int done)
{
	u64 now = ktime_get_ns();
	u64 wait;

	if (done)
		r->gap = (3 * r->gap + min((now - r->before) / done, SOON_MAX)) / 4;
	r->before = now;
	if (done > 1)
		r->credit = SOON_CREDIT;
	else if (r->credit)
		r->credit--;
	if (!r->credit)
		return false;
	wait = (2 * r->gap) << (SOON_CREDIT - r->credit);
	hrtimer_start(&r->soon, ns_to_ktime(clamp(wait, SOON_MIN, SOON_MAX)),
		      HRTIMER_MODE_REL_SOFT);
	return true;
}

/* Under drain_lock, or by the links' work, whose ring is in no list. */
static bool receiving_free(struct rfloop_receiving *r)
{
	rfloop_attached_look(r, RF_LOOP_BACK);
	if (r->first != r->last)
		return false;
	rfloop_memory_unmap(&r->memory);
	kvfree(r);
	return true;
}

static void drain_work(struct work_struct *work)
{
	struct rfloop_receiving *r, *next;

	mutex_lock(&drain_lock);
	list_for_each_entry_safe(r, next, &drains, node) {
		list_del(&r->node);
		rfloop_sweep(&r->cpus);
		if (!receiving_free(r))
			list_add(&r->node, &drains);
	}
	if (!list_empty(&drains))
		queue_delayed_work(system_wq, &drain, AGAIN_IDLE);
	mutex_unlock(&drain_lock);
}

/**
 * rfloop_receiving_put() - nobody receives in a ring any more
 * @r: the ring; its memory is kept until no packet has a page of it
 *
 * Context: sleeps.
 */
void rfloop_receiving_put(struct rfloop_receiving *r)
{
	del_timer_sync(&r->again);
	hrtimer_cancel(&r->soon);
	if (receiving_free(r))
		return;
	mutex_lock(&drain_lock);
	list_add(&r->node, &drains);
	mutex_unlock(&drain_lock);
	queue_delayed_work(system_wq, &drain, AGAIN_IDLE);
}

/**
 * rfloop_draining() - how many rings are kept for packets that have pages of them
 * @peer: who sent in them
 *
 * Context: sleeps.
 * Return: that.
 */
unsigned int rfloop_draining(const struct rfloop_peer *peer)
{
	const struct rfloop_receiving *r;
	unsigned int n = 0;

	mutex_lock(&drain_lock);
	list_for_each_entry(r, &drains, node)
		n += r->peer == peer;
	mutex_unlock(&drain_lock);
	return n;
}

/**
 * rfloop_drained() - is no packet left that has a page of a ring?
 *
 * Context: sleeps. What is left when the module goes is never used for anything else: this
 * kernel holds on to the regions.
 * Return: whether.
 */
bool rfloop_drained(void)
{
	bool drained;

	cancel_delayed_work_sync(&drain);
	drain_work(NULL);
	mutex_lock(&drain_lock);
	drained = list_empty(&drains);
	mutex_unlock(&drain_lock);
	cancel_delayed_work_sync(&drain);
	return drained;
}
