// SPDX-License-Identifier: GPL-2.0-only
/*
 * /dev/rfcom: what linux/rfcom.h describes.
 */
#include <linux/anon_inodes.h>
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/poll.h>
#include <linux/uaccess.h>
#include <linux/uio.h>

#include "internal.h"
#include "region.h"

/**
 * rfcom_dev_fetch() - a copy of what user space passes
 * @arg: it; its first member says how long it is
 * @req: (out) the copy
 * @size: of the structure as we know it
 *
 * Return: 0, -EFAULT, -EINVAL it is too short, -E2BIG it asks for what we do not know.
 */
int rfcom_dev_fetch(void __user *arg, void *req, size_t size)
{
	u32 usize;

	if (get_user(usize, (u32 __user *)arg))
		return -EFAULT;
	if (usize < size || usize > PAGE_SIZE)
		return -EINVAL;
	return copy_struct_from_user(req, size, arg, usize);
}

/* A descriptor for it, which owns it; -errno: it is the caller's still. */
static int dev_descriptor(const char *name, const struct file_operations *fops, void *what,
			  u32 flags)
{
	return anon_inode_getfd(name, fops, what, O_RDWR | O_CLOEXEC |
				(flags & RFCOM_NONBLOCK ? O_NONBLOCK : 0));
}

static bool nowait(const struct kiocb *iocb)
{
	return iocb->ki_filp->f_flags & O_NONBLOCK || iocb->ki_flags & IOCB_NOWAIT;
}

static ssize_t chan_read(struct kiocb *iocb, struct iov_iter *to)
{
	return rfcom_read(iocb->ki_filp->private_data, to, nowait(iocb));
}

static ssize_t chan_write(struct kiocb *iocb, struct iov_iter *from)
{
	size_t len = iov_iter_count(from);

	return rfcom_write(iocb->ki_filp->private_data, from, nowait(iocb) ? RF_NOWAIT : 0) ?:
	       (ssize_t)len;
}

static __poll_t chan_poll(struct file *file, struct poll_table_struct *wait)
{
	struct rf_channel *ch = file->private_data;
	__poll_t events = 0;

	poll_wait(file, &ch->wait, wait);
	smp_mb();	/* in the queue before we look: pairs with rfcom_channel_wake() */
	if (rf_readable(ch))
		events |= EPOLLIN | EPOLLRDNORM;
	if (READ_ONCE(ch->state) == RFCOM_STATE_CLOSED)
		return events | EPOLLRDHUP | EPOLLHUP | (READ_ONCE(ch->error) ? EPOLLERR : 0);
	if (READ_ONCE(ch->resting))
		return events;
	if (rfcom_credit_left(&ch->out) >= rfcom_credit_wanted(RF_COM_MESSAGE_MAX))
		events |= EPOLLOUT | EPOLLWRNORM;
	else
		rf_want_room(ch);
	return events;
}

static int chan_release(struct inode *inode, struct file *file)
{
	rf_close(file->private_data);
	return 0;
}

static const struct file_operations chan_fops = {
	.owner = THIS_MODULE,
	.read_iter = chan_read,
	.write_iter = chan_write,
	.poll = chan_poll,
	.release = chan_release,
	.llseek = noop_llseek,
};

static int serv_accept(struct file *file, void __user *arg)
{
	struct rfcom_accept req;
	struct rf_channel *ch;
	int ret;

	ret = rfcom_dev_fetch(arg, &req, sizeof(req));
	if (ret || req.flags & ~RFCOM_NONBLOCK)
		return ret ?: -EINVAL;
	ch = rf_accept(file->private_data, file->f_flags & O_NONBLOCK ? RF_NOWAIT : 0);
	if (IS_ERR(ch))
		return PTR_ERR(ch);
	memcpy(req.kernel, ch->kernel, sizeof(req.kernel));
	ret = copy_to_user(arg, &req, sizeof(req)) ? -EFAULT :
	      dev_descriptor("[rfcom-channel]", &chan_fops, ch, req.flags);
	if (ret < 0)
		rf_close(ch);
	return ret;
}

static long serv_ioctl(struct file *file, unsigned int cmd, unsigned long p)
{
	return cmd == RFCOM_IOC_ACCEPT ? serv_accept(file, (void __user *)p) : -ENOTTY;
}

static __poll_t serv_poll(struct file *file, struct poll_table_struct *wait)
{
	struct rf_service *service = file->private_data;

	poll_wait(file, rf_service_wait(service), wait);
	return rfcom_service_ready(service) ? EPOLLIN | EPOLLRDNORM : 0;
}

static int serv_release(struct inode *inode, struct file *file)
{
	rf_unlisten(file->private_data);
	return 0;
}

static const struct file_operations serv_fops = {
	.owner = THIS_MODULE,
	.unlocked_ioctl = serv_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.poll = serv_poll,
	.release = serv_release,
	.llseek = noop_llseek,
};

static int dev_ioctl_open(void __user *arg)
{
	struct rfcom_open req;
	struct rf_channel *ch;
	int ret;

	ret = rfcom_dev_fetch(arg, &req, sizeof(req));
	if (ret)
		return ret;
	if (req.flags & ~RFCOM_NONBLOCK || req.reserved || req.timeout_ms > RFCOM_TIMEOUT_MAX ||
	    !rfcom_name_good(req.kernel) || !rfcom_name_good(req.service))
		return -EINVAL;
	ch = rf_open(req.kernel, req.service, req.timeout_ms);
	if (IS_ERR(ch))
		return PTR_ERR(ch);
	ret = dev_descriptor("[rfcom-channel]", &chan_fops, ch, req.flags);
	if (ret < 0)
		rf_close(ch);
	return ret;
}

static int dev_ioctl_listen(void __user *arg)
{
	struct rf_service *service;
	struct rfcom_listen req;
	int ret;

	ret = rfcom_dev_fetch(arg, &req, sizeof(req));
	if (ret)
		return ret;
	if (req.flags & ~RFCOM_NONBLOCK || req.reserved || !rfcom_name_good(req.service))
		return -EINVAL;
	service = rf_listen(req.service, req.backlog);
	if (IS_ERR(service))
		return PTR_ERR(service);
	ret = dev_descriptor("[rfcom-service]", &serv_fops, service, req.flags);
	if (ret < 0)
		rf_unlisten(service);
	return ret;
}

static void chan_describe(struct rf_channel *ch, struct rfcom_channel *out)
{
	memset(out, 0, sizeof(*out));
	out->id = ch->id;
	out->peer = ch->peer;
	out->accepted = ch->accepted;
	out->waiting = READ_ONCE(ch->in.head) - READ_ONCE(ch->in.tail);
	spin_lock(&ch->lock);
	out->state = ch->state;
	out->error = -ch->error;
	spin_unlock(&ch->lock);
	out->sent = READ_ONCE(ch->sent);
	out->sent_bytes = READ_ONCE(ch->sent_bytes);
	out->received = READ_ONCE(ch->received);
	out->received_bytes = READ_ONCE(ch->received_bytes);
	memcpy(out->kernel, ch->kernel, sizeof(out->kernel));
	memcpy(out->service, ch->service, sizeof(out->service));
}

static int dev_ioctl_list(void __user *arg)
{
	struct rfcom_channel entry;
	struct rf_channel *ch;
	struct rfcom_list req;
	unsigned long id = 0;
	int ret;

	ret = rfcom_dev_fetch(arg, &req, sizeof(req));
	if (ret || req.flags)
		return ret ?: -EINVAL;
	for (req.count = 0; (ch = rfcom_channel_next(&id)); req.count++) {
		u64 to = req.entries + (u64)req.count * sizeof(entry);

		chan_describe(ch, &entry);
		rfcom_channel_put(ch);
		if (req.count < req.capacity &&
		    copy_to_user(u64_to_user_ptr(to), &entry, sizeof(entry)))
			return -EFAULT;
	}
	return copy_to_user(arg, &req, sizeof(req)) ? -EFAULT : 0;
}

static long dev_ioctl(struct file *file, unsigned int cmd, unsigned long p)
{
	void __user *arg = (void __user *)p;

	switch (cmd) {
	case RFCOM_IOC_OPEN:
		return dev_ioctl_open(arg);
	case RFCOM_IOC_LISTEN:
		return dev_ioctl_listen(arg);
	case RFCOM_IOC_LIST:
		return dev_ioctl_list(arg);
	case RFCOM_IOC_OFFER:
		return rfcom_dev_offer(arg);
	case RFCOM_IOC_ATTACH:
		return rfcom_dev_attach(arg);
	case RFCOM_IOC_HOLDS:
		return rfcom_dev_holds(arg);
	case RFCOM_IOC_REVOKE:
		return rfcom_dev_revoke(arg);
	}
	return -ENOTTY;
}

static const struct file_operations dev_fops = {
	.owner = THIS_MODULE,
	.unlocked_ioctl = dev_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.llseek = noop_llseek,
};

static struct miscdevice dev = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "rfcom",
	.mode = 0600,
	.fops = &dev_fops,
};

/**
 * rfcom_dev_init() - offer /dev/rfcom
 *
 * Return: 0, or what misc_register() says.
 */
int rfcom_dev_init(void)
{
	return misc_register(&dev);
}

/**
 * rfcom_dev_exit() - no longer
 */
void rfcom_dev_exit(void)
{
	misc_deregister(&dev);
}
