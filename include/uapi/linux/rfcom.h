/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * User interface of RFcom, /dev/rfcom: channels to other kernels.
 *
 *	chan = ioctl(dev, RFCOM_IOC_OPEN, ...)		a channel to a service
 *	serv = ioctl(dev, RFCOM_IOC_LISTEN, ...)	a service of one's own
 *	chan = ioctl(serv, RFCOM_IOC_ACCEPT, ...)	a channel that somebody opened
 *
 * A channel is written and read in messages of 1 to RFCOM_MESSAGE_MAX bytes: write()
 * sends one, whole or not at all; read() gets one, EMSGSIZE when it does not fit, and
 * then it stays; 0 when the other end has closed and all was read, ECONNRESET when its
 * kernel is gone. write() then gives EPIPE. Both wait, unless the descriptor is
 * O_NONBLOCK (EAGAIN). poll() tells EPOLLIN, on a service too, EPOLLOUT, EPOLLRDHUP and
 * EPOLLHUP, EPOLLERR for an end with an error. A kernel is named as its subOS, or
 * "supervisor". close() closes, and nothing that was written before is lost.
 *
 * Every structure begins with its own size in bytes, as the caller knows it; unknown
 * flags and non-zero reserved fields give EINVAL.
 */
#ifndef _UAPI_LINUX_RFCOM_H
#define _UAPI_LINUX_RFCOM_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define RFCOM_NAME_MAX		32	/* bytes in a name, the final NUL included */
#define RFCOM_MESSAGE_MAX	61440	/* bytes in a message */
#define RFCOM_BACKLOG_MAX	128	/* channels that wait to be accepted */
#define RFCOM_TIMEOUT_MAX	3600000	/* ms */

#define RFCOM_IOC_MAGIC		0xBA

#define RFCOM_NONBLOCK		(1U << 0)	/* the new descriptor is O_NONBLOCK */

/**
 * struct rfcom_open - RFCOM_IOC_OPEN: open a channel
 * @size: (in) size of this structure
 * @flags: (in) RFCOM_NONBLOCK
 * @timeout_ms: (in) how long to wait for the other kernel's answer, up to
 *	RFCOM_TIMEOUT_MAX
 * @reserved: 0
 * @kernel: (in) name of the kernel
 * @service: (in) name of the service there
 *
 * Return: a descriptor. ENOENT there is no such kernel, ENOTCONN this one is in no
 * exchange, or that one has not joined yet; ECONNREFUSED nobody listens there, EACCES
 * no rule allows it, EAGAIN too many wait to be accepted there, ETIMEDOUT no answer,
 * EINTR, EINVAL, EMFILE, ENOMEM, EFAULT.
 */
struct rfcom_open {
	__u32 size;
	__u32 flags;
	__u32 timeout_ms;
	__u32 reserved;
	char kernel[RFCOM_NAME_MAX];
	char service[RFCOM_NAME_MAX];
};

/**
 * struct rfcom_listen - RFCOM_IOC_LISTEN: offer a service
 * @size: (in) size of this structure
 * @flags: (in) RFCOM_NONBLOCK
 * @backlog: (in) channels that may wait to be accepted, 1 to RFCOM_BACKLOG_MAX
 * @reserved: 0
 * @service: (in) its name
 *
 * Return: a descriptor. EADDRINUSE somebody offers it, EINVAL, EMFILE, ENOMEM, EFAULT.
 */
struct rfcom_listen {
	__u32 size;
	__u32 flags;
	__u32 backlog;
	__u32 reserved;
	char service[RFCOM_NAME_MAX];
};

/**
 * struct rfcom_accept - RFCOM_IOC_ACCEPT: the next channel that was opened
 * @size: (in) size of this structure
 * @flags: (in) RFCOM_NONBLOCK
 * @kernel: (out) name of the kernel that opened it
 *
 * Return: a descriptor. EAGAIN none, and the service is O_NONBLOCK; EINTR, EINVAL,
 * EMFILE, EFAULT: the channel is closed then.
 */
struct rfcom_accept {
	__u32 size;
	__u32 flags;
	char kernel[RFCOM_NAME_MAX];
};

/* what a channel's end is doing, struct rfcom_channel @state */
#define RFCOM_STATE_OPENING	0
#define RFCOM_STATE_OPEN	1
#define RFCOM_STATE_CLOSED	2	/* by the other end, or with an error */

/**
 * struct rfcom_channel - an end of a channel, of this kernel
 * @id: its number here
 * @peer: id of the other kernel's subOS, 0 for the supervisor, 0xffffffff for this one
 * @state: RFCOM_STATE_*
 * @error: why it is closed, an errno; 0: the other end closed it
 * @accepted: the other kernel opened it
 * @waiting: cells of 64 bytes in its queue that are filled
 * @sent: messages
 * @sent_bytes: of these
 * @received: messages that were read
 * @received_bytes: of these
 * @kernel: name of the other kernel
 * @service: name of the service
 */
struct rfcom_channel {
	__u32 id;
	__u32 peer;
	__u32 state;
	__u32 error;
	__u32 accepted;
	__u32 waiting;
	__u64 sent;
	__u64 sent_bytes;
	__u64 received;
	__u64 received_bytes;
	char kernel[RFCOM_NAME_MAX];
	char service[RFCOM_NAME_MAX];
};

/**
 * struct rfcom_list - RFCOM_IOC_LIST: the channels' ends of this kernel
 * @size: (in) size of this structure
 * @flags: (in) 0
 * @entries: (in) user address of an array of struct rfcom_channel
 * @capacity: (in) entries in the array
 * @count: (out) entries there are, may exceed @capacity
 *
 * Return: 0, EFAULT, EINVAL.
 */
struct rfcom_list {
	__u32 size;
	__u32 flags;
	__u64 entries;
	__u32 capacity;
	__u32 count;
};

/* on /dev/rfcom */
#define RFCOM_IOC_OPEN		_IOW(RFCOM_IOC_MAGIC, 0, struct rfcom_open)
#define RFCOM_IOC_LISTEN	_IOW(RFCOM_IOC_MAGIC, 1, struct rfcom_listen)
#define RFCOM_IOC_LIST		_IOWR(RFCOM_IOC_MAGIC, 2, struct rfcom_list)
/* on the descriptor of a service */
#define RFCOM_IOC_ACCEPT	_IOWR(RFCOM_IOC_MAGIC, 3, struct rfcom_accept)

#endif /* _UAPI_LINUX_RFCOM_H */
