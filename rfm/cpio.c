// SPDX-License-Identifier: GPL-2.0-only
/*
 * Header of an entry: "070701" and 13 fields of 8 hex digits; then the name
 * and the contents, each filled up to four bytes. All times and owners are 0,
 * so that the same input always gives the same bytes.
 */
#include "cpio.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define HEADER_SIZE	110
#define ALIGN4(x)	(((x) + 3) & ~(size_t)3)

/* Room at the end, NULL after an error. */
static unsigned char *grow(struct rfm_cpio *cpio, size_t size)
{
	size_t needed = cpio->blob.size + size;
	size_t capacity = needed + needed / 2;
	unsigned char *data = cpio->blob.data;

	if (cpio->error)
		return NULL;
	if (needed > cpio->capacity) {
		data = realloc(data, capacity);
		if (!data) {
			cpio->error = -ENOMEM;
			return NULL;
		}
		cpio->blob.data = data;
		cpio->capacity = capacity;
	}
	data += cpio->blob.size;
	cpio->blob.size = needed;
	return data;
}

static void add_entry(struct rfm_cpio *cpio, const char *name, unsigned int mode,
		      unsigned int links, const void *data, size_t size)
{
	size_t name_size = strlen(name) + 1;
	size_t head = ALIGN4(HEADER_SIZE + name_size);
	char header[HEADER_SIZE + 1];
	unsigned char *p;

	if (size > UINT32_MAX) {
		cpio->error = cpio->error ? cpio->error : -EFBIG;
		return;
	}
	p = grow(cpio, head + ALIGN4(size));
	if (!p)
		return;
	/* inode, mode, uid, gid, links, mtime, size, device, device of a node, name, checksum */
	snprintf(header, sizeof(header), "070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x",
		 ++cpio->nr_entries, mode, 0, 0, links, 0, (unsigned int)size, 0, 0, 0, 0,
		 (unsigned int)name_size, 0);
	memset(p, 0, head);
	memcpy(p, header, HEADER_SIZE);
	memcpy(p + HEADER_SIZE, name, name_size);
	if (size)
		memcpy(p + head, data, size);
	memset(p + head + size, 0, ALIGN4(size) - size);
}

void rfm_cpio_dir(struct rfm_cpio *cpio, const char *name)
{
	add_entry(cpio, name, S_IFDIR | 0755, 2, NULL, 0);
}

void rfm_cpio_file(struct rfm_cpio *cpio, const char *name, unsigned int mode,
		   const void *data, size_t size)
{
	add_entry(cpio, name, S_IFREG | mode, 1, data, size);
}

int rfm_cpio_finish(struct rfm_cpio *cpio, struct rfm_blob *out)
{
	int ret;

	add_entry(cpio, "TRAILER!!!", 0, 1, NULL, 0);
	ret = cpio->error;
	if (ret) {
		rfm_cpio_abort(cpio);
		return ret;
	}
	*out = cpio->blob;
	memset(cpio, 0, sizeof(*cpio));
	return 0;
}

void rfm_cpio_abort(struct rfm_cpio *cpio)
{
	free(cpio->blob.data);
	memset(cpio, 0, sizeof(*cpio));
}
