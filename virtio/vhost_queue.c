// SPDX-License-Identifier: GPL-2.0-only
/*
 * A queue's eventfds. A kick signals one, in the doorbell's interrupt; a signal of the other is
 * passed on as a call from where it was raised, with interrupts off.
 */
#include <linux/eventfd.h>
#include <linux/file.h>
#include <linux/poll.h>
#include <linux/rainforest_virtio.h>
#include <linux/slab.h>
#include <linux/wait.h>
#include <rainforest/ficm.h>

#include "vhost.h"

/**
 * struct vhost_queue - a queue
 * @subos: whose
 * @n: RF_VIRTIO_SIGNAL of it
 * @kick: signalled when it is kicked, or NULL
 * @call_file: whose signals are calls, or NULL; held, so that it does not vanish
 * @call: the same
 * @wait: on @call
 * @table: how we get onto its wait queue
 */
struct vhost_queue {
	u32 subos;
	unsigned int n;
	struct eventfd_ctx *kick;
	struct file *call_file;
	struct eventfd_ctx *call;
	wait_queue_entry_t wait;
	poll_table table;
};

/* Under the lock of the eventfd's wait queue, interrupts off. */
static int call_signalled(wait_queue_entry_t *wait, unsigned int mode, int sync, void *key)
{
	struct vhost_queue *vq = container_of(wait, struct vhost_queue, wait);
	u64 count;

	if (!(key_to_poll(key) & EPOLLIN))
		return 0;
	eventfd_ctx_do_read(vq->call, &count);
	ficm_signal(vq->subos, vq->n);
	return 0;
}

static void call_table(struct file *file, wait_queue_head_t *head, poll_table *table)
{
	struct vhost_queue *vq = container_of(table, struct vhost_queue, table);

	add_wait_queue_priority(head, &vq->wait);
}

static int set_kick(struct vhost_queue *vq, int fd)
{
	struct eventfd_ctx *ctx = eventfd_ctx_fdget(fd);

	if (IS_ERR(ctx))
		return PTR_ERR(ctx);
	vq->kick = ctx;
	return 0;
}

static int set_call(struct vhost_queue *vq, int fd)
{
	struct file *file = eventfd_fget(fd);

	if (IS_ERR(file))
		return PTR_ERR(file);
	vq->call = eventfd_ctx_fileget(file);
	if (IS_ERR(vq->call)) {
		int ret = PTR_ERR(vq->call);

		vq->call = NULL;
		fput(file);
		return ret;
	}
	vq->call_file = file;
	init_waitqueue_func_entry(&vq->wait, call_signalled);
	init_poll_funcptr(&vq->table, call_table);
	/* what was signalled before we came */
	if (vfs_poll(file, &vq->table) & EPOLLIN)
		ficm_signal(vq->subos, vq->n);
	return 0;
}

static void queue_free(struct vhost_queue *vq)
{
	u64 count;

	if (vq->call) {
		eventfd_ctx_remove_wait_queue(vq->call, &vq->wait, &count);
		eventfd_ctx_put(vq->call);
		fput(vq->call_file);
	}
	if (vq->kick)
		eventfd_ctx_put(vq->kick);
	kfree(vq);
}

/* What is not in @queues any more is not kicked when this returns. */
static void kicks_end(void)
{
	spin_lock_irq(&vhost_kick_lock);
	spin_unlock_irq(&vhost_kick_lock);
}

static struct vhost_queue *queue_new(struct vhost_binding *b, unsigned int n, int kick, int call)
{
	struct vhost_queue *vq = kzalloc(sizeof(*vq), GFP_KERNEL_ACCOUNT);
	int ret = 0;

	if (!vq)
		return ERR_PTR(-ENOMEM);
	vq->subos = b->subos;
	vq->n = n;
	if (kick >= 0)
		ret = set_kick(vq, kick);
	if (!ret && call >= 0)
		ret = set_call(vq, call);
	if (!ret)
		return vq;
	queue_free(vq);
	return ERR_PTR(ret);
}

/**
 * vhost_queue_set() - give a queue its eventfds
 * @b: the binding
 * @device: which
 * @queue: which of its queues
 * @kick: descriptor, or -1
 * @call: descriptor, or -1
 *
 * Context: process, vhost_lock held.
 * Return: 0. -EBADF, -EINVAL that is no eventfd; -ENOMEM: all is as it was.
 */
int vhost_queue_set(struct vhost_binding *b, u32 device, u32 queue, int kick, int call)
{
	unsigned int n = RF_VIRTIO_SIGNAL(device, queue);
	struct vhost_queue *vq = NULL, *old;
	int ret;

	lockdep_assert_held(&vhost_lock);
	if (kick >= 0 || call >= 0)
		vq = queue_new(b, n, kick, call);
	if (IS_ERR(vq))
		return PTR_ERR(vq);
	old = xa_store(&b->queues, n, vq, GFP_KERNEL_ACCOUNT);
	ret = xa_err(old);
	if (ret)
		old = vq;
	else
		kicks_end();
	if (old)
		queue_free(old);
	return ret;
}

/**
 * vhost_queue_kicked() - there is something in a queue
 * @b: the binding
 * @n: RF_VIRTIO_SIGNAL of it, or whatever the subOS says
 *
 * Context: hard interrupt, vhost_kick_lock held.
 */
void vhost_queue_kicked(struct vhost_binding *b, unsigned int n)
{
	struct vhost_queue *vq = xa_load(&b->queues, n);

	if (vq && vq->kick)
		eventfd_signal(vq->kick);
}

/**
 * vhost_queue_free_all() - no queue has eventfds any more
 * @b: the binding
 *
 * Context: process, vhost_lock held.
 */
void vhost_queue_free_all(struct vhost_binding *b)
{
	struct vhost_queue *vq;
	unsigned long index;

	xa_for_each(&b->queues, index, vq) {
		xa_erase(&b->queues, index);
		queue_free(vq);
	}
}
