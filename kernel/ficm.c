// SPDX-License-Identifier: GPL-2.0-only
/*
 * Messages: tells ficm.ko where the supervisor's directory lies.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/printk.h>
#include <rainforest/ficm.h>

#include "subos.h"

/**
 * subos_ficm_init() - begin to exchange messages with the other kernels
 *
 * Life without messages goes on, as it does when the supervisor has no directory.
 */
void subos_ficm_init(void)
{
	u64 dir = le64_to_cpu(subos_facts.boot.ficm_dir);
	u32 slot = le32_to_cpu(subos_facts.boot.ficm_slot);
	int ret;

	if (!dir)
		return;
	ret = ficm_join(dir, slot);
	if (ret)
		pr_err("no messages: directory at %#llx, entry %u, error %d\n", dir, slot, ret);
}
