// SPDX-License-Identifier: GPL-2.0-only
/*
 * The way in: packets of a ring are handed to the network layer as if they had come on the
 * device that has their address, so that rules about devices, and reverse path filters,
 * are as they were.
 */
#include <linux/etherdevice.h>
#include <linux/if_arp.h>
#include <linux/inetdevice.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/netdevice.h>
#include <linux/skbuff.h>
#include <linux/virtio_net.h>
#include <net/addrconf.h>
#include <net/net_namespace.h>

#include "internal.h"
#include "trace.h"

/* Whether the packet's addresses are what they have to be; else why not. */
static int addresses_check(const struct rfloop_peer *peer, u8 family, const void *from,
			   const void *to)
{
	const struct rfloop_table *t = rfloop_table();
	const struct rfloop_address *source = rfloop_table_find(t, family, from);
	const struct rfloop_address *target = rfloop_table_find(t, family, to);

	if (!source || source->kernel != peer->id)
		return RFLOOP_DROP_SPOOFED;
	return target && target->kernel == rfloop_own_id ? -1 : RFLOOP_DROP_STRAY;
}

static int packet_address(const struct rfloop_peer *peer, struct sk_buff *skb)
{
	const struct ipv6hdr *ip6 = (const struct ipv6hdr *)skb->data;
	const struct iphdr *ip = (const struct iphdr *)skb->data;
	int why;

	skb_reset_network_header(skb);
	if (skb_headlen(skb) >= sizeof(*ip) && ip->version == 4 && ip->ihl >= 5) {
		skb->protocol = htons(ETH_P_IP);
		why = addresses_check(peer, 4, &ip->saddr, &ip->daddr);
		if (why < 0)
			skb->dev = __ip_dev_find(&init_net, ip->daddr, false);
	} else if (skb_headlen(skb) >= sizeof(*ip6) && ip6->version == 6) {
		skb->protocol = htons(ETH_P_IPV6);
		why = addresses_check(peer, 6, &ip6->saddr, &ip6->daddr);
		if (why < 0)
			skb->dev = ipv6_dev_find(&init_net, &ip6->daddr, NULL);
	} else {
		return RFLOOP_DROP_BAD;
	}
	if (why >= 0)
		return why;
	return skb->dev && skb->dev->flags & IFF_UP ? -1 : RFLOOP_DROP_STRAY;
}

static int packet_offloads(struct sk_buff *skb, const struct rf_loop_slot *slot)
{
	const struct virtio_net_hdr hdr = {
		.flags = slot->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM,
		.gso_type = slot->gso_type,
		.hdr_len = (__force __virtio16)slot->hdr_len,
		.gso_size = (__force __virtio16)slot->gso_size,
		.csum_start = (__force __virtio16)slot->csum_start,
		.csum_offset = (__force __virtio16)slot->csum_offset,
	};

	/* Memory spoils nothing on the way: nobody computes what the sender left out. */
	skb->ip_summed = CHECKSUM_UNNECESSARY;
	return virtio_net_hdr_to_skb(skb, &hdr, true) ? RFLOOP_DROP_BAD : -1;
}

/* For those who look at what comes from the device: a header as there. */
static void packet_link_header(struct sk_buff *skb)
{
	const struct rfloop_address *source;
	struct ethhdr *eth;

	if (skb->dev->type != ARPHRD_ETHER) {
		skb_reset_mac_header(skb);
		return;
	}
	eth = skb_push(skb, ETH_HLEN);
	skb_reset_mac_header(skb);
	ether_addr_copy(eth->h_dest, skb->dev->dev_addr);
	source = skb->protocol == htons(ETH_P_IP) ?
		 rfloop_table_find(rfloop_table(), 4, &ip_hdr(skb)->saddr) :
		 rfloop_table_find(rfloop_table(), 6, &ipv6_hdr(skb)->saddr);
	if (source)
		memcpy(eth->h_source, source->mac, ETH_ALEN);
	else
		eth_zero_addr(eth->h_source);
	eth->h_proto = skb->protocol;
	__skb_pull(skb, ETH_HLEN);
	skb_reset_mac_len(skb);
}

static void packet_drop(struct rfloop_peer *peer, struct sk_buff *skb, unsigned int why)
{
	rfloop_count_one(&peer->count.drops[why]);
	trace_rfloop_drop(peer->id, why);
	kfree_skb(skb);
}

/* A packet for the network layer, or NULL: it was dropped, and counted. */
static struct sk_buff *packet_make(struct rfloop_peer *peer, const struct rfloop_packet *p)
{
	struct sk_buff *skb = rfloop_attach(peer->receiving, p);
	int why;

	if (!skb) {
		packet_drop(peer, NULL, RFLOOP_DROP_MEMORY);
		return NULL;
	}
	why = packet_address(peer, skb);
	if (why < 0)
		why = packet_offloads(skb, &p->slot);
	if (why >= 0) {
		packet_drop(peer, skb, why);
		return NULL;
	}
	packet_link_header(skb);
	skb->pkt_type = PACKET_HOST;
	rfloop_count_one(&peer->count.received);
	WRITE_ONCE(peer->count.received_bytes, peer->count.received_bytes + skb->len);
	return skb;
}

/* How many packets there were; negative: the ring is broken. */
static int receive_some(struct rfloop_peer *peer, struct list_head *packets, int budget)
{
	struct rfloop_in *in = &peer->receiving->in;
	struct rfloop_packet p;
	struct sk_buff *skb;
	int done, ret;

	for (done = 0; done < budget; done++) {
		ret = rfloop_in_next(in, &p);
		if (ret <= 0)
			return ret ?: done;
		skb = packet_make(peer, &p);
		if (skb)
			list_add_tail(&skb->list, packets);
	}
	return done;
}

/**
 * rfloop_poll() - receive what is there
 * @napi: of a peer
 * @budget: so many packets at most
 *
 * Return: how many there were.
 */
int rfloop_poll(struct napi_struct *napi, int budget)
{
	struct rfloop_peer *peer = container_of(napi, struct rfloop_peer, napi);
	LIST_HEAD(packets);
	int done;

	if (!cpumask_test_cpu(smp_processor_id(), &peer->receiving->cpus))
		cpumask_set_cpu(smp_processor_id(), &peer->receiving->cpus);
	rcu_read_lock();
	rfloop_attached_look(peer->receiving, 2 * (budget + peer->receiving->since));
	done = receive_some(peer, &packets, budget);
	if (done >= 0 && rfloop_in_publish(&peer->receiving->in))
		rfloop_bell(peer);
	netif_receive_skb_list(&packets);
	rcu_read_unlock();
	if (done < 0) {
		rfloop_count_one(&peer->count.broken);
		trace_rfloop_broken(peer->id, false);
		rfloop_kick(peer, RFLOOP_IN_BAD);
		napi_complete_done(napi, 0);
		return 0;
	}
	rfloop_receiving_rest(peer->receiving);
	if (done < budget && napi_complete_done(napi, done) &&
	    !rfloop_receiving_soon(peer->receiving, done) &&
	    !rfloop_in_sleep(&peer->receiving->in))
		napi_schedule(napi);
	return done;
}
