/* SPDX-License-Identifier: GPL-2.0-only */
/* What stands in the way of a create, found before anything is touched. */
#ifndef RFM_PRECHECK_H
#define RFM_PRECHECK_H

#include <stdbool.h>
#include <stdint.h>

#include "settings.h"

/* Of a dry run: with --json what fails from here on is kept for the list of conflicts. */
void precheck_begin(void);

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
/* Has that resource one? @bdf is read for RF_RES_PCI. */
bool conflict_named(const struct conflicts *c, unsigned int kind, uint32_t bdf);

/**
 * precheck_more - look for conflicts with what a subOS that runs shall get besides
 * @dev: device
 * @s: @cpus and @pci are what it shall get; @name is its name
 * @ask: asks the module for what has no conflict yet, and calls conflict(); NULL
 *	when this is no dry run: then only the first conflict is reported
 * @data: for @ask
 *
 * Return: as precheck().
 */
int precheck_more(int dev, const struct settings *s,
		  void (*ask)(struct conflicts *c, void *data), void *data);

/* precheck_pci.c: a function that is there, free, idle, and fit to be given */
void precheck_pci(struct conflicts *c, uint32_t bdf);

/* precheck_devices.c: addresses, interfaces and images that other subOSes have */
void precheck_devices(struct conflicts *c, int dev, const struct settings *s);

#endif /* RFM_PRECHECK_H */
