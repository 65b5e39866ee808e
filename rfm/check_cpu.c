// SPDX-License-Identifier: GPL-2.0-only
/* rfm check: processors, their topology, interrupt and DMA remapping. */
#include "check.h"

#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "sysroot.h"

/* Value of a key in the first paragraph of /proc/cpuinfo, in @buf. */
static bool cpuinfo(const char *text, const char *key, char *buf, size_t size)
{
	const char *at = strstr(text, key), *end;

	if (!at)
		return false;
	at = strchr(at, ':');
	end = at ? strchr(at, '\n') : NULL;
	if (!end)
		return false;
	snprintf(buf, size, "%.*s", (int)(end - at - 1), at + 1);
	return true;
}

static bool has_flag(const char *flags, const char *flag)
{
	char word[32];

	snprintf(word, sizeof(word), " %s ", flag);
	return strstr(flags, word) != NULL;
}

static void check_flags(struct report *r, const char *flags)
{
	if (!has_flag(flags, "lm") || !has_flag(flags, "apic"))
		check_fail(r, "cpu", "no 64-bit processor with a local APIC: nothing can be done");
	if (!has_flag(flags, "nx"))
		check_fail(r, "cpu", "no NX: switch it on in the firmware");
	if (!has_flag(flags, "constant_tsc") && !has_flag(flags, "tsc_known_freq"))
		check_warn(r, "tsc",
			   "the TSC's rate may change: clocks inside a subOS may drift");
	else
		check_ok(r, "tsc", "the TSC is constant");
	if (!has_flag(flags, "pdpe1gb"))
		check_warn(r, "cpu", "no pages of 1 GB: identity maps take more memory");
	check_ok(r, "paging", "%s", has_flag(flags, "la57") ? "five levels can be had" :
		 "four levels");
}

void check_processor(struct report *r)
{
	char text[16384], vendor[64], flags[8192];

	if (sysroot_read(text, sizeof(text), "/proc/cpuinfo") ||
	    !cpuinfo(text, "vendor_id", vendor, sizeof(vendor)) ||
	    !cpuinfo(text, "\nflags", flags, sizeof(flags) - 1)) {
		check_fail(r, "cpu", "/proc/cpuinfo tells no x86 processor");
		return;
	}
	strcat(flags, " ");
	if (strstr(vendor, "GenuineIntel") || strstr(vendor, "AuthenticAMD"))
		check_ok(r, "cpu", "vendor%s", vendor);
	else
		check_warn(r, "cpu", "vendor%s: nobody has tried it", vendor);
	check_flags(r, flags);
	check_ok(r, "apic", "x2APIC %s", has_flag(flags, "x2apic") ? "can be had" : "is not there");
}

static void check_smt(struct report *r)
{
	struct cpus siblings;
	char list[256];

	if (sysroot_read_cpus(&siblings,
			      "/sys/devices/system/cpu/cpu0/topology/thread_siblings_list"))
		return;
	if (cpus_count(&siblings) > 1)
		check_ok(r, "smt", "cores have %u threads (CPU 0 is one core with %s): they go together",
			 cpus_count(&siblings), units_cpus(&siblings, list, sizeof(list)));
	else
		check_ok(r, "smt", "each CPU is a core of its own");
}

void check_topology(struct report *r)
{
	struct cpus cpus;
	char list[1024];

	if (sysroot_read_cpus(&cpus, "/sys/devices/system/cpu/present")) {
		check_fail(r, "cpus", "/sys/devices/system/cpu cannot be read");
		return;
	}
	units_cpus(&cpus, list, sizeof(list));
	if (cpus_count(&cpus) < 2)
		check_fail(r, "cpus",
			   "there is one CPU only (%s): the supervisor keeps CPU 0, a subOS needs another",
			   list);
	else
		check_ok(r, "cpus", "%s are present; CPU 0 stays with the supervisor", list);
	check_smt(r);
}

static bool any_entry(const char *path)
{
	struct dirent *e;
	bool found = false;
	DIR *d;

	d = sysroot_opendir("%s", path);
	while (d && !found && (e = readdir(d)))
		found = e->d_name[0] != '.';
	if (d)
		closedir(d);
	return found;
}

/* The type of each group: identity lets DMA through untranslated. */
static bool any_translating_group(void)
{
	bool found = false;
	struct dirent *e;
	char type[32];
	DIR *d;

	d = sysroot_opendir("/sys/kernel/iommu_groups");
	while (d && !found && (e = readdir(d))) {
		if (e->d_name[0] == '.')
			continue;
		found = !sysroot_read(type, sizeof(type), "/sys/kernel/iommu_groups/%s/type",
				      e->d_name) && strncmp(type, "identity", 8);
	}
	if (d)
		closedir(d);
	return found;
}

/* Names of interrupt chips behind remapping begin with IR-. */
static bool remapped_interrupts(void)
{
	char line[16384], path[SYSROOT_PATH];
	bool found = false;
	FILE *f;

	f = fopen(sysroot_path(path, "/proc/interrupts"), "re");
	while (f && !found && fgets(line, sizeof(line), f))
		found = strstr(line, " IR-") != NULL;
	if (f)
		fclose(f);
	return found;
}

void check_iommu(struct report *r)
{
	if (remapped_interrupts())
		check_warn(r, "iommu",
			   "interrupts are remapped: no PCI function can be given; boot with intremap=off");
	else if (any_translating_group())
		check_warn(r, "iommu",
			   "an IOMMU translates: PCI functions behind it cannot be given; boot with iommu=pt");
	else if (any_entry("/sys/class/iommu"))
		check_ok(r, "iommu", "an IOMMU is there and lets DMA through");
	else
		check_ok(r, "iommu", "none: PCI functions can be given, nothing contains their DMA");
}
