// SPDX-License-Identifier: GPL-2.0-only
/* TAP interfaces: made or used, put on a bridge, brought up. */
#include "keeper.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/if_tun.h>
#include <linux/sockios.h>

#define HEADER	12	/* struct virtio_net_hdr_mrg_rxbuf, which Virtio 1 always has */

static int fail(char *err, int number, const char *format, const char *name)
{
	snprintf(err, SPEC_ERR_MAX, format, name, strerror(number));
	return -number;
}

/* IFF_MULTI_QUEUE has to be as the interface has it already. */
static unsigned int queue_flag(const struct kdev *d, const char *name)
{
	char path[KEEPER_PATH];
	unsigned int flags = d->spec.queues > 1 ? IFF_MULTI_QUEUE : 0;
	FILE *f;

	snprintf(path, sizeof(path), "/sys/class/net/%s/tun_flags", name);
	f = fopen(path, "re");
	if (!f)
		return flags;
	if (fscanf(f, "%x", &flags) == 1)
		flags &= IFF_MULTI_QUEUE;
	fclose(f);
	return flags;
}

static int open_tap(const char *name, unsigned int flag)
{
	struct ifreq r = { .ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR | flag };
	int size = HEADER, fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);
	int ret;

	if (fd < 0)
		return -errno;
	strcpy(r.ifr_name, name);
	if (!ioctl(fd, TUNSETIFF, &r) && !ioctl(fd, TUNSETVNETHDRSZ, &size))
		return fd;
	ret = -errno;
	close(fd);
	return ret;
}

static int bring_up(int sock, const char *name)
{
	struct ifreq r = { 0 };

	strcpy(r.ifr_name, name);
	if (ioctl(sock, SIOCGIFFLAGS, &r))
		return -errno;
	r.ifr_flags |= IFF_UP;
	return ioctl(sock, SIOCSIFFLAGS, &r) ? -errno : 0;
}

/* That it is on that bridge already is as good. */
static int put_on_bridge(int sock, const char *name, const char *bridge)
{
	struct ifreq r = { .ifr_ifindex = if_nametoindex(name) };
	char path[KEEPER_PATH];

	snprintf(path, sizeof(path), "/sys/class/net/%s/brif/%s", bridge, name);
	if (!access(path, F_OK))
		return 0;
	strcpy(r.ifr_name, bridge);
	return ioctl(sock, SIOCBRADDIF, &r) ? -errno : 0;
}

/*
 * A bridge takes the lowest address of its ports as its own, unless it was given one: those
 * that come and go must not change it under the neighbours' feet.
 */
static int make_address_high(int sock, const char *name)
{
	struct ifreq r = { .ifr_ifindex = 0 };

	strcpy(r.ifr_name, name);
	if (ioctl(sock, SIOCGIFHWADDR, &r))
		return -errno;
	r.ifr_hwaddr.sa_data[0] = (char)0xfe;
	return ioctl(sock, SIOCSIFHWADDR, &r) ? -errno : 0;
}

static int connect_tap(const struct kdev *d, const char *name, char *err)
{
	int sock = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int ret = sock < 0 ? -errno : 0;

	if (ret)
		return fail(err, -ret, "%s: cannot open a socket: %s", name);
	if (*d->spec.bridge) {
		ret = make_address_high(sock, name);
		if (!ret)
			ret = put_on_bridge(sock, name, d->spec.bridge);
		if (ret)
			fail(err, -ret, "cannot put a card on the bridge %s: %s", d->spec.bridge);
	}
	if (!ret) {
		ret = bring_up(sock, name);
		if (ret)
			fail(err, -ret, "cannot bring %s up: %s", name);
	}
	close(sock);
	return ret;
}

static int why_no_tap(int ret, const char *name, char *err)
{
	if (ret == -ENOENT || ret == -ENODEV)
		return fail(err, -ret, "there is no /dev/net/tun for %s; modprobe tun", name);
	if (ret == -EBUSY)
		return fail(err, -ret,
			    "interface %s is in use by another program; take another name", name);
	if (ret == -EINVAL)
		return fail(err, -ret, "%s is no TAP interface, or has one queue and not several; take another name",
			    name);
	return fail(err, -ret, "cannot open the TAP interface %s: %s", name);
}

static void close_taps(struct kdev *d)
{
	unsigned int i;

	for (i = 0; i < SPEC_QUEUES_MAX; i++) {
		if (d->tap[i] >= 0)
			close(d->tap[i]);
		d->tap[i] = -1;
	}
}

int keeper_open_taps(struct keeper *k, struct kdev *d, char err[SPEC_ERR_MAX])
{
	char made[IFNAMSIZ];
	const char *name = d->spec.tap;
	unsigned int i, flag;
	int ret = 0;

	close_taps(d);
	if (!*name) {
		snprintf(made, sizeof(made), "rf%un%u", k->id % 100000, d->number);
		name = made;
	}
	flag = queue_flag(d, name);
	for (i = 0; i < d->spec.queues && !ret; i++) {
		d->tap[i] = open_tap(name, flag);
		if (d->tap[i] < 0)
			ret = why_no_tap(d->tap[i], name, err);
	}
	if (!ret)
		ret = connect_tap(d, name, err);
	if (ret)
		close_taps(d);
	return ret;
}

int keeper_open_vhost(const struct kdev *d, int *fds)
{
	unsigned int i;
	int ret;

	for (i = 0; i < d->spec.queues; i++) {
		fds[i] = open("/dev/vhost-net", O_RDWR | O_CLOEXEC);
		if (fds[i] >= 0)
			continue;
		ret = -errno;
		while (i--)
			close(fds[i]);
		return ret;
	}
	return 0;
}
