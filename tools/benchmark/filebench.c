// SPDX-License-Identifier: GPL-2.0-only
/*
 * Times operations on files, the same in the supervisor and in a subOS.
 *
 *	filebench write FILE MB		a new file, in pieces of 64 KB, and fsync
 *	filebench read FILE MB		its first MB, likewise
 *	filebench random FILE MB COUNT	COUNT pieces of 4 KB, anywhere in the first MB
 *	filebench small DIR COUNT	creates COUNT files of a byte, looks at all, removes all
 *
 * Prints ns: of all, or of each of the three. Exit status 1 with a line that says what
 * went wrong.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define PIECE	65536
#define SMALL	4096

static char buf[PIECE];

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ULL + t.tv_nsec;
}

static void die(const char *what)
{
	printf("%s: %s\n", what, strerror(errno));
	exit(1);
}

static int open_file(const char *path, int flags)
{
	int fd = open(path, flags, 0600);

	if (fd < 0)
		die(path);
	return fd;
}

static void print_since(uint64_t begin)
{
	printf("%llu\n", (unsigned long long)(now_ns() - begin));
}

static int do_write(const char *path, int mb)
{
	uint64_t begin = now_ns();
	int fd = open_file(path, O_WRONLY | O_CREAT | O_TRUNC), i;

	for (i = 0; i < mb * 16; i++)
		if (write(fd, buf, PIECE) != PIECE)
			die("write");
	if (fsync(fd) || close(fd))
		die("fsync");
	print_since(begin);
	return 0;
}

static int do_read(const char *path, int mb)
{
	uint64_t begin = now_ns();
	int fd = open_file(path, O_RDONLY), i;

	for (i = 0; i < mb * 16; i++)
		if (read(fd, buf, PIECE) != PIECE)
			die("read");
	print_since(begin);
	return 0;
}

static int do_random(const char *path, int mb, int count)
{
	uint64_t begin = now_ns(), at = 1;
	int fd = open_file(path, O_RDONLY);

	while (count--) {
		at = at * 6364136223846793005ULL + 1442695040888963407ULL;
		if (pread(fd, buf, SMALL, (at >> 33) % (mb * 256) * SMALL) != SMALL)
			die("pread");
	}
	print_since(begin);
	return 0;
}

static void create_one(const char *path)
{
	int fd = open_file(path, O_WRONLY | O_CREAT | O_EXCL);

	if (write(fd, "x", 1) != 1 || close(fd))
		die(path);
}

static void stat_one(const char *path)
{
	struct stat st;

	if (stat(path, &st) || st.st_size != 1)
		die(path);
}

static void remove_one(const char *path)
{
	if (unlink(path))
		die(path);
}

static int do_small(const char *dir, int count)
{
	static void (*const steps[])(const char *) = { create_one, stat_one, remove_one };
	uint64_t ns[3], begin;
	char path[4096];
	int i, n;

	for (i = 0; i < 3; i++) {
		begin = now_ns();
		for (n = 0; n < count; n++) {
			snprintf(path, sizeof(path), "%s/small%d", dir, n);
			steps[i](path);
		}
		ns[i] = now_ns() - begin;
	}
	printf("%llu %llu %llu\n", (unsigned long long)ns[0], (unsigned long long)ns[1],
	       (unsigned long long)ns[2]);
	return 0;
}

int main(int argc, char **argv)
{
	const char *what = argc > 3 ? argv[1] : "";
	int number = argc > 3 ? atoi(argv[3]) : 0;

	if (argc == 4 && number > 0 && !strcmp(what, "write"))
		return do_write(argv[2], number);
	if (argc == 4 && number > 0 && !strcmp(what, "read"))
		return do_read(argv[2], number);
	if (argc == 5 && number > 0 && !strcmp(what, "random"))
		return do_random(argv[2], number, atoi(argv[4]));
	if (argc == 4 && number > 0 && !strcmp(what, "small"))
		return do_small(argv[2], number);
	fprintf(stderr, "usage: filebench write FILE MB | read FILE MB | random FILE MB COUNT | small DIR COUNT\n");
	return 2;
}
