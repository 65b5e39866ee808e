/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What rfcom_vsock.ko wants beside kernel.h: sockets as the core of AF_VSOCK has them, and
 * channels, whose insides are the target's.
 */
#ifndef _TESTS_FUZZ_VSOCK_KERNEL_H
#define _TESTS_FUZZ_VSOCK_KERNEL_H

#include "kernel.h"

#include <linux/rainforest_wire.h>

/* channels: what rfcom offers */
#define MESSAGES	32U		/* that wait to be read */
#define BYTES		32U		/* of a message, at most */

struct notifier_block;

/**
 * struct rf_channel - an end of a channel
 * @peer: whose the other end is
 * @wait: woken by news
 * @ended: it is closed
 * @error: why
 * @opened: by us
 * @answered: so many answers of ours
 * @first: of @message: read so far
 * @next: and come
 * @done: bytes of the first that were read
 * @heard: how it was shut down
 * @bad: number of the first message that breaks the rules, else UINT_MAX
 * @said: bytes of the stream that came
 * @read: and that were read
 * @message: what came
 */
struct rf_channel {
	u32 peer;
	struct wait_queue_head wait;
	bool ended;
	int error;
	bool opened;
	u32 answered;
	u32 first, next, done;
	u32 heard, bad;
	u8 said, read;
	struct {
		u32 len;
		bool mark;
		u8 data[BYTES];
	} message[MESSAGES];
};

struct rf_service {
	struct wait_queue_head wait;
};

struct iov_iter {
	u8 *at;
	size_t count;
};

struct msghdr {
	struct iov_iter msg_iter;
	unsigned int msg_flags;
};

#define MSG_PEEK			2
#define MSG_DONTWAIT			0x40
#define iov_iter_count(i)		((i)->count)
#define iov_iter_truncate(i, n)		((i)->count = min_t(size_t, (i)->count, n))
#define iov_iter_reexpand(i, n)		((i)->count = (n))

/* sockets: what the core of AF_VSOCK offers */
#define TCP_ESTABLISHED	1
#define TCP_SYN_SENT	2
#define TCP_CLOSE	7
#define TCP_LISTEN	10
#define SS_UNCONNECTED	1
#define SS_CONNECTED	3
#define RCV_SHUTDOWN	1
#define SEND_SHUTDOWN	2
#define SHUTDOWN_MASK	3
#define SOCK_STREAM	1
#define SOCK_DONE	1
#define VMADDR_CID_ANY	0xffffffffU

struct socket {
	int state;
};

struct sock {
	int refs;
	bool locked;
	int sk_state, sk_type, sk_shutdown, sk_err;
	bool done;
	struct socket *sk_socket;
	u32 backlog;
	void (*sk_data_ready)(struct sock *sk);
	void (*sk_write_space)(struct sock *sk);
	void (*sk_state_change)(struct sock *sk);
};

struct sockaddr_vm {
	u32 svm_cid, svm_port;
};

struct vsock_transport;

struct vsock_sock {
	struct sock sk;
	struct socket socket;
	struct sockaddr_vm local_addr, remote_addr;
	const struct vsock_transport *transport;
	void *trans;
	u32 peer_shutdown;
	long connect_timeout;
	bool bound;
	struct list_head accepted;
};

struct vsock_transport_recv_notify_data;
struct vsock_transport_send_notify_data;

struct vsock_transport {
	void *module;
	int (*init)(struct vsock_sock *vsk, struct vsock_sock *parent);
	void (*destruct)(struct vsock_sock *vsk);
	void (*release)(struct vsock_sock *vsk);
	int (*connect)(struct vsock_sock *vsk);
	int (*shutdown)(struct vsock_sock *vsk, int how);
	u32 (*get_local_cid)(void);
	bool (*stream_allow)(u32 cid, u32 port);
	bool (*stream_is_active)(struct vsock_sock *vsk);
	ssize_t (*stream_dequeue)(struct vsock_sock *vsk, struct msghdr *msg, size_t len,
				  int flags);
	ssize_t (*stream_enqueue)(struct vsock_sock *vsk, struct msghdr *msg, size_t len);
	s64 (*stream_has_data)(struct vsock_sock *vsk);
	s64 (*stream_has_space)(struct vsock_sock *vsk);
	u64 (*stream_rcvhiwat)(struct vsock_sock *vsk);
	int (*rf_vsock_set_rcvlowat)(struct vsock_sock *vsk, int bytes);
	int (*notify_poll_in)(struct vsock_sock *vsk, size_t target, bool *readable);
	int (*notify_poll_out)(struct vsock_sock *vsk, size_t target, bool *writable);
	int (*notify_recv_init)(struct vsock_sock *vsk, size_t target,
				struct vsock_transport_recv_notify_data *data);
	int (*notify_recv_pre_block)(struct vsock_sock *vsk, size_t target,
				     struct vsock_transport_recv_notify_data *data);
	int (*notify_recv_pre_dequeue)(struct vsock_sock *vsk, size_t target,
				       struct vsock_transport_recv_notify_data *data);
	int (*notify_recv_post_dequeue)(struct vsock_sock *vsk, size_t target, ssize_t copied,
					bool read, struct vsock_transport_recv_notify_data *data);
	int (*notify_send_init)(struct vsock_sock *vsk,
				struct vsock_transport_send_notify_data *data);
	int (*notify_send_pre_block)(struct vsock_sock *vsk,
				     struct vsock_transport_send_notify_data *data);
	int (*notify_send_pre_enqueue)(struct vsock_sock *vsk,
				       struct vsock_transport_send_notify_data *data);
	int (*notify_send_post_enqueue)(struct vsock_sock *vsk, ssize_t written,
					struct vsock_transport_send_notify_data *data);
};

static void sock_hold(struct sock *sk)
{
	must(sk->refs > 0);
	sk->refs++;
}

static void sock_put(struct sock *sk);

static void __sock_put(struct sock *sk)
{
	must(sk->refs > 1);
	sk->refs--;
}

static void lock_sock(struct sock *sk)
{
	might_sleep();
	must(sk->refs > 0 && !sk->locked);
	sk->locked = true;
}

static void release_sock(struct sock *sk)
{
	must(sk->locked);
	sk->locked = false;
}

#define vsock_sk(s)		container_of(s, struct vsock_sock, sk)
#define sk_vsock(v)		(&(v)->sk)
#define sk_error_report(s)	must((s)->sk_err)
#define sock_set_flag(s, f)	((s)->done = true)
#define sk_acceptq_is_full(s)	((s)->backlog > 2)
#define sk_acceptq_added(s)	((s)->backlog++)
#define sk_acceptq_removed(s)	(must((s)->backlog), (s)->backlog--)
#define vsock_addr_init(a, cid, port)	(*(a) = (struct sockaddr_vm){ cid, port })
#define vsock_remove_sock(v)

static struct sock *vsock_create_connected(struct sock *parent);
static int vsock_assign_transport(struct vsock_sock *vsk, struct vsock_sock *parent);
static struct sock *vsock_find_bound_socket(const struct sockaddr_vm *to);
static void vsock_enqueue_accept(struct sock *listener, struct sock *sk);
static void vsock_insert_connected(struct vsock_sock *vsk);

/* compat.h has one name for what the kernels call differently: so has this */
#define _RAINFOREST_COMPAT_H

#endif /* _TESTS_FUZZ_VSOCK_KERNEL_H */
