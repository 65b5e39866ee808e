/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the files of rfvhost share.
 */
#ifndef _RFVHOST_H
#define _RFVHOST_H

#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/types.h>
#include <linux/xarray.h>

struct vhost_queue;

/**
 * struct vhost_binding - a descriptor of /dev/rfvhost
 * @node: in the list of those that are bound
 * @subos: id of the subOS, 0: none yet
 * @queues: struct vhost_queue, by device * RF_VIRTIO_QUEUES + queue
 *
 * All under vhost_lock.
 */
struct vhost_binding {
	struct list_head node;
	u32 subos;
	struct xarray queues;
};

extern struct mutex vhost_lock;

int vhost_queue_set(struct vhost_binding *b, u32 device, u32 queue, int kick, int call);
void vhost_queue_kicked(struct vhost_binding *b, u32 device, u32 queue);
void vhost_queue_free_all(struct vhost_binding *b);

#endif /* _RFVHOST_H */
