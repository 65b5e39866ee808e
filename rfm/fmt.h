/* SPDX-License-Identifier: GPL-2.0-only */
/* Output: tables for people, JSON for programs, from one set of cells. */
#ifndef RFM_FMT_H
#define RFM_FMT_H

#include <json-c/json.h>
#include <linux/rainforest.h>
#include <stdbool.h>
#include <stdint.h>

#define FMT_SCHEMA	1	/* raised when a key of the JSON output changes its meaning */

/**
 * struct fmt_column - a column
 * @key: key in JSON, NULL when the column is for people only
 * @head: heading for people, NULL when the column is in JSON only
 * @right: right-aligned
 */
struct fmt_column {
	const char *key;
	const char *head;
	bool right;
};

struct fmt_table;

/* Never fails: running out of memory for text ends the program. */
struct fmt_table *fmt_table_new(const char *name, const struct fmt_column *columns,
				unsigned int nr);
void fmt_row(struct fmt_table *t);
/* Cells of the row, in the order of the columns. */
void fmt_text(struct fmt_table *t, const char *text);
void fmt_number(struct fmt_table *t, uint64_t n);
void fmt_bytes(struct fmt_table *t, uint64_t bytes);	/* people: "1G" */
void fmt_decimal(struct fmt_table *t, double n, int digits);
void fmt_cell(struct fmt_table *t, const char *text, struct json_object *value);
/* The rows for JSON that holds more than them; frees the rest. */
struct json_object *fmt_table_rows(struct fmt_table *t);
/* Prints as rfm.json says and frees. Return 0 or -errno. */
int fmt_table_print(struct fmt_table *t);

/* { "schema": 1 } and the way to print and free it */
struct json_object *fmt_json(void);
void fmt_json_print(struct json_object *json);
void fmt_put_number(struct json_object *json, const char *key, uint64_t n);
void fmt_put_text(struct json_object *json, const char *key, const char *text);
/* On one line, for output that goes on; flushed. */
void fmt_json_line(struct json_object *json);

/* struct rf_info for people and programs */
const char *fmt_state(unsigned int state);
const char *fmt_stage(unsigned int stage);	/* "take_cpus"; the key in JSON */
const char *fmt_resize_stage(unsigned int stage);	/* "take", ... */
uint64_t fmt_uptime(const struct rf_info *info);	/* ns, 0 where there is none */
struct json_object *fmt_info(const struct rf_info *info);
const char *fmt_kind(unsigned int kind);
/* "2026-01-31 23:59:59.999", local time, in @buf */
const char *fmt_time(uint64_t ns, char *buf, size_t size);
/* Name of an owner in @buf */
const char *fmt_owner(unsigned int owner, const char *name, char *buf, size_t size);

#endif /* RFM_FMT_H */
