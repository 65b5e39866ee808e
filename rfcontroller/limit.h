/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * At most so often in such a time. Pure arithmetic: the caller says what time
 * it is, and serialises the calls.
 */
#ifndef _RFCONTROLLER_LIMIT_H
#define _RFCONTROLLER_LIMIT_H

#include <rainforest/pure.h>

#define RF_LIMIT_MAX	64	/* the most that can be allowed */

/**
 * struct rf_limit - when something was allowed
 * @nr: times in @at
 * @next: place of the next one
 * @at: the newest times, a ring
 */
struct rf_limit {
	u32 nr;
	u32 next;
	u64 at[RF_LIMIT_MAX];
};

/**
 * rf_limit_count() - how often was it allowed lately?
 * @limit: the times
 * @now: the time, not before that of any earlier call
 * @window: how long ago is lately
 *
 * Return: times that are less than @window ago, RF_LIMIT_MAX at most.
 */
u32 rf_limit_count(const struct rf_limit *limit, u64 now, u64 window);

/**
 * rf_limit_take() - once more, if that is not too often
 * @limit: the times
 * @now: the time, not before that of any earlier call
 * @max: so often in @window, RF_LIMIT_MAX at most; 0: never
 * @window: a time
 *
 * Return: 0, it is allowed and counted. Else when to try again, as a time from
 * now, U64_MAX for never; nothing is counted then.
 */
u64 rf_limit_take(struct rf_limit *limit, u64 now, u32 max, u64 window);

#endif /* _RFCONTROLLER_LIMIT_H */
