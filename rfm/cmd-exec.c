// SPDX-License-Identifier: GPL-2.0-only
/* rfm exec: a command in a subOS. */
#include "commands.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "exec.h"
#include "units.h"

#define ENV_MAX	128

static const struct rfm_option options[] = {
	{ 't', "tty", NULL, "give it a terminal, also when ours is none" },
	{ 'T', "no-tty", NULL, "give it pipes, also when ours is a terminal" },
	{ 'w', "workdir", "DIR", "directory to start it in (/)" },
	{ 'e', "env", "VAR=VALUE", "set a variable; may be repeated" },
	{ 0 }
};

/**
 * struct request - what was asked for
 * @tty: with a terminal
 * @dir: directory to start in
 * @env: environment, ended by NULL
 * @nr_env: entries in it
 */
struct request {
	bool tty;
	const char *dir;
	char *env[ENV_MAX + 1];
	unsigned int nr_env;
};

/* A later value takes the place of an earlier one. */
static int set_env(struct request *r, char *var)
{
	size_t len = strcspn(var, "=");
	unsigned int i;

	if (!len || var[len] != '=')
		return rfm_fail(RFM_EXEC, "--env %s: write VAR=VALUE", var);
	for (i = 0; i < r->nr_env; i++)
		if (!strncmp(r->env[i], var, len + 1))
			break;
	if (i == ENV_MAX)
		return rfm_fail(RFM_EXEC, "more than %d variables; set them in a script", ENV_MAX);
	r->env[i] = var;
	if (i == r->nr_env)
		r->nr_env++;
	return 0;
}

static void default_env(struct request *r)
{
	static char path[] = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
	static char home[] = "HOME=/";

	set_env(r, path);
	set_env(r, home);
}

/* Of ours, as the terminal is. What --env says comes before. */
static int default_term(struct request *r)
{
	const char *term = getenv("TERM");
	char *var;
	unsigned int i;

	for (i = 0; i < r->nr_env; i++)
		if (!strncmp(r->env[i], "TERM=", 5))
			return 0;
	if (!r->tty || !term)
		return 0;
	if (asprintf(&var, "TERM=%s", term) < 0)
		return rfm_fail(RFM_EXEC, "out of memory");
	return set_env(r, var);
}

static int parse(const struct rfm_command *cmd, struct request *r, int argc, char **argv)
{
	int id, ret = 0;

	while (!ret && (id = rfm_getopt(cmd, argc, argv)) > 0) {
		if (id == 't' || id == 'T')
			r->tty = id == 't';
		else if (id == 'w')
			r->dir = optarg;
		else
			ret = set_env(r, optarg);
	}
	return ret ? ret : id ? RFM_EXEC : default_term(r);
}

static int start(const struct request *r, int chan, char **argv)
{
	static unsigned char buf[EXEC_MESSAGE];
	struct exec_start_head head = { .kind = EXEC_RUN, .flags = r->tty ? EXEC_TTY : 0,
					.rows = 24, .cols = 80 };
	struct winsize w;
	size_t len;
	int ret;

	if (!ioctl(STDIN_FILENO, TIOCGWINSZ, &w) && w.ws_row && w.ws_col) {
		head.rows = w.ws_row;
		head.cols = w.ws_col;
	}
	len = exec_start_pack(buf, &head, r->dir, argv, r->env);
	if (!len)
		return rfm_fail(RFM_EXEC,
				"command and environment are longer than %d bytes; pass them through its input",
				EXEC_MESSAGE);
	ret = exec_ask(chan, buf, len);
	return ret ? exec_lost(ret) : 0;
}

static int run(const struct rfm_command *cmd, int argc, char **argv)
{
	struct request r = { .dir = "/" };
	int chan, ret;

	r.tty = isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
	default_env(&r);
	ret = parse(cmd, &r, argc, argv);
	if (ret)
		return ret;
	argv += optind;
	if (!*argv || !units_valid_name(*argv))
		return rfm_fail(RFM_EXEC, *argv ? "'%s' is no name of a subOS; " UNITS_NAME_RULE :
				"write the name of a subOS; see rfm exec --help", *argv);
	rfm.object = *argv++;
	if (*argv && !strcmp(*argv, "--"))
		argv++;
	chan = exec_connect(rfm.object);
	if (chan < 0)
		return RFM_EXEC;
	ret = start(&r, chan, argv);
	return ret ? ret : exec_run(chan, r.tty);
}

const struct rfm_command cmd_exec = {
	.verb = "exec", .args = "NAME [--] [COMMAND [ARGUMENT]...]",
	.summary = "Run a command in a subOS",
	.text = "\nThe command runs as root, where the subOS's init is. Input, output and signals are\n"
		"passed on; the exit status is the command's, 128 + N when signal N ended it, 127 when it\n"
		"was not found, 126 when it could not be started, 125 when rfm itself failed. Without\n"
		"COMMAND: /bin/sh. It has a terminal when input and output here are one.\n"
		"Examples:\n\n"
		"  rfm exec web -- cat /etc/os-release\n"
		"  tar c site | rfm exec web -w /srv tar x",
	.options = options, .options_first = true, .run = run,
};
