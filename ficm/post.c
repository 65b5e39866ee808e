// SPDX-License-Identifier: GPL-2.0-only
/*
 * The thread that writes, for those who cannot try again themselves: a message
 * goes into a queue of bounded length, one for each peer, from there into the
 * ring, again and again for a while when that is full. A peer that does not read
 * holds up nobody else's messages.
 *
 * A queue takes from several, also from interrupts that interrupt each other,
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

#define POST_CELLS	64U		/* a power of two */
#define POST_PATIENCE	HZ		/* with a peer that takes nothing ... */
#define POST_TRIES	1000U		/* ... and this often: time may have passed without us */
#define POST_REST_US	100		/* between two tries */

struct post_cell {
	u32 turn;
	u32 generation;
	u32 id;
	struct rf_msg msg;
};

/**
 * struct post_queue - what waits for one peer
 * @cell: the messages
 * @next: cell to be filled next
 * @done: cell to be emptied next; the writing thread's own, as what follows
 * @tries: refusals since the peer took something
 * @since: when they began
 */
struct post_queue {
	struct post_cell cell[POST_CELLS];
	atomic_t next;
	u32 done;
	u32 tries;
	unsigned long since;
};

static struct post_queue queues[RF_WIRE_PEERS + 1];	/* the last is the loopback's */
static struct task_struct *writer;

u64 ficm_posted;
u64 ficm_dropped;

static struct post_queue *queue_of(const struct ficm_peer *peer)
{
	return &queues[peer == &ficm_loopback ? RF_WIRE_PEERS : peer - ficm_peers];
}

static struct ficm_peer *peer_of(const struct post_queue *queue)
{
	unsigned int i = queue - queues;

	return i == RF_WIRE_PEERS ? &ficm_loopback : &ficm_peers[i];
}

/* The next cell, to be filled; NULL when all are full. */
static struct post_cell *queue_claim(struct post_queue *queue)
{
	int next = atomic_read(&queue->next);
	struct post_cell *cell;
	s32 ahead;

	for (;;) {
		cell = &queue->cell[next % POST_CELLS];
		/* Emptied before it is filled anew: pairs with queue_drop(). */
		ahead = smp_load_acquire(&cell->turn) - next;
		if (ahead < 0)
			return NULL;
		if (ahead > 0)
			next = atomic_read(&queue->next);	/* somebody else has it */
		else if (atomic_try_cmpxchg(&queue->next, &next, next + 1))
			return cell;
	}
}

static void queue_fill(struct post_cell *cell)
{
	/* Filled before its turn: pairs with queue_first(). */
	smp_store_release(&cell->turn, cell->turn + 1);
}

static struct post_cell *queue_first(struct post_queue *queue)
{
	struct post_cell *cell = &queue->cell[queue->done % POST_CELLS];

	/* Pairs with queue_fill(). */
	return smp_load_acquire(&cell->turn) == queue->done + 1 ? cell : NULL;
}

static void queue_drop(struct post_queue *queue, struct post_cell *cell)
{
	/* Read before it is filled anew: pairs with queue_claim(). */
	smp_store_release(&cell->turn, queue->done + POST_CELLS);
	queue->done++;
}

/* Try once more? What was refused before a peer came to life counts no more. */
static bool queue_patient(struct post_queue *queue)
{
	if (!queue->tries++)
		queue->since = jiffies;
	return queue->tries < POST_TRIES || time_before(jiffies, queue->since + POST_PATIENCE);
}

/*
 * The first message of a queue. Returns whether there was one and it left the
 * queue, sent or not.
 */
static bool write_first(struct post_queue *queue)
{
	struct post_cell *cell = queue_first(queue);
	int ret;

	if (!cell)
		return false;
	ret = ficm_peer_send(peer_of(queue), cell->id, cell->generation, &cell->msg);
	if (ret == -EAGAIN && queue_patient(queue))
		return false;
	if (ret) {
		WRITE_ONCE(ficm_dropped, ficm_dropped + 1);
	} else {
		WRITE_ONCE(ficm_posted, ficm_posted + 1);
		queue->tries = 0;
	}
	queue_drop(queue, cell);
	return true;
}

static bool write_round(void)
{
	bool any = false;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(queues); i++)
		any |= write_first(&queues[i]);
	return any;
}

static bool nothing_waits(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(queues); i++)
		if (queue_first(&queues[i]))
			return false;
	return true;
}

static int write_loop(void *unused)
{
	while (!kthread_should_stop()) {
		if (write_round()) {
			cond_resched();
			continue;
		}
		set_current_state(TASK_INTERRUPTIBLE);
		if (nothing_waits() && !kthread_should_stop()) {
			schedule();
			continue;
		}
		__set_current_state(TASK_RUNNING);
		usleep_range(POST_REST_US, 2 * POST_REST_US);
	}
	return 0;
}

/**
 * ficm_post() - have a message sent
 * @peer: whom to
 * @msg: the message; copied
 *
 * For those who cannot try again when a ring is full: the writing thread does,
 * until the peer has taken nothing for a second; then it drops what waits, until
 * the peer takes something again. What was posted to a kernel that is gone is not
 * sent to its successor. What one sender posts to one peer stays in order; what it
 * sends with ficm_send() meanwhile may come first. ``dropped`` in sysfs counts
 * what was not sent, for whichever reason.
 *
 * Context: any but NMI.
 * Return: 0 when it will be tried, -EAGAIN when too many are waiting for that peer,
 * -ENOENT when there is no such peer, -EINVAL for a length, a flag or a type that
 * cannot be.
 */
int ficm_post(u32 peer, const struct rf_msg *msg)
{
	struct ficm_peer *to = ficm_peer_find(peer);
	struct post_cell *cell;

	if (!ficm_msg_good(msg))
		return -EINVAL;
	if (!to)
		return -ENOENT;
	cell = queue_claim(queue_of(to));
	if (!cell)
		return -EAGAIN;
	cell->id = peer;
	cell->generation = READ_ONCE(to->generation);
	cell->msg = *msg;
	queue_fill(cell);
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
	unsigned int i, n;

	for (i = 0; i < ARRAY_SIZE(queues); i++)
		for (n = 0; n < POST_CELLS; n++)
			queues[i].cell[n].turn = n;
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
