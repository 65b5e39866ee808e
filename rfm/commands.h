/* SPDX-License-Identifier: GPL-2.0-only */
/* The verbs; each lives in its cmd-VERB.c. */
#ifndef RFM_COMMANDS_H
#define RFM_COMMANDS_H

#include "rfm.h"

extern const struct rfm_command cmd_create;
extern const struct rfm_command cmd_list;
extern const struct rfm_command cmd_show;
extern const struct rfm_command cmd_log;
extern const struct rfm_command cmd_console;
extern const struct rfm_command cmd_exec;
extern const struct rfm_command cmd_cp;
extern const struct rfm_command cmd_resize;
extern const struct rfm_command cmd_borrow;
extern const struct rfm_command cmd_return;
extern const struct rfm_command cmd_loans;
extern const struct rfm_command cmd_priority;
extern const struct rfm_command cmd_channel;
extern const struct rfm_command cmd_share;
extern const struct rfm_command cmd_device;
extern const struct rfm_command cmd_loop;
extern const struct rfm_command cmd_set;
extern const struct rfm_command cmd_restart;
extern const struct rfm_command cmd_stop;
extern const struct rfm_command cmd_destroy;
extern const struct rfm_command cmd_events;
extern const struct rfm_command cmd_usage;
extern const struct rfm_command cmd_top;
extern const struct rfm_command cmd_metrics;
extern const struct rfm_command cmd_resources;
extern const struct rfm_command cmd_ledger;
extern const struct rfm_command cmd_pool;
extern const struct rfm_command cmd_detach;
extern const struct rfm_command cmd_check;
extern const struct rfm_command cmd_audit;
extern const struct rfm_command cmd_version;
extern const struct rfm_command cmd_help;

#endif /* RFM_COMMANDS_H */
