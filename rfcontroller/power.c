// SPDX-License-Identifier: GPL-2.0-only
/*
 * DOC: Reboot, kexec and suspend of the supervisor
 *
 * A reboot, power-off or kexec cannot be refused, so it first stops all
 * subOSes: they are asked together, and forced when the time is up. Suspend
 * and hibernation are refused as long as anything has left the supervisor.
 */
#include <linux/cleanup.h>
#include <linux/ktime.h>
#include <linux/moduleparam.h>
#include <linux/notifier.h>
#include <linux/reboot.h>
#include <linux/suspend.h>
#include <linux/wait.h>
#include "anchor.h"
#include "internal.h"

static unsigned int stop_ms = 5000;
module_param(stop_ms, uint, 0644);
MODULE_PARM_DESC(stop_ms, "time that subOSes get when the supervisor reboots, ms (default 5000)");

static struct subos *power_next_running(struct subos *after)
{
	struct subos *so;

	guard(mutex)(&rfctl_lock);
	list_for_each_entry(so, &rfctl_subos_list, node) {
		if (so->running && so->id > (after ? after->id : 0)) {
			kref_get(&so->ref);
			return so;
		}
	}
	return NULL;
}

static void power_ask(struct subos *so)
{
	guard(mutex)(&so->lock);
	so->asked = true;
	if (so->running && so->state == RF_STATE_RUNNING) {
		rfctl_set_state(so, RF_STATE_STOPPING, "the supervisor goes down");
		rfctl_desc_request_poweroff(so);
	}
}

static void power_force(struct subos *so)
{
	struct rfctl_msg msg = { "" };

	guard(mutex)(&so->lock);
	if (so->running && !subos_halt(so, &msg)) {
		rfctl_set_state(so, RF_STATE_STOPPED, "the supervisor goes down");
		pr_info("%s: stopped by force, the supervisor goes down\n", so->name);
	}
}

static void power_stop_each(bool force)
{
	struct subos *so = NULL, *next;

	while ((next = power_next_running(so))) {
		if (force)
			power_force(next);
		else
			power_ask(next);
		if (so)
			subos_put(so);
		so = next;
	}
	if (so)
		subos_put(so);
}

/* Those that run are asked together, and forced after @timeout_ms. */
static void power_stop_all(unsigned int timeout_ms)
{
	u64 deadline = ktime_get_ns() + (u64)timeout_ms * NSEC_PER_MSEC;
	struct subos *so;

	rfctl_policy_off();
	power_stop_each(false);
	while ((so = power_next_running(NULL)) && ktime_get_ns() < deadline) {
		wait_event_timeout(so->wait, subos_ended(so), msecs_to_jiffies(100));
		subos_put(so);
	}
	if (so)
		subos_put(so);
	power_stop_each(true);
}

static int power_reboot(struct notifier_block *nb, unsigned long action, void *cmd)
{
	rfctl_thaw();
	power_stop_all(stop_ms);
	return NOTIFY_DONE;
}

static bool power_anything_away(void)
{
	u64 target, free;
	unsigned int cpu;

	for_each_possible_cpu(cpu)
		if (rfctl_cpu_owner(cpu) != RF_OWNER_SUPERVISOR)
			return true;
	rfctl_mem_pool_get(&target, &free);
	return free || !list_empty(&rfctl_subos_list);
}

static int power_suspend(struct notifier_block *nb, unsigned long action, void *data)
{
	switch (action) {
	case PM_SUSPEND_PREPARE:
	case PM_HIBERNATION_PREPARE:
	case PM_RESTORE_PREPARE:
		if (!power_anything_away())
			return NOTIFY_DONE;
		pr_err("suspend refused: subOSes or pooled resources exist; destroy them first\n");
		return notifier_from_errno(-EBUSY);
	}
	return NOTIFY_DONE;
}

static struct notifier_block reboot_nb = {
	.notifier_call = power_reboot,
	.priority = INT_MAX,
};

static struct notifier_block suspend_nb = {
	.notifier_call = power_suspend,
};

/**
 * rfctl_power_init - watch for the end of the supervisor
 *
 * Return: 0, or what the registrations say.
 */
int rfctl_power_init(void)
{
	int ret;

	ret = register_reboot_notifier(&reboot_nb);
	if (ret)
		return ret;
	ret = register_pm_notifier(&suspend_nb);
	if (ret)
		unregister_reboot_notifier(&reboot_nb);
	return ret;
}

/**
 * rfctl_power_exit - no longer
 */
void rfctl_power_exit(void)
{
	unregister_pm_notifier(&suspend_nb);
	unregister_reboot_notifier(&reboot_nb);
}
