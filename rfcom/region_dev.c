// SPDX-License-Identifier: GPL-2.0-only
/*
 * Regions for user space: what linux/rfcom.h describes.
 */
#include <linux/anon_inodes.h>
#include <linux/err.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/module.h>
#include <linux/uaccess.h>

#include "internal.h"
#include "lend.h"
#include "region.h"

static int region_mmap(struct file *file, struct vm_area_struct *vma)
{
	return rfcom_region_mmap(file->private_data, vma);
}

static int region_release(struct inode *inode, struct file *file)
{
	rf_detach(file->private_data);
	return 0;
}

static const struct file_operations region_fops = {
	.owner = THIS_MODULE,
	.mmap = region_mmap,
	.release = region_release,
	.llseek = noop_llseek,
};

/* A descriptor, which owns the region; -errno: nobody does any more. */
static int region_descriptor(struct rf_region *r)
{
	struct file *file;
	int fd;

	fd = get_unused_fd_flags(O_CLOEXEC);
	if (fd < 0) {
		rf_detach(r);
		return fd;
	}
	file = anon_inode_getfile("[rfcom-region]", &region_fops, r,
				  r->write ? O_RDWR : O_RDONLY);
	if (IS_ERR(file)) {
		put_unused_fd(fd);
		rf_detach(r);
		return PTR_ERR(file);
	}
	/* Of its own, not that of all anonymous inodes: it can be unmapped alone. */
	r->mapping.host = file_inode(file);
	r->mapping.a_ops = file->f_mapping->a_ops;
	file->f_mapping = &r->mapping;
	fd_install(fd, file);
	return fd;
}

/**
 * rfcom_dev_offer() - RFCOM_IOC_OFFER
 * @arg: struct rfcom_offer
 *
 * Return: see there.
 */
int rfcom_dev_offer(void __user *arg)
{
	struct rfcom_offer req;
	struct rf_region *r;
	int ret;

	ret = rfcom_dev_fetch(arg, &req, sizeof(req));
	if (ret)
		return ret;
	if (req.flags & ~RFCOM_WRITE || !rfcom_name_good(req.region))
		return -EINVAL;
	r = rf_offer(req.region, req.bytes, req.flags & RFCOM_WRITE ? RF_WRITE : 0);
	return IS_ERR(r) ? PTR_ERR(r) : region_descriptor(r);
}

static bool attach_good(const struct rfcom_attach *req)
{
	return !(req->flags & ~RFCOM_WRITE) && !req->reserved &&
	       req->timeout_ms <= RFCOM_TIMEOUT_MAX && rfcom_name_good(req->region) &&
	       (!req->kernel[0] || rfcom_name_good(req->kernel));
}

/**
 * rfcom_dev_attach() - RFCOM_IOC_ATTACH
 * @arg: struct rfcom_attach
 *
 * Return: see there.
 */
int rfcom_dev_attach(void __user *arg)
{
	struct rfcom_attach req;
	struct rf_region *r;
	int ret;

	ret = rfcom_dev_fetch(arg, &req, sizeof(req));
	if (ret)
		return ret;
	if (!attach_good(&req))
		return -EINVAL;
	r = rf_attach(req.kernel, req.region, req.flags & RFCOM_WRITE ? RF_WRITE : 0,
		      req.timeout_ms);
	if (IS_ERR(r))
		return PTR_ERR(r);
	req.bytes = rf_region_bytes(r);
	if (copy_to_user(arg, &req, sizeof(req))) {
		rf_detach(r);
		return -EFAULT;
	}
	return region_descriptor(r);
}

/**
 * rfcom_dev_holds() - RFCOM_IOC_HOLDS
 * @arg: struct rfcom_list
 *
 * Return: see there.
 */
int rfcom_dev_holds(void __user *arg)
{
	struct rfcom_hold entry;
	struct rfcom_list req;
	int ret;

	ret = rfcom_dev_fetch(arg, &req, sizeof(req));
	if (ret || req.flags)
		return ret ?: -EINVAL;
	for (req.count = 0; rfcom_lend_nth(req.count, &entry); req.count++) {
		u64 to = req.entries + (u64)req.count * sizeof(entry);

		if (req.count < req.capacity &&
		    copy_to_user(u64_to_user_ptr(to), &entry, sizeof(entry)))
			return -EFAULT;
	}
	return copy_to_user(arg, &req, sizeof(req)) ? -EFAULT : 0;
}

/**
 * rfcom_dev_revoke() - RFCOM_IOC_REVOKE
 * @arg: struct rfcom_revoke
 *
 * Return: see there.
 */
int rfcom_dev_revoke(void __user *arg)
{
	struct rfcom_revoke req;
	int ret;

	ret = rfcom_dev_fetch(arg, &req, sizeof(req));
	if (ret)
		return ret;
	if (req.flags || req.timeout_ms > RFCOM_TIMEOUT_MAX || !rfcom_name_good(req.kernel) ||
	    !rfcom_name_good(req.region) || (req.from[0] && !rfcom_name_good(req.from)))
		return -EINVAL;
	ret = rfcom_lend_revoke(req.kernel, req.region, req.from, req.timeout_ms, &req.held);
	if (ret)
		return ret;
	return copy_to_user(arg, &req, sizeof(req)) ? -EFAULT : 0;
}
