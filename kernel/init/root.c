// SPDX-License-Identifier: GPL-2.0-only
/*
 * A root file system that the supervisor shares with this subOS: rf.root=TAG on the command
 * line names it. It is mounted, everything of the initrd is removed, and its own init runs,
 * as if the kernel had mounted it.
 */
#include "rfinit.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <linux/magic.h>

#define DIR_ROOT	DIR_OURS "/root"
#define FILE_CMDLINE	DIR_PROC "/cmdline"
#define PATIENCE_S	60	/* until the file system is there */
#define DEPTH_MAX	64

static char own_init[256];	/* init= of the command line */

/* The last word of the command line that begins with KEY= counts. */
static bool cmdline_value(const char *key, char *value, size_t size)
{
	char line[4096], *word, *rest = line;
	size_t len = strlen(key);
	bool found = false;
	FILE *file = fopen(FILE_CMDLINE, "re");

	if (!file)
		return false;
	if (!fgets(line, sizeof(line), file))
		line[0] = '\0';
	fclose(file);
	while ((word = strsep(&rest, "\n "))) {
		if (strncmp(word, key, len) || strlen(word + len) >= size)
			continue;
		strcpy(value, word + len);
		found = true;
	}
	return found;
}

bool root_wanted(char *tag, size_t size)
{
	cmdline_value("init=", own_init, sizeof(own_init));
	return cmdline_value("rf.root=", tag, size) && tag[0];
}

/* The back end announces its device when it hears that this kernel is there. */
static int root_mount(const char *tag)
{
	const struct timespec rest = { .tv_nsec = 10 * 1000 * 1000 };
	struct timespec now, begin;

	mkdir(DIR_ROOT, 0700);
	clock_gettime(CLOCK_MONOTONIC, &begin);
	while (mount(tag, DIR_ROOT, "virtiofs", 0, NULL)) {
		clock_gettime(CLOCK_MONOTONIC, &now);
		if (now.tv_sec - begin.tv_sec >= PATIENCE_S)
			return -errno;
		nanosleep(&rest, NULL);
	}
	return 0;
}

/* Removes what is in a directory of the initrd, nothing of what is mounted there. */
static void clear(int fd, dev_t dev, int depth)
{
	DIR *dir = fdopendir(fd);
	struct dirent *entry;
	struct stat st;

	if (!dir) {
		close(fd);
		return;
	}
	while ((entry = readdir(dir))) {
		int sub;

		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, "..") ||
		    fstatat(dirfd(dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) ||
		    st.st_dev != dev)
			continue;
		if (!S_ISDIR(st.st_mode)) {
			unlinkat(dirfd(dir), entry->d_name, 0);
			continue;
		}
		sub = depth < DEPTH_MAX ? openat(dirfd(dir), entry->d_name,
						 O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
		if (sub >= 0)
			clear(sub, dev, depth + 1);
		unlinkat(dirfd(dir), entry->d_name, AT_REMOVEDIR);
	}
	closedir(dir);
}

/* Only memory of the initrd is given back this way. */
static void clear_initrd(void)
{
	int fd = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct statfs fs;
	struct stat st;

	if (fd < 0)
		return;
	if (fstatfs(fd, &fs) || fstat(fd, &st) ||
	    (fs.f_type != RAMFS_MAGIC && fs.f_type != TMPFS_MAGIC))
		close(fd);
	else
		clear(fd, st.st_dev, 0);
}

int root_enter(const char *tag)
{
	int ret = root_mount(tag);

	if (ret)
		return ret;
	if (mount("devtmpfs", DIR_ROOT "/dev", "devtmpfs", MS_NOSUID, "mode=0755") &&
	    errno != ENOENT)
		say(4, "cannot mount /dev", strerror(errno));
	if (chdir(DIR_ROOT))
		return -errno;
	clear_initrd();
	if (mount(".", "/", NULL, MS_MOVE, NULL) || chroot(".") || chdir("/"))
		return -errno;
	return 0;
}

/* In the order in which the kernel looks for it. Returns when there is none. */
void root_exec(char **argv, char **envp)
{
	static char *const inits[] = {
		own_init, "/sbin/init", "/etc/init", "/bin/init", "/bin/sh"
	};
	size_t i;

	for (i = 0; i < sizeof(inits) / sizeof(*inits); i++) {
		argv[0] = inits[i];
		if (*inits[i])
			execve(inits[i], argv, envp);
		if (*inits[i] && errno != ENOENT)
			say(3, inits[i], strerror(errno));
	}
}
