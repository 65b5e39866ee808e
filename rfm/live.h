/* SPDX-License-Identifier: GPL-2.0-only */
/* All subOSes, with what their kernels say of their work. */
#ifndef RFM_LIVE_H
#define RFM_LIVE_H

#include <linux/rainforest.h>

/**
 * struct live - a subOS at one moment
 * @info: what the module knows
 * @err: 0, or why there are no @stats
 * @stats: what its own kernel says; deserves no trust
 */
struct live {
	struct rf_info info;
	int err;
	struct rf_stats stats;
};

/* *out is malloc()ed, *nr its length. Returns 0 or -errno. */
int live_read(int dev, struct live **out, unsigned int *nr);

/* Why there are no figures, in a few words */
const char *live_why(const struct live *l);

#endif /* RFM_LIVE_H */
