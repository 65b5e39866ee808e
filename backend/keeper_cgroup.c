// SPDX-License-Identifier: GPL-2.0-only
/* A control group for all processes of one subOS. */
#include "keeper.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <time.h>
#include <unistd.h>

#include <linux/magic.h>

#define ROOT		"/sys/fs/cgroup"
#define PARENT		ROOT "/rainforest"
#define GONE_MS		5000	/* for killed processes to be gone */

static int put(const char *dir, const char *file, const char *text)
{
	char path[KEEPER_PATH + 32];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dir, file);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	n = write(fd, text, strlen(text));
	close(fd);
	return n < 0 ? -EIO : 0;
}

void keeper_cgroup_enter(struct keeper *k)
{
	struct statfs fs;
	char dir[KEEPER_PATH];

	if (statfs(ROOT, &fs) || fs.f_type != CGROUP2_SUPER_MAGIC) {
		fprintf(stderr, "rfbackend: %s: no control groups (version 2) at " ROOT
			"; it goes on without\n", k->name);
		return;
	}
	mkdir(PARENT, 0755);
	snprintf(dir, sizeof(dir), PARENT "/%s", k->name);
	if ((mkdir(dir, 0755) && errno != EEXIST) || put(dir, "cgroup.procs", "0"))
		fprintf(stderr, "rfbackend: %s: cannot use %s\n", k->name, dir);
	else
		strcpy(k->cgroup, dir);
}

/* We leave it, what is left in it is killed. */
void keeper_cgroup_end(struct keeper *k)
{
	const struct timespec ms = { .tv_nsec = 1000000 };
	uint64_t end = keeper_now_ms() + GONE_MS;

	if (!*k->cgroup)
		return;
	put(ROOT, "cgroup.procs", "0");
	put(k->cgroup, "cgroup.kill", "1");
	while (rmdir(k->cgroup) && errno == EBUSY && keeper_now_ms() < end)
		nanosleep(&ms, NULL);
	rmdir(PARENT);	/* the last one */
}
