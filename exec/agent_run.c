// SPDX-License-Identifier: GPL-2.0-only
/*
 * A command that runs: its input, output and end, one channel. Memory is bounded by
 * EXEC_WINDOW for input and one message of output.
 */
#include "agent.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define AFTER_MS	200	/* others may still write, so long after the command's end */
#define HANGUP_MS	3000	/* from SIGHUP to SIGKILL, when nobody is there any more */
#define END_OF_INPUT	0x04	/* as typed on a terminal */

/**
 * struct run - a command that runs
 * @c: the command
 * @box: what goes to rfm
 * @input: what came for the command and was not written yet
 * @input_len: bytes of it
 * @input_ended: no more will come
 * @taken: bytes written that rfm was not told of
 * @exited: the command's process has ended, as @info says
 * @info: see @exited
 * @owed: bytes that were in its pipes then
 * @deadline: ms; when what others write is not waited for any more, 0: not set
 */
struct run {
	struct agent_command c;
	struct exec_outbox box;
	unsigned char input[EXEC_WINDOW];
	size_t input_len;
	bool input_ended;
	uint32_t taken;
	bool exited;
	siginfo_t info;
	size_t owed[2];
	long long deadline;
};

static long long now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000LL + t.tv_nsec / 1000000;
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static void close_output(struct run *r, int i)
{
	close_fd(&r->c.out[i]);
	r->owed[i] = 0;
}

/* To the command. What it will never read is dropped. */
static void write_input(struct run *r)
{
	unsigned char eof = END_OF_INPUT;
	ssize_t n;

	if (r->input_len && r->c.in >= 0) {
		n = write(r->c.in, r->input, r->input_len);
		if (n > 0) {
			r->input_len -= n;
			r->taken += n;
			memmove(r->input, r->input + n, r->input_len);
		} else if (errno != EAGAIN && errno != EINTR) {
			close_fd(&r->c.in);
		}
	}
	if (r->c.in < 0)
		r->input_len = 0;
	if (r->input_ended && !r->input_len && r->c.in >= 0) {
		n = r->c.tty ? write(r->c.in, &eof, 1) : 0;
		close_fd(&r->c.in);
	}
}

static void set_size(struct run *r, const struct exec_winsize *size)
{
	struct winsize w = { .ws_row = size->rows, .ws_col = size->cols };

	if (r->c.tty && r->c.out[0] >= 0)
		ioctl(r->c.out[0], TIOCSWINSZ, &w);
}

/* What rfm says. */
static int take(struct run *r, const struct exec_msg *m)
{
	switch (m->type) {
	case EXEC_STDIN:
		if (r->input_ended || m->len > sizeof(r->input) - r->input_len)
			return -EPROTO;
		memcpy(r->input + r->input_len, m->data, m->len);
		r->input_len += m->len;
		break;
	case EXEC_STDIN_EOF:
		r->input_ended = true;
		break;
	case EXEC_SIGNAL:
		kill(-r->c.pid, m->byte.value);
		break;
	case EXEC_WINSIZE:
		set_size(r, &m->winsize);
		break;
	case EXEC_CLOSE:
		if (!r->c.tty)
			close_output(r, m->byte.value - 1);
		break;
	default:
		return -EPROTO;
	}
	write_input(r);
	return 0;
}

static int from_rfm(struct run *r)
{
	static struct exec_msg m;
	static unsigned char buf[EXEC_MESSAGE];
	int ret;
	ssize_t n;

	n = read(r->box.chan, buf, sizeof(buf));
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n <= 0)
		return -EPIPE;
	ret = exec_parse(&m, buf, n);
	return ret ? ret : take(r, &m);
}

/* From the command, when the outbox is empty. */
static int read_output(struct run *r, int i)
{
	unsigned char *buf = r->box.buf;
	ssize_t n = read(r->c.out[i], buf + 1, EXEC_DATA_MAX);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n <= 0) {
		close_output(r, i);
		return 0;
	}
	r->owed[i] -= (size_t)n < r->owed[i] ? (size_t)n : r->owed[i];
	if (r->c.tty)	/* which the kernel hangs up with its session: the end will come */
		r->deadline = 0;
	buf[0] = i ? EXEC_STDERR : EXEC_STDOUT;
	return exec_outbox_put(&r->box, buf, 1 + n);
}

/* All that it wrote is in the pipes now. It is not reaped: its number stays its own. */
static void note_exit(struct run *r)
{
	int i, bytes;

	if (waitid(P_PIDFD, r->c.pidfd, &r->info, WEXITED | WNOHANG | WNOWAIT) || !r->info.si_pid)
		return;
	r->exited = true;
	for (i = 0; i < 2; i++)
		if (!r->c.tty && r->c.out[i] >= 0 && !ioctl(r->c.out[i], FIONREAD, &bytes))
			r->owed[i] = bytes;
}

/* Is all said? Its children may hold the pipes open for ever: they get AFTER_MS. */
static bool is_over(struct run *r)
{
	bool open = r->c.out[0] >= 0 || r->c.out[1] >= 0;

	if (!r->exited || r->box.len || r->owed[0] || r->owed[1])
		return false;
	if (open && !r->deadline)
		r->deadline = now_ms() + AFTER_MS;
	return !open || now_ms() >= r->deadline;
}

static int tell_exit(struct run *r)
{
	struct exec_exit e = { .type = EXEC_EXIT, .value = r->info.si_status };

	e.signalled = r->info.si_code != CLD_EXITED;
	return exec_send(r->box.chan, &e, sizeof(e));
}

static int tell_taken(struct run *r)
{
	struct exec_taken t = { .type = EXEC_TAKEN, .bytes = r->taken };

	if (r->box.len || r->taken < EXEC_WINDOW / 4)
		return 0;
	r->taken = 0;
	return exec_outbox_put(&r->box, &t, sizeof(t));
}

static int wait_ms(const struct run *r)
{
	long long left = r->deadline - now_ms();

	if (!r->deadline)
		return -1;
	return left > 0 ? (int)left + 1 : 0;
}

/* One round. 0, or why the channel is of no use any more. */
static int turn(struct run *r)
{
	bool room = !r->box.len;
	struct pollfd p[] = {
		{ .fd = r->box.chan, .events = POLLIN | (room ? 0 : POLLOUT) },
		{ .fd = r->input_len ? r->c.in : -1, .events = POLLOUT },
		{ .fd = room ? r->c.out[0] : -1, .events = POLLIN },
		{ .fd = room ? r->c.out[1] : -1, .events = POLLIN },
		{ .fd = r->exited ? -1 : r->c.pidfd, .events = POLLIN },
	};
	int ret = 0, i;

	if (poll(p, sizeof(p) / sizeof(*p), wait_ms(r)) < 0)
		return errno == EINTR ? 0 : -errno;
	if (p[0].revents & ~POLLOUT)
		ret = from_rfm(r);
	if (!ret && p[0].revents & POLLOUT)
		ret = exec_outbox_flush(&r->box);
	if (p[1].revents)
		write_input(r);
	for (i = 0; !ret && i < 2; i++)
		if (p[2 + i].revents && !r->box.len && r->c.out[i] >= 0)
			ret = read_output(r, i);
	if (p[4].revents)
		note_exit(r);
	return ret ? ret : tell_taken(r);
}

/* Nobody is there any more: as a terminal that is hung up, then by force. */
static void hang_up(struct run *r)
{
	struct pollfd p = { .fd = r->c.pidfd, .events = POLLIN };

	kill(-r->c.pid, SIGHUP);
	kill(-r->c.pid, SIGCONT);
	close_fd(&r->c.in);
	close_fd(&r->c.out[0]);
	close_fd(&r->c.out[1]);
	close_fd(&r->box.chan);
	poll(&p, 1, HANGUP_MS);
	kill(-r->c.pid, SIGKILL);
}

void agent_run(int chan, const struct exec_msg *m, int proc)
{
	static struct run r;
	enum exec_step step;
	char *text = "";
	int ret;

	signal(SIGPIPE, SIG_IGN);
	ret = agent_command_start(&r.c, m, proc, &step);
	if (ret) {
		if (step == EXEC_STEP_DIR || m->start.nr_args)
			exec_strings(m, step == EXEC_STEP_DIR ? 0 : 1, 1, &text);
		exec_send_error(chan, EXEC_ERROR, step, ret, text);
		return;
	}
	r.box.chan = chan;
	while (!ret && !is_over(&r))
		ret = turn(&r);
	if (!ret)
		ret = tell_exit(&r);
	else
		hang_up(&r);
}
