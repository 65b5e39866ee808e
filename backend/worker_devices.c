// SPDX-License-Identifier: GPL-2.0-only
/* The worker's devices: what the keeper and the subOS want of them. */
#include "worker.h"

#include <endian.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <linux/rfvhost.h>

#include "rainforest.h"
#include "ready.h"

#define PAGE	4096
#define SEND_MS	5000	/* for the subOS to make room in the channel */

int worker_send(struct worker *w, const void *message, size_t bytes)
{
	struct pollfd p = { .fd = w->fds.channel, .events = POLLOUT };

	for (;;) {
		if (rf_write(w->fds.channel, message, bytes) >= 0)
			return 0;
		if (errno != EAGAIN)
			return -EPIPE;
		if (poll(&p, 1, SEND_MS) <= 0)
			return -EPIPE;
	}
}

static int send_msg(struct worker *w, unsigned int type, unsigned int device, __le32 seq)
{
	const struct rf_virtio_msg m = {
		.type = htole16(type), .device = htole16(device), .seq = seq,
	};

	return worker_send(w, &m, sizeof(m));
}

static void announce(struct wdev *d)
{
	if (!d->worker->said_hello)
		return;
	d->announce.msg = (struct rf_virtio_msg){
		.type = htole16(RF_VIRTIO_DEVICE), .device = htole16(d->number),
	};
	worker_send(d->worker, &d->announce, sizeof(d->announce));
}

void worker_announce_all(struct worker *w)
{
	unsigned int i;

	for (i = 0; i < RF_VIRTIO_DEVICES; i++)
		if (w->devices[i])
			announce(w->devices[i]);
}

void worker_tell_config(struct wdev *d)
{
	struct rf_virtio_config c = {
		.msg.type = htole16(RF_VIRTIO_CONFIG), .msg.device = htole16(d->number),
		.config = d->announce.config,
	};

	if (d->worker->said_hello)
		worker_send(d->worker, &c, sizeof(c));
}

static void tell_keeper(struct wdev *d, enum ipc_type type, enum ipc_state state)
{
	const struct ipc m = {
		.type = type, .device = d->number, .state = state,
		.resume = d->started,
	};

	ipc_send(d->worker->fds.keeper, &m, NULL);
}

void worker_tell_state(struct wdev *d, enum ipc_state state)
{
	tell_keeper(d, IPC_STATE, state);
}

/* Doorbells of one queue; kick < 0: none. */
static int ring(struct wdev *d, unsigned int queue, int kick, int call)
{
	struct rfvhost_queue q = { .size = sizeof(q), .device = d->number, .queue = queue,
				   .kick = kick, .call = call };

	return ioctl(d->worker->fds.vhost, RFVHOST_IOC_QUEUE, &q) ? -errno : 0;
}

static void close_rings(struct wdev *d)
{
	unsigned int i;

	for (i = 0; i < RF_VIRTIO_QUEUES; i++) {
		if (d->kick[i] < 0)
			continue;
		ring(d, i, -1, -1);
		close(d->kick[i]);
		close(d->call[i]);
		d->kick[i] = -1;
		d->call[i] = -1;
	}
}

static int open_ring(struct wdev *d, unsigned int i)
{
	int kick = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	int call = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	int ret = kick < 0 || call < 0 ? -errno : ring(d, i, kick, call);

	if (ret) {
		close(kick);
		close(call);
		return ret;
	}
	d->kick[i] = kick;
	d->call[i] = call;
	return 0;
}

static int open_rings(struct wdev *d)
{
	unsigned int i, nr = le32toh(d->ready.nr_queues);
	int ret = 0;

	for (i = 0; !ret && i < nr; i++)
		if (d->ready.queue[i].size)
			ret = open_ring(d, i);
	return ret;
}

/* Kicks from before may have gone nowhere. */
static void kick_all(struct wdev *d)
{
	unsigned int i;

	for (i = 0; i < RF_VIRTIO_QUEUES; i++)
		if (d->kick[i] >= 0)
			eventfd_write(d->kick[i], 1);
}

static void stop(struct wdev *d)
{
	if (d->started)
		d->ops->stop(d);
	d->started = false;
	close_rings(d);
}

void worker_give_up(struct wdev *d)
{
	stop(d);
	worker_tell_state(d, IPC_BROKEN);
}

static bool part_there(struct worker *w, __le64 address, uint64_t bytes)
{
	uint64_t at = le64toh(address), end = at + bytes;
	uint8_t byte;

	for (; at < end; at = (at | (PAGE - 1)) + 1)
		if (window_read(&w->window, at, &byte, sizeof(byte)))
			return false;
	return true;
}

/* A process that serves them ends where there is no memory of the subOS. */
static bool queues_there(struct wdev *d)
{
	unsigned int i, nr = le32toh(d->ready.nr_queues);
	const struct rf_virtio_queue *q = d->ready.queue;
	uint64_t size;

	for (i = 0; i < nr; i++, q++) {
		size = le32toh(q->size);
		if (size && (!part_there(d->worker, q->desc, READY_DESC_BYTES(size)) ||
			     !part_there(d->worker, q->avail, READY_AVAIL_BYTES(size)) ||
			     !part_there(d->worker, q->used, READY_USED_BYTES(size))))
			return false;
	}
	return true;
}

/* Who finds nonsense in a disk's queues hangs up: another one is there for the next driver. */
static bool hung_up(const struct wdev *d, int ret)
{
	return d->spec.kind == SPEC_DISK && (ret == -EPIPE || ret == -ECONNRESET);
}

static void ready(struct wdev *d, const struct rf_virtio_ready *r, size_t bytes)
{
	int ret;

	stop(d);
	if (ready_check(r, bytes, &d->announce, d->worker->window.bytes)) {
		worker_give_up(d);
		return;
	}
	memset(&d->ready, 0, sizeof(d->ready));
	memcpy(&d->ready, r, bytes);
	ret = queues_there(d) ? open_rings(d) : -EFAULT;
	if (!ret) {
		d->started = true;
		ret = d->ops->start(d, le32toh(r->flags) & RF_VIRTIO_RESUMED);
	}
	if (hung_up(d, ret)) {
		tell_keeper(d, IPC_HUNG_UP, 0);	/* then it is renewed */
		return;
	}
	if (ret) {
		worker_give_up(d);
		return;
	}
	kick_all(d);
	if (d->spec.kind == SPEC_NET || !d->user.lost)
		worker_tell_state(d, IPC_WORKS);
}

static void free_device(struct wdev *d)
{
	stop(d);
	d->ops->free(d);
	d->worker->devices[d->number] = NULL;
	free(d);
}

/* Its driver has let go. Nobody but the keeper removes a device: else the next one has it. */
static void removed(struct wdev *d)
{
	if (!d->leaving) {
		stop(d);
		worker_tell_state(d, IPC_OFFERED);
		return;
	}
	tell_keeper(d, IPC_REMOVED, 0);
	free_device(d);
}

static void heard_hello(struct worker *w, const struct rf_virtio_hello *h, size_t bytes)
{
	if (bytes < sizeof(*h) || le32toh(h->version) != RF_VIRTIO_VERSION || w->said_hello)
		return;
	w->said_hello = true;
	worker_announce_all(w);
}

/* What cannot be is dropped: it harms nobody but who sent it. */
void worker_from_subos(struct worker *w, const void *message, size_t bytes)
{
	const struct rf_virtio_msg *m = message;
	unsigned int type, number;
	struct wdev *d;

	if (bytes < sizeof(*m))
		return;
	type = le16toh(m->type);
	number = le16toh(m->device);
	if (type == RF_VIRTIO_HELLO) {
		heard_hello(w, message, bytes);
		return;
	}
	d = number < RF_VIRTIO_DEVICES ? w->devices[number] : NULL;
	if (!d)
		return;
	if (type == RF_VIRTIO_READY) {
		ready(d, message, bytes);
	} else if (type == RF_VIRTIO_RESET) {
		stop(d);
		send_msg(w, RF_VIRTIO_DONE, number, m->seq);
		worker_tell_state(d, IPC_OFFERED);
	} else if (type == RF_VIRTIO_REMOVED) {
		removed(d);
	}
}

static int init(struct wdev *d, const struct ipc *m, const int *fds)
{
	return d->spec.kind == SPEC_NET ? worker_net_init(d, fds, m->count) :
					  worker_user_init(d, m, fds);
}

static void add(struct worker *w, const struct ipc *m, const int *fds)
{
	struct wdev *d = calloc(1, sizeof(*d));

	if (!d)
		_exit(1);	/* the keeper starts another */
	d->worker = w;
	d->number = m->device;
	d->spec = m->spec;
	d->ops = d->spec.kind == SPEC_NET ? &worker_net_ops : &worker_user_ops;
	memset(d->kick, -1, sizeof(d->kick));
	memset(d->call, -1, sizeof(d->call));
	w->devices[d->number] = d;
	if (init(d, m, fds) || d->ops->describe(d)) {
		worker_tell_state(d, IPC_BROKEN);
		free_device(d);
		return;
	}
	announce(d);
	worker_tell_state(d, IPC_OFFERED);
}

/* A file system goes on without a back end: it refuses. */
static void lost(struct wdev *d)
{
	if (!d->ops->renew || d->ops->renew(d, -1))
		stop(d);
	worker_tell_state(d, IPC_GONE);
}

static void renew(struct wdev *d, int fd)
{
	if (d->ops->renew && !d->ops->renew(d, fd))
		return;
	worker_give_up(d);
}

void worker_from_keeper(struct worker *w, const struct ipc *m, const int *fds)
{
	struct wdev *d = m->device < RF_VIRTIO_DEVICES ? w->devices[m->device] : NULL;

	switch (m->type) {
	case IPC_ADD:
		if (!d)
			add(w, m, fds);
		break;
	case IPC_RENEW:
		if (d && m->count == 1)
			renew(d, fds[0]);
		break;
	case IPC_LOST:
		if (d)
			lost(d);
		break;
	case IPC_REMOVE:
		if (!d)
			break;
		d->leaving = true;
		if (w->said_hello)
			send_msg(w, RF_VIRTIO_REMOVE, d->number, 0);
		else
			removed(d);
		break;
	}
}
