/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * subOScon: what its files share.
 */
#ifndef _RFSUBOS_CON_H
#define _RFSUBOS_CON_H

#include <linux/ktime.h>
#include <linux/rainforest_wire.h>
#include <linux/types.h>

#define SUBOS_VALUES	3

/**
 * struct subos_call - a request that is being carried out
 * @arg: its arguments, nothing in them was checked
 * @timeout_ms: the sender waits so long; within sane limits
 * @value: (out) what the reply shall say
 * @stage_us: time of the stages that are over, us
 * @stage: how many are
 * @mark: when the current one began
 */
struct subos_call {
	u64 arg[4];
	u32 timeout_ms;
	u64 value[SUBOS_VALUES];
	u32 stage_us[RF_REPLY_STAGES];
	unsigned int stage;
	ktime_t mark;
};

/**
 * typedef subos_op_t - carries out a request
 * @call: see there
 *
 * Context: the worker of subOScon only, may sleep. One at a time.
 * Return: 0 or a negative errno.
 */
typedef int (*subos_op_t)(struct subos_call *call);

/**
 * enum subos_con_count - what subOScon counts
 * @SUBOS_CON_REQUESTS: requests carried out, with whatever result
 * @SUBOS_CON_REPEATED: messages that asked for what was done, or under way
 * @SUBOS_CON_REFUSED: messages that were no request for us, too old or nonsense
 * @SUBOS_CON_COUNTS: how many there are
 */
enum subos_con_count {
	SUBOS_CON_REQUESTS,
	SUBOS_CON_REPEATED,
	SUBOS_CON_REFUSED,
	SUBOS_CON_COUNTS,
};

/* con.c */
int subos_con_init(void);
void subos_con_stage(struct subos_call *call);
unsigned long subos_con_count(enum subos_con_count which);
unsigned int subos_con_last_op(void);

/* ask.c */
int subos_ask_init(void);
int subos_ask(u16 op, u64 arg, u32 timeout_ms);
int subos_ask_words(const char *words);
int subos_ask_told(char *buf, size_t size);

/* cpu.c */
int subos_cpu_add(struct subos_call *call);
int subos_cpu_remove(struct subos_call *call);

/* mem.c */
int subos_mem_add(struct subos_call *call);
int subos_mem_remove(struct subos_call *call);

/* pci.c */
int subos_pci_add(struct subos_call *call);
int subos_pci_remove(struct subos_call *call);

/* stat.c */
int subos_stat_fill(struct subos_call *call);

#endif /* _RFSUBOS_CON_H */
