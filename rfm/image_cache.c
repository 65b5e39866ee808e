// SPDX-License-Identifier: GPL-2.0-only
/*
 * An entry is written to a temporary file through a shared mapping, so that an
 * ELF of 60 MB never stands in anonymous memory, and appears under its name by
 * rename() only when it is complete. Whatever goes wrong here costs time, never
 * the result: the caller then works on memory.
 */
#include "image_cache.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <gcrypt.h>
#include <xxhash.h>

#define TRAILER_MAGIC	"RFMELF2\n"
#define RACY_SECONDS	2	/* a file changed so recently may change again unseen */

struct trailer {
	char magic[8];
	uint64_t size;
	uint64_t xxh64;
};

void rfm_unmap(struct rfm_map *map)
{
	if (map->addr)
		munmap(map->addr, map->mapped);
	memset(map, 0, sizeof(*map));
}

static void gcrypt_begin(void)
{
	gcry_check_version(NULL);
	gcry_control(GCRYCTL_DISABLE_SECMEM, 0);
	gcry_control(GCRYCTL_INITIALIZATION_FINISHED, 0);
}

/* Kernel and modules are looked up by threads of their own. */
static void sha256(unsigned char *digest, const void *data, size_t size)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, gcrypt_begin);
	gcry_md_hash_buffer(GCRY_MD_SHA256, digest, data, size);
}

/* Like mkdir -p, for root's eyes only. */
static void make_dirs(const char *dir)
{
	char path[PATH_MAX];
	char *p;

	if (snprintf(path, sizeof(path), "%s", dir) >= (int)sizeof(path))
		return;
	for (p = path + 1; *p; p++) {
		if (*p != '/')
			continue;
		*p = '\0';
		mkdir(path, 0755);
		*p = '/';
	}
	mkdir(path, 0700);
}

/* A kernel is booted from what lies here: nobody else may be able to write it. */
static bool is_private(const struct stat *st)
{
	return st->st_uid == geteuid() && !(st->st_mode & (S_IWGRP | S_IWOTH));
}

static bool dir_is_usable(const char *dir)
{
	struct stat st;

	if (!dir || !*dir)
		return false;
	if (stat(dir, &st)) {
		make_dirs(dir);
		if (stat(dir, &st))
			return false;
	}
	return S_ISDIR(st.st_mode) && is_private(&st);
}

static bool entry_path(char *path, size_t size, const char *dir, const unsigned char *key)
{
	char hex[2 * RFM_DIGEST_SIZE + 1];
	size_t i;

	for (i = 0; i < RFM_DIGEST_SIZE; i++)
		snprintf(hex + 2 * i, 3, "%02x", key[i]);
	return snprintf(path, size, "%s/%s.elf", dir, hex) < (int)size;
}

/* The size of the contents, 0 when the trailer is not a trailer. */
static size_t read_trailer(int fd, struct trailer *trailer)
{
	struct stat st;
	off_t size;

	if (fstat(fd, &st) || !S_ISREG(st.st_mode) || !is_private(&st))
		return 0;
	size = st.st_size - (off_t)sizeof(*trailer);
	if (size <= 0 || pread(fd, trailer, sizeof(*trailer), size) != sizeof(*trailer))
		return 0;
	if (memcmp(trailer->magic, TRAILER_MAGIC, sizeof(trailer->magic)) ||
	    trailer->size != (uint64_t)size)
		return 0;
	return size;
}

static bool map_entry(struct rfm_map *map, int fd)
{
	struct trailer trailer;
	size_t size = read_trailer(fd, &trailer);
	void *addr;

	if (!size)
		return false;
	addr = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (addr == MAP_FAILED)
		return false;
	if (XXH64(addr, size, 0) != trailer.xxh64) {
		munmap(addr, size);
		return false;
	}
	*map = (struct rfm_map){ addr, size, size };
	return true;
}

static bool key_path(char *path, size_t size, const char *dir, const struct stat *st)
{
	return snprintf(path, size, "%s/%llx-%llx-%llx-%llx.%09lx-%llx.%09lx.key", dir,
			(unsigned long long)st->st_dev, (unsigned long long)st->st_ino,
			(unsigned long long)st->st_size, (unsigned long long)st->st_mtim.tv_sec,
			st->st_mtim.tv_nsec, (unsigned long long)st->st_ctim.tv_sec,
			st->st_ctim.tv_nsec) < (int)size;
}

static bool read_key(unsigned char *key, const char *path)
{
	unsigned char buf[RFM_DIGEST_SIZE + 1];
	struct stat st;
	bool ok;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

	if (fd < 0)
		return false;
	ok = !fstat(fd, &st) && S_ISREG(st.st_mode) && is_private(&st) &&
	     read(fd, buf, sizeof(buf)) == RFM_DIGEST_SIZE;
	close(fd);
	if (ok)
		memcpy(key, buf, RFM_DIGEST_SIZE);
	return ok;
}

static void write_key(const unsigned char *key, const char *dir, const char *path)
{
	char temp[PATH_MAX];
	bool ok;
	int fd;

	if (snprintf(temp, sizeof(temp), "%s/.tmp-XXXXXX", dir) >= (int)sizeof(temp))
		return;
	fd = mkostemp(temp, O_CLOEXEC);
	if (fd < 0)
		return;
	ok = write(fd, key, RFM_DIGEST_SIZE) == RFM_DIGEST_SIZE;
	if (close(fd) || !ok || rename(temp, path))
		unlink(temp);
}

void rfm_cache_key(unsigned char *key, const char *dir, const struct stat *st,
		   const void *data, size_t size)
{
	char path[PATH_MAX];
	bool usable = dir_is_usable(dir) && key_path(path, sizeof(path), dir, st);

	if (usable && read_key(key, path))
		return;
	sha256(key, data, size);
	if (usable && st->st_ctim.tv_sec + RACY_SECONDS < time(NULL))
		write_key(key, dir, path);
}

bool rfm_cache_find(struct rfm_map *map, const char *dir, const unsigned char *key)
{
	char path[PATH_MAX];
	bool found;
	int fd;

	if (!dir_is_usable(dir) || !entry_path(path, sizeof(path), dir, key))
		return false;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return false;
	found = map_entry(map, fd);
	close(fd);
	return found;
}

/* Room on the disk first: a write through a mapping cannot report a full one. */
static bool map_temp(struct rfm_cache_new *entry, const char *dir, size_t size)
{
	void *addr;

	if (snprintf(entry->temp, sizeof(entry->temp), "%s/.tmp-XXXXXX", dir) >=
	    (int)sizeof(entry->temp))
		return false;
	entry->fd = mkostemp(entry->temp, O_CLOEXEC);
	if (entry->fd < 0)
		return false;
	if (!posix_fallocate(entry->fd, 0, size + sizeof(struct trailer))) {
		addr = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, entry->fd, 0);
		if (addr != MAP_FAILED) {
			entry->map = (struct rfm_map){ addr, size, size };
			return true;
		}
	}
	unlink(entry->temp);
	close(entry->fd);
	entry->fd = -1;
	return false;
}

int rfm_cache_begin(struct rfm_cache_new *entry, const char *dir, size_t size)
{
	void *addr;

	entry->fd = -1;
	if (dir_is_usable(dir) && map_temp(entry, dir, size))
		return 0;
	addr = mmap(NULL, size, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (addr == MAP_FAILED)
		return -ENOMEM;
	entry->map = (struct rfm_map){ addr, size, size };
	return 0;
}

void rfm_cache_commit(struct rfm_cache_new *entry, const char *dir, const unsigned char *key)
{
	struct trailer trailer = { .magic = TRAILER_MAGIC, .size = entry->map.size };
	char path[PATH_MAX];

	mprotect(entry->map.addr, entry->map.mapped, PROT_READ);
	if (entry->fd < 0)
		return;
	trailer.xxh64 = XXH64(entry->map.addr, entry->map.size, 0);
	if (pwrite(entry->fd, &trailer, sizeof(trailer), entry->map.size) != sizeof(trailer) ||
	    !entry_path(path, sizeof(path), dir, key) || rename(entry->temp, path))
		unlink(entry->temp);
	close(entry->fd);
	entry->fd = -1;
	rfm_cache_prune(dir);
}

void rfm_cache_abort(struct rfm_cache_new *entry)
{
	rfm_unmap(&entry->map);
	if (entry->fd < 0)
		return;
	unlink(entry->temp);
	close(entry->fd);
	entry->fd = -1;
}
