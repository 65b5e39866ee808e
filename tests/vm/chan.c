// SPDX-License-Identifier: GPL-2.0-only
/*
 * Uses channels through librainforest, for tests.
 *
 * usage: chan serve SERVICE [BACKLOG]	echoes what comes on each channel, for ever
 *	  chan sink SERVICE		accepts one, reads nothing until there is a file
 *					/run/go, then all; prints what came
 *	  chan ping KERNEL SERVICE COUNT [SIZE]	numbered messages there and back, checked
 *	  chan flood KERNEL SERVICE COUNT SIZE	numbered messages, one way, without waiting
 *						for an answer
 *	  chan leave KERNEL SERVICE COUNT SIZE	the same, and does not close it
 *	  chan churn KERNEL SERVICE ROUNDS	open, one message there and back, close
 *	  chan race KERNEL SERVICE COUNT	as ping, while others poll the same end
 *	  chan hold KERNEL SERVICE	opens, reads until the end, says how it ended
 *	  chan full KERNEL SERVICE	writes without waiting until it would have to
 *	  chan wait KERNEL SERVICE	the same, then polls until it would not have to
 *	  chan press KERNEL SERVICE GO SIZE [now|leave]	opens, and when there is a file GO writes
 *					until it fails; says why, and how long a call took.
 *					"now": without waiting; "leave": until it would have
 *					to, closes then, says how many went
 *	  chan try KERNEL SERVICE MS	opens and closes
 *	  chan bad KERNEL SERVICE	what cannot be asked for
 *
 * Exit status 0, 1 with a line that says what went wrong.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/rfcom.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "rainforest.h"

static unsigned char buf[RF_MESSAGE_LENGTH + 1];

static void die(const char *what)
{
	fprintf(stderr, "%s: %s\n", what, strerror(errno));
	exit(1);
}

static void say(const char *what)
{
	printf("%s\n", what);
	fflush(stdout);
}

static int fail(const char *what, long is, long expected)
{
	fprintf(stderr, "%s: %ld, expected %ld\n", what, is, expected);
	return 1;
}

/* Every byte follows from the number of the message. */
static void fill(uint32_t n, size_t size)
{
	uint32_t x = n * 2654435761U + 1;
	size_t i;

	for (i = 0; i < size; i++) {
		x = x * 1664525U + 1013904223U;
		buf[i] = x >> 24;
	}
	if (size >= sizeof(n))
		memcpy(buf, &n, sizeof(n));
}

static int differs(uint32_t n, size_t size)
{
	static unsigned char got[RF_MESSAGE_LENGTH];

	memcpy(got, buf, size);
	fill(n, size);
	return memcmp(got, buf, size);
}

/* Of all lengths, when none is given. */
static size_t size_of(uint32_t n, size_t size)
{
	return size ? size : 1 + (n * 7919U) % RF_MESSAGE_LENGTH;
}

static int open_or_die(const char *kernel, const char *service)
{
	int fd = rf_open(kernel, service, 10000, 0);

	if (fd < 0)
		die("open");
	return fd;
}

static void echo(int fd)
{
	ssize_t n;

	while ((n = rf_read(fd, buf, sizeof(buf))) > 0)
		if (rf_write(fd, buf, n) != n)
			break;
	rf_close(fd);
}

static int serve(const char *service, unsigned int backlog)
{
	char kernel[RF_NAME_LENGTH + 1];
	int s = rf_listen(service, backlog, 0), fd;

	if (s < 0)
		die("listen");
	signal(SIGCHLD, SIG_IGN);	/* or each stays, with 14 KB of the kernel's */
	say("ready");
	for (;;) {
		fd = rf_accept(s, kernel, sizeof(kernel), 0);
		if (fd < 0)
			die("accept");
		printf("from %s\n", kernel);
		fflush(stdout);
		if (fork()) {
			close(fd);
			continue;
		}
		close(s);
		echo(fd);
		_exit(0);
	}
}

static int sink(const char *service)
{
	int s = rf_listen(service, 1, 0), fd;
	uint32_t n = 0, bad = 0;
	ssize_t len;

	if (s < 0)
		die("listen");
	say("ready");
	fd = rf_accept(s, NULL, 0, 0);
	if (fd < 0)
		die("accept");
	while (access("/run/go", F_OK))
		usleep(10000);
	while ((len = rf_read(fd, buf, sizeof(buf))) > 0)
		bad += !!differs(n++, len);
	printf("%u messages, %u bad, end %s\n", n, bad, len ? strerror(errno) : "good");
	return 0;
}

static int ping(int fd, uint32_t count, size_t size)
{
	uint32_t n;
	ssize_t len;

	for (n = 0; n < count; n++) {
		len = size_of(n, size);
		fill(n, len);
		if (rf_write(fd, buf, len) != len)
			die("write");
		memset(buf, 0, len);
		if (rf_read(fd, buf, sizeof(buf)) != len)
			die("read");
		if (differs(n, len))
			return fail("message is another", n, n);
	}
	rf_close(fd);
	printf("%u there and back\n", n);
	return 0;
}

static int race(int fd, uint32_t count)
{
	struct pollfd p = { .fd = fd, .events = POLLIN | POLLOUT };
	pid_t pid[3];
	int i, ret;

	for (i = 0; i < 3; i++) {
		pid[i] = fork();
		while (!pid[i])
			poll(&p, 1, 0);
	}
	ret = ping(fd, count, 0);
	for (i = 0; i < 3; i++)
		kill(pid[i], SIGKILL);
	return ret;
}

static int flood(const char *kernel, const char *service, uint32_t count, size_t size, int leave)
{
	int fd = open_or_die(kernel, service);
	uint32_t n;

	for (n = 0; n < count; n++) {
		fill(n, size_of(n, size));
		if (rf_write(fd, buf, size_of(n, size)) < 0)
			die("write");
	}
	printf("%u sent\n", n);
	fflush(stdout);
	while (leave)
		pause();
	rf_close(fd);
	return 0;
}

static int churn(const char *kernel, const char *service, uint32_t rounds)
{
	uint32_t n;
	int fd;

	for (n = 0; n < rounds; n++) {
		fd = open_or_die(kernel, service);
		fill(n, 100);
		if (rf_write(fd, buf, 100) != 100 || rf_read(fd, buf, 100) != 100 ||
		    differs(n, 100))
			die("round");
		rf_close(fd);
	}
	printf("%u rounds\n", n);
	return 0;
}

static int hold(const char *kernel, const char *service)
{
	int fd = open_or_die(kernel, service);
	struct pollfd p = { .fd = fd, .events = POLLIN };
	ssize_t n;

	say("open");
	if (poll(&p, 1, -1) != 1)
		die("poll");
	while ((n = rf_read(fd, buf, sizeof(buf))) > 0)
		;
	printf("read: %s; ", n ? strerror(errno) : "end");
	n = rf_write(fd, "x", 1);
	printf("write: %s; poll:%s%s\n", n < 0 ? strerror(errno) : "works",
	       p.revents & POLLHUP ? " hup" : "", p.revents & POLLERR ? " err" : "");
	return 0;
}

/*
 * Without waiting, until the other end's queue is full: the ring between the kernels, which is
 * full for a moment now and then, is not so for a second.
 */
static uint32_t fill_queue(int fd)
{
	uint32_t n, tries;

	for (n = 0; n < 100000; n++) {
		fill(n, 400);
		for (tries = 0; rf_write(fd, buf, 400) < 0; tries++) {
			if (errno != EAGAIN || tries == 100)
				return n;
			usleep(10000);
		}
	}
	return n;
}

static int full(const char *kernel, const char *service)
{
	int fd = open_or_die(kernel, service);
	struct pollfd p = { .fd = fd, .events = POLLOUT };
	uint32_t n;

	if (poll(&p, 1, 0) != 1 || !(p.revents & POLLOUT))
		return fail("control: it can be written", p.revents, POLLOUT);
	fcntl(fd, F_SETFL, O_NONBLOCK);
	n = fill_queue(fd);
	if (errno != EAGAIN)
		die("write");
	p.revents = 0;
	poll(&p, 1, 0);
	printf("%u, then %s; poll:%s\n", n, strerror(errno), p.revents & POLLOUT ? " out" : "");
	fflush(stdout);
	fcntl(fd, F_SETFL, 0);
	fill(n, 400);
	if (rf_write(fd, buf, 400) != 400)	/* waits until there is room */
		die("write that waits");
	printf("then %u\n", n + 1);
	rf_close(fd);
	return 0;
}

static int wait_for_room(const char *kernel, const char *service)
{
	int fd = open_or_die(kernel, service);
	struct pollfd p = { .fd = fd, .events = POLLOUT };

	fcntl(fd, F_SETFL, O_NONBLOCK);
	fill_queue(fd);
	say("full");
	if (poll(&p, 1, 60000) != 1)
		die("poll");
	printf("%s\n", p.revents == POLLOUT ? "writable" : "something else");
	return 0;
}

static long now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* Writes once; the time that took, if it is the longest so far. */
static ssize_t timed_write(int fd, size_t size, long *longest)
{
	long began = now_ms();
	ssize_t n = rf_write(fd, buf, size);

	if (now_ms() - began > *longest)
		*longest = now_ms() - began;
	return n;
}

/* Until a call fails for good; errno says why. Without waiting it polls instead. */
static uint32_t press_on(int fd, size_t size, struct pollfd *p, long *longest, int leave)
{
	uint32_t n;

	for (n = 0;; n++) {
		fill(n, size);
		while (timed_write(fd, size, longest) < 0) {
			if (errno != EAGAIN || leave)
				return n;
			say("full");
			poll(p, 1, 60000);
		}
	}
}

static int press(char **argv, size_t size, const char *how)
{
	int fd = open_or_die(argv[0], argv[1]), leave = how && !strcmp(how, "leave");
	struct pollfd p = { .fd = fd, .events = POLLOUT };
	long longest = 0, began;
	uint32_t n;

	say("open");
	while (access(argv[2], F_OK))
		usleep(10000);
	if (how)
		fcntl(fd, F_SETFL, O_NONBLOCK);
	began = now_ms();
	n = press_on(fd, size, &p, &longest, leave);
	if (leave) {
		printf("%u went, %s\n", n, strerror(errno));
		return rf_close(fd);
	}
	printf("write: %s", strerror(errno));
	printf("; after %ld s, longest %ld s; poll:%s%s\n", (now_ms() - began) / 1000,
	       longest / 1000, p.revents & POLLHUP ? " hup" : "",
	       p.revents & POLLERR ? " err" : "");
	return 0;
}

static int expect(const char *what, long ret, int error)
{
	if (ret < 0 && errno == error)
		return 0;
	return fail(what, ret < 0 ? errno : -ret, error);
}

/* Into memory that is not there, and into some that comes when it is touched. */
static int faults(int fd)
{
	size_t size = sizeof(buf);
	char *to = mmap(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int n = 0;

	if (to == MAP_FAILED)
		die("mmap");
	n += expect("nowhere to read to", rf_read(fd, to, size), EFAULT);
	if (mprotect(to, size, PROT_READ | PROT_WRITE) ||
	    munmap(to + 8192, size - 8192))
		die("mprotect");
	n += expect("too little of that", rf_read(fd, to, size), EFAULT);
	if (mmap(to + 8192, size - 8192, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED)
		die("mmap");
	if (rf_read(fd, to, size) != RF_MESSAGE_LENGTH)
		return n + fail("into new memory", errno, 0);
	memcpy(buf, to, RF_MESSAGE_LENGTH);
	return n;
}

static int bad(const char *kernel, const char *service)
{
	char name[] = "a name of more than thirty-one bytes";
	struct rfcom_open arg = { .size = sizeof(arg), .timeout_ms = 1000 };
	int fd = open_or_die(kernel, service), dev = open("/dev/rfcom", O_RDWR), n = 0;

	n += expect("an empty message", rf_write(fd, buf, 0), EINVAL);
	n += expect("one too long", rf_write(fd, buf, RF_MESSAGE_LENGTH + 1), EMSGSIZE);
	n += expect("bytes that are not there", rf_write(fd, (void *)1, 100), EFAULT);
	fill(1, RF_MESSAGE_LENGTH);
	if (rf_write(fd, buf, RF_MESSAGE_LENGTH) != RF_MESSAGE_LENGTH)
		n += fail("the longest one", errno, 0);
	n += expect("too little room", rf_read(fd, buf, 100), EMSGSIZE);
	n += faults(fd);
	if (differs(1, RF_MESSAGE_LENGTH))
		n += fail("it stays, and is whole", errno, 0);
	fcntl(fd, F_SETFL, O_NONBLOCK);
	n += expect("nothing there", rf_read(fd, buf, 100), EAGAIN);
	n += expect("a name too long", rf_open(name, service, 1000, 0), EINVAL);
	n += expect("no name", rf_open("", service, 1000, 0), EINVAL);
	n += expect("a service's name too long", rf_listen(name, 1, 0), EINVAL);
	n += expect("no backlog", rf_listen("x", 0, 0), EINVAL);
	n += expect("a backlog too long", rf_listen("x", RFCOM_BACKLOG_MAX + 1, 0), EINVAL);
	n += expect("unknown flags", rf_listen("x", 1, 0x80), EINVAL);
	n += expect("accept on a channel", ioctl(fd, RFCOM_IOC_ACCEPT, &arg), ENOTTY);
	memset(arg.kernel, 'a', sizeof(arg.kernel));
	n += expect("a name without end", ioctl(dev, RFCOM_IOC_OPEN, &arg), EINVAL);
	arg.size = 4;
	n += expect("a short structure", ioctl(dev, RFCOM_IOC_OPEN, &arg), EINVAL);
	n += expect("another call", ioctl(dev, _IO(RFCOM_IOC_MAGIC, 77), 0), ENOTTY);
	n += expect("no structure", ioctl(dev, RFCOM_IOC_OPEN, 1), EFAULT);
	if (!n)
		printf("all refused\n");
	return n;
}

int main(int argc, char **argv)
{
	const char *how = argc > 2 ? argv[1] : "";
	long a = argc > 4 ? atol(argv[4]) : 0, b = argc > 5 ? atol(argv[5]) : 0;
	int fd;

	if (!strcmp(how, "serve"))
		return serve(argv[2], argc > 3 ? atoi(argv[3]) : 8);
	if (!strcmp(how, "sink"))
		return sink(argv[2]);
	if (argc < 4) {
		fprintf(stderr, "chan: see its source\n");
		return 2;
	}
	if (!strcmp(how, "ping"))
		return ping(open_or_die(argv[2], argv[3]), a, b);
	if (!strcmp(how, "race"))
		return race(open_or_die(argv[2], argv[3]), a);
	if (!strcmp(how, "flood"))
		return flood(argv[2], argv[3], a, b, 0);
	if (!strcmp(how, "leave"))
		return flood(argv[2], argv[3], a, b, 1);
	if (!strcmp(how, "churn"))
		return churn(argv[2], argv[3], a);
	if (!strcmp(how, "hold"))
		return hold(argv[2], argv[3]);
	if (!strcmp(how, "full"))
		return full(argv[2], argv[3]);
	if (!strcmp(how, "wait"))
		return wait_for_room(argv[2], argv[3]);
	if (!strcmp(how, "bad"))
		return bad(argv[2], argv[3]);
	if (!strcmp(how, "press") && argc > 5)
		return press(argv + 2, b, argc > 6 ? argv[6] : NULL);
	fd = rf_open(argv[2], argv[3], a, 0);
	if (fd < 0)
		die("open");
	rf_close(fd);
	printf("open\n");
	return 0;
}
