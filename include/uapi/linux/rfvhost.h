/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * /dev/rfvhost: doorbells of a subOS's virtio devices, for their back ends in the
 * supervisor. One descriptor for each subOS:
 *
 *	fd = open("/dev/rfvhost")
 *	ioctl(fd, RFVHOST_IOC_BIND, ...)	whose devices; CAP_SYS_ADMIN
 *	ioctl(fd, RFVHOST_IOC_QUEUE, ...)	for each queue: its eventfds
 *
 * After RFVHOST_IOC_BIND the descriptor needs no privilege, and is about that subOS only.
 * Closing it takes all eventfds away; kicks go nowhere then.
 */
#ifndef _UAPI_LINUX_RFVHOST_H
#define _UAPI_LINUX_RFVHOST_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define RFVHOST_IOC_MAGIC	0xBB

/**
 * struct rfvhost_bind - RFVHOST_IOC_BIND: the descriptor is for a subOS from now on
 * @size: (in) size of this structure
 * @subos: (in) id of the subOS; it need not run
 *
 * Return: 0. EPERM without CAP_SYS_ADMIN; EBUSY the descriptor is bound already, or another
 * one to that subOS; EINVAL.
 */
struct rfvhost_bind {
	__u32 size;
	__u32 subos;
};

/**
 * struct rfvhost_queue - RFVHOST_IOC_QUEUE: eventfds of a queue
 * @size: (in) size of this structure
 * @device: (in) below RF_VIRTIO_DEVICES
 * @queue: (in) below RF_VIRTIO_QUEUES
 * @kick: (in) eventfd that is signalled when the subOS kicks the queue, -1: none
 * @call: (in) eventfd whose signals become calls of the queue in the subOS, -1: none
 * @reserved: 0
 *
 * Both take the place of those that the queue had, which are signalled no more when this
 * returns.
 *
 * Return: 0. ENOTCONN the descriptor is not bound; EBADF, EINVAL that is no eventfd; EINVAL;
 * ENOMEM.
 */
struct rfvhost_queue {
	__u32 size;
	__u32 device;
	__u32 queue;
	__s32 kick;
	__s32 call;
	__u32 reserved;
};

#define RFVHOST_IOC_BIND	_IOW(RFVHOST_IOC_MAGIC, 0, struct rfvhost_bind)
#define RFVHOST_IOC_QUEUE	_IOW(RFVHOST_IOC_MAGIC, 1, struct rfvhost_queue)

#endif /* _UAPI_LINUX_RFVHOST_H */
