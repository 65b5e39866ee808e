// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which packets go the short way: those that leave this kernel, with an address of its own,
 * for one of another kernel, whichever device they were routed to.
 *
 * It is the last hook of all: firewall and NAT have had their say. The packet is not
 * stolen: it is given a route through our device, and goes on, so that connection tracking
 * confirms it (which may come behind us), it is not cut to the mtu of the other device, and
 * qdiscs and flow control are as elsewhere. This is done in the first network namespace,
 * whose addresses the list has; what is in another one is forwarded by this one.
 */
#include <linux/etherdevice.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/jiffies.h>
#include <linux/netfilter_ipv4.h>
#include <linux/netfilter_ipv6.h>
#include <net/arp.h>
#include <net/ip.h>
#include <net/ip6_route.h>
#include <net/ndisc.h>
#include <net/net_namespace.h>
#include <net/route.h>

#include "internal.h"

static struct dst_entry *route4, *route6;

/* Packets for it take the device until a link stands. */
static void want_link(struct rfloop_peer *peer)
{
	if (time_after(jiffies, READ_ONCE(peer->next)) && !READ_ONCE(peer->waiting))
		rfloop_kick(peer, RFLOOP_WANTED);
}

/* Where a packet from and to these addresses goes; NULL: not our way. */
static const struct rfloop_address *take_find(u8 family, const void *from, const void *to)
{
	const struct rfloop_table *t = rfloop_table();
	const struct rfloop_address *source, *target;
	struct rfloop_peer *peer;

	if (!t->nr || !netif_running(rfloop_device))
		return NULL;
	target = rfloop_table_find(t, family, to);
	if (!target || target->place >= RFLOOP_PEERS || target->kernel == rfloop_own_id)
		return NULL;
	source = rfloop_table_find(t, family, from);
	peer = &rfloop_peers[target->place];
	if (!source || source->kernel != rfloop_own_id || READ_ONCE(peer->id) != target->kernel)
		return NULL;
	if (READ_ONCE(peer->up))
		return target;
	want_link(peer);
	return NULL;
}

/*
 * Does the device know that somebody else has the address? Where the next hop is another
 * one it has to be the peer, for certain: an address that is far away is not claimed here.
 */
static bool neighbour_agrees(struct neighbour *n, const struct net_device *dev, const u8 *mac,
			     bool direct)
{
	if (dev->flags & (IFF_NOARP | IFF_LOOPBACK) || dev->addr_len != ETH_ALEN)
		return true;
	if (!n || !(READ_ONCE(n->nud_state) & NUD_VALID))
		return direct;
	return ether_addr_equal_unaligned(n->ha, mac);
}

static bool agrees4(const struct sk_buff *skb, const struct rfloop_address *to)
{
	const struct rtable *rt = skb_rtable(skb);
	struct net_device *dev = rt->dst.dev;
	__be32 daddr = ip_hdr(skb)->daddr, hop = rt_nexthop(rt, daddr);

	if (rt->rt_gw_family == AF_INET6)
		return false;
	return neighbour_agrees(__ipv4_neigh_lookup_noref(dev, (__force u32)hop), dev, to->mac,
				hop == daddr);
}

static bool agrees6(const struct sk_buff *skb, const struct rfloop_address *to)
{
	const struct rt6_info *rt = (const struct rt6_info *)skb_dst(skb);
	struct net_device *dev = rt->dst.dev;
	const struct in6_addr *daddr = &ipv6_hdr(skb)->daddr;
	const struct in6_addr *hop = rt6_nexthop(rt, daddr);

	return neighbour_agrees(__ipv6_neigh_lookup_noref(dev, hop), dev, to->mac,
				ipv6_addr_equal(hop, daddr));
}

/* Those of xfrm come by twice: what is to be encrypted is not for us. */
static bool plain(const struct sk_buff *skb)
{
#ifdef CONFIG_XFRM
	return skb_dst(skb) && !skb_dst(skb)->xfrm;
#else
	return skb_dst(skb);
#endif
}

static void lead(struct sk_buff *skb, struct dst_entry *route, const struct rfloop_address *to)
{
	skb_dst_drop(skb);
	skb_dst_set(skb, dst_clone(route));
	skb->dev = rfloop_device;
	skb_set_queue_mapping(skb, to->place);
}

static unsigned int take4(void *priv, struct sk_buff *skb, const struct nf_hook_state *state)
{
	const struct rfloop_address *to;

	to = take_find(4, &ip_hdr(skb)->saddr, &ip_hdr(skb)->daddr);
	if (to && plain(skb) && agrees4(skb, to))
		lead(skb, route4, to);
	return NF_ACCEPT;
}

static unsigned int take6(void *priv, struct sk_buff *skb, const struct nf_hook_state *state)
{
	const struct rfloop_address *to;

	to = take_find(6, &ipv6_hdr(skb)->saddr, &ipv6_hdr(skb)->daddr);
	if (to && plain(skb) && agrees6(skb, to))
		lead(skb, route6, to);
	return NF_ACCEPT;
}

static const struct nf_hook_ops hooks[] = {
	{
		.hook = take4,
		.pf = NFPROTO_IPV4,
		.hooknum = NF_INET_POST_ROUTING,
		.priority = NF_IP_PRI_LAST,
	},
	{
		.hook = take6,
		.pf = NFPROTO_IPV6,
		.hooknum = NF_INET_POST_ROUTING,
		.priority = NF_IP6_PRI_LAST,
	},
};

static int routes_make(void)
{
	struct rtable *rt = rt_dst_alloc(rfloop_device, 0, RTN_UNICAST, true);
	struct rt6_info *rt6 = ip6_dst_alloc(&init_net, rfloop_device, 0);

	route4 = rt ? &rt->dst : NULL;
	route6 = rt6 ? &rt6->dst : NULL;
	if (route4 && route6)
		return 0;
	dst_release(route4);
	dst_release(route6);
	return -ENOMEM;
}

/**
 * rfloop_take_init() - look at all packets that leave
 *
 * Return: 0 or an error.
 */
int rfloop_take_init(void)
{
	int ret;

	ret = routes_make();
	if (ret)
		return ret;
	ret = nf_register_net_hooks(&init_net, hooks, ARRAY_SIZE(hooks));
	if (ret) {
		dst_release(route4);
		dst_release(route6);
	}
	return ret;
}

/**
 * rfloop_take_exit() - no packet is led to our device any more
 */
void rfloop_take_exit(void)
{
	nf_unregister_net_hooks(&init_net, hooks, ARRAY_SIZE(hooks));
	dst_release(route4);
	dst_release(route6);
}
