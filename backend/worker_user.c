// SPDX-License-Identifier: GPL-2.0-only
/* File systems and disks: a process beside serves the queues and is set up by vhost-user. */
#include "worker.h"

#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <linux/virtio_blk.h>
#include <linux/virtio_config.h>
#include <linux/virtio_fs.h>
#include <linux/virtio_ids.h>
#include <linux/virtio_ring.h>

#define ANSWER_MS	10000	/* for a back end to answer: it may have to finish requests */
#define FS_QUEUES	WUSER_QUEUES	/* one of high priority, one for requests */
#define FS_QUEUE_MAX	128
#define DISK_QUEUES	1
#define DISK_QUEUE_MAX	128
#define BEGUN_SIZE_AT	10	/* in the file for what was begun */
/* of struct virtio_blk_config, as far as qemu-storage-daemon 7.2 has it */
#define DISK_CONFIG	60

#define F(name)		(1ULL << (name))
/* of those that a back end offers: what needs nothing of us */
#define OF_RINGS	(F(VIRTIO_F_VERSION_1) | F(VIRTIO_RING_F_INDIRECT_DESC) |	\
			 F(VIRTIO_RING_F_EVENT_IDX))
#define OF_DISKS	(F(VIRTIO_BLK_F_SIZE_MAX) | F(VIRTIO_BLK_F_SEG_MAX) |		\
			 F(VIRTIO_BLK_F_RO) | F(VIRTIO_BLK_F_BLK_SIZE) |		\
			 F(VIRTIO_BLK_F_FLUSH) | F(VIRTIO_BLK_F_TOPOLOGY) |		\
			 F(VIRTIO_BLK_F_DISCARD) | F(VIRTIO_BLK_F_WRITE_ZEROES))

static bool is_disk(const struct wdev *d)
{
	return d->spec.kind == SPEC_DISK;
}

static void describe_fs(struct wdev *d)
{
	struct virtio_fs_config c = { .num_request_queues = htole32(FS_QUEUES - 1) };

	memcpy(c.tag, d->spec.tag, strnlen(d->spec.tag, sizeof(c.tag)));
	memcpy(d->announce.config.space, &c, sizeof(c));
	d->announce.config.bytes = htole32(sizeof(c));
	d->announce.id = htole32(VIRTIO_ID_FS);
	d->announce.features = htole64(d->user.v.features & OF_RINGS);
}

static int describe_disk(struct wdev *d)
{
	int ret;

	ret = vuser_config(&d->user.v, d->announce.config.space, DISK_CONFIG);
	d->announce.config.bytes = htole32(DISK_CONFIG);
	d->announce.id = htole32(VIRTIO_ID_BLOCK);
	d->announce.features = htole64(d->user.v.features & (OF_RINGS | OF_DISKS));
	return ret;
}

/*
 * A device that is announced is one whose queues nobody uses: its driver may have let go of
 * them since the last worker was killed. What was begun is finished.
 */
static int stop_served(struct wdev *d)
{
	unsigned int i;
	uint16_t base;
	int ret = 0;

	for (i = 0; !ret && d->user.resume && i < FS_QUEUES; i++)
		ret = vuser_stop(&d->user.v, i, &base);
	d->user.resume = false;
	return ret;
}

static int describe(struct wdev *d)
{
	unsigned int i, nr = is_disk(d) ? DISK_QUEUES : FS_QUEUES;
	int ret = 0;

	d->user.v.features = OF_RINGS;
	if (!d->user.lost)
		ret = vuser_hello(&d->user.v, is_disk(d));
	if (!ret)
		ret = stop_served(d);
	if (ret)
		return ret;
	d->announce.nr_queues = htole32(nr);
	for (i = 0; i < nr; i++)
		d->announce.queue_max[i] = htole16(is_disk(d) ? DISK_QUEUE_MAX : FS_QUEUE_MAX);
	if (is_disk(d))
		return describe_disk(d);
	describe_fs(d);
	return 0;
}

/*
 * What was noted for a longer queue would lead behind the end of this one. vhost-user has the
 * number of descriptors in the header of the queue's region.
 */
static bool begun_fits(struct wdev *d)
{
	uint16_t noted = 0;

	return pread(d->user.begun, &noted, sizeof(noted), BEGUN_SIZE_AT) == sizeof(noted) &&
	       (!noted || noted == le32toh(d->ready.queue[0].size));
}

/* What was begun goes on; for a new driver there is nothing of the sort. */
static int set_begun(struct wdev *d)
{
	static const char nothing[VUSER_BEGUN];

	if (!is_disk(d))
		return 0;
	if (d->user.fresh && pwrite(d->user.begun, nothing, sizeof(nothing), 0) != sizeof(nothing))
		return -EIO;
	d->user.fresh = false;
	if (!begun_fits(d))
		return -EPROTO;
	return vuser_begun(&d->user.v, d->user.begun, DISK_QUEUES,
			      le32toh(d->ready.queue[0].size));
}

static int start_queues(struct wdev *d)
{
	unsigned int i, nr = le32toh(d->ready.nr_queues);
	struct vuser *v = &d->user.v;
	uint16_t base[RF_VIRTIO_QUEUES];
	int ret = 0;

	for (i = 0; !ret && i < nr; i++)
		if (d->ready.queue[i].size)
			ret = worker_used_idx(d, i, &base[i]);
	if (!ret)
		ret = vuser_features(v, le64toh(d->ready.features));
	if (!ret)
		ret = vuser_memory(v, d->worker->fds.window, d->worker->window.bytes);
	if (!ret)
		ret = set_begun(d);
	for (i = 0; !ret && i < nr; i++)
		if (d->ready.queue[i].size)
			ret = vuser_queue(v, i, &d->ready.queue[i], base[i], d->kick[i],
					  d->call[i]);
	return ret;
}

/*
 * What is not marked as used nobody answers any more, but for us. That these are the last that
 * came is so because virtiofsd, of QEMU 7.2 and without a pool of threads, finishes requests in
 * the order in which they came; others take what came together from behind, or all at a time.
 */
static int start_refusing(struct wdev *d)
{
	bool event_idx = le64toh(d->ready.features) & F(VIRTIO_RING_F_EVENT_IDX);
	struct rf_virtio_queue *q = d->ready.queue;
	unsigned int i;
	int ret = 0;

	for (i = 0; !ret && i < FS_QUEUES; i++) {
		if (d->kick[i] < 0)
			continue;
		d->user.refused[i] = (struct ctrlq){
			.memory = &d->worker->memory, .size = le32toh(q[i].size),
			.desc = le64toh(q[i].desc), .avail = le64toh(q[i].avail),
			.used = le64toh(q[i].used), .event_idx = event_idx,
		};
		ret = ctrlq_resume(&d->user.refused[i]);
		if (!ret)
			ret = worker_watch(d, d->kick[i]);
		eventfd_write(d->kick[i], 1);
	}
	return ret;
}

static int start(struct wdev *d, bool resumed)
{
	d->user.fresh = !resumed;
	return d->user.lost ? start_refusing(d) : start_queues(d);
}

static void stop(struct wdev *d)
{
	unsigned int i, nr = le32toh(d->ready.nr_queues);
	uint16_t base;

	for (i = 0; i < nr; i++) {
		if (d->user.lost && d->kick[i] >= 0)
			worker_unwatch(d, d->kick[i]);
		else if (!d->user.lost && d->ready.queue[i].size)
			vuser_stop(&d->user.v, i, &base);
	}
}

static void event(struct wdev *d, int fd)
{
	unsigned int i;
	eventfd_t n;
	int ret;

	for (i = 0; i < FS_QUEUES && d->kick[i] != fd; i++)
		;
	if (!d->user.lost || i == FS_QUEUES)
		return;
	eventfd_read(fd, &n);
	ret = ctrlq_refuse(&d->user.refused[i], ENOTCONN);
	if (ret < 0)
		worker_unwatch(d, fd);
	if (ret > 0)
		eventfd_write(d->call[i], 1);
	if (ret == (int)d->user.refused[i].size)
		eventfd_write(fd, 1);
}

static int lose(struct wdev *d)
{
	close(d->user.v.sock);
	d->user.v.sock = -1;
	d->user.lost = true;
	return d->started ? start_refusing(d) : 0;
}

static int renew(struct wdev *d, int fd)
{
	unsigned int i;
	int ret;

	if (fd < 0)
		return is_disk(d) ? -EIO : lose(d);
	close(d->user.v.sock);
	d->user.v.sock = fd;
	ret = vuser_hello(&d->user.v, is_disk(d));
	if (ret || !d->started)
		return ret;
	ret = start_queues(d);
	for (i = 0; i < RF_VIRTIO_QUEUES; i++)
		if (d->kick[i] >= 0)
			eventfd_write(d->kick[i], 1);
	if (!ret)
		worker_tell_state(d, IPC_WORKS);
	return ret;
}

static void free_user(struct wdev *d)
{
	if (d->user.v.sock >= 0)
		close(d->user.v.sock);
	if (d->user.begun >= 0)
		close(d->user.begun);
}

int worker_user_init(struct wdev *d, const struct ipc *m, const int *fds)
{
	d->user.lost = !m->count && !is_disk(d);
	if (d->user.lost) {
		d->user.v.sock = -1;
		d->user.begun = -1;
		return 0;
	}
	if (m->count != (is_disk(d) ? 2 : 1))
		return -EPROTO;
	d->user.v = (struct vuser){ .sock = fds[0], .timeout_ms = ANSWER_MS };
	d->user.begun = is_disk(d) ? fds[1] : -1;
	d->user.resume = m->resume;
	return 0;
}

const struct wops worker_user_ops = {
	.describe = describe, .start = start, .stop = stop, .event = event, .renew = renew,
	.free = free_user,
};
