/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One change of the resources of a subOS that runs.
 */
#ifndef _RFCTL_RESIZE_H
#define _RFCTL_RESIZE_H

#include <linux/rainforest.h>
#include <linux/rainforest_wire.h>
#include <linux/types.h>

struct cpumask;
struct rfctl_msg;
struct rfctl_range;
struct subos;

#define RFCTL_ASK_MS	10000	/* default limit for an answer */

/**
 * struct rfctl_resize - one change under way
 * @so: the subOS, locked, @so->busy
 * @msg: (out) line about a failure
 * @timeout_ms: how long it may take for each request
 * @stage_ns: (out) see enum rf_resize_stage
 * @heir: id of the subOS that gets what leaves, 0: the pool
 */
struct rfctl_resize {
	struct subos *so;
	struct rfctl_msg *msg;
	unsigned int timeout_ms;
	u64 *stage_ns;
	u32 heir;
};

int rfctl_resize_begin(struct subos *so, struct rfctl_msg *msg);
void rfctl_resize_end(struct subos *so);
void rfctl_resize_event(struct subos *so, u32 kind, u64 value, int ret,
			const struct rfctl_msg *msg);
void rfctl_resize_stage(struct rfctl_resize *rs, enum rf_resize_stage stage, u64 since);
int rfctl_resize_ask(struct rfctl_resize *rs, u16 op, u64 arg0, u64 arg1, struct rf_reply *reply,
		     const char *what);
bool rfctl_resize_said_no(int ret);

/* Parts that resizing and lending share; @rs->so is locked, between begin and end. */
int rfctl_resize_cpus_plan_removal(struct rfctl_resize *rs, struct cpumask *mask,
				   unsigned int count);
int rfctl_resize_cpus_remove(struct rfctl_resize *rs, const struct cpumask *mask);
int rfctl_resize_cpus_offer(struct rfctl_resize *rs);
int rfctl_resize_memory_shrink(struct rfctl_resize *rs, u64 bytes, u64 *held_by);
int rfctl_resize_memory_remove(struct rfctl_resize *rs, const struct rfctl_range *run,
			       u64 *held_by);
int rfctl_resize_memory_offer(struct rfctl_resize *rs);

#endif /* _RFCTL_RESIZE_H */
