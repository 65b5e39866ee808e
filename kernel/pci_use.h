/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Whether a PCI function is in use in this kernel.
 */
#ifndef _RFSUBOS_PCI_USE_H
#define _RFSUBOS_PCI_USE_H

#include <rainforest/compat.h>

#define SUBOS_PCI_DISKS	32

struct pci_dev;

/**
 * struct subos_pci_use - disks of a function that nobody else can open now
 * @nr_disks: entries used in @disk
 * @disk: see rf_disk_claim()
 */
struct subos_pci_use {
	unsigned int nr_disks;
	struct rf_claimed_disk *disk[SUBOS_PCI_DISKS];
};

int subos_pci_use_begin(struct pci_dev *pdev, struct subos_pci_use *use);
void subos_pci_use_end(struct subos_pci_use *use);

#endif /* _RFSUBOS_PCI_USE_H */
