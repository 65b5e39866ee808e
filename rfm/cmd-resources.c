// SPDX-License-Identifier: GPL-2.0-only
/* rfm resources, rfm ledger: who owns what, and how that came about. */
#include "commands.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dev.h"
#include "fmt.h"

static const struct rfm_option resources_options[] = { RFM_OPTION_JSON, { 0 } };

static const struct fmt_column resource_columns[] = {
	{ "kind", "KIND", false },
	{ "resource", "RESOURCE", false },
	{ "start", NULL, true },
	{ "length", NULL, true },
	{ NULL, "SIZE", true },
	{ "detail", "DETAIL", false },
	{ "owner", "OWNER", false },
	{ "owner_id", NULL, true },
};

static void resource_name(unsigned int kind, __u64 start, __u64 length, char *buf, size_t size)
{
	if (kind == RF_RES_CPU)
		snprintf(buf, size, "%llu", (unsigned long long)start);
	else if (kind == RF_RES_PCI)
		units_bdf(start, buf, size);
	else
		snprintf(buf, size, "%#llx-%#llx", (unsigned long long)start,
			 (unsigned long long)(start + length - 1));
}

static void resource_size(unsigned int kind, __u64 length, char *buf, size_t size)
{
	*buf = '\0';
	if (kind == RF_RES_MEMORY || kind == RF_RES_LOWMEM)
		units_size(length, buf, size);
}

static void resource_detail(const struct rf_resource *r, char *buf, size_t size)
{
	*buf = '\0';
	if (r->kind == RF_RES_CPU)
		snprintf(buf, size, "APIC %u", r->aux);
	else if (r->kind == RF_RES_MEMORY)
		snprintf(buf, size, "node %u", r->aux);
	else if (r->kind == RF_RES_PCI)
		snprintf(buf, size, "%04x:%04x", r->aux >> 16, r->aux & 0xffff);
}

static void add_resource(struct fmt_table *t, const struct rf_resource *r)
{
	char buf[80];

	fmt_row(t);
	fmt_text(t, fmt_kind(r->kind));
	resource_name(r->kind, r->start, r->length, buf, sizeof(buf));
	fmt_text(t, buf);
	fmt_number(t, r->start);
	fmt_number(t, r->length);
	resource_size(r->kind, r->length, buf, sizeof(buf));
	fmt_text(t, buf);
	resource_detail(r, buf, sizeof(buf));
	fmt_text(t, buf);
	fmt_text(t, fmt_owner(r->owner, r->owner_name, buf, sizeof(buf)));
	fmt_number(t, r->owner);
}

static int run_resources(const struct rfm_command *cmd, int argc, char **argv)
{
	struct rf_resource *res;
	struct fmt_table *t;
	unsigned int nr, i;
	int dev, ret;

	if (rfm_no_options(cmd, argc, argv, 0))
		return RFM_USAGE;
	dev = dev_connect();
	if (dev < 0)
		return -dev;
	ret = dev_resources(dev, &res, &nr);
	close(dev);
	if (ret)
		return rfm_fail_errno(ret, NULL, "cannot ask who owns what");
	t = fmt_table_new("resources", resource_columns,
			  sizeof(resource_columns) / sizeof(*resource_columns));
	for (i = 0; i < nr; i++)
		add_resource(t, &res[i]);
	free(res);
	return fmt_table_print(t) ? RFM_FAILED : RFM_OK;
}

const struct rfm_command cmd_resources = {
	.verb = "resources", .args = "", .summary = "Show who owns which CPU, memory and device",
	.text = "\nMemory and devices of the supervisor are not listed: /proc/iomem and lspci are.",
	.options = resources_options, .run = run_resources,
};

static const struct rfm_option ledger_options[] = {
	{ OPT_FROM, "from", "N", "begin with entry N" },
	RFM_OPTION_JSON,
	{ 0 }
};

static const struct fmt_column ledger_columns[] = {
	{ "seq", "SEQ", true },
	{ "time_ns", "TIME", false },
	{ "kind", "KIND", false },
	{ "resource", "RESOURCE", false },
	{ "start", NULL, true },
	{ "length", NULL, true },
	{ NULL, "SIZE", true },
	{ "from", "FROM", false },
	{ "to", "TO", false },
	{ "from_id", NULL, true },
	{ "to_id", NULL, true },
	{ "errno", "ERROR", true },
};

static void add_entry(struct fmt_table *t, const struct rf_ledger_entry *e)
{
	char buf[80];

	fmt_row(t);
	fmt_number(t, e->seq);
	fmt_cell(t, fmt_time(e->time_ns, buf, sizeof(buf)), json_object_new_uint64(e->time_ns));
	fmt_text(t, fmt_kind(e->kind));
	resource_name(e->kind, e->start, e->length, buf, sizeof(buf));
	fmt_text(t, buf);
	fmt_number(t, e->start);
	fmt_number(t, e->length);
	resource_size(e->kind, e->length, buf, sizeof(buf));
	fmt_text(t, buf);
	fmt_text(t, fmt_owner(e->from, NULL, buf, sizeof(buf)));
	fmt_text(t, fmt_owner(e->to, NULL, buf, sizeof(buf)));
	fmt_number(t, e->from);
	fmt_number(t, e->to);
	fmt_cell(t, e->error ? strerror(e->error) : "", json_object_new_uint64(e->error));
}

#define LEDGER_CHUNK	256

static int print_ledger(int dev, __u64 from)
{
	struct fmt_table *t = fmt_table_new("ledger", ledger_columns,
					    sizeof(ledger_columns) / sizeof(*ledger_columns));
	static struct rf_ledger_entry entries[LEDGER_CHUNK];
	struct rf_ledger ledger;
	unsigned int i;
	int ret;

	do {
		ret = dev_ledger(dev, from, entries, &ledger, LEDGER_CHUNK);
		if (ret)
			return rfm_fail_errno(ret, NULL, "cannot read the ledger");
		for (i = 0; i < ledger.count && i < LEDGER_CHUNK; i++)
			add_entry(t, &entries[i]);
		from = ledger.first + ledger.count;
	} while (ledger.count);
	return fmt_table_print(t) ? RFM_FAILED : RFM_OK;
}

static int run_ledger(const struct rfm_command *cmd, int argc, char **argv)
{
	long from = 1;
	int id, dev, ret;

	while ((id = rfm_getopt(cmd, argc, argv)) > 0)
		if (units_parse_number(optarg, 1, __LONG_MAX__, &from))
			return rfm_fail(RFM_USAGE, "--from %s: entries count from 1", optarg);
	if (id < 0)
		return RFM_USAGE;
	if (optind < argc)
		return rfm_fail(RFM_USAGE, "takes no operand; see rfm ledger --help");
	dev = dev_connect();
	if (dev < 0)
		return -dev;
	ret = print_ledger(dev, from);
	close(dev);
	return ret;
}

const struct rfm_command cmd_ledger = {
	.verb = "ledger", .args = "", .summary = "Show every change of owner so far",
	.options = ledger_options, .run = run_ledger,
};
