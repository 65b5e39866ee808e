// SPDX-License-Identifier: GPL-2.0-only
/*
 * Doorbells: a kick tells the back end that there is something in a queue, a call tells the
 * driver that something was taken from it. Both are signals of FICM, one for each queue.
 */
#include <linux/virtio_ring.h>
#include <rainforest/ficm.h>

#include "internal.h"

static_assert(RF_VIRTIO_DEVICES * RF_VIRTIO_QUEUES <= RF_SIGNALS);

/**
 * rfv_kick() - notify() of a queue
 * @vq: it
 *
 * Context: any but NMI.
 * Return: true: the queue goes on.
 */
bool rfv_kick(struct virtqueue *vq)
{
	ficm_signal(FICM_SUPERVISOR, RF_VIRTIO_SIGNAL(to_rfv_device(vq->vdev)->number, vq->index));
	return true;
}

/* Hard interrupt, as drivers expect it. */
static void called(u32 peer, unsigned int n)
{
	struct rfv_device *dev;
	struct virtqueue *vq;
	unsigned long flags;

	if (peer != FICM_SUPERVISOR || n >= RF_VIRTIO_DEVICES * RF_VIRTIO_QUEUES)
		return;
	spin_lock_irqsave(&rfv_ring_lock, flags);
	dev = rfv_devices[n / RF_VIRTIO_QUEUES];
	vq = dev ? dev->queue[n % RF_VIRTIO_QUEUES] : NULL;
	if (vq)
		vring_interrupt(0, vq);
	spin_unlock_irqrestore(&rfv_ring_lock, flags);
}

int rfv_ring_init(void)
{
	return ficm_signals_listen(called);
}

void rfv_ring_exit(void)
{
	ficm_signals_end(called);
}
