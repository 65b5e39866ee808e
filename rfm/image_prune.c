// SPDX-License-Identifier: GPL-2.0-only
/*
 * Keeps the cache small: kernels come and go, and each leaves 60 MB, and ten
 * modules. What is removed and still wanted is made again.
 */
#include "image_cache.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define BYTES_MAX	(512ULL << 20)
#define ELFS_MAX	128
#define KEYS_MAX	256
#define TEMP_SECONDS	3600	/* nobody writes an entry for so long */

/* The oldest file with a suffix, how many there are, and their bytes. */
struct oldest {
	const char *suffix;
	unsigned int count;
	unsigned long long bytes;
	time_t mtime;
	char name[NAME_MAX + 1];
};

static bool ends_with(const char *name, const char *suffix)
{
	size_t len = strlen(name), tail = strlen(suffix);

	return len > tail && !strcmp(name + len - tail, suffix);
}

static void look_at(struct oldest *oldest, const char *name, const struct stat *st)
{
	if (!ends_with(name, oldest->suffix))
		return;
	oldest->bytes += st->st_size;
	if (!oldest->count++ || st->st_mtim.tv_sec < oldest->mtime) {
		oldest->mtime = st->st_mtim.tv_sec;
		snprintf(oldest->name, sizeof(oldest->name), "%s", name);
	}
}

static void find_oldest(DIR *dir, struct oldest *elf, struct oldest *key)
{
	struct dirent *entry;
	struct stat st;

	elf->count = key->count = 0;
	elf->bytes = key->bytes = 0;
	rewinddir(dir);
	while ((entry = readdir(dir))) {
		if (fstatat(dirfd(dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) ||
		    !S_ISREG(st.st_mode))
			continue;
		look_at(elf, entry->d_name, &st);
		look_at(key, entry->d_name, &st);
		if (!strncmp(entry->d_name, ".tmp-", 5) &&
		    st.st_mtim.tv_sec < time(NULL) - TEMP_SECONDS)
			unlinkat(dirfd(dir), entry->d_name, 0);
	}
}

void rfm_cache_prune(const char *path)
{
	struct oldest elf = { .suffix = ".elf" }, key = { .suffix = ".key" };
	DIR *dir = opendir(path);
	bool more = true;

	if (!dir)
		return;
	while (more) {
		find_oldest(dir, &elf, &key);
		more = ((elf.count > ELFS_MAX || elf.bytes > BYTES_MAX) && elf.count > 1 &&
			!unlinkat(dirfd(dir), elf.name, 0)) ||
		       (key.count > KEYS_MAX && !unlinkat(dirfd(dir), key.name, 0));
	}
	closedir(dir);
}
