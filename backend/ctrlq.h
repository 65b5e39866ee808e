/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Queues that are served here, not by vhost-net or another process: the control queue of a
 * network card, and those of a file system whose process was killed. Everything in them was
 * written by the subOS: it is copied once, checked, then used. Pure, so that tests and
 * fuzzers get at it.
 */
#ifndef BACKEND_CTRLQ_H
#define BACKEND_CTRLQ_H

#include <stdbool.h>
#include <stdint.h>

#define CTRLQ_DATA_MAX	4096	/* bytes of a command; longer ones are refused */
#define CTRLQ_SIZE_MAX	1024	/* entries of a queue */

/**
 * struct ctrlq_memory - the subOS's memory
 * @read: copies from there; 0, or a negative errno where it has none
 * @write: copies to there; as @read
 * @ctx: given to both
 */
struct ctrlq_memory {
	int (*read)(void *ctx, uint64_t address, void *to, uint32_t bytes);
	int (*write)(void *ctx, uint64_t address, const void *from, uint32_t bytes);
	void *ctx;
};

/**
 * struct ctrlq - a queue
 * @memory: what it is in
 * @size: entries, a power of two up to CTRLQ_SIZE_MAX
 * @desc: address of the descriptor table
 * @avail: of the driver's ring
 * @used: of the device's ring
 * @last_avail: entries of the driver's ring that were taken
 * @used_idx: entries of the device's ring that were filled
 * @event_idx: the driver asks where it shall kick
 */
struct ctrlq {
	const struct ctrlq_memory *memory;
	uint32_t size;
	uint64_t desc;
	uint64_t avail;
	uint64_t used;
	uint16_t last_avail;
	uint16_t used_idx;
	bool event_idx;
};

/**
 * struct ctrlq_command - a command
 * @class: VIRTIO_NET_CTRL_*
 * @cmd: of that class
 * @bytes: used in @data
 * @data: what it is about
 */
struct ctrlq_command {
	uint8_t class;
	uint8_t cmd;
	uint32_t bytes;
	uint8_t data[CTRLQ_DATA_MAX];
};

/**
 * ctrlq_serve - carry out what is in the queue
 * @q: the queue
 * @run: carries a command out; returns whether that was done
 * @ctx: given to @run
 *
 * At most one round of the ring.
 *
 * Return: how many were carried out or refused; -EFAULT the queue or what it points to is
 * not in the subOS's memory, -EPROTO it breaks the rules: the device is to be given up.
 */
int ctrlq_serve(struct ctrlq *q, bool (*run)(void *ctx, const struct ctrlq_command *c),
		void *ctx);

/**
 * ctrlq_refuse - answer requests to a file system (struct fuse_in_header) with an error
 * @q: the queue
 * @error: the errno
 *
 * Return: as ctrlq_serve().
 */
int ctrlq_refuse(struct ctrlq *q, int error);

/* Goes on behind what is marked as used. Return: 0, -EFAULT. */
int ctrlq_resume(struct ctrlq *q);

#endif /* BACKEND_CTRLQ_H */
