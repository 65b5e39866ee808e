/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the files of rfsubos.ko share.
 */
#ifndef _RFSUBOS_SUBOS_H
#define _RFSUBOS_SUBOS_H

#include <linux/rainforest_wire.h>
#include <linux/types.h>

/* facts.c */

/**
 * struct subos_facts - the areas shared with the supervisor
 * @desc: resource description, the supervisor writes it at any time: read it
 *	with subos_desc_read() only
 * @status: status page, written by us
 * @con_out: console, our side
 * @con_in: console, the supervisor's side
 * @boot: copy of the description as it was when this module was loaded, with
 *	its counts checked and its name ended by NUL
 */
struct subos_facts {
	const struct rf_desc *desc;
	struct rf_status *status;
	struct rf_con_out *con_out;
	const struct rf_con_in *con_in;
	struct rf_desc boot;
};

extern struct subos_facts subos_facts;

int subos_facts_init(void);
void subos_facts_exit(void);
int subos_desc_read(size_t offset, void *to, size_t len);

/* status.c */
int subos_status_init(const char *boot_id);
void subos_status_exit(void);
void subos_status_state(u32 state);
void subos_status_flag(u32 flag);
void subos_status_request(u32 seq);
void subos_status_reason(const char *text);
void subos_status_reason_replace(const char *text);
u32 subos_status_get(void);
u32 subos_status_online(void);

/* clock.c */
int subos_clock_set(void);

/* request.c */
void subos_request_poll(void);
void subos_request_take(u32 kind);
void subos_request_exit(void);

/* stat.c */
int subos_stat_init(void);
void subos_stat_kick(void);

/* sysfs.c */
int subos_sysfs_init(void);
void subos_sysfs_exit(void);

/* power.c */
int subos_power_init(bool dumper, bool probe);
void subos_power_exit(void);

/* probe.c */
int subos_probe_init(void);
void subos_probe_exit(void);

/* cpu.c */
int subos_cpu_init(void);
void subos_cpu_exit(void);

/* console.c */
int subos_console_init(void);
void subos_console_exit(void);
void subos_console_look(void);
u64 subos_console_dropped(void);

/* ficm.c */
void subos_ficm_init(void);

/* pci.c */
int subos_pci_init(void);

#endif /* _RFSUBOS_SUBOS_H */
