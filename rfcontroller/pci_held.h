/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What pci.c and pci_keep.c share: the functions that left the supervisor.
 */
#ifndef _RFCTL_PCI_HELD_H
#define _RFCTL_PCI_HELD_H

#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/types.h>

struct device_driver;
struct pci_dev;
struct pci_saved_state;

#define PCI_STUB_NAME	"rfcontroller"

/**
 * struct rfctl_pci - a function that is not the supervisor's
 * @node: in rfctl_pci_held, under rfctl_pci_lock
 * @pdev: the function, with a reference
 * @owner: id of a subOS or RF_OWNER_QUARANTINE, under rfctl_pci_lock
 * @unit: as struct rf_resource start
 * @ecam: physical address of its configuration space
 * @saved: its configuration when it was taken, bus mastering off
 * @override: driver_override before, NULL for none
 * @driver: name of its driver before, empty for none
 * @held: it left the supervisor, under rfctl_pci_lock
 * @clean: it was reset after a subOS could last use it
 * @lost: it was unplugged
 * @place: of one that is adopted, in the description of its subOS
 */
struct rfctl_pci {
	struct list_head node;
	struct pci_dev *pdev;
	u32 owner;
	u64 unit;
	u64 ecam;
	struct pci_saved_state *saved;
	const char *override;
	char driver[32];
	bool held;
	bool clean;
	bool lost;
	unsigned int place;
};

/* protects the list and owners; nothing else is taken inside but the ledger's lock */
extern struct mutex rfctl_pci_lock;
extern struct list_head rfctl_pci_held;
extern bool rfctl_pci_leaving;

int rfctl_pci_adopt(void);
void rfctl_pci_adopt_check(const struct device_driver *stub);
void rfctl_pci_forget(void);

#endif /* _RFCTL_PCI_HELD_H */
