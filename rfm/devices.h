/* SPDX-License-Identifier: GPL-2.0-only */
/* Virtio devices of a subOS, and the process that keeps them (backend/). */
#ifndef RFM_DEVICES_H
#define RFM_DEVICES_H

#include <json-c/json.h>
#include <stdbool.h>

#include "client.h"
#include "maclist.h"
#include "settings.h"

#define DEVICES_MS	15000	/* for a keeper to answer: the subOS may have to let go first */

/**
 * struct device_line - a device, as its keeper tells
 * @name: net0, disk1, ...
 * @kind: net, root, fs or disk
 * @state: what it is doing
 * @text: as it was given, and what was chosen for it
 */
struct device_line {
	const char *name;
	const char *kind;
	const char *state;
	const char *text;
};

/* All but the last return 0 or an enum rfm_exit, reported. */

/* Checks what was asked for, on this machine, @all or up to the first that cannot be; paths
 * become absolute.
 */
int devices_parse(struct settings *s, const struct settings_text *text, bool all);
/* One device; @s: as struct spec */
int devices_parse_one(struct spec *s, enum spec_kind kind, const char *text);

/* Warns when another subOS can write to the same directory, or to one in it or around it. */
void devices_warn_shared(const char *name, const struct spec *s);

/* Starts the keeper and tells it of all devices of @s; nothing without devices. */
int devices_start(const struct settings *s);
int devices_add(const char *name, const struct spec *s);
int devices_remove(const char *name, const char *device);

/* Starts the keeper again where one was killed. */
int devices_resume(const char *name);

/**
 * devices_list - the devices of a subOS
 * @name: its name
 * @answer: (out) what they are made of, CLIENT_TEXT_MAX bytes
 * @lines: (out) RF_VIRTIO_DEVICES of them
 *
 * Return: their number; 0 when there is no keeper.
 */
unsigned int devices_list(const char *name, char *answer, struct device_line *lines);

/* The subOS is gone: waits for its keeper to end, which takes milliseconds. */
void devices_await_end(const char *name);

#endif /* RFM_DEVICES_H */
