// SPDX-License-Identifier: GPL-2.0-only
/*
 * Cores: the ACPI tables list every core that may ever be granted, because a
 * kernel reads them once. Waking one that is not in our waiting loop would
 * spin for ever, so cores that are not granted now are refused.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/cpuhotplug.h>
#include <linux/lockdep.h>
#include <linux/minmax.h>
#include <linux/mutex.h>
#include <linux/percpu.h>
#include <asm/smp.h>
#include <rainforest/compat.h>

#include "subos.h"

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

static int cpu_prepare(unsigned int cpu)
{
	u32 apicid = per_cpu(x86_cpu_to_apicid, cpu);
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

/* Only where RF_CPU_GOES_OFFLINE is false: a core that left could not come back. */
static int cpu_refuse_offline(unsigned int cpu)
{
	pr_info_once("this kernel cannot wake a core a second time: CPUs stay on line\n");
	return -EOPNOTSUPP;
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
