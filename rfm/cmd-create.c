// SPDX-License-Identifier: GPL-2.0-only
/*
 * rfm create: a subOS from the command line.
 *
 * All that can be wrong is looked at first; then cores, memory and devices are
 * taken on one descriptor. Until the start, closing it (or dying) undoes all.
 */
#include "commands.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "boot.h"
#include "dev.h"
#include "devices.h"
#include "fmt.h"
#include "precheck.h"
#include "sysroot.h"

static const struct rfm_option options[] = {
	{ OPT_CPUS, "cpus", "N|LIST", "number of CPUs (2), or which (2-3,6)" },
	{ OPT_MEMORY, "memory", "SIZE", "memory, e.g. 512M or 2G" },
	{ OPT_KERNEL, "kernel", "FILE", "kernel image; default: the running one, from /boot" },
	{ OPT_INITRD, "initrd", "FILE", "initial ramdisk; default: a small one with a shell" },
	{ OPT_APPEND, "append", "TEXT", "kernel command line" },
	{ OPT_PCI, "pci", "ADDRESS", "PCI function to give, e.g. 0000:00:04.0; repeatable" },
	{ OPT_NET, "net", "CARD", "card, tap=NAME|bridge=BRIDGE[,mac=MAC][,queues=N]; repeatable" },
	{ OPT_ROOT, "root", "DIR", "boot from it, without an initrd; [,ro][,cache=always]" },
	{ OPT_FS, "fs", "TAG=DIR", "mountable by its tag; [,ro][,cache=always]; repeatable" },
	{ OPT_DISK, "disk", "FILE", "disk image; [,format=raw|qcow2][,ro]; repeatable" },
	{ 'f', "config", "FILE", "take what is not said here from this file" },
	{ OPT_NODE, "node", "N", "take the memory from this NUMA node" },
	{ OPT_PRIORITY, "priority", "N", "who may take from it, see rfm priority (0)" },
	POLICY_OPTION_ON_CRASH,
	POLICY_OPTION_MAX_CPUS,
	POLICY_OPTION_MAX_MEMORY,
	{ OPT_NO_WAIT, "no-wait", NULL, "return at once, not when its init runs" },
	{ OPT_TIMEOUT, "timeout", "S", "wait so many seconds at most (120)" },
	{ OPT_DRY_RUN, "dry-run", NULL, "name every conflict and its owner, take nothing" },
	{ OPT_BARE, "unsafe-bare", NULL, "no module of ours inside: it can reset the machine" },
	{ OPT_BZIMAGE, "bzimage", NULL, "start at the bzImage's own entry" },
	RFM_OPTION_JSON,
	{ 0 }
};

struct request {
	struct settings_text text;
	const char *config;
	long timeout_s;
	bool no_wait, dry_run, bare, bzimage;
};

static const char *key_of(int id)
{
	switch (id) {
	case OPT_CPUS:
		return "cpus";
	case OPT_MEMORY:
		return "memory";
	case OPT_KERNEL:
		return "kernel";
	case OPT_INITRD:
		return "initrd";
	case OPT_APPEND:
		return "append";
	case OPT_PCI:
		return "pci";
	case OPT_NODE:
		return "node";
	case OPT_NET:
		return "net";
	case OPT_ROOT:
		return "root";
	case OPT_FS:
		return "fs";
	case OPT_DISK:
		return "disk";
	case OPT_PRIORITY:
		return "priority";
	case OPT_ON_CRASH:
		return "on-crash";
	case OPT_MAX_CPUS:
		return "max-cpus";
	case OPT_MAX_MEMORY:
		return "max-memory";
	default:
		return NULL;
	}
}

static int set_value(struct request *r, const char *key)
{
	switch (settings_set(&r->text, key, optarg)) {
	case 0:
		return 0;
	case -E2BIG:
		return rfm_fail(RFM_USAGE, "--%s: a subOS can have %d %s at most", key,
				strcmp(key, "pci") ? RF_VIRTIO_DEVICES : RF_WIRE_PCI,
				strcmp(key, "pci") ? "virtio devices" : "functions");
	default:
		return rfm_fail(RFM_USAGE, "--%s: said twice", key);
	}
}

static int one_option(struct request *r, int id)
{
	switch (id) {
	case 'f':
		r->config = optarg;
		return 0;
	case OPT_NO_WAIT:
		r->no_wait = true;
		return 0;
	case OPT_TIMEOUT:
		if (units_parse_number(optarg, 1, 86400, &r->timeout_s))
			return rfm_fail(RFM_USAGE, "--timeout %s: write 1 to 86400 seconds",
					optarg);
		return 0;
	case OPT_DRY_RUN:
		r->dry_run = true;
		return 0;
	case OPT_BARE:
		r->bare = true;
		return 0;
	case OPT_BZIMAGE:
		r->bzimage = true;
		return 0;
	default:
		return set_value(r, key_of(id));
	}
}

static int read_request(struct request *r, const struct rfm_command *cmd, int argc, char **argv)
{
	struct settings_text config = { 0 };
	int id, ret;

	while ((id = rfm_getopt(cmd, argc, argv)) > 0) {
		ret = one_option(r, id);
		if (ret)
			return ret;
	}
	if (id < 0)
		return RFM_USAGE;
	if (argc - optind > 1)
		return rfm_fail(RFM_USAGE, "takes one name, '%s' is one too many",
				argv[optind + 1]);
	r->text.value[KEY_NAME] = argv[optind];
	if (!r->config)
		return 0;
	ret = config_read(&config, r->config);
	settings_merge(&r->text, &config);
	return ret;
}

static int take_memory(int fd, const struct settings *s)
{
	char size[24], could[24];
	struct dev_msg msg;
	__u64 got;
	int ret;

	rfm_progress("taking memory, %s", units_size(s->memory, size, sizeof(size)));
	ret = dev_add_memory(fd, s->memory, s->node, false, &got, &msg);
	if (ret == -ENOMEM && *msg.text)
		return rfm_fail(RFM_CONFLICT, "%s", msg.text);
	if (ret == -ENOMEM)
		return rfm_fail(RFM_CONFLICT, "%s of memory could be had, not %s; ask for less",
				units_size(got, could, sizeof(could)), size);
	return ret ? rfm_fail_errno(ret, msg.text, "cannot take %s of memory", size) : 0;
}

static int take_cpus(int fd, const struct settings *s)
{
	struct cpus cpus = s->cpus;
	struct dev_msg msg;
	int ret;

	rfm_progress("taking %u CPUs", s->cpu_count ? s->cpu_count : cpus_count(&cpus));
	ret = dev_add_cpus(fd, &cpus, s->cpu_count, false, &msg);
	if (ret == -EIO)
		return rfm_fail_quarantine(msg.text);
	if (ret == -ENODEV)
		return rfm_fail(RFM_CONFLICT, "%s", *msg.text ? msg.text :
				"there are not that many CPUs to be had; rfm resources shows who owns what");
	return ret ? rfm_fail_errno(ret, msg.text, "cannot take the CPUs") : 0;
}

static int take_pci(int fd, const struct settings *s)
{
	struct dev_msg msg;
	unsigned int i;
	char bdf[24];
	int ret;

	for (i = 0; i < s->nr_pci; i++) {
		units_bdf(s->pci[i], bdf, sizeof(bdf));
		rfm_progress("taking %s", bdf);
		ret = dev_add_pci(fd, s->pci[i], false, &msg);
		if (ret)
			return rfm_fail_errno(ret, msg.text, "cannot take the PCI function %s",
					      bdf);
	}
	return 0;
}

static int set_priority(int fd, const struct settings *s)
{
	int ret = s->priority ? dev_priority(fd, s->priority) : 0;

	return ret ? rfm_fail_errno(ret, NULL, "cannot set the priority") : 0;
}

static int set_policy(int fd, const struct settings *s)
{
	return policy_apply(fd, &s->policy);
}

static int take_all(int fd, const struct settings *s)
{
	static int (*const take[])(int fd, const struct settings *s) = {
		set_priority, set_policy, take_cpus, take_memory, take_pci,
	};
	unsigned int i;
	int ret = 0;

	for (i = 0; !ret && i < sizeof(take) / sizeof(*take); i++)
		ret = rfm.interrupted ? rfm_fail(RFM_INTERRUPTED, "interrupted") : take[i](fd, s);
	return ret;
}

/* Everything up to the start; whatever fails, closing @fd undoes it. */
static int build(int fd, unsigned int id, const struct settings *s, struct boot *b)
{
	int ret;

	ret = take_all(fd, s);
	if (!ret)
		ret = boot_load(b, fd);
	if (!ret)
		ret = devices_start(s);
	if (!ret && rfm.interrupted)
		ret = rfm_fail(RFM_INTERRUPTED, "interrupted");
	if (ret)
		return ret;
	ret = settings_save(s, id);
	if (ret)
		rfm_warn("cannot keep the settings in %s (%s): rfm restart will not know them",
			 sysroot_run_dir(), strerror(-ret));
	ret = boot_start(fd);
	if (ret)
		settings_remove(s->name);
	return ret;
}

/* Ctrl-C while it boots: the create was not finished, so nothing of it stays. */
static int give_up(int fd, const struct settings *s)
{
	struct dev_msg msg;
	int ret;

	rfm_progress("interrupted, destroying");
	ret = dev_destroy(fd, true, 0, &msg);
	if (ret && ret != -ENOENT)
		return rfm_fail(RFM_PARTIAL, "interrupted, and destroying it failed: %s; rfm list shows what is left",
				*msg.text ? msg.text : strerror(-ret));
	settings_remove(s->name);
	return rfm_fail(RFM_INTERRUPTED, "interrupted; everything was given back");
}

/* A bare subOS has nobody inside who could say that init runs. */
static int await(int fd, const struct request *r, const struct settings *s)
{
	int ret;

	if (r->no_wait || s->bare)
		return 0;
	ret = boot_wait(fd, r->timeout_s * 1000);
	return ret == RFM_INTERRUPTED ? give_up(fd, s) : ret;
}

static void report(int fd)
{
	char cpus[4096], size[24];
	struct rf_info info;

	if (dev_info(fd, &info))
		return;
	rfm_progress_end();
	if (rfm.json) {
		struct json_object *json = fmt_json();

		json_object_object_add(json, "subos", fmt_info(&info));
		fmt_json_print(json);
		return;
	}
	printf("%s is %s: CPUs %s, %s%s%s\n", info.name, fmt_state(info.state),
	       units_cpus((const struct cpus *)info.cpumask, cpus, sizeof(cpus)),
	       units_size(info.mem_bytes, size, sizeof(size)), *info.kernel ? ", kernel " : "",
	       info.kernel);
}

static void advise(const struct settings *s, const struct boot *b)
{
	unsigned int nr = s->cpu_count ? s->cpu_count : cpus_count(&s->cpus);
	char size[24];

	if (nr > 1 && s->memory / nr < 512ULL << 20)
		rfm_warn("less than 512M for each of %u CPUs: large mappings will queue inside",
			 nr);
	if (s->memory % RF_GRAIN)
		rfm_warn("memory changes owner in pieces of 128M: it gets %s",
			 units_size(s->memory - s->memory % RF_GRAIN + RF_GRAIN, size,
				    sizeof(size)));
	if (s->bare)
		rfm_warn("--unsafe-bare: a reboot or crash inside can reset the whole machine");
	if (rfm_image_lacks(s->kernel, b->image.release, "X86_MCE"))
		rfm_warn("kernel %s has no X86_MCE: a machine check resets the whole machine",
			 b->image.release);
}

static int create(int dev, const struct request *r, const struct settings *s, struct boot *b)
{
	struct dev_msg msg;
	unsigned int id;
	bool built;
	int fd, ret;

	fd = dev_create(dev, s->name, &id, &msg);
	if (fd == -EEXIST)
		return rfm_fail(RFM_CONFLICT,
				"there is a subOS of this name; choose another, or rfm destroy %s",
				s->name);
	if (fd < 0)
		return rfm_fail_errno(fd, msg.text, "cannot create a subOS");
	ret = build(fd, id, s, b);
	built = !ret;
	if (!ret) {
		advise(s, b);
		ret = await(fd, r, s);
	}
	if (!ret)
		report(fd);
	close(fd);
	if (!built && s->nr_devices)
		devices_await_end(s->name);
	return ret;
}

/* For all that can be wrong; a dry run for all that is. */
static int look(int dev, const struct request *r, struct settings *s, struct boot *b)
{
	int ret, image;

	if (r->dry_run)
		precheck_begin();
	ret = devices_parse(s, &r->text, r->dry_run);
	if (ret && !r->dry_run)
		return ret;
	image = boot_prepare(b, s, r->dry_run);
	ret = ret ? ret : image;
	if (ret && !r->dry_run)
		return ret;
	return precheck(dev, s, r->dry_run, b->image.version, ret);
}

static int run_request(const struct request *r, struct settings *s)
{
	struct boot b = { 0 };
	int dev, ret;

	s->bare = r->bare;
	s->bzimage = r->bzimage;
	if (s->bare && s->policy.on_crash != RF_ON_CRASH_KEEP)
		return rfm_fail(RFM_USAGE,
				"--on-crash %s: a bare subOS does not tell of a crash; leave --unsafe-bare or --on-crash out",
				policy_word(s->policy.on_crash));
	if (s->bare && r->text.nr_devices)
		return rfm_fail(RFM_USAGE,
				"--%s: a bare subOS has no module of ours that drives it; leave --unsafe-bare out",
				spec_word(r->text.device_kind[0]));
	dev = dev_connect();
	if (dev < 0)
		return -dev;
	ret = look(dev, r, s, &b);
	if (!ret && !r->dry_run)
		ret = create(dev, r, s, &b);
	boot_free(&b);
	close(dev);
	return ret;
}

static int run(const struct rfm_command *cmd, int argc, char **argv)
{
	struct request r = { .timeout_s = 120 };
	struct settings s = { 0 };
	int ret;

	rfm_catch_signals();
	ret = read_request(&r, cmd, argc, argv);
	if (!ret)
		ret = settings_parse(&s, &r.text);
	if (!ret)
		ret = run_request(&r, &s);
	settings_free(&s);
	return ret;
}

const struct rfm_command cmd_create = {
	.verb = "create", .args = "[NAME]", .summary = "Carve a subOS out of this machine and boot it",
	.text = "\nReturns when the init program of the subOS runs. NAME, --cpus and --memory must\n"
		"be given, here or in the configuration file. Example:\n\n"
		"  rfm create try --cpus 1 --memory 256M && rfm console try",
	.options = options, .run = run,
};
