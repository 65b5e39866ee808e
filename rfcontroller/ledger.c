// SPDX-License-Identifier: GPL-2.0-only
/*
 * Every change of owner, with its time and its outcome.
 *
 * The newest LEDGER_ENTRIES changes are kept. What is older is folded into a
 * table of owners, so that this table and the entries together still give the
 * present state. A second table is brought up to date with each entry as it
 * comes; rfctl_ledger_audit() replays the entries and compares.
 *
 * The unit of memory is the grain, that of low memory the page. A resource
 * that no entry names belongs to the supervisor.
 */
#include <linux/cleanup.h>
#include <linux/hash.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/timekeeping.h>
#include <linux/uaccess.h>

#include "anchor.h"
#include "fail.h"
#include "internal.h"

#define LEDGER_ENTRIES	65536U	/* a power of two */
#define LEDGER_CHUNK	64U	/* entries copied at a time */
#define LEDGER_SPARE	4096U	/* room for PCI functions and memory that is hot-added */

struct ledger_slot {
	u64 key;		/* kind << 56 | unit, 0: empty */
	u32 owner;
};

struct ledger_table {
	unsigned int bits;
	u32 used;
	struct ledger_slot *slots;
};

/* protects everything below; process context only, sleeps nowhere */
static DEFINE_SPINLOCK(ledger_lock);
static struct rf_ledger_entry *ledger_entries;
static u64 ledger_last;			/* seq of the newest entry */
static struct ledger_table ledger_folded;
static struct ledger_table ledger_present;
static u64 ledger_breaks;		/* entries whose @from was not the owner */
static u64 ledger_lost;			/* units that no table had room for */

static unsigned int ledger_shift(u32 kind)
{
	switch (kind) {
	case RF_RES_MEMORY:
		return ilog2(RF_GRAIN);
	case RF_RES_LOWMEM:
		return PAGE_SHIFT;
	default:
		return 0;
	}
}

static u64 ledger_key(u32 kind, u64 unit)
{
	return (u64)kind << 56 | unit;
}

static int table_init(struct ledger_table *table, u32 units)
{
	table->bits = order_base_2(units) + 1;
	table->used = 0;
	table->slots = rfctl_alloc(kvcalloc(1UL << table->bits, sizeof(*table->slots), GFP_KERNEL));
	return table->slots ? 0 : -ENOMEM;
}

static void table_free(struct ledger_table *table)
{
	kvfree(table->slots);
	table->slots = NULL;
}

/* The slot of @key or the empty one where it belongs; the table is never full. */
static struct ledger_slot *table_slot(const struct ledger_table *table, u64 key)
{
	u32 mask = (1U << table->bits) - 1;
	u32 i = hash_64(key, table->bits);

	while (table->slots[i].key && table->slots[i].key != key)
		i = (i + 1) & mask;
	return &table->slots[i];
}

static u32 table_get(const struct ledger_table *table, u64 key)
{
	const struct ledger_slot *slot = table_slot(table, key);

	return slot->key ? slot->owner : RF_OWNER_SUPERVISOR;
}

static bool table_set(struct ledger_table *table, u64 key, u32 owner)
{
	struct ledger_slot *slot = table_slot(table, key);

	if (!slot->key) {
		if (owner == RF_OWNER_SUPERVISOR)
			return true;
		if (table->used >= (1U << table->bits) / 2)
			return false;
		table->used++;
		slot->key = key;
	}
	slot->owner = owner;
	return true;
}

/* Returns how many units had another owner than @entry says, or no room. */
static u64 table_replay(struct ledger_table *table, const struct rf_ledger_entry *entry, u64 *lost)
{
	unsigned int shift = ledger_shift(entry->kind);
	u64 unit = entry->start >> shift;
	u64 end = unit + (entry->length >> shift);
	u64 breaks = 0;

	if (entry->error)
		return 0;
	for (; unit < end; unit++) {
		u64 key = ledger_key(entry->kind, unit);

		if (table_get(table, key) != entry->from)
			breaks++;
		if (!table_set(table, key, entry->to))
			(*lost)++;
	}
	return breaks;
}

static struct rf_ledger_entry *ledger_at(u64 seq)
{
	return &ledger_entries[(seq - 1) & (LEDGER_ENTRIES - 1)];
}

static u64 ledger_first(void)
{
	return ledger_last > LEDGER_ENTRIES ? ledger_last - LEDGER_ENTRIES + 1 : 1;
}

static void ledger_save_folded(struct rf_anchor_out *out)
{
	u32 i;

	for (i = 0; i < 1U << ledger_folded.bits; i++) {
		const struct rf_anchor_folded f = {
			.key = ledger_folded.slots[i].key,
			.owner = ledger_folded.slots[i].owner,
		};

		if (f.key)
			rf_anchor_put(out, RF_ANCHOR_FOLDED, &f, sizeof(f));
	}
}

/**
 * rfctl_ledger_save() - put it into the anchor
 * @out: the anchor
 * @machine: what of it is there once
 *
 * Context: nothing changes meanwhile.
 */
void rfctl_ledger_save(struct rf_anchor_out *out, struct rf_anchor_machine *machine)
{
	u64 seq;

	ledger_save_folded(out);
	for (seq = ledger_first(); seq <= ledger_last; seq++)
		rf_anchor_put(out, RF_ANCHOR_LEDGER, ledger_at(seq), sizeof(*ledger_at(seq)));
	machine->last_change = ledger_last;
	machine->breaks = ledger_breaks;
	machine->lost = ledger_lost;
}

/* Entries that are too many for this build are folded as they would have been. */
static void ledger_adopt(void)
{
	struct rf_anchor_machine machine;
	struct rf_ledger_entry entry;
	struct rf_anchor_folded f;
	struct rf_anchor_iter it;
	u64 lost = 0;

	if (!rfctl_adopted)
		return;
	rfctl_adopt_machine(&machine);
	rf_anchor_first(&it, rfctl_adopted, RF_ANCHOR_FOLDED);
	while (rf_anchor_next(&it, &f, sizeof(f)))
		if (!table_set(&ledger_folded, f.key, f.owner) ||
		    !table_set(&ledger_present, f.key, f.owner))
			lost++;
	rf_anchor_first(&it, rfctl_adopted, RF_ANCHOR_LEDGER);
	while (rf_anchor_next(&it, &entry, sizeof(entry))) {
		if (ledger_at(entry.seq)->seq)
			table_replay(&ledger_folded, ledger_at(entry.seq), &lost);
		*ledger_at(entry.seq) = entry;
		table_replay(&ledger_present, &entry, &lost);
	}
	ledger_last = machine.last_change;
	ledger_breaks = machine.breaks;
	ledger_lost = machine.lost + lost;
}

/**
 * rfctl_ledger_init() - make room, and adopt what was
 *
 * Return: 0, -ENOMEM.
 */
int rfctl_ledger_init(void)
{
	u32 units = (totalram_pages() >> (ilog2(RF_GRAIN) - PAGE_SHIFT)) + nr_cpu_ids +
		    (SZ_1M >> PAGE_SHIFT) + LEDGER_SPARE;
	int ret;

	ret = table_init(&ledger_folded, units);
	if (ret)
		return ret;
	ret = table_init(&ledger_present, units);
	if (ret)
		goto err_free_folded;
	ledger_entries = rfctl_alloc(kvcalloc(LEDGER_ENTRIES, sizeof(*ledger_entries), GFP_KERNEL));
	if (!ledger_entries) {
		ret = -ENOMEM;
		goto err_free_present;
	}
	ledger_adopt();
	return 0;
err_free_present:
	table_free(&ledger_present);
err_free_folded:
	table_free(&ledger_folded);
	return ret;
}

void rfctl_ledger_exit(void)
{
	kvfree(ledger_entries);
	ledger_entries = NULL;
	table_free(&ledger_present);
	table_free(&ledger_folded);
}

/**
 * rfctl_ledger_add() - note a change of owner
 * @kind: RF_RES_*
 * @start: see RF_RES_*
 * @length: see RF_RES_*
 * @from: owner before
 * @to: owner after
 * @error: 0, or why the change failed (either sign): @from is still the owner
 *
 * Context: process context, may hold spinlocks. Cannot fail.
 */
void rfctl_ledger_add(u32 kind, u64 start, u64 length, u32 from, u32 to, int error)
{
	struct rf_ledger_entry *entry;

	spin_lock(&ledger_lock);
	entry = ledger_at(++ledger_last);
	if (entry->seq)
		table_replay(&ledger_folded, entry, &ledger_lost);
	*entry = (struct rf_ledger_entry) {
		.seq = ledger_last,
		.time_ns = ktime_get_real_ns(),
		.kind = kind,
		.from = from,
		.to = error ? from : to,
		.error = abs(error),
		.start = start,
		.length = length,
	};
	ledger_breaks += table_replay(&ledger_present, entry, &ledger_lost);
	spin_unlock(&ledger_lock);
}

/**
 * rfctl_ledger_owner() - who owns a resource, as the entries say
 * @kind: RF_RES_*
 * @start: see RF_RES_*
 *
 * Return: id of a subOS or RF_OWNER_*.
 */
u32 rfctl_ledger_owner(u32 kind, u64 start)
{
	u64 key = ledger_key(kind, start >> ledger_shift(kind));
	u32 owner;

	spin_lock(&ledger_lock);
	owner = table_get(&ledger_present, key);
	spin_unlock(&ledger_lock);
	return owner;
}

/**
 * rfctl_ledger_seq() - number of changes so far
 *
 * Return: the seq of the newest entry, 0 before the first.
 */
u64 rfctl_ledger_seq(void)
{
	u64 seq;

	spin_lock(&ledger_lock);
	seq = ledger_last;
	spin_unlock(&ledger_lock);
	return seq;
}

/* Copies entries from *@first on; *@first is moved when they are forgotten. */
static u32 ledger_copy(struct rf_ledger_entry *dest, u64 *first, u32 max)
{
	u32 n;

	spin_lock(&ledger_lock);
	*first = max(*first, ledger_first());
	for (n = 0; n < max && *first + n <= ledger_last; n++)
		dest[n] = *ledger_at(*first + n);
	spin_unlock(&ledger_lock);
	return n;
}

/**
 * rfctl_ledger_read() - give entries to user space
 * @req: copy of what the user passed; its (out) fields are set
 *
 * Return: 0, -EFAULT, -ENOMEM.
 */
int rfctl_ledger_read(struct rf_ledger *req)
{
	struct rf_ledger_entry __user *dest = u64_to_user_ptr(req->entries);
	struct rf_ledger_entry *chunk __free(kfree) =
		rfctl_alloc(kmalloc_array(LEDGER_CHUNK, sizeof(*chunk), GFP_KERNEL));
	u64 next = req->first;
	u32 n;

	if (!chunk)
		return -ENOMEM;
	req->count = 0;
	do {
		u64 want = next;

		n = ledger_copy(chunk, &next, min(LEDGER_CHUNK, req->capacity - req->count));
		if (!req->count)
			req->first = next;
		else if (next != want)
			break;	/* forgotten while we copied: the caller asks again */
		if (copy_to_user(dest + req->count, chunk, n * sizeof(*chunk)))
			return -EFAULT;
		req->count += n;
		next += n;
	} while (n && req->count < req->capacity);
	return 0;
}

/* Number of owners in @a that are others in @b. */
static u64 table_compare(const struct ledger_table *a, const struct ledger_table *b)
{
	u64 diff = 0;
	u32 i;

	for (i = 0; i < 1U << a->bits; i++) {
		const struct ledger_slot *slot = &a->slots[i];

		if (slot->key && table_get(b, slot->key) != slot->owner)
			diff++;
	}
	return diff;
}

/* Replays the entries kept on a copy of what was folded. */
static u64 ledger_compare(struct ledger_table *scratch)
{
	u64 lost = 0;
	u64 diff;
	u64 seq;

	spin_lock(&ledger_lock);
	scratch->used = ledger_folded.used;
	memcpy(scratch->slots, ledger_folded.slots, sizeof(*scratch->slots) << scratch->bits);
	for (seq = ledger_first(); seq <= ledger_last; seq++)
		table_replay(scratch, ledger_at(seq), &lost);
	diff = table_compare(scratch, &ledger_present) + table_compare(&ledger_present, scratch);
	spin_unlock(&ledger_lock);
	return diff;
}

/**
 * rfctl_ledger_audit() - replay the ledger
 * @audit: where facts are counted
 * @out: where violations are written
 *
 * Return: 0, -ENOMEM.
 */
int rfctl_ledger_audit(struct rf_audit *audit, struct seq_buf *out)
{
	struct ledger_table scratch = { .bits = ledger_folded.bits };
	u64 breaks, lost, diff;

	scratch.slots = rfctl_alloc(kvcalloc(1UL << scratch.bits, sizeof(*scratch.slots),
					     GFP_KERNEL));
	if (!scratch.slots)
		return -ENOMEM;
	diff = ledger_compare(&scratch);
	table_free(&scratch);
	spin_lock(&ledger_lock);
	breaks = ledger_breaks;
	lost = ledger_lost;
	spin_unlock(&ledger_lock);
	rfctl_audit_check(audit, out, !diff, "ledger: replay differs in %llu places", diff);
	rfctl_audit_check(audit, out, !breaks,
			  "ledger: %llu changes name an owner that it was not", breaks);
	rfctl_audit_check(audit, out, !lost, "ledger: no room for %llu owners", lost);
	return 0;
}

/**
 * rfctl_ledger_each() - go through what does not belong to the supervisor
 * @fn: called for each unit, the length of memory is RF_GRAIN, of low memory a page;
 *	may not sleep
 * @data: for @fn
 */
void rfctl_ledger_each(void (*fn)(u32 kind, u64 start, u32 owner, void *data), void *data)
{
	u32 i;

	spin_lock(&ledger_lock);
	for (i = 0; i < 1U << ledger_present.bits; i++) {
		const struct ledger_slot *slot = &ledger_present.slots[i];
		u32 kind = slot->key >> 56;

		if (slot->key && slot->owner != RF_OWNER_SUPERVISOR)
			fn(kind, (slot->key & ~(0xffULL << 56)) << ledger_shift(kind),
			   slot->owner, data);
	}
	spin_unlock(&ledger_lock);
}
