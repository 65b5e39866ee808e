// SPDX-License-Identifier: GPL-2.0-only
/* rfm loans, rfm priority: what is lent, and who may take from whom. */
#include "commands.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "dev.h"
#include "fmt.h"

#define PRIORITY_MAX	100

static const struct rfm_option json_option[] = { RFM_OPTION_JSON, { 0 } };
static const struct rfm_option no_option[] = { { 0 } };

static const struct fmt_column columns[] = {
	{ "id", "ID", true },
	{ "kind", "KIND", false },
	{ "resource", "RESOURCE", false },
	{ "start", NULL, true },
	{ "length", NULL, true },
	{ "from", "FROM", false },
	{ "from_id", NULL, true },
	{ "to", "TO", false },
	{ "to_id", NULL, true },
	{ "since_ns", "SINCE", false },
};

static const char *resource(const struct rf_loan *l, char *buf, size_t size)
{
	if (l->kind == RF_RES_CPU)
		snprintf(buf, size, "%llu", (unsigned long long)l->start);
	else
		snprintf(buf, size, "%#llx-%#llx", (unsigned long long)l->start,
			 (unsigned long long)(l->start + l->length - 1));
	return buf;
}

static void add_loan(struct fmt_table *t, const struct rf_loan *l)
{
	char buf[80];

	fmt_row(t);
	fmt_number(t, l->id);
	fmt_text(t, fmt_kind(l->kind));
	fmt_text(t, resource(l, buf, sizeof(buf)));
	fmt_number(t, l->start);
	fmt_number(t, l->length);
	fmt_text(t, fmt_owner(l->from, l->from_name, buf, sizeof(buf)));
	fmt_number(t, l->from);
	fmt_text(t, fmt_owner(l->to, l->to_name, buf, sizeof(buf)));
	fmt_number(t, l->to);
	fmt_cell(t, fmt_time(l->since_ns, buf, sizeof(buf)), json_object_new_uint64(l->since_ns));
}

static int run_loans(const struct rfm_command *cmd, int argc, char **argv)
{
	struct fmt_table *t;
	struct rf_loan *loans;
	unsigned int nr, i;
	int dev, ret;

	if (rfm_no_options(cmd, argc, argv, 0))
		return RFM_USAGE;
	dev = dev_connect();
	if (dev < 0)
		return -dev;
	ret = dev_loans(dev, &loans, &nr);
	close(dev);
	if (ret == -ENOTTY)
		return rfm_fail(RFM_INCOMPATIBLE,
				"the loaded module knows no loans; install both from one release");
	if (ret)
		return rfm_fail_errno(ret, NULL, "cannot get the list of loans");
	t = fmt_table_new("loans", columns, sizeof(columns) / sizeof(*columns));
	for (i = 0; i < nr; i++)
		add_loan(t, &loans[i]);
	free(loans);
	return fmt_table_print(t) ? RFM_FAILED : RFM_OK;
}

const struct rfm_command cmd_loans = {
	.verb = "loans", .args = "", .summary = "Show what is lent, by whom and to whom",
	.text = "\nA line for each CPU and each block of memory; those with the same number go back\n"
		"together.",
	.options = json_option, .run = run_loans,
};

static int set_priority(const char *name, long n)
{
	int fd, ret;

	fd = dev_connect_subos(name);
	if (fd < 0)
		return -fd;
	ret = dev_priority(fd, n);
	close(fd);
	return ret ? rfm_fail_errno(ret, NULL, "cannot set the priority") : RFM_OK;
}

static bool is_negative(const char *text)
{
	return *text == '-' && isdigit((unsigned char)text[1]);
}

static int run_priority(const struct rfm_command *cmd, int argc, char **argv)
{
	static char dashes[] = "--";
	char *args[] = { argv[0], dashes, NULL, NULL, NULL };
	long n;

	if (argc == 3 && is_negative(argv[2])) {	/* -5 is a number, not an option */
		args[2] = argv[1];
		args[3] = argv[2];
		argv = args;
		argc++;
	}
	if (rfm_getopt(cmd, argc, argv))
		return RFM_USAGE;
	if (argc - optind != 2)
		return rfm_fail(RFM_USAGE, "takes one name and a number; see rfm priority --help");
	if (units_parse_number(argv[optind + 1], -PRIORITY_MAX, PRIORITY_MAX, &n))
		return rfm_fail(RFM_USAGE, "'%s' is no priority; write -%d to %d", argv[optind + 1],
				PRIORITY_MAX, PRIORITY_MAX);
	argc--;
	return rfm_name_operand(argc, argv) ? set_priority(argv[optind], n) : RFM_USAGE;
}

const struct rfm_command cmd_priority = {
	.verb = "priority", .args = "NAME N",
	.summary = "Say who may take from whom with --preempt",
	.text = "\nN is -100 to 100, 0 at the start; the higher one takes from the lower. Nothing else\n"
		"depends on it.",
	.options = no_option, .run = run_priority,
};
