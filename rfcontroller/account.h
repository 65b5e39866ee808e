/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Accounts: how much of what each owner had, times how long. Pure arithmetic:
 * the caller says what time it is, and serialises the calls.
 *
 * Each change is one moment for both owners, so that nothing falls between
 * them: at any moment the sum over all owners is what there is, times the time
 * since counting began, to the last microsecond.
 */
#ifndef _RFCONTROLLER_ACCOUNT_H
#define _RFCONTROLLER_ACCOUNT_H

#include <rainforest/pure.h>
#include <linux/rainforest.h>

#define RF_ACCOUNTS_LIVING	64	/* far more than there are slices below 1 MB */
#define RF_ACCOUNTS_ENDED	256	/* remembered one by one */
#define RF_ACCOUNTS_MAX		(4 + RF_ACCOUNTS_LIVING + RF_ACCOUNTS_ENDED)

/* what is counted */
enum rf_account_kind {
	RF_ACCOUNT_CPU,
	RF_ACCOUNT_BLOCK,
	RF_ACCOUNT_KINDS,
};

/**
 * struct rf_account - one owner's
 * @owner: id of a subOS or RF_OWNER_*
 * @flags: RF_USAGE_GONE
 * @name: of the subOS, else empty
 * @nr: what it has now
 * @us: what it had until @at_us, times microseconds
 * @at_us: when @us was brought up to date
 */
struct rf_account {
	u32 owner;
	u32 flags;
	char name[RF_NAME_MAX];
	u64 nr[RF_ACCOUNT_KINDS];
	u64 us[RF_ACCOUNT_KINDS];
	u64 at_us;
};

/**
 * struct rf_accounts - of all owners
 * @since_us: when counting began
 * @nr_cpus: CPUs that are counted
 * @nr: entries in @account
 * @nr_ended: entries of subOSes that have ended
 * @folded: subOSes that ended and no longer have an entry of their own
 * @account: supervisor, pool, quarantine, what was folded, then by age
 */
struct rf_accounts {
	u64 since_us;
	u32 nr_cpus;
	u32 nr;
	u32 nr_ended;
	u32 folded;
	struct rf_account account[RF_ACCOUNTS_MAX];
};

/**
 * rf_accounts_init() - begin to count
 * @all: (out) the accounts
 * @nr_cpus: CPUs that there are: the supervisor has them all
 * @now_us: the time
 */
void rf_accounts_init(struct rf_accounts *all, u32 nr_cpus, u64 now_us);

/**
 * rf_account_open() - another owner, which has nothing yet
 * @all: the accounts
 * @owner: id of a subOS
 * @name: its name
 * @now_us: the time
 *
 * Return: 0. -ENOSPC there are RF_ACCOUNTS_LIVING already.
 */
int rf_account_open(struct rf_accounts *all, u32 owner, const char *name, u64 now_us);

/**
 * rf_account_close() - an owner has ended; its account is kept
 * @all: the accounts
 * @owner: id of a subOS
 * @now_us: the time
 *
 * When there are more than RF_ACCOUNTS_ENDED of these, the oldest is folded
 * into one without name.
 */
void rf_account_close(struct rf_accounts *all, u32 owner, u64 now_us);

/**
 * rf_account_move() - something goes from one owner to another
 * @all: the accounts
 * @kind: what
 * @from: owner before
 * @to: owner after
 * @now_us: the time, not before that of any earlier call
 *
 * Blocks of the supervisor are not counted: it has the whole machine.
 *
 * Return: 0. -EINVAL an owner has no account, or @from has none to give;
 * nothing is changed then.
 */
int rf_account_move(struct rf_accounts *all, enum rf_account_kind kind, u32 from, u32 to,
		    u64 now_us);

/**
 * rf_accounts_read() - what each owner had until now
 * @all: the accounts
 * @out: (out) an entry for each
 * @max: room in @out
 * @now_us: the time
 *
 * Return: entries that there are, may exceed @max.
 */
u32 rf_accounts_read(const struct rf_accounts *all, struct rf_usage_entry *out, u32 max,
		     u64 now_us);

/* What an owner has now; 0 when it has no account. */
u64 rf_account_has(const struct rf_accounts *all, enum rf_account_kind kind, u32 owner);

#endif /* _RFCONTROLLER_ACCOUNT_H */
