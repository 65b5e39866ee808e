// SPDX-License-Identifier: GPL-2.0-only
/* At most so often in such a time. See limit.h. */
#include "limit.h"

/* The @i-th newest time. */
static u64 limit_at(const struct rf_limit *limit, u32 i)
{
	return limit->at[(limit->next + RF_LIMIT_MAX - 1 - i) % RF_LIMIT_MAX];
}

u32 rf_limit_count(const struct rf_limit *limit, u64 now, u64 window)
{
	u32 i;

	for (i = 0; i < limit->nr && now - limit_at(limit, i) < window; i++)
		;
	return i;
}

u64 rf_limit_take(struct rf_limit *limit, u64 now, u32 max, u64 window)
{
	if (max > RF_LIMIT_MAX)
		max = RF_LIMIT_MAX;
	if (!max)
		return U64_MAX;
	if (rf_limit_count(limit, now, window) >= max)
		return window - (now - limit_at(limit, max - 1));
	limit->at[limit->next] = now;
	limit->next = (limit->next + 1) % RF_LIMIT_MAX;
	if (limit->nr < RF_LIMIT_MAX)
		limit->nr++;
	return 0;
}
