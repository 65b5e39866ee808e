// SPDX-License-Identifier: GPL-2.0-only
/*
 * Counts the pages of a subOS's memory that are filled with a byte, from outside.
 *
 * usage: memctl NAME START LENGTH BYTE
 *
 * Prints how many pages there are, how many of them hold nothing but BYTE, and
 * how many are not zero.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <linux/rainforest.h>

#define PAGE	4096

static int subos(const char *name)
{
	struct rf_open req = { .size = sizeof(req) };
	int dev = open("/dev/rainforest", O_RDWR | O_CLOEXEC), fd;

	strncpy(req.name, name, sizeof(req.name) - 1);
	fd = dev < 0 ? -1 : ioctl(dev, RF_IOC_OPEN, &req);
	if (fd < 0) {
		perror("memctl");
		exit(2);
	}
	return fd;
}

static int all(const unsigned char *page, unsigned char byte)
{
	return page[0] == byte && !memcmp(page, page + 1, PAGE - 1);
}

int main(int argc, char **argv)
{
	unsigned long start, length, at, filled = 0, other = 0;
	unsigned char page[PAGE];
	int fd;

	if (argc != 5)
		return 2;
	fd = subos(argv[1]);
	start = strtoul(argv[2], NULL, 0);
	length = strtoul(argv[3], NULL, 0);
	for (at = start; at < start + length; at += PAGE) {
		if (pread(fd, page, PAGE, at) != PAGE) {
			perror("memctl: pread");
			return 2;
		}
		filled += all(page, strtoul(argv[4], NULL, 0));
		other += !all(page, 0);
	}
	printf("%lu pages, %lu filled, %lu not zero\n", length / PAGE, filled, other);
	return 0;
}
