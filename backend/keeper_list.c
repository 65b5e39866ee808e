// SPDX-License-Identifier: GPL-2.0-only
/*
 * The list of devices in a file, RUN/NAME/devices, a line each: number, name, kind, text,
 * with tabs between them. Also what says which address belongs to whom, over all subOSes.
 */
#include "keeper.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#define LINE		(SPEC_TEXT_MAX + 64)
#define MAC_TRIES	64

int keeper_save(const struct keeper *k)
{
	char path[KEEPER_PATH + 16], part[KEEPER_PATH + 16], text[SPEC_TEXT_MAX];
	unsigned int i;
	int ret;
	FILE *f;

	snprintf(path, sizeof(path), "%s/devices", k->run);
	snprintf(part, sizeof(part), "%s/devices.new", k->run);
	f = fopen(part, "we");
	if (!f)
		return -errno;
	for (i = 0; i < RF_VIRTIO_DEVICES; i++)
		if (k->devices[i].used)
			fprintf(f, "%u\t%s\t%s\t%s\n", i, k->devices[i].name,
				spec_word(k->devices[i].spec.kind),
				spec_format(&k->devices[i].spec, text));
	ret = ferror(f) ? -EIO : 0;
	if (fclose(f))
		ret = -errno;
	if (!ret && rename(part, path))
		ret = -errno;
	return ret;
}

/* A line of such a file. Return: the number, -1: none. *name points into @line. */
static int read_line(char *line, const char **name, struct spec *s)
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

struct entry {
	int number;
	char name[16];
	struct spec spec;
};

static unsigned int read_all(const struct keeper *k, struct entry *entries)
{
	char path[KEEPER_PATH + 16], line[LINE];
	unsigned int nr = 0;
	const char *name;
	FILE *f;

	snprintf(path, sizeof(path), "%s/devices", k->run);
	f = fopen(path, "re");
	while (f && nr < RF_VIRTIO_DEVICES && fgets(line, sizeof(line), f)) {
		entries[nr].number = read_line(line, &name, &entries[nr].spec);
		if (entries[nr].number >= 0)
			snprintf(entries[nr++].name, sizeof(entries->name), "%s", name);
	}
	if (f)
		fclose(f);
	return nr;
}

void keeper_load(struct keeper *k)
{
	static struct entry entries[RF_VIRTIO_DEVICES];
	char err[SPEC_ERR_MAX];
	unsigned int i, nr = read_all(k, entries);

	for (i = 0; i < nr; i++)
		if (keeper_take_up(k, entries[i].number, entries[i].name, &entries[i].spec, err))
			fprintf(stderr, "rfbackend: %s: %s: %s\n", k->name, entries[i].name, err);
}

int keeper_lock_macs(const struct keeper *k)
{
	char path[KEEPER_PATH + 16];
	int fd;

	snprintf(path, sizeof(path), "%s/../macs.lock", k->run);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	if (flock(fd, LOCK_EX)) {
		close(fd);
		return -errno;
	}
	return fd;
}

/* Has the subOS whose file this is a card with that address? */
static bool file_has(const char *path, const uint8_t mac[6])
{
	char line[LINE];
	bool found = false;
	const char *name;
	struct spec s;
	FILE *f = fopen(path, "re");

	while (f && !found && fgets(line, sizeof(line), f))
		found = read_line(line, &name, &s) >= 0 && s.kind == SPEC_NET && s.has_mac &&
			!memcmp(s.mac, mac, 6);
	if (f)
		fclose(f);
	return found;
}

static bool ours_has(const struct keeper *k, const struct kdev *but, const uint8_t mac[6])
{
	const struct kdev *d;

	for (d = k->devices; d < k->devices + RF_VIRTIO_DEVICES; d++)
		if (d->used && d != but && d->spec.kind == SPEC_NET &&
		    !memcmp(d->spec.mac, mac, 6))
			return true;
	return false;
}

/* (out) @owner: name of the subOS that has it. */
static bool is_taken(const struct keeper *k, const struct kdev *d, char owner[RF_NAME_MAX])
{
	char path[2 * KEEPER_PATH];
	bool found = ours_has(k, d, d->spec.mac);
	struct dirent *e;
	DIR *dir;

	snprintf(owner, RF_NAME_MAX, "%s", k->name);
	if (found)
		return true;
	snprintf(path, sizeof(path), "%s/..", k->run);
	dir = opendir(path);
	while (dir && !found && (e = readdir(dir))) {
		if (!strcmp(e->d_name, k->name) || strlen(e->d_name) >= RF_NAME_MAX)
			continue;
		snprintf(path, sizeof(path), "%s/../%s/devices", k->run, e->d_name);
		found = file_has(path, d->spec.mac);
		if (found)
			strcpy(owner, e->d_name);
	}
	if (dir)
		closedir(dir);
	return found;
}

static void machine_id(char *text, size_t size)
{
	FILE *f = fopen("/etc/machine-id", "re");

	if (!f || !fgets(text, size, f))
		snprintf(text, size, "none");
	if (f)
		fclose(f);
}

int keeper_choose_mac(const struct keeper *k, struct kdev *d, char err[SPEC_ERR_MAX])
{
	char owner[RF_NAME_MAX], machine[64], mac[18];
	unsigned int try;

	if (d->spec.has_mac) {
		if (!is_taken(k, d, owner))
			return 0;
		snprintf(err, SPEC_ERR_MAX, "%s is the address of a card of %s; take another, or leave mac= out",
			 spec_mac_text(d->spec.mac, mac), owner);
		return -EBUSY;
	}
	machine_id(machine, sizeof(machine));
	for (try = 0; try < MAC_TRIES; try++) {
		spec_mac_make(d->spec.mac, machine, k->name, d->number + 256 * try);
		d->spec.has_mac = true;
		if (!is_taken(k, d, owner))
			return 0;
	}
	snprintf(err, SPEC_ERR_MAX, "no address is free; write mac=");
	return -EBUSY;
}
