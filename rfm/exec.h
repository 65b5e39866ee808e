/* SPDX-License-Identifier: GPL-2.0-only */
/* rfm exec and rfm cp: this side of exec/proto.h. What fails is reported. */
#ifndef RFM_EXEC_H
#define RFM_EXEC_H

#include <stdbool.h>

#include "chan.h"

/**
 * exec_connect - a channel to the agent in a subOS
 * @name: the subOS
 *
 * Return: a descriptor, O_NONBLOCK; minus an enum rfm_exit after reporting why not.
 */
int exec_connect(const char *name);

/**
 * exec_lost - report that a channel broke before the end
 * @err: why, either sign; 0 or EPIPE: the other side closed it, EPROTO: it sent nonsense
 *
 * Return: RFM_EXEC.
 */
int exec_lost(int err);

/**
 * exec_failed - report what an ERROR of the agent says
 * @m: it
 *
 * Return: 126 or 127, as a shell, when the command could not be started; for a
 * copy the code of its errno; else RFM_EXEC.
 */
int exec_failed(const struct exec_msg *m);

/**
 * exec_run - let a command run, to its end
 * @chan: a channel whose START was sent; closed here
 * @tty: it has a terminal
 *
 * Return: exit status of the command, or RFM_EXEC.
 */
int exec_run(int chan, bool tty);

#endif /* RFM_EXEC_H */
