// SPDX-License-Identifier: GPL-2.0-only
/* The table of verbs, and main(). */
#include "rfm.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "commands.h"
#include "sysroot.h"

struct rfm_state rfm;

const struct rfm_command *const rfm_commands[] = {
	&cmd_create,
	&cmd_list,
	&cmd_show,
	&cmd_log,
	&cmd_console,
	&cmd_exec,
	&cmd_cp,
	&cmd_resize,
	&cmd_borrow,
	&cmd_return,
	&cmd_loans,
	&cmd_priority,
	&cmd_channel,
	&cmd_share,
	&cmd_device,
	&cmd_loop,
	&cmd_set,
	&cmd_restart,
	&cmd_stop,
	&cmd_destroy,
	&cmd_events,
	&cmd_usage,
	&cmd_top,
	&cmd_metrics,
	&cmd_resources,
	&cmd_ledger,
	&cmd_pool,
	&cmd_detach,
	&cmd_check,
	&cmd_audit,
	&cmd_version,
	&cmd_help,
	NULL
};

const struct rfm_command *rfm_find(const char *verb)
{
	const struct rfm_command *const *cmd;

	for (cmd = rfm_commands; *cmd; cmd++)
		if (!strcmp((*cmd)->verb, verb))
			return *cmd;
	return NULL;
}

/* The options that every tool knows are verbs of ours. */
static char *verb_of(const char *option)
{
	static char help[] = "help", version[] = "version";

	if (!strcmp(option, "--help") || !strcmp(option, "-h"))
		return help;
	return !strcmp(option, "--version") || !strcmp(option, "-V") ? version : NULL;
}

/* Options before the verb. Returns where the verb is, or -1, reported. */
static int global_options(int argc, char **argv)
{
	char *verb;
	int i;

	for (i = 1; i < argc && argv[i][0] == '-'; i++) {
		verb = verb_of(argv[i]);
		if (verb) {
			argv[i] = verb;
			break;
		}
		if (!strcmp(argv[i], "--json")) {
			rfm.json = true;
		} else if (!strcmp(argv[i], "--sysroot") && i + 1 < argc) {
			sysroot_set(argv[++i]);
		} else {
			rfm_fail(RFM_USAGE, "option '%s' is not known; see rfm help", argv[i]);
			return -1;
		}
	}
	return i;
}

/* What could not be written was not done: "rfm list > /dev/full" must fail. */
static int finish(int ret)
{
	rfm_progress_end();
	if (!fflush(stdout) && !ferror(stdout))
		return ret;
	return ret ? ret : rfm_fail(RFM_FAILED, "cannot write the output: %s", strerror(errno));
}

int main(int argc, char **argv)
{
	const struct rfm_command *cmd;
	int i;

	i = global_options(argc, argv);
	if (i < 0)
		return RFM_USAGE;
	if (i >= argc)
		return rfm_fail(RFM_USAGE, "what shall be done? see rfm help");
	cmd = rfm_find(argv[i]);
	if (!cmd)
		return rfm_fail(RFM_USAGE, "there is no command '%s'; see rfm help", argv[i]);
	rfm.verb = cmd->verb;
	return finish(cmd->run(cmd, argc - i, argv + i));
}
