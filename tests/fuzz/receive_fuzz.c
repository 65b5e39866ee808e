// SPDX-License-Identifier: GPL-2.0-only
/*
 * RFloop's way in (receive.c, attach.c, ring.c, list.c) from a kernel that lies: slots, page
 * numbers, packets and their headers are any, and change while they are looked at. What gets to
 * the network layer is from an address of that kernel, to one of ours, on the device that has
 * it, and in one piece; and all pages come back once nobody has them.
 */
#include "net_kernel.h"

#include <linux/rainforest_wire.h>

#include "dice.h"

#define PAGES		40U
#define BYTES		(sizeof(struct rf_loop_ring) + PAGES * RF_LOOP_PAGE)
#define PEER		1U	/* who sends */
#define OWN		2U
#define OTHER		3U	/* somebody else */
#define KEPT		64U	/* packets that nobody has read yet, at most */

#include "internal.h"

#include "list.c"
#include "ring.c"
#include "attach.c"
#include "receive.c"

u32 rfloop_own_id = OWN;

static struct rfloop_table *table;
static struct rf_loop_ring *ring;
static u8 *pages;
static struct page frames[PAGES];
static struct rfloop_receiving receiving;
static struct rfloop_peer peer;
static struct sk_buff *kept[KEPT];
static u32 nr_kept;
static bool broken;
static unsigned long received, attached, dropped, rings_broken;

/* ours: up, down, with no device, and one without MAC addresses */
static struct net_device up = { ARPHRD_ETHER, IFF_UP, { 2, 0, 0, 0, 0, 2 } };
static struct net_device down = { ARPHRD_ETHER, 0, { 2, 0, 0, 0, 0, 4 } };
static struct net_device tun = { 0xfffe, IFF_UP, { 0 } };
static const u32 owner[] = { PEER, PEER, OWN, OTHER, OWN, OWN, OWN };
static struct net_device *const device[] = { NULL, NULL, &up, NULL, &down, NULL, &tun };

const struct rfloop_table *rfloop_table(void)
{
	return table;
}

static void address_make(u8 *a, u8 family, u8 n)
{
	memset(a, 0, family == 4 ? 4 : 16);
	a[0] = family == 4 ? 10 : 0xfd;
	a[family == 4 ? 3 : 15] = n;
}

/* Which of the addresses it is: 0 is nobody's. */
static u32 address_find(const u8 *a, u8 family)
{
	u8 own[16];
	u32 n;

	for (n = 1; n < ARRAY_SIZE(owner); n++) {
		address_make(own, family, n);
		if (!memcmp(a, own, family == 4 ? 4 : 16))
			return n;
	}
	return 0;
}

static void table_make(void)
{
	struct rf_loop_entry e;
	u32 n, family;

	table = calloc(1, sizeof(*table));
	for (family = 4; family <= 6; family += 2)
		for (n = 1; n < ARRAY_SIZE(owner); n++) {
			e = (struct rf_loop_entry){ .kernel = owner[n], .family = family,
						    .mac = { 2, owner[n], 0, 0, 0, n } };
			address_make(e.address, family, n);
			must(!rfloop_table_add(table, &e));
		}
}

static struct net_device *__ip_dev_find(struct net *net, const u8 *a, bool ref)
{
	must(net == &init_net && !ref && kernel_rcu);
	return device[address_find(a, 4)];
}

static struct net_device *ipv6_dev_find(struct net *net, const void *a, void *dev)
{
	must(net == &init_net && !dev && kernel_rcu);
	return device[address_find(a, 6)];
}

/* No memory now and then. */
static struct sk_buff *alloc_skb(size_t size, gfp_t gfp)
{
	struct sk_buff *skb;

	meddle();
	if (dice() == 255)
		return NULL;
	skb = kernel_alloc(sizeof(*skb), gfp, true);
	skb->head = kernel_alloc(size, gfp, false);
	skb->data = skb->head;
	skb->tail = skb->head;
	skb->end = skb->head + size;
	skbs++;
	return skb;
}

void rfloop_bell(struct rfloop_peer *p)
{
	must(p == &peer);
}

void rfloop_kick(struct rfloop_peer *p, unsigned int flag)
{
	must(p == &peer && flag == RFLOOP_IN_BAD);
	broken = true;
	rings_broken++;
}

void rfloop_receiving_rest(struct rfloop_receiving *r)
{
	must(r == &receiving);
}

bool rfloop_receiving_soon(struct rfloop_receiving *r, unsigned int done)
{
	must(r == &receiving);
	(void)done;
	return dice() % 2;
}

static bool napi_complete_done(struct napi_struct *napi, int done)
{
	must(napi == &peer.napi);
	(void)done;
	return dice() % 4;
}

static void napi_schedule(struct napi_struct *napi)
{
	must(napi == &peer.napi);
}

/* what the network layer gets */

static void packet_check(const struct sk_buff *skb)
{
	u32 i, bytes = 0, from, to;
	u8 family = skb->protocol == htons(ETH_P_IP) ? 4 : 6;
	const struct ethhdr *eth = (const void *)skb->mac;

	must(skb->len && skb->len <= RF_LOOP_PACKET && skb->network == skb->data);
	must(skb->tail == skb->data + skb_headlen(skb));
	for (i = 0; i < skb->nr_frags; i++) {
		bytes += skb->frag[i].bytes;
		attached += skb->frag[i].page >= frames && skb->frag[i].page < frames + PAGES;
	}
	must(bytes == skb->data_len);
	must(family == 4 || skb->protocol == htons(ETH_P_IPV6));
	must(skb_headlen(skb) >= (family == 4 ? sizeof(struct iphdr) : sizeof(struct ipv6hdr)));
	must(skb->data[0] >> 4 == family);
	from = address_find(skb->data + (family == 4 ? 12 : 8), family);
	to = address_find(skb->data + (family == 4 ? 16 : 24), family);
	must(owner[from] == PEER && from && owner[to] == OWN);
	must(skb->dev && skb->dev == device[to] && skb->dev->flags & IFF_UP);
	if (skb->dev->type != ARPHRD_ETHER)
		return;
	must(skb->mac == skb->data - ETH_HLEN && eth->h_proto == skb->protocol);
	must(!memcmp(eth->h_dest, skb->dev->dev_addr, ETH_ALEN) && eth->h_source[5] == from);
}

static void packet_keep(struct sk_buff *skb)
{
	if (nr_kept < KEPT && dice() % 2)
		kept[nr_kept++] = skb;
	else
		kfree_skb(skb);
}

static void netif_receive_skb_list(struct list_head *packets)
{
	struct sk_buff *skb, *next;

	list_for_each_entry_safe(skb, next, packets, list) {
		list_del(&skb->list);
		packet_check(skb);
		received++;
		packet_keep(skb);
	}
}

/* the sender */

static void page_fill(u32 page, u32 d)
{
	u8 *at = pages + page * RF_LOOP_PAGE, family = d & 1 ? 4 : 6;
	u32 n;

	memset(at, d, 48);
	at[0] = d % 64 == 63 ? dice() : family << 4 | 5;
	if (family == 4) {
		memset(at + 6, d % 32 == 31, 2);
		n = dice();
		address_make(at + 12, 4, n % 16 < 14 ? 1 : n % 7);
		n /= 16;
		address_make(at + 16, 4, n < 12 ? 2 : n - 9);
		return;
	}
	at[6] = d % 32 == 30 ? NEXTHDR_FRAGMENT : 6;
	n = dice();
	address_make(at + 8, 6, n % 16 < 14 ? 1 : n % 7);
	n /= 16;
	address_make(at + 24, 6, n < 12 ? 2 : n - 9);
}

/* At any time: but only what it may write. */
static void meddle(void)
{
	u32 d = dice();

	if (d % 4)
		return;
	d = dice();
	switch (d % 4) {
	case 0:
		page_fill(dice() % PAGES, dice());
		break;
	case 1:
		memset(&ring->sender.slot[d / 4 % 8], dice(), sizeof(struct rf_loop_slot));
		break;
	case 2:
		memset(pages + dice() % PAGES * RF_LOOP_PAGE, dice(), 64);
		break;
	default:
		ring->sender.put += d / 16 == 15 ? dice32() : 0;
	}
}

/* Pages that are with the sender, as it may know, or any. */
static void packet_send(u32 d)
{
	struct rf_loop_slot slot = { .len = 1 + dice32() % (d & 1 ? RF_LOOP_PACKET + 1 : 300) };
	u32 i, n, page = dice();

	if (d % 64 == 63)
		slot.len = dice32();
	n = min_t(u32, rfloop_pages(slot.len), RF_LOOP_FRAGS);
	for (i = 0; i < n; i++) {
		while (d & 12 && page < 1000 && receiving.in.here[page % PAGES])
			page += 41;
		slot.page[i] = d % 128 == 126 ? dice() : page % PAGES;
		page++;
	}
	if (d & 32) {
		slot.flags = dice();
		slot.gso_type = dice() % 8;
		slot.gso_size = dice() * 8;
		slot.csum_start = dice();
		slot.csum_offset = dice() % 32;
	}
	page_fill(slot.page[0] % PAGES, dice());
	ring->sender.slot[ring->sender.put % RF_LOOP_SLOTS] = slot;
	ring->sender.put++;
}

/* Each page that is with us is in packets, or on its way back. */
static void check(void)
{
	const struct rfloop_receiving *r = &receiving;
	u32 i, here = 0, refs[PAGES] = { 0 };

	must(4 * (r->last - r->first) <= 3 * PAGES && r->in.held <= PAGES);
	for (i = r->first; i != r->last; i++) {
		must(r->attached[i % RF_LOOP_BACK] < PAGES);
		must(!refs[r->attached[i % RF_LOOP_BACK]]++);
		must(r->in.here[r->attached[i % RF_LOOP_BACK]]);
	}
	for (i = 0; i < PAGES; i++) {
		here += r->in.here[i];
		must(frames[i].refs >= 1 && (frames[i].refs == 1 || refs[i]));
	}
	must(here == r->in.held && (broken || here == r->last - r->first));
}

static void step(void)
{
	u32 d = dice();

	switch (d % 8) {
	case 0 ... 3:
		packet_send(dice());
		break;
	case 4 ... 5:
		must(rfloop_poll(&peer.napi, 1 + d / 8) <= 1 + (int)d / 8);
		check();
		break;
	case 6:
		if (nr_kept)
			kfree_skb(kept[--nr_kept]);
		break;
	default:
		meddle();
	}
}

static void begin(u32 d)
{
	u32 i;

	if (!ring) {
		table_make();
		ring = malloc(sizeof(*ring));
		pages = malloc(PAGES * RF_LOOP_PAGE);
		memset(pages, 0, PAGES * RF_LOOP_PAGE);
	}
	memset(ring, 0, sizeof(*ring));
	must(!rfloop_in_init(&receiving.in, ring, BYTES));
	for (i = 0; i < PAGES; i++) {
		frames[i] = (struct page){ 1, pages + i * RF_LOOP_PAGE };
		receiving.memory.page[i] = frames[i].at;
		receiving.memory.frame[i] = d % 16 == 0 && i % 8 == 0 ? NULL : &frames[i];
	}
	receiving.first = 0;
	receiving.last = 0;
	receiving.peer = &peer;
	peer.id = PEER;
	peer.receiving = &receiving;
	broken = false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	u32 i;

	input = data;
	input_size = size;
	begin(dice());
	while (input_size && !broken)
		step();
	for (; nr_kept; nr_kept--)
		kfree_skb(kept[nr_kept - 1]);
	rfloop_attached_look(&receiving, RF_LOOP_BACK);
	must(receiving.first == receiving.last && (broken || !receiving.in.held));
	for (i = 0; i < PAGES; i++)
		must(frames[i].refs == 1);
	for (i = 0; i < RFLOOP_DROPS; i++)
		dropped += peer.count.drops[i];
	memset(&peer.count, 0, sizeof(peer.count));
	must(!skbs);
	kernel_end();
	return 0;
}

size_t fuzz_make(uint8_t *data, uint64_t (*random)(void))
{
	return dice_make(data, random, 200, 1500);
}

int fuzz_summary(char *text, size_t size)
{
	snprintf(text, size, "%lu packets received, of them %lu pages of the ring, %lu dropped, %lu rings broken",
		 received, attached, dropped, rings_broken);
	return !received || !attached || !dropped || !rings_broken;
}
