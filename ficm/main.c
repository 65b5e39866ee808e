// SPDX-License-Identifier: GPL-2.0-only
/*
 * ficm.ko: begin and end.
 */
#include <linux/cpumask.h>
#include <linux/err.h>
#include <linux/module.h>

#include "internal.h"

static unsigned int cpu;
module_param(cpu, uint, 0444);
MODULE_PARM_DESC(cpu, "CPU that reads and writes messages (0)");

static int __init ficm_init(void)
{
	struct task_struct *reader;
	int ret;

	if (cpu >= nr_cpu_ids || !cpu_online(cpu))
		return -EINVAL;
	ficm_peers_init();
	ret = ficm_loopback_init();
	if (ret)
		return ret;
	reader = ficm_read_create(cpu);
	if (IS_ERR(reader)) {
		ret = PTR_ERR(reader);
		goto err_free_loopback;
	}
	ret = ficm_doorbell_init(reader, cpu);
	if (ret)
		goto err_stop_reader;
	ret = ficm_post_init(cpu);
	if (ret)
		goto err_remove_doorbell;
	ret = ficm_sysfs_init();
	if (ret)
		goto err_stop_writer;
	ficm_read_start();
	return 0;

err_stop_writer:
	ficm_post_exit();
err_remove_doorbell:
	ficm_doorbell_exit();
err_stop_reader:
	ficm_read_stop();
err_free_loopback:
	ficm_loopback_exit();
	return ret;
}

/* Whoever joined uses our symbols: nobody has. */
static void __exit ficm_exit(void)
{
	ficm_sysfs_exit();
	ficm_post_exit();
	ficm_doorbell_exit();
	ficm_read_stop();
	ficm_peers_exit();
	ficm_loopback_exit();
}

module_init(ficm_init);
module_exit(ficm_exit);
MODULE_DESCRIPTION("RainForest: messages between kernels");
MODULE_AUTHOR("RainForest developers");
MODULE_LICENSE("GPL");
