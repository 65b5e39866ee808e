// SPDX-License-Identifier: GPL-2.0-only
/* Options of a verb, parsed by getopt_long() from the verb's own table. */
#include "rfm.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "units.h"

#define OPTIONS_MAX	32

static void build(const struct rfm_command *cmd, char *shorts, struct option *longs)
{
	const struct rfm_option *o;

	if (cmd->options_first)
		*shorts++ = '+';
	*shorts++ = ':';
	for (o = cmd->options; o->name; o++, longs++) {
		*longs = (struct option){ o->name, o->arg ? required_argument : no_argument,
					  NULL, o->id };
		if (o->id >= 256)
			continue;
		*shorts++ = o->id;
		if (o->arg)
			*shorts++ = ':';
	}
	*shorts++ = 'h';
	*shorts = '\0';
	*longs++ = (struct option){ "help", no_argument, NULL, OPT_HELP };
	*longs = (struct option){ 0 };
}

static int complain(int c, char *const *argv)
{
	rfm_fail(RFM_USAGE, c == ':' ? "option '%s' needs an argument; see rfm %s --help" :
		 "option '%s' is not known or not used like this; see rfm %s --help",
		 argv[optind - 1], rfm.verb);
	return -1;
}

int rfm_getopt(const struct rfm_command *cmd, int argc, char **argv)
{
	struct option longs[OPTIONS_MAX];
	char shorts[2 * OPTIONS_MAX];
	int c;

	build(cmd, shorts, longs);
	opterr = 0;
	for (;;) {
		c = getopt_long(argc, argv, shorts, longs, NULL);
		if (c == OPT_JSON) {
			rfm.json = true;
			continue;
		}
		if (c == 'h' || c == OPT_HELP) {
			rfm_help(cmd);
			exit(RFM_OK);
		}
		if (c == ':' || c == '?')
			return complain(c, argv);
		return c == -1 ? 0 : c;
	}
}

int rfm_no_options(const struct rfm_command *cmd, int argc, char **argv, int operands)
{
	if (rfm_getopt(cmd, argc, argv))
		return RFM_USAGE;
	if (argc - optind != operands)
		return rfm_fail(RFM_USAGE, "takes %s; see rfm %s --help",
				operands ? "one name" : "no operand", rfm.verb);
	return 0;
}

const char *rfm_name_operand(int argc, char **argv)
{
	const char *name;

	if (argc - optind != 1) {
		rfm_fail(RFM_USAGE, "takes one name; see rfm %s --help", rfm.verb);
		return NULL;
	}
	name = argv[optind];
	if (!units_valid_name(name)) {
		rfm_fail(RFM_USAGE, "'%s' is no name of a subOS; " UNITS_NAME_RULE, name);
		return NULL;
	}
	rfm.object = name;
	return name;
}
