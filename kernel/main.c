// SPDX-License-Identifier: GPL-2.0-only
/*
 * rfsubos: the part of RainForest that runs inside a subOS's kernel. It finds
 * out what the supervisor granted, reports life and death, and turns every way
 * of resetting the machine into a report.
 *
 * There is no exit function on purpose. Once loaded, the module is what keeps
 * this kernel from resetting a machine that is not its own; a subOS that could
 * unload it would be dangerous from that moment on.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/init.h>
#include <linux/module.h>

#include "con.h"
#include "subos.h"

static char *boot_id = "";
module_param(boot_id, charp, 0400);
MODULE_PARM_DESC(boot_id, "boot id of this kernel, from /proc/sys/kernel/random/boot_id");

static bool catch_dump = true;
module_param(catch_dump, bool, 0400);
MODULE_PARM_DESC(catch_dump, "catch emergency restarts with a log dumper (default: y)");

static bool catch_probe = true;
module_param(catch_probe, bool, 0400);
MODULE_PARM_DESC(catch_probe, "catch emergency restarts with a kprobe (default: y)");

static int __init subos_init(void)
{
	int ret;

	ret = subos_facts_init();
	if (ret)
		return ret;
	ret = subos_status_init(boot_id);
	if (ret)
		goto err_facts;
	ret = subos_power_init(catch_dump, catch_probe);
	if (ret)
		goto err_status;
	ret = subos_probe_init();
	if (ret)
		goto err_power;
	ret = subos_cpu_init();
	if (ret)
		goto err_probe;
	ret = subos_console_init();
	if (ret)
		goto err_cpu;
	ret = subos_sysfs_init();
	if (ret)
		goto err_console;
	ret = subos_stat_init();
	if (ret)
		goto err_sysfs;
	subos_clock_set();
	subos_ficm_init();
	ret = subos_pci_init();
	if (ret)
		pr_err("no PCI bus, error %d\n", ret);	/* life without devices goes on */
	ret = subos_con_init();
	if (ret)
		pr_err("deaf to the supervisor, error %d\n", ret);	/* its life goes on, too */
	return 0;

err_sysfs:
	subos_sysfs_exit();
err_console:
	subos_console_exit();
err_cpu:
	subos_cpu_exit();
err_probe:
	subos_probe_exit();
err_power:
	subos_power_exit();
err_status:
	subos_status_exit();
err_facts:
	subos_facts_exit();
	return ret;
}
module_init(subos_init);

MODULE_DESCRIPTION("RainForest: inside a subOS");
MODULE_AUTHOR("RainForest developers");
MODULE_LICENSE("GPL");
MODULE_IMPORT_NS(RAINFOREST_FICM);
