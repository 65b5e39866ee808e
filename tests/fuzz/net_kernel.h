/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * As much of the network layer as RFloop's way in needs: packets, their pages, devices.
 */
#ifndef _TESTS_FUZZ_NET_KERNEL_H
#define _TESTS_FUZZ_NET_KERNEL_H

#include "kernel.h"

static void meddle(void);	/* the sender writes what is its own */

/* what the network layer offers, as much as is called */
#define ARPHRD_ETHER		1
#define CHECKSUM_UNNECESSARY	1
#define ETH_ALEN		6
#define ETH_HLEN		14
#define ETH_P_IP		0x0800
#define ETH_P_IPV6		0x86dd
#define IFF_UP			1
#define htons(x)		htobe16(x)
#define MAX_SKB_FRAGS		17
#define NET_IP_ALIGN		0
#define NET_SKB_PAD		64
#define NEXTHDR_FRAGMENT	44
#define PACKET_HOST		0
#define PAGE_ALLOC_COSTLY_ORDER	3
#define VIRTIO_NET_HDR_F_NEEDS_CSUM	1

struct net_device {
	unsigned int type, flags;
	u8 dev_addr[ETH_ALEN];
};

struct page {
	int refs;
	u8 *at;
};

struct frag {
	struct page *page;
	u32 off, bytes;
};

struct sk_buff {
	struct list_head list;
	u8 *head, *data, *tail, *end;
	u32 len, data_len;
	u16 protocol;
	struct net_device *dev;
	u8 ip_summed, pkt_type;
	u8 *network, *mac;
	u32 nr_frags;
	struct frag frag[MAX_SKB_FRAGS];
};

struct ethhdr {
	u8 h_dest[ETH_ALEN], h_source[ETH_ALEN];
	u16 h_proto;
} __attribute__((packed));

struct iphdr {
	u8 ihl : 4, version : 4;
	u8 rest[11];
	u8 saddr[4], daddr[4];
};

struct ipv6hdr {
	u8 priority : 4, version : 4;
	u8 rest[7];
	u8 saddr[16], daddr[16];
};

struct virtio_net_hdr {
	u8 flags, gso_type;
	u16 hdr_len, gso_size, csum_start, csum_offset;
};

struct napi_struct {
	bool scheduled;
};

struct notifier_block;

struct net {
	int unused;
};

struct cpumask {
	unsigned long bits;
};

struct timer_list {
	int unused;
};

struct hrtimer {
	int unused;
};

typedef u16 __virtio16;

#define smp_processor_id()	0
#define cpumask_test_cpu(cpu, mask)	((mask)->bits & 1UL << (cpu))
#define cpumask_set_cpu(cpu, mask)	((mask)->bits |= 1UL << (cpu))
#define skb_shinfo(s)		(s)
#define skb_headlen(s)		((s)->len - (s)->data_len)
#define skb_reset_mac_len(s)
#define skb_reset_mac_header(s)	((s)->mac = (s)->data)
#define skb_reset_network_header(s)	(meddle(), (s)->network = (s)->data)
#define ip_hdr(s)		((struct iphdr *)(s)->network)
#define ipv6_hdr(s)		((struct ipv6hdr *)(s)->network)
#define eth_zero_addr(a)	memset(a, 0, ETH_ALEN)
#define ether_addr_copy(to, from)	memcpy(to, from, ETH_ALEN)
#define page_ref_count(p)	((p)->refs)
#define trace_rfloop_drop(peer, why)
#define trace_rfloop_broken(peer, out)
#define _RFLOOP_TRACE_H

static struct net init_net;
static unsigned long skbs;

static void get_page(struct page *p)
{
	must(p->refs > 0);
	p->refs++;
}

static void put_page(struct page *p)
{
	must(p->refs > 0);
	if (--p->refs)
		return;
	kfree(p->at);
	kfree(p);
}

static void kfree_skb(struct sk_buff *skb)
{
	u32 i;

	if (!skb)
		return;
	for (i = 0; i < skb->nr_frags; i++)
		put_page(skb->frag[i].page);
	kfree(skb->head);
	kfree(skb);
	skbs--;
}

static struct sk_buff *alloc_skb(size_t size, gfp_t gfp);

static void skb_add_rx_frag(struct sk_buff *skb, u32 i, struct page *page, u32 off, u32 bytes,
			    u32 room)
{
	must(i == skb->nr_frags && i < MAX_SKB_FRAGS && bytes && off + bytes <= room);
	skb->frag[skb->nr_frags++] = (struct frag){ page, off, bytes };
	skb->len += bytes;
	skb->data_len += bytes;
}

/* Its pages have no bytes yet: their lengths are set by whoever asks for them. */
static struct sk_buff *alloc_skb_with_frags(size_t head, size_t bytes, int order, int *error,
					    gfp_t gfp)
{
	struct sk_buff *skb = alloc_skb(head, gfp);
	struct page *page;
	size_t n;

	*error = -ENOBUFS;
	(void)order;
	for (; skb && bytes; bytes -= n) {
		n = min_t(size_t, bytes, PAGE_SIZE);
		page = kernel_alloc(sizeof(*page), 0, true);
		*page = (struct page){ 1, kernel_alloc(n, 0, true) };
		must(skb->nr_frags < MAX_SKB_FRAGS);
		skb->frag[skb->nr_frags++] = (struct frag){ page, 0, n };
	}
	return skb;
}

static void skb_reserve(struct sk_buff *skb, size_t n)
{
	skb->data += n;
	skb->tail += n;
	must(skb->tail <= skb->end);
}

static u8 *skb_put(struct sk_buff *skb, size_t n)
{
	u8 *at = skb->tail;

	skb->tail += n;
	skb->len += n;
	must(skb->tail <= skb->end);
	meddle();
	return at;
}

static void *skb_push(struct sk_buff *skb, size_t n)
{
	skb->data -= n;
	skb->len += n;
	must(skb->data >= skb->head);
	return skb->data;
}

static void __skb_pull(struct sk_buff *skb, size_t n)
{
	must(n <= skb_headlen(skb));
	skb->data += n;
	skb->len -= n;
}

static int skb_store_bits(struct sk_buff *skb, u32 off, const u8 *from, u32 bytes)
{
	u32 i, n, at = skb_headlen(skb);

	if (off + bytes > skb->len)
		return -EFAULT;
	if (off < at) {
		n = min(bytes, at - off);
		memcpy(skb->data + off, from, n);
		off += n;
		from += n;
		bytes -= n;
	}
	for (i = 0; i < skb->nr_frags && bytes; at += skb->frag[i++].bytes) {
		if (off >= at + skb->frag[i].bytes)
			continue;
		n = min(bytes, at + skb->frag[i].bytes - off);
		memcpy(skb->frag[i].page->at + off - at, from, n);
		off += n;
		from += n;
		bytes -= n;
	}
	return bytes ? -EFAULT : 0;
}

/* What the header says is the kernel's own to check: this is not all of it. */
static int virtio_net_hdr_to_skb(struct sk_buff *skb, const struct virtio_net_hdr *h, bool le)
{
	must(le && !(h->flags & ~VIRTIO_NET_HDR_F_NEEDS_CSUM));
	meddle();
	if (h->flags && h->csum_start + h->csum_offset + 2U > skb_headlen(skb))
		return -EINVAL;
	return h->gso_type > 5 || (h->gso_type && !h->gso_size) ? -EINVAL : 0;
}

static struct net_device *__ip_dev_find(struct net *net, const u8 *a, bool ref);
static struct net_device *ipv6_dev_find(struct net *net, const void *a, void *dev);
static void netif_receive_skb_list(struct list_head *packets);
static bool napi_complete_done(struct napi_struct *napi, int done);
static void napi_schedule(struct napi_struct *napi);

#endif /* _TESTS_FUZZ_NET_KERNEL_H */
