// SPDX-License-Identifier: GPL-2.0-only
/*
 * Regions that kernels ask the supervisor for: one request after the other, a few of one
 * kernel at a time. A subOS that is asked answers that it lends nothing.
 */
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/workqueue.h>

#include "internal.h"
#include "lend.h"

/**
 * struct ask - a request about a region
 * @work: answers it
 * @peer: kernel that asks
 * @msg: what it wants
 */
struct ask {
	struct work_struct work;
	u32 peer;
	struct rf_msg msg;
};

static struct workqueue_struct *asks;
static struct rfcom_quota quota = RFCOM_QUOTA_INIT(quota, 16);

static void answer_send(u32 peer, u32 number, struct rf_com_region *answer, int error)
{
	answer->error = cpu_to_le32(-error);
	rfcom_tell(peer, RF_MSG_COM_REGION, number, answer, sizeof(*answer));
}

/* Is this kernel the one that lends, and which one asks? */
static int ask_check(u32 peer, struct ficm_kernel *who)
{
	u32 own;

	if (ficm_own(&own) || own != FICM_SUPERVISOR)
		return -EINVAL;
	return ficm_describe(peer, who) ? -EINVAL : 0;
}

static void ask_region(u32 peer, const struct rf_msg *msg)
{
	struct rf_com_region answer = { 0 };
	struct ficm_kernel who;
	struct rf_com_end head;
	int ret;

	memcpy(&head, msg->body, sizeof(head));
	/* It counts anew: its rfcom was loaded again. */
	rfcom_lend_detach(peer, le32_to_cpu(head.from));
	ret = ask_check(peer, &who);
	if (!ret && le16_to_cpu(msg->type) == RF_MSG_COM_OFFER)
		ret = rfcom_lend_offer(&who, (const void *)msg->body, &answer);
	else if (!ret)
		ret = rfcom_lend_attach(&who, (const void *)msg->body, &answer);
	answer_send(peer, le32_to_cpu(head.from), &answer, ret);
}

static void ask_detach(u32 peer, const struct rf_msg *msg)
{
	const struct rf_com_end *head = (const void *)msg->body;
	u32 number = le32_to_cpu(head->from);

	rfcom_lend_detach(peer, number);
	rfcom_tell_end(peer, RF_MSG_COM_DETACHED, number, number);
}

static void ask_work(struct work_struct *work)
{
	struct ask *ask = container_of(work, struct ask, work);

	if (le16_to_cpu(ask->msg.type) == RF_MSG_COM_DETACH)
		ask_detach(ask->peer, &ask->msg);
	else
		ask_region(ask->peer, &ask->msg);
	rfcom_quota_end(&quota, ask->peer);
	kfree(ask);
}

/* Who lets go asks again; who wants one is told to. */
static void ask_refuse(u32 peer, const struct rf_msg *msg)
{
	const struct rf_com_end *head = (const void *)msg->body;
	struct rf_com_region answer = { 0 };

	if (le16_to_cpu(msg->type) != RF_MSG_COM_DETACH)
		answer_send(peer, le32_to_cpu(head->from), &answer, -EAGAIN);
}

/**
 * rfcom_lend_asked() - a kernel wants a region, or has let go of one
 * @peer: which
 * @msg: RF_MSG_COM_OFFER, RF_MSG_COM_ATTACH or RF_MSG_COM_DETACH, of the right length
 *
 * Context: a handler's of ficm.
 */
void rfcom_lend_asked(u32 peer, const struct rf_msg *msg)
{
	bool begun = rfcom_quota_begin(&quota, peer);
	struct ask *ask = NULL;

	if (begun)
		ask = kmalloc(sizeof(*ask), GFP_NOWAIT | __GFP_NOWARN);
	if (!ask) {
		if (begun)
			rfcom_quota_end(&quota, peer);
		ask_refuse(peer, msg);
		return;
	}
	INIT_WORK(&ask->work, ask_work);
	ask->peer = peer;
	ask->msg = *msg;
	queue_work(asks, &ask->work);
}

/**
 * rfcom_lend_asks_init() - what answers
 *
 * Return: 0, -ENOMEM.
 */
int rfcom_lend_asks_init(void)
{
	asks = alloc_ordered_workqueue("rfcom_lend", 0);
	return asks ? 0 : -ENOMEM;
}

/**
 * rfcom_lend_asks_exit() - no request comes any more
 */
void rfcom_lend_asks_exit(void)
{
	destroy_workqueue(asks);
	rfcom_lend_exit();
}
