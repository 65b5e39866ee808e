// SPDX-License-Identifier: GPL-2.0-only
/* rfm help, rfm version. */
#include "commands.h"

#include <linux/rainforest.h>
#include <linux/rainforest_wire.h>
#include <stdio.h>
#include <unistd.h>

#include "dev.h"
#include "fmt.h"

static const struct rfm_option help_options[] = {
	{ OPT_TABLE, "table", NULL, "one line a command: its name, a tab, its options" },
	{ 0 }
};

static int run_help(const struct rfm_command *cmd, int argc, char **argv)
{
	const struct rfm_command *about;
	bool table = false;
	int id;

	while ((id = rfm_getopt(cmd, argc, argv)) > 0)
		table = id == OPT_TABLE;
	if (id < 0)
		return RFM_USAGE;
	if (table) {
		rfm_print_table();
	} else if (optind == argc) {
		rfm_overview();
	} else {
		about = rfm_find(argv[optind]);
		if (!about)
			return rfm_fail(RFM_USAGE, "there is no command '%s'", argv[optind]);
		rfm_help(about);
	}
	return RFM_OK;
}

const struct rfm_command cmd_help = {
	.verb = "help", .args = "[COMMAND]", .summary = "Explain a command, or list all",
	.options = help_options, .run = run_help,
};

static const struct rfm_option version_options[] = { RFM_OPTION_JSON, { 0 } };

static void print_version_json(const struct rf_version *v)
{
	struct json_object *json = fmt_json();

	json_object_object_add(json, "rfm", json_object_new_string(RFM_VERSION));
	json_object_object_add(json, "abi", json_object_new_int(RF_ABI_VERSION));
	json_object_object_add(json, "wire", json_object_new_int(RF_WIRE_VERSION));
	json_object_object_add(json, "module", v ? json_object_new_string(v->version) : NULL);
	json_object_object_add(json, "module_abi", v ? json_object_new_int(v->abi) : NULL);
	json_object_object_add(json, "module_wire", v ? json_object_new_int(v->wire) : NULL);
	fmt_json_print(json);
}

static int run_version(const struct rfm_command *cmd, int argc, char **argv)
{
	struct rf_version v;
	int dev, known;

	if (rfm_no_options(cmd, argc, argv, 0))
		return RFM_USAGE;
	dev = dev_open();
	known = dev >= 0 && !dev_version(dev, &v);
	if (known)
		v.version[sizeof(v.version) - 1] = '\0';
	if (dev >= 0)
		close(dev);
	if (rfm.json) {
		print_version_json(known ? &v : NULL);
		return RFM_OK;
	}
	printf("rfm %s, ABI %d, wire %d\n", RFM_VERSION, RF_ABI_VERSION, RF_WIRE_VERSION);
	if (known)
		printf("module %s, ABI %u, wire %u\n", v.version, v.abi, v.wire);
	else
		puts("module not loaded, or not to be asked without root");
	return RFM_OK;
}

const struct rfm_command cmd_version = {
	.verb = "version", .args = "", .summary = "Tell the versions of tool and module",
	.options = version_options, .run = run_version,
};
