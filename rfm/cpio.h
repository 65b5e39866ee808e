/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A cpio archive in memory, in the "newc" form that the kernel unpacks.
 */
#ifndef RFM_CPIO_H
#define RFM_CPIO_H

#include <stddef.h>

#include "overlay.h"

/**
 * struct rfm_cpio - an archive that grows
 * @blob: what there is so far
 * @capacity: bytes allocated
 * @nr_entries: entries so far
 * @error: the first error, 0 or a negative errno; later calls do nothing
 */
struct rfm_cpio {
	struct rfm_blob blob;
	size_t capacity;
	unsigned int nr_entries;
	int error;
};

/**
 * rfm_cpio_dir - add a directory
 * @cpio: archive, zeroed before the first call
 * @name: path without leading slash
 */
void rfm_cpio_dir(struct rfm_cpio *cpio, const char *name);

/**
 * rfm_cpio_file - add a file
 * @cpio: archive, zeroed before the first call
 * @name: path without leading slash; its directory was added before
 * @mode: permissions
 * @data: contents
 * @size: bytes, below 4 GB
 */
void rfm_cpio_file(struct rfm_cpio *cpio, const char *name, unsigned int mode,
		   const void *data, size_t size);

/**
 * rfm_cpio_finish - end the archive
 * @cpio: archive, empty afterwards
 * @out: (out) its bytes
 *
 * Return: 0, or the first error of all calls: -ENOMEM, -EFBIG.
 */
int rfm_cpio_finish(struct rfm_cpio *cpio, struct rfm_blob *out);

/**
 * rfm_cpio_abort - throw the archive away
 * @cpio: archive
 */
void rfm_cpio_abort(struct rfm_cpio *cpio);

#endif /* RFM_CPIO_H */
