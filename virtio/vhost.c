// SPDX-License-Identifier: GPL-2.0-only
/*
 * rfvhost.ko: /dev/rfvhost, doorbells of a subOS's virtio devices for their back ends in the
 * supervisor. See linux/rfvhost.h.
 */
#include <linux/capability.h>
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/rainforest_virtio.h>
#include <linux/rfvhost.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <rainforest/ficm.h>

#include "vhost.h"

DEFINE_MUTEX(vhost_lock);	/* bindings and their queues */
DEFINE_SPINLOCK(vhost_kick_lock);	/* the same against interrupts: see vhost.h */

static LIST_HEAD(bindings);

/* Under either lock. */
static struct vhost_binding *binding_of(u32 subos)
{
	struct vhost_binding *b;

	list_for_each_entry(b, &bindings, node)
		if (b->subos == subos)
			return b;
	return NULL;
}

/* What a subOS says goes to its own back ends, and nowhere else. Hard interrupt. */
static void kicked(u32 peer, unsigned int n)
{
	struct vhost_binding *b;
	unsigned long flags;

	spin_lock_irqsave(&vhost_kick_lock, flags);
	b = binding_of(peer);
	if (b)
		vhost_queue_kicked(b, n);
	spin_unlock_irqrestore(&vhost_kick_lock, flags);
}

static int vhost_open(struct inode *inode, struct file *file)
{
	struct vhost_binding *b = kzalloc(sizeof(*b), GFP_KERNEL_ACCOUNT);

	if (!b)
		return -ENOMEM;
	INIT_LIST_HEAD(&b->node);
	xa_init_flags(&b->queues, XA_FLAGS_ACCOUNT);
	file->private_data = b;
	return 0;
}

static int vhost_release(struct inode *inode, struct file *file)
{
	struct vhost_binding *b = file->private_data;

	mutex_lock(&vhost_lock);
	spin_lock_irq(&vhost_kick_lock);
	list_del(&b->node);
	spin_unlock_irq(&vhost_kick_lock);
	vhost_queue_free_all(b);
	mutex_unlock(&vhost_lock);
	xa_destroy(&b->queues);
	kfree(b);
	return 0;
}

static int vhost_bind(struct vhost_binding *b, void __user *arg)
{
	struct rfvhost_bind req;

	if (copy_from_user(&req, arg, sizeof(req)))
		return -EFAULT;
	if (req.size != sizeof(req) || !req.subos || req.subos == FICM_LOOPBACK)
		return -EINVAL;
	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	guard(mutex)(&vhost_lock);
	if (b->subos || binding_of(req.subos))
		return -EBUSY;
	spin_lock_irq(&vhost_kick_lock);
	b->subos = req.subos;
	list_add(&b->node, &bindings);
	spin_unlock_irq(&vhost_kick_lock);
	return 0;
}

static int vhost_set_queue(struct vhost_binding *b, void __user *arg)
{
	struct rfvhost_queue req;

	if (copy_from_user(&req, arg, sizeof(req)))
		return -EFAULT;
	if (req.size != sizeof(req) || req.reserved || req.device >= RF_VIRTIO_DEVICES ||
	    req.queue >= RF_VIRTIO_QUEUES || req.kick < -1 || req.call < -1)
		return -EINVAL;
	guard(mutex)(&vhost_lock);
	if (!b->subos)
		return -ENOTCONN;
	return vhost_queue_set(b, req.device, req.queue, req.kick, req.call);
}

static long vhost_ioctl(struct file *file, unsigned int cmd, unsigned long p)
{
	struct vhost_binding *b = file->private_data;

	switch (cmd) {
	case RFVHOST_IOC_BIND:
		return vhost_bind(b, (void __user *)p);
	case RFVHOST_IOC_QUEUE:
		return vhost_set_queue(b, (void __user *)p);
	}
	return -ENOTTY;
}

static const struct file_operations vhost_fops = {
	.owner = THIS_MODULE,
	.open = vhost_open,
	.release = vhost_release,
	.unlocked_ioctl = vhost_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.llseek = noop_llseek,
};

static struct miscdevice vhost_device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "rfvhost",
	.fops = &vhost_fops,
	.mode = 0600,
};

static int __init rfvhost_init(void)
{
	int ret;

	ret = ficm_signals_listen(kicked);
	if (ret)
		return ret;
	ret = misc_register(&vhost_device);
	if (ret)
		ficm_signals_end(kicked);
	return ret;
}

static void __exit rfvhost_exit(void)
{
	misc_deregister(&vhost_device);
	ficm_signals_end(kicked);
}

module_init(rfvhost_init);
module_exit(rfvhost_exit);
MODULE_DESCRIPTION("RainForest: doorbells for back ends of subOSes' virtio devices");
MODULE_AUTHOR("RainForest developers");
MODULE_LICENSE("GPL");
MODULE_IMPORT_NS(RAINFOREST_FICM);
