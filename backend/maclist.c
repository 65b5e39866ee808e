// SPDX-License-Identifier: GPL-2.0-only
/* Files with the devices of subOSes. */
#include "maclist.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/rainforest_virtio.h>

int maclist_line(char *line, const char **name, struct spec *s)
{
	char err[SPEC_ERR_MAX], *number, *word;
	enum spec_kind kind;
	int n;

	line[strcspn(line, "\n")] = '\0';
	number = strsep(&line, "\t");
	*name = strsep(&line, "\t");
	word = strsep(&line, "\t");
	if (!word || !line)
		return -1;
	kind = spec_kind(word);
	n = atoi(number);
	if (kind == SPEC_KINDS || spec_parse(s, kind, line, err) || n >= RF_VIRTIO_DEVICES)
		return -1;
	return n;
}

static bool in_file(const char *path, const char *owner, maclist_fn *fn, void *data)
{
	char line[MACLIST_LINE];
	bool found = false;
	const char *name;
	struct spec s;
	FILE *f = fopen(path, "re");

	while (f && !found && fgets(line, sizeof(line), f))
		found = maclist_line(line, &name, &s) >= 0 && fn(owner, &s, data);
	if (f)
		fclose(f);
	return found;
}

bool maclist_find(const char *run, const char *but, maclist_fn *fn, void *data)
{
	char path[1024];
	bool found = false;
	struct dirent *e;
	DIR *dir = opendir(run);

	while (dir && !found && (e = readdir(dir))) {
		if (!strcmp(e->d_name, but) || strlen(e->d_name) >= MACLIST_NAME)
			continue;
		snprintf(path, sizeof(path), "%s/%s/devices", run, e->d_name);
		found = in_file(path, e->d_name, fn, data);
	}
	if (dir)
		closedir(dir);
	return found;
}

struct question {
	const uint8_t *mac;
	char *owner;
};

static bool has_mac(const char *owner, const struct spec *s, void *data)
{
	const struct question *q = data;

	if (s->kind != SPEC_NET || !s->has_mac || memcmp(s->mac, q->mac, sizeof(s->mac)))
		return false;
	strcpy(q->owner, owner);
	return true;
}

bool maclist_owner(const char *run, const char *but, const uint8_t mac[6],
		   char owner[MACLIST_NAME])
{
	struct question q = { mac, owner };

	return maclist_find(run, but, has_mac, &q);
}
