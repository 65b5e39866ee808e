// SPDX-License-Identifier: GPL-2.0-only
/* Access to the machine's files, with a prefix. */
#include "sysroot.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *root = "";

void sysroot_set(const char *prefix)
{
	root = prefix;
}

const char *sysroot_prefix(void)
{
	return root;
}

static void format_path(char *buf, const char *format, va_list ap)
{
	int n = snprintf(buf, SYSROOT_PATH, "%s", root);

	if (n >= 0 && n < SYSROOT_PATH)
		vsnprintf(buf + n, SYSROOT_PATH - n, format, ap);
}

const char *sysroot_path(char *buf, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	format_path(buf, format, ap);
	va_end(ap);
	return buf;
}

static long read_path(void *buf, size_t size, const char *path)
{
	size_t used = 0;
	ssize_t n;
	int fd;

	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	do {
		n = read(fd, (char *)buf + used, size - used);
		if (n > 0)
			used += n;
	} while (n > 0 && used < size);
	n = n < 0 ? -errno : (ssize_t)used;
	close(fd);
	return n;
}

int sysroot_read(char *buf, size_t size, const char *format, ...)
{
	char path[SYSROOT_PATH];
	va_list ap;
	long n;

	va_start(ap, format);
	format_path(path, format, ap);
	va_end(ap);
	n = read_path(buf, size - 1, path);
	buf[n > 0 ? n : 0] = '\0';
	if (n > 0 && buf[n - 1] == '\n')
		buf[n - 1] = '\0';
	return n < 0 ? n : 0;
}

long sysroot_read_bytes(void *buf, size_t size, const char *path)
{
	char full[SYSROOT_PATH];

	return read_path(buf, size, sysroot_path(full, "%s", path));
}

bool sysroot_exists(const char *format, ...)
{
	char path[SYSROOT_PATH];
	va_list ap;

	va_start(ap, format);
	format_path(path, format, ap);
	va_end(ap);
	return !access(path, F_OK);
}

DIR *sysroot_opendir(const char *format, ...)
{
	char path[SYSROOT_PATH];
	va_list ap;

	va_start(ap, format);
	format_path(path, format, ap);
	va_end(ap);
	return opendir(path);
}

int sysroot_read_cpus(struct cpus *cpus, const char *path)
{
	char text[4096];
	int ret;

	memset(cpus, 0, sizeof(*cpus));
	ret = sysroot_read(text, sizeof(text), "%s", path);
	if (ret || !*text)
		return ret;
	return units_parse_cpus(text, cpus);
}

int sysroot_release(char *buf, size_t size)
{
	return sysroot_read(buf, size, "/proc/sys/kernel/osrelease");
}

static const char *dir(const char *variable, const char *path, char *buf)
{
	const char *value = getenv(variable);

	return value && *value ? value : sysroot_path(buf, "%s", path);
}

const char *sysroot_lib_dir(void)
{
	static char buf[SYSROOT_PATH];

	return dir("RFM_LIBDIR", "/usr/lib/rainforest", buf);
}

const char *sysroot_cache_dir(void)
{
	static char buf[SYSROOT_PATH];

	return dir("RFM_CACHEDIR", "/var/cache/rainforest", buf);
}

const char *sysroot_run_dir(void)
{
	static char buf[SYSROOT_PATH];

	return dir("RFM_RUNDIR", "/run/rainforest", buf);
}
