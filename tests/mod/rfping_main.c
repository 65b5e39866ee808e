// SPDX-License-Identifier: GPL-2.0-only
/*
 * rfping.ko: how long things take between two kernels, and what they are compared
 * with. Loaded in both, with the numbers in /sys/module/ficm/directory; one of
 * them leads:
 *
 *	insmod rfping.ko dir=0x... slot=N cpu=C [partner=P]
 *	run "MODE ID SLOT TRIPS BATCHES"	the mode is a word, ID the peer, SLOT its
 *		entry in the directory; returns when it is over
 *	result	time of each batch, ns
 *
 * The thread that works is bound to CPU C, the one of FICM; partner is another
 * CPU of this kernel. For modes see names[].
 */
#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/io.h>
#include <linux/kernel.h>
#include <linux/kthread.h>
#include <linux/ktime.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <rainforest/ficm.h>
#include <uapi/linux/sched/types.h>

#include "rfping.h"

#define TYPE		253
#define BATCHES		200U
#define REST_US		1500
#define PATIENCE	(20 * HZ)

static unsigned long long dir;
module_param(dir, ullong, 0400);
static unsigned int slot;
module_param(slot, uint, 0400);
static unsigned int cpu;
module_param(cpu, uint, 0400);
static unsigned int partner;
module_param(partner, uint, 0400);

static const char *const names[PING_MODES] = {
	[PING_LINE] = "line",
	[PING_MSG] = "msg",
	[PING_RING] = "ring",
	[PING_POLL] = "poll",
	[PING_BELL] = "bell",
	[PING_WAKE] = "wake",
	[PING_FLOOD] = "flood",
	[PING_TRACED] = "traced",
	[PING_ALLOC] = "alloc",
	[PING_CALL] = "call",
	[PING_THREAD] = "thread",
};

struct text {
	__le32 mode;
	__le32 number;
	__le32 trips;
	__le32 batches;
	__le32 slot;		/* the leader's */
	__le32 answer;		/* to the leader, or of a flood */
};

static struct {
	u64 phys;
	struct rf_ficm_area *area;
} mapped[RF_WIRE_PEERS];

static DEFINE_MUTEX(run_lock);		/* one run at a time */
static DECLARE_COMPLETION(worked);
static u64 ns[BATCHES];
static u64 batch_begin;
static struct ping_run now;
static u32 now_peer;
static struct rf_msg trip_msg;		/* of this kernel in this run; its tag tells the trip */
static u32 arrived;			/* PING_WAKE, PING_POLL: trips that came back */
static u64 arrived_ns;
static struct task_struct *waits;
static int result;

void ping_account(const struct ping_run *run, u32 trip)
{
	u64 t;

	if (trip % run->trips)
		return;
	t = ktime_get_ns();
	if (trip)
		run->ns[trip / run->trips - 1] = t - batch_begin;
	batch_begin = t;
}

static struct rf_ficm_area *map_area(u32 which)
{
	struct rf_ficm_dir *map;
	u64 phys;

	if (which >= RF_WIRE_PEERS)
		return NULL;
	map = memremap(dir, sizeof(*map), MEMREMAP_WB);
	if (!map)
		return NULL;
	phys = le64_to_cpu(map->entry[which].area);
	memunmap(map);
	if (mapped[which].phys == phys)
		return mapped[which].area;
	if (mapped[which].area)
		memunmap(mapped[which].area);
	mapped[which].area = memremap(phys, sizeof(struct rf_ficm_area), MEMREMAP_WB);
	mapped[which].phys = mapped[which].area ? phys : 0;
	return mapped[which].area;
}

/* Each kernel writes in its own area only. */
static int map_lines(u32 peer_slot)
{
	struct rf_ficm_area *own = map_area(slot), *peer = map_area(peer_slot);

	BUILD_BUG_ON(sizeof(struct ping_lines) > sizeof(own->pair[0].reserved));
	BUILD_BUG_ON(offsetof(struct rf_ficm_pair, reserved) % 64);
	if (!own || !peer)
		return -ENOMEM;
	now.own = (struct ping_lines *)own->pair[peer_slot].reserved;
	now.peer = (struct ping_lines *)peer->pair[slot].reserved;
	WRITE_ONCE(now.own->bell, cpu_to_le64(ping_bell_place()));
	return 0;
}

static struct rf_msg message(bool answer)
{
	struct text text = {
		.mode = cpu_to_le32(now.mode),
		.number = cpu_to_le32(now.number),
		.trips = cpu_to_le32(now.trips),
		.batches = cpu_to_le32(now.batches),
		.slot = cpu_to_le32(slot),
		.answer = cpu_to_le32(answer),
	};
	struct rf_msg msg = { .type = cpu_to_le16(TYPE), .len = sizeof(text) };

	memcpy(msg.body, &text, sizeof(text));
	return msg;
}

static int send_trip(__le32 trip)
{
	trip_msg.tag = trip;
	return ficm_send(now_peer, &trip_msg);
}

/* As fast as the ring takes them; the peer does nothing with them. */
static int flood(void)
{
	u32 i, count = now.trips * now.batches;
	struct rf_msg msg = message(true);
	unsigned long end;
	int ret = 0;

	for (i = 0; i < count && !ret; i++) {
		end = jiffies + PATIENCE;
		while ((ret = ficm_send(now_peer, &msg)) == -EAGAIN && time_before(jiffies, end))
			cond_resched();
		if (now.mode == PING_ALLOC)
			kfree(kmalloc(sizeof(msg), GFP_KERNEL));
	}
	return ret;
}

/* There is room for all: who waits for it calls other code than ficm_send(). */
static int flood_traced(void)
{
	int ret;

	usleep_range(REST_US, 2 * REST_US);
	tracing_on();
	ret = flood();
	tracing_off();
	return ret;
}

static int wait_arrived(u32 trip)
{
	unsigned long end = jiffies + PATIENCE;

	for (;;) {
		set_current_state(TASK_UNINTERRUPTIBLE);
		/* Pairs with came_back(). */
		if (smp_load_acquire(&arrived) > trip || time_after(jiffies, end))
			break;
		schedule_timeout(PATIENCE);
	}
	__set_current_state(TASK_RUNNING);
	return READ_ONCE(arrived) > trip ? 0 : -ETIMEDOUT;
}

/* All sleep, both reading threads and this one, before each trip. */
static int wake_trips(void)
{
	u64 start;
	u32 i;
	int ret = 0;

	for (i = 0; i <= now.batches && !ret; i++) {
		usleep_range(REST_US, 2 * REST_US);
		start = ktime_get_ns();
		ret = send_trip(cpu_to_le32(i)) ?: wait_arrived(i);
		if (i)
			ns[i - 1] = arrived_ns - start;
	}
	return ret;
}

static int poll_trips(void)
{
	return send_trip(0) ?: wait_arrived(now.trips * now.batches);
}

/* The handler of the leader: a message came back. */
static void came_back(u32 trip)
{
	u32 last = now.mode == PING_POLL ? now.trips * now.batches : trip;

	if (now.mode == PING_POLL)
		ping_account(&now, trip);
	else
		arrived_ns = ktime_get_ns();
	/* Its time before it: pairs with wait_arrived(). */
	smp_store_release(&arrived, trip + 1);
	if (trip < last)
		send_trip(cpu_to_le32(trip + 1));
	else
		wake_up_process(waits);
}

static int work(void)
{
	switch (now.mode) {
	case PING_LINE:
	case PING_MSG:
		return ping_poll_lines(&now);
	case PING_RING:
		return ping_poll_rings(&now);
	case PING_BELL:
		return ping_bells(&now);
	case PING_CALL:
		return ping_calls(&now, partner);
	case PING_THREAD:
		return ping_threads(&now, partner);
	case PING_POLL:
		return poll_trips();
	case PING_WAKE:
		return wake_trips();
	case PING_TRACED:
	case PING_ALLOC:
		return flood_traced();
	default:
		return flood();
	}
}

static int worker(void *unused)
{
	waits = current;
	result = work();
	complete(&worked);
	module_put_and_kthread_exit(0);
}

static int start_worker(void)
{
	struct task_struct *thread;

	__module_get(THIS_MODULE);
	thread = kthread_create_on_cpu(worker, NULL, cpu, "rfping/%u");
	if (IS_ERR(thread)) {
		module_put(THIS_MODULE);
		return PTR_ERR(thread);
	}
	if (now.mode == PING_THREAD)
		sched_set_fifo(thread);
	wake_up_process(thread);
	return 0;
}

/* The follower begins what the leader has begun; a thread of its own does what polls. */
static void follow(u32 peer, const struct text *text)
{
	now = (struct ping_run) {
		.mode = le32_to_cpu(text->mode),
		.number = le32_to_cpu(text->number),
		.trips = le32_to_cpu(text->trips),
		.batches = le32_to_cpu(text->batches),
	};
	now_peer = peer;
	trip_msg = message(true);
	if (now.mode <= PING_BELL && now.mode != PING_POLL && !map_lines(le32_to_cpu(text->slot)))
		start_worker();
}

static void receive(u32 peer, const struct rf_msg *msg, void *arg)
{
	const struct text *text = (const struct text *)msg->body;

	if (now.leads) {
		if (text->answer && text->number == cpu_to_le32(now.number))
			came_back(le32_to_cpu(msg->tag));
		return;
	}
	if (text->answer)
		return;		/* of a flood */
	if (le32_to_cpu(text->number) != now.number)
		follow(peer, text);
	if (now.mode == PING_POLL || now.mode == PING_WAKE)
		send_trip(msg->tag);
}

static bool here_alone(void)
{
	return now.mode == PING_CALL || now.mode == PING_THREAD;
}

static bool needs_follower(void)
{
	return now.mode <= PING_BELL && now.mode != PING_POLL;
}

/* The ring of the last run is made anew by both: nobody must find the old one. */
static int begin(const char *word, u32 peer_slot)
{
	static u32 number;
	int mode = match_string(names, PING_MODES, word);

	if (mode < 0 || !now.trips || !now.batches || now.batches > BATCHES)
		return -EINVAL;
	now.mode = mode;
	now.number = ++number;
	now.leads = true;
	now.ns = ns;
	memset(ns, 0, sizeof(ns));
	arrived = 0;
	trip_msg = message(false);
	reinit_completion(&worked);
	return here_alone() ? 0 : map_lines(peer_slot);
}

static int run_set(const char *val, const struct kernel_param *kp)
{
	u32 peer_slot;
	char word[16];
	int ret;

	mutex_lock(&run_lock);
	ret = -EINVAL;
	if (sscanf(val, "%15s %u %u %u %u", word, &now_peer, &peer_slot, &now.trips,
		   &now.batches) == 5)
		ret = begin(word, peer_slot);
	if (!ret && needs_follower())
		ret = send_trip(0);
	ret = ret ?: start_worker();
	if (!ret) {
		wait_for_completion(&worked);
		ret = result;
	}
	mutex_unlock(&run_lock);
	return ret;
}

static const struct kernel_param_ops run_ops = { .set = run_set };
module_param_cb(run, &run_ops, NULL, 0200);

static int result_get(char *buf, const struct kernel_param *kp)
{
	unsigned int i;
	int len = 0;

	for (i = 0; i < now.batches; i++)
		len += scnprintf(buf + len, PAGE_SIZE - len, "%llu\n", ns[i]);
	return len;
}

static const struct kernel_param_ops result_ops = { .get = result_get };
module_param_cb(result, &result_ops, NULL, 0400);

static int __init rfping_init(void)
{
	int ret;

	if (slot >= RF_WIRE_PEERS || cpu >= nr_cpu_ids || partner >= nr_cpu_ids)
		return -EINVAL;
	ret = ping_bell_init(cpu);
	if (ret)
		return ret;
	ret = ficm_register(TYPE, receive, NULL);
	if (ret)
		ping_bell_exit();
	return ret;
}

static void __exit rfping_exit(void)
{
	unsigned int i;

	ficm_unregister(TYPE);
	ping_bell_exit();
	for (i = 0; i < RF_WIRE_PEERS; i++)
		if (mapped[i].area)
			memunmap(mapped[i].area);
}

module_init(rfping_init);
module_exit(rfping_exit);
MODULE_IMPORT_NS(RAINFOREST_FICM);
MODULE_DESCRIPTION("RainForest: times between two kernels, for its benchmark");
MODULE_AUTHOR("RainForest developers");
MODULE_LICENSE("GPL");
