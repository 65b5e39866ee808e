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
 *	region = ioctl(dev, RFCOM_IOC_OFFER, ...)	memory that others may map
 *	region = ioctl(dev, RFCOM_IOC_ATTACH, ...)	memory that another kernel offers
 *
 * mmap(region) maps it, shared. It is offered until its owner's descriptor and mappings
 * are gone; then, and when it is revoked, whoever maps it gets SIGBUS, and mmap() ENXIO.
 * Which pages it has does not change. They cannot be pinned: no direct I/O to them.
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
#define RFCOM_WRITE		(1U << 1)	/* of a region: others may write; to write */
#define RFCOM_OWNER		(1U << 2)	/* of who holds a region: it offers it */
#define RFCOM_REVOKED		(1U << 3)	/* was told to let go of it */
#define RFCOM_LOST		(1U << 4)	/* is in quarantine: it never does */

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
 * @waiting: cells of RF_COM_CELL bytes in its queue that are filled
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
 * struct rfcom_list - RFCOM_IOC_LIST: the channels' ends of this kernel; RFCOM_IOC_HOLDS:
 *	who holds regions, in the supervisor (in a subOS there are none)
 * @size: (in) size of this structure
 * @flags: (in) 0
 * @entries: (in) user address of an array of struct rfcom_channel, or struct rfcom_hold
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

/**
 * struct rfcom_offer - RFCOM_IOC_OFFER: offer a region
 * @size: (in) size of this structure
 * @flags: (in) RFCOM_WRITE: others may write, too
 * @bytes: (in) of it, up to 1 GB; rounded up to whole pages, zeroed
 * @region: (in) its name
 *
 * Return: a descriptor. EEXIST this kernel offers one of that name; EDQUOT more than a
 * subOS may offer in all (parameter share_mb of the supervisor's rfcom), EMFILE too many,
 * ENOTCONN this kernel is in no exchange, ETIMEDOUT the supervisor has no rfcom, EAGAIN
 * it is busy, EINTR, EINVAL, ENOMEM, EFAULT.
 */
struct rfcom_offer {
	__u32 size;
	__u32 flags;
	__u64 bytes;
	char region[RFCOM_NAME_MAX];
};

/**
 * struct rfcom_attach - RFCOM_IOC_ATTACH: map a region
 * @size: (in) size of this structure
 * @flags: (in) RFCOM_WRITE
 * @timeout_ms: (in) how long to wait for the supervisor's answer
 * @reserved: 0
 * @bytes: (out) of it
 * @kernel: (in) name of the kernel that offers it; empty: this one
 * @region: (in) its name
 *
 * Return: a descriptor. ENOENT there is no such kernel, or region; EACCES no rule allows
 * it, or not to write; otherwise as RFCOM_IOC_OFFER.
 */
struct rfcom_attach {
	__u32 size;
	__u32 flags;
	__u32 timeout_ms;
	__u32 reserved;
	__u64 bytes;
	char kernel[RFCOM_NAME_MAX];
	char region[RFCOM_NAME_MAX];
};

/**
 * struct rfcom_hold - who holds what of the supervisor's memory
 * @peer: id of the subOS, 0xffffffff for the supervisor
 * @flags: RFCOM_WRITE it may write, RFCOM_OWNER, RFCOM_REVOKED, RFCOM_LOST
 * @bytes: of the region
 * @kernel: name of who holds it
 * @owner: name of the kernel that offers it, or did
 * @region: its name
 */
struct rfcom_hold {
	__u32 peer;
	__u32 flags;
	__u64 bytes;
	char kernel[RFCOM_NAME_MAX];
	char owner[RFCOM_NAME_MAX];
	char region[RFCOM_NAME_MAX];
};

/**
 * struct rfcom_revoke - RFCOM_IOC_REVOKE: take a region from those who attached to it
 * @size: (in) size of this structure
 * @flags: (in) 0
 * @timeout_ms: (in) how long to wait until they have let go of it
 * @held: (out) how many have not
 * @kernel: (in) name of the kernel that offers it
 * @region: (in) its name
 * @from: (in) name of a kernel: from it alone; empty: from all, and nobody can attach to
 *	it any more
 *
 * Return: 0, also when some hold on. ENOENT there is no such region, or @from does not
 * hold it; EINTR, EINVAL, EFAULT. In a subOS there is none.
 */
struct rfcom_revoke {
	__u32 size;
	__u32 flags;
	__u32 timeout_ms;
	__u32 held;
	char kernel[RFCOM_NAME_MAX];
	char region[RFCOM_NAME_MAX];
	char from[RFCOM_NAME_MAX];
};

/* on /dev/rfcom */
#define RFCOM_IOC_OPEN		_IOW(RFCOM_IOC_MAGIC, 0, struct rfcom_open)
#define RFCOM_IOC_LISTEN	_IOW(RFCOM_IOC_MAGIC, 1, struct rfcom_listen)
#define RFCOM_IOC_LIST		_IOWR(RFCOM_IOC_MAGIC, 2, struct rfcom_list)
#define RFCOM_IOC_OFFER		_IOW(RFCOM_IOC_MAGIC, 4, struct rfcom_offer)
#define RFCOM_IOC_ATTACH	_IOWR(RFCOM_IOC_MAGIC, 5, struct rfcom_attach)
#define RFCOM_IOC_HOLDS		_IOWR(RFCOM_IOC_MAGIC, 6, struct rfcom_list)
#define RFCOM_IOC_REVOKE	_IOWR(RFCOM_IOC_MAGIC, 7, struct rfcom_revoke)
/* on the descriptor of a service */
#define RFCOM_IOC_ACCEPT	_IOWR(RFCOM_IOC_MAGIC, 3, struct rfcom_accept)

#endif /* _UAPI_LINUX_RFCOM_H */
