// SPDX-License-Identifier: GPL-2.0-only
/*
 * rfcontroller - the supervisor of RainForest: takes cores, memory and PCI
 * functions out of the running kernel and starts other kernels on them.
 */
#include <linux/module.h>
#include <linux/stdarg.h>
#include "anchor.h"
#include "internal.h"

DEFINE_MUTEX(rfctl_lock);	/* protects rfctl_subos_list, owners, ids */
LIST_HEAD(rfctl_subos_list);

/**
 * rfctl_say - leave a line for the user about a failure
 * @msg: where; the first line stays
 * @fmt: as printf
 */
void rfctl_say(struct rfctl_msg *msg, const char *fmt, ...)
{
	va_list args;

	if (msg->text[0])
		return;
	va_start(args, fmt);
	vscnprintf(msg->text, sizeof(msg->text), fmt, args);
	va_end(args);
}

/**
 * rfctl_owner_name - an owner in words
 * @owner: RF_OWNER_* or id of a subOS
 * @buf: where
 * @size: bytes at @buf
 *
 * Context: process; takes rfctl_lock.
 * Return: @buf.
 */
const char *rfctl_owner_name(u32 owner, char *buf, size_t size)
{
	struct subos *so;

	switch (owner) {
	case RF_OWNER_SUPERVISOR:
		strscpy(buf, "the supervisor", size);
		return buf;
	case RF_OWNER_FREE:
		strscpy(buf, "the pool", size);
		return buf;
	case RF_OWNER_QUARANTINE:
		strscpy(buf, "the quarantine", size);
		return buf;
	}
	scnprintf(buf, size, "subOS #%u", owner);
	guard(mutex)(&rfctl_lock);
	list_for_each_entry(so, &rfctl_subos_list, node)
		if (so->id == owner)
			scnprintf(buf, size, "subOS %s", so->name);
	return buf;
}

/**
 * rfctl_subos_name - the name of a subOS
 * @id: its id
 * @name: (out) RF_NAME_MAX bytes; empty when there is none of that id
 *
 * Context: process; takes rfctl_lock.
 */
void rfctl_subos_name(u32 id, char *name)
{
	struct subos *so = subos_find_id(id);

	strscpy_pad(name, so ? so->name : "", RF_NAME_MAX);
	if (so)
		subos_put(so);
}

/*
 * In this order, and out in the other. When we adopt what a build before us left,
 * or are detached, each leaves alone what is not ours.
 */
static const struct {
	int (*init)(void);
	void (*exit)(void);
} parts[] = {
	{ rfctl_ledger_init, rfctl_ledger_exit },
	{ rfctl_lowmem_init, NULL },
	{ rfctl_park_init, rfctl_park_exit },
	{ rfctl_cpu_init, rfctl_cpu_exit },
	{ rfctl_events_init, rfctl_events_exit },
	{ rfctl_usage_init, rfctl_usage_exit },
	{ rfctl_mem_init, rfctl_mem_exit },
	{ rfctl_exchange_init, rfctl_exchange_exit },
	{ rfctl_pci_init, rfctl_pci_exit },
	{ rfctl_con_init, rfctl_con_exit },
	{ rfctl_loan_init, rfctl_loan_exit },
	{ rfctl_policy_init, rfctl_policy_exit },
	{ rfctl_subos_adopt, rfctl_subos_forget },
	{ rfctl_power_init, rfctl_power_exit },
	{ rfctl_cdev_init, rfctl_cdev_exit },	/* calls wait until we are ready */
};

static void rfctl_exit_from(unsigned int i)
{
	while (i--)
		if (parts[i].exit)
			parts[i].exit();
	rfctl_anchor_close();
}

static int __init rfctl_init(void)
{
	unsigned int i;
	int ret;

	ret = rfctl_adopt_begin();
	if (ret)
		return ret;
	rfctl_monitor_setup();
	for (i = 0; i < ARRAY_SIZE(parts); i++) {
		ret = parts[i].init();
		if (!ret)
			continue;
		rfctl_exit_from(i);
		return ret;
	}
	rfctl_adopt_end();
	rfctl_gate_open();
	return 0;
}

static void __exit rfctl_exit(void)
{
	rfctl_exit_from(ARRAY_SIZE(parts));
}

module_init(rfctl_init);
module_exit(rfctl_exit);
MODULE_LICENSE("GPL");
MODULE_IMPORT_NS(RAINFOREST_FICM);
MODULE_DESCRIPTION("RainForest supervisor: several Linux kernels on one machine");
MODULE_VERSION(RF_VERSION);
