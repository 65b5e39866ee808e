// SPDX-License-Identifier: GPL-2.0-only
/*
 * The thread that reads: a few messages of each peer in turn, as long as there
 * are any; then it looks some more times, asks all peers for the doorbell, looks
 * once more, and sleeps.
 */
#include <linux/err.h>
#include <linux/jiffies.h>
#include <linux/kthread.h>
#include <linux/sched.h>
#include <rainforest/ficm.h>
#include <uapi/linux/sched/types.h>

#include "internal.h"
#include "trace.h"

#define READ_BATCH	64	/* messages of one peer before others have their turn */
#define READ_SPINS	64	/* looks at empty rings before sleeping */
#define READ_TURN	(HZ / 50 ?: 1)	/* of work before the CPU's other tasks have theirs */

static struct task_struct *reader;

static int peer_get(struct ficm_peer *peer, struct rf_msg *msg)
{
	int ret;

	spin_lock(&peer->in_lock);
	ret = peer->open ? ficm_ring_get(&peer->in, msg) : -ENOENT;
	spin_unlock(&peer->in_lock);
	return ret;
}

static bool read_some(struct ficm_peer *peer)
{
	struct rf_msg msg;
	unsigned int n;
	int ret = 0;

	if (!READ_ONCE(peer->open))
		return false;
	for (n = 0; n < READ_BATCH; n++) {
		ret = peer_get(peer, &msg);
		if (ret)
			break;
		if (!ficm_dispatch(peer, &msg))
			peer->unhandled++;
	}
	if (ret == -EPIPE && !peer->broken) {
		peer->broken = true;
		trace_ficm_broken(peer->id, READ_ONCE(peer->in.fault));
	}
	return n;
}

static bool read_round(void)
{
	bool any = read_some(&ficm_loopback);
	unsigned int i;

	for (i = 0; i < RF_WIRE_PEERS; i++)
		any |= read_some(&ficm_peers[i]);
	/* The message that tells of it may have found the ring full. */
	if (ficm_dir_changed())
		ficm_refresh_later();
	return any;
}

/* Will its next message ring? A broken ring rings no more. */
static bool peer_arm(struct ficm_peer *peer)
{
	bool armed;

	if (!READ_ONCE(peer->open))
		return true;
	spin_lock(&peer->in_lock);
	armed = !peer->open || peer->in.fault || ficm_ring_arm(&peer->in);
	spin_unlock(&peer->in_lock);
	return armed;
}

/*
 * Sleeps until a doorbell rings, unless something came: false then. A message that comes
 * behind our back, to a ring that was armed already, wakes us by its doorbell:
 * the state is set before the first ring is armed.
 */
static bool read_sleep(void)
{
	bool armed;
	unsigned int i;

	set_current_state(TASK_INTERRUPTIBLE);
	armed = peer_arm(&ficm_loopback);
	for (i = 0; i < RF_WIRE_PEERS; i++)
		armed &= peer_arm(&ficm_peers[i]);
	armed &= !kthread_should_stop();
	if (armed)
		schedule();
	__set_current_state(TASK_RUNNING);
	return armed;
}

/*
 * A real-time thread that never sleeps would keep all others from its CPU for
 * ever. The rings fill meanwhile, which is nothing unusual.
 */
static void read_rest(unsigned long *since)
{
	if (time_before(jiffies, *since + READ_TURN)) {
		cond_resched();
		return;
	}
	schedule_timeout_uninterruptible(1);
	*since = jiffies;
}

static int read_loop(void *unused)
{
	unsigned long since = jiffies;
	unsigned int spins = 0;

	while (!kthread_should_stop()) {
		if (read_round()) {
			spins = 0;
			read_rest(&since);
		} else if (++spins < READ_SPINS) {
			cpu_relax();
		} else {
			spins = 0;
			if (read_sleep())
				since = jiffies;
		}
	}
	return 0;
}

/**
 * ficm_read_create() - make the thread; it does not run yet
 * @cpu: where
 *
 * Return: the thread or an error.
 */
struct task_struct *ficm_read_create(unsigned int cpu)
{
	reader = kthread_create_on_cpu(read_loop, NULL, cpu, "ficm_read/%u");
	if (!IS_ERR(reader))
		sched_set_fifo(reader);
	return reader;
}

/**
 * ficm_read_start() - begin to read
 */
void ficm_read_start(void)
{
	wake_up_process(reader);
}

/**
 * ficm_read_stop() - the end of the thread
 */
void ficm_read_stop(void)
{
	kthread_stop(reader);
}

/**
 * ficm_read_wake() - have it look: there is a new ring
 *
 * Context: any.
 */
void ficm_read_wake(void)
{
	wake_up_process(reader);
}
