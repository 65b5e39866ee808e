/* SPDX-License-Identifier: GPL-2.0-only */
/* What happens to a subOS without the operator: for rfm create and rfm set. */
#ifndef RFM_POLICY_H
#define RFM_POLICY_H

#include <stdint.h>

/* Among the options of a command: see policy_parse_*(). */
#define POLICY_OPTION_ON_CRASH \
	{ OPT_ON_CRASH, "on-crash", "WHAT", "keep it for its log (default), restart, destroy" }
#define POLICY_OPTION_MAX_CPUS \
	{ OPT_MAX_CPUS, "max-cpus", "N|none", "its own requests may get it so many CPUs in all" }
#define POLICY_OPTION_MAX_MEMORY \
	{ OPT_MAX_MEMORY, "max-memory", "SIZE|none", "and so much memory in all" }

/**
 * struct policy - what shall be set
 * @flags: RF_POLICY_*: which of these
 * @on_crash: enum rf_on_crash
 * @max_cpus: see struct rf_policy
 * @max_bytes: see struct rf_policy
 */
struct policy {
	unsigned int flags;
	unsigned int on_crash;
	unsigned int max_cpus;
	uint64_t max_bytes;
};

/* Each takes @text, NULL for nothing. Returns 0 or RFM_USAGE, reported. */
int policy_parse_on_crash(struct policy *p, const char *text);
int policy_parse_max_cpus(struct policy *p, const char *text);
int policy_parse_max_memory(struct policy *p, const char *text);

/* Sets it, if there is anything to set. Returns 0 or an enum rfm_exit, reported. */
int policy_apply(int fd, const struct policy *p);

const char *policy_word(unsigned int on_crash);	/* "keep", ... */

#endif /* RFM_POLICY_H */
