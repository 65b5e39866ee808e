/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A thin layer over the ioctls of rainforest.h: descriptors and structures go
 * in, 0 or a negative errno comes out, and what the module said stands in
 * struct dev_msg.
 */
#ifndef RFM_DEV_H
#define RFM_DEV_H

#include <linux/rainforest.h>
#include <linux/rfcom.h>
#include <stdbool.h>
#include <stddef.h>

#include "klog.h"
#include "policy.h"
#include "units.h"

struct dev_msg {
	char text[RF_MSG_MAX];	/* one line, empty when the module said nothing */
};

/**
 * dev_connect - open the device and make sure that we understand each other
 *
 * Return: a descriptor, or minus an enum rfm_exit after reporting why not.
 */
int dev_connect(void);

/* As dev_connect(), but a supervisor that is detached is no reason to fail. */
int dev_connect_detached(void);

/**
 * dev_connect_subos - descriptor for a subOS that exists
 * @name: its name
 *
 * Return: as dev_connect().
 */
int dev_connect_subos(const char *name);

/**
 * dev_subos_info - what there is to know of a subOS
 * @name: its name
 * @info: (out) that
 *
 * Return: 0, or minus an exit status after reporting why not.
 */
int dev_subos_info(const char *name, struct rf_info *info);

/* Descriptor of /dev/rfcom. Return: as dev_connect(). */
int dev_connect_com(void);

/* The rest returns 0 (or a descriptor) or -errno and reports nothing. */
int dev_open(void);
int dev_version(int dev, struct rf_version *version);
int dev_create(int dev, const char *name, unsigned int *id, struct dev_msg *msg);
int dev_open_subos(int dev, const char *name);
int dev_add_cpus(int fd, struct cpus *cpus, unsigned int count, bool dry_run,
		 struct dev_msg *msg);
int dev_add_memory(int fd, __u64 bytes, int node, bool dry_run, __u64 *got, struct dev_msg *msg);
int dev_add_pci(int fd, unsigned int bdf, bool dry_run, struct dev_msg *msg);
int dev_load(int fd, struct rf_load *load, struct dev_msg *msg);
int dev_keep(int fd, struct rf_load *load, struct dev_msg *msg);
int dev_start(int fd);
int dev_stop(int fd, bool force, unsigned int timeout_ms, struct dev_msg *msg);
int dev_destroy(int fd, bool force, unsigned int timeout_ms, struct dev_msg *msg);
int dev_info(int fd, struct rf_info *info);
int dev_console(int fd, bool write);
int dev_winsize(int con, unsigned int rows, unsigned int cols);
int dev_audit(int dev, unsigned int flags, char *text, size_t size, struct rf_audit *audit);
int dev_check_cmdline(int dev, struct rf_cmdline *line, struct dev_msg *msg);
int dev_detach(int dev, bool undo, struct rf_detach *d, struct dev_msg *msg);
int dev_pool(int dev, struct rf_pool *pool, struct cpus *cpus, struct dev_msg *msg);
int dev_ledger(int dev, __u64 first, struct rf_ledger_entry *entries, struct rf_ledger *ledger,
	       unsigned int capacity);

/* dev_live.c. @size, the mask and the message are filled in here. */
int dev_resize_cpus(int fd, struct cpus *cpus, struct rf_resize_cpus *r, struct dev_msg *msg);
int dev_resize_memory(int fd, struct rf_resize_memory *r, struct dev_msg *msg);
int dev_resize_pci(int fd, unsigned int bdf, struct rf_resize_pci *r, struct dev_msg *msg);
/* @cpus may be NULL: @b->count or @b->bytes say how much. */
int dev_borrow(int dev, struct cpus *cpus, struct rf_borrow *b, struct dev_msg *msg);
int dev_return(int dev, struct rf_return *r, struct dev_msg *msg);
int dev_priority(int fd, int priority);
int dev_rule(int dev, const char *from, const char *to, bool allow, struct dev_msg *msg);
/* Of regions: from the kernel @from, "" for all; *held is how many have not let go. */
int dev_revoke(int com, const char *kernel, const char *region, const char *from,
	       unsigned int timeout_ms, unsigned int *held);
int dev_policy(int fd, const struct policy *policy, struct dev_msg *msg);
int dev_stats(int fd, unsigned int timeout_ms, struct rf_stats *stats);
int dev_events(int dev, __u64 first, struct rf_event *entries, struct rf_events *events,
	       unsigned int capacity);
/* *out is malloc()ed, @usage->count its length. */
int dev_usage(int dev, struct rf_usage *usage, struct rf_usage_entry **out);

/* Lists: *out is malloc()ed, *nr its length. */
int dev_list(int dev, struct rf_info **out, unsigned int *nr);
int dev_loans(int dev, struct rf_loan **out, unsigned int *nr);
int dev_rules(int dev, struct rf_rule_entry **out, unsigned int *nr);
int dev_channels(int com, struct rfcom_channel **out, unsigned int *nr);
int dev_holds(int com, struct rfcom_hold **out, unsigned int *nr);
int dev_resources(int dev, struct rf_resource **out, unsigned int *nr);

/* Memory ranges of a subOS, the first one first; *out is malloc()ed. */
int dev_ranges(int dev, const struct rf_info *info, struct rfm_mem_range **out, unsigned int *nr);

/* struct rfm_mem @read; @ctx points to the subOS's descriptor. */
int dev_read_memory(void *ctx, __u64 addr, void *buf, size_t len);

#endif /* RFM_DEV_H */
