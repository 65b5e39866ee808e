// SPDX-License-Identifier: GPL-2.0-only
/* rfm pool: memory and CPUs taken ahead, so that create need not wait. */
#include "commands.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "dev.h"
#include "fmt.h"

static const struct rfm_option options[] = {
	{ OPT_MEMORY, "memory", "SIZE", "memory that the pool shall hold; 0 gives it back" },
	{ OPT_CPUS, "cpus", "LIST", "CPUs that the pool shall hold; none gives them back" },
	{ OPT_TIMEOUT, "timeout", "S", "take so many seconds at most (60)" },
	RFM_OPTION_JSON,
	{ 0 }
};

struct request {
	const char *memory;
	const char *cpus;
	long timeout_s;
};

static int one_option(struct request *r, int id)
{
	if (id == OPT_MEMORY)
		r->memory = optarg;
	else if (id == OPT_CPUS)
		r->cpus = optarg;
	else if (units_parse_number(optarg, 1, 3600, &r->timeout_s))
		return rfm_fail(RFM_USAGE, "--timeout %s: write 1 to 3600 seconds", optarg);
	return 0;
}

/* In rfm create a bare number is a number of CPUs: here it would be CPU 2. */
static int parse_cpus(const char *text, struct cpus *cpus)
{
	struct cpus none = { 0 };

	*cpus = none;
	if (!strcmp(text, "none"))
		return 0;
	if (!strpbrk(text, "-,") || units_parse_cpus(text, cpus))
		return rfm_fail(RFM_USAGE,
				"--cpus %s: no list of CPUs; write 2-3,6, or 2-2 for one, or none",
				text);
	if (cpus_has(cpus, 0))
		return rfm_fail(RFM_CONFLICT, "CPU 0 stays with the supervisor; choose others");
	return 0;
}

/* What is not said stays as it is. */
static int apply(const struct request *r, struct rf_pool *pool, struct cpus *cpus)
{
	uint64_t bytes = pool->mem_bytes;

	if (r->memory && units_parse_size(r->memory, &bytes))
		return rfm_fail(RFM_USAGE, "--memory %s: no size; write 512M or 2G", r->memory);
	if (r->cpus && parse_cpus(r->cpus, cpus))
		return cpus_has(cpus, 0) ? RFM_CONFLICT : RFM_USAGE;
	pool->mem_bytes = bytes;
	pool->flags = RF_POOL_SET;
	pool->timeout_ms = r->timeout_s * 1000;
	return 0;
}

static void print_pool(const struct rf_pool *pool, const struct cpus *cpus)
{
	static const struct fmt_column columns[] = {
		{ "memory", "MEMORY", true },
		{ "memory_free", "FREE", true },
		{ "cpus", "CPUS", false },
	};
	struct fmt_table *t = fmt_table_new("pool", columns, 3);
	char text[4096];

	fmt_row(t);
	fmt_bytes(t, pool->mem_bytes);
	fmt_bytes(t, pool->mem_free);
	units_cpus(cpus, text, sizeof(text));
	fmt_text(t, cpus_count(cpus) ? text : "");
	fmt_table_print(t);
}

static int change(int dev, const struct request *r, struct rf_pool *pool, struct cpus *cpus)
{
	struct dev_msg msg;
	int ret;

	ret = apply(r, pool, cpus);
	if (ret)
		return ret;
	rfm_progress("taking");
	ret = dev_pool(dev, pool, cpus, &msg);
	rfm_progress_end();
	if (ret == -EIO)
		return rfm_fail_quarantine(msg.text);
	if (ret == -ENOMEM || ret == -ENODEV)
		return rfm_fail(RFM_CONFLICT, "%s", *msg.text ? msg.text :
				"that much is not to be had; the pool is as it was");
	return ret ? rfm_fail_errno(ret, msg.text, "cannot change the pool") : 0;
}

static int pool(int dev, const struct request *r)
{
	struct rf_pool pool = { 0 };
	struct cpus cpus = { 0 };
	struct dev_msg msg;
	int ret;

	ret = dev_pool(dev, &pool, &cpus, &msg);
	if (ret)
		return rfm_fail_errno(ret, msg.text, "cannot ask for the pool");
	if (r->memory || r->cpus) {
		ret = change(dev, r, &pool, &cpus);
		if (ret)
			return ret;
	}
	print_pool(&pool, &cpus);
	return RFM_OK;
}

static int run(const struct rfm_command *cmd, int argc, char **argv)
{
	struct request r = { 0 };
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
		return rfm_fail(RFM_USAGE, "takes no operand; see rfm pool --help");
	dev = dev_connect();
	if (dev < 0)
		return -dev;
	ret = pool(dev, &r);
	close(dev);
	return ret;
}

const struct rfm_command cmd_pool = {
	.verb = "pool", .args = "", .summary = "Take memory and CPUs ahead, or show what is taken",
	.text = "\nMemory in the pool is scrubbed already: a create from it need not wait.",
	.options = options, .run = run,
};
