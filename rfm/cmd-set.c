// SPDX-License-Identifier: GPL-2.0-only
/* rfm set: what happens to a subOS without the operator. */
#include "commands.h"

#include <stdbool.h>
#include <unistd.h>

#include "boot.h"
#include "dev.h"
#include "policy.h"
#include "settings.h"

static const struct rfm_option options[] = {
	POLICY_OPTION_ON_CRASH,
	POLICY_OPTION_MAX_CPUS,
	POLICY_OPTION_MAX_MEMORY,
	{ 0 }
};

static int read_policy(struct policy *p, const struct rfm_command *cmd, int argc, char **argv)
{
	int id, ret = 0;

	while (!ret && (id = rfm_getopt(cmd, argc, argv)) > 0) {
		if (id == OPT_ON_CRASH)
			ret = policy_parse_on_crash(p, optarg);
		else if (id == OPT_MAX_CPUS)
			ret = policy_parse_max_cpus(p, optarg);
		else
			ret = policy_parse_max_memory(p, optarg);
	}
	return ret || id < 0 ? RFM_USAGE : 0;
}

/* The module restarts it from a copy of its files: without us, and at once. */
static int keep_files(int fd, const char *name, const struct rf_info *info)
{
	struct settings s;
	struct boot b;
	int ret;

	if (settings_load(&s, name, info->id))
		return rfm_fail(RFM_NOT_FOUND,
				"its settings are not known (it was not made by rfm create on this machine since the last boot), so that nothing can boot it again; use keep or destroy");
	s.memory = info->mem_bytes;
	ret = boot_prepare(&b, &s, false);
	if (!ret)
		ret = boot_keep(&b, fd);
	boot_free(&b);
	settings_free(&s);
	rfm.object = name;
	return ret;
}

static int set(int fd, const char *name, const struct policy *p)
{
	struct rf_info info;
	int ret;

	ret = dev_info(fd, &info);
	if (ret)
		return rfm_fail_errno(ret, NULL, "cannot ask for its state");
	if (p->flags & RF_POLICY_ON_CRASH && p->on_crash == RF_ON_CRASH_RESTART &&
	    !(info.flags & RF_INFO_BARE))
		ret = keep_files(fd, name, &info);
	return ret ? ret : policy_apply(fd, p);
}

static int run(const struct rfm_command *cmd, int argc, char **argv)
{
	struct policy p = { 0 };
	const char *name;
	int fd, ret;

	rfm_catch_signals();
	if (read_policy(&p, cmd, argc, argv))
		return RFM_USAGE;
	name = rfm_name_operand(argc, argv);
	if (!name)
		return RFM_USAGE;
	if (!p.flags)
		return rfm_fail(RFM_USAGE,
				"say what shall be set: --on-crash, --max-cpus or --max-memory");
	fd = dev_connect_subos(name);
	if (fd < 0)
		return -fd;
	ret = set(fd, name, &p);
	close(fd);
	return ret;
}

const struct rfm_command cmd_set = {
	.verb = "set", .args = "NAME",
	.summary = "Say what happens to a subOS without you",
	.text = "\nThe module does it: nobody need be logged in. What is not named stays as it is.\n"
		"Examples:\n\n"
		"  rfm set web --on-crash restart\n"
		"  rfm set web --max-cpus 4 --max-memory 2G",
	.options = options, .run = run,
};
