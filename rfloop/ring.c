// SPDX-License-Identifier: GPL-2.0-only
/*
 * Both ends of a ring of packets: see ring.h.
 *
 * Each end counts by itself and reads of the other's counters only what can be: an end
 * that sees more taken than was put, or more put than there are slots, gives up the ring.
 */
#include "ring.h"

/* Did a counter pass the one that was waited for, when it went from before to now? */
static bool passed(u32 wanted, u32 before, u32 now)
{
	return now - wanted - 1 < now - before;
}

static u32 data_pages(u64 bytes)
{
	u64 pages;

	if (bytes <= sizeof(struct rf_loop_ring))
		return 0;
	pages = (bytes - sizeof(struct rf_loop_ring)) / RF_LOOP_PAGE;
	return pages < RF_LOOP_BACK ? pages : RF_LOOP_BACK;
}

/**
 * rfloop_out_init() - begin to send
 * @o: (out) the end
 * @ring: as the receiver has offered it
 * @bytes: of the region
 *
 * Return: 0; -EPROTO the receiver has another version, or says nonsense.
 */
int rfloop_out_init(struct rfloop_out *o, struct rf_loop_ring *ring, u64 bytes)
{
	struct rf_loop_receiver *r = &ring->receiver;
	u32 i;

	memset(o, 0, sizeof(*o));
	o->ring = ring;
	o->pages = le32_to_cpu(READ_ONCE(r->pages));
	if (le32_to_cpu(READ_ONCE(r->magic)) != RF_LOOP_MAGIC ||
	    le32_to_cpu(READ_ONCE(r->version)) != RF_LOOP_VERSION ||
	    le32_to_cpu(READ_ONCE(r->size)) != sizeof(*ring) ||
	    o->pages < RF_LOOP_FRAGS || o->pages > data_pages(bytes))
		return -EPROTO;
	for (i = o->pages; i; i--)
		o->free[o->nr_free++] = i - 1;
	return 0;
}

static int out_take_back(struct rfloop_out *o, u32 n)
{
	u16 page = le16_to_cpu(READ_ONCE(o->ring->receiver.back[n % RF_LOOP_BACK]));

	if (page >= o->pages || !o->away[page])
		return -EPROTO;
	o->away[page] = 0;
	o->free[o->nr_free++] = page;
	return 0;
}

/**
 * rfloop_out_look() - see what the receiver has taken and given back
 * @o: the end
 *
 * Return: 0; -EPROTO it says what cannot be: the ring is broken.
 */
int rfloop_out_look(struct rfloop_out *o)
{
	struct rf_loop_receiver *r = &o->ring->receiver;
	u32 returned, taken;
	int ret = 0;

	/* Given back before it is filled anew: pairs with rfloop_in_publish(). */
	returned = le32_to_cpu(smp_load_acquire(&r->returned));
	/* Taken, likewise. */
	taken = le32_to_cpu(smp_load_acquire(&r->taken));
	if (taken - o->taken > o->put - o->taken || returned - o->returned > o->pages - o->nr_free)
		return -EPROTO;
	o->taken = taken;
	while (!ret && o->returned != returned)
		ret = out_take_back(o, o->returned++);
	return ret;
}

/**
 * rfloop_out_room() - is there room for a packet?
 * @o: the end
 * @pages: that it fills
 *
 * Return: whether there was, when rfloop_out_look() was called last.
 */
bool rfloop_out_room(const struct rfloop_out *o, u32 pages)
{
	return o->nr_free >= pages && o->put - o->taken < RF_LOOP_SLOTS;
}

/**
 * rfloop_out_page() - a page to fill
 * @o: the end, which has one: rfloop_out_room()
 *
 * Return: its number, for the next rfloop_out_put().
 */
u16 rfloop_out_page(struct rfloop_out *o)
{
	u16 page = o->free[--o->nr_free];

	o->away[page] = 1;
	return page;
}

/**
 * rfloop_out_put() - send a packet
 * @o: the end
 * @slot: the packet, its pages filled
 *
 * Return: whether the receiver sleeps, or was about to: it has to be rung.
 */
bool rfloop_out_put(struct rfloop_out *o, const struct rf_loop_slot *slot)
{
	struct rf_loop_sender *s = &o->ring->sender;
	u32 before = o->put++;

	s->slot[before % RF_LOOP_SLOTS] = *slot;
	/* The packet before that it is there: pairs with rfloop_in_next(). */
	smp_store_release(&s->put, cpu_to_le32(o->put));
	/* That it is there before whether somebody waits: pairs with rfloop_in_sleep(). */
	smp_mb();
	return passed(le32_to_cpu(READ_ONCE(o->ring->receiver.wanted)), before, o->put);
}

/**
 * rfloop_out_wait() - there is too little room: be rung when there is more
 * @o: the end
 * @steps: packets taken and pages given back until then, in all, at least 1
 *
 * Return: 0; -EPROTO as rfloop_out_look(), which this has called. There may be room now.
 */
int rfloop_out_wait(struct rfloop_out *o, u32 steps)
{
	WRITE_ONCE(o->ring->sender.room_wanted, cpu_to_le32(o->taken + o->returned + steps - 1));
	/* That we wait before what has come back: pairs with rfloop_in_publish(). */
	smp_mb();
	return rfloop_out_look(o);
}

/**
 * rfloop_in_init() - offer a ring
 * @in: (out) the end
 * @ring: memory, zeroed
 * @bytes: of the region
 *
 * Return: 0; -EINVAL it is too small.
 */
int rfloop_in_init(struct rfloop_in *in, struct rf_loop_ring *ring, u64 bytes)
{
	struct rf_loop_receiver *r = &ring->receiver;

	memset(in, 0, sizeof(*in));
	in->ring = ring;
	in->pages = data_pages(bytes);
	if (in->pages < RF_LOOP_FRAGS)
		return -EINVAL;
	r->version = cpu_to_le32(RF_LOOP_VERSION);
	r->size = cpu_to_le32(sizeof(*ring));
	r->pages = cpu_to_le32(in->pages);
	WRITE_ONCE(r->magic, cpu_to_le32(RF_LOOP_MAGIC));
	return 0;
}

/* Takes its pages; on an error some of them, but then the ring is broken anyway. */
static int in_check(struct rfloop_in *in, struct rfloop_packet *packet)
{
	u32 i;

	packet->len = le32_to_cpu(packet->slot.len);
	if (!packet->len || packet->len > RF_LOOP_PACKET)
		return -EPROTO;
	packet->nr = rfloop_pages(packet->len);
	for (i = 0; i < packet->nr; i++) {
		u16 page = le16_to_cpu(packet->slot.page[i]);

		if (page >= in->pages || in->here[page])
			return -EPROTO;
		in->here[page] = 1;
		in->held++;
		packet->page[i] = page;
	}
	return 0;
}

/**
 * rfloop_in_next() - the next packet
 * @in: the end
 * @packet: (out) that; its pages are to be given back
 *
 * Return: 1; 0 there is none; -EPROTO the sender says what cannot be: the ring is broken.
 */
int rfloop_in_next(struct rfloop_in *in, struct rfloop_packet *packet)
{
	struct rf_loop_sender *s = &in->ring->sender;
	int ret;
	u32 put;

	/* There before it is read: pairs with rfloop_out_put(). */
	put = le32_to_cpu(smp_load_acquire(&s->put));
	if (put == in->taken)
		return 0;
	if (put - in->taken > RF_LOOP_SLOTS)
		return -EPROTO;
	memcpy(&packet->slot, &s->slot[in->taken % RF_LOOP_SLOTS], sizeof(packet->slot));
	/* Copied before it is checked: whoever writes it again changes nothing. */
	smp_rmb();
	ret = in_check(in, packet);
	if (ret)
		return ret;
	WRITE_ONCE(in->taken, in->taken + 1);
	return 1;
}

/**
 * rfloop_in_return() - give a page back; the sender sees it with rfloop_in_publish()
 * @in: the end
 * @page: its number; it came with a packet
 */
void rfloop_in_return(struct rfloop_in *in, u16 page)
{
	in->here[page] = 0;
	in->held--;
	WRITE_ONCE(in->ring->receiver.back[in->returned % RF_LOOP_BACK], cpu_to_le16(page));
	in->returned++;
}

/**
 * rfloop_in_publish() - tell the sender what was taken and given back
 * @in: the end
 *
 * Return: whether it waits for that: it has to be rung.
 */
bool rfloop_in_publish(struct rfloop_in *in)
{
	struct rf_loop_receiver *r = &in->ring->receiver;
	u32 before = in->told;

	/* Read before they are filled anew: pairs with rfloop_out_look(). */
	smp_store_release(&r->taken, cpu_to_le32(in->taken));
	/* Likewise. */
	smp_store_release(&r->returned, cpu_to_le32(in->returned));
	in->told = in->taken + in->returned;
	/* What came back before whether it waits: pairs with rfloop_out_wait(). */
	smp_mb();
	return passed(le32_to_cpu(READ_ONCE(in->ring->sender.room_wanted)), before, in->told);
}

/**
 * rfloop_in_any() - is there a packet that was not taken yet?
 * @in: the end
 *
 * Context: anybody, beside who takes them.
 * Return: whether, as things stood.
 */
bool rfloop_in_any(const struct rfloop_in *in)
{
	return le32_to_cpu(READ_ONCE(in->ring->sender.put)) != READ_ONCE(in->taken);
}

/**
 * rfloop_in_sleep() - be rung with the next packet
 * @in: the end
 *
 * Return: false when one is there by now.
 */
bool rfloop_in_sleep(struct rfloop_in *in)
{
	WRITE_ONCE(in->ring->receiver.wanted, cpu_to_le32(in->taken));
	/* That we sleep before what is there: pairs with rfloop_out_put(). */
	smp_mb();
	return le32_to_cpu(READ_ONCE(in->ring->sender.put)) == in->taken;
}
