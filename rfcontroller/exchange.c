// SPDX-License-Identifier: GPL-2.0-only
/*
 * DOC: Exchange of messages: who takes part, and where
 *
 * The directory and an area for each kernel lie in the supervisor's memory; see
 * rainforest_wire.h. A subOS has an entry of the directory for life. It is listed
 * there while its cores may run, each time with a new generation and an area that
 * was zeroed; nobody else waits for it otherwise. An area is made when its entry
 * is used first, and stays until the module goes. While we are detached it all
 * stays, and ficm.ko in it: kernels go on to talk to each other.
 *
 * Each change ends with a look of our own ficm.ko at the directory, and a message
 * to all others that they do the same.
 */
#include <linux/cpumask.h>
#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/string.h>
#include <asm/apic.h>
#include <asm/smp.h>
#include <rainforest/ficm.h>
#include "anchor.h"
#include "fail.h"
#include "internal.h"

/**
 * struct exchange_slot - an entry of the directory
 * @used: it is the supervisor's, or a subOS's, or lost with one in quarantine
 * @id: of that subOS, 0
 * @generation: counts the kernels that had it
 * @may_open: who may open channels to it, a bit for each entry; kept here, as a
 *	subOS could write to the directory's
 * @area: what that kernel writes
 */
struct exchange_slot {
	bool used;
	u32 id;
	u32 generation;
	u32 may_open;
	struct rf_ficm_area *area;
};

/* Without a rule everybody may talk to the supervisor, and it to everybody. */
#define MAY_OPEN_DEFAULT	BIT(0)
#define MAY_OPEN_SUPERVISOR	U32_MAX

static_assert(RF_FICM_NAME >= RF_NAME_MAX);

static DEFINE_MUTEX(exchange_lock);	/* protects all of this; innermost */
static struct rf_ficm_dir *dir;
static struct exchange_slot slots[RF_WIRE_PEERS];
static struct rf_com_bulk *bulk[RF_WIRE_PEERS][RF_WIRE_PEERS];	/* of the first, for the second */
static u32 dir_seq;			/* kept here: a subOS could write to the directory's */

static void change_begin(void)
{
	lockdep_assert_held(&exchange_lock);
	WRITE_ONCE(dir->seq, cpu_to_le32(++dir_seq));
	smp_wmb();		/* odd count before the change; pairs with ficm_dir_read() */
}

/* Everybody is told. */
static void change_end(void)
{
	struct rf_msg msg = { .type = cpu_to_le16(RF_MSG_DIR) };

	smp_wmb();		/* change before the even count */
	WRITE_ONCE(dir->seq, cpu_to_le32(++dir_seq));
	/* Changed before we look who has joined: pairs with ficm_area_init(). */
	smp_mb();
	ficm_refresh();
	ficm_broadcast(&msg);
}

/* The supervisor's cores: all that no other kernel has. */
static void list_own_cpus(struct rf_ficm_entry *entry)
{
	unsigned int cpu;
	u32 apicid, n = 0;

	for_each_possible_cpu(cpu) {
		apicid = per_cpu(x86_cpu_to_apicid, cpu);
		if (rfctl_cpu_owner(cpu) == RF_OWNER_SUPERVISOR && apicid != BAD_APICID &&
		    n < RF_WIRE_CPUS)
			entry->apicid[n++] = cpu_to_le32(apicid);
	}
	entry->nr_cpus = cpu_to_le32(n);
}

static void list_cpus(struct rf_ficm_entry *entry, const struct cpumask *cpus)
{
	unsigned int cpu;
	u32 n = 0;

	for_each_cpu(cpu, cpus)
		if (n < RF_WIRE_CPUS)
			entry->apicid[n++] = cpu_to_le32(rfctl_cpu_apicid(cpu));
	entry->nr_cpus = cpu_to_le32(n);
}

static void entry_fill(u32 slot, u32 id, const char *name)
{
	struct rf_ficm_entry *entry = &dir->entry[slot];

	strscpy_pad(entry->name, name, sizeof(entry->name));
	entry->may_open = cpu_to_le32(slots[slot].may_open);
	entry->id = cpu_to_le32(id);
	entry->generation = cpu_to_le32(slots[slot].generation);
	entry->area = cpu_to_le64(virt_to_phys(slots[slot].area));
}

/* Do channels between them have a chance? */
static bool may_talk(u32 a, u32 b)
{
	return a != b && slots[a].used && slots[b].used &&
	       (slots[a].may_open & BIT(b) || slots[b].may_open & BIT(a));
}

/* Without that memory they talk all the same, in lines. */
static void bulk_alloc(u32 a, u32 b)
{
	if (!bulk[a][b])
		bulk[a][b] = rfctl_alloc(alloc_pages_exact(sizeof(struct rf_com_bulk), GFP_KERNEL |
							   __GFP_ZERO | __GFP_NOWARN));
}

static u64 bulk_phys(u32 a, u32 b)
{
	return bulk[a][b] ? virt_to_phys(bulk[a][b]) : 0;
}

/* What lies between this kernel and all others, as the rules are; a change is under way. */
static void bulk_list(u32 slot)
{
	u32 i;

	for (i = 0; i < RF_WIRE_PEERS; i++) {
		bool both = may_talk(slot, i) && bulk[slot][i] && bulk[i][slot];

		dir->entry[slot].bulk[i] = cpu_to_le64(both ? bulk_phys(slot, i) : 0);
		dir->entry[i].bulk[slot] = cpu_to_le64(both ? bulk_phys(i, slot) : 0);
	}
}

static void bulk_zero(struct rf_com_bulk *b)
{
	if (!b)
		return;
	WRITE_ONCE(b->token, 0);
	smp_wmb();	/* who copied any of the rest sees that: pairs with hold_same() of rfcom */
	memset(b, 0, sizeof(*b));
}

/* For a kernel that is about to run: nothing of its predecessor is left. */
static void bulk_renew(u32 slot)
{
	u32 i;

	for (i = 0; i < RF_WIRE_PEERS; i++) {
		if (may_talk(slot, i)) {
			bulk_alloc(slot, i);
			bulk_alloc(i, slot);
		}
		bulk_zero(bulk[slot][i]);
		bulk_zero(bulk[i][slot]);
	}
}

static int area_alloc(u32 slot)
{
	if (rfctl_fail("exchange_area"))
		return -ENOMEM;
	if (slots[slot].area)
		return 0;
	slots[slot].area = rfctl_alloc(alloc_pages_exact(sizeof(struct rf_ficm_area),
							 GFP_KERNEL | __GFP_ZERO));
	return slots[slot].area ? 0 : -ENOMEM;
}

static u32 slot_find_free(void)
{
	u32 slot;

	for (slot = 1; slot < RF_WIRE_PEERS; slot++)
		if (!slots[slot].used)
			break;
	return slot;
}

/**
 * rfctl_exchange_reserve - an entry of the directory for a subOS
 * @so: the subOS, locked
 * @msg: (out) line about a failure
 *
 * Return: 0, also when it has one. -ENOSPC there is none left, -ENOMEM.
 */
int rfctl_exchange_reserve(struct subos *so, struct rfctl_msg *msg)
{
	u32 slot;
	int ret;

	if (so->ficm_slot)
		return 0;
	guard(mutex)(&exchange_lock);
	slot = rfctl_fail("exchange_slot") ? RF_WIRE_PEERS : slot_find_free();
	if (slot == RF_WIRE_PEERS) {
		rfctl_say(msg, "%u kernels exchange messages already, there is no room for more; destroy a subOS first",
			  RF_WIRE_PEERS);
		return -ENOSPC;
	}
	ret = area_alloc(slot);
	if (ret)
		return ret;
	slots[slot].used = true;
	slots[slot].id = so->id;
	slots[slot].may_open = MAY_OPEN_DEFAULT;
	so->ficm_slot = slot;
	return 0;
}

/**
 * rfctl_exchange_dir - where the directory lies
 *
 * Return: its physical address.
 */
u64 rfctl_exchange_dir(void)
{
	return virt_to_phys(dir);
}

/**
 * rfctl_exchange_open - list a subOS: it is about to run
 * @so: the subOS, locked, its cores parked; nothing happens if it has no entry
 */
void rfctl_exchange_open(struct subos *so)
{
	u32 slot = so->ficm_slot;

	if (!slot)
		return;
	guard(mutex)(&exchange_lock);
	slots[slot].generation++;
	/* It was not listed: nobody but who has not heard of that yet looks there. */
	memset(slots[slot].area, 0, sizeof(struct rf_ficm_area));
	bulk_renew(slot);
	change_begin();
	entry_fill(slot, so->id, so->name);
	bulk_list(slot);
	list_cpus(&dir->entry[slot], &so->cpus);
	change_end();
	so->ficm_listed = true;
}

static void entry_close(struct subos *so, u32 id)
{
	if (!so->ficm_listed)
		return;
	guard(mutex)(&exchange_lock);
	change_begin();
	dir->entry[so->ficm_slot].id = cpu_to_le32(id);
	change_end();
	so->ficm_listed = false;
}

/**
 * rfctl_exchange_close - list a subOS no more: its cores are parked
 * @so: the subOS, locked
 */
void rfctl_exchange_close(struct subos *so)
{
	entry_close(so, RF_FICM_NOBODY);
}

/* Nothing that was allowed to a subOS, or to talk to it, holds for its successor. */
static void rules_forget(u32 slot)
{
	u32 i;

	slots[slot].may_open = 0;
	for (i = 1; i < RF_WIRE_PEERS; i++)
		slots[i].may_open &= ~BIT(slot);
	change_begin();
	for (i = 1; i < RF_WIRE_PEERS; i++)
		dir->entry[i].may_open = cpu_to_le32(slots[i].may_open);
	bulk_list(slot);
	change_end();
}

static void entry_leave(struct subos *so, bool free)
{
	entry_close(so, free ? RF_FICM_NOBODY : so->id | RF_FICM_LOST);
	if (!so->ficm_slot)
		return;
	guard(mutex)(&exchange_lock);
	rules_forget(so->ficm_slot);
	slots[so->ficm_slot].used = !free;
	so->ficm_slot = 0;
}

/**
 * rfctl_exchange_lose - a subOS goes into quarantine: it may still run
 * @so: the subOS, locked
 *
 * Its entry, its area and its chunks are never used again, and nothing is allowed to it.
 */
void rfctl_exchange_lose(struct subos *so)
{
	entry_leave(so, false);
}

/**
 * rfctl_exchange_release - the entry of a subOS is free again
 * @so: the subOS, locked, its cores parked
 */
void rfctl_exchange_release(struct subos *so)
{
	entry_leave(so, true);
}

/* The entry of a subOS; RF_WIRE_PEERS: it has none. */
static u32 slot_of(u32 id)
{
	u32 slot;

	for (slot = 1; slot < RF_WIRE_PEERS; slot++)
		if (slots[slot].used && slots[slot].id == id)
			break;
	return slot;
}

/**
 * rfctl_exchange_rule - who may open channels to whom
 * @from: id of the subOS that opens them
 * @to: id of the other
 * @allow: it may
 *
 * The rule ends with either of them, not with a restart.
 *
 * Return: 0, -ENOENT one of them takes no part in the exchange.
 */
int rfctl_exchange_rule(u32 from, u32 to, bool allow)
{
	u32 opener, slot;

	guard(mutex)(&exchange_lock);
	opener = slot_of(from);
	slot = slot_of(to);
	if (opener == RF_WIRE_PEERS || slot == RF_WIRE_PEERS)
		return -ENOENT;
	if (allow)
		slots[slot].may_open |= BIT(opener);
	else
		slots[slot].may_open &= ~BIT(opener);
	if (allow) {
		bulk_alloc(slot, opener);
		bulk_alloc(opener, slot);
	}
	change_begin();
	dir->entry[slot].may_open = cpu_to_le32(slots[slot].may_open);
	bulk_list(slot);
	change_end();
	return 0;
}

/**
 * rfctl_exchange_nth_rule - what is allowed beyond what always is
 * @n: which, from 0
 * @from: (out) id of the subOS that may open channels
 * @to: (out) id of the other
 *
 * Return: false when there are not so many.
 */
bool rfctl_exchange_nth_rule(unsigned int n, u32 *from, u32 *to)
{
	u32 slot, opener;

	guard(mutex)(&exchange_lock);
	for (slot = 1; slot < RF_WIRE_PEERS; slot++)
		for (opener = 1; opener < RF_WIRE_PEERS; opener++) {
			if (!(slots[slot].may_open & BIT(opener)) || n--)
				continue;
			*from = slots[opener].id;
			*to = slots[slot].id;
			return true;
		}
	return false;
}

/**
 * rfctl_exchange_cpus - cores have another owner now
 * @so: a subOS, locked, that got or lost some; or NULL
 *
 * A doorbell is rung only at a core that is listed for its kernel: the list goes
 * before the doorbell.
 */
void rfctl_exchange_cpus(struct subos *so)
{
	guard(mutex)(&exchange_lock);
	if (!dir)
		return;
	change_begin();
	list_own_cpus(&dir->entry[0]);
	if (so && so->ficm_listed)
		list_cpus(&dir->entry[so->ficm_slot], &so->cpus);
	change_end();
}

static void exchange_free(void)
{
	u32 slot, i;

	for (slot = 0; slot < RF_WIRE_PEERS; slot++)
		for (i = 0; i < RF_WIRE_PEERS; i++) {
			if (bulk[slot][i])
				free_pages_exact(bulk[slot][i], sizeof(struct rf_com_bulk));
			bulk[slot][i] = NULL;
		}
	for (slot = 0; slot < RF_WIRE_PEERS; slot++)
		if (slots[slot].area)
			free_pages_exact(slots[slot].area, sizeof(struct rf_ficm_area));
	if (dir)
		free_pages_exact(dir, sizeof(*dir));
	dir = NULL;
}

/**
 * rfctl_exchange_save - put it into the anchor
 * @out: the anchor
 * @machine: what of it is there once
 */
void rfctl_exchange_save(struct rf_anchor_out *out, struct rf_anchor_machine *machine)
{
	u32 slot, i;

	guard(mutex)(&exchange_lock);
	machine->dir = virt_to_phys(dir);
	machine->dir_seq = dir_seq;
	for (slot = 0; slot < RF_WIRE_PEERS; slot++) {
		struct rf_anchor_exchange e = {
			.slot = slot,
			.generation = slots[slot].generation,
			.used = slots[slot].used,
			.may_open = slots[slot].may_open,
			.id = slots[slot].id,
			.area = slots[slot].area ? virt_to_phys(slots[slot].area) : 0,
		};

		for (i = 0; i < RF_WIRE_PEERS; i++)
			e.bulk[i] = bulk_phys(slot, i);
		rf_anchor_put(out, RF_ANCHOR_EXCHANGE, &e, sizeof(e));
	}
}

/* It went on without us: ficm.ko never left it. */
static int exchange_adopt(void)
{
	struct rf_anchor_machine machine;
	struct rf_anchor_exchange e;
	struct rf_anchor_iter it;
	u32 i;

	rfctl_adopt_machine(&machine);
	if (!ficm_joined(machine.dir, 0)) {
		pr_err("ficm does not exchange messages in the directory at %#llx\n", machine.dir);
		return -EPROTO;
	}
	guard(mutex)(&exchange_lock);
	rf_anchor_first(&it, rfctl_adopted, RF_ANCHOR_EXCHANGE);
	while (rf_anchor_next(&it, &e, sizeof(e))) {
		slots[e.slot].used = e.used;
		slots[e.slot].generation = e.generation;
		slots[e.slot].may_open = e.may_open;
		slots[e.slot].id = e.id;
		slots[e.slot].area = e.area ? __va(e.area) : NULL;
		for (i = 0; i < RF_WIRE_PEERS; i++)
			bulk[e.slot][i] = e.bulk[i] ? __va(e.bulk[i]) : NULL;
	}
	dir_seq = machine.dir_seq;
	dir = __va(machine.dir);
	return 0;
}

/**
 * rfctl_exchange_init - an exchange with the supervisor alone, or that which is adopted
 *
 * Return: 0. -ENOMEM or what ficm_join() says. -EPROTO ficm.ko is in another one.
 */
int rfctl_exchange_init(void)
{
	u32 slot;
	int ret;

	if (rfctl_adopted)
		return exchange_adopt();
	guard(mutex)(&exchange_lock);
	dir = rfctl_alloc(alloc_pages_exact(sizeof(*dir), GFP_KERNEL | __GFP_ZERO));
	ret = dir ? area_alloc(0) : -ENOMEM;
	if (ret)
		goto err_free;
	dir->magic = cpu_to_le32(RF_FICM_DIR_MAGIC);
	dir->version = cpu_to_le32(RF_WIRE_VERSION);
	dir->size = cpu_to_le32(sizeof(*dir));
	for (slot = 1; slot < RF_WIRE_PEERS; slot++)
		dir->entry[slot].id = cpu_to_le32(RF_FICM_NOBODY);
	slots[0].used = true;
	slots[0].generation = 1;
	slots[0].may_open = MAY_OPEN_SUPERVISOR;
	entry_fill(0, FICM_SUPERVISOR, "supervisor");
	list_own_cpus(&dir->entry[0]);
	ret = ficm_join(virt_to_phys(dir), 0);
	if (!ret)
		return 0;
err_free:
	exchange_free();
	return ret;
}

/**
 * rfctl_exchange_exit - no exchange any more: there is no subOS, or it goes on without us
 */
void rfctl_exchange_exit(void)
{
	if (rfctl_keep)
		return;
	ficm_leave();
	guard(mutex)(&exchange_lock);
	exchange_free();
}
