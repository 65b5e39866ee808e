/* SPDX-License-Identifier: GPL-2.0-only */
/* What the files of dev.h share; dev.c has it. */
#ifndef RFM_DEV_PRIV_H
#define RFM_DEV_PRIV_H

#include "dev.h"

/* ioctl() with -errno */
int dev_call(int fd, unsigned long request, void *arg);
/* an address as the structures hold it */
__u64 dev_pointer(const void *p);
/* Empties @msg; its buffer as the structures name it */
__u64 dev_msg_buffer(struct dev_msg *msg);
/* Passes @ret on; afterwards @msg is fit to be printed */
int dev_said(int ret, struct dev_msg *msg);
/* Makes text of the module's fit to be printed, in place; at most 256 bytes */
void dev_clean_field(char *field, size_t size);
/*
 * All entries, however many there are by the time we get them; each has names at these
 * two places. *out is a pointer to the array.
 */
int dev_entries(int fd, unsigned long request, size_t size, size_t name, size_t other, void *out,
		unsigned int *nr);

#endif /* RFM_DEV_PRIV_H */
