// SPDX-License-Identifier: GPL-2.0-only
/*
 * rfraise.ko: a kernel that raises all of its signals of the supervisor, whatever they are
 * for, again and again. Loading it does it, and always fails: -ECANCELED when all were raised.
 */
#include <linux/module.h>
#include <linux/sched.h>
#include <rainforest/ficm.h>

static unsigned int count = 1;
module_param(count, uint, 0444);
MODULE_PARM_DESC(count, "times that each is raised (1)");

static int __init rfraise_init(void)
{
	unsigned int i, n;
	int ret = 0;

	for (i = 0; !ret && i < count; i++) {
		for (n = 0; !ret && n < RF_SIGNALS; n++)
			ret = ficm_signal(FICM_SUPERVISOR, n);
		cond_resched();
	}
	return ret ?: -ECANCELED;
}

module_init(rfraise_init);
MODULE_DESCRIPTION("RainForest: all signals at once, for tests");
MODULE_AUTHOR("RainForest developers");
MODULE_LICENSE("GPL");
MODULE_IMPORT_NS(RAINFOREST_FICM);
