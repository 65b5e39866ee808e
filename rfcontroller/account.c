// SPDX-License-Identifier: GPL-2.0-only
/* Accounts: how much of what each owner had, times how long. See account.h. */
#include "account.h"

enum { SUPERVISOR, POOL, QUARANTINE, FOLDED, FIRST_SUBOS };

static struct rf_account *account_find(struct rf_accounts *all, u32 owner)
{
	u32 i;

	for (i = 0; i < all->nr; i++)
		if (i != FOLDED && all->account[i].owner == owner)
			return &all->account[i];
	return NULL;
}

/* What was had until @now_us, without touching the account. */
static u64 account_sum(const struct rf_account *account, enum rf_account_kind kind, u64 now_us)
{
	return account->us[kind] + account->nr[kind] * (now_us - account->at_us);
}

static void account_settle(struct rf_account *account, u64 now_us)
{
	u32 kind;

	for (kind = 0; kind < RF_ACCOUNT_KINDS; kind++)
		account->us[kind] = account_sum(account, kind, now_us);
	account->at_us = now_us;
}

void rf_accounts_init(struct rf_accounts *all, u32 nr_cpus, u64 now_us)
{
	u32 i;

	memset(all, 0, sizeof(*all));
	all->since_us = now_us;
	all->nr_cpus = nr_cpus;
	all->nr = FIRST_SUBOS;
	for (i = 0; i < FIRST_SUBOS; i++)
		all->account[i].at_us = now_us;
	all->account[SUPERVISOR].owner = RF_OWNER_SUPERVISOR;
	all->account[POOL].owner = RF_OWNER_FREE;
	all->account[QUARANTINE].owner = RF_OWNER_QUARANTINE;
	all->account[FOLDED].flags = RF_USAGE_GONE;
	all->account[SUPERVISOR].nr[RF_ACCOUNT_CPU] = nr_cpus;
}

int rf_account_open(struct rf_accounts *all, u32 owner, const char *name, u64 now_us)
{
	struct rf_account *account = &all->account[all->nr];

	if (all->nr - FIRST_SUBOS - all->nr_ended >= RF_ACCOUNTS_LIVING)
		return -ENOSPC;
	memset(account, 0, sizeof(*account));
	account->owner = owner;
	account->at_us = now_us;
	memcpy(account->name, name, strnlen(name, RF_NAME_MAX - 1));
	all->nr++;
	return 0;
}

/* The oldest that has ended, into the account of all those. */
static void account_fold(struct rf_accounts *all, u64 now_us)
{
	struct rf_account *to = &all->account[FOLDED], *from = &all->account[FIRST_SUBOS];
	u32 kind;

	while (!(from->flags & RF_USAGE_GONE))
		from++;
	account_settle(from, now_us);
	account_settle(to, now_us);
	for (kind = 0; kind < RF_ACCOUNT_KINDS; kind++) {
		to->us[kind] += from->us[kind];
		to->nr[kind] += from->nr[kind];
	}
	to->owner = from->owner;
	memmove(from, from + 1, (char *)&all->account[all->nr] - (char *)(from + 1));
	all->nr--;
	all->nr_ended--;
	all->folded++;
}

void rf_account_close(struct rf_accounts *all, u32 owner, u64 now_us)
{
	struct rf_account *account = account_find(all, owner);

	if (!account || account < &all->account[FIRST_SUBOS] || account->flags & RF_USAGE_GONE)
		return;
	account->flags |= RF_USAGE_GONE;
	all->nr_ended++;
	if (all->nr_ended > RF_ACCOUNTS_ENDED)
		account_fold(all, now_us);
}

static bool account_counts(enum rf_account_kind kind, u32 owner)
{
	return kind == RF_ACCOUNT_CPU || owner != RF_OWNER_SUPERVISOR;
}

int rf_account_move(struct rf_accounts *all, enum rf_account_kind kind, u32 from, u32 to,
		    u64 now_us)
{
	struct rf_account *a = account_find(all, from), *b = account_find(all, to);

	if (!a || !b || (account_counts(kind, from) && !a->nr[kind]))
		return -EINVAL;
	account_settle(a, now_us);
	account_settle(b, now_us);
	if (account_counts(kind, from))
		a->nr[kind]--;
	if (account_counts(kind, to))
		b->nr[kind]++;
	return 0;
}

u32 rf_accounts_read(const struct rf_accounts *all, struct rf_usage_entry *out, u32 max,
		     u64 now_us)
{
	u32 i, n = 0;

	for (i = 0; i < all->nr; i++) {
		const struct rf_account *account = &all->account[i];

		if (i == FOLDED && !all->folded)
			continue;
		if (n++ >= max)
			continue;
		memset(out, 0, sizeof(*out));
		out->owner = account->owner;
		out->flags = account->flags;
		memcpy(out->name, account->name, sizeof(out->name));
		out->cpu_us = account_sum(account, RF_ACCOUNT_CPU, now_us);
		out->block_us = account_sum(account, RF_ACCOUNT_BLOCK, now_us);
		out++;
	}
	return n;
}

u64 rf_account_has(const struct rf_accounts *all, enum rf_account_kind kind, u32 owner)
{
	const struct rf_account *account = account_find((struct rf_accounts *)all, owner);

	return account ? account->nr[kind] : 0;
}
