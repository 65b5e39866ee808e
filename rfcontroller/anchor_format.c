// SPDX-License-Identifier: GPL-2.0-only
/* Writing and reading the records of an anchor. See anchor_format.h. */
#include "anchor_format.h"

static_assert(sizeof(struct rf_anchor_head) == 80);
static_assert(sizeof(struct rf_anchor_head) <= RF_ANCHOR_RESOURCE);
static_assert(sizeof(struct rf_anchor_record) == 16);
static_assert(sizeof(struct rf_anchor_machine) == 112);
static_assert(sizeof(struct rf_anchor_park) == 48);
static_assert(sizeof(struct rf_anchor_cpu) == 32);
static_assert(sizeof(struct rf_anchor_block) == 16);
static_assert(sizeof(struct rf_anchor_low) == 16);
static_assert(sizeof(struct rf_anchor_pci) == 144);
static_assert(sizeof(struct rf_anchor_exchange) == 160);
static_assert(sizeof(struct rf_anchor_subos) == 552);
static_assert(sizeof(struct rf_anchor_console) == 48 + RF_ANCHOR_BACKLOG);
static_assert(sizeof(struct rf_anchor_loan) == 48);
static_assert(sizeof(struct rf_anchor_account) == 80);
static_assert(sizeof(struct rf_anchor_folded) == 16);
static_assert(sizeof(struct rf_ledger_entry) % 8 == 0);
static_assert(sizeof(struct rf_event) % 8 == 0);

/* A record of its own, unless the last one is of the same kind. */
static bool out_record(struct rf_anchor_out *out, u32 type, u32 size, u64 *used)
{
	struct rf_anchor_record *last = out->buf + out->last;

	if (out->used && last->type == type && last->size == size)
		return true;
	*used += sizeof(*last);
	if (*used > out->size)
		return false;
	out->last = out->used;
	last = out->buf + out->last;
	*last = (struct rf_anchor_record){ .type = type, .size = size };
	return true;
}

void rf_anchor_put(struct rf_anchor_out *out, u32 type, const void *elem, u32 size)
{
	struct rf_anchor_record *last;
	u64 used = out->used;

	if (!out->buf) {	/* at most that much */
		out->used += sizeof(*last) + size;
		return;
	}
	if (out->full || !out_record(out, type, size, &used) || used + size > out->size) {
		out->full = true;
		return;
	}
	memcpy(out->buf + used, elem, size);
	last = out->buf + out->last;
	last->count++;
	out->used = used + size;
}

/* The record at @at; NULL when it is none. Sets @end to where the next one begins. */
static const struct rf_anchor_record *anchor_record(const struct rf_anchor *anchor, u64 at,
						    u64 *end)
{
	const struct rf_anchor_record *record = anchor->buf + at;
	u64 left = anchor->size - at;

	if (left < sizeof(*record))
		return NULL;
	left -= sizeof(*record);
	if (!record->size || record->size % 8 || !record->count || record->reserved ||
	    record->count > left / record->size)
		return NULL;
	*end = at + sizeof(*record) + (u64)record->size * record->count;
	return record;
}

int rf_anchor_walk(const struct rf_anchor *anchor, const char **why)
{
	const struct rf_anchor_record *record;
	u64 at = 0;

	while (at < anchor->size) {
		record = anchor_record(anchor, at, &at);
		if (!record) {
			*why = "a record is malformed";
			return -EBADMSG;
		}
		if (record->type & RF_ANCHOR_OPTIONAL)
			continue;
		if (!record->type || record->type >= RF_ANCHOR_TYPES) {
			*why = "it holds what this build does not know";
			return -EPROTO;
		}
	}
	if (rf_anchor_count(anchor, RF_ANCHOR_MACHINE) != 1 ||
	    rf_anchor_count(anchor, RF_ANCHOR_PARK) != 1) {
		*why = "a record is missing, or there twice";
		return -EBADMSG;
	}
	return 0;
}

void rf_anchor_first(struct rf_anchor_iter *it, const struct rf_anchor *anchor, u32 type)
{
	*it = (struct rf_anchor_iter){ .anchor = anchor, .type = type };
}

bool rf_anchor_next(struct rf_anchor_iter *it, void *elem, u32 size)
{
	const struct rf_anchor_record *record;
	u32 known;

	while (!it->left) {
		u64 at = it->at;

		if (at >= it->anchor->size)
			return false;
		record = anchor_record(it->anchor, at, &it->at);
		if (!record)
			return false;
		if (record->type != it->type)
			continue;
		it->left = record->count;
		it->size = record->size;
		it->elem = it->anchor->buf + at + sizeof(*record);
	}
	known = it->size < size ? it->size : size;
	memcpy(elem, it->elem, known);
	memset(elem + known, 0, size - known);
	it->elem += it->size;
	it->left--;
	return true;
}

u64 rf_anchor_count(const struct rf_anchor *anchor, u32 type)
{
	const struct rf_anchor_record *record;
	u64 at = 0, count = 0;

	while (at < anchor->size) {
		record = anchor_record(anchor, at, &at);
		if (!record)
			break;
		if (record->type == type)
			count += record->count;
	}
	return count;
}
