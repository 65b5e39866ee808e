/* SPDX-License-Identifier: GPL-2.0-only */
/* Files with the devices of subOSes, RUN/NAME/devices, and the addresses in them. */
#ifndef BACKEND_MACLIST_H
#define BACKEND_MACLIST_H

#include <stdbool.h>

#include "spec.h"

#define MACLIST_NAME	32	/* bytes in a name of a subOS, its NUL included */
#define MACLIST_LINE	(SPEC_TEXT_MAX + 64)

/**
 * maclist_line - read a line of such a file: number, name, kind, text, tabs between them
 * @line: is changed
 * @name: (out) of the device, in @line
 * @s: (out) the device
 *
 * Return: its number, -1: it cannot be read.
 */
int maclist_line(char *line, const char **name, struct spec *s);

/* Looks at a device of a subOS. Return: true ends the search. */
typedef bool maclist_fn(const char *owner, const struct spec *s, void *data);

/**
 * maclist_find - look at the devices of all subOSes
 * @run: directory with a directory for each subOS
 * @but: name of a subOS that is not looked at
 * @fn: called for each device
 * @data: for @fn
 *
 * Return: whether @fn found what it looked for.
 */
bool maclist_find(const char *run, const char *but, maclist_fn *fn, void *data);

/**
 * maclist_owner - who has a card with that address?
 * @run: directory with a directory for each subOS
 * @but: name of a subOS that is not looked at
 * @mac: the address
 * @owner: (out) name of the subOS
 *
 * Return: whether somebody has.
 */
bool maclist_owner(const char *run, const char *but, const uint8_t mac[6],
		   char owner[MACLIST_NAME]);

#endif /* BACKEND_MACLIST_H */
