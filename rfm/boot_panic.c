// SPDX-License-Identifier: GPL-2.0-only
/*
 * A kernel that panics before our module is there reports nothing: its log, read
 * out of its memory, tells.
 */
#include "boot.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dev.h"
#include "klog.h"
#include "units.h"

static const char panic[] = "Kernel panic - not syncing: ";

static bool find_panic(struct rfm_klog *log, char *why, size_t size)
{
	static struct rfm_klog_record rec;

	while (rfm_klog_next(log, &rec) > 0) {
		if (rec.len < sizeof(panic) || rec.len > sizeof(rec.text) ||
		    memcmp(rec.text, panic, sizeof(panic) - 1))
			continue;
		units_clean(rec.text + sizeof(panic) - 1, rec.len - (sizeof(panic) - 1), why, size);
		return true;
	}
	return false;
}

static bool log_has_panic(int dev, int fd, char *why, size_t size)
{
	struct rfm_mem mem = { .read = dev_read_memory, .ctx = &fd };
	struct rfm_mem_range *ranges = NULL;
	struct rfm_klog log = { 0 };
	struct rf_info info;
	bool found = false;
	char err[200];

	if (dev_info(fd, &info) || dev_ranges(dev, &info, &ranges, &mem.nr_ranges))
		return false;
	mem.ranges = ranges;
	if (mem.nr_ranges && !rfm_klog_open(&log, &mem, err, sizeof(err))) {
		found = find_panic(&log, why, size);
		rfm_klog_close(&log);
	}
	free(ranges);
	return found;
}

bool boot_panicked(int fd, char *why, size_t size)
{
	int dev = dev_open();
	bool found;

	if (dev < 0)
		return false;
	found = log_has_panic(dev, fd, why, size);
	close(dev);
	return found;
}
