// SPDX-License-Identifier: GPL-2.0-only
/*
 * The accounts beside a model that knows the owner of each single CPU and block
 * and adds up for each of them. After each change, and at moments between
 * changes, every account is what the model says, and the sum over all owners is
 * CPUs times time.
 */
#include <stdlib.h>

#include "account.c"
#include "tap.h"

#define CPUS	24
#define BLOCKS	40
#define IDS	2000

/* what the model knows of an owner; by index, see owner_index() */
struct model {
	u64 cpu_us, block_us;
	bool open, ended;
};

static struct rf_accounts all;
static struct model model[IDS + 3];
static u32 cpu_owner[CPUS], block_owner[BLOCKS];
static u64 now, begun;
static u32 last_id, living[RF_ACCOUNTS_LIVING], nr_living;

static struct model *model_of(u32 owner)
{
	switch (owner) {
	case RF_OWNER_FREE:
		return &model[IDS];
	case RF_OWNER_QUARANTINE:
		return &model[IDS + 1];
	default:
		return &model[owner];
	}
}

static void pass_time(u64 us)
{
	u32 i;

	now += us;
	for (i = 0; i < CPUS; i++)
		model_of(cpu_owner[i])->cpu_us += us;
	for (i = 0; i < BLOCKS; i++)
		if (block_owner[i] != RF_OWNER_SUPERVISOR)
			model_of(block_owner[i])->block_us += us;
}

static u32 any_owner(void)
{
	static const u32 special[] = { RF_OWNER_SUPERVISOR, RF_OWNER_FREE, RF_OWNER_QUARANTINE };

	if (nr_living && random() % 4)
		return living[random() % nr_living];
	return special[random() % (random() % 16 ? 2 : 3)];
}

static bool move_any(void)
{
	u32 to = any_owner(), *owner;
	bool cpu = random() % 2;
	int ret;

	owner = cpu ? &cpu_owner[random() % CPUS] : &block_owner[random() % BLOCKS];
	ret = rf_account_move(&all, cpu ? RF_ACCOUNT_CPU : RF_ACCOUNT_BLOCK, *owner, to, now);
	*owner = to;
	return !ret;
}

static bool open_one(void)
{
	char name[RF_NAME_MAX];

	if (nr_living == 12 || last_id == IDS - 1)
		return true;
	snprintf(name, sizeof(name), "subos%u", ++last_id);
	living[nr_living++] = last_id;
	model[last_id].open = true;
	return !rf_account_open(&all, last_id, name, now);
}

/* Everything back first, as the module does it. */
static bool close_one(void)
{
	u32 which, id, i;
	bool good = true;

	if (!nr_living)
		return true;
	which = random() % nr_living;
	id = living[which];
	for (i = 0; i < CPUS; i++)
		if (cpu_owner[i] == id) {
			good &= !rf_account_move(&all, RF_ACCOUNT_CPU, id, RF_OWNER_FREE, now);
			cpu_owner[i] = RF_OWNER_FREE;
		}
	for (i = 0; i < BLOCKS; i++)
		if (block_owner[i] == id) {
			good &= !rf_account_move(&all, RF_ACCOUNT_BLOCK, id, RF_OWNER_SUPERVISOR,
						 now);
			block_owner[i] = RF_OWNER_SUPERVISOR;
		}
	rf_account_close(&all, id, now);
	model[id].ended = true;
	living[which] = living[--nr_living];
	return good;
}

/* Sum of all @cpu_us is CPUs times time. */
static bool adds_up(const struct rf_usage_entry *entries, u32 n)
{
	u64 sum = 0;
	u32 i;

	for (i = 0; i < n; i++)
		sum += entries[i].cpu_us;
	return sum == CPUS * (now - begun);
}

/* Each account is what the model says; those that were folded together, too. */
static bool agrees(const struct rf_usage_entry *entries, u32 n)
{
	struct model folded = { 0 };
	u32 i, id, seen = 0, open = 0;

	for (id = 1; id <= last_id; id++) {
		open++;
		for (i = 0; i < n && (entries[i].owner != id || !entries[i].name[0]); i++)
			;
		if (i < n) {
			seen++;
			if (entries[i].cpu_us != model[id].cpu_us ||
			    entries[i].block_us != model[id].block_us ||
			    !(entries[i].flags & RF_USAGE_GONE) != !model[id].ended)
				return false;
			continue;
		}
		folded.cpu_us += model[id].cpu_us;
		folded.block_us += model[id].block_us;
	}
	for (i = 0; i < n; i++) {
		if (entries[i].name[0])
			continue;
		if (entries[i].flags & RF_USAGE_GONE) {
			if (entries[i].cpu_us != folded.cpu_us ||
			    entries[i].block_us != folded.block_us)
				return false;
			folded.cpu_us = folded.block_us = 0;
		} else if (entries[i].cpu_us != model_of(entries[i].owner)->cpu_us ||
			   (entries[i].owner != RF_OWNER_SUPERVISOR &&
			    entries[i].block_us != model_of(entries[i].owner)->block_us)) {
			return false;
		}
	}
	return !folded.cpu_us && !folded.block_us && open == all.folded + seen;
}

static bool read_all(void)
{
	static struct rf_usage_entry entries[RF_ACCOUNTS_MAX];
	u32 n = rf_accounts_read(&all, entries, RF_ACCOUNTS_MAX, now);

	return n <= RF_ACCOUNTS_MAX && adds_up(entries, n) && agrees(entries, n) &&
	       entries[0].owner == RF_OWNER_SUPERVISOR && !entries[0].block_us;
}

static void restart(u64 when)
{
	memset(model, 0, sizeof(model));
	memset(cpu_owner, 0, sizeof(cpu_owner));
	memset(block_owner, 0, sizeof(block_owner));
	now = begun = when;
	last_id = nr_living = 0;
	rf_accounts_init(&all, CPUS, now);
}

static void test_random(unsigned int seed, unsigned int changes)
{
	unsigned int i, bad = 0, refused = 0;

	srandom(seed);
	/* a machine that is up for three years, or a moment */
	restart(seed % 2 ? 94608000000000ULL : 17);
	for (i = 0; i < changes; i++) {
		/* mostly soon, at times at once, at times much later */
		if (random() % 3)
			pass_time(random() % 1000);
		else if (random() % 4 == 0)
			pass_time(random() * 1000ULL);
		if (random() % 8 == 0)
			refused += !open_one();
		else if (random() % 8 == 0)
			refused += !close_one();
		else
			refused += !move_any();
		bad += !read_all();
		pass_time(random() % 50);
		bad += !read_all();
	}
	ok(!bad && !refused, "seed %u: %u changes, %u subOSes, %u of them summed up: exact", seed,
	   changes, last_id, all.folded);
}

static void test_folding(void)
{
	unsigned int i, bad = 0;

	restart(1000);
	for (i = 0; i < 3 * RF_ACCOUNTS_ENDED; i++) {
		bad += !open_one();
		pass_time(1 + i % 7);
		bad += rf_account_move(&all, RF_ACCOUNT_CPU, RF_OWNER_SUPERVISOR, last_id, now);
		cpu_owner[3] = last_id;
		pass_time(1 + i % 5);
		bad += !close_one();
		bad += rf_account_move(&all, RF_ACCOUNT_CPU, RF_OWNER_FREE, RF_OWNER_SUPERVISOR,
				       now);
		cpu_owner[3] = RF_OWNER_SUPERVISOR;
		bad += !read_all();
	}
	ok(!bad, "three times as many end as are remembered: exact");
	ok(all.nr_ended == RF_ACCOUNTS_ENDED && all.folded == 2 * RF_ACCOUNTS_ENDED,
	   "the newest have a line of their own");
	ok(all.account[FOLDED].owner == 2 * RF_ACCOUNTS_ENDED && !all.account[FOLDED].name[0],
	   "the others have one together");
}

static void test_limits(void)
{
	static struct rf_usage_entry few[2];
	static struct rf_accounts before;
	u32 i, full = 0;

	restart(5);
	for (i = 1; i <= RF_ACCOUNTS_LIVING; i++)
		full += rf_account_open(&all, i, "x", now);
	ok(!full && rf_account_open(&all, i, "x", now) == -ENOSPC, "one too many is refused");
	ok(rf_accounts_read(&all, few, 2, now) == 3 + RF_ACCOUNTS_LIVING &&
	   few[1].owner == RF_OWNER_FREE, "a short array is filled, and the number told");
	before = all;
	ok(rf_account_move(&all, RF_ACCOUNT_CPU, 1, 2, now + 9) == -EINVAL &&
	   rf_account_move(&all, RF_ACCOUNT_BLOCK, RF_OWNER_FREE, 2, now + 9) == -EINVAL &&
	   rf_account_move(&all, RF_ACCOUNT_CPU, 0, 999, now + 9) == -EINVAL &&
	   !memcmp(&before, &all, sizeof(all)), "what is not there cannot move, nothing changes");
	rf_account_close(&all, RF_OWNER_FREE, now);
	rf_account_close(&all, 1, now);
	rf_account_close(&all, 1, now);
	ok(all.nr_ended == 1, "the pool does not end, and nobody ends twice");
}

/* With a second reading of the clock for the other owner the sum is off: it would show. */
static void test_control(void)
{
	restart(50);
	pass_time(10);
	account_settle(account_find(&all, RF_OWNER_SUPERVISOR), now);
	account_settle(account_find(&all, RF_OWNER_FREE), now + 1);
	all.account[SUPERVISOR].nr[RF_ACCOUNT_CPU]--;
	all.account[POOL].nr[RF_ACCOUNT_CPU]++;
	cpu_owner[0] = RF_OWNER_FREE;
	pass_time(10);
	ok(!read_all(), "control: a microsecond between two owners is noticed");
}

int main(int argc, char **argv)
{
	unsigned int seed = argc > 1 ? atoi(argv[1]) : 0, i;

	for (i = 0; i < 6; i++)
		test_random(seed + i, 4000);
	test_folding();
	test_limits();
	test_control();
	return tap_end();
}
