// SPDX-License-Identifier: GPL-2.0-only
/*
 * DOC: Lending and returning: out of one subOS, into the other
 */
#include <linux/cpumask.h>
#include <linux/list.h>
#include <linux/slab.h>
#include "fail.h"
#include "internal.h"
#include "loan.h"
#include "resize.h"

/**
 * struct transfer - resources on their way from one subOS to another
 * @from: who gives them up
 * @to: who gets them
 * @rs: what both share
 * @cpus: which moved
 * @nr_runs: number of @run
 * @run: blocks that moved
 * @spare: entries for the register: once something moved, none may be missing
 */
struct transfer {
	struct subos *from;
	struct subos *to;
	struct rfctl_resize rs;
	struct cpumask cpus;
	unsigned int nr_runs;
	struct rfctl_range run[RF_WIRE_RANGES];
	struct list_head spare;
};

static int transfer_cpus_out(struct transfer *t, const struct cpumask *want, unsigned int count)
{
	struct cpumask *before = &t->cpus;
	int ret;

	cpumask_copy(before, want);
	ret = rfctl_resize_cpus_plan_removal(&t->rs, before, count);
	if (ret) {
		cpumask_clear(before);	/* what it named is not to be mistaken for what left */
		return ret;
	}
	ret = rfctl_resize_cpus_remove(&t->rs, before);
	/* those that left */
	cpumask_andnot(before, before, &t->from->cpus);
	return ret;
}

/* Block by block, so that it is known which. */
static int transfer_memory_out(struct transfer *t, u64 bytes)
{
	struct rfctl_range run = { .start = U64_MAX, .length = RF_GRAIN };
	u64 held_by;
	int ret = 0, last = 0;

	while (bytes && t->nr_runs < ARRAY_SIZE(t->run) &&
	       rfctl_mem_next_hot(t->from, run.start, &run.start)) {
		ret = rfctl_resize_memory_remove(&t->rs, &run, &held_by);
		if (!ret) {
			t->run[t->nr_runs++] = run;
			bytes -= RF_GRAIN;
			continue;
		}
		last = ret;
		if (!rfctl_resize_said_no(ret))
			break;
	}
	if (!bytes)
		return 0;
	rfctl_say(t->rs.msg, "%s has %llu MB less to lend than wanted: only what it got while it ran can leave it",
		  t->from->name, bytes >> 20);
	return last ?: -EREMOTEIO;
}

static int transfer_out(struct transfer *t, const struct cpumask *want, unsigned int count,
			u64 bytes)
{
	int ret;

	guard(mutex)(&t->from->lock);
	t->rs.so = t->from;
	t->rs.heir = t->to->id;
	ret = rfctl_resize_begin(t->from, t->rs.msg);
	if (ret)
		return ret;
	ret = bytes ? transfer_memory_out(t, bytes) : transfer_cpus_out(t, want, count);
	rfctl_loan_event(t->from);
	rfctl_resize_end(t->from);
	return ret;
}

/* What the borrower does not take is left to the lender. */
static int transfer_in(struct transfer *t)
{
	guard(mutex)(&t->to->lock);
	t->rs.heir = t->from->id;
	if (rfctl_fail("loan_in")) {
		rfctl_say(t->rs.msg, "%s cannot be asked", t->to->name);
		return -EIO;
	}
	return rfctl_loan_offer(t->to, &t->rs);
}

/* Did the borrower get as far as to be offered anything? Its lock is held. */
static bool transfer_adopted(struct transfer *t)
{
	unsigned int i;

	if (cpumask_intersects(&t->cpus, &t->to->cpus))
		return true;
	for (i = 0; i < t->to->nr_ranges; i++)
		if (t->nr_runs && t->run[0].start >= t->to->ranges[i].start &&
		    t->run[0].start < t->to->ranges[i].start + t->to->ranges[i].length)
			return true;
	return false;
}

static void transfer_pass(struct transfer *t, u32 owner, u32 heir)
{
	unsigned int cpu, i;

	for_each_cpu(cpu, &t->cpus)
		rfctl_loan_pass(RF_RES_CPU, cpu, owner, heir);
	for (i = 0; i < t->nr_runs; i++)
		rfctl_loan_pass(RF_RES_MEMORY, t->run[i].start, owner, heir);
}

static struct loan *transfer_spare(struct transfer *t, u32 kind, u64 start, u64 length, u32 id)
{
	struct loan *loan = list_first_entry_or_null(&t->spare, struct loan, node);

	if (WARN_ON_ONCE(!loan))
		return NULL;
	list_del(&loan->node);
	loan->l = (struct rf_loan){
		.id = id, .kind = kind, .start = start, .length = length,
		.from = t->from->id, .to = t->to->id,
	};
	return loan;
}

/* One core or block: it arrived, or goes back to the lender. Returns whether it arrived. */
static bool transfer_settle_one(struct transfer *t, u32 kind, u64 start, u64 length, u32 id)
{
	u32 owner = rfctl_ledger_owner(kind, start);
	struct loan *loan;

	if (owner != t->to->id && owner != t->from->id)
		return false;
	loan = transfer_spare(t, kind, start, length, id);
	if (!loan)
		return false;
	if (owner == t->to->id)
		rfctl_loan_add(loan);
	else
		rfctl_loan_go_home(loan);
	return owner == t->to->id;
}

/*
 * Register what arrived, let the lender know of what did not. A borrower that has
 * ended meanwhile gives back at once.
 */
static u64 transfer_settle(struct transfer *t, u32 id, bool undo)
{
	unsigned int cpu, i;
	u64 got = 0;

	guard(mutex)(&t->to->lock);
	if (undo && !transfer_adopted(t))	/* it never looked at it */
		transfer_pass(t, t->to->id, t->from->id);
	for_each_cpu(cpu, &t->cpus)
		got += transfer_settle_one(t, RF_RES_CPU, cpu, 1, id);
	for (i = 0; i < t->nr_runs; i++)
		if (transfer_settle_one(t, RF_RES_MEMORY, t->run[i].start, RF_GRAIN, id))
			got += RF_GRAIN;
	if (!t->to->running)
		rfctl_loans_end(t->to);
	return got;
}

static int borrow_check(struct transfer *t, const struct rf_borrow *req)
{
	if (t->from == t->to) {
		rfctl_say(t->rs.msg, "%s cannot borrow from itself", t->to->name);
		return -EINVAL;
	}
	if (req->flags & RF_BORROW_PREEMPT && t->to->priority <= t->from->priority) {
		rfctl_say(t->rs.msg, "%s has priority %d, %s has %d: only the higher one takes from the lower",
			  t->to->name, t->to->priority, t->from->name, t->from->priority);
		return -EPERM;
	}
	return 0;
}

static void transfer_free(struct transfer *t)
{
	struct loan *loan, *next;

	list_for_each_entry_safe(loan, next, &t->spare, node)
		kfree(loan);
	if (t->from)
		subos_put(t->from);
	if (t->to)
		subos_put(t->to);
	kfree(t);
}

static int transfer_reserve(struct transfer *t, u64 nr)
{
	struct loan *loan;

	for (; nr; nr--) {
		loan = rfctl_zalloc(sizeof(*loan));
		if (!loan)
			return -ENOMEM;
		list_add(&loan->node, &t->spare);
	}
	return 0;
}

static struct transfer *transfer_alloc(struct rfctl_msg *msg, unsigned int timeout_ms,
				       u64 *stage_ns)
{
	struct transfer *t = rfctl_zalloc(sizeof(*t));

	if (!t)
		return NULL;
	INIT_LIST_HEAD(&t->spare);
	t->rs = (struct rfctl_resize){ .msg = msg, .timeout_ms = timeout_ms ?: RFCTL_ASK_MS,
				       .stage_ns = stage_ns };
	return t;
}

static int borrow(struct transfer *t, struct rf_borrow *req, struct cpumask *mask)
{
	u32 id;
	int ret, err;

	ret = borrow_check(t, req);
	if (!ret)
		ret = transfer_reserve(t, req->bytes / RF_GRAIN + req->count +
				       cpumask_weight(mask));
	if (ret)
		return ret;
	ret = transfer_out(t, mask, req->count, req->bytes);
	if (cpumask_empty(&t->cpus) && !t->nr_runs)
		return ret;
	err = transfer_in(t);
	id = rfctl_loan_number();
	req->got = transfer_settle(t, id, err);
	req->id = req->got ? id : 0;
	if (err)
		rfctl_loan_await_home();
	return ret ?: err;
}

/**
 * rfctl_borrow - lend cores or memory of one subOS to another
 * @req: what; the (out) fields are set
 * @mask: which CPUs, empty: any @req->count
 * @msg: (out) line about a failure
 *
 * Return: 0, or as RF_IOC_BORROW.
 */
int rfctl_borrow(struct rf_borrow *req, struct cpumask *mask, struct rfctl_msg *msg)
{
	bool cpus = !cpumask_empty(mask) || req->count;
	struct transfer *t;
	int ret = -ENOENT;

	if ((cpus && req->bytes) || (!cpus && !req->bytes) || req->bytes % RF_GRAIN ||
	    (!cpumask_empty(mask) && req->count) || req->count > RF_WIRE_CPUS)
		return -EINVAL;
	if (req->bytes / RF_GRAIN > RF_WIRE_RANGES) {
		rfctl_say(msg, "one loan can be %lu MB at most",
			  RF_WIRE_RANGES * (RF_GRAIN >> 20));
		return -EINVAL;
	}
	t = transfer_alloc(msg, req->timeout_ms, req->stage_ns);
	if (!t)
		return -ENOMEM;
	t->from = subos_find_get(req->from);
	t->to = subos_find_get(req->to);
	if (t->from && t->to)
		ret = borrow(t, req, mask);
	else
		rfctl_say(msg, "there is no subOS %s", t->from ? req->to : req->from);
	transfer_free(t);
	return ret;
}

/* What of a loan is to go back; who has it, and whose it is */
static int return_plan(u32 id, struct cpumask *cpus, struct transfer *t)
{
	struct rf_loan l;
	unsigned int n;

	for (n = 0; !rfctl_loan_nth_of(id, n, &l); n++) {
		if (!n) {
			t->from = subos_find_id(l.to);
			t->to = subos_find_id(l.from);
		}
		if (rfctl_ledger_owner(l.kind, l.start) != l.to)
			continue;
		if (l.kind == RF_RES_CPU)
			cpumask_set_cpu(l.start, cpus);
		else if (t->nr_runs < ARRAY_SIZE(t->run))
			t->run[t->nr_runs++] = (struct rfctl_range){ .start = l.start,
								     .length = l.length };
	}
	return t->from && t->to ? 0 : -ENOENT;
}

/* The borrower gives up; what leaves it is the lender's. */
static int return_out(struct transfer *t, const struct cpumask *cpus)
{
	unsigned int i, nr = t->nr_runs;
	u64 held_by;
	int ret;

	guard(mutex)(&t->from->lock);
	t->rs.so = t->from;
	t->rs.heir = t->to->id;
	ret = rfctl_resize_begin(t->from, t->rs.msg);
	if (ret)
		return ret;
	if (!cpumask_empty(cpus))
		ret = transfer_cpus_out(t, cpus, 0);
	for (i = 0; !ret && i < nr; i++)
		ret = rfctl_resize_memory_remove(&t->rs, &t->run[i], &held_by);
	rfctl_resize_end(t->from);
	return ret;
}

/**
 * rfctl_return - end a loan
 * @req: which; the (out) fields are set
 * @msg: (out) line about a failure
 *
 * Return: 0, or as RF_IOC_RETURN.
 */
int rfctl_return(struct rf_return *req, struct rfctl_msg *msg)
{
	struct cpumask *cpus = rfctl_zalloc(sizeof(*cpus));
	struct transfer *t = transfer_alloc(msg, req->timeout_ms, req->stage_ns);
	int ret = -ENOMEM;

	if (!cpus || !t)
		goto out;
	ret = return_plan(req->id, cpus, t);
	if (ret) {
		rfctl_say(msg, "there is no loan %u", req->id);
		goto out;
	}
	ret = return_out(t, cpus);
	req->got = rfctl_loan_returned(req->id);
	if (req->got)
		rfctl_loan_await_home();
out:
	if (t)
		transfer_free(t);
	kfree(cpus);
	return ret;
}
