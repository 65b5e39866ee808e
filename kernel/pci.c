// SPDX-License-Identifier: GPL-2.0-only
/*
 * PCI root bus of a subOS: a domain of its own with the granted functions, the
 * first as device 0, function 0, the next as device 1, function 0, and so on.
 * pci=off keeps this kernel from looking for PCI by itself.
 *
 * There is no removal: the module stays as long as this kernel lives, and the
 * supervisor resets the functions when it takes them back.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/ioport.h>
#include <linux/numa.h>
#include <linux/pci.h>

#include "subos.h"
#include "pci_config.h"

#define SUBOS_PCI_DOMAIN	0x10000	/* the first that ACPI cannot name, as VMD does */

static struct subos_function functions[RF_WIRE_PCI];
static struct resource windows[RF_WIRE_PCI * SUBOS_BARS];
static unsigned int nr_windows;

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

/* In the tree of all resources, as the core expects that may join two of them. */
static void window_add(struct list_head *resources, u64 start, u64 size)
{
	struct resource *window = &windows[nr_windows];

	window->name = "RainForest PCI window";
	window->start = start;
	window->end = start + size - 1;
	window->flags = IORESOURCE_MEM;
	if (insert_resource(&iomem_resource, window)) {
		pr_err("%pR is in use already\n", window);
		return;
	}
	pci_add_resource(resources, window);
	nr_windows++;
}

/* A window for each BAR: nothing but the BARs can ever be claimed. */
static void windows_add(struct list_head *resources, const struct rf_wire_pci *wire)
{
	int i;

	for (i = 0; i < SUBOS_BARS; i++) {
		const struct rf_wire_bar *bar = &wire->bar[i];

		if (le64_to_cpu(bar->size) && le64_to_cpu(bar->flags) & IORESOURCE_MEM)
			window_add(resources, le64_to_cpu(bar->start), le64_to_cpu(bar->size));
	}
}

static void windows_release(void)
{
	while (nr_windows)
		if (windows[--nr_windows].parent)	/* the core may have joined two */
			release_resource(&windows[nr_windows]);
}

static unsigned int functions_open(struct list_head *resources)
{
	const struct rf_desc *desc = &subos_facts.boot;
	unsigned int i, found = 0;
	int ret;

	for (i = 0; i < le32_to_cpu(desc->nr_pci); i++) {
		const struct rf_wire_pci *wire = &desc->pci[i];

		if (!(le32_to_cpu(wire->flags) & RF_PCIF_GRANTED))
			continue;
		ret = subos_config_open(&functions[i], wire);
		if (ret) {
			pr_err("PCI function %04x:%02x:%02x.%u cannot be used, error %d\n",
			       le16_to_cpu(wire->segment), wire->bus, PCI_SLOT(wire->devfn),
			       PCI_FUNC(wire->devfn), ret);
			continue;
		}
		windows_add(resources, wire);
		found++;
	}
	return found;
}

static void functions_close(void)
{
	unsigned int i;

	for (i = 0; i < RF_WIRE_PCI; i++)
		subos_config_close(&functions[i]);
}

/**
 * subos_pci_init() - make the root bus of the granted functions
 *
 * A function that cannot be used is left out, with a message.
 * Return: 0, also where nothing was granted; -ENOMEM.
 */
int subos_pci_init(void)
{
	LIST_HEAD(resources);
	struct pci_bus *bus;

	if (!functions_open(&resources))
		return 0;
	pci_add_resource(&resources, &bus_numbers);

	pci_lock_rescan_remove();
	bus = pci_create_root_bus(NULL, 0, &bus_ops, &sysdata, &resources);
	if (!bus) {
		pci_unlock_rescan_remove();
		pci_free_resource_list(&resources);
		windows_release();
		functions_close();
		return -ENOMEM;
	}
	pci_scan_child_bus(bus);
	pci_bus_claim_resources(bus);
	pci_bus_add_devices(bus);
	pci_unlock_rescan_remove();
	return 0;
}
