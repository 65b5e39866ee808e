// SPDX-License-Identifier: GPL-2.0-only
/* rfm borrow, rfm return: cores and memory from one subOS to another, and back. */
#include "commands.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dev.h"
#include "fmt.h"
#include "loans.h"

static const struct rfm_option borrow_options[] = {
	{ OPT_CPUS, "cpus", "N|LIST", "number of CPUs (2), or which (2-3,6)" },
	{ OPT_MEMORY, "memory", "SIZE", "memory, e.g. 512M or 2G" },
	{ OPT_PREEMPT, "preempt", NULL, "only if TO has the higher priority" },
	{ OPT_TIMEOUT, "timeout", "S", "seconds for each core or block" },
	RFM_OPTION_JSON,
	{ 0 }
};

/**
 * struct request - what shall be lent
 * @cpus: CPUs, when @cpus.want is not 0
 * @memory: memory, when @memory.want is not 0
 * @flags: RF_BORROW_*
 * @timeout_ms: see loans_borrow()
 * @from: the lender
 * @to: the borrower
 */
struct request {
	struct resize_step cpus, memory;
	unsigned int flags;
	unsigned int timeout_ms;
	const char *from, *to;
};

static int parse_cpus(struct resize_step *s, const char *text)
{
	long count = 0;
	int ret;

	*s = (struct resize_step){ .kind = RF_RES_CPU };
	if (strpbrk(text, "-,"))
		ret = units_parse_cpus(text, &s->cpus);
	else
		ret = units_parse_number(text, 1, RF_WIRE_CPUS, &count);
	s->count = count;
	s->want = count ? (unsigned int)count : cpus_count(&s->cpus);
	if (ret || !s->want)
		return rfm_fail(RFM_USAGE, "--cpus %s: write 2 for any two, 2-3,6 or 2-2 for these",
				text);
	return 0;
}

static int parse_memory(struct resize_step *s, const char *text)
{
	uint64_t bytes = 0;

	*s = (struct resize_step){ .kind = RF_RES_MEMORY };
	if (units_parse_size(text, &bytes) || !bytes)
		return rfm_fail(RFM_USAGE, "--memory %s: write 512M or 2G", text);
	if (bytes > 1ULL << 46)
		return rfm_fail(RFM_USAGE, "--memory %s: no machine has that much", text);
	s->bytes = s->want = (bytes + RF_GRAIN - 1) / RF_GRAIN * RF_GRAIN;
	return 0;
}

static int parse_timeout(unsigned int *timeout_ms)
{
	long seconds;

	if (units_parse_number(optarg, 1, 3600, &seconds))
		return rfm_fail(RFM_USAGE, "--timeout %s: write 1 to 3600 seconds", optarg);
	*timeout_ms = seconds * 1000;
	return 0;
}

static int one_option(struct request *req, int id)
{
	switch (id) {
	case OPT_CPUS:
		return parse_cpus(&req->cpus, optarg);
	case OPT_MEMORY:
		return parse_memory(&req->memory, optarg);
	case OPT_PREEMPT:
		req->flags = RF_BORROW_PREEMPT;
		return 0;
	default:
		return parse_timeout(&req->timeout_ms);
	}
}

static int read_request(struct request *req, const struct rfm_command *cmd, int argc, char **argv)
{
	int id, ret;

	while ((id = rfm_getopt(cmd, argc, argv)) > 0) {
		ret = one_option(req, id);
		if (ret)
			return ret;
	}
	if (id < 0)
		return RFM_USAGE;
	if (argc - optind != 2)
		return rfm_fail(RFM_USAGE, "takes two names: who lends, and who borrows; see rfm borrow --help");
	req->from = argv[optind];
	req->to = argv[optind + 1];
	if (!units_valid_name(req->from) || !units_valid_name(req->to))
		return rfm_fail(RFM_USAGE, "'%s' is no name of a subOS; " UNITS_NAME_RULE,
				units_valid_name(req->from) ? req->to : req->from);
	rfm.object = req->to;
	if (!req->cpus.want && !req->memory.want)
		return rfm_fail(RFM_USAGE, "say what shall be lent: --cpus or --memory");
	return 0;
}

static struct json_object *loan_json(const struct request *req, const struct resize_step *s,
				     unsigned int id)
{
	struct json_object *json = json_object_new_object(), *stages = json_object_new_object();
	char why[400] = "";
	unsigned int i;

	fmt_put_number(json, "id", id);
	fmt_put_text(json, "kind", fmt_kind(s->kind));
	fmt_put_text(json, "from", req->from);
	fmt_put_text(json, "to", req->to);
	fmt_put_number(json, "wanted", s->want);
	fmt_put_number(json, "lent", s->got);
	fmt_put_number(json, "errno", -s->err);
	fmt_put_text(json, "reason", s->err ? resize_why(s, why, sizeof(why)) : "");
	for (i = 0; i < RF_RESIZE_STAGES; i++)
		fmt_put_number(stages, fmt_resize_stage(i), s->stage_ns[i]);
	json_object_object_add(json, "stage_ns", stages);
	return json;
}

static const char *amount(const struct resize_step *s, __u64 n, char *buf, size_t size)
{
	if (s->kind == RF_RES_MEMORY)
		return units_size(n, buf, size);
	snprintf(buf, size, "%llu CPU%s", (unsigned long long)n, n == 1 ? "" : "s");
	return buf;
}

/* Returns the exit code; @some: something moved before. */
static int report(const struct request *req, const struct resize_step *s, bool some)
{
	char got[40], want[40], why[400];
	int code = resize_code(s);

	if (!s->err)
		return RFM_OK;
	if (code == RFM_INTERRUPTED && rfm.interrupted)
		snprintf(why, sizeof(why), "interrupted");
	else
		resize_why(s, why, sizeof(why));
	if ((some || s->got) && code != RFM_INTERRUPTED)
		code = RFM_PARTIAL;
	return rfm_fail(code, "%s of %s from %s: %s", amount(s, s->got, got, sizeof(got)),
			amount(s, s->want, want, sizeof(want)), req->from, why);
}

/* Memory before the CPUs that may need it, as rfm resize does. */
static int borrow(int dev, struct request *req)
{
	struct resize_step *steps[] = { &req->memory, &req->cpus }, *s;
	struct json_object *json = fmt_json(), *array = json_object_new_array();
	bool some = false;
	unsigned int i, id;
	int ret = 0;

	for (i = 0; !ret && i < sizeof(steps) / sizeof(*steps); i++) {
		s = steps[i];
		if (!s->want)
			continue;
		rfm_progress("borrowing from %s", req->from);
		id = loans_borrow(dev, req->from, req->to, s, req->flags, req->timeout_ms);
		rfm_progress_end();
		json_object_array_add(array, loan_json(req, s, id));
		if (id && !rfm.json)
			printf("%u\n", id);
		ret = report(req, s, some);
		some |= id;
	}
	json_object_object_add(json, "loans", array);
	if (rfm.json && (some || !ret))
		fmt_json_print(json);
	else
		json_object_put(json);
	return ret;
}

static int run_borrow(const struct rfm_command *cmd, int argc, char **argv)
{
	static struct request req;
	int dev, ret;

	rfm_catch_signals();
	ret = read_request(&req, cmd, argc, argv);
	if (ret)
		return ret;
	dev = dev_connect();
	if (dev < 0)
		return -dev;
	ret = borrow(dev, &req);
	close(dev);
	return ret;
}

const struct rfm_command cmd_borrow = {
	.verb = "borrow", .args = "FROM TO",
	.summary = "Move CPUs or memory from one subOS to another, for a while",
	.text = "\nFROM lends, TO borrows; both run, and nothing passes through the supervisor. Prints\n"
		"the number of the loan, a line for each of memory and CPUs. It ends with rfm return,\n"
		"and when the kernel that borrowed ends. Example:\n\n"
		"  rfm borrow batch web --cpus 2",
	.options = borrow_options, .run = run_borrow,
};

static const struct rfm_option return_options[] = {
	{ OPT_TIMEOUT, "timeout", "S", "seconds for each core or block" },
	{ 0 }
};

static bool is_number(const char *text)
{
	return *text && strspn(text, "0123456789") == strlen(text);
}

static int return_one(int dev, unsigned int id, unsigned int timeout_ms, bool *some)
{
	struct rf_return r = { .id = id, .timeout_ms = timeout_ms };
	struct resize_step s = { .kind = RF_RES_CPU };
	char why[400], which[24];
	int code;

	rfm_progress("returning loan %u", id);
	s.err = dev_return(dev, &r, &s.msg);
	rfm_progress_end();
	if (!s.err) {
		*some = true;
		return RFM_OK;
	}
	code = resize_code(&s);
	if (code == RFM_INTERRUPTED && rfm.interrupted)
		return rfm_fail(code, "interrupted; what did not go back stays lent");
	if (code != RFM_INTERRUPTED && (r.got || *some))
		code = RFM_PARTIAL;
	snprintf(which, sizeof(which), "loan %u: ", id);
	return rfm_fail(code, "%s%s%s", is_number(rfm.object) ? "" : which,
			resize_why(&s, why, sizeof(why)),
			r.got ? "; the rest of it went back" : "");
}

static int return_all(int dev, const char *name, unsigned int timeout_ms)
{
	struct rf_loan *loans;
	unsigned int nr, i, last = 0;
	bool some = false, any = false;
	int ret;

	ret = dev_loans(dev, &loans, &nr);
	if (ret)
		return rfm_fail_errno(ret, NULL, "cannot get the list of loans");
	for (i = 0; !ret && i < nr; i++) {
		if (strcmp(loans[i].to_name, name) || loans[i].id == last)
			continue;
		any = true;
		last = loans[i].id;
		ret = return_one(dev, last, timeout_ms, &some);
	}
	free(loans);
	if (!any)
		return rfm_fail(RFM_NOT_FOUND,
				"nothing is lent to a subOS of this name; rfm loans shows what is");
	return ret;
}

static int run_return(const struct rfm_command *cmd, int argc, char **argv)
{
	unsigned int timeout_ms = 0;
	bool some = false;
	const char *what;
	long id = 0;
	int dev, ret;

	rfm_catch_signals();
	while ((ret = rfm_getopt(cmd, argc, argv)) > 0)
		if (parse_timeout(&timeout_ms))
			return RFM_USAGE;
	if (ret < 0)
		return RFM_USAGE;
	if (argc - optind != 1)
		return rfm_fail(RFM_USAGE,
				"takes the number of a loan, or one name; see rfm return --help");
	what = argv[optind];
	if (is_number(what) ? units_parse_number(what, 1, 0xffffffffL, &id) != 0 :
	    !units_valid_name(what))
		return rfm_fail(RFM_USAGE, "'%s' is no number of a loan, nor a name of a subOS",
				what);
	rfm.object = what;
	dev = dev_connect();
	if (dev < 0)
		return -dev;
	ret = id ? return_one(dev, id, timeout_ms, &some) : return_all(dev, what, timeout_ms);
	close(dev);
	return ret;
}

const struct rfm_command cmd_return = {
	.verb = "return", .args = "ID|NAME",
	.summary = "End a loan, or all loans to a subOS",
	.text = "\nID is the number that rfm borrow printed, NAME that of a borrower. What did not go\n"
		"back stays lent.",
	.options = return_options, .run = run_return,
};
