/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the files of ficm.ko share.
 */
#ifndef _FICM_INTERNAL_H
#define _FICM_INTERNAL_H

#include <linux/spinlock.h>
#include <linux/types.h>

#include "ring.h"

struct task_struct;

/**
 * struct ficm_peer - another kernel, or this one
 * @id: number of the peer
 * @out_lock: protects @out
 * @out: ring to the peer
 * @in: ring from the peer, used by the reading thread only
 * @doorbell: APIC id << 32 | vector of the peer's doorbell, 0: none; read once,
 *	as it moves
 * @unhandled: messages of a type that nobody registered
 */
struct ficm_peer {
	u32 id;
	spinlock_t out_lock;	/* protects @out: makes one writer of several senders */
	struct ficm_ring_out out;
	struct ficm_ring_in in;
	u64 *doorbell;
	u64 unhandled;
};

/* doorbell.c */
extern u64 ficm_doorbell;
int ficm_doorbell_init(struct task_struct *wakes, unsigned int cpu);
void ficm_doorbell_exit(void);
void ficm_doorbell_ring(u64 doorbell);

/* dispatch.c */
bool ficm_dispatch(struct ficm_peer *peer, const struct rf_msg *msg);

/* loopback.c */
extern struct ficm_peer ficm_loopback;
int ficm_loopback_init(void);
void ficm_loopback_exit(void);

/* sysfs.c */
int ficm_sysfs_init(void);
void ficm_sysfs_exit(void);

#endif /* _FICM_INTERNAL_H */
