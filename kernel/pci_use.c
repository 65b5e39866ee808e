// SPDX-License-Identifier: GPL-2.0-only
/*
 * Is a PCI function in use? Its disks are opened exclusively, as mount does,
 * and stay open until its driver is gone, so that nobody comes in between; its
 * network interfaces must be down.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/blkdev.h>
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/file.h>
#include <linux/netdevice.h>
#include <linux/pci.h>
#include <rainforest/compat.h>

#include "pci_use.h"

#define USE_TRIES	40
#define USE_MS		50	/* udev opens a new disk for a moment: look again */

static bool use_is(const struct device *dev, const char *class)
{
	return dev->class && !strcmp(dev->class->name, class);
}

static bool use_is_open(struct gendisk *disk)
{
	unsigned int i;

	for (i = 0; i < USE_TRIES && disk_openers(disk) > 1; i++)
		msleep(USE_MS);
	return disk_openers(disk) > 1;
}

/* An NVMe disk with several paths: what is used is not this one, it has another parent. */
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
	devt = head ? head->devt : dev->devt;
	put_device(head);
	return devt;
}

static int use_claim_disk(struct device *dev, struct subos_pci_use *use)
{
	struct rf_claimed_disk *disk;

	if (use->nr_disks == SUBOS_PCI_DISKS)
		return -EBUSY;
	disk = rf_disk_claim(use_disk_devt(dev), use);
	if (IS_ERR(disk))
		return PTR_ERR(disk) == -EBUSY ? -EBUSY : 0;	/* no medium, or going away */
	use->disk[use->nr_disks++] = disk;
	return use_is_open(rf_disk_of(disk)) ? -EBUSY : 0;
}

static int use_claim(struct device *dev, void *data)
{
	int ret = 0;

	if (use_is(dev, "net") && READ_ONCE(to_net_dev(dev)->flags) & IFF_UP)
		ret = -EBUSY;
	else if (use_is(dev, "block") && dev->type && !strcmp(dev->type->name, "disk"))
		ret = use_claim_disk(dev, data);
	if (ret) {
		pr_info("%s is in use: the supervisor does not get its function back\n",
			dev_name(dev));
		return ret;
	}
	return device_for_each_child(dev, data, use_claim);
}

/**
 * subos_pci_use_begin() - keep what hangs on a function from being used
 * @pdev: the function
 * @use: all zero
 *
 * To be ended with subos_pci_use_end() after a failure, too.
 * Context: sleeps.
 * Return: 0, -EBUSY with a message.
 */
int subos_pci_use_begin(struct pci_dev *pdev, struct subos_pci_use *use)
{
	return device_for_each_child(&pdev->dev, use, use_claim);
}

/**
 * subos_pci_use_end() - let go of the disks
 * @use: see subos_pci_use_begin()
 */
void subos_pci_use_end(struct subos_pci_use *use)
{
	while (use->nr_disks)
		rf_disk_release(use->disk[--use->nr_disks]);
}
