// SPDX-License-Identifier: GPL-2.0-only
/*
 * What is said on the channel to the back ends' process. It is written without waiting:
 * there is little to say, and whoever does not read it is disconnected.
 */
#include <linux/err.h>
#include <linux/errno.h>
#include <linux/log2.h>
#include <linux/printk.h>
#include <linux/slab.h>
#include <linux/virtio_ring.h>
#include <linux/wait.h>
#include <rainforest/rfcom.h>

#include "internal.h"

static struct rf_channel *channel;	/* under rfv_lock; NULL: nobody is there */
static bool greeted;			/* it has said which version it speaks */

static void say(const void *data, size_t size)
{
	struct rf_channel *ended;

	lockdep_assert_held(&rfv_lock);
	if (!channel || !greeted)
		return;
	if (rf_write(channel, data, size, RF_NOWAIT)) {
		pr_warn("the back ends cannot be told; their channel ends\n");
		ended = channel;
		WRITE_ONCE(channel, NULL);
		wake_up_all(rf_channel_wait(ended));
	}
}

/**
 * rfv_say() - a message without contents
 * @type: RF_VIRTIO_*
 * @dev: about which device
 * @seq: of a reset, otherwise 0
 */
void rfv_say(u16 type, const struct rfv_device *dev, u32 seq)
{
	struct rf_virtio_msg msg = {
		.type = cpu_to_le16(type),
		.device = cpu_to_le16(dev->number),
		.seq = cpu_to_le32(seq),
	};

	say(&msg, sizeof(msg));
}

static void fill_queue(struct rf_virtio_queue *wire, struct virtqueue *vq)
{
	if (!vq)
		return;
	wire->size = cpu_to_le32(virtqueue_get_vring_size(vq));
	wire->desc = cpu_to_le64(virtqueue_get_desc_addr(vq));
	wire->avail = cpu_to_le64(virtqueue_get_avail_addr(vq));
	wire->used = cpu_to_le64(virtqueue_get_used_addr(vq));
}

/**
 * rfv_say_ready() - where the queues of a device are
 * @dev: it, ready
 *
 * Without memory for the message the device does not work until the back ends' process is
 * restarted.
 */
void rfv_say_ready(struct rfv_device *dev)
{
	struct rf_virtio_ready *ready;
	u32 i;

	ready = kzalloc(sizeof(*ready), GFP_KERNEL);
	if (!ready)
		return;
	ready->msg.type = cpu_to_le16(RF_VIRTIO_READY);
	ready->msg.device = cpu_to_le16(dev->number);
	ready->features = cpu_to_le64(dev->vdev.features);
	ready->flags = cpu_to_le32(dev->told ? RF_VIRTIO_RESUMED : 0);
	ready->nr_queues = cpu_to_le32(dev->nr_queues);
	for (i = 0; i < dev->nr_queues; i++)
		fill_queue(&ready->queue[i], dev->queue[i]);
	if (channel && greeted)
		dev->told = true;
	say(ready, offsetof(struct rf_virtio_ready, queue[dev->nr_queues]));
	kfree(ready);
}

/**
 * rfv_setup_begin() - the back ends' process is there
 * @ch: its channel
 */
void rfv_setup_begin(struct rf_channel *ch)
{
	mutex_lock(&rfv_lock);
	WRITE_ONCE(channel, ch);
	greeted = false;
	mutex_unlock(&rfv_lock);
}

/**
 * rfv_setup_lasts() - does that process read what is said?
 *
 * Return: false: its channel is to be closed, so that another one can come.
 */
bool rfv_setup_lasts(void)
{
	return READ_ONCE(channel);
}

/**
 * rfv_setup_end() - its channel ends
 *
 * Devices and their queues wait for the next one.
 */
void rfv_setup_end(void)
{
	mutex_lock(&rfv_lock);
	WRITE_ONCE(channel, NULL);
	mutex_unlock(&rfv_lock);
}

static int hear_hello(const struct rf_virtio_hello *hello, size_t size)
{
	struct rf_virtio_hello answer = {
		.msg.type = cpu_to_le16(RF_VIRTIO_HELLO),
		.version = cpu_to_le32(RF_VIRTIO_VERSION),
	};

	if (size < sizeof(*hello))
		return -EPROTO;
	greeted = true;
	say(&answer, sizeof(answer));
	if (le32_to_cpu(hello->version) == RF_VIRTIO_VERSION)
		return 0;
	pr_err("the back ends speak version %u, this module speaks %u\n",
	       le32_to_cpu(hello->version), RF_VIRTIO_VERSION);
	return -EPROTO;
}

static bool what_is_good(const struct rf_virtio_device *what)
{
	u32 i, nr = le32_to_cpu(what->nr_queues);

	if (!nr || nr > RF_VIRTIO_QUEUES || !what->id ||
	    le32_to_cpu(what->config.bytes) > RF_VIRTIO_CONFIG_MAX ||
	    !(le64_to_cpu(what->features) & BIT_ULL(VIRTIO_F_VERSION_1)))
		return false;
	for (i = 0; i < nr; i++) {
		u16 max = le16_to_cpu(what->queue_max[i]);

		if (!is_power_of_2(max) || max > RF_VIRTIO_QUEUE_MAX)
			return false;
	}
	return true;
}

/*
 * Nobody uses the queues of a device that is announced: a reset that waits is done. One that
 * is being removed may wait for what is in its queues: it is served until it is gone.
 */
static int hear_device(u32 number, const struct rf_virtio_device *what, size_t size)
{
	struct rfv_device *dev = rfv_devices[number];

	if (size < sizeof(*what) || !what_is_good(what))
		return -EPROTO;
	if (!dev)
		return PTR_ERR_OR_ZERO(rfv_create(number, what));
	if (dev->vdev.id.device != le32_to_cpu(what->id))
		return -EPROTO;
	rfv_set_config(dev, &what->config);
	if (dev->ready)
		rfv_say_ready(dev);
	else
		complete_all(&dev->reset_done);
	return 0;
}

static int hear_config(struct rfv_device *dev, const struct rf_virtio_config *config, size_t size)
{
	if (size < sizeof(*config) || le32_to_cpu(config->config.bytes) > RF_VIRTIO_CONFIG_MAX)
		return -EPROTO;
	rfv_set_config(dev, &config->config);
	return 0;
}

static int hear(const struct rf_virtio_msg *msg, size_t size)
{
	u32 number = le16_to_cpu(msg->device);
	u16 type = le16_to_cpu(msg->type);
	struct rfv_device *dev;

	if (type == RF_VIRTIO_HELLO)
		return hear_hello((const void *)msg, size);
	if (!greeted || number >= RF_VIRTIO_DEVICES)
		return -EPROTO;
	if (type == RF_VIRTIO_DEVICE)
		return hear_device(number, (const void *)msg, size);
	dev = rfv_devices[number];
	if (!dev)
		return -EPROTO;
	switch (type) {
	case RF_VIRTIO_CONFIG:
		return hear_config(dev, (const void *)msg, size);
	case RF_VIRTIO_REMOVE:
		rfv_remove(dev);
		return 0;
	case RF_VIRTIO_DONE:
		if (dev->reset_seq && le32_to_cpu(msg->seq) == dev->reset_seq)
			complete_all(&dev->reset_done);
		return 0;
	}
	return -EPROTO;
}

/**
 * rfv_setup_message() - a message of the back ends' process
 * @data: the message
 * @size: its bytes
 *
 * Return: 0. -EPROTO nonsense, another version; -ENOMEM: the channel is to be closed.
 */
int rfv_setup_message(const void *data, size_t size)
{
	int ret;

	if (size < sizeof(struct rf_virtio_msg))
		return -EPROTO;
	mutex_lock(&rfv_lock);
	ret = hear(data, size);
	mutex_unlock(&rfv_lock);
	return ret;
}
