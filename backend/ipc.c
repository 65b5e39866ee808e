// SPDX-License-Identifier: GPL-2.0-only
/* Messages with descriptors. */
#include "ipc.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int ipc_send(int sock, const struct ipc *m, const int *fds)
{
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(IPC_FDS_MAX * sizeof(int))];
	} control = { 0 };
	struct iovec iov = { (void *)m, sizeof(*m) };
	struct msghdr h = { .msg_iov = &iov, .msg_iovlen = 1 };
	size_t bytes = m->count * sizeof(int);
	struct cmsghdr *c;

	if (bytes) {
		h.msg_control = &control;
		h.msg_controllen = CMSG_SPACE(bytes);
		c = CMSG_FIRSTHDR(&h);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(bytes);
		memcpy(CMSG_DATA(c), fds, bytes);
	}
	return sendmsg(sock, &h, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

int ipc_receive(int sock, struct ipc *m, int fds[IPC_FDS_MAX])
{
	char control[CMSG_SPACE(IPC_FDS_MAX * sizeof(int))];
	struct iovec iov = { m, sizeof(*m) };
	struct msghdr h = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control,
			    .msg_controllen = sizeof(control) };
	struct cmsghdr *c;
	uint32_t i, got = 0;
	ssize_t n;

	n = recvmsg(sock, &h, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
	if (n < 0)
		return -errno;
	if (!n)
		return -EPIPE;
	c = CMSG_FIRSTHDR(&h);
	if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS) {
		got = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		memcpy(fds, CMSG_DATA(c), got * sizeof(int));
	}
	if (n == sizeof(*m) && m->count == got)
		return 0;
	for (i = 0; i < got; i++)
		close(fds[i]);
	return -EPROTO;
}
