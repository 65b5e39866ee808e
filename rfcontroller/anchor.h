/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Leaving what left the supervisor to the build that is loaded next: who writes
 * what into the anchor, and who takes it from there. See detach.c and adopt.c.
 */
#ifndef _RFCTL_ANCHOR_H
#define _RFCTL_ANCHOR_H

#include <linux/list.h>
#include <linux/types.h>
#include "anchor_format.h"

struct rf_detach;
struct rfctl_msg;
struct subos;

/**
 * struct rfctl_call - a call on the device, or on a subOS, that is under way
 * @node: in the list of those, under gate_lock
 * @name: of the subOS, or NULL
 * @comm: who makes it
 * @pid: process id
 */
struct rfctl_call {
	struct list_head node;
	const char *name;
	char comm[16];
	int pid;
};

/* detach.c */
int rfctl_call_begin(struct rfctl_call *call, const char *name);
bool rfctl_call_try(struct rfctl_call *call, const char *name);
int rfctl_call_must(struct rfctl_call *call, const char *name);
void rfctl_call_end(struct rfctl_call *call);
void rfctl_gate_open(void);
bool rfctl_detached(void);
int rfctl_detach_ioctl(void __user *arg);
void rfctl_thaw(void);

/*
 * What left the supervisor stays as it is when a part of us goes: we are
 * detached, or have not adopted it yet. Written while nothing else runs.
 */
extern bool rfctl_keep;

/* anchor.c: the memory that stays */
int rfctl_anchor_alloc(u64 size, struct rf_anchor_out *out);
int rfctl_anchor_seal(const struct rf_anchor_out *out);
int rfctl_anchor_find(struct rf_anchor *anchor);
void rfctl_anchor_close(void);
void rfctl_anchor_drop(void);
bool rfctl_phys_good(u64 phys, u64 size);

/* adopt.c: the anchor while it is being adopted, NULL when there is none */
extern const struct rf_anchor *rfctl_adopted;
int rfctl_adopt_begin(void);
void rfctl_adopt_end(void);
void rfctl_adopt_machine(struct rf_anchor_machine *machine);

/* Each puts its part into the anchor. Nothing changes meanwhile. */
void rfctl_park_save(struct rf_anchor_out *out);
void rfctl_cpus_save(struct rf_anchor_out *out);
void rfctl_mem_save(struct rf_anchor_out *out);
void rfctl_lowmem_save(struct rf_anchor_out *out);
void rfctl_pci_save(struct rf_anchor_out *out);
void rfctl_exchange_save(struct rf_anchor_out *out, struct rf_anchor_machine *machine);
void rfctl_loans_save(struct rf_anchor_out *out, struct rf_anchor_machine *machine);
void rfctl_usage_save(struct rf_anchor_out *out, struct rf_anchor_machine *machine);
void rfctl_ledger_save(struct rf_anchor_out *out, struct rf_anchor_machine *machine);
void rfctl_events_save(struct rf_anchor_out *out, struct rf_anchor_machine *machine);
void rfctl_console_save(struct subos *so, struct rf_anchor_out *out, struct rf_anchor_console *c);
void rfctl_console_adopt(struct subos *so, struct rf_anchor_console *c);
void rfctl_subos_save(struct rf_anchor_out *out, struct rf_anchor_machine *machine);
int rfctl_subos_adopt(void);
void rfctl_subos_forget(void);
u32 rfctl_subos_resume(void);

#endif /* _RFCTL_ANCHOR_H */
