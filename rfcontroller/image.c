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
#include "anchor.h"
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
		      rfctl_alloc(__vmalloc(size, GFP_KERNEL | __GFP_NOWARN |
					    __GFP_RETRY_MAYFAIL));
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
 *
 * What the anchor speaks of stays for the build that is loaded next.
 */
void rfctl_image_free(struct rfctl_image *image)
{
	if (!image)
		return;
	if (!rfctl_keep)
		vfree(image->data);
	kfree(image);
}

/**
 * rfctl_image_save() - put what a subOS is booted from again into the anchor
 * @so: the subOS; nothing changes meanwhile
 * @out: the anchor; without memory it counts as full
 */
void rfctl_image_save(const struct subos *so, struct rf_anchor_out *out)
{
	struct rf_anchor_image *saved;

	if (!so->image)
		return;
	saved = rfctl_zalloc(sizeof(*saved));
	if (saved) {
		saved->id = so->id;
		saved->data = (uintptr_t)so->image->data;
		saved->bytes = so->image->bytes;
		saved->req = so->image->req;
		memcpy(saved->seg, so->image->seg, sizeof(saved->seg));
		rf_anchor_put(out, RF_ANCHOR_IMAGE, saved, sizeof(*saved));
		kfree(saved);
	}
	out->full |= !saved;
}

static bool image_piece_good(const struct rf_anchor_image *saved, u64 addr, u64 size)
{
	return !size || (addr >= saved->data && size <= saved->bytes &&
			 addr - saved->data <= saved->bytes - size);
}

/**
 * rfctl_image_good() - does all that is booted from lie in the copy?
 * @saved: from the anchor
 *
 * Return: whether the copy is vmalloc() memory, and holds every piece.
 */
bool rfctl_image_good(const struct rf_anchor_image *saved)
{
	const struct rf_load *req = &saved->req;
	unsigned int i;

	if (!saved->bytes || !is_vmalloc_addr((void *)(uintptr_t)saved->data) ||
	    !is_vmalloc_addr((void *)(uintptr_t)(saved->data + saved->bytes - 1)) ||
	    req->nr_segments > RF_SEGMENTS_MAX)
		return false;
	for (i = 0; i < req->nr_segments; i++)
		if (!image_piece_good(saved, saved->seg[i].src, saved->seg[i].filesz))
			return false;
	return image_piece_good(saved, req->setup_header, req->setup_header_size) &&
	       image_piece_good(saved, req->cmdline, req->cmdline_size) &&
	       image_piece_good(saved, req->initrd, req->initrd_size) &&
	       image_piece_good(saved, req->overlay, req->overlay_size);
}

/**
 * rfctl_image_adopt() - take the copy of a subOS from the anchor, which was checked
 * @so: the subOS, locked
 *
 * Return: 0, also when there is none; -ENOMEM.
 */
int rfctl_image_adopt(struct subos *so)
{
	struct rf_anchor_image *saved;
	struct rf_anchor_iter it;
	int ret = 0;

	saved = rfctl_zalloc(sizeof(*saved));
	if (!saved)
		return -ENOMEM;
	rf_anchor_first(&it, rfctl_adopted, RF_ANCHOR_IMAGE);
	while (!so->image && !ret && rf_anchor_next(&it, saved, sizeof(*saved))) {
		if (saved->id != so->id)
			continue;
		so->image = rfctl_zalloc(sizeof(*so->image));
		if (!so->image) {
			ret = -ENOMEM;
			continue;
		}
		so->image->data = (void *)(uintptr_t)saved->data;
		so->image->bytes = saved->bytes;
		so->image->req = saved->req;
		memcpy(so->image->seg, saved->seg, sizeof(saved->seg));
		so->image->req.segments = (uintptr_t)so->image->seg;
	}
	kfree(saved);
	return ret;
}
