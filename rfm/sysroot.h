/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Every access to /sys, /proc, /dev, /usr, /boot, /run and /var of the machine
 * goes through here, with a prefix: tests run on recorded trees.
 */
#ifndef RFM_SYSROOT_H
#define RFM_SYSROOT_H

#include <dirent.h>
#include <stdbool.h>
#include <stddef.h>

#include "units.h"

#define SYSROOT_PATH	512

void sysroot_set(const char *prefix);
const char *sysroot_prefix(void);	/* "" for the machine itself */

/* prefix + formatted path, in @buf */
const char *sysroot_path(char *buf, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* First @size - 1 bytes of a file, end of line cut off. Return 0 or -errno. */
int sysroot_read(char *buf, size_t size, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* All of a file up to @size; the number of bytes or -errno. */
long sysroot_read_bytes(void *buf, size_t size, const char *path);
bool sysroot_exists(const char *format, ...) __attribute__((format(printf, 1, 2)));
DIR *sysroot_opendir(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* A CPU list such as /sys/devices/system/cpu/present. Return 0 or -errno. */
int sysroot_read_cpus(struct cpus *cpus, const char *path);
/* Release of the kernel that runs here. Return 0 or -errno. */
int sysroot_release(char *buf, size_t size);

/* Where our files are: RFM_LIBDIR or /usr/lib/rainforest; then the cache and
 * the settings of the subOSes that live.
 */
const char *sysroot_lib_dir(void);
const char *sysroot_cache_dir(void);
const char *sysroot_run_dir(void);

#endif /* RFM_SYSROOT_H */
