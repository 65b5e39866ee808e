// SPDX-License-Identifier: GPL-2.0-only
/*
 * What this kernel does, for the supervisor's figures: struct rf_stat in the
 * status page, read from this kernel's own /proc/stat, as top does, because
 * interrupts, context switches and the idle time of a sleeping tick are not
 * to be had by exported symbols. The times have its grain, 10 ms.
 *
 * The heartbeat does not do this itself: reading proc takes memory.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/cpumask.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/string.h>
#include <linux/timekeeping.h>
#include <linux/vmalloc.h>
#include <linux/workqueue.h>

#include "con.h"
#include "files.h"
#include "subos.h"

#define STAT_TEXT	0x10000	/* a line for each of 256 CPUs, a number for each interrupt */
#define STAT_TICK_NS	(NSEC_PER_SEC / USER_HZ)

static DEFINE_MUTEX(stat_lock);	/* protects stat_text, and the page's stat from two writers */
static char *stat_text;

/* The number in @text behind @word, which begins a line. */
static u64 stat_number(const char *text, const char *word)
{
	const char *at = strstr(text, word);
	u64 value = 0;

	if (!at)
		return 0;
	for (at += strlen(word); *at >= '0' && *at <= '9'; at++)
		value = value * 10 + (*at - '0');
	return value;
}

static void stat_times(const char *text, struct rf_stat *stat)
{
	u64 user, nice, system, idle, iowait, irq, softirq;

	if (sscanf(text, "cpu %llu %llu %llu %llu %llu %llu %llu", &user, &nice, &system, &idle,
		   &iowait, &irq, &softirq) != 7)
		return;
	stat->user_ns = cpu_to_le64((user + nice) * STAT_TICK_NS);
	stat->system_ns = cpu_to_le64((system + irq + softirq) * STAT_TICK_NS);
	stat->idle_ns = cpu_to_le64((idle + iowait) * STAT_TICK_NS);
	stat->irq_ns = cpu_to_le64((irq + softirq) * STAT_TICK_NS);
}

static void stat_memory(struct rf_stat *stat)
{
	struct sysinfo info;

	si_meminfo(&info);
	stat->mem_total = cpu_to_le64((u64)info.totalram << PAGE_SHIFT);
	stat->mem_free = cpu_to_le64((u64)info.freeram << PAGE_SHIFT);
	stat->mem_available = cpu_to_le64((u64)max(si_mem_available(), 0L) << PAGE_SHIFT);
}

static int stat_collect(struct rf_stat *stat)
{
	ssize_t ret;

	lockdep_assert_held(&stat_lock);
	ret = subos_proc_read("stat", stat_text, STAT_TEXT);
	if (ret < 0)
		return ret;
	stat_times(stat_text, stat);
	stat->interrupts = cpu_to_le64(stat_number(stat_text, "\nintr "));
	stat->switches = cpu_to_le64(stat_number(stat_text, "\nctxt "));
	stat->processes = cpu_to_le32(stat_number(stat_text, "\nprocs_running "));
	stat_memory(stat);
	stat->nr_cpus = cpu_to_le32(num_online_cpus());
	stat->time_ns = cpu_to_le64(ktime_get_ns());
	return 0;
}

static void stat_publish(struct rf_stat *stat)
{
	struct rf_stat *page = &subos_facts.status->stat;
	const size_t skip = sizeof(page->seq);
	u32 seq;

	lockdep_assert_held(&stat_lock);
	seq = le32_to_cpu(page->seq);
	WRITE_ONCE(page->seq, cpu_to_le32(seq + 1));
	smp_wmb();	/* odd first; pairs with the supervisor's barrier after it read seq */
	memcpy((u8 *)page + skip, (u8 *)stat + skip, sizeof(*stat) - skip);
	smp_wmb();	/* all of it before even; pairs with that before it reads seq again */
	WRITE_ONCE(page->seq, cpu_to_le32(seq + 2));
}

static int stat_update(void)
{
	struct rf_stat stat = { };
	int ret;

	mutex_lock(&stat_lock);
	ret = stat_collect(&stat);
	if (!ret)
		stat_publish(&stat);
	mutex_unlock(&stat_lock);
	return ret;
}

/**
 * subos_stat_fill() - RF_OP_STAT: bring the figures in the status page up to date
 * @call: the request
 *
 * Return: 0, or why proc cannot be read.
 */
int subos_stat_fill(struct subos_call *call)
{
	int ret = stat_update();

	subos_con_stage(call);
	return ret;
}

static void stat_work_fn(struct work_struct *work)
{
	stat_update();
}

static DECLARE_WORK(stat_work, stat_work_fn);

/**
 * subos_stat_kick() - bring the figures up to date soon
 *
 * Context: any but NMI.
 */
void subos_stat_kick(void)
{
	if (READ_ONCE(stat_text))
		queue_work(system_long_wq, &stat_work);
}

/**
 * subos_stat_init() - begin to collect figures
 *
 * Return: 0, -ENOMEM, or why proc or sysfs cannot be mounted.
 */
int subos_stat_init(void)
{
	char *text;
	int ret;

	text = vmalloc(STAT_TEXT);
	if (!text)
		return -ENOMEM;
	ret = subos_files_init();
	if (ret) {
		vfree(text);
		return ret;
	}
	WRITE_ONCE(stat_text, text);
	return 0;
}
