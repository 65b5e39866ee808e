// SPDX-License-Identifier: GPL-2.0-only
/*
 * Links are made and broken: a ring to send in is asked for with the first packet, one to
 * receive in is offered when it is asked for. All of this is done by the peers' work, one
 * after the other; until a link stands, and once it is broken, packets take the device.
 */
#include <linux/err.h>
#include <linux/jiffies.h>
#include <linux/mm.h>
#include <linux/sizes.h>

#include "internal.h"
#define CREATE_TRACE_POINTS
#include "trace.h"

#define ANSWER_PATIENCE		(2 * HZ)
#define ATTACH_PATIENCE		1000		/* ms */
#define OFFER_REST		(HZ / 4)	/* between two rings that a peer asks for */
#define DRAINING_MAX		4	/* rings that it gave up, but packets have pages of */
#define LOOK_AGAIN		(HZ / 4)	/* at a peer that there are links to */
#define BACKOFF_MIN		(HZ / 2)
#define BACKOFF_MAX		(60 * HZ)

static unsigned int rings;	/* offered so far: their names differ */

/* The supervisor may talk to all; between subOSes a rule in either direction will do. */
static bool link_allowed(struct rfloop_peer *peer)
{
	struct ficm_kernel now;

	if (!rfloop_peer_listed(peer->id) || !rfloop_peer_listed(rfloop_own_id) ||
	    ficm_describe(peer->id, &now))
		return false;
	if ((peer->sending || peer->receiving) && now.generation != peer->generation)
		return false;
	peer->generation = now.generation;
	memcpy(peer->name, now.name, sizeof(peer->name));
	rfloop_sysfs_add(peer);
	return peer->id == FICM_SUPERVISOR || rfloop_own_id == FICM_SUPERVISOR ||
	       ficm_may_open(rfloop_own_id, peer->id) || ficm_may_open(peer->id, rfloop_own_id);
}

static void sending_end(struct rfloop_peer *peer)
{
	struct rfloop_sending *s = peer->sending;

	WRITE_ONCE(peer->up, false);
	peer->waiting = false;
	if (!s)
		return;
	rfloop_sending_set(peer, NULL);
	trace_rfloop_down(peer->id, true);
	rfloop_memory_unmap(&s->memory);
	kvfree(s);
}

static void receiving_end(struct rfloop_peer *peer)
{
	struct rfloop_receiving *r = peer->receiving;

	if (!r)
		return;
	napi_disable(&peer->napi);
	WRITE_ONCE(peer->receiving, NULL);
	synchronize_rcu();	/* the doorbell's interrupt looks at it */
	trace_rfloop_down(peer->id, false);
	rfloop_receiving_put(r);
}

static void link_tell_down(struct rfloop_peer *peer, bool yours)
{
	struct rf_loop_down down = { .yours = cpu_to_le32(yours) };

	rfloop_tell(peer->id, RF_MSG_LOOP_DOWN, &down, sizeof(down));
}

/* The next attempt has to wait, longer each time. */
static void back_off(struct rfloop_peer *peer)
{
	peer->backoff = clamp(2 * peer->backoff, (unsigned long)BACKOFF_MIN,
			      (unsigned long)BACKOFF_MAX);
	WRITE_ONCE(peer->next, jiffies + peer->backoff);
}

static int receiving_begin(struct rfloop_peer *peer, const char *name)
{
	u64 bytes = (u64)clamp(READ_ONCE(rfloop_ring_mb), 1U, 16U) * SZ_1M;
	struct rfloop_receiving *r = kvzalloc(sizeof(*r), GFP_KERNEL);
	struct rf_region *region;
	int ret;

	if (!r)
		return -ENOMEM;
	region = rf_offer_to(peer->id, name, bytes, RF_WRITE);
	ret = PTR_ERR_OR_ZERO(region);
	if (ret)
		goto err_free;
	ret = rfloop_memory_map(&r->memory, region);
	if (ret)
		goto err_free;
	ret = rfloop_in_init(&r->in, r->memory.ring, r->memory.bytes);
	if (ret)
		goto err_unmap;
	rfloop_memory_frames(&r->memory);
	rfloop_receiving_init(r, peer);
	/* Complete before an interrupt sees it: pairs with heard(). */
	smp_store_release(&peer->receiving, r);
	trace_rfloop_up(peer->id, false);
	napi_enable(&peer->napi);
	return 0;

err_unmap:
	rfloop_memory_unmap(&r->memory);
err_free:
	kvfree(r);
	return ret;
}

/* It wants to send; whatever it sent in is not used any more. */
static void link_offer(struct rfloop_peer *peer)
{
	struct rf_loop_answer answer = { 0 };
	int ret;

	receiving_end(peer);
	peer->offer_next = jiffies + OFFER_REST;
	spin_lock_bh(&peer->lock);
	answer.number = cpu_to_le32(peer->asked);
	spin_unlock_bh(&peer->lock);
	snprintf(answer.name, sizeof(answer.name), "rfloop-%u-%u", peer->id, ++rings);
	ret = rfloop_draining(peer) >= DRAINING_MAX ? -EAGAIN : receiving_begin(peer, answer.name);
	answer.error = cpu_to_le32(-ret);
	if (ret)
		answer.name[0] = '\0';
	rfloop_tell(peer->id, RF_MSG_LOOP_ANSWER, &answer, sizeof(answer));
}

static void link_ask(struct rfloop_peer *peer)
{
	struct rf_loop_ask ask = { .version = cpu_to_le32(RF_LOOP_VERSION) };

	if (peer->waiting || peer->sending || time_before(jiffies, peer->next))
		return;
	back_off(peer);
	ask.number = cpu_to_le32(++peer->number);
	peer->waiting = !rfloop_tell(peer->id, RF_MSG_LOOP_ASK, &ask, sizeof(ask));
	peer->since = jiffies;
}

static int sending_begin(struct rfloop_peer *peer, const char *name)
{
	struct rfloop_sending *s = kvzalloc(sizeof(*s), GFP_KERNEL);
	struct rf_region *region;
	int ret;

	if (!s)
		return -ENOMEM;
	region = rf_attach(peer->name, name, RF_WRITE, ATTACH_PATIENCE);
	ret = PTR_ERR_OR_ZERO(region);
	if (ret)
		goto err_free;
	ret = rfloop_memory_map(&s->memory, region);
	if (ret)
		goto err_free;
	ret = rfloop_out_init(&s->out, s->memory.ring, s->memory.bytes);
	if (ret)
		goto err_unmap;
	rfloop_sending_set(peer, s);
	WRITE_ONCE(peer->up, true);
	trace_rfloop_up(peer->id, true);
	rfloop_count_one(&peer->count.links);
	return 0;

err_unmap:
	rfloop_memory_unmap(&s->memory);
err_free:
	kvfree(s);
	return ret;
}

static void link_answered(struct rfloop_peer *peer)
{
	struct rf_loop_answer answer;

	spin_lock_bh(&peer->lock);
	answer = peer->answer;
	spin_unlock_bh(&peer->lock);
	if (!peer->waiting || le32_to_cpu(answer.number) != peer->number)
		return;
	peer->waiting = false;
	answer.name[sizeof(answer.name) - 1] = '\0';
	if (!answer.error && !peer->sending)
		sending_begin(peer, answer.name);
}

/* What ends before anything begins. */
static void link_ends(struct rfloop_peer *peer)
{
	if (test_and_clear_bit(RFLOOP_IN_BAD, &peer->flags)) {
		receiving_end(peer);
		link_tell_down(peer, true);
	}
	if (test_and_clear_bit(RFLOOP_IN_END, &peer->flags))
		receiving_end(peer);
	if (peer->sending && (rf_region_revoked(peer->sending->memory.region) ||
			      rfloop_stuck(peer)))
		set_bit(RFLOOP_OUT_END, &peer->flags);
	if (test_and_clear_bit(RFLOOP_OUT_END, &peer->flags) && peer->sending) {
		sending_end(peer);
		link_tell_down(peer, false);
		back_off(peer);
	}
	if (peer->waiting && time_after(jiffies, peer->since + ANSWER_PATIENCE))
		peer->waiting = false;
	/* It has worked for a while: the next break is another one. */
	if (peer->sending && time_after(jiffies, peer->since + BACKOFF_MAX))
		peer->backoff = 0;
}

static void links_down(struct rfloop_peer *peer)
{
	sending_end(peer);
	receiving_end(peer);
	peer->flags = 0;
	peer->backoff = 0;
	WRITE_ONCE(peer->next, jiffies + BACKOFF_MIN);
}

/**
 * rfloop_link_work() - do what there is to do for a peer
 * @work: of it
 *
 * Context: the ordered queue.
 */
void rfloop_link_work(struct work_struct *work)
{
	struct rfloop_peer *peer = container_of(work, struct rfloop_peer, work.work);

	if (peer->id == RF_FICM_NOBODY)
		return;
	if (!link_allowed(peer)) {
		links_down(peer);
		rfloop_peer_release(peer);
		return;
	}
	link_ends(peer);
	if (time_after_eq(jiffies, peer->offer_next) &&
	    test_and_clear_bit(RFLOOP_ASKED, &peer->flags))
		link_offer(peer);
	if (test_and_clear_bit(RFLOOP_ANSWERED, &peer->flags))
		link_answered(peer);
	if (test_and_clear_bit(RFLOOP_WANTED, &peer->flags))
		link_ask(peer);
	if (peer->sending || peer->receiving || peer->waiting ||
	    test_bit(RFLOOP_ASKED, &peer->flags))
		rfloop_again(peer, LOOK_AGAIN);
}
