// SPDX-License-Identifier: GPL-2.0-only
/* rfm list: the subOSes that live. */
#include "commands.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "dev.h"
#include "fmt.h"

static const struct rfm_option options[] = { RFM_OPTION_JSON, { 0 } };

static const struct fmt_column columns[] = {
	{ NULL, "NAME", false },
	{ NULL, "ID", true },
	{ NULL, "STATE", false },
	{ NULL, "CPUS", false },
	{ NULL, "MEMORY", true },
	{ NULL, "KERNEL", false },
	{ NULL, "UPTIME", true },
	{ NULL, "REASON", false },
};

static void add_row(struct fmt_table *t, const struct rf_info *info)
{
	uint64_t up = fmt_uptime(info);
	char buf[4096];

	fmt_row(t);
	fmt_text(t, info->name);
	fmt_number(t, info->id);
	snprintf(buf, sizeof(buf), "%s%s", fmt_state(info->state),
		 info->flags & RF_INFO_BARE ? " (bare)" : "");
	fmt_text(t, buf);
	fmt_text(t, units_cpus((const struct cpus *)info->cpumask, buf, sizeof(buf)));
	fmt_bytes(t, info->mem_bytes);
	fmt_text(t, info->kernel);
	fmt_text(t, up ? units_duration(up, buf, sizeof(buf)) : "");
	fmt_text(t, info->reason);
}

static int print_table(const struct rf_info *infos, unsigned int nr)
{
	struct fmt_table *t = fmt_table_new("subos", columns, sizeof(columns) / sizeof(*columns));
	unsigned int i;

	for (i = 0; i < nr; i++)
		add_row(t, &infos[i]);
	return fmt_table_print(t) ? RFM_FAILED : RFM_OK;
}

static int print_json(const struct rf_info *infos, unsigned int nr)
{
	struct json_object *json = fmt_json(), *array = json_object_new_array();
	unsigned int i;

	for (i = 0; i < nr; i++)
		json_object_array_add(array, fmt_info(&infos[i]));
	json_object_object_add(json, "subos", array);
	fmt_json_print(json);
	return RFM_OK;
}

static int run(const struct rfm_command *cmd, int argc, char **argv)
{
	struct rf_info *infos;
	unsigned int nr;
	int dev, ret;

	if (rfm_no_options(cmd, argc, argv, 0))
		return RFM_USAGE;
	dev = dev_connect();
	if (dev < 0)
		return -dev;
	ret = dev_list(dev, &infos, &nr);
	close(dev);
	if (ret)
		return rfm_fail_errno(ret, NULL, "cannot get the list");
	ret = rfm.json ? print_json(infos, nr) : print_table(infos, nr);
	free(infos);
	return ret;
}

const struct rfm_command cmd_list = {
	.verb = "list", .args = "", .summary = "List the subOSes",
	.options = options, .run = run,
};
