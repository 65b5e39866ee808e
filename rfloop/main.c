// SPDX-License-Identifier: GPL-2.0-only
/*
 * rfloop.ko: packets between the kernels of one machine, without a device. The same in the
 * supervisor, which keeps the list of addresses, and in a subOS.
 */
#include <linux/err.h>
#include <linux/jiffies.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/sched.h>

#include "internal.h"

#define JOIN_AGAIN	HZ

/* Three quarters of it in packets are a socket of TCP's that is full (tcp_rmem). */
unsigned int rfloop_ring_mb = 8;
module_param_named(ring_mb, rfloop_ring_mb, uint, 0644);
MODULE_PARM_DESC(ring_mb, "MB of memory for the packets of each kernel that sends to this one, 1 to 16");

static struct task_struct *thread;

static void addresses_changed(void)
{
	rfloop_serve_changed();
	rfloop_ask_changed();
}

/* Who we are is known when the kernel is in the exchange. */
static int main_loop(void *unused)
{
	u32 id;
	int ret = 0;

	while (!kthread_should_stop() && ficm_own(&id))
		schedule_timeout_interruptible(JOIN_AGAIN);
	if (!kthread_should_stop()) {
		rfloop_own_id = id;
		ret = id == FICM_SUPERVISOR ? rfloop_serve() : rfloop_ask();
		if (ret)
			pr_err("no list of addresses: error %d\n", ret);
	}
	while (!kthread_should_stop())
		schedule_timeout_interruptible(JOIN_AGAIN);
	return 0;
}

static int __init rfloop_init(void)
{
	int ret;

	ret = rfloop_sysfs_init();
	if (ret)
		return ret;
	ret = rfloop_device_init();
	if (ret)
		goto err_sysfs;
	ret = rfloop_peers_init();
	if (ret)
		goto err_device;
	ret = rfloop_messages_init();
	if (ret)
		goto err_peers;
	ret = rfloop_take_init();
	if (ret)
		goto err_messages;
	ret = rfloop_own_init(addresses_changed);
	if (ret)
		goto err_take;
	thread = kthread_run(main_loop, NULL, "rfloop");
	ret = PTR_ERR_OR_ZERO(thread);
	if (ret)
		goto err_own;
	return 0;

err_own:
	rfloop_own_exit();
err_take:
	rfloop_take_exit();
err_messages:
	rfloop_messages_exit();
err_peers:
	rfloop_peers_exit();
err_device:
	rfloop_device_exit();
err_sysfs:
	rfloop_sysfs_exit();
	return ret;
}

/* First nothing is led here any more, then the links go, then what they were used with. */
static void __exit rfloop_exit(void)
{
	rfloop_own_exit();
	rfloop_take_exit();
	kthread_stop(thread);
	rfloop_messages_exit();
	rfloop_peers_exit();
	rfloop_device_exit();
	rfloop_sysfs_exit();
}

module_init(rfloop_init);
module_exit(rfloop_exit);
MODULE_DESCRIPTION("RainForest: packets between the kernels of one machine, without a device");
MODULE_AUTHOR("RainForest developers");
MODULE_LICENSE("GPL");
MODULE_IMPORT_NS(RAINFOREST_FICM);
MODULE_IMPORT_NS(RAINFOREST_RFCOM);
