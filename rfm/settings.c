// SPDX-License-Identifier: GPL-2.0-only
/* What a subOS shall be: text to values. */
#include "settings.h"

#include <errno.h>
#include <linux/rainforest.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rfm.h"
#include "sysroot.h"

static const char *const key_names[KEY_MAX] = {
	[KEY_NAME] = "name",
	[KEY_CPUS] = "cpus",
	[KEY_MEMORY] = "memory",
	[KEY_KERNEL] = "kernel",
	[KEY_INITRD] = "initrd",
	[KEY_APPEND] = "append",
	[KEY_NODE] = "node",
	[KEY_PRIORITY] = "priority",
	[KEY_ON_CRASH] = "on-crash",
	[KEY_MAX_CPUS] = "max-cpus",
	[KEY_MAX_MEMORY] = "max-memory",
};

int settings_set(struct settings_text *text, const char *key, const char *value)
{
	unsigned int i;

	if (!strcmp(key, "pci")) {
		if (text->nr_pci == RF_WIRE_PCI)
			return -E2BIG;
		text->pci[text->nr_pci++] = value;
		return 0;
	}
	if (spec_kind(key) != SPEC_KINDS) {
		if (text->nr_devices == RF_VIRTIO_DEVICES)
			return -E2BIG;
		text->device_kind[text->nr_devices] = spec_kind(key);
		text->device[text->nr_devices++] = value;
		return 0;
	}
	for (i = 0; i < KEY_MAX; i++) {
		if (strcmp(key, key_names[i]))
			continue;
		if (text->value[i])
			return -EEXIST;
		text->value[i] = value;
		return 0;
	}
	return -ENOENT;
}

void settings_merge(struct settings_text *text, const struct settings_text *defaults)
{
	unsigned int i;

	for (i = 0; i < KEY_MAX; i++)
		if (!text->value[i])
			text->value[i] = defaults->value[i];
	if (!text->nr_pci) {
		memcpy(text->pci, defaults->pci, sizeof(text->pci));
		text->nr_pci = defaults->nr_pci;
	}
	if (!text->nr_devices) {
		memcpy(text->device, defaults->device, sizeof(text->device));
		memcpy(text->device_kind, defaults->device_kind, sizeof(text->device_kind));
		text->nr_devices = defaults->nr_devices;
	}
}

static int parse_name(struct settings *s, const char *name)
{
	if (!name)
		return rfm_fail(RFM_USAGE, "a name is needed: rfm create NAME ...");
	if (!units_valid_name(name))
		return rfm_fail(RFM_USAGE, "'%s' is no name for a subOS; " UNITS_NAME_RULE, name);
	if (!strcmp(name, "supervisor"))
		return rfm_fail(RFM_USAGE, "supervisor is the name of this kernel itself; take another");
	s->name = strdup(name);
	rfm.object = s->name;
	return 0;
}

/* "2" is a number of CPUs, "2-3", "2,4" and "2-2" are lists. */
static int parse_cpus(struct settings *s, const char *text)
{
	long count;
	int ret;

	if (!text)
		return rfm_fail(RFM_USAGE, "CPUs are needed: --cpus 2 for any two, --cpus 2-3 for these");
	if (!strpbrk(text, "-,")) {
		ret = units_parse_number(text, 1, RF_WIRE_CPUS, &count);
		if (!ret)
			s->cpu_count = count;
	} else {
		ret = units_parse_cpus(text, &s->cpus);
	}
	if (ret == -ERANGE)
		return rfm_fail(RFM_USAGE, "--cpus %s: a subOS can have 1 to %d CPUs, below number %d",
				text, RF_WIRE_CPUS, UNITS_CPUS);
	if (ret)
		return rfm_fail(RFM_USAGE,
				"--cpus %s: neither a number of CPUs (2) nor a list of them (2-3,6)",
				text);
	return 0;
}

static int parse_memory(struct settings *s, const char *text)
{
	int ret;

	if (!text)
		return rfm_fail(RFM_USAGE, "memory is needed: --memory 1G");
	ret = units_parse_size(text, &s->memory);
	if (ret == -ERANGE || (!ret && s->memory > 1ULL << 46))
		return rfm_fail(RFM_USAGE, "--memory %s: no machine has that much", text);
	if (ret)
		return rfm_fail(RFM_USAGE, "--memory %s: no size; write 512M or 2G", text);
	if (!s->memory)
		return rfm_fail(RFM_USAGE, "--memory 0: a subOS needs memory; write 512M or 2G");
	return 0;
}

static int parse_node(struct settings *s, const char *text)
{
	long node = -1;

	if (text && units_parse_number(text, 0, 1023, &node))
		return rfm_fail(RFM_USAGE, "--node %s: no number of a NUMA node", text);
	if (text && !sysroot_exists("/sys/devices/system/node/node%ld", node))
		return rfm_fail(RFM_NOT_FOUND,
				"there is no NUMA node %ld; leave --node out for any", node);
	s->node = node;
	return 0;
}

static int parse_priority(struct settings *s, const char *text)
{
	long priority = 0;

	if (text && units_parse_number(text, -100, 100, &priority))
		return rfm_fail(RFM_USAGE, "--priority %s: write -100 to 100", text);
	s->priority = priority;
	return 0;
}

static int parse_policy(struct settings *s, const struct settings_text *text)
{
	int ret;

	ret = policy_parse_on_crash(&s->policy, text->value[KEY_ON_CRASH]);
	if (!ret)
		ret = policy_parse_max_cpus(&s->policy, text->value[KEY_MAX_CPUS]);
	if (!ret)
		ret = policy_parse_max_memory(&s->policy, text->value[KEY_MAX_MEMORY]);
	return ret;
}

static int parse_pci(struct settings *s, const struct settings_text *text)
{
	unsigned int i, k;

	for (i = 0; i < text->nr_pci; i++) {
		if (units_parse_bdf(text->pci[i], &s->pci[i]))
			return rfm_fail(RFM_USAGE,
					"--pci %s: no PCI address; write 0000:00:04.0 (lspci -D lists them)",
					text->pci[i]);
		for (k = 0; k < i; k++)
			if (s->pci[k] == s->pci[i])
				return rfm_fail(RFM_USAGE, "--pci %s: named twice", text->pci[i]);
	}
	s->nr_pci = text->nr_pci;
	return 0;
}

/* Paths are kept absolute: rfm restart may run elsewhere. */
static char *absolute(const char *path)
{
	char *full = realpath(path, NULL);

	return full ? full : strdup(path);
}

static bool has_root(const struct settings_text *text)
{
	unsigned int i;

	for (i = 0; i < text->nr_devices; i++)
		if (text->device_kind[i] == SPEC_ROOT)
			return true;
	return false;
}

static int parse_files(struct settings *s, const struct settings_text *text)
{
	char release[128], path[SYSROOT_PATH];
	const char *kernel = text->value[KEY_KERNEL], *initrd = text->value[KEY_INITRD];

	if (!kernel) {
		if (sysroot_release(release, sizeof(release)))
			return rfm_fail(RFM_FAILED,
					"cannot tell the running kernel; name one with --kernel");
		kernel = sysroot_path(path, "/boot/vmlinuz-%s", release);
	}
	s->kernel = absolute(kernel);
	if (!initrd && has_root(text))	/* the overlay mounts it */
		return 0;
	if (!initrd) {
		snprintf(path, sizeof(path), "%s/initrd-default", sysroot_lib_dir());
		initrd = path;
	}
	s->initrd = absolute(initrd);
	return 0;
}

/* Where its root is, the subOS learns from its command line. */
static int add_root(struct settings *s)
{
	char *line;

	if (asprintf(&line, "%s%srf.root=root", s->append ? s->append : "",
		     s->append ? " " : "") < 0)
		return rfm_fail(RFM_FAILED, "out of memory");
	free(s->append);
	s->append = line;
	return 0;
}

static int parse_append(struct settings *s, const char *append)
{
	if (!append)
		return 0;
	if (strlen(append) > RF_CMDLINE_MAX)
		return rfm_fail(RFM_USAGE, "--append: %zu bytes are too long, %d is the limit",
				strlen(append), RF_CMDLINE_MAX);
	if (strpbrk(append, "\n\r"))
		return rfm_fail(RFM_USAGE, "--append: a kernel command line is one line");
	s->append = strdup(append);
	return 0;
}

int settings_parse(struct settings *s, const struct settings_text *text)
{
	int ret;

	memset(s, 0, sizeof(*s));
	ret = parse_name(s, text->value[KEY_NAME]);
	if (!ret)
		ret = parse_cpus(s, text->value[KEY_CPUS]);
	if (!ret)
		ret = parse_memory(s, text->value[KEY_MEMORY]);
	if (!ret)
		ret = parse_node(s, text->value[KEY_NODE]);
	if (!ret)
		ret = parse_priority(s, text->value[KEY_PRIORITY]);
	if (!ret)
		ret = parse_policy(s, text);
	if (!ret)
		ret = parse_pci(s, text);
	if (!ret)
		ret = parse_append(s, text->value[KEY_APPEND]);
	if (!ret && has_root(text))
		ret = add_root(s);
	if (!ret)
		ret = parse_files(s, text);
	return ret;
}

void settings_free(struct settings *s)
{
	if (rfm.object == s->name)
		rfm.object = NULL;
	free(s->name);
	free(s->kernel);
	free(s->initrd);
	free(s->append);
	free(s->devices);
	memset(s, 0, sizeof(*s));
}
