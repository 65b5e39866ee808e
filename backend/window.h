/* SPDX-License-Identifier: GPL-2.0-only */
/* A subOS's memory, RF_IOC_WINDOW: pages come and go there while it is used. */
#ifndef BACKEND_WINDOW_H
#define BACKEND_WINDOW_H

#include <stdint.h>

/**
 * struct window - the mapping
 * @fd: what was mapped; not owned
 * @base: where guest-physical 0 is
 * @bytes: length of the mapping
 */
struct window {
	int fd;
	uint8_t *base;
	uint64_t bytes;
};

/* Return: 0 or a negative errno. For a process of one thread: SIGBUS is caught. */
int window_map(struct window *w, int fd, uint64_t bytes);

/*
 * Copies from and to guest-physical addresses, whole or not at all as far as anybody can
 * tell. @ctx is a struct window. Return: 0; -EFAULT the subOS has no memory there.
 */
int window_read(void *ctx, uint64_t address, void *to, uint32_t bytes);
int window_write(void *ctx, uint64_t address, const void *from, uint32_t bytes);

#endif /* BACKEND_WINDOW_H */
