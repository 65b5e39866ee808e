// SPDX-License-Identifier: GPL-2.0-only
/*
 * DOC: Reboot, kexec and suspend of the supervisor
 *
 * A reboot, power-off or kexec cannot be refused, so it first stops all
 * subOSes: they are asked together, and forced when the time is up. Suspend
 * and hibernation are refused as long as anything has left the supervisor.
 */
#include <linux/moduleparam.h>
#include <linux/notifier.h>
#include <linux/reboot.h>
#include <linux/suspend.h>
#include "anchor.h"
#include "internal.h"

static unsigned int stop_ms = 5000;
module_param(stop_ms, uint, 0644);
MODULE_PARM_DESC(stop_ms, "time that subOSes get when the supervisor reboots, ms (default 5000)");

static int power_reboot(struct notifier_block *nb, unsigned long action, void *cmd)
{
	rfctl_thaw();
	subos_stop_all(stop_ms);
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
