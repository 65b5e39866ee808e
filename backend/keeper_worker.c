// SPDX-License-Identifier: GPL-2.0-only
/* Starting the worker, and what it tells. */
#include "keeper.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/rfvhost.h>

#include "rainforest.h"
#include "worker.h"

#define OPEN_MS		200	/* for the subOS's kernel to answer */
#define SOON_MS		50	/* between tries, at first ... */
#define LATER_MS	1000	/* ... and when many were in vain */
#define MANY		200

static bool any_device(const struct keeper *k)
{
	unsigned int i;

	for (i = 0; i < RF_VIRTIO_DEVICES; i++)
		if (k->devices[i].used)
			return true;
	return false;
}

static void later(struct keeper *k)
{
	k->retry_ms = keeper_now_ms() + (k->tries++ < MANY ? SOON_MS : LATER_MS);
}

static int bind_vhost(struct keeper *k)
{
	struct rfvhost_bind b = { .size = sizeof(b), .subos = k->id };
	int fd = open("/dev/rfvhost", O_RDWR | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	if (ioctl(fd, RFVHOST_IOC_BIND, &b)) {
		close(fd);
		return -errno;
	}
	k->vhost = fd;
	return 0;
}

/* In the child: nothing stays open but what it is given, with the lowest numbers. */
static void become_worker(const struct keeper *k, int channel, int ipc)
{
	const int give[] = { ipc, channel, k->window, k->vhost };
	struct worker_fds fds = { .keeper = 3, .channel = 4, .window = 5, .vhost = 6,
				  .bytes = k->bytes };
	sigset_t none;
	int high[4], i;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	for (i = 0; i < 4; i++)
		high[i] = fcntl(give[i], F_DUPFD, 100);
	for (i = 0; i < 4; i++)
		if (dup2(high[i], 3 + i) < 0)
			_exit(1);
	syscall(SYS_close_range, 7, ~0U, 0);
	_exit(worker_run(&fds));
}

static int start(struct keeper *k, int channel)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
		return -errno;
	k->worker = fork();
	if (!k->worker)
		become_worker(k, channel, pair[1]);
	close(pair[1]);
	if (k->worker < 0) {
		k->worker = 0;
		close(pair[0]);
		return -errno;
	}
	k->ipc = pair[0];
	k->tries = 0;
	keeper_serve_all(k);
	return 0;
}

/* The subOS's kernel may be far from having our module: that is tried again. */
void keeper_worker_try(struct keeper *k)
{
	int channel;

	if (k->worker || !k->boots || !any_device(k) || keeper_now_ms() < k->retry_ms)
		return;
	if (k->vhost < 0 && bind_vhost(k)) {
		later(k);
		return;
	}
	channel = rf_open(k->name, RF_VIRTIO_SERVICE, OPEN_MS, RF_NONBLOCK);
	if (channel < 0 || start(k, channel))
		later(k);
	if (channel >= 0)
		rf_close(channel);
}

void keeper_worker_end(struct keeper *k)
{
	if (!k->worker)
		return;
	kill(k->worker, SIGKILL);
	waitpid(k->worker, NULL, 0);
	k->worker = 0;
	close(k->ipc);
}

static void forget_removed(struct keeper *k)
{
	struct kdev *d;

	for (d = k->devices; d < k->devices + RF_VIRTIO_DEVICES; d++)
		if (d->used && d->until_ms)
			keeper_forget(k, d);
}

void keeper_fresh(struct keeper *k)
{
	struct kdev *d;

	keeper_worker_end(k);
	forget_removed(k);
	for (d = k->devices; d < k->devices + RF_VIRTIO_DEVICES; d++)
		if (d->used && d->spec.kind != SPEC_NET) {
			keeper_end_helper(d);
			d->state = IPC_OFFERED;
		} else if (d->used && d->state != IPC_GONE) {
			d->state = IPC_OFFERED;
		}
	if (k->vhost >= 0)
		close(k->vhost);
	k->vhost = -1;
	k->retry_ms = 0;
	k->tries = 0;
}

/*
 * It was killed, or the channel was closed: the next one goes on. (That a kernel has ended
 * is known from its state.) What a disk's helper does meanwhile nobody knows: another one
 * does again what the file for that says.
 */
void keeper_worker_ended(struct keeper *k)
{
	struct kdev *d;

	keeper_worker_heard(k);
	k->worker = 0;
	close(k->ipc);
	for (d = k->devices; d < k->devices + RF_VIRTIO_DEVICES; d++)
		if (d->used && d->spec.kind == SPEC_DISK)
			keeper_end_helper(d);
	forget_removed(k);
	later(k);
}

static void heard(struct keeper *k, const struct ipc *m)
{
	struct kdev *d = m->device < RF_VIRTIO_DEVICES ? &k->devices[m->device] : NULL;

	if (!d || !d->used)
		return;
	if (m->type == IPC_REMOVED) {
		if (d->until_ms)	/* else nobody wanted that */
			keeper_forget(k, d);
	} else if (m->type == IPC_HUNG_UP) {
		if (d->spec.kind == SPEC_DISK && d->helper)
			kill(d->helper, SIGKILL);	/* keeper_helper_ended() starts another */
	} else if (m->type == IPC_STATE) {
		if (d->spec.kind == SPEC_NET || d->sock >= 0)	/* what is lost is lost */
			d->state = m->state;
		d->served = m->resume;
	}
}

void keeper_worker_heard(struct keeper *k)
{
	int fds[IPC_FDS_MAX];
	struct ipc m;

	while (!ipc_receive(k->ipc, &m, fds)) {
		heard(k, &m);
		while (m.count)
			close(fds[--m.count]);
	}
}
