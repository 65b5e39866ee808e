// SPDX-License-Identifier: GPL-2.0-only
/*
 * A device as its driver sees it, Virtio 1.2 section 2: status, features, configuration,
 * split queues in this kernel's own memory.
 */
#include <linux/device.h>
#include <linux/err.h>
#include <linux/jiffies.h>
#include <linux/printk.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/virtio_ring.h>
#include <rainforest/compat.h>

#include "internal.h"

/* how long the back ends may need until they use no queue of a device any more */
#define RESET_PATIENCE	(10 * HZ)

/* features of the transport, Virtio 1.2 section 6, that this one has */
#define RING_FEATURES	(BIT_ULL(VIRTIO_RING_F_INDIRECT_DESC) | \
			 BIT_ULL(VIRTIO_RING_F_EVENT_IDX) | BIT_ULL(VIRTIO_F_VERSION_1))
#define RING_MASK	GENMASK_ULL(VIRTIO_TRANSPORT_F_END - 1, VIRTIO_TRANSPORT_F_START)

static void op_get(struct virtio_device *vdev, unsigned int offset, void *buf, unsigned int len)
{
	struct rfv_device *dev = to_rfv_device(vdev);
	unsigned long flags;

	memset(buf, 0, len);
	if (offset >= RF_VIRTIO_CONFIG_MAX)
		return;
	len = min_t(unsigned int, len, RF_VIRTIO_CONFIG_MAX - offset);
	spin_lock_irqsave(&rfv_ring_lock, flags);
	memcpy(buf, dev->config.space + offset, len);
	spin_unlock_irqrestore(&rfv_ring_lock, flags);
}

static void op_set(struct virtio_device *vdev, unsigned int offset, const void *buf,
		   unsigned int len)
{
	struct rfv_device *dev = to_rfv_device(vdev);
	unsigned long flags;

	if (offset >= RF_VIRTIO_CONFIG_MAX || len > RF_VIRTIO_CONFIG_MAX - offset)
		return;
	spin_lock_irqsave(&rfv_ring_lock, flags);
	memcpy(dev->config.space + offset, buf, len);
	spin_unlock_irqrestore(&rfv_ring_lock, flags);
}

static u32 op_generation(struct virtio_device *vdev)
{
	return READ_ONCE(to_rfv_device(vdev)->config_gen);
}

static u8 op_get_status(struct virtio_device *vdev)
{
	return READ_ONCE(to_rfv_device(vdev)->status);
}

static void op_set_status(struct virtio_device *vdev, u8 status)
{
	struct rfv_device *dev = to_rfv_device(vdev);

	mutex_lock(&rfv_lock);
	dev->status = status;
	if (status & VIRTIO_CONFIG_S_DRIVER_OK && !dev->ready) {
		dev->ready = true;
		dev->told = false;
		rfv_say_ready(dev);
	}
	mutex_unlock(&rfv_lock);
}

/*
 * Afterwards nobody uses the queues and what was in them. The back ends say so; when they
 * do not in time, there is nothing but to go on: they are the supervisor's, and it could
 * write to this memory anyway.
 */
static void op_reset(struct virtio_device *vdev)
{
	struct rfv_device *dev = to_rfv_device(vdev);
	static u32 last_seq;
	bool used;

	mutex_lock(&rfv_lock);
	used = dev->ready;
	dev->ready = false;
	dev->status = 0;
	if (used) {
		reinit_completion(&dev->reset_done);
		dev->reset_seq = ++last_seq ?: ++last_seq;
		rfv_say(RF_VIRTIO_RESET, dev, dev->reset_seq);
	}
	mutex_unlock(&rfv_lock);
	if (used && !wait_for_completion_timeout(&dev->reset_done, RESET_PATIENCE))
		dev_warn(&vdev->dev, "the back end does not confirm that it has stopped\n");
}

static u64 op_get_features(struct virtio_device *vdev)
{
	return to_rfv_device(vdev)->features;
}

static int op_finalize_features(struct virtio_device *vdev)
{
	vring_transport_features(vdev);
	vdev->features &= RING_FEATURES | ~RING_MASK;
	return vdev->features & BIT_ULL(VIRTIO_F_VERSION_1) ? 0 : -EINVAL;
}

static void op_del_vqs(struct virtio_device *vdev)
{
	struct rfv_device *dev = to_rfv_device(vdev);
	struct virtqueue *vq, *next;
	unsigned long flags;

	spin_lock_irqsave(&rfv_ring_lock, flags);
	memset(dev->queue, 0, sizeof(dev->queue));
	spin_unlock_irqrestore(&rfv_ring_lock, flags);
	list_for_each_entry_safe(vq, next, &vdev->vqs, list)
		vring_del_virtqueue(vq);
}

static struct virtqueue *make_queue(struct rfv_device *dev, unsigned int index, const char *name,
				    vq_callback_t *callback, bool ctx)
{
	struct virtqueue *vq;
	unsigned long flags;

	if (index >= dev->nr_queues)
		return ERR_PTR(-ENOENT);
	vq = vring_create_virtqueue(index, dev->queue_max[index], SMP_CACHE_BYTES, &dev->vdev,
				    true, true, ctx, rfv_kick, callback, name);
	if (!vq)
		return ERR_PTR(-ENOMEM);
	vq->num_max = dev->queue_max[index];
	spin_lock_irqsave(&rfv_ring_lock, flags);
	dev->queue[index] = vq;
	spin_unlock_irqrestore(&rfv_ring_lock, flags);
	return vq;
}

static int op_find_vqs(struct virtio_device *vdev, unsigned int nvqs, struct virtqueue *vqs[],
		       RF_VQS_WANTED, struct irq_affinity *desc)
{
	struct rfv_device *dev = to_rfv_device(vdev);
	unsigned int i, index = 0;

	for (i = 0; i < nvqs; i++) {
		vqs[i] = NULL;
		if (!rf_vq_name(i))
			continue;
		vqs[i] = make_queue(dev, index++, rf_vq_name(i), rf_vq_callback(i), rf_vq_ctx(i));
		if (IS_ERR(vqs[i])) {
			int ret = PTR_ERR(vqs[i]);

			op_del_vqs(vdev);
			return ret;
		}
	}
	return 0;
}

static void op_synchronize_cbs(struct virtio_device *vdev)
{
	unsigned long flags;

	spin_lock_irqsave(&rfv_ring_lock, flags);	/* they run under it */
	spin_unlock_irqrestore(&rfv_ring_lock, flags);
}

static const char *op_bus_name(struct virtio_device *vdev)
{
	return "rfvirtio";
}

static const struct virtio_config_ops device_ops = {
	.get = op_get,
	.set = op_set,
	.generation = op_generation,
	.get_status = op_get_status,
	.set_status = op_set_status,
	.reset = op_reset,
	.find_vqs = op_find_vqs,
	.del_vqs = op_del_vqs,
	.synchronize_cbs = op_synchronize_cbs,
	.get_features = op_get_features,
	.finalize_features = op_finalize_features,
	.bus_name = op_bus_name,
};

static void device_release(struct device *d)
{
	kfree(to_rfv_device(dev_to_virtio(d)));
}

/* A driver may take its time to get to know a device: it reads partition tables, say. */
static void add_work(struct work_struct *work)
{
	struct rfv_device *dev = container_of(work, struct rfv_device, add_work);
	int ret = register_virtio_device(&dev->vdev);
	unsigned long flags;
	bool changed;

	if (ret) {
		pr_err("device %u is not accepted: %d\n", dev->number, ret);
		return;
	}
	/* What changed before this was said to nobody: see rfv_set_config(). */
	spin_lock_irqsave(&rfv_ring_lock, flags);
	dev->registered = true;
	changed = dev->config_gen;
	spin_unlock_irqrestore(&rfv_ring_lock, flags);
	if (changed)
		virtio_config_changed(&dev->vdev);
}

static void remove_work(struct work_struct *work)
{
	struct rfv_device *dev = container_of(work, struct rfv_device, remove_work);
	unsigned long flags;

	flush_work(&dev->add_work);
	if (dev->registered) {
		get_device(&dev->vdev.dev);	/* it is used until the end of this */
		unregister_virtio_device(&dev->vdev);
	}
	mutex_lock(&rfv_lock);
	spin_lock_irqsave(&rfv_ring_lock, flags);
	rfv_devices[dev->number] = NULL;
	spin_unlock_irqrestore(&rfv_ring_lock, flags);
	rfv_say(RF_VIRTIO_REMOVED, dev, 0);
	mutex_unlock(&rfv_lock);
	put_device(&dev->vdev.dev);
}

/**
 * rfv_create() - a new device
 * @number: of it, not taken
 * @what: what it is, checked
 *
 * Context: process, rfv_lock held. Drivers get to know it later.
 * Return: it, or ERR_PTR(-ENOMEM).
 */
struct rfv_device *rfv_create(u32 number, const struct rf_virtio_device *what)
{
	struct rfv_device *dev = kzalloc(sizeof(*dev), GFP_KERNEL);
	unsigned long flags;
	u32 i;

	lockdep_assert_held(&rfv_lock);
	if (!dev)
		return ERR_PTR(-ENOMEM);
	dev->number = number;
	dev->nr_queues = le32_to_cpu(what->nr_queues);
	for (i = 0; i < dev->nr_queues; i++)
		dev->queue_max[i] = le16_to_cpu(what->queue_max[i]);
	dev->features = le64_to_cpu(what->features) & (RING_FEATURES | ~RING_MASK);
	dev->config = what->config;
	dev->vdev.id.device = le32_to_cpu(what->id);
	dev->vdev.id.vendor = VIRTIO_DEV_ANY_ID;
	dev->vdev.config = &device_ops;
	dev->vdev.dev.parent = rfv_parent;
	dev->vdev.dev.release = device_release;
	INIT_WORK(&dev->add_work, add_work);
	INIT_WORK(&dev->remove_work, remove_work);
	init_completion(&dev->reset_done);
	spin_lock_irqsave(&rfv_ring_lock, flags);
	rfv_devices[number] = dev;
	spin_unlock_irqrestore(&rfv_ring_lock, flags);
	queue_work(rfv_work, &dev->add_work);
	return dev;
}

/**
 * rfv_remove() - a device is to go
 * @dev: it
 *
 * Context: process, rfv_lock held. Its driver lets go of it later, which is said then.
 */
void rfv_remove(struct rfv_device *dev)
{
	lockdep_assert_held(&rfv_lock);
	if (dev->leaving)
		return;
	dev->leaving = true;
	queue_work(rfv_work, &dev->remove_work);
}

/**
 * rfv_set_config() - a device's configuration has changed
 * @dev: it
 * @config: the new one, its length checked
 *
 * Context: process.
 */
void rfv_set_config(struct rfv_device *dev, const struct rf_virtio_space *config)
{
	unsigned long flags;
	bool changed, registered;

	spin_lock_irqsave(&rfv_ring_lock, flags);
	registered = dev->registered;
	changed = memcmp(&dev->config, config, sizeof(*config));
	if (changed) {
		dev->config = *config;
		dev->config_gen++;
	}
	spin_unlock_irqrestore(&rfv_ring_lock, flags);
	if (changed && registered)
		virtio_config_changed(&dev->vdev);
}
