/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the files of rfm/image.h share.
 */
#ifndef RFM_IMAGE_PRIV_H
#define RFM_IMAGE_PRIV_H

#include "image.h"
#include "image_cache.h"

/**
 * struct rfm_source - a kernel file that is being taken apart
 * @path: its name
 * @data: its bytes
 * @size: their number
 * @st: what fstat() said of it
 * @err: buffer for a message
 * @err_size: its size
 */
struct rfm_source {
	const char *path;
	const unsigned char *data;
	size_t size;
	struct stat st;
	char *err;
	size_t err_size;
};

/**
 * struct rfm_bzimage - what the header of a bzImage says, checked
 * @pm: the protected-mode part
 * @pm_size: its size
 * @payload: compressed kernel, NULL when the header names none
 * @payload_size: its size
 * @init_size: memory that the kernel needs from @pref_address on
 * @pref_address: where it would like to be loaded
 */
struct rfm_bzimage {
	const unsigned char *pm;
	size_t pm_size;
	const unsigned char *payload;
	size_t payload_size;
	__u64 init_size;
	__u64 pref_address;
};

/* image.c */
int rfm_image_fail(const struct rfm_source *src, int error, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void rfm_image_set_release(struct rfm_image *image, const char *text, size_t size);

/* image_bzimage.c */
bool rfm_bzimage_is(const struct rfm_source *src);
int rfm_bzimage_parse(struct rfm_image *image, struct rfm_bzimage *bz,
		      const struct rfm_source *src);
void rfm_bzimage_segments(struct rfm_image *image, const struct rfm_bzimage *bz);
int rfm_bzimage_unpack(struct rfm_map *elf, const struct rfm_bzimage *bz,
		       const char *cache_dir, const struct rfm_source *src);
void rfm_bzimage_synthesise(struct rfm_image *image);

#endif /* RFM_IMAGE_PRIV_H */
