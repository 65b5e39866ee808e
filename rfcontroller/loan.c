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
 * the lender at once; a work item lets the lender's kernel know. What a borrower
 * gives up by itself goes the same way. Who lends on what is lent to him is left
 * out: it goes back to the first lender.
 */
#include <linux/cpumask.h>
#include <linux/jiffies.h>
#include <linux/ktime.h>
#include <linux/list.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include <linux/workqueue.h>
#include "anchor.h"
#include "fail.h"
#include "internal.h"
#include "loan.h"
#include "resize.h"

#define HOME_AGAIN_MS	500	/* a lender that is busy, or boots, is told later */
#define HOME_TRIES	600

static DEFINE_MUTEX(loan_lock);		/* protects both lists; nothing else is taken inside */
static LIST_HEAD(loans);
static LIST_HEAD(loans_home);		/* left to the lender, who does not know yet */
static u32 loan_last;
static struct workqueue_struct *loan_queue;

static void loan_home_work(struct work_struct *work);
static DECLARE_DELAYED_WORK(loan_home, loan_home_work);

/**
 * rfctl_loan_number - number for a new loan
 *
 * Return: never 0.
 */
u32 rfctl_loan_number(void)
{
	guard(mutex)(&loan_lock);
	return ++loan_last ?: ++loan_last;
}

static struct loan *loan_find(u32 kind, u64 start)
{
	struct loan *loan;

	lockdep_assert_held(&loan_lock);
	list_for_each_entry(loan, &loans, node)
		if (loan->l.kind == kind && loan->l.start == start)
			return loan;
	return NULL;
}

/**
 * rfctl_loan_add - register a loan
 * @loan: allocated by the caller, filled in; belongs to the register now
 *
 * There is one entry for a core or block: what is lent on by who borrowed it is
 * owed to the first lender, and what is lent to him is his again.
 */
void rfctl_loan_add(struct loan *loan)
{
	struct loan *before;

	loan->l.since_ns = ktime_get_real_ns();
	guard(mutex)(&loan_lock);
	before = loan_find(loan->l.kind, loan->l.start);
	if (before) {
		loan->l.from = before->l.from;
		list_del(&before->node);
		kfree(before);
	}
	if (loan->l.from == loan->l.to)
		kfree(loan);
	else
		list_add_tail(&loan->node, &loans);
}

/**
 * rfctl_loan_lender - whom is a core or block owed to?
 * @kind: RF_RES_CPU or RF_RES_MEMORY
 * @start: see RF_RES_*
 * @borrower: id of the subOS that has it
 *
 * Return: id of a subOS; 0 when it is not lent to @borrower.
 */
u32 rfctl_loan_lender(u32 kind, u64 start, u32 borrower)
{
	struct loan *loan;

	guard(mutex)(&loan_lock);
	loan = loan_find(kind, start);
	return loan && loan->l.to == borrower ? loan->l.from : 0;
}

/**
 * rfctl_loan_over - what was lent was left to the lender: let his kernel know
 * @kind: RF_RES_CPU or RF_RES_MEMORY
 * @start: see RF_RES_*
 */
void rfctl_loan_over(u32 kind, u64 start)
{
	struct loan *loan;

	guard(mutex)(&loan_lock);
	loan = loan_find(kind, start);
	if (!loan)
		return;
	list_move_tail(&loan->node, &loans_home);
	mod_delayed_work(loan_queue, &loan_home, 0);
}

/**
 * rfctl_loan_go_home - let a lender know of what was left to him
 * @loan: on no list; belongs to the register now
 */
void rfctl_loan_go_home(struct loan *loan)
{
	guard(mutex)(&loan_lock);
	list_add_tail(&loan->node, &loans_home);
	mod_delayed_work(loan_queue, &loan_home, 0);
}

/**
 * rfctl_loan_await_home - until the lenders know, or a signal came
 *
 * Context: no lock is held.
 */
void rfctl_loan_await_home(void)
{
	if (!signal_pending(current))
		flush_delayed_work(&loan_home);
}

/**
 * rfctl_loan_event - a subOS has more or less than before
 * @so: the subOS, locked
 */
void rfctl_loan_event(struct subos *so)
{
	rfctl_event(so, RF_EVENT_CPUS, cpumask_weight(&so->cpus), 0, "a loan");
	rfctl_event(so, RF_EVENT_MEMORY, rfctl_mem_owned(so), 0, "a loan");
}

/**
 * rfctl_loan_offer - what was left to a subOS: its kernel may use it from now on
 * @so: the subOS, locked
 * @rs: the change; what is not taken goes to @rs->heir
 *
 * Return: 0, or as rfctl_resize_begin() and rfctl_resize_ask().
 */
int rfctl_loan_offer(struct subos *so, struct rfctl_resize *rs)
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
	rfctl_loan_event(so);
	rfctl_resize_end(so);
	return ret;
}

/*
 * A lender gets something back in any case: one that does not run boots with it
 * the next time. Returns whether to come again: he is busy, or boots.
 */
static bool loan_take_home(struct subos *so)
{
	struct rfctl_msg msg = { "" };
	u64 stage_ns[RF_RESIZE_STAGES] = {};
	struct rfctl_resize rs = { .msg = &msg, .timeout_ms = RFCTL_ASK_MS, .stage_ns = stage_ns };
	int ret;

	guard(mutex)(&so->lock);
	if (so->gone)
		return false;
	rfctl_cpus_adopt(so);
	rfctl_mem_adopt(so);
	ret = so->running ? rfctl_loan_offer(so, &rs) : 0;
	if (ret == -EBUSY || ret == -ENOTCONN)
		return so->running;
	if (ret)
		pr_info("%s does not use yet what came back to it: %s\n", so->name, msg.text);
	return false;
}

/**
 * rfctl_loan_pass - what is still left to somebody who never used it goes on
 * @kind: RF_RES_CPU or RF_RES_MEMORY
 * @start: see RF_RES_*
 * @owner: id of that subOS: nothing is done when it has another owner
 * @heir: id of the next, 0: the pool, or the supervisor
 */
void rfctl_loan_pass(u32 kind, u64 start, u32 owner, u32 heir)
{
	if (kind == RF_RES_CPU) {
		rfctl_cpu_pass(start, owner, heir);
		rfctl_exchange_cpus(NULL);
	} else {
		rfctl_mem_pass(start, owner, heir);
	}
}

/* Returns whether to come again. */
static bool loan_home_one(struct loan *loan)
{
	struct subos *so = subos_find_id(loan->l.from);
	bool again = so && loan_take_home(so) && ++loan->tries < HOME_TRIES;

	if (!so || so->gone)
		rfctl_loan_pass(loan->l.kind, loan->l.start, loan->l.from, 0);
	if (so)
		subos_put(so);
	return again;
}

static void loan_home_work(struct work_struct *work)
{
	struct loan *loan, *next;
	LIST_HEAD(again);
	LIST_HEAD(now);

	mutex_lock(&loan_lock);
	list_splice_init(&loans_home, &now);
	mutex_unlock(&loan_lock);
	list_for_each_entry_safe(loan, next, &now, node) {
		if (loan_home_one(loan)) {
			list_move_tail(&loan->node, &again);
			continue;
		}
		list_del(&loan->node);
		kfree(loan);
	}
	if (list_empty(&again))
		return;
	mutex_lock(&loan_lock);
	list_splice_tail(&again, &loans_home);
	queue_delayed_work(loan_queue, &loan_home, msecs_to_jiffies(HOME_AGAIN_MS));
	mutex_unlock(&loan_lock);
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
		const struct rfctl_range run = { .start = loan->l.start, .length = loan->l.length };

		if (loan->l.kind == RF_RES_CPU && cpumask_test_cpu(loan->l.start, &so->cpus))
			rfctl_cpu_drop(so, loan->l.start, loan->l.from);
		else if (loan->l.kind == RF_RES_MEMORY)
			rfctl_mem_drop(so, &run, loan->l.from, &scrub_ns);
	}
	mutex_lock(&loan_lock);
	list_splice_tail(&home, &loans_home);
	mutex_unlock(&loan_lock);
	mod_delayed_work(loan_queue, &loan_home, 0);
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
 * rfctl_loan_nth_of - what belongs to a loan
 * @id: number of the loan
 * @n: counts from 0
 * @l: (out) copy
 *
 * Return: 0. -ENOENT there is no such loan, or not that many in it.
 */
int rfctl_loan_nth_of(u32 id, unsigned int n, struct rf_loan *l)
{
	struct loan *loan;

	guard(mutex)(&loan_lock);
	list_for_each_entry(loan, &loans, node) {
		if (loan->l.id != id || n--)
			continue;
		*l = loan->l;
		return 0;
	}
	return -ENOENT;
}

/**
 * rfctl_loan_returned - what of a loan the borrower has no more is the lender's
 * @id: number of the loan
 *
 * Return: how many cores and blocks.
 */
u64 rfctl_loan_returned(u32 id)
{
	struct loan *loan, *next;
	u64 got = 0;

	guard(mutex)(&loan_lock);
	list_for_each_entry_safe(loan, next, &loans, node) {
		if (loan->l.id != id ||
		    rfctl_ledger_owner(loan->l.kind, loan->l.start) == loan->l.to)
			continue;
		list_move_tail(&loan->node, &loans_home);
		got++;
	}
	if (got)
		mod_delayed_work(loan_queue, &loan_home, 0);
	return got;
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
		rfctl_subos_name(l.from, l.from_name);
		rfctl_subos_name(l.to, l.to_name);
		if (copy_to_user(u64_to_user_ptr(to), &l, sizeof(l)))
			return -EFAULT;
	}
	return 0;
}

/**
 * rfctl_loan_pause - lenders are told nothing for the moment
 */
void rfctl_loan_pause(void)
{
	cancel_delayed_work_sync(&loan_home);
}

/**
 * rfctl_loan_resume - they are told again
 */
void rfctl_loan_resume(void)
{
	guard(mutex)(&loan_lock);
	if (!list_empty(&loans_home))
		queue_delayed_work(loan_queue, &loan_home, 0);
}

static void loans_put(struct rf_anchor_out *out, struct list_head *list, bool home)
{
	struct loan *loan;

	list_for_each_entry(loan, list, node) {
		const struct rf_anchor_loan a = {
			.id = loan->l.id,
			.kind = loan->l.kind,
			.start = loan->l.start,
			.length = loan->l.length,
			.from = loan->l.from,
			.to = loan->l.to,
			.since_ns = loan->l.since_ns,
			.home = home,
		};

		rf_anchor_put(out, RF_ANCHOR_LOAN, &a, sizeof(a));
	}
}

/**
 * rfctl_loans_save - put the register into the anchor
 * @out: the anchor
 * @machine: what of it is there once
 */
void rfctl_loans_save(struct rf_anchor_out *out, struct rf_anchor_machine *machine)
{
	guard(mutex)(&loan_lock);
	machine->last_loan = loan_last;
	loans_put(out, &loans, false);
	loans_put(out, &loans_home, true);
}

static void loans_free(struct list_head *list)
{
	struct loan *loan, *next;

	list_for_each_entry_safe(loan, next, list, node) {
		list_del(&loan->node);
		kfree(loan);
	}
}

static int loans_adopt(void)
{
	struct rf_anchor_machine machine;
	struct rf_anchor_iter it;
	struct rf_anchor_loan a;
	struct loan *loan;

	if (!rfctl_adopted)
		return 0;
	rfctl_adopt_machine(&machine);
	guard(mutex)(&loan_lock);
	rf_anchor_first(&it, rfctl_adopted, RF_ANCHOR_LOAN);
	while (rf_anchor_next(&it, &a, sizeof(a))) {
		loan = rfctl_zalloc(sizeof(*loan));
		if (!loan)
			return -ENOMEM;
		loan->l = (struct rf_loan){ .id = a.id, .kind = a.kind, .start = a.start,
					    .length = a.length, .from = a.from, .to = a.to,
					    .since_ns = a.since_ns };
		list_add_tail(&loan->node, a.home ? &loans_home : &loans);
	}
	loan_last = machine.last_loan;
	return 0;
}

/**
 * rfctl_loan_init - be ready to lend; adopt what is lent
 *
 * Return: 0, -ENOMEM.
 */
int rfctl_loan_init(void)
{
	int ret;

	loan_queue = rfctl_alloc(alloc_ordered_workqueue("rfctl_loan", 0));
	if (!loan_queue)
		return -ENOMEM;
	ret = loans_adopt();
	if (ret)
		rfctl_loan_exit();
	return ret;
}

/**
 * rfctl_loan_exit - no subOS is left, or all stays as it is
 */
void rfctl_loan_exit(void)
{
	cancel_delayed_work_sync(&loan_home);
	destroy_workqueue(loan_queue);
	loans_free(&loans);
	loans_free(&loans_home);
}
