/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A change of what a subOS that runs has: what is wanted, in steps, and what
 * came of each. resize.c does the steps, cmd-resize.c talks to the user.
 */
#ifndef RFM_RESIZE_H
#define RFM_RESIZE_H

#include <linux/rainforest.h>
#include <linux/rainforest_wire.h>
#include <stdbool.h>

#include "dev.h"

#define RESIZE_STEPS	(RF_WIRE_PCI + 2)

/**
 * struct resize_step - one resource
 * @kind: RF_RES_CPU, RF_RES_MEMORY or RF_RES_PCI
 * @flags: RF_RESIZE_ADD, RF_RESIZE_REMOVE, or 0: so much in all
 * @cpus: which CPUs; empty when @count says how many
 * @count: see @cpus
 * @bytes: of memory
 * @bdf: PCI function
 * @gives: the subOS has more afterwards
 * @tried: the module was asked
 * @err: what it answered, 0 or -errno
 * @had: CPUs, bytes or PCI functions before
 * @want: the same as it shall be
 * @got: the same as it is
 * @held_by: physical address of a page that held memory back, 0: not known
 * @stage_ns: see enum rf_resize_stage
 * @msg: what the module said
 */
struct resize_step {
	unsigned int kind;
	unsigned int flags;
	struct cpus cpus;
	unsigned int count;
	__u64 bytes;
	unsigned int bdf;
	bool gives;
	bool tried;
	int err;
	__u64 had, want, got;
	__u64 held_by;
	__u64 stage_ns[RF_RESIZE_STAGES];
	struct dev_msg msg;
};

#define RESIZE_BORROWED	32

/**
 * struct resize_borrowed - what --preempt took from somebody
 * @kind: RF_RES_CPU or RF_RES_MEMORY
 * @id: number of the loan
 * @amount: CPUs or bytes
 * @from: name of the lender
 */
struct resize_borrowed {
	unsigned int kind;
	unsigned int id;
	__u64 amount;
	char from[RF_NAME_MAX];
};

/**
 * struct resize - all that shall change
 * @steps: in the order of the command line; resize_plan() sorts them
 * @nr: number of @steps
 * @timeout_ms: for each core, block or device; 0: the module's own limits
 * @preempt: take from those of lower priority what the supervisor does not have
 * @borrowed: what came from whom that way
 * @nr_borrowed: number of @borrowed
 */
struct resize {
	struct resize_step steps[RESIZE_STEPS];
	unsigned int nr;
	unsigned int timeout_ms;
	bool preempt;
	struct resize_borrowed borrowed[RESIZE_BORROWED];
	unsigned int nr_borrowed;
};

/* "+2", "-2-3", "4", "2-5"; return 0 or RFM_USAGE, reported. */
int resize_parse_cpus(struct resize_step *s, const char *text);
int resize_parse_memory(struct resize_step *s, const char *text);
int resize_parse_pci(struct resize_step *s, const char *text);

/* Learns from @info what each step means, and puts what gives to the front. */
void resize_plan(struct resize *r, const struct rf_info *info);

/* Asks the module for one step, with @flags besides its own. Returns @s->err. */
int resize_do(int fd, struct resize_step *s, unsigned int timeout_ms, unsigned int flags);

/* Why a step failed, in words of the module or of ours; in @buf */
const char *resize_why(const struct resize_step *s, char *buf, size_t size);

/* The exit code for a step that failed and changed nothing */
int resize_code(const struct resize_step *s);

#endif /* RFM_RESIZE_H */
