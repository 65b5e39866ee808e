// SPDX-License-Identifier: GPL-2.0-only
/* One request, one answer. */
#include "client.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static int connect_to(const char *run)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int fd, ret;

	if (snprintf(at.sun_path, sizeof(at.sun_path), "%s/backend.sock", run) >=
	    (int)sizeof(at.sun_path))
		return -ENAMETOOLONG;
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (!connect(fd, (struct sockaddr *)&at, sizeof(at)))
		return fd;
	ret = -errno;
	close(fd);
	return ret;
}

static int exchange(int fd, const char *request, char *answer, int timeout_ms)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	char *text;
	ssize_t n;
	long err;

	if (send(fd, request, strlen(request), MSG_NOSIGNAL) < 0)
		return -errno;
	n = poll(&p, 1, timeout_ms);
	if (n <= 0)
		return n ? -errno : -ETIME;
	n = recv(fd, answer, CLIENT_TEXT_MAX - 1, 0);
	if (n <= 0) {
		*answer = '\0';
		return -ECONNREFUSED;
	}
	answer[n] = '\0';
	err = strtol(answer, &text, 10);
	if (*text == ' ')
		text++;
	memmove(answer, text, strlen(text) + 1);
	return -err;
}

int client_ask(const char *run, const char *request, char *answer, int timeout_ms)
{
	int fd = connect_to(run), ret;

	*answer = '\0';
	if (fd < 0)
		return fd;
	ret = exchange(fd, request, answer, timeout_ms);
	close(fd);
	return ret;
}
