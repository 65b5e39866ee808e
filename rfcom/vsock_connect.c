// SPDX-License-Identifier: GPL-2.0-only
/*
 * Connecting: a work opens the channel and waits for the answer, so that connect() need
 * not. Nobody waits for another kernel for longer than the socket's own time limit.
 */
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/minmax.h>
#include <linux/slab.h>

#include "vsock.h"

#define CONNECT_MOST	(60 * HZ)	/* whatever the program set */
#define CONNECT_AGAIN	10		/* ms, where too many ask to be let in at a time */

/**
 * struct attempt - to connect
 * @work: makes it
 * @end: of the socket, with a reference to it and to the socket
 * @cid: where to
 * @port: where to
 * @from_port: the socket's
 * @until: jiffies, when it is given up
 */
struct attempt {
	struct work_struct work;
	struct vsock_end *end;
	u32 cid;
	u32 port;
	u32 from_port;
	unsigned long until;
};

static long attempt_left(const struct attempt *a)
{
	return max(0L, (long)(a->until - jiffies));
}

static bool attempt_given_up(const struct attempt *a)
{
	return READ_ONCE(a->end->attempt) != a || !attempt_left(a);
}

/* A kernel lets few in at a time: others try again. */
static struct rf_channel *attempt_open(const struct attempt *a)
{
	struct ficm_kernel kernel;
	struct rf_channel *ch;
	int ret;

	for (;;) {
		ret = ficm_describe(vsock_cid_peer(a->cid), &kernel);
		if (ret)
			return ERR_PTR(-ENODEV);
		ch = rf_open(kernel.name, RF_VSOCK_SERVICE, jiffies_to_msecs(attempt_left(a)));
		if (PTR_ERR_OR_ZERO(ch) != -EAGAIN || attempt_given_up(a))
			return ch;
		msleep(CONNECT_AGAIN);
	}
}

static int attempt_ask(const struct attempt *a, struct rf_channel *ch)
{
	struct rf_vsock_request request = {
		.type = cpu_to_le32(RF_VSOCK_STREAM),
		.from_port = cpu_to_le32(a->from_port),
		.to_port = cpu_to_le32(a->port),
	};
	struct rf_vsock_answer answer;
	ssize_t ret;

	ret = rf_write(ch, &request, sizeof(request), RF_NOWAIT);
	if (ret)
		return ret;
	if (!wait_event_timeout(*rf_channel_wait(ch), rf_readable(ch), attempt_left(a)))
		return -ETIMEDOUT;
	ret = rf_read(ch, &answer, sizeof(answer), RF_NOWAIT);
	return ret == sizeof(answer) && !answer.error ? 0 : -ECONNRESET;
}

/* What rf_open() says, as programs know it of sockets of this family. */
static int attempt_error(int error)
{
	switch (error) {
	case -ENOENT:
	case -ENOTCONN:
		return -ENODEV;
	case -EACCES:
	case -ENODEV:
	case -ENOMEM:
		return error;
	case -EAGAIN:
	case -ETIMEDOUT:
		return -ETIMEDOUT;
	default:
		return -ECONNRESET;
	}
}

static void attempt_done(struct vsock_end *end, struct rf_channel *ch)
{
	struct sock *sk = end->sk;

	vsock_end_attach(end, ch);
	sk->sk_state = TCP_ESTABLISHED;
	sk->sk_socket->state = SS_CONNECTED;
	vsock_insert_connected(vsock_sk(sk));
	sk->sk_state_change(sk);
}

static void attempt_failed(struct sock *sk, int error)
{
	sk->sk_state = TCP_CLOSE;
	sk->sk_socket->state = SS_UNCONNECTED;
	sk->sk_err = -attempt_error(error);
	sk_error_report(sk);
	sk->sk_state_change(sk);
}

static void attempt_work(struct work_struct *work)
{
	struct attempt *a = container_of(work, struct attempt, work);
	struct rf_channel *ch = attempt_open(a);
	int ret = PTR_ERR_OR_ZERO(ch);
	struct vsock_end *end = a->end;
	struct sock *sk = end->sk;

	if (!ret)
		ret = attempt_ask(a, ch);
	lock_sock(sk);
	if (end->attempt != a || sk->sk_state != TCP_SYN_SENT)
		ret = ret ?: -ECANCELED;
	else if (ret)
		attempt_failed(sk, ret);
	else
		attempt_done(end, ch);
	if (end->attempt == a)
		end->attempt = NULL;
	release_sock(sk);
	if (ret && !IS_ERR(ch))
		rf_close(ch);
	sock_put(sk);
	vsock_end_put(end);
	kfree(a);
}

/**
 * vsock_attempt() - begin to connect
 * @vsk: the socket, locked; its addresses are set
 *
 * Return: 0, -ENOMEM.
 */
int vsock_attempt(struct vsock_sock *vsk)
{
	struct vsock_end *end = vsock_end_of(vsk);
	struct attempt *a = kzalloc(sizeof(*a), GFP_KERNEL_ACCOUNT);

	if (!a)
		return -ENOMEM;
	INIT_WORK(&a->work, attempt_work);
	a->end = end;
	a->cid = vsk->remote_addr.svm_cid;
	a->port = vsk->remote_addr.svm_port;
	a->from_port = vsk->local_addr.svm_port;
	a->until = jiffies + min_t(long, vsk->connect_timeout, CONNECT_MOST);
	vsock_end_get(end);
	sock_hold(end->sk);
	/* One before it that is still under way finds that it is not the one any more. */
	WRITE_ONCE(end->attempt, a);
	queue_work(vsock_queue, &a->work);
	return 0;
}
