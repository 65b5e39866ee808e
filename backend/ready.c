// SPDX-License-Identifier: GPL-2.0-only
/* RF_VIRTIO_READY, checked. */
#include "ready.h"

#include <endian.h>
#include <errno.h>
#include <stdbool.h>

static bool inside(__le64 address, uint64_t bytes, uint64_t align, uint64_t window)
{
	uint64_t at = le64toh(address);

	return !(at % align) && at < window && bytes <= window - at;
}

static bool queue_good(const struct rf_virtio_queue *q, uint32_t max, uint64_t window)
{
	uint32_t size = le32toh(q->size);

	if (!size)
		return true;
	return size <= max && !(size & (size - 1)) &&
	       inside(q->desc, READY_DESC_BYTES(size), VRING_DESC_ALIGN_SIZE, window) &&
	       inside(q->avail, READY_AVAIL_BYTES(size), VRING_AVAIL_ALIGN_SIZE, window) &&
	       inside(q->used, READY_USED_BYTES(size), VRING_USED_ALIGN_SIZE, window);
}

int ready_check(const struct rf_virtio_ready *r, size_t bytes,
		const struct rf_virtio_device *device, uint64_t window)
{
	uint32_t i, nr;

	if (bytes < offsetof(struct rf_virtio_ready, queue))
		return -EPROTO;
	nr = le32toh(r->nr_queues);
	if (nr != le32toh(device->nr_queues) || nr > RF_VIRTIO_QUEUES ||
	    bytes != offsetof(struct rf_virtio_ready, queue[nr]) ||
	    le64toh(r->features) & ~le64toh(device->features) ||
	    le32toh(r->flags) & ~RF_VIRTIO_RESUMED)
		return -EPROTO;
	for (i = 0; i < nr; i++)
		if (!queue_good(&r->queue[i], le16toh(device->queue_max[i]), window))
			return -EPROTO;
	return 0;
}
