// SPDX-License-Identifier: GPL-2.0-only
/*
 * Shares memory through librainforest, for tests. KERNEL "-" is this one.
 *
 * usage: share offer REGION BYTES r|w	offers it, fills it, waits for ever
 *	  share look KERNEL REGION SEED	maps it, reads; is it filled with that?
 *	  share fill KERNEL REGION SEED	maps it to write, fills it
 *	  share hold KERNEL REGION	maps it, reads for ever, says when it is taken away
 *	  share keep KERNEL REGION	maps it, and forks; both wait for ever
 *	  share direct KERNEL REGION FILE	direct I/O from it
 *	  share churn KERNEL REGION ROUNDS	map, read, unmap
 *	  share try KERNEL REGION r|w MS	maps and unmaps
 *	  share bad KERNEL REGION	what cannot be asked for, of a region to read
 *	  share many REGION COUNT	offers so many of one page each, then says why no more
 *
 * Exit status 0, 1 with a line that says what went wrong.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/rfcom.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "rainforest.h"

#define PAGE	4096U

static sigjmp_buf taken;

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

static const char *kernel_of(const char *name)
{
	return strcmp(name, "-") ? name : NULL;
}

static uint64_t word(uint64_t seed, size_t i)
{
	return (seed << 48) ^ (i * 0x9E3779B97F4A7C15ULL);
}

static void fill(uint64_t *to, size_t bytes, uint64_t seed)
{
	size_t i;

	for (i = 0; i < bytes / sizeof(*to); i++)
		to[i] = word(seed, i);
}

static uint64_t *map(char **argv, unsigned int flags, size_t *bytes)
{
	uint64_t *at = rf_map(kernel_of(argv[0]), argv[1], 10000, flags, bytes);

	if (!at)
		die("map");
	return at;
}

static int offer(char **argv)
{
	size_t bytes = strtoull(argv[1], NULL, 0), i;
	int fd = rf_offer(argv[0], bytes, *argv[2] == 'w' ? RF_WRITE : 0);
	unsigned char *at;

	if (fd < 0)
		die("offer");
	bytes = (bytes + PAGE - 1) / PAGE * PAGE;
	at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (at == MAP_FAILED)
		die("mmap");
	for (i = 0; i < bytes; i++)
		if (at[i])
			return fprintf(stderr, "byte %zu is not zero\n", i), 1;
	fill((uint64_t *)at, bytes, 1);
	say("ready");
	for (;;)
		pause();
}

static int look(char **argv)
{
	uint64_t seed = strtoull(argv[2], NULL, 0), *at;
	size_t bytes, i;

	at = map(argv, 0, &bytes);
	for (i = 0; i < bytes / sizeof(*at); i++)
		if (at[i] != word(seed, i))
			return fprintf(stderr, "word %zu is another\n", i), 1;
	printf("%zu bytes\n", bytes);
	return rf_unmap(at, bytes);
}

static int write_all(char **argv)
{
	size_t bytes;
	uint64_t *at = map(argv, RF_WRITE, &bytes);

	fill(at, bytes, strtoull(argv[2], NULL, 0));
	printf("%zu bytes\n", bytes);
	return rf_unmap(at, bytes);
}

static void on_bus_error(int number)
{
	(void)number;
	siglongjmp(taken, 1);
}

static int hold(char **argv)
{
	volatile uint64_t *at;
	size_t bytes, i;

	signal(SIGBUS, on_bus_error);
	at = map(argv, 0, &bytes);
	if (sigsetjmp(taken, 1)) {
		say("taken");
		return 0;
	}
	say("mapped");
	for (i = 0;; i = (i + PAGE / sizeof(*at)) % (bytes / sizeof(*at))) {
		(void)at[i];
		usleep(1000);
	}
}

static int keep(char **argv)
{
	volatile uint64_t *at;
	size_t bytes;

	at = map(argv, 0, &bytes);
	(void)at[0];
	if (fork() < 0)
		die("fork");
	(void)at[0];
	say("mapped");
	for (;;)
		pause();
	return 0;
}

/* Its pages cannot be pinned; a copy can be written. */
static int direct(char **argv)
{
	int fd = open(argv[2], O_RDWR | O_DIRECT);
	size_t bytes;
	void *at = map(argv, 0, &bytes), *copy = NULL;

	if (fd < 0 || posix_memalign(&copy, PAGE, PAGE))
		die(argv[2]);
	memcpy(copy, at, PAGE);
	if (write(fd, copy, PAGE) != PAGE)
		die("control: a copy");
	printf("%s\n", write(fd, at, PAGE) < 0 ? strerror(errno) : "written");
	return 0;
}

static int churn(char **argv)
{
	long n, rounds = atol(argv[2]);
	volatile uint64_t *at;
	size_t bytes;

	for (n = 0; n < rounds; n++) {
		at = map(argv, 0, &bytes);
		if (*at != word(1, 0))
			return fprintf(stderr, "round %ld: another word\n", n), 1;
		rf_unmap((void *)at, bytes);
	}
	printf("%ld rounds\n", n);
	return 0;
}

static int try(char **argv)
{
	size_t bytes;
	void *at = rf_map(kernel_of(argv[0]), argv[1], atoi(argv[3]),
			  *argv[2] == 'w' ? RF_WRITE : 0, &bytes);

	if (!at)
		die("map");
	printf("%zu bytes\n", bytes);
	return rf_unmap(at, bytes);
}

static int expect(const char *what, int failed, int error)
{
	if (failed && errno == error)
		return 0;
	fprintf(stderr, "%s: %s, expected %s\n", what, failed ? strerror(errno) : "no error",
		strerror(error));
	return 1;
}

static int attach(int dev, const char *kernel, const char *region, unsigned int flags, size_t size)
{
	struct rfcom_attach arg = { .size = size, .flags = flags, .timeout_ms = 1000 };

	memcpy(arg.kernel, kernel, strlen(kernel));
	memcpy(arg.region, region, strnlen(region, sizeof(arg.region)));
	return ioctl(dev, RFCOM_IOC_ATTACH, &arg);
}

static int mapping_fails(const char *what, int fd, size_t bytes, int prot, int flags, off_t at,
			 int error)
{
	return expect(what, mmap(NULL, bytes, prot, flags, fd, at) == MAP_FAILED, error);
}

static int bad(char **argv)
{
	int dev = open("/dev/rfcom", O_RDWR), n = 0, fd;
	const char *kernel = kernel_of(argv[0]) ? argv[0] : "";
	size_t bytes;
	void *at = map(argv, 0, &bytes);

	n += expect("no name", rf_offer("", PAGE, 0) < 0, EINVAL);
	n += expect("a blank", rf_offer("a b", PAGE, 0) < 0, EINVAL);
	n += expect("no bytes", rf_offer("x", 0, 0) < 0, EINVAL);
	n += expect("a byte too many", rf_offer("x", (1UL << 30) + 1, 0) < 0, EINVAL);
	n += expect("unknown flags", rf_offer("x", PAGE, RF_NONBLOCK) < 0, EINVAL);
	n += expect("other unknown flags",
		    attach(dev, kernel, argv[1], 8, sizeof(struct rfcom_attach)) < 0, EINVAL);
	n += expect("a short structure", attach(dev, kernel, argv[1], 0, 8) < 0, EINVAL);
	n += expect("a name without end",
		    attach(dev, kernel, "0123456789012345678901234567890123456789", 0,
			   sizeof(struct rfcom_attach)) < 0, EINVAL);
	n += expect("no such region", !rf_map(kernel_of(argv[0]), "none", 1000, 0, NULL), ENOENT);
	n += expect("to write", !rf_map(kernel_of(argv[0]), argv[1], 1000, RF_WRITE, NULL), EACCES);
	fd = attach(dev, kernel, argv[1], 0, sizeof(struct rfcom_attach));
	n += mapping_fails("mapped to write", fd, PAGE, PROT_WRITE, MAP_SHARED, 0, EACCES);
	n += mapping_fails("private", fd, PAGE, PROT_READ, MAP_PRIVATE, 0, EINVAL);
	n += mapping_fails("a page too many", fd, bytes + PAGE, PROT_READ, MAP_SHARED, 0, EINVAL);
	n += mapping_fails("behind it", fd, PAGE, PROT_READ, MAP_SHARED, bytes, EINVAL);
	n += expect("made writable", mprotect(at, bytes, PROT_READ | PROT_WRITE), EACCES);
	n += expect("grown", mremap(at, bytes, bytes + PAGE, MREMAP_MAYMOVE) == MAP_FAILED, EFAULT);
	n += expect("read", read(fd, &bytes, 1) < 0, EINVAL);
	n += expect("no structure", ioctl(dev, RFCOM_IOC_OFFER, 1) < 0, EFAULT);
	if (!n)
		say("all refused");
	return !!n;
}

static int many(char **argv)
{
	long n, count = atol(argv[1]);
	char name[RF_NAME_LENGTH + 1];

	for (n = 0; n < count; n++) {
		snprintf(name, sizeof(name), "%s%ld", argv[0], n);
		if (rf_offer(name, PAGE, 0) < 0)
			break;
	}
	printf("%ld, %s\n", n, n < count ? strerror(errno) : "all");
	return 0;
}

int main(int argc, char **argv)
{
	static const struct {
		const char *how;
		int args;
		int (*fn)(char **argv);
	} ways[] = {
		{ "offer", 3, offer }, { "look", 3, look }, { "fill", 3, write_all },
		{ "hold", 2, hold }, { "keep", 2, keep }, { "churn", 3, churn },
		{ "direct", 3, direct }, { "try", 4, try }, { "bad", 2, bad }, { "many", 2, many },
	};
	size_t i;

	for (i = 0; i < sizeof(ways) / sizeof(*ways); i++)
		if (argc - 2 == ways[i].args && !strcmp(argv[1], ways[i].how))
			return ways[i].fn(argv + 2);
	fprintf(stderr, "share: see its source\n");
	return 2;
}
