// SPDX-License-Identifier: GPL-2.0-only
/*
 * Settings of the subOSes that live, one JSON file each in /run/rainforest:
 * rfm restart boots from them. The id in the file tells whether it belongs to
 * the subOS that has the name now.
 */
#include "settings.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sysroot.h"

static const char *file(char *path, const char *name)
{
	snprintf(path, SYSROOT_PATH, "%s/%s.json", sysroot_run_dir(), name);
	return path;
}

static void put_text(struct json_object *json, const char *key, const char *text)
{
	if (text)
		json_object_object_add(json, key, json_object_new_string(text));
}

static struct json_object *to_json(const struct settings *s, unsigned int id)
{
	struct json_object *json = json_object_new_object(), *pci = json_object_new_array();
	unsigned int i;

	json_object_object_add(json, "id", json_object_new_uint64(id));
	put_text(json, "kernel", s->kernel);
	put_text(json, "initrd", s->initrd);
	put_text(json, "append", s->append);
	json_object_object_add(json, "memory", json_object_new_uint64(s->memory));
	json_object_object_add(json, "bare", json_object_new_boolean(s->bare));
	json_object_object_add(json, "bzimage", json_object_new_boolean(s->bzimage));
	for (i = 0; i < s->nr_pci; i++)
		json_object_array_add(pci, json_object_new_uint64(s->pci[i]));
	json_object_object_add(json, "pci", pci);
	return json;
}

int settings_save(const struct settings *s, unsigned int id)
{
	struct json_object *json = to_json(s, id);
	char path[SYSROOT_PATH], part[SYSROOT_PATH + 8];
	int ret = 0;

	if (mkdir(sysroot_run_dir(), 0700) && errno != EEXIST)
		ret = -errno;
	/* never half a file: written beside, then renamed */
	snprintf(part, sizeof(part), "%s.%u", file(path, s->name), id);
	if (!ret && json_object_to_file_ext(part, json, JSON_C_TO_STRING_PRETTY |
					     JSON_C_TO_STRING_SPACED |
					     JSON_C_TO_STRING_NOSLASHESCAPE))
		ret = -EIO;
	if (!ret && rename(part, path))
		ret = -errno;
	json_object_put(json);
	return ret;
}

static char *get_text(struct json_object *json, const char *key)
{
	struct json_object *o;

	if (!json_object_object_get_ex(json, key, &o))
		return NULL;
	return strdup(json_object_get_string(o));
}

static uint64_t get_number(struct json_object *json, const char *key)
{
	struct json_object *o;

	return json_object_object_get_ex(json, key, &o) ? json_object_get_uint64(o) : 0;
}

static void from_json(struct settings *s, struct json_object *json)
{
	struct json_object *pci;

	s->kernel = get_text(json, "kernel");
	s->initrd = get_text(json, "initrd");
	s->append = get_text(json, "append");
	s->memory = get_number(json, "memory");
	s->bare = get_number(json, "bare");
	s->bzimage = get_number(json, "bzimage");
	s->node = -1;
	if (!json_object_object_get_ex(json, "pci", &pci))
		return;
	for (; s->nr_pci < json_object_array_length(pci) && s->nr_pci < RF_WIRE_PCI; s->nr_pci++)
		s->pci[s->nr_pci] =
			json_object_get_uint64(json_object_array_get_idx(pci, s->nr_pci));
}

int settings_load(struct settings *s, const char *name, unsigned int id)
{
	char path[SYSROOT_PATH];
	struct json_object *json;
	int ret = 0;

	memset(s, 0, sizeof(*s));
	json = json_object_from_file(file(path, name));
	if (!json)
		return -ENOENT;
	if (json_object_get_type(json) != json_type_object || get_number(json, "id") != id)
		ret = -ESTALE;
	if (!ret) {
		s->name = strdup(name);
		from_json(s, json);
	}
	json_object_put(json);
	return ret;
}

void settings_remove(const char *name)
{
	char path[SYSROOT_PATH];

	unlink(file(path, name));
}
