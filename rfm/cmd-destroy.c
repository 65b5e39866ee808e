// SPDX-License-Identifier: GPL-2.0-only
/* rfm destroy, rfm stop. */
#include "commands.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dev.h"
#include "devices.h"
#include "fmt.h"
#include "settings.h"

struct request {
	bool force;
	bool all;
	long timeout_s;
};

static int read_request(struct request *r, const struct rfm_command *cmd, int argc, char **argv)
{
	int id;

	while ((id = rfm_getopt(cmd, argc, argv)) > 0) {
		if (id == OPT_FORCE)
			r->force = true;
		else if (id == OPT_ALL)
			r->all = true;
		else if (units_parse_number(optarg, 1, 3600, &r->timeout_s))
			return rfm_fail(RFM_USAGE, "--timeout %s: write 1 to 3600 seconds", optarg);
	}
	return id < 0 ? RFM_USAGE : 0;
}

/* What it cost, for whoever measures: the descriptor outlives the subOS. */
static void print_last(int fd)
{
	struct json_object *json = fmt_json();
	struct rf_info info;

	dev_info(fd, &info);	/* -ENOENT is no news */
	json_object_object_add(json, "subos", *info.name ? fmt_info(&info) : NULL);
	fmt_json_print(json);
}

static int destroy(int fd, const struct request *r)
{
	struct dev_msg msg;
	int ret;

	rfm_progress(r->force ? "destroying" : "shutting down, then destroying");
	ret = dev_destroy(fd, r->force, r->timeout_s * 1000, &msg);
	rfm_progress_end();
	if (!ret || ret == -EIO) {
		settings_remove(rfm.object);
		devices_await_end(rfm.object);
	}
	if (rfm.json && (!ret || ret == -EIO))
		print_last(fd);
	if (ret == -EIO)
		return rfm_fail_quarantine(msg.text);
	if (ret == -EBUSY)
		return rfm_fail(RFM_CONFLICT, "%s", *msg.text ? msg.text :
				"somebody else is ending it; wait for that");
	if (ret == -ENOENT)
		return rfm_fail(RFM_NOT_FOUND, "it is gone already");
	return ret ? rfm_fail_errno(ret, msg.text, "cannot destroy it") : RFM_OK;
}

static int destroy_name(const char *name, const struct request *r)
{
	int fd, ret;

	rfm.object = name;
	fd = dev_connect_subos(name);
	if (fd < 0)
		return -fd;
	ret = destroy(fd, r);
	close(fd);
	return ret;
}

/* Goes on after a failure; the first one gives the exit code. */
static int destroy_all(const struct request *r)
{
	struct rf_info *infos;
	unsigned int nr, i;
	int dev, ret, first = RFM_OK;

	dev = dev_connect();
	if (dev < 0)
		return -dev;
	ret = dev_list(dev, &infos, &nr);
	close(dev);
	if (ret)
		return rfm_fail_errno(ret, NULL, "cannot get the list");
	for (i = 0; i < nr && !rfm.interrupted; i++) {
		/* what is quarantined is gone already, as far as it can be */
		if (infos[i].state == RF_STATE_QUARANTINED)
			continue;
		ret = destroy_name(infos[i].name, r);
		if (ret && !first)
			first = ret;
	}
	rfm.object = NULL;
	free(infos);
	return first;
}

static int run_destroy(const struct rfm_command *cmd, int argc, char **argv)
{
	struct request r = { 0 };
	const char *name;

	rfm_catch_signals();
	if (read_request(&r, cmd, argc, argv))
		return RFM_USAGE;
	if (r.all && optind < argc)
		return rfm_fail(RFM_USAGE, "takes a name or --all, not both");
	if (r.all)
		return destroy_all(&r);
	name = rfm_name_operand(argc, argv);
	return name ? destroy_name(name, &r) : RFM_USAGE;
}

static const struct rfm_option destroy_options[] = {
	{ OPT_FORCE, "force", NULL, "do not ask it to shut down first" },
	{ OPT_TIMEOUT, "timeout", "S", "seconds for an orderly shutdown (10)" },
	{ OPT_ALL, "all", NULL, "all subOSes" },
	RFM_OPTION_JSON,
	{ 0 }
};

const struct rfm_command cmd_destroy = {
	.verb = "destroy", .args = "NAME|--all",
	.summary = "End a subOS and give everything back",
	.text = "\nIt is asked to shut down; when the time is up it is stopped by force.",
	.options = destroy_options, .run = run_destroy,
};

static bool is_in(int fd, enum rf_state state, const char *reason)
{
	struct rf_info info;

	return !dev_info(fd, &info) && info.state == state &&
	       (!reason || !strcmp(info.reason, reason));
}

/* It was asked and did not: whoever asks should know. */
static void tell_forced(int fd)
{
	if (is_in(fd, RF_STATE_STOPPED, "stopped by force"))
		rfm_warn("it did not shut down in time and was stopped by force");
}

static int stop(int fd, const struct request *r)
{
	bool asked = !r->force && is_in(fd, RF_STATE_RUNNING, NULL);
	struct dev_msg msg;
	int ret;

	rfm_progress(r->force ? "stopping" : "shutting down");
	ret = dev_stop(fd, r->force, r->timeout_s * 1000, &msg);
	rfm_progress_end();
	if (ret == -EIO)
		return rfm_fail_quarantine(msg.text);
	if (!ret && asked)
		tell_forced(fd);
	return ret ? rfm_fail_errno(ret, msg.text, "cannot stop it") : RFM_OK;
}

static int run_stop(const struct rfm_command *cmd, int argc, char **argv)
{
	struct request r = { 0 };
	const char *name;
	int fd, ret;

	rfm_catch_signals();
	if (read_request(&r, cmd, argc, argv))
		return RFM_USAGE;
	name = rfm_name_operand(argc, argv);
	if (!name)
		return RFM_USAGE;
	fd = dev_connect_subos(name);
	if (fd < 0)
		return -fd;
	ret = stop(fd, &r);
	close(fd);
	return ret;
}

static const struct rfm_option stop_options[] = {
	{ OPT_FORCE, "force", NULL, "do not ask it to shut down first" },
	{ OPT_TIMEOUT, "timeout", "S", "seconds for an orderly shutdown (10)" },
	{ 0 }
};

const struct rfm_command cmd_stop = {
	.verb = "stop", .args = "NAME",
	.summary = "End a subOS but keep its resources, for rfm restart",
	.text = "\nIt is asked to shut down; when the time is up it is stopped by force.",
	.options = stop_options, .run = run_stop,
};
