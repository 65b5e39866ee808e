// SPDX-License-Identifier: GPL-2.0-only
/*
 * The agent of "rfm exec" and "rfm cp" in a subOS. rfinit starts it from the overlay
 * before the user's /init, and waits until it listens; it stays for as long as the kernel.
 *
 * It depends on nothing of the user's: what it needs of devtmpfs and procfs it has in
 * mounts of its own that are in no tree, and files of the initramfs may go. A name that
 * begins with '@' is how systemd knows what shall outlive the initrd; sessions have none.
 * Where there is no RFcom it ends without a word.
 *
 * usage: rfagent		listens
 *	  rfagent CHANNEL	serves the channel that is open there, where we are: for tests
 */
#include "agent.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/rfcom.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define SESSIONS_MAX	64	/* commands and copies at a time */
#define START_MS	10000	/* whoever opened a channel says so long after what for */

static int sessions;
static char *our_name;

int agent_mount(const char *type)
{
	int fs = fsopen(type, FSOPEN_CLOEXEC), fd = -1, error = 0;

	if (fs < 0)
		return -errno;
	if (!fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0))
		fd = fsmount(fs, FSMOUNT_CLOEXEC, 0);
	if (fd < 0)
		error = -errno;
	close(fs);
	return fd < 0 ? error : fd;
}

static bool readable(int fd, int timeout_ms)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, timeout_ms) > 0;
}

static void serve(int chan, int proc)
{
	static struct exec_msg m;
	static unsigned char buf[EXEC_MESSAGE];
	int ret;

	if (!readable(chan, START_MS))
		return;
	ret = exec_receive(chan, &m, buf);
	if (!ret)
		return;
	if (ret > 0 && m.type != EXEC_START)
		ret = -EPROTO;
	if (ret < 0) {
		exec_send_error(chan, EXEC_ERROR, EXEC_STEP_START, ret, "");
		return;
	}
	ret = proc < 0 ? 0 : agent_enter_root(proc);
	if (ret)
		exec_send_error(chan, EXEC_ERROR, EXEC_STEP_ROOT, ret, "");
	else if (m.start.kind == EXEC_RUN)
		agent_run(chan, &m, proc);
	else
		agent_copy(chan, &m);
}

/* So that we notice that a session has ended. */
static void on_child(int sig)
{
	(void)sig;
}

static void reap(void)
{
	while (sessions && waitpid(-1, NULL, WNOHANG) > 0)
		sessions--;
}

/* The kernels' rules let other subOSes in here when an operator allows it: we do not. */
static void answer(int service, int chan, const char *peer, int proc)
{
	pid_t pid;

	if (strcmp(peer, EXEC_PEER)) {
		exec_send_error(chan, EXEC_ERROR, EXEC_STEP_START, EACCES, "");
		return;
	}
	pid = sessions < SESSIONS_MAX ? fork() : -1;
	if (!pid) {
		close(service);
		signal(SIGCHLD, SIG_DFL);
		our_name[0] = '-';	/* a session ends with the rest of the system */
		serve(chan, proc);
		_exit(0);
	}
	if (pid < 0)
		exec_send_error(chan, EXEC_ERROR, EXEC_STEP_FORK, EAGAIN, "");
	else
		sessions++;
}

static int accept_channel(int service, struct rfcom_accept *arg)
{
	*arg = (struct rfcom_accept){ .size = sizeof(*arg), .flags = RFCOM_NONBLOCK };
	return ioctl(service, RFCOM_IOC_ACCEPT, arg);
}

static void listen_for_ever(int service, int proc)
{
	struct rfcom_accept arg;
	int chan;

	for (;;) {
		reap();
		chan = accept_channel(service, &arg);
		if (chan >= 0) {
			arg.kernel[sizeof(arg.kernel) - 1] = '\0';
			answer(service, chan, arg.kernel, proc);
			close(chan);
		} else if (errno == ENODEV || errno == EBADF) {
			return;
		} else if (errno != EINTR) {
			sleep(1);	/* no memory or descriptors for it: not for ever */
		}
	}
}

/* Our own /dev, for as long as we look for RFcom in it. */
static int offer_service(void)
{
	struct rfcom_listen arg = { .size = sizeof(arg), .backlog = 32, .service = EXEC_SERVICE };
	int dev = agent_mount("devtmpfs"), com, null, i, service;

	if (dev < 0)
		return -1;
	null = openat(dev, "null", O_RDWR);
	for (i = STDIN_FILENO; null >= 0 && i <= STDERR_FILENO; i++)
		dup2(null, i);
	if (null > STDERR_FILENO)
		close(null);
	com = openat(dev, "rfcom", O_RDWR | O_CLOEXEC);
	close(dev);
	service = com < 0 ? -1 : ioctl(com, RFCOM_IOC_LISTEN, &arg);
	if (com >= 0)
		close(com);
	return service;
}

int main(int argc, char **argv)
{
	int proc, service;
	pid_t pid;

	umask(022);
	if (argc == 2) {
		fcntl(atoi(argv[1]), F_SETFD, FD_CLOEXEC);
		fcntl(atoi(argv[1]), F_SETFL, O_NONBLOCK);
		serve(atoi(argv[1]), -1);
		return 0;
	}
	proc = agent_mount("proc");
	our_name = argv[0];
	service = proc < 0 ? -1 : offer_service();
	if (service < 0)
		return 0;
	/* whoever waits for us goes on: from now on we are there */
	pid = fork();
	if (pid)
		return pid < 0;
	setsid();
	prctl(PR_SET_NAME, "rfagent");
	agent_oom_score(proc, "-900");
	sigaction(SIGCHLD, &(struct sigaction){ .sa_handler = on_child }, NULL);
	listen_for_ever(service, proc);
	return 0;
}
