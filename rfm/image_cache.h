/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The cache of unpacked kernels and modules: DIR/<SHA-256 of the packed file>.elf,
 * followed by a trailer with the XXH64 of the ELF, which is checked at each use. Nobody but
 * root can write there: that check is for damage, not for malice.
 *
 * The SHA-256 itself is remembered in DIR/<identity>.key, where the identity is
 * the file's device, inode, size and times, as git's index does it.
 */
#ifndef RFM_IMAGE_CACHE_H
#define RFM_IMAGE_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

#define RFM_DIGEST_SIZE	32

/**
 * struct rfm_map - a mapping
 * @addr: start, NULL when there is none
 * @size: bytes of contents
 * @mapped: bytes mapped
 */
struct rfm_map {
	void *addr;
	size_t size;
	size_t mapped;
};

/**
 * struct rfm_cache_new - an entry that is being written
 * @map: where the contents go
 * @fd: temporary file, -1 when the cache cannot be used
 * @temp: its path
 */
struct rfm_cache_new {
	struct rfm_map map;
	int fd;
	char temp[4096];
};

/**
 * rfm_unmap - end a mapping
 * @map: may be empty, is empty afterwards
 */
void rfm_unmap(struct rfm_map *map);

/**
 * rfm_cache_key - SHA-256 of a file, remembered where that is safe
 * @key: (out) RFM_DIGEST_SIZE bytes
 * @dir: directory of the cache, may be NULL
 * @st: the file, as it was before it was mapped
 * @data: its bytes
 * @size: their number
 */
void rfm_cache_key(unsigned char *key, const char *dir, const struct stat *st,
		   const void *data, size_t size);

/**
 * rfm_cache_find - map an entry
 * @map: (out) read-only mapping
 * @dir: directory of the cache, may be NULL
 * @key: digest of the packed file
 *
 * Return: true when there is one and it is intact.
 */
bool rfm_cache_find(struct rfm_map *map, const char *dir, const unsigned char *key);

/**
 * rfm_cache_begin - room for a new entry
 * @entry: (out) its @map is to be filled; memory only when the cache cannot be used
 * @dir: directory of the cache, may be NULL
 * @size: bytes of contents
 *
 * Return: 0 or -ENOMEM.
 */
int rfm_cache_begin(struct rfm_cache_new *entry, const char *dir, size_t size);

/**
 * rfm_cache_commit - the entry is complete
 * @entry: what rfm_cache_begin() made; its @map is the caller's from here on
 * @dir: as before
 * @key: digest of the packed file
 */
void rfm_cache_commit(struct rfm_cache_new *entry, const char *dir, const unsigned char *key);

/**
 * rfm_cache_abort - forget an entry
 * @entry: what rfm_cache_begin() made
 */
void rfm_cache_abort(struct rfm_cache_new *entry);

/**
 * rfm_cache_prune - remove the oldest entries, and what a killed rfm left
 * @path: directory of the cache
 */
void rfm_cache_prune(const char *path);

#endif /* RFM_IMAGE_CACHE_H */
