/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What cpu.c and cpu_hot.c share: who has which CPU.
 */
#ifndef _RFCTL_CPU_H
#define _RFCTL_CPU_H

#include <linux/cpumask.h>
#include <linux/mutex.h>
#include <linux/types.h>

/**
 * struct rfctl_cpu - one logical CPU of the supervisor
 * @owner: RF_OWNER_* or id of a subOS; under rfctl_lock
 * @apicid: hardware id
 * @siblings: logical CPUs of its core, recorded while it was on line
 */
struct rfctl_cpu {
	u32 owner;
	u32 apicid;
	struct cpumask siblings;
};

extern struct mutex rfctl_cpu_lock;
extern struct rfctl_cpu *rfctl_cpus;
extern struct cpumask rfctl_cpu_pool;

void rfctl_cpu_set_owner(unsigned int cpu, u32 owner, int error);
int rfctl_cpu_give(unsigned int cpu);
void rfctl_cpus_adopt_owners(void);

#endif /* _RFCTL_CPU_H */
