// SPDX-License-Identifier: GPL-2.0-only
/*
 * rfm usage: what each owner has had so far. All figures are whole
 * microseconds and are printed without rounding, so that they can be added up.
 */
#include "commands.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "dev.h"
#include "fmt.h"

/* A block is 128 MB, an eighth of a GB: 1 us of it are 125 ns of a GB, exactly. */
#define GB_NS_PER_BLOCK_US	125

static const struct rfm_option options[] = { RFM_OPTION_JSON, { 0 } };

static const struct fmt_column columns[] = {
	{ "owner", "OWNER", false },
	{ "id", "ID", true },
	{ "cpu_us", "CPU-SECONDS", true },
	{ "block_us", "BLOCK-SECONDS", true },
	{ "gb_ns", "GB-SECONDS", true },
	{ "ended", "ENDED", false },
};

static const char *owner(const struct rf_usage_entry *e, char *buf, size_t size)
{
	if (e->flags & RF_USAGE_GONE && !*e->name) {
		snprintf(buf, size, "(older ones)");
		return buf;
	}
	return fmt_owner(e->owner, e->name, buf, size);
}

static void add_id(struct fmt_table *t, unsigned int id)
{
	bool special = id == RF_OWNER_SUPERVISOR || id == RF_OWNER_FREE ||
		       id == RF_OWNER_QUARANTINE;
	char buf[16] = "";

	if (!special)
		snprintf(buf, sizeof(buf), "%u", id);
	fmt_cell(t, buf, json_object_new_uint64(id));
}

static void add_seconds(struct fmt_table *t, __u64 n, unsigned int per_second, int digits)
{
	char buf[48];

	snprintf(buf, sizeof(buf), "%llu.%0*llu", (unsigned long long)n / per_second, digits,
		 (unsigned long long)n % per_second);
	fmt_cell(t, buf, json_object_new_uint64(n));
}

static void add_entry(struct fmt_table *t, const struct rf_usage_entry *e)
{
	bool gone = e->flags & RF_USAGE_GONE;
	char buf[80];

	fmt_row(t);
	fmt_text(t, owner(e, buf, sizeof(buf)));
	add_id(t, e->owner);
	add_seconds(t, e->cpu_us, 1000000, 6);
	add_seconds(t, e->block_us, 1000000, 6);
	add_seconds(t, e->block_us * GB_NS_PER_BLOCK_US, 1000000000, 9);
	fmt_cell(t, gone ? "ended" : "", json_object_new_boolean(gone));
}

static void print_json(struct fmt_table *t, const struct rf_usage *u, __u64 sum)
{
	struct json_object *json = fmt_json();

	fmt_put_number(json, "now_us", u->now_us);
	fmt_put_number(json, "since_us", u->since_us);
	fmt_put_number(json, "nr_cpus", u->nr_cpus);
	fmt_put_number(json, "sum_cpu_us", sum);
	json_object_object_add(json, "usage", fmt_table_rows(t));
	fmt_json_print(json);
}

static int print_usage(const struct rf_usage *u, const struct rf_usage_entry *entries)
{
	struct fmt_table *t = fmt_table_new("usage", columns, sizeof(columns) / sizeof(*columns));
	__u64 sum = 0, wall = u->now_us - u->since_us;
	unsigned int i;

	for (i = 0; i < u->count; i++) {
		add_entry(t, &entries[i]);
		sum += entries[i].cpu_us;
	}
	if (rfm.json) {
		print_json(t, u, sum);
	} else {
		fmt_table_print(t);
		printf("%u CPUs for %llu.%06llu seconds: %llu.%06llu CPU-seconds\n", u->nr_cpus,
		       (unsigned long long)wall / 1000000, (unsigned long long)wall % 1000000,
		       (unsigned long long)sum / 1000000, (unsigned long long)sum % 1000000);
	}
	if (sum != u->nr_cpus * wall)
		return rfm_fail(RFM_FAILED,
				"the accounts do not add up: %llu us in all, %u CPUs had %llu us",
				(unsigned long long)sum, u->nr_cpus,
				(unsigned long long)(u->nr_cpus * wall));
	return RFM_OK;
}

static int run(const struct rfm_command *cmd, int argc, char **argv)
{
	struct rf_usage_entry *entries;
	struct rf_usage usage;
	int dev, ret;

	if (rfm_no_options(cmd, argc, argv, 0))
		return RFM_USAGE;
	dev = dev_connect();
	if (dev < 0)
		return -dev;
	ret = dev_usage(dev, &usage, &entries);
	close(dev);
	if (ret == -ENOTTY)
		return rfm_fail(RFM_INCOMPATIBLE,
				"the loaded module keeps no accounts; install both from one release");
	if (ret)
		return rfm_fail_errno(ret, NULL, "cannot read the accounts");
	ret = print_usage(&usage, entries);
	free(entries);
	return ret;
}

const struct rfm_command cmd_usage = {
	.verb = "usage", .args = "", .summary = "Show what each owner has had so far",
	.text = "\nCPUs times seconds, and blocks of 128M times seconds (GB-seconds beside them), to\n"
		"the microsecond. The sum of all CPU-seconds is the number of CPUs times the time.",
	.options = options, .run = run,
};
