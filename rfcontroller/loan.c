// SPDX-License-Identifier: GPL-2.0-only
/*
 * DOC: Loans: cores and memory from one subOS to another
 *
 * One subOS gives up, as when it shrinks, but what leaves it is the other's at
 * once: a core stays parked, memory is zeroed, and neither touches the
 * supervisor. Then the other is offered it, as when it grows; what it does not
 * take goes back in the same way. No two subOSes are locked at a time: in
 * between, the owner is right and the heir does not know yet.
 *
 * A loan ends with the kernel that borrowed, whatever ended it. Its cores are
 * parked and its devices silent by then, so that what was lent can be left to
 * the lender at once; a work item lets the lender's kernel know.
 */
#include <linux/cpumask.h>
#include <linux/ktime.h>
#include <linux/list.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include <linux/workqueue.h>
#include "fail.h"
#include "internal.h"
#include "resize.h"

/**
 * struct loan - one core or block that is lent
 * @node: in loans or, going home, in loans_home
 * @l: as user space sees it, without names
 */
struct loan {
	struct list_head node;
	struct rf_loan l;
};

static DEFINE_MUTEX(loan_lock);		/* protects both lists; nothing else is taken inside */
static LIST_HEAD(loans);
static LIST_HEAD(loans_home);		/* left to the lender, who does not know yet */
static u32 loan_last;
static struct workqueue_struct *loan_queue;

static void loan_home_work(struct work_struct *work);
static DECLARE_WORK(loan_home, loan_home_work);

static int loan_add(u32 id, u32 kind, u64 start, u64 length, u32 from, u32 to)
{
	struct loan *loan = rfctl_zalloc(sizeof(*loan));

	if (!loan)
		return -ENOMEM;
	loan->l = (struct rf_loan){
		.id = id, .kind = kind, .start = start, .length = length,
		.from = from, .to = to, .since_ns = ktime_get_real_ns(),
	};
	guard(mutex)(&loan_lock);
	list_add_tail(&loan->node, &loans);
	return 0;
}

static struct subos *loan_subos(u32 id)
{
	struct subos *so;

	guard(mutex)(&rfctl_lock);
	list_for_each_entry(so, &rfctl_subos_list, node) {
		if (so->id != id)
			continue;
		kref_get(&so->ref);
		return so;
	}
	return NULL;
}

static void loan_event(struct subos *so)
{
	rfctl_event(so, RF_EVENT_CPUS, cpumask_weight(&so->cpus), 0, "a loan");
	rfctl_event(so, RF_EVENT_MEMORY, rfctl_mem_owned(so), 0, "a loan");
}

/* What was left to a subOS: its kernel may use it from now on. */
static int loan_offer(struct subos *so, struct rfctl_resize *rs)
{
	int ret;

	rs->so = so;
	ret = rfctl_resize_begin(so, rs->msg);
	if (ret)
		return ret;
	rfctl_cpus_adopt(so);
	rfctl_mem_adopt(so);
	ret = rfctl_resize_cpus_offer(rs);
	if (!ret)
		ret = rfctl_resize_memory_offer(rs);
	loan_event(so);
	rfctl_resize_end(so);
	return ret;
}

/*
 * A lender gets something back in any case: one that does not run boots with it
 * the next time, one that is busy is offered it when it grows.
 */
static void loan_take_home(struct subos *so)
{
	struct rfctl_msg msg = { "" };
	u64 stage_ns[RF_RESIZE_STAGES] = {};
	struct rfctl_resize rs = { .msg = &msg, .timeout_ms = RFCTL_ASK_MS, .stage_ns = stage_ns };

	guard(mutex)(&so->lock);
	if (so->gone)
		return;
	rfctl_cpus_adopt(so);
	rfctl_mem_adopt(so);
	if (so->running && loan_offer(so, &rs))
		pr_info("%s does not use yet what came back to it: %s\n", so->name, msg.text);
}

/* What is still left to somebody who is gone goes on to @heir, 0: to the pool. */
static void loan_pass(u32 kind, u64 start, u32 owner, u32 heir)
{
	if (kind == RF_RES_CPU)
		rfctl_cpu_pass(start, owner, heir);
	else
		rfctl_mem_pass(start, owner, heir);
}

static void loan_home_one(struct loan *loan)
{
	struct subos *so = loan_subos(loan->l.from);

	if (so) {
		loan_take_home(so);
		subos_put(so);
	}
	if (!so || so->gone)
		loan_pass(loan->l.kind, loan->l.start, loan->l.from, 0);
}

static void loan_home_work(struct work_struct *work)
{
	struct loan *loan;

	for (;;) {
		mutex_lock(&loan_lock);
		loan = list_first_entry_or_null(&loans_home, struct loan, node);
		if (loan)
			list_del(&loan->node);
		mutex_unlock(&loan_lock);
		if (!loan)
			return;
		loan_home_one(loan);
		kfree(loan);
	}
}

/* What was lent to @so goes to @home; returns whether there was anything. */
static bool loan_collect(struct subos *so, struct list_head *home)
{
	struct loan *loan, *next;

	guard(mutex)(&loan_lock);
	list_for_each_entry_safe(loan, next, &loans, node)
		if (loan->l.to == so->id)
			list_move_tail(&loan->node, home);
	return !list_empty(home);
}

/**
 * rfctl_loans_end - the kernel that borrowed has ended: all goes back to the lenders
 * @so: the borrower, locked; its cores are parked, its devices silent
 */
void rfctl_loans_end(struct subos *so)
{
	struct loan *loan;
	LIST_HEAD(home);
	u64 scrub_ns = 0;

	if (!loan_collect(so, &home))
		return;
	list_for_each_entry(loan, &home, node) {
		const struct rfctl_range run = { loan->l.start, loan->l.length };

		if (loan->l.kind == RF_RES_CPU && cpumask_test_cpu(loan->l.start, &so->cpus))
			rfctl_cpu_drop(so, loan->l.start, loan->l.from);
		else if (loan->l.kind == RF_RES_MEMORY)
			rfctl_mem_drop(so, &run, loan->l.from, &scrub_ns);
	}
	mutex_lock(&loan_lock);
	list_splice_tail(&home, &loans_home);
	mutex_unlock(&loan_lock);
	queue_work(loan_queue, &loan_home);
}

/**
 * rfctl_loans_forget - a lender is destroyed: the borrowers keep what they have
 * @so: the lender, locked
 */
void rfctl_loans_forget(struct subos *so)
{
	struct loan *loan, *next;

	guard(mutex)(&loan_lock);
	list_for_each_entry_safe(loan, next, &loans, node) {
		if (loan->l.from != so->id)
			continue;
		list_del(&loan->node);
		kfree(loan);
	}
}

/**
 * struct transfer - resources on their way from one subOS to another
 * @from: who gives them up
 * @to: who gets them
 * @rs: what both share
 * @cpus: which moved
 * @nr_runs: number of @run
 * @run: blocks that moved
 */
struct transfer {
	struct subos *from;
	struct subos *to;
	struct rfctl_resize rs;
	struct cpumask cpus;
	unsigned int nr_runs;
	struct rfctl_range run[RF_WIRE_RANGES];
};

static int transfer_cpus_out(struct transfer *t, const struct cpumask *want, unsigned int count)
{
	struct cpumask *before = &t->cpus;
	int ret;

	cpumask_copy(before, want);
	ret = rfctl_resize_cpus_plan_removal(&t->rs, before, count);
	if (!ret)
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
	loan_event(t->from);
	rfctl_resize_end(t->from);
	return ret;
}

/* What the borrower does not take is left to the lender. */
static int transfer_in(struct transfer *t)
{
	guard(mutex)(&t->to->lock);
	t->rs.heir = t->from->id;
	return loan_offer(t->to, &t->rs);
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
		loan_pass(RF_RES_CPU, cpu, owner, heir);
	for (i = 0; i < t->nr_runs; i++)
		loan_pass(RF_RES_MEMORY, t->run[i].start, owner, heir);
}

/* To the lender, or to the pool when it is gone, what the borrower never looked at. */
static void transfer_undo(struct transfer *t)
{
	mutex_lock(&t->to->lock);
	if (!transfer_adopted(t))
		transfer_pass(t, t->to->id, t->from->id);
	mutex_unlock(&t->to->lock);
	loan_take_home(t->from);
	if (t->from->gone)
		transfer_pass(t, t->from->id, 0);
}

static bool transfer_arrived(struct transfer *t, u32 kind, u64 start)
{
	return rfctl_ledger_owner(kind, start) == t->to->id;
}

static u64 transfer_note(struct transfer *t, u32 id)
{
	unsigned int cpu, i;
	u64 got = 0;

	for_each_cpu(cpu, &t->cpus)
		if (transfer_arrived(t, RF_RES_CPU, cpu) &&
		    !loan_add(id, RF_RES_CPU, cpu, 1, t->from->id, t->to->id))
			got++;
	for (i = 0; i < t->nr_runs; i++)
		if (transfer_arrived(t, RF_RES_MEMORY, t->run[i].start) &&
		    !loan_add(id, RF_RES_MEMORY, t->run[i].start, RF_GRAIN, t->from->id,
			      t->to->id))
			got += RF_GRAIN;
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

static int borrow(struct transfer *t, struct rf_borrow *req, struct cpumask *mask)
{
	int ret, err;

	ret = borrow_check(t, req);
	if (ret)
		return ret;
	ret = transfer_out(t, mask, req->count, req->bytes);
	if (cpumask_empty(&t->cpus) && !t->nr_runs)
		return ret;
	err = transfer_in(t);
	if (err)
		transfer_undo(t);
	mutex_lock(&loan_lock);
	req->id = ++loan_last;
	mutex_unlock(&loan_lock);
	req->got = transfer_note(t, req->id);
	if (!req->got)
		req->id = 0;
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
	    (!cpumask_empty(mask) && req->count))
		return -EINVAL;
	t = rfctl_zalloc(sizeof(*t));
	if (!t)
		return -ENOMEM;
	t->rs = (struct rfctl_resize){ .msg = msg, .timeout_ms = req->timeout_ms ?: RFCTL_ASK_MS,
				       .stage_ns = req->stage_ns };
	t->from = subos_find_get(req->from);
	t->to = subos_find_get(req->to);
	if (t->from && t->to)
		ret = borrow(t, req, mask);
	else
		rfctl_say(msg, "there is no subOS %s", t->from ? req->to : req->from);
	if (t->from)
		subos_put(t->from);
	if (t->to)
		subos_put(t->to);
	kfree(t);
	return ret;
}

/* What of a loan is to go back; the entries that do are deleted by return_note(). */
static int return_plan(u32 id, struct cpumask *cpus, struct transfer *t, u32 *from, u32 *to)
{
	struct loan *loan;
	bool any = false;

	guard(mutex)(&loan_lock);
	list_for_each_entry(loan, &loans, node) {
		if (loan->l.id != id)
			continue;
		any = true;
		*from = loan->l.from;
		*to = loan->l.to;
		if (loan->l.kind == RF_RES_CPU)
			cpumask_set_cpu(loan->l.start, cpus);
		else if (t->nr_runs < ARRAY_SIZE(t->run))
			t->run[t->nr_runs++] = (struct rfctl_range){ loan->l.start,
								     loan->l.length };
	}
	return any ? 0 : -ENOENT;
}

static u64 return_note(u32 id, u32 borrower)
{
	struct loan *loan, *next;
	u64 got = 0;

	guard(mutex)(&loan_lock);
	list_for_each_entry_safe(loan, next, &loans, node) {
		if (loan->l.id != id || rfctl_ledger_owner(loan->l.kind, loan->l.start) == borrower)
			continue;
		list_del(&loan->node);
		kfree(loan);
		got++;
	}
	return got;
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

static int return_loan(struct transfer *t, struct rf_return *req, const struct cpumask *cpus)
{
	int ret = return_out(t, cpus);

	req->got = return_note(req->id, t->from->id);
	if (req->got)
		loan_take_home(t->to);
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
	struct transfer *t = rfctl_zalloc(sizeof(*t));
	u32 lender = 0, borrower = 0;
	int ret = -ENOMEM;

	if (!cpus || !t)
		goto out;
	t->rs = (struct rfctl_resize){ .msg = msg, .timeout_ms = req->timeout_ms ?: RFCTL_ASK_MS,
				       .stage_ns = req->stage_ns };
	ret = return_plan(req->id, cpus, t, &lender, &borrower);
	if (ret) {
		rfctl_say(msg, "there is no loan %u", req->id);
		goto out;
	}
	t->from = loan_subos(borrower);
	t->to = loan_subos(lender);
	ret = t->from && t->to ? return_loan(t, req, cpus) : -ENOENT;
	if (t->from)
		subos_put(t->from);
	if (t->to)
		subos_put(t->to);
out:
	kfree(t);
	kfree(cpus);
	return ret;
}

static bool loan_nth(unsigned int n, struct rf_loan *l)
{
	struct loan *loan;

	guard(mutex)(&loan_lock);
	list_for_each_entry(loan, &loans, node) {
		if (n--)
			continue;
		*l = loan->l;
		return true;
	}
	return false;
}

static void loan_name(u32 id, char *name)
{
	struct subos *so = loan_subos(id);

	if (!so)
		return;
	strscpy(name, so->name, RF_NAME_MAX);
	subos_put(so);
}

/**
 * rfctl_loans - list what is lent
 * @req: copy of what the user passed; its (out) fields are set
 *
 * Return: 0, -EFAULT.
 */
int rfctl_loans(struct rf_loans *req)
{
	struct rf_loan l;

	for (req->count = 0; loan_nth(req->count, &l); req->count++) {
		u64 to = req->entries + (u64)req->count * sizeof(l);

		if (req->count >= req->capacity)
			continue;
		loan_name(l.from, l.from_name);
		loan_name(l.to, l.to_name);
		if (copy_to_user(u64_to_user_ptr(to), &l, sizeof(l)))
			return -EFAULT;
	}
	return 0;
}

/**
 * rfctl_loan_init - be ready to lend
 *
 * Return: 0, -ENOMEM.
 */
int rfctl_loan_init(void)
{
	loan_queue = alloc_ordered_workqueue("rfctl_loan", 0);
	return loan_queue ? 0 : -ENOMEM;
}

/**
 * rfctl_loan_exit - no subOS is left
 */
void rfctl_loan_exit(void)
{
	destroy_workqueue(loan_queue);
}
