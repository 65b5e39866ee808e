// SPDX-License-Identifier: GPL-2.0-only
/* What a virtio device is made of can belong to another subOS. Its keeper looks again. */
#include "precheck.h"

#include <string.h>
#include <unistd.h>

#include "dev.h"
#include "maclist.h"
#include "rfm.h"
#include "sysroot.h"

struct question {
	struct conflicts *c;
	int dev;
	const struct spec *mine;
};

/* A keeper that was killed leaves its file behind. */
static bool lives(int dev, const char *name)
{
	int fd = dev_open_subos(dev, name);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

/* Each name of a file is one name: paths are absolute, without links. */
static bool compare(const char *owner, const struct spec *theirs, void *data)
{
	const struct question *q = data;
	const struct spec *mine = q->mine;
	char mac[18];

	if (mine->kind != theirs->kind || !lives(q->dev, owner))
		return false;
	if (mine->kind == SPEC_NET && mine->has_mac && theirs->has_mac &&
	    !memcmp(mine->mac, theirs->mac, sizeof(mine->mac)))
		conflict(q->c, RFM_CONFLICT,
			 "%s is the address of a card of %s; take another, or leave mac= out",
			 spec_mac_text(mine->mac, mac), owner);
	if (mine->kind == SPEC_NET && *mine->tap && !strcmp(mine->tap, theirs->tap))
		conflict(q->c, RFM_CONFLICT, "%s is the interface of a card of %s; take another",
			 mine->tap, owner);
	if (mine->kind == SPEC_DISK && !strcmp(mine->path, theirs->path) &&
	    !(mine->read_only && theirs->read_only))
		conflict(q->c, RFM_CONFLICT, "%s is a disk of %s; several can have it only with ,ro",
			 mine->path, owner);
	return false;
}

void precheck_devices(struct conflicts *c, int dev, const struct settings *s)
{
	struct question q = { .c = c, .dev = dev };
	unsigned int i;

	for (i = 0; i < s->nr_devices; i++) {
		q.mine = &s->devices[i];
		maclist_find(sysroot_run_dir(), s->name, compare, &q);
	}
}
