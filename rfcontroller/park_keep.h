/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What park.c and park_keep.c share.
 */
#ifndef _RFCTL_PARK_KEEP_H
#define _RFCTL_PARK_KEEP_H

#include <linux/list.h>
#include <linux/types.h>

struct rfctl_slot;

/**
 * struct rfctl_park - all that a core needs which runs no kernel
 * @code: the parking code's page
 * @idt: its interrupt table
 * @pml4: its page tables
 * @pml5: the same for five levels
 * @slot_table: physical address of a slot, by APIC id
 * @nr_slots: entries there
 * @return_offset: where a core enters @code that comes back from a subOS
 * @slot: by logical CPU
 * @tables: pages of @code, @idt and the page tables, as struct page.lru
 *
 * The pages are below 4 GB, as phase 1 loads CR3 in 32-bit mode. They, the slots
 * and phase 1 stay when we are detached: the build that comes next uses them as
 * they are, the code of this one included.
 */
struct rfctl_park {
	void *code;
	void *idt;
	u64 *pml4;
	u64 *pml5;
	u64 *slot_table;
	unsigned int nr_slots;
	unsigned int return_offset;
	struct rfctl_slot **slot;
	struct list_head tables;
};

extern struct rfctl_park rfctl_park;

int rfctl_park_adopt(void);
void rfctl_park_forget(void);

#endif /* _RFCTL_PARK_KEEP_H */
