// SPDX-License-Identifier: GPL-2.0-only
/*
 * A command in a subOS, seen from here: our input goes to it as far as it reads, its
 * output comes as far as ours is taken. Memory is bounded: one message each way.
 */
#include "exec.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

#include "rfm.h"
#include "terminal.h"

#define AT_ONCE		4096	/* a pipe that can be written takes so much without waiting */
#define ASKED_ENOUGH	3	/* signals after which we end ourselves */

/**
 * struct session - a command that runs
 * @box: what goes to the agent
 * @tty: the command has a terminal
 * @signals: descriptor that tells of signals
 * @asked: how many were to end the command
 * @room: bytes of input that the agent takes
 * @input_ended: no more input
 * @deaf: the channel takes nothing more, but may still hold something to read
 * @out: descriptor that @data is for
 * @data: output that was not written yet
 * @len: bytes of it
 * @closed: outputs that nobody reads, index: descriptor
 * @to_close: of these, what the agent was not told yet
 * @to_signal: a signal that the agent was not told yet
 * @resized: nor the size of the terminal
 * @done: the session is over, with @status
 * @status: exit status
 */
struct session {
	struct exec_outbox box;
	bool tty;
	int signals;
	int asked;
	size_t room;
	bool input_ended;
	bool deaf;
	int out;
	const char *data;
	size_t len;
	bool closed[3];
	bool to_close[3];
	int to_signal;
	bool resized;
	bool done;
	int status;
};

static void end(struct session *s, int status)
{
	s->done = true;
	s->status = status;
}

static void say(struct session *s, const void *msg, size_t len)
{
	if (!s->deaf && exec_outbox_put(&s->box, msg, len))
		s->deaf = true;
	if (s->deaf)
		s->box.len = 0;
}

static void say_byte(struct session *s, enum exec_type type, int value)
{
	struct exec_byte b = { .type = type, .value = value };

	say(s, &b, sizeof(b));
}

static void say_size(struct session *s)
{
	struct exec_winsize size = { .type = EXEC_WINSIZE };
	struct winsize w;

	s->resized = false;
	if (!s->tty || ioctl(STDIN_FILENO, TIOCGWINSZ, &w))
		return;
	size.rows = w.ws_row;
	size.cols = w.ws_col;
	say(s, &size, sizeof(size));
}

/* What came up while a message waited. */
static void say_more(struct session *s)
{
	int fd;

	if (!s->box.len && s->to_signal) {
		say_byte(s, EXEC_SIGNAL, s->to_signal);
		s->to_signal = 0;
	}
	if (!s->box.len && s->resized)
		say_size(s);
	for (fd = STDOUT_FILENO; fd <= STDERR_FILENO; fd++)
		if (!s->box.len && s->to_close[fd]) {
			say_byte(s, EXEC_CLOSE, fd);
			s->to_close[fd] = false;
		}
}

static void from_user(struct session *s)
{
	unsigned char *buf = s->box.buf, eof = EXEC_STDIN_EOF;
	size_t most = s->room < EXEC_DATA_MAX ? s->room : EXEC_DATA_MAX;
	ssize_t n = read(STDIN_FILENO, buf + 1, most);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		s->input_ended = true;
		say(s, &eof, 1);
		return;
	}
	s->room -= n;
	buf[0] = EXEC_STDIN;
	say(s, buf, 1 + n);
}

/* Output that goes nowhere any more: the command shall know, as with a pipe. */
static void no_reader(struct session *s)
{
	s->len = 0;
	s->closed[s->out] = true;
	s->to_close[s->out] = true;
	if (s->tty)
		end(s, 128 + SIGHUP);
}

static void to_user(struct session *s)
{
	ssize_t n = write(s->out, s->data, s->len < AT_ONCE ? s->len : AT_ONCE);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n < 0 && errno == EPIPE) {
		no_reader(s);
	} else if (n < 0) {
		terminal_restore();
		end(s, rfm_fail(RFM_EXEC, "cannot write the output: %s", strerror(errno)));
	} else {
		s->data += n;
		s->len -= n;
	}
}

static void output(struct session *s, int fd, const struct exec_msg *m)
{
	if (s->closed[fd])
		return;
	s->out = fd;
	s->data = m->data;
	s->len = m->len;
}

/* What it says is bytes and a status, and nothing else. */
static void take(struct session *s, const struct exec_msg *m)
{
	switch (m->type) {
	case EXEC_STDOUT:
		output(s, STDOUT_FILENO, m);
		break;
	case EXEC_STDERR:
		output(s, STDERR_FILENO, m);
		break;
	case EXEC_TAKEN:
		s->room += m->taken.bytes;
		if (s->room > EXEC_WINDOW)
			end(s, exec_lost(EPROTO));
		break;
	case EXEC_EXIT:
		end(s, m->exit.signalled ? 128 + m->exit.value : m->exit.value);
		break;
	case EXEC_ERROR:
		terminal_restore();
		end(s, exec_failed(m));
		break;
	default:
		end(s, exec_lost(EPROTO));
	}
}

static void from_agent(struct session *s)
{
	static struct exec_msg m;
	static unsigned char buf[EXEC_MESSAGE];
	ssize_t n = read(s->box.chan, buf, sizeof(buf));
	int ret;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	ret = n > 0 ? exec_parse(&m, buf, n) : 0;
	if (n <= 0 || ret) {
		terminal_restore();
		end(s, exec_lost(n < 0 ? errno : ret));
		return;
	}
	take(s, &m);
}

/* With a terminal, what ends us ends the command: its terminal is hung up. */
static void on_signal(struct session *s)
{
	struct signalfd_siginfo info;

	if (read(s->signals, &info, sizeof(info)) != sizeof(info))
		return;
	if (info.ssi_signo == SIGWINCH)
		s->resized = true;
	else if (s->tty || ++s->asked >= ASKED_ENOUGH)
		end(s, 128 + info.ssi_signo);
	else
		s->to_signal = info.ssi_signo;
}

/* One round: waits for whatever may go on, and does it. */
static void turn(struct session *s)
{
	bool room = !s->box.len;
	struct pollfd p[] = {
		{ .fd = s->len && room ? -1 : s->box.chan,
		  .events = (s->len ? 0 : POLLIN) | (room ? 0 : POLLOUT) },
		{ .fd = !s->input_ended && s->room && room && !s->deaf ? STDIN_FILENO : -1,
		  .events = POLLIN },
		{ .fd = s->len ? s->out : -1, .events = POLLOUT },
		{ .fd = s->signals, .events = POLLIN },
	};

	if (poll(p, sizeof(p) / sizeof(*p), -1) < 0)
		return;
	if (p[0].revents & (POLLOUT | POLLHUP | POLLERR) && exec_outbox_flush(&s->box)) {
		s->deaf = true;
		s->box.len = 0;
	}
	if (p[2].revents)
		to_user(s);
	if (p[3].revents)
		on_signal(s);
	if (p[1].revents && !s->box.len)
		from_user(s);
	if (p[0].revents & ~POLLOUT && !s->len && !s->done)
		from_agent(s);
}

static int watch_signals(void)
{
	static const int which[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGWINCH };
	sigset_t set;
	size_t i;

	sigemptyset(&set);
	for (i = 0; i < sizeof(which) / sizeof(*which); i++)
		sigaddset(&set, which[i]);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

int exec_run(int chan, bool tty)
{
	static struct session s;

	s = (struct session){ .box.chan = chan, .tty = tty, .room = EXEC_WINDOW };
	s.signals = watch_signals();
	if (tty)
		terminal_make_raw();
	while (!s.done) {
		say_more(&s);
		turn(&s);
	}
	terminal_restore();
	close(s.signals);
	close(chan);
	return s.status;
}
