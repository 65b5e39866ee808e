// SPDX-License-Identifier: GPL-2.0-only
/*
 * rfcontroller - the supervisor of RainForest: takes cores, memory and PCI
 * functions out of the running kernel and starts other kernels on them.
 */
#include <linux/module.h>
#include <linux/stdarg.h>
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

static int __init rfctl_init(void)
{
	int ret;

	ret = rfctl_ledger_init();
	if (ret)
		return ret;
	rfctl_monitor_setup();
	ret = rfctl_lowmem_init();
	if (ret)
		goto err_ledger;
	ret = rfctl_park_init();
	if (ret)
		goto err_ledger;
	ret = rfctl_cpu_init();
	if (ret)
		goto err_park;
	ret = rfctl_events_init();
	if (ret)
		goto err_cpu;
	ret = rfctl_usage_init();
	if (ret)
		goto err_events;
	ret = rfctl_exchange_init();
	if (ret)
		goto err_usage;
	ret = rfctl_pci_init();
	if (ret)
		goto err_exchange;
	ret = rfctl_con_init();
	if (ret)
		goto err_pci;
	ret = rfctl_loan_init();
	if (ret)
		goto err_con;
	ret = rfctl_policy_init();
	if (ret)
		goto err_loan;
	ret = rfctl_power_init();
	if (ret)
		goto err_policy;
	ret = rfctl_cdev_init();
	if (ret)
		goto err_power;
	return 0;

err_power:
	rfctl_power_exit();
err_policy:
	rfctl_policy_exit();
err_loan:
	rfctl_loan_exit();
err_con:
	rfctl_con_exit();
err_pci:
	rfctl_pci_exit();
err_exchange:
	rfctl_exchange_exit();
err_usage:
	rfctl_usage_exit();
err_events:
	rfctl_events_exit();
err_cpu:
	rfctl_cpu_exit();
err_park:
	rfctl_park_exit();
err_ledger:
	rfctl_ledger_exit();
	return ret;
}

static void __exit rfctl_exit(void)
{
	rfctl_cdev_exit();
	rfctl_power_exit();
	rfctl_policy_exit();
	rfctl_loan_exit();
	rfctl_con_exit();
	rfctl_pci_exit();
	rfctl_exchange_exit();
	rfctl_cpu_exit();
	rfctl_mem_exit();
	rfctl_usage_exit();
	rfctl_events_exit();
	rfctl_park_exit();
	rfctl_ledger_exit();
}

module_init(rfctl_init);
module_exit(rfctl_exit);
MODULE_LICENSE("GPL");
MODULE_IMPORT_NS(RAINFOREST_FICM);
MODULE_DESCRIPTION("RainForest supervisor: several Linux kernels on one machine");
MODULE_VERSION(RF_VERSION);
