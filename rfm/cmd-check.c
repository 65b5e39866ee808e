// SPDX-License-Identifier: GPL-2.0-only
/* rfm check: can this machine do it, and if not, why? */
#include "commands.h"

#include <dirent.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <linux/rainforest_wire.h>

#include "check.h"
#include "dev.h"
#include "fmt.h"
#include "overlay.h"
#include "sysroot.h"

static const struct rfm_option options[] = { RFM_OPTION_JSON, { 0 } };

static const struct fmt_column columns[] = {
	{ "status", "STATUS", false },
	{ "check", "CHECK", false },
	{ "detail", "DETAIL", false },
};

struct report {
	struct fmt_table *table;
	unsigned int failed;
};

static void add(struct report *r, const char *status, const char *check, const char *format,
		va_list ap)
{
	char text[512];

	vsnprintf(text, sizeof(text), format, ap);
	fmt_row(r->table);
	fmt_text(r->table, status);
	fmt_text(r->table, check);
	fmt_text(r->table, text);
}

void check_ok(struct report *r, const char *check, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	add(r, "ok", check, format, ap);
	va_end(ap);
}

void check_warn(struct report *r, const char *check, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	add(r, "warn", check, format, ap);
	va_end(ap);
}

void check_fail(struct report *r, const char *check, const char *format, ...)
{
	va_list ap;

	r->failed++;
	va_start(ap, format);
	add(r, "fail", check, format, ap);
	va_end(ap);
}

static void check_root(struct report *r)
{
	if (*sysroot_prefix())
		return;		/* a recorded machine has no user */
	if (geteuid())
		check_fail(r, "root", "this is not root: use sudo");
	else
		check_ok(r, "root", "this is root");
}

static void check_abi(struct report *r)
{
	struct rf_version v = { 0 };
	int dev, ret;

	dev = dev_open();
	if (dev < 0) {
		check_fail(r, "module", "rfcontroller is loaded, but /dev/rainforest: %s",
			   strerror(-dev));
		return;
	}
	ret = dev_version(dev, &v);
	close(dev);
	v.version[sizeof(v.version) - 1] = '\0';
	if (ret || v.abi != RF_ABI_VERSION || v.wire != RF_WIRE_VERSION)
		check_fail(r, "module",
			   "module %s has ABI %u.%u, rfm %s has %d.%d: install both from one release",
			   v.version, v.abi, v.wire, RFM_VERSION, RF_ABI_VERSION, RF_WIRE_VERSION);
	else
		check_ok(r, "module", "rfcontroller %s is loaded, ABI %u.%u", v.version, v.abi,
			 v.wire);
}

static void check_module(struct report *r)
{
	if (!sysroot_exists("/sys/module/rfcontroller"))
		check_warn(r, "module", "rfcontroller is not loaded: modprobe rfcontroller");
	else if (*sysroot_prefix())
		check_ok(r, "module", "rfcontroller is loaded");
	else
		check_abi(r);
}

/* Secure Boot, or sig_enforce: then our module must carry a signature. */
static void check_lockdown(struct report *r)
{
	bool loaded = sysroot_exists("/sys/module/rfcontroller");
	char lockdown[128] = "", enforce[8] = "";
	bool locked;

	sysroot_read(lockdown, sizeof(lockdown), "/sys/kernel/security/lockdown");
	sysroot_read(enforce, sizeof(enforce), "/sys/module/module/parameters/sig_enforce");
	locked = *lockdown && !strstr(lockdown, "[none]");
	if (!locked && *enforce != 'Y')
		check_ok(r, "lockdown", "modules need no signature");
	else if (loaded)
		check_ok(r, "lockdown", "modules need a signature, and ours has one");
	else
		check_fail(r, "lockdown",
			   "%s: sign the modules with a key of yours (mokutil --import KEY.der, then scripts/sign-file sha256 KEY.priv KEY.der MODULE.ko), or switch Secure Boot off",
			   locked ? "the kernel is locked down (Secure Boot)" :
			   "the kernel enforces module signatures");
}

static void check_crash_kernel(struct report *r)
{
	char text[8] = "0";

	sysroot_read(text, sizeof(text), "/sys/kernel/kexec_crash_loaded");
	if (*text == '1')
		check_warn(r, "kdump",
			   "a crash kernel is loaded: after a supervisor panic it probes devices that subOSes own; kdump-config unload");
	else
		check_ok(r, "kdump", "no crash kernel is loaded");
}

static void check_kvm(struct report *r)
{
	if (sysroot_exists("/sys/module/kvm_intel"))
		check_warn(r, "kvm",
			   "kvm_intel is loaded: no harm here, but inside a subOS it keeps cores from being taken back");
	else
		check_ok(r, "kvm", "kvm_intel is not loaded");
}

static void check_memory(struct report *r)
{
	char text[4096], *at, size[24], block[24], grain[32];
	unsigned long long kb, bytes = 0;

	if (sysroot_read(text, sizeof(text), "/proc/meminfo")) {
		check_fail(r, "memory", "/proc/meminfo cannot be read");
		return;
	}
	at = strstr(text, "MemAvailable:");
	kb = at ? strtoull(at + 13, NULL, 10) : 0;
	if (!sysroot_read(block, sizeof(block), "/sys/devices/system/memory/block_size_bytes"))
		bytes = strtoull(block, NULL, 16);
	units_size(kb << 10, size, sizeof(size));
	units_size(bytes, grain, sizeof(grain));
	if (kb << 10 < 2 * RF_GRAIN)
		check_fail(r, "memory", "only %s are available: a subOS needs 128M at least", size);
	else
		check_ok(r, "memory", "%s are available; memory blocks of %s", size, grain);
}

/* A kernel in /boot can boot in a subOS when our modules were built for it. */
static void check_kernels(struct report *r)
{
	unsigned int able = 0;
	struct dirent *e;
	DIR *d;

	d = sysroot_opendir("/boot");
	while (d && (e = readdir(d))) {
		const char *release = e->d_name + 8, *missing;

		if (strncmp(e->d_name, "vmlinuz-", 8))
			continue;
		missing = rfm_overlay_missing(sysroot_lib_dir(), release);
		if (!missing) {
			able++;
			check_ok(r, "kernel", "%s can boot in a subOS", release);
		} else {
			check_warn(r, "kernel",
				   "%s has no %s: install linux-headers-%s and run make install",
				   release, missing, release);
		}
	}
	if (d)
		closedir(d);
	if (!able)
		check_fail(r, "kernel", "no kernel in /boot has an rfsubos.ko in %s/modules",
			   sysroot_lib_dir());
}

static void check_files(struct report *r)
{
	static const char *const names[] = { "init", "agent", "initrd-default" };
	char path[SYSROOT_PATH];
	unsigned int i;

	for (i = 0; i < sizeof(names) / sizeof(*names); i++) {
		snprintf(path, sizeof(path), "%s/%s", sysroot_lib_dir(), names[i]);
		if (access(path, R_OK))
			check_fail(r, "files", "%s is missing: run make install", path);
		else
			check_ok(r, "files", "%s is there", path);
	}
}

static int run(const struct rfm_command *cmd, int argc, char **argv)
{
	struct report r = { 0 };

	if (rfm_no_options(cmd, argc, argv, 0))
		return RFM_USAGE;
	r.table = fmt_table_new("checks", columns, sizeof(columns) / sizeof(*columns));
	check_root(&r);
	check_module(&r);
	check_lockdown(&r);
	check_processor(&r);
	check_topology(&r);
	check_memory(&r);
	check_iommu(&r);
	check_crash_kernel(&r);
	check_kvm(&r);
	check_kernels(&r);
	check_files(&r);
	fmt_table_print(r.table);
	return r.failed ? RFM_FAILED : RFM_OK;
}

const struct rfm_command cmd_check = {
	.verb = "check", .args = "", .summary = "Tell whether this machine can do it, and if not why",
	.text = "\nExit code 1 when a line says fail. rfm --sysroot DIR check looks at a recorded machine.",
	.options = options, .run = run,
};
