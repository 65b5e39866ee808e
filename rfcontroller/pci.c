// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which kernel a PCI function belongs to.
 *
 * A function that leaves the supervisor is bound to a driver of ours that does
 * nothing, which keeps all others away. It is reset whenever a subOS may have
 * used it, with bus mastering off, and gets back the configuration that it had
 * before; only then its memory may be freed or its own driver come back. A
 * function whose reset fails never meets a driver of the supervisor again.
 */
#include <linux/cleanup.h>
#include <linux/delay.h>
#include <linux/pci.h>
#include <linux/slab.h>
#include <rainforest/compat.h>

#include "anchor.h"
#include "fail.h"
#include "internal.h"
#include "pci_held.h"
#include "pci_use.h"

DEFINE_MUTEX(rfctl_pci_lock);	/* see pci_held.h */
LIST_HEAD(rfctl_pci_held);

static struct rfctl_pci *pci_find(struct pci_dev *pdev)
{
	struct rfctl_pci *rp;

	lockdep_assert_held(&rfctl_pci_lock);
	list_for_each_entry(rp, &rfctl_pci_held, node)
		if (rp->pdev == pdev)
			return rp;
	return NULL;
}

/* Only what was claimed may be bound, whatever new_id or driver_override say. */
static int stub_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	struct rfctl_pci *rp;

	guard(mutex)(&rfctl_pci_lock);
	rp = pci_find(pdev);
	if (!rp)
		return -ENODEV;
	pci_set_drvdata(pdev, rp);
	return 0;
}

/* Called when we let go of it, and when it is unplugged. */
static void stub_remove(struct pci_dev *pdev)
{
	struct rfctl_pci *rp = pci_get_drvdata(pdev);

	if (rfctl_pci_leaving) {	/* a subOS goes on using it */
		pci_set_drvdata(pdev, NULL);
		return;
	}
	pci_clear_master(pdev);
	WRITE_ONCE(rp->lost, true);
	pci_set_drvdata(pdev, NULL);
}

static struct pci_driver pci_stub = {
	.name = PCI_STUB_NAME,
	.probe = stub_probe,
	.remove = stub_remove,
	.driver_managed_dma = true,
	.driver = {
		.suppress_bind_attrs = true,
	},
};

/* A subOS may have left it asleep; the PCI core would not know. */
static void pci_wake(struct pci_dev *pdev)
{
	u16 ctrl;

	if (!pdev->pm_cap)
		return;
	pci_read_config_word(pdev, pdev->pm_cap + PCI_PM_CTRL, &ctrl);
	if (!(ctrl & PCI_PM_CTRL_STATE_MASK))
		return;
	pci_write_config_word(pdev, pdev->pm_cap + PCI_PM_CTRL, ctrl & ~PCI_PM_CTRL_STATE_MASK);
	msleep(20);	/* PCI PM 1.2 table 5-6: 10 ms from D3hot */
}

static void pci_put_config(struct rfctl_pci *rp)
{
	pci_load_saved_state(rp->pdev, rp->saved);
	pci_restore_state(rp->pdev);
}

/* Ends all that it does. Its addresses come first: the reset brings back what it finds. */
static int pci_silence(struct rfctl_pci *rp)
{
	int ret;

	if (READ_ONCE(rp->lost))
		return 0;
	pci_clear_master(rp->pdev);
	pci_wake(rp->pdev);
	pci_put_config(rp);
	if (rp->clean)
		return 0;
	ret = rfctl_fail("pci_reset") ? -EIO : pci_reset_function(rp->pdev);
	pci_put_config(rp);
	pci_clear_master(rp->pdev);
	if (ret) {
		pci_warn(rp->pdev, "reset failed: %d\n", ret);
		return -EIO;
	}
	rp->clean = true;
	return 0;
}

static void pci_keep_driver(struct rfctl_pci *rp)
{
	struct device *dev = &rp->pdev->dev;

	device_lock(dev);
	if (dev->driver)
		strscpy(rp->driver, dev->driver->name, sizeof(rp->driver));
	device_unlock(dev);
}

static void pci_rebind(struct rfctl_pci *rp)
{
	struct device *dev = &rp->pdev->dev;
	bool lost = READ_ONCE(rp->lost);

	device_release_driver(dev);
	if (rf_pci_set_override(rp->pdev, rp->override ?: ""))
		pci_warn(rp->pdev, "no memory to restore driver_override\n");
	if (lost || !rp->driver[0])
		return;
	if (device_attach(dev) <= 0)
		pci_warn(rp->pdev, "driver %s did not take it back\n", rp->driver);
}

/*
 * Takes the function from its driver and makes it quiet. The disks are let go
 * as soon as they are gone: their names are free again when the driver returns.
 */
static int pci_bind_stub(struct rfctl_pci *rp, struct rfctl_pci_use *use)
{
	struct pci_dev *pdev = rp->pdev;
	int ret;

	ret = rf_pci_set_override(pdev, PCI_STUB_NAME);
	if (ret)
		return ret;
	device_release_driver(&pdev->dev);
	rfctl_pci_use_end(use);
	ret = device_driver_attach(&pci_stub.driver, &pdev->dev);
	if (ret)
		goto err_rebind;
	pci_wake(pdev);
	pci_clear_master(pdev);
	pci_save_state(pdev);
	rp->saved = rfctl_alloc(pci_store_saved_state(pdev));
	ret = rp->saved ? pci_silence(rp) : -ENOMEM;
	if (ret)
		goto err_rebind;
	return 0;
err_rebind:
	pci_rebind(rp);
	return ret;
}

static void pci_free(struct rfctl_pci *rp)
{
	mutex_lock(&rfctl_pci_lock);
	list_del(&rp->node);
	mutex_unlock(&rfctl_pci_lock);
	pci_dev_put(rp->pdev);
	kfree(rp->override);
	kfree(rp->saved);
	kfree(rp);
}

/* Makes an entry, unless somebody else was faster. Takes a reference to @pdev. */
static struct rfctl_pci *pci_reserve(struct pci_dev *pdev, u32 owner, struct rfctl_msg *msg)
{
	struct rfctl_pci *rp __free(kfree) = rfctl_zalloc(sizeof(*rp));
	struct rfctl_pci *other;
	u32 other_owner;
	char name[64];

	if (!rp)
		return ERR_PTR(-ENOMEM);
	rp->pdev = pdev;
	rp->owner = owner;
	rp->unit = (u64)pci_domain_nr(pdev->bus) << 16 | pci_dev_id(pdev);
	mutex_lock(&rfctl_pci_lock);
	other = pci_find(pdev);
	if (other)
		other_owner = other->owner;
	else
		list_add_tail(&rp->node, &rfctl_pci_held);
	mutex_unlock(&rfctl_pci_lock);
	if (other) {
		rfctl_say(msg, "PCI function %s belongs to %s; choose another, or destroy that subOS",
			  pci_name(pdev), rfctl_owner_name(other_owner, name, sizeof(name)));
		return ERR_PTR(-EBUSY);
	}
	pci_dev_get(pdev);
	return no_free_ptr(rp);
}

/* Everything that can be refused without a change. */
static int pci_prepare(struct rfctl_pci *rp, struct rfctl_pci_use *use)
{
	struct pci_dev *pdev = rp->pdev;
	int ret;

	ret = rfctl_pci_fit(pdev, &rp->ecam, use->msg);
	if (ret)
		return ret;
	pci_keep_driver(rp);
	if (!strcmp(rp->driver, "vfio-pci")) {
		rfctl_say(use->msg, "PCI function %s is bound to vfio-pci: unbind it first",
			  pci_name(pdev));
		return -EBUSY;
	}
	ret = rfctl_pci_use_begin(pdev, use);
	if (ret)
		return ret;
	return rf_pci_copy_override(rp->pdev, &rp->override) ? 0 : -ENOMEM;
}

/* There is one: nr_pci was looked at. */
static unsigned int pci_free_place(struct subos *so)
{
	unsigned int place = 0;

	while (place < RF_WIRE_PCI - 1 && so->pci[place])
		place++;
	return place;
}

static int pci_take(struct subos *so, struct rfctl_pci *rp, struct rfctl_pci_use *use)
{
	int ret = pci_bind_stub(rp, use);

	if (ret) {
		rfctl_ledger_add(RF_RES_PCI, rp->unit, 1, RF_OWNER_SUPERVISOR,
				 RF_OWNER_SUPERVISOR, ret);
		rfctl_say(use->msg, "PCI function %s could not be taken from driver %s and reset",
			  pci_name(rp->pdev), rp->driver[0] ? rp->driver : "(none)");
		return ret == -ENOMEM ? ret : -EIO;
	}
	mutex_lock(&rfctl_pci_lock);
	rp->held = true;
	rfctl_ledger_add(RF_RES_PCI, rp->unit, 1, RF_OWNER_SUPERVISOR, so->id, 0);
	mutex_unlock(&rfctl_pci_lock);
	so->pci[pci_free_place(so)] = rp;
	so->nr_pci++;
	return 0;
}

/**
 * rfctl_pci_claim() - take a function from the supervisor
 * @so: who shall have it, with its lock held
 * @segment: PCI segment
 * @bus: bus number
 * @devfn: device << 3 | function
 * @dry_run: only look whether it could be had
 * @msg: says why not
 *
 * Return: 0; -ENODEV, -EBUSY, -EOPNOTSUPP, -ENOSPC, -EIO, -ENOMEM.
 */
int rfctl_pci_claim(struct subos *so, u16 segment, u8 bus, u8 devfn, bool dry_run,
		    struct rfctl_msg *msg)
{
	struct rfctl_pci_use use = { .msg = msg };
	struct rfctl_pci *rp;
	struct pci_dev *pdev;
	int ret;

	if (so->nr_pci >= RF_WIRE_PCI) {
		rfctl_say(msg, "a subOS has %u PCI functions at most", RF_WIRE_PCI);
		return -ENOSPC;
	}
	pdev = pci_get_domain_bus_and_slot(segment, bus, devfn);
	if (!pdev) {
		rfctl_say(msg, "there is no PCI function %04x:%02x:%02x.%x", segment, bus,
			  PCI_SLOT(devfn), PCI_FUNC(devfn));
		return -ENODEV;
	}
	rp = pci_reserve(pdev, so->id, msg);
	pci_dev_put(pdev);
	if (IS_ERR(rp))
		return PTR_ERR(rp);
	ret = pci_prepare(rp, &use);
	if (!ret && !dry_run)
		ret = pci_take(so, rp, &use);
	rfctl_pci_use_end(&use);
	if (ret || dry_run)
		pci_free(rp);
	return ret;
}

/**
 * rfctl_pci_quiesce() - end all that the functions of a subOS do
 * @so: none of its cores runs, with its lock held
 *
 * Must come before memory of @so is freed or used again.
 *
 * Return: 0. -EIO a reset failed: bus mastering of that function is off all the same.
 */
int rfctl_pci_quiesce(struct subos *so)
{
	unsigned int i;
	int ret = 0;

	for (i = 0; i < RF_WIRE_PCI; i++)
		if (so->pci[i] && pci_silence(so->pci[i]))
			ret = -EIO;
	return ret;
}

static void pci_set_owner(struct rfctl_pci *rp, u32 owner)
{
	mutex_lock(&rfctl_pci_lock);
	rfctl_ledger_add(RF_RES_PCI, rp->unit, 1, rp->owner, owner, 0);
	rp->owner = owner;
	rp->held = owner != RF_OWNER_SUPERVISOR;
	mutex_unlock(&rfctl_pci_lock);
}

/**
 * rfctl_pci_place() - where a subOS has a function
 * @so: with its lock held
 * @segment: PCI segment
 * @bus: bus number
 * @devfn: device << 3 | function
 *
 * Return: its place in the resource description, -ENOENT.
 */
int rfctl_pci_place(struct subos *so, u16 segment, u8 bus, u8 devfn)
{
	u64 unit = (u64)segment << 16 | bus << 8 | devfn;
	unsigned int place;

	for (place = 0; place < RF_WIRE_PCI; place++)
		if (so->pci[place] && so->pci[place]->unit == unit)
			return place;
	return -ENOENT;
}

/**
 * rfctl_pci_drop() - give one function of a subOS back to its driver
 * @so: does not use it any more, with its lock held
 * @place: of the function, which is there
 * @msg: says when it could not be given back
 *
 * Return: 0. -EIO the reset failed: it is quarantined, bus mastering off.
 */
int rfctl_pci_drop(struct subos *so, unsigned int place, struct rfctl_msg *msg)
{
	struct rfctl_pci *rp = so->pci[place];

	so->pci[place] = NULL;
	so->nr_pci--;
	if (pci_silence(rp)) {
		rfctl_say(msg, "PCI function %s cannot be reset and is quarantined",
			  pci_name(rp->pdev));
		pci_set_owner(rp, RF_OWNER_QUARANTINE);
		return -EIO;
	}
	pci_set_owner(rp, RF_OWNER_SUPERVISOR);
	pci_rebind(rp);
	pci_free(rp);
	return 0;
}

/**
 * rfctl_pci_release() - give the functions of a subOS back to their drivers
 * @so: none of its cores runs, with its lock held
 * @msg: says which could not be given back
 *
 * Return: 0. -EIO a reset failed: that function is quarantined, bus mastering off.
 */
int rfctl_pci_release(struct subos *so, struct rfctl_msg *msg)
{
	unsigned int place;
	int ret = 0;

	for (place = RF_WIRE_PCI; place--;)
		if (so->pci[place] && rfctl_pci_drop(so, place, msg))
			ret = -EIO;
	return ret;
}

/**
 * rfctl_pci_quarantine() - lock the functions of a subOS away
 * @so: a core of it may still run, with its lock held
 */
void rfctl_pci_quarantine(struct subos *so)
{
	unsigned int place;

	for (place = 0; place < RF_WIRE_PCI; place++) {
		struct rfctl_pci *rp = so->pci[place];

		if (!rp)
			continue;
		if (!READ_ONCE(rp->lost))
			pci_clear_master(rp->pdev);
		pci_set_owner(rp, RF_OWNER_QUARANTINE);
		so->pci[place] = NULL;
	}
	so->nr_pci = 0;
}

static void pci_describe_one(struct rfctl_pci *rp, struct rf_wire_pci *wire)
{
	struct pci_dev *pdev = rp->pdev;
	unsigned int i;

	*wire = (struct rf_wire_pci) {
		.ecam = cpu_to_le64(rp->ecam),
		.segment = cpu_to_le16(pci_domain_nr(pdev->bus)),
		.bus = pdev->bus->number,
		.devfn = pdev->devfn,
		.vendor = cpu_to_le16(pdev->vendor),
		.device = cpu_to_le16(pdev->device),
		.class_code = cpu_to_le32(pdev->class << 8 | pdev->revision),
		.flags = cpu_to_le32(RF_PCIF_GRANTED),
	};
	for (i = 0; i < RF_WIRE_BARS; i++) {
		if (!pci_resource_len(pdev, i))
			continue;
		wire->bar[i].start = cpu_to_le64(pci_resource_start(pdev, i));
		wire->bar[i].size = cpu_to_le64(pci_resource_len(pdev, i));
		wire->bar[i].flags = cpu_to_le64(pci_resource_flags(pdev, i));
	}
}

/**
 * rfctl_pci_describe() - tell a subOS what it has
 * @so: with its lock held
 * @wire: RF_WIRE_PCI entries to be filled in
 *
 * From now on the functions count as used.
 *
 * Return: entries up to the last that is not empty.
 */
unsigned int rfctl_pci_describe(struct subos *so, struct rf_wire_pci *wire)
{
	unsigned int i, nr = 0;

	for (i = 0; i < RF_WIRE_PCI; i++) {
		if (!so->pci[i]) {
			wire[i] = (struct rf_wire_pci){};
			continue;
		}
		so->pci[i]->clean = false;
		pci_describe_one(so->pci[i], &wire[i]);
		nr = i + 1;
	}
	return nr;
}

/**
 * rfctl_pci_resources() - list functions that are not the supervisor's
 * @res: where to
 * @max: entries in @res
 *
 * Return: number of functions, may exceed @max.
 */
int rfctl_pci_resources(struct rf_resource *res, unsigned int max)
{
	struct rfctl_pci *rp;
	unsigned int n = 0;

	guard(mutex)(&rfctl_pci_lock);
	list_for_each_entry(rp, &rfctl_pci_held, node) {
		if (!rp->held)
			continue;
		if (n < max)
			res[n] = (struct rf_resource) {
				.kind = RF_RES_PCI,
				.owner = rp->owner,
				.start = rp->unit,
				.length = 1,
				.aux = (u32)rp->pdev->vendor << 16 | rp->pdev->device,
			};
		n++;
	}
	return n;
}

static void pci_audit_one(struct rfctl_pci *rp, struct rf_audit *audit, struct seq_buf *out)
{
	u16 cmd;

	if (READ_ONCE(rp->lost))
		return;
	rfctl_audit_check(audit, out, READ_ONCE(rp->pdev->dev.driver) == &pci_stub.driver,
			  "PCI %s: not bound to our driver", pci_name(rp->pdev));
	if (!rp->clean && rp->owner != RF_OWNER_QUARANTINE)
		return;
	pci_read_config_word(rp->pdev, PCI_COMMAND, &cmd);
	/* it may have been loaded and started since we looked */
	rfctl_audit_check(audit, out, !(cmd & PCI_COMMAND_MASTER) ||
			  !(READ_ONCE(rp->clean) || rp->owner == RF_OWNER_QUARANTINE),
			  "PCI %s: bus master is on, but nobody uses it", pci_name(rp->pdev));
}

/**
 * rfctl_pci_audit() - check the functions that are not the supervisor's
 * @audit: where facts are counted
 * @out: where violations are written
 */
void rfctl_pci_audit(struct rf_audit *audit, struct seq_buf *out)
{
	struct rfctl_pci *rp;

	guard(mutex)(&rfctl_pci_lock);
	list_for_each_entry(rp, &rfctl_pci_held, node)
		if (rp->held)
			pci_audit_one(rp, audit, out);
}

/**
 * rfctl_pci_init - offer the driver that keeps all others away
 *
 * What is adopted gets bound to it at once: driver_override names it.
 *
 * Return: 0, -ENOMEM or what pci_register_driver() says.
 */
int rfctl_pci_init(void)
{
	int ret = rfctl_pci_adopt();

	if (!ret)
		ret = pci_register_driver(&pci_stub);
	if (ret)
		rfctl_pci_forget();
	else
		rfctl_pci_adopt_check(&pci_stub.driver);
	return ret;
}

/**
 * rfctl_pci_exit - no longer
 *
 * What is quarantined keeps its driver_override: no driver shall find it.
 */
void rfctl_pci_exit(void)
{
	struct rfctl_pci *rp, *next;

	rfctl_pci_leaving = rfctl_keep;
	pci_unregister_driver(&pci_stub);
	if (rfctl_keep) {
		rfctl_pci_forget();
		return;
	}
	list_for_each_entry_safe(rp, next, &rfctl_pci_held, node) {
		pci_warn(rp->pdev, "stays without a driver, as driver_override says\n");
		pci_free(rp);
	}
}
