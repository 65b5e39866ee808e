// SPDX-License-Identifier: GPL-2.0-only
/*
 * DOC: Memory of a subOS that runs
 *
 * Blocks are hot when a kernel that ran already got them: it can let them go
 * again, while what it booted with stays until the next boot. A hot block is
 * offered once its kernel was asked to use it; from then on it is that
 * kernel's until it says that it has stopped using it.
 */
#include <linux/ktime.h>
#include <linux/mm.h>
#include <linux/sizes.h>
#include "fail.h"
#include "internal.h"
#include "mem.h"

#define OFFER_BYTES	SZ_1G		/* in one request: its answer shall not take long */

/**
 * rfctl_mem_owned - memory of a subOS
 * @so: the subOS, locked
 *
 * Return: bytes.
 */
u64 rfctl_mem_owned(struct subos *so)
{
	unsigned int i;
	u64 bytes = 0;

	for (i = 0; i < so->nr_ranges; i++)
		bytes += so->ranges[i].length;
	return bytes;
}

/**
 * rfctl_mem_settle - the next kernel boots with all that the subOS has
 * @so: the subOS, locked; none of its cores runs
 *
 * The longest run comes first again, and the service area with it.
 */
void rfctl_mem_settle(struct subos *so)
{
	struct rfctl_mem_block *block;

	guard(mutex)(&rfctl_mem_list_lock);
	list_for_each_entry(block, &rfctl_mem_blocks, node)
		if (block->owner == so->id)
			block->hot = false;
	so->svc = NULL;
	rfctl_mem_list_ranges(so);	/* fewer ranges than before: joined */
	so->svc = __va(so->ranges[0].start);
}

/* Free blocks become hot ones of @so, from the top down. All or nothing. */
static int hot_assign(struct subos *so, u64 bytes, int node)
{
	struct rfctl_mem_block *block;
	int ret;

	list_for_each_entry_reverse(block, &rfctl_mem_blocks, node) {
		if (!bytes)
			break;
		if (!rfctl_mem_free_on(block, node))
			continue;
		rfctl_mem_set_owner(block, so->id);
		block->hot = true;
		block->offered = false;
		bytes -= RF_GRAIN;
	}
	ret = bytes ? -ENOMEM : rfctl_fail("mem_grow") ? -ENOSPC : rfctl_mem_list_ranges(so);
	if (!ret)
		return 0;
	list_for_each_entry(block, &rfctl_mem_blocks, node) {
		if (block->owner != so->id || !block->hot || block->offered)
			continue;
		rfctl_mem_set_owner(block, RF_OWNER_FREE);
		block->hot = false;
	}
	rfctl_mem_list_ranges(so);
	return ret;
}

/**
 * rfctl_mem_grow - take more memory for a subOS that runs
 * @so: the subOS, locked
 * @bytes: how much more, a multiple of RF_GRAIN
 * @node: NUMA node, or -1
 * @timeout_ms: limit, 0 for the default
 * @dry_run: change nothing
 * @msg: (out) line about a failure
 *
 * The blocks are the subOS's afterwards, but it does not know that yet: see
 * rfctl_mem_next_offer(). All or nothing.
 *
 * Return: 0, -ENOMEM, -ENOSPC, -ETIME, -EINTR.
 */
int rfctl_mem_grow(struct subos *so, u64 bytes, int node, unsigned int timeout_ms, bool dry_run,
		   struct rfctl_msg *msg)
{
	u64 before, other, could;
	int ret;

	ret = rfctl_mem_lock_intr();
	if (ret)
		return ret;
	before = rfctl_mem_owner_bytes(RF_OWNER_FREE);
	other = before - rfctl_mem_free_bytes_on(node);
	could = before + rfctl_mem_spare();
	ret = could - other < bytes ? -ENOMEM : 0;	/* without trying for long */
	if (!ret && !dry_run)
		ret = rfctl_mem_fill(bytes + other, node, timeout_ms, &could);
	rfctl_mem_say(msg, ret, bytes, could - min(could, other));
	if (ret || dry_run)
		goto out;
	ret = hot_assign(so, bytes, node);
	if (ret) {
		rfctl_mem_trim(before);
		rfctl_say(msg, "it would have memory in more than %u pieces", RF_WIRE_RANGES);
	}
out:
	mutex_unlock(&rfctl_mem_lock);
	return ret;
}

/**
 * rfctl_mem_next_offer - the next run of blocks that its kernel does not know of
 * @so: the subOS, locked
 * @run: (out) the run
 *
 * Return: whether there is one.
 */
bool rfctl_mem_next_offer(struct subos *so, struct rfctl_range *run)
{
	struct rfctl_mem_block *block;

	*run = (struct rfctl_range){};
	guard(mutex)(&rfctl_mem_list_lock);
	list_for_each_entry(block, &rfctl_mem_blocks, node) {
		if (block->owner != so->id || !block->hot || block->offered ||
		    (run->length && block->start != run->start + run->length) ||
		    run->length >= OFFER_BYTES) {
			if (run->length)
				break;
			continue;
		}
		if (!run->length)
			run->start = block->start;
		run->length += RF_GRAIN;
	}
	return run->length;
}

/**
 * rfctl_mem_offered - its kernel uses a run, or may do so: it belongs to it now
 * @so: the subOS, locked
 * @run: the run
 */
void rfctl_mem_offered(struct subos *so, const struct rfctl_range *run)
{
	struct rfctl_mem_block *block;

	guard(mutex)(&rfctl_mem_list_lock);
	list_for_each_entry(block, &rfctl_mem_blocks, node) {
		if (block->owner != so->id || block->start < run->start ||
		    block->start >= run->start + run->length)
			continue;
		block->offered = true;
		block->dirty = true;
	}
}

/* Would the rest be in one piece more than can be told? */
static bool hot_splits_too_much(struct subos *so, struct rfctl_mem_block *block)
{
	unsigned int i;

	if (so->nr_ranges < RF_WIRE_RANGES)
		return false;
	for (i = 0; i < so->nr_ranges; i++)
		if (so->ranges[i].start == block->start ||
		    so->ranges[i].start + so->ranges[i].length == block->start + RF_GRAIN)
			return false;
	return true;
}

/**
 * rfctl_mem_next_hot - the highest block below an address that could leave
 * @so: the subOS, locked
 * @below: address, U64_MAX for the first
 * @start: (out) address of the block
 *
 * Return: whether there is one.
 */
bool rfctl_mem_next_hot(struct subos *so, u64 below, u64 *start)
{
	struct rfctl_mem_block *block;

	guard(mutex)(&rfctl_mem_list_lock);
	list_for_each_entry_reverse(block, &rfctl_mem_blocks, node) {
		if (block->owner != so->id || !block->hot || block->start >= below ||
		    hot_splits_too_much(so, block))
			continue;
		*start = block->start;
		return true;
	}
	return false;
}

/* One of the two locks is held. */
static struct rfctl_mem_block *hot_find(struct subos *so, u64 start)
{
	struct rfctl_mem_block *block;

	list_for_each_entry(block, &rfctl_mem_blocks, node)
		if (block->start == start && block->owner == so->id && block->hot)
			return block;
	return NULL;
}

/**
 * rfctl_mem_drop - take a run back that no core of the subOS uses any more
 * @so: the subOS, locked; the resource description is to be written anew after this
 * @run: the run, of hot blocks
 * @heir: id of the subOS that owns it from now on, 0: the pool, or the supervisor
 * @scrub_ns: (in/out) the time of zeroing is added
 *
 * The heir finds it with rfctl_mem_adopt().
 */
void rfctl_mem_drop(struct subos *so, const struct rfctl_range *run, u32 heir, u64 *scrub_ns)
{
	struct rfctl_mem_block *block;
	u64 at;

	mutex_lock(&rfctl_mem_list_lock);
	list_for_each_entry(block, &rfctl_mem_blocks, node)
		if (block->start >= run->start && block->start < run->start + run->length &&
		    block->owner == so->id)
			block->offered = false;
	mutex_unlock(&rfctl_mem_list_lock);
	rfctl_window_shut(so, run->start, run->length);
	for (at = run->start; at < run->start + run->length; at += RF_GRAIN) {
		u64 begin = ktime_get_ns();
		bool dirty;

		mutex_lock(&rfctl_mem_list_lock);
		block = hot_find(so, at);
		dirty = block && block->dirty;
		mutex_unlock(&rfctl_mem_list_lock);
		/* it stays the subOS's meanwhile, whose lock is held */
		if (dirty)
			rfctl_mem_zero(at);
		*scrub_ns += ktime_get_ns() - begin;
		mutex_lock(&rfctl_mem_lock);
		block = hot_find(so, at);
		if (block) {
			block->dirty = false;
			block->offered = false;
			block->hot = heir;
			rfctl_mem_set_owner(block, heir ?: RF_OWNER_FREE);
		}
		mutex_unlock(&rfctl_mem_lock);
	}
	mutex_lock(&rfctl_mem_lock);
	rfctl_mem_list_ranges(so);
	rfctl_mem_trim_to_target();
	mutex_unlock(&rfctl_mem_lock);
}

/**
 * rfctl_mem_adopt - find the memory that was left to a subOS
 * @so: the subOS, locked
 *
 * A list that would be too long stays short: what is missing there is offered
 * to nobody, and goes with the rest when the subOS ends.
 */
void rfctl_mem_adopt(struct subos *so)
{
	guard(mutex)(&rfctl_mem_list_lock);
	rfctl_mem_list_ranges(so);
}

/**
 * rfctl_mem_pass - memory that was left to a subOS which never used it goes on
 * @start: address of the block, which is zero
 * @owner: id of that subOS: nothing is done when it has another owner
 * @heir: id of the next, 0: the pool, or the supervisor
 */
void rfctl_mem_pass(u64 start, u32 owner, u32 heir)
{
	struct rfctl_mem_block *block;

	guard(mutex)(&rfctl_mem_lock);
	list_for_each_entry(block, &rfctl_mem_blocks, node) {
		if (block->start != start || block->owner != owner)
			continue;
		block->hot = heir;
		rfctl_mem_set_owner(block, heir ?: RF_OWNER_FREE);
	}
	rfctl_mem_trim_to_target();
}
