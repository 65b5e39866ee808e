// SPDX-License-Identifier: GPL-2.0-only
/*
 * The thread that reads: a few messages of each peer in turn, as long as there
 * are any; then it looks some more times, asks all peers for the doorbell, looks
 * once more, and sleeps.
 *
 * How long it looks is a guess and decides nothing: what closes the race with a
 * message under way is the look after asking, ficm_ring_arm(). A look takes no
 * lock: it reads the one word per peer that changes when a message comes.
 *
 * Where messages flow and somebody wants this CPU, that is most likely who reads them.
 * Looking on would keep him from it, and a doorbell for each message cost more than it
 * brings: then the thread sleeps without one, for a moment, or until he has read all.
 */
#include <linux/bitops.h>
#include <linux/err.h>
#include <linux/export.h>
#include <linux/hrtimer.h>
#include <linux/jiffies.h>
#include <linux/kthread.h>
#include <linux/ktime.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/sched/stat.h>
#include <rainforest/ficm.h>
#include <uapi/linux/sched/types.h>

#include "internal.h"
#include "trace.h"

#define READ_BATCH	64	/* messages of one peer before others have their turn */
#define READ_TURN	(HZ / 50 ?: 1)	/* of work before the CPU's other tasks have theirs */
#define READ_FEW	64U	/* looks without a pause in between */
#define READ_SPIN_MIN_NS	(10 * NSEC_PER_USEC)
#define READ_SPIN_MAX_NS	(200 * NSEC_PER_USEC)
#define READ_FLOW	16	/* messages since it slept: then they flow */
#define READ_REST_NS	(400 * NSEC_PER_USEC)	/* without a doorbell, at most */

static struct task_struct *reader;
static bool read_resting;	/* without a doorbell */

/*
 * What follows is the thread's own. The message is not on its stack, which the kernel
 * would clear each time.
 */
static struct rf_msg read_msg;
static u64 read_spin_ns;	/* how long to look on before sleeping; 0: a few times */
static unsigned int read_flow;	/* messages since it slept */

/* Under RCU, so that what @at points to stays mapped. */
static bool peer_quiet(const struct ficm_peer *peer)
{
	const __le64 *at = READ_ONCE(peer->at);

	return at ? READ_ONCE(*at) == peer->before : READ_ONCE(peer->broken);
}

/* Up to so many looks. Returns where something may have come: one bit for each place. */
static u32 read_look(unsigned int looks)
{
	u32 open, some = 0;

	rcu_read_lock();
	while (looks-- && !some)
		for (open = READ_ONCE(ficm_open); open; open &= open - 1)
			if (!peer_quiet(ficm_peer_at(__ffs(open))))
				some |= open & -open;
	rcu_read_unlock();
	return some;
}

/* Whether a message came. If none did, it is known where the next one will show. */
static bool peer_get(struct ficm_peer *peer)
{
	int ret = -ENOENT;

	spin_lock(&peer->in_lock);
	if (peer->open) {
		ret = ficm_ring_get(&peer->in, &read_msg);
		if (ret)
			WRITE_ONCE(peer->at, ficm_ring_next(&peer->in, &peer->before));
		if (ret == -EPIPE && !peer->broken) {
			WRITE_ONCE(peer->broken, true);
			trace_ficm_broken(peer->id, peer->in.fault);
		}
	}
	spin_unlock(&peer->in_lock);
	return !ret;
}

static bool read_some(struct ficm_peer *peer)
{
	unsigned int n;

	for (n = 0; n < READ_BATCH && peer_get(peer); n++) {
		if (!n)
			ficm_dispatch_begin();
		if (!ficm_dispatch(peer, &read_msg))
			peer->unhandled++;
	}
	if (n)
		ficm_dispatch_end();
	read_flow += n;
	return n;
}

/* The message that tells of a change may have found the ring full. */
static void read_dir(void)
{
	if (ficm_dir_changed())
		ficm_refresh_later();
}

static bool read_round(u32 some)
{
	bool any = false;

	for (; some; some &= some - 1)
		any |= read_some(ficm_peer_at(__ffs(some)));
	if (any)
		read_dir();
	return any;
}

/* Will its next message ring? A broken ring rings no more. */
static bool peer_arm(struct ficm_peer *peer)
{
	bool armed;

	spin_lock(&peer->in_lock);
	armed = !peer->open || peer->in.fault || ficm_ring_arm(&peer->in);
	spin_unlock(&peer->in_lock);
	return armed;
}

/*
 * Sleeps until a doorbell rings, unless something came: false then. A message that comes
 * behind our back, to a ring that was armed already, wakes us by its doorbell:
 * the state is set before the first ring is armed. So it is before we look which
 * peers there are: who opens one wakes us afterwards.
 */
static bool read_sleep(void)
{
	bool armed = true;
	u32 open;

	read_dir();
	set_current_state(TASK_INTERRUPTIBLE);
	for (open = READ_ONCE(ficm_open); open; open &= open - 1)
		armed &= peer_arm(ficm_peer_at(__ffs(open)));
	armed &= !kthread_should_stop();
	if (armed)
		schedule();
	__set_current_state(TASK_RUNNING);
	return armed;
}

/**
 * ficm_read_wanted() - is there something for the thread, if it sleeps?
 *
 * Context: any.
 * Return: false when it would sleep again at once.
 */
bool ficm_read_wanted(void)
{
	return read_look(1) || ficm_dir_changed();
}

/*
 * Whoever was rung for soon after he went to sleep would better have looked on a little
 * longer: a doorbell and two switches would have been saved. So he does the next time.
 * Whoever slept long, or was rung for nothing, looks half as long, and in the end hardly
 * at all: a message now and then shall not cost more than it must.
 */
static void read_learn(u64 since)
{
	s64 until = READ_ONCE(ficm_doorbell_rang) - since;

	if (until < 0)
		return;		/* woken otherwise */
	if (until < READ_SPIN_MAX_NS && read_look(1))
		read_spin_ns = clamp_t(u64, 2 * read_spin_ns, READ_SPIN_MIN_NS, READ_SPIN_MAX_NS);
	else
		read_spin_ns = read_spin_ns > READ_SPIN_MIN_NS ? read_spin_ns / 2 : 0;
}

static bool read_nap(void)
{
	u64 since = ktime_get_mono_fast_ns();
	bool slept = read_sleep();

	if (slept) {
		read_learn(since);
		read_flow = 0;
	}
	return slept;
}

static bool read_in_the_way(void)
{
	return read_flow >= READ_FLOW && !single_task_running();
}

/* Sleeps without a doorbell, if it is in the way; not twice for the same messages. */
static bool read_give_way(void)
{
	ktime_t most = ns_to_ktime(READ_REST_NS);

	if (!read_in_the_way())
		return false;
	read_flow = 0;
	set_current_state(TASK_INTERRUPTIBLE);
	/* Whoever sees it finds us asleep, or wakes us before: pairs with ficm_read_more(). */
	smp_store_release(&read_resting, true);
	if (!kthread_should_stop())
		schedule_hrtimeout(&most, HRTIMER_MODE_REL);
	__set_current_state(TASK_RUNNING);
	WRITE_ONCE(read_resting, false);
	return true;
}

/*
 * Looks until something comes, but for a limited time, which is short when
 * others want the CPU: they cannot have it from a real-time thread.
 */
static u32 read_spin(void)
{
	u64 since, spun = 0;
	u32 some = read_look(read_in_the_way() ? 1 : READ_FEW);

	if (some || !read_spin_ns || read_in_the_way())
		return some;
	since = ktime_get_mono_fast_ns();
	while (!some && spun < read_spin_ns &&
	       (spun < READ_SPIN_MIN_NS || single_task_running())) {
		cpu_relax();
		some = read_look(READ_FEW);
		spun = ktime_get_mono_fast_ns() - since;
	}
	return some;
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

	while (!kthread_should_stop()) {
		if (read_round(read_spin()))
			read_rest(&since);
		else if (read_give_way() || read_nap())
			since = jiffies;
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
 * ficm_read_more() - whoever handled all that came would like more
 *
 * For who reads what a handler has put somewhere, before he waits. The thread may have left
 * him the CPU, and listens to no doorbell for a moment: see above.
 *
 * Context: any.
 */
void ficm_read_more(void)
{
	/* Pairs with read_give_way(). */
	if (smp_load_acquire(&read_resting))
		wake_up_process(reader);
}
EXPORT_SYMBOL_NS_GPL(ficm_read_more, RAINFOREST_FICM);

/**
 * ficm_read_wake() - have it look: there is a new ring
 *
 * Context: any.
 */
void ficm_read_wake(void)
{
	wake_up_process(reader);
}
