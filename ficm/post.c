// SPDX-License-Identifier: GPL-2.0-only
/*
 * The thread that writes, for those who cannot try again themselves: a message
 * goes into a queue of bounded length, from there to the peer, again and again
 * for a while when the peer's ring is full.
 *
 * The queue takes from several, also from interrupts that interrupt each other,
 * and gives to one. Each cell has a turn: its number when it may be filled, one
 * more when it is full, and a whole round more when it has been emptied.
 */
#include <linux/atomic.h>
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/export.h>
#include <linux/jiffies.h>
#include <linux/kthread.h>
#include <linux/sched.h>
#include <rainforest/ficm.h>
#include <uapi/linux/sched/types.h>

#include "internal.h"

#define POST_CELLS	256U			/* a power of two */
#define POST_PATIENCE	(HZ / 10)		/* with a peer whose ring is full */
#define POST_REST_US	50			/* between two tries */

struct post_cell {
	u32 turn;
	u32 peer;
	struct rf_msg msg;
};

static struct post_cell cells[POST_CELLS];
static atomic_t post_next;		/* cell to be filled next */
static u32 post_done;			/* cell to be emptied next; the thread's own */
static struct task_struct *writer;
static u32 impatient_with;		/* peer that was waited for in vain */

u64 ficm_posted;
u64 ficm_dropped;

static bool queue_put(u32 peer, const struct rf_msg *msg)
{
	u32 next = atomic_read(&post_next);
	struct post_cell *cell;
	s32 ahead;

	for (;;) {
		cell = &cells[next % POST_CELLS];
		/* Emptied before it is filled anew: pairs with queue_get(). */
		ahead = smp_load_acquire(&cell->turn) - next;
		if (ahead < 0)
			return false;
		if (ahead > 0)
			next = atomic_read(&post_next);	/* somebody else has it */
		else if (atomic_try_cmpxchg(&post_next, (int *)&next, next + 1))
			break;
	}
	cell->peer = peer;
	cell->msg = *msg;
	/* Filled before its turn: pairs with queue_get(). */
	smp_store_release(&cell->turn, next + 1);
	return true;
}

static struct post_cell *queue_look(void)
{
	struct post_cell *cell = &cells[post_done % POST_CELLS];

	/* Pairs with queue_put(). */
	return smp_load_acquire(&cell->turn) == post_done + 1 ? cell : NULL;
}

static bool queue_get(u32 *peer, struct rf_msg *msg)
{
	struct post_cell *cell = queue_look();

	if (!cell)
		return false;
	*peer = cell->peer;
	*msg = cell->msg;
	/* Read before it is filled anew: pairs with queue_put(). */
	smp_store_release(&cell->turn, post_done + POST_CELLS);
	post_done++;
	return true;
}

/*
 * One peer that does not read must not hold up the messages to all others: it is
 * waited for once, and then again only when it has taken something.
 */
static void write_one(u32 peer, const struct rf_msg *msg)
{
	unsigned long end = jiffies + (peer == impatient_with ? 0 : POST_PATIENCE);
	int ret;

	while ((ret = ficm_send(peer, msg)) == -EAGAIN && time_before(jiffies, end) &&
	       !kthread_should_stop())
		usleep_range(POST_REST_US, 2 * POST_REST_US);
	if (!ret && peer == impatient_with)
		impatient_with = RF_FICM_NOBODY;
	if (ret == -EAGAIN)
		impatient_with = peer;
	if (ret)
		ficm_dropped++;
	else
		ficm_posted++;
}

static int write_loop(void *unused)
{
	struct rf_msg msg;
	u32 peer;

	while (!kthread_should_stop()) {
		if (queue_get(&peer, &msg)) {
			write_one(peer, &msg);
			cond_resched();
			continue;
		}
		set_current_state(TASK_INTERRUPTIBLE);
		if (!queue_look() && !kthread_should_stop())
			schedule();
		__set_current_state(TASK_RUNNING);
	}
	return 0;
}

/**
 * ficm_post() - have a message sent
 * @peer: whom to
 * @msg: the message; copied
 *
 * For those who cannot try again when a ring is full: the writing thread does,
 * for a tenth of a second, and drops the message then. What one sender posts to
 * one peer stays in order; what it sends with ficm_send() meanwhile may come
 * first. ``dropped`` in sysfs counts what was not sent, for whichever reason.
 *
 * Context: any but NMI.
 * Return: 0 when it will be tried, -EAGAIN when too many are waiting, -ENOENT when
 * there is no such peer, -EINVAL for a length, a flag or a type that cannot be.
 */
int ficm_post(u32 peer, const struct rf_msg *msg)
{
	if (le16_to_cpu(msg->type) >= FICM_TYPES || msg->len > RF_MSG_BODY || msg->flags)
		return -EINVAL;
	if (!ficm_peer_find(peer))
		return -ENOENT;
	if (!queue_put(peer, msg))
		return -EAGAIN;
	wake_up_process(writer);
	return 0;
}
EXPORT_SYMBOL_NS_GPL(ficm_post, RAINFOREST_FICM);

/**
 * ficm_post_init() - start the thread
 * @cpu: where
 *
 * Return: 0 or an error.
 */
int ficm_post_init(unsigned int cpu)
{
	u32 i;

	for (i = 0; i < POST_CELLS; i++)
		cells[i].turn = i;
	impatient_with = RF_FICM_NOBODY;
	writer = kthread_create_on_cpu(write_loop, NULL, cpu, "ficm_write/%u");
	if (IS_ERR(writer))
		return PTR_ERR(writer);
	sched_set_fifo(writer);
	wake_up_process(writer);
	return 0;
}

/**
 * ficm_post_exit() - stop it; what still waits is not sent
 */
void ficm_post_exit(void)
{
	kthread_stop(writer);
}
