// SPDX-License-Identifier: GPL-2.0-only
/* rfm restart: boot a subOS again, on the same resources, from the same files. */
#include "commands.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "boot.h"
#include "dev.h"
#include "devices.h"
#include "fmt.h"

static const struct rfm_option options[] = {
	{ OPT_FORCE, "force", NULL, "do not ask it to shut down first" },
	{ OPT_NO_WAIT, "no-wait", NULL, "return at once, not when its init runs" },
	{ OPT_TIMEOUT, "timeout", "S", "wait so many seconds at most (120)" },
	{ 0 }
};

struct request {
	bool force;
	bool no_wait;
	long timeout_s;
};

static int read_request(struct request *r, const struct rfm_command *cmd, int argc, char **argv)
{
	int id;

	while ((id = rfm_getopt(cmd, argc, argv)) > 0) {
		if (id == OPT_FORCE)
			r->force = true;
		else if (id == OPT_NO_WAIT)
			r->no_wait = true;
		else if (units_parse_number(optarg, 1, 86400, &r->timeout_s))
			return rfm_fail(RFM_USAGE, "--timeout %s: write 1 to 86400 seconds",
					optarg);
	}
	return id < 0 ? RFM_USAGE : 0;
}

static int stop(int fd, const struct request *r)
{
	struct dev_msg msg;
	int ret;

	rfm_progress("stopping");
	ret = dev_stop(fd, r->force, 0, &msg);
	if (ret == -EIO)
		return rfm_fail_quarantine(msg.text);
	return ret ? rfm_fail_errno(ret, msg.text, "cannot stop it") : 0;
}

/* The files are read before the stop: a file that went away costs nothing. */
static int boot_again(int fd, const struct settings *s, const struct request *r)
{
	struct boot b;
	int ret;

	ret = boot_prepare(&b, s, false);
	if (!ret)
		ret = devices_resume(s->name);
	if (!ret)
		ret = stop(fd, r);
	if (!ret)
		ret = boot_load(&b, fd);
	if (!ret)
		ret = boot_start(fd);
	boot_free(&b);
	if (ret || r->no_wait || s->bare)
		return ret;
	ret = boot_wait(fd, r->timeout_s * 1000);
	if (ret == RFM_INTERRUPTED)
		return rfm_fail(ret, "interrupted; it goes on booting: rfm log %s shows it",
				s->name);
	return ret;
}

static int restart(int fd, const char *name, const struct request *r)
{
	struct settings s;
	struct rf_info info;
	int ret;

	ret = dev_info(fd, &info);
	if (ret)
		return rfm_fail_errno(ret, NULL, "cannot ask for its state");
	ret = settings_load(&s, name, info.id);
	if (ret)
		return rfm_fail(RFM_NOT_FOUND,
				"its settings are not known (it was not made by rfm create on this machine since the last boot); destroy and create it");
	s.memory = info.mem_bytes;
	ret = boot_again(fd, &s, r);
	settings_free(&s);
	rfm.object = name;
	return ret;
}

static int run(const struct rfm_command *cmd, int argc, char **argv)
{
	struct request r = { .timeout_s = 120 };
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
	ret = restart(fd, name, &r);
	close(fd);
	return ret;
}

const struct rfm_command cmd_restart = {
	.verb = "restart", .args = "NAME",
	.summary = "Boot a subOS again on the same resources",
	.options = options, .run = run,
};
