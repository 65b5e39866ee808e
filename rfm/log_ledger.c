// SPDX-License-Identifier: GPL-2.0-only
/*
 * rfm log --ledger: every change of owner with its time and outcome, and
 * between them the events, which say what a change belonged to.
 */
#include "events.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dev.h"
#include "fmt.h"
#include "rfm.h"

#define CHUNK	256

/**
 * struct book - the ledger and the events, each read in pieces
 * @dev: device
 * @name: whose entries are wanted, NULL for all
 * @owners: names for ids, also of those that ended
 * @nr_owners: length of @owners
 * @entries: piece of the ledger
 * @ledger: @first and @count of @entries
 * @at: next one in @entries
 * @events: piece of the events
 * @range: @first and @count of @events
 * @event_at: next one in @events
 */
struct book {
	int dev;
	const char *name;
	struct rf_usage_entry *owners;
	unsigned int nr_owners;
	struct rf_ledger_entry entries[CHUNK];
	struct rf_ledger ledger;
	unsigned int at;
	struct rf_event events[CHUNK];
	struct rf_events range;
	unsigned int event_at;
};

static const char *name_of(const struct book *b, unsigned int id)
{
	unsigned int i;

	for (i = 0; i < b->nr_owners; i++)
		if (b->owners[i].owner == id)
			return b->owners[i].name;
	return NULL;
}

static bool is_wanted(const struct book *b, unsigned int id)
{
	const char *name = name_of(b, id);

	return !b->name || (name && !strcmp(name, b->name));
}

/* The next change that is wanted, NULL after the last. */
static const struct rf_ledger_entry *next_entry(struct book *b, int *err)
{
	const struct rf_ledger_entry *e;

	for (;; b->at++) {
		if (b->at == b->ledger.count) {
			*err = dev_ledger(b->dev, b->ledger.first + b->ledger.count, b->entries,
					  &b->ledger, CHUNK);
			b->at = 0;
			if (*err || !b->ledger.count)
				return NULL;
		}
		e = &b->entries[b->at];
		if (is_wanted(b, e->from) || is_wanted(b, e->to))
			return e;
	}
}

static const struct rf_event *next_event(struct book *b, int *err)
{
	const struct rf_event *e;

	for (;; b->event_at++) {
		if (b->event_at == b->range.count) {
			*err = dev_events(b->dev, b->range.first + b->range.count, b->events,
					  &b->range, CHUNK);
			b->event_at = 0;
			if (*err || !b->range.count) {
				b->range.count = 0;
				return NULL;
			}
		}
		e = &b->events[b->event_at];
		if (!b->name || !strcmp(e->name, b->name))
			return e;
	}
}

static const char *resource(const struct rf_ledger_entry *e, char *buf, size_t size)
{
	char length[24];

	if (e->kind == RF_RES_CPU)
		snprintf(buf, size, "CPU %llu", (unsigned long long)e->start);
	else if (e->kind == RF_RES_PCI)
		units_bdf(e->start, buf, size);
	else
		snprintf(buf, size, "%s %#llx-%#llx (%s)", fmt_kind(e->kind),
			 (unsigned long long)e->start,
			 (unsigned long long)(e->start + e->length - 1),
			 units_size(e->length, length, sizeof(length)));
	return buf;
}

static struct json_object *entry_json(const struct book *b, const struct rf_ledger_entry *e)
{
	struct json_object *json = json_object_new_object();
	char buf[80];

	fmt_put_number(json, "seq", e->seq);
	fmt_put_number(json, "time_ns", e->time_ns);
	fmt_put_text(json, "kind", fmt_kind(e->kind));
	fmt_put_number(json, "start", e->start);
	fmt_put_number(json, "length", e->length);
	fmt_put_number(json, "from_id", e->from);
	fmt_put_text(json, "from", fmt_owner(e->from, name_of(b, e->from), buf, sizeof(buf)));
	fmt_put_number(json, "to_id", e->to);
	fmt_put_text(json, "to", fmt_owner(e->to, name_of(b, e->to), buf, sizeof(buf)));
	fmt_put_number(json, "errno", e->error);
	return json;
}

/* One object a line: { "ledger": {...} } or { "event": {...} } */
static void json_line(const char *key, struct json_object *value)
{
	struct json_object *json = json_object_new_object();

	json_object_object_add(json, key, value);
	fmt_json_line(json);
}

static void print_entry(const struct book *b, const struct rf_ledger_entry *e)
{
	char time[40], what[100], from[48], to[48];

	if (rfm.json) {
		json_line("ledger", entry_json(b, e));
		return;
	}
	printf("%s %s: %s -> %s%s%s\n", fmt_time(e->time_ns, time, sizeof(time)),
	       resource(e, what, sizeof(what)),
	       fmt_owner(e->from, name_of(b, e->from), from, sizeof(from)),
	       fmt_owner(e->to, name_of(b, e->to), to, sizeof(to)),
	       e->error ? ", failed: " : "", e->error ? strerror(e->error) : "");
}

static void print_event(const struct rf_event *e)
{
	char time[40], text[400];

	if (rfm.json)
		json_line("event", event_json(e));
	else
		printf("%s %s\n", fmt_time(e->time_ns, time, sizeof(time)),
		       event_text(e, text, sizeof(text)));
}

static int print_book(struct book *b)
{
	const struct rf_ledger_entry *entry;
	const struct rf_event *event;
	int err = 0, no_events = 0;

	entry = next_entry(b, &err);
	event = next_event(b, &no_events);
	while (!err && (entry || event) && !rfm.interrupted) {
		if (entry && (!event || entry->time_ns <= event->time_ns)) {
			print_entry(b, entry);
			b->at++;
			entry = next_entry(b, &err);
		} else {
			print_event(event);
			b->event_at++;
			event = next_event(b, &no_events);
		}
	}
	return err ? rfm_fail_errno(err, NULL, "cannot read the ledger") : RFM_OK;
}

/* Names for ids. A module without accounts knows the living only. */
static int find_owners(struct book *b)
{
	struct rf_usage usage;
	struct rf_info *infos;
	unsigned int i;
	int ret;

	ret = dev_usage(b->dev, &usage, &b->owners);
	if (ret != -ENOTTY) {
		b->nr_owners = ret ? 0 : usage.count;
		return ret;
	}
	ret = dev_list(b->dev, &infos, &b->nr_owners);
	if (ret)
		return ret;
	b->owners = calloc(b->nr_owners + 1, sizeof(*b->owners));
	for (i = 0; b->owners && i < b->nr_owners; i++) {
		b->owners[i].owner = infos[i].id;
		memcpy(b->owners[i].name, infos[i].name, sizeof(infos[i].name));
	}
	free(infos);
	return b->owners ? 0 : -ENOMEM;
}

static bool is_known(const struct book *b)
{
	unsigned int i;

	for (i = 0; i < b->nr_owners; i++)
		if (!b->name || !strcmp(b->owners[i].name, b->name))
			return true;
	return !b->name;
}

int log_ledger(const char *name)
{
	static struct book b = { .ledger.first = 1, .range.first = 1 };
	int ret;

	b.name = name;
	b.dev = dev_connect();
	if (b.dev < 0)
		return -b.dev;
	ret = find_owners(&b);
	if (ret)
		ret = rfm_fail_errno(ret, NULL, "cannot ask who there was");
	else if (!is_known(&b))
		ret = rfm_fail(RFM_NOT_FOUND,
			       "there is no subOS of this name, and none is remembered; rfm usage shows them");
	else
		ret = print_book(&b);
	free(b.owners);
	close(b.dev);
	return ret;
}
