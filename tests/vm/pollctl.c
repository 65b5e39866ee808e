// SPDX-License-Identifier: GPL-2.0-only
/*
 * Waits on a descriptor of a subOS, as a supervising process would.
 *
 * usage: pollctl NAME in|dead|gone [SECONDS]
 *
 * Prints "ready" when it waits, and then the events that came, or "timeout"
 * after SECONDS (60). "in" is a change of state, "dead" and "gone" are what
 * they say.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <linux/rainforest.h>

static int subos(const char *name)
{
	struct rf_open req = { .size = sizeof(req) };
	struct rf_info info = { .size = sizeof(info) };
	int dev = open("/dev/rainforest", O_RDWR | O_CLOEXEC), fd;

	strncpy(req.name, name, sizeof(req.name) - 1);
	fd = dev < 0 ? -1 : ioctl(dev, RF_IOC_OPEN, &req);
	/* changes count from here on */
	if (fd < 0 || ioctl(fd, RF_IOC_INFO, &info)) {
		perror("pollctl");
		exit(2);
	}
	return fd;
}

int main(int argc, char **argv)
{
	struct pollfd p = { 0 };
	int ret;

	if (argc < 3)
		return 2;
	p.fd = subos(argv[1]);
	p.events = !strcmp(argv[2], "in") ? POLLIN : !strcmp(argv[2], "dead") ? POLLRDHUP : 0;
	puts("ready");
	fflush(stdout);
	ret = poll(&p, 1, 1000 * (argc > 3 ? atoi(argv[3]) : 60));
	if (ret < 1)
		puts("timeout");
	else
		printf("woken:%s%s%s\n", p.revents & POLLIN ? " in" : "",
		       p.revents & POLLRDHUP ? " dead" : "", p.revents & POLLHUP ? " gone" : "");
	return ret != 1;
}
