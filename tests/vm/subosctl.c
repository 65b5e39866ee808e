// SPDX-License-Identifier: GPL-2.0-only
/*
 * SubOSes that are never started, past all that rfm does.
 *
 * usage: subosctl crowd [COMMAND...]	as many as the module makes, then COMMAND beside them
 *	  subosctl open			one, its console and its window
 *
 * They end with this program. "crowd" prints how many there were, and what the module said to
 * the next one. The status is the command's, or 1 with the error on standard error.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <linux/rainforest.h>

#include "command.h"

static char msg[RF_MSG_MAX];

static int create(int dev, unsigned int n)
{
	struct rf_create req = {
		.size = sizeof(req),
		.msg = (__u64)(unsigned long)msg,
		.msg_len = sizeof(msg),
	};

	snprintf(req.name, sizeof(req.name), "crowd-%u", n);
	return ioctl(dev, RF_IOC_CREATE, &req);
}

static int crowd(int dev, char **command)
{
	unsigned int n = 0;

	while (create(dev, n) >= 0)
		n++;
	printf("%u %s %s\n", n, strerrorname_np(errno), msg);
	fflush(stdout);
	return *command ? run(command) : 0;
}

static int open_all(int dev)
{
	struct rf_console console = { .size = sizeof(console) };
	struct rf_window window = { .size = sizeof(window) };
	int fd = create(dev, 0);

	if (fd >= 0 && ioctl(fd, RF_IOC_CONSOLE, &console) >= 0 &&
	    ioctl(fd, RF_IOC_WINDOW, &window) >= 0)
		return 0;
	fprintf(stderr, "subosctl: %s\n", strerror(errno));
	return 1;
}

int main(int argc, char **argv)
{
	int dev = open("/dev/rainforest", O_RDWR | O_CLOEXEC);

	if (dev < 0) {
		fprintf(stderr, "subosctl: /dev/rainforest: %s\n", strerror(errno));
		return 1;
	}
	if (argc > 1 && !strcmp(argv[1], "crowd"))
		return crowd(dev, argv + 2);
	return argc > 1 && !strcmp(argv[1], "open") ? open_all(dev) : 2;
}
