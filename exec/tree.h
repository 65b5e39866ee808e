/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A tree of files that goes through a channel, as ENTRY, DATA and DONE of proto.h. Both
 * sides have both directions.
 *
 * Names are single components, and the receiver walks by descriptors, one component at a
 * time, following no link: no stream leads it out of its place. There is no entry for
 * device nodes, set-uid and set-gid bits are dropped, and files belong to whoever
 * receives them. A file appears under its name when it is complete.
 */
#ifndef EXEC_TREE_H
#define EXEC_TREE_H

#include <stdbool.h>

#include "proto.h"

#define TREE_DEPTH	128	/* directories in each other */

/**
 * struct tree_error - why a tree did not come over
 * @step: EXEC_STEP_READ or EXEC_STEP_WRITE here, 0: the channel broke
 * @error: an errno, positive; EPROTO the other side sent nonsense, 0 it closed
 * @remote: the other side says so
 * @text: the file
 */
struct tree_error {
	int step;
	int error;
	bool remote;
	char text[EXEC_TEXT_MAX + 1];
};

/**
 * typedef tree_warn - called for what is left out
 * @chan: the channel
 * @error: an errno, positive
 * @text: the file, of any bytes when it comes from the other side
 * @len: bytes of @text
 */
typedef void tree_warn(int chan, int error, const char *text, size_t len);

/**
 * tree_send - send a file, directory or link
 * @chan: channel
 * @path: what to send; a link is not followed
 * @warn: told of what cannot be sent: nodes, what went away meanwhile
 * @e: (out) what went wrong
 *
 * Return: 0, or -1. When the channel broke, the other side may have said why.
 */
int tree_send(int chan, const char *path, tree_warn *warn, struct tree_error *e);

/**
 * struct tree_place - where a tree goes
 * @dir: descriptor of the directory that it goes into
 * @name: its name there; ".": its contents go right into the directory
 */
struct tree_place {
	int dir;
	char name[EXEC_NAME_MAX + 1];
};

/**
 * tree_place_open - find the place
 * @p: (out) the place, @dir to be closed
 * @path: a directory that the tree goes into, as @name; or what it shall be itself
 * @name: last component of the source, "." for its contents
 * @into: it must be a directory
 *
 * Return: 0, or a negative errno.
 */
int tree_place_open(struct tree_place *p, const char *path, const char *name, bool into);

/**
 * tree_receive - take a tree
 * @chan: channel
 * @p: where it goes
 * @warn: told what the other side leaves out
 * @e: (out) what went wrong
 *
 * Return: 0 all is there, or -1: what was complete stays.
 */
int tree_receive(int chan, const struct tree_place *p, tree_warn *warn, struct tree_error *e);

#endif /* EXEC_TREE_H */
