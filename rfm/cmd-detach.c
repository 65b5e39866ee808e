// SPDX-License-Identifier: GPL-2.0-only
/* rfm detach: let go of all subOSes, so that the module can be replaced under them. */
#include "commands.h"

#include <stdio.h>
#include <unistd.h>

#include "dev.h"

static const struct rfm_option options[] = {
	{ OPT_UNDO, "undo", NULL, "take them up again, without replacing the module" },
	{ 0 }
};

static int detach(int dev, bool undo)
{
	struct rf_detach d;
	struct dev_msg msg;
	int ret;

	ret = dev_detach(dev, undo, &d, &msg);
	if (ret)
		return rfm_fail_errno(ret, msg.text, undo ? "cannot undo it" : "cannot detach");
	if (undo) {
		printf("%u subOSes are looked after again\n", d.count);
		return RFM_OK;
	}
	printf("%u subOSes run on by themselves; now rmmod rfcontroller and load it again\n",
	       d.count);
	if (d.open)
		rfm_warn("rmmod must wait for %u open descriptors: end rfm console, rfm events -f and the like",
			 d.open);
	return RFM_OK;
}

static int run(const struct rfm_command *cmd, int argc, char **argv)
{
	bool undo = false;
	int id, dev, ret;

	rfm_catch_signals();
	while ((id = rfm_getopt(cmd, argc, argv)) > 0)
		undo = true;
	if (id < 0)
		return RFM_USAGE;
	if (optind < argc)
		return rfm_fail(RFM_USAGE, "takes no operand; see rfm detach --help");
	dev = dev_connect_detached();
	if (dev < 0)
		return -dev;
	ret = detach(dev, undo);
	close(dev);
	return ret;
}

const struct rfm_command cmd_detach = {
	.verb = "detach", .args = "", .summary = "Let the module be replaced while subOSes run",
	.text = "\nThey run on while rfcontroller is unloaded and loaded again; nobody looks after\n"
		"them meanwhile. Do not reboot by kexec, suspend or hibernate before it is back.",
	.options = options, .run = run,
};
