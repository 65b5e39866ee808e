// SPDX-License-Identifier: GPL-2.0-only
/*
 * ficm.ko: begin, end, and the thread that reads.
 */
#include <linux/cpumask.h>
#include <linux/err.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <uapi/linux/sched/types.h>

#include "internal.h"
#include "trace.h"

#define READ_BATCH	64	/* messages before others may run */
#define READ_SPINS	64	/* looks at an empty ring before sleeping */

static unsigned int cpu;
module_param(cpu, uint, 0444);
MODULE_PARM_DESC(cpu, "CPU that reads messages (0)");

static struct task_struct *reader;

static unsigned int read_some(struct ficm_peer *peer)
{
	struct rf_msg msg;
	unsigned int n;
	int ret = 0;

	for (n = 0; n < READ_BATCH; n++) {
		ret = ficm_ring_get(&peer->in, &msg);
		if (ret)
			break;
		if (!ficm_dispatch(peer, &msg))
			peer->unhandled++;
	}
	return n;
}

/* Sleeps until the doorbell rings, unless something came. */
static void read_sleep(struct ficm_peer *peer)
{
	set_current_state(TASK_INTERRUPTIBLE);
	/* A broken ring rings no more: only the end of the module wakes us. */
	if (!kthread_should_stop() && (peer->in.fault || ficm_ring_arm(&peer->in)))
		schedule();
	__set_current_state(TASK_RUNNING);
}

static int read_loop(void *arg)
{
	struct ficm_peer *peer = arg;
	unsigned int spins = 0;
	bool broken = false;

	while (!kthread_should_stop()) {
		if (read_some(peer)) {
			spins = 0;
			cond_resched();
			continue;
		}
		if (peer->in.fault && !broken) {
			broken = true;
			trace_ficm_broken(peer->id, peer->in.fault);
		}
		if (++spins < READ_SPINS) {
			cpu_relax();
			continue;
		}
		spins = 0;
		read_sleep(peer);
	}
	return 0;
}

static int __init ficm_init(void)
{
	int ret;

	if (cpu >= nr_cpu_ids || !cpu_online(cpu))
		return -EINVAL;
	ret = ficm_loopback_init();
	if (ret)
		return ret;
	reader = kthread_create_on_cpu(read_loop, &ficm_loopback, cpu, "ficm_read/%u");
	if (IS_ERR(reader)) {
		ret = PTR_ERR(reader);
		goto err_free_loopback;
	}
	sched_set_fifo(reader);
	ret = ficm_doorbell_init(reader, cpu);
	if (ret)
		goto err_stop_reader;
	ret = ficm_sysfs_init();
	if (ret)
		goto err_remove_doorbell;
	wake_up_process(reader);
	return 0;

err_remove_doorbell:
	ficm_doorbell_exit();
err_stop_reader:
	kthread_stop(reader);
err_free_loopback:
	ficm_loopback_exit();
	return ret;
}

static void __exit ficm_exit(void)
{
	ficm_sysfs_exit();
	ficm_doorbell_exit();
	kthread_stop(reader);
	ficm_loopback_exit();
}

module_init(ficm_init);
module_exit(ficm_exit);
MODULE_DESCRIPTION("RainForest: messages between kernels");
MODULE_AUTHOR("RainForest developers");
MODULE_LICENSE("GPL");
