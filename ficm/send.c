// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sending: to one peer, to some, to all.
 */
#include <linux/export.h>
#include <rainforest/ficm.h>

#include "internal.h"
#include "trace.h"

#define BELL_VECTOR_MIN		0x20	/* below are exceptions */
#define BELL_VECTOR_MAX		0xef	/* above are a kernel's own purposes */

static bool bell_good(const struct ficm_peer *peer, u64 bell)
{
	u32 apicid = bell >> 32, vector = (u32)bell, i;

	if (vector < BELL_VECTOR_MIN || vector > BELL_VECTOR_MAX)
		return false;
	for (i = 0; i < peer->nr_cpus; i++)
		if (peer->apicid[i] == apicid)
			return true;
	return false;
}

/**
 * ficm_peer_bell() - ring a peer's doorbell
 * @peer: the peer, open; its out_lock held, interrupts off
 *
 * The peer alone says where its doorbell is, and must not make us interrupt
 * anybody else: it has to be at one of the cores that the supervisor lists for
 * it. Read once and rung at once: the doorbell may move at any time.
 *
 * Return: false when it was refused.
 */
bool ficm_peer_bell(struct ficm_peer *peer)
{
	u64 bell;

	bell = peer->area ? le64_to_cpu(READ_ONCE(peer->area->doorbell)) :
			    READ_ONCE(ficm_doorbell);
	if (!bell)
		return true;	/* it will look by itself when it has one */
	if (peer->area && bell != peer->good_bell) {
		if (!bell_good(peer, bell)) {
			peer->refused++;
			trace_ficm_refused(READ_ONCE(peer->id), bell >> 32, bell);
			return false;
		}
		peer->good_bell = bell;
	}
	ficm_doorbell_ring(bell);
	return true;
}

/* Under out_lock. */
static int peer_ready(struct ficm_peer *peer, u32 id, u32 generation)
{
	int ret;

	if (peer->id != id || peer->generation != generation || !peer->open)
		return -ENOENT;
	if (peer->joined || !peer->area)
		return 0;
	ret = ficm_area_check(peer->area, peer->generation);
	peer->joined = !ret;
	return ret;
}

static int send_to(struct ficm_peer *peer, u32 id, u32 generation, const struct rf_msg *msg)
{
	unsigned long flags;
	int ret;

	spin_lock_irqsave(&peer->out_lock, flags);
	ret = peer_ready(peer, id, generation);
	if (!ret) {
		ret = ficm_ring_put(&peer->out, msg);
		if (ficm_ring_bell(&peer->out) && !ficm_peer_bell(peer))
			peer->owed = true;
	}
	spin_unlock_irqrestore(&peer->out_lock, flags);
	return ret;
}

/**
 * ficm_msg_good() - can a message be sent?
 * @msg: the message
 *
 * Return: false for a length, a flag or a type that cannot be.
 */
bool ficm_msg_good(const struct rf_msg *msg)
{
	return le16_to_cpu(msg->type) < FICM_TYPES && msg->len <= RF_MSG_BODY && !msg->flags;
}

/**
 * ficm_peer_send() - send a message to a kernel, if it still is that one
 * @to: the peer
 * @id: its number
 * @generation: its generation
 * @msg: the message, which ficm_msg_good() has seen
 *
 * Context: any but NMI.
 * Return: as ficm_send().
 */
int ficm_peer_send(struct ficm_peer *to, u32 id, u32 generation, const struct rf_msg *msg)
{
	u16 type = le16_to_cpu(msg->type);
	u32 tag = le32_to_cpu(msg->tag);
	int ret = send_to(to, id, generation, msg);

	if (!ret)
		trace_ficm_send(id, type, tag);
	else if (ret == -EAGAIN)
		trace_ficm_full(id, type, tag);
	else if (ret == -EPIPE)
		trace_ficm_broken(id, READ_ONCE(to->out.fault));
	return ret;
}

/**
 * ficm_send() - send a message to another kernel
 * @peer: whom to; FICM_LOOPBACK is this kernel itself
 * @msg: the message; copied
 *
 * Messages of one sender to one peer stay in order. Nothing is allocated and
 * nobody is waited for.
 *
 * Context: any but NMI.
 * Return: 0, -EAGAIN when the ring is full, which is nothing unusual, -ENOENT
 * when there is no such peer, -ENOTCONN when it is listed but has not joined yet,
 * -EPROTO when its area is of another version, -EPIPE when its ring is broken,
 * -EINVAL for a length, a flag or a type that cannot be.
 */
int ficm_send(u32 peer, const struct rf_msg *msg)
{
	struct ficm_peer *to = ficm_peer_find(peer);

	if (!ficm_msg_good(msg))
		return -EINVAL;
	return to ? ficm_peer_send(to, peer, READ_ONCE(to->generation), msg) : -ENOENT;
}
EXPORT_SYMBOL_NS_GPL(ficm_send, RAINFOREST_FICM);

/* Under out_lock. */
static void bell_ring(struct ficm_peer *to)
{
	if (!ficm_peer_bell(to))
		to->owed = true;
}

/**
 * ficm_knock() - ring another kernel's doorbell, without a message
 * @peer: whose
 *
 * For what it finds by looking: see ficm_listen(). Everything stored before is seen by whoever
 * looks because of it.
 *
 * Context: any but NMI.
 * Return: 0, also where it has no doorbell at the moment: it looks when it has one; -ENOENT,
 * -ENOTCONN, -EPROTO as of ficm_send().
 */
int ficm_knock(u32 peer)
{
	struct ficm_peer *to = ficm_peer_find(peer);
	unsigned long flags;
	int ret;

	if (!to)
		return -ENOENT;
	spin_lock_irqsave(&to->out_lock, flags);
	ret = peer_ready(to, peer, to->generation);
	if (!ret)
		bell_ring(to);
	spin_unlock_irqrestore(&to->out_lock, flags);
	return ret;
}
EXPORT_SYMBOL_NS_GPL(ficm_knock, RAINFOREST_FICM);

/**
 * ficm_signal() - raise a signal of another kernel
 * @peer: whose; FICM_LOOPBACK is this kernel itself
 * @n: which
 *
 * The other kernel's handler is called at least once after this, and sees all that was stored
 * before; how often is not told. No room is needed, nobody is waited for, and no thread has
 * to run there. A signal that the other one has not taken yet is not rung for again.
 *
 * Context: any but NMI.
 * Return: 0, also where it has no doorbell at the moment, or has not heard of us yet: it looks
 * when it has; -EINVAL: @n is not below RF_SIGNALS; -ENOENT, -ENOTCONN, -EPROTO as of
 * ficm_send(): nothing was raised.
 */
int ficm_signal(u32 peer, unsigned int n)
{
	struct ficm_peer *to = ficm_peer_find(peer);
	unsigned long flags;
	int ret;

	if (n >= RF_SIGNALS)
		return -EINVAL;
	if (!to)
		return -ENOENT;
	spin_lock_irqsave(&to->out_lock, flags);
	ret = peer_ready(to, peer, to->generation);
	if (!ret && ficm_signal_raise(&to->signals, n))
		bell_ring(to);
	spin_unlock_irqrestore(&to->out_lock, flags);
	return ret;
}
EXPORT_SYMBOL_NS_GPL(ficm_signal, RAINFOREST_FICM);

/**
 * ficm_multicast() - send a message to several kernels
 * @peers: whom to
 * @nr: entries in @peers
 * @msg: the message; copied
 *
 * For each that is reached one line is written, and its doorbell rung once at
 * most. Who is not there, has not joined, has a full or a broken ring is left
 * out: nothing is tried again.
 *
 * Context: any but NMI.
 * Return: how many were reached.
 */
int ficm_multicast(const u32 *peers, unsigned int nr, const struct rf_msg *msg)
{
	unsigned int i;
	int reached = 0;

	for (i = 0; i < nr; i++)
		if (!ficm_send(peers[i], msg))
			reached++;
	return reached;
}
EXPORT_SYMBOL_NS_GPL(ficm_multicast, RAINFOREST_FICM);

/**
 * ficm_broadcast() - send a message to all other kernels
 * @msg: the message; copied
 *
 * As ficm_multicast() to all that the directory lists; the loopback is none of
 * them.
 *
 * Context: any but NMI.
 * Return: how many were reached.
 */
int ficm_broadcast(const struct rf_msg *msg)
{
	u32 peers[RF_WIRE_PEERS], id;
	unsigned int i, nr = 0;

	for (i = 0; i < RF_WIRE_PEERS; i++) {
		id = READ_ONCE(ficm_peers[i].id);
		if (id != RF_FICM_NOBODY)
			peers[nr++] = id;
	}
	return ficm_multicast(peers, nr, msg);
}
EXPORT_SYMBOL_NS_GPL(ficm_broadcast, RAINFOREST_FICM);
