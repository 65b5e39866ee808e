// SPDX-License-Identifier: GPL-2.0-only
/*
 * rfm resize: CPUs, memory and devices to and from a subOS that runs.
 *
 * Each step is the module's to do or to refuse; nothing is undone after a
 * failure, so that what was reached is what is said.
 */
#include "commands.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "dev.h"
#include "fmt.h"
#include "loans.h"
#include "precheck.h"
#include "resize.h"

static const struct rfm_option options[] = {
	{ OPT_CPUS, "cpus", "CHANGE", "4: so many in all; +1, -1: more, less; 2-5, +4-5: these" },
	{ OPT_MEMORY, "memory", "CHANGE", "2G: so much in all; +512M, -512M: more, less" },
	{ OPT_PCI, "pci", "CHANGE", "+0000:00:04.0 gives it, - takes it back; repeatable" },
	{ OPT_PREEMPT, "preempt", NULL, "take what is missing from subOSes of lower priority" },
	{ OPT_TIMEOUT, "timeout", "S", "seconds for each core, block or device" },
	{ OPT_DRY_RUN, "dry-run", NULL, "name every conflict, change nothing" },
	RFM_OPTION_JSON,
	{ 0 }
};

struct request {
	struct resize r;
	bool dry_run;
};

static bool said_before(const struct resize *r, const struct resize_step *s)
{
	unsigned int i;

	for (i = 0; i < r->nr; i++)
		if (r->steps[i].kind == s->kind &&
		    (s->kind != RF_RES_PCI || r->steps[i].bdf == s->bdf))
			return true;
	return false;
}

static int add_step(struct resize *r, int (*parse)(struct resize_step *s, const char *text))
{
	struct resize_step s = { 0 };
	int ret;

	ret = parse(&s, optarg);
	if (ret)
		return ret;
	if (said_before(r, &s))
		return rfm_fail(RFM_USAGE, s.kind == RF_RES_PCI ? "--pci %s: named twice" :
				"'%s': this option was said before", optarg);
	if (r->nr == RESIZE_STEPS)
		return rfm_fail(RFM_USAGE, "--pci: a subOS can have %d functions at most",
				RF_WIRE_PCI);
	r->steps[r->nr++] = s;
	return 0;
}

static int one_option(struct request *req, int id)
{
	long seconds;

	switch (id) {
	case OPT_CPUS:
		return add_step(&req->r, resize_parse_cpus);
	case OPT_MEMORY:
		return add_step(&req->r, resize_parse_memory);
	case OPT_PCI:
		return add_step(&req->r, resize_parse_pci);
	case OPT_DRY_RUN:
		req->dry_run = true;
		return 0;
	case OPT_PREEMPT:
		req->r.preempt = true;
		return 0;
	default:
		if (units_parse_number(optarg, 1, 3600, &seconds))
			return rfm_fail(RFM_USAGE, "--timeout %s: write 1 to 3600 seconds",
					optarg);
		req->r.timeout_ms = seconds * 1000;
		return 0;
	}
}

static const char *step_name(const struct resize_step *s, char *buf, size_t size)
{
	if (s->kind == RF_RES_PCI)
		return units_bdf(s->bdf, buf, size);
	snprintf(buf, size, "%s", s->kind == RF_RES_CPU ? "CPUs" : "memory");
	return buf;
}

/* "4 CPUs" or "2G" or "1 PCI function" */
static const char *amount(const struct resize_step *s, __u64 n, char *buf, size_t size)
{
	if (s->kind == RF_RES_MEMORY)
		return units_size(n, buf, size);
	snprintf(buf, size, "%llu %s%s", (unsigned long long)n,
		 s->kind == RF_RES_CPU ? "CPU" : "PCI function", n == 1 ? "" : "s");
	return buf;
}

/* "1 CPU from batch, loan 3", a line each */
static void print_borrowed(const struct resize *r)
{
	const struct resize_borrowed *b;
	char buf[40];

	for (b = r->borrowed; b < r->borrowed + r->nr_borrowed; b++) {
		const struct resize_step s = { .kind = b->kind };

		printf("%s from %s, loan %u\n", amount(&s, b->amount, buf, sizeof(buf)), b->from,
		       b->id);
	}
}

static struct json_object *borrowed_json(const struct resize *r)
{
	struct json_object *array = json_object_new_array(), *json;
	const struct resize_borrowed *b;

	for (b = r->borrowed; b < r->borrowed + r->nr_borrowed; b++) {
		json = json_object_new_object();
		fmt_put_number(json, "id", b->id);
		fmt_put_text(json, "kind", fmt_kind(b->kind));
		fmt_put_text(json, "from", b->from);
		fmt_put_number(json, "lent", b->amount);
		json_object_array_add(array, json);
	}
	return array;
}

/* "CPUs 2-5 (4), 2G, 1 PCI function" */
static const char *has(const struct rf_info *info, char *buf, size_t size)
{
	char cpus[3072], mem[24], pci[40] = "";

	units_cpus((const struct cpus *)info->cpumask, cpus, sizeof(cpus));
	units_size(info->mem_bytes, mem, sizeof(mem));
	if (info->nr_pci)
		snprintf(pci, sizeof(pci), ", %u PCI function%s", info->nr_pci,
			 info->nr_pci == 1 ? "" : "s");
	snprintf(buf, size, "CPU%s %s (%u), %s%s", info->nr_cpus == 1 ? "" : "s", cpus,
		 info->nr_cpus, mem, pci);
	return buf;
}

static struct json_object *step_json(const struct resize_step *s)
{
	struct json_object *json = json_object_new_object(), *stages = json_object_new_object();
	char text[400] = "";
	unsigned int i;

	fmt_put_text(json, "kind", fmt_kind(s->kind));
	if (s->kind == RF_RES_PCI)
		fmt_put_text(json, "address", units_bdf(s->bdf, text, sizeof(text)));
	fmt_put_number(json, "before", s->had);
	fmt_put_number(json, "wanted", s->want);
	fmt_put_number(json, "reached", s->got);
	json_object_object_add(json, "tried", json_object_new_boolean(s->tried));
	fmt_put_number(json, "errno", -s->err);
	fmt_put_text(json, "reason", s->err ? resize_why(s, text, sizeof(text)) : "");
	for (i = 0; i < RF_RESIZE_STAGES; i++)
		fmt_put_number(stages, fmt_resize_stage(i), s->stage_ns[i]);
	json_object_object_add(json, "stage_ns", stages);
	return json;
}

static void print_json(const struct resize *r, const struct rf_info *info)
{
	struct json_object *json = fmt_json(), *array = json_object_new_array();
	unsigned int i;

	for (i = 0; i < r->nr; i++)
		json_object_array_add(array, step_json(&r->steps[i]));
	json_object_object_add(json, "subos", fmt_info(info));
	json_object_object_add(json, "changes", array);
	json_object_object_add(json, "borrowed", borrowed_json(r));
	fmt_json_print(json);
}

static bool starved(const struct rf_info *info)
{
	return info->nr_cpus > 1 && info->mem_bytes / info->nr_cpus < 512ULL << 20;
}

static int report_done(const struct resize *r, const struct rf_info *before,
		       const struct rf_info *now)
{
	char buf[4096];

	if (rfm.json)
		print_json(r, now);
	else
		printf("%s has %s\n", now->name, has(now, buf, sizeof(buf)));
	if (!rfm.json)
		print_borrowed(r);
	if (starved(now) && !starved(before))
		rfm_warn("less than 512M for each of %u CPUs: large mappings will queue inside",
			 now->nr_cpus);
	return RFM_OK;
}

/* "1536M of 2G wanted", "3 of 4 CPUs wanted", or "still 3 CPUs, 2 wanted" */
static void say_reached(const struct resize_step *s, char *buf, size_t size)
{
	char got[40], want[40];

	amount(s, s->got, got, sizeof(got));
	amount(s, s->want, want, sizeof(want));
	if (s->kind == RF_RES_CPU)	/* the word once */
		snprintf(s->gives ? got : want, sizeof(got), "%llu",
			 (unsigned long long)(s->gives ? s->got : s->want));
	if (s->kind == RF_RES_PCI)
		snprintf(buf, size, "%s was not %s", units_bdf(s->bdf, got, sizeof(got)),
			 s->gives ? "given" : "taken back");
	else if (s->gives)
		snprintf(buf, size, "%s of %s wanted", got, want);
	else
		snprintf(buf, size, "still %s, %s wanted", got, want);
}

static void say_untried(const struct resize *r, char *buf, size_t size)
{
	char name[24];
	unsigned int i;
	size_t n = 0;

	*buf = '\0';
	for (i = 0; i < r->nr && n < size; i++)
		if (!r->steps[i].tried)
			n += snprintf(buf + n, size - n, "%s%s", n ? ", " : "; not tried: ",
				      step_name(&r->steps[i], name, sizeof(name)));
}

static bool same(const struct rf_info *a, const struct rf_info *b)
{
	return !memcmp(a->cpumask, b->cpumask, sizeof(a->cpumask)) &&
	       a->mem_bytes == b->mem_bytes && a->nr_pci == b->nr_pci;
}

/*
 * One line says what was reached, and why not more. @failed: the step that
 * failed, NULL when a signal came between two.
 */
static int report_failed(const struct resize *r, const struct resize_step *failed,
			 const struct rf_info *before, const struct rf_info *now)
{
	char reached[120] = "interrupted", why[400] = "", untried[600], buf[4096];
	bool changed = !same(before, now);
	int code = failed ? resize_code(failed) : RFM_INTERRUPTED;

	if (failed)
		say_reached(failed, reached, sizeof(reached));
	if (failed && !(code == RFM_INTERRUPTED && rfm.interrupted))
		resize_why(failed, why, sizeof(why));
	else if (failed)
		snprintf(why, sizeof(why), "interrupted");
	if (changed && code != RFM_INTERRUPTED)
		code = RFM_PARTIAL;
	if (rfm.json && changed)
		print_json(r, now);
	else if (!rfm.json)
		print_borrowed(r);
	say_untried(r, untried, sizeof(untried));
	return rfm_fail(code, "%s%s%s%s; it has %s%s", reached, *why ? ": " : "", why, untried,
			has(now, buf, sizeof(buf)), changed ? "" : " as before");
}

/* rfm restart shall find the drivers of the functions that it has then. */
static void keep_pci(const struct resize *r, const struct rf_info *info)
{
	const struct resize_step *s;
	struct settings set;
	unsigned int i, k;

	if (settings_load(&set, info->name, info->id))
		return;
	for (s = r->steps; s < r->steps + r->nr; s++) {
		if (s->kind != RF_RES_PCI || !s->tried || s->err)
			continue;
		for (i = k = 0; i < set.nr_pci; i++)
			if (set.pci[i] != s->bdf)
				set.pci[k++] = set.pci[i];
		if (s->gives && k < RF_WIRE_PCI)
			set.pci[k++] = s->bdf;
		set.nr_pci = k;
	}
	set.memory = info->mem_bytes;
	if (settings_save(&set, info->id))
		rfm_warn("cannot keep the settings: rfm restart will know the old ones");
	settings_free(&set);
}

static int do_step(int dev, int fd, struct resize *r, struct resize_step *s,
		   const struct rf_info *before)
{
	if (r->preempt && s->gives && s->kind != RF_RES_PCI)
		return preempt_do(dev, fd, before, r, s);
	return resize_do(fd, s, r->timeout_ms, 0);
}

static int change(int dev, int fd, struct resize *r, const struct rf_info *before)
{
	const struct resize_step *failed = NULL;
	struct rf_info now;
	char name[24];
	unsigned int i;
	int ret;

	for (i = 0; i < r->nr && !failed && !rfm.interrupted; i++) {
		rfm_progress("%s %s", r->steps[i].gives ? "giving" : "taking",
			     step_name(&r->steps[i], name, sizeof(name)));
		if (do_step(dev, fd, r, &r->steps[i], before))
			failed = &r->steps[i];
	}
	rfm_progress_end();
	ret = dev_info(fd, &now);
	if (ret == -ENOENT)
		return rfm_fail(RFM_NOT_FOUND, "it is gone: somebody destroyed it meanwhile");
	if (ret)
		return rfm_fail(RFM_PARTIAL,
				"cannot ask what it has now (%s); rfm show %s tells what was done",
				strerror(-ret), before->name);
	rfm.done = !failed;
	if (!same(before, &now))
		keep_pci(r, &now);
	return failed || i < r->nr ? report_failed(r, failed, before, &now) :
				     report_done(r, before, &now);
}

struct question {
	int fd;
	struct resize *r;
};

static void ask_module(struct conflicts *c, void *data)
{
	const struct question *q = data;
	struct resize_step *s;
	char name[24], why[400];

	for (s = q->r->steps; s < q->r->steps + q->r->nr; s++)
		if (!conflict_named(c, s->kind, s->bdf) &&
		    resize_do(q->fd, s, q->r->timeout_ms, RF_RESIZE_DRY_RUN))
			conflict(c, resize_code(s), "%s: %s", step_name(s, name, sizeof(name)),
				 resize_why(s, why, sizeof(why)));
}

/* What is to be given, for the checks that rfm create makes. */
static void given(struct settings *s, const struct resize *r, const struct rf_info *info)
{
	const struct resize_step *step;
	unsigned int i;

	*s = (struct settings){ .name = (char *)info->name };
	for (step = r->steps; step < r->steps + r->nr; step++) {
		for (i = 0; step->kind == RF_RES_CPU && step->gives && i < UNITS_CPUS / 64; i++)
			s->cpus.mask[i] = step->cpus.mask[i] & ~info->cpumask[i];
		if (step->kind == RF_RES_PCI && step->gives && s->nr_pci < RF_WIRE_PCI)
			s->pci[s->nr_pci++] = step->bdf;
	}
}

static int resize(int dev, int fd, struct request *req)
{
	struct question q = { fd, &req->r };
	struct rf_info info;
	struct settings s;
	int ret;

	ret = dev_info(fd, &info);
	if (ret)
		return rfm_fail_errno(ret, NULL, "cannot ask what it has");
	resize_plan(&req->r, &info);
	given(&s, &req->r, &info);
	ret = precheck_more(dev, &s, req->dry_run ? ask_module : NULL, &q);
	return ret || req->dry_run ? ret : change(dev, fd, &req->r, &info);
}

/* --preempt has to find somebody for a number; and who that would be changes. */
static int check_preempt(const struct request *req)
{
	const struct resize_step *s;

	if (req->dry_run)
		return rfm_fail(RFM_USAGE, "--preempt: what others would lend shows when they are asked; leave --dry-run out");
	for (s = req->r.steps; s < req->r.steps + req->r.nr; s++)
		if (s->kind == RF_RES_CPU && !s->count)
			return rfm_fail(RFM_USAGE, "--preempt: say how many CPUs, not which; rfm borrow takes these");
	return 0;
}

static int connect_and_resize(const char *name, struct request *req)
{
	int dev, fd, ret;

	dev = dev_connect();
	if (dev < 0)
		return -dev;
	fd = dev_connect_subos(name);
	ret = fd < 0 ? -fd : resize(dev, fd, req);
	if (fd >= 0)
		close(fd);
	close(dev);
	return ret;
}

static int run(const struct rfm_command *cmd, int argc, char **argv)
{
	static struct request req;
	const char *name;
	int id, ret;

	rfm_catch_signals();
	while ((id = rfm_getopt(cmd, argc, argv)) > 0) {
		ret = one_option(&req, id);
		if (ret)
			return ret;
	}
	if (id < 0)
		return RFM_USAGE;
	name = rfm_name_operand(argc, argv);
	if (!name)
		return RFM_USAGE;
	if (!req.r.nr)
		return rfm_fail(RFM_USAGE, "say what shall change: --cpus, --memory or --pci");
	ret = req.r.preempt ? check_preempt(&req) : 0;
	return ret ? ret : connect_and_resize(name, &req);
}

const struct rfm_command cmd_resize = {
	.verb = "resize", .args = "NAME",
	.summary = "Move CPUs, memory and devices to or from a subOS that runs",
	.text = "\nWhat gives to the subOS is done before what takes from it. When a step fails, what\n"
		"was reached stays and is said: exit code 8 when something changed. Examples:\n\n"
		"  rfm resize web --cpus +1 --memory 2G\n"
		"  rfm resize web --cpus -4-5 --pci -0000:00:04.0",
	.options = options, .run = run,
};
