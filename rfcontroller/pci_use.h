/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Can a PCI function be given away? See pci_use.c.
 */
#ifndef _RFCTL_PCI_USE_H
#define _RFCTL_PCI_USE_H

#include <linux/types.h>

struct file;
struct pci_dev;
struct rfctl_msg;

#define RFCTL_PCI_DISKS	32

/**
 * struct rfctl_pci_use - disks that nobody else can use for the moment
 * @msg: says what is in use
 * @disk: opened exclusively
 * @nr_disks: entries in @disk
 */
struct rfctl_pci_use {
	struct rfctl_msg *msg;
	struct file *disk[RFCTL_PCI_DISKS];
	unsigned int nr_disks;
};

int rfctl_pci_fit(struct pci_dev *pdev, u64 *ecam, struct rfctl_msg *msg);
int rfctl_pci_use_begin(struct pci_dev *pdev, struct rfctl_pci_use *use);
void rfctl_pci_use_end(struct rfctl_pci_use *use);

#endif /* _RFCTL_PCI_USE_H */
