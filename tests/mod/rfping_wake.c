// SPDX-License-Identifier: GPL-2.0-only
/*
 * Two threads of one kernel on two CPUs, real-time as FICM's reading threads are,
 * that wake each other. Both have slept for a while before each trip.
 */
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/kthread.h>
#include <linux/ktime.h>
#include <linux/sched.h>
#include <uapi/linux/sched/types.h>

#include "rfping.h"

#define REST_US		1500
#define PATIENCE	(5 * HZ)

struct pair {
	struct task_struct *leader;
	u32 there;	/* trips that arrived at the partner */
	u32 back;	/* trips that it sent back */
};

static int partner_loop(void *arg)
{
	struct pair *pair = arg;

	while (!kthread_should_stop()) {
		set_current_state(TASK_INTERRUPTIBLE);
		if (READ_ONCE(pair->there) == pair->back && !kthread_should_stop())
			schedule();
		__set_current_state(TASK_RUNNING);
		if (READ_ONCE(pair->there) == pair->back)
			continue;
		/* Pairs with one_trip(). */
		smp_store_release(&pair->back, pair->back + 1);
		wake_up_process(pair->leader);
	}
	return 0;
}

static int one_trip(struct pair *pair, struct task_struct *partner, u64 *ns)
{
	u32 trip = pair->there + 1;
	unsigned long end = jiffies + PATIENCE;
	u64 start;

	usleep_range(REST_US, 2 * REST_US);
	start = ktime_get_ns();
	/* Pairs with partner_loop(). */
	smp_store_release(&pair->there, trip);
	wake_up_process(partner);
	for (;;) {
		set_current_state(TASK_UNINTERRUPTIBLE);
		/* Pairs with partner_loop(). */
		if (smp_load_acquire(&pair->back) == trip || time_after(jiffies, end))
			break;
		schedule_timeout(PATIENCE);
	}
	*ns = ktime_get_ns() - start;
	__set_current_state(TASK_RUNNING);
	return READ_ONCE(pair->back) == trip ? 0 : -ETIMEDOUT;
}

/**
 * ping_threads() - wake a thread on another CPU and be woken by it
 * @run: the run; called by a real-time thread
 * @partner: the other CPU
 *
 * Return: 0 or an error.
 */
int ping_threads(const struct ping_run *run, unsigned int partner)
{
	struct pair pair = { .leader = current };
	struct task_struct *thread;
	u64 warm_up;
	u32 i;
	int ret;

	thread = kthread_create_on_cpu(partner_loop, &pair, partner, "rfping_wake/%u");
	if (IS_ERR(thread))
		return PTR_ERR(thread);
	sched_set_fifo(thread);
	wake_up_process(thread);
	ret = one_trip(&pair, thread, &warm_up);
	for (i = 0; i < run->batches && !ret; i++)
		ret = one_trip(&pair, thread, &run->ns[i]);
	kthread_stop(thread);
	return ret;
}
