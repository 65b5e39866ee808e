// SPDX-License-Identifier: GPL-2.0-only
/*
 * DOC: Detach: let go of all subOSes without touching them
 *
 * All or nothing. Calls that are under way end first, or detaching is refused;
 * then nothing changes any more: monitors rest, nobody is asked and nobody
 * answered, what a subOS prints stays in its ring. What there is goes into the
 * anchor (anchor.c), and the module may go. What is away stays away by itself:
 * parked cores run code in pages of their own, memory is allocated, functions
 * keep driver_override, and the exchange of messages is ficm.ko's.
 *
 * The next build that is loaded finds the anchor and goes on from there
 * (adopt.c); until then everything but the undoing of this is refused.
 */
#include <linux/jiffies.h>
#include <linux/ktime.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/string.h>
#include <linux/wait.h>
#include "anchor.h"
#include "cdev.h"
#include "fail.h"
#include "internal.h"

#define CALLS_MS	2000U	/* calls that only look end in that time */
#define CALLS_POLL_MS	10U

enum gate { GATE_OPEN, GATE_SETTLING, GATE_DETACHED };

bool rfctl_keep;

static DEFINE_MUTEX(detach_lock);	/* one detach or undo at a time */
static DEFINE_MUTEX(gate_lock);		/* protects the two below */
static LIST_HEAD(calls);
static enum gate gate = GATE_SETTLING;	/* also read without */
static DECLARE_WAIT_QUEUE_HEAD(gate_wait);

/* Returns -EAGAIN when somebody was faster, and it is settling again. */
static int call_add(struct rfctl_call *call, const char *name)
{
	guard(mutex)(&gate_lock);
	if (gate != GATE_OPEN)
		return gate == GATE_DETACHED ? -ESHUTDOWN : -EAGAIN;
	call->name = name;
	call->pid = task_tgid_nr(current);
	get_task_comm(call->comm, current);
	list_add_tail(&call->node, &calls);
	return 0;
}

/**
 * rfctl_call_begin - a call is under way
 * @call: it, for rfctl_call_end()
 * @name: of the subOS that it is about, or NULL
 *
 * Return: 0. -ESHUTDOWN we are detached, -EINTR.
 */
int rfctl_call_begin(struct rfctl_call *call, const char *name)
{
	int ret;

	do {
		/* settling is soon done, one way or the other */
		if (wait_event_interruptible(gate_wait, READ_ONCE(gate) != GATE_SETTLING))
			return -EINTR;
		ret = call_add(call, name);
	} while (ret == -EAGAIN);
	return ret;
}

/**
 * rfctl_call_try - as rfctl_call_begin(), for who waits for nothing
 * @call: it, for rfctl_call_end()
 * @name: of the subOS that it is about
 *
 * Return: whether it may be done now.
 */
bool rfctl_call_try(struct rfctl_call *call, const char *name)
{
	return !call_add(call, name);
}

/**
 * rfctl_call_must - as rfctl_call_begin(), for what no signal may put off
 * @call: it, for rfctl_call_end()
 * @name: of the subOS that it is about
 *
 * Return: 0. -ESHUTDOWN we are detached.
 */
int rfctl_call_must(struct rfctl_call *call, const char *name)
{
	int ret;

	do {
		wait_event(gate_wait, READ_ONCE(gate) != GATE_SETTLING);
		ret = call_add(call, name);
	} while (ret == -EAGAIN);
	return ret;
}

/**
 * rfctl_call_end - it is over
 * @call: the call
 */
void rfctl_call_end(struct rfctl_call *call)
{
	guard(mutex)(&gate_lock);
	list_del(&call->node);
}

/**
 * rfctl_detached - must everything stay as it is?
 *
 * Return: true from the moment on that the anchor may be written.
 */
bool rfctl_detached(void)
{
	return READ_ONCE(gate) != GATE_OPEN;
}

static void gate_set(enum gate to)
{
	scoped_guard(mutex, &gate_lock)
		WRITE_ONCE(gate, to);
	wake_up_all(&gate_wait);
}

/**
 * rfctl_gate_open - all is there: calls may come
 */
void rfctl_gate_open(void)
{
	gate_set(GATE_OPEN);
}

/* Returns whether nothing is under way: no call can begin then. */
static bool gate_try(void)
{
	guard(mutex)(&gate_lock);
	if (!list_empty(&calls))
		return false;
	WRITE_ONCE(gate, GATE_SETTLING);
	return true;
}

static void gate_who(struct rfctl_msg *msg)
{
	struct rfctl_call *call;

	guard(mutex)(&gate_lock);
	call = list_first_entry_or_null(&calls, struct rfctl_call, node);
	if (!call)
		rfctl_say(msg, "there is always somebody at work; try again");
	else if (call->name)
		rfctl_say(msg, "%s[%d] is at work on %s; try again when it is done", call->comm,
			  call->pid, call->name);
	else
		rfctl_say(msg, "%s[%d] is at work; try again when it is done", call->comm,
			  call->pid);
}

static int gate_close(struct rfctl_msg *msg)
{
	unsigned long end = jiffies + msecs_to_jiffies(CALLS_MS);

	while (!gate_try()) {
		if (time_after(jiffies, end)) {
			gate_who(msg);
			return -EBUSY;
		}
		if (schedule_timeout_interruptible(msecs_to_jiffies(CALLS_POLL_MS)) &&
		    signal_pending(current))
			return -EINTR;
	}
	return 0;
}

static const char *cannot_carry(const struct subos *so)
{
	if (so->busy)
		return "is being changed";
	if (so->act != RF_ON_CRASH_KEEP)
		return "has crashed and is about to be restarted or destroyed";
	switch (so->state) {
	case RF_STATE_CREATED:
		return "is being created";
	case RF_STATE_BOOTING:
		return so->info_flags & RF_INFO_BARE ? NULL : "boots";
	case RF_STATE_STOPPING:
		return "is stopping";
	case RF_STATE_QUARANTINED:
		return "is quarantined, which ties this build to the machine until it restarts";
	default:
		return NULL;
	}
}

/* Everything rests; is it in a state that can be carried over? */
static int detach_check(struct rfctl_msg *msg)
{
	unsigned int cpu;
	struct subos *so;
	const char *why;

	list_for_each_entry(so, &rfctl_subos_list, node) {
		why = cannot_carry(so);
		if (!why)
			continue;
		rfctl_say(msg, "%s %s; nothing was detached", so->name, why);
		return -EBUSY;
	}
	for_each_possible_cpu(cpu) {
		if (rfctl_cpu_owner(cpu) != RF_OWNER_QUARANTINE)
			continue;
		rfctl_say(msg, "CPU %u is quarantined, which ties this build to the machine until it restarts",
			  cpu);
		return -EBUSY;
	}
	return 0;
}

/* Nobody is looked after, asked or answered any more. The list is stable: no call runs. */
static void freeze(void)
{
	struct subos *so;

	rfctl_con_pause();
	rfctl_loan_pause();
	list_for_each_entry(so, &rfctl_subos_list, node) {
		rfctl_monitor_stop(so);
		rfctl_console_pause(so);
	}
}

static void unfreeze(void)
{
	struct subos *so;

	list_for_each_entry(so, &rfctl_subos_list, node) {
		guard(mutex)(&so->lock);
		rfctl_console_resume(so);
		if (so->running)
			rfctl_monitor_resume(so);
	}
	rfctl_loan_resume();
	if (rfctl_con_resume())
		pr_err("somebody else answers the subOSes now\n");
}

static void detach_save(struct rf_anchor_out *out)
{
	struct rf_anchor_machine machine = {
		.abi = RF_ABI_VERSION,
		.wire = RF_WIRE_VERSION,
		.park_layout = rfctl_park_layout(),
		.nr_cpu_ids = nr_cpu_ids,
	};
	u64 free;

	rfctl_park_save(out);
	rfctl_cpus_save(out);
	rfctl_mem_save(out);
	rfctl_lowmem_save(out);
	rfctl_pci_save(out);
	rfctl_exchange_save(out, &machine);
	rfctl_subos_save(out, &machine);
	rfctl_loans_save(out, &machine);
	rfctl_usage_save(out, &machine);
	rfctl_ledger_save(out, &machine);
	rfctl_events_save(out, &machine);
	machine.elcr = rfctl_monitor_elcr();
	rfctl_mem_pool_get(&machine.mem_pool, &free);
	rf_anchor_put(out, RF_ANCHOR_MACHINE, &machine, sizeof(machine));
}

static int detach_write(struct rfctl_msg *msg)
{
	struct rf_anchor_out out = { .buf = NULL };
	int ret;

	ret = rfctl_pci_can_save(msg);
	if (ret)
		return ret;
	detach_save(&out);
	ret = rfctl_anchor_alloc(out.used, &out);
	if (!ret) {
		detach_save(&out);
		ret = rfctl_anchor_seal(&out);
	}
	if (ret)
		rfctl_say(msg, "the anchor cannot be written (error %d); nothing was detached",
			  -ret);
	return ret;
}

/* The module may go, or may not: each subOS keeps it. */
static u32 detach_refs(bool drop)
{
	struct subos *so;
	u32 n = 0;

	list_for_each_entry(so, &rfctl_subos_list, node) {
		if (drop)
			module_put(THIS_MODULE);
		else
			__module_get(THIS_MODULE);
		n++;
	}
	return n;
}

static int detach(struct rf_detach *req, struct rfctl_msg *msg)
{
	int ret;

	if (gate == GATE_DETACHED) {
		rfctl_say(msg, "the supervisor is detached already");
		return -EALREADY;
	}
	ret = gate_close(msg);
	if (ret)
		return ret;
	freeze();
	ret = detach_check(msg);
	if (!ret)
		ret = detach_write(msg);
	if (ret) {
		unfreeze();
		gate_set(GATE_OPEN);
		return ret;
	}
	rfctl_pci_hold(true);
	req->count = detach_refs(true);
	req->open = module_refcount(THIS_MODULE) - 1;	/* without the caller's own */
	rfctl_keep = true;
	gate_set(GATE_DETACHED);
	pr_info("detached: %u subOSes go on by themselves\n", req->count);
	return 0;
}

static int undo(struct rf_detach *req, struct rfctl_msg *msg)
{
	if (gate != GATE_DETACHED) {
		rfctl_say(msg, "the supervisor is not detached");
		return -EALREADY;
	}
	req->count = detach_refs(false);
	rfctl_keep = false;
	rfctl_pci_hold(false);
	rfctl_anchor_drop();
	unfreeze();
	gate_set(GATE_OPEN);
	pr_info("no longer detached\n");
	return 0;
}

/**
 * rfctl_thaw - the supervisor goes down: subOSes are stopped as if never detached
 */
void rfctl_thaw(void)
{
	struct rf_detach req = { 0 };
	struct rfctl_msg msg = { "" };

	guard(mutex)(&detach_lock);
	if (gate == GATE_DETACHED)
		undo(&req, &msg);
}

/**
 * rfctl_detach_ioctl - RF_IOC_DETACH
 * @arg: user address of struct rf_detach
 *
 * Return: as RF_IOC_DETACH.
 */
int rfctl_detach_ioctl(void __user *arg)
{
	struct rfctl_msg msg = { "" };
	struct rf_detach req;
	int ret, err;

	ret = CDEV_FETCH(arg, req, reserved);
	if (ret)
		return ret;
	if (req.flags & ~RF_DETACH_UNDO || req.reserved)
		return -EINVAL;
	req.count = 0;
	req.open = 0;
	if (mutex_lock_interruptible(&detach_lock))
		return -EINTR;
	ret = req.flags & RF_DETACH_UNDO ? undo(&req, &msg) : detach(&req, &msg);
	mutex_unlock(&detach_lock);
	cdev_message(req.msg, req.msg_len, &msg);
	err = cdev_return(arg, &req, sizeof(req));
	return ret ?: err;
}
