// SPDX-License-Identifier: GPL-2.0-only
/*
 * CPUs over a change of the module: who has which, and who shares a core with
 * whom, which nobody can tell of a CPU that is away.
 */
#include <linux/cpumask.h>
#include <linux/string.h>
#include "anchor.h"
#include "cpu.h"
#include "internal.h"

static bool cpu_granted(unsigned int cpu)
{
	struct subos *so;

	list_for_each_entry(so, &rfctl_subos_list, node)
		if (cpumask_test_cpu(cpu, &so->granted))
			return true;
	return false;
}

/**
 * rfctl_cpus_save - put them into the anchor
 * @out: the anchor
 */
void rfctl_cpus_save(struct rf_anchor_out *out)
{
	unsigned int cpu;

	for_each_possible_cpu(cpu) {
		struct rf_anchor_cpu c = {
			.cpu = cpu,
			.apicid = rfctl_cpus[cpu].apicid,
			.owner = rfctl_cpus[cpu].owner,
			.core = cpumask_first(&rfctl_cpus[cpu].siblings),
			.slot = rfctl_core_slot(cpu),
		};

		if (!rfctl_cpu_exists(cpu))
			continue;
		if (cpumask_test_cpu(cpu, &rfctl_cpu_pool))
			c.flags |= RF_ANCHOR_CPU_POOL;
		if (cpu_granted(cpu))
			c.flags |= RF_ANCHOR_CPU_GRANTED;
		if (rfctl_usage_counts(cpu))
			c.flags |= RF_ANCHOR_CPU_COUNTED;
		rf_anchor_put(out, RF_ANCHOR_CPU, &c, sizeof(c));
	}
}

/* Whoever has the same first CPU. */
static void cpu_adopt_core(const struct rf_anchor_cpu *c)
{
	struct rf_anchor_iter it;
	struct rf_anchor_cpu other;

	rf_anchor_first(&it, rfctl_adopted, RF_ANCHOR_CPU);
	while (rf_anchor_next(&it, &other, sizeof(other)))
		if (other.core == c->core)
			cpumask_set_cpu(other.cpu, &rfctl_cpus[c->cpu].siblings);
}

/**
 * rfctl_cpus_adopt_owners - take them from the anchor, which was checked
 *
 * Nothing happens when there is none.
 */
void rfctl_cpus_adopt_owners(void)
{
	struct rf_anchor_iter it;
	struct rf_anchor_cpu c;

	if (!rfctl_adopted)
		return;
	rf_anchor_first(&it, rfctl_adopted, RF_ANCHOR_CPU);
	while (rf_anchor_next(&it, &c, sizeof(c))) {
		rfctl_cpus[c.cpu].owner = c.owner;
		rfctl_cpus[c.cpu].apicid = c.apicid;
		cpu_adopt_core(&c);
		if (c.flags & RF_ANCHOR_CPU_POOL)
			cpumask_set_cpu(c.cpu, &rfctl_cpu_pool);
	}
}
