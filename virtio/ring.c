// SPDX-License-Identifier: GPL-2.0-only
/*
 * Doorbells: a kick tells the back end that there is something in a queue, a call tells the
 * driver that something was taken from it. Both are messages of FICM. One that does not
 * find room in the ring must not be lost, as the queue would stand still: it is owed.
 */
#include <linux/bottom_half.h>
#include <linux/virtio_ring.h>
#include <rainforest/ficm.h>

#include "internal.h"

#define OWED_RETRY	1	/* jiffies until what is owed is tried again */

static void owed_work(struct work_struct *work);
static DECLARE_DELAYED_WORK(owed, owed_work);

static int send_kick(u32 device, u32 queue)
{
	struct rf_virtio_ring ring = {
		.device = cpu_to_le32(device), .queue = cpu_to_le32(queue),
	};
	struct rf_msg msg = {
		.type = cpu_to_le16(RF_MSG_VIRTIO_KICK), .len = sizeof(ring),
	};

	memcpy(msg.body, &ring, sizeof(ring));
	return ficm_send(FICM_SUPERVISOR, &msg);
}

/**
 * rfv_kick() - notify() of a queue
 * @vq: it
 *
 * Context: any but NMI.
 * Return: true: the queue goes on.
 */
bool rfv_kick(struct virtqueue *vq)
{
	struct rfv_device *dev = to_rfv_device(vq->vdev);

	if (send_kick(dev->number, vq->index) == -EAGAIN) {
		WRITE_ONCE(dev->queue[vq->index].owed, true);
		queue_delayed_work(rfv_work, &owed, OWED_RETRY);
	}
	return true;
}

/* Under rfv_ring_lock. Is there still something owed? */
static bool pay(struct rfv_device *dev)
{
	bool again = false;
	u32 i;

	for (i = 0; i < dev->nr_queues; i++) {
		if (!dev->queue[i].vq || !READ_ONCE(dev->queue[i].owed))
			continue;
		WRITE_ONCE(dev->queue[i].owed, false);
		if (send_kick(dev->number, i) == -EAGAIN) {
			WRITE_ONCE(dev->queue[i].owed, true);
			again = true;
		}
	}
	return again;
}

static void owed_work(struct work_struct *work)
{
	bool again = false;
	u32 i;

	spin_lock_irq(&rfv_ring_lock);
	for (i = 0; i < RF_VIRTIO_DEVICES; i++)
		if (rfv_devices[i])
			again |= pay(rfv_devices[i]);
	spin_unlock_irq(&rfv_ring_lock);
	if (again)
		queue_delayed_work(rfv_work, &owed, OWED_RETRY);
}

/* Drivers expect an interrupt: interrupts are off, and what it raised runs behind it. */
static void called(u32 peer, const struct rf_msg *msg, void *arg)
{
	const struct rf_virtio_ring *ring = (const void *)msg->body;
	u32 device = le32_to_cpu(ring->device), queue = le32_to_cpu(ring->queue);
	struct rfv_device *dev;
	unsigned long flags;

	if (peer != FICM_SUPERVISOR || msg->len < sizeof(*ring) ||
	    device >= RF_VIRTIO_DEVICES || queue >= RF_VIRTIO_QUEUES)
		return;
	local_bh_disable();
	spin_lock_irqsave(&rfv_ring_lock, flags);
	dev = rfv_devices[device];
	if (dev && dev->queue[queue].vq)
		vring_interrupt(0, dev->queue[queue].vq);
	spin_unlock_irqrestore(&rfv_ring_lock, flags);
	local_bh_enable();
}

int rfv_ring_init(void)
{
	return ficm_register(RF_MSG_VIRTIO_CALL, called, NULL);
}

void rfv_ring_exit(void)
{
	ficm_unregister(RF_MSG_VIRTIO_CALL);
	cancel_delayed_work_sync(&owed);
}
