// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory that comes and goes while this kernel runs, block by block: a block
 * that has a resource and page tables of its own can leave alone. Added in one
 * piece, a gigabyte would be one leaf of the direct map, and taking a block
 * out of it would take all of it away.
 *
 * A block shall be on line as movable, so that it can leave again: our first
 * program sets that as the default. Taking a block away ends in bounded time:
 * the kernel itself would try for ever to move a page that somebody holds, and
 * gives up on a signal only.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/ioport.h>
#include <linux/memory.h>
#include <linux/memory_hotplug.h>
#include <linux/mm.h>
#include <linux/sched/signal.h>
#include <linux/timer.h>
#include <linux/xarray.h>

#include "con.h"
#include "files.h"
#include "subos.h"

#define MEM_RESOURCE	"System RAM (RainForest)"
#define MEM_SIGNAL	SIGINT
#define MEM_SPARE	(64ULL << 20)

/*
 * Blocks that were added here, by number, and what becomes of them. Those that
 * the request under way has changed are told from those that it found so.
 */
enum mem_block {
	MEM_USED = 1,
	MEM_CAME,	/* by this request */
	MEM_LEFT,	/* by this request */
};

static DEFINE_XARRAY(mem_blocks);	/* changed by the worker of subOScon only */

struct mem_ranges {
	__le32 nr;
	struct rf_wire_range range[RF_WIRE_RANGES];
};

/* Granted in one range, or in several that touch. */
static bool mem_covered(const struct mem_ranges *granted, u64 start, u64 end)
{
	u32 i, nr = min_t(u32, le32_to_cpu(granted->nr), RF_WIRE_RANGES);

	for (i = 0; i < nr && start < end; i++) {
		u64 from = le64_to_cpu(granted->range[i].start);
		u64 length = le64_to_cpu(granted->range[i].length);

		if (start < from || start - from >= length)
			continue;
		start = from + length;
		i = -1;		/* the next part may stand anywhere in the list */
	}
	return start >= end;
}

static int mem_check_granted(u64 start, u64 end)
{
	struct mem_ranges *granted = kzalloc(sizeof(*granted), GFP_KERNEL);
	int ret;

	if (!granted)
		return -ENOMEM;
	ret = subos_desc_read(offsetof(struct rf_desc, nr_ranges), &granted->nr,
			      sizeof(granted->nr));
	if (!ret)
		ret = subos_desc_read(offsetof(struct rf_desc, range), granted->range,
				      sizeof(granted->range));
	if (!ret && !mem_covered(granted, start, end))
		ret = -EPERM;
	kfree(granted);
	return ret;
}

static int mem_check_range(u64 start, u64 bytes)
{
	u64 grain = memory_block_size_bytes();

	if (!bytes || !IS_ALIGNED(start | bytes, grain) || start + bytes < start)
		return -EINVAL;
	return 0;
}

static enum mem_block mem_block_get(u64 start)
{
	void *entry = xa_load(&mem_blocks, start / memory_block_size_bytes());

	return entry ? xa_to_value(entry) : 0;
}

static int mem_block_set(u64 start, enum mem_block what)
{
	return xa_err(xa_store(&mem_blocks, start / memory_block_size_bytes(), xa_mk_value(what),
			       GFP_KERNEL));
}

static void mem_block_forget(u64 start)
{
	xa_erase(&mem_blocks, start / memory_block_size_bytes());
}

/* The request is over: what stands there is what is. */
static void mem_settle(u64 start, u64 end)
{
	for (; start < end; start += memory_block_size_bytes()) {
		if (mem_block_get(start) == MEM_LEFT)
			mem_block_forget(start);
		else if (mem_block_get(start) == MEM_CAME)
			mem_block_set(start, MEM_USED);	/* takes no memory: it is there */
	}
}

/* Return: REGION_INTERSECTS all of the block is memory of this kernel, REGION_MIXED some is. */
static int mem_ram(u64 start)
{
	return region_intersects(start, memory_block_size_bytes(), IORESOURCE_SYSTEM_RAM,
				 IORES_DESC_NONE);
}

static bool mem_is_movable(u64 start)
{
	struct page *page = pfn_to_online_page(PHYS_PFN(start));

	return page && is_zone_movable_page(page);
}

/* Where the default is another, it is set for this block. */
static int mem_block_online(u64 start)
{
	char name[64];
	int ret;

	if (pfn_to_online_page(PHYS_PFN(start)))
		return 0;
	snprintf(name, sizeof(name), "devices/system/memory/memory%llu/state",
		 start / memory_block_size_bytes());
	ret = subos_sys_write(name, "online_movable");
	if (ret)
		return ret;
	return pfn_to_online_page(PHYS_PFN(start)) ? 0 : -EIO;
}

static int mem_block_remove(u64 start)
{
	int ret = offline_and_remove_memory(start, memory_block_size_bytes());

	if (!ret)
		mem_block_set(start, MEM_LEFT);
	return ret;
}

static int mem_block_add(u64 start)
{
	int ret;

	ret = mem_block_set(start, MEM_CAME);
	if (ret)
		return ret;
	ret = add_memory_driver_managed(memory_add_physaddr_to_nid(start), start,
					memory_block_size_bytes(), MEM_RESOURCE, MHP_NONE);
	if (ret) {
		mem_block_forget(start);
		return ret;
	}
	return mem_block_online(start);		/* is added even when that fails */
}

/* What is there already may have been there from the start. */
static int mem_add_blocks(u64 start, u64 end)
{
	int ret = 0;

	for (; start < end && !ret; start += memory_block_size_bytes()) {
		if (mem_ram(start) != REGION_INTERSECTS)
			ret = mem_block_add(start);
		else if (mem_block_get(start))
			ret = mem_block_online(start);
	}
	return ret;
}

struct mem_limit {
	struct timer_list timer;
	struct task_struct *task;
};

static void mem_time_is_up(struct timer_list *timer)
{
	struct mem_limit *limit = container_of(timer, struct mem_limit, timer);

	send_sig(MEM_SIGNAL, limit->task, 1);
}

static void mem_limit_begin(struct mem_limit *limit, u32 ms)
{
	limit->task = current;
	allow_kernel_signal(MEM_SIGNAL);
	timer_setup_on_stack(&limit->timer, mem_time_is_up, 0);
	mod_timer(&limit->timer, jiffies + msecs_to_jiffies(ms));
}

static void mem_limit_end(struct mem_limit *limit)
{
	del_timer_sync(&limit->timer);
	destroy_timer_on_stack(&limit->timer);
	disallow_signal(MEM_SIGNAL);
	flush_signals(current);
}

/*
 * The blocks from @start on, of those that @which asks for, up to the first that
 * does not leave: @at is that one then.
 */
static int mem_remove_blocks(u64 start, u64 end, bool (*which)(enum mem_block block), u64 *at,
			     u32 limit_ms)
{
	struct mem_limit limit;
	int ret = 0;

	mem_limit_begin(&limit, limit_ms);
	for (*at = start; *at < end; *at += memory_block_size_bytes()) {
		if (which(mem_block_get(*at)))
			ret = mem_block_remove(*at);
		if (ret)
			break;
	}
	mem_limit_end(&limit);
	return ret;
}

static bool mem_is_ours(enum mem_block block)
{
	return block == MEM_USED;
}

static bool mem_came(enum mem_block block)
{
	return block == MEM_CAME;
}

/* Blocks in [start, end) that are in use but cannot be counted on to leave again. */
static u64 mem_bound_bytes(u64 start, u64 end)
{
	u64 grain = memory_block_size_bytes(), bytes = 0;

	for (; start < end; start += grain)
		if (!mem_is_movable(start))
			bytes += grain;
	return bytes;
}

/*
 * Adding failed: what came goes. What does not go is in use, and the supervisor
 * must not hear a no: it would take all of it back.
 */
static int mem_add_undo(struct subos_call *call, u64 start, u64 end, int error)
{
	u64 at;

	if (!mem_remove_blocks(start, end, mem_came, &at, call->timeout_ms / 4))
		return error;
	pr_err("adding memory ended with error %d, undoing it halfway\n", error);
	for (; start < end; start += memory_block_size_bytes())
		if (!mem_block_get(start) || mem_block_get(start) == MEM_LEFT)
			call->value[1] += memory_block_size_bytes();
	return 0;
}

/**
 * subos_mem_add() - RF_OP_MEM_ADD: use memory
 * @call: arg 0 physical address, arg 1 bytes, both multiples of a block; (out)
 *	value 0: bytes of it that are not on line as movable; value 1: bytes of
 *	it that are not used, but the rest could not be given up again
 *
 * All or nothing but for value 1. What is in use already counts as done.
 * Return: 0, -EINVAL the range makes no sense, -EPERM it is not granted,
 * -ENOMEM, -EEXIST something else is there, or what the kernel says.
 */
int subos_mem_add(struct subos_call *call)
{
	u64 start = call->arg[0], end = start + call->arg[1];
	int ret;

	ret = mem_check_range(start, call->arg[1]) ?: mem_check_granted(start, end);
	if (ret)
		return ret;
	ret = mem_add_blocks(start, end);
	subos_con_stage(call);
	if (ret)
		ret = mem_add_undo(call, start, end, ret);
	if (!ret)
		call->value[0] = mem_bound_bytes(start, end);
	mem_settle(start, end);
	return ret;
}

/* Taken from the allocator by somebody in the kernel, or pinned by a user of it. */
static bool mem_page_stays(struct page *page)
{
	if (PageReserved(page))
		return true;
	if (!page_ref_count(page) || PageHuge(page))
		return false;		/* free, or the rest of a larger page */
	if (PageLRU(page))
		return folio_maybe_dma_pinned(page_folio(page));
	return ((unsigned long)page->mapping & PAGE_MAPPING_FLAGS) != PAGE_MAPPING_MOVABLE;
}

/* Only a hint for people: pages come and go while this looks. */
static u64 mem_find_page(u64 start)
{
	unsigned long pfn = PHYS_PFN(start), end = pfn + PHYS_PFN(memory_block_size_bytes());

	for (; pfn < end; pfn++) {
		struct page *page = pfn_to_online_page(pfn);

		if (page && mem_page_stays(page))
			return PFN_PHYS(pfn);
	}
	return 0;
}

/* Returns how many bytes from @start on stay away. */
static u64 mem_put_back(u64 start, u64 end)
{
	u64 grain = memory_block_size_bytes();

	for (; end > start; end -= grain) {
		if (mem_block_get(end - grain) != MEM_LEFT)
			continue;
		mem_block_add(end - grain);
		if (mem_block_get(end - grain) != MEM_CAME)
			break;
	}
	return end - start;
}

/*
 * The kernel moves pages as long as there is a free one, and runs out of memory
 * the moment after: what is in use has to fit into the rest, with some to spare.
 */
static bool mem_can_do_without(u64 bytes)
{
	return (u64)si_mem_available() << PAGE_SHIFT >= bytes + MEM_SPARE;
}

/**
 * subos_mem_remove() - RF_OP_MEM_REMOVE: use memory no more
 * @call: arg 0 physical address, arg 1 bytes, both multiples of a block; (out)
 *	after a failure, value 0: address of a page that held it back, 0 not
 *	known; value 1: bytes from the start on that left all the same, because
 *	they could not be added again
 *
 * All or nothing but for value 1. What is not in use counts as done. Ends
 * before the sender's time does.
 * Return: 0, -EINVAL the range makes no sense, -EPERM it was there from the
 * start, -ENOSPC what is in use would not fit into the rest, -EBUSY,
 * -ETIMEDOUT the kernel was still trying, or what the kernel says.
 */
int subos_mem_remove(struct subos_call *call)
{
	u64 grain = memory_block_size_bytes();
	u64 start = call->arg[0], end = start + call->arg[1], used = 0, at;
	int ret;

	ret = mem_check_range(start, call->arg[1]);
	if (ret)
		return ret;
	for (at = start; at < end; at += grain) {
		if (!mem_block_get(at) && mem_ram(at) != REGION_DISJOINT)
			return -EPERM;
		if (pfn_to_online_page(PHYS_PFN(at)))
			used += grain;
	}
	if (used && !mem_can_do_without(used))
		return -ENOSPC;
	ret = mem_remove_blocks(start, end, mem_is_ours, &at,
				call->timeout_ms - call->timeout_ms / 4);
	subos_con_stage(call);
	if (ret) {
		call->value[0] = mem_find_page(at);
		call->value[1] = mem_put_back(start, at);
		subos_con_stage(call);
	}
	mem_settle(start, end);
	return ret == -EINTR ? -ETIMEDOUT : ret;
}
