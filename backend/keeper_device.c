// SPDX-License-Identifier: GPL-2.0-only
/* Devices: added, removed, lost. */
#include "keeper.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "vuser.h"

#define REMOVE_MS	10000	/* for the subOS to let go of a device */
#define RESTARTS	20	/* of a disk's helper ... */
#define RESTARTS_MS	10000	/* ... in so long: then it is given up */

static const char *const stems[SPEC_KINDS] = {
	[SPEC_NET] = "net", [SPEC_ROOT] = "root", [SPEC_FS] = "fs", [SPEC_DISK] = "disk",
};

static bool is_directory(const struct kdev *d)
{
	return d->spec.kind == SPEC_ROOT || d->spec.kind == SPEC_FS;
}

static struct kdev *free_number(struct keeper *k)
{
	struct kdev *d;

	for (d = k->devices; d < k->devices + RF_VIRTIO_DEVICES; d++)
		if (!d->used)
			return d;
	return NULL;
}

/* "net0", "net1", ...; there is one root. */
static void choose_name(struct keeper *k, struct kdev *d)
{
	unsigned int n = 0;

	strcpy(d->name, stems[d->spec.kind]);
	while (d->spec.kind != SPEC_ROOT) {
		snprintf(d->name, sizeof(d->name), "%s%u", stems[d->spec.kind], n++);
		if (!keeper_find(k, d->name))
			break;
	}
}

struct kdev *keeper_find(struct keeper *k, const char *name)
{
	struct kdev *d;

	for (d = k->devices; d < k->devices + RF_VIRTIO_DEVICES; d++)
		if (d->used && !strcmp(d->name, name))
			return d;
	return NULL;
}

static bool same(const struct spec *a, const struct spec *b)
{
	if (a->kind == SPEC_DISK || b->kind == SPEC_DISK || a->kind == SPEC_NET ||
	    b->kind == SPEC_NET)
		return false;
	return !strcmp(a->tag, b->tag);
}

static int check_tag(struct keeper *k, const struct spec *s, char *err)
{
	struct kdev *d;

	for (d = k->devices; d < k->devices + RF_VIRTIO_DEVICES; d++) {
		if (!d->used || !same(&d->spec, s))
			continue;
		snprintf(err, SPEC_ERR_MAX, "the tag %s is that of %s; take another", s->tag,
			 d->name);
		return -EEXIST;
	}
	return 0;
}

static const char *begun_path(const struct keeper *k, const struct kdev *d, char *path)
{
	snprintf(path, KEEPER_PATH + 32, "%s/begun.%u", k->run, d->number);
	return path;
}

/* With a name: it shall outlive a keeper that is killed. */
static int open_begun(struct keeper *k, struct kdev *d, char *err)
{
	char path[KEEPER_PATH + 32];

	d->begun = open(begun_path(k, d, path), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (d->begun >= 0 && !ftruncate(d->begun, VUSER_BEGUN))
		return 0;
	snprintf(err, SPEC_ERR_MAX, "cannot make %s: %s", path, strerror(errno));
	return -EIO;
}

/* One subOS may write to an image, or several read it. */
static int lock_image(struct kdev *d, char *err)
{
	d->image = open(d->spec.path, O_RDONLY | O_CLOEXEC);
	if (d->image >= 0 && !flock(d->image, (d->spec.read_only ? LOCK_SH : LOCK_EX) | LOCK_NB))
		return 0;
	if (d->image >= 0 && errno == EWOULDBLOCK) {
		snprintf(err, SPEC_ERR_MAX, "%s is a disk of another subOS, or locked by a program; several can have it only with ,ro",
			 d->spec.path);
		return -EBUSY;
	}
	snprintf(err, SPEC_ERR_MAX, "cannot open %s: %s", d->spec.path, strerror(errno));
	return -errno;
}

static int open_device(struct keeper *k, struct kdev *d, char *err)
{
	int lock, ret;

	ret = d->spec.kind == SPEC_DISK ? lock_image(d, err) : 0;
	if (!ret && d->spec.kind == SPEC_DISK)
		ret = open_begun(k, d, err);
	if (d->spec.kind != SPEC_NET)
		return ret ? ret : keeper_start_helper(k, d, err);
	lock = keeper_lock_macs(k);
	ret = keeper_choose_mac(k, d, err);
	if (!ret)
		ret = keeper_open_taps(k, d, err);
	d->used = !ret;
	if (!ret)
		ret = keeper_save(k);
	if (lock >= 0)
		close(lock);
	return ret;
}

static void init_device(struct kdev *d, unsigned int number)
{
	memset(d, 0, sizeof(*d));
	d->number = number;
	d->sock = -1;
	d->errors = -1;
	d->begun = -1;
	d->image = -1;
	d->waits = -1;
	memset(d->tap, -1, sizeof(d->tap));
}

static void serve_device(struct keeper *k, struct kdev *d)
{
	struct ipc m = { .type = IPC_ADD, .device = d->number, .spec = d->spec };
	int fds[IPC_FDS_MAX], n = d->spec.queues;

	if (d->spec.kind != SPEC_NET) {
		if (d->sock >= 0)
			fds[m.count++] = d->sock;
		m.resume = d->served;
		if (d->begun >= 0)
			fds[m.count++] = d->begun;
		ipc_send(k->ipc, &m, fds);
		return;
	}
	memcpy(fds, d->tap, n * sizeof(int));
	if (keeper_open_vhost(d, fds + n)) {
		d->state = IPC_GONE;
		return;
	}
	m.count = 2 * n;
	ipc_send(k->ipc, &m, fds);
	while (n--)
		close(fds[d->spec.queues + n]);
}

static int add(struct keeper *k, struct kdev *d, char *err)
{
	int ret = open_device(k, d, err);

	if (ret) {
		keeper_close_device(k, d);
		return ret;
	}
	d->used = true;
	if (keeper_save(k))
		fprintf(stderr, "rfbackend: %s: cannot keep its list of devices\n", k->name);
	if (k->worker)
		serve_device(k, d);
	return 0;
}

int keeper_add(struct keeper *k, enum spec_kind kind, const char *text, char err[SPEC_ERR_MAX])
{
	struct kdev *d = free_number(k);
	struct spec s;
	int ret;

	ret = spec_parse(&s, kind, text, err);
	if (!ret)
		ret = check_tag(k, &s, err);
	if (ret)
		return ret;
	if (!d) {
		snprintf(err, SPEC_ERR_MAX, "it has %d devices, more are not possible; remove one",
			 RF_VIRTIO_DEVICES);
		return -ENOSPC;
	}
	init_device(d, d - k->devices);
	d->spec = s;
	choose_name(k, d);
	return add(k, d, err);
}

/* The subOS that lost its root would hang on: its cores are parked, its policy decides. */
static void lose_root(struct keeper *k)
{
	struct rf_crash c = { .size = sizeof(c), .reason = "root lost" };

	if (ioctl(k->subos, RF_IOC_CRASH, &c))
		fprintf(stderr, "rfbackend: %s: cannot tell that its root is lost: %s\n", k->name,
			strerror(errno));
}

static void lose(struct keeper *k, struct kdev *d)
{
	const struct ipc m = { .type = IPC_LOST, .device = d->number };

	d->state = IPC_GONE;
	if (k->worker)
		ipc_send(k->ipc, &m, NULL);
	if (d->spec.kind == SPEC_ROOT && k->boots)
		lose_root(k);
}

/* The kernel that runs knows inodes of a helper that was killed with the keeper. */
int keeper_take_up(struct keeper *k, unsigned int number, const char *name, const struct spec *s,
		   char err[SPEC_ERR_MAX])
{
	struct kdev *d = &k->devices[number];

	init_device(d, number);
	d->spec = *s;
	snprintf(d->name, sizeof(d->name), "%s", name);
	if (!k->boots || !is_directory(d))
		return add(k, d, err);
	d->used = true;
	lose(k, d);
	return 0;
}

void keeper_close_device(struct keeper *k, struct kdev *d)
{
	char path[KEEPER_PATH + 32];
	unsigned int i;

	keeper_end_helper(d);
	for (i = 0; i < SPEC_QUEUES_MAX; i++)
		if (d->tap[i] >= 0)
			close(d->tap[i]);
	if (d->image >= 0)
		close(d->image);
	if (d->begun >= 0) {
		close(d->begun);
		unlink(begun_path(k, d, path));
	}
	init_device(d, d->number);
}

void keeper_forget(struct keeper *k, struct kdev *d)
{
	int client = d->waits;

	keeper_close_device(k, d);
	keeper_save(k);
	if (client >= 0)
		keeper_answer(client, 0, "");
}

int keeper_remove(struct keeper *k, struct kdev *d)
{
	const struct ipc m = { .type = IPC_REMOVE, .device = d->number };

	if (!k->worker || ipc_send(k->ipc, &m, NULL)) {
		keeper_forget(k, d);
		return 0;
	}
	d->until_ms = keeper_now_ms() + REMOVE_MS;
	return -EINPROGRESS;
}

/* poll() tells of errors of a TAP when it was removed, and of nothing before. */
void keeper_look_at_taps(struct keeper *k)
{
	struct pollfd p = { 0 };
	struct kdev *d;

	for (d = k->devices; d < k->devices + RF_VIRTIO_DEVICES; d++) {
		p.fd = d->used && d->state != IPC_GONE ? d->tap[0] : -1;
		if (p.fd >= 0 && poll(&p, 1, 0) > 0)
			lose(k, d);
	}
}

static bool too_often(struct kdev *d)
{
	uint64_t now = keeper_now_ms();

	if (now - d->window_ms > RESTARTS_MS) {
		d->window_ms = now;
		d->restarts = 0;
	}
	return ++d->restarts > RESTARTS;
}

/*
 * A disk's requests are noted in memory of ours, another helper goes on with them. What a
 * file system's helper knew, which inode is which, is gone with it.
 */
void keeper_helper_ended(struct keeper *k, struct kdev *d)
{
	struct ipc m = { .type = IPC_RENEW, .device = d->number, .count = 1 };
	char err[SPEC_ERR_MAX];

	d->helper = 0;
	if (d->spec.kind != SPEC_DISK || too_often(d) || keeper_start_helper(k, d, err)) {
		keeper_end_helper(d);
		lose(k, d);
		return;
	}
	if (k->worker)
		ipc_send(k->ipc, &m, &d->sock);
}

/* What is lost comes back with the next kernel, if it can. */
static bool open_again(struct keeper *k, struct kdev *d)
{
	char err[SPEC_ERR_MAX];
	int ret = 0;

	if (d->state == IPC_GONE && is_directory(d))
		return false;	/* for this kernel: its driver knows another one */
	if (d->spec.kind == SPEC_NET && (d->tap[0] < 0 || d->state == IPC_GONE))
		ret = keeper_open_taps(k, d, err);
	else if (d->spec.kind != SPEC_NET && !d->helper)
		ret = keeper_start_helper(k, d, err);
	if (!ret)
		return true;
	fprintf(stderr, "rfbackend: %s: %s: %s\n", k->name, d->name, err);
	d->state = IPC_GONE;
	return false;
}

void keeper_serve_all(struct keeper *k)
{
	struct kdev *d;

	for (d = k->devices; d < k->devices + RF_VIRTIO_DEVICES; d++)
		if (d->used && (open_again(k, d) || is_directory(d)))
			serve_device(k, d);
}
