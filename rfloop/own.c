// SPDX-License-Identifier: GPL-2.0-only
/*
 * The addresses of this kernel: those of devices that are up, in the first network
 * namespace, but those that mean something on one link or in one kernel only.
 */
#include <linux/if_arp.h>
#include <linux/inetdevice.h>
#include <linux/netdevice.h>
#include <linux/rtnetlink.h>
#include <net/addrconf.h>
#include <net/if_inet6.h>
#include <net/net_namespace.h>

#include "internal.h"

static void (*tell_changed)(void);

static struct rf_loop_entry *entry_next(struct rf_loop_entry *e, u32 *nr,
					const struct net_device *dev, u16 family)
{
	if (*nr == RF_LOOP_OWN_MAX)
		return NULL;
	e += (*nr)++;
	memset(e, 0, sizeof(*e));
	e->family = cpu_to_le16(family);
	if (dev->type == ARPHRD_ETHER)
		memcpy(e->mac, dev->dev_addr, sizeof(e->mac));
	return e;
}

static void collect4(struct rf_loop_entry *entries, u32 *nr, const struct net_device *dev)
{
	struct in_device *in = __in_dev_get_rtnl(dev);
	const struct in_ifaddr *ifa;
	struct rf_loop_entry *e;

	if (!in)
		return;
	in_dev_for_each_ifa_rtnl(ifa, in) {
		if (ipv4_is_loopback(ifa->ifa_local) || ipv4_is_zeronet(ifa->ifa_local) ||
		    ipv4_is_linklocal_169(ifa->ifa_local) || ipv4_is_multicast(ifa->ifa_local) ||
		    ipv4_is_lbcast(ifa->ifa_local) || ifa->ifa_scope >= RT_SCOPE_LINK)
			continue;
		e = entry_next(entries, nr, dev, 4);
		if (e)
			memcpy(e->address, &ifa->ifa_local, 4);
	}
}

/* Nobody is told when an address is found to be nobody else's. */
static void collect6(struct rf_loop_entry *entries, u32 *nr, const struct net_device *dev,
		     bool *again)
{
	struct inet6_dev *in6 = __in6_dev_get(dev);
	const struct inet6_ifaddr *ifa;
	struct rf_loop_entry *e;

	if (!in6)
		return;
	read_lock_bh(&in6->lock);
	list_for_each_entry(ifa, &in6->addr_list, if_list) {
		if (ifa->scope & (IFA_LINK | IFA_HOST) || ifa->flags & IFA_F_DADFAILED)
			continue;
		if (ifa->flags & IFA_F_TENTATIVE && !(ifa->flags & IFA_F_OPTIMISTIC)) {
			*again = true;
			continue;
		}
		e = entry_next(entries, nr, dev, 6);
		if (e)
			memcpy(e->address, &ifa->addr, 16);
	}
	read_unlock_bh(&in6->lock);
}

/**
 * rfloop_own_collect() - which addresses this kernel has
 * @e: (out) they, RF_LOOP_OWN_MAX at most; what is more takes the device
 * @again: (out) one may be added before long, without a word: look again in a second
 *
 * Context: sleeps.
 * Return: how many.
 */
u32 rfloop_own_collect(struct rf_loop_entry *e, bool *again)
{
	struct net_device *dev;
	u32 nr = 0;

	*again = false;
	rtnl_lock();
	for_each_netdev(&init_net, dev) {
		if (!(dev->flags & IFF_UP) || dev->flags & IFF_LOOPBACK || dev == rfloop_device)
			continue;
		collect4(e, &nr, dev);
		collect6(e, &nr, dev, again);
	}
	rtnl_unlock();
	return nr;
}

static int something_changed(struct notifier_block *nb, unsigned long action, void *data)
{
	tell_changed();
	return NOTIFY_DONE;
}

static struct notifier_block in_nb = { .notifier_call = something_changed };
static struct notifier_block in6_nb = { .notifier_call = something_changed };
static struct notifier_block device_nb = { .notifier_call = something_changed };

/**
 * rfloop_own_init() - notice when they change
 * @changed: called then, in a context that must not sleep
 *
 * Return: 0 or an error.
 */
int rfloop_own_init(void (*changed)(void))
{
	int ret;

	tell_changed = changed;
	ret = register_inetaddr_notifier(&in_nb);
	if (ret)
		return ret;
	ret = register_inet6addr_notifier(&in6_nb);
	if (ret)
		goto err_in;
	ret = register_netdevice_notifier(&device_nb);
	if (ret)
		goto err_in6;
	return 0;

err_in6:
	unregister_inet6addr_notifier(&in6_nb);
err_in:
	unregister_inetaddr_notifier(&in_nb);
	return ret;
}

/**
 * rfloop_own_exit() - undo rfloop_own_init()
 */
void rfloop_own_exit(void)
{
	unregister_netdevice_notifier(&device_nb);
	unregister_inet6addr_notifier(&in6_nb);
	unregister_inetaddr_notifier(&in_nb);
}
