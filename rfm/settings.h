/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a subOS shall be: from the command line and a configuration file, and
 * kept in /run/rainforest/NAME.json for rfm restart.
 */
#ifndef RFM_SETTINGS_H
#define RFM_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>

#include <linux/rainforest_virtio.h>
#include <linux/rainforest_wire.h>

#include "policy.h"
#include "spec.h"
#include "units.h"

/* Keys of a configuration file; each is an option of rfm create, too. */
enum settings_key {
	KEY_NAME, KEY_CPUS, KEY_MEMORY, KEY_KERNEL, KEY_INITRD, KEY_APPEND, KEY_NODE,
	KEY_PRIORITY, KEY_ON_CRASH, KEY_MAX_CPUS, KEY_MAX_MEMORY, KEY_MAX,
};

/**
 * struct settings_text - settings as somebody wrote them
 * @value: text for each key, NULL where there is none
 * @pci: PCI functions
 * @nr_pci: their number
 * @device: virtio devices
 * @device_kind: what each is
 * @nr_devices: their number
 */
struct settings_text {
	const char *value[KEY_MAX];
	const char *pci[RF_WIRE_PCI];
	unsigned int nr_pci;
	const char *device[RF_VIRTIO_DEVICES];
	enum spec_kind device_kind[RF_VIRTIO_DEVICES];
	unsigned int nr_devices;
};

/**
 * struct settings - what a subOS shall be
 * @name: name
 * @kernel: path of the image
 * @initrd: path, NULL for none
 * @append: command line, NULL for none
 * @cpus: CPUs wanted, empty when @cpu_count says how many
 * @cpu_count: see @cpus
 * @memory: bytes
 * @node: NUMA node, -1 for any
 * @priority: who may take from whom, see struct rf_priority
 * @policy: what happens to it without the operator
 * @pci: segment << 16 | bus << 8 | devfn
 * @nr_pci: length of @pci
 * @devices: virtio devices, for a create; their keeper has them afterwards
 * @nr_devices: length of @devices
 * @bare: no module of ours inside
 * @bzimage: start at the bzImage's own entry
 */
struct settings {
	char *name;
	char *kernel;
	char *initrd;
	char *append;
	struct cpus cpus;
	unsigned int cpu_count;
	uint64_t memory;
	int node;
	int priority;
	struct policy policy;
	uint32_t pci[RF_WIRE_PCI];
	unsigned int nr_pci;
	struct spec *devices;
	unsigned int nr_devices;
	bool bare;
	bool bzimage;
};

/* config.c: fills @text from a file. Returns 0 or an enum rfm_exit, reported. */
int config_read(struct settings_text *text, const char *path);
/* Sets a key; @key as in a configuration file. Return 0, -ENOENT, -EEXIST, -E2BIG. */
int settings_set(struct settings_text *text, const char *key, const char *value);

/* Fills what @text leaves open from @defaults. */
void settings_merge(struct settings_text *text, const struct settings_text *defaults);
/* Checks every value. Returns 0 or an enum rfm_exit, reported; free in both cases. */
int settings_parse(struct settings *s, const struct settings_text *text);
void settings_free(struct settings *s);

/* Kept while the subOS lives; the id tells an old file from a new one. */
int settings_save(const struct settings *s, unsigned int id);
int settings_load(struct settings *s, const char *name, unsigned int id);
void settings_remove(const char *name);

#endif /* RFM_SETTINGS_H */
