// SPDX-License-Identifier: GPL-2.0-only
/* rfm audit: the invariants, checked against the live machine. */
#include "commands.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dev.h"
#include "fmt.h"

#define TEXT_SIZE	(64 << 10)

static const struct rfm_option options[] = {
	{ OPT_QUICK, "quick", NULL, "do not read a word of every page" },
	RFM_OPTION_JSON,
	{ 0 }
};

/* The findings, one a line; names in them come from users. */
static void print_lines(char *text, struct json_object *array)
{
	char *line, *save, clean[512];

	for (line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		units_clean(line, strlen(line), clean, sizeof(clean));
		if (array)
			json_object_array_add(array, json_object_new_string(clean));
		else
			puts(clean);
	}
}

static void print_json(const struct rf_audit *a, char *text)
{
	struct json_object *json = fmt_json(), *array = json_object_new_array();

	json_object_object_add(json, "checks", json_object_new_uint64(a->checks));
	json_object_object_add(json, "violations", json_object_new_uint64(a->violations));
	print_lines(text, array);
	json_object_object_add(json, "findings", array);
	fmt_json_print(json);
}

static int audit(int dev, unsigned int flags, char *text)
{
	struct rf_audit a;
	int ret;

	rfm_progress("checking");
	ret = dev_audit(dev, flags, text, TEXT_SIZE, &a);
	rfm_progress_end();
	if (ret)
		return rfm_fail_errno(ret, NULL, "cannot audit");
	text[TEXT_SIZE - 1] = '\0';
	if (rfm.json) {
		print_json(&a, text);
	} else {
		print_lines(text, NULL);
		printf("%llu facts checked, %llu violations\n", (unsigned long long)a.checks,
		       (unsigned long long)a.violations);
	}
	return a.violations ? RFM_FAILED : RFM_OK;
}

static int run(const struct rfm_command *cmd, int argc, char **argv)
{
	unsigned int flags = RF_AUDIT_READ_PAGES;
	int id, dev, ret;
	char *text;

	rfm_catch_signals();
	while ((id = rfm_getopt(cmd, argc, argv)) > 0)
		flags = 0;
	if (id < 0)
		return RFM_USAGE;
	if (optind < argc)
		return rfm_fail(RFM_USAGE, "takes no operand; see rfm audit --help");
	dev = dev_connect();
	if (dev < 0)
		return -dev;
	text = calloc(1, TEXT_SIZE);
	ret = text ? audit(dev, flags, text) : rfm_fail(RFM_FAILED, "out of memory");
	free(text);
	close(dev);
	return ret;
}

const struct rfm_command cmd_audit = {
	.verb = "audit", .args = "", .summary = "Check the invariants against the live machine",
	.text = "\nPrints what does not hold, and the number of facts that were checked.\n"
		"Exit code 1 when anything does not hold.",
	.options = options, .run = run,
};
