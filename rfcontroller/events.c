// SPDX-License-Identifier: GPL-2.0-only
/*
 * DOC: Events: what happened to the subOSes
 *
 * A ring of the newest EVENTS. Each descriptor of /dev/rainforest has a place
 * in it of its own, and polls as readable while there is something behind that
 * place.
 */
#include <linux/cleanup.h>
#include <linux/mm.h>
#include <linux/poll.h>
#include <linux/sched.h>
#include <linux/spinlock.h>
#include <linux/timekeeping.h>
#include <linux/uaccess.h>
#include <linux/wait.h>
#include "anchor.h"
#include "cdev.h"
#include "fail.h"
#include "internal.h"

#define EVENTS		4096U	/* a power of two */
#define EVENTS_CHUNK	16U	/* copied at a time */

/* protects everything below; process context only, sleeps nowhere */
static DEFINE_SPINLOCK(events_lock);
static struct rf_event *events;
static u64 events_last;		/* seq of the newest; also read without the lock */
static DECLARE_WAIT_QUEUE_HEAD(events_wait);

/**
 * rfctl_events_save() - put them into the anchor
 * @out: the anchor
 * @machine: what of it is there once
 *
 * Context: nothing happens meanwhile.
 */
void rfctl_events_save(struct rf_anchor_out *out, struct rf_anchor_machine *machine)
{
	u64 seq = events_last > EVENTS ? events_last - EVENTS + 1 : 1;

	for (; seq <= events_last; seq++)
		rf_anchor_put(out, RF_ANCHOR_EVENT, &events[(seq - 1) & (EVENTS - 1)],
			      sizeof(*events));
	machine->last_event = events_last;
}

static void events_adopt(void)
{
	struct rf_anchor_machine machine;
	struct rf_anchor_iter it;
	struct rf_event event;

	if (!rfctl_adopted)
		return;
	rfctl_adopt_machine(&machine);
	rf_anchor_first(&it, rfctl_adopted, RF_ANCHOR_EVENT);
	while (rf_anchor_next(&it, &event, sizeof(event)))
		events[(event.seq - 1) & (EVENTS - 1)] = event;
	events_last = machine.last_event;
}

/**
 * rfctl_events_init() - make room, and adopt what was
 *
 * Return: 0, -ENOMEM.
 */
int rfctl_events_init(void)
{
	events = rfctl_alloc(kvcalloc(EVENTS, sizeof(*events), GFP_KERNEL));
	if (!events)
		return -ENOMEM;
	events_adopt();
	return 0;
}

/**
 * rfctl_events_exit() - no longer
 */
void rfctl_events_exit(void)
{
	kvfree(events);
	events = NULL;
}

/* What a program asked for says who; what happens by itself has a reason of its own. */
static void events_asked_by(char *text, size_t size)
{
	char comm[TASK_COMM_LEN];

	if (current->flags & PF_KTHREAD)
		return;
	get_task_comm(comm, current);
	scnprintf(text, size, "asked by %s[%d]", comm, task_tgid_nr(current));
}

/**
 * rfctl_event() - something happened
 * @so: to this subOS
 * @kind: RF_EVENT_*
 * @value: see RF_EVENT_*
 * @error: 0, or why it failed (either sign)
 * @text: one line; empty: who asked for it
 *
 * Context: process context, may hold locks. Cannot fail.
 */
void rfctl_event(const struct subos *so, u32 kind, u64 value, int error, const char *text)
{
	struct rf_event *event;

	spin_lock(&events_lock);
	event = &events[events_last & (EVENTS - 1)];
	*event = (struct rf_event) {
		.seq = events_last + 1,
		.time_ns = ktime_get_real_ns(),
		.kind = kind,
		.id = so->id,
		.value = value,
		.error = abs(error),
	};
	strscpy(event->name, so->name, sizeof(event->name));
	strscpy(event->text, text, sizeof(event->text));
	if (!text[0] && kind != RF_EVENT_STATE)
		events_asked_by(event->text, sizeof(event->text));
	WRITE_ONCE(events_last, events_last + 1);
	spin_unlock(&events_lock);
	wake_up_interruptible(&events_wait);
}

/**
 * rfctl_events_next() - the place of a descriptor that has read nothing yet
 *
 * Return: seq of the event that comes next.
 */
u64 rfctl_events_next(void)
{
	return READ_ONCE(events_last) + 1;
}

/* Copies events from *@first on; *@first is moved when they are forgotten, or to come. */
static u32 events_copy(struct rf_event *dest, u64 *first, u32 max)
{
	u32 n;

	spin_lock(&events_lock);
	if (events_last > EVENTS && *first <= events_last - EVENTS)
		*first = events_last - EVENTS + 1;
	for (n = 0; n < max && *first + n <= events_last; n++)
		dest[n] = events[(*first + n - 1) & (EVENTS - 1)];
	spin_unlock(&events_lock);
	return n;
}

static int events_read(struct rf_events *req)
{
	struct rf_event __user *dest = u64_to_user_ptr(req->entries);
	struct rf_event *chunk __free(kfree) =
		rfctl_alloc(kmalloc_array(EVENTS_CHUNK, sizeof(*chunk), GFP_KERNEL));
	u64 next = req->first;
	u32 n;

	if (!chunk)
		return -ENOMEM;
	req->count = 0;
	do {
		u64 want = next;

		n = events_copy(chunk, &next, min(EVENTS_CHUNK, req->capacity - req->count));
		if (!req->count)
			req->first = next;
		else if (next != want)
			break;	/* forgotten while we copied: the caller asks again */
		if (copy_to_user(dest + req->count, chunk, n * sizeof(*chunk)))
			return -EFAULT;
		req->count += n;
		next += n;
	} while (n && req->count < req->capacity);
	return 0;
}

/**
 * rfctl_events_ioctl() - RF_IOC_EVENTS
 * @arg: user address of struct rf_events
 * @next: the descriptor's place, moved behind what was stored
 *
 * Return: 0, -EFAULT, -EINVAL, -E2BIG, -ENOMEM.
 */
int rfctl_events_ioctl(void __user *arg, u64 *next)
{
	struct rf_events req;
	int ret;

	ret = CDEV_FETCH(arg, req, count);
	if (ret || req.flags)
		return ret ?: -EINVAL;
	if (!req.first)
		req.first = READ_ONCE(*next);
	ret = events_read(&req);
	if (ret)
		return ret;
	ret = cdev_return(arg, &req, sizeof(req));
	if (!ret && req.count)
		WRITE_ONCE(*next, req.first + req.count);
	return ret;
}

/**
 * rfctl_events_poll() - poll() on the device
 * @file: descriptor
 * @wait: see poll_wait()
 * @next: the descriptor's place
 *
 * Return: EPOLLIN when there is an event from that place on.
 */
__poll_t rfctl_events_poll(struct file *file, struct poll_table_struct *wait, const u64 *next)
{
	poll_wait(file, &events_wait, wait);
	return READ_ONCE(events_last) >= READ_ONCE(*next) ? EPOLLIN | EPOLLRDNORM : 0;
}
