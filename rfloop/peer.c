// SPDX-License-Identifier: GPL-2.0-only
/*
 * Other kernels, and the list of addresses, which says who there is.
 */
#include <linux/delay.h>
#include <linux/mutex.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>

#include "internal.h"

#define DRAIN_TRIES	100
#define DRAIN_REST	50	/* ms */

struct rfloop_peer rfloop_peers[RFLOOP_PEERS];
u32 rfloop_own_id = RF_FICM_NOBODY;

/**
 * struct installed - a list in use
 * @rcu: frees it
 * @table: the list
 */
struct installed {
	struct rcu_head rcu;
	struct rfloop_table table;
};

static DEFINE_MUTEX(table_lock);	/* who writes @installed, and gives out places */
static struct installed __rcu *installed;
static const struct rfloop_table nothing;
static struct workqueue_struct *queue;

/**
 * rfloop_table() - the list of addresses
 *
 * Context: under RCU.
 * Return: that.
 */
const struct rfloop_table *rfloop_table(void)
{
	const struct installed *now = rcu_dereference(installed);

	return now ? &now->table : &nothing;
}

/**
 * rfloop_peer_find() - a kernel that has, or had, addresses
 * @id: its number
 *
 * Return: it, NULL: there is none.
 */
struct rfloop_peer *rfloop_peer_find(u32 id)
{
	unsigned int i;

	for (i = 0; i < RFLOOP_PEERS; i++)
		if (READ_ONCE(rfloop_peers[i].id) == id)
			return &rfloop_peers[i];
	return NULL;
}

/**
 * rfloop_peer_listed() - does a kernel have addresses?
 * @id: its number
 *
 * Return: whether the list has some of it.
 */
bool rfloop_peer_listed(u32 id)
{
	const struct rfloop_table *t;
	bool found = false;
	u32 i;

	rcu_read_lock();
	t = rfloop_table();
	for (i = 0; !found && i < t->nr; i++)
		found = t->a[i].kernel == id;
	rcu_read_unlock();
	return found;
}

/**
 * rfloop_kick() - have a peer's links looked at
 * @peer: the peer
 * @flag: RFLOOP_WANTED and so on
 *
 * Context: any but NMI.
 */
void rfloop_kick(struct rfloop_peer *peer, unsigned int flag)
{
	set_bit(flag, &peer->flags);
	mod_delayed_work(queue, &peer->work, 0);
}

/**
 * rfloop_again() - look at a peer's links later, too
 * @peer: the peer
 * @delay: jiffies
 *
 * Context: its work.
 */
void rfloop_again(struct rfloop_peer *peer, unsigned long delay)
{
	queue_delayed_work(queue, &peer->work, delay);
}

/* A place for a kernel, its own or one that nobody has; NULL: none. */
static struct rfloop_peer *place_for(u32 id)
{
	struct rfloop_peer *peer = rfloop_peer_find(id);

	lockdep_assert_held(&table_lock);
	if (peer || id == RF_FICM_NOBODY)
		return peer;
	peer = rfloop_peer_find(RF_FICM_NOBODY);
	if (!peer)
		return NULL;
	memset(&peer->count, 0, sizeof(peer->count));
	peer->next = jiffies;
	peer->offer_next = jiffies;
	peer->backoff = 0;
	peer->flags = 0;
	WRITE_ONCE(peer->id, id);
	return peer;
}

static void places_fill(struct rfloop_table *t)
{
	struct rfloop_peer *peer;
	u32 i;

	for (i = 0; i < t->nr; i++) {
		if (t->a[i].kernel == rfloop_own_id)
			continue;
		peer = place_for(t->a[i].kernel);
		t->a[i].place = peer ? peer - rfloop_peers : RFLOOP_PEERS;
	}
}

/**
 * rfloop_table_install() - there is another list
 * @t: that, copied; NULL: an empty one
 *
 * Context: sleeps.
 */
void rfloop_table_install(struct rfloop_table *t)
{
	struct installed *next = NULL, *before;
	unsigned int i;

	if (t && t->nr)
		next = kvmalloc(sizeof(*next), GFP_KERNEL);
	mutex_lock(&table_lock);
	if (next) {
		next->table = *t;
		places_fill(&next->table);
	}
	before = rcu_replace_pointer(installed, next, lockdep_is_held(&table_lock));
	mutex_unlock(&table_lock);
	if (before)
		kvfree_rcu(before, rcu);
	for (i = 0; i < RFLOOP_PEERS; i++)
		mod_delayed_work(queue, &rfloop_peers[i].work, 0);
}

/**
 * rfloop_peer_release() - a peer has no links; when it has no addresses its place is free
 * @peer: the peer
 *
 * Context: its work.
 * Return: whether it is.
 */
bool rfloop_peer_release(struct rfloop_peer *peer)
{
	bool gone;

	mutex_lock(&table_lock);
	gone = !rfloop_peer_listed(peer->id);
	if (gone)
		rfloop_sysfs_remove(peer);
	if (gone)
		WRITE_ONCE(peer->id, RF_FICM_NOBODY);
	mutex_unlock(&table_lock);
	return gone;
}

static int directory_changed(struct notifier_block *nb, unsigned long action, void *data)
{
	unsigned int i;

	for (i = 0; i < RFLOOP_PEERS; i++)
		mod_delayed_work(queue, &rfloop_peers[i].work, 0);
	return NOTIFY_DONE;
}

static struct notifier_block watcher = {
	.notifier_call = directory_changed,
};

/**
 * rfloop_peers_init() - nobody is there yet
 *
 * Return: 0, -ENOMEM.
 */
int rfloop_peers_init(void)
{
	unsigned int i;
	int ret;

	queue = alloc_ordered_workqueue("rfloop", 0);
	if (!queue)
		return -ENOMEM;
	for (i = 0; i < RFLOOP_PEERS; i++) {
		rfloop_peers[i].id = RF_FICM_NOBODY;
		spin_lock_init(&rfloop_peers[i].lock);
		INIT_DELAYED_WORK(&rfloop_peers[i].work, rfloop_link_work);
	}
	ret = ficm_watch(&watcher);
	if (ret)
		destroy_workqueue(queue);
	return ret;
}

/**
 * rfloop_peers_exit() - nobody is there any more; all links are broken
 */
void rfloop_peers_exit(void)
{
	unsigned int i;

	ficm_unwatch(&watcher);
	rfloop_table_install(NULL);
	flush_workqueue(queue);
	for (i = 0; i < RFLOOP_PEERS; i++)
		cancel_delayed_work_sync(&rfloop_peers[i].work);
	destroy_workqueue(queue);
	rcu_barrier();
	/* Nothing tells that a packet lets go of a page: it is looked for. */
	for (i = 0; !rfloop_drained() && i < DRAIN_TRIES; i++)
		msleep(DRAIN_REST);
	if (!rfloop_drained())
		pr_warn("packets that nobody reads keep memory of a ring, for good\n");
}
