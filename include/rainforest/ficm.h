/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * FICM: messages of a cache line between kernels. Exported by ficm.ko in the
 * name space RAINFOREST_FICM.
 */
#ifndef _RAINFOREST_FICM_H
#define _RAINFOREST_FICM_H

#include <linux/notifier.h>
#include <linux/types.h>
#include <linux/rainforest_wire.h>

#define FICM_LOOPBACK	0xffffffffU	/* the peer that is this kernel itself */
#define FICM_SUPERVISOR	0U		/* the supervisor; others are ids of subOSes */
#define FICM_TYPES	256U		/* message types go from 0 to this, exclusive */

/**
 * typedef ficm_handler_t - receives the messages of one type
 * @peer: who sent it
 * @msg: a copy, valid during the call; its length and flags were checked
 * @arg: as given to ficm_register()
 *
 * Context: real-time kernel thread; may sleep, though everything behind it
 * waits. Must not register or unregister handlers.
 */
typedef void (*ficm_handler_t)(u32 peer, const struct rf_msg *msg, void *arg);

/**
 * struct ficm_end - what a handler wants done when it and others have run for now
 * @fn: called once, in the handlers' thread, before any is unregistered
 * @next: ficm's own
 */
struct ficm_end {
	void (*fn)(struct ficm_end *end);
	struct ficm_end *next;
};

#define FICM_LISTENERS	4U

/**
 * typedef ficm_rang_t - hears the doorbell: see ficm_listen()
 *
 * Context: hard interrupt.
 * Return: whether it found something.
 */
typedef bool (*ficm_rang_t)(void);

/**
 * typedef ficm_signalled_t - receives signals: see ficm_signals_listen()
 * @peer: who raised it
 * @n: which, below RF_SIGNALS: it means nothing but "look"
 *
 * A kernel that misbehaves can have it called for each @n at each of its doorbells. Not two
 * at a time. It may raise signals itself.
 *
 * Context: hard interrupt.
 */
typedef void (*ficm_signalled_t)(u32 peer, unsigned int n);

int ficm_signals_listen(ficm_signalled_t fn);
void ficm_signals_end(ficm_signalled_t fn);
int ficm_signal(u32 peer, unsigned int n);
int ficm_listen(ficm_rang_t rang);
void ficm_listen_end(ficm_rang_t rang);
int ficm_knock(u32 peer);
int ficm_send(u32 peer, const struct rf_msg *msg);
int ficm_post(u32 peer, const struct rf_msg *msg);
int ficm_multicast(const u32 *peers, unsigned int nr, const struct rf_msg *msg);
int ficm_broadcast(const struct rf_msg *msg);
int ficm_register(u16 type, ficm_handler_t fn, void *arg);
void ficm_unregister(u16 type);
void ficm_at_end(struct ficm_end *end);
void ficm_read_more(void);

/**
 * struct ficm_kernel - a kernel that takes part in the exchange
 * @peer: what ficm_send() calls it: FICM_LOOPBACK is this kernel itself
 * @generation: counts the kernels that had its place, restarts included
 * @may_open: the supervisor allows it to open channels to this kernel
 * @name: of the subOS, or "supervisor"
 */
struct ficm_kernel {
	u32 peer;
	u32 generation;
	bool may_open;
	char name[RF_FICM_NAME];
};

int ficm_find(const char *name, struct ficm_kernel *kernel);
int ficm_own(u32 *id);
int ficm_describe(u32 peer, struct ficm_kernel *kernel);
bool ficm_may_open(u32 from, u32 to);
int ficm_bulk(u32 peer, struct rf_com_bulk **out, struct rf_com_bulk **in);
int ficm_watch(struct notifier_block *nb);
void ficm_unwatch(struct notifier_block *nb);

/* For whoever knows the directory: rfcontroller in the supervisor, rfsubos in a subOS. */
int ficm_join(u64 dir, u32 slot);
bool ficm_joined(u64 dir, u32 slot);
void ficm_refresh(void);
void ficm_leave(void);

#endif /* _RAINFOREST_FICM_H */
