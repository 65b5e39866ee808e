// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pages of a ring in packets of this kernel: but for headers and what is short, nothing is
 * copied. A page is ours as long as we hold a reference to it; while a packet has it, too,
 * there are more. So none ever gets to the allocator, and nothing is called when the last
 * packet lets go of one: that is looked for. What the sender changes meanwhile is its own.
 */
#include <linux/etherdevice.h>
#include <linux/mm.h>
#include <linux/skbuff.h>
#include <net/ipv6.h>

#include "internal.h"

#define HEADERS		128U	/* bytes that are copied at least: headers lie in them */
#define SHORT		256U	/* bytes: what is not longer is copied */
#define HEADROOM	(NET_SKB_PAD + NET_IP_ALIGN + ETH_HLEN)

static void pages_return(struct rfloop_in *in, const struct rfloop_packet *p)
{
	u32 i;

	for (i = 0; i < p->nr; i++)
		rfloop_in_return(in, p->page[i]);
}

/* All of it, into memory of this kernel. */
static struct sk_buff *packet_copy(struct rfloop_receiving *r, const struct rfloop_packet *p)
{
	u32 head = p->len > SHORT ? HEADERS : p->len, at, i = 0;
	struct sk_buff *skb;
	int ret;

	skb = alloc_skb_with_frags(HEADROOM + head, p->len - head, PAGE_ALLOC_COSTLY_ORDER, &ret,
				   GFP_ATOMIC | __GFP_NOWARN);
	if (!skb)
		return NULL;
	skb_reserve(skb, HEADROOM);
	skb_put(skb, head);
	skb->data_len = p->len - head;
	skb->len = p->len;
	for (at = 0, ret = 0; at < p->len; at += RF_LOOP_PAGE)
		ret |= skb_store_bits(skb, at, r->memory.page[p->page[i++]],
				      min(p->len - at, RF_LOOP_PAGE));
	if (!ret)
		return skb;
	kfree_skb(skb);
	return NULL;
}

static void page_attach(struct rfloop_receiving *r, struct sk_buff *skb, u16 page, u32 off,
			u32 bytes)
{
	get_page(r->memory.frame[page]);
	skb_add_rx_frag(skb, skb_shinfo(skb)->nr_frags, r->memory.frame[page], off, bytes,
			RF_LOOP_PAGE);
	r->attached[r->last++ % RF_LOOP_BACK] = page;
	r->since++;
}

static struct sk_buff *packet_attach(struct rfloop_receiving *r, const struct rfloop_packet *p)
{
	struct sk_buff *skb = alloc_skb(HEADROOM + HEADERS, GFP_ATOMIC | __GFP_NOWARN);
	u32 at, i;

	if (!skb)
		return NULL;
	skb_reserve(skb, HEADROOM);
	memcpy(skb_put(skb, HEADERS), r->memory.page[p->page[0]], HEADERS);
	page_attach(r, skb, p->page[0], HEADERS, min(p->len, RF_LOOP_PAGE) - HEADERS);
	for (i = 1, at = RF_LOOP_PAGE; i < p->nr; i++, at += RF_LOOP_PAGE)
		page_attach(r, skb, p->page[i], 0, min(p->len - at, RF_LOOP_PAGE));
	return skb;
}

/*
 * A fragment waits for others, for up to a minute, and would keep its pages. That its sender
 * may change this byte does no harm.
 */
static bool fragment(const u8 *ip)
{
	switch (READ_ONCE(ip[0]) >> 4) {
	case 4: return (READ_ONCE(ip[6]) & 0x3f) | READ_ONCE(ip[7]);
	case 6: return READ_ONCE(ip[6]) == NEXTHDR_FRAGMENT;
	}
	return true;
}

/* With three quarters of the pages in packets that nobody reads the rest has to go round. */
static bool may_attach(const struct rfloop_receiving *r, const struct rfloop_packet *p)
{
	u32 i;

	if (p->len <= SHORT || 4 * r->in.held > 3 * r->in.pages ||
	    fragment(r->memory.page[p->page[0]]))
		return false;
	for (i = 0; i < p->nr; i++)
		if (!r->memory.frame[p->page[i]])
			return false;
	return true;
}

/**
 * rfloop_attach() - a packet of this kernel's of one in a ring
 * @r: the ring
 * @p: the packet; its pages are taken care of
 *
 * Context: NAPI.
 * Return: it, its first bytes in one piece; NULL without memory.
 */
struct sk_buff *rfloop_attach(struct rfloop_receiving *r, const struct rfloop_packet *p)
{
	struct rfloop_count *count = &r->peer->count;
	struct sk_buff *skb = NULL;

	if (p->len > SHORT)
		rfloop_count_one(&count->received_long);
	if (may_attach(r, p))
		skb = packet_attach(r, p);
	if (skb)
		return skb;
	skb = packet_copy(r, p);
	pages_return(&r->in, p);
	if (!skb)
		return NULL;
	rfloop_count_one(&count->copies_in);
	if (p->len > SHORT)
		rfloop_count_one(&count->copies_in_long);
	return skb;
}

/**
 * rfloop_attached_look() - give back pages that packets have let go of
 * @r: the ring
 * @most: so many are looked at
 *
 * As long as at least as many are looked at as came since, those of a stream do not pile up.
 *
 * Context: NAPI, or nobody receives in it any more.
 */
void rfloop_attached_look(struct rfloop_receiving *r, u32 most)
{
	u32 nr = min(r->last - r->first, most);
	u16 page;

	for (; nr; nr--) {
		page = r->attached[r->first++ % RF_LOOP_BACK];
		/* What a packet's reader read of it before that it is filled anew. */
		if (page_ref_count(r->memory.frame[page]) == 1)
			rfloop_in_return(&r->in, page);
		else
			r->attached[r->last++ % RF_LOOP_BACK] = page;
	}
	r->since = 0;
}
