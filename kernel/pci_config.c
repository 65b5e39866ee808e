// SPDX-License-Identifier: GPL-2.0-only
/*
 * Configuration space of a granted PCI function, as this kernel is meant to
 * see it: the function's own 4 KB page, and no other. Filtered are
 *
 *	BARs		stay where the supervisor put them: the register takes that
 *			value only (who resets the function restores it), and the
 *			question for the size never reaches it
 *	I/O BARs, ROM	are not there, I/O decoding stays off
 *	INTx		is not there and stays off: its line belongs to the supervisor
 *	other functions	of the same device are not there
 *	SR-IOV, resizable BARs	would change what the supervisor granted: hidden
 *
 * This keeps a kernel in its place that wants to be there. A hostile one can
 * map the page by itself.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/atomic.h>
#include <linux/io.h>
#include <linux/ioport.h>
#include <linux/log2.h>
#include <linux/pci.h>
#include <asm/pci_x86.h>

#include "subos.h"
#include "pci_config.h"

#define HIDDEN_SRIOV		0x40		/* bytes of these capabilities */
#define HIDDEN_REBAR		0x34
#define EXT_CAPS_MAX		((PCI_CFG_SPACE_EXP_SIZE - PCI_CFG_SPACE_SIZE) / 8)

static atomic_t refused;

static u32 page_read(const struct subos_function *f, int reg)
{
	return mmio_config_readl(f->page + reg);
}

static void page_write(const struct subos_function *f, int where, int size, u32 val)
{
	switch (size) {
	case 1:
		mmio_config_writeb(f->page + where, val);
		break;
	case 2:
		mmio_config_writew(f->page + where, val);
		break;
	default:
		mmio_config_writel(f->page + where, val);
	}
}

static bool in_bars(int where)
{
	return where >= PCI_BASE_ADDRESS_0 && where < PCI_BASE_ADDRESS_5 + 4;
}

static bool in_hidden(const struct subos_function *f, int where)
{
	int i;

	for (i = 0; i < f->nr_hidden; i++)
		if (where >= f->hidden[i].start && where < f->hidden[i].start + f->hidden[i].size)
			return true;
	return false;
}

static bool starts_hidden(const struct subos_function *f, int reg)
{
	int i;

	for (i = 0; i < f->nr_hidden; i++)
		if (reg == f->hidden[i].start)
			return true;
	return false;
}

/* The register itself: who restores it after a reset looks whether that is needed. */
static u32 bar_read(const struct subos_function *f, int i)
{
	if (!f->bar_mask[i])
		return 0;
	if (READ_ONCE(f->sizing) & BIT(i))
		return f->bar_mask[i];
	return page_read(f, PCI_BASE_ADDRESS_0 + i * 4);
}

static void bar_write(struct subos_function *f, int where, int size, u32 val)
{
	int i = (where - PCI_BASE_ADDRESS_0) / 4;

	if (!f->bar_mask[i])
		return;
	if (size == 4 && val == f->bar[i]) {
		WRITE_ONCE(f->sizing, f->sizing & ~BIT(i));
		page_write(f, where, size, val);
	} else if (size == 4 && val == ~0U) {
		WRITE_ONCE(f->sizing, f->sizing | BIT(i));
	} else {
		atomic_inc(&refused);
	}
}

static u32 register_read(const struct subos_function *f, int reg)
{
	if (in_bars(reg))
		return bar_read(f, (reg - PCI_BASE_ADDRESS_0) / 4);
	switch (reg) {
	case PCI_ROM_ADDRESS:
		return 0;
	case PCI_CACHE_LINE_SIZE:
		return page_read(f, reg) & ~((u32)PCI_HEADER_TYPE_MFD << 16);
	case PCI_INTERRUPT_LINE:
		return page_read(f, reg) & 0xffff0000;
	}
	if (starts_hidden(f, reg))
		return page_read(f, reg) & 0xfff00000;	/* the way to the next stays */
	return page_read(f, reg);
}

static u32 command_filter(int where, u32 val)
{
	int shift = (where - PCI_COMMAND) * 8;

	val &= ~(PCI_COMMAND_IO >> shift);
	return val | PCI_COMMAND_INTX_DISABLE >> shift;
}

/**
 * subos_config_read() - read configuration space
 * @f: function
 * @where: offset, a multiple of @size
 * @size: 1, 2 or 4
 *
 * Return: what the function has there, or what it shall seem to have.
 */
u32 subos_config_read(const struct subos_function *f, int where, int size)
{
	u32 val = register_read(f, where & ~3) >> (where & 3) * 8;

	return size == 4 ? val : val & (BIT(size * 8) - 1);
}

/**
 * subos_config_write() - write configuration space
 * @f: function
 * @where: offset, a multiple of @size
 * @size: 1, 2 or 4
 * @val: value; what may not be written is dropped
 */
void subos_config_write(struct subos_function *f, int where, int size, u32 val)
{
	int reg = where & ~3;

	if (in_bars(where)) {
		bar_write(f, where, size, val);
		return;
	}
	if (reg == PCI_ROM_ADDRESS || reg == PCI_INTERRUPT_LINE || in_hidden(f, where))
		return;
	if (where < PCI_COMMAND + 2 && reg == PCI_COMMAND)
		val = command_filter(where, val);
	page_write(f, where, size, val);
}

/**
 * subos_config_refused() - writes that would have moved a BAR
 *
 * Return: their number since the module was loaded.
 */
unsigned int subos_config_refused(void)
{
	return atomic_read(&refused);
}

/* Return: registers that the BAR takes, 0 for nonsense. */
static int bar_prepare(struct subos_function *f, int i, const struct rf_wire_bar *wire)
{
	u32 type = page_read(f, PCI_BASE_ADDRESS_0 + i * 4) & ~(u32)PCI_BASE_ADDRESS_MEM_MASK;
	u64 start = le64_to_cpu(wire->start), size = le64_to_cpu(wire->size);
	bool wide = (type & PCI_BASE_ADDRESS_MEM_TYPE_MASK) == PCI_BASE_ADDRESS_MEM_TYPE_64;

	if (type & PCI_BASE_ADDRESS_SPACE_IO || size < 16 || !is_power_of_2(size) ||
	    start & (size - 1) || start + size - 1 < start)
		return 0;
	if (wide ? i == PCI_STD_NUM_BARS - 1 : start + size - 1 > U32_MAX)
		return 0;
	f->bar[i] = lower_32_bits(start) | type;
	f->bar_mask[i] = lower_32_bits(~(size - 1)) | type;
	if (!wide)
		return 1;
	f->bar[i + 1] = upper_32_bits(start);
	f->bar_mask[i + 1] = upper_32_bits(~(size - 1));
	return 2;
}

static int bars_prepare(struct subos_function *f, const struct rf_wire_pci *wire)
{
	int i = 0, registers;

	while (i < PCI_STD_NUM_BARS) {
		const struct rf_wire_bar *bar = &wire->bar[i];

		registers = 1;
		if (le64_to_cpu(bar->size) && le64_to_cpu(bar->flags) & IORESOURCE_MEM) {
			registers = bar_prepare(f, i, bar);
			if (!registers)
				return -EINVAL;
		}
		i += registers;
	}
	/* a reset on the way to us may have cleared them */
	for (i = 0; i < PCI_STD_NUM_BARS; i++)
		if (f->bar_mask[i])
			page_write(f, PCI_BASE_ADDRESS_0 + i * 4, 4, f->bar[i]);
	return 0;
}

static void hidden_add(struct subos_function *f, int start, int size)
{
	if (f->nr_hidden == ARRAY_SIZE(f->hidden))
		return;
	f->hidden[f->nr_hidden].start = start;
	f->hidden[f->nr_hidden].size = size;
	f->nr_hidden++;
}

static void hidden_find(struct subos_function *f)
{
	int pos = PCI_CFG_SPACE_SIZE;
	int i;

	for (i = 0; i < EXT_CAPS_MAX && pos >= PCI_CFG_SPACE_SIZE; i++) {
		u32 header = page_read(f, pos);

		if (!header || header == ~0U)
			return;
		switch (PCI_EXT_CAP_ID(header)) {
		case PCI_EXT_CAP_ID_SRIOV:
			hidden_add(f, pos, HIDDEN_SRIOV);
			break;
		case PCI_EXT_CAP_ID_REBAR:
		case SUBOS_EXT_CAP_ID_VF_REBAR:
			hidden_add(f, pos, HIDDEN_REBAR);
			break;
		}
		pos = PCI_EXT_CAP_NEXT(header);
	}
}

/**
 * subos_config_open() - map the configuration space of a granted function
 * @f: filled in
 * @wire: what the supervisor says about it, a copy
 *
 * Return: 0, -EINVAL the supervisor's words make no sense, -ENODEV another
 * function is there, or none, -EOPNOTSUPP it is a bridge, -ENOMEM.
 */
int subos_config_open(struct subos_function *f, const struct rf_wire_pci *wire)
{
	u64 ecam = le64_to_cpu(wire->ecam);
	u32 id = le16_to_cpu(wire->vendor) | (u32)le16_to_cpu(wire->device) << 16;
	int ret;

	if (!ecam || ecam & (PCI_CFG_SPACE_EXP_SIZE - 1))
		return -EINVAL;
	f->page = ioremap(ecam, PCI_CFG_SPACE_EXP_SIZE);
	if (!f->page)
		return -ENOMEM;
	if (page_read(f, PCI_VENDOR_ID) != id)
		ret = -ENODEV;
	else if (subos_config_read(f, PCI_HEADER_TYPE, 1) != PCI_HEADER_TYPE_NORMAL)
		ret = -EOPNOTSUPP;
	else
		ret = bars_prepare(f, wire);
	if (ret) {
		subos_config_close(f);
		return ret;
	}
	hidden_find(f);
	return 0;
}

/**
 * subos_config_close() - undo subos_config_open()
 * @f: function, may be one that was never opened; nobody accesses it any more
 */
void subos_config_close(struct subos_function *f)
{
	void __iomem *page = f->page;

	f->page = NULL;
	if (page)
		iounmap(page);
	memset(f, 0, sizeof(*f));	/* another may be granted at this place */
}
