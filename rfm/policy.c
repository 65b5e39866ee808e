// SPDX-License-Identifier: GPL-2.0-only
/* What happens to a subOS without the operator. */
#include "policy.h"

#include <errno.h>
#include <linux/rainforest.h>
#include <linux/rainforest_wire.h>
#include <string.h>

#include "dev.h"
#include "rfm.h"
#include "units.h"

const char *policy_word(unsigned int on_crash)
{
	static const char *const words[] = {
		[RF_ON_CRASH_KEEP] = "keep",
		[RF_ON_CRASH_RESTART] = "restart",
		[RF_ON_CRASH_DESTROY] = "destroy",
	};

	return on_crash < sizeof(words) / sizeof(*words) ? words[on_crash] : "unknown";
}

int policy_parse_on_crash(struct policy *p, const char *text)
{
	if (!text)
		return 0;
	for (p->on_crash = RF_ON_CRASH_KEEP; p->on_crash <= RF_ON_CRASH_DESTROY; p->on_crash++)
		if (!strcmp(text, policy_word(p->on_crash))) {
			p->flags |= RF_POLICY_ON_CRASH;
			return 0;
		}
	return rfm_fail(RFM_USAGE, "--on-crash %s: write keep, restart or destroy", text);
}

int policy_parse_max_cpus(struct policy *p, const char *text)
{
	long n = 0;

	if (!text)
		return 0;
	if (strcmp(text, "none") && units_parse_number(text, 1, RF_WIRE_CPUS, &n))
		return rfm_fail(RFM_USAGE,
				"--max-cpus %s: write a number of CPUs, 1 to %d in all, or none",
				text, RF_WIRE_CPUS);
	p->max_cpus = n;
	p->flags |= RF_POLICY_MAX_CPUS;
	return 0;
}

int policy_parse_max_memory(struct policy *p, const char *text)
{
	if (!text)
		return 0;
	p->max_bytes = 0;
	if (strcmp(text, "none") &&
	    (units_parse_size(text, &p->max_bytes) || p->max_bytes < RF_GRAIN ||
	     p->max_bytes > 1ULL << 46))
		return rfm_fail(RFM_USAGE,
				"--max-memory %s: write a size in all, from 128M on, as 2G, or none",
				text);
	p->flags |= RF_POLICY_MAX_MEMORY;
	return 0;
}

int policy_apply(int fd, const struct policy *p)
{
	struct dev_msg msg;
	int ret;

	if (!p->flags)
		return 0;
	ret = dev_policy(fd, p, &msg);
	if (ret == -ENOTTY)
		return rfm_fail(RFM_INCOMPATIBLE,
				"the loaded module knows no policies; install both from one release");
	return ret ? rfm_fail_errno(ret, msg.text, "cannot set the policy") : 0;
}
