/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the files of rfcom_vsock.ko share: a transport for sockets of the family AF_VSOCK.
 * Each connection is a channel.
 *
 * What belongs to a socket is under its lock_sock(), but for what a channel's news does
 * (end_news() in vsock_end.c): that runs in ficm's thread and only wakes, or leaves a work.
 */
#ifndef _RFCOM_VSOCK_H
#define _RFCOM_VSOCK_H

#include <linux/jiffies.h>
#include <linux/kref.h>
#include <linux/types.h>
#include <linux/wait.h>
#include <linux/workqueue.h>
#include <net/af_vsock.h>
#include <rainforest/ficm.h>
#include <rainforest/rfcom.h>

/**
 * struct vsock_end - what the transport knows of a socket
 * @ref: one for the socket, one for each work
 * @sk: the socket; who has a reference to it may use it
 * @attempt: to connect that is under way, NULL: none
 * @ch: its channel, NULL: none
 * @news: waits for what happens to @ch
 * @look: does what @news must not: a reference to @sk goes with it
 * @full: somebody waits for room in @ch
 * @said: what the other end was told, RF_VSOCK_*
 * @heard: what it told us
 * @over: the end of @ch was taken note of
 */
struct vsock_end {
	struct kref ref;
	struct sock *sk;
	void *attempt;
	struct rf_channel *ch;
	struct wait_queue_entry news;
	struct work_struct look;
	bool full;
	u32 said;
	u32 heard;
	bool over;
};

static inline struct vsock_end *vsock_end_of(const struct vsock_sock *vsk)
{
	return vsk->trans;
}

extern struct workqueue_struct *vsock_queue;
extern const struct vsock_transport vsock_transport;

/* vsock_main.c */
u32 vsock_own_cid(void);
u32 vsock_peer_cid(u32 peer);
u32 vsock_cid_peer(u32 cid);

/* vsock_end.c: a socket and its channel */
struct vsock_end *vsock_end_create(struct sock *sk);
void vsock_end_get(struct vsock_end *end);
void vsock_end_put(struct vsock_end *end);
void vsock_end_attach(struct vsock_end *end, struct rf_channel *ch);
void vsock_end_detach(struct vsock_end *end);
bool vsock_end_look(struct vsock_end *end);
size_t vsock_end_room(struct vsock_end *end);
void vsock_end_say(struct vsock_end *end, u32 how);

/* vsock_connect.c */
int vsock_attempt(struct vsock_sock *vsk);

/* vsock_accept.c */
int vsock_accept_init(void);
void vsock_accept_exit(void);

#endif /* _RFCOM_VSOCK_H */
