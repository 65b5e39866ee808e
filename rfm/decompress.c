// SPDX-License-Identifier: GPL-2.0-only
/*
 * One-shot decompression with the distribution's libraries. The whole output
 * buffer is handed over at once, so that no library keeps a window of its own
 * (that of "zstd --ultra" is 128 MB).
 */
#include "decompress.h"

#include <errno.h>
#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <lz4.h>
#include <lzma.h>
#include <zlib.h>
#include <zstd.h>
#include <zstd_errors.h>

#define LZ4_LEGACY_MAGIC	0x184c2102U
#define LZ4_BLOCK_MAX		(8U << 20)	/* bytes that a legacy block unpacks to at most */
#define LZMA_MEM_MAX		(256ULL << 20)	/* a kernel's dictionary has 128 MB at most */

struct span {
	const unsigned char *data;
	size_t size;
};

struct sink {
	unsigned char *data;
	size_t size;
	size_t used;
};

static uint32_t get_le32(const unsigned char *p)
{
	return p[0] | p[1] << 8 | p[2] << 16 | (uint32_t)p[3] << 24;
}

static int unpack_gzip(struct sink *out, struct span in)
{
	z_stream strm = { 0 };
	int ret;

	if (in.size > UINT_MAX || out->size > UINT_MAX)
		return -ENOSPC;
	/* 16: expect a gzip header */
	if (inflateInit2(&strm, MAX_WBITS + 16) != Z_OK)
		return -ENOMEM;
	strm.next_in = (unsigned char *)in.data;
	strm.avail_in = in.size;
	strm.next_out = out->data;
	strm.avail_out = out->size;
	ret = inflate(&strm, Z_FINISH);
	out->used = strm.total_out;
	if (ret == Z_STREAM_END)
		ret = 0;
	else if (ret == Z_MEM_ERROR)
		ret = -ENOMEM;
	else
		ret = strm.avail_out ? -EILSEQ : -ENOSPC;
	inflateEnd(&strm);
	return ret;
}

static int lzma_errno(lzma_ret ret, const lzma_stream *strm)
{
	switch (ret) {
	case LZMA_STREAM_END:
		return 0;
	case LZMA_MEM_ERROR:
	case LZMA_MEMLIMIT_ERROR:
		return -ENOMEM;
	case LZMA_OK:
	case LZMA_BUF_ERROR:
		/* an lzma stream may end without saying so */
		return strm->avail_out ? -EILSEQ : -ENOSPC;
	default:
		return -EILSEQ;
	}
}

static int unpack_lzma_any(struct sink *out, struct span in)
{
	lzma_stream strm = LZMA_STREAM_INIT;
	lzma_ret ret;
	int err;

	/* tells xz from lzma by itself */
	ret = lzma_auto_decoder(&strm, LZMA_MEM_MAX, 0);
	if (ret != LZMA_OK)
		return -ENOMEM;
	strm.next_in = in.data;
	strm.avail_in = in.size;
	strm.next_out = out->data;
	strm.avail_out = out->size;
	ret = lzma_code(&strm, LZMA_FINISH);
	out->used = strm.total_out;
	err = lzma_errno(ret, &strm);
	lzma_end(&strm);
	return err;
}

static int unpack_lz4_block(struct sink *out, const unsigned char *data, uint32_t size)
{
	size_t room = out->size - out->used;
	int got;

	if (room > LZ4_BLOCK_MAX)
		room = LZ4_BLOCK_MAX;
	got = LZ4_decompress_safe((const char *)data, (char *)out->data + out->used, size, room);
	if (got < 0)
		return room < LZ4_BLOCK_MAX ? -ENOSPC : -EILSEQ;
	out->used += got;
	return 0;
}

static int unpack_lz4(struct sink *out, struct span in)
{
	size_t pos = 0;
	uint32_t size;
	int ret;

	while (in.size - pos >= 4) {
		size = get_le32(in.data + pos);
		pos += 4;
		/* appended files begin with the magic again */
		if (size == LZ4_LEGACY_MAGIC)
			continue;
		if (!size || size > in.size - pos || size > INT_MAX)
			return -EILSEQ;
		ret = unpack_lz4_block(out, in.data + pos, size);
		if (ret)
			return ret;
		pos += size;
	}
	return pos == in.size ? 0 : -EILSEQ;
}

static int unpack_zstd(struct sink *out, struct span in)
{
	size_t ret = ZSTD_decompress(out->data, out->size, in.data, in.size);

	if (!ZSTD_isError(ret)) {
		out->used = ret;
		return 0;
	}
	switch (ZSTD_getErrorCode(ret)) {
	case ZSTD_error_memory_allocation:
		return -ENOMEM;
	case ZSTD_error_dstSize_tooSmall:
		return -ENOSPC;
	default:
		return -EILSEQ;
	}
}

static const struct format {
	const char *name;
	unsigned char magic[6];
	unsigned char magic_size;
	int (*unpack)(struct sink *out, struct span in);
} formats[] = {
	{ "gzip", { 0x1f, 0x8b, 0x08 }, 3, unpack_gzip },
	{ "xz", { 0xfd, '7', 'z', 'X', 'Z', 0 }, 6, unpack_lzma_any },
	{ "lzma", { 0x5d, 0, 0 }, 3, unpack_lzma_any },
	{ "lz4", { 0x02, 0x21, 0x4c, 0x18 }, 4, unpack_lz4 },
	{ "zstd", { 0x28, 0xb5, 0x2f, 0xfd }, 4, unpack_zstd },
};

static const struct format *find_format(struct span in)
{
	size_t i;

	for (i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
		if (in.size >= formats[i].magic_size &&
		    !memcmp(in.data, formats[i].magic, formats[i].magic_size))
			return &formats[i];
	}
	return NULL;
}

const char *rfm_decompress_format(const void *in, size_t in_size)
{
	const struct format *format = find_format((struct span){ in, in_size });

	return format ? format->name : NULL;
}

int rfm_decompress(void *out, size_t out_size, size_t *got, const void *in, size_t in_size)
{
	struct span span = { in, in_size };
	const struct format *format = find_format(span);
	struct sink sink = { out, out_size, 0 };
	int ret;

	if (!format)
		return -ENOTSUP;
	ret = format->unpack(&sink, span);
	*got = sink.used;
	return ret;
}

int rfm_decompress_alloc(void **out, size_t *got, size_t limit, const void *in, size_t in_size)
{
	size_t size = in_size < limit / 4 ? in_size * 4 : limit;
	void *buf;
	int ret;

	for (;;) {
		buf = malloc(size ? size : 1);
		if (!buf)
			return -ENOMEM;
		ret = rfm_decompress(buf, size, got, in, in_size);
		if (!ret) {
			*out = buf;
			return 0;
		}
		free(buf);
		if (ret != -ENOSPC || size == limit)
			return ret;
		size = size < limit / 2 ? size * 2 : limit;
	}
}
