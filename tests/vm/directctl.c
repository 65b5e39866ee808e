// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reads and writes files with O_DIRECT, in one call each. dd of busybox gives O_DIRECT up,
 * and says nothing, where the kernel refuses.
 *
 * usage: directctl read FILE OFFSET BYTES	to standard output
 *	  directctl write FILE OFFSET BYTES	from standard input; makes FILE
 *
 * Exit status 0, 1 with a line on standard error that says what went wrong.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAX	(4 << 20)

static char buf[MAX] __attribute__((aligned(4096)));

static int die(const char *what)
{
	fprintf(stderr, "%s: %s\n", what, strerror(errno));
	return 1;
}

static int do_read(int fd, off_t at, size_t bytes)
{
	ssize_t n = pread(fd, buf, bytes, at);

	if (n < 0)
		return die("read");
	return fwrite(buf, 1, n, stdout) != (size_t)n || fflush(stdout) ? die("stdout") : 0;
}

static int do_write(int fd, off_t at, size_t bytes)
{
	ssize_t n;

	if (fread(buf, 1, bytes, stdin) != bytes)
		return die("stdin");
	n = pwrite(fd, buf, bytes, at);
	if (n < 0)
		return die("write");
	if ((size_t)n != bytes) {
		fprintf(stderr, "only %zd bytes written\n", n);
		return 1;
	}
	return close(fd) ? die("close") : 0;
}

int main(int argc, char **argv)
{
	int writes = argc > 1 && !strcmp(argv[1], "write"), fd;
	size_t bytes = argc == 5 ? strtoul(argv[4], NULL, 0) : 0;

	if (!bytes || bytes > MAX || (!writes && strcmp(argv[1], "read")))
		return die("usage: directctl read|write FILE OFFSET BYTES");
	fd = open(argv[2], (writes ? O_WRONLY | O_CREAT : O_RDONLY) | O_DIRECT, 0600);
	if (fd < 0)
		return die(argv[2]);
	return (writes ? do_write : do_read)(fd, strtoll(argv[3], NULL, 0), bytes);
}
