// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the core of AF_VSOCK calls. Where it says nothing else, with the socket locked.
 */
#include <linux/module.h>
#include <linux/uio.h>
#include <rainforest/compat.h>

#include "vsock.h"

static int ops_init(struct vsock_sock *vsk, struct vsock_sock *parent)
{
	vsk->trans = vsock_end_create(sk_vsock(vsk));
	return vsk->trans ? 0 : -ENOMEM;
}

/* Nobody uses the socket any more, or it gets another transport. */
static void ops_destruct(struct vsock_sock *vsk)
{
	struct vsock_end *end = vsock_end_of(vsk);

	vsock_end_detach(end);
	vsk->trans = NULL;
	vsock_end_put(end);
}

static void ops_release(struct vsock_sock *vsk)
{
	vsock_end_detach(vsock_end_of(vsk));
	vsock_remove_sock(vsk);
}

static int ops_shutdown(struct vsock_sock *vsk, int how)
{
	struct vsock_end *end = vsock_end_of(vsk);

	if (end->ch)
		vsock_end_say(end, how);
	return 0;
}

static ssize_t ops_dequeue(struct vsock_sock *vsk, struct msghdr *msg, size_t len, int flags)
{
	struct vsock_end *end = vsock_end_of(vsk);
	ssize_t ret;

	ret = rf_read_some(end->ch, &msg->msg_iter, len, flags & MSG_PEEK ? RF_PEEK : 0);
	/* What stood behind it may be the end. */
	vsock_end_look(end);
	return ret;
}

static ssize_t ops_enqueue(struct vsock_sock *vsk, struct msghdr *msg, size_t len)
{
	struct vsock_end *end = vsock_end_of(vsk);
	size_t all = iov_iter_count(&msg->msg_iter);
	size_t bytes = min(len, vsock_end_room(end));
	int ret;

	iov_iter_truncate(&msg->msg_iter, bytes);
	/* There is credit for it; who may wait waits for the ring between the kernels. */
	ret = rf_write_iter(end->ch, &msg->msg_iter, msg->msg_flags & MSG_DONTWAIT ? RF_NOWAIT : 0);
	iov_iter_reexpand(&msg->msg_iter, all - bytes + iov_iter_count(&msg->msg_iter));
	return ret ?: (ssize_t)bytes;
}

static s64 ops_has_data(struct vsock_sock *vsk)
{
	return vsock_end_look(vsock_end_of(vsk));
}

static s64 ops_has_space(struct vsock_sock *vsk)
{
	return vsock_end_room(vsock_end_of(vsk));
}

/* More than anybody can ask for: it is read as it comes. */
static u64 ops_rcvhiwat(struct vsock_sock *vsk)
{
	return U64_MAX;
}

static bool ops_is_active(struct vsock_sock *vsk)
{
	return vsock_end_of(vsk)->ch;
}

static bool ops_allow(u32 cid, u32 port)
{
	return cid >= RF_VSOCK_CID && cid != VMADDR_CID_ANY;
}

static int ops_poll_in(struct vsock_sock *vsk, size_t target, bool *readable)
{
	*readable = vsock_end_look(vsock_end_of(vsk));
	return 0;
}

static int ops_poll_out(struct vsock_sock *vsk, size_t target, bool *writable)
{
	*writable = vsock_end_room(vsock_end_of(vsk));
	return 0;
}

static int ops_receiving(struct vsock_sock *vsk, size_t target,
			 struct vsock_transport_recv_notify_data *data)
{
	return 0;
}

static int ops_received(struct vsock_sock *vsk, size_t target, ssize_t copied, bool read,
			struct vsock_transport_recv_notify_data *data)
{
	return 0;
}

static int ops_sending(struct vsock_sock *vsk, struct vsock_transport_send_notify_data *data)
{
	return 0;
}

static int ops_sent(struct vsock_sock *vsk, ssize_t written,
		    struct vsock_transport_send_notify_data *data)
{
	return 0;
}

/* Whoever polls is told of each byte. */
static int ops_set_rcvlowat(struct vsock_sock *vsk, int bytes)
{
	return -EOPNOTSUPP;
}

const struct vsock_transport vsock_transport = {
	.module = THIS_MODULE,
	.init = ops_init,
	.destruct = ops_destruct,
	.release = ops_release,
	.connect = vsock_attempt,
	.shutdown = ops_shutdown,
	.get_local_cid = vsock_own_cid,
	.stream_allow = ops_allow,
	.stream_is_active = ops_is_active,
	.stream_dequeue = ops_dequeue,
	.stream_enqueue = ops_enqueue,
	.stream_has_data = ops_has_data,
	.stream_has_space = ops_has_space,
	.stream_rcvhiwat = ops_rcvhiwat,
	.rf_vsock_set_rcvlowat = ops_set_rcvlowat,
	.notify_poll_in = ops_poll_in,
	.notify_poll_out = ops_poll_out,
	.notify_recv_init = ops_receiving,
	.notify_recv_pre_block = ops_receiving,
	.notify_recv_pre_dequeue = ops_receiving,
	.notify_recv_post_dequeue = ops_received,
	.notify_send_init = ops_sending,
	.notify_send_pre_block = ops_sending,
	.notify_send_pre_enqueue = ops_sending,
	.notify_send_post_enqueue = ops_sent,
};
