// SPDX-License-Identifier: GPL-2.0-only
/* Is a PCI function there, idle, and fit to be given to a subOS? */
#include "precheck.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "rfm.h"
#include "sysroot.h"

#define PCI_STATUS		0x06
#define PCI_STATUS_CAP_LIST	0x10
#define PCI_CAPABILITY_LIST	0x34
#define PCI_CAP_ID_MSI		0x05
#define PCI_CAP_ID_MSIX		0x11

/* Configuration space: walk the list of capabilities, 48 at most fit in it. */
static bool has_msi(const unsigned char *config, long size)
{
	unsigned int at, steps;

	if (size < 64 || !(config[PCI_STATUS] & PCI_STATUS_CAP_LIST))
		return false;
	at = config[PCI_CAPABILITY_LIST] & ~3;
	for (steps = 0; steps < 48 && at >= 64 && at + 1 < size; steps++) {
		if (config[at] == PCI_CAP_ID_MSI || config[at] == PCI_CAP_ID_MSIX)
			return true;
		at = config[at + 1] & ~3;
	}
	return false;
}

static void check_fitness(struct conflicts *c, const char *bdf)
{
	unsigned char config[256];
	char text[64], path[128];
	long n;

	if (!sysroot_read(text, sizeof(text), "/sys/bus/pci/devices/%s/class", bdf) &&
	    !strncmp(text, "0x06", 4)) {
		conflict(c, RFM_CONFLICT, "PCI function %s is a bridge; give what stands behind it",
			 bdf);
		return;
	}
	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/config", bdf);
	n = sysroot_read_bytes(config, sizeof(config), path);
	if (n > 64 && !has_msi(config, n))	/* without root only 64 bytes can be read */
		conflict(c, RFM_CONFLICT,
			 "PCI function %s has neither MSI nor MSI-X, which a subOS needs; choose another",
			 bdf);
	if (!sysroot_exists("/sys/bus/pci/devices/%s/reset_method", bdf))
		conflict(c, RFM_CONFLICT,
			 "PCI function %s cannot be reset, so it could not be taken back; choose another",
			 bdf);
	if (!sysroot_read(text, sizeof(text), "/sys/bus/pci/devices/%s/iommu_group/type", bdf) &&
	    strncmp(text, "identity", 8))
		conflict(c, RFM_CONFLICT,
			 "PCI function %s stands behind a translating IOMMU; boot the supervisor with iommu=pt",
			 bdf);
}

/* Does /sys/class/CLASS/NAME lie below the function? */
static bool below(const char *class, const char *name, const char *bdf)
{
	char path[SYSROOT_PATH], real[PATH_MAX], part[32];

	sysroot_path(path, "/sys/class/%s/%s", class, name);
	if (!realpath(path, real))
		return false;
	snprintf(part, sizeof(part), "/%s/", bdf);
	return strstr(real, part) != NULL;
}

/* The line of /proc/self/mountinfo or /proc/swaps that names the disk. */
static bool mounted(const char *name, char *where, size_t size)
{
	char line[1024], at[200], number[32], path[SYSROOT_PATH], want[64];
	bool found = false;
	FILE *f;

	if (sysroot_read(number, sizeof(number), "/sys/class/block/%s/dev", name))
		return false;
	snprintf(want, sizeof(want), " %s ", number);
	f = fopen(sysroot_path(path, "/proc/self/mountinfo"), "re");
	while (f && !found && fgets(line, sizeof(line), f))
		found = strstr(line, want) && sscanf(line, "%*s %*s %*s %*s %199s", at) == 1;
	if (found)
		snprintf(where, size, "%s", at);
	if (f)
		fclose(f);
	return found;
}

static bool swapped(const char *name)
{
	char line[1024], path[SYSROOT_PATH], want[64];
	bool found = false;
	FILE *f;

	snprintf(want, sizeof(want), "/dev/%s ", name);
	f = fopen(sysroot_path(path, "/proc/swaps"), "re");
	while (f && !found && fgets(line, sizeof(line), f))
		found = !strncmp(line, want, strlen(want));
	if (f)
		fclose(f);
	return found;
}

static bool has_holder(const char *name)
{
	struct dirent *e;
	bool found = false;
	DIR *d;

	d = sysroot_opendir("/sys/class/block/%s/holders", name);
	while (d && !found && (e = readdir(d)))
		found = e->d_name[0] != '.';
	if (d)
		closedir(d);
	return found;
}

static void check_disk(struct conflicts *c, const char *bdf, const char *name)
{
	char where[256];

	if (mounted(name, where, sizeof(where)))
		conflict(c, RFM_CONFLICT,
			 "PCI function %s carries %s, mounted on %s; umount it first", bdf, name,
			 where);
	else if (swapped(name))
		conflict(c, RFM_CONFLICT, "PCI function %s carries %s, in use as swap; swapoff it first",
			 bdf, name);
	else if (has_holder(name))
		conflict(c, RFM_CONFLICT,
			 "PCI function %s carries %s, part of a RAID or mapped device; stop that first",
			 bdf, name);
}

static void check_net(struct conflicts *c, const char *bdf, const char *name)
{
	char flags[32];

	if (!sysroot_read(flags, sizeof(flags), "/sys/class/net/%s/flags", name) &&
	    strtoul(flags, NULL, 16) & 1)	/* IFF_UP */
		conflict(c, RFM_CONFLICT,
			 "PCI function %s carries network interface %s, which is up; ip link set %s down first",
			 bdf, name, name);
}

static void each_below(struct conflicts *c, const char *class, const char *bdf,
		       void (*check)(struct conflicts *c, const char *bdf, const char *name))
{
	struct dirent *e;
	DIR *d;

	d = sysroot_opendir("/sys/class/%s", class);
	while (d && (e = readdir(d)))
		if (e->d_name[0] != '.' && below(class, e->d_name, bdf))
			check(c, bdf, e->d_name);
	if (d)
		closedir(d);
}

void precheck_pci(struct conflicts *c, uint32_t address)
{
	char bdf[24];

	units_bdf(address, bdf, sizeof(bdf));
	if (!sysroot_exists("/sys/bus/pci/devices/%s", bdf)) {
		conflict(c, RFM_NOT_FOUND, "there is no PCI function %s; lspci -D lists them", bdf);
		return;
	}
	check_fitness(c, bdf);
	each_below(c, "block", bdf, check_disk);
	each_below(c, "net", bdf, check_net);
}
