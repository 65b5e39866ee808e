// SPDX-License-Identifier: GPL-2.0-only
/*
 * DOC: Usage: how long each owner has had how many CPUs and blocks
 *
 * The clock is read once for each change of owner, under rfctl_lock, which also
 * serialises the changes; account.c does the arithmetic. CPUs that were added
 * to the machine after the module was loaded are not counted.
 */
#include <linux/cleanup.h>
#include <linux/cpumask.h>
#include <linux/ktime.h>
#include <linux/mm.h>
#include <linux/seq_buf.h>
#include <linux/uaccess.h>
#include "account.h"
#include "anchor.h"
#include "cdev.h"
#include "fail.h"
#include "internal.h"

static struct rf_accounts *accounts;	/* under rfctl_lock */
static struct cpumask counted;		/* CPUs; never changes, whoever is loaded */
static u64 usage_lost;			/* changes that the accounts refused; under rfctl_lock */

static u64 usage_now(void)
{
	return ktime_to_us(ktime_get());
}

/**
 * rfctl_usage_save - put the accounts into the anchor
 * @out: the anchor
 * @machine: what of it is there once
 */
void rfctl_usage_save(struct rf_anchor_out *out, struct rf_anchor_machine *machine)
{
	u32 i;

	guard(mutex)(&rfctl_lock);
	for (i = 0; i < accounts->nr; i++) {
		const struct rf_account *account = &accounts->account[i];
		struct rf_anchor_account a = {
			.owner = account->owner,
			.flags = account->flags,
			.nr = { account->nr[RF_ACCOUNT_CPU], account->nr[RF_ACCOUNT_BLOCK] },
			.us = { account->us[RF_ACCOUNT_CPU], account->us[RF_ACCOUNT_BLOCK] },
			.at_us = account->at_us,
		};

		memcpy(a.name, account->name, sizeof(a.name));
		rf_anchor_put(out, RF_ANCHOR_ACCOUNT, &a, sizeof(a));
	}
	machine->usage_lost = usage_lost;
	machine->usage_since_us = accounts->since_us;
	machine->usage_cpus = accounts->nr_cpus;
	machine->usage_ended = accounts->nr_ended;
	machine->usage_folded = accounts->folded;
}

/* The clock went on meanwhile, and nothing changed hands: it is as if we had been there. */
static void usage_adopt(void)
{
	struct rf_anchor_machine machine;
	struct rf_anchor_account a;
	struct rf_account *account;
	struct rf_anchor_iter it;
	struct rf_anchor_cpu c;

	if (!rfctl_adopted)
		return;
	rfctl_adopt_machine(&machine);
	cpumask_clear(&counted);
	rf_anchor_first(&it, rfctl_adopted, RF_ANCHOR_CPU);
	while (rf_anchor_next(&it, &c, sizeof(c)))
		if (c.flags & RF_ANCHOR_CPU_COUNTED)
			cpumask_set_cpu(c.cpu, &counted);
	accounts->nr = 0;
	rf_anchor_first(&it, rfctl_adopted, RF_ANCHOR_ACCOUNT);
	while (accounts->nr < RF_ACCOUNTS_MAX && rf_anchor_next(&it, &a, sizeof(a))) {
		account = &accounts->account[accounts->nr++];
		account->owner = a.owner;
		account->flags = a.flags;
		memcpy(account->name, a.name, sizeof(account->name));
		account->nr[RF_ACCOUNT_CPU] = a.nr[0];
		account->nr[RF_ACCOUNT_BLOCK] = a.nr[1];
		account->us[RF_ACCOUNT_CPU] = a.us[0];
		account->us[RF_ACCOUNT_BLOCK] = a.us[1];
		account->at_us = a.at_us;
	}
	usage_lost = machine.usage_lost;
	accounts->since_us = machine.usage_since_us;
	accounts->nr_cpus = machine.usage_cpus;
	accounts->nr_ended = machine.usage_ended;
	accounts->folded = machine.usage_folded;
}

/**
 * rfctl_usage_init - begin to count, or go on where it was left
 *
 * Context: after rfctl_cpu_init().
 * Return: 0, -ENOMEM.
 */
int rfctl_usage_init(void)
{
	unsigned int cpu;

	accounts = rfctl_alloc(kvzalloc(sizeof(*accounts), GFP_KERNEL));
	if (!accounts)
		return -ENOMEM;
	for_each_possible_cpu(cpu)
		if (rfctl_cpu_exists(cpu))
			cpumask_set_cpu(cpu, &counted);
	rf_accounts_init(accounts, cpumask_weight(&counted), usage_now());
	usage_adopt();
	return 0;
}

/**
 * rfctl_usage_exit - no longer
 */
void rfctl_usage_exit(void)
{
	kvfree(accounts);
	accounts = NULL;
}

/**
 * rfctl_usage_begin - a subOS has an account from now on
 * @so: the subOS, with its id and name
 *
 * Context: process; takes rfctl_lock.
 * Return: 0, -ENOSPC.
 */
int rfctl_usage_begin(const struct subos *so)
{
	guard(mutex)(&rfctl_lock);
	return rf_account_open(accounts, so->id, so->name, usage_now());
}

/**
 * rfctl_usage_end - a subOS is gone; its account is kept
 * @so: the subOS
 *
 * Context: process; takes rfctl_lock.
 */
void rfctl_usage_end(const struct subos *so)
{
	guard(mutex)(&rfctl_lock);
	rf_account_close(accounts, so->id, usage_now());
}

/**
 * rfctl_usage_counts - is a CPU on account?
 * @cpu: logical CPU
 *
 * Return: whether it was there when counting began.
 */
bool rfctl_usage_counts(unsigned int cpu)
{
	return cpumask_test_cpu(cpu, &counted);
}

static void usage_move(enum rf_account_kind kind, u32 from, u32 to)
{
	lockdep_assert_held(&rfctl_lock);
	if (accounts && rf_account_move(accounts, kind, from, to, usage_now()))
		usage_lost++;
}

/**
 * rfctl_usage_cpu - a CPU changes its owner
 * @cpu: logical CPU
 * @from: owner before
 * @to: owner after
 *
 * Context: process, rfctl_lock held. Cannot fail.
 */
void rfctl_usage_cpu(unsigned int cpu, u32 from, u32 to)
{
	if (cpumask_test_cpu(cpu, &counted))
		usage_move(RF_ACCOUNT_CPU, from, to);
}

/**
 * rfctl_usage_block - a block of memory changes its owner
 * @from: owner before
 * @to: owner after
 *
 * Context: process, rfctl_lock held. Cannot fail.
 */
void rfctl_usage_block(u32 from, u32 to)
{
	usage_move(RF_ACCOUNT_BLOCK, from, to);
}

/**
 * rfctl_usage_ioctl - RF_IOC_USAGE
 * @arg: user address of struct rf_usage
 *
 * Return: 0, -EFAULT, -EINVAL, -E2BIG, -ENOMEM.
 */
int rfctl_usage_ioctl(void __user *arg)
{
	struct rf_usage_entry *entries;
	struct rf_usage req;
	int ret;

	ret = CDEV_FETCH(arg, req, reserved);
	if (ret)
		return ret;
	if (req.flags || req.reserved)
		return -EINVAL;
	entries = rfctl_alloc(kvcalloc(RF_ACCOUNTS_MAX, sizeof(*entries), GFP_KERNEL));
	if (!entries)
		return -ENOMEM;
	mutex_lock(&rfctl_lock);
	req.now_us = usage_now();
	req.since_us = accounts->since_us;
	req.nr_cpus = accounts->nr_cpus;
	req.count = rf_accounts_read(accounts, entries, RF_ACCOUNTS_MAX, req.now_us);
	mutex_unlock(&rfctl_lock);
	if (copy_to_user(u64_to_user_ptr(req.entries), entries,
			 min(req.count, req.capacity) * sizeof(*entries)))
		ret = -EFAULT;
	kvfree(entries);
	return ret ?: cdev_return(arg, &req, sizeof(req));
}

/* What owners have, as the ledger says; from the tallest id down there is nothing. */
struct usage_count {
	u64 cpus;	/* not the supervisor's */
	u64 blocks;
	u64 wrong;	/* owners that the accounts do not know */
};

static void usage_count(u32 kind, u64 start, u32 owner, void *data)
{
	struct usage_count *count = data;

	if (kind == RF_RES_CPU && cpumask_test_cpu(start, &counted))
		count->cpus++;
	else if (kind == RF_RES_MEMORY)
		count->blocks++;
	else
		return;
	if (!rf_account_has(accounts, kind == RF_RES_CPU ? RF_ACCOUNT_CPU : RF_ACCOUNT_BLOCK,
			    owner))
		count->wrong++;
}

/**
 * rfctl_usage_audit - do the accounts and the ledger say the same?
 * @audit: counters
 * @out: findings
 */
void rfctl_usage_audit(struct rf_audit *audit, struct seq_buf *out)
{
	struct usage_count count = { 0 };
	u64 cpus = 0, blocks = 0;
	u32 i;

	guard(mutex)(&rfctl_lock);
	rfctl_ledger_each(usage_count, &count);
	for (i = 0; i < accounts->nr; i++) {
		blocks += accounts->account[i].nr[RF_ACCOUNT_BLOCK];
		cpus += accounts->account[i].nr[RF_ACCOUNT_CPU];
	}
	cpus -= rf_account_has(accounts, RF_ACCOUNT_CPU, RF_OWNER_SUPERVISOR);
	rfctl_audit_check(audit, out, !count.wrong && !usage_lost,
			  "usage: %llu resources are on no account, %llu changes were lost",
			  count.wrong, usage_lost);
	rfctl_audit_check(audit, out, cpus == count.cpus && blocks == count.blocks,
			  "usage: %llu CPUs and %llu blocks on account, %llu and %llu in the ledger",
			  cpus, blocks, count.cpus, count.blocks);
}
