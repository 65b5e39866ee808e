// SPDX-License-Identifier: GPL-2.0-only
/*
 * A socket and its channel: what happens to the one is told to the other.
 */
#include <linux/minmax.h>
#include <linux/slab.h>

#include "vsock.h"

#define END_MESSAGE	32768U			/* bytes of the stream in a message */
#define END_RESERVE	(2U * RF_COM_LINE)	/* room for what vsock_end_say() says */

static_assert(RF_VSOCK_READ == RCV_SHUTDOWN && RF_VSOCK_SENT == SEND_SHUTDOWN);

static void end_free(struct kref *ref)
{
	kfree(container_of(ref, struct vsock_end, ref));
}

/**
 * vsock_end_get() - a reference more
 * @end: what it is to
 */
void vsock_end_get(struct vsock_end *end)
{
	kref_get(&end->ref);
}

/**
 * vsock_end_put() - a reference less
 * @end: what it is to
 */
void vsock_end_put(struct vsock_end *end)
{
	kref_put(&end->ref, end_free);
}

static void end_look_work(struct work_struct *work)
{
	struct vsock_end *end = container_of(work, struct vsock_end, look);
	struct sock *sk = end->sk;

	lock_sock(sk);
	if (end->ch)
		vsock_end_look(end);
	release_sock(sk);
	sock_put(sk);
	vsock_end_put(end);
}

static void end_look_later(struct vsock_end *end)
{
	sock_hold(end->sk);
	vsock_end_get(end);
	if (queue_work(vsock_queue, &end->look))
		return;
	/* Not the last ones: whoever has the channel has others. */
	vsock_end_put(end);
	__sock_put(end->sk);
}

/* Something has happened to the channel: in ficm's thread, must not sleep. */
static int end_news(struct wait_queue_entry *entry, unsigned int mode, int sync, void *key)
{
	struct vsock_end *end = container_of(entry, struct vsock_end, news);
	struct sock *sk = end->sk;
	int error;

	if (rf_ended(end->ch, &error) || rf_marked(end->ch))
		end_look_later(end);
	if (rf_readable(end->ch))
		sk->sk_data_ready(sk);
	/* The news before that: pairs with vsock_end_room(). */
	smp_mb();
	if (READ_ONCE(end->full) && (rf_ended(end->ch, &error) ||
				     rf_room(end->ch) > END_RESERVE)) {
		WRITE_ONCE(end->full, false);
		sk->sk_write_space(sk);
	}
	return 0;
}

/**
 * vsock_end_create() - for a socket that has no channel yet
 * @sk: the socket
 *
 * Return: it, for vsock_end_put(), or NULL.
 */
struct vsock_end *vsock_end_create(struct sock *sk)
{
	struct vsock_end *end = kzalloc(sizeof(*end), GFP_KERNEL_ACCOUNT);

	if (!end)
		return NULL;
	kref_init(&end->ref);
	end->sk = sk;
	init_waitqueue_func_entry(&end->news, end_news);
	INIT_WORK(&end->look, end_look_work);
	return end;
}

/**
 * vsock_end_attach() - the socket has a channel
 * @end: of the socket, locked, or seen by nobody yet
 * @ch: the channel's end, which is its from now on
 */
void vsock_end_attach(struct vsock_end *end, struct rf_channel *ch)
{
	end->ch = ch;
	end->full = false;
	end->said = 0;
	end->heard = 0;
	end->over = false;
	add_wait_queue(rf_channel_wait(ch), &end->news);
	smp_mb();	/* see rf_channel_wait() */
}

/**
 * vsock_end_detach() - the socket has no channel, and connects to none, any more
 * @end: of the socket, locked, or seen by nobody any more
 *
 * What was sent before can be read at the other end.
 */
void vsock_end_detach(struct vsock_end *end)
{
	struct rf_channel *ch = end->ch;

	end->attempt = NULL;
	if (!ch)
		return;
	vsock_end_say(end, RF_VSOCK_READ | RF_VSOCK_SENT);
	remove_wait_queue(rf_channel_wait(ch), &end->news);
	end->ch = NULL;
	rf_close(ch);
}

/**
 * vsock_end_say() - tell the other end that we read, or send, no more
 * @end: of a socket with a channel, locked
 * @how: RF_VSOCK_*
 *
 * Behind what was sent. There is always room for it: each bit is told once.
 */
void vsock_end_say(struct vsock_end *end, u32 how)
{
	struct rf_vsock_shutdown body;

	how &= ~end->said;
	if (!how)
		return;
	end->said |= how;
	body.how = cpu_to_le32(how);
	rf_write(end->ch, &body, sizeof(body), RF_NOWAIT | RF_MARK);
}

/**
 * vsock_end_room() - how much of the stream may be sent
 * @end: of a socket with a channel, locked
 *
 * Whoever is told that there is no room is woken when there is.
 *
 * Return: bytes; more than 0 also when the other end is gone: sending says so.
 */
size_t vsock_end_room(struct vsock_end *end)
{
	size_t room = rf_room(end->ch);
	int error;

	if (rf_ended(end->ch, &error))
		return 1;
	if (room <= END_RESERVE) {
		WRITE_ONCE(end->full, true);
		rf_want_room(end->ch);
		/* That before a look at what there is: pairs with end_news(). */
		smp_mb();
		room = rf_room(end->ch);
		if (rf_ended(end->ch, &error))
			return 1;
	}
	return room <= END_RESERVE ? 0 : min_t(size_t, room - END_RESERVE, END_MESSAGE);
}

/* No more comes: in order, or for that reason. */
static void end_over(struct vsock_end *end, int error)
{
	struct vsock_sock *vsk = vsock_sk(end->sk);
	struct sock *sk = end->sk;

	end->over = true;
	sock_set_flag(sk, SOCK_DONE);
	if (error) {
		/* Who sends is told why, not just that nobody reads. */
		WRITE_ONCE(vsk->peer_shutdown, vsk->peer_shutdown | SEND_SHUTDOWN);
		sk->sk_err = error;
		sk_error_report(sk);
	} else {
		WRITE_ONCE(vsk->peer_shutdown, SHUTDOWN_MASK);
	}
	sk->sk_state_change(sk);
}

/* The other end said that it reads, or sends, no more. */
static int end_hear(struct vsock_end *end)
{
	struct vsock_sock *vsk = vsock_sk(end->sk);
	struct rf_vsock_shutdown body;
	u32 how;

	if (rf_read(end->ch, &body, sizeof(body), RF_NOWAIT) != sizeof(body))
		return -EPROTO;
	how = le32_to_cpu(body.how);
	if (!how || how & ~(RF_VSOCK_READ | RF_VSOCK_SENT) || how & end->heard)
		return -EPROTO;
	end->heard |= how;
	WRITE_ONCE(vsk->peer_shutdown, vsk->peer_shutdown | how);
	end->sk->sk_state_change(end->sk);
	return 0;
}

/**
 * vsock_end_look() - is there something to read? Takes note of the end, too
 * @end: of a socket with a channel, locked
 *
 * Return: whether there is.
 */
bool vsock_end_look(struct vsock_end *end)
{
	int error = 0, ret = 0;
	bool ended, there;

	if (end->over)
		return false;
	/* In this order: what came before the end is there when the end is seen. */
	ended = rf_ended(end->ch, &error);
	while (!ret && rf_marked(end->ch))
		ret = end_hear(end);
	there = rf_has_message(end->ch);
	if (there && end->heard & RF_VSOCK_SENT)
		ret = -EPROTO;
	if (ret)
		end_over(end, -ret);
	else if (!there && ended)
		end_over(end, error || end->heard & RF_VSOCK_SENT ? -error : ECONNRESET);
	return there && !ret;
}
