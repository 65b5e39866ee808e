/* SPDX-License-Identifier: GPL-2.0-only */
/* What stands in the way of a create, found before anything is touched. */
#ifndef RFM_PRECHECK_H
#define RFM_PRECHECK_H

#include <stdbool.h>
#include <stdint.h>

#include "settings.h"

/**
 * precheck - look for conflicts
 * @dev: device
 * @s: what is wanted
 * @dry_run: report all conflicts, ask the module too, and say so if there are
 *	none; else only the first one is reported
 * @kernel_version: as struct rf_load; 0 when no kernel could be read
 * @so_far: exit code of checks that were made, and reported, before
 *
 * Return: 0 or an enum rfm_exit, reported.
 */
int precheck(int dev, const struct settings *s, bool dry_run, uint32_t kernel_version,
	     int so_far);

struct conflicts;
/* Notes a conflict; @code is the exit code for it. */
void conflict(struct conflicts *c, int code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* precheck_pci.c: a function that is there, free, idle, and fit to be given */
void precheck_pci(struct conflicts *c, uint32_t bdf);

#endif /* RFM_PRECHECK_H */
