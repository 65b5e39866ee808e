// SPDX-License-Identifier: GPL-2.0-only
/*
 * Is a PCI function in use? Its disks are opened exclusively, as mount does,
 * and stay open until its driver is gone; its network interfaces must be down.
 */
#include <linux/blkdev.h>
#include <linux/delay.h>
#include <linux/netdevice.h>
#include <linux/pci.h>

#include "internal.h"
#include "pci_use.h"

#define USE_TRIES	40
#define USE_MS		50	/* udev opens a new disk for a moment: look again */

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
	while (use->nr_disks)
		bdev_fput(use->disk[--use->nr_disks]);
}
