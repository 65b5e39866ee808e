// SPDX-License-Identifier: GPL-2.0-only
/*
 * DOC: Slices of the first megabyte
 *
 * Each kernel needs free memory below 1 MB for its real-mode code, and panics
 * without. The supervisor's kernel reserves all of the first megabyte at boot
 * and never gives it to its allocator (reserve_real_mode() in
 * arch/x86/realmode/init.c), so pages there can be lent.
 *
 * Not lent: the first 64 KB (a subOS would not use them, X86_RESERVE_LOW), and
 * the upper part of what the firmware reported as memory, where the
 * supervisor's own real-mode code lies (it is allocated from the top down) and
 * the EBDA. The first slice is ours: phase 1 lives there.
 */
#include <linux/ioport.h>
#include <linux/io.h>
#include <linux/mm.h>
#include <linux/string.h>
#include "anchor.h"
#include "internal.h"

#define LOW_START	0x10000UL
#define LOW_KEEP	0x18000UL	/* below the top: supervisor's real-mode code and EBDA */
#define LOW_SLICES	((0xa0000UL - LOW_START) / RFCTL_LOW_SIZE)

static u32 low_owner[LOW_SLICES];	/* under rfctl_lock */
static unsigned int low_nr;

static int low_find_top(struct resource *res, void *arg)
{
	u64 *top = arg;

	if (res->start <= LOW_START)
		*top = max_t(u64, *top, min_t(u64, res->end + 1, 0xa0000));
	return 0;
}

static int low_adopt(void)
{
	struct rf_anchor_iter it;
	struct rf_anchor_low l;

	if (!rfctl_adopted)
		return 0;
	rf_anchor_first(&it, rfctl_adopted, RF_ANCHOR_LOW);
	while (rf_anchor_next(&it, &l, sizeof(l))) {
		u64 i = (l.start - LOW_START) / RFCTL_LOW_SIZE;

		if (l.start < LOW_START || l.start % RFCTL_LOW_SIZE || !i || i >= low_nr)
			return -EBADMSG;
		low_owner[i] = l.owner;
	}
	return 0;
}

/**
 * rfctl_lowmem_save - put the slices that are lent into the anchor
 * @out: the anchor
 */
void rfctl_lowmem_save(struct rf_anchor_out *out)
{
	unsigned int i;

	for (i = 1; i < low_nr; i++) {
		const struct rf_anchor_low l = {
			.start = LOW_START + i * RFCTL_LOW_SIZE,
			.owner = low_owner[i],
		};

		if (l.owner != RF_OWNER_SUPERVISOR)
			rf_anchor_put(out, RF_ANCHOR_LOW, &l, sizeof(l));
	}
}

/**
 * rfctl_lowmem_init - find out what can be lent
 *
 * Return: 0. -ENOSPC not even one slice beside our own.
 */
int rfctl_lowmem_init(void)
{
	u64 top = 0;
	unsigned int i;

	walk_iomem_res_desc(IORES_DESC_NONE, IORESOURCE_SYSTEM_RAM | IORESOURCE_BUSY, 0, SZ_1M,
			    &top, low_find_top);
	if (top < LOW_START + LOW_KEEP + 2 * RFCTL_LOW_SIZE)
		return -ENOSPC;
	low_nr = (top - LOW_KEEP - LOW_START) / RFCTL_LOW_SIZE;
	for (i = 0; i < low_nr; i++)
		if (!PageReserved(virt_to_page(__va(LOW_START + i * RFCTL_LOW_SIZE))))
			return -ENOSPC;
	for (i = 0; i < low_nr; i++)
		low_owner[i] = RF_OWNER_SUPERVISOR;
	return low_adopt();
}

/**
 * rfctl_lowmem_own_page - the page for phase 1
 *
 * Return: physical address, a multiple of 4 KB below 1 MB.
 */
u64 rfctl_lowmem_own_page(void)
{
	return LOW_START;
}

static void low_set_owner(unsigned int i, u32 owner)
{
	lockdep_assert_held(&rfctl_lock);
	rfctl_ledger_add(RF_RES_LOWMEM, LOW_START + i * RFCTL_LOW_SIZE, RFCTL_LOW_SIZE,
			 low_owner[i], owner, 0);
	low_owner[i] = owner;
}

/**
 * rfctl_lowmem_claim - lend a slice
 * @owner: id of the subOS
 *
 * Return: physical address of RFCTL_LOW_SIZE zeroed bytes, 0 when all are lent.
 */
u64 rfctl_lowmem_claim(u32 owner)
{
	unsigned int i;

	guard(mutex)(&rfctl_lock);
	for (i = 1; i < low_nr; i++) {
		if (low_owner[i] != RF_OWNER_SUPERVISOR)
			continue;
		low_set_owner(i, owner);
		memset(__va(LOW_START + i * RFCTL_LOW_SIZE), 0, RFCTL_LOW_SIZE);
		return LOW_START + i * RFCTL_LOW_SIZE;
	}
	return 0;
}

/**
 * rfctl_lowmem_release - take a slice back
 * @start: what rfctl_lowmem_claim() gave
 */
void rfctl_lowmem_release(u64 start)
{
	guard(mutex)(&rfctl_lock);
	memset(__va(start), 0, RFCTL_LOW_SIZE);
	low_set_owner((start - LOW_START) / RFCTL_LOW_SIZE, RF_OWNER_SUPERVISOR);
}

/**
 * rfctl_lowmem_quarantine - a core that does not answer may still use a slice
 * @start: what rfctl_lowmem_claim() gave
 */
void rfctl_lowmem_quarantine(u64 start)
{
	guard(mutex)(&rfctl_lock);
	low_set_owner((start - LOW_START) / RFCTL_LOW_SIZE, RF_OWNER_QUARANTINE);
}

/**
 * rfctl_lowmem_resources - list the slices that are lent
 * @res: (out) entries, may be NULL when @max is 0
 * @max: room in @res
 *
 * Return: number of slices lent, may exceed @max.
 */
int rfctl_lowmem_resources(struct rf_resource *res, unsigned int max)
{
	unsigned int i, n = 0;

	guard(mutex)(&rfctl_lock);
	for (i = 1; i < low_nr; i++) {
		if (low_owner[i] == RF_OWNER_SUPERVISOR)
			continue;
		if (n < max)
			res[n] = (struct rf_resource){
				.kind = RF_RES_LOWMEM,
				.owner = low_owner[i],
				.start = LOW_START + i * RFCTL_LOW_SIZE,
				.length = RFCTL_LOW_SIZE,
			};
		n++;
	}
	return n;
}
