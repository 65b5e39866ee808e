// SPDX-License-Identifier: GPL-2.0-only
/*
 * Wall clock: a subOS has no clock chip, so it starts with the supervisor's
 * time. What passed since the supervisor wrote it down is counted by the TSC,
 * which runs for the whole machine.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/ktime.h>
#include <linux/math64.h>
#include <linux/time64.h>
#include <linux/timekeeping.h>
#include <asm/tsc.h>

#include "subos.h"

#define SUBOS_CLOCK_MAX_S	(24 * 60 * 60)	/* of age; more and the TSCs do not agree */

static u64 age_ns(void)
{
	const struct rf_desc *desc = &subos_facts.boot;
	u64 khz = le64_to_cpu(desc->tsc_khz);
	u64 delta = rdtsc_ordered() - le64_to_cpu(desc->tsc);

	if (!khz || khz > U32_MAX || delta / 1000 / khz > SUBOS_CLOCK_MAX_S) {
		pr_warn("the supervisor's TSC is of no use, the clock is late by the time to boot\n");
		return 0;
	}
	return mul_u64_u64_div_u64(delta, NSEC_PER_MSEC, khz);
}

/**
 * subos_clock_set() - set the wall clock from the resource description
 *
 * Does nothing when the supervisor gave no time.
 */
void subos_clock_set(void)
{
	u64 realtime_ns = le64_to_cpu(subos_facts.boot.realtime_ns);
	struct timespec64 now;

	if (!realtime_ns || realtime_ns > S64_MAX / 2)
		return;
	now = ns_to_timespec64(realtime_ns + age_ns());
	if (do_settimeofday64(&now))
		pr_warn("the supervisor's time was refused\n");
}
