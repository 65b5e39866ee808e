// SPDX-License-Identifier: GPL-2.0-only
/*
 * Wall clock: a subOS has no clock chip, so it starts with the supervisor's
 * time, and takes it again when asked to. What passed since the supervisor
 * wrote it down is counted by the TSC, which runs for the whole machine.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/build_bug.h>
#include <linux/ktime.h>
#include <linux/math64.h>
#include <linux/time64.h>
#include <linux/timekeeping.h>
#include <asm/tsc.h>

#include "subos.h"

#define SUBOS_CLOCK_MAX_S	(24 * 60 * 60)	/* of age; more and the TSCs do not agree */

/* the words in struct rf_desc that carry the time, in this order */
struct clock {
	__le64 realtime_ns;
	__le64 tsc;
	__le64 tsc_khz;
};

static u64 age_ns(const struct clock *clock)
{
	u64 khz = le64_to_cpu(clock->tsc_khz);
	u64 delta = rdtsc_ordered() - le64_to_cpu(clock->tsc);

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
 * Return: 0, -ENODATA there is no time, -EAGAIN the description never came to
 * rest, or what the kernel says.
 */
int subos_clock_set(void)
{
	struct timespec64 now;
	struct clock clock;
	u64 realtime_ns;
	int ret;

	BUILD_BUG_ON(offsetof(struct rf_desc, tsc_khz) !=
		     offsetof(struct rf_desc, realtime_ns) + offsetof(struct clock, tsc_khz));
	ret = subos_desc_read(offsetof(struct rf_desc, realtime_ns), &clock, sizeof(clock));
	if (ret)
		return ret;
	realtime_ns = le64_to_cpu(clock.realtime_ns);
	if (!realtime_ns || realtime_ns > S64_MAX / 2)
		return -ENODATA;
	now = ns_to_timespec64(realtime_ns + age_ns(&clock));
	ret = do_settimeofday64(&now);
	if (ret)
		pr_warn("the supervisor's time was refused\n");
	return ret;
}
