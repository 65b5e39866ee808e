// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a kernel was built without, as the config tells that distributions put
 * beside the image.
 */
#include "image.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool says(FILE *config, const char *line)
{
	char *text = NULL;
	size_t size = 0;
	bool found = false;

	while (!found && getline(&text, &size, config) > 0) {
		text[strcspn(text, "\n")] = '\0';
		found = !strcmp(text, line);
	}
	free(text);
	return found;
}

bool rfm_image_lacks(const char *path, const char *release, const char *option)
{
	char image[PATH_MAX], name[PATH_MAX + 100], line[100];
	FILE *config;
	bool found;

	/* a link such as /vmlinuz has no config beside it */
	if (!*release || strchr(release, '/') || !realpath(path, image))
		return false;
	snprintf(name, sizeof(name), "%.*sconfig-%s", (int)(strrchr(image, '/') + 1 - image),
		 image, release);
	config = fopen(name, "re");
	if (!config)
		return false;
	snprintf(line, sizeof(line), "# CONFIG_%s is not set", option);
	found = says(config, line);
	fclose(config);
	return found;
}
