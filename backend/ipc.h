/* SPDX-License-Identifier: GPL-2.0-only */
/* Between the keeper, which has the privileges, and the worker, which has none. */
#ifndef BACKEND_IPC_H
#define BACKEND_IPC_H

#include <stdint.h>

#include "spec.h"

#define IPC_FDS_MAX	(2 * SPEC_QUEUES_MAX)

enum ipc_type {
	IPC_ADD,	/* keeper: serve this device; descriptors: see struct ipc @count */
	IPC_RENEW,	/* keeper: its back end was started again; descriptor: connection */
	IPC_LOST,	/* keeper: its back end is gone for good */
	IPC_REMOVE,	/* keeper: take it away from the subOS */
	IPC_REMOVED,	/* worker: the subOS has let go of it */
	IPC_STATE,	/* worker: @state */
	IPC_HUNG_UP,	/* worker: a disk's back end did, another one is wanted */
};

enum ipc_state {
	IPC_OFFERED,	/* no driver has taken it */
	IPC_WORKS,
	IPC_BROKEN,	/* what the subOS or a back end said of it cannot be */
	IPC_GONE,	/* what it stands on in the supervisor is gone */
};

/**
 * struct ipc - a message
 * @type: enum ipc_type
 * @device: its number
 * @state: enum ipc_state
 * @resume: IPC_ADD, IPC_STATE: its back end serves the queues already
 * @count: descriptors with the message: a network card has taps, then as many of
 *	vhost-net; others a connection to the back end, and disks a file for what has been
 *	begun
 * @spec: what it is
 */
struct ipc {
	uint32_t type;
	uint32_t device;
	uint32_t state;
	uint32_t resume;
	uint32_t count;
	struct spec spec;
};

/* Return: 0 or a negative errno. @fds: as many as @m->count; they stay the caller's. */
int ipc_send(int sock, const struct ipc *m, const int *fds);
/* Return: 0, -EPIPE the other end is gone, -EAGAIN, -EPROTO. @fds: now the caller's. */
int ipc_receive(int sock, struct ipc *m, int fds[IPC_FDS_MAX]);

#endif /* BACKEND_IPC_H */
