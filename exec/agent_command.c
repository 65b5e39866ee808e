// SPDX-License-Identifier: GPL-2.0-only
/* Starting a command: pipes or a terminal, environment, working directory, exec. */
#include "agent.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* What a child says when it cannot become the command. */
struct failure {
	int step;
	int error;
};

/* argv and environment of a START, argv[0] a shell where nothing was asked for. */
static char **strings(const struct exec_msg *m, char ***env)
{
	static char shell[] = "/bin/sh";
	uint32_t args = m->start.nr_args, envs = m->start.nr_env;
	char **all = calloc((size_t)args + envs + 3, sizeof(*all));

	if (!all)
		return NULL;
	exec_strings(m, 1, args, all);
	*env = all + args + (args ? 1 : 2);
	if (!args)
		all[0] = shell;
	exec_strings(m, 1 + args, envs, *env);
	return all;
}

static void plain_signals(void)
{
	sigset_t none;
	int sig;

	for (sig = 1; sig < NSIG; sig++)
		signal(sig, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

/* The child. @io become its descriptors 0 to 2. Returns only with what failed. */
static struct failure become(const struct exec_msg *m, const int *io, int proc)
{
	struct failure f = { EXEC_STEP_FORK, ENOMEM };
	char **argv, **env;
	char *dir;
	int i;

	agent_oom_score(proc, "0");
	plain_signals();
	setsid();
	prctl(PR_SET_PDEATHSIG, SIGHUP);	/* whoever ends our agent's process */
	argv = strings(m, &env);
	if (!argv)
		return f;
	f.step = EXEC_STEP_TTY;
	if (m->start.flags & EXEC_TTY && ioctl(io[0], TIOCSCTTY, 0))
		goto failed;
	f.step = EXEC_STEP_FORK;
	for (i = 0; i < 3; i++)
		if (dup2(io[i], i) < 0)
			goto failed;
	close_range(3, ~0U, CLOSE_RANGE_CLOEXEC);
	f.step = EXEC_STEP_DIR;
	exec_strings(m, 0, 1, &dir);
	if (chdir(dir))
		goto failed;
	f.step = EXEC_STEP_EXEC;
	environ = env;
	execvp(argv[0], argv);
failed:
	f.error = errno;
	return f;
}

static void close_all(const int *fds, int count)
{
	for (; count; count--, fds++)
		if (*fds >= 0)
			close(*fds);
}

/* pid 1's own terminals when it has them, or some that nobody sees in a file system. */
static int open_terminal(const struct exec_msg *m, int *terminal)
{
	struct winsize w = { .ws_row = m->start.rows, .ws_col = m->start.cols };
	int unlocked = 0, pts = -1, fd, ret = 0;

	fd = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (fd < 0) {
		pts = agent_mount("devpts");
		fd = pts < 0 ? -1 : openat(pts, "ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC);
	}
	if (fd < 0)
		return -errno;
	ioctl(fd, TIOCSWINSZ, &w);
	*terminal = ioctl(fd, TIOCSPTLCK, &unlocked) ? -1 :
		    ioctl(fd, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (*terminal < 0) {
		ret = -errno;
		close(fd);
	}
	if (pts >= 0)
		close(pts);
	return ret ? ret : fd;
}

/* @io: what the command gets, @c: what stays with us. */
static int open_ends(struct agent_command *c, const struct exec_msg *m, int *io,
		     enum exec_step *step)
{
	int p[3][2] = { { -1, -1 }, { -1, -1 }, { -1, -1 } }, i, fd;

	c->tty = m->start.flags & EXEC_TTY;
	if (c->tty) {
		*step = EXEC_STEP_TTY;
		fd = open_terminal(m, &io[0]);
		if (fd < 0)
			return fd;
		io[1] = io[0];
		io[2] = io[0];
		c->in = fd;
		c->out[0] = fcntl(fd, F_DUPFD_CLOEXEC, 3);
		c->out[1] = -1;
		return 0;
	}
	*step = EXEC_STEP_FORK;
	for (i = 0; i < 3; i++)
		if (pipe2(p[i], O_CLOEXEC))
			goto err_close;
	for (i = 0; i < 3; i++)
		io[i] = p[i][i ? 1 : 0];
	c->in = p[0][1];
	c->out[0] = p[1][0];
	c->out[1] = p[2][0];
	return 0;

err_close:
	i = -errno;
	close_all(p[0], 6);
	return i;
}

/* Forks; waits until the child is the command. */
static int start(struct agent_command *c, const struct exec_msg *m, const int *io, int proc,
		 enum exec_step *step)
{
	struct failure f = { EXEC_STEP_FORK, 0 };
	int report[2];
	ssize_t n;

	if (pipe2(report, O_CLOEXEC))
		return -errno;
	c->pid = fork();
	if (!c->pid) {
		f = become(m, io, proc);
		n = write(report[1], &f, sizeof(f));
		_exit(n < 0);
	}
	if (c->pid < 0)
		f.error = errno;
	close(report[1]);
	if (c->pid > 0 && read(report[0], &f, sizeof(f)) < 0)
		f.error = errno;
	close(report[0]);
	if (!f.error) {
		c->pidfd = syscall(SYS_pidfd_open, c->pid, 0);
		f.error = c->pidfd < 0 ? errno : 0;
	}
	*step = f.step;
	return -f.error;
}

int agent_command_start(struct agent_command *c, const struct exec_msg *m, int proc,
			enum exec_step *step)
{
	int io[3], mine[3], ret, i;

	ret = open_ends(c, m, io, step);
	if (ret)
		return ret;
	ret = start(c, m, io, proc, step);
	close_all(io, c->tty ? 1 : 3);
	mine[0] = c->in;
	mine[1] = c->out[0];
	mine[2] = c->out[1];
	for (i = 0; i < 3; i++)
		if (ret)
			close_all(&mine[i], 1);
		else if (mine[i] >= 0)
			fcntl(mine[i], F_SETFL, O_NONBLOCK);
	return ret;
}
