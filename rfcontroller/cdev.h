/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Moving the structures of rainforest.h between user space and the module.
 */
#ifndef _RFCTL_CDEV_H
#define _RFCTL_CDEV_H

#include <linux/stddef.h>
#include <linux/types.h>

struct cpumask;
struct rfctl_msg;
struct subos;

#define CDEV_FETCH(arg, req, last)	\
	cdev_fetch(arg, &(req), sizeof(req), offsetofend(typeof(req), last))

int cdev_fetch(void __user *arg, void *req, size_t ksize, size_t min);
int cdev_return(void __user *arg, const void *req, size_t ksize);
void cdev_message(u64 to, u32 len, const struct rfctl_msg *msg);
int cdev_get_mask(struct cpumask *mask, u64 from, u32 bytes);
int cdev_put_mask(const struct cpumask *mask, u64 to, u32 bytes);

/* subos_fd.c */
int subos_fd_open(struct subos *so, bool creator);

#endif /* _RFCTL_CDEV_H */
