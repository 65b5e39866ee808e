// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who gets the signals of other kernels. They are taken in the doorbell's interrupt and nowhere
 * else: it is one interrupt, of which no two run at a time, so neither do handlers. Whoever
 * has reason to look without having been rung for rings his own doorbell.
 */
#include <linux/bitops.h>
#include <linux/export.h>
#include <linux/mutex.h>
#include <linux/rcupdate.h>
#include <rainforest/ficm.h>

#include "internal.h"

static DEFINE_MUTEX(signalled_lock);	/* protects signalled, which interrupts read without */
static ficm_signalled_t signalled;

/**
 * ficm_signals_listen() - receive all signals of all kernels
 * @fn: called for each
 *
 * What comes while nobody listens is taken all the same, and goes nowhere.
 *
 * Context: sleeps.
 * Return: 0, -EBUSY when somebody else does.
 */
int ficm_signals_listen(ficm_signalled_t fn)
{
	int ret = -EBUSY;

	mutex_lock(&signalled_lock);
	if (!signalled) {
		WRITE_ONCE(signalled, fn);	/* code, there before it is called */
		ret = 0;
	}
	mutex_unlock(&signalled_lock);
	return ret;
}
EXPORT_SYMBOL_NS_GPL(ficm_signals_listen, RAINFOREST_FICM);

/**
 * ficm_signals_end() - receive no more; @fn does not run when this returns
 * @fn: as given to ficm_signals_listen()
 *
 * Context: sleeps.
 */
void ficm_signals_end(ficm_signalled_t fn)
{
	mutex_lock(&signalled_lock);
	if (signalled == fn)
		WRITE_ONCE(signalled, NULL);
	mutex_unlock(&signalled_lock);
	synchronize_rcu();	/* interrupts are readers */
}
EXPORT_SYMBOL_NS_GPL(ficm_signals_end, RAINFOREST_FICM);

static void tell(struct ficm_peer *peer, unsigned int first, u64 some)
{
	ficm_signalled_t fn = READ_ONCE(signalled);

	peer->signals.taken += hweight64(some);
	for (; fn && some; some &= some - 1)
		fn(peer->id, first + __ffs64(some));
}

/* Whether there was any. Bounded, whatever the peer writes meanwhile. */
static bool take(struct ficm_peer *peer)
{
	unsigned long flags;
	unsigned int word;
	bool found = false;
	u64 some;

	spin_lock_irqsave(&peer->signal_lock, flags);
	if (peer->open && ficm_signals_look(&peer->signals)) {
		for (word = 0; word < RF_SIGNAL_WORDS; word++) {
			some = ficm_signals_take(&peer->signals, word);
			if (some)
				tell(peer, 64 * word, some);
			found |= some;
		}
	}
	spin_unlock_irqrestore(&peer->signal_lock, flags);
	return found;
}

/**
 * ficm_take() - take what was raised, and tell who listens
 *
 * Context: the doorbell's interrupt.
 * Return: whether there was any.
 */
bool ficm_take(void)
{
	bool found = false;
	u32 open;

	for (open = READ_ONCE(ficm_open); open; open &= open - 1)
		found |= take(ficm_peer_at(__ffs(open)));
	return found;
}
