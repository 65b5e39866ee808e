// SPDX-License-Identifier: GPL-2.0-only
/* Sending and receiving messages. */
#include "chan.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

const volatile sig_atomic_t *exec_interrupted;

static bool interrupted(void)
{
	return exec_interrupted && *exec_interrupted;
}

int exec_outbox_flush(struct exec_outbox *box)
{
	if (!box->len)
		return 0;
	if (write(box->chan, box->buf, box->len) < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	box->len = 0;
	return 0;
}

int exec_outbox_put(struct exec_outbox *box, const void *msg, size_t len)
{
	if (msg != box->buf)
		memcpy(box->buf, msg, len);
	box->len = len;
	return exec_outbox_flush(box);
}

static int send_vector(int chan, struct iovec *iov, int count)
{
	struct pollfd p = { .fd = chan, .events = POLLOUT };

	if (interrupted())
		return -EINTR;
	while (writev(chan, iov, count) < 0) {
		if (errno != EAGAIN)
			return -errno;
		if (poll(&p, 1, -1) < 0)
			return -errno;
	}
	return 0;
}

int exec_send(int chan, const void *msg, size_t len)
{
	struct iovec iov = { (void *)msg, len };

	return send_vector(chan, &iov, 1);
}

int exec_ask(int chan, const void *msg, size_t len)
{
	int ret = exec_send(chan, msg, len);

	return ret == -EPIPE ? 0 : ret;
}

int exec_send_bytes(int chan, enum exec_type type, const void *data, size_t len)
{
	uint8_t first = type;
	struct iovec iov[2] = { { &first, 1 }, { (void *)data, len } };

	return send_vector(chan, iov, len ? 2 : 1);
}

int exec_send_error(int chan, enum exec_type type, enum exec_step step, int error,
		    const char *text)
{
	struct exec_error head = { .type = type, .step = step };
	struct iovec iov[2] = { { &head, sizeof(head) },
				{ (void *)text, strnlen(text, EXEC_TEXT_MAX) } };

	head.error = error < 0 ? -error : error;
	return send_vector(chan, iov, 2);
}

int exec_receive(int chan, struct exec_msg *m, void *buf)
{
	struct pollfd p = { .fd = chan, .events = POLLIN };
	ssize_t n;
	int ret;

	if (interrupted())
		return -EINTR;
	while ((n = read(chan, buf, EXEC_MESSAGE)) < 0) {
		if (errno != EAGAIN)
			return -errno;
		if (poll(&p, 1, -1) < 0)
			return -errno;
	}
	if (!n)
		return 0;
	ret = exec_parse(m, buf, n);
	return ret ? ret : 1;
}
