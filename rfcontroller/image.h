/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a subOS booted from, kept by the module: a subOS overwrites what was
 * loaded while it runs, and whoever loaded it may be gone when it crashes.
 */
#ifndef _RFCTL_IMAGE_H
#define _RFCTL_IMAGE_H

#include <linux/rainforest.h>
#include <linux/types.h>

struct rf_anchor_image;
struct rf_anchor_out;
struct rfctl_msg;
struct subos;

/**
 * struct rfctl_image - a copy of all that RF_IOC_LOAD names
 * @req: the request; addresses in it are the kernel's own
 * @seg: its segments, as @req.segments names them
 * @bytes: of memory that the copy takes
 * @data: all pieces, one behind the other
 */
struct rfctl_image {
	struct rf_load req;
	struct rf_segment seg[RF_SEGMENTS_MAX];
	u64 bytes;
	u8 *data;
};

struct rfctl_image *rfctl_image_copy(const struct rf_load *req, u64 limit, struct rfctl_msg *msg);
void rfctl_image_free(struct rfctl_image *image);
void rfctl_image_save(const struct subos *so, struct rf_anchor_out *out);
bool rfctl_image_good(const struct rf_anchor_image *saved);
int rfctl_image_adopt(struct subos *so);

#endif /* _RFCTL_IMAGE_H */
