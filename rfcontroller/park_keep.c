// SPDX-License-Identifier: GPL-2.0-only
/*
 * The parking place over a change of the module: cores are in it, and those of
 * subOSes come back to it. Nothing of it is touched.
 */
#include <linux/io.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include "anchor.h"
#include "fail.h"
#include "internal.h"
#include "park.h"
#include "park_keep.h"

/**
 * rfctl_park_layout - what a build must know to go on with our parking place
 *
 * Return: PARK_LAYOUT.
 */
u32 rfctl_park_layout(void)
{
	return PARK_LAYOUT;
}

/**
 * rfctl_core_slot - where a core and the supervisor talk to each other
 * @cpu: logical CPU
 *
 * Return: physical address of its struct rfctl_slot, 0: it has none.
 */
u64 rfctl_core_slot(unsigned int cpu)
{
	return rfctl_park.slot[cpu] ? virt_to_phys(rfctl_park.slot[cpu]) : 0;
}

/**
 * rfctl_park_save - put it into the anchor; the slots are the CPUs'
 * @out: the anchor
 */
void rfctl_park_save(struct rf_anchor_out *out)
{
	const struct rf_anchor_park p = {
		.code = virt_to_phys(rfctl_park.code),
		.idt = virt_to_phys(rfctl_park.idt),
		.pml4 = virt_to_phys(rfctl_park.pml4),
		.pml5 = virt_to_phys(rfctl_park.pml5),
		.slot_table = virt_to_phys(rfctl_park.slot_table),
		.nr_slots = rfctl_park.nr_slots,
		.return_offset = rfctl_park.return_offset,
	};
	struct page *page;

	rf_anchor_put(out, RF_ANCHOR_PARK, &p, sizeof(p));
	list_for_each_entry(page, &rfctl_park.tables, lru) {
		const struct rf_anchor_park_page pp = { .phys = page_to_phys(page) };

		rf_anchor_put(out, RF_ANCHOR_PARK_PAGE, &pp, sizeof(pp));
	}
}

/**
 * rfctl_park_forget - free what is the module's own
 */
void rfctl_park_forget(void)
{
	struct page *page, *next;

	/* nobody looks there until the next build makes its own list */
	list_for_each_entry_safe(page, next, &rfctl_park.tables, lru)
		list_del(&page->lru);
	kfree(rfctl_park.slot);
}

/**
 * rfctl_park_adopt - take it from the anchor, which was checked
 *
 * Return: 0, -ENOMEM.
 */
int rfctl_park_adopt(void)
{
	struct rf_anchor_park_page pp;
	struct rf_anchor_iter it;
	struct rf_anchor_park p;
	struct rf_anchor_cpu c;

	rfctl_park.slot = rfctl_zalloc(nr_cpu_ids * sizeof(*rfctl_park.slot));
	if (!rfctl_park.slot)
		return -ENOMEM;
	rf_anchor_first(&it, rfctl_adopted, RF_ANCHOR_PARK);
	rf_anchor_next(&it, &p, sizeof(p));
	rfctl_park.code = __va(p.code);
	rfctl_park.idt = __va(p.idt);
	rfctl_park.pml4 = __va(p.pml4);
	rfctl_park.pml5 = __va(p.pml5);
	rfctl_park.slot_table = __va(p.slot_table);
	rfctl_park.nr_slots = p.nr_slots;
	rfctl_park.return_offset = p.return_offset;
	rf_anchor_first(&it, rfctl_adopted, RF_ANCHOR_PARK_PAGE);
	while (rf_anchor_next(&it, &pp, sizeof(pp)))
		list_add_tail(&pfn_to_page(PHYS_PFN(pp.phys))->lru, &rfctl_park.tables);
	rf_anchor_first(&it, rfctl_adopted, RF_ANCHOR_CPU);
	while (rf_anchor_next(&it, &c, sizeof(c)))
		if (c.slot)
			rfctl_park.slot[c.cpu] = __va(c.slot);
	return 0;
}
