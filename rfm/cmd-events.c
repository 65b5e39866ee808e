// SPDX-License-Identifier: GPL-2.0-only
/* rfm events: what happened to the subOSes, and what happens now. */
#include "commands.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "dev.h"
#include "events.h"
#include "fmt.h"
#include "policy.h"

#define CHUNK	256

static const struct rfm_option options[] = {
	{ 'f', "follow", NULL, "print what happens from now on, until Ctrl-C" },
	{ OPT_FROM, "from", "N", "begin with event N; 1: with the oldest that is kept" },
	RFM_OPTION_JSON,
	{ 0 }
};

/**
 * struct reader - where we are
 * @dev: device
 * @next: number of the next event, 0: what comes next
 * @follow: go on after the last one
 * @array: (--json without --follow) the events
 */
struct reader {
	int dev;
	__u64 next;
	bool follow;
	struct json_object *array;
};

static const char *kind_name(unsigned int kind)
{
	static const char *const names[] = {
		[RF_EVENT_CREATED] = "created",
		[RF_EVENT_STATE] = "state",
		[RF_EVENT_CPUS] = "cpus",
		[RF_EVENT_MEMORY] = "memory",
		[RF_EVENT_PCI] = "pci",
		[RF_EVENT_GONE] = "gone",
		[RF_EVENT_POLICY] = "policy",
		[RF_EVENT_ON_CRASH] = "on_crash",
		[RF_EVENT_REFUSED] = "refused",
	};

	return kind < sizeof(names) / sizeof(*names) && names[kind] ? names[kind] : "unknown";
}

static void what_happened(const struct rf_event *e, char *buf, size_t size)
{
	unsigned long long n = e->value;
	char mem[24];

	switch (e->kind) {
	case RF_EVENT_CREATED:
	case RF_EVENT_GONE:
		snprintf(buf, size, "is %s", kind_name(e->kind));
		break;
	case RF_EVENT_STATE:
		snprintf(buf, size, "is %s", fmt_state(n));
		break;
	case RF_EVENT_CPUS:
		snprintf(buf, size, "has %llu CPU%s", n, n == 1 ? "" : "s");
		break;
	case RF_EVENT_MEMORY:
		snprintf(buf, size, "has %s of memory", units_size(n, mem, sizeof(mem)));
		break;
	case RF_EVENT_PCI:
		snprintf(buf, size, "has %llu PCI function%s", n, n == 1 ? "" : "s");
		break;
	case RF_EVENT_POLICY:
		snprintf(buf, size, "has the policy on-crash %s", policy_word(n));
		break;
	case RF_EVENT_ON_CRASH:
		snprintf(buf, size, "on-crash %s", policy_word(n));
		break;
	case RF_EVENT_REFUSED:
		snprintf(buf, size, "is refused");
		break;
	default:
		snprintf(buf, size, "event of kind %u, value %llu", e->kind, n);
		break;
	}
}

const char *event_text(const struct rf_event *e, char *buf, size_t size)
{
	char what[80];

	what_happened(e, what, sizeof(what));
	snprintf(buf, size, "%s %s%s%s%s%s%s", e->name, what, *e->text ? ": " : "", e->text,
		 e->error ? " (failed: " : "", e->error ? strerror(e->error) : "",
		 e->error ? ")" : "");
	return buf;
}

struct json_object *event_json(const struct rf_event *e)
{
	struct json_object *json = json_object_new_object();

	fmt_put_number(json, "seq", e->seq);
	fmt_put_number(json, "time_ns", e->time_ns);
	fmt_put_text(json, "kind", kind_name(e->kind));
	fmt_put_text(json, "name", e->name);
	fmt_put_number(json, "id", e->id);
	fmt_put_number(json, "value", e->value);
	if (e->kind == RF_EVENT_STATE)
		fmt_put_text(json, "state", fmt_state(e->value));
	fmt_put_number(json, "errno", e->error);
	fmt_put_text(json, "text", e->text);
	return json;
}

static void print_event(struct reader *r, const struct rf_event *e)
{
	char time[40], text[400];

	if (r->array)
		json_object_array_add(r->array, event_json(e));
	else if (rfm.json)
		fmt_json_line(event_json(e));
	else
		printf("%s %llu %s\n", fmt_time(e->time_ns, time, sizeof(time)),
		       (unsigned long long)e->seq, event_text(e, text, sizeof(text)));
}

static void print_gap(const struct reader *r, __u64 first)
{
	/* from the beginning means the oldest that is kept */
	if (r->next > 1 && first > r->next && !rfm.json)
		printf("[ %llu events were forgotten ]\n", (unsigned long long)(first - r->next));
}

/* All that there are now. Returns 0 or -errno. */
static int drain(struct reader *r)
{
	static struct rf_event entries[CHUNK];
	struct rf_events events;
	unsigned int i;
	int ret;

	do {
		ret = dev_events(r->dev, r->next, entries, &events, CHUNK);
		if (ret)
			return ret;
		print_gap(r, events.first);
		for (i = 0; i < events.count; i++)
			print_event(r, &entries[i]);
		r->next = events.first + events.count;
	} while (events.count && !rfm.interrupted);
	fflush(stdout);
	return 0;
}

/* Until there is another event. False when nobody reads what we print, or on Ctrl-C. */
static bool await(const struct reader *r)
{
	struct pollfd p[] = {
		{ .fd = r->dev, .events = POLLIN },
		{ .fd = STDOUT_FILENO },
	};

	while (!rfm.interrupted) {
		if (poll(p, 2, -1) < 0)
			continue;
		if (p[1].revents & (POLLERR | POLLHUP))
			return false;
		if (p[0].revents)
			return true;
	}
	return false;
}

static int print_events(struct reader *r)
{
	int ret;

	do
		ret = drain(r);
	while (!ret && r->follow && await(r));
	if (ret == -ENOTTY)
		return rfm_fail(RFM_INCOMPATIBLE,
				"the loaded module has no events; install both from one release");
	return ret && !rfm.interrupted ? rfm_fail_errno(ret, NULL, "cannot read the events") :
					 RFM_OK;
}

static int run_reader(struct reader *r)
{
	struct json_object *json = fmt_json();
	int ret;

	r->array = rfm.json && !r->follow ? json_object_new_array() : NULL;
	ret = print_events(r);
	if (r->array)
		json_object_object_add(json, "events", r->array);
	if (r->array && !ret)
		fmt_json_print(json);
	else
		json_object_put(json);
	return ret;
}

static int run(const struct rfm_command *cmd, int argc, char **argv)
{
	struct reader r = { 0 };
	long from = 0;
	int id, ret;

	rfm_catch_signals();
	while ((id = rfm_getopt(cmd, argc, argv)) > 0) {
		if (id == 'f')
			r.follow = true;
		else if (units_parse_number(optarg, 1, __LONG_MAX__, &from))
			return rfm_fail(RFM_USAGE, "--from %s: events count from 1", optarg);
	}
	if (id < 0)
		return RFM_USAGE;
	if (optind < argc)
		return rfm_fail(RFM_USAGE, "takes no operand; see rfm events --help");
	r.next = from || r.follow ? from : 1;
	r.dev = dev_connect();
	if (r.dev < 0)
		return -r.dev;
	ret = run_reader(&r);
	close(r.dev);
	return ret;
}

const struct rfm_command cmd_events = {
	.verb = "events", .args = "", .summary = "Print what happened to the subOSes",
	.text = "\nOne line each; with --json --follow each line is one JSON object.",
	.options = options, .run = run,
};
