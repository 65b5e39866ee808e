// SPDX-License-Identifier: GPL-2.0-only
/*
 * Requests of the supervisor: power off, restart. User space is asked first,
 * as by the power button; when it has not come to the end in time, or when
 * there is nobody who could take notice, the kernel does it alone.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/kernel.h>
#include <linux/moduleparam.h>
#include <linux/mutex.h>
#include <linux/pid.h>
#include <linux/pid_namespace.h>
#include <linux/rcupdate.h>
#include <linux/reboot.h>
#include <linux/sched/signal.h>
#include <linux/suspend.h>
#include <linux/workqueue.h>

#include "subos.h"

static unsigned int grace_ms = 8000;	/* below the supervisor's default of 10 s */
module_param(grace_ms, uint, 0600);
MODULE_PARM_DESC(grace_ms, "time that user space has to follow a request, ms (default 8000)");

/* the words in struct rf_desc that carry a request, in this order */
struct request {
	__le32 kind;
	__le32 seq;
};

static DEFINE_MUTEX(request_lock);	/* one request is taken up at a time */
static u32 request_kind;
static u32 request_seq;		/* the heartbeat's thread only */

/*
 * The programs that handle a power button tell pid 1 by a signal or a socket,
 * and every init program that can be told catches or blocks (signalfd) one of
 * these signals. A shell as pid 1 does not: waiting for it would be in vain.
 */
static bool init_listens(void)
{
	static const int signals[] = { SIGUSR1, SIGUSR2, SIGPWR, SIGCONT };
	struct sighand_struct *sighand;
	struct task_struct *init;
	bool listens = false;
	int i;

	rcu_read_lock();
	init = pid_task(find_pid_ns(1, &init_pid_ns), PIDTYPE_PID);
	sighand = init ? rcu_dereference(init->sighand) : NULL;
	for (i = 0; sighand && i < ARRAY_SIZE(signals); i++) {
		__sighandler_t handler = READ_ONCE(sighand->action[signals[i] - 1].sa.sa_handler);

		if ((handler != SIG_DFL && handler != SIG_IGN) ||
		    sigismember(&init->blocked, signals[i]))
			listens = true;
	}
	rcu_read_unlock();
	return listens;
}

static void request_force(struct work_struct *work)
{
	if (subos_status_get() >= RF_SUB_STOPPING)
		return;		/* user space got there by itself */
	pr_notice("the kernel follows the supervisor's request by itself\n");
	ksys_sync_helper();
	if (request_kind == RF_REQ_RESTART)
		kernel_restart(NULL);
	else
		kernel_power_off();
}

static DECLARE_DELAYED_WORK(request_work, request_force);

static void request_ask(u32 kind)
{
	if (kind == RF_REQ_RESTART)
		orderly_reboot();
	else
		orderly_poweroff(true);
}

/**
 * subos_request_take() - begin to follow a request
 * @kind: RF_REQ_*; others are ignored
 *
 * Asked for once more, user space has had its time: like a second push on the
 * button.
 * Context: kernel threads; sleeps.
 */
void subos_request_take(u32 kind)
{
	bool again, listens;

	if (kind != RF_REQ_POWEROFF && kind != RF_REQ_RESTART)
		return;
	mutex_lock(&request_lock);
	again = kind == request_kind;
	listens = !again && init_listens();
	request_kind = kind;
	pr_notice("the supervisor asks for %s%s\n",
		  kind == RF_REQ_RESTART ? "a restart" : "power off", again ? " again" : "");
	if (listens)
		request_ask(kind);
	mod_delayed_work(system_long_wq, &request_work, listens ? msecs_to_jiffies(grace_ms) : 0);
	mutex_unlock(&request_lock);
}

/**
 * subos_request_poll() - see whether the supervisor asks for something new
 *
 * Context: the heartbeat's thread only.
 */
void subos_request_poll(void)
{
	struct request request;
	u32 seq;

	BUILD_BUG_ON(offsetof(struct rf_desc, request_seq) !=
		     offsetof(struct rf_desc, request) + offsetof(struct request, seq));
	if (subos_desc_read(offsetof(struct rf_desc, request), &request, sizeof(request)))
		return;
	seq = le32_to_cpu(request.seq);
	if (seq == request_seq)
		return;
	request_seq = seq;
	subos_status_request(seq);
	subos_request_take(le32_to_cpu(request.kind));
}

/**
 * subos_request_exit() - forget a request that was not carried out yet
 */
void subos_request_exit(void)
{
	cancel_delayed_work_sync(&request_work);
}
