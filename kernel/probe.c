// SPDX-License-Identifier: GPL-2.0-only
/*
 * When this kernel gives no sign of life the supervisor sends its boot core an
 * NMI. The answer says that the core executes, whatever it does: a kernel that
 * hangs answers, a core that merely gets no time does not.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/types.h>
#include <asm/nmi.h>

#include "subos.h"

static u32 probe_seen;	/* changed by the boot core only */

static int probe_nmi(unsigned int type, struct pt_regs *regs)
{
	u32 asked = le32_to_cpu(READ_ONCE(subos_facts.desc->probe_seq));

	if (asked == probe_seen)
		return NMI_DONE;
	probe_seen = asked;
	WRITE_ONCE(subos_facts.status->probe_seq, cpu_to_le32(asked));
	return NMI_HANDLED;
}

/**
 * subos_probe_init() - answer the supervisor's NMIs
 *
 * Return: 0, -ENOMEM.
 */
int subos_probe_init(void)
{
	probe_seen = le32_to_cpu(subos_facts.boot.probe_seq);
	return register_nmi_handler(NMI_LOCAL, probe_nmi, 0, "rainforest");
}

/**
 * subos_probe_exit() - answer no more
 */
void subos_probe_exit(void)
{
	unregister_nmi_handler(NMI_LOCAL, "rainforest");
}
