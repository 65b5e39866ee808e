/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the files of rfvirtio share.
 *
 * Locks: rfv_lock, a mutex: the channel and what is said on it, which devices there are;
 * rfv_ring_lock within it, a spin lock that interrupts take: which queues there are,
 * configurations.
 */
#ifndef _RFVIRTIO_INTERNAL_H
#define _RFVIRTIO_INTERNAL_H

#include <linux/completion.h>
#include <linux/mutex.h>
#include <linux/rainforest_virtio.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/virtio.h>
#include <linux/virtio_config.h>
#include <linux/workqueue.h>

struct rf_channel;
struct rf_msg;

/**
 * struct rfv_device - a device
 * @vdev: as drivers know it
 * @number: of RF_VIRTIO_DEVICES
 * @nr_queues: that it has
 * @queue_max: entries of each
 * @features: that it offers
 * @config: its configuration, under rfv_ring_lock
 * @config_gen: counts its changes
 * @status: as the driver sets it
 * @ready: the driver has set it up, and the back ends may use its queues
 * @told: they were told
 * @leaving: it is being removed
 * @registered: drivers know it
 * @add_work: makes it known to drivers
 * @remove_work: takes it from them
 * @reset_seq: of the reset that waits for its answer, 0: none
 * @reset_done: the answer came
 * @queue: its queues, NULL: not used by the driver; under rfv_ring_lock
 */
struct rfv_device {
	struct virtio_device vdev;
	u32 number;
	u32 nr_queues;
	u16 queue_max[RF_VIRTIO_QUEUES];
	u64 features;
	struct rf_virtio_space config;
	u32 config_gen;
	u8 status;
	bool ready;
	bool told;
	bool leaving;
	bool registered;
	struct work_struct add_work;
	struct work_struct remove_work;
	u32 reset_seq;
	struct completion reset_done;
	struct virtqueue *queue[RF_VIRTIO_QUEUES];
};

static inline struct rfv_device *to_rfv_device(struct virtio_device *vdev)
{
	return container_of(vdev, struct rfv_device, vdev);
}

/* main.c */
extern struct mutex rfv_lock;
extern spinlock_t rfv_ring_lock;
extern struct rfv_device *rfv_devices[RF_VIRTIO_DEVICES];
extern struct workqueue_struct *rfv_work;
extern struct device *rfv_parent;

/* setup.c: what is said on the channel */
void rfv_setup_begin(struct rf_channel *ch);
bool rfv_setup_lasts(void);
void rfv_setup_end(void);
int rfv_setup_message(const void *data, size_t size);
void rfv_say(u16 type, const struct rfv_device *dev, u32 seq);
void rfv_say_ready(struct rfv_device *dev);

/* device.c: a device as its driver sees it */
struct rfv_device *rfv_create(u32 number, const struct rf_virtio_device *what);
void rfv_remove(struct rfv_device *dev);
void rfv_set_config(struct rfv_device *dev, const struct rf_virtio_space *config);

/* ring.c: doorbells */
int rfv_ring_init(void);
void rfv_ring_exit(void);
bool rfv_kick(struct virtqueue *vq);

#endif /* _RFVIRTIO_INTERNAL_H */
