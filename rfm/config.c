// SPDX-License-Identifier: GPL-2.0-only
/*
 * Configuration files of rfm create: INI with one section.
 *
 *	[subos]
 *	name = web
 *	cpus = 2-3
 *	pci = 0000:00:04.0
 *
 * pci, net, fs and disk may be repeated; # and ; begin a comment line. A line that is not
 * understood is an error: a setting that is silently left out is worse than none.
 */
#include "settings.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rfm.h"

#define CONFIG_LINE	4096

static char *trim(char *text)
{
	char *end;

	while (isspace((unsigned char)*text))
		text++;
	end = text + strlen(text);
	while (end > text && isspace((unsigned char)end[-1]))
		*--end = '\0';
	return text;
}

static int wrong(const char *path, unsigned int line, const char *what, const char *text)
{
	return rfm_fail(RFM_USAGE, "%s:%u: %s '%s'", path, line, what, text);
}

static int set_pair(struct settings_text *text, char *pair, const char *path, unsigned int line)
{
	char *value = strchr(pair, '=');
	const char *key;

	if (!value)
		return wrong(path, line, "no KEY = VALUE in", pair);
	*value++ = '\0';
	key = trim(pair);
	value = strdup(trim(value));	/* lives as long as the program */
	switch (value ? settings_set(text, key, value) : -ENOMEM) {
	case 0:
		return 0;
	case -EEXIST:
		return wrong(path, line, "set twice:", key);
	case -E2BIG:
		return wrong(path, line, "one device too many:", value);
	case -ENOENT:
		return wrong(path, line,
			     "not one of name, cpus, memory, kernel, initrd, append, pci, net, root, fs, disk, node, priority, on-crash, max-cpus, max-memory:",
			     key);
	default:
		return rfm_fail(RFM_FAILED, "out of memory");
	}
}

static int parse_line(struct settings_text *text, char *line, const char *path,
		      unsigned int number, bool *in_section)
{
	line = trim(line);
	if (!*line || *line == '#' || *line == ';')
		return 0;
	if (*line == '[') {
		if (strcmp(line, "[subos]"))
			return wrong(path, number, "only a section [subos] is known, not", line);
		*in_section = true;
		return 0;
	}
	if (!*in_section)
		return wrong(path, number, "[subos] must come before", line);
	return set_pair(text, line, path, number);
}

int config_read(struct settings_text *text, const char *path)
{
	char line[CONFIG_LINE];
	bool in_section = false;
	unsigned int number = 0;
	int ret = 0;
	FILE *f;

	f = fopen(path, "re");
	if (!f)
		return rfm_fail_errno(errno, NULL, "cannot read the configuration file %s", path);
	while (!ret && fgets(line, sizeof(line), f)) {
		number++;
		if (strlen(line) == sizeof(line) - 1)
			ret = rfm_fail(RFM_USAGE, "%s:%u: the line is too long", path, number);
		else
			ret = parse_line(text, line, path, number, &in_section);
	}
	if (!ret && ferror(f))
		ret = rfm_fail_errno(errno, NULL, "cannot read the configuration file %s", path);
	fclose(f);
	return ret;
}
