// SPDX-License-Identifier: GPL-2.0-only
/* What --help prints, from the table of verbs. */
#include "rfm.h"

#include <stdio.h>

static void print_option(const struct rfm_option *o)
{
	char left[48];
	int n = 0;

	if (o->id < 256)
		n = snprintf(left, sizeof(left), "-%c, ", o->id);
	snprintf(left + n, sizeof(left) - n, "--%s%s%s", o->name, o->arg ? " " : "",
		 o->arg ? o->arg : "");
	printf("  %-24s %s\n", left, o->help);
}

void rfm_help(const struct rfm_command *cmd)
{
	static const struct rfm_option help = { 'h', "help", NULL, "print this" };
	const struct rfm_option *o;

	const char *some = cmd->options->name ? " [OPTION]..." : "";

	printf("usage: rfm %s%s%s%s%s\n\n%s.\n", cmd->verb, cmd->options_first ? some : "",
	       *cmd->args ? " " : "", cmd->args, cmd->options_first ? "" : some, cmd->summary);
	if (cmd->text)
		printf("%s\n", cmd->text);
	puts("\noptions:");
	for (o = cmd->options; o->name; o++)
		print_option(o);
	print_option(&help);
}

void rfm_overview(void)
{
	const struct rfm_command *const *cmd;

	puts("usage: rfm [--json] [--sysroot DIR] COMMAND [ARGUMENT]...\n\n"
	     "Divides this machine between several Linux kernels, without a hypervisor.\n\n"
	     "commands:");
	for (cmd = rfm_commands; *cmd; cmd++)
		printf("  %-10s %s\n", (*cmd)->verb, (*cmd)->summary);
	puts("\nrfm COMMAND --help tells more; rfm(8) tells all.\n\n"
	     "exit codes: 0 done, 1 failed, 2 usage, 3 not found, 4 conflict, 5 permission,\n"
	     "6 timeout, 7 incompatible, 8 partly done, 130 interrupted");
}

/* One line a verb: the verb, a tab, its options. Completion lives on this. */
void rfm_print_table(void)
{
	const struct rfm_command *const *cmd;
	const struct rfm_option *o;

	for (cmd = rfm_commands; *cmd; cmd++) {
		printf("%s\t", (*cmd)->verb);
		for (o = (*cmd)->options; o->name; o++)
			printf("--%s%s ", o->name, o->arg ? "=" : "");
		puts("--help");
	}
}
