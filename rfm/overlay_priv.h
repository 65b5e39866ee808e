/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the files of rfm/overlay.h share.
 */
#ifndef RFM_OVERLAY_PRIV_H
#define RFM_OVERLAY_PRIV_H

#include "overlay.h"

/**
 * struct rfm_paths - a list of paths
 * @path: the paths, each allocated
 * @count: their number
 */
struct rfm_paths {
	char **path;
	size_t count;
};

/**
 * rfm_modules_find - the modules that devices need
 * @paths: (out) files in load order, each once; to be freed with rfm_paths_free()
 * @req: the request
 * @err: (out) on failure one line
 * @err_size: size of @err
 *
 * Drivers that are built in, and devices without a driver, give nothing.
 *
 * Return: 0, -EIO the kernel's module index cannot be read, -ENOMEM.
 */
int rfm_modules_find(struct rfm_paths *paths, const struct rfm_overlay_request *req,
		     char *err, size_t err_size);

/**
 * rfm_modules_known - a module of a kernel that may be there
 * @paths: (out) its file and those that it needs, as for rfm_modules_find(); none when it
 *	is built in
 * @req: the request; its @modaliases do not count
 * @name: of the module
 *
 * Return: 1, 0 when that kernel has none of that name, or no index; -ENOMEM.
 */
int rfm_modules_known(struct rfm_paths *paths, const struct rfm_overlay_request *req,
		      const char *name);

/**
 * rfm_paths_free - free a list
 * @paths: may be empty, is empty afterwards
 */
void rfm_paths_free(struct rfm_paths *paths);

#endif /* RFM_OVERLAY_PRIV_H */
