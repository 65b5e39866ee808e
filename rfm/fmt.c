// SPDX-License-Identifier: GPL-2.0-only
/* Output: tables for people, JSON for programs, from one set of cells. */
#include "fmt.h"

#include <errno.h>
#include <libsmartcols.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "policy.h"
#include "rfm.h"
#include "units.h"

struct fmt_table {
	const char *name;
	const struct fmt_column *columns;
	unsigned int nr;
	unsigned int cell;
	struct libscols_table *table;
	struct libscols_line *line;
	struct json_object *rows;
	struct json_object *row;
};

static void *need(void *p)
{
	if (p)
		return p;
	rfm_fail(RFM_FAILED, "out of memory");
	exit(RFM_FAILED);
}

struct fmt_table *fmt_table_new(const char *name, const struct fmt_column *columns,
				unsigned int nr)
{
	struct fmt_table *t = need(calloc(1, sizeof(*t)));
	unsigned int i;

	t->name = name;
	t->columns = columns;
	t->nr = nr;
	t->rows = need(json_object_new_array());
	t->table = need(scols_new_table());
	/* a reason that is cut off at the edge of the window helps nobody */
	scols_table_set_termforce(t->table, SCOLS_TERMFORCE_NEVER);
	for (i = 0; i < nr; i++)
		if (columns[i].head)
			need(scols_table_new_column(t->table, columns[i].head, 0,
						    columns[i].right ? SCOLS_FL_RIGHT : 0));
	return t;
}

void fmt_row(struct fmt_table *t)
{
	t->cell = 0;
	t->line = need(scols_table_new_line(t->table, NULL));
	t->row = need(json_object_new_object());
	json_object_array_add(t->rows, t->row);
}

static unsigned int shown_before(const struct fmt_table *t)
{
	unsigned int i, n = 0;

	for (i = 0; i < t->cell; i++)
		n += t->columns[i].head != NULL;
	return n;
}

void fmt_cell(struct fmt_table *t, const char *text, struct json_object *value)
{
	const struct fmt_column *c = &t->columns[t->cell];

	if (c->head && scols_line_set_data(t->line, shown_before(t), *text ? text : "-"))
		need(NULL);
	if (c->key)
		json_object_object_add(t->row, c->key, value);
	else
		json_object_put(value);
	t->cell++;
}

void fmt_text(struct fmt_table *t, const char *text)
{
	fmt_cell(t, text, need(json_object_new_string(text)));
}

void fmt_number(struct fmt_table *t, uint64_t n)
{
	char buf[24];

	snprintf(buf, sizeof(buf), "%llu", (unsigned long long)n);
	fmt_cell(t, buf, need(json_object_new_uint64(n)));
}

void fmt_bytes(struct fmt_table *t, uint64_t bytes)
{
	char buf[24];

	fmt_cell(t, units_size(bytes, buf, sizeof(buf)), need(json_object_new_uint64(bytes)));
}

void fmt_decimal(struct fmt_table *t, double n, int digits)
{
	char buf[40];

	snprintf(buf, sizeof(buf), "%.*f", digits, n);
	fmt_cell(t, buf, need(json_object_new_double_s(n, buf)));
}

/* smartcols prints nothing at all for a table without rows. */
static void print_headings(const struct fmt_table *t)
{
	const char *gap = "";
	unsigned int i;

	for (i = 0; i < t->nr; i++) {
		if (!t->columns[i].head)
			continue;
		printf("%s%s", gap, t->columns[i].head);
		gap = " ";
	}
	putchar('\n');
}

struct json_object *fmt_table_rows(struct fmt_table *t)
{
	struct json_object *rows = t->rows;

	scols_unref_table(t->table);
	free(t);
	return rows;
}

int fmt_table_print(struct fmt_table *t)
{
	struct json_object *json;
	int ret = 0;

	if (rfm.json) {
		json = fmt_json();
		json_object_object_add(json, t->name, t->rows);
		fmt_json_print(json);
	} else {
		json_object_put(t->rows);
		if (scols_table_is_empty(t->table))
			print_headings(t);
		ret = scols_print_table(t->table);
	}
	scols_unref_table(t->table);
	free(t);
	return ret;
}

struct json_object *fmt_json(void)
{
	struct json_object *json = need(json_object_new_object());

	json_object_object_add(json, "schema", json_object_new_int(FMT_SCHEMA));
	return json;
}

void fmt_json_print(struct json_object *json)
{
	puts(json_object_to_json_string_ext(json, JSON_C_TO_STRING_PRETTY |
					    JSON_C_TO_STRING_SPACED |
					    JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(json);
}

void fmt_json_line(struct json_object *json)
{
	puts(json_object_to_json_string_ext(json, JSON_C_TO_STRING_NOSLASHESCAPE));
	fflush(stdout);
	json_object_put(json);
}

const char *fmt_state(unsigned int state)
{
	static const char *const names[] = {
		[RF_STATE_CREATED] = "created",
		[RF_STATE_BOOTING] = "booting",
		[RF_STATE_RUNNING] = "running",
		[RF_STATE_STOPPING] = "stopping",
		[RF_STATE_STOPPED] = "stopped",
		[RF_STATE_CRASHED] = "crashed",
		[RF_STATE_HUNG] = "hung",
		[RF_STATE_QUARANTINED] = "quarantined",
	};

	return state <= RF_STATE_QUARANTINED ? names[state] : "unknown";
}

const char *fmt_stage(unsigned int stage)
{
	static const char *const names[RF_STAGE_MAX] = {
		[RF_STAGE_CPUS] = "take_cpus",
		[RF_STAGE_MEMORY] = "take_memory",
		[RF_STAGE_SCRUB] = "scrub",
		[RF_STAGE_PCI] = "take_pci",
		[RF_STAGE_LOAD] = "load",
		[RF_STAGE_START] = "start",
		[RF_STAGE_MODULE] = "boot_to_module",
		[RF_STAGE_INIT] = "boot_to_init",
		[RF_STAGE_STOP] = "stop",
		[RF_STAGE_GIVE_CPUS] = "give_cpus",
		[RF_STAGE_GIVE_MEMORY] = "give_memory",
		[RF_STAGE_GIVE_PCI] = "give_pci",
	};

	return names[stage];
}

const char *fmt_resize_stage(unsigned int stage)
{
	static const char *const names[RF_RESIZE_STAGES] = {
		[RF_RESIZE_TAKE] = "take",
		[RF_RESIZE_ASK] = "ask",
		[RF_RESIZE_WORK] = "work",
		[RF_RESIZE_PARK] = "park",
		[RF_RESIZE_SCRUB] = "scrub",
		[RF_RESIZE_GIVE] = "give",
	};

	return names[stage];
}

uint64_t fmt_uptime(const struct rf_info *info)
{
	struct timespec now;
	uint64_t ns;

	if (!info->started_ns || info->state == RF_STATE_STOPPED ||
	    info->state == RF_STATE_CRASHED || info->state == RF_STATE_QUARANTINED)
		return 0;
	clock_gettime(CLOCK_REALTIME, &now);
	ns = now.tv_sec * 1000000000ULL + now.tv_nsec;
	return ns > info->started_ns ? ns - info->started_ns : 0;
}

static void add_stages(struct json_object *json, const struct rf_info *info)
{
	struct json_object *stages = need(json_object_new_object());
	unsigned int i;

	for (i = 0; i < RF_STAGE_MAX; i++)
		json_object_object_add(stages, fmt_stage(i),
				       json_object_new_uint64(info->stage_ns[i]));
	json_object_object_add(json, "stage_ns", stages);
}

void fmt_put_number(struct json_object *json, const char *key, uint64_t n)
{
	json_object_object_add(json, key, json_object_new_uint64(n));
}

void fmt_put_text(struct json_object *json, const char *key, const char *text)
{
	json_object_object_add(json, key, json_object_new_string(text));
}

struct json_object *fmt_info(const struct rf_info *info)
{
	struct json_object *json = need(json_object_new_object());
	char cpus[4096];

	fmt_put_text(json, "name", info->name);
	fmt_put_number(json, "id", info->id);
	fmt_put_text(json, "state", fmt_state(info->state));
	fmt_put_text(json, "reason", info->reason);
	json_object_object_add(json, "bare",
			       json_object_new_boolean(info->flags & RF_INFO_BARE));
	json_object_object_add(json, "listens",
			       json_object_new_boolean(info->flags & RF_INFO_LISTENS));
	json_object_object_add(json, "emergency_restart_caught",
			       json_object_new_boolean(!(info->flags & (RF_INFO_BARE |
							 RF_INFO_NO_KPROBE))));
	units_cpus((const struct cpus *)info->cpumask, cpus, sizeof(cpus));
	fmt_put_text(json, "cpus", info->nr_cpus ? cpus : "");
	fmt_put_number(json, "nr_cpus", info->nr_cpus);
	fmt_put_number(json, "nr_online", info->nr_online);
	fmt_put_number(json, "memory", info->mem_bytes);
	fmt_put_number(json, "memory_hot", info->hot_bytes);
	fmt_put_number(json, "nr_ranges", info->nr_ranges);
	fmt_put_number(json, "base", info->base);
	fmt_put_number(json, "nr_pci", info->nr_pci);
	json_object_object_add(json, "priority", json_object_new_int(info->priority));
	fmt_put_text(json, "on_crash", policy_word(info->on_crash));
	json_object_object_add(json, "restarting",
			       json_object_new_boolean(info->flags & RF_INFO_RESTARTS));
	fmt_put_number(json, "restarts", info->restarts);
	fmt_put_number(json, "kept_bytes", info->kept_bytes);
	fmt_put_number(json, "max_cpus", info->max_cpus);
	fmt_put_number(json, "max_memory", info->max_bytes);
	fmt_put_number(json, "asks", info->asks);
	fmt_put_number(json, "asks_refused", info->asks_refused);
	fmt_put_text(json, "kernel", info->kernel);
	fmt_put_text(json, "boot_id", info->boot_id);
	fmt_put_number(json, "created_ns", info->created_ns);
	fmt_put_number(json, "started_ns", info->started_ns);
	fmt_put_number(json, "uptime_ns", fmt_uptime(info));
	fmt_put_number(json, "heartbeats", info->heartbeats);
	add_stages(json, info);
	return json;
}

const char *fmt_kind(unsigned int kind)
{
	switch (kind) {
	case RF_RES_CPU:
		return "cpu";
	case RF_RES_MEMORY:
		return "memory";
	case RF_RES_LOWMEM:
		return "lowmem";
	case RF_RES_PCI:
		return "pci";
	default:
		return "unknown";
	}
}

const char *fmt_owner(unsigned int owner, const char *name, char *buf, size_t size)
{
	if (owner == RF_OWNER_SUPERVISOR)
		snprintf(buf, size, "(supervisor)");
	else if (owner == RF_OWNER_FREE)
		snprintf(buf, size, "(pool)");
	else if (owner == RF_OWNER_QUARANTINE)
		snprintf(buf, size, "(quarantine)");
	else if (name && *name)
		units_clean(name, RF_NAME_MAX, buf, size);
	else
		snprintf(buf, size, "subOS %u", owner);
	return buf;
}

const char *fmt_time(uint64_t ns, char *buf, size_t size)
{
	time_t s = ns / 1000000000;
	struct tm tm;
	size_t n;

	localtime_r(&s, &tm);
	n = strftime(buf, size, "%F %T", &tm);
	snprintf(buf + n, size - n, ".%03u", (unsigned int)(ns % 1000000000 / 1000000));
	return buf;
}
