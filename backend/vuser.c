// SPDX-License-Identifier: GPL-2.0-only
/* vhost-user, the front end. */
#include "vuser.h"

#include <endian.h>
#include <errno.h>
#include <poll.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define GET_FEATURES		1
#define SET_FEATURES		2
#define SET_OWNER		3
#define SET_MEM_TABLE		5
#define SET_VRING_NUM		8
#define SET_VRING_ADDR		9
#define SET_VRING_BASE		10
#define GET_VRING_BASE		11
#define SET_VRING_KICK		12
#define SET_VRING_CALL		13
#define GET_PROTOCOL_FEATURES	15
#define SET_PROTOCOL_FEATURES	16
#define SET_VRING_ENABLE	18
#define GET_CONFIG		24
#define SET_INFLIGHT_FD		32

#define VERSION			1
#define VERSION_MASK		3
#define REPLY			(1U << 2)
#define NEED_REPLY		(1U << 3)

#define F_PROTOCOL		(1ULL << 30)	/* among the features of virtio */
#define P_MQ			(1ULL << 0)
#define P_REPLY_ACK		(1ULL << 3)
#define P_CONFIG		(1ULL << 9)
#define P_INFLIGHT		(1ULL << 12)

#define STALE_MAX		2	/* answers to others that are skipped */

struct address {
	uint32_t index, flags;
	uint64_t desc, used, avail, log;
};

struct region {
	uint64_t guest, bytes, user, offset;
};

struct table {
	uint32_t count, reserved;
	struct region region;
};

struct config {
	uint32_t offset, bytes, flags;
	uint8_t data[RF_VIRTIO_CONFIG_MAX];
};

struct begun {
	uint64_t bytes, offset;
	uint16_t queues, size;
	uint32_t reserved;
};

struct state {
	uint32_t index, value;
};

#define HEAD	offsetof(struct message, u)

struct message {
	uint32_t request, flags, bytes;
	union {
		uint64_t number;
		struct state state;
		struct address address;
		struct table table;
		struct config config;
		struct begun begun;
	} __attribute__((packed)) u;
} __attribute__((packed));

static int transmit(struct vuser *v, const struct message *m, int fd)
{
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	struct iovec iov = { (void *)m, HEAD + m->bytes };
	struct msghdr h = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct cmsghdr *c;
	ssize_t n;

	if (fd >= 0) {
		h.msg_control = &control;
		h.msg_controllen = sizeof(control);
		c = CMSG_FIRSTHDR(&h);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	}
	n = sendmsg(v->sock, &h, MSG_NOSIGNAL);
	if (n < 0)
		return -errno;
	return (size_t)n == iov.iov_len ? 0 : -EPIPE;
}

/* The first descriptor stays, others are closed. */
static int descriptor(struct msghdr *h)
{
	struct cmsghdr *c;
	int fd, first = -1;
	size_t i;

	for (c = CMSG_FIRSTHDR(h); c; c = CMSG_NXTHDR(h, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		for (i = 0; i + sizeof(fd) <= c->cmsg_len - CMSG_LEN(0); i += sizeof(fd)) {
			memcpy(&fd, CMSG_DATA(c) + i, sizeof(fd));
			if (first < 0)
				first = fd;
			else
				close(fd);
		}
	}
	return first;
}

/* Exactly so many bytes; *fd, if asked for, is -1 when none came. */
static int receive_bytes(struct vuser *v, void *to, size_t bytes, int *fd)
{
	struct pollfd p = { .fd = v->sock, .events = POLLIN };
	char control[CMSG_SPACE(8 * sizeof(int))];
	struct iovec iov = { to, bytes };
	struct msghdr h = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control,
			    .msg_controllen = sizeof(control) };
	ssize_t n;
	int got;

	if (poll(&p, 1, v->timeout_ms) <= 0)
		return -ETIME;
	n = recvmsg(v->sock, &h, MSG_CMSG_CLOEXEC | MSG_WAITALL | MSG_DONTWAIT);
	if (n < 0)
		return -errno;
	got = descriptor(&h);
	if (fd)
		*fd = got;
	else if (got >= 0)
		close(got);
	if (!n)
		return -EPIPE;
	return (size_t)n == bytes ? 0 : -EPROTO;
}

static int receive(struct vuser *v, struct message *m, int *fd)
{
	int ret;

	ret = receive_bytes(v, m, HEAD, fd);
	if (ret)
		return ret;
	if ((m->flags & VERSION_MASK) != VERSION || !(m->flags & REPLY) ||
	    m->bytes > sizeof(m->u))
		return -EPROTO;
	return m->bytes ? receive_bytes(v, &m->u, m->bytes, NULL) : 0;
}

/* An answer to @request, in @m: at least @least bytes. */
static int answer(struct vuser *v, struct message *m, uint32_t request, uint32_t least, int *fd)
{
	unsigned int stale;
	int ret, got = -1;

	for (stale = 0; stale <= STALE_MAX; stale++) {
		ret = receive(v, m, &got);
		if (!ret && m->request == request && m->bytes >= least) {
			if (fd)
				*fd = got;
			else if (got >= 0)
				close(got);
			return 0;
		}
		if (got >= 0)
			close(got);
		if (ret || m->request == request)
			return ret ? ret : -EPROTO;
	}
	return -EPROTO;
}

static int tell(struct vuser *v, struct message *m, uint32_t request, uint32_t bytes, int fd)
{
	bool ack = v->protocol & P_REPLY_ACK;
	int ret;

	m->request = request;
	m->flags = VERSION | (ack ? NEED_REPLY : 0);
	m->bytes = bytes;
	ret = transmit(v, m, fd);
	if (ret || !ack)
		return ret;
	ret = answer(v, m, request, sizeof(m->u.number), NULL);
	if (ret)
		return ret;
	return m->u.number ? -EIO : 0;
}

static int ask(struct vuser *v, struct message *m, uint32_t request, uint32_t bytes,
	       uint32_t least, int *fd)
{
	int ret;

	m->request = request;
	m->flags = VERSION;
	m->bytes = bytes;
	ret = transmit(v, m, -1);
	return ret ? ret : answer(v, m, request, least, fd);
}

static int tell_number(struct vuser *v, uint32_t request, uint64_t number)
{
	struct message m = { .u.number = number };

	return tell(v, &m, request, sizeof(m.u.number), -1);
}

static int ask_number(struct vuser *v, uint32_t request, uint64_t *number)
{
	struct message m = { 0 };
	int ret = ask(v, &m, request, 0, sizeof(m.u.number), NULL);

	*number = m.u.number;
	return ret;
}

int vuser_hello(struct vuser *v, bool begun)
{
	struct message m = { 0 };
	uint64_t offers;
	int ret;

	/* Of two kinds: whatever answer is left over is of one of them at most. */
	v->protocol = 0;
	ret = ask_number(v, GET_FEATURES, &v->features);
	if (!ret)
		ret = ask_number(v, GET_PROTOCOL_FEATURES, &offers);
	if (ret)
		return ret;
	if (!(v->features & F_PROTOCOL))
		return -EPROTO;
	v->features &= ~F_PROTOCOL;
	offers &= P_MQ | P_REPLY_ACK | P_CONFIG;
	/*
	 * The library of QEMU's back ends has this for each of them, also where they do
	 * not offer it.
	 */
	if (begun)
		offers |= P_INFLIGHT;
	ret = tell_number(v, SET_PROTOCOL_FEATURES, offers);
	if (ret)
		return ret;
	v->protocol = offers;
	return tell(v, &m, SET_OWNER, 0, -1);
}

int vuser_config(struct vuser *v, void *config, uint32_t bytes)
{
	struct message m = { .u.config = { .bytes = bytes } };
	uint32_t size = offsetof(struct config, data) + bytes;
	int ret;

	if (!(v->protocol & P_CONFIG) || bytes > RF_VIRTIO_CONFIG_MAX)
		return -EOPNOTSUPP;
	ret = ask(v, &m, GET_CONFIG, size, size, NULL);
	if (!ret)
		memcpy(config, m.u.config.data, bytes);
	return ret;
}

int vuser_features(struct vuser *v, uint64_t features)
{
	return tell_number(v, SET_FEATURES, features | F_PROTOCOL);
}

int vuser_memory(struct vuser *v, int window, uint64_t bytes)
{
	struct message m = { .u.table = { .count = 1, .region = { .bytes = bytes } } };

	return tell(v, &m, SET_MEM_TABLE, sizeof(m.u.table), window);
}

int vuser_begun(struct vuser *v, int file, uint16_t queues, uint16_t size)
{
	struct message m = { .u.begun = { .bytes = VUSER_BEGUN, .queues = queues,
					     .size = size } };

	return tell(v, &m, SET_INFLIGHT_FD, sizeof(m.u.begun), file);
}

static int tell_state(struct vuser *v, uint32_t request, uint32_t index, uint32_t value)
{
	struct message m = { .u.state = { index, value } };

	return tell(v, &m, request, sizeof(m.u.state), -1);
}

static int tell_fd(struct vuser *v, uint32_t request, uint32_t index, int fd)
{
	struct message m = { .u.number = index };

	return tell(v, &m, request, sizeof(m.u.number), fd);
}

static int tell_address(struct vuser *v, uint32_t i, const struct rf_virtio_queue *q)
{
	struct message m = { .u.address = { .index = i, .desc = le64toh(q->desc),
					    .used = le64toh(q->used),
					    .avail = le64toh(q->avail) } };

	return tell(v, &m, SET_VRING_ADDR, sizeof(m.u.address), -1);
}

int vuser_queue(struct vuser *v, uint32_t i, const struct rf_virtio_queue *q, uint16_t base,
		int kick, int call)
{
	int ret;

	ret = tell_state(v, SET_VRING_NUM, i, le32toh(q->size));
	if (!ret)
		ret = tell_state(v, SET_VRING_BASE, i, base);
	if (!ret)
		ret = tell_address(v, i, q);
	if (!ret)
		ret = tell_fd(v, SET_VRING_CALL, i, call);
	if (!ret)
		ret = tell_fd(v, SET_VRING_KICK, i, kick);
	return ret ? ret : tell_state(v, SET_VRING_ENABLE, i, 1);
}

int vuser_stop(struct vuser *v, uint32_t i, uint16_t *base)
{
	struct message m = { .u.state = { .index = i } };
	int ret;

	ret = ask(v, &m, GET_VRING_BASE, sizeof(m.u.state), sizeof(m.u.state), NULL);
	*base = m.u.state.value;
	return ret;
}
