// SPDX-License-Identifier: GPL-2.0-only
/*
 * Algebra of address ranges. Ends are never beyond U64_MAX, so that
 * "start + length" of a valid range cannot wrap.
 */
#include "range.h"

static u64 span_end(const struct rf_span *s)
{
	return s->start + s->length;
}

static bool range_valid(u64 start, u64 length)
{
	return length && length <= U64_MAX - start;
}

/* Index of the first span that ends behind @addr, set->nr when there is none. */
static u32 first_behind(const struct rf_set *set, u64 addr)
{
	u32 lo = 0;
	u32 hi = set->nr;

	while (lo < hi) {
		u32 mid = lo + (hi - lo) / 2;

		if (span_end(&set->span[mid]) > addr)
			hi = mid;
		else
			lo = mid + 1;
	}
	return lo;
}

/* Make room for a span at @i, or close the gap. */
static void open_slot(struct rf_set *set, u32 i)
{
	memmove(&set->span[i + 1], &set->span[i], (set->nr - i) * sizeof(*set->span));
	set->nr++;
}

static void close_slot(struct rf_set *set, u32 i)
{
	set->nr--;
	memmove(&set->span[i], &set->span[i + 1], (set->nr - i) * sizeof(*set->span));
}

bool rf_set_valid(const struct rf_set *set)
{
	u32 i;

	if (set->nr > set->max)
		return false;
	for (i = 0; i < set->nr; i++) {
		if (!range_valid(set->span[i].start, set->span[i].length))
			return false;
		if (i && span_end(&set->span[i - 1]) >= set->span[i].start)
			return false;
	}
	return true;
}

bool rf_set_contains(const struct rf_set *set, u64 start, u64 length)
{
	u32 i = first_behind(set, start);

	return range_valid(start, length) && i < set->nr && set->span[i].start <= start &&
	       span_end(&set->span[i]) >= start + length;
}

bool rf_set_overlaps(const struct rf_set *set, u64 start, u64 length)
{
	u32 i = first_behind(set, start);

	return length && i < set->nr &&
	       (set->span[i].start <= start || set->span[i].start - start < length);
}

u64 rf_set_total(const struct rf_set *set)
{
	u64 total = 0;
	u32 i;

	for (i = 0; i < set->nr; i++)
		total += set->span[i].length;
	return total;
}

int rf_set_add(struct rf_set *set, u64 start, u64 length)
{
	u32 i = first_behind(set, start);
	bool left, right;

	if (!range_valid(start, length))
		return -EINVAL;
	if (rf_set_overlaps(set, start, length))
		return -EEXIST;
	left = i && span_end(&set->span[i - 1]) == start;
	right = i < set->nr && set->span[i].start == start + length;
	if (!left && !right) {
		if (set->nr == set->max)
			return -ENOSPC;
		open_slot(set, i);
		set->span[i].start = start;
		set->span[i].length = length;
		return 0;
	}
	if (left) {
		set->span[i - 1].length += length;
		if (right) {
			set->span[i - 1].length += set->span[i].length;
			close_slot(set, i);
		}
		return 0;
	}
	set->span[i].start = start;
	set->span[i].length += length;
	return 0;
}

int rf_set_remove(struct rf_set *set, u64 start, u64 length)
{
	u32 i = first_behind(set, start);
	u64 before, after;

	if (!range_valid(start, length))
		return -EINVAL;
	if (!rf_set_contains(set, start, length))
		return -ENOENT;
	before = start - set->span[i].start;
	after = span_end(&set->span[i]) - (start + length);
	if (!before && !after) {
		close_slot(set, i);
		return 0;
	}
	if (before && after) {
		if (set->nr == set->max)
			return -ENOSPC;
		open_slot(set, i + 1);
		set->span[i].length = before;
		i++;
	} else if (before) {
		set->span[i].length = before;
		return 0;
	}
	set->span[i].start = start + length;
	set->span[i].length = after;
	return 0;
}

void rf_pick_init(struct rf_pick *pick, u64 grain, u64 prefer_below)
{
	pick->grain = grain;
	pick->prefer_below = prefer_below;
	pick->limit = prefer_below;
	pick->high = false;
}

/* The highest block that ends at or below @limit. */
static bool highest_block(const struct rf_set *set, u64 grain, u64 limit, u64 *start)
{
	u32 i = set->nr;

	while (i--) {
		const struct rf_span *s = &set->span[i];
		u64 end = (span_end(s) < limit ? span_end(s) : limit) & ~(grain - 1);

		if (end >= grain && end - grain >= s->start) {
			*start = end - grain;
			return true;
		}
	}
	return false;
}

bool rf_pick_next(struct rf_pick *pick, const struct rf_set *set, u64 *start)
{
	if (!pick->high) {
		if (highest_block(set, pick->grain, pick->limit, start)) {
			pick->limit = *start;
			return true;
		}
		pick->high = true;
		pick->limit = U64_MAX;
	}
	if (!highest_block(set, pick->grain, pick->limit, start) ||
	    *start + pick->grain <= pick->prefer_below)
		return false;
	pick->limit = *start;
	return true;
}
