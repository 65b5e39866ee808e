// SPDX-License-Identifier: GPL-2.0-only
/*
 * The list of devices in a file, RUN/NAME/devices, a line each: number, name, kind, text,
 * with tabs between them. Also what says which address belongs to whom, over all subOSes.
 */
#include "keeper.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "maclist.h"

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

struct entry {
	int number;
	char name[16];
	struct spec spec;
};

static unsigned int read_all(const struct keeper *k, struct entry *entries)
{
	char path[KEEPER_PATH + 16], line[MACLIST_LINE];
	unsigned int nr = 0;
	const char *name;
	FILE *f;

	snprintf(path, sizeof(path), "%s/devices", k->run);
	f = fopen(path, "re");
	while (f && nr < RF_VIRTIO_DEVICES && fgets(line, sizeof(line), f)) {
		entries[nr].number = maclist_line(line, &name, &entries[nr].spec);
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
static bool is_taken(const struct keeper *k, const struct kdev *d, char owner[MACLIST_NAME])
{
	char all[KEEPER_PATH + 8];

	snprintf(owner, MACLIST_NAME, "%s", k->name);
	snprintf(all, sizeof(all), "%s/..", k->run);
	return ours_has(k, d, d->spec.mac) || maclist_owner(all, k->name, d->spec.mac, owner);
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
	char owner[MACLIST_NAME], machine[64], mac[18];
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
