// SPDX-License-Identifier: GPL-2.0-only
/*
 * PCI functions over a change of the module. Our driver goes, and unbinding
 * changes nothing about the function; driver_override stays, so that no other
 * driver binds, and the kernel's runtime power management is held off: it would
 * let the port above a function without a driver sleep. When our driver comes
 * again it finds the function under the same name, and does not touch it either.
 */
#include <linux/pci.h>
#include <linux/pm_runtime.h>
#include <linux/slab.h>
#include <linux/string.h>
#include "anchor.h"
#include "fail.h"
#include "internal.h"
#include "pci_held.h"

bool rfctl_pci_leaving;		/* unbinding must not be noticed */

static unsigned int pci_place_of(const struct rfctl_pci *rp)
{
	struct subos *so;
	unsigned int i;

	list_for_each_entry(so, &rfctl_subos_list, node)
		for (i = 0; i < RF_WIRE_PCI; i++)
			if (so->pci[i] == rp)
				return i;
	return RF_WIRE_PCI;
}

/**
 * rfctl_pci_can_save - is there anything that the anchor has no room for?
 * @msg: (out) what
 *
 * Return: 0, -EBUSY.
 */
int rfctl_pci_can_save(struct rfctl_msg *msg)
{
	struct rf_anchor_pci p;
	struct rfctl_pci *rp;

	guard(mutex)(&rfctl_pci_lock);
	list_for_each_entry(rp, &rfctl_pci_held, node) {
		if (rp->held && (!rp->override || strlen(rp->override) < sizeof(p.override)))
			continue;
		rfctl_say(msg, "PCI function %s %s; nothing was detached", pci_name(rp->pdev),
			  rp->held ? "had a driver_override too long to be carried over" :
			  "is changing hands");
		return -EBUSY;
	}
	return 0;
}

/**
 * rfctl_pci_save - put the functions into the anchor
 * @out: the anchor
 */
void rfctl_pci_save(struct rf_anchor_out *out)
{
	struct rfctl_pci *rp;

	guard(mutex)(&rfctl_pci_lock);
	list_for_each_entry(rp, &rfctl_pci_held, node) {
		struct rf_anchor_pci p = {
			.pdev = (unsigned long)rp->pdev,
			.saved = (unsigned long)rp->saved,
			.unit = rp->unit,
			.ecam = rp->ecam,
			.owner = rp->owner,
			.place = pci_place_of(rp),
			.flags = (rp->clean ? RF_ANCHOR_CLEAN : 0) |
				 (READ_ONCE(rp->lost) ? RF_ANCHOR_UNPLUGGED : 0) |
				 (rp->override ? RF_ANCHOR_OVERRIDE : 0),
		};

		strscpy(p.driver, rp->driver, sizeof(p.driver));
		if (rp->override)
			strscpy(p.override, rp->override, sizeof(p.override));
		rf_anchor_put(out, RF_ANCHOR_PCI, &p, sizeof(p));
	}
}

/**
 * rfctl_pci_hold - hold off, or on, power management of the functions
 * @hold: which
 */
void rfctl_pci_hold(bool hold)
{
	struct rfctl_pci *rp;

	guard(mutex)(&rfctl_pci_lock);
	list_for_each_entry(rp, &rfctl_pci_held, node) {
		if (hold)
			pm_runtime_get_noresume(&rp->pdev->dev);
		else
			pm_runtime_put_noidle(&rp->pdev->dev);
	}
}

/**
 * rfctl_pci_forget - free what is the module's own
 *
 * The reference to the function and the copy of its configuration stay.
 */
void rfctl_pci_forget(void)
{
	struct rfctl_pci *rp, *next;

	list_for_each_entry_safe(rp, next, &rfctl_pci_held, node) {
		list_del(&rp->node);
		kfree(rp->override);
		kfree(rp);
	}
}

static struct rfctl_pci *pci_adopt_one(const struct rf_anchor_pci *p)
{
	struct rfctl_pci *rp = rfctl_zalloc(sizeof(*rp));

	if (!rp)
		return NULL;
	rp->pdev = (void *)(unsigned long)p->pdev;
	rp->saved = (void *)(unsigned long)p->saved;
	rp->unit = p->unit;
	rp->ecam = p->ecam;
	rp->owner = p->owner;
	rp->place = p->place;
	rp->held = true;
	rp->clean = p->flags & RF_ANCHOR_CLEAN;
	rp->lost = p->flags & RF_ANCHOR_UNPLUGGED;
	strscpy(rp->driver, p->driver, sizeof(rp->driver));
	if (!(p->flags & RF_ANCHOR_OVERRIDE))
		return rp;
	rp->override = kstrndup(p->override, sizeof(p->override) - 1, GFP_KERNEL);
	if (rp->override)
		return rp;
	kfree(rp);
	return NULL;
}

/**
 * rfctl_pci_adopt - take the functions from the anchor, which was checked
 *
 * Context: before our driver is there, which asks for them when it binds.
 * Return: 0, -ENOMEM; what is in the list then is to be forgotten.
 */
int rfctl_pci_adopt(void)
{
	struct rf_anchor_iter it;
	struct rf_anchor_pci p;
	struct rfctl_pci *rp;

	if (!rfctl_adopted)
		return 0;
	rf_anchor_first(&it, rfctl_adopted, RF_ANCHOR_PCI);
	while (rf_anchor_next(&it, &p, sizeof(p))) {
		rp = pci_adopt_one(&p);
		if (!rp)
			return -ENOMEM;
		scoped_guard(mutex, &rfctl_pci_lock)
			list_add_tail(&rp->node, &rfctl_pci_held);
	}
	return 0;
}

/**
 * rfctl_pci_adopt_check - what was unplugged meanwhile is lost
 * @stub: our driver, which has bound all that is there
 */
void rfctl_pci_adopt_check(const struct device_driver *stub)
{
	struct rfctl_pci *rp;

	guard(mutex)(&rfctl_pci_lock);
	list_for_each_entry(rp, &rfctl_pci_held, node) {
		if (rp->lost || READ_ONCE(rp->pdev->dev.driver) == stub)
			continue;
		pci_warn(rp->pdev, "is not bound to us: it was unplugged, or another driver took it\n");
		rp->lost = true;
	}
}

/**
 * rfctl_pci_adopt_subos - find the functions of a subOS
 * @so: the subOS, being adopted
 */
void rfctl_pci_adopt_subos(struct subos *so)
{
	struct rfctl_pci *rp;

	guard(mutex)(&rfctl_pci_lock);
	list_for_each_entry(rp, &rfctl_pci_held, node) {
		if (rp->owner != so->id || rp->place >= RF_WIRE_PCI || so->pci[rp->place])
			continue;
		so->pci[rp->place] = rp;
		so->nr_pci++;
	}
}
