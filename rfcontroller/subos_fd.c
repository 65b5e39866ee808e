// SPDX-License-Identifier: GPL-2.0-only
/*
 * DOC: Descriptors of a subOS: the calls on one that rainforest.h describes
 */
#include <linux/anon_inodes.h>
#include <linux/capability.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/ktime.h>
#include <linux/module.h>
#include <linux/poll.h>
#include <linux/sizes.h>
#include <linux/uaccess.h>
#include "anchor.h"
#include "cdev.h"
#include "fail.h"
#include "internal.h"

/**
 * struct subos_file - an open descriptor for a subOS
 * @so: the subOS, a reference
 * @creator: closing it before the start undoes everything
 * @seen: state_gen at the last RF_IOC_INFO
 */
struct subos_file {
	struct subos *so;
	bool creator;
	int seen;
};

/* A kernel that is loaded was told what it has: nothing can be added behind its back. */
static int subos_may_add(struct subos *so, struct rfctl_msg *msg)
{
	lockdep_assert_held(&so->lock);
	if (so->gone)
		rfctl_say(msg, "%s is gone", so->name);
	else if (so->started)
		rfctl_say(msg, "%s was started; what it has stays as it is until it is destroyed",
			  so->name);
	else if (so->loaded)
		rfctl_say(msg, "%s has a kernel loaded, which was told what it has; add before that",
			  so->name);
	else
		return 0;
	return -EBUSY;
}

static int subos_add_cpus(struct subos *so, void __user *arg)
{
	struct rfctl_msg msg = { "" };
	struct cpumask *mask;
	struct rf_cpus req;
	int ret;

	ret = CDEV_FETCH(arg, req, reserved);
	if (ret)
		return ret;
	if (req.flags & ~RF_CPUS_DRY_RUN || req.reserved)
		return -EINVAL;
	mask = rfctl_zalloc(sizeof(*mask));
	if (!mask)
		return -ENOMEM;
	ret = cdev_get_mask(mask, req.mask, req.mask_bytes);
	if (ret > 0)
		rfctl_say(&msg, "CPU %d does not exist; there are CPUs %*pbl", ret,
			  cpumask_pr_args(cpu_possible_mask));
	if (ret > 0 || (!ret && cpumask_empty(mask) == !req.count))
		ret = -EINVAL;
	if (!ret)
		ret = subos_may_add(so, &msg);
	if (!ret)
		ret = rfctl_cpus_claim(so, mask, req.count, req.flags & RF_CPUS_DRY_RUN, &msg);
	if (!ret && !(req.flags & RF_CPUS_DRY_RUN))
		ret = cdev_put_mask(&so->cpus, req.mask, req.mask_bytes);
	cdev_message(req.msg, req.msg_len, &msg);
	kfree(mask);
	return ret;
}

static int subos_add_memory(struct subos *so, void __user *arg)
{
	struct rfctl_msg msg = { "" };
	struct rf_memory req;
	int ret, err;

	ret = CDEV_FETCH(arg, req, reserved);
	if (ret)
		return ret;
	if (req.flags & ~RF_MEMORY_DRY_RUN || req.reserved)
		return -EINVAL;
	req.got = 0;
	ret = subos_may_add(so, &msg);
	if (!ret)
		ret = rfctl_mem_claim(so, req.bytes, req.node, req.timeout_ms,
				      req.flags & RF_MEMORY_DRY_RUN, &req.got, &msg);
	cdev_message(req.msg, req.msg_len, &msg);
	err = cdev_return(arg, &req, sizeof(req));
	return ret ?: err;
}

static int subos_add_pci(struct subos *so, void __user *arg)
{
	struct rfctl_msg msg = { "" };
	u64 start = ktime_get_ns();
	struct rf_pci req;
	int ret;

	ret = CDEV_FETCH(arg, req, reserved2);
	if (ret)
		return ret;
	if (req.flags & ~RF_PCI_DRY_RUN || req.reserved || req.reserved2)
		return -EINVAL;
	ret = subos_may_add(so, &msg);
	if (!ret)
		ret = rfctl_pci_claim(so, req.segment, req.bus, req.devfn,
				      req.flags & RF_PCI_DRY_RUN, &msg);
	if (!ret && !(req.flags & RF_PCI_DRY_RUN))
		so->stage_ns[RF_STAGE_PCI] += ktime_get_ns() - start;
	cdev_message(req.msg, req.msg_len, &msg);
	return ret;
}

static int subos_load(struct subos *so, void __user *arg,
		      int (*load)(struct subos *so, const struct rf_load *req,
				  struct rfctl_msg *msg))
{
	struct rfctl_msg msg = { "" };
	struct rf_load req;
	int ret;

	ret = CDEV_FETCH(arg, req, reserved);
	if (ret)
		return ret;
	if (req.flags & ~RF_LOAD_BARE || req.reserved)
		return -EINVAL;
	ret = so->gone ? -ENOENT : load(so, &req, &msg);
	cdev_message(req.msg, req.msg_len, &msg);
	return ret;
}

static int subos_end(struct subos *so, void __user *arg,
		     int (*end)(struct subos *so, bool force, unsigned int timeout_ms,
				struct rfctl_msg *msg))
{
	struct rfctl_msg msg = { "" };
	struct rf_destroy req;
	int ret;

	static_assert(sizeof(struct rf_destroy) == sizeof(struct rf_stop));
	ret = CDEV_FETCH(arg, req, reserved2);
	if (ret)
		return ret;
	if (req.flags & ~RF_DESTROY_FORCE || req.reserved || req.reserved2)
		return -EINVAL;
	ret = end(so, req.flags & RF_DESTROY_FORCE, req.timeout_ms, &msg);
	cdev_message(req.msg, req.msg_len, &msg);
	return ret;
}

static int subos_get_info(struct subos_file *sf, void __user *arg)
{
	struct rf_info *info;
	u32 usize;
	int ret;

	if (get_user(usize, (u32 __user *)arg))
		return -EFAULT;
	if (usize < sizeof(*info))
		return -EINVAL;
	info = rfctl_zalloc(sizeof(*info));
	if (!info)
		return -ENOMEM;
	sf->seen = atomic_read(&sf->so->state_gen);
	subos_info(sf->so, info);
	ret = copy_to_user(arg, info, sizeof(*info)) ? -EFAULT : 0;
	kfree(info);
	return ret;
}

#define RESIZE_FLAGS	(RF_RESIZE_ADD | RF_RESIZE_REMOVE | RF_RESIZE_DRY_RUN)
#define RESIZE_BOTH	(RF_RESIZE_ADD | RF_RESIZE_REMOVE)

#define POLICY_FLAGS	(RF_POLICY_ON_CRASH | RF_POLICY_MAX_CPUS | RF_POLICY_MAX_MEMORY)

static bool resize_flags_ok(u32 flags)
{
	return !(flags & ~RESIZE_FLAGS) && (flags & RESIZE_BOTH) != RESIZE_BOTH;
}

static int subos_fd_cpus(struct subos *so, void __user *arg)
{
	struct rfctl_msg msg = { "" };
	struct rf_resize_cpus req;
	struct cpumask *mask;
	int ret, err;

	ret = CDEV_FETCH(arg, req, reserved);
	if (ret)
		return ret;
	if (!resize_flags_ok(req.flags) || req.reserved)
		return -EINVAL;
	mask = rfctl_zalloc(sizeof(*mask));
	if (!mask)
		return -ENOMEM;
	memset(req.stage_ns, 0, sizeof(req.stage_ns));
	ret = cdev_get_mask(mask, req.mask, req.mask_bytes);
	if (ret > 0)
		rfctl_say(&msg, "CPU %d does not exist; there are CPUs %*pbl", ret,
			  cpumask_pr_args(cpu_possible_mask));
	if (ret > 0 || (!ret && cpumask_empty(mask) == !req.count))
		ret = -EINVAL;
	if (!ret) {
		ret = subos_resize_cpus(so, &req, mask, &msg);
		err = cdev_put_mask(mask, req.mask, req.mask_bytes);
		err = err ?: cdev_return(arg, &req, sizeof(req));
		ret = ret ?: err;
	}
	cdev_message(req.msg, req.msg_len, &msg);
	kfree(mask);
	return ret;
}

static int subos_fd_memory(struct subos *so, void __user *arg)
{
	struct rfctl_msg msg = { "" };
	struct rf_resize_memory req;
	int ret, err;

	ret = CDEV_FETCH(arg, req, reserved);
	if (ret)
		return ret;
	if (!resize_flags_ok(req.flags) || req.reserved)
		return -EINVAL;
	memset(req.stage_ns, 0, sizeof(req.stage_ns));
	ret = subos_resize_memory(so, &req, &msg);
	cdev_message(req.msg, req.msg_len, &msg);
	err = cdev_return(arg, &req, sizeof(req));
	return ret ?: err;
}

static int subos_fd_pci(struct subos *so, void __user *arg)
{
	struct rfctl_msg msg = { "" };
	struct rf_resize_pci req;
	int ret, err;

	ret = CDEV_FETCH(arg, req, reserved);
	if (ret)
		return ret;
	if (!resize_flags_ok(req.flags) || !(req.flags & RESIZE_BOTH) || req.reserved)
		return -EINVAL;
	memset(req.stage_ns, 0, sizeof(req.stage_ns));
	ret = subos_resize_pci(so, &req, &msg);
	cdev_message(req.msg, req.msg_len, &msg);
	err = cdev_return(arg, &req, sizeof(req));
	return ret ?: err;
}

static int subos_fd_stats(struct subos *so, void __user *arg)
{
	struct rf_stats req;
	int ret;

	ret = CDEV_FETCH(arg, req, reserved);
	if (ret)
		return ret;
	if (req.flags || req.reserved)
		return -EINVAL;
	ret = subos_stats(so, &req);
	return ret ?: cdev_return(arg, &req, sizeof(req));
}

static int subos_priority(struct subos *so, void __user *arg)
{
	struct rf_priority req;
	int ret;

	ret = CDEV_FETCH(arg, req, reserved);
	if (ret)
		return ret;
	if (req.flags || req.reserved || abs(req.priority) > 100)
		return -EINVAL;
	guard(mutex)(&so->lock);
	so->priority = req.priority;
	return 0;
}

static int subos_policy(struct subos *so, void __user *arg)
{
	struct rfctl_msg msg = { "" };
	struct rf_policy req;
	int ret;

	ret = CDEV_FETCH(arg, req, reserved);
	if (ret)
		return ret;
	if (req.flags & ~POLICY_FLAGS || req.reserved || req.on_crash > RF_ON_CRASH_DESTROY ||
	    req.max_cpus > RF_WIRE_CPUS)
		return -EINVAL;
	ret = rfctl_policy_set(so, &req, &msg);
	cdev_message(req.msg, req.msg_len, &msg);
	return ret;
}

static int subos_console(struct subos *so, void __user *arg)
{
	struct rf_console req;
	int ret;

	ret = CDEV_FETCH(arg, req, flags);
	if (ret)
		return ret;
	if (req.flags & ~RF_CONSOLE_WRITE)
		return -EINVAL;
	return so->gone ? -ENOENT : rfctl_console_open(so, req.flags);
}

static int subos_window(struct subos *so, void __user *arg)
{
	struct rf_window req;
	int ret;

	ret = CDEV_FETCH(arg, req, flags);
	if (ret)
		return ret;
	if (req.flags)
		return -EINVAL;
	req.bytes = rfctl_mem_end();
	ret = cdev_return(arg, &req, sizeof(req));
	return ret ?: rfctl_window_open(so);
}

static int subos_crash(struct subos *so, void __user *arg)
{
	struct rf_crash req;
	int ret;

	ret = CDEV_FETCH(arg, req, reason);
	if (ret)
		return ret;
	if (req.flags || !req.reason[0] || strnlen(req.reason, RF_REASON_MAX) == RF_REASON_MAX)
		return -EINVAL;
	return rfctl_monitor_crash(so, req.reason);
}

/* Calls that change the subOS itself, under its lock. */
static long subos_ioctl_locked(struct subos *so, unsigned int cmd, void __user *arg)
{
	int ret;

	ret = mutex_lock_interruptible(&so->lock);
	if (ret)
		return ret;
	subos_info_keep(so);
	if (so->busy)
		ret = -EBUSY;
	else if (cmd == RF_IOC_ADD_CPUS)
		ret = subos_add_cpus(so, arg);
	else if (cmd == RF_IOC_ADD_MEMORY)
		ret = subos_add_memory(so, arg);
	else if (cmd == RF_IOC_ADD_PCI)
		ret = subos_add_pci(so, arg);
	else if (cmd == RF_IOC_LOAD)
		ret = subos_load(so, arg, rfctl_load);
	else if (cmd == RF_IOC_KEEP)
		ret = subos_load(so, arg, rfctl_load_keep);
	else
		ret = so->gone ? -ENOENT : subos_start(so);
	mutex_unlock(&so->lock);
	return ret;
}

static long subos_call(struct subos_file *sf, unsigned int cmd, void __user *arg)
{
	switch (cmd) {
	case RF_IOC_ADD_CPUS:
	case RF_IOC_ADD_MEMORY:
	case RF_IOC_ADD_PCI:
	case RF_IOC_LOAD:
	case RF_IOC_KEEP:
	case RF_IOC_START:
		return subos_ioctl_locked(sf->so, cmd, arg);
	case RF_IOC_STOP:
		return subos_end(sf->so, arg, subos_stop);
	case RF_IOC_DESTROY:
		return subos_end(sf->so, arg, subos_destroy);
	case RF_IOC_INFO:
		return subos_get_info(sf, arg);
	case RF_IOC_CONSOLE:
		return subos_console(sf->so, arg);
	case RF_IOC_WINDOW:
		return subos_window(sf->so, arg);
	case RF_IOC_CRASH:
		return subos_crash(sf->so, arg);
	case RF_IOC_RESIZE_CPUS:
		return subos_fd_cpus(sf->so, arg);
	case RF_IOC_RESIZE_MEMORY:
		return subos_fd_memory(sf->so, arg);
	case RF_IOC_RESIZE_PCI:
		return subos_fd_pci(sf->so, arg);
	case RF_IOC_STATS:
		return subos_fd_stats(sf->so, arg);
	case RF_IOC_PRIORITY:
		return subos_priority(sf->so, arg);
	case RF_IOC_POLICY:
		return subos_policy(sf->so, arg);
	}
	return -ENOTTY;
}

static long subos_fop_ioctl(struct file *file, unsigned int cmd, unsigned long p)
{
	struct subos_file *sf = file->private_data;
	struct rfctl_call call;
	long ret;

	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	ret = rfctl_call_begin(&call, sf->so->name);
	if (ret)
		return ret;
	ret = subos_call(sf, cmd, (void __user *)p);
	rfctl_call_end(&call);
	return ret;
}

static bool subos_owns(struct subos *so, u64 addr, u64 len)
{
	unsigned int i;

	if (so->low && addr >= so->low && addr + len <= so->low + RFCTL_LOW_SIZE)
		return true;
	for (i = 0; i < so->nr_ranges; i++)
		if (addr >= so->ranges[i].start &&
		    addr + len <= so->ranges[i].start + so->ranges[i].length)
			return true;
	return false;
}

static ssize_t subos_fop_read(struct file *file, char __user *buf, size_t len, loff_t *pos)
{
	struct subos_file *sf = file->private_data;
	struct subos *so = sf->so;
	u64 addr = *pos;

	len = min_t(size_t, len, SZ_1M);
	if (!len)
		return 0;
	if (*pos < 0)
		return -EINVAL;
	/* the lock keeps the memory: nothing is given back while it is held */
	guard(mutex)(&so->lock);
	if (!subos_owns(so, addr, len))
		return -EFAULT;
	if (copy_to_user(buf, __va(addr), len))
		return -EFAULT;
	*pos += len;
	return len;
}

/* No core executes its code any more, and will not unless it is started again. */
static bool subos_is_dead(struct subos *so)
{
	enum rf_state state = READ_ONCE(so->state);

	return so->gone || state == RF_STATE_STOPPED || state == RF_STATE_CRASHED ||
	       state == RF_STATE_QUARANTINED;
}

static __poll_t subos_fop_poll(struct file *file, struct poll_table_struct *wait)
{
	struct subos_file *sf = file->private_data;

	poll_wait(file, &sf->so->wait, wait);
	return (atomic_read(&sf->so->state_gen) != sf->seen ? EPOLLIN | EPOLLRDNORM : 0) |
	       (sf->so->gone ? EPOLLHUP : 0) | (subos_is_dead(sf->so) ? EPOLLRDHUP : 0);
}

static int subos_fop_release(struct inode *inode, struct file *file)
{
	struct subos_file *sf = file->private_data;
	struct rfctl_call call;

	/* one that was not started, and is not gone, cannot be detached */
	if (sf->creator && !rfctl_call_must(&call, sf->so->name)) {
		subos_abandon(sf->so);
		rfctl_call_end(&call);
	}
	subos_put(sf->so);
	kfree(sf);
	return 0;
}

static const struct file_operations subos_fops = {
	.owner = THIS_MODULE,
	.unlocked_ioctl = subos_fop_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.read = subos_fop_read,
	.llseek = default_llseek,
	.poll = subos_fop_poll,
	.release = subos_fop_release,
};

/**
 * subos_fd_open - a descriptor for a subOS
 * @so: the subOS; the caller's reference is taken over, also on failure
 * @creator: closing it before the start undoes everything
 *
 * Return: the descriptor, or -ENOMEM; with @creator everything was undone then.
 */
int subos_fd_open(struct subos *so, bool creator)
{
	struct subos_file *sf = rfctl_zalloc(sizeof(*sf));
	struct file *file;
	int fd;

	if (!sf)
		goto err_put;
	sf->so = so;
	sf->creator = creator;
	sf->seen = -1;
	fd = get_unused_fd_flags(O_CLOEXEC);
	if (fd < 0)
		goto err_free;
	file = rfctl_fail("alloc") ? ERR_PTR(-ENOMEM) :
	       anon_inode_getfile("[rainforest-subos]", &subos_fops, sf, O_RDWR);
	if (IS_ERR(file)) {
		put_unused_fd(fd);
		goto err_free;
	}
	file->f_mode |= FMODE_LSEEK | FMODE_PREAD;
	fd_install(fd, file);
	return fd;

err_free:
	kfree(sf);
err_put:
	if (creator)
		subos_abandon(so);
	subos_put(so);
	return -ENOMEM;
}
