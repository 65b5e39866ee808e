/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Filtered configuration space of a granted PCI function.
 */
#ifndef _RFSUBOS_PCI_CONFIG_H
#define _RFSUBOS_PCI_CONFIG_H

#include <linux/pci_regs.h>
#include <linux/rainforest_wire.h>
#include <linux/types.h>

#define SUBOS_BARS			6
#define SUBOS_HIDDEN_MAX		4
#define SUBOS_EXT_CAP_ID_VF_REBAR	0x24	/* 6.1 has no name for it */
#ifndef PCI_HEADER_TYPE_MFD
#define PCI_HEADER_TYPE_MFD		0x80	/* nor for this */
#endif

/**
 * struct subos_function - a granted PCI function
 * @page: its configuration space, NULL where there is no function
 * @bar: values of the BAR registers, 0 where there is no BAR
 * @bar_mask: what they answer when their size is asked
 * @sizing: a bit for each register whose size is being asked
 * @nr_hidden: entries used in @hidden
 * @hidden: extended capabilities that shall not be seen
 */
struct subos_function {
	void __iomem *page;
	u32 bar[SUBOS_BARS];
	u32 bar_mask[SUBOS_BARS];
	u32 sizing;
	int nr_hidden;
	struct {
		int start;
		int size;
	} hidden[SUBOS_HIDDEN_MAX];
};

int subos_config_open(struct subos_function *f, const struct rf_wire_pci *wire);
void subos_config_close(struct subos_function *f);
u32 subos_config_read(const struct subos_function *f, int where, int size);
void subos_config_write(struct subos_function *f, int where, int size, u32 val);
unsigned int subos_config_refused(void);

#endif /* _RFSUBOS_PCI_CONFIG_H */
