// SPDX-License-Identifier: GPL-2.0-only
/*
 * Status page: what this kernel tells the supervisor about itself, and the
 * heartbeat that keeps it true.
 *
 * The beat comes from a real-time kernel thread: it goes on when user space
 * takes every core, and it needs neither memory nor another worker, as a
 * work queue would. It stops when a core spins with interrupts off for long
 * or when the scheduler is dead, which is what "hung" is meant to say.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/atomic.h>
#include <linux/cpumask.h>
#include <linux/err.h>
#include <linux/jiffies.h>
#include <linux/kthread.h>
#include <linux/minmax.h>
#include <linux/sched.h>
#include <linux/string.h>
#include <linux/utsname.h>

#include "subos.h"

#define SUBOS_BEAT_MIN_MS	10
#define SUBOS_BEAT_MAX_MS	10000
#define SUBOS_BEAT_STAT		10	/* beats between two sets of figures */

static struct task_struct *beat_thread;
static u64 beat_count;
static atomic_t state = ATOMIC_INIT(RF_SUB_NONE);
static atomic_t flags;
static atomic_t reason_taken;	/* the first reason is the true one */

/**
 * subos_status_get() - the state that was reported last
 *
 * Return: RF_SUB_*.
 */
u32 subos_status_get(void)
{
	return atomic_read(&state);
}

/**
 * subos_status_state() - report a state
 * @new: RF_SUB_*; the states are in the order of life and never go back
 *
 * Context: any, NMI included.
 */
void subos_status_state(u32 new)
{
	u32 old = atomic_read(&state);

	do {
		if (new <= old)
			return;
	} while (!atomic_try_cmpxchg(&state, &old, new));

	smp_wmb();	/* the reason first: the supervisor reads it when it sees the state */
	WRITE_ONCE(subos_facts.status->state, cpu_to_le32(new));
}

/**
 * subos_status_flag() - report a property of this kernel
 * @flag: RF_SUBF_*
 */
void subos_status_flag(u32 flag)
{
	atomic_or(flag, &flags);
	WRITE_ONCE(subos_facts.status->flags, cpu_to_le32(atomic_read(&flags)));
}

/**
 * subos_status_request() - report that a request was taken up
 * @seq: its number
 */
void subos_status_request(u32 seq)
{
	WRITE_ONCE(subos_facts.status->request_seq, cpu_to_le32(seq));
}

/**
 * subos_status_reason_replace() - say why, whatever was said before
 * @text: its first line is used
 *
 * Context: any, NMI included.
 */
void subos_status_reason_replace(const char *text)
{
	char *reason = subos_facts.status->reason;
	size_t i;

	atomic_set(&reason_taken, 1);
	for (i = 0; i < sizeof(subos_facts.status->reason) - 1; i++) {
		unsigned char c = text[i];

		if (!c || c == '\n')
			break;
		WRITE_ONCE(reason[i], c >= ' ' && c < 127 ? c : '?');
	}
	WRITE_ONCE(reason[i], '\0');
}

/**
 * subos_status_reason() - say why, if nothing was said before
 * @text: its first line is used
 *
 * Context: any, NMI included.
 */
void subos_status_reason(const char *text)
{
	if (!atomic_xchg(&reason_taken, 1))
		subos_status_reason_replace(text);
}

/**
 * subos_status_online() - report how many CPUs are on line
 *
 * Return: their number.
 */
u32 subos_status_online(void)
{
	u32 online = num_online_cpus();

	WRITE_ONCE(subos_facts.status->nr_online, cpu_to_le32(online));
	return online;
}

static void beat(void)
{
	struct rf_status *status = subos_facts.status;

	subos_status_online();
	WRITE_ONCE(status->heartbeat, cpu_to_le64(++beat_count));
	if (!(beat_count % SUBOS_BEAT_STAT))
		subos_stat_kick();
}

static int beat_loop(void *unused)
{
	u32 ms = clamp_t(u32, le32_to_cpu(subos_facts.boot.heartbeat_ms),
			 SUBOS_BEAT_MIN_MS, SUBOS_BEAT_MAX_MS);

	while (!kthread_should_stop()) {
		beat();
		subos_request_poll();
		subos_console_look();
		schedule_timeout_interruptible(msecs_to_jiffies(ms));
	}
	return 0;
}

static void page_fill(const char *boot_id)
{
	struct rf_status *status = subos_facts.status;

	memset(status, 0, sizeof(*status));
	status->version = cpu_to_le32(RF_WIRE_VERSION);
	status->size = cpu_to_le32(sizeof(*status));
	status->generation = subos_facts.boot.generation;
	strscpy(status->release, init_uts_ns.name.release, sizeof(status->release));
	strscpy(status->boot_id, boot_id, sizeof(status->boot_id));
	strim(status->boot_id);
	smp_wmb();	/* the page counts from the moment its magic is there */
	WRITE_ONCE(status->magic, cpu_to_le32(RF_STATUS_MAGIC));
}

/**
 * subos_status_init() - fill the status page and start the heartbeat
 * @boot_id: boot id of this kernel, a string
 *
 * Return: 0, -ENOMEM.
 */
int subos_status_init(const char *boot_id)
{
	struct task_struct *thread;

	page_fill(boot_id);
	thread = kthread_create(beat_loop, NULL, "subos_beat");
	if (IS_ERR(thread))
		return PTR_ERR(thread);
	sched_set_fifo(thread);
	beat_thread = thread;
	subos_status_state(RF_SUB_MODULE);
	pr_info("the supervisor sees this kernel live\n");	/* tools/bench looks for it */
	wake_up_process(thread);
	return 0;
}

/**
 * subos_status_exit() - stop the heartbeat
 */
void subos_status_exit(void)
{
	kthread_stop(beat_thread);
	subos_request_exit();
}
