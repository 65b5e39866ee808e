// SPDX-License-Identifier: GPL-2.0-only
/*
 * DOC: Life of a subOS
 *
 * created -> booting -> running -> stopping -> gone; stopped, crashed and hung
 * beside them. Every end goes the same way, in this order: cores parked (they
 * say so themselves), devices reset with bus mastering off, readers of its
 * memory gone, memory zeroed, everything back to its former owner. A core that
 * does not answer breaks the chain: it, the memory and the devices that it may
 * use are quarantined.
 */
#include <linux/ctype.h>
#include <linux/delay.h>
#include <linux/jiffies.h>
#include <linux/ktime.h>
#include <linux/module.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include "fail.h"
#include "image.h"
#include "internal.h"

#define STOP_TIMEOUT_MS	10000
#define STOP_ASK_MS	1000	/* of which this much for the answer to the request */
#define INFO_TRIES	20	/* looks, a millisecond apart, before subos_info() stops to wait */

u32 rfctl_next_id = 1;	/* of a subOS; under rfctl_lock */

static bool subos_name_ok(const char *name)
{
	size_t i, len = strnlen(name, RF_NAME_MAX);

	if (!len || len == RF_NAME_MAX || !isalnum(name[0]) || !strcmp(name, "supervisor"))
		return false;
	for (i = 0; i < len; i++)
		if (!islower(name[i]) && !isdigit(name[i]) && !strchr("._-", name[i]))
			return false;
	return true;
}

static struct subos *subos_find(const char *name)
{
	struct subos *so;

	lockdep_assert_held(&rfctl_lock);
	list_for_each_entry(so, &rfctl_subos_list, node)
		if (!strcmp(so->name, name))
			return so;
	return NULL;
}

/**
 * subos_find_get - the subOS of a name
 * @name: name
 *
 * Return: the subOS with a reference for subos_put(), or NULL.
 */
struct subos *subos_find_get(const char *name)
{
	struct subos *so;

	guard(mutex)(&rfctl_lock);
	so = subos_find(name);
	if (so)
		kref_get(&so->ref);
	return so;
}

/**
 * subos_find_id - the subOS of an id
 * @id: its id
 *
 * Return: the subOS with a reference for subos_put(), or NULL.
 */
struct subos *subos_find_id(u32 id)
{
	struct subos *so;

	guard(mutex)(&rfctl_lock);
	list_for_each_entry(so, &rfctl_subos_list, node)
		if (so->id == id && kref_get_unless_zero(&so->ref))
			return so;
	return NULL;
}

static void subos_free(struct kref *ref)
{
	struct subos *so = container_of(ref, struct subos, ref);

	rfctl_console_free(so);
	rfctl_image_free(so->image);
	kfree(so);
}

/**
 * subos_put - give a reference back
 * @so: the subOS
 */
void subos_put(struct subos *so)
{
	kref_put(&so->ref, subos_free);
}

static int subos_register(struct subos *so, const char *name, struct rfctl_msg *msg)
{
	guard(mutex)(&rfctl_lock);
	if (subos_find(name)) {
		rfctl_say(msg, "the name %s is in use; choose another, or destroy that subOS",
			  name);
		return -EEXIST;
	}
	strscpy(so->name, name, sizeof(so->name));
	so->id = rfctl_next_id++;
	list_add_tail(&so->node, &rfctl_subos_list);
	return 0;
}

static void subos_unregister(struct subos *so)
{
	guard(mutex)(&rfctl_lock);
	list_del_init(&so->node);
}

/* For who fills it in and lists it. */
struct subos *subos_alloc(void)
{
	struct subos *so = rfctl_zalloc(sizeof(*so));

	if (!so)
		return NULL;
	kref_init(&so->ref);
	mutex_init(&so->lock);
	mutex_init(&so->desc_lock);
	mutex_init(&so->told_lock);
	init_waitqueue_head(&so->wait);
	INIT_LIST_HEAD(&so->node);
	rfctl_monitor_init(so);
	rfctl_policy_setup(so);
	so->created_ns = ktime_get_real_ns();
	return so;
}

/**
 * subos_create - begin a subOS: a name, an id, a slice of low memory
 * @name: its name
 * @msg: (out) line about a failure
 *
 * Return: the subOS with a reference for subos_put(), or as RF_IOC_CREATE.
 */
struct subos *subos_create(const char *name, struct rfctl_msg *msg)
{
	struct subos *so;
	int ret;

	if (!subos_name_ok(name)) {
		rfctl_say(msg, "a name has 1 to %d of a-z 0-9 . _ - and begins with a letter or digit; supervisor is taken",
			  RF_NAME_MAX - 1);
		return ERR_PTR(-EINVAL);
	}
	if (!try_module_get(THIS_MODULE))
		return ERR_PTR(-EBUSY);
	so = subos_alloc();
	ret = so ? rfctl_console_create(so) : -ENOMEM;
	if (ret)
		goto err_free;
	ret = subos_register(so, name, msg);
	if (ret)
		goto err_free_console;
	so->low = rfctl_fail("lowmem") ? 0 : rfctl_lowmem_claim(so->id);
	if (!so->low) {
		rfctl_say(msg, "all slices of memory below 1 MB are lent; destroy a subOS first");
		ret = -ENOSPC;
		goto err_unregister;
	}
	ret = rfctl_usage_begin(so);
	if (ret)
		goto err_release_low;
	rfctl_event(so, RF_EVENT_CREATED, 0, 0, "");
	kref_get(&so->ref);
	scoped_guard(mutex, &so->lock)
		subos_info_keep(so);
	return so;

err_release_low:
	rfctl_lowmem_release(so->low);
err_unregister:
	subos_unregister(so);
err_free_console:
	rfctl_console_free(so);
err_free:
	kfree(so);
	module_put(THIS_MODULE);
	return ERR_PTR(ret);
}

/**
 * rfctl_set_state - change the state of a subOS
 * @so: the subOS, locked
 * @state: new state
 * @fmt: why, in a line
 */
void rfctl_set_state(struct subos *so, enum rf_state state, const char *fmt, ...)
{
	va_list args;

	lockdep_assert_held(&so->lock);
	va_start(args, fmt);
	vscnprintf(so->reason, sizeof(so->reason), fmt, args);
	va_end(args);
	WRITE_ONCE(so->state, state);
	rfctl_event(so, RF_EVENT_STATE, state, 0, so->reason);
	subos_info_keep(so);
	atomic_inc(&so->state_gen);
	wake_up_all(&so->wait);
}

static int subos_start_cores(struct subos *so)
{
	u64 base = so->ranges[0].start;
	unsigned int cpu;
	int ret;

	for_each_cpu(cpu, &so->cpus) {
		if (cpu == so->boot_cpu)
			continue;
		ret = rfctl_core_wait_mailbox(cpu, base + RF_OFF_MAILBOX);
		if (ret)
			return ret;
	}
	return rfctl_core_boot(so->boot_cpu, so->entry, base + RF_OFF_BOOT_PARAMS);
}

/**
 * subos_start - start the boot core
 * @so: the subOS, locked, loaded
 *
 * Return: 0. -EBUSY nothing is loaded or it runs already; -EIO a core did not
 * answer: the cores are parked again, or quarantined with the memory.
 */
int subos_start(struct subos *so)
{
	struct rfctl_msg msg = { "" };
	u64 start = ktime_get_ns();
	int ret;

	lockdep_assert_held(&so->lock);
	if (!so->loaded || so->running)
		return -EBUSY;
	so->running = true;
	so->listening = false;
	so->asked = false;
	so->act = RF_ON_CRASH_KEEP;
	so->asks.valid = false;
	so->release[0] = '\0';
	so->boot_id[0] = '\0';
	memset(&so->stage_ns[RF_STAGE_START], 0,
	       (RF_STAGE_MAX - RF_STAGE_START) * sizeof(so->stage_ns[0]));
	rfctl_desc_clock(so);
	rfctl_exchange_open(so);
	so->started_ktime = start;
	so->started_ns = ktime_get_real_ns();
	rfctl_monitor_start(so);
	ret = subos_start_cores(so);
	if (ret) {
		if (!subos_halt(so, &msg))
			rfctl_set_state(so, RF_STATE_CREATED, "a core did not start");
		return -EIO;
	}
	so->started = true;
	so->loaded = false;
	so->stage_ns[RF_STAGE_START] = ktime_get_ns() - start;
	rfctl_set_state(so, RF_STATE_BOOTING, "boot core started");
	return 0;
}

static void subos_quarantine(struct subos *so, const char *why)
{
	__module_get(THIS_MODULE);	/* slots and tables must stay for good */
	rfctl_console_detach(so);
	rfctl_exchange_lose(so);
	rfctl_pci_quarantine(so);
	rfctl_mem_quarantine(so);
	rfctl_lowmem_quarantine(so->low);
	so->low = 0;
	rfctl_set_state(so, RF_STATE_QUARANTINED, "%s", why);
}

/**
 * subos_halt - park all cores of a subOS by force, silence its devices
 * @so: the subOS, locked
 * @msg: (out) line about a failure
 *
 * Memory and devices stay with the subOS; no core of it executes its code and
 * no device writes to its memory after this.
 *
 * Return: 0. -EIO a core did not answer; all that it may touch was quarantined.
 */
int subos_halt(struct subos *so, struct rfctl_msg *msg)
{
	u64 start = ktime_get_ns();
	int ret;

	lockdep_assert_held(&so->lock);
	if (!so->running)
		return 0;
	ret = rfctl_cpus_park(so, msg);
	WRITE_ONCE(so->running, false);
	rfctl_window_shut(so, 0, 0);
	so->listening = false;
	so->stage_ns[RF_STAGE_STOP] = ktime_get_ns() - start;
	if (ret) {
		subos_quarantine(so, msg->text);
		return ret;
	}
	rfctl_exchange_close(so);
	if (rfctl_pci_quiesce(so))
		pr_warn("%s: a device could not be reset\n", so->name);
	rfctl_loans_end(so);
	rfctl_console_poll(so);
	return 0;
}

/*
 * By message where somebody listens. Else, and when there is no answer or no
 * clear yes, by the description, which the thread of its heartbeat reads. When
 * only the answer was lost it is asked twice then, and its user space has less
 * time: better than never.
 */
static int subos_ask_poweroff(struct subos *so, unsigned int timeout_ms)
{
	struct rf_reply reply;
	int ret;

	so->cancel = false;
	ret = rfctl_fail("con_poweroff") ? -ENOTCONN :
	      rfctl_con_ask(so, RF_OP_POWEROFF, NULL, min(timeout_ms, STOP_ASK_MS), &reply);
	if (!ret || ret == -EINTR || !so->running)
		return ret == -EINTR ? ret : 0;
	rfctl_set_state(so, RF_STATE_STOPPING, "asked to power off by its description, as it %s",
			ret == -ENOTCONN ? "does not listen" : "does not answer");
	rfctl_desc_request_poweroff(so);
	return 0;
}

/* Ask it to power off and wait. The lock is dropped meanwhile: the monitor needs it. */
static int subos_ask(struct subos *so, unsigned int timeout_ms)
{
	unsigned long end;
	long left;
	int ret;

	if (so->state != RF_STATE_RUNNING)
		return 0;
	end = jiffies + msecs_to_jiffies(timeout_ms);
	so->asked = true;
	rfctl_set_state(so, RF_STATE_STOPPING, "asked to power off");
	rfctl_monitor_hurry(so);
	ret = subos_ask_poweroff(so, timeout_ms);
	if (ret)
		return ret;
	mutex_unlock(&so->lock);
	left = wait_event_interruptible_timeout(so->wait, subos_ended(so),
						max_t(long, end - jiffies, 0));
	mutex_lock(&so->lock);
	return left < 0 ? -EINTR : 0;
}

/* Whoever changes its resources gives up when told so: bounded, as each step is. */
static int subos_cancel_resize(struct subos *so)
{
	while (so->resizing) {
		int ret;

		so->cancel = true;
		wake_up_all(&so->wait);
		mutex_unlock(&so->lock);
		ret = wait_event_interruptible(so->wait, !READ_ONCE(so->resizing));
		mutex_lock(&so->lock);
		if (ret)
			return -EINTR;
	}
	return 0;
}

/**
 * subos_stop - stop a subOS, keep its resources
 * @so: the subOS
 * @force: do not ask it first
 * @timeout_ms: how long to wait for it, 0 for the default
 * @msg: (out) line about a failure
 *
 * Return: 0, or as RF_IOC_STOP.
 */
int subos_stop(struct subos *so, bool force, unsigned int timeout_ms, struct rfctl_msg *msg)
{
	int ret;

	mutex_lock(&so->lock);
	ret = subos_cancel_resize(so);
	if (ret)
		goto out;
	if (so->gone || so->busy) {
		rfctl_say(msg, so->gone ? "%s is gone" : "%s is being stopped by somebody else",
			  so->name);
		ret = so->gone ? -ENOENT : -EBUSY;
		goto out;
	}
	so->busy = true;
	so->act = RF_ON_CRASH_KEEP;	/* whatever was to be done: the operator is here */
	if (so->running && !force)
		ret = subos_ask(so, timeout_ms ?: STOP_TIMEOUT_MS);
	if (!ret && so->running) {
		ret = subos_halt(so, msg);
		if (!ret)
			rfctl_set_state(so, RF_STATE_STOPPED, "stopped by force");
	}
	so->busy = false;
out:
	mutex_unlock(&so->lock);
	if (!ret)
		rfctl_monitor_stop(so);
	return ret;
}

/*
 * Everything back to its former owner. The cores first: others wait for them.
 * Returns -EIO when a device was quarantined.
 */
static int subos_give_back(struct subos *so, struct rfctl_msg *msg)
{
	u64 start;
	int ret;

	lockdep_assert_held(&so->lock);
	rfctl_console_detach(so);
	rfctl_loans_end(so);	/* one that ended in the middle of a loan */
	rfctl_loans_forget(so);
	rfctl_exchange_release(so);
	rfctl_cpus_adopt(so);	/* also what was just left to it */
	rfctl_cpus_release(so);
	start = ktime_get_ns();
	ret = rfctl_pci_release(so, msg);
	so->stage_ns[RF_STAGE_GIVE_PCI] = ktime_get_ns() - start;
	rfctl_mem_release(so);
	if (so->low)
		rfctl_lowmem_release(so->low);
	so->low = 0;
	rfctl_policy_forget(so);
	return ret;
}

static void subos_vanish(struct subos *so)
{
	so->gone = true;
	subos_unregister(so);
	rfctl_usage_end(so);
	rfctl_event(so, RF_EVENT_GONE, 0, 0, "");
	atomic_inc(&so->state_gen);
	wake_up_all(&so->wait);
	module_put(THIS_MODULE);
	subos_put(so);			/* the list's reference */
}

/**
 * subos_remove - take everything back from a subOS that does not run
 * @so: the subOS, locked; the caller has a reference, and nobody looks after it
 *	any more (rfctl_monitor_stop())
 * @msg: (out) line about a failure
 *
 * Return: 0, -EIO a device was quarantined.
 */
int subos_remove(struct subos *so, struct rfctl_msg *msg)
{
	int ret;

	lockdep_assert_held(&so->lock);
	subos_info_keep(so);
	ret = subos_give_back(so, msg);
	pr_info("%s: destroyed, CPUs back in %llu ms, memory zeroed in %llu ms\n", so->name,
		so->stage_ns[RF_STAGE_GIVE_CPUS] / NSEC_PER_MSEC,
		so->stage_ns[RF_STAGE_SCRUB] / NSEC_PER_MSEC);
	subos_vanish(so);
	return ret;
}

/**
 * subos_destroy - end a subOS and take everything back
 * @so: the subOS; the caller has a reference
 * @force: do not ask it to power off first
 * @timeout_ms: how long to wait for it, 0 for the default
 * @msg: (out) line about a failure
 *
 * Return: 0, or as RF_IOC_DESTROY.
 */
int subos_destroy(struct subos *so, bool force, unsigned int timeout_ms, struct rfctl_msg *msg)
{
	int ret, quarantine;

	ret = subos_stop(so, force, timeout_ms, msg);
	if (ret && ret != -EIO)
		return ret;
	quarantine = ret;
	rfctl_monitor_stop(so);
	mutex_lock(&so->lock);
	if (so->gone || so->busy || so->running) {
		mutex_unlock(&so->lock);
		return so->gone ? -ENOENT : -EBUSY;
	}
	ret = subos_remove(so, msg);
	mutex_unlock(&so->lock);
	return quarantine ?: ret;
}

/**
 * subos_abandon - the descriptor that was to start a subOS was closed
 * @so: the subOS; the caller has a reference
 *
 * Undoes everything if it was not started.
 */
void subos_abandon(struct subos *so)
{
	struct rfctl_msg msg = { "" };

	if (!so->started && !so->gone)
		subos_destroy(so, true, 0, &msg);
}

static void subos_describe(struct subos *so, struct rf_info *info)
{
	unsigned int i;

	lockdep_assert_held(&so->lock);
	memset(info, 0, sizeof(*info));
	info->size = sizeof(*info);
	info->flags = so->info_flags | (so->gone ? RF_INFO_GONE : 0) |
		      (so->listening ? RF_INFO_LISTENS : 0) |
		      (so->act == RF_ON_CRASH_RESTART ? RF_INFO_RESTARTS : 0);
	strscpy(info->name, so->name, sizeof(info->name));
	info->id = so->id;
	info->state = so->state;
	info->nr_cpus = cpumask_weight(&so->cpus);
	info->nr_online = rfctl_monitor_online(so);
	info->nr_pci = so->nr_pci;
	info->priority = so->priority;
	info->on_crash = so->on_crash;
	info->restarts = so->restarts;
	info->max_cpus = so->asks.max_cpus;
	info->max_bytes = so->asks.max_bytes;
	info->kept_bytes = so->image ? so->image->bytes : 0;
	info->asks = so->asks.count;
	info->asks_refused = so->asks.refused;
	info->hot_bytes = so->hot_bytes;
	info->nr_ranges = so->nr_ranges;
	info->mem_bytes = rfctl_mem_owned(so);
	info->base = so->nr_ranges ? so->ranges[0].start : 0;
	info->created_ns = so->created_ns;
	info->started_ns = so->started_ns;
	info->heartbeats = so->heartbeat;
	for (i = 0; i < nr_cpu_ids && i < 64 * ARRAY_SIZE(info->cpumask); i++)
		if (cpumask_test_cpu(i, &so->cpus))
			info->cpumask[i / 64] |= 1ULL << (i % 64);
	memcpy(info->stage_ns, so->stage_ns, sizeof(info->stage_ns));
	strscpy(info->kernel, so->release, sizeof(info->kernel));
	strscpy(info->boot_id, so->boot_id, sizeof(info->boot_id));
	strscpy(info->reason, so->reason, sizeof(info->reason));
}

/**
 * subos_info_keep - what others are told from now on while the lock is held
 * @so: the subOS, locked, before something that takes long
 */
void subos_info_keep(struct subos *so)
{
	guard(mutex)(&so->told_lock);
	subos_describe(so, &so->told);
}

/**
 * subos_info - describe a subOS
 * @so: the subOS
 * @info: (out) description
 *
 * Taking or zeroing memory can hold the lock for minutes. Whoever only looks
 * does not wait for that: he is told how things stood before it.
 */
void subos_info(struct subos *so, struct rf_info *info)
{
	unsigned int i;

	for (i = 0; i < INFO_TRIES; i++) {
		if (mutex_trylock(&so->lock)) {
			subos_describe(so, info);
			mutex_unlock(&so->lock);
			return;
		}
		usleep_range(500, 1000);
	}
	guard(mutex)(&so->told_lock);
	*info = so->told;
}
