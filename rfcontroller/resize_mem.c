// SPDX-License-Identifier: GPL-2.0-only
/*
 * DOC: Memory of a subOS that runs: plan, ask, move
 */
#include <linux/align.h>
#include <linux/ktime.h>
#include <linux/nodemask.h>
#include <linux/sizes.h>
#include <linux/string.h>
#include "internal.h"
#include "resize.h"

#define ASK_MEMORY_MS	60000

static int memory_offer(struct rfctl_resize *rs, const struct rfctl_range *run)
{
	struct subos *so = rs->so;
	struct rf_reply reply;
	char what[48];
	int ret;

	scnprintf(what, sizeof(what), "%llu MB at %#llx", run->length >> 20, run->start);
	ret = rfctl_resize_ask(rs, RF_OP_MEM_ADD, run->start, run->length, &reply, what);
	if (!rfctl_resize_said_no(ret))
		rfctl_mem_offered(so, run);
	return ret;
}

/* What its kernel never got goes back. */
static void memory_take_back(struct rfctl_resize *rs)
{
	struct rfctl_range run;

	while (rfctl_mem_next_offer(rs->so, &run))
		rfctl_mem_drop(rs->so, &run, rs->heir, &rs->stage_ns[RF_RESIZE_SCRUB]);
	rfctl_desc_ranges(rs->so);
}

/**
 * rfctl_resize_memory_offer - let the kernel use the memory that it does not know of
 * @rs: the change
 *
 * What it does not take goes to @rs->heir.
 *
 * Return: 0, or as rfctl_resize_ask().
 */
int rfctl_resize_memory_offer(struct rfctl_resize *rs)
{
	struct rfctl_range run;
	int ret = 0;

	rfctl_desc_ranges(rs->so);
	while (!ret && rfctl_mem_next_offer(rs->so, &run))
		ret = memory_offer(rs, &run);
	if (!rs->so->running)
		return ret ?: -EPIPE;
	if (ret)
		memory_take_back(rs);
	return ret;
}

static int memory_grow(struct rfctl_resize *rs, u64 bytes, const struct rf_resize_memory *req)
{
	bool dry = req->flags & RF_RESIZE_DRY_RUN;
	u64 start = ktime_get_ns();
	int ret;

	ret = rfctl_mem_grow(rs->so, bytes, req->node, req->timeout_ms, dry, rs->msg);
	rfctl_resize_stage(rs, RF_RESIZE_TAKE, start);
	return ret || dry ? ret : rfctl_resize_memory_offer(rs);
}

static void memory_drop(struct rfctl_resize *rs, const struct rfctl_range *run)
{
	u64 start = ktime_get_ns(), scrub = 0;
	u32 heir;

	heir = rs->heir ?: rfctl_loan_lender(RF_RES_MEMORY, run->start, rs->so->id);
	rfctl_mem_drop(rs->so, run, heir, &scrub);
	rfctl_desc_ranges(rs->so);
	if (heir && !rs->heir)
		rfctl_loan_over(RF_RES_MEMORY, run->start);
	rs->stage_ns[RF_RESIZE_SCRUB] += scrub;
	rs->stage_ns[RF_RESIZE_GIVE] += ktime_get_ns() - start - scrub;
}

/**
 * rfctl_resize_memory_remove - let one block go to @rs->heir, or to who lent it
 * @rs: the change
 * @run: a hot block
 * @held_by: (out) address of a page that held it back, 0 when not known
 *
 * Return: 0, or as rfctl_resize_ask().
 */
int rfctl_resize_memory_remove(struct rfctl_resize *rs, const struct rfctl_range *run,
			       u64 *held_by)
{
	struct rf_reply reply;
	char what[48];
	int ret;

	scnprintf(what, sizeof(what), "%llu MB at %#llx", run->length >> 20, run->start);
	ret = rfctl_resize_ask(rs, RF_OP_MEM_REMOVE, run->start, run->length, &reply, what);
	*held_by = ret == -EREMOTEIO ? le64_to_cpu(reply.value[0]) : 0;
	if (!rs->so->running)
		return ret ?: -EPIPE;
	if (!ret)
		memory_drop(rs, run);
	return ret;
}

/**
 * rfctl_resize_memory_shrink - let memory go to @rs->heir
 * @rs: the change
 * @bytes: how much
 * @held_by: (out) address of a page that held the last block back, or 0
 *
 * Whatever block leaves, from the top down; one that cannot is passed over.
 *
 * Return: 0, or as rfctl_resize_ask(); -EREMOTEIO there is not that much that
 * could leave.
 */
int rfctl_resize_memory_shrink(struct rfctl_resize *rs, u64 bytes, u64 *held_by)
{
	struct rfctl_range run = { .start = U64_MAX, .length = RF_GRAIN };
	struct subos *so = rs->so;
	struct rfctl_msg no;
	struct rfctl_resize one = *rs;
	int ret, last = 0;

	one.msg = &no;
	while (bytes && rfctl_mem_next_hot(so, run.start, &run.start)) {
		no.text[0] = '\0';
		ret = rfctl_resize_memory_remove(&one, &run, held_by);
		if (!ret) {
			bytes -= RF_GRAIN;
			continue;
		}
		last = ret;
		*rs->msg = no;
		if (!rfctl_resize_said_no(ret))
			break;
	}
	if (!bytes) {
		rs->msg->text[0] = '\0';	/* others went instead of what could not */
		return 0;
	}
	if (!last)
		rfctl_say(rs->msg, "%llu MB more shall leave %s, but the rest it booted with: that can only change when it is started again",
			  bytes >> 20, so->name);
	return last ?: -EREMOTEIO;
}

/* Growth is rounded up to the block, shrinking down. Returns how much, and the direction. */
static int memory_plan(struct rfctl_resize *rs, const struct rf_resize_memory *req, u64 *bytes,
		       bool *grow)
{
	u64 have = rfctl_mem_owned(rs->so);

	if (req->bytes > SZ_1T * 64ULL)
		return -EINVAL;
	if (req->flags & RF_RESIZE_ADD) {
		*grow = true;
		*bytes = ALIGN(req->bytes, RF_GRAIN);
	} else if (req->flags & RF_RESIZE_REMOVE) {
		*grow = false;
		*bytes = ALIGN_DOWN(req->bytes, RF_GRAIN);
	} else {
		*grow = req->bytes > have;
		*bytes = *grow ? ALIGN(req->bytes - have, RF_GRAIN) :
			 ALIGN_DOWN(have - req->bytes, RF_GRAIN);
	}
	if (!*grow && *bytes >= have) {
		rfctl_say(rs->msg, "%s has %llu MB; it cannot run without any", rs->so->name,
			  have >> 20);
		return -EINVAL;
	}
	return 0;
}

static int memory_move(struct rfctl_resize *rs, struct rf_resize_memory *req)
{
	u64 bytes;
	bool grow;
	int ret;

	if (req->node >= 0 && (req->node >= MAX_NUMNODES || !node_online(req->node))) {
		rfctl_say(rs->msg, "NUMA node %d does not exist", req->node);
		return -EINVAL;
	}
	ret = memory_plan(rs, req, &bytes, &grow);
	if (ret || !bytes)
		return ret;
	if (grow)
		return memory_grow(rs, bytes, req);
	if (!(req->flags & RF_RESIZE_DRY_RUN))
		return rfctl_resize_memory_shrink(rs, bytes, &req->held_by);
	if (bytes <= rs->so->hot_bytes)
		return 0;
	rfctl_say(rs->msg, "%llu MB shall leave %s, %llu MB could: what it booted with stays",
		  bytes >> 20, rs->so->name, rs->so->hot_bytes >> 20);
	return -EREMOTEIO;
}

/**
 * subos_resize_memory - change the memory of a subOS that runs
 * @so: the subOS
 * @req: what is wanted; @req->got, @req->held_by and @req->stage_ns are set
 * @msg: (out) line about a failure
 *
 * Return: 0, or as RF_IOC_RESIZE_MEMORY.
 */
int subos_resize_memory(struct subos *so, struct rf_resize_memory *req, struct rfctl_msg *msg)
{
	struct rfctl_resize rs = {
		.so = so,
		.msg = msg,
		.timeout_ms = req->timeout_ms ?: ASK_MEMORY_MS,
		.stage_ns = req->stage_ns,
	};
	int ret;

	req->held_by = 0;
	mutex_lock(&so->lock);
	ret = rfctl_resize_begin(so, msg);
	if (!ret) {
		ret = memory_move(&rs, req);
		if (!(req->flags & RF_RESIZE_DRY_RUN))
			rfctl_resize_event(so, RF_EVENT_MEMORY, rfctl_mem_owned(so), ret, msg);
		rfctl_resize_end(so);
	}
	req->got = rfctl_mem_owned(so);
	mutex_unlock(&so->lock);
	return ret;
}
