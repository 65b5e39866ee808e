// SPDX-License-Identifier: GPL-2.0-only
/*
 * DOC: /dev/rainforest: what rainforest.h describes
 *
 * The calls on the device itself; those on a subOS are in subos_fd.c.
 */
#include <linux/bitmap.h>
#include <linux/capability.h>
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/poll.h>
#include <linux/uaccess.h>
#include "anchor.h"
#include "cdev.h"
#include "fail.h"
#include "internal.h"

/**
 * cdev_fetch - copy a structure in; its first member says how long the caller's is
 * @arg: user address
 * @req: (out) the structure
 * @ksize: its size here
 * @min: size in the first version of the interface
 *
 * Return: 0. -EFAULT, -EINVAL the caller's is too short, -E2BIG it has
 * something where we know of nothing.
 */
int cdev_fetch(void __user *arg, void *req, size_t ksize, size_t min)
{
	u32 usize;

	if (get_user(usize, (u32 __user *)arg))
		return -EFAULT;
	if (usize < min || usize > PAGE_SIZE)
		return -EINVAL;
	return copy_struct_from_user(req, ksize, arg, usize);
}

/**
 * cdev_return - copy a structure back, as much as the caller knows of it
 * @arg: user address
 * @req: the structure
 * @ksize: its size here
 *
 * Return: 0 or -EFAULT.
 */
int cdev_return(void __user *arg, const void *req, size_t ksize)
{
	u32 usize;

	if (get_user(usize, (u32 __user *)arg))
		return -EFAULT;
	return copy_to_user(arg, req, min_t(size_t, usize, ksize)) ? -EFAULT : 0;
}

/**
 * cdev_message - give the line about a failure to the caller
 * @to: user address, may be 0
 * @len: bytes there
 * @msg: the line; it is cut when it does not fit
 */
void cdev_message(u64 to, u32 len, const struct rfctl_msg *msg)
{
	size_t n = min_t(size_t, len, strlen(msg->text) + 1);

	if (!to || !n || copy_to_user(u64_to_user_ptr(to), msg->text, n))
		return;
	if (n <= strlen(msg->text))
		put_user('\0', (char __user *)u64_to_user_ptr(to) + n - 1);
}

/**
 * cdev_get_mask - copy a mask of CPUs in
 * @mask: (out) CPUs that may exist
 * @from: user address
 * @bytes: bytes there
 *
 * Return: 0. Number of a CPU that cannot exist; -EINVAL, -EFAULT, -ENOMEM.
 */
int cdev_get_mask(struct cpumask *mask, u64 from, u32 bytes)
{
	unsigned int bits = bytes * 8;
	unsigned long *map;
	int ret = 0;

	if (bytes % 8 || bytes > 8192)
		return -EINVAL;
	map = rfctl_alloc(memdup_user(u64_to_user_ptr(from), bytes));
	if (IS_ERR_OR_NULL(map))
		return map ? PTR_ERR(map) : -ENOMEM;
	cpumask_clear(mask);
	bitmap_copy(cpumask_bits(mask), map, min(bits, nr_cpumask_bits));
	if (find_next_bit(map, bits, min(bits, nr_cpu_ids)) < bits)
		ret = find_next_bit(map, bits, nr_cpu_ids);
	kfree(map);
	return ret;
}

/**
 * cdev_put_mask - copy a mask of CPUs out
 * @mask: CPUs
 * @to: user address
 * @bytes: bytes there
 *
 * Return: 0 or -EFAULT.
 */
int cdev_put_mask(const struct cpumask *mask, u64 to, u32 bytes)
{
	u32 n = min_t(u32, bytes, BITS_TO_LONGS(nr_cpumask_bits) * sizeof(long));

	if (clear_user(u64_to_user_ptr(to), bytes))
		return -EFAULT;
	return copy_to_user(u64_to_user_ptr(to), cpumask_bits(mask), n) ? -EFAULT : 0;
}

static int cdev_version(void __user *arg)
{
	struct rf_version v = { 0 };
	int ret;

	ret = CDEV_FETCH(arg, v, version);
	if (ret)
		return ret;
	v.abi = RF_ABI_VERSION;
	v.wire = RF_WIRE_VERSION;
	v.flags = rfctl_detached() ? RF_VERSION_DETACHED : 0;
	strscpy(v.version, RF_VERSION, sizeof(v.version));
	return cdev_return(arg, &v, sizeof(v));
}

static int cdev_create(void __user *arg)
{
	struct rfctl_msg msg = { "" };
	struct rf_create req;
	struct subos *so;
	int ret;

	ret = CDEV_FETCH(arg, req, reserved2);
	if (ret)
		return ret;
	if (req.flags || req.reserved || req.reserved2)
		return -EINVAL;
	req.name[RF_NAME_MAX - 1] = '\0';
	so = subos_create(req.name, &msg);
	cdev_message(req.msg, req.msg_len, &msg);
	if (IS_ERR(so))
		return PTR_ERR(so);
	req.id = so->id;
	if (cdev_return(arg, &req, sizeof(req))) {
		subos_abandon(so);
		subos_put(so);
		return -EFAULT;
	}
	return subos_fd_open(so, true);
}

static int cdev_open_subos(void __user *arg)
{
	struct rf_open req;
	struct subos *so;
	int ret;

	ret = CDEV_FETCH(arg, req, name);
	if (ret)
		return ret;
	if (req.flags)
		return -EINVAL;
	req.name[RF_NAME_MAX - 1] = '\0';
	so = subos_find_get(req.name);
	return so ? subos_fd_open(so, false) : -ENOENT;
}

/* The @index-th subOS, with a reference. */
static struct subos *cdev_nth(unsigned int index)
{
	struct subos *so;

	guard(mutex)(&rfctl_lock);
	list_for_each_entry(so, &rfctl_subos_list, node) {
		if (index--)
			continue;
		kref_get(&so->ref);
		return so;
	}
	return NULL;
}

static int cdev_list(void __user *arg)
{
	struct rf_info *info;
	struct rf_list req;
	struct subos *so;
	int ret;

	ret = CDEV_FETCH(arg, req, reserved);
	if (ret)
		return ret;
	if (req.flags || req.reserved || req.info_size < sizeof(*info) ||
	    req.info_size > PAGE_SIZE)
		return -EINVAL;
	info = rfctl_zalloc(sizeof(*info));
	if (!info)
		return -ENOMEM;
	for (req.count = 0; !ret && (so = cdev_nth(req.count)); req.count++) {
		u64 to = req.infos + (u64)req.count * req.info_size;

		if (req.count < req.capacity) {
			subos_info(so, info);
			if (copy_to_user(u64_to_user_ptr(to), info, sizeof(*info)))
				ret = -EFAULT;
		}
		subos_put(so);
	}
	kfree(info);
	return ret ?: cdev_return(arg, &req, sizeof(req));
}

static int cdev_pool(void __user *arg)
{
	struct rfctl_msg msg = { "" };
	struct cpumask *mask;
	struct rf_pool req;
	u64 old, free;
	int ret;

	ret = CDEV_FETCH(arg, req, reserved);
	if (ret)
		return ret;
	if (req.flags & ~RF_POOL_SET || req.reserved)
		return -EINVAL;
	mask = rfctl_zalloc(sizeof(*mask));
	if (!mask)
		return -ENOMEM;
	if (req.flags & RF_POOL_SET) {
		rfctl_mem_pool_get(&old, &free);
		ret = req.mask ? cdev_get_mask(mask, req.mask, req.mask_bytes) : 0;
		if (ret > 0) {
			rfctl_say(&msg, "CPU %d does not exist", ret);
			ret = -EINVAL;
		}
		if (!ret)
			ret = rfctl_mem_pool_set(req.mem_bytes, req.timeout_ms, &msg);
		if (!ret && req.mask) {
			ret = rfctl_cpus_pool_set(mask, &msg);
			if (ret)
				rfctl_mem_pool_set(old, req.timeout_ms, &msg);
		}
	}
	rfctl_mem_pool_get(&req.mem_bytes, &req.mem_free);
	rfctl_cpus_pool_get(mask);
	if (!ret && req.mask)
		ret = cdev_put_mask(mask, req.mask, req.mask_bytes);
	cdev_message(req.msg, req.msg_len, &msg);
	kfree(mask);
	return ret ?: cdev_return(arg, &req, sizeof(req));
}

static int cdev_resources(void __user *arg)
{
	struct rf_resources req;
	int ret;

	ret = CDEV_FETCH(arg, req, count);
	if (ret || req.flags)
		return ret ?: -EINVAL;
	ret = rfctl_resources(&req);
	return ret ?: cdev_return(arg, &req, sizeof(req));
}

static int cdev_ledger(void __user *arg)
{
	struct rf_ledger req;
	int ret;

	ret = CDEV_FETCH(arg, req, count);
	if (ret || req.flags)
		return ret ?: -EINVAL;
	ret = rfctl_ledger_read(&req);
	return ret ?: cdev_return(arg, &req, sizeof(req));
}

static int cdev_audit(void __user *arg)
{
	struct rf_audit req;
	int ret;

	ret = CDEV_FETCH(arg, req, reserved);
	if (ret)
		return ret;
	if (req.flags & ~RF_AUDIT_READ_PAGES || req.reserved)
		return -EINVAL;
	ret = rfctl_audit(&req);
	return ret ?: cdev_return(arg, &req, sizeof(req));
}

static int cdev_borrow(void __user *arg)
{
	struct rfctl_msg msg = { "" };
	struct rf_borrow req;
	struct cpumask *mask;
	int ret, err;

	ret = CDEV_FETCH(arg, req, reserved);
	if (ret)
		return ret;
	if (req.flags & ~RF_BORROW_PREEMPT || req.reserved)
		return -EINVAL;
	mask = rfctl_zalloc(sizeof(*mask));
	if (!mask)
		return -ENOMEM;
	req.from[RF_NAME_MAX - 1] = '\0';
	req.to[RF_NAME_MAX - 1] = '\0';
	req.id = 0;
	req.got = 0;
	memset(req.stage_ns, 0, sizeof(req.stage_ns));
	ret = req.mask ? cdev_get_mask(mask, req.mask, req.mask_bytes) : 0;
	if (ret > 0) {
		rfctl_say(&msg, "CPU %d does not exist", ret);
		ret = -EINVAL;
	}
	if (!ret)
		ret = rfctl_borrow(&req, mask, &msg);
	cdev_message(req.msg, req.msg_len, &msg);
	kfree(mask);
	err = cdev_return(arg, &req, sizeof(req));
	return ret ?: err;
}

static int cdev_return_loan(void __user *arg)
{
	struct rfctl_msg msg = { "" };
	struct rf_return req;
	int ret, err;

	ret = CDEV_FETCH(arg, req, reserved);
	if (ret)
		return ret;
	if (req.flags || req.reserved)
		return -EINVAL;
	req.got = 0;
	memset(req.stage_ns, 0, sizeof(req.stage_ns));
	ret = rfctl_return(&req, &msg);
	cdev_message(req.msg, req.msg_len, &msg);
	err = cdev_return(arg, &req, sizeof(req));
	return ret ?: err;
}

static int cdev_loans(void __user *arg)
{
	struct rf_loans req;
	int ret;

	ret = CDEV_FETCH(arg, req, count);
	if (ret || req.flags)
		return ret ?: -EINVAL;
	ret = rfctl_loans(&req);
	return ret ?: cdev_return(arg, &req, sizeof(req));
}

static int cdev_rule(void __user *arg)
{
	struct rfctl_msg msg = { "" };
	struct rf_rule req;
	int ret;

	ret = CDEV_FETCH(arg, req, reserved);
	if (ret)
		return ret;
	if (req.flags & ~RF_RULE_ALLOW || req.reserved)
		return -EINVAL;
	req.from[RF_NAME_MAX - 1] = '\0';
	req.to[RF_NAME_MAX - 1] = '\0';
	ret = rfctl_rule(&req, &msg);
	cdev_message(req.msg, req.msg_len, &msg);
	return ret;
}

static int cdev_rules(void __user *arg)
{
	struct rf_rules req;
	int ret;

	ret = CDEV_FETCH(arg, req, count);
	if (ret || req.flags)
		return ret ?: -EINVAL;
	ret = rfctl_rules(&req);
	return ret ?: cdev_return(arg, &req, sizeof(req));
}

static int cdev_cmdline(void __user *arg)
{
	struct rfctl_msg msg = { "" };
	struct rf_cmdline req;
	int ret;

	ret = CDEV_FETCH(arg, req, msg);
	if (ret)
		return ret;
	if (req.flags & ~RF_LOAD_BARE)
		return -EINVAL;
	ret = rfctl_check_cmdline(&req, &msg);
	cdev_message(req.msg, req.msg_len, &msg);
	return ret;
}

/* What has to wait while we are detached, and what detaching has to wait for. */
static long cdev_call(struct file *file, unsigned int cmd, void __user *arg)
{
	switch (cmd) {
	case RF_IOC_CREATE:
		return cdev_create(arg);
	case RF_IOC_OPEN:
		return cdev_open_subos(arg);
	case RF_IOC_LIST:
		return cdev_list(arg);
	case RF_IOC_RESOURCES:
		return cdev_resources(arg);
	case RF_IOC_LEDGER:
		return cdev_ledger(arg);
	case RF_IOC_AUDIT:
		return cdev_audit(arg);
	case RF_IOC_POOL:
		return cdev_pool(arg);
	case RF_IOC_BORROW:
		return cdev_borrow(arg);
	case RF_IOC_RETURN:
		return cdev_return_loan(arg);
	case RF_IOC_LOANS:
		return cdev_loans(arg);
	case RF_IOC_EVENTS:
		return rfctl_events_ioctl(arg, file->private_data);
	case RF_IOC_USAGE:
		return rfctl_usage_ioctl(arg);
	case RF_IOC_CMDLINE:
		return cdev_cmdline(arg);
	case RF_IOC_RULE:
		return cdev_rule(arg);
	case RF_IOC_RULES:
		return cdev_rules(arg);
	}
	return -ENOTTY;
}

static long cdev_ioctl(struct file *file, unsigned int cmd, unsigned long p)
{
	void __user *arg = (void __user *)p;
	struct rfctl_call call;
	long ret;

	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	if (cmd == RF_IOC_VERSION)
		return cdev_version(arg);
	if (cmd == RF_IOC_DETACH)
		return rfctl_detach_ioctl(arg);
	ret = rfctl_call_begin(&call, NULL);
	if (ret)
		return ret;
	ret = cdev_call(file, cmd, arg);
	rfctl_call_end(&call);
	return ret;
}

/* Each descriptor has its own place in the events: that is all it has. */
static int cdev_open(struct inode *inode, struct file *file)
{
	u64 *next = rfctl_zalloc(sizeof(*next));

	if (!next)
		return -ENOMEM;
	*next = rfctl_events_next();
	file->private_data = next;
	return 0;
}

static int cdev_release(struct inode *inode, struct file *file)
{
	kfree(file->private_data);
	return 0;
}

static __poll_t cdev_poll(struct file *file, struct poll_table_struct *wait)
{
	return rfctl_events_poll(file, wait, file->private_data);
}

static const struct file_operations cdev_fops = {
	.owner = THIS_MODULE,
	.open = cdev_open,
	.release = cdev_release,
	.poll = cdev_poll,
	.unlocked_ioctl = cdev_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.llseek = noop_llseek,
};

static struct miscdevice cdev = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "rainforest",
	.mode = 0600,
	.fops = &cdev_fops,
};

/**
 * rfctl_cdev_init - offer /dev/rainforest
 *
 * Return: 0, or what misc_register() says.
 */
int rfctl_cdev_init(void)
{
	return rfctl_fail("alloc") ? -ENOMEM : misc_register(&cdev);
}

/**
 * rfctl_cdev_exit - no longer
 */
void rfctl_cdev_exit(void)
{
	misc_deregister(&cdev);
}
