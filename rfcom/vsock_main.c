// SPDX-License-Identifier: GPL-2.0-only
/*
 * rfcom_vsock.ko: sockets of the family AF_VSOCK between kernels, on RFcom's channels. The
 * same in the supervisor, which is the host to AF_VSOCK, and in a subOS, which is a guest.
 */
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/notifier.h>

#include "vsock.h"

struct workqueue_struct *vsock_queue;

static DEFINE_MUTEX(role_lock);	/* protects what follows; cid stays once it is known */
static bool registered;
static bool refused;
static u32 own_cid = VMADDR_CID_ANY;

/**
 * vsock_own_cid() - the CID of this kernel
 *
 * Return: that.
 */
u32 vsock_own_cid(void)
{
	return READ_ONCE(own_cid);
}

/**
 * vsock_peer_cid() - the CID of a kernel
 * @peer: as ficm calls it
 *
 * Return: that.
 */
u32 vsock_peer_cid(u32 peer)
{
	return peer == FICM_LOOPBACK ? vsock_own_cid() : peer + RF_VSOCK_CID;
}

/**
 * vsock_cid_peer() - the kernel of a CID
 * @cid: not less than RF_VSOCK_CID
 *
 * Return: it, as ficm calls it; there may be none.
 */
u32 vsock_cid_peer(u32 cid)
{
	return cid == vsock_own_cid() ? FICM_LOOPBACK : cid - RF_VSOCK_CID;
}

/* Who we are is known when the kernel is in the exchange. -ENOTCONN: not yet. */
static int role_take(void)
{
	u32 id;
	int ret;

	lockdep_assert_held(&role_lock);
	if (registered || refused)
		return 0;
	ret = ficm_own(&id);
	if (ret)
		return ret;
	WRITE_ONCE(own_cid, id + RF_VSOCK_CID);
	ret = vsock_core_register(&vsock_transport, id == FICM_SUPERVISOR ?
				  VSOCK_TRANSPORT_F_H2G : VSOCK_TRANSPORT_F_G2H);
	registered = !ret;
	refused = ret == -EBUSY;
	if (refused)
		pr_err("another module carries sockets %s: rmmod %s first\n",
		       id == FICM_SUPERVISOR ? "to guests" : "to the host",
		       id == FICM_SUPERVISOR ? "vhost_vsock" : "vmw_vsock_virtio_transport");
	return ret;
}

static void role_work(struct work_struct *work)
{
	mutex_lock(&role_lock);
	role_take();
	mutex_unlock(&role_lock);
}

static DECLARE_WORK(role, role_work);

static int directory_changed(struct notifier_block *nb, unsigned long action, void *data)
{
	if (!READ_ONCE(registered))
		queue_work(vsock_queue, &role);
	return NOTIFY_DONE;
}

static struct notifier_block watcher = {
	.notifier_call = directory_changed,
};

/* Loaded before the kernel joins the exchange, it waits for that. */
static int role_init(void)
{
	int ret;

	ret = ficm_watch(&watcher);
	if (ret)
		return ret;
	mutex_lock(&role_lock);
	ret = role_take();
	mutex_unlock(&role_lock);
	if (!ret || ret == -ENOTCONN)
		return 0;
	ficm_unwatch(&watcher);
	cancel_work_sync(&role);
	return ret;
}

static void role_exit(void)
{
	ficm_unwatch(&watcher);
	cancel_work_sync(&role);
	if (registered)
		vsock_core_unregister(&vsock_transport);
}

static int __init vsock_init(void)
{
	int ret;

	vsock_queue = alloc_workqueue("rfcom_vsock", WQ_UNBOUND, 0);
	if (!vsock_queue)
		return -ENOMEM;
	ret = role_init();
	if (ret)
		goto err_queue;
	ret = vsock_accept_init();
	if (ret)
		goto err_role;
	return 0;

err_role:
	role_exit();
err_queue:
	destroy_workqueue(vsock_queue);
	return ret;
}

/* Whoever has a socket of ours keeps the module: there are none. */
static void __exit vsock_exit(void)
{
	vsock_accept_exit();
	role_exit();
	destroy_workqueue(vsock_queue);
}

module_init(vsock_init);
module_exit(vsock_exit);
MODULE_DESCRIPTION("RainForest: sockets of the family AF_VSOCK between kernels");
MODULE_AUTHOR("RainForest developers");
MODULE_LICENSE("GPL");
MODULE_IMPORT_NS(RAINFOREST_FICM);
MODULE_IMPORT_NS(RAINFOREST_RFCOM);
