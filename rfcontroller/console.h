/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What console.c and console_keep.c share.
 */
#ifndef _RFCTL_CONSOLE_H
#define _RFCTL_CONSOLE_H

#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/types.h>
#include <linux/wait.h>

#define CON_BACKLOG	0x10000U	/* a power of two */

/**
 * struct rfctl_console - terminal of one subOS
 * @lock: protects all that follows
 * @wait: woken when bytes came, room was made, or the connection ended
 * @svc: service area, NULL while it must not be touched
 * @attached: while it is paused: @svc was set
 * @broken: the subOS wrote nonsense
 * @in_head: bytes put into struct rf_con_in
 * @in_tail: bytes that the subOS took from there, as last checked
 * @out_tail: bytes taken from struct rf_con_out
 * @rows: lines of the user's terminal, 0: not known
 * @cols: columns
 * @winsize_seq: counts changes of these
 * @files: descriptors
 * @held_at: where the slowest reader was when output was held back for him
 * @held_until: then it is no longer, jiffies
 * @writer: somebody has the descriptor that types
 * @head: bytes put into @backlog since the beginning
 * @backlog: the last CON_BACKLOG bytes
 */
struct rfctl_console {
	struct mutex lock;	/* protects all that follows */
	wait_queue_head_t wait;
	void *svc;
	bool attached;
	bool broken;
	u32 in_head;
	u32 in_tail;
	u32 out_tail;
	u16 rows;
	u16 cols;
	u32 winsize_seq;
	struct list_head files;
	u64 held_at;
	unsigned long held_until;
	bool writer;
	u64 head;
	u8 backlog[CON_BACKLOG];
};

#endif /* _RFCTL_CONSOLE_H */
