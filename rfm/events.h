/* SPDX-License-Identifier: GPL-2.0-only */
/* Events of subOSes, for people and programs; cmd-events.c has it. */
#ifndef RFM_EVENTS_H
#define RFM_EVENTS_H

#include <json-c/json.h>
#include <linux/rainforest.h>
#include <stddef.h>

/* "web is running: init was started", in @buf */
const char *event_text(const struct rf_event *e, char *buf, size_t size);
struct json_object *event_json(const struct rf_event *e);

/* log_ledger.c: every change of owner, with the events between; @name may be NULL. */
int log_ledger(const char *name);

#endif /* RFM_EVENTS_H */
