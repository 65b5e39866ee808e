// SPDX-License-Identifier: GPL-2.0-only
/*
 * DOC: CPUs of a subOS that runs: single cores leave it, or are left to it
 */
#include <linux/cpumask.h>
#include <linux/mutex.h>
#include "cpu.h"
#include "internal.h"

/**
 * rfctl_cpu_drop - give one parked core of a subOS back
 * @so: the subOS, locked
 * @cpu: one of its CPUs, parked
 * @heir: id of the subOS that owns it from now on, 0: the pool, or the supervisor
 *
 * The heir finds it with rfctl_cpus_adopt().
 */
void rfctl_cpu_drop(struct subos *so, unsigned int cpu, u32 heir)
{
	guard(mutex)(&rfctl_cpu_lock);
	cpumask_clear_cpu(cpu, &so->cpus);
	cpumask_clear_cpu(cpu, &so->granted);
	if (heir)
		rfctl_cpu_set_owner(cpu, heir, 0);
	else
		rfctl_cpu_give(cpu);
}

/**
 * rfctl_cpus_adopt - find the parked cores that were left to a subOS
 * @so: the subOS, locked
 */
void rfctl_cpus_adopt(struct subos *so)
{
	unsigned int cpu;

	guard(mutex)(&rfctl_cpu_lock);
	for_each_possible_cpu(cpu)
		if (rfctl_cpu_owner(cpu) == so->id)
			cpumask_set_cpu(cpu, &so->cpus);
}

/**
 * rfctl_cpu_pass - a core that was left to a subOS which never used it goes on
 * @cpu: the CPU, parked
 * @owner: id of that subOS: nothing is done when it has another owner
 * @heir: id of the next, 0: the pool, or the supervisor
 */
void rfctl_cpu_pass(unsigned int cpu, u32 owner, u32 heir)
{
	guard(mutex)(&rfctl_cpu_lock);
	if (rfctl_cpu_owner(cpu) != owner)
		return;
	if (heir)
		rfctl_cpu_set_owner(cpu, heir, 0);
	else
		rfctl_cpu_give(cpu);
}

/**
 * rfctl_cpu_choose_removal - which cores of a subOS could go
 * @so: the subOS, locked
 * @mask: (out) whole cores, from the highest number down, never the boot core
 * @count: CPUs wanted
 *
 * Return: CPUs in @mask, at most @count.
 */
int rfctl_cpu_choose_removal(struct subos *so, struct cpumask *mask, unsigned int count)
{
	unsigned int cpu;

	cpumask_clear(mask);
	for (cpu = nr_cpu_ids; cpu-- > 1;) {
		struct cpumask *core = &rfctl_cpus[cpu].siblings;

		if (!cpumask_test_cpu(cpu, &so->cpus) || cpumask_test_cpu(so->boot_cpu, core) ||
		    cpumask_test_cpu(cpu, mask) ||
		    cpumask_weight(mask) + cpumask_weight(core) > count)
			continue;
		cpumask_or(mask, mask, core);
	}
	return cpumask_weight(mask);
}

/**
 * rfctl_cpus_are_whole_cores - does a set leave no sibling behind?
 * @mask: the set
 * @msg: (out) which does
 *
 * Return: true or false.
 */
bool rfctl_cpus_are_whole_cores(const struct cpumask *mask, struct rfctl_msg *msg)
{
	unsigned int cpu, sibling;

	for_each_cpu(cpu, mask) {
		for_each_cpu(sibling, &rfctl_cpus[cpu].siblings) {
			if (cpumask_test_cpu(sibling, mask))
				continue;
			rfctl_say(msg, "CPU %u shares a core with CPU %u; take both or none",
				  cpu, sibling);
			return false;
		}
	}
	return true;
}
