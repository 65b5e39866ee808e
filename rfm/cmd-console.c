// SPDX-License-Identifier: GPL-2.0-only
/*
 * rfm console: the terminal of a subOS.
 *
 * On a terminal it is made raw and put back whatever happens; the detach key
 * (Ctrl-]) ends the session. From a pipe, all input is typed; after its end
 * the session goes on until nothing was printed for --idle seconds.
 */
#include "commands.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "dev.h"
#include "terminal.h"

static const struct rfm_option options[] = {
	{ OPT_READ_ONLY, "read-only", NULL, "only watch" },
	{ OPT_DETACH, "detach-key", "KEY", "key that ends the session: ^A to ^_, or none (^])" },
	{ OPT_IDLE, "idle", "S", "end so long after the input's end and the last output (1)" },
	{ 0 }
};

#define NO_KEY	(-1)

/**
 * struct session - a console session
 * @con: console descriptor
 * @read_only: nothing is typed
 * @key: detach key or NO_KEY
 * @idle_ms: see --idle
 * @tty: standard input is a terminal
 * @input_ended: no more input
 */
struct session {
	int con;
	bool read_only;
	int key;
	int idle_ms;
	bool tty;
	bool input_ended;
};

static volatile sig_atomic_t resized;

static void on_resize(int sig)
{
	resized = sig;
}

static void tell_size(const struct session *s)
{
	struct winsize w;

	resized = 0;
	if (!s->read_only && s->tty && !ioctl(STDIN_FILENO, TIOCGWINSZ, &w))
		dev_winsize(s->con, w.ws_row, w.ws_col);
}

static int write_all(int fd, const char *buf, size_t len)
{
	struct pollfd p = { .fd = fd, .events = POLLOUT };
	ssize_t n;

	while (len) {
		n = write(fd, buf, len);
		if (n < 0 && (errno == EAGAIN || errno == EINTR) && !rfm.interrupted) {
			poll(&p, 1, 1000);
			continue;
		}
		if (n <= 0)
			return n ? -errno : -EIO;
		buf += n;
		len -= n;
	}
	return 0;
}

/* 1: the session is over, 0: it goes on. */
static int from_console(struct session *s)
{
	char buf[4096];
	ssize_t n = read(s->con, buf, sizeof(buf));

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n <= 0)
		return 1;
	return write_all(STDOUT_FILENO, buf, n) ? 1 : 0;
}

static int from_user(struct session *s)
{
	char buf[1024], *key = NULL;
	ssize_t n = read(STDIN_FILENO, buf, sizeof(buf));

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n <= 0) {
		s->input_ended = true;
		return 0;
	}
	if (s->tty && s->key != NO_KEY)
		key = memchr(buf, s->key, n);
	if (key)
		n = key - buf;
	if (!s->read_only && write_all(s->con, buf, n))
		return 1;
	return key != NULL;
}

static void loop(struct session *s)
{
	struct pollfd p[2] = { { .fd = s->con, .events = POLLIN },
			       { .fd = STDIN_FILENO, .events = POLLIN } };
	int n, over = 0;

	while (!over && !rfm.interrupted) {
		if (resized)
			tell_size(s);
		p[1].fd = s->input_ended ? -1 : STDIN_FILENO;
		n = poll(p, 2, s->input_ended ? s->idle_ms : -1);
		if (n == 0)
			return;		/* input ended, and silence since */
		if (n < 0)
			continue;
		if (p[0].revents)
			over = from_console(s);
		if (!over && p[1].revents)
			over = from_user(s);
	}
}

static int converse(struct session *s)
{
	struct sigaction sa = { .sa_handler = on_resize };

	s->tty = isatty(STDIN_FILENO);
	sigaction(SIGWINCH, &sa, NULL);
	fcntl(s->con, F_SETFL, O_NONBLOCK);
	tell_size(s);
	if (s->tty) {
		if (s->key != NO_KEY)
			fprintf(stderr, "console of %s; ^%c ends the session\n", rfm.object,
				s->key + '@');
		terminal_make_raw();
	}
	loop(s);
	terminal_restore();
	if (s->tty)
		fputc('\n', stderr);
	return RFM_OK;
}

static int parse_key(const char *text, int *key)
{
	if (!strcmp(text, "none")) {
		*key = NO_KEY;
		return 0;
	}
	if (text[0] == '^' && text[1] && !text[2]) {
		char c = text[1] >= 'a' && text[1] <= 'z' ? text[1] - 'a' + 'A' : text[1];

		if (c > '@' && c <= '_') {
			*key = c - '@';
			return 0;
		}
	}
	return rfm_fail(RFM_USAGE, "--detach-key %s: write ^A to ^_, or none", text);
}

static int one_option(struct session *s, int id)
{
	long seconds;

	if (id == OPT_READ_ONLY) {
		s->read_only = true;
		return 0;
	}
	if (id == OPT_DETACH)
		return parse_key(optarg, &s->key);
	if (units_parse_number(optarg, 0, 3600, &seconds))
		return rfm_fail(RFM_USAGE, "--idle %s: write 0 to 3600 seconds", optarg);
	s->idle_ms = seconds * 1000;
	return 0;
}

static int open_console(struct session *s, const char *name)
{
	int fd, ret;

	fd = dev_connect_subos(name);
	if (fd < 0)
		return -fd;
	ret = dev_console(fd, !s->read_only);
	close(fd);
	if (ret == -EBUSY)
		return rfm_fail(RFM_CONFLICT,
				"somebody types there already; rfm console %s --read-only watches",
				name);
	if (ret < 0)
		return rfm_fail_errno(ret, NULL, "cannot open its console");
	s->con = ret;
	return 0;
}

static int run(const struct rfm_command *cmd, int argc, char **argv)
{
	struct session s = { .key = ']' - '@', .idle_ms = 1000 };
	const char *name;
	int id, ret;

	rfm_catch_signals();
	while ((id = rfm_getopt(cmd, argc, argv)) > 0) {
		ret = one_option(&s, id);
		if (ret)
			return ret;
	}
	if (id < 0)
		return RFM_USAGE;
	name = rfm_name_operand(argc, argv);
	if (!name)
		return RFM_USAGE;
	ret = open_console(&s, name);
	if (ret)
		return ret;
	ret = converse(&s);
	close(s.con);
	return ret;
}

const struct rfm_command cmd_console = {
	.verb = "console", .args = "NAME", .summary = "Open the terminal of a subOS",
	.text = "\nOne session types, others watch with --read-only. Input may come from a pipe: then\n"
		"the session ends when nothing was printed for --idle seconds after its end.",
	.options = options, .run = run,
};
