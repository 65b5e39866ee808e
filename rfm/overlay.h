/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The overlay: a cpio archive (newc) appended to the user's initrd. It carries
 * /.rainforest/init (our rdinit program), /.rainforest/agent (of "rfm exec"),
 * /.rainforest/modules (load order, a path a line) and the modules.
 * /.rainforest/init loads the modules, starts the agent, and then runs the user's
 * own /init.
 */
#ifndef RFM_OVERLAY_H
#define RFM_OVERLAY_H

#include <stdbool.h>
#include <stddef.h>

/**
 * struct rfm_blob - bytes owned by whoever holds it; free() @data
 * @data: bytes
 * @size: their number
 */
struct rfm_blob {
	void *data;
	size_t size;
};

/**
 * struct rfm_overlay_request - what shall be in it
 * @release: release of the kernel that will boot
 * @lib_dir: directory that holds init (the static rdinit program), agent (static, too) and
 *	modules/RELEASE/ with ficm.ko, rfsubos.ko and rfcom.ko, e.g. /usr/lib/rainforest;
 *	rfcom_vsock.ko where sockets between kernels are wanted, rfvirtio.ko where devices
 *	with back ends in the supervisor are
 * @module_root: where lib/modules/RELEASE of that kernel is, e.g. "/"
 * @modaliases: NULL-terminated: drivers for these are added with all that they
 *	depend on when they are modules in that kernel; may be NULL
 * @devices: devices that the supervisor serves will be there from the beginning: their
 *	drivers are loaded before /init runs, not beside it
 * @cache_dir: where unpacked modules are kept (image_cache.h); may be NULL
 */
struct rfm_overlay_request {
	const char *release;
	const char *lib_dir;
	const char *module_root;
	const char *const *modaliases;
	bool devices;
	const char *cache_dir;
};

/**
 * rfm_overlay_missing - which of our modules is not there for a kernel?
 * @lib_dir: see struct rfm_overlay_request
 * @release: release of the kernel
 *
 * Return: name of its file, NULL when all are there.
 */
const char *rfm_overlay_missing(const char *lib_dir, const char *release);

/**
 * rfm_overlay_build - make the overlay
 * @out: (out) uncompressed archive
 * @req: see struct rfm_overlay_request
 * @err: (out) on failure one line that names the thing, the fact and the way out
 * @err_size: size of @err
 *
 * Return: 0, or a negative errno: -ENOENT one of our modules is not there
 * for this release, -ENOMEM, -EIO, -ELIBACC libkmod is not there. A modalias without a
 * module is not an error.
 */
int rfm_overlay_build(struct rfm_blob *out, const struct rfm_overlay_request *req,
		      char *err, size_t err_size);

#endif /* RFM_OVERLAY_H */
