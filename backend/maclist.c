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

static bool file_has(const char *path, const uint8_t mac[6])
{
	char line[MACLIST_LINE];
	bool found = false;
	const char *name;
	struct spec s;
	FILE *f = fopen(path, "re");

	while (f && !found && fgets(line, sizeof(line), f))
		found = maclist_line(line, &name, &s) >= 0 && s.kind == SPEC_NET && s.has_mac &&
			!memcmp(s.mac, mac, 6);
	if (f)
		fclose(f);
	return found;
}

bool maclist_owner(const char *run, const char *but, const uint8_t mac[6],
		   char owner[MACLIST_NAME])
{
	char path[1024];
	bool found = false;
	struct dirent *e;
	DIR *dir = opendir(run);

	while (dir && !found && (e = readdir(dir))) {
		if (!strcmp(e->d_name, but) || strlen(e->d_name) >= MACLIST_NAME)
			continue;
		snprintf(path, sizeof(path), "%s/%s/devices", run, e->d_name);
		found = file_has(path, mac);
		if (found)
			strcpy(owner, e->d_name);
	}
	if (dir)
		closedir(dir);
	return found;
}
