// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sockets on RFcom's channels (vsock_accept.c, vsock_connect.c, vsock_end.c, vsock_ops.c),
 * with channels that bring anything in any order, and programs that listen, connect, read,
 * write, shut down and close meanwhile. Nobody is let in but who asks as it has to be, the
 * stream is read as it was sent, and nothing behind what breaks the rules; in the end no
 * socket and no channel is left.
 */
#include "vsock_kernel.h"

#include "dice.h"

#define CHANNELS	8U
#define SOCKETS		8U
#define PORT		5000U
#define OWN_CID		(RF_VSOCK_CID + 3)

#include "vsock.h"

struct workqueue_struct *vsock_queue;

u32 vsock_own_cid(void)
{
	return OWN_CID;
}

u32 vsock_peer_cid(u32 peer)
{
	return peer + RF_VSOCK_CID;
}

u32 vsock_cid_peer(u32 cid)
{
	return cid - RF_VSOCK_CID;
}

#include "vsock_end.c"
#include "vsock_ops.c"
#include "vsock_accept.c"
#include "vsock_connect.c"

static struct rf_channel *channel[CHANNELS];
static struct rf_channel *knocking[CHANNELS];	/* that nobody has accepted */
static struct rf_service listening;
static struct vsock_sock *user[SOCKETS];	/* sockets of programs */
static struct vsock_sock *listener;
static unsigned long sockets, let_in, turned_away, connected, bytes_read, breaches;

#include "vsock_channel.h"

/* the other kernels */

static void bring(struct rf_channel *ch, const u8 *data, u32 len, bool mark)
{
	u32 at = ch->next % MESSAGES;

	if (ch->ended || ch->next - ch->first == MESSAGES)
		return;
	must(len && len <= BYTES);
	ch->message[at].len = len;
	ch->message[at].mark = mark;
	memcpy(ch->message[at].data, data, len);
	ch->next++;
	wake_up_all(&ch->wait);
}

static void bring_first(struct rf_channel *ch, u32 d)
{
	struct rf_vsock_request request = { .type = RF_VSOCK_STREAM, .to_port = PORT,
					    .from_port = d };
	u8 data[BYTES] = { 0 };
	u32 len = sizeof(request), i;

	if (d % 8 == 0)
		request.type = dice();
	if (d % 8 == 1)
		request.reserved = dice();
	if (d % 8 == 2)
		request.to_port = dice();
	memcpy(data, &request, sizeof(request));
	if (d % 8 == 3)
		len = 1 + dice() % BYTES;
	for (i = 0; d % 16 == 4 && i < sizeof(data); i++)
		data[i] = dice();
	bring(ch, data, len, d % 32 == 5);
}

static void bring_mark(struct rf_channel *ch, u32 d)
{
	u8 data[BYTES] = { d / 4 % 4 };
	u32 len = d % 16 == 15 ? 1 + dice() % BYTES : 4;

	if (d % 32 == 14)
		data[dice() % 4] = dice();
	if (ch->bad == UINT_MAX && (len != 4 || data[1] || data[2] || data[3] || !data[0] ||
				    data[0] > 3 || data[0] & ch->heard))
		ch->bad = ch->next;
	ch->heard |= data[0];
	bring(ch, data, len, true);
}

static void bring_data(struct rf_channel *ch, u32 d)
{
	u8 data[BYTES];
	u32 i, len = 1 + d % BYTES;

	if (ch->ended || ch->next - ch->first == MESSAGES)
		return;
	if (ch->heard & RF_VSOCK_SENT && ch->bad == UINT_MAX)
		ch->bad = ch->next;
	for (i = 0; i < len; i++)
		data[i] = ch->said++;
	bring(ch, data, len, false);
}

static void step_far(u32 d)
{
	struct rf_channel *ch = channel[d % CHANNELS];
	u32 i = d % CHANNELS;

	if (!ch) {
		ch = channel_new(d / CHANNELS % 3, false);
		for (i = 0; i < CHANNELS && knocking[i]; i++)
			;
		knocking[i] = ch;
		if (d & 128)
			bring_first(ch, dice());
		wake_up_all(&listening.wait);
		return;
	}
	d = dice();
	if (d % 16 == 0) {
		ch->ended = true;
		ch->error = d & 16 ? -ECONNRESET : 0;
		wake_up_all(&ch->wait);
	} else if (!ch->next && !ch->opened) {
		bring_first(ch, dice());
	} else if (d % 16 < 4 && ch->next != ch->first + MESSAGES && !ch->ended) {
		bring_mark(ch, dice());
	} else {
		bring_data(ch, d / 16);
	}
}

/* It answers, or does not: who connects waits. */
static void kernel_wait(void)
{
	u8 answer[BYTES] = { 0 };
	u32 d = dice(), i;

	for (i = 0; i < CHANNELS; i++) {
		if (!channel[i] || !channel[i]->opened || channel[i]->next)
			continue;
		if (d % 4 == 0)
			answer[0] = dice();
		if (d % 8 != 1)
			bring(channel[i], answer, d % 8 == 2 ? 1 + dice() % BYTES :
			      sizeof(struct rf_vsock_answer), d % 32 == 31);
		return;
	}
}

/* sockets */

static void sock_heard(struct sock *sk)
{
	must(sk->refs > 0);
}

static struct vsock_sock *socket_new(void)
{
	struct vsock_sock *vsk = kernel_alloc(sizeof(*vsk), 0, true);

	vsk->sk = (struct sock){ .refs = 1, .sk_state = TCP_CLOSE, .sk_type = SOCK_STREAM,
				 .sk_data_ready = sock_heard, .sk_write_space = sock_heard,
				 .sk_state_change = sock_heard, .sk_socket = &vsk->socket };
	vsk->connect_timeout = 2 * HZ;
	INIT_LIST_HEAD(&vsk->accepted);
	sockets++;
	return vsk;
}

static void sock_put(struct sock *sk)
{
	struct vsock_sock *vsk = vsock_sk(sk);

	must(sk->refs > 0);
	if (--sk->refs)
		return;
	must(!sk->locked && list_empty(&vsk->accepted));
	if (vsk->transport)
		vsk->transport->destruct(vsk);
	sockets--;
	kfree(vsk);
}

static struct sock *vsock_create_connected(struct sock *parent)
{
	must(parent->locked);
	return dice() % 32 == 31 ? NULL : sk_vsock(socket_new());
}

static int vsock_assign_transport(struct vsock_sock *vsk, struct vsock_sock *parent)
{
	(void)parent;
	vsk->transport = &vsock_transport;
	return vsock_transport.init(vsk, NULL);
}

static struct sock *vsock_find_bound_socket(const struct sockaddr_vm *to)
{
	must(to->svm_cid == OWN_CID);
	if (!listener || to->svm_port != PORT)
		return NULL;
	sock_hold(&listener->sk);
	return &listener->sk;
}

static void vsock_enqueue_accept(struct sock *parent, struct sock *sk)
{
	struct vsock_sock *vsk = vsock_sk(sk);
	struct rf_channel *ch = vsock_end_of(vsk)->ch;
	struct rf_vsock_request request;

	must(parent == &listener->sk && parent->locked && sk->sk_state == TCP_ESTABLISHED);
	must(ch && ch->answered == 1 && asked_well(ch, &request) && there_is(&request));
	must(vsk->remote_addr.svm_cid == vsock_peer_cid(ch->peer) &&
	     vsk->remote_addr.svm_port == request.from_port);
	list_add_tail(&vsk->accepted, &listener->accepted);
	let_in++;
}

/* If it has asked: the answer was one. */
static void vsock_insert_connected(struct vsock_sock *vsk)
{
	const struct rf_channel *ch = vsock_end_of(vsk)->ch;
	struct rf_vsock_answer answer;

	must(ch && vsk->sk.sk_state == TCP_ESTABLISHED);
	if (!ch->opened)
		return;
	memcpy(&answer, ch->message[0].data, sizeof(answer));
	must(ch->next && ch->message[0].len == sizeof(answer) && !answer.error);
}

static void socket_release(struct vsock_sock *vsk)
{
	struct vsock_sock *child, *next;

	lock_sock(&vsk->sk);
	if (vsk->transport)
		vsk->transport->release(vsk);
	vsk->sk.sk_shutdown = SHUTDOWN_MASK;
	list_for_each_entry_safe(child, next, &vsk->accepted, accepted) {
		list_del(&child->accepted);
		INIT_LIST_HEAD(&child->accepted);
		socket_release(child);
	}
	release_sock(&vsk->sk);
	sock_put(&vsk->sk);
}

static void step_listener(u32 d)
{
	if (!listener) {
		listener = socket_new();
		listener->sk.sk_state = TCP_LISTEN;
	} else if (d % 8 == 0) {
		struct vsock_sock *vsk = listener;

		listener = NULL;
		socket_release(vsk);
	} else {
		listener->sk.sk_shutdown = d % 8 == 1 ? SHUTDOWN_MASK : 0;
	}
}

static void step_connect(struct vsock_sock **at, u32 d)
{
	struct vsock_sock *vsk = socket_new();

	*at = vsk;
	vsk->remote_addr = (struct sockaddr_vm){ RF_VSOCK_CID + d % 16, d };
	must(!vsock_assign_transport(vsk, NULL));
	lock_sock(&vsk->sk);
	vsk->sk.sk_state = TCP_SYN_SENT;
	must(!vsk->transport->connect(vsk));
	release_sock(&vsk->sk);
}

static void step_accept(struct vsock_sock **at)
{
	struct vsock_sock *vsk;

	if (!listener || list_empty(&listener->accepted))
		return;
	vsk = list_first_entry(&listener->accepted, struct vsock_sock, accepted);
	list_del(&vsk->accepted);
	INIT_LIST_HEAD(&vsk->accepted);
	lock_sock(&listener->sk);
	sk_acceptq_removed(&listener->sk);
	release_sock(&listener->sk);
	*at = vsk;
}

static void use(struct vsock_sock *vsk, u32 d)
{
	u8 buffer[256] = { 0 };
	struct msghdr msg = { .msg_iter = { .at = buffer, .count = sizeof(buffer) },
			      .msg_flags = dice() & MSG_DONTWAIT };
	size_t len = dice();
	bool is;

	switch (d % 6) {
	case 0 ... 1:	/* in this order, as the core does it */
		if (vsk->transport->stream_has_data(vsk) > 0)
			vsk->transport->stream_dequeue(vsk, &msg, len, d & 128 ? MSG_PEEK : 0);
		break;
	case 2:
		vsk->transport->stream_enqueue(vsk, &msg, len);
		break;
	case 3:
		vsk->transport->shutdown(vsk, d / 8 % 4);
		break;
	case 4:
		vsk->transport->notify_poll_out(vsk, 1, &is);
		break;
	default:
		is = vsk->transport->stream_has_data(vsk);
		must(!is || rf_has_message(vsock_end_of(vsk)->ch));
	}
}

/* What a socket says of its channel. */
static void check(const struct vsock_sock *vsk)
{
	const struct vsock_end *end = vsock_end_of(vsk);

	must(!(vsk->peer_shutdown & ~SHUTDOWN_MASK));
	if (!end->ch)
		return;
	must(!(end->heard & ~end->ch->heard) || end->ch->bad != UINT_MAX);
	must(end->ch->first <= end->ch->bad || end->over);
	if (!end->over)
		return;
	breaches += vsk->sk.sk_err == EPROTO;
	must(vsk->sk.done && (vsk->sk.sk_err || end->heard & RF_VSOCK_SENT));
	must(vsk->sk.sk_err != EPROTO || end->ch->bad != UINT_MAX);
}

static void step_socket(u32 d)
{
	struct vsock_sock **at = &user[d % SOCKETS], *vsk = *at;

	if (!vsk && d & 128) {
		step_connect(at, d);
	} else if (!vsk) {
		step_accept(at);
	} else if (d % 16 == 15) {
		*at = NULL;
		socket_release(vsk);
	} else {
		lock_sock(&vsk->sk);
		if (vsk->sk.sk_state == TCP_ESTABLISHED) {
			connected++;
			use(vsk, dice());
			check(vsk);
		}
		release_sock(&vsk->sk);
	}
}

static void step(void)
{
	u32 d = dice(), more = dice();

	switch (d % 8) {
	case 0 ... 2:
		step_far(more);
		break;
	case 3 ... 4:
		step_socket(more);
		break;
	case 5:
		kernel_do_work(1, more % 16 == 0);
		break;
	case 6:
		kernel_do_work(4, false);
		break;
	default:
		step_listener(more);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct vsock_sock *vsk;
	u32 i;

	input = data;
	input_size = size;
	must(!vsock_accept_init());
	step_listener(1);
	while (input_size)
		step();
	for (i = 0; i < SOCKETS; i++) {
		vsk = user[i];
		user[i] = NULL;
		if (vsk)
			socket_release(vsk);
	}
	vsk = listener;
	listener = NULL;
	if (vsk)
		socket_release(vsk);
	kernel_do_work(UINT_MAX, false);
	vsock_accept_exit();
	for (i = 0; i < CHANNELS; i++)
		must(!channel[i]);
	must(!sockets);
	kernel_end();
	return 0;
}

size_t fuzz_make(uint8_t *data, uint64_t (*random)(void))
{
	return dice_make(data, random, 200, 1000);
}

int fuzz_summary(char *text, size_t size)
{
	snprintf(text, size, "%lu let in, %lu turned away, %lu uses, %lu bytes read, %lu breaches",
		 let_in, turned_away, connected, bytes_read, breaches);
	return !let_in || !turned_away || !connected || !bytes_read || !breaches;
}
