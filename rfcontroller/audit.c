// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who owns what, and whether that is true: the owners that each file keeps,
 * the ledger and the live machine are compared with each other.
 */
#include <linux/cleanup.h>
#include <linux/delay.h>
#include <linux/ioport.h>
#include <linux/memory_hotplug.h>
#include <linux/mm.h>
#include <linux/nodemask.h>
#include <linux/sched/signal.h>
#include <linux/seq_buf.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/sort.h>
#include <linux/uaccess.h>

#include "fail.h"
#include "internal.h"

#define AUDIT_TEXT_MAX	SZ_256K
#define AUDIT_TRIES	25	/* owner and ledger do not change in one instant: look again */
#define AUDIT_RETRY_MS	20
#define AUDIT_SPARE	16U	/* resources that may appear while we collect them */

struct audit_list {
	struct rf_resource *res;
	unsigned int nr;
};

/**
 * rfctl_audit_check() - count a fact that was checked
 * @audit: where facts are counted
 * @out: gets a line when the fact does not hold
 * @ok: it holds
 * @fmt: the line, without newline
 */
void rfctl_audit_check(struct rf_audit *audit, struct seq_buf *out, bool ok, const char *fmt, ...)
{
	struct va_format vaf = { .fmt = fmt };
	va_list args;

	audit->checks++;
	if (ok)
		return;
	audit->violations++;
	va_start(args, fmt);
	vaf.va = &args;
	seq_buf_printf(out, "%pV\n", &vaf);
	va_end(args);
}

static unsigned int list_cpus(struct rf_resource *res, unsigned int max)
{
	unsigned int cpu, n = 0;

	for_each_possible_cpu(cpu) {
		if (!rfctl_cpu_exists(cpu))
			continue;
		if (n < max)
			res[n] = (struct rf_resource) {
				.kind = RF_RES_CPU,
				.owner = rfctl_cpu_owner(cpu),
				.start = cpu,
				.length = 1,
				.aux = rfctl_cpu_apicid(cpu),
			};
		n++;
	}
	return n;
}

/* Each lister says how many there are, and fills in what there is room for. */
static unsigned int list_fill(struct rf_resource *res, unsigned int max)
{
	unsigned int n = list_cpus(res, max);

	n += rfctl_mem_resources(res + min(n, max), max - min(n, max));
	n += rfctl_lowmem_resources(res + min(n, max), max - min(n, max));
	n += rfctl_pci_resources(res + min(n, max), max - min(n, max));
	return n;
}

static int list_collect(struct audit_list *list)
{
	unsigned int max, nr;

	list->res = NULL;
	nr = list_fill(NULL, 0);
	do {
		max = nr + AUDIT_SPARE;
		list->res = rfctl_alloc(kvcalloc(max, sizeof(*list->res), GFP_KERNEL));
		if (!list->res)
			return -ENOMEM;
		nr = list_fill(list->res, max);
		if (nr <= max) {
			list->nr = nr;
			return 0;
		}
		kvfree(list->res);
		list->res = NULL;
	} while (!fatal_signal_pending(current));
	return -EINTR;
}

static void list_name_owners(struct audit_list *list)
{
	struct subos *so;
	unsigned int i;

	guard(mutex)(&rfctl_lock);
	list_for_each_entry(so, &rfctl_subos_list, node)
		for (i = 0; i < list->nr; i++)
			if (list->res[i].owner == so->id)
				strscpy(list->res[i].owner_name, so->name);
}

/**
 * rfctl_resources() - list resources for user space
 * @req: copy of what the user passed; its (out) fields are set
 *
 * Return: 0, -EFAULT, -ENOMEM, -EINTR.
 */
int rfctl_resources(struct rf_resources *req)
{
	struct audit_list list;
	unsigned int n;
	int ret;

	ret = list_collect(&list);
	if (ret)
		return ret;
	list_name_owners(&list);
	n = min(list.nr, req->capacity);
	if (copy_to_user(u64_to_user_ptr(req->entries), list.res, n * sizeof(*list.res)))
		ret = -EFAULT;
	req->count = list.nr;
	kvfree(list.res);
	return ret;
}

/*
 * One owner, and the same in the ledger
 */

static const char *kind_name(u32 kind)
{
	static const char * const names[] = {
		[RF_RES_CPU] = "CPU",
		[RF_RES_MEMORY] = "memory",
		[RF_RES_LOWMEM] = "low memory",
		[RF_RES_PCI] = "PCI",
	};

	return kind < ARRAY_SIZE(names) && names[kind] ? names[kind] : "unknown resource";
}

static u64 kind_unit(u32 kind)
{
	switch (kind) {
	case RF_RES_MEMORY:
		return RF_GRAIN;
	case RF_RES_LOWMEM:
		return PAGE_SIZE;
	default:
		return 1;
	}
}

static int res_cmp(const void *left, const void *right)
{
	const struct rf_resource *a = left, *b = right;

	if (a->kind != b->kind)
		return a->kind < b->kind ? -1 : 1;
	if (a->start != b->start)
		return a->start < b->start ? -1 : 1;
	return 0;
}

static void check_overlap(struct audit_list *list, struct rf_audit *audit, struct seq_buf *out)
{
	unsigned int i;

	sort(list->res, list->nr, sizeof(*list->res), res_cmp, NULL);
	for (i = 1; i < list->nr; i++) {
		const struct rf_resource *a = &list->res[i - 1], *b = &list->res[i];

		rfctl_audit_check(audit, out,
				  a->kind != b->kind || a->start + a->length <= b->start,
				  "%s %#llx has two owners: %u and %u", kind_name(b->kind),
				  b->start, a->owner, b->owner);
	}
}

static bool owner_exists(u32 owner)
{
	struct subos *so;

	if (owner == RF_OWNER_SUPERVISOR || owner == RF_OWNER_FREE || owner == RF_OWNER_QUARANTINE)
		return true;
	guard(mutex)(&rfctl_lock);
	list_for_each_entry(so, &rfctl_subos_list, node)
		if (so->id == owner)
			return true;
	return false;
}

struct unit_count {
	u64 kind[RF_RES_PCI + 1];
};

static void count_unit(u32 kind, u64 start, u32 owner, void *data)
{
	struct unit_count *count = data;

	if (kind < ARRAY_SIZE(count->kind))
		count->kind[kind]++;
}

static void check_one(const struct rf_resource *res, struct unit_count *count,
		      struct rf_audit *audit, struct seq_buf *out)
{
	u64 at;

	rfctl_audit_check(audit, out, owner_exists(res->owner),
			  "%s %#llx belongs to %u, which does not exist", kind_name(res->kind),
			  res->start, res->owner);
	for (at = res->start; at < res->start + res->length; at += kind_unit(res->kind)) {
		u32 owner = rfctl_ledger_owner(res->kind, at);

		rfctl_audit_check(audit, out, owner == res->owner,
				  "%s %#llx belongs to %u, in the ledger to %u",
				  kind_name(res->kind), at, res->owner, owner);
		if (res->owner != RF_OWNER_SUPERVISOR)
			count->kind[res->kind]++;
	}
	if (res->kind == RF_RES_MEMORY)
		rfctl_audit_check(audit, out,
				  region_intersects(res->start, res->length,
						    IORESOURCE_SYSTEM_RAM, IORES_DESC_NONE) ==
				  REGION_INTERSECTS,
				  "memory %#llx is no longer System RAM in /proc/iomem",
				  res->start);
}

/* What a subOS believes to own, it owns. One that is being changed is left out. */
static void check_subos(struct subos *so, struct rf_audit *audit, struct seq_buf *out)
{
	unsigned int cpu, i;

	if (!mutex_trylock(&so->lock))
		return;
	for_each_cpu(cpu, &so->cpus)
		rfctl_audit_check(audit, out, rfctl_cpu_owner(cpu) == so->id,
				  "%s: CPU %u belongs to somebody else", so->name, cpu);
	for (i = 0; i < so->nr_ranges; i++)
		rfctl_audit_check(audit, out,
				  rfctl_ledger_owner(RF_RES_MEMORY, so->ranges[i].start) == so->id,
				  "%s: memory %#llx belongs to somebody else", so->name,
				  so->ranges[i].start);
	if (so->low)
		rfctl_audit_check(audit, out,
				  rfctl_ledger_owner(RF_RES_LOWMEM, so->low) == so->id,
				  "%s: low memory %#llx belongs to somebody else", so->name,
				  so->low);
	mutex_unlock(&so->lock);
}

static void check_subos_all(struct rf_audit *audit, struct seq_buf *out)
{
	struct subos *so;

	/* subos->lock comes before rfctl_lock, but a mutex that is only tried cannot wait */
	guard(mutex)(&rfctl_lock);
	list_for_each_entry(so, &rfctl_subos_list, node)
		check_subos(so, audit, out);
}

static int check_owners_once(struct rf_audit *audit, struct seq_buf *out)
{
	struct unit_count in_list = {}, in_ledger = {};
	struct audit_list list;
	unsigned int i;
	u32 kind;
	int ret;

	ret = list_collect(&list);
	if (ret)
		return ret;
	check_overlap(&list, audit, out);
	for (i = 0; i < list.nr; i++)
		check_one(&list.res[i], &in_list, audit, out);
	kvfree(list.res);
	rfctl_ledger_each(count_unit, &in_ledger);
	for (kind = RF_RES_CPU; kind <= RF_RES_PCI; kind++)
		rfctl_audit_check(audit, out, in_list.kind[kind] == in_ledger.kind[kind],
				  "%s: %llu units have left the supervisor, in the ledger %llu",
				  kind_name(kind), in_list.kind[kind], in_ledger.kind[kind]);
	check_subos_all(audit, out);
	return 0;
}

/* Only a contradiction that stays is one: others may be at work. */
static int check_owners(struct rf_audit *audit, struct seq_buf *out)
{
	struct rf_audit once;
	struct seq_buf none;
	char nothing[1];
	int ret, i;

	for (i = 1; i <= AUDIT_TRIES; i++) {
		once = (struct rf_audit) {};
		seq_buf_init(&none, nothing, sizeof(nothing));
		ret = check_owners_once(&once, i < AUDIT_TRIES ? &none : out);
		if (ret)
			return ret;
		if (!once.violations)
			break;
		if (msleep_interruptible(AUDIT_RETRY_MS))
			return -EINTR;
	}
	audit->checks += once.checks;
	audit->violations += once.violations;
	return 0;
}

/*
 * Every page can be read
 */

struct bad_run {
	unsigned long start;
	unsigned long nr;
};

static bool page_readable(unsigned long pfn)
{
	struct page *page = pfn_to_online_page(pfn);
	unsigned long word;

	if (!page || PageReserved(page) || PageOffline(page) || PageHWPoison(page))
		return true;
	return !copy_from_kernel_nofault(&word, page_address(page), sizeof(word));
}

static void bad_run_end(struct bad_run *run, struct rf_audit *audit, struct seq_buf *out)
{
	if (run->nr)
		rfctl_audit_check(audit, out, false,
				  "memory %#llx: %lu online pages are unreadable",
				  (u64)PFN_PHYS(run->start), run->nr);
	run->nr = 0;
}

static int check_pages(unsigned long pfn, unsigned long end, struct rf_audit *audit,
		       struct seq_buf *out)
{
	struct bad_run run = {};

	for (; pfn < end; pfn++) {
		if (!(pfn % PTRS_PER_PTE)) {
			if (fatal_signal_pending(current))
				return -EINTR;
			cond_resched();
		}
		audit->checks++;
		if (page_readable(pfn)) {
			bad_run_end(&run, audit, out);
			continue;
		}
		if (!run.nr)
			run.start = pfn;
		run.nr++;
	}
	bad_run_end(&run, audit, out);
	return 0;
}

static int check_all_pages(struct rf_audit *audit, struct seq_buf *out)
{
	int nid, ret;

	for_each_online_node(nid) {
		ret = check_pages(node_start_pfn(nid), node_end_pfn(nid), audit, out);
		if (ret)
			return ret;
	}
	return 0;
}

static int audit_all(struct rf_audit *audit, struct seq_buf *out)
{
	int ret;

	audit->checks = 0;
	audit->violations = 0;
	rfctl_cpus_audit(audit, out);
	rfctl_mem_audit(audit, out);
	rfctl_pci_audit(audit, out);
	ret = check_owners(audit, out);
	if (ret)
		return ret;
	ret = rfctl_ledger_audit(audit, out);
	if (ret)
		return ret;
	rfctl_usage_audit(audit, out);
	if (audit->flags & RF_AUDIT_READ_PAGES)
		ret = check_all_pages(audit, out);
	return ret;
}

/**
 * rfctl_audit() - check the invariants against the live machine
 * @req: copy of what the user passed; its (out) fields are set
 *
 * Return: 0, also with violations; -EFAULT, -ENOMEM, -EINTR.
 */
int rfctl_audit(struct rf_audit *req)
{
	size_t size = clamp_t(size_t, req->text_len, 1, AUDIT_TEXT_MAX);
	struct seq_buf out;
	char *text;
	int ret;

	text = rfctl_alloc(kvzalloc(size, GFP_KERNEL));
	if (!text)
		return -ENOMEM;
	seq_buf_init(&out, text, size);
	ret = audit_all(req, &out);
	if (!ret && req->text_len) {
		req->text_len = strnlen(text, size - 1);
		if (copy_to_user(u64_to_user_ptr(req->text), text, req->text_len + 1))
			ret = -EFAULT;
	}
	kvfree(text);
	return ret;
}
