// SPDX-License-Identifier: GPL-2.0-only
/*
 * The way out: a device that nobody routes to. take.c has packets go there; a queue for
 * each peer stops while its ring is full.
 */
#include <linux/cpumask.h>
#include <linux/etherdevice.h>
#include <linux/if_arp.h>
#include <linux/inetdevice.h>
#include <linux/jiffies.h>
#include <linux/rtnetlink.h>
#include <linux/skbuff.h>
#include <linux/smp.h>
#include <linux/virtio_net.h>
#include <net/addrconf.h>

#include "internal.h"
#include "trace.h"

#define FULL_PATIENCE	(2 * HZ)	/* with a receiver that takes nothing */

struct net_device *rfloop_device;
static struct napi_struct sweep_napi;	/* has nothing to receive */

static struct netdev_queue *queue_of(const struct rfloop_peer *peer)
{
	return netdev_get_tx_queue(rfloop_device, peer - rfloop_peers);
}

/* Under the queue's lock: nobody sends in it any more. */
static void sending_broken(struct rfloop_peer *peer)
{
	if (!READ_ONCE(peer->up))
		return;
	WRITE_ONCE(peer->up, false);
	rfloop_count_one(&peer->count.broken);
	trace_rfloop_broken(peer->id, true);
	rfloop_kick(peer, RFLOOP_OUT_END);
}

static int slot_fill(struct rf_loop_slot *slot, const struct sk_buff *skb)
{
	struct virtio_net_hdr hdr;

	memset(slot, 0, sizeof(*slot));
	if (!skb->len || skb->len > RF_LOOP_PACKET ||
	    virtio_net_hdr_from_skb(skb, &hdr, true, false, 0))
		return -EINVAL;
	slot->len = cpu_to_le32(skb->len);
	slot->flags = hdr.flags;
	slot->gso_type = hdr.gso_type;
	slot->hdr_len = (__force __le16)hdr.hdr_len;
	slot->gso_size = (__force __le16)hdr.gso_size;
	slot->csum_start = (__force __le16)hdr.csum_start;
	slot->csum_offset = (__force __le16)hdr.csum_offset;
	return 0;
}

/* The only copy on this side: from the packet into the ring. */
static int packet_copy(struct rfloop_sending *s, struct rf_loop_slot *slot,
		       const struct sk_buff *skb)
{
	u32 at, n = 0;
	int ret = 0;

	for (at = 0; at < skb->len; at += RF_LOOP_PAGE) {
		u16 page = rfloop_out_page(&s->out);

		slot->page[n++] = cpu_to_le16(page);
		ret |= skb_copy_bits(skb, at, s->memory.page[page],
				     min(skb->len - at, RF_LOOP_PAGE));
	}
	return ret;
}

/* Stops the queue when the next packet might find no room. */
static void room_check(struct rfloop_peer *peer, struct rfloop_sending *s)
{
	if (rfloop_out_room(&s->out, RFLOOP_STOP))
		return;
	if (rfloop_out_look(&s->out))
		return sending_broken(peer);
	if (rfloop_out_room(&s->out, RFLOOP_STOP))
		return;
	netif_tx_stop_queue(queue_of(peer));
	s->full = jiffies | 1;
	rfloop_count_one(&peer->count.full);
	if (rfloop_out_wait(&s->out, RFLOOP_STOP))
		return sending_broken(peer);
	if (rfloop_out_room(&s->out, RFLOOP_STOP)) {
		s->full = 0;
		netif_tx_start_queue(queue_of(peer));
	}
}

static netdev_tx_t packet_drop(struct rfloop_peer *peer, struct sk_buff *skb, unsigned int why)
{
	rfloop_count_one(&peer->count.drops[why]);
	trace_rfloop_drop(peer->id, why);
	dev_kfree_skb_any(skb);
	return NETDEV_TX_OK;
}

static netdev_tx_t device_xmit(struct sk_buff *skb, struct net_device *dev)
{
	struct rfloop_peer *peer = &rfloop_peers[skb_get_queue_mapping(skb) % RFLOOP_PEERS];
	struct rfloop_sending *s = peer->sending;
	struct rf_loop_slot slot;

	if (!s || !READ_ONCE(peer->up))
		return packet_drop(peer, skb, RFLOOP_DROP_DOWN);
	if (slot_fill(&slot, skb))
		return packet_drop(peer, skb, RFLOOP_DROP_SHAPE);
	/* The queue is stopped in time, but for who has started it behind our back. */
	room_check(peer, s);
	if (!rfloop_out_room(&s->out, RF_LOOP_FRAGS))
		return NETDEV_TX_BUSY;
	if (packet_copy(s, &slot, skb)) {
		sending_broken(peer);
		return packet_drop(peer, skb, RFLOOP_DROP_SHAPE);
	}
	rfloop_count_one(&peer->count.copies_out);
	rfloop_count_one(&peer->count.sent);
	WRITE_ONCE(peer->count.sent_bytes, peer->count.sent_bytes + skb->len);
	if (rfloop_out_put(&s->out, &slot))
		rfloop_knock(peer);
	room_check(peer, s);
	dev_consume_skb_any(skb);
	return NETDEV_TX_OK;
}

/**
 * rfloop_room() - a peer has rung: there may be room in the ring to it
 * @peer: the peer
 *
 * Context: softirqs are disabled.
 */
void rfloop_room(struct rfloop_peer *peer)
{
	struct netdev_queue *queue = queue_of(peer);
	struct rfloop_sending *s;
	bool wake = false;

	if (!netif_tx_queue_stopped(queue))
		return;
	__netif_tx_lock(queue, smp_processor_id());
	s = peer->sending;
	if (s && s->full) {
		if (rfloop_out_wait(&s->out, RFLOOP_STOP))
			sending_broken(peer);
		wake = rfloop_out_room(&s->out, RFLOOP_STOP);
		if (wake)
			s->full = 0;
	}
	__netif_tx_unlock(queue);
	if (wake)
		netif_tx_wake_queue(queue);
}

/**
 * rfloop_stuck() - has the ring to a peer been full for too long?
 * @peer: the peer
 *
 * Whatever rang in vain is made up for.
 *
 * Context: its work.
 * Return: whether it has: the ring is broken.
 */
bool rfloop_stuck(struct rfloop_peer *peer)
{
	struct netdev_queue *queue = queue_of(peer);
	bool stuck;

	local_bh_disable();
	rfloop_room(peer);
	__netif_tx_lock(queue, smp_processor_id());
	stuck = peer->sending && peer->sending->full &&
		time_after(jiffies, peer->sending->full + FULL_PATIENCE);
	if (stuck)
		sending_broken(peer);
	__netif_tx_unlock(queue);
	local_bh_enable();
	return stuck;
}

/**
 * rfloop_sending_set() - another ring to a peer, or none
 * @peer: the peer
 * @sending: that; nobody uses the one before when this returns
 *
 * Context: its work.
 */
void rfloop_sending_set(struct rfloop_peer *peer, struct rfloop_sending *sending)
{
	struct netdev_queue *queue = queue_of(peer);

	local_bh_disable();
	__netif_tx_lock(queue, smp_processor_id());
	peer->sending = sending;
	__netif_tx_unlock(queue);
	/* What waited for the ring before is sent, or dropped. */
	netif_tx_wake_queue(queue);
	local_bh_enable();
}

static int sweep_poll(struct napi_struct *napi, int budget)
{
	napi_complete_done(napi, 0);
	return 0;
}

static void sweep_here(void *unused)
{
	napi_schedule(&sweep_napi);
}

/**
 * rfloop_sweep() - have packets freed that are free
 * @cpus: where they were made
 *
 * A packet that is read on another CPU than the one it was made on waits there, with the pages
 * that it has, until that CPU receives something (skb_attempt_defer_free()): which may be
 * never, when the other kernel is gone.
 *
 * Context: sleeps; one at a time.
 */
void rfloop_sweep(const struct cpumask *cpus)
{
	unsigned int cpu;

	for_each_cpu(cpu, cpus) {
		smp_call_function_single(cpu, sweep_here, NULL, true);
		napi_synchronize(&sweep_napi);
	}
}

static u16 device_select(struct net_device *dev, struct sk_buff *skb, struct net_device *sb)
{
	return skb_get_queue_mapping(skb) % RFLOOP_PEERS;
}

static int device_open(struct net_device *dev)
{
	netif_tx_start_all_queues(dev);
	return 0;
}

static int device_stop(struct net_device *dev)
{
	netif_tx_stop_all_queues(dev);
	return 0;
}

static void device_stats(struct net_device *dev, struct rtnl_link_stats64 *stats)
{
	unsigned int i, why;

	for (i = 0; i < RFLOOP_PEERS; i++) {
		const struct rfloop_count *c = &rfloop_peers[i].count;

		stats->tx_packets += READ_ONCE(c->sent);
		stats->tx_bytes += READ_ONCE(c->sent_bytes);
		stats->rx_packets += READ_ONCE(c->received);
		stats->rx_bytes += READ_ONCE(c->received_bytes);
		for (why = 0; why < RFLOOP_DROPS; why++)
			if (why < RFLOOP_DROP_BAD)
				stats->tx_dropped += READ_ONCE(c->drops[why]);
			else
				stats->rx_dropped += READ_ONCE(c->drops[why]);
	}
}

static const struct net_device_ops device_ops = {
	.ndo_open = device_open,
	.ndo_stop = device_stop,
	.ndo_start_xmit = device_xmit,
	.ndo_select_queue = device_select,
	.ndo_get_stats64 = device_stats,
};

static void device_setup(struct net_device *dev)
{
	dev->netdev_ops = &device_ops;
	dev->type = ARPHRD_NONE;
	dev->flags = IFF_NOARP | IFF_POINTOPOINT;
	dev->mtu = RF_LOOP_PACKET;
	dev->min_mtu = RF_LOOP_PACKET;
	dev->max_mtu = RF_LOOP_PACKET;
	dev->tx_queue_len = 1000;
	dev->features = NETIF_F_SG | NETIF_F_FRAGLIST | NETIF_F_HIGHDMA | NETIF_F_HW_CSUM |
			NETIF_F_TSO | NETIF_F_TSO6 | NETIF_F_TSO_ECN;
	dev->hw_features = dev->features;
}

/* No route, no address, also none that IPv6 would make for it: take.c alone leads here. */
static int device_up(void)
{
	struct inet6_dev *in6;
	int ret;

	rtnl_lock();
	in6 = __in6_dev_get(rfloop_device);
	if (in6) {
		in6->cnf.disable_ipv6 = 1;
		in6->cnf.addr_gen_mode = IN6_ADDR_GEN_MODE_NONE;
	}
	ret = dev_open(rfloop_device, NULL);
	rtnl_unlock();
	return ret;
}

/**
 * rfloop_device_init() - make the device
 *
 * Return: 0 or an error.
 */
int rfloop_device_init(void)
{
	unsigned int i;
	int ret;

	rfloop_device = alloc_netdev_mqs(0, "rfloop%d", NET_NAME_ENUM, device_setup,
					 RFLOOP_PEERS, 1);
	if (!rfloop_device)
		return -ENOMEM;
	for (i = 0; i < RFLOOP_PEERS; i++)
		netif_napi_add(rfloop_device, &rfloop_peers[i].napi, rfloop_poll);
	netif_napi_add(rfloop_device, &sweep_napi, sweep_poll);
	ret = register_netdev(rfloop_device);
	if (ret)
		goto err_free;
	ret = device_up();
	if (ret)
		goto err_unregister;
	napi_enable(&sweep_napi);
	return 0;

err_unregister:
	unregister_netdev(rfloop_device);
err_free:
	free_netdev(rfloop_device);
	return ret;
}

/**
 * rfloop_device_exit() - remove it; no link is up, and nothing leads there
 */
void rfloop_device_exit(void)
{
	napi_disable(&sweep_napi);
	unregister_netdev(rfloop_device);
	free_netdev(rfloop_device);
}
