// SPDX-License-Identifier: GPL-2.0-only
/*
 * Streams of messages, for tools/bench: through a channel, and through an AF_UNIX
 * socket pair of one kernel.
 *
 *	chanbench sink SERVICE			reads until the end of each channel, says
 *						a byte after a message of one byte
 *	chanbench channel KERNEL SERVICE SIZE COUNT	ns for COUNT messages, read
 *	chanbench unix CPU CPU SIZE COUNT	the same between two processes there
 *	chanbench open KERNEL SERVICE COUNT	ns for so many channels, one after another
 */
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "rainforest.h"

static char buf[RF_MESSAGE_LENGTH];

static unsigned long long now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static void pin(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		die("affinity");
}

/* All that comes; a message of one byte is answered. */
static void drain(int fd)
{
	ssize_t n;

	while ((n = read(fd, buf, sizeof(buf))) > 0)
		if (n == 1 && write(fd, buf, 1) != 1)
			break;
	close(fd);
}

static int sink(const char *service)
{
	int s = rf_listen(service, 8, 0), fd;

	if (s < 0)
		die("listen");
	printf("ready\n");
	fflush(stdout);
	while ((fd = rf_accept(s, NULL, 0, 0)) >= 0)
		drain(fd);
	die("accept");
	return 1;
}

/* Until the other side has read the last one. */
static unsigned long long stream(int fd, size_t size, long count)
{
	unsigned long long start = now();

	while (count--)
		if (write(fd, buf, size) != (ssize_t)size)
			die("write");
	if (write(fd, buf, 1) != 1 || read(fd, buf, 1) != 1)
		die("the end");
	return now() - start;
}

static int unix_pair(int here, int there, size_t size, long count)
{
	int fd[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fd))
		die("socketpair");
	if (!fork()) {
		close(fd[0]);
		pin(there);
		drain(fd[1]);
		_exit(0);
	}
	close(fd[1]);
	pin(here);
	printf("%llu\n", stream(fd[0], size, count));
	return 0;
}

static int channel(const char *kernel, const char *service, size_t size, long count)
{
	int fd = rf_open(kernel, service, 10000, 0);

	if (fd < 0)
		die("open");
	printf("%llu\n", stream(fd, size, count));
	return 0;
}

static int opens(const char *kernel, const char *service, long count)
{
	unsigned long long start = now();
	long i;
	int fd;

	for (i = 0; i < count; i++) {
		fd = rf_open(kernel, service, 10000, 0);
		if (fd < 0)
			die("open");
		rf_close(fd);
	}
	printf("%llu\n", now() - start);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 3 && !strcmp(argv[1], "sink"))
		return sink(argv[2]);
	if (argc == 6 && !strcmp(argv[1], "channel"))
		return channel(argv[2], argv[3], atol(argv[4]), atol(argv[5]));
	if (argc == 6 && !strcmp(argv[1], "unix"))
		return unix_pair(atoi(argv[2]), atoi(argv[3]), atol(argv[4]), atol(argv[5]));
	if (argc == 5 && !strcmp(argv[1], "open"))
		return opens(argv[2], argv[3], atol(argv[4]));
	fprintf(stderr, "chanbench: see its source\n");
	return 2;
}
