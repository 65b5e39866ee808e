// SPDX-License-Identifier: GPL-2.0-only
/*
 * DOC: Memory: which kernel a block belongs to
 *
 * Memory is taken from the supervisor's page allocator in blocks of RF_GRAIN
 * with alloc_contig_range(), from the top down, below 64 GB first. The pages
 * keep their struct pages and their place in the direct map: giving them back
 * is exact, and they are zeroed through the direct map. A block that the
 * kernel cannot empty is passed over.
 *
 * What is in the pool is always zero. A block that a subOS had is dirty until
 * it was zeroed.
 */
#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/jiffies.h>
#include <linux/ktime.h>
#include <linux/memory_hotplug.h>
#include <linux/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/string.h>
#include "anchor.h"
#include "fail.h"
#include "internal.h"
#include "mem.h"

#define MEM_TIMEOUT_MS	60000
#define MEM_RESERVE	(256UL << 20)	/* left to the supervisor in any case */
#define MEM_LOW_LIMIT	(64ULL << 30)	/* blocks below this are preferred */

DEFINE_MUTEX(rfctl_mem_lock);		/* see mem.h */
DEFINE_MUTEX(rfctl_mem_list_lock);	/* see mem.h */
LIST_HEAD(rfctl_mem_blocks);
u64 rfctl_mem_pool;	/* what the pool shall hold; as the list */

struct mem_budget {
	unsigned long deadline;
	int node;
	u64 zero_ns;
};

/* Who takes memory holds the lock for long: who wants some, too, can be interrupted. */
int rfctl_mem_lock_intr(void)
{
	return mutex_lock_interruptible(&rfctl_mem_lock) ? -EINTR : 0;
}

static void mem_record(u64 start, u32 from, u32 to, int error)
{
	guard(mutex)(&rfctl_lock);
	rfctl_ledger_add(RF_RES_MEMORY, start, RF_GRAIN, from, to, error);
	if (!error)
		rfctl_usage_block(from, to);
}

void rfctl_mem_set_owner(struct rfctl_mem_block *block, u32 owner)
{
	guard(mutex)(&rfctl_mem_list_lock);
	mem_record(block->start, block->owner, owner, 0);
	block->owner = owner;
}

/* Could the block be allocated at all? One zone, all on line, nothing reserved. */
static bool mem_candidate(unsigned long pfn, int node)
{
	unsigned long end = pfn + GRAIN_PAGES;
	struct zone *zone = NULL;

	for (; pfn < end; pfn++) {
		struct page *page = pfn_to_online_page(pfn);

		if (!page || PageReserved(page) || PageHWPoison(page))
			return false;
		if (!zone)
			zone = page_zone(page);
		if (page_zone(page) != zone || (node >= 0 && page_to_nid(page) != node))
			return false;
	}
	return true;
}

#define ZERO_PIECE	SZ_64K	/* microseconds; some milliseconds on an emulated machine */

/* Zero a block. Others have their turn after each piece. */
void rfctl_mem_zero(u64 start)
{
	u64 end = start + RF_GRAIN;

	for (; start < end; start += ZERO_PIECE) {
		memset(__va(start), 0, ZERO_PIECE);
		cond_resched();
	}
}

static struct rfctl_mem_block *mem_take_block(u64 start)
{
	struct rfctl_mem_block *block, *at;
	unsigned long pfn = PHYS_PFN(start);
	int ret;

	block = rfctl_zalloc(sizeof(*block));
	if (!block)
		return ERR_PTR(-ENOMEM);
	ret = rfctl_fail("mem_block") ? -EBUSY :
	      alloc_contig_range(pfn, pfn + GRAIN_PAGES, MIGRATE_MOVABLE,
				 GFP_KERNEL | __GFP_ZERO | __GFP_NOWARN);
	if (ret) {
		kfree(block);
		return ERR_PTR(ret);
	}
	block->start = start;
	block->owner = RF_OWNER_FREE;
	list_for_each_entry(at, &rfctl_mem_blocks, node)
		if (at->start > start)
			break;
	guard(mutex)(&rfctl_mem_list_lock);
	mem_record(start, RF_OWNER_SUPERVISOR, RF_OWNER_FREE, 0);
	list_add_tail(&block->node, &at->node);
	return block;
}

static void mem_give_block(struct rfctl_mem_block *block)
{
	scoped_guard(mutex, &rfctl_mem_list_lock) {
		mem_record(block->start, block->owner, RF_OWNER_SUPERVISOR, 0);
		list_del(&block->node);
	}
	free_contig_range(PHYS_PFN(block->start), GRAIN_PAGES);
	kfree(block);
}

u64 rfctl_mem_owner_bytes(u32 owner)
{
	struct rfctl_mem_block *block;
	u64 bytes = 0;

	list_for_each_entry(block, &rfctl_mem_blocks, node)
		if (block->owner == owner)
			bytes += RF_GRAIN;
	return bytes;
}

static bool mem_is_ours(u64 start)
{
	struct rfctl_mem_block *block;

	list_for_each_entry(block, &rfctl_mem_blocks, node)
		if (block->start == start)
			return true;
	return false;
}

/**
 * rfctl_mem_end - where this machine's memory ends
 *
 * Return: the first physical address behind all of it.
 */
u64 rfctl_mem_end(void)
{
	u64 end = 0;
	int nid;

	for_each_online_node(nid)
		end = max_t(u64, end, PFN_PHYS(node_end_pfn(nid)));
	return end;
}

u64 rfctl_mem_spare(void)
{
	u64 avail = (u64)si_mem_available() << PAGE_SHIFT;

	return avail > MEM_RESERVE ? avail - MEM_RESERVE : 0;
}

/* Take blocks from [@low, @high) from the top down until the pool holds @want bytes. */
static int mem_take_between(u64 low, u64 high, u64 want, struct mem_budget *budget)
{
	u64 start = ALIGN_DOWN(high, RF_GRAIN);
	u64 have = rfctl_mem_owner_bytes(RF_OWNER_FREE);

	while (have < want && start >= low + RF_GRAIN) {
		struct rfctl_mem_block *block;

		start -= RF_GRAIN;
		if (signal_pending(current))
			return -EINTR;
		if (time_after(jiffies, budget->deadline))
			return -ETIME;
		if (rfctl_mem_spare() < RF_GRAIN)
			return -ENOMEM;
		if (mem_is_ours(start) || !mem_candidate(PHYS_PFN(start), budget->node))
			continue;
		block = mem_take_block(start);
		if (!IS_ERR(block))
			have += RF_GRAIN;
		else if (PTR_ERR(block) == -EINTR)
			return -EINTR;
		cond_resched();
	}
	return have < want ? -ENOMEM : 0;
}

/* Shrink the pool to @keep bytes, from the top down. */
void rfctl_mem_trim(u64 keep)
{
	struct rfctl_mem_block *block, *prev;
	u64 have = rfctl_mem_owner_bytes(RF_OWNER_FREE);

	list_for_each_entry_safe_reverse(block, prev, &rfctl_mem_blocks, node) {
		if (have <= keep)
			break;
		if (block->owner != RF_OWNER_FREE)
			continue;
		mem_give_block(block);
		have -= RF_GRAIN;
	}
}

/* What the pool is to hold when nobody uses any stays, the rest goes back. */
void rfctl_mem_trim_to_target(void)
{
	rfctl_mem_trim(rfctl_mem_pool);
}

/* Let the pool hold @want bytes, or leave it as it was. */
int rfctl_mem_fill(u64 want, int node, unsigned int timeout_ms, u64 *could)
{
	struct mem_budget budget = {
		.deadline = jiffies + msecs_to_jiffies(timeout_ms ?: MEM_TIMEOUT_MS),
		.node = node,
	};
	u64 before = rfctl_mem_owner_bytes(RF_OWNER_FREE);
	u64 top = rfctl_mem_end();
	int ret;

	lockdep_assert_held(&rfctl_mem_lock);
	ret = mem_take_between(RF_GRAIN, min(top, MEM_LOW_LIMIT), want, &budget);
	if (ret == -ENOMEM && top > MEM_LOW_LIMIT)
		ret = mem_take_between(MEM_LOW_LIMIT, top, want, &budget);
	*could = rfctl_mem_owner_bytes(RF_OWNER_FREE);
	if (ret)
		rfctl_mem_trim(before);
	return ret;
}

void rfctl_mem_say(struct rfctl_msg *msg, int ret, u64 want, u64 could)
{
	if (ret == -ENOMEM)
		rfctl_say(msg, "%llu MB of memory wanted, %llu MB can be had; ask for less, or destroy a subOS",
			  want >> 20, could >> 20);
	else if (ret == -ETIME)
		rfctl_say(msg, "%llu MB of memory wanted, %llu MB could be taken in time; try again, or allow more time",
			  want >> 20, could >> 20);
}

/* Before a kernel is loaded the longest run comes first: the kernel goes there. */
static void mem_longest_first(struct subos *so)
{
	unsigned int i, best = 0;

	for (i = 1; i < so->nr_ranges; i++)
		if (so->ranges[i].length > so->ranges[best].length)
			best = i;
	swap(so->ranges[0], so->ranges[best]);
}

/*
 * The range that begins with a block, NULL when there are too many. That with the
 * service area is the first in any case: the kernel that runs knows it there.
 */
static struct rfctl_range *mem_new_range(struct subos *so, u64 start)
{
	struct rfctl_range *range;

	if (so->svc && start == virt_to_phys(so->svc))
		range = &so->ranges[0];
	else if (so->nr_ranges < RF_WIRE_RANGES)
		range = &so->ranges[so->nr_ranges++];
	else
		return NULL;
	*range = (struct rfctl_range){ .start = start, .length = RF_GRAIN };
	return range;
}

/**
 * rfctl_mem_list_ranges - list the blocks of a subOS as ranges
 * @so: the subOS, locked
 *
 * What was added to the running kernel is not joined with what it booted with.
 *
 * Context: one of the two locks is held.
 * Return: 0. -ENOSPC they would be more than RF_WIRE_RANGES; the list is short then.
 */
int rfctl_mem_list_ranges(struct subos *so)
{
	struct rfctl_range *last = NULL;
	struct rfctl_mem_block *block;
	bool hot = false;
	int ret = 0;

	so->nr_ranges = so->svc ? 1 : 0;
	so->hot_bytes = 0;
	list_for_each_entry(block, &rfctl_mem_blocks, node) {
		if (block->owner != so->id)
			continue;
		so->hot_bytes += block->hot ? RF_GRAIN : 0;
		if (last && last->start + last->length == block->start && hot == block->hot) {
			last->length += RF_GRAIN;
			continue;
		}
		hot = block->hot;
		last = mem_new_range(so, block->start);
		if (!last)
			ret = -ENOSPC;
	}
	if (!so->svc && so->nr_ranges)
		mem_longest_first(so);
	return ret;
}

bool rfctl_mem_free_on(struct rfctl_mem_block *block, int node)
{
	return block->owner == RF_OWNER_FREE &&
	       (node < 0 || page_to_nid(pfn_to_page(PHYS_PFN(block->start))) == node);
}

/* Blocks of the pool to a subOS, from the top down. */
static int mem_assign(struct subos *so, u64 bytes, int node)
{
	struct rfctl_mem_block *block;
	int ret;

	list_for_each_entry_reverse(block, &rfctl_mem_blocks, node) {
		if (!bytes)
			break;
		if (!rfctl_mem_free_on(block, node))
			continue;
		rfctl_mem_set_owner(block, so->id);
		bytes -= RF_GRAIN;
	}
	ret = bytes || rfctl_fail("mem_ranges") ? -ENOMEM : rfctl_mem_list_ranges(so);
	if (ret) {
		list_for_each_entry(block, &rfctl_mem_blocks, node)
			if (block->owner == so->id)
				rfctl_mem_set_owner(block, RF_OWNER_FREE);
		so->nr_ranges = 0;
	}
	return ret;
}

u64 rfctl_mem_free_bytes_on(int node)
{
	struct rfctl_mem_block *block;
	u64 bytes = 0;

	list_for_each_entry(block, &rfctl_mem_blocks, node)
		if (rfctl_mem_free_on(block, node))
			bytes += RF_GRAIN;
	return bytes;
}

/**
 * rfctl_mem_claim - give memory to a subOS that has none
 * @so: the subOS, locked
 * @bytes: wanted, rounded up to RF_GRAIN
 * @node: NUMA node, or -1
 * @timeout_ms: limit, 0 for the default
 * @dry_run: change nothing
 * @got: (out) given; on failure, or with @dry_run, what can be had
 * @msg: (out) line about a failure
 *
 * The pool first, then the supervisor's memory. All or nothing.
 *
 * Return: 0, or as RF_IOC_ADD_MEMORY.
 */
int rfctl_mem_claim(struct subos *so, u64 bytes, int node, unsigned int timeout_ms,
		    bool dry_run, u64 *got, struct rfctl_msg *msg)
{
	u64 start = ktime_get_ns(), other, before;
	int ret;

	if (so->nr_ranges || !bytes || bytes > SZ_1T * 64ULL)
		return so->nr_ranges ? -EBUSY : -EINVAL;
	if (node >= 0 && (node >= MAX_NUMNODES || !node_online(node))) {
		rfctl_say(msg, "NUMA node %d does not exist", node);
		return -EINVAL;
	}
	bytes = ALIGN(bytes, RF_GRAIN);
	ret = rfctl_mem_lock_intr();
	if (ret)
		return ret;
	before = rfctl_mem_owner_bytes(RF_OWNER_FREE);
	other = before - rfctl_mem_free_bytes_on(node);
	*got = before - other + ALIGN_DOWN(rfctl_mem_spare(), RF_GRAIN);
	if (dry_run) {
		if (*got < bytes)
			ret = -ENOMEM;
	} else {
		ret = rfctl_mem_fill(bytes + other, node, timeout_ms, got);
		*got -= min(*got, other);
	}
	if (!ret && !dry_run) {
		ret = mem_assign(so, bytes, node);
		if (ret) {
			rfctl_mem_trim(before);
			rfctl_say(msg, "the memory to be had is in more than %u pieces",
				  RF_WIRE_RANGES);
			goto out;
		}
		*got = bytes;
		so->svc = __va(so->ranges[0].start);
		so->stage_ns[RF_STAGE_MEMORY] = ktime_get_ns() - start;
	}
	rfctl_mem_say(msg, ret, bytes, *got);
out:
	mutex_unlock(&rfctl_mem_lock);
	return ret;
}

static struct rfctl_mem_block *mem_next_dirty(u32 owner)
{
	struct rfctl_mem_block *block;

	guard(mutex)(&rfctl_mem_list_lock);
	list_for_each_entry(block, &rfctl_mem_blocks, node)
		if (block->owner == owner && block->dirty)
			return block;
	return NULL;
}

/**
 * rfctl_mem_dirty - the subOS can write to its memory from now on
 * @so: the subOS, locked
 */
void rfctl_mem_dirty(struct subos *so)
{
	struct rfctl_mem_block *block;

	guard(mutex)(&rfctl_mem_list_lock);
	list_for_each_entry(block, &rfctl_mem_blocks, node)
		if (block->owner == so->id)
			block->dirty = true;
}

/**
 * rfctl_mem_scrub - zero what a stopped subOS may have written
 * @so: the subOS, locked; no core of it and no device can reach the memory
 */
void rfctl_mem_scrub(struct subos *so)
{
	u64 start = ktime_get_ns();
	struct rfctl_mem_block *block;

	/* others may take memory meanwhile; the blocks are ours as long as so->lock is held */
	while ((block = mem_next_dirty(so->id))) {
		rfctl_mem_zero(block->start);
		block->dirty = false;
	}
	so->stage_ns[RF_STAGE_SCRUB] = ktime_get_ns() - start;
}

/**
 * rfctl_mem_release - zero the memory of a subOS and give it back
 * @so: the subOS, locked; no core of it and no device can reach the memory
 *
 * What the pool is to hold stays there.
 */
void rfctl_mem_release(struct subos *so)
{
	struct rfctl_mem_block *block;
	u64 start;

	so->svc = NULL;
	rfctl_mem_scrub(so);
	start = ktime_get_ns();
	guard(mutex)(&rfctl_mem_lock);
	list_for_each_entry(block, &rfctl_mem_blocks, node)
		if (block->owner == so->id) {
			block->hot = false;
			rfctl_mem_set_owner(block, RF_OWNER_FREE);
		}
	rfctl_mem_trim_to_target();
	so->nr_ranges = 0;
	so->stage_ns[RF_STAGE_GIVE_MEMORY] = ktime_get_ns() - start;
}

/**
 * rfctl_mem_quarantine - a core that does not answer may still use this memory
 * @so: the subOS, locked
 */
void rfctl_mem_quarantine(struct subos *so)
{
	struct rfctl_mem_block *block;

	so->svc = NULL;
	guard(mutex)(&rfctl_mem_lock);
	list_for_each_entry(block, &rfctl_mem_blocks, node)
		if (block->owner == so->id)
			rfctl_mem_set_owner(block, RF_OWNER_QUARANTINE);
	so->nr_ranges = 0;
}

/**
 * rfctl_mem_pool_set - how much the pool shall hold when no subOS has any
 * @bytes: rounded up to RF_GRAIN
 * @timeout_ms: limit, 0 for the default
 * @msg: (out) line about a failure
 *
 * Return: 0, or as RF_IOC_ADD_MEMORY, and the pool is what it was.
 */
int rfctl_mem_pool_set(u64 bytes, unsigned int timeout_ms, struct rfctl_msg *msg)
{
	u64 could = 0;
	int ret;

	if (bytes > SZ_1T * 64ULL)
		return -EINVAL;
	bytes = ALIGN(bytes, RF_GRAIN);
	ret = rfctl_mem_lock_intr();
	if (ret)
		return ret;
	ret = rfctl_mem_fill(bytes, -1, timeout_ms, &could);
	if (ret) {
		rfctl_mem_say(msg, ret, bytes, could);
	} else {
		scoped_guard(mutex, &rfctl_mem_list_lock)
			rfctl_mem_pool = bytes;
		rfctl_mem_trim(bytes);
	}
	mutex_unlock(&rfctl_mem_lock);
	return ret;
}

/**
 * rfctl_mem_pool_get - the state of the pool
 * @target: (out) what it shall hold
 * @free: (out) what it holds
 */
void rfctl_mem_pool_get(u64 *target, u64 *free)
{
	guard(mutex)(&rfctl_mem_list_lock);
	*target = rfctl_mem_pool;
	*free = rfctl_mem_owner_bytes(RF_OWNER_FREE);
}

/**
 * rfctl_mem_exit - give the pool back, unless all stays as it is
 */
void rfctl_mem_exit(void)
{
	guard(mutex)(&rfctl_mem_lock);
	if (rfctl_keep)
		rfctl_mem_forget();
	else
		rfctl_mem_trim(0);
}
