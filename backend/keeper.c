// SPDX-License-Identifier: GPL-2.0-only
/* The keeper: what it begins with, and one loop. */
#include "keeper.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define LOOK_MS		1000	/* between two looks at limits */
#define PATHS_TRIES	3

uint64_t keeper_now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000ULL + t.tv_nsec / 1000000;
}

static int open_subos(struct keeper *k, char *err)
{
	struct rf_open o = { .size = sizeof(o) };
	struct rf_window w = { .size = sizeof(w) };
	struct rf_info info = { .size = sizeof(info) };
	int dev = open("/dev/rainforest", O_RDWR | O_CLOEXEC), ret;

	snprintf(o.name, sizeof(o.name), "%s", k->name);
	k->subos = dev < 0 ? -1 : ioctl(dev, RF_IOC_OPEN, &o);
	ret = k->subos < 0 || ioctl(k->subos, RF_IOC_INFO, &info) ? -errno : 0;
	if (dev >= 0)
		close(dev);
	if (ret) {
		snprintf(err, SPEC_ERR_MAX, "cannot open the subOS: %s", strerror(-ret));
		return ret;
	}
	k->id = info.id;
	k->window = ioctl(k->subos, RF_IOC_WINDOW, &w);
	if (k->window < 0) {
		ret = -errno;
		snprintf(err, SPEC_ERR_MAX, "cannot get at its memory: %s", strerror(-ret));
		return ret;
	}
	fcntl(k->window, F_SETFD, FD_CLOEXEC);
	fcntl(k->subos, F_SETFD, FD_CLOEXEC);
	k->bytes = w.bytes;
	return 0;
}

static int make_directory(struct keeper *k, const char *run, char *err)
{
	mkdir(run, 0700);
	if (snprintf(k->run, sizeof(k->run), "%s/%s", run, k->name) < (int)sizeof(k->run) &&
	    (!mkdir(k->run, 0700) || errno == EEXIST))
		return 0;
	snprintf(err, SPEC_ERR_MAX, "cannot make %s: %s", k->run, strerror(errno));
	return -errno;
}

static int catch_signals(struct keeper *k)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_BLOCK, &set, NULL);
	k->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return k->signals < 0 ? -errno : 0;
}

int keeper_open(struct keeper *k, const char *name, const char *run, char err[SPEC_ERR_MAX])
{
	int ret;

	memset(k, 0, sizeof(*k));
	memset(k->clients, -1, sizeof(k->clients));
	k->name = name;
	k->vhost = -1;
	ret = make_directory(k, run, err);
	if (!ret)
		ret = open_subos(k, err);
	if (!ret)
		ret = catch_signals(k);
	if (ret)
		return ret;
	ret = keeper_listen(k);
	if (ret)
		snprintf(err, SPEC_ERR_MAX, "cannot listen in %s: %s", k->run, strerror(-ret));
	return ret;
}

/* Return: whether it is still there. */
static bool look_at_subos(struct keeper *k)
{
	struct rf_info info = { .size = sizeof(info) };
	bool boots;

	if (ioctl(k->subos, RF_IOC_INFO, &info) || info.flags & RF_INFO_GONE)
		return false;
	boots = info.state == RF_STATE_BOOTING || info.state == RF_STATE_RUNNING ||
		info.state == RF_STATE_HUNG ||
		(info.state == RF_STATE_STOPPING && k->boots);
	if ((k->boots && !boots) || (k->started_ns && k->started_ns != info.started_ns))
		keeper_fresh(k);
	if (boots && !k->boots)
		k->retry_ms = 0;
	k->started_ns = info.started_ns;
	k->boots = boots;
	return true;
}

static void child_ended(struct keeper *k, pid_t pid)
{
	struct kdev *d;

	if (pid == k->worker) {
		keeper_worker_ended(k);
		return;
	}
	for (d = k->devices; d < k->devices + RF_VIRTIO_DEVICES; d++)
		if (d->used && d->helper == pid)
			keeper_helper_ended(k, d);
}

static void on_signals(struct keeper *k)
{
	struct signalfd_siginfo si;
	pid_t pid;

	while (read(k->signals, &si, sizeof(si)) == sizeof(si))
		if (si.ssi_signo != SIGCHLD)
			k->ending = true;
	while ((pid = waitpid(-1, NULL, WNOHANG)) > 0)
		child_ended(k, pid);
}

/* A subOS that does not let go of a device keeps it. */
static void look_at_limits(struct keeper *k)
{
	uint64_t now = keeper_now_ms();
	struct kdev *d;

	for (d = k->devices; d < k->devices + RF_VIRTIO_DEVICES; d++) {
		if (!d->used || !d->until_ms || now < d->until_ms)
			continue;
		if (d->waits >= 0)
			keeper_answer(d->waits, -ETIME,
				      "the subOS does not let go of it in time; it goes when it does");
		d->waits = -1;
	}
}

static int wait_ms(const struct keeper *k)
{
	uint64_t now = keeper_now_ms();

	if (k->worker || !k->boots || k->retry_ms >= now + LOOK_MS)
		return LOOK_MS;
	return k->retry_ms > now ? k->retry_ms - now : 1;
}

static void wait_for_something(struct keeper *k, struct pollfd *p)
{
	int i;

	p[0] = (struct pollfd){ k->subos, POLLIN, 0 };
	p[1] = (struct pollfd){ k->signals, POLLIN, 0 };
	p[2] = (struct pollfd){ k->listen, POLLIN, 0 };
	p[3] = (struct pollfd){ k->worker ? k->ipc : -1, POLLIN, 0 };
	for (i = 0; i < KEEPER_CLIENTS; i++)
		p[4 + i] = (struct pollfd){ k->clients[i], POLLIN, 0 };
	if (poll(p, 4 + KEEPER_CLIENTS, wait_ms(k)) < 0)
		for (i = 0; i < 4 + KEEPER_CLIENTS; i++)
			p[i].revents = 0;
}

static void end(struct keeper *k)
{
	char path[KEEPER_PATH + 16];
	unsigned int i;

	keeper_worker_end(k);
	for (i = 0; i < RF_VIRTIO_DEVICES; i++)
		if (k->devices[i].used)
			keeper_close_device(k, &k->devices[i]);
	keeper_cgroup_end(k);
	snprintf(path, sizeof(path), "%s/backend.sock", k->run);
	unlink(path);
	snprintf(path, sizeof(path), "%s/devices", k->run);
	unlink(path);
	rmdir(k->run);
}

void keeper_run(struct keeper *k)
{
	struct pollfd p[4 + KEEPER_CLIENTS];
	int i;

	keeper_cgroup_enter(k);
	look_at_subos(k);
	keeper_load(k);
	while (look_at_subos(k) && !k->ending) {
		keeper_worker_try(k);
		wait_for_something(k, p);
		if (p[3].revents && k->worker)
			keeper_worker_heard(k);
		if (p[1].revents)
			on_signals(k);
		for (i = 0; i < KEEPER_CLIENTS; i++)
			if (p[4 + i].revents && k->clients[i] >= 0)
				keeper_serve(k, &k->clients[i]);
		if (p[2].revents)
			keeper_accept(k);
		look_at_limits(k);
		keeper_look_at_taps(k);
	}
	end(k);
}
