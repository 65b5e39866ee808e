/* SPDX-License-Identifier: (GPL-2.0-only WITH Linux-syscall-note) OR BSD-2-Clause */
/*
 * Split drivers are virtio: a subOS's drivers, the stock ones, and back ends in the
 * supervisor. Their queues are in the subOS's own memory; what goes over a channel to its
 * service RF_VIRTIO_SERVICE is how they are set up. The back ends' process opens it, and
 * opens it again when it was restarted: devices and queues stay meanwhile.
 *
 *	back ends	HELLO ---------------------------->	subOS
 *			<---------------------------- HELLO
 *			DEVICE (what it is) -------------->	finds a driver for it
 *			<---------- READY (where its queues are)
 *			CONFIG (its configuration) ------->	changed
 *			<---------------------------- RESET	queues are used no more ...
 *			DONE ----------------------------->	... now
 *			REMOVE --------------------------->
 *			<-------------------------- REMOVED	its driver has let go of it
 *
 * A device that the subOS knows already is announced again by DEVICE after a restart of the
 * back ends: READY follows at once if its driver runs, with RF_VIRTIO_RESUMED: what is in
 * the queues, and is not marked as used, is still to be done.
 *
 * Kicks (there is something in a queue) and calls (something was taken from it) are signals of
 * FICM, RF_VIRTIO_SIGNAL.
 */
#ifndef _UAPI_LINUX_RAINFOREST_VIRTIO_H
#define _UAPI_LINUX_RAINFOREST_VIRTIO_H

#include <linux/types.h>

#define RF_VIRTIO_SERVICE	"virtio"
#define RF_VIRTIO_VERSION	1

#define RF_VIRTIO_DEVICES	32		/* of one subOS, numbered from 0 */
#define RF_VIRTIO_QUEUES	64		/* of one device, numbered from 0 */
#define RF_VIRTIO_SIGNAL(device, queue)	((device) * RF_VIRTIO_QUEUES + (queue))
#define RF_VIRTIO_QUEUE_MAX	1024		/* entries of a queue */
#define RF_VIRTIO_CONFIG_MAX	256		/* bytes of a device's configuration */

/* struct rf_virtio_msg @type; B: of the back ends, S: of the subOS */
#define RF_VIRTIO_HELLO		1		/* B, S: struct rf_virtio_hello */
#define RF_VIRTIO_DEVICE	2		/* B: struct rf_virtio_device */
#define RF_VIRTIO_CONFIG	3		/* B: struct rf_virtio_config */
#define RF_VIRTIO_REMOVE	4		/* B */
#define RF_VIRTIO_DONE		5		/* B: to RESET, with its @seq */
#define RF_VIRTIO_READY		6		/* S: struct rf_virtio_ready */
#define RF_VIRTIO_RESET		7		/* S */
#define RF_VIRTIO_REMOVED	8		/* S */

/**
 * struct rf_virtio_msg - begins each message
 * @type: RF_VIRTIO_*
 * @device: which; 0 in RF_VIRTIO_HELLO
 * @seq: of RF_VIRTIO_RESET and its RF_VIRTIO_DONE; otherwise 0
 */
struct rf_virtio_msg {
	__le16 type;
	__le16 device;
	__le32 seq;
};

/**
 * struct rf_virtio_hello - RF_VIRTIO_HELLO
 * @msg: see there
 * @version: RF_VIRTIO_VERSION
 * @reserved: 0
 */
struct rf_virtio_hello {
	struct rf_virtio_msg msg;
	__le32 version;
	__le32 reserved;
};

/**
 * struct rf_virtio_space - a device's configuration, in RF_VIRTIO_CONFIG and RF_VIRTIO_DEVICE
 * @bytes: used in @space
 * @reserved: 0
 * @space: as the device's chapter of Virtio 1.2 has it; reads behind @bytes give 0
 *
 * What the driver writes there stays in the subOS.
 */
struct rf_virtio_space {
	__le32 bytes;
	__le32 reserved;
	__u8 space[RF_VIRTIO_CONFIG_MAX];
};

/**
 * struct rf_virtio_config - RF_VIRTIO_CONFIG
 * @msg: see there
 * @config: new contents
 */
struct rf_virtio_config {
	struct rf_virtio_msg msg;
	struct rf_virtio_space config;
};

/**
 * struct rf_virtio_device - RF_VIRTIO_DEVICE
 * @msg: see there
 * @id: what it is: Virtio 1.2 section 5, 1: network card, 2: block device, 26: file system
 * @nr_queues: 1 to RF_VIRTIO_QUEUES
 * @features: that it offers, VIRTIO_F_VERSION_1 among them
 * @config: its configuration
 * @queue_max: entries of each queue at most, powers of two up to RF_VIRTIO_QUEUE_MAX
 */
struct rf_virtio_device {
	struct rf_virtio_msg msg;
	__le32 id;
	__le32 nr_queues;
	__le64 features;
	struct rf_virtio_space config;
	__le16 queue_max[RF_VIRTIO_QUEUES];
};

/**
 * struct rf_virtio_queue - where a queue is: a split one, Virtio 1.2 section 2.7
 * @size: entries, a power of two; 0: the driver does not use this queue
 * @reserved: 0
 * @desc: physical address of the descriptor table
 * @avail: of the driver's ring
 * @used: of the device's ring
 */
struct rf_virtio_queue {
	__le32 size;
	__le32 reserved;
	__le64 desc;
	__le64 avail;
	__le64 used;
};

#define RF_VIRTIO_RESUMED	(1U << 0)	/* rf_virtio_ready @flags: after a restart */

/**
 * struct rf_virtio_ready - RF_VIRTIO_READY: the driver has set the device up
 * @msg: see there
 * @features: of those offered, the ones that the driver uses
 * @flags: RF_VIRTIO_RESUMED
 * @nr_queues: as in struct rf_virtio_device
 * @queue: its queues; the message is cut behind the last one
 */
struct rf_virtio_ready {
	struct rf_virtio_msg msg;
	__le64 features;
	__le32 flags;
	__le32 nr_queues;
	struct rf_virtio_queue queue[RF_VIRTIO_QUEUES];
};

#endif /* _UAPI_LINUX_RAINFOREST_VIRTIO_H */
