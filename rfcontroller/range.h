/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Sets of physical addresses as sorted lists of spans, in arrays that the
 * caller owns. A list is kept in its one normal form: sorted, no span empty,
 * no two that touch or overlap.
 */
#ifndef _RFCONTROLLER_RANGE_H
#define _RFCONTROLLER_RANGE_H

#include "tables.h"

/**
 * struct rf_set - set of addresses
 * @span: array of @max entries, of which @nr are used
 * @nr: number of spans
 * @max: room
 */
struct rf_set {
	struct rf_span *span;
	u32 nr;
	u32 max;
};

/* Is the set in its normal form? For arrays that come from elsewhere. */
bool rf_set_valid(const struct rf_set *set);

/* Is every address of the range in the set? Never true of an empty range. */
bool rf_set_contains(const struct rf_set *set, u64 start, u64 length);

/* Is any address of the range in the set? */
bool rf_set_overlaps(const struct rf_set *set, u64 start, u64 length);

/* Number of addresses in the set. */
u64 rf_set_total(const struct rf_set *set);

/**
 * rf_set_add() - add a range that is not in the set
 * @set: the set
 * @start: first address
 * @length: number of addresses
 *
 * Return: 0. -EINVAL the range is empty or ends beyond 2^64 - 1, -EEXIST a
 * part of it is in the set, -ENOSPC no room; the set is unchanged then.
 */
int rf_set_add(struct rf_set *set, u64 start, u64 length);

/**
 * rf_set_remove() - take a range out that is in the set
 * @set: the set
 * @start: first address
 * @length: number of addresses
 *
 * Return: 0. -EINVAL as for rf_set_add(), -ENOENT a part of it is not in the
 * set, -ENOSPC a span would have to be split and there is no room; the set is
 * unchanged then.
 */
int rf_set_remove(struct rf_set *set, u64 start, u64 length);

/**
 * struct rf_pick - where a search for blocks stands
 * @grain: size and alignment of a block, a power of two
 * @prefer_below: blocks that end at or below this address come first
 * @limit: the next block ends at or below this one
 * @high: among those above @prefer_below
 */
struct rf_pick {
	u64 grain;
	u64 prefer_below;
	u64 limit;
	bool high;
};

/* Begin a search. */
void rf_pick_init(struct rf_pick *pick, u64 grain, u64 prefer_below);

/**
 * rf_pick_next() - the next block that lies wholly in the set
 * @pick: state of the search
 * @set: the set
 * @start: first address of the block
 *
 * From the top down, those below @pick->prefer_below first; no block twice.
 *
 * Return: false when there are no more.
 */
bool rf_pick_next(struct rf_pick *pick, const struct rf_set *set, u64 *start);

#endif /* _RFCONTROLLER_RANGE_H */
