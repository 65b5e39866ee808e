/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The front end's side of the protocol vhost-user, as far as file systems and disks need
 * it: a back end in another process, virtiofsd or qemu-storage-daemon, gets the subOS's
 * memory and the queues in it. What the back end answers is checked; each wait is bounded.
 */
#ifndef BACKEND_VUSER_H
#define BACKEND_VUSER_H

#include <stdbool.h>
#include <stdint.h>

#include <linux/rainforest_virtio.h>

#define VUSER_BEGUN	65536

/**
 * struct vuser - a back end
 * @sock: connection to it; not owned
 * @features: of virtio, that it offers
 * @protocol: features of the protocol that are used
 * @timeout_ms: limit for each answer
 */
struct vuser {
	int sock;
	uint64_t features;
	uint64_t protocol;
	int timeout_ms;
};

/* All return 0 or a negative errno: -EPROTO an answer that cannot be, -ETIME none. */

/**
 * vuser_hello - begin, or go on where somebody else was killed
 * @v: @sock and @timeout_ms are set
 * @begun: what it has begun shall outlive it
 *
 * An answer to a question of somebody who was killed is dropped.
 *
 * Return: 0 or a negative errno.
 */
int vuser_hello(struct vuser *v, bool begun);

/* Its configuration; @bytes up to RF_VIRTIO_CONFIG_MAX. */
int vuser_config(struct vuser *v, void *config, uint32_t bytes);
/* Those of virtio that the driver uses. */
int vuser_features(struct vuser *v, uint64_t features);
/* @window: guest-physical 0 to @bytes */
int vuser_memory(struct vuser *v, int window, uint64_t bytes);
/*
 * @file: where it notes what it has begun, VUSER_BEGUN bytes; all zero: nothing.
 * @queues, @size: of each, entries at most 1024 in all
 */
int vuser_begun(struct vuser *v, int file, uint16_t queues, uint16_t size);

/**
 * vuser_queue - start a queue
 * @v: the back end
 * @i: number of the queue
 * @q: where it is, checked
 * @base: entries of the driver's ring that were taken before
 * @kick: eventfd
 * @call: eventfd
 *
 * Return: 0 or a negative errno.
 */
int vuser_queue(struct vuser *v, uint32_t i, const struct rf_virtio_queue *q, uint16_t base,
		int kick, int call);

/* Stop a queue; what was begun is finished. (out) @base: as in vuser_queue(). */
int vuser_stop(struct vuser *v, uint32_t i, uint16_t *base);

#endif /* BACKEND_VUSER_H */
