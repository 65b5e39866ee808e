// SPDX-License-Identifier: GPL-2.0-only
/*
 * DOC: Copies of what subOSes boot from
 *
 * One piece of the supervisor's memory for each: setup header, command line,
 * segments, initrd, overlay. It is written once and read by the loader, which
 * checks it as it checks what user space hands over.
 */
#include <linux/err.h>
#include <linux/mm.h>
#include <linux/sched/signal.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include <linux/vmalloc.h>
#include "fail.h"
#include "image.h"
#include "internal.h"

/* Bytes of all pieces, or 0 when they are more than @limit. */
static u64 image_size(const struct rfctl_image *image, u64 limit)
{
	const struct rf_load *req = &image->req;
	u64 sum, left = limit;
	unsigned int i;

	sum = (u64)req->setup_header_size + req->cmdline_size;
	for (i = 0; i < req->nr_segments; i++) {
		if (image->seg[i].filesz > left)
			return 0;
		left -= image->seg[i].filesz;
		sum += image->seg[i].filesz;
	}
	if (req->initrd_size > left || req->overlay_size > left - req->initrd_size)
		return 0;
	return sum + req->initrd_size + req->overlay_size;
}

/* Copies a piece behind the others; *@addr is where it is then. */
static int image_take(struct rfctl_image *image, __u64 *addr, u64 size)
{
	void *to = image->data + image->bytes;
	u64 done, n;

	for (done = 0; done < size; done += n) {
		n = min_t(u64, size - done, SZ_1M);
		if (copy_from_user(to + done, u64_to_user_ptr(*addr + done), n))
			return -EFAULT;
		if (signal_pending(current))
			return -EINTR;
		cond_resched();
	}
	*addr = (uintptr_t)to;
	image->bytes += size;
	return 0;
}

static int image_take_all(struct rfctl_image *image)
{
	struct rf_load *req = &image->req;
	unsigned int i;
	int ret;

	ret = image_take(image, &req->setup_header, req->setup_header_size);
	if (!ret)
		ret = image_take(image, &req->cmdline, req->cmdline_size);
	for (i = 0; !ret && i < req->nr_segments; i++)
		ret = image_take(image, &image->seg[i].src, image->seg[i].filesz);
	if (!ret)
		ret = image_take(image, &req->initrd, req->initrd_size);
	if (!ret)
		ret = image_take(image, &req->overlay, req->overlay_size);
	req->segments = (uintptr_t)image->seg;
	req->msg = 0;
	return ret;
}

static int image_fill(struct rfctl_image *image, u64 limit, struct rfctl_msg *msg)
{
	u64 size;

	if (copy_from_user(image->seg, u64_to_user_ptr(image->req.segments),
			   image->req.nr_segments * sizeof(*image->seg)))
		return -EFAULT;
	size = image_size(image, limit);
	if (!size) {
		rfctl_say(msg, "kernel and initrd are larger than its memory, %llu MB; ask for more memory",
			  limit >> 20);
		return -ENOSPC;
	}
	/* large, and not worth killing anybody for */
	image->data = rfctl_fail("image") ? NULL :
		      __vmalloc(size, GFP_KERNEL | __GFP_NOWARN | __GFP_RETRY_MAYFAIL);
	if (!image->data) {
		rfctl_say(msg, "the supervisor has no %llu MB of memory for the copy that --on-crash restart needs; use keep, or a smaller initrd",
			  (size + SZ_1M - 1) >> 20);
		return -ENOMEM;
	}
	return image_take_all(image);
}

/**
 * rfctl_image_copy() - copy all that a request to load names
 * @req: the request, from user space; its counts were checked
 * @limit: bytes of memory that it is to be loaded into
 * @msg: (out) line about a failure
 *
 * Return: the copy for rfctl_image_free(), or an ERR_PTR as RF_IOC_LOAD.
 */
struct rfctl_image *rfctl_image_copy(const struct rf_load *req, u64 limit, struct rfctl_msg *msg)
{
	struct rfctl_image *image = rfctl_zalloc(sizeof(*image));
	int ret;

	if (!image)
		return ERR_PTR(-ENOMEM);
	image->req = *req;
	ret = image_fill(image, limit, msg);
	if (!ret)
		return image;
	rfctl_image_free(image);
	return ERR_PTR(ret);
}

/**
 * rfctl_image_free() - forget a copy
 * @image: the copy, or NULL
 */
void rfctl_image_free(struct rfctl_image *image)
{
	if (!image)
		return;
	vfree(image->data);
	kfree(image);
}
