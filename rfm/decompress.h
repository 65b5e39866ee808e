/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The compressions that kernels and modules come in: gzip, xz, lzma, lz4
 * (legacy frames), zstd. Nothing about the input is trusted: the output never
 * exceeds what the caller allows.
 */
#ifndef RFM_DECOMPRESS_H
#define RFM_DECOMPRESS_H

#include <stdbool.h>
#include <stddef.h>

/**
 * rfm_decompress_format - what this is compressed with
 * @in: first bytes
 * @in_size: their number
 *
 * Return: a name ("zstd"), or NULL when it is nothing that we can unpack.
 */
const char *rfm_decompress_format(const void *in, size_t in_size);

/**
 * rfm_decompress - unpack into a buffer
 * @out: buffer
 * @out_size: its size
 * @got: (out) bytes stored
 * @in: compressed bytes
 * @in_size: their number
 *
 * Return: 0, -ENOTSUP unknown format, -EILSEQ damaged, -ENOSPC @out is too
 * small, -ENOMEM.
 */
int rfm_decompress(void *out, size_t out_size, size_t *got, const void *in, size_t in_size);

/**
 * rfm_decompress_alloc - unpack what does not say how large it becomes
 * @out: (out) result, to be freed
 * @got: (out) its size
 * @limit: the largest result to accept
 * @in: compressed bytes
 * @in_size: their number
 *
 * Return: as rfm_decompress(); -ENOSPC more than @limit.
 */
int rfm_decompress_alloc(void **out, size_t *got, size_t limit, const void *in, size_t in_size);

#endif /* RFM_DECOMPRESS_H */
