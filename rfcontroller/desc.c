// SPDX-License-Identifier: GPL-2.0-only
/*
 * DOC: Resource description: what a subOS is granted, as it reads it
 *
 * The page lies in the subOS's memory, the supervisor alone writes it, under a
 * sequence count. What counts is kept on our side: nothing is read back.
 */
#include <linux/cpumask.h>
#include <linux/string.h>
#include <linux/timekeeping.h>
#include <asm/apic.h>
#include <asm/tsc.h>
#include "internal.h"

static_assert(sizeof(struct rf_desc) <= RF_DESC_SIZE);

/**
 * rfctl_desc_update - change the resource description under its sequence count
 * @so: the subOS, its memory owned
 * @change: makes the changes
 *
 * Context: one caller at a time for a subOS: under so->lock, or under the
 * console's lock for the window size, whose fields nobody else writes; the
 * sequence count is guarded here.
 */
void rfctl_desc_update(struct subos *so, void (*change)(struct subos *so, struct rf_desc *desc))
{
	struct rf_desc *desc = so->svc + RF_OFF_DESC;

	guard(mutex)(&so->desc_lock);
	so->desc_seq++;
	WRITE_ONCE(desc->seq, cpu_to_le32(so->desc_seq));
	smp_wmb();		/* odd count before the change; pairs with subos_desc_read() */
	change(so, desc);
	smp_wmb();		/* change before the even count */
	so->desc_seq++;
	WRITE_ONCE(desc->seq, cpu_to_le32(so->desc_seq));
}

/* The boot core first. */
static void desc_set_cpus(struct subos *so, struct rf_desc *desc)
{
	unsigned int i = 1, cpu;

	desc->apicid[0] = cpu_to_le32(rfctl_cpu_apicid(so->boot_cpu));
	for_each_cpu(cpu, &so->granted)
		if (cpu != so->boot_cpu && i < RF_WIRE_CPUS)
			desc->apicid[i++] = cpu_to_le32(rfctl_cpu_apicid(cpu));
	desc->nr_cpus = cpu_to_le32(i);
}

static void desc_set_ranges(struct subos *so, struct rf_desc *desc)
{
	unsigned int i;

	for (i = 0; i < so->nr_ranges; i++) {
		desc->range[i].start = cpu_to_le64(so->ranges[i].start);
		desc->range[i].length = cpu_to_le64(so->ranges[i].length);
	}
	desc->nr_ranges = cpu_to_le32(so->nr_ranges);
}

static void desc_set_pci(struct subos *so, struct rf_desc *desc)
{
	desc->nr_pci = cpu_to_le32(rfctl_pci_describe(so, desc->pci));
}

static void desc_set_clock(struct subos *so, struct rf_desc *desc)
{
	desc->tsc = cpu_to_le64(rdtsc_ordered());
	desc->realtime_ns = cpu_to_le64(ktime_get_real_ns());
}

static void desc_init(struct subos *so, struct rf_desc *desc)
{
	desc->magic = cpu_to_le32(RF_DESC_MAGIC);
	desc->version = cpu_to_le32(RF_WIRE_VERSION);
	desc->size = cpu_to_le32(sizeof(*desc));
	desc->id = cpu_to_le32(so->id);
	desc->generation = cpu_to_le32(so->generation);
	strscpy(desc->name, so->name, sizeof(desc->name));
	desc->heartbeat_ms = cpu_to_le32(rfctl_heartbeat_ms);
	desc->probe_seq = cpu_to_le32(so->probe_seq);
	desc_set_cpus(so, desc);
	desc_set_ranges(so, desc);
	desc_set_pci(so, desc);
	if (so->ficm_slot) {
		desc->ficm_dir = cpu_to_le64(rfctl_exchange_dir());
		desc->ficm_slot = cpu_to_le32(so->ficm_slot);
	}
	desc->tsc_khz = cpu_to_le64(tsc_khz);
	desc_set_clock(so, desc);
}

/**
 * rfctl_desc_init - describe everything to a kernel that is being loaded
 * @so: the subOS, locked, none of its cores runs
 */
void rfctl_desc_init(struct subos *so)
{
	cpumask_copy(&so->granted, &so->cpus);
	rfctl_desc_update(so, desc_init);
}

/**
 * rfctl_desc_cpus - tell the subOS which cores it may use now
 * @so: the subOS, locked; @so->granted says which
 */
void rfctl_desc_cpus(struct subos *so)
{
	rfctl_desc_update(so, desc_set_cpus);
}

/**
 * rfctl_desc_ranges - tell the subOS which memory it may use now
 * @so: the subOS, locked
 */
void rfctl_desc_ranges(struct subos *so)
{
	rfctl_desc_update(so, desc_set_ranges);
}

/**
 * rfctl_desc_pci - tell the subOS which PCI functions it may use now
 * @so: the subOS, locked
 */
void rfctl_desc_pci(struct subos *so)
{
	rfctl_desc_update(so, desc_set_pci);
}

/**
 * rfctl_desc_clock - tell the subOS the wall clock as it is now
 * @so: the subOS, locked, loaded
 */
void rfctl_desc_clock(struct subos *so)
{
	rfctl_desc_update(so, desc_set_clock);
}

static void desc_probe(struct subos *so, struct rf_desc *desc)
{
	desc->probe_seq = cpu_to_le32(++so->probe_seq);
}

/**
 * rfctl_desc_probe - announce an NMI, so that its kernel knows whose it is
 * @so: the subOS, locked, running
 */
void rfctl_desc_probe(struct subos *so)
{
	rfctl_desc_update(so, desc_probe);
}

static void desc_poweroff(struct subos *so, struct rf_desc *desc)
{
	desc->request = cpu_to_le32(RF_REQ_POWEROFF);
	desc->request_seq = cpu_to_le32(++so->request_seq);
}

/**
 * rfctl_desc_request_poweroff - ask the subOS to power itself off
 * @so: the subOS, locked, running
 */
void rfctl_desc_request_poweroff(struct subos *so)
{
	rfctl_desc_update(so, desc_poweroff);
}
