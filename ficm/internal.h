/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the files of ficm.ko share.
 *
 * Locks, in the order in which they are taken:
 *	handlers_lock	held while handlers run (static in dispatch.c)
 *	exchange_lock	joining, refreshing, leaving (static in peers.c)
 *	peer->in_lock	the ring from a peer; not in interrupts
 *	peer->signal_lock	taking a peer's signals; held while their handler runs
 *	peer->out_lock	the ring to a peer, signals to it, and what is known of its doorbell
 *	bell_lock	where our doorbell is published (static in doorbell.c)
 *
 * The reading thread looks at the directory and at what peers write without a lock, but
 * under RCU: a mapping ends after a grace period.
 */
#ifndef _FICM_INTERNAL_H
#define _FICM_INTERNAL_H

#include <linux/spinlock.h>
#include <linux/types.h>

#include "ring.h"
#include "signal.h"

struct attribute_group;
struct kobject;
struct task_struct;

#define FICM_PLACE_LOOPBACK	RF_WIRE_PEERS	/* its bit in ficm_open */

/**
 * struct ficm_peer - another kernel, or this one
 * @id: number of the peer, RF_FICM_NOBODY while its place is empty; changed under
 *	all three locks, looked at without, and then once more under one
 * @generation: of the kernel that has the place
 * @open: the rings are open; changed under all three locks
 * @joined: it was seen to have set up its area
 * @out_lock: protects @out, @joined and what follows up to @in_lock
 * @out: ring to the peer
 * @area: what the peer writes, NULL for the loopback
 * @good_bell: the last doorbell of the peer that was checked, 0: none
 * @owed: its doorbell was not rung though it should have been
 * @refused: times that its doorbell was not rung, as it was not the peer's
 * @nr_cpus: entries used in @apicid
 * @apicid: cores of the peer
 * @may_open: it may open channels to us; under exchange_lock, as @name
 * @name: see struct rf_ficm_entry
 * @bulk_out: address of the struct rf_com_bulk that we write for it, 0: none
 * @bulk_in: of the one that it writes for us
 * @in_lock: protects @in
 * @in: ring from the peer
 * @at: the word that changes when a message comes, NULL while nobody knows; set
 *	under @in_lock, read under RCU
 * @before: what stands there until then; the reading thread's own
 * @broken: the reader's end was reported as broken; the reading thread's own
 * @unhandled: messages of a type that nobody registered; the reading thread's own
 * @signal_lock: protects the taker's part of @signals; the raiser's is under @out_lock
 * @signals: to the peer and from it
 * @kobj: its directory in sysfs; under exchange_lock
 */
struct ficm_peer {
	u32 id;
	u32 generation;
	bool open;
	bool joined;
	spinlock_t out_lock;	/* makes one writer of several senders; see above */
	struct ficm_ring_out out;
	const struct rf_ficm_area *area;
	u64 good_bell;
	bool owed;
	u64 refused;
	u32 nr_cpus;
	u32 apicid[RF_WIRE_CPUS];
	bool may_open;
	char name[RF_FICM_NAME];
	u64 bulk_out;
	u64 bulk_in;
	spinlock_t in_lock;	/* the reading thread against closing; see above */
	struct ficm_ring_in in;
	const __le64 *at;
	__le64 before;
	bool broken;
	u64 unhandled;
	spinlock_t signal_lock;	/* the doorbell's interrupt against closing; see above */
	struct ficm_signals signals;
	struct kobject *kobj;
};

/* doorbell.c */
extern u64 ficm_doorbell;
extern u64 ficm_doorbell_rang;
int ficm_doorbell_init(struct task_struct *wakes, unsigned int cpu);
void ficm_doorbell_exit(void);
void ficm_doorbell_publish(__le64 *where);
void ficm_doorbell_ring(u64 doorbell);
void ficm_doorbell_own(void);

/* area.c: the directory and the areas in the supervisor's memory */
int ficm_dir_map(u64 phys);
void ficm_dir_unmap(void);
int ficm_dir_read(struct rf_ficm_dir *copy);
bool ficm_dir_changed(void);
struct rf_ficm_area *ficm_area_map(u32 slot, u64 phys);
void ficm_areas_unmap(void);
struct rf_com_bulk *ficm_bulk_map(u32 slot, bool out, u64 phys);
void ficm_area_init(struct rf_ficm_area *area, u32 generation);
void ficm_area_exit(struct rf_ficm_area *area);
int ficm_area_check(const struct rf_ficm_area *area, u32 generation);

/* peers.c: who there is */
extern struct ficm_peer ficm_peers[RF_WIRE_PEERS];
extern u32 ficm_open;
struct ficm_peer *ficm_peer_find(u32 id);
struct ficm_peer *ficm_peer_at(unsigned int place);
void ficm_peers_init(void);
void ficm_peers_exit(void);
void ficm_refresh_later(void);

/* send.c */
bool ficm_peer_bell(struct ficm_peer *peer);
bool ficm_msg_good(const struct rf_msg *msg);
int ficm_peer_send(struct ficm_peer *to, u32 id, u32 generation, const struct rf_msg *msg);

/* post.c: the thread that writes */
extern u64 ficm_posted;
extern u64 ficm_dropped;
int ficm_post_init(unsigned int cpu);
void ficm_post_exit(void);

/* read.c: the thread that reads */
struct task_struct *ficm_read_create(unsigned int cpu);
void ficm_read_start(void);
void ficm_read_stop(void);
void ficm_read_wake(void);
bool ficm_read_wanted(void);

/* dispatch.c */
void ficm_dispatch_begin(void);
void ficm_dispatch_end(void);
bool ficm_dispatch(struct ficm_peer *peer, const struct rf_msg *msg);

/* take.c */
bool ficm_take(void);

/* loopback.c */
extern struct ficm_peer ficm_loopback;
int ficm_loopback_init(void);
void ficm_loopback_exit(void);

/* sysfs.c */
int ficm_sysfs_init(void);
void ficm_sysfs_exit(void);
void ficm_sysfs_add(struct ficm_peer *peer);
void ficm_sysfs_remove(struct ficm_peer *peer);
void ficm_sysfs_directory(u64 phys, u32 slot);

#endif /* _FICM_INTERNAL_H */
