// SPDX-License-Identifier: GPL-2.0-only
/*
 * PCI root bus of a subOS: a domain of its own with the granted functions. The
 * place of a function in the description is its device number here; functions
 * come and go while this kernel runs. pci=off keeps it from looking for PCI by
 * itself.
 *
 * The bus stays as long as this kernel lives. The supervisor resets the
 * functions when it takes them back.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/ioport.h>
#include <linux/numa.h>
#include <linux/pci.h>
#include <linux/slab.h>

#include "con.h"
#include "subos.h"
#include "pci_config.h"
#include "pci_use.h"

#define SUBOS_PCI_DOMAIN	0x10000	/* the first that ACPI cannot name, as VMD does */

/*
 * What was granted, by place in the description, which is the device number
 * here. Changed under pci_lock_rescan_remove().
 */
static struct subos_function functions[RF_WIRE_PCI];
static struct resource windows[RF_WIRE_PCI][SUBOS_BARS];
static struct pci_bus *root_bus;

static struct resource bus_numbers = {
	.name = "RainForest PCI bus",
	.flags = IORESOURCE_BUS | IORESOURCE_PCI_FIXED,
};

static struct pci_sysdata sysdata = {
	.domain = SUBOS_PCI_DOMAIN,
	.node = NUMA_NO_NODE,
};

static struct subos_function *function_at(struct pci_bus *bus, unsigned int devfn)
{
	unsigned int slot = PCI_SLOT(devfn);

	if (bus->number || PCI_FUNC(devfn) || slot >= RF_WIRE_PCI || !functions[slot].page)
		return NULL;
	return &functions[slot];
}

static bool bad_register(int where, int size)
{
	return where < 0 || where + size > PCI_CFG_SPACE_EXP_SIZE || where & (size - 1);
}

static int bus_read(struct pci_bus *bus, unsigned int devfn, int where, int size, u32 *val)
{
	struct subos_function *f = function_at(bus, devfn);

	*val = ~0U;
	if (!f)
		return PCIBIOS_DEVICE_NOT_FOUND;
	if (bad_register(where, size))
		return PCIBIOS_BAD_REGISTER_NUMBER;
	*val = subos_config_read(f, where, size);
	return PCIBIOS_SUCCESSFUL;
}

static int bus_write(struct pci_bus *bus, unsigned int devfn, int where, int size, u32 val)
{
	struct subos_function *f = function_at(bus, devfn);

	if (!f)
		return PCIBIOS_DEVICE_NOT_FOUND;
	if (bad_register(where, size))
		return PCIBIOS_BAD_REGISTER_NUMBER;
	subos_config_write(f, where, size, val);
	return PCIBIOS_SUCCESSFUL;
}

static struct pci_ops bus_ops = {
	.read = bus_read,
	.write = bus_write,
};

/*
 * A window for each BAR: nothing but the BARs can ever be claimed. They come
 * one by one after the bus was made, because its maker would join neighbours,
 * and one of them may leave.
 */
static int window_add(struct resource *window, u64 start, u64 size)
{
	struct pci_bus_resource *entry = kzalloc(sizeof(*entry), GFP_KERNEL);

	if (!entry)
		return -ENOMEM;
	*window = (struct resource) {
		.name = "RainForest PCI window",
		.start = start,
		.end = start + size - 1,
		.flags = IORESOURCE_MEM,
	};
	if (insert_resource(&iomem_resource, window)) {
		pr_err("%pR is in use already\n", window);
		kfree(entry);
		return -EBUSY;
	}
	entry->res = window;
	list_add_tail(&entry->list, &root_bus->resources);
	return 0;
}

static void window_remove(struct resource *window)
{
	struct pci_bus_resource *entry;

	if (!window->parent)
		return;
	list_for_each_entry(entry, &root_bus->resources, list) {
		if (entry->res == window) {
			list_del(&entry->list);
			kfree(entry);
			break;
		}
	}
	release_resource(window);
}

static void windows_remove(unsigned int place)
{
	int i;

	for (i = 0; i < SUBOS_BARS; i++)
		window_remove(&windows[place][i]);
}

static int windows_add(unsigned int place, const struct rf_wire_pci *wire)
{
	int i, ret = 0;

	for (i = 0; i < SUBOS_BARS && !ret; i++) {
		const struct rf_wire_bar *bar = &wire->bar[i];

		if (le64_to_cpu(bar->size) && le64_to_cpu(bar->flags) & IORESOURCE_MEM)
			ret = window_add(&windows[place][i], le64_to_cpu(bar->start),
					 le64_to_cpu(bar->size));
	}
	if (ret)
		windows_remove(place);
	return ret;
}

/* Its BARs stay where they are: a register takes that value only. */
static void function_claim(struct pci_dev *pdev)
{
	int i;

	for (i = 0; i < SUBOS_BARS; i++)
		if (pdev->resource[i].flags && !pdev->resource[i].parent &&
		    pci_claim_resource(pdev, i))
			pci_err(pdev, "BAR %d cannot be claimed\n", i);
}

static int function_scan(unsigned int place)
{
	struct pci_dev *pdev = pci_scan_single_device(root_bus, PCI_DEVFN(place, 0));

	if (!pdev)
		return -ENODEV;
	function_claim(pdev);
	pci_bus_add_device(pdev);
	return 0;
}

static int function_add(unsigned int place, const struct rf_wire_pci *wire)
{
	int ret;

	ret = subos_config_open(&functions[place], wire);
	if (ret)
		return ret;
	ret = windows_add(place, wire);
	if (ret)
		goto err_close;
	ret = function_scan(place);
	if (ret)
		goto err_remove_windows;
	return 0;

err_remove_windows:
	windows_remove(place);
err_close:
	subos_config_close(&functions[place]);
	return ret;
}

static void function_remove(unsigned int place, struct pci_dev *pdev)
{
	struct subos_function *f = &functions[place];

	if (pdev)
		pci_stop_and_remove_bus_device(pdev);
	/* whatever its driver left behind: memory that leaves us next is not written any more */
	subos_config_write(f, PCI_COMMAND, 2, 0);
	windows_remove(place);
	subos_config_close(f);
}

static void function_say(const struct rf_wire_pci *wire, int error)
{
	pr_err("PCI function %04x:%02x:%02x.%u cannot be used, error %d\n",
	       le16_to_cpu(wire->segment), wire->bus, PCI_SLOT(wire->devfn),
	       PCI_FUNC(wire->devfn), error);
}

static int wire_read(u64 place, struct rf_wire_pci *wire)
{
	__le32 nr;
	int ret;

	ret = subos_desc_read(offsetof(struct rf_desc, nr_pci), &nr, sizeof(nr));
	if (ret)
		return ret;
	if (place >= RF_WIRE_PCI || place >= le32_to_cpu(nr))
		return -EINVAL;
	return subos_desc_read(offsetof(struct rf_desc, pci) + place * sizeof(*wire), wire,
			       sizeof(*wire));
}

/**
 * subos_pci_add() - RF_OP_PCI_ADD: use a granted function
 * @call: arg 0: its place in the description
 *
 * Return: 0, also where it is in use already; -EINVAL there is no such place,
 * -EPERM nothing is granted there, -ENXIO there is no bus; see also
 * subos_config_open().
 */
int subos_pci_add(struct subos_call *call)
{
	struct rf_wire_pci wire;
	int ret;

	ret = wire_read(call->arg[0], &wire);
	if (ret)
		return ret;
	if (!(le32_to_cpu(wire.flags) & RF_PCIF_GRANTED))
		return -EPERM;
	if (!root_bus)
		return -ENXIO;
	pci_lock_rescan_remove();
	if (!functions[call->arg[0]].page)
		ret = function_add(call->arg[0], &wire);
	pci_unlock_rescan_remove();
	subos_con_stage(call);
	if (ret)
		function_say(&wire, ret);
	return ret;
}

/**
 * subos_pci_remove() - RF_OP_PCI_REMOVE: use a function no more
 * @call: arg 0: its place in the description
 *
 * Its driver is gone and its bus mastering is off when this returns 0.
 * Return: 0, also where there is none; -EINVAL there is no such place, -EBUSY
 * one of its disks is open or one of its network interfaces is up.
 */
int subos_pci_remove(struct subos_call *call)
{
	u64 place = call->arg[0];
	struct subos_pci_use *use;
	struct pci_dev *pdev;
	int ret = 0;

	if (place >= RF_WIRE_PCI)
		return -EINVAL;
	if (!root_bus || !functions[place].page)
		return 0;
	use = kzalloc(sizeof(*use), GFP_KERNEL);
	if (!use)
		return -ENOMEM;
	pci_lock_rescan_remove();
	pdev = pci_get_slot(root_bus, PCI_DEVFN(place, 0));
	if (pdev)
		ret = subos_pci_use_begin(pdev, use);
	subos_con_stage(call);
	if (!ret)
		function_remove(place, pdev);
	pci_unlock_rescan_remove();
	subos_pci_use_end(use);
	pci_dev_put(pdev);
	kfree(use);
	subos_con_stage(call);
	return ret;
}

static int bus_make(void)
{
	LIST_HEAD(resources);

	pci_add_resource(&resources, &bus_numbers);
	pci_lock_rescan_remove();
	root_bus = pci_create_root_bus(NULL, 0, &bus_ops, &sysdata, &resources);
	pci_unlock_rescan_remove();
	if (root_bus)
		return 0;
	pci_free_resource_list(&resources);
	return -ENOMEM;
}

/**
 * subos_pci_init() - make the root bus, with the functions granted at the start
 *
 * A function that cannot be used is left out, with a message.
 * Return: 0, -ENOMEM.
 */
int subos_pci_init(void)
{
	const struct rf_desc *desc = &subos_facts.boot;
	unsigned int i;
	int ret;

	ret = bus_make();
	if (ret)
		return ret;
	pci_lock_rescan_remove();
	for (i = 0; i < le32_to_cpu(desc->nr_pci); i++) {
		if (!(le32_to_cpu(desc->pci[i].flags) & RF_PCIF_GRANTED))
			continue;
		ret = function_add(i, &desc->pci[i]);
		if (ret)
			function_say(&desc->pci[i], ret);
	}
	pci_bus_add_devices(root_bus);
	pci_unlock_rescan_remove();
	return 0;
}
