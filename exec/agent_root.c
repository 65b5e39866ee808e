// SPDX-License-Identifier: GPL-2.0-only
/* Where commands run: where pid 1 is at that moment, whatever it mounted or went to. */
#include "agent.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

void agent_oom_score(int proc, const char *score)
{
	int fd = openat(proc, "self/oom_score_adj", O_WRONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return;
	n = write(fd, score, strlen(score));
	(void)n;	/* a kernel without it ends us as it likes */
	close(fd);
}

/* All but those of users and time; a kernel may not have them all. */
static int enter_namespaces(void)
{
	static const int kinds[] = { CLONE_NEWNS, CLONE_NEWUTS, CLONE_NEWIPC, CLONE_NEWNET,
				     CLONE_NEWCGROUP, CLONE_NEWPID };
	int pidfd = syscall(SYS_pidfd_open, 1, 0), ret = 0;
	size_t i;

	if (pidfd < 0)
		return -errno;
	for (i = 0; !ret && i < sizeof(kinds) / sizeof(*kinds); i++)
		if (setns(pidfd, kinds[i]) && errno != EINVAL)
			ret = -errno;
	close(pidfd);
	return ret;
}

int agent_enter_root(int proc)
{
	int root, ret;

	ret = enter_namespaces();
	if (ret)
		return ret;
	root = openat(proc, "1/root", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root < 0)
		return -errno;
	ret = fchdir(root) || chroot(".") || chdir("/") ? -errno : 0;
	close(root);
	return ret;
}
