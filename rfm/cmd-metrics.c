// SPDX-License-Identifier: GPL-2.0-only
/*
 * rfm metrics: OpenMetrics text, for the textfile collector of
 * prometheus-node-exporter or whatever else reads it.
 *
 * The rules of that format that shape this file: all samples of a family stand
 * together behind its TYPE, UNIT and HELP; a counter's samples end in _total; a
 * unit is the end of the family's name; the last line is "# EOF".
 */
#include "commands.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "dev.h"
#include "fmt.h"
#include "live.h"

static const struct rfm_option options[] = { { 0 } };

#define STATES	(RF_STATE_QUARANTINED + 1)

/* Behind the braces of a label: backslash, quote and newline have another meaning. */
static void print_label(const char *key, const char *value, const char *before)
{
	printf("%s%s=\"", before, key);
	for (; *value; value++) {
		if (*value == '\\' || *value == '"')
			printf("\\%c", *value);
		else if (*value == '\n')
			fputs("\\n", stdout);
		else
			putchar(*value);
	}
	putchar('"');
}

static void family(const char *name, const char *type, const char *unit, const char *help)
{
	printf("# TYPE rainforest_%s %s\n", name, type);
	if (unit)
		printf("# UNIT rainforest_%s %s\n", name, unit);
	printf("# HELP rainforest_%s %s.\n", name, help);
}

/* Nanoseconds as seconds, and counts as they are: both without rounding. */
static void print_value(__u64 n, bool ns)
{
	if (ns)
		printf(" %llu.%09llu\n", (unsigned long long)n / 1000000000,
		       (unsigned long long)n % 1000000000);
	else
		printf(" %llu\n", (unsigned long long)n);
}

static void begin(const char *name, const char *suffix, const struct live *l)
{
	printf("rainforest_%s%s", name, suffix);
	print_label("subos", l->info.name, "{");
}

/**
 * struct metric - a family with one sample for each subOS
 * @name: without rainforest_
 * @type: gauge or counter
 * @unit: NULL for none
 * @help: one line
 * @ns: the figure is a time
 * @own: it is the word of the subOS: there may be none
 * @get: the figure
 */
struct metric {
	const char *name;
	const char *type;
	const char *unit;
	const char *help;
	bool ns;
	bool own;
	__u64 (*get)(const struct live *l);
};

static __u64 get_cpus(const struct live *l)
{
	return l->info.nr_cpus;
}

static __u64 get_online(const struct live *l)
{
	return l->info.nr_online;
}

static __u64 get_memory(const struct live *l)
{
	return l->info.mem_bytes;
}

static __u64 get_pci(const struct live *l)
{
	return l->info.nr_pci;
}

static __u64 get_heartbeats(const struct live *l)
{
	return l->info.heartbeats;
}

static __u64 get_restarts(const struct live *l)
{
	return l->info.restarts;
}

static __u64 get_created(const struct live *l)
{
	return l->info.created_ns;
}

static __u64 get_started(const struct live *l)
{
	return l->info.started_ns;
}

static __u64 get_available(const struct live *l)
{
	return l->stats.mem_available;
}

static __u64 get_mem_free(const struct live *l)
{
	return l->stats.mem_free;
}

static __u64 get_interrupts(const struct live *l)
{
	return l->stats.interrupts;
}

static __u64 get_switches(const struct live *l)
{
	return l->stats.switches;
}

static __u64 get_tasks(const struct live *l)
{
	return l->stats.processes;
}

static const struct metric metrics[] = {
	{ "subos_cpus", "gauge", NULL, "CPUs that the subOS owns", false, false, get_cpus },
	{ "subos_cpus_online", "gauge", NULL, "CPUs on line inside, as it says", false, false,
	  get_online },
	{ "subos_memory_bytes", "gauge", "bytes", "Memory that the subOS owns", false, false,
	  get_memory },
	{ "subos_pci_functions", "gauge", NULL, "PCI functions that the subOS owns", false, false,
	  get_pci },
	{ "subos_heartbeats", "counter", NULL, "Signs of life since it was started", false, false,
	  get_heartbeats },
	{ "subos_restarts", "counter", NULL, "Restarts after a crash, by its policy", false, false,
	  get_restarts },
	{ "subos_created_timestamp_seconds", "gauge", "seconds", "When it was created", true,
	  false, get_created },
	{ "subos_started_timestamp_seconds", "gauge", "seconds",
	  "When it was started, 0 before", true, false, get_started },
	{ "subos_memory_available_bytes", "gauge", "bytes",
	  "Memory that programs inside can get", false, true, get_available },
	{ "subos_memory_free_bytes", "gauge", "bytes", "Memory that nobody inside uses", false,
	  true, get_mem_free },
	{ "subos_interrupts", "counter", NULL, "Interrupts inside since it booted", false, true,
	  get_interrupts },
	{ "subos_context_switches", "counter", NULL, "Context switches inside since it booted",
	  false, true, get_switches },
	{ "subos_tasks_runnable", "gauge", NULL, "Tasks inside that run or want to", false, true,
	  get_tasks },
};

static void print_metric(const struct metric *m, const struct live *l, unsigned int nr)
{
	unsigned int i;

	family(m->name, m->type, m->unit, m->help);
	for (i = 0; i < nr; i++) {
		if (m->own && l[i].err)
			continue;
		begin(m->name, *m->type == 'c' ? "_total" : "", &l[i]);
		putchar('}');
		print_value(m->get(&l[i]), m->ns);
	}
}

static void print_info(const struct live *l, unsigned int nr)
{
	unsigned int i;
	char id[16];

	family("subos", "info", NULL, "The subOSes and their kernels");
	for (i = 0; i < nr; i++) {
		snprintf(id, sizeof(id), "%u", l[i].info.id);
		begin("subos", "_info", &l[i]);
		print_label("id", id, ",");
		print_label("kernel", l[i].info.kernel, ",");
		print_label("boot_id", l[i].info.boot_id, ",");
		puts("} 1");
	}
}

static void print_states(const struct live *l, unsigned int nr)
{
	unsigned int i, state;

	family("subos_state", "gauge", NULL, "1 for the state that the subOS is in");
	for (i = 0; i < nr; i++)
		for (state = 0; state < STATES; state++) {
			begin("subos_state", "", &l[i]);
			print_label("state", fmt_state(state), ",");
			printf("} %d\n", l[i].info.state == state);
		}
}

static void print_mode(const struct live *l, const char *mode, __u64 ns)
{
	begin("subos_cpu_seconds", "_total", l);
	print_label("mode", mode, ",");
	putchar('}');
	print_value(ns, true);
}

static void print_cpu_seconds(const struct live *l, unsigned int nr)
{
	const struct rf_stats *s;
	unsigned int i;

	family("subos_cpu_seconds", "counter", "seconds",
	       "What the CPUs inside did since it booted");
	for (i = 0; i < nr; i++) {
		if (l[i].err)
			continue;
		s = &l[i].stats;
		print_mode(&l[i], "user", s->user_ns);
		/* the modes do not overlap: their sum is the time of all CPUs */
		print_mode(&l[i], "system",
			   s->system_ns > s->irq_ns ? s->system_ns - s->irq_ns : 0);
		print_mode(&l[i], "irq", s->irq_ns);
		print_mode(&l[i], "idle", s->idle_ns);
	}
}

static void begin_usage(const char *name, const struct rf_usage_entry *e)
{
	char owner[64], id[16];

	snprintf(id, sizeof(id), "%u", e->owner);
	printf("rainforest_%s_total", name);
	print_label("owner", e->flags & RF_USAGE_GONE && !*e->name ? "(older ones)" :
		    fmt_owner(e->owner, e->name, owner, sizeof(owner)), "{");
	print_label("id", id, ",");
	putchar('}');
}

static void print_usage(const struct rf_usage *u, const struct rf_usage_entry *e)
{
	unsigned int i;

	family("usage_cpu_seconds", "counter", "seconds", "CPUs owned, times seconds");
	for (i = 0; i < u->count; i++) {
		begin_usage("usage_cpu_seconds", &e[i]);
		print_value(e[i].cpu_us * 1000, true);
	}
	family("usage_block_seconds", "counter", "seconds",
	       "Blocks of 128 MB owned, times seconds");
	for (i = 0; i < u->count; i++) {
		begin_usage("usage_block_seconds", &e[i]);
		print_value(e[i].block_us * 1000, true);
	}
}

static void print_build(int dev)
{
	struct rf_version v;
	char number[16];

	if (dev_version(dev, &v))
		return;
	v.version[sizeof(v.version) - 1] = '\0';
	snprintf(number, sizeof(number), "%u", v.abi);
	family("build", "info", NULL, "The loaded module");
	fputs("rainforest_build_info", stdout);
	print_label("version", v.version, "{");
	print_label("abi", number, ",");
	puts("} 1");
}

static int print_all(int dev)
{
	struct rf_usage_entry *entries;
	struct rf_usage usage;
	struct live *live;
	unsigned int nr, i;
	int ret;

	ret = live_read(dev, &live, &nr);
	if (ret)
		return rfm_fail_errno(ret, NULL, "cannot get the list");
	ret = dev_usage(dev, &usage, &entries);
	if (ret && ret != -ENOTTY) {
		free(live);
		return rfm_fail_errno(ret, NULL, "cannot read the accounts");
	}
	print_build(dev);
	print_info(live, nr);
	print_states(live, nr);
	for (i = 0; i < sizeof(metrics) / sizeof(*metrics); i++)
		print_metric(&metrics[i], live, nr);
	print_cpu_seconds(live, nr);
	if (!ret) {
		print_usage(&usage, entries);
		free(entries);
	}
	puts("# EOF");
	free(live);
	return RFM_OK;
}

static int run(const struct rfm_command *cmd, int argc, char **argv)
{
	int dev, ret;

	if (rfm_no_options(cmd, argc, argv, 0))
		return RFM_USAGE;
	dev = dev_connect();
	if (dev < 0)
		return -dev;
	ret = print_all(dev);
	close(dev);
	return ret;
}

const struct rfm_command cmd_metrics = {
	.verb = "metrics", .args = "", .summary = "Print figures of all subOSes as OpenMetrics text",
	.text = "\nFor the textfile collector of prometheus-node-exporter, for example:\n\n"
		"  rfm metrics >/var/lib/prometheus/node-exporter/rainforest.prom.new &&\n"
		"  mv /var/lib/prometheus/node-exporter/rainforest.prom{.new,}",
	.options = options, .run = run,
};
