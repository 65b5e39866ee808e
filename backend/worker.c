// SPDX-License-Identifier: GPL-2.0-only
/* The worker: without privileges, one loop. */
#include "worker.h"

#include <endian.h>
#include <errno.h>
#include <grp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/capability.h>

#include "rainforest.h"

#define NOBODY		65534
#define EVENTS		16
#define MESSAGE_MAX	sizeof(struct rf_virtio_ready)

/* What an event is about: the number of a device, or one of these; and a descriptor. */
#define ABOUT_CHANNEL	1000U
#define ABOUT_KEEPER	1001U

static uint64_t about(unsigned int what, int fd)
{
	return (uint64_t)what << 32 | (unsigned int)fd;
}

static int watch(struct worker *w, unsigned int what, int fd, uint32_t events)
{
	struct epoll_event e = { .events = events, .data.u64 = about(what, fd) };

	return epoll_ctl(w->epoll, EPOLL_CTL_ADD, fd, &e) ? -errno : 0;
}

int worker_watch(struct wdev *d, int fd)
{
	return watch(d->worker, d->number, fd, EPOLLIN);
}

void worker_unwatch(struct wdev *d, int fd)
{
	epoll_ctl(d->worker->epoll, EPOLL_CTL_DEL, fd, NULL);
}

int worker_used_idx(struct wdev *d, unsigned int queue, uint16_t *idx)
{
	uint64_t used = le64toh(d->ready.queue[queue].used);
	uint16_t raw;
	int ret = window_read(&d->worker->window, used + 2, &raw, sizeof(raw));

	*idx = ret ? 0 : le16toh(raw);
	return ret;
}

/*
 * The channel gives one message a read; the worker waits for room to write: the subOS
 * reads, or it is its own loss.
 */
static int from_channel(struct worker *w)
{
	union {
		char bytes[MESSAGE_MAX];
		struct rf_virtio_msg msg;
	} m;
	ssize_t n = rf_read(w->fds.channel, &m, sizeof(m));

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n <= 0)
		return -EPIPE;
	worker_from_subos(w, &m, n);
	return 0;
}

static int from_keeper(struct worker *w)
{
	int fds[IPC_FDS_MAX], ret;
	struct ipc m;

	ret = ipc_receive(w->fds.keeper, &m, fds);
	if (ret == -EAGAIN || ret == -EINTR)
		return 0;
	if (!ret)
		worker_from_keeper(w, &m, fds);
	return ret;
}

static int dispatch(struct worker *w, uint64_t data)
{
	unsigned int what = data >> 32;
	int fd = (int)(uint32_t)data;

	if (what == ABOUT_CHANNEL)
		return from_channel(w);
	if (what == ABOUT_KEEPER)
		return from_keeper(w);
	/* It may have been freed by an event before this one. */
	if (what < RF_VIRTIO_DEVICES && w->devices[what])
		w->devices[what]->ops->event(w->devices[what], fd);
	return 0;
}

static int loop(struct worker *w)
{
	struct epoll_event events[EVENTS];
	int i, n, ret;

	for (;;) {
		n = epoll_wait(w->epoll, events, EVENTS, -1);
		if (n < 0 && errno != EINTR)
			return -errno;
		for (i = 0; i < n; i++) {
			ret = dispatch(w, events[i].data.u64);
			if (ret)
				return ret;
		}
	}
}

static int no_capabilities(void)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = { 0 };

	return syscall(SYS_capset, &head, data) ? -errno : 0;
}

static int drop_privileges(void)
{
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return -errno;
	if (!geteuid() && (setgroups(0, NULL) || setresgid(NOBODY, NOBODY, NOBODY) ||
			   setresuid(NOBODY, NOBODY, NOBODY)))
		return -errno;
	/* a change of user clears it */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL))
		return -errno;
	return no_capabilities();
}

static int hello(struct worker *w)
{
	const struct rf_virtio_hello h = {
		.msg.type = htole16(RF_VIRTIO_HELLO),
		.version = htole32(RF_VIRTIO_VERSION),
	};

	return worker_send(w, &h, sizeof(h));
}

static int init(struct worker *w)
{
	int ret;

	w->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (w->epoll < 0)
		return -errno;
	ret = window_map(&w->window, w->fds.window, w->fds.bytes);
	if (!ret)
		ret = drop_privileges();
	w->memory = (struct ctrlq_memory){ window_read, window_write, &w->window };
	if (!ret)
		ret = watch(w, ABOUT_CHANNEL, w->fds.channel, EPOLLIN);
	if (!ret)
		ret = watch(w, ABOUT_KEEPER, w->fds.keeper, EPOLLIN);
	return ret ? ret : hello(w);
}

int worker_run(const struct worker_fds *fds)
{
	struct worker w = { .fds = *fds };
	int ret;

	prctl(PR_SET_NAME, "rfworker");
	ret = init(&w);
	if (!ret)
		ret = loop(&w);
	return ret == -EPIPE ? WORKER_ENDED : 1;
}
