/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What mem.c and mem_hot.c share: the blocks that left the supervisor.
 */
#ifndef _RFCTL_MEM_H
#define _RFCTL_MEM_H

#include <linux/list.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/rainforest.h>
#include <linux/types.h>

struct rfctl_msg;
struct subos;

/**
 * struct rfctl_mem_block - one block that left the supervisor
 * @node: in rfctl_mem_blocks, by address
 * @start: physical address
 * @owner: RF_OWNER_FREE, RF_OWNER_QUARANTINE or id of a subOS
 * @dirty: not zero
 * @hot: given to a kernel that ran already: it can leave it again
 * @offered: of a hot one: that kernel was told that it may use it
 */
struct rfctl_mem_block {
	struct list_head node;
	u64 start;
	u32 owner;
	bool dirty;
	bool hot;
	bool offered;
};

#define GRAIN_PAGES	(RF_GRAIN >> PAGE_SHIFT)

/*
 * One take or return at a time, which may be long, is what rfctl_mem_lock is for.
 * Whoever changes the list, an owner or the target holds both locks, whoever only
 * reads them either. The second is for short moments; it protects the flags, too.
 */
extern struct mutex rfctl_mem_lock;
extern struct mutex rfctl_mem_list_lock;
extern struct list_head rfctl_mem_blocks;
extern u64 rfctl_mem_pool;

int rfctl_mem_lock_intr(void);
void rfctl_mem_set_owner(struct rfctl_mem_block *block, u32 owner);
void rfctl_mem_zero(u64 start);
u64 rfctl_mem_owner_bytes(u32 owner);
u64 rfctl_mem_spare(void);
void rfctl_mem_trim(u64 keep);
void rfctl_mem_trim_to_target(void);
int rfctl_mem_fill(u64 want, int node, unsigned int timeout_ms, u64 *could);
void rfctl_mem_say(struct rfctl_msg *msg, int ret, u64 want, u64 could);
int rfctl_mem_list_ranges(struct subos *so);
bool rfctl_mem_free_on(struct rfctl_mem_block *block, int node);
u64 rfctl_mem_free_bytes_on(int node);
void rfctl_mem_forget(void);

#endif /* _RFCTL_MEM_H */
