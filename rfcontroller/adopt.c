// SPDX-License-Identifier: GPL-2.0-only
/*
 * DOC: Adopt: go on where a build before us was detached
 *
 * The anchor is checked as a whole, against itself and against the machine,
 * before anything in it is believed. Then each part of the module takes its own
 * from it, instead of beginning anew; nothing is given back or touched on the
 * way, so that whatever fails leaves all as it was: anchor, subOSes and what
 * they have. Only when all is there the anchor is dropped and subOSes are looked
 * after again.
 */
#include <linux/cpumask.h>
#include <linux/io.h>
#include <linux/mm.h>
#include <linux/rainforest_wire.h>
#include <linux/string.h>
#include "account.h"
#include "anchor.h"
#include "fail.h"
#include "image.h"
#include "internal.h"
#include "park.h"

static struct rf_anchor adopted;
const struct rf_anchor *rfctl_adopted;

/**
 * rfctl_adopt_machine - what the anchor says of what is there once
 * @machine: (out) a copy
 */
void rfctl_adopt_machine(struct rf_anchor_machine *machine)
{
	struct rf_anchor_iter it;

	rf_anchor_first(&it, &adopted, RF_ANCHOR_MACHINE);
	rf_anchor_next(&it, machine, sizeof(*machine));
}

static int check_machine(void)
{
	struct rf_anchor_machine m;

	rfctl_adopt_machine(&m);
	if (m.abi != RF_ABI_VERSION || m.wire != RF_WIRE_VERSION ||
	    m.park_layout != rfctl_park_layout()) {
		pr_err("the anchor is of ABI %u.%u, layout %u, this build has %u.%u, %u; it is left alone\n",
		       m.abi, m.wire, m.park_layout, RF_ABI_VERSION, RF_WIRE_VERSION,
		       rfctl_park_layout());
		return -EPROTO;
	}
	return m.nr_cpu_ids == nr_cpu_ids && m.next_id &&
	       rfctl_phys_good(m.dir, sizeof(struct rf_ficm_dir)) ? 0 : -EBADMSG;
}

static bool owner_known(u32 owner)
{
	struct rf_anchor_iter it;
	struct rf_anchor_subos s;

	if (owner == RF_OWNER_FREE || owner == RF_OWNER_QUARANTINE)
		return true;
	rf_anchor_first(&it, &adopted, RF_ANCHOR_SUBOS);
	while (rf_anchor_next(&it, &s, sizeof(s)))
		if (s.id == owner)
			return true;
	return false;
}

static int check_subos(void)
{
	struct rf_anchor_machine m;
	struct rf_anchor_iter it;
	struct rf_anchor_subos s;
	u32 last = 0;

	rfctl_adopt_machine(&m);
	rf_anchor_first(&it, &adopted, RF_ANCHOR_SUBOS);
	while (rf_anchor_next(&it, &s, sizeof(s))) {
		if (s.id <= last || s.id >= m.next_id || s.state > RF_STATE_QUARANTINED ||
		    !s.name[0] || s.name[sizeof(s.name) - 1] || s.boot_cpu >= nr_cpu_ids ||
		    s.ficm_slot >= RF_WIRE_PEERS || s.on_crash > RF_ON_CRASH_DESTROY ||
		    (s.flags & RF_ANCHOR_HAS_MEMORY && !rfctl_phys_good(s.svc, RF_SERVICE_SIZE)) ||
		    (s.flags & RF_ANCHOR_RUNNING && !(s.flags & RF_ANCHOR_HAS_MEMORY)))
			return -EBADMSG;
		last = s.id;
	}
	return 0;
}

static int check_park(void)
{
	struct rf_anchor_park_page pp;
	struct rf_anchor_iter it;
	struct rf_anchor_park p;

	rf_anchor_first(&it, &adopted, RF_ANCHOR_PARK);
	rf_anchor_next(&it, &p, sizeof(p));
	if (!rfctl_phys_good(p.code, PAGE_SIZE) || !rfctl_phys_good(p.idt, PAGE_SIZE) ||
	    !rfctl_phys_good(p.pml4, PAGE_SIZE) || !rfctl_phys_good(p.pml5, PAGE_SIZE) ||
	    !p.nr_slots || p.nr_slots > PARK_MAX_APICID || p.return_offset >= PAGE_SIZE ||
	    !rfctl_phys_good(p.slot_table, p.nr_slots * sizeof(u64)))
		return -EBADMSG;
	rf_anchor_first(&it, &adopted, RF_ANCHOR_PARK_PAGE);
	while (rf_anchor_next(&it, &pp, sizeof(pp)))
		if (!rfctl_phys_good(pp.phys, PAGE_SIZE))
			return -EBADMSG;
	return 0;
}

/* A core that is away is not the kernel's, and its slot is its own. */
static bool cpu_good(const struct rf_anchor_cpu *c)
{
	const struct rfctl_slot *slot;

	if (c->slot) {
		if (!rfctl_phys_good(c->slot, PAGE_SIZE))
			return false;
		slot = __va(c->slot);
		if (slot->apicid != c->apicid)
			return false;
	}
	if (c->owner == RF_OWNER_SUPERVISOR)
		return true;
	return c->slot && owner_known(c->owner) && !cpu_present(c->cpu) && !cpu_online(c->cpu);
}

static int check_cpus(void)
{
	struct rf_anchor_iter it;
	struct rf_anchor_cpu c;
	s64 last = -1;

	rf_anchor_first(&it, &adopted, RF_ANCHOR_CPU);
	while (rf_anchor_next(&it, &c, sizeof(c))) {
		if (c.cpu <= last || c.cpu >= nr_cpu_ids || !cpu_possible(c.cpu) ||
		    c.core > c.cpu || !cpu_good(&c))
			return -EBADMSG;
		last = c.cpu;
	}
	return 0;
}

/* Each page of a block is allocated, and nobody else's. */
static bool block_good(u64 start)
{
	unsigned long pfn = PHYS_PFN(start), end = pfn + (RF_GRAIN >> PAGE_SHIFT);

	for (; pfn < end; pfn++)
		if (!pfn_valid(pfn) || page_count(pfn_to_page(pfn)) != 1)
			return false;
	cond_resched();
	return true;
}

static int check_blocks(void)
{
	struct rf_anchor_block b;
	struct rf_anchor_iter it;
	u64 last = 0;

	rf_anchor_first(&it, &adopted, RF_ANCHOR_BLOCK);
	while (rf_anchor_next(&it, &b, sizeof(b))) {
		if (b.start <= last || b.start % RF_GRAIN || !owner_known(b.owner) ||
		    !block_good(b.start))
			return -EBADMSG;
		last = b.start;
	}
	return 0;
}

static int check_low(void)
{
	struct rf_anchor_iter it;
	struct rf_anchor_low l;

	rf_anchor_first(&it, &adopted, RF_ANCHOR_LOW);
	while (rf_anchor_next(&it, &l, sizeof(l)))
		if (!owner_known(l.owner))
			return -EBADMSG;
	return 0;
}

static int check_pci(void)
{
	struct rf_anchor_iter it;
	struct rf_anchor_pci p;

	rf_anchor_first(&it, &adopted, RF_ANCHOR_PCI);
	while (rf_anchor_next(&it, &p, sizeof(p)))
		if (!owner_known(p.owner) || !virt_addr_valid(p.pdev) ||
		    !virt_addr_valid(p.saved) || p.driver[sizeof(p.driver) - 1] ||
		    p.override[sizeof(p.override) - 1])
			return -EBADMSG;
	return 0;
}

static int check_exchange(void)
{
	struct rf_anchor_exchange e;
	struct rf_anchor_iter it;

	rf_anchor_first(&it, &adopted, RF_ANCHOR_EXCHANGE);
	while (rf_anchor_next(&it, &e, sizeof(e)))
		if (e.slot >= RF_WIRE_PEERS ||
		    (e.area && !rfctl_phys_good(e.area, sizeof(struct rf_ficm_area))))
			return -EBADMSG;
	return 0;
}

static int check_loans(void)
{
	struct rf_anchor_iter it;
	struct rf_anchor_loan l;

	rf_anchor_first(&it, &adopted, RF_ANCHOR_LOAN);
	while (rf_anchor_next(&it, &l, sizeof(l)))
		if ((l.kind != RF_RES_CPU && l.kind != RF_RES_MEMORY) ||
		    (l.kind == RF_RES_CPU && l.start >= nr_cpu_ids) ||
		    (l.kind == RF_RES_MEMORY && l.length != RF_GRAIN))
			return -EBADMSG;
	return 0;
}

/* What is counted: without a gap up to the newest. */
static int check_history(void)
{
	struct rf_ledger_entry entry;
	struct rf_anchor_machine m;
	struct rf_anchor_iter it;
	struct rf_event event;
	u64 next;

	rfctl_adopt_machine(&m);
	if (rf_anchor_count(&adopted, RF_ANCHOR_ACCOUNT) > RF_ACCOUNTS_MAX)
		return -EBADMSG;
	next = m.last_change - rf_anchor_count(&adopted, RF_ANCHOR_LEDGER) + 1;
	rf_anchor_first(&it, &adopted, RF_ANCHOR_LEDGER);
	while (rf_anchor_next(&it, &entry, sizeof(entry)))
		if (!entry.seq || entry.seq != next++)
			return -EBADMSG;
	next = m.last_event - rf_anchor_count(&adopted, RF_ANCHOR_EVENT) + 1;
	rf_anchor_first(&it, &adopted, RF_ANCHOR_EVENT);
	while (rf_anchor_next(&it, &event, sizeof(event)))
		if (!event.seq || event.seq != next++)
			return -EBADMSG;
	return 0;
}

static int check_images(void)
{
	struct rf_anchor_image *saved = rfctl_zalloc(sizeof(*saved));
	struct rf_anchor_iter it;
	int ret = 0;

	if (!saved)
		return -ENOMEM;
	rf_anchor_first(&it, &adopted, RF_ANCHOR_IMAGE);
	while (!ret && rf_anchor_next(&it, saved, sizeof(*saved)))
		ret = rfctl_image_good(saved) ? 0 : -EBADMSG;
	kfree(saved);
	return ret;
}

static const struct {
	const char *what;
	int (*check)(void);
} checks[] = {
	{ "the machine", check_machine },
	{ "subOSes", check_subos },
	{ "the parking place", check_park },
	{ "CPUs", check_cpus },
	{ "memory", check_blocks },
	{ "memory below 1 MB", check_low },
	{ "PCI functions", check_pci },
	{ "the exchange of messages", check_exchange },
	{ "loans", check_loans },
	{ "what is booted from again", check_images },
	{ "ledger, events and accounts", check_history },
};

/**
 * rfctl_adopt_begin - look for an anchor and check it
 *
 * Return: 0, with @rfctl_adopted set when there is one; -EBADMSG it is spoiled or
 * contradicts the machine, -EPROTO it is of a version or layout that this build
 * does not know, -ENOMEM; it was left alone, and the log says so.
 */
int rfctl_adopt_begin(void)
{
	unsigned int i;
	int ret;

	ret = rfctl_anchor_find(&adopted);
	if (ret)
		return ret == -ENOENT ? 0 : ret;
	for (i = 0; i < ARRAY_SIZE(checks); i++) {
		ret = checks[i].check();
		if (!ret)
			continue;
		pr_err("the anchor is refused and left alone: what it says of %s does not fit (error %d)\n",
		       checks[i].what, -ret);
		rfctl_anchor_close();
		return ret;
	}
	rfctl_adopted = &adopted;
	rfctl_keep = true;
	return 0;
}

/**
 * rfctl_adopt_end - all is adopted: go on
 */
void rfctl_adopt_end(void)
{
	if (!rfctl_adopted)
		return;
	rfctl_adopted = NULL;
	rfctl_keep = false;
	rfctl_pci_hold(false);
	rfctl_anchor_drop();
	pr_info("adopted %u subOSes\n", rfctl_subos_resume());
	rfctl_loan_resume();
}
