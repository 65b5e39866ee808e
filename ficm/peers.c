// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who there is: the kernels that the supervisor's directory lists, each with a
 * ring there and a ring back. The places are fixed, one for each entry of the
 * directory, and never freed, so that senders find a peer without a lock; the
 * peer's own locks keep its rings while they are used.
 */
#include <linux/export.h>
#include <linux/minmax.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/workqueue.h>
#include <rainforest/ficm.h>

#include "internal.h"

struct ficm_peer ficm_peers[RF_WIRE_PEERS];

/* Places with open rings, a bit for each; changed under exchange_lock. */
u32 ficm_open = BIT(FICM_PLACE_LOOPBACK);

static DEFINE_MUTEX(exchange_lock);	/* protects what follows, and area.c's mappings */
static struct rf_ficm_area *own;	/* our area; NULL while we have not joined */
static u32 own_slot;
static u32 own_generation;
static u64 own_dir;
static char own_name[RF_FICM_NAME];
static struct rf_ficm_dir dir_copy;

static BLOCKING_NOTIFIER_HEAD(watchers);

/**
 * ficm_peer_find() - the peer of a number
 * @id: its number
 *
 * Return: the peer, which may have gone meanwhile: check @id again under one of
 * its locks. NULL when there is none.
 */
struct ficm_peer *ficm_peer_find(u32 id)
{
	unsigned int i;

	if (id == FICM_LOOPBACK)
		return &ficm_loopback;
	for (i = 0; i < RF_WIRE_PEERS; i++)
		if (READ_ONCE(ficm_peers[i].id) == id)
			return &ficm_peers[i];
	return NULL;
}

/**
 * ficm_peer_at() - the peer that has a place
 * @place: a bit of ficm_open
 *
 * Return: the peer, which may have gone meanwhile.
 */
struct ficm_peer *ficm_peer_at(unsigned int place)
{
	return place == FICM_PLACE_LOOPBACK ? &ficm_loopback : &ficm_peers[place];
}

/* All that keeps others from a peer's rings and signals. */
static unsigned long peer_lock(struct ficm_peer *peer)
{
	unsigned long flags;

	spin_lock(&peer->in_lock);
	spin_lock_irqsave(&peer->signal_lock, flags);
	spin_lock(&peer->out_lock);
	return flags;
}

static void peer_unlock(struct ficm_peer *peer, unsigned long flags)
{
	spin_unlock(&peer->out_lock);
	spin_unlock_irqrestore(&peer->signal_lock, flags);
	spin_unlock(&peer->in_lock);
}

static void peer_close(struct ficm_peer *peer)
{
	unsigned long flags;

	if (!peer->open)
		return;
	flags = peer_lock(peer);
	ficm_signals_close(&peer->signals);
	ficm_ring_out_close(&peer->out);
	ficm_ring_in_close(&peer->in);
	WRITE_ONCE(peer->at, NULL);
	WRITE_ONCE(ficm_open, ficm_open & ~BIT(peer - ficm_peers));
	WRITE_ONCE(peer->id, RF_FICM_NOBODY);
	WRITE_ONCE(peer->open, false);
	peer->joined = false;
	peer->area = NULL;
	peer_unlock(peer, flags);
	ficm_sysfs_remove(peer);
}

/* Under its locks. */
static void peer_open_rings(struct ficm_peer *peer, u32 slot, struct rf_ficm_area *area)
{
	struct ficm_ring_mem out = {
		.head = &own->pair[slot].head,
		.ack = &area->pair[own_slot].ack,
		.slots = RF_FICM_SLOTS,
	};
	struct ficm_ring_mem in = {
		.head = &area->pair[own_slot].head,
		.ack = &own->pair[slot].ack,
		.slots = RF_FICM_SLOTS,
	};

	ficm_ring_out_open(&peer->out, &out, own_generation, peer->generation);
	ficm_ring_in_open(&peer->in, &in, own_generation, peer->generation);
	ficm_signals_open(&peer->signals, &own->pair[slot].signals,
			  &area->pair[own_slot].signals, own_generation, peer->generation);
}

/* Where its doorbell may be; what was refused before may be right now. */
static void peer_set_cpus(struct ficm_peer *peer, const struct rf_ficm_entry *entry)
{
	unsigned long flags;
	u32 i;

	spin_lock_irqsave(&peer->out_lock, flags);
	peer->nr_cpus = min_t(u32, le32_to_cpu(entry->nr_cpus), RF_WIRE_CPUS);
	for (i = 0; i < peer->nr_cpus; i++)
		peer->apicid[i] = le32_to_cpu(entry->apicid[i]);
	peer->good_bell = 0;
	if (peer->owed && peer->open)
		peer->owed = !ficm_peer_bell(peer);
	spin_unlock_irqrestore(&peer->out_lock, flags);
}

/* A copy that ends within its bounds, whatever is written there. */
static void name_copy(char *name, const struct rf_ficm_entry *entry)
{
	memcpy(name, entry->name, RF_FICM_NAME);
	name[RF_FICM_NAME - 1] = '\0';
}

/* Who it is, and what the supervisor lets it do here. */
static void peer_set_rights(struct ficm_peer *peer, const struct rf_ficm_entry *entry)
{
	u32 may_open = le32_to_cpu(dir_copy.entry[own_slot].may_open);

	lockdep_assert_held(&exchange_lock);
	peer->may_open = may_open & BIT(peer - ficm_peers);
	peer->bulk_out = le64_to_cpu(dir_copy.entry[own_slot].bulk[peer - ficm_peers]);
	peer->bulk_in = le64_to_cpu(entry->bulk[own_slot]);
	name_copy(peer->name, entry);
}

static void peer_open(struct ficm_peer *peer, const struct rf_ficm_entry *entry)
{
	u32 slot = peer - ficm_peers;
	struct rf_ficm_area *area = ficm_area_map(slot, le64_to_cpu(entry->area));
	unsigned long flags;

	if (!area || ficm_peer_find(le32_to_cpu(entry->id)))
		return;
	peer_set_cpus(peer, entry);
	peer_set_rights(peer, entry);
	flags = peer_lock(peer);
	peer->generation = le32_to_cpu(entry->generation);
	peer->area = area;
	peer->owed = false;
	peer->refused = 0;
	WRITE_ONCE(peer->broken, false);
	peer->unhandled = 0;
	peer_open_rings(peer, slot, area);
	WRITE_ONCE(peer->open, true);
	WRITE_ONCE(ficm_open, ficm_open | BIT(slot));
	WRITE_ONCE(peer->id, le32_to_cpu(entry->id));
	peer_unlock(peer, flags);
	ficm_sysfs_add(peer);
	ficm_read_wake();
	ficm_doorbell_own();	/* signals that it had raised before */
}

static void peer_refresh(struct ficm_peer *peer, const struct rf_ficm_entry *entry)
{
	u32 id = le32_to_cpu(entry->id);

	if (peer->open && peer->id == id && peer->generation == le32_to_cpu(entry->generation)) {
		peer_set_cpus(peer, entry);
		peer_set_rights(peer, entry);
		return;
	}
	peer_close(peer);
	if (!(id & RF_FICM_LOST))	/* nor nobody */
		peer_open(peer, entry);
}

static void exchange_refresh(void)
{
	u32 i;

	lockdep_assert_held(&exchange_lock);
	if (!own || ficm_dir_read(&dir_copy))
		return;
	for (i = 0; i < RF_WIRE_PEERS; i++)
		if (i != own_slot)
			peer_refresh(&ficm_peers[i], &dir_copy.entry[i]);
}

/* Our entry, and our area with it. */
static int exchange_enter(u32 slot)
{
	const struct rf_ficm_entry *entry = &dir_copy.entry[slot];
	struct rf_ficm_area *area;
	int ret;

	ret = ficm_dir_read(&dir_copy);
	if (ret)
		return ret;
	if (le32_to_cpu(entry->id) & RF_FICM_LOST)
		return -ENOENT;
	area = ficm_area_map(slot, le64_to_cpu(entry->area));
	if (!area)
		return -ENOMEM;
	own = area;
	own_slot = slot;
	own_generation = le32_to_cpu(entry->generation);
	name_copy(own_name, entry);
	ficm_area_init(own, own_generation);
	return 0;
}

/**
 * ficm_join() - begin to exchange messages with the other kernels
 * @dir: physical address of the directory, struct rf_ficm_dir
 * @slot: our entry there
 *
 * This module stays until ficm_leave().
 *
 * Context: sleeps.
 * Return: 0, -EINVAL for an address or an entry that cannot be, -EBUSY when we
 * have joined already, -ENOENT when our entry is empty, -EPROTO for another
 * version, -EAGAIN when the directory never came to rest, -ENOMEM.
 */
int ficm_join(u64 dir, u32 slot)
{
	int ret = -EBUSY;

	if (slot >= RF_WIRE_PEERS)
		return -EINVAL;
	mutex_lock(&exchange_lock);
	if (own)
		goto out;
	ret = ficm_dir_map(dir);
	if (ret)
		goto out;
	ret = exchange_enter(slot);
	if (ret) {
		ficm_dir_unmap();
		ficm_areas_unmap();
		goto out;
	}
	/* Whoever joined may go and come again while we stay in the exchange. */
	__module_get(THIS_MODULE);
	own_dir = dir;
	ficm_sysfs_directory(dir, slot);
	exchange_refresh();
out:
	mutex_unlock(&exchange_lock);
	if (!ret)
		blocking_notifier_call_chain(&watchers, 0, NULL);
	return ret;
}
EXPORT_SYMBOL_NS_GPL(ficm_join, RAINFOREST_FICM);

/**
 * ficm_joined() - are we in this exchange?
 * @dir: physical address of the directory
 * @slot: our entry there
 *
 * For a supervisor that comes again: it went without ficm_leave(), and we stayed.
 *
 * Context: sleeps.
 * Return: whether we are.
 */
bool ficm_joined(u64 dir, u32 slot)
{
	bool joined;

	mutex_lock(&exchange_lock);
	joined = own && own_dir == dir && own_slot == slot;
	mutex_unlock(&exchange_lock);
	return joined;
}
EXPORT_SYMBOL_NS_GPL(ficm_joined, RAINFOREST_FICM);

/**
 * ficm_refresh() - look into the directory: it has changed
 *
 * Peers that are gone, or are other kernels now, are closed; new ones are opened.
 * When this returns nothing more is received from a kernel that is gone, but for
 * a message that a handler is busy with. Nothing happens when we have not joined.
 *
 * Context: sleeps.
 */
void ficm_refresh(void)
{
	mutex_lock(&exchange_lock);
	exchange_refresh();
	mutex_unlock(&exchange_lock);
	blocking_notifier_call_chain(&watchers, 0, NULL);
}
EXPORT_SYMBOL_NS_GPL(ficm_refresh, RAINFOREST_FICM);

static void refresh_work(struct work_struct *work)
{
	ficm_refresh();
}

static DECLARE_WORK(refresh, refresh_work);

/**
 * ficm_refresh_later() - have ficm_refresh() called
 *
 * Context: any.
 */
void ficm_refresh_later(void)
{
	queue_work(system_unbound_wq, &refresh);
}

/**
 * ficm_leave() - exchange no more messages
 *
 * When it returns nothing of the directory and the areas is used any more.
 *
 * Context: sleeps.
 */
void ficm_leave(void)
{
	unsigned int i;
	bool left;

	mutex_lock(&exchange_lock);
	left = own;
	if (left) {
		for (i = 0; i < RF_WIRE_PEERS; i++)
			peer_close(&ficm_peers[i]);
		ficm_area_exit(own);
		own = NULL;
	}
	mutex_unlock(&exchange_lock);
	if (!left)
		return;
	/* They let go of what is unmapped then. Whoever leaves does not join meanwhile. */
	blocking_notifier_call_chain(&watchers, 0, NULL);
	mutex_lock(&exchange_lock);
	ficm_dir_unmap();
	ficm_areas_unmap();
	ficm_sysfs_directory(0, 0);
	mutex_unlock(&exchange_lock);
	module_put(THIS_MODULE);
}
EXPORT_SYMBOL_NS_GPL(ficm_leave, RAINFOREST_FICM);

/* Ourselves, or one that the directory lists. */
static void describe(const struct ficm_peer *peer, struct ficm_kernel *kernel)
{
	lockdep_assert_held(&exchange_lock);
	if (peer) {
		kernel->peer = peer->id;
		kernel->generation = peer->generation;
		kernel->may_open = peer->may_open;
		memcpy(kernel->name, peer->name, RF_FICM_NAME);
	} else {
		kernel->peer = FICM_LOOPBACK;
		kernel->generation = ficm_loopback.generation;
		kernel->may_open = true;
		memcpy(kernel->name, own_name, RF_FICM_NAME);
	}
}

/**
 * ficm_find() - the kernel of a name
 * @name: of a subOS, or "supervisor"; its own name is this kernel
 * @kernel: (out) what is known of it
 *
 * Context: sleeps.
 * Return: 0, -ENOENT when there is none of that name, -ENOTCONN when this kernel
 * has not joined the exchange.
 */
int ficm_find(const char *name, struct ficm_kernel *kernel)
{
	struct ficm_peer *peer;
	int ret = -ENOENT;

	mutex_lock(&exchange_lock);
	if (!own) {
		ret = -ENOTCONN;
	} else if (!strcmp(name, own_name)) {
		describe(NULL, kernel);
		ret = 0;
	}
	for (peer = ficm_peers; ret == -ENOENT && peer < ficm_peers + RF_WIRE_PEERS; peer++) {
		if (!peer->open || strcmp(name, peer->name))
			continue;
		describe(peer, kernel);
		ret = 0;
	}
	mutex_unlock(&exchange_lock);
	return ret;
}
EXPORT_SYMBOL_NS_GPL(ficm_find, RAINFOREST_FICM);

/**
 * ficm_own() - what other kernels call this one
 * @id: (out) FICM_SUPERVISOR, or the id of the subOS
 *
 * Context: sleeps.
 * Return: 0, -ENOTCONN when this kernel has not joined the exchange.
 */
int ficm_own(u32 *id)
{
	int ret = -ENOTCONN;

	mutex_lock(&exchange_lock);
	if (own) {
		*id = le32_to_cpu(dir_copy.entry[own_slot].id);
		ret = 0;
	}
	mutex_unlock(&exchange_lock);
	return ret;
}
EXPORT_SYMBOL_NS_GPL(ficm_own, RAINFOREST_FICM);

/* The entry of a kernel as the directory was read last; RF_WIRE_PEERS: it has none. */
static u32 entry_find(u32 id)
{
	u32 i;

	lockdep_assert_held(&exchange_lock);
	for (i = 0; i < RF_WIRE_PEERS; i++)
		if (le32_to_cpu(dir_copy.entry[i].id) == id)
			break;
	return i;
}

static int peer_check(const struct ficm_peer *peer, u32 id)
{
	if (peer && peer->open)
		return 0;
	return entry_find(id | RF_FICM_LOST) < RF_WIRE_PEERS ? -EHOSTDOWN : -ENOENT;
}

/**
 * ficm_describe() - what is known of a kernel
 * @peer: its number, or FICM_LOOPBACK
 * @kernel: (out) that
 *
 * Context: sleeps.
 * Return: 0, -ENOENT when there is none of that number, and what it was runs no more;
 * -EHOSTDOWN it is in quarantine and may still run, -ENOTCONN this kernel has not joined
 * the exchange.
 */
int ficm_describe(u32 peer, struct ficm_kernel *kernel)
{
	struct ficm_peer *found = NULL;
	int ret = 0;

	mutex_lock(&exchange_lock);
	if (!own) {
		ret = -ENOTCONN;
	} else if (peer != FICM_LOOPBACK) {
		found = ficm_peer_find(peer);
		ret = peer_check(found, peer);
	}
	if (!ret)
		describe(found, kernel);
	mutex_unlock(&exchange_lock);
	return ret;
}
EXPORT_SYMBOL_NS_GPL(ficm_describe, RAINFOREST_FICM);

/**
 * ficm_may_open() - does the supervisor allow it?
 * @from: number of a kernel
 * @to: of another
 *
 * Neither is the loopback.
 *
 * Context: sleeps.
 * Return: whether the first may open channels to the other; false when one of them is
 * not there.
 */
bool ficm_may_open(u32 from, u32 to)
{
	bool may = false;
	u32 i, j;

	mutex_lock(&exchange_lock);
	if (own) {
		i = entry_find(from);
		j = entry_find(to);
		may = i < RF_WIRE_PEERS && j < RF_WIRE_PEERS &&
		      le32_to_cpu(dir_copy.entry[j].may_open) & BIT(i);
	}
	mutex_unlock(&exchange_lock);
	return may;
}
EXPORT_SYMBOL_NS_GPL(ficm_may_open, RAINFOREST_FICM);

/**
 * ficm_bulk() - memory between this kernel and another, beside messages
 * @peer: the other
 * @out: (out) what this kernel alone writes
 * @in: (out) what the other one alone writes: it deserves no trust
 *
 * It can be used until a watcher (ficm_watch()) was told, and has found with
 * ficm_describe() that this kernel has left the exchange.
 *
 * Context: sleeps.
 * Return: 0, -ENOENT there is no such peer, or no memory for it, -ENOTCONN this kernel
 * has not joined the exchange.
 */
int ficm_bulk(u32 peer, struct rf_com_bulk **out, struct rf_com_bulk **in)
{
	struct ficm_peer *found;
	int ret = -ENOENT;

	mutex_lock(&exchange_lock);
	found = ficm_peer_find(peer);
	if (!own) {
		ret = -ENOTCONN;
	} else if (found && found != &ficm_loopback && found->open && found->bulk_out &&
		   found->bulk_in) {
		*out = ficm_bulk_map(found - ficm_peers, true, found->bulk_out);
		*in = ficm_bulk_map(found - ficm_peers, false, found->bulk_in);
		ret = *out && *in ? 0 : -ENOENT;
	}
	mutex_unlock(&exchange_lock);
	return ret;
}
EXPORT_SYMBOL_NS_GPL(ficm_bulk, RAINFOREST_FICM);

/**
 * ficm_watch() - be told that the directory has changed, or we have left it
 * @nb: called without a word on what has changed; may sleep
 *
 * What ficm_describe() says then is true of the directory as it is.
 *
 * Context: sleeps.
 * Return: 0.
 */
int ficm_watch(struct notifier_block *nb)
{
	return blocking_notifier_chain_register(&watchers, nb);
}
EXPORT_SYMBOL_NS_GPL(ficm_watch, RAINFOREST_FICM);

/**
 * ficm_unwatch() - be told no more; it does not run when this returns
 * @nb: as given to ficm_watch()
 *
 * Context: sleeps.
 */
void ficm_unwatch(struct notifier_block *nb)
{
	blocking_notifier_chain_unregister(&watchers, nb);
}
EXPORT_SYMBOL_NS_GPL(ficm_unwatch, RAINFOREST_FICM);

/**
 * ficm_peers_init() - nobody is there
 */
void ficm_peers_init(void)
{
	unsigned int i;

	for (i = 0; i < RF_WIRE_PEERS; i++) {
		ficm_peers[i].id = RF_FICM_NOBODY;
		spin_lock_init(&ficm_peers[i].out_lock);
		spin_lock_init(&ficm_peers[i].in_lock);
		spin_lock_init(&ficm_peers[i].signal_lock);
	}
}

/**
 * ficm_peers_exit() - no refresh is under way any more; nobody has joined
 */
void ficm_peers_exit(void)
{
	cancel_work_sync(&refresh);
}
