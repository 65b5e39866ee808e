/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Regions that this kernel holds.
 */
#ifndef _RFCOM_REGION_H
#define _RFCOM_REGION_H

#include <linux/fs.h>
#include <linux/kref.h>
#include <linux/rwsem.h>
#include <linux/wait.h>
#include <linux/workqueue.h>
#include <rainforest/rfcom.h>

#include "extents.h"

/**
 * struct rf_region - a region that this kernel holds
 * @ref: one for the table, one for its user, one for work that is queued
 * @id: its number
 * @supervisor: who lends it, as ficm calls it
 * @left: bit 0: we let go of it, the supervisor may not know yet
 * @answer: what the supervisor said
 * @answered: @answer is there
 * @wait: woken by that, and when it is revoked
 * @write: it may be written
 * @bytes: whole pages
 * @nr_extents: of @extents
 * @extents: where it lies
 * @maps: each of them, mapped here
 * @gate: who maps a page holds it for reading; protects the two that follow
 * @revoked: nobody may map it any more
 * @kernel_maps: how often a module has a part of it
 * @mapping: what processes have mapped
 * @revoke: takes it from them
 */
struct rf_region {
	struct kref ref;
	u32 id;
	u32 supervisor;
	unsigned long left;
	struct rf_com_region answer;
	bool answered;
	wait_queue_head_t wait;
	bool write;
	u64 bytes;
	u32 nr_extents;
	struct rfcom_extent *extents;
	void **maps;
	struct rw_semaphore gate;	/* see above */
	bool revoked;
	unsigned int kernel_maps;
	struct address_space mapping;
	struct work_struct revoke;
};

/* region.c */
void rfcom_region_put(struct rf_region *r);
void rfcom_region_unused(struct rf_region *r);
void rfcom_region_answered(u32 peer, const struct rf_msg *msg);
void rfcom_region_revoked(u32 peer, const struct rf_msg *msg);
void rfcom_region_left(u32 peer, const struct rf_msg *msg);
void rfcom_regions_exit(void);

/* region_map.c */
int rfcom_region_remap(struct rf_region *r);
void rfcom_region_unremap(struct rf_region *r);
int rfcom_region_mmap(struct rf_region *r, struct vm_area_struct *vma);

/* region_dev.c: what user space asks for */
int rfcom_dev_offer(void __user *arg);
int rfcom_dev_attach(void __user *arg);
int rfcom_dev_holds(void __user *arg);
int rfcom_dev_revoke(void __user *arg);

#endif /* _RFCOM_REGION_H */
