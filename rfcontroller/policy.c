// SPDX-License-Identifier: GPL-2.0-only
/*
 * DOC: What is done when a subOS crashes
 *
 * The monitor sees a crash, and says so here once all cores are parked; work of
 * our own then does what the operator chose, without any process: nobody need
 * be logged in. A restart boots from the copy that image.c keeps. Whoever is
 * asked to end, by the operator or because the supervisor goes down, is left
 * alone, and so is one that ended in good order.
 *
 * A loop of crashes ends: so many restarts in such a time, and it stays crashed.
 */
#include <linux/cleanup.h>
#include <linux/jiffies.h>
#include <linux/ktime.h>
#include <linux/moduleparam.h>
#include <linux/pid.h>
#include <linux/sched.h>
#include <linux/string.h>
#include <linux/workqueue.h>
#include "anchor.h"
#include "fail.h"
#include "image.h"
#include "internal.h"

#define AWAIT_MS	1000
#define AWAIT_TRIES	60	/* for whoever was changing its resources when it crashed */

static unsigned int restart_max = 5;
module_param(restart_max, uint, 0644);
MODULE_PARM_DESC(restart_max, "on-crash restart: so often in restart_s, at most 64 (default 5)");

static unsigned int restart_s = 600;
module_param(restart_s, uint, 0644);
MODULE_PARM_DESC(restart_s, "on-crash restart: time for restart_max of them, s (default 600)");

static struct workqueue_struct *policy_queue;

static DEFINE_MUTEX(policy_gate);	/* protects policy_is_off; after subos->lock */
static bool policy_is_off;

static u64 policy_window_ns(void)
{
	return (u64)restart_s * NSEC_PER_SEC;
}

/* Nothing is started once the supervisor goes down; what was before is seen there. */
static int policy_start(struct subos *so)
{
	guard(mutex)(&policy_gate);
	return policy_is_off ? -ESHUTDOWN : subos_start(so);
}

static void policy_restart(struct subos *so)
{
	struct rfctl_msg msg = { "" };
	char why[RF_REASON_MAX];
	int ret;

	scnprintf(why, sizeof(why), "%u of %u within %u s: %s",
		  rf_limit_count(&so->crashes, ktime_get_ns(), policy_window_ns()),
		  min(restart_max, RF_LIMIT_MAX), restart_s, so->reason);
	rfctl_event(so, RF_EVENT_ON_CRASH, RF_ON_CRASH_RESTART, 0, why);
	strscpy(why, so->reason, sizeof(why));
	ret = rfctl_fail("policy_restart") ? -ENOMEM : rfctl_load_again(so, &msg);
	if (!ret)
		ret = policy_start(so);
	so->act = RF_ON_CRASH_KEEP;
	if (!ret) {
		so->restarts++;
		pr_info("%s: restarted after a crash\n", so->name);
		return;
	}
	rfctl_say(&msg, "error %d", -ret);
	rfctl_event(so, RF_EVENT_ON_CRASH, RF_ON_CRASH_RESTART, ret, msg.text);
	pr_err("%s: on-crash restart failed: %s\n", so->name, msg.text);
	if (so->state == RF_STATE_CRASHED)
		rfctl_set_state(so, RF_STATE_CRASHED, "on-crash restart failed (%s): %s", msg.text,
				why);
}

static void policy_destroy(struct subos *so)
{
	struct rfctl_msg msg = { "" };

	rfctl_event(so, RF_EVENT_ON_CRASH, RF_ON_CRASH_DESTROY, 0, so->reason);
	rfctl_monitor_stop(so);
	if (subos_remove(so, &msg))
		pr_err("%s: destroyed after a crash: %s\n", so->name, msg.text);
}

/* Whoever waits for an answer of it notices by itself that there will be none. */
static void policy_await(struct subos *so)
{
	unsigned int i;

	for (i = 0; so->busy && i < AWAIT_TRIES; i++) {
		mutex_unlock(&so->lock);
		wait_event_timeout(so->wait, !READ_ONCE(so->busy), msecs_to_jiffies(AWAIT_MS));
		mutex_lock(&so->lock);
	}
}

static void policy_act(struct work_struct *work)
{
	struct subos *so = container_of(work, struct subos, act_work);
	struct rfctl_call call;

	/* one for whom something is to be done is not detached */
	if (rfctl_call_must(&call, so->name)) {
		subos_put(so);
		return;
	}
	mutex_lock(&so->lock);
	policy_await(so);
	if (so->gone || so->running || so->state != RF_STATE_CRASHED)
		so->act = RF_ON_CRASH_KEEP;
	if (so->act && so->busy)
		rfctl_event(so, RF_EVENT_ON_CRASH, so->act, -EBUSY,
			    "somebody else is changing it");
	else if (so->act == RF_ON_CRASH_RESTART)
		policy_restart(so);
	else if (so->act == RF_ON_CRASH_DESTROY)
		policy_destroy(so);
	so->act = RF_ON_CRASH_KEEP;
	mutex_unlock(&so->lock);
	rfctl_call_end(&call);
	subos_put(so);
}

/**
 * rfctl_policy_crashed() - a subOS crashed: do what its policy says
 * @so: the subOS, locked, its cores parked, its state not yet changed
 * @note: (out) what is to be said before the reason; left alone when there is nothing
 * @size: bytes at @note
 *
 * What is done is done by another thread, when the lock is free.
 */
void rfctl_policy_crashed(struct subos *so, char *note, size_t size)
{
	lockdep_assert_held(&so->lock);
	if (so->on_crash == RF_ON_CRASH_KEEP || so->asked || (so->busy && !so->resizing))
		return;
	if (so->on_crash == RF_ON_CRASH_RESTART &&
	    rf_limit_take(&so->crashes, ktime_get_ns(), restart_max, policy_window_ns())) {
		scnprintf(note, size, "restarted %u times within %u s; on-crash gives up: ",
			  rf_limit_count(&so->crashes, ktime_get_ns(), policy_window_ns()),
			  restart_s);
		return;
	}
	so->act = so->on_crash;
	kref_get(&so->ref);
	if (!queue_work(policy_queue, &so->act_work))
		subos_put(so);
}

static int policy_check(struct subos *so, enum rf_on_crash on_crash, struct rfctl_msg *msg)
{
	if (on_crash == RF_ON_CRASH_KEEP)
		return 0;
	if (so->info_flags & RF_INFO_BARE) {
		rfctl_say(msg, "%s is bare and does not tell of a crash: only --on-crash keep can be had",
			  so->name);
		return -EOPNOTSUPP;
	}
	if (on_crash == RF_ON_CRASH_RESTART && !so->image && (so->started || so->loaded)) {
		rfctl_say(msg, "nothing is kept to boot %s from", so->name);
		return -ENODATA;
	}
	return 0;
}

static void policy_tell(struct subos *so)
{
	char text[RF_REASON_MAX], comm[TASK_COMM_LEN];

	get_task_comm(comm, current);
	scnprintf(text, sizeof(text), "max-cpus %u, max-memory %lluM, asked by %s[%d]",
		  so->asks.max_cpus, so->asks.max_bytes >> 20, comm, task_tgid_nr(current));
	rfctl_event(so, RF_EVENT_POLICY, so->on_crash, 0, text);
}

/**
 * rfctl_policy_set() - the operator chooses
 * @so: the subOS
 * @req: what, checked
 * @msg: (out) line about a failure
 *
 * Restarts are counted anew.
 *
 * Return: 0, or as RF_IOC_POLICY; -EINTR.
 */
int rfctl_policy_set(struct subos *so, const struct rf_policy *req, struct rfctl_msg *msg)
{
	int ret;

	ret = mutex_lock_interruptible(&so->lock);
	if (ret)
		return ret;
	if (so->gone)
		ret = -ENOENT;
	else if (req->flags & RF_POLICY_ON_CRASH)
		ret = policy_check(so, req->on_crash, msg);
	if (ret)
		goto out;
	if (req->flags & RF_POLICY_ON_CRASH) {
		so->on_crash = req->on_crash;
		if (so->act != so->on_crash)	/* what was to be done is no longer wanted */
			so->act = RF_ON_CRASH_KEEP;
		memset(&so->crashes, 0, sizeof(so->crashes));
		if (so->on_crash != RF_ON_CRASH_RESTART)
			rfctl_policy_forget(so);
	}
	if (req->flags & RF_POLICY_MAX_CPUS)
		so->asks.max_cpus = req->max_cpus;
	if (req->flags & RF_POLICY_MAX_MEMORY)
		so->asks.max_bytes = ALIGN_DOWN(req->max_bytes, RF_GRAIN);
	subos_info_keep(so);
	policy_tell(so);
out:
	mutex_unlock(&so->lock);
	return ret;
}

/**
 * rfctl_policy_forget() - keep nothing to boot from any more
 * @so: the subOS, locked
 */
void rfctl_policy_forget(struct subos *so)
{
	rfctl_image_free(so->image);
	so->image = NULL;
}

/**
 * rfctl_policy_setup() - prepare a new subOS
 * @so: the subOS
 */
void rfctl_policy_setup(struct subos *so)
{
	INIT_WORK(&so->act_work, policy_act);
}

/**
 * rfctl_policy_off() - the supervisor goes down: start nothing any more
 */
void rfctl_policy_off(void)
{
	guard(mutex)(&policy_gate);
	policy_is_off = true;
}

/**
 * rfctl_policy_init() - be ready for crashes
 *
 * Return: 0, -ENOMEM.
 */
int rfctl_policy_init(void)
{
	policy_queue = rfctl_alloc(alloc_workqueue("rfctl_policy", WQ_UNBOUND, 0));
	return policy_queue ? 0 : -ENOMEM;
}

/**
 * rfctl_policy_exit() - no longer; returns when the last is done
 */
void rfctl_policy_exit(void)
{
	destroy_workqueue(policy_queue);
}
