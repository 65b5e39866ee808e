/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the files of rfvhost share.
 */
#ifndef _RFVHOST_H
#define _RFVHOST_H

#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/xarray.h>

struct vhost_queue;

/**
 * struct vhost_binding - a descriptor of /dev/rfvhost
 * @node: in the list of those that are bound
 * @subos: id of the subOS, 0: none yet
 * @queues: struct vhost_queue, by RF_VIRTIO_SIGNAL
 *
 * All changes under vhost_lock. Interrupts look under vhost_kick_lock, which is held while
 * @node is changed, and once more before a queue that is gone from @queues is freed.
 */
struct vhost_binding {
	struct list_head node;
	u32 subos;
	struct xarray queues;
};

extern struct mutex vhost_lock;
extern spinlock_t vhost_kick_lock;

int vhost_queue_set(struct vhost_binding *b, u32 device, u32 queue, int kick, int call);
void vhost_queue_kicked(struct vhost_binding *b, unsigned int n);
void vhost_queue_free_all(struct vhost_binding *b);

#endif /* _RFVHOST_H */
