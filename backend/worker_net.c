// SPDX-License-Identifier: GPL-2.0-only
/*
 * Network cards: vhost-net moves packets between the queues and a TAP interface, one
 * vhost-net for each pair of queues. The control queue is served here.
 */
#include "worker.h"

#include <endian.h>
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <linux/if_tun.h>
#include <linux/vhost.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ids.h>
#include <linux/virtio_net.h>
#include <linux/virtio_ring.h>

#define QUEUE_MAX	256
#define HEADER		sizeof(struct virtio_net_hdr_mrg_rxbuf)
#define RX		0
#define TX		1

#define F(name)		(1ULL << (name))

/* what the TAP does, and what the control queue does */
#define OFFLOADS	(F(VIRTIO_NET_F_CSUM) | F(VIRTIO_NET_F_GUEST_CSUM) |		\
			 F(VIRTIO_NET_F_GUEST_TSO4) | F(VIRTIO_NET_F_GUEST_TSO6) |	\
			 F(VIRTIO_NET_F_GUEST_ECN) | F(VIRTIO_NET_F_HOST_TSO4) |	\
			 F(VIRTIO_NET_F_HOST_TSO6) | F(VIRTIO_NET_F_HOST_ECN))
#define OURS		(F(VIRTIO_NET_F_MAC) | F(VIRTIO_NET_F_STATUS) |			\
			 F(VIRTIO_NET_F_CTRL_VQ) | F(VIRTIO_NET_F_CTRL_RX) |		\
			 F(VIRTIO_NET_F_CTRL_VLAN) | F(VIRTIO_NET_F_CTRL_MAC_ADDR))
#define OF_VHOST	(F(VIRTIO_F_VERSION_1) | F(VIRTIO_RING_F_INDIRECT_DESC) |	\
			 F(VIRTIO_RING_F_EVENT_IDX) | F(VIRTIO_NET_F_MRG_RXBUF))

static int vhost(int fd, unsigned long request, const void *arg)
{
	return ioctl(fd, request, arg) < 0 ? -errno : 0;
}

static void set_config(struct wdev *d)
{
	struct virtio_net_config c = { 0 };

	memcpy(c.mac, d->spec.mac, sizeof(c.mac));
	c.status = htole16(d->net.up ? VIRTIO_NET_S_LINK_UP : 0);
	c.max_virtqueue_pairs = htole16(d->net.pairs);
	memcpy(d->announce.config.space, &c, sizeof(c));
	d->announce.config.bytes = htole32(sizeof(c));
}

static int describe(struct wdev *d)
{
	unsigned int i, nr = 2 * d->net.pairs + 1;
	uint64_t features = 0;
	int ret;

	ret = vhost(d->net.vhost[0], VHOST_GET_FEATURES, &features);
	if (ret)
		return ret;
	features = (features & OF_VHOST) | OFFLOADS | OURS;
	if (d->net.pairs > 1)
		features |= F(VIRTIO_NET_F_MQ);
	d->announce.id = htole32(VIRTIO_ID_NET);
	d->announce.nr_queues = htole32(nr);
	d->announce.features = htole64(features);
	for (i = 0; i < nr; i++)
		d->announce.queue_max[i] = htole16(i == nr - 1 ? 64 : QUEUE_MAX);
	set_config(d);
	return 0;
}

static int set_offloads(struct wdev *d, uint64_t features)
{
	unsigned int i, flags = 0;

	if (features & F(VIRTIO_NET_F_GUEST_CSUM)) {
		flags |= TUN_F_CSUM;
		if (features & F(VIRTIO_NET_F_GUEST_TSO4))
			flags |= TUN_F_TSO4;
		if (features & F(VIRTIO_NET_F_GUEST_TSO6))
			flags |= TUN_F_TSO6;
		if (flags != TUN_F_CSUM && features & F(VIRTIO_NET_F_GUEST_ECN))
			flags |= TUN_F_TSO_ECN;
	}
	for (i = 0; i < d->net.pairs; i++)
		if (ioctl(d->net.tap[i], TUNSETOFFLOAD, flags))
			return -errno;
	return 0;
}

/* The first @active pairs have a queue of the TAP. That it is so already is no error. */
static void set_pairs(struct wdev *d, unsigned int active)
{
	struct ifreq r = { 0 };
	unsigned int i;

	if (d->net.pairs == 1)
		return;
	for (i = 0; i < d->net.pairs; i++) {
		r.ifr_flags = i < active ? IFF_ATTACH_QUEUE : IFF_DETACH_QUEUE;
		ioctl(d->net.tap[i], TUNSETQUEUE, &r);
	}
}

static int set_memory(struct wdev *d, int fd)
{
	const struct window *w = &d->worker->window;
	union {
		struct vhost_memory memory;
		char room[sizeof(struct vhost_memory) + sizeof(struct vhost_memory_region)];
	} m = { .memory = { .nregions = 1 } };

	m.memory.regions[0] = (struct vhost_memory_region){
		.memory_size = w->bytes, .userspace_addr = (uintptr_t)w->base,
	};
	return vhost(fd, VHOST_SET_MEM_TABLE, &m);
}

static int set_vring(struct wdev *d, int fd, unsigned int index, unsigned int queue,
		     uint16_t base)
{
	const struct rf_virtio_queue *q = &d->ready.queue[queue];
	uintptr_t at = (uintptr_t)d->worker->window.base;
	struct vhost_vring_state num = { index, le32toh(q->size) };
	struct vhost_vring_state from = { index, base };
	struct vhost_vring_addr address = {
		.index = index, .desc_user_addr = at + le64toh(q->desc),
		.avail_user_addr = at + le64toh(q->avail),
		.used_user_addr = at + le64toh(q->used),
	};
	struct vhost_vring_file kick = { index, d->kick[queue] };
	struct vhost_vring_file call = { index, d->call[queue] };
	struct vhost_vring_file error = { index, d->net.error };
	int ret;

	ret = vhost(fd, VHOST_SET_VRING_NUM, &num);
	if (!ret)
		ret = vhost(fd, VHOST_SET_VRING_BASE, &from);
	if (!ret)
		ret = vhost(fd, VHOST_SET_VRING_ADDR, &address);
	if (!ret)
		ret = vhost(fd, VHOST_SET_VRING_KICK, &kick);
	if (!ret)
		ret = vhost(fd, VHOST_SET_VRING_ERR, &error);
	return ret ? ret : vhost(fd, VHOST_SET_VRING_CALL, &call);
}

/* Both queues of a pair. vhost-net finishes what it begins in order. */
static int start_pair(struct wdev *d, unsigned int pair, uint64_t features)
{
	int fd = d->net.vhost[pair], ret, i;
	struct vhost_vring_file backend = { .fd = d->net.tap[pair] };
	uint16_t base;

	ret = vhost(fd, VHOST_SET_FEATURES, &features);
	if (!ret)
		ret = set_memory(d, fd);
	for (i = RX; !ret && i <= TX; i++) {
		ret = worker_used_idx(d, 2 * pair + i, &base);
		if (!ret)
			ret = set_vring(d, fd, i, 2 * pair + i, base);
	}
	for (i = RX; !ret && i <= TX; i++) {
		backend.index = i;
		ret = vhost(fd, VHOST_NET_SET_BACKEND, &backend);
	}
	return ret;
}

static int start_control(struct wdev *d, uint64_t features)
{
	unsigned int n = features & F(VIRTIO_NET_F_MQ) ? 2 * d->net.pairs : 2;
	const struct rf_virtio_queue *q = &d->ready.queue[n];
	int ret;

	d->net.control = 0;
	if (!(features & F(VIRTIO_NET_F_CTRL_VQ)) || n >= le32toh(d->ready.nr_queues) || !q->size)
		return 0;
	d->net.ctrlq = (struct ctrlq){
		.memory = &d->worker->memory, .size = le32toh(q->size),
		.desc = le64toh(q->desc), .avail = le64toh(q->avail), .used = le64toh(q->used),
		.event_idx = features & F(VIRTIO_RING_F_EVENT_IDX),
	};
	ret = ctrlq_resume(&d->net.ctrlq);
	if (!ret)
		ret = worker_watch(d, d->kick[n]);
	if (!ret)
		d->net.control = n;
	return ret;
}

/* Who has several pairs and a new driver uses the first until it says otherwise. */
static int start(struct wdev *d, bool resumed)
{
	uint64_t features = le64toh(d->ready.features);
	bool mq = features & F(VIRTIO_NET_F_MQ);
	unsigned int i;
	eventfd_t old;
	int ret;

	eventfd_read(d->net.error, &old);
	ret = set_offloads(d, features);
	for (i = 0; !ret && i < (mq ? d->net.pairs : 1); i++)
		if (d->ready.queue[2 * i].size && d->ready.queue[2 * i + 1].size)
			ret = start_pair(d, i, features & OF_VHOST);
	if (!ret)
		ret = start_control(d, features);
	if (!resumed)
		set_pairs(d, 1);
	return ret;
}

static void stop(struct wdev *d)
{
	struct vhost_vring_file none = { .fd = -1 };
	unsigned int i;

	if (d->net.control)
		worker_unwatch(d, d->kick[d->net.control]);
	d->net.control = 0;
	for (i = 0; i < d->net.pairs; i++)
		for (none.index = RX; none.index <= TX; none.index++)
			ioctl(d->net.vhost[i], VHOST_NET_SET_BACKEND, &none);
}

static bool use_pairs(struct wdev *d, const struct ctrlq_command *c)
{
	unsigned int n;

	if (c->cmd != VIRTIO_NET_CTRL_MQ_VQ_PAIRS_SET || c->bytes != 2)
		return false;
	n = c->data[0] | c->data[1] << 8;
	if (n < 1 || n > d->net.pairs)
		return false;
	set_pairs(d, n);
	return true;
}

/* Its address is what the supervisor's list says: another is refused. */
static bool use_mac(const struct wdev *d, const struct ctrlq_command *c)
{
	if (c->cmd == VIRTIO_NET_CTRL_MAC_TABLE_SET)
		return true;
	return c->cmd == VIRTIO_NET_CTRL_MAC_ADDR_SET && c->bytes == 6 &&
	       !memcmp(c->data, d->spec.mac, 6);
}

/* The TAP gives it all that comes: there is nothing to filter. */
static bool command(void *ctx, const struct ctrlq_command *c)
{
	struct wdev *d = ctx;

	switch (c->class) {
	case VIRTIO_NET_CTRL_RX:
	case VIRTIO_NET_CTRL_VLAN:
		return true;
	case VIRTIO_NET_CTRL_MAC:
		return use_mac(d, c);
	case VIRTIO_NET_CTRL_MQ:
		return use_pairs(d, c);
	default:
		return false;
	}
}

static void control(struct wdev *d, int fd)
{
	eventfd_t n;
	int ret;

	eventfd_read(fd, &n);
	ret = ctrlq_serve(&d->net.ctrlq, command, d);
	if (ret < 0) {
		worker_give_up(d);
		return;
	}
	if (ret)
		eventfd_write(d->call[d->net.control], 1);
	if ((unsigned int)ret == d->net.ctrlq.size)
		eventfd_write(fd, 1);	/* there may be more */
}

static void event(struct wdev *d, int fd)
{
	eventfd_t n;

	if (fd == d->net.error && !eventfd_read(fd, &n) && d->started)
		worker_give_up(d);
	else if (d->net.control && fd == d->kick[d->net.control])
		control(d, fd);
}

/* Its TAP is gone: the driver learns that there is no link. */
static int renew(struct wdev *d, int fd)
{
	d->net.up = false;
	set_config(d);
	worker_tell_config(d);
	return 0;
}

static void free_net(struct wdev *d)
{
	unsigned int i;

	for (i = 0; i < d->net.pairs; i++) {
		close(d->net.vhost[i]);
		close(d->net.tap[i]);
	}
	close(d->net.error);
}

int worker_net_init(struct wdev *d, const int *fds, unsigned int count)
{
	unsigned int i;
	int ret = 0;

	d->net.pairs = count / 2;
	d->net.up = true;
	for (i = 0; i < d->net.pairs; i++) {
		d->net.tap[i] = fds[i];
		d->net.vhost[i] = fds[d->net.pairs + i];
	}
	for (i = 0; !ret && i < d->net.pairs; i++)
		ret = vhost(d->net.vhost[i], VHOST_SET_OWNER, NULL);
	d->net.error = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (!ret)
		ret = d->net.error < 0 ? -errno : worker_watch(d, d->net.error);
	return ret;
}

const struct wops worker_net_ops = {
	.describe = describe, .start = start, .stop = stop, .event = event, .renew = renew,
	.free = free_net,
};
