// SPDX-License-Identifier: GPL-2.0-only
/*
 * Cores: the ACPI tables list every core that may ever be granted, because a
 * kernel reads them once. Waking one that is not in our waiting loop would
 * spin for ever, so cores that are not granted now are refused. What is granted
 * changes while this kernel runs; the supervisor says when by message.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/cpu.h>
#include <linux/cpuhotplug.h>
#include <linux/delay.h>
#include <linux/lockdep.h>
#include <linux/minmax.h>
#include <linux/mutex.h>
#include <linux/percpu.h>
#include <asm/smp.h>
#include <rainforest/compat.h>

#include "con.h"
#include "subos.h"

#define CPU_TRIES	20
#define CPU_TRY_MS	50

static DEFINE_MUTEX(granted_lock);	/* protects granted */
static struct {
	__le32 nr_cpus;
	__le32 apicid[RF_WIRE_CPUS];
} granted;
static int cpu_state;
static int offline_state;

static int granted_read(void)
{
	int ret;

	lockdep_assert_held(&granted_lock);
	ret = subos_desc_read(offsetof(struct rf_desc, nr_cpus), &granted.nr_cpus,
			      sizeof(granted.nr_cpus));
	if (ret)
		return ret;
	return subos_desc_read(offsetof(struct rf_desc, apicid), granted.apicid,
			       sizeof(granted.apicid));
}

/* Return: 0, -EPERM it is not granted now, -EAGAIN the description never came to rest. */
static int cpu_granted(u32 apicid)
{
	int ret = -EPERM;
	u32 i, nr;

	mutex_lock(&granted_lock);
	if (granted_read()) {
		ret = -EAGAIN;
		goto out;
	}
	nr = min_t(u32, le32_to_cpu(granted.nr_cpus), RF_WIRE_CPUS);
	for (i = 0; i < nr; i++)
		if (le32_to_cpu(granted.apicid[i]) == apicid)
			ret = 0;
out:
	mutex_unlock(&granted_lock);
	return ret;
}

static int cpu_prepare(unsigned int cpu)
{
	return cpu_granted(per_cpu(x86_cpu_to_apicid, cpu));
}

/* Only where RF_CPU_GOES_OFFLINE is false: a core that left could not come back. */
static int cpu_refuse_offline(unsigned int cpu)
{
	pr_info_once("this kernel cannot wake a core a second time: CPUs stay on line\n");
	return -EOPNOTSUPP;
}

static int cpu_find(u64 apicid)
{
	unsigned int cpu;

	for_each_present_cpu(cpu)
		if (per_cpu(x86_cpu_to_apicid, cpu) == apicid)
			return cpu;
	return -ENODEV;
}

/* Somebody else may be at it, or forbid it for a moment. */
static int cpu_move(unsigned int cpu, int (*move)(unsigned int cpu), bool online)
{
	int i, ret = 0;

	for (i = 0; i < CPU_TRIES && cpu_online(cpu) != online; i++) {
		ret = move(cpu);
		if (ret < 0 && ret != -EBUSY && ret != -EAGAIN)
			return ret;
		if (ret < 0)
			msleep(CPU_TRY_MS);
	}
	if (cpu_online(cpu) == online)
		return 0;
	return ret < 0 ? ret : -EBUSY;
}

/**
 * subos_cpu_add() - RF_OP_CPU_ADD: bring a granted core on line
 * @call: arg 0 its APIC id; (out) value 0: CPUs on line
 *
 * Return: 0, also where it is on line; -ENODEV this kernel does not know it,
 * -EPERM it is not granted, -EBUSY, or what the kernel says.
 */
int subos_cpu_add(struct subos_call *call)
{
	int cpu = cpu_find(call->arg[0]);
	int ret;

	if (cpu < 0)
		return cpu;
	ret = cpu_granted(call->arg[0]);
	if (!ret)
		ret = cpu_move(cpu, add_cpu, true);
	subos_con_stage(call);
	call->value[0] = subos_status_online();
	return ret;
}

/**
 * subos_cpu_remove() - RF_OP_CPU_REMOVE: let a core go to the reset vector
 * @call: arg 0 its APIC id; (out) value 0: CPUs on line
 *
 * Its grant has been withdrawn before, so that nobody in here brings it back.
 * Return: 0, also where it is off line; -ENODEV this kernel does not know it,
 * -EINVAL it is the boot core, or still granted; -EOPNOTSUPP this kernel cannot
 * let it go; -EBUSY, or what the kernel says.
 */
int subos_cpu_remove(struct subos_call *call)
{
	int cpu = cpu_find(call->arg[0]);
	int ret;

	if (cpu < 0)
		return cpu;
	if (!cpu)
		return -EINVAL;
	ret = cpu_granted(call->arg[0]);
	if (ret != -EPERM)
		return ret ?: -EINVAL;
	if (!RF_CPU_GOES_OFFLINE && cpu_online(cpu))
		return -EOPNOTSUPP;
	ret = cpu_move(cpu, remove_cpu, false);
	subos_con_stage(call);
	call->value[0] = subos_status_online();
	return ret;
}

/**
 * subos_cpu_init() - begin to refuse cores that were not granted
 *
 * Return: 0, or the error of cpuhp_setup_state().
 */
int subos_cpu_init(void)
{
	int ret;

	ret = cpuhp_setup_state_nocalls(CPUHP_BP_PREPARE_DYN, "rainforest/subos:prepare",
					cpu_prepare, NULL);
	if (ret < 0)
		return ret;
	cpu_state = ret;
	if (RF_CPU_GOES_OFFLINE)
		return 0;
	ret = cpuhp_setup_state_nocalls(CPUHP_AP_ONLINE_DYN, "rainforest/subos:online", NULL,
					cpu_refuse_offline);
	if (ret < 0) {
		cpuhp_remove_state_nocalls(cpu_state);
		return ret;
	}
	offline_state = ret;
	return 0;
}

/**
 * subos_cpu_exit() - undo subos_cpu_init()
 */
void subos_cpu_exit(void)
{
	if (!RF_CPU_GOES_OFFLINE)
		cpuhp_remove_state_nocalls(offline_state);
	cpuhp_remove_state_nocalls(cpu_state);
}
