// SPDX-License-Identifier: GPL-2.0-only
/*
 * Messages to other kernels, and from them.
 */
#include <linux/bottom_half.h>
#include <linux/string.h>

#include "internal.h"

/**
 * rfloop_tell() - send a message
 * @peer: whom to
 * @type: RF_MSG_LOOP_*
 * @body: its body
 * @len: bytes of it
 *
 * While the ring of messages is full, ficm's own thread goes on trying, for a second.
 *
 * Context: any but NMI.
 * Return: 0, or an error as of ficm_send() and ficm_post(): it is lost.
 */
int rfloop_tell(u32 peer, u16 type, const void *body, size_t len)
{
	struct rf_msg msg = { .type = cpu_to_le16(type), .len = len };
	int ret;

	if (len)
		memcpy(msg.body, body, len);
	ret = ficm_send(peer, &msg);
	return ret == -EAGAIN ? ficm_post(peer, &msg) : ret;
}

/**
 * rfloop_knock() - a peer sleeps, and there is a packet for it
 * @peer: the peer
 *
 * Context: any but NMI; under what lets this kernel use the ring.
 */
void rfloop_knock(struct rfloop_peer *peer)
{
	rfloop_count_one(&peer->count.bells);
	ficm_knock(peer->id);
}

/* The doorbell: who has sent a packet? */
static bool heard(void)
{
	struct rfloop_receiving *r;
	unsigned int i;
	bool found = false;

	for (i = 0; i < RFLOOP_PEERS; i++) {
		r = READ_ONCE(rfloop_peers[i].receiving);
		if (!r || !rfloop_in_any(&r->in))
			continue;
		napi_schedule(&rfloop_peers[i].napi);
		found = true;
	}
	return found;
}

/**
 * rfloop_bell() - a peer waits for room, and there is some
 * @peer: the peer
 *
 * Context: any but NMI; under what lets this kernel use the ring.
 */
void rfloop_bell(struct rfloop_peer *peer)
{
	rfloop_count_one(&peer->count.bells);
	rfloop_tell(peer->id, RF_MSG_LOOP_BELL, NULL, 0);
}

static void got_ask(u32 id, const struct rf_msg *msg, void *arg)
{
	const struct rf_loop_ask *body = (const void *)msg->body;
	struct rfloop_peer *peer = rfloop_peer_find(id);

	if (!peer || msg->len != sizeof(*body) || le32_to_cpu(body->version) != RF_LOOP_VERSION)
		return;
	spin_lock(&peer->lock);
	peer->asked = le32_to_cpu(body->number);
	spin_unlock(&peer->lock);
	rfloop_kick(peer, RFLOOP_ASKED);
}

static void got_answer(u32 id, const struct rf_msg *msg, void *arg)
{
	struct rfloop_peer *peer = rfloop_peer_find(id);

	if (!peer || msg->len != sizeof(peer->answer))
		return;
	spin_lock(&peer->lock);
	memcpy(&peer->answer, msg->body, sizeof(peer->answer));
	spin_unlock(&peer->lock);
	rfloop_kick(peer, RFLOOP_ANSWERED);
}

static void got_down(u32 id, const struct rf_msg *msg, void *arg)
{
	const struct rf_loop_down *body = (const void *)msg->body;
	struct rfloop_peer *peer = rfloop_peer_find(id);

	if (!peer || msg->len != sizeof(*body))
		return;
	if (body->yours)
		WRITE_ONCE(peer->up, false);
	rfloop_kick(peer, body->yours ? RFLOOP_OUT_END : RFLOOP_IN_END);
}

static void got_bell(u32 id, const struct rf_msg *msg, void *arg)
{
	struct rfloop_peer *peer = rfloop_peer_find(id);

	if (id == FICM_SUPERVISOR)
		rfloop_ask_called();
	if (!peer)
		return;
	local_bh_disable();
	napi_schedule(&peer->napi);
	rfloop_room(peer);
	local_bh_enable();
}

static const struct {
	u16 type;
	ficm_handler_t fn;
} handlers[] = {
	{ RF_MSG_LOOP_ASK, got_ask },
	{ RF_MSG_LOOP_ANSWER, got_answer },
	{ RF_MSG_LOOP_DOWN, got_down },
	{ RF_MSG_LOOP_BELL, got_bell },
};

/**
 * rfloop_messages_init() - listen to other kernels
 *
 * Return: 0, or an error as of ficm_register() and ficm_listen().
 */
int rfloop_messages_init(void)
{
	unsigned int i;
	int ret = ficm_listen(heard);

	if (ret)
		return ret;
	for (i = 0; !ret && i < ARRAY_SIZE(handlers); i++)
		ret = ficm_register(handlers[i].type, handlers[i].fn, NULL);
	if (ret) {
		for (i--; i; i--)
			ficm_unregister(handlers[i - 1].type);
		ficm_listen_end(heard);
	}
	return ret;
}

/**
 * rfloop_messages_exit() - listen no more; no handler runs when this returns
 */
void rfloop_messages_exit(void)
{
	unsigned int i;

	ficm_listen_end(heard);
	for (i = 0; i < ARRAY_SIZE(handlers); i++)
		ficm_unregister(handlers[i].type);
}
