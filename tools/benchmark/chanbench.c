// SPDX-License-Identifier: GPL-2.0-only
/*
 * Streams of messages, for tools/bench: through a channel, and through an AF_UNIX
 * socket pair of one kernel; and memory that is shared with another kernel, or with
 * another process of one.
 *
 *	chanbench sink SERVICE			reads until the end of each channel, says
 *						a byte after a message of one byte
 *	chanbench channel KERNEL SERVICE SIZE COUNT	ns for COUNT messages, read
 *	chanbench unix CPU CPU SIZE COUNT	the same between two processes there
 *	chanbench open KERNEL SERVICE COUNT	ns for so many channels, one after another
 *	chanbench offer REGION			offers one, waits for ever
 *	chanbench bounce KERNEL REGION		gives back the ball, for ever
 *	chanbench region REGION COUNT		ns for the ball to go there and back so often,
 *						then for copies of what lies there
 *	chanbench memory CPU CPU COUNT		the same between two processes there
 */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "rainforest.h"

#define SHARED	(4UL << 20)	/* bytes of a region; the ball is in the first line */
#define COPIES	50

static char buf[RF_MESSAGE_LENGTH];
static char copy[SHARED];

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

/* Whoever finds an odd number there makes it an even one. */
static void bounce(_Atomic unsigned int *ball)
{
	unsigned int n;

	for (;;) {
		n = atomic_load_explicit(ball, memory_order_acquire);
		if (n & 1)
			atomic_store_explicit(ball, n + 1, memory_order_release);
	}
}

static unsigned long long play(_Atomic unsigned int *ball, long count)
{
	unsigned long long start = now();
	unsigned int n = atomic_load(ball);

	for (; count--; n += 2) {
		atomic_store_explicit(ball, n + 1, memory_order_release);
		while (atomic_load_explicit(ball, memory_order_acquire) != n + 2)
			;
	}
	return now() - start;
}

static unsigned long long copies(const char *from)
{
	unsigned long long start;
	int i;

	memcpy(copy, from, SHARED);	/* all pages are there */
	start = now();
	for (i = 0; i < COPIES; i++) {
		memcpy(copy, from, SHARED);
		__asm__ volatile("" : : "r"(copy) : "memory");	/* each of them */
	}
	return now() - start;
}

static void measure(void *at, long count)
{
	unsigned long long there = play(at, count);

	printf("%llu %llu\n", there, copies(at));
}

static int offer(const char *region)
{
	int fd = rf_offer(region, SHARED, RF_WRITE);

	if (fd < 0)
		die("offer");
	printf("ready\n");
	fflush(stdout);
	for (;;)
		pause();
}

static void *map(const char *kernel, const char *region)
{
	void *at = rf_map(kernel, region, 10000, RF_WRITE, NULL);

	if (!at)
		die("map");
	return at;
}

static int memory(int here, int there, long count)
{
	void *at = mmap(NULL, SHARED, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t child;

	if (at == MAP_FAILED)
		die("mmap");
	memset(at, 0, SHARED);
	child = fork();
	if (!child) {
		pin(there);
		bounce(at);
	}
	pin(here);
	measure(at, count);
	return kill(child, SIGKILL);
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
	if (argc == 3 && !strcmp(argv[1], "offer"))
		return offer(argv[2]);
	if (argc == 4 && !strcmp(argv[1], "bounce"))
		bounce(map(argv[2], argv[3]));
	if (argc == 5 && !strcmp(argv[1], "memory"))
		return memory(atoi(argv[2]), atoi(argv[3]), atol(argv[4]));
	if (argc == 4 && !strcmp(argv[1], "region")) {
		measure(map(NULL, argv[2]), atol(argv[3]));
		return 0;
	}
	fprintf(stderr, "chanbench: see its source\n");
	return 2;
}
