/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Sending the messages of proto.h. Where several things are waited for at a time, an
 * outbox holds the one message that does not go out yet.
 */
#ifndef EXEC_CHAN_H
#define EXEC_CHAN_H

#include <signal.h>
#include <stdbool.h>

#include "proto.h"

/* When it points to what is not 0, exec_send() and exec_receive() end with -EINTR. */
extern const volatile sig_atomic_t *exec_interrupted;

/**
 * struct exec_outbox - at most one message that waits to be sent
 * @chan: a channel that is O_NONBLOCK
 * @len: bytes of the message, 0: none waits, and something may be put in
 * @buf: the message
 */
struct exec_outbox {
	int chan;
	size_t len;
	unsigned char buf[1 + EXEC_DATA_MAX];
};

/**
 * exec_outbox_put - send a message, now or later
 * @box: empty
 * @msg: the message
 * @len: its bytes
 *
 * Return: 0 sent, or it waits; else a negative errno, the channel is broken.
 */
int exec_outbox_put(struct exec_outbox *box, const void *msg, size_t len);

/**
 * exec_outbox_flush - try again
 * @box: may be empty
 *
 * Return: as exec_outbox_put().
 */
int exec_outbox_flush(struct exec_outbox *box);

/**
 * exec_send - send a message, waiting as long as it takes
 * @chan: a channel
 * @msg: the message
 * @len: its bytes
 *
 * Return: 0, or a negative errno; -EINTR a signal came, nothing was sent.
 */
int exec_send(int chan, const void *msg, size_t len);

/**
 * exec_ask - send a START
 * @chan: the channel
 * @msg: the message
 * @len: its length
 *
 * Who closed at once, an agent that refuses, has said why: that can be read.
 *
 * Return: 0, also then; else as exec_send().
 */
int exec_ask(int chan, const void *msg, size_t len);

/**
 * exec_send_bytes - as exec_send(), a type and bytes
 * @chan: a channel
 * @type: the type
 * @data: the bytes
 * @len: their number
 *
 * Return: as exec_send().
 */
int exec_send_bytes(int chan, enum exec_type type, const void *data, size_t len);

/**
 * exec_send_error - as exec_send(), an ERROR or WARNING
 * @chan: a channel
 * @type: EXEC_ERROR or EXEC_WARNING
 * @step: what failed
 * @error: why, an errno of either sign
 * @text: what it is about; too long, it is cut
 *
 * Return: as exec_send().
 */
int exec_send_error(int chan, enum exec_type type, enum exec_step step, int error,
		    const char *text);

/**
 * exec_receive - wait for a message
 * @chan: a channel
 * @m: (out) the message
 * @buf: EXEC_MESSAGE bytes that @m points into
 *
 * Return: 1; 0 the other side has closed; a negative errno, as exec_parse(), read().
 */
int exec_receive(int chan, struct exec_msg *m, void *buf);

#endif /* EXEC_CHAN_H */
