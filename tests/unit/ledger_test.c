// SPDX-License-Identifier: GPL-2.0-only
/*
 * The ledger beside a plain table of owners: after more changes than it keeps,
 * both say the same, and so does a replay.
 */
#include "kshim.h"
#include "tap.h"

#define nr_cpu_ids		64U
#define totalram_pages()	(64UL << 30 >> PAGE_SHIFT)

struct seq_buf {
	char text[4096];
};

static unsigned int violations;

static u64 ktime_get_real_ns(void)
{
	static u64 ns = 1000;

	return ns++;
}

static void kshim_sleep(void)
{
}

static __printf(4, 5) void rfctl_audit_check(struct rf_audit *audit, struct seq_buf *out,
					     bool good, const char *fmt, ...)
{
	va_list args;

	audit->checks++;
	if (good)
		return;
	violations++;
	va_start(args, fmt);
	vsnprintf(out->text, sizeof(out->text), fmt, args);
	va_end(args);
}

#include "../../rfcontroller/ledger.c"

#define BLOCKS	4096U

static u32 owner[BLOCKS];

static u32 any_owner(void)
{
	static const u32 special[] = { RF_OWNER_SUPERVISOR, RF_OWNER_FREE, RF_OWNER_QUARANTINE };

	return random() % 2 ? special[random() % ARRAY_SIZE(special)] : 1 + random() % 20;
}

/* Some neighbouring blocks of one owner go to another, or fail to. */
static void change(void)
{
	u32 at = random() % BLOCKS, n = 1, to = any_owner(), i;
	int error = random() % 8 ? 0 : -EIO;

	while (n < 8 && at + n < BLOCKS && owner[at + n] == owner[at])
		n++;
	rfctl_ledger_add(RF_RES_MEMORY, at * RF_GRAIN, n * RF_GRAIN, owner[at], to, error);
	for (i = 0; i < n && !error; i++)
		owner[at + i] = to;
}

static u32 differences(void)
{
	u32 i, n = 0;

	for (i = 0; i < BLOCKS; i++)
		n += rfctl_ledger_owner(RF_RES_MEMORY, i * RF_GRAIN + random() % RF_GRAIN) !=
		     owner[i];
	return n;
}

static unsigned int audit(struct seq_buf *out)
{
	struct rf_audit req = { .checks = 0 };

	violations = 0;
	out->text[0] = '\0';
	if (rfctl_ledger_audit(&req, out))
		return 100;
	return violations;
}

static void count_blocks(u32 kind, u64 start, u32 whose, void *data)
{
	u32 *wrong = data;

	if (kind != RF_RES_MEMORY || owner[start / RF_GRAIN] != whose)
		*wrong += BLOCKS;
	(*wrong)--;
}

static void test_owners(void)
{
	struct seq_buf out;
	u32 i, left = 0;

	for (i = 0; i < 50000; i++)
		change();
	ok(differences() == 0, "owners, before anything was folded");
	ok(audit(&out) == 0, "audit, before anything was folded");
	for (; i < 200000; i++)
		change();
	ok(differences() == 0, "owners, with two thirds of the changes folded");
	ok(audit(&out) == 0, "audit, with two thirds of the changes folded");
	for (i = 0; i < BLOCKS; i++)
		left += owner[i] != RF_OWNER_SUPERVISOR;
	rfctl_ledger_each(count_blocks, &left);
	ok(left == 0, "each block that is not the supervisor's is named once");
}

static void test_kinds(void)
{
	rfctl_ledger_add(RF_RES_LOWMEM, 0x20000, 0x8000, RF_OWNER_SUPERVISOR, 7, 0);
	rfctl_ledger_add(RF_RES_CPU, 3, 1, RF_OWNER_SUPERVISOR, 8, 0);
	rfctl_ledger_add(RF_RES_PCI, 0x10008, 1, RF_OWNER_SUPERVISOR, 9, 0);
	ok(rfctl_ledger_owner(RF_RES_LOWMEM, 0x27000) == 7 &&
	   rfctl_ledger_owner(RF_RES_LOWMEM, 0x28000) == RF_OWNER_SUPERVISOR,
	   "low memory goes by the page");
	ok(rfctl_ledger_owner(RF_RES_CPU, 3) == 8 && rfctl_ledger_owner(RF_RES_PCI, 3) == 0 &&
	   rfctl_ledger_owner(RF_RES_PCI, 0x10008) == 9, "kinds are kept apart");
}

static void test_read(void)
{
	static struct rf_ledger_entry e[100];
	struct rf_ledger req = { .entries = (uintptr_t)e, .first = 1, .capacity = ARRAY_SIZE(e) };
	u64 last = rfctl_ledger_seq();
	u32 i, wrong = 0;

	ok(!rfctl_ledger_read(&req) && req.count == 100 && req.first == last - LEDGER_ENTRIES + 1,
	   "read: what is forgotten is skipped");
	for (i = 0; i < req.count; i++)
		wrong += e[i].seq != req.first + i || (i && e[i].time_ns <= e[i - 1].time_ns);
	ok(!wrong, "read: entries follow each other");
	req.first = last - 9;
	ok(!rfctl_ledger_read(&req) && req.count == 10 && req.first == last - 9 &&
	   e[9].kind == RF_RES_PCI && e[9].start == 0x10008 && e[9].to == 9, "read: the last ten");
	req.first = last + 1;
	ok(!rfctl_ledger_read(&req) && !req.count && req.first == last + 1, "read: nothing new");
	req.first = ~0ULL;
	ok(!rfctl_ledger_read(&req) && !req.count, "read: far beyond the end");
	req = (struct rf_ledger) { .first = last, .capacity = 1 };
	ok(rfctl_ledger_read(&req) == -EFAULT, "read: a bad address");
	req = (struct rf_ledger) { .first = last };
	ok(!rfctl_ledger_read(&req) && !req.count, "read: no room");
	kshim_fail = 1;
	ok(rfctl_ledger_read(&req) == -ENOMEM, "read: no memory");
}

/* Each with a ledger that was right before: the audit must notice. */
static void test_wrong(void)
{
	struct seq_buf out;
	u32 i;

	rfctl_ledger_add(RF_RES_CPU, 5, 1, 3, 4, 0);
	ok(audit(&out) == 1 && strstr(out.text, "was not"), "audit: a wrong owner before (%s)",
	   out.text);
	ledger_breaks = 0;
	ledger_at(rfctl_ledger_seq())->to = 6;
	ok(audit(&out) == 1 && strstr(out.text, "differs"), "audit: an entry was changed (%s)",
	   out.text);
	ledger_at(rfctl_ledger_seq())->to = 4;
	ok(audit(&out) == 0, "control: put right");
	for (i = 0; i < 1U << 20 && !ledger_lost; i++)
		rfctl_ledger_add(RF_RES_PCI, i + 0x20000, 1, RF_OWNER_SUPERVISOR, 1, 0);
	ok(ledger_lost == 1 && i > 4000, "a full table counts what it lost, and goes on");
	ok(audit(&out) >= 1, "audit: no room (%s)", out.text);
}

int main(void)
{
	int i;

	srandom(1);
	for (i = 1; i <= 3; i++) {
		kshim_fail = i;
		ok(rfctl_ledger_init() == -ENOMEM && !ledger_entries,
		   "init: allocation %d fails", i);
	}
	kshim_fail = 0;
	if (!ok(!rfctl_ledger_init(), "init"))
		return tap_end();
	test_owners();
	test_kinds();
	test_read();
	test_wrong();
	rfctl_ledger_exit();
	return tap_end();
}
