// SPDX-License-Identifier: GPL-2.0-only
/*
 * DOC: Resources of a subOS that runs
 *
 * Grow: the supervisor gives first, then the subOS takes. Shrink: the subOS
 * gives up first, then the supervisor takes. What was offered and not answered
 * stays with the subOS, which may be using it: only a clear no brings it back.
 *
 * While a subOS is asked its lock is not held, but @busy keeps others from
 * changing it; who wants to stop it sets @cancel and waits for @busy to end.
 */
#include <linux/cpumask.h>
#include <linux/ktime.h>
#include <linux/sched/signal.h>
#include <linux/string.h>
#include "fail.h"
#include "internal.h"
#include "resize.h"

#define LOOK_MS		3000ULL	/* how long to wait for those that only look */

/**
 * rfctl_resize_stage - account the time of a stage
 * @rs: the change
 * @stage: the stage
 * @since: when it began, ktime_get_ns()
 */
void rfctl_resize_stage(struct rfctl_resize *rs, enum rf_resize_stage stage, u64 since)
{
	rs->stage_ns[stage] += ktime_get_ns() - since;
}

/* Who only looks is soon done: no reason to refuse, and no reason to wait for long. */
static void resize_await_look(struct subos *so)
{
	u64 deadline = ktime_get_ns() + LOOK_MS * NSEC_PER_MSEC;

	while (so->busy && so->looking && ktime_get_ns() < deadline && !signal_pending(current)) {
		mutex_unlock(&so->lock);
		wait_event_interruptible_timeout(so->wait, !READ_ONCE(so->busy),
						 msecs_to_jiffies(LOOK_MS));
		mutex_lock(&so->lock);
	}
}

/**
 * rfctl_resize_begin - keep others from changing a subOS
 * @so: the subOS, locked; the lock is dropped while somebody looks at its figures
 * @msg: (out) why not
 *
 * Return: 0, to be ended with rfctl_resize_end(); -ENOENT, -EBUSY, -ENOTCONN.
 */
int rfctl_resize_begin(struct subos *so, struct rfctl_msg *msg)
{
	lockdep_assert_held(&so->lock);
	resize_await_look(so);
	if (so->gone)
		return -ENOENT;
	if (so->busy) {
		rfctl_say(msg, "%s is being changed by somebody else; try again", so->name);
		return -EBUSY;
	}
	if (!so->running || (so->state != RF_STATE_RUNNING && so->state != RF_STATE_HUNG)) {
		rfctl_say(msg, "%s does not run (yet); rfm list shows its state", so->name);
		return -ENOTCONN;
	}
	if (!READ_ONCE(so->listening)) {
		rfctl_say(msg, "%s has no module of ours that listens; rfm log %s may tell why",
			  so->name, so->name);
		return -ENOTCONN;
	}
	so->busy = true;
	so->resizing = true;
	so->cancel = false;
	return 0;
}

/**
 * rfctl_resize_end - let others change it again
 * @so: the subOS, locked
 */
void rfctl_resize_end(struct subos *so)
{
	so->busy = false;
	so->resizing = false;
	so->looking = false;
	wake_up_all(&so->wait);
}

/**
 * rfctl_resize_event - tell of a change, or that it failed
 * @so: the subOS
 * @kind: RF_EVENT_*
 * @value: what it has now
 * @ret: what the change returned
 * @msg: line about a failure
 */
void rfctl_resize_event(struct subos *so, u32 kind, u64 value, int ret,
			const struct rfctl_msg *msg)
{
	/* no program asked: the subOS did, see ask.c */
	bool itself = current->flags & PF_KTHREAD && !msg->text[0];

	rfctl_event(so, kind, value, ret, itself ? "asked by itself" : msg->text);
}

/* What a subOS means by an errno. */
static const char *ask_why(int ret)
{
	switch (ret) {
	case -EBUSY:
		return "it is in use";
	case -ENOSPC:
		return "what is in use would not fit into the rest";
	case -EPERM:
		return "its kernel booted with it";
	case -ENOMEM:
		return "its kernel has no memory for that";
	default:
		return "its kernel refused";
	}
}

/**
 * rfctl_resize_ask - ask the subOS, and say in words why it was not done
 * @rs: the change
 * @op: RF_OP_*
 * @arg0: first argument
 * @arg1: second argument
 * @reply: (out) its answer, untrusted; all zero where there is none
 * @what: the resource, for the line about a failure
 *
 * Return: 0; -ETIMEDOUT, -EPIPE and -EINTR leave open whether it was done; for
 * others see rfctl_resize_said_no().
 */
int rfctl_resize_ask(struct rfctl_resize *rs, u16 op, u64 arg0, u64 arg1, struct rf_reply *reply,
		     const char *what)
{
	const u64 args[4] = { arg0, arg1 };
	u64 start = ktime_get_ns();
	struct subos *so = rs->so;
	unsigned int i;
	int ret;

	memset(reply, 0, sizeof(*reply));
	ret = rfctl_con_ask(so, op, args, rs->timeout_ms, reply);
	rfctl_resize_stage(rs, RF_RESIZE_ASK, start);
	switch (ret) {
	case 0:
		for (i = 0; i < RF_REPLY_STAGES; i++)
			rs->stage_ns[RF_RESIZE_WORK] +=
				(u64)le32_to_cpu(reply->stage_us[i]) * NSEC_PER_USEC;
		return 0;
	case -ETIMEDOUT:
		rfctl_say(rs->msg, "%s did not answer about %s within %u ms; it is still its own",
			  so->name, what, rs->timeout_ms);
		return ret;
	case -EPIPE:
		rfctl_say(rs->msg, "%s ended while it was asked about %s", so->name, what);
		return ret;
	case -ECANCELED:
		rfctl_say(rs->msg, "%s is being stopped", so->name);
		return -EPIPE;
	case -EINTR:
	case -ENOTCONN:
		return ret;
	case -EOPNOTSUPP:
		rfctl_say(rs->msg, "%s: its kernel cannot do that with %s", so->name, what);
		return ret;
	default:
		rfctl_say(rs->msg, "%s keeps %s: %s (error %d)", so->name, what, ask_why(ret),
			  -ret);
		return -EREMOTEIO;
	}
}

/**
 * rfctl_resize_said_no - is that a clear no?
 * @ret: what rfctl_resize_ask() returned
 *
 * Return: true when nothing of what was asked has been done.
 */
bool rfctl_resize_said_no(int ret)
{
	return ret == -EREMOTEIO || ret == -EOPNOTSUPP || ret == -ENOTCONN;
}

/*
 * CPUs
 */

static void cpu_grant(struct subos *so, unsigned int cpu, bool granted)
{
	cpumask_assign_cpu(cpu, &so->granted, granted);
	rfctl_desc_cpus(so);
	rfctl_exchange_cpus(so);
}

/*
 * A core that is not in use inside, back to whom it came from. One that does not
 * answer stays where it is: it may still execute what is there.
 */
static int cpu_take_back(struct rfctl_resize *rs, unsigned int cpu)
{
	u64 start = ktime_get_ns();
	struct subos *so = rs->so;
	u32 heir;

	if (rfctl_core_park(cpu)) {
		rfctl_say(rs->msg, "CPU %u did not reach the parking loop; it stays with %s", cpu,
			  so->name);
		return -EIO;
	}
	rfctl_resize_stage(rs, RF_RESIZE_PARK, start);
	start = ktime_get_ns();
	heir = rs->heir ?: rfctl_loan_lender(RF_RES_CPU, cpu, so->id);
	rfctl_cpu_drop(so, cpu, heir);
	rfctl_exchange_cpus(so);
	if (heir && !rs->heir)
		rfctl_loan_over(RF_RES_CPU, cpu);
	rfctl_resize_stage(rs, RF_RESIZE_GIVE, start);
	return 0;
}

/* A core that the subOS owns and that is parked: let its kernel use it. */
static int cpu_offer(struct rfctl_resize *rs, unsigned int cpu)
{
	struct subos *so = rs->so;
	struct rf_reply reply;
	char what[16];
	int ret;

	ret = rfctl_fail("resize_wait") ? -EIO :
	      rfctl_core_wait_mailbox(cpu, so->ranges[0].start + RF_OFF_MAILBOX);
	if (ret) {
		rfctl_say(rs->msg, "CPU %u did not answer", cpu);
		return -EIO;
	}
	cpu_grant(so, cpu, true);
	scnprintf(what, sizeof(what), "CPU %u", cpu);
	ret = rfctl_resize_ask(rs, RF_OP_CPU_ADD, rfctl_cpu_apicid(cpu), 0, &reply, what);
	if (rfctl_resize_said_no(ret))
		cpu_grant(so, cpu, false);
	return ret;
}

/**
 * rfctl_resize_cpus_offer - let the kernel use the cores that it does not know of
 * @rs: the change
 *
 * Those that it does not take go to @rs->heir.
 *
 * Return: 0, or as rfctl_resize_ask(); -EIO a core did not answer.
 */
int rfctl_resize_cpus_offer(struct rfctl_resize *rs)
{
	struct subos *so = rs->so;
	unsigned int cpu;
	int ret = 0;

	for_each_cpu_andnot(cpu, &so->cpus, &so->granted) {
		ret = cpu_offer(rs, cpu);
		if (ret)
			break;
	}
	if (!so->running)	/* its cores were parked; all goes the usual way */
		return ret ?: -EPIPE;
	for_each_cpu_andnot(cpu, &so->cpus, &so->granted)
		cpu_take_back(rs, cpu);
	return ret;
}

static int cpus_add(struct rfctl_resize *rs, const struct cpumask *want, unsigned int count,
		    bool dry)
{
	u64 start = ktime_get_ns();
	int ret;

	ret = rfctl_cpus_claim(rs->so, want, count, dry, rs->msg);
	rfctl_resize_stage(rs, RF_RESIZE_TAKE, start);
	return ret || dry ? ret : rfctl_resize_cpus_offer(rs);
}

static int cpu_remove(struct rfctl_resize *rs, unsigned int cpu)
{
	struct subos *so = rs->so;
	struct rf_reply reply;
	char what[16];
	int ret;

	cpu_grant(so, cpu, false);	/* so that it cannot come on line again behind our back */
	scnprintf(what, sizeof(what), "CPU %u", cpu);
	ret = rfctl_resize_ask(rs, RF_OP_CPU_REMOVE, rfctl_cpu_apicid(cpu), 0, &reply, what);
	if (!so->running)
		return ret ?: -EPIPE;
	if (ret) {
		cpu_grant(so, cpu, true);
		return ret;
	}
	return cpu_take_back(rs, cpu);
}

/**
 * rfctl_resize_cpus_remove - let cores go to @rs->heir, from the highest number down
 * @rs: the change
 * @mask: which
 *
 * Return: 0, or as rfctl_resize_ask(); -EIO a core did not answer.
 */
int rfctl_resize_cpus_remove(struct rfctl_resize *rs, const struct cpumask *mask)
{
	unsigned int cpu;
	int ret = 0;

	for (cpu = nr_cpu_ids; !ret && cpu-- > 1;)
		if (cpumask_test_cpu(cpu, mask))
			ret = cpu_remove(rs, cpu);
	return ret;
}

static int cpus_check_removal(struct rfctl_resize *rs, const struct cpumask *mask)
{
	struct subos *so = rs->so;

	if (!cpumask_subset(mask, &so->cpus)) {
		rfctl_say(rs->msg, "%s has CPUs %*pbl and not all of %*pbl", so->name,
			  cpumask_pr_args(&so->cpus), cpumask_pr_args(mask));
		return -EINVAL;
	}
	if (cpumask_test_cpu(so->boot_cpu, mask)) {
		rfctl_say(rs->msg, "CPU %u is the boot core of %s and stays with it; stop or destroy it instead",
			  so->boot_cpu, so->name);
		return -EINVAL;
	}
	return rfctl_cpus_are_whole_cores(mask, rs->msg) ? 0 : -EINVAL;
}

static int cpus_choose_removal(struct rfctl_resize *rs, struct cpumask *mask, unsigned int count)
{
	unsigned int can = rfctl_cpu_choose_removal(rs->so, mask, count);

	if (can == count)
		return 0;
	rfctl_say(rs->msg, "%u CPUs shall leave %s, %u can in whole cores (the boot core stays)",
		  count, rs->so->name, can);
	return -ENODEV;
}

/**
 * rfctl_resize_cpus_plan_removal - which cores shall leave?
 * @rs: the change
 * @mask: (in/out) which; empty: any @count are chosen
 * @count: see @mask
 *
 * Return: 0, -EINVAL these cannot, -ENODEV not that many can.
 */
int rfctl_resize_cpus_plan_removal(struct rfctl_resize *rs, struct cpumask *mask,
				   unsigned int count)
{
	if (cpumask_empty(mask))
		return cpus_choose_removal(rs, mask, count);
	return cpus_check_removal(rs, mask);
}

/* What of the request is to be added, and what to be removed? */
static int cpus_plan(struct rfctl_resize *rs, const struct rf_resize_cpus *req,
		     const struct cpumask *mask, struct cpumask *add, unsigned int *add_count,
		     struct cpumask *remove)
{
	struct subos *so = rs->so;
	unsigned int have = cpumask_weight(&so->cpus);

	*add_count = 0;
	if (req->flags & RF_RESIZE_ADD) {
		cpumask_copy(add, mask);
		*add_count = req->count;
		return 0;
	}
	if (req->flags & RF_RESIZE_REMOVE) {
		cpumask_copy(remove, mask);
		return rfctl_resize_cpus_plan_removal(rs, remove, req->count);
	}
	if (cpumask_empty(mask)) {
		if (req->count >= have)
			*add_count = req->count - have;
		else
			return cpus_choose_removal(rs, remove, have - req->count);
		return 0;
	}
	cpumask_andnot(add, mask, &so->cpus);
	cpumask_andnot(remove, &so->cpus, mask);
	return cpus_check_removal(rs, remove);
}

static int cpus_move(struct rfctl_resize *rs, const struct rf_resize_cpus *req,
		     const struct cpumask *mask, struct cpumask *add, struct cpumask *remove)
{
	bool dry = req->flags & RF_RESIZE_DRY_RUN;
	unsigned int count;
	int ret;

	ret = cpus_plan(rs, req, mask, add, &count, remove);
	if (!ret && (count || !cpumask_empty(add)))
		ret = cpus_add(rs, add, count, dry);
	if (!ret && !dry)
		ret = rfctl_resize_cpus_remove(rs, remove);
	return ret;
}

/**
 * subos_resize_cpus - change the CPUs of a subOS that runs
 * @so: the subOS
 * @req: what is wanted; @req->got and @req->stage_ns are set
 * @mask: (in/out) the CPUs named; the CPUs that it has afterwards
 * @msg: (out) line about a failure
 *
 * Return: 0, or as RF_IOC_RESIZE_CPUS.
 */
int subos_resize_cpus(struct subos *so, struct rf_resize_cpus *req, struct cpumask *mask,
		      struct rfctl_msg *msg)
{
	struct rfctl_resize rs = {
		.so = so,
		.msg = msg,
		.timeout_ms = req->timeout_ms ?: RFCTL_ASK_MS,
		.stage_ns = req->stage_ns,
	};
	struct cpumask *sets;
	int ret;

	sets = rfctl_zalloc(2 * sizeof(*sets));
	if (!sets)
		return -ENOMEM;
	mutex_lock(&so->lock);
	ret = rfctl_resize_begin(so, msg);
	if (!ret) {
		ret = cpus_move(&rs, req, mask, &sets[0], &sets[1]);
		if (!(req->flags & RF_RESIZE_DRY_RUN))
			rfctl_resize_event(so, RF_EVENT_CPUS, cpumask_weight(&so->cpus), ret, msg);
		rfctl_resize_end(so);
	}
	req->got = cpumask_weight(&so->cpus);
	cpumask_copy(mask, &so->cpus);
	mutex_unlock(&so->lock);
	kfree(sets);
	return ret;
}
