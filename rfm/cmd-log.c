// SPDX-License-Identifier: GPL-2.0-only
/* rfm log: the kernel messages of a subOS, read out of its memory. */
#include "commands.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dev.h"
#include "events.h"
#include "fmt.h"
#include "klog.h"

static const struct rfm_option options[] = {
	{ 'f', "follow", NULL, "go on until the subOS is gone" },
	{ OPT_LEDGER, "ledger", NULL, "every change of owner and event instead; NAME is optional" },
	RFM_OPTION_JSON,
	{ 0 }
};

/**
 * struct follower - a log and whose it is
 * @dev: device
 * @fd: the subOS
 * @follow: go on after the last message
 * @open: @log was found
 * @log: position
 * @ranges: its memory
 * @nr_ranges: see @ranges
 * @started_ns: the start that @log belongs to
 * @next_seq: where a log that was found damaged is taken up again
 * @err: why the log was not found
 */
struct follower {
	int dev;
	int fd;
	bool follow;
	bool open;
	struct rfm_klog log;
	struct rfm_mem_range *ranges;
	unsigned int nr_ranges;
	__u64 started_ns;
	__u64 next_seq;
	char err[256];
};

/*
 * Another kernel wrote this: no control character may reach the terminal. A
 * message of several lines is indented, as dmesg does.
 */
static void print_text(const char *text, size_t len, unsigned int indent)
{
	size_t i;

	for (i = 0; i < len; i++) {
		unsigned char c = text[i];

		if (c == '\n')
			printf("\n%*s", (int)indent, "");
		else if (c == '\t' || (c >= 0x20 && c < 0x7f))
			putchar(c);
		else
			printf("\\x%02x", c);
	}
	putchar('\n');
}

static void print_json(const struct rfm_klog_record *rec)
{
	struct json_object *json = json_object_new_object();
	char text[4 * sizeof(rec->text) + 8];

	units_clean(rec->text, rec->len, text, sizeof(text));
	json_object_object_add(json, "seq", json_object_new_uint64(rec->seq));
	json_object_object_add(json, "ts_nsec", json_object_new_uint64(rec->ts_nsec));
	json_object_object_add(json, "level", json_object_new_int(rec->level));
	json_object_object_add(json, "facility", json_object_new_int(rec->facility));
	json_object_object_add(json, "lost", json_object_new_uint64(rec->lost));
	json_object_object_add(json, "text", json_object_new_string(text));
	puts(json_object_to_json_string_ext(json, JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(json);
}

static void print_record(const struct rfm_klog_record *rec)
{
	size_t len = rec->len < sizeof(rec->text) ? rec->len : sizeof(rec->text);
	int n;

	if (rfm.json) {
		print_json(rec);
		return;
	}
	if (rec->lost)
		printf("[ %llu messages were overwritten ]\n", (unsigned long long)rec->lost);
	n = printf("[%5llu.%06llu] ", (unsigned long long)rec->ts_nsec / 1000000000,
		   (unsigned long long)rec->ts_nsec % 1000000000 / 1000);
	print_text(rec->text, len, n);
}

static void forget(struct follower *f)
{
	if (f->open) {
		f->next_seq = f->log.next_seq;
		rfm_klog_close(&f->log);
	}
	f->open = false;
	free(f->ranges);
	f->ranges = NULL;
}

static int find(struct follower *f, const struct rf_info *info)
{
	struct rfm_mem mem = { .read = dev_read_memory, .ctx = &f->fd };
	int ret;

	if (f->started_ns != info->started_ns)
		f->next_seq = 0;	/* a restart has a log of its own */
	f->started_ns = info->started_ns;
	ret = dev_ranges(f->dev, info, &f->ranges, &f->nr_ranges);
	if (ret)
		return ret;
	if (!f->nr_ranges) {
		snprintf(f->err, sizeof(f->err), "it has no memory yet, so no log");
		return -EAGAIN;
	}
	mem.ranges = f->ranges;
	mem.nr_ranges = f->nr_ranges;
	ret = rfm_klog_open(&f->log, &mem, f->err, sizeof(f->err));
	f->open = !ret;
	if (!ret)
		f->log.next_seq = f->next_seq;
	return ret;
}

/* All that is there now. 0, or -EIO when the memory is nonsense. */
static int drain(struct follower *f)
{
	static struct rfm_klog_record rec;
	int ret;

	while ((ret = rfm_klog_next(&f->log, &rec)) > 0 && !rfm.interrupted)
		print_record(&rec);
	fflush(stdout);
	return ret < 0 ? ret : 0;
}

/* One look. 0, -EAGAIN no log yet, -ENOENT the subOS is gone, or an error. */
static int look(struct follower *f)
{
	struct rf_info info;
	int ret;

	ret = dev_info(f->fd, &info);
	if (ret)
		return ret;
	if (f->started_ns != info.started_ns || !f->open)
		forget(f);
	if (!f->open)
		ret = find(f, &info);
	return ret ? ret : drain(f);
}

/* Nonsense in a log that is being written can be a torn read: try again. */
static bool passing(int ret)
{
	return !ret || ret == -EAGAIN || ret == -EIO;
}

static int follow(struct follower *f)
{
	struct pollfd p = { .fd = f->fd, .events = POLLIN };
	int ret;

	for (;;) {
		ret = look(f);
		if (!f->follow || rfm.interrupted || !passing(ret))
			return ret;
		if (ret == -EIO)
			forget(f);
		/* nobody announces a message: look again soon */
		poll(&p, 1, 200);
	}
}

static int outcome(const struct follower *f, int ret)
{
	if (f->follow && (!ret || ret == -ENOENT || rfm.interrupted))
		return RFM_OK;
	if (ret == -ENOENT)
		return rfm_fail(RFM_NOT_FOUND, "it is gone, and its memory with it");
	if (ret == -EAGAIN)
		return rfm_fail(RFM_FAILED, "%s", f->err);
	if (ret == -EIO)
		return rfm_fail(RFM_FAILED, "its log is damaged: the rest cannot be read");
	return ret ? rfm_fail_errno(ret, NULL, "cannot read its memory") : RFM_OK;
}

static int run_log(struct follower *f, const char *name)
{
	int ret;

	f->dev = dev_connect();
	if (f->dev < 0)
		return -f->dev;
	f->fd = dev_connect_subos(name);
	if (f->fd < 0) {
		close(f->dev);
		return -f->fd;
	}
	ret = follow(f);
	ret = outcome(f, ret);
	forget(f);
	close(f->fd);
	close(f->dev);
	return ret;
}

/* Those that ended have a ledger, too: the name need not be of one that lives. */
static int run_ledger(int argc, char **argv)
{
	const char *name = NULL;

	if (optind < argc) {
		name = rfm_name_operand(argc, argv);
		if (!name)
			return RFM_USAGE;
	}
	return log_ledger(name);
}

static int run(const struct rfm_command *cmd, int argc, char **argv)
{
	struct follower f = { 0 };
	bool ledger = false;
	const char *name;
	int id;

	rfm_catch_signals();
	while ((id = rfm_getopt(cmd, argc, argv)) > 0) {
		if (id == OPT_LEDGER)
			ledger = true;
		else
			f.follow = true;
	}
	if (id < 0)
		return RFM_USAGE;
	if (ledger && f.follow)
		return rfm_fail(RFM_USAGE, "--follow goes with the messages, not with --ledger; rfm events --follow tells what happens");
	if (ledger)
		return run_ledger(argc, argv);
	name = rfm_name_operand(argc, argv);
	return name ? run_log(&f, name) : RFM_USAGE;
}

const struct rfm_command cmd_log = {
	.verb = "log", .args = "NAME", .summary = "Print the kernel messages of a subOS",
	.text = "\nThey are read out of its memory, without its help: it may be booting, running,\n"
		"hung or dead. With --json each line is one JSON object.",
	.options = options, .run = run,
};
