// SPDX-License-Identifier: GPL-2.0-only
/*
 * Can a PCI function be given away? It must be of a kind that can work in a
 * subOS and be taken back, and it must not be in use: its disks are opened
 * exclusively, as mount does, and stay open until its driver is gone; its
 * network interfaces must be down.
 */
#include <linux/acpi.h>
#include <linux/blkdev.h>
#include <linux/delay.h>
#include <linux/file.h>
#include <linux/io.h>
#include <linux/iommu.h>
#include <linux/msi.h>
#include <linux/netdevice.h>
#include <linux/pci.h>
#include <linux/pm_runtime.h>

#include "internal.h"
#include "pci_use.h"

#define USE_TRIES	40
#define USE_MS		50	/* udev opens a new disk for a moment: look again */

static u64 ecam_in_table(struct acpi_table_mcfg *mcfg, struct pci_dev *pdev)
{
	struct acpi_mcfg_allocation *entry = (void *)(mcfg + 1);
	struct acpi_mcfg_allocation *end = (void *)mcfg + mcfg->header.length;

	for (; entry + 1 <= end; entry++)
		if (entry->pci_segment == pci_domain_nr(pdev->bus) &&
		    entry->start_bus_number <= pdev->bus->number &&
		    entry->end_bus_number >= pdev->bus->number)
			return entry->address + ((u64)pdev->bus->number << 20) +
			       ((u64)pdev->devfn << 12);
	return 0;
}

/* The table may be wrong: what stands there must be this function. */
static bool ecam_is(u64 ecam, struct pci_dev *pdev)
{
	void __iomem *cfg = ioremap(ecam, PAGE_SIZE);
	u32 ids;

	if (!cfg)
		return false;
	ids = readl(cfg + PCI_VENDOR_ID);
	iounmap(cfg);
	return ids == ((u32)pdev->device << 16 | pdev->vendor);
}

/* Returns the address of the function's own 4 KB, 0 when there is none. */
static u64 ecam_find(struct pci_dev *pdev)
{
	struct acpi_table_header *table;
	u64 ecam;

	if (ACPI_FAILURE(acpi_get_table(ACPI_SIG_MCFG, 0, &table)))
		return 0;
	ecam = ecam_in_table((struct acpi_table_mcfg *)table, pdev);
	acpi_put_table(table);
	return ecam && ecam_is(ecam, pdev) ? ecam : 0;
}

static bool iommu_translates(struct pci_dev *pdev)
{
	struct iommu_domain *domain = iommu_get_domain_for_dev(&pdev->dev);

	return domain && domain->type != IOMMU_DOMAIN_IDENTITY;
}

/* Why a function of this kind cannot be given away; NULL when it can. */
static const char *pci_unfit(struct pci_dev *pdev)
{
	if (pdev->hdr_type != PCI_HEADER_TYPE_NORMAL)
		return "is a bridge";
	if (pdev->is_virtfn)
		return "is a virtual function";
	if (!pdev->msi_cap && !pdev->msix_cap)
		return "has neither MSI nor MSI-X";
	if (!pdev->reset_methods[0])
		return "cannot be reset";
	if (iommu_translates(pdev))
		return "is behind a translating IOMMU: boot with iommu=pt or intel_iommu=off";
	if (msi_device_has_isolated_msi(&pdev->dev))
		return "is behind interrupt remapping: boot with intremap=off";
	return NULL;
}

/**
 * rfctl_pci_fit() - can a function of this kind be given away?
 * @pdev: the function
 * @ecam: (out) physical address of its configuration space
 * @msg: says why not
 *
 * Return: 0, -EOPNOTSUPP, -EBUSY.
 */
int rfctl_pci_fit(struct pci_dev *pdev, u64 *ecam, struct rfctl_msg *msg)
{
	const char *why = pci_unfit(pdev);

	if (!why) {
		pm_runtime_get_sync(&pdev->dev);	/* it and its port must answer */
		*ecam = ecam_find(pdev);
		pm_runtime_put(&pdev->dev);
		why = *ecam ? NULL : "has no memory-mapped configuration space";
	}
	if (why) {
		rfctl_say(msg, "PCI function %s %s", pci_name(pdev), why);
		return -EOPNOTSUPP;
	}
	if (pci_num_vf(pdev)) {
		rfctl_say(msg, "PCI function %s has virtual functions: remove them first",
			  pci_name(pdev));
		return -EBUSY;
	}
	return 0;
}

/* With several paths to a disk, the one that is used has another parent. */
static dev_t use_disk_devt(struct device *dev)
{
	unsigned int subsys, ctrl, ns;
	struct device *head;
	char name[32];
	dev_t devt;

	if (sscanf(dev_name(dev), "nvme%uc%un%u", &subsys, &ctrl, &ns) != 3)
		return dev->devt;
	snprintf(name, sizeof(name), "nvme%un%u", subsys, ns);
	head = class_find_device_by_name(dev->class, name);
	if (!head)
		return dev->devt;
	devt = head->devt;
	put_device(head);
	return devt;
}

static bool use_is_open(struct file *disk)
{
	struct gendisk *gd = file_bdev(disk)->bd_disk;
	unsigned int i;

	for (i = 0; i < USE_TRIES && disk_openers(gd) > 1; i++)
		msleep(USE_MS);
	return disk_openers(gd) > 1;
}

static int use_claim_disk(struct device *dev, struct rfctl_pci_use *use)
{
	struct file *disk;

	if (use->nr_disks == RFCTL_PCI_DISKS) {
		rfctl_say(use->msg, "it has more than %u disks", RFCTL_PCI_DISKS);
		return -EBUSY;
	}
	disk = bdev_file_open_by_dev(use_disk_devt(dev), BLK_OPEN_READ, use, NULL);
	if (IS_ERR(disk) && PTR_ERR(disk) != -EBUSY)
		return 0;	/* no medium, or going away: nobody can use it */
	if (IS_ERR(disk)) {
		rfctl_say(use->msg, "disk %s is in use: unmount it first", dev_name(dev));
		return -EBUSY;
	}
	use->disk[use->nr_disks++] = disk;
	if (use_is_open(disk)) {
		rfctl_say(use->msg, "disk %s is open: end what uses it first", dev_name(dev));
		return -EBUSY;
	}
	return 0;
}

static int use_claim(struct device *dev, void *data)
{
	struct rfctl_pci_use *use = data;
	int ret;

	if (dev->class && !strcmp(dev->class->name, "net") &&
	    READ_ONCE(to_net_dev(dev)->flags) & IFF_UP) {
		rfctl_say(use->msg, "network interface %s is up: take it down first",
			  dev_name(dev));
		return -EBUSY;
	}
	if (dev->class && !strcmp(dev->class->name, "block") &&
	    dev->type && !strcmp(dev->type->name, "disk")) {
		ret = use_claim_disk(dev, use);
		if (ret)
			return ret;
	}
	return device_for_each_child(dev, use, use_claim);
}

/**
 * rfctl_pci_use_begin() - keep what hangs on a function from being used
 * @pdev: the function, still with its own driver
 * @use: all zero but @use->msg
 *
 * To be ended with rfctl_pci_use_end() after a failure, too.
 *
 * Return: 0, -EBUSY with a message.
 */
int rfctl_pci_use_begin(struct pci_dev *pdev, struct rfctl_pci_use *use)
{
	return device_for_each_child(&pdev->dev, use, use_claim);
}

/**
 * rfctl_pci_use_end() - let go of the disks
 * @use: see rfctl_pci_use_begin()
 */
void rfctl_pci_use_end(struct rfctl_pci_use *use)
{
	/* fput() would wait for the end of the system call, and the disk with it */
	while (use->nr_disks)
		__fput_sync(use->disk[--use->nr_disks]);
}
