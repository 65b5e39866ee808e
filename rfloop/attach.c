// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pages of a ring in packets of this kernel: but for headers and what is short, nothing is
 * copied. A page is ours as long as we hold a reference to it; while a packet has it, too,
 * there are more. So none ever gets to the allocator, and nothing is called when the last
 * packet lets go of one: that is looked for. What the sender changes meanwhile is its own.
 */
#include <linux/etherdevice.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/skbuff.h>
#include <linux/timer.h>

#include "internal.h"

#define HEADERS		128U	/* bytes that are copied at least: headers lie in them */
#define SHORT		256U	/* bytes: what is not longer is copied */
#define HEADROOM	(NET_SKB_PAD + NET_IP_ALIGN + ETH_HLEN)
#define AGAIN_IDLE	(HZ / 20)

static DEFINE_MUTEX(drain_lock);	/* protects the list */
static LIST_HEAD(drains);
static void drain_work(struct work_struct *work);
static DECLARE_DELAYED_WORK(drain, drain_work);

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

/* With half of the pages in packets that nobody reads the rest has to go round. */
static bool may_attach(const struct rfloop_receiving *r, const struct rfloop_packet *p)
{
	u32 i;

	if (p->len <= SHORT || 2 * r->in.held > r->in.pages)
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
	struct sk_buff *skb = NULL;

	if (may_attach(r, p))
		skb = packet_attach(r, p);
	if (skb)
		return skb;
	skb = packet_copy(r, p);
	pages_return(&r->in, p);
	if (skb)
		rfloop_count_one(&r->peer->count.copies_in);
	return skb;
}

/**
 * rfloop_attached_look() - give back pages that packets have let go of
 * @r: the ring
 * @most: so many are looked at
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
}

static void again_timer(struct timer_list *timer)
{
	struct rfloop_receiving *r = container_of(timer, struct rfloop_receiving, again);

	napi_schedule(&r->peer->napi);
}

/**
 * rfloop_receiving_init() - a ring is there
 * @r: the ring
 * @peer: who sends in it
 */
void rfloop_receiving_init(struct rfloop_receiving *r, struct rfloop_peer *peer)
{
	r->peer = peer;
	timer_setup(&r->again, again_timer, 0);
}

/**
 * rfloop_receiving_rest() - look for pages later, when packets have some
 * @r: the ring
 *
 * Context: NAPI.
 */
void rfloop_receiving_rest(struct rfloop_receiving *r)
{
	if (r->first != r->last && !timer_pending(&r->again))
		mod_timer(&r->again, jiffies + (4 * r->in.held > r->in.pages ? 1 : AGAIN_IDLE));
}

static bool receiving_free(struct rfloop_receiving *r)
{
	rfloop_attached_look(r, RF_LOOP_BACK);
	if (r->first != r->last)
		return false;
	rfloop_memory_unmap(&r->memory);
	kvfree(r);
	return true;
}

static void drain_work(struct work_struct *work)
{
	struct rfloop_receiving *r, *next;

	mutex_lock(&drain_lock);
	list_for_each_entry_safe(r, next, &drains, node) {
		list_del(&r->node);
		if (!receiving_free(r))
			list_add(&r->node, &drains);
	}
	if (!list_empty(&drains))
		queue_delayed_work(system_wq, &drain, AGAIN_IDLE);
	mutex_unlock(&drain_lock);
}

/**
 * rfloop_receiving_put() - nobody receives in a ring any more
 * @r: the ring; its memory is kept until no packet has a page of it
 *
 * Context: sleeps.
 */
void rfloop_receiving_put(struct rfloop_receiving *r)
{
	del_timer_sync(&r->again);
	if (receiving_free(r))
		return;
	mutex_lock(&drain_lock);
	list_add(&r->node, &drains);
	mutex_unlock(&drain_lock);
	queue_delayed_work(system_wq, &drain, AGAIN_IDLE);
}

/**
 * rfloop_drained() - is no packet left that has a page of a ring?
 *
 * Context: sleeps. What is left when the module goes is never used for anything else: this
 * kernel holds on to the regions.
 * Return: whether.
 */
bool rfloop_drained(void)
{
	bool drained;

	cancel_delayed_work_sync(&drain);
	drain_work(NULL);
	mutex_lock(&drain_lock);
	drained = list_empty(&drains);
	mutex_unlock(&drain_lock);
	cancel_delayed_work_sync(&drain);
	return drained;
}
