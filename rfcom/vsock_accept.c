// SPDX-License-Identifier: GPL-2.0-only
/*
 * Letting in who connects. Until it has said what it wants a channel occupies a place
 * here, of which each kernel has some, for a time; no thread waits for it.
 */
#include <linux/err.h>
#include <linux/list.h>
#include <linux/minmax.h>
#include <linux/slab.h>
#include <linux/spinlock.h>

#include "vsock.h"

#define KNOCK_PATIENCE	(2 * HZ)	/* until it says what it wants */
#define KNOCK_MOST	32U		/* of one kernel */
#define KNOCK_BACKLOG	128U		/* channels that were not looked at yet */

/**
 * struct knock - a channel that has not been let in yet
 * @work: when it has spoken, or has not for too long
 * @news: notices that it has
 * @node: in the list of all
 * @heard: @work has begun, and nobody queues it any more
 * @peer: whose it is
 * @ch: its end here
 */
struct knock {
	struct delayed_work work;
	struct wait_queue_entry news;
	struct list_head node;
	bool heard;
	u32 peer;
	struct rf_channel *ch;
};

static DEFINE_SPINLOCK(knocks_lock);	/* protects @knocks and @heard; taken before a channel's */
static LIST_HEAD(knocks);
static struct rf_service *service;

/* It says whom it wants, or why it may not. */
static int knock_heard(struct knock *k, struct sockaddr_vm *from, struct sockaddr_vm *to)
{
	struct rf_vsock_request request;

	if (rf_marked(k->ch) ||
	    rf_read(k->ch, &request, sizeof(request), RF_NOWAIT) != sizeof(request) ||
	    request.reserved)
		return -EPROTO;
	vsock_addr_init(from, vsock_peer_cid(rf_channel_peer(k->ch)),
			le32_to_cpu(request.from_port));
	vsock_addr_init(to, vsock_own_cid(), le32_to_cpu(request.to_port));
	return le32_to_cpu(request.type) == RF_VSOCK_STREAM ? 0 : -ECONNRESET;
}

static bool listens(struct sock *sk)
{
	return sk->sk_state == TCP_LISTEN && sk->sk_type == SOCK_STREAM &&
	       sk->sk_shutdown != SHUTDOWN_MASK;
}

/* A socket for it, which nobody sees yet, and a place in the queue of who listens. */
static struct sock *child_create(struct sock *listener, const struct sockaddr_vm *from,
				 const struct sockaddr_vm *to)
{
	struct vsock_sock *vsk;
	struct sock *sk;
	int ret;

	if (!listens(listener) || sk_acceptq_is_full(listener))
		return ERR_PTR(-ECONNRESET);
	sk = vsock_create_connected(listener);
	if (!sk)
		return ERR_PTR(-ENOMEM);
	vsk = vsock_sk(sk);
	vsk->local_addr = *to;
	vsk->remote_addr = *from;
	ret = vsock_assign_transport(vsk, vsock_sk(listener));
	if (ret || vsk->transport != &vsock_transport) {
		sock_put(sk);
		return ERR_PTR(-ECONNRESET);
	}
	sk_acceptq_added(listener);
	return sk;
}

static int knock_answer(struct knock *k, int error)
{
	struct rf_vsock_answer answer = { .error = cpu_to_le32(-error) };

	return rf_write(k->ch, &answer, sizeof(answer), RF_NOWAIT);
}

/* Its channel first: news of it need a socket that still has somebody. */
static void child_destroy(struct sock *sk)
{
	lock_sock(sk);
	vsock_end_detach(vsock_end_of(vsock_sk(sk)));
	release_sock(sk);
	sock_put(sk);
}

/* Who listens may have gone meanwhile. */
static void child_enter(struct sock *listener, struct sock *sk, int error)
{
	lock_sock(listener);
	if (error || !listens(listener)) {
		sk_acceptq_removed(listener);
		release_sock(listener);
		child_destroy(sk);
		return;
	}
	sk->sk_state = TCP_ESTABLISHED;
	vsock_insert_connected(vsock_sk(sk));
	vsock_enqueue_accept(listener, sk);
	listener->sk_data_ready(listener);
	release_sock(listener);
}

/*
 * The answer is on its way before anybody can write to the channel, and while nobody waits
 * for the lock of who listens: a kernel that takes no messages would hold up others.
 */
static int knock_let_in(struct knock *k)
{
	struct sockaddr_vm from, to;
	struct sock *listener, *sk;
	int ret;

	ret = knock_heard(k, &from, &to);
	if (ret)
		return ret;
	listener = vsock_find_bound_socket(&to);
	if (!listener)
		return -ECONNRESET;
	lock_sock(listener);
	sk = child_create(listener, &from, &to);
	release_sock(listener);
	ret = PTR_ERR_OR_ZERO(sk);
	if (!ret) {
		vsock_end_attach(vsock_end_of(vsock_sk(sk)), k->ch);
		child_enter(listener, sk, knock_answer(k, 0));
	}
	sock_put(listener);
	return ret;
}

static void knock_work(struct work_struct *work)
{
	struct knock *k = container_of(work, struct knock, work.work);
	int ret;

	spin_lock(&knocks_lock);
	k->heard = true;
	remove_wait_queue(rf_channel_wait(k->ch), &k->news);
	spin_unlock(&knocks_lock);
	/* Nobody queues it now, but somebody may have. */
	cancel_delayed_work(&k->work);
	ret = knock_let_in(k);
	if (ret) {
		knock_answer(k, ret);
		rf_close(k->ch);
	}
	spin_lock(&knocks_lock);
	list_del(&k->node);
	spin_unlock(&knocks_lock);
	kfree(k);
}

static int knock_news(struct wait_queue_entry *entry, unsigned int mode, int sync, void *key)
{
	struct knock *k = container_of(entry, struct knock, news);

	if (rf_readable(k->ch))
		mod_delayed_work(vsock_queue, &k->work, 0);
	return 0;
}

static bool knock_may(u32 peer)
{
	unsigned int n = 0;
	struct knock *k;

	lockdep_assert_held(&knocks_lock);
	list_for_each_entry(k, &knocks, node)
		n += k->peer == peer;
	return n < KNOCK_MOST;
}

static struct knock *knock_create(struct rf_channel *ch)
{
	struct knock *k = kzalloc(sizeof(*k), GFP_KERNEL_ACCOUNT);

	if (!k)
		return NULL;
	k->ch = ch;
	k->peer = rf_channel_peer(ch);
	INIT_DELAYED_WORK(&k->work, knock_work);
	init_waitqueue_func_entry(&k->news, knock_news);
	return k;
}

static void knock_begin(struct rf_channel *ch)
{
	struct knock *k = knock_create(ch);
	bool may = false;

	if (k) {
		spin_lock(&knocks_lock);
		may = knock_may(k->peer);
		if (may) {
			list_add_tail(&k->node, &knocks);
			add_wait_queue(rf_channel_wait(ch), &k->news);
			smp_mb();	/* see rf_channel_wait() */
			/* It may have spoken before that. */
			mod_delayed_work(vsock_queue, &k->work,
					 rf_readable(ch) ? 0 : KNOCK_PATIENCE);
		}
		spin_unlock(&knocks_lock);
	}
	if (!may) {
		rf_close(ch);
		kfree(k);
	}
}

static void accept_work(struct work_struct *work)
{
	struct rf_channel *ch;

	while (!IS_ERR(ch = rf_accept(service, RF_NOWAIT)))
		knock_begin(ch);
}

static DECLARE_WORK(accepting, accept_work);

static int accept_news(struct wait_queue_entry *entry, unsigned int mode, int sync, void *key)
{
	queue_work(vsock_queue, &accepting);
	return 0;
}

static struct wait_queue_entry news;

/**
 * vsock_accept_init() - let in who connects
 *
 * Return: 0, or what rf_listen() says.
 */
int vsock_accept_init(void)
{
	service = rf_listen(RF_VSOCK_SERVICE, KNOCK_BACKLOG);
	if (IS_ERR(service))
		return PTR_ERR(service);
	init_waitqueue_func_entry(&news, accept_news);
	add_wait_queue(rf_service_wait(service), &news);
	queue_work(vsock_queue, &accepting);
	return 0;
}

/**
 * vsock_accept_exit() - let in nobody any more
 */
void vsock_accept_exit(void)
{
	struct knock *k;

	remove_wait_queue(rf_service_wait(service), &news);
	cancel_work_sync(&accepting);
	rf_unlisten(service);
	spin_lock(&knocks_lock);
	list_for_each_entry(k, &knocks, node)
		if (!k->heard)
			mod_delayed_work(vsock_queue, &k->work, 0);
	spin_unlock(&knocks_lock);
	flush_workqueue(vsock_queue);
}
