// SPDX-License-Identifier: GPL-2.0-only
/*
 * Prints the kernel log in a file that holds a machine's memory, a line each:
 * SEQUENCE LOST <PRIORITY>[TIME] TEXT. What was added to a message that had been
 * printed already has "+" for LOST.
 *
 * usage: klog_dump [-f] FILE	-f: wait for the log, and for more; ends with its input
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../rfm/klog.h"

static int read_file(void *ctx, __u64 addr, void *buf, size_t len)
{
	return pread(*(int *)ctx, buf, len, addr) == (ssize_t)len ? 0 : -EFAULT;
}

/* As dmesg -r does it: each line of a message has the whole prefix. */
static void print_record(const struct rfm_klog_record *rec)
{
	const char *line = rec->text, *end = rec->text + rec->len, *next;
	unsigned long long us = rec->ts_nsec / 1000;
	static unsigned long long last = -1ULL;
	char lost[24] = "+";

	if (rec->seq != last)
		snprintf(lost, sizeof(lost), "%llu", rec->lost);
	last = rec->seq;
	do {
		next = memchr(line, '\n', end - line);
		printf("%llu %s <%u>[%5llu.%06llu] %.*s\n", rec->seq, lost,
		       rec->facility * 8 + rec->level, us / 1000000, us % 1000000,
		       (int)((next ? next : end) - line), line);
		line = next + 1;
	} while (next);
}

/* False when nobody listens any more. */
static bool wait_a_little(void)
{
	struct pollfd fd = { .fd = STDIN_FILENO, .events = POLLIN };

	fflush(stdout);
	return !poll(&fd, 1, 2);
}

static int show(struct rfm_klog *log, bool follow)
{
	static struct rfm_klog_record rec;
	int ret;

	do {
		while ((ret = rfm_klog_next(log, &rec)) == 1)
			print_record(&rec);
	} while (!ret && follow && wait_a_little());
	return ret;
}

int main(int argc, char **argv)
{
	bool follow = argc > 1 && !strcmp(argv[1], "-f");
	int fd = argc > 1 + follow ? open(argv[1 + follow], O_RDONLY) : -1;
	struct rfm_mem_range range = { 0 };
	const struct rfm_mem mem = { read_file, &fd, &range, 1 };
	struct rfm_klog log;
	struct stat st;
	char err[128];
	int ret;

	if (fd < 0 || fstat(fd, &st))
		return 2;
	range.length = st.st_size;
	do {
		ret = rfm_klog_open(&log, &mem, err, sizeof(err));
		if (ret) {
			fprintf(stderr, "%s\n", err);
			continue;
		}
		/* while a kernel unpacks itself, nothing stays in its place */
		ret = show(&log, follow);
		rfm_klog_close(&log);
	} while (ret && follow && wait_a_little());
	return ret ? 1 : 0;
}
