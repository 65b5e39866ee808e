// SPDX-License-Identifier: GPL-2.0-only
/*
 * The end of this kernel. The machine is not ours, so nothing here may reset
 * it: every end becomes a report in the status page, and then the cores stand
 * still until the supervisor takes them back with INIT.
 *
 * The report must not come before devices are shut down, for the supervisor
 * acts on it at once. The hooks that are late enough:
 *
 *	reboot, halt,	 the kernel dumps its log (KMSG_DUMP_SHUTDOWN) as the very
 *	power off, kexec last thing before it turns to the machine; this is the
 *			 only hook of halt, and kexec cannot get past it either
 *	power off	 power-off handler, so that the kernel does not turn power
 *			 off into halt; reached only where the dumper was not
 *	emergency restart (SysRq b, kernel debugger) log dump KMSG_DUMP_EMERG, and
 *			 a kprobe on the function that would do it
 *	suspend		 refused: nothing could wake this kernel up
 *	panic		 the blink routine, called when all messages are out
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/atomic.h>
#include <linux/cpumask.h>
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/irqflags.h>
#include <linux/kernel.h>
#include <linux/kprobes.h>
#include <linux/notifier.h>
#include <linux/panic_notifier.h>
#include <linux/percpu.h>
#include <linux/reboot.h>
#include <linux/smp.h>
#include <linux/string.h>
#include <linux/suspend.h>
#include <rainforest/compat.h>

#include "subos.h"

#define SUBOS_PARK_WAIT_US	100000	/* for the other cores to stand still */

static atomic_t ending;			/* the first core that ends this kernel reports */
static atomic_t parked;
static u32 ending_state = RF_SUB_HALTED; /* RF_SUB_* that the reboot notifier announced */
static DEFINE_PER_CPU(call_single_data_t, park_call);
static struct sys_off_handler *power_off_handler;
static bool dumper_used;
static bool probe_used;

static void park_forever(void)
{
	local_irq_disable();
	atomic_inc(&parked);
	for (;;)
		halt();
}

static void park_this_cpu(void *unused)
{
	park_forever();
}

/* Works with interrupts off as well: the calls are queued, nobody waits for the queue. */
static void park_other_cpus(void)
{
	unsigned int self = raw_smp_processor_id();
	unsigned int cpu, others = 0;
	int us;

	for_each_online_cpu(cpu) {
		if (cpu == self)
			continue;
		INIT_CSD(per_cpu_ptr(&park_call, cpu), park_this_cpu, NULL);
		if (!smp_call_function_single_async(cpu, per_cpu_ptr(&park_call, cpu)))
			others++;
	}
	for (us = 0; us < SUBOS_PARK_WAIT_US && atomic_read(&parked) < others; us += 5)
		udelay(5);
}

static void subos_end(u32 state, const char *reason)
{
	if (!atomic_xchg(&ending, 1)) {
		park_other_cpus();
		subos_status_reason(reason);
		subos_status_state(state);
	}
	park_forever();
}

static int reboot_notify(struct notifier_block *nb, unsigned long action, void *data)
{
	const char *cmd = data;

	switch (action) {
	case SYS_POWER_OFF:
		ending_state = RF_SUB_POWEROFF;
		subos_status_reason("power off");
		break;
	case SYS_HALT:
		ending_state = RF_SUB_HALTED;
		subos_status_reason("halt");
		break;
	default:
		if (cmd && !strcmp(cmd, "kexec reboot")) {
			ending_state = RF_SUB_HALTED;
			subos_status_reason("kexec, which a subOS cannot do");
		} else {
			ending_state = RF_SUB_RESTART;
			subos_status_reason("restart");
		}
	}
	subos_status_state(RF_SUB_STOPPING);
	return NOTIFY_DONE;
}

static struct notifier_block reboot_block = {
	.notifier_call = reboot_notify,
	.priority = INT_MAX,	/* before drivers, which may take their time */
};

static int power_off(struct sys_off_data *data)
{
	subos_end(RF_SUB_POWEROFF, "power off");
	return NOTIFY_DONE;
}

static void log_dump(struct kmsg_dumper *dumper, RF_KMSG_DUMP_ARG)
{
	switch (rf_kmsg_dump_reason()) {
	case KMSG_DUMP_SHUTDOWN:
		subos_end(ending_state, "shut down without a word");
		break;
	case KMSG_DUMP_EMERG:
		subos_end(RF_SUB_RESTART, "emergency restart");
		break;
	default:
		break;
	}
}

static struct kmsg_dumper log_dumper = {
	.dump = log_dump,
	.max_reason = KMSG_DUMP_SHUTDOWN,
};

static int probe_hit(struct kprobe *probe, struct pt_regs *regs)
{
	subos_end(RF_SUB_RESTART, "emergency restart");
	return 0;
}

static struct kprobe restart_probe = {
	.symbol_name = "native_machine_emergency_restart",
	.pre_handler = probe_hit,
};

static long panic_end(int state)
{
	subos_end(RF_SUB_PANIC, "panic");
	return 0;
}

static int panic_notify(struct notifier_block *nb, unsigned long action, void *data)
{
	char text[sizeof_field(struct rf_status, reason)];

	panic_timeout = 0;	/* a sysctl may have changed it since */
	panic_blink = panic_end;
	scnprintf(text, sizeof(text), "panic: %s", (const char *)data);
	subos_status_reason_replace(text);
	subos_status_state(RF_SUB_STOPPING);
	return NOTIFY_DONE;
}

static struct notifier_block panic_block = {
	.notifier_call = panic_notify,
	.priority = INT_MAX,
};

static int sleep_notify(struct notifier_block *nb, unsigned long action, void *data)
{
	switch (action) {
	case PM_SUSPEND_PREPARE:
	case PM_HIBERNATION_PREPARE:
	case PM_RESTORE_PREPARE:
		return notifier_from_errno(-EPERM);
	default:
		return NOTIFY_DONE;
	}
}

static struct notifier_block sleep_block = {
	.notifier_call = sleep_notify,
};

static int handlers_register(bool dumper)
{
	int ret;

	power_off_handler = register_sys_off_handler(SYS_OFF_MODE_POWER_OFF,
						     SYS_OFF_PRIO_FIRMWARE + 1, power_off, NULL);
	if (IS_ERR(power_off_handler))
		return PTR_ERR(power_off_handler);
	if (dumper) {
		ret = kmsg_dump_register(&log_dumper);
		if (ret)
			goto err_handler;
		dumper_used = true;
	}
	ret = register_reboot_notifier(&reboot_block);
	if (ret)
		goto err_dumper;
	ret = register_pm_notifier(&sleep_block);
	if (ret)
		goto err_reboot;
	return 0;

err_reboot:
	unregister_reboot_notifier(&reboot_block);
err_dumper:
	if (dumper_used)
		kmsg_dump_unregister(&log_dumper);
err_handler:
	unregister_sys_off_handler(power_off_handler);
	return ret;
}

/**
 * subos_power_init() - begin to catch every end of this kernel
 * @dumper: use the log dumper; without it halt is not reported (for tests)
 * @probe: use the kprobe
 *
 * A probe that cannot be placed is no failure: the log dumper stands before
 * it, and the status page says so.
 * Return: 0, -ENOMEM.
 */
int subos_power_init(bool dumper, bool probe)
{
	int ret;

	ret = handlers_register(dumper);
	if (ret)
		return ret;
	if (probe) {
		ret = register_kprobe(&restart_probe);
		if (ret)
			pr_warn("no probe on %s, error %d\n", restart_probe.symbol_name, ret);
		else
			subos_status_flag(RF_SUBF_KPROBE);
		probe_used = !ret;
	}
	panic_timeout = 0;
	atomic_notifier_chain_register(&panic_notifier_list, &panic_block);
	return 0;
}

/**
 * subos_power_exit() - undo subos_power_init(), but for the panic timeout
 */
void subos_power_exit(void)
{
	atomic_notifier_chain_unregister(&panic_notifier_list, &panic_block);
	if (probe_used)
		unregister_kprobe(&restart_probe);
	unregister_pm_notifier(&sleep_block);
	unregister_reboot_notifier(&reboot_block);
	if (dumper_used)
		kmsg_dump_unregister(&log_dumper);
	unregister_sys_off_handler(power_off_handler);
}
