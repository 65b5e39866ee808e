/* SPDX-License-Identifier: GPL-2.0-only */
/* RF_VIRTIO_READY, which the subOS wrote: checked before any of it is used. Pure. */
#ifndef BACKEND_READY_H
#define BACKEND_READY_H

#include <stddef.h>
#include <stdint.h>

#include <linux/rainforest_virtio.h>
#include <linux/virtio_ring.h>

/* Parts of a queue of @size entries, without what only notifies: Virtio 1.2 section 2.7. */
#define READY_DESC_BYTES(size)	((size) * sizeof(struct vring_desc))
#define READY_AVAIL_BYTES(size)	(6 + 2 * (size))
#define READY_USED_BYTES(size)	(6 + (size) * sizeof(struct vring_used_elem))

/**
 * ready_check - can this be?
 * @r: the message, copied
 * @bytes: of it that came
 * @device: what was announced
 * @window: end of the memory that addresses can be in
 *
 * Return: 0, -EPROTO.
 */
int ready_check(const struct rf_virtio_ready *r, size_t bytes,
		const struct rf_virtio_device *device, uint64_t window);

#endif /* BACKEND_READY_H */
