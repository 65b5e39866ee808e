// SPDX-License-Identifier: GPL-2.0-only
/*
 * Asks the module for PCI functions, past all that rfm checks by itself.
 *
 * usage: pcictl dry|claim BDF... [-- COMMAND...]
 *
 * Makes a subOS that is never started, asks for the functions, runs COMMAND
 * while it has them and ends, which gives them back. A refusal is printed as
 * "ERRNO: message" on standard error; the status is then 1.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <linux/rainforest.h>

#include "command.h"

static void die(const char *what)
{
	fprintf(stderr, "pcictl: %s: %s\n", what, strerrorname_np(errno));
	exit(2);
}

static int create(void)
{
	struct rf_create req = { .size = sizeof(req) };
	int dev = open("/dev/rainforest", O_RDWR | O_CLOEXEC);
	int fd;

	if (dev < 0)
		die("/dev/rainforest");
	snprintf(req.name, sizeof(req.name), "pcictl-%d", (int)getpid());
	fd = ioctl(dev, RF_IOC_CREATE, &req);
	if (fd < 0)
		die("create");
	close(dev);
	return fd;
}

static void add(int fd, const char *bdf, int dry_run)
{
	char msg[RF_MSG_MAX] = "";
	struct rf_pci req = {
		.size = sizeof(req),
		.flags = dry_run ? RF_PCI_DRY_RUN : 0,
		.msg = (__u64)(unsigned long)msg,
		.msg_len = sizeof(msg),
	};
	unsigned int segment, bus, slot, function;

	if (sscanf(bdf, "%x:%x:%x.%x", &segment, &bus, &slot, &function) != 4)
		die(bdf);
	req.segment = segment;
	req.bus = bus;
	req.devfn = slot << 3 | function;
	if (!ioctl(fd, RF_IOC_ADD_PCI, &req))
		return;
	fprintf(stderr, "%s: %s\n", strerrorname_np(errno), msg);
	exit(1);
}

int main(int argc, char **argv)
{
	int i, fd;

	if (argc < 3)
		return 2;
	fd = create();
	for (i = 2; i < argc && strcmp(argv[i], "--"); i++)
		add(fd, argv[i], !strcmp(argv[1], "dry"));
	return i + 1 < argc ? run(argv + i + 1) : 0;
}
