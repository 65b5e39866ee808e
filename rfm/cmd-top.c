// SPDX-License-Identifier: GPL-2.0-only
/* rfm top: what the subOSes do, from two readings of their own figures. */
#include "commands.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dev.h"
#include "fmt.h"
#include "live.h"

static const struct rfm_option options[] = {
	{ OPT_ONCE, "once", NULL, "one table; what --count 1 does" },
	{ 'n', "count", "N", "so many tables; on a terminal without end, else 1" },
	{ OPT_INTERVAL, "interval", "S", "seconds between two readings (1)" },
	RFM_OPTION_JSON,
	{ 0 }
};

struct request {
	long count;	/* 0: without end */
	long interval_s;
	bool redraw;
};

/**
 * struct reading - all subOSes at one moment
 * @subos: each
 * @nr: number of @subos
 */
struct reading {
	struct live *subos;
	unsigned int nr;
};

static const struct fmt_column columns[] = {
	{ "name", "NAME", false },
	{ "state", "STATE", false },
	{ "nr_cpus", "CPUS", true },
	{ "user_percent", "USER%", true },
	{ "system_percent", "SYS%", true },
	{ "irq_percent", "IRQ%", true },
	{ "idle_percent", "IDLE%", true },
	{ "memory", "MEMORY", true },
	{ "mem_available", "AVAIL", true },
	{ "interrupts_per_s", "INTR/S", true },
	{ "switches_per_s", "CSW/S", true },
	{ "run_queue", "RUNQ", true },
	{ "note", "NOTE", false },
};

/* The same kernel a reading earlier, NULL when there is none. */
static const struct live *earlier(const struct reading *r, const struct live *now)
{
	unsigned int i;

	for (i = 0; i < r->nr; i++)
		if (r->subos[i].info.id == now->info.id && !r->subos[i].err &&
		    r->subos[i].info.started_ns == now->info.started_ns)
			return &r->subos[i];
	return NULL;
}

static void add_none(struct fmt_table *t, unsigned int cells)
{
	while (cells--)
		fmt_cell(t, "", NULL);
}

/* A counter that went back tells nothing; it is the word of another kernel. */
static double delta(__u64 before, __u64 now)
{
	return now > before ? (double)(now - before) : 0;
}

static void add_percents(struct fmt_table *t, const struct rf_stats *a, const struct rf_stats *b)
{
	double user = delta(a->user_ns, b->user_ns), system = delta(a->system_ns, b->system_ns);
	double irq = delta(a->irq_ns, b->irq_ns), idle = delta(a->idle_ns, b->idle_ns);
	double all = user + system + idle;

	if (all <= 0) {
		add_none(t, 4);
		return;
	}
	fmt_decimal(t, 100 * user / all, 1);
	fmt_decimal(t, 100 * system / all, 1);
	fmt_decimal(t, 100 * irq / all, 1);
	fmt_decimal(t, 100 * idle / all, 1);
}

static void add_rates(struct fmt_table *t, const struct rf_stats *a, const struct rf_stats *b)
{
	double s = delta(a->time_ns, b->time_ns) / 1e9;

	if (s <= 0) {
		add_none(t, 2);
		return;
	}
	fmt_decimal(t, delta(a->interrupts, b->interrupts) / s, 0);
	fmt_decimal(t, delta(a->switches, b->switches) / s, 0);
}

static void add_row(struct fmt_table *t, const struct live *was, const struct live *now)
{
	bool known = !now->err;

	fmt_row(t);
	fmt_text(t, now->info.name);
	fmt_text(t, fmt_state(now->info.state));
	fmt_number(t, now->info.nr_cpus);
	if (known && was)
		add_percents(t, &was->stats, &now->stats);
	else
		add_none(t, 4);
	fmt_bytes(t, now->info.mem_bytes);
	if (known)
		fmt_bytes(t, now->stats.mem_available);
	else
		add_none(t, 1);
	if (known && was)
		add_rates(t, &was->stats, &now->stats);
	else
		add_none(t, 2);
	if (known)
		fmt_number(t, now->stats.processes);
	else
		add_none(t, 1);
	fmt_text(t, known ? "" : live_why(now));
}

static int print_table(const struct reading *was, const struct reading *now, bool redraw)
{
	struct fmt_table *t = fmt_table_new("top", columns, sizeof(columns) / sizeof(*columns));
	unsigned int i;

	for (i = 0; i < now->nr; i++)
		add_row(t, earlier(was, &now->subos[i]), &now->subos[i]);
	if (redraw)
		fputs("\033[H\033[J", stdout);
	i = fmt_table_print(t);
	return fflush(stdout) || i ? RFM_FAILED : RFM_OK;
}

static int top(int dev, const struct request *r)
{
	struct reading was = { 0 }, now = { 0 };
	long left = r->count;
	int ret;

	ret = live_read(dev, &was.subos, &was.nr);
	while (!ret && !rfm.interrupted) {
		poll(NULL, 0, r->interval_s * 1000);
		if (rfm.interrupted)
			break;
		ret = live_read(dev, &now.subos, &now.nr);
		if (ret)
			break;
		ret = print_table(&was, &now, r->redraw);
		free(was.subos);
		was = now;
		now = (struct reading){ 0 };
		if (left && !--left)
			break;
	}
	free(was.subos);
	return ret < 0 ? rfm_fail_errno(ret, NULL, "cannot get the figures") : ret;
}

static int one_option(struct request *r, int id)
{
	switch (id) {
	case OPT_ONCE:
		r->count = 1;
		return 0;
	case 'n':
		if (units_parse_number(optarg, 1, 1000000, &r->count))
			return rfm_fail(RFM_USAGE, "--count %s: write 1 to 1000000", optarg);
		return 0;
	default:
		if (units_parse_number(optarg, 1, 3600, &r->interval_s))
			return rfm_fail(RFM_USAGE, "--interval %s: write 1 to 3600 seconds",
					optarg);
		return 0;
	}
}

static int run(const struct rfm_command *cmd, int argc, char **argv)
{
	bool terminal = isatty(STDOUT_FILENO);
	struct request r = { .count = terminal ? 0 : 1, .interval_s = 1 };
	int id, dev, ret;

	rfm_catch_signals();
	while ((id = rfm_getopt(cmd, argc, argv)) > 0) {
		ret = one_option(&r, id);
		if (ret)
			return ret;
	}
	if (id < 0)
		return RFM_USAGE;
	if (optind < argc)
		return rfm_fail(RFM_USAGE, "takes no operand; see rfm top --help");
	if (rfm.json && !r.count)
		r.count = 1;
	r.redraw = terminal && r.count != 1 && !rfm.json;
	dev = dev_connect();
	if (dev < 0)
		return -dev;
	ret = top(dev, &r);
	close(dev);
	return ret;
}

const struct rfm_command cmd_top = {
	.verb = "top", .args = "", .summary = "Show what the subOSes do",
	.text = "\nThe figures are the subOSes' own words: shares of the time of all their CPUs, memory\n"
		"that programs can get, interrupts and context switches a second, tasks that run or\n"
		"want to. On a terminal the table is drawn again and again, until Ctrl-C.",
	.options = options, .run = run,
};
