/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the files of rfloop share.
 *
 * A peer is a kernel that has addresses, or had. Its links are made and broken by its work,
 * in one ordered queue, and by nothing else; handlers of messages, the hooks and the device
 * only set a flag of it. What they use is taken away under what they hold: the ring to send
 * in under the lock of its transmit queue, the one to receive in while NAPI is disabled.
 */
#ifndef _RFLOOP_INTERNAL_H
#define _RFLOOP_INTERNAL_H

#include <linux/cpumask.h>
#include <linux/hrtimer.h>
#include <linux/netdevice.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/workqueue.h>
#include <rainforest/ficm.h>
#include <rainforest/rfcom.h>

#include "list.h"
#include "ring.h"

#define RFLOOP_PEERS	RF_WIRE_PEERS
#define RFLOOP_MADE	8U	/* pieces of 2 MB and more in the largest ring */
#define RFLOOP_STOP	(2 * RF_LOOP_FRAGS)	/* pages: with fewer the queue stops */

/* what a peer's work is to do */
#define RFLOOP_WANTED	0	/* packets for it: a ring to send in */
#define RFLOOP_ASKED	1	/* it wants to send */
#define RFLOOP_ANSWERED	2	/* it has answered */
#define RFLOOP_OUT_END	3	/* the ring to send in is broken, or the peer gave it up */
#define RFLOOP_IN_END	4	/* the ring to receive in, likewise */
#define RFLOOP_IN_BAD	5	/* and the peer has to be told */

/* why a packet was dropped */
enum {
	RFLOOP_DROP_DOWN,	/* to send: there is no ring any more */
	RFLOOP_DROP_SHAPE,	/* to send: it cannot be described */
	RFLOOP_DROP_BAD,	/* received: it is no packet */
	RFLOOP_DROP_SPOOFED,	/* received: from an address that the sender does not have */
	RFLOOP_DROP_STRAY,	/* received: to an address that is not here */
	RFLOOP_DROP_MEMORY,	/* received: no memory for it */
	RFLOOP_DROPS
};

/**
 * struct rfloop_memory - the memory of a ring
 * @region: held by this kernel
 * @maps: parts of it that are mapped
 * @bytes: of it
 * @ring: its beginning
 * @page: where the pages of data are
 * @frame: what the kernel knows of each, where it can be attached to packets
 * @nr_made: entries used in @made
 * @made: what makes @frame in a subOS, which has none for memory of others
 */
struct rfloop_memory {
	struct rf_region *region;
	unsigned int maps;
	u64 bytes;
	struct rf_loop_ring *ring;
	void *page[RF_LOOP_BACK];
	struct page *frame[RF_LOOP_BACK];
	unsigned int nr_made;
	struct dev_pagemap *made[RFLOOP_MADE];
};

/**
 * struct rfloop_sending - a ring in which this kernel sends
 * @memory: of it
 * @out: its end
 * @full: jiffies, since when the queue is stopped; 0: it is not
 */
struct rfloop_sending {
	struct rfloop_memory memory;
	struct rfloop_out out;
	unsigned long full;
};

/**
 * struct rfloop_receiving - a ring in which this kernel receives
 * @memory: of it
 * @in: its end
 * @peer: whose it is, or was
 * @again: looks for pages that packets have let go of
 * @soon: looks for packets of a stream, so that nobody has to ring for each
 * @before: ns, when packets were looked for last
 * @gap: ns between two packets, on average
 * @credit: so many times it goes on with @soon for one packet alone, or none
 * @first: of the pages in packets, modulo 2^32
 * @last: of these, plus 1
 * @since: so many were attached since they were looked at last
 * @attached: their numbers
 * @cpus: where packets of it were made
 * @node: in the list of those that nobody sends in any more, but packets have pages of
 */
struct rfloop_receiving {
	struct rfloop_memory memory;
	struct rfloop_in in;
	struct rfloop_peer *peer;
	struct timer_list again;
	struct hrtimer soon;
	u64 before;
	u64 gap;
	unsigned int credit;
	u32 first;
	u32 last;
	u32 since;
	u16 attached[RF_LOOP_BACK];
	struct cpumask cpus;
	struct list_head node;
};

/**
 * struct rfloop_count - what happened between this kernel and a peer
 * @sent: packets put into a ring
 * @sent_bytes: of these
 * @received: packets handed to the network layer
 * @received_bytes: of these
 * @received_long: packets in a ring, longer than what is copied anyway
 * @bells: doorbells rung
 * @copies_out: packets copied into a ring
 * @copies_in: packets copied out of it
 * @copies_in_long: of @received_long, so many
 * @full: how often a ring was
 * @broken: rings given up because the peer did what cannot be
 * @links: rings to send in that were made
 * @drops: by reason
 */
struct rfloop_count {
	u64 sent;
	u64 sent_bytes;
	u64 received;
	u64 received_bytes;
	u64 received_long;
	u64 bells;
	u64 copies_out;
	u64 copies_in;
	u64 copies_in_long;
	u64 full;
	u64 broken;
	u64 links;
	u64 drops[RFLOOP_DROPS];
};

/**
 * struct rfloop_peer - another kernel
 * @id: of it, RF_FICM_NOBODY: nobody has this place
 * @generation: of it, as its links were made
 * @name: of it
 * @flags: RFLOOP_WANTED and so on
 * @work: makes and breaks its links
 * @up: packets may be sent
 * @sending: the ring to it; written by @work under the lock of its transmit queue
 * @receiving: the ring from it; written by @work while @napi is disabled, freed when no
 *	interrupt looks at it any more
 * @napi: receives
 * @lock: protects @answer, @asked
 * @answer: what it answered last
 * @asked: number of what it asked for last
 * @number: of what it was asked for last; @work's own, as what follows
 * @offer_next: jiffies: it is offered no ring before
 * @waiting: for an answer, since @since
 * @since: jiffies
 * @next: jiffies: not to be asked before
 * @backoff: jiffies, between two attempts
 * @count: what happened
 * @kobj: its directory in sysfs
 */
struct rfloop_peer {
	u32 id;
	u32 generation;
	char name[RF_FICM_NAME];
	unsigned long flags;
	struct delayed_work work;
	bool up;
	struct rfloop_sending *sending;
	struct rfloop_receiving *receiving;
	struct napi_struct napi;
	spinlock_t lock;	/* see above */
	struct rf_loop_answer answer;
	u32 asked;
	u32 number;
	unsigned long offer_next;
	bool waiting;
	unsigned long since;
	unsigned long next;
	unsigned long backoff;
	struct rfloop_count count;
	struct kobject *kobj;
};

static inline void rfloop_count_one(u64 *counter)
{
	WRITE_ONCE(*counter, *counter + 1);
}

extern struct rfloop_peer rfloop_peers[RFLOOP_PEERS];
extern struct net_device *rfloop_device;
extern u32 rfloop_own_id;
extern unsigned int rfloop_ring_mb;

/* memory.c */
int rfloop_memory_map(struct rfloop_memory *m, struct rf_region *region);
void rfloop_memory_unmap(struct rfloop_memory *m);
void rfloop_memory_frames(struct rfloop_memory *m);

/* peer.c: who there is, and the list that says so */
struct rfloop_peer *rfloop_peer_find(u32 id);
const struct rfloop_table *rfloop_table(void);
bool rfloop_peer_listed(u32 id);
void rfloop_table_install(struct rfloop_table *t);
bool rfloop_peer_release(struct rfloop_peer *peer);
void rfloop_kick(struct rfloop_peer *peer, unsigned int flag);
void rfloop_again(struct rfloop_peer *peer, unsigned long delay);
int rfloop_peers_init(void);
void rfloop_peers_exit(void);

/* link.c: rings are made and broken */
void rfloop_link_work(struct work_struct *work);

/* message.c: to other kernels, and from them */
int rfloop_tell(u32 peer, u16 type, const void *body, size_t len);
void rfloop_knock(struct rfloop_peer *peer);
void rfloop_bell(struct rfloop_peer *peer);
int rfloop_messages_init(void);
void rfloop_messages_exit(void);

/* device.c: the way out */
int rfloop_device_init(void);
void rfloop_device_exit(void);
void rfloop_sending_set(struct rfloop_peer *peer, struct rfloop_sending *sending);
void rfloop_room(struct rfloop_peer *peer);
void rfloop_sweep(const struct cpumask *cpus);
bool rfloop_stuck(struct rfloop_peer *peer);

/* receive.c: the way in */
int rfloop_poll(struct napi_struct *napi, int budget);

/* attach.c: pages of a ring in packets */
struct sk_buff *rfloop_attach(struct rfloop_receiving *r, const struct rfloop_packet *p);
void rfloop_attached_look(struct rfloop_receiving *r, u32 most);
void rfloop_receiving_init(struct rfloop_receiving *r, struct rfloop_peer *peer);
void rfloop_receiving_rest(struct rfloop_receiving *r);
bool rfloop_receiving_soon(struct rfloop_receiving *r, unsigned int done);
void rfloop_receiving_put(struct rfloop_receiving *r);
unsigned int rfloop_draining(const struct rfloop_peer *peer);
bool rfloop_drained(void);

/* take.c: which packets go that way */
int rfloop_take_init(void);
void rfloop_take_exit(void);

/* own.c: addresses of this kernel */
u32 rfloop_own_collect(struct rf_loop_entry *e, bool *again);
int rfloop_own_init(void (*changed)(void));
void rfloop_own_exit(void);

/* sysfs.c: counters, and switches */
void rfloop_sysfs_add(struct rfloop_peer *peer);
void rfloop_sysfs_remove(struct rfloop_peer *peer);
int rfloop_sysfs_init(void);
void rfloop_sysfs_exit(void);

/* serve.c: the list, in the supervisor; ask.c: in a subOS */
int rfloop_serve(void);
int rfloop_ask(void);
void rfloop_serve_changed(void);
void rfloop_serve_switch(u32 kernel, bool on);
bool rfloop_serve_on(u32 kernel);
ssize_t rfloop_serve_off(char *page);
ssize_t rfloop_serve_refused(char *to, size_t size);
void rfloop_ask_changed(void);
void rfloop_ask_called(void);

#endif /* _RFLOOP_INTERNAL_H */
