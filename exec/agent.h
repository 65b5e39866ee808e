/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Inside the agent. agent.c listens, and forks for each channel; that process serves it:
 * agent_run.c a command, agent_copy.c a tree.
 */
#ifndef EXEC_AGENT_H
#define EXEC_AGENT_H

#include <stdbool.h>
#include <sys/types.h>

#include "chan.h"

/* agent.c */

/**
 * agent_mount - a mount that is in no tree
 * @type: of the file system
 *
 * Return: descriptor of its root, or a negative errno.
 */
int agent_mount(const char *type);

/* agent_root.c */

/**
 * agent_enter_root - go where pid 1 is now
 * @proc: a procfs
 *
 * Its namespaces, then its root.
 *
 * Return: 0, or a negative errno.
 */
int agent_enter_root(int proc);

/**
 * agent_oom_score - how willingly the kernel ends this process when memory is short
 * @proc: a procfs
 * @score: -1000 never, 0 as others
 */
void agent_oom_score(int proc, const char *score);

/* agent_command.c */

/**
 * struct agent_command - a command that runs
 * @pid: its process, and process group; not reaped before the end of ours
 * @pidfd: of it
 * @in: to write its input to, -1: closed
 * @out: to read its output and error output from, -1: closed; with a terminal @out[0]
 * @tty: it has a terminal: @in and @out[0]
 */
struct agent_command {
	pid_t pid;
	int pidfd;
	int in;
	int out[2];
	bool tty;
};

/**
 * agent_command_start - start what a START asks for
 * @c: (out) the command
 * @m: the START
 * @proc: a procfs
 * @step: (out) what failed
 *
 * Context: in pid 1's root.
 * Return: 0, or a negative errno.
 */
int agent_command_start(struct agent_command *c, const struct exec_msg *m, int proc,
			enum exec_step *step);

/* agent_run.c */

/* Lets the command of a START run, to its end or the channel's. */
void agent_run(int chan, const struct exec_msg *m, int proc);

/* agent_copy.c */

/* Sends or takes the tree that a START is about. */
void agent_copy(int chan, const struct exec_msg *m);

#endif /* EXEC_AGENT_H */
