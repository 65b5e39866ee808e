/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Stress for ficm/ring.c in user space: two threads are the two kernels.
 */
#ifndef _TOOLS_RINGTEST_H
#define _TOOLS_RINGTEST_H

#include "ring.h"

struct options {
	u64 count;
	u32 slots;
	unsigned int spin;	/* looks at an empty ring before sleeping */
	bool sleep;
	int cpu[2];		/* -1: anywhere */
};

extern struct options opt;

/* ringtest.c */
void __printf(1, 2) fail(const char *fmt, ...);
void both(void *(*first)(void *), void *(*second)(void *));
void relax(unsigned int *spins);
u64 rng(u64 *state);
void mem_make(struct ficm_ring_mem *mem);
void mem_free(struct ficm_ring_mem *mem);
void meet(unsigned int *turn);
void msg_fill(struct rf_msg *msg, u64 number, u64 key);
void msg_check(const struct rf_msg *msg, u64 number, u64 key);

/* one file each: returns when all is well */
void stream(void);
void race(void);
void garbage(void);
void restart(void);
void pingpong(void);

#endif /* _TOOLS_RINGTEST_H */
