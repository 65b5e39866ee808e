// SPDX-License-Identifier: GPL-2.0-only
/*
 * Messages to the other ends, and from them.
 */
#include <linux/delay.h>
#include <linux/jiffies.h>
#include <linux/rcupdate.h>
#include <linux/string.h>

#include "internal.h"
#include "lend.h"
#include "region.h"

#define MESSAGE_PATIENCE	HZ	/* with a peer whose ring is full */

static int message_make(struct rf_msg *msg, u16 type, u32 to, const void *body, size_t len)
{
	if (WARN_ON_ONCE(len > sizeof(msg->body)))
		return -EINVAL;
	memset(msg, 0, sizeof(*msg));
	msg->type = cpu_to_le16(type);
	msg->tag = cpu_to_le32(to);
	msg->len = len;
	memcpy(msg->body, body, len);
	return 0;
}

/**
 * rfcom_send() - send a message that data must not overtake
 * @peer: whom to
 * @type: RF_MSG_COM_*
 * @to: number of the end there
 * @body: its body
 * @len: bytes of it
 *
 * Context: sleeps, up to a second while the ring is full.
 * Return: as ficm_send().
 */
int rfcom_send(u32 peer, u16 type, u32 to, const void *body, size_t len)
{
	unsigned long end = jiffies + MESSAGE_PATIENCE;
	struct rf_msg msg;
	int ret;

	ret = message_make(&msg, type, to, body, len);
	while (!ret) {
		ret = ficm_send(peer, &msg);
		if (ret != -EAGAIN || time_after(jiffies, end))
			break;
		ret = 0;
		usleep_range(50, 100);
	}
	return ret;
}

/**
 * rfcom_tell() - send a message without waiting: behind all data that was sent before
 * @peer: whom to
 * @type: RF_MSG_COM_*
 * @to: number of the end there
 * @body: its body
 * @len: bytes of it
 *
 * While the ring is full ficm's own thread goes on trying, for a second: what is lost
 * then the other end asks for, or is told when it sends.
 *
 * Context: any but NMI.
 */
void rfcom_tell(u32 peer, u16 type, u32 to, const void *body, size_t len)
{
	struct rf_msg msg;

	if (!message_make(&msg, type, to, body, len) && ficm_send(peer, &msg) == -EAGAIN)
		ficm_post(peer, &msg);
}

/**
 * rfcom_tell_end() - RF_MSG_COM_CLOSE or RF_MSG_COM_ASK
 * @peer: whom to
 * @type: which
 * @to: number of the end there
 * @from: of the end here
 *
 * Context: any but NMI.
 */
void rfcom_tell_end(u32 peer, u16 type, u32 to, u32 from)
{
	struct rf_com_end end = { .from = cpu_to_le32(from) };

	rfcom_tell(peer, type, to, &end, sizeof(end));
}

/**
 * rfcom_channel_break() - close the end for a reason of ours, and tell the other
 * @ch: the end
 * @error: why, negative
 *
 * Context: any but interrupts.
 */
void rfcom_channel_break(struct rf_channel *ch, int error)
{
	rfcom_channel_fail(ch, error);
	rfcom_tell_end(ch->peer, RF_MSG_COM_CLOSE, ch->remote, ch->id);
}

/*
 * The end that the last message was for, with a reference: the next is for the same, most
 * often. Of the handlers' thread, for one round: what was closed meanwhile is freed then.
 */
static struct rf_channel *recent;

static void recent_forget(struct ficm_end *end)
{
	rfcom_channel_put(recent);
	recent = NULL;
}

static struct ficm_end recent_end = { .fn = recent_forget };

static struct rf_channel *recent_find(u32 id, u32 peer)
{
	struct rf_channel *ch;

	if (recent && recent->id == id && recent->peer == peer)
		return recent;
	ch = rfcom_channel_find(id, peer);
	if (!ch)
		return NULL;
	if (recent)
		rfcom_channel_put(recent);
	else
		ficm_at_end(&recent_end);
	recent = ch;
	return ch;
}

/*
 * The end that a message is for, during the handler's call. What is for none of ours is
 * answered: its sender thinks that there is one. Nobody answers a close.
 */
static struct rf_channel *message_channel(u32 peer, const struct rf_msg *msg, size_t least)
{
	const struct rf_com_end *head = (const void *)msg->body;
	u32 to = le32_to_cpu(msg->tag), from = le32_to_cpu(head->from);
	struct rf_channel *ch;

	if (msg->len < least || !to || !from)
		return NULL;
	ch = recent_find(to, peer);
	if (ch && READ_ONCE(ch->remote) == from)
		return ch;
	if (le16_to_cpu(msg->type) != RF_MSG_COM_CLOSE)
		rfcom_tell_end(peer, RF_MSG_COM_CLOSE, from, to);
	return NULL;
}

static void got_opened(u32 peer, const struct rf_msg *msg, void *arg)
{
	const struct rf_com_opened *body = (const void *)msg->body;
	u32 to = le32_to_cpu(msg->tag), from = le32_to_cpu(body->from);
	u32 error = le32_to_cpu(body->error);
	bool taken = false;
	struct rf_channel *ch;

	if (msg->len != sizeof(*body) || !from == !error || error > MAX_ERRNO)
		return;
	ch = rfcom_channel_find(to, peer);
	if (ch) {
		spin_lock(&ch->lock);
		taken = ch->state == RFCOM_STATE_OPENING;
		if (taken) {
			ch->remote = from;
			ch->error = -(int)error;
			ch->state = error ? RFCOM_STATE_CLOSED : RFCOM_STATE_OPEN;
		}
		spin_unlock(&ch->lock);
		rfcom_channel_wake(ch);
		rfcom_channel_put(ch);
	}
	/* Nobody waits for it any more. */
	if (!taken && from)
		rfcom_tell_end(peer, RF_MSG_COM_CLOSE, from, to);
}

static bool message_in_chunk(const struct rf_msg *msg)
{
	const struct rf_com_data *body = (const void *)msg->body;

	return msg->len == offsetof(struct rf_com_data, data) + sizeof(struct rf_com_chunk) &&
	       le32_to_cpu(body->flags) & RF_COM_IN_CHUNK;
}

/* A chunk is looked after whatever became of the end that it was for. */
static int message_put(struct rf_channel *ch, u32 peer, const struct rf_msg *msg)
{
	const struct rf_com_data *body = (const void *)msg->body;

	if (message_in_chunk(msg))
		return rfcom_hold_put(ch, peer, body, msg->len);
	if (ch && rfcom_channel_is_open(ch))
		return rfcom_queue_put(&ch->in, body, msg->len, NULL, false);
	return 0;
}

static void got_data(u32 peer, const struct rf_msg *msg, void *arg)
{
	struct rf_channel *ch = message_channel(peer, msg, sizeof(struct rf_com_end));
	int ret = message_put(ch, peer, msg);

	if (ch && ret < 0)
		rfcom_channel_break(ch, -EPROTO);
	else if (ch && ret)
		rfcom_channel_wake(ch);
}

static void got_taken(u32 peer, const struct rf_msg *msg, void *arg)
{
	const struct rf_com_taken *body = (const void *)msg->body;
	struct rf_channel *ch = message_channel(peer, msg, sizeof(*body));

	if (!ch)
		return;
	WRITE_ONCE(ch->asked, 0);
	if (rfcom_credit_taken(&ch->out, le32_to_cpu(body->cells)))
		rfcom_channel_break(ch, -EPROTO);
	rfcom_channel_wake(ch);
}

static void got_ask(u32 peer, const struct rf_msg *msg, void *arg)
{
	struct rf_channel *ch = message_channel(peer, msg, sizeof(struct rf_com_end));
	struct rf_com_taken taken;

	if (!ch)
		return;
	taken.from = cpu_to_le32(ch->id);
	taken.cells = cpu_to_le32(READ_ONCE(ch->in.tail));
	rfcom_tell(peer, RF_MSG_COM_TAKEN, ch->remote, &taken, sizeof(taken));
}

static void got_close(u32 peer, const struct rf_msg *msg, void *arg)
{
	struct rf_channel *ch = message_channel(peer, msg, sizeof(struct rf_com_end));

	if (ch)
		rfcom_channel_fail(ch, 0);
}

/**
 * struct whole - a message whose body is one structure
 * @len: bytes of it; one of another length is ignored
 * @take: what it is for
 */
struct whole {
	size_t len;
	void (*take)(u32 peer, const struct rf_msg *msg);
};

#define WHOLE(type, fn)	(&(const struct whole){ .len = sizeof(struct type), .take = (fn) })

static void got_whole(u32 peer, const struct rf_msg *msg, void *arg)
{
	const struct whole *w = arg;

	if (msg->len == w->len)
		w->take(peer, msg);
}

static const struct {
	u16 type;
	ficm_handler_t fn;
	const struct whole *whole;
} handlers[] = {
	{ RF_MSG_COM_OPEN, got_whole, WHOLE(rf_com_open, rfcom_service_asked) },
	{ RF_MSG_COM_OPENED, got_opened },
	{ RF_MSG_COM_DATA, got_data },
	{ RF_MSG_COM_TAKEN, got_taken },
	{ RF_MSG_COM_ASK, got_ask },
	{ RF_MSG_COM_CLOSE, got_close },
	{ RF_MSG_COM_OFFER, got_whole, WHOLE(rf_com_offer, rfcom_lend_asked) },
	{ RF_MSG_COM_ATTACH, got_whole, WHOLE(rf_com_attach, rfcom_lend_asked) },
	{ RF_MSG_COM_DETACH, got_whole, WHOLE(rf_com_end, rfcom_lend_asked) },
	{ RF_MSG_COM_REGION, got_whole, WHOLE(rf_com_region, rfcom_region_answered) },
	{ RF_MSG_COM_REVOKE, got_whole, WHOLE(rf_com_end, rfcom_region_revoked) },
	{ RF_MSG_COM_DETACHED, got_whole, WHOLE(rf_com_end, rfcom_region_left) },
};

/**
 * rfcom_messages_init() - listen to the other kernels
 *
 * Return: 0, or what ficm_register() says.
 */
int rfcom_messages_init(void)
{
	unsigned int i;
	int ret;

	for (i = 0; i < ARRAY_SIZE(handlers); i++) {
		ret = ficm_register(handlers[i].type, handlers[i].fn,
				    (void *)handlers[i].whole);
		if (ret)
			goto err_unregister;
	}
	return 0;

err_unregister:
	while (i--)
		ficm_unregister(handlers[i].type);
	return ret;
}

/**
 * rfcom_messages_exit() - listen no more; no handler runs when it returns
 */
void rfcom_messages_exit(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(handlers); i++)
		ficm_unregister(handlers[i].type);
}
