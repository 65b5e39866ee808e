// SPDX-License-Identifier: GPL-2.0-only
/*
 * rfvirtio.ko: virtio devices of a subOS whose back ends are in the supervisor. The stock
 * drivers of this kernel drive them; here is what lies between: how queues are set up, and
 * doorbells.
 */
#include <linux/device.h>
#include <linux/err.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/wait.h>
#include <rainforest/ficm.h>
#include <rainforest/rfcom.h>

#include "internal.h"

#define BACKLOG		4	/* back ends that were restarted faster than we saw it */

DEFINE_MUTEX(rfv_lock);			/* see internal.h */
DEFINE_SPINLOCK(rfv_ring_lock);		/* see internal.h */
struct rfv_device *rfv_devices[RF_VIRTIO_DEVICES];
struct workqueue_struct *rfv_work;
struct device *rfv_parent;

static struct rf_service *service;
static struct task_struct *server;
static struct rf_virtio_device *server_buf;	/* the longest message */

/* A message of the back ends' process, or how the channel ended. */
static ssize_t next_message(struct rf_channel *ch, void *buf, size_t size,
			    struct wait_queue_entry *wait)
{
	ssize_t ret;

	while ((ret = rf_read(ch, buf, size, RF_NOWAIT)) == -EAGAIN && rfv_setup_lasts() &&
	       !kthread_should_stop())
		wait_woken(wait, TASK_IDLE, MAX_SCHEDULE_TIMEOUT);
	return ret;
}

static void serve(struct rf_channel *ch, void *buf, size_t size)
{
	DEFINE_WAIT_FUNC(wait, woken_wake_function);
	ssize_t got;

	rfv_setup_begin(ch);
	add_wait_queue(rf_channel_wait(ch), &wait);
	while ((got = next_message(ch, buf, size, &wait)) > 0) {
		if (rfv_setup_message(buf, got)) {
			pr_warn_ratelimited("nonsense from the back ends; their channel ends\n");
			break;
		}
	}
	remove_wait_queue(rf_channel_wait(ch), &wait);
	rfv_setup_end();
}

/* One process at a time speaks for all back ends: that of the supervisor. */
static int server_thread(void *buf)
{
	DEFINE_WAIT_FUNC(wait, woken_wake_function);
	struct rf_channel *ch;

	add_wait_queue(rf_service_wait(service), &wait);
	while (!kthread_should_stop()) {
		ch = rf_accept(service, RF_NOWAIT);
		if (IS_ERR(ch)) {
			wait_woken(&wait, TASK_IDLE, MAX_SCHEDULE_TIMEOUT);
			continue;
		}
		if (rf_channel_peer(ch) == FICM_SUPERVISOR)
			serve(ch, buf, sizeof(*server_buf));
		rf_close(ch);
	}
	remove_wait_queue(rf_service_wait(service), &wait);
	return 0;
}

/* A thread that is stopped before it has run frees nothing: its buffer is ours. */
static int server_start(void)
{
	server_buf = kzalloc(sizeof(*server_buf), GFP_KERNEL);
	if (!server_buf)
		return -ENOMEM;
	service = rf_listen(RF_VIRTIO_SERVICE, BACKLOG);
	if (IS_ERR(service)) {
		kfree(server_buf);
		return PTR_ERR(service);
	}
	server = kthread_run(server_thread, server_buf, "rfvirtio");
	if (!IS_ERR(server))
		return 0;
	rf_unlisten(service);
	kfree(server_buf);
	return PTR_ERR(server);
}

static int __init rfvirtio_init(void)
{
	int ret;

	rfv_parent = root_device_register("rfvirtio");
	if (IS_ERR(rfv_parent))
		return PTR_ERR(rfv_parent);
	ret = -ENOMEM;
	rfv_work = alloc_workqueue("rfvirtio", WQ_UNBOUND, 0);
	if (!rfv_work)
		goto err_parent;
	ret = rfv_ring_init();
	if (ret)
		goto err_work;
	ret = server_start();
	if (ret)
		goto err_ring;
	return 0;

err_ring:
	rfv_ring_exit();
err_work:
	destroy_workqueue(rfv_work);
err_parent:
	root_device_unregister(rfv_parent);
	return ret;
}

static void remove_all(void)
{
	unsigned int i;

	mutex_lock(&rfv_lock);
	for (i = 0; i < RF_VIRTIO_DEVICES; i++)
		if (rfv_devices[i])
			rfv_remove(rfv_devices[i]);
	mutex_unlock(&rfv_lock);
	flush_workqueue(rfv_work);
}

/* Devices in use go, too, while the back ends can be told so; then what came meanwhile. */
static void __exit rfvirtio_exit(void)
{
	remove_all();
	kthread_stop(server);
	kfree(server_buf);
	rf_unlisten(service);
	remove_all();
	rfv_ring_exit();
	destroy_workqueue(rfv_work);
	root_device_unregister(rfv_parent);
}

module_init(rfvirtio_init);
module_exit(rfvirtio_exit);
MODULE_DESCRIPTION("RainForest: virtio devices with back ends in the supervisor");
MODULE_AUTHOR("RainForest developers");
MODULE_LICENSE("GPL");
MODULE_IMPORT_NS(RAINFOREST_FICM);
MODULE_IMPORT_NS(RAINFOREST_RFCOM);
