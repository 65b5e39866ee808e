// SPDX-License-Identifier: GPL-2.0-only
/*
 * A subOS over a change of the module: its kernel runs on, what we know of it is
 * carried over.
 */
#include <linux/io.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/string.h>
#include "anchor.h"
#include "fail.h"
#include "image.h"
#include "internal.h"

static_assert(sizeof(((struct subos *)0)->stage_ns) <=
	      sizeof(((struct rf_anchor_subos *)0)->stage_ns));
static_assert(sizeof(((struct subos *)0)->reason) ==
	      sizeof(((struct rf_anchor_subos *)0)->reason));

static u32 subos_flags(const struct subos *so)
{
	return (so->started ? RF_ANCHOR_STARTED : 0) | (so->loaded ? RF_ANCHOR_LOADED : 0) |
	       (so->running ? RF_ANCHOR_RUNNING : 0) | (so->ficm_listed ? RF_ANCHOR_LISTED : 0) |
	       (so->listening ? RF_ANCHOR_LISTENS : 0) | (so->svc ? RF_ANCHOR_HAS_MEMORY : 0) |
	       (so->asked ? RF_ANCHOR_ASKED : 0);
}

static void subos_put_one(struct subos *so, struct rf_anchor_out *out)
{
	struct rf_anchor_subos s = {
		.id = so->id,
		.state = so->state,
		.flags = subos_flags(so),
		.info_flags = so->info_flags,
		.boot_cpu = so->boot_cpu,
		.ficm_slot = so->ficm_slot,
		.con_seq = so->con_seq,
		.desc_seq = so->desc_seq,
		.request_seq = so->request_seq,
		.generation = so->generation,
		.probe_seq = so->probe_seq,
		.sub_state = so->sub_state,
		.nr_online = so->nr_online,
		.priority = so->priority,
		.svc = so->svc ? virt_to_phys(so->svc) : 0,
		.mem_bytes = rfctl_mem_owned(so),
		.low = so->low,
		.entry = so->entry,
		.heartbeat = so->heartbeat,
		.created_ns = so->created_ns,
		.started_ns = so->started_ns,
		.started_ktime = so->started_ktime,
		.on_crash = so->on_crash,
		.restarts = so->restarts,
		.max_cpus = so->asks.max_cpus,
		.max_bytes = so->asks.max_bytes,
		.asks = so->asks.count,
		.asks_refused = so->asks.refused,
	};

	memcpy(s.stage_ns, so->stage_ns, sizeof(so->stage_ns));
	strscpy(s.name, so->name, sizeof(s.name));
	strscpy(s.reason, so->reason, sizeof(s.reason));
	strscpy(s.release, so->release, sizeof(s.release));
	strscpy(s.boot_id, so->boot_id, sizeof(s.boot_id));
	rf_anchor_put(out, RF_ANCHOR_SUBOS, &s, sizeof(s));
}

/**
 * rfctl_subos_save - put all subOSes into the anchor
 * @out: the anchor
 * @machine: what of it is there once
 *
 * Context: nothing changes meanwhile; without memory the anchor counts as full.
 */
void rfctl_subos_save(struct rf_anchor_out *out, struct rf_anchor_machine *machine)
{
	struct rf_anchor_console *room = rfctl_alloc(kvzalloc(sizeof(*room), GFP_KERNEL));
	struct subos *so;

	out->full |= !room;
	machine->next_id = rfctl_next_id;
	list_for_each_entry(so, &rfctl_subos_list, node)
		subos_put_one(so, out);
	list_for_each_entry(so, &rfctl_subos_list, node)
		if (room)
			rfctl_console_save(so, out, room);
	list_for_each_entry(so, &rfctl_subos_list, node)
		rfctl_image_save(so, out);
	kvfree(room);
}

static void subos_fill(struct subos *so, const struct rf_anchor_subos *s)
{
	so->id = s->id;
	so->state = s->state;
	so->started = s->flags & RF_ANCHOR_STARTED;
	so->loaded = s->flags & RF_ANCHOR_LOADED;
	so->running = s->flags & RF_ANCHOR_RUNNING;
	so->ficm_listed = s->flags & RF_ANCHOR_LISTED;
	so->listening = s->flags & RF_ANCHOR_LISTENS;
	so->asked = s->flags & RF_ANCHOR_ASKED;
	so->info_flags = s->info_flags;
	so->boot_cpu = s->boot_cpu;
	so->ficm_slot = s->ficm_slot;
	so->con_seq = s->con_seq;
	so->desc_seq = s->desc_seq;
	so->request_seq = s->request_seq;
	so->generation = s->generation;
	so->probe_seq = s->probe_seq;
	so->sub_state = s->sub_state;
	so->nr_online = s->nr_online;
	so->priority = s->priority;
	so->svc = s->flags & RF_ANCHOR_HAS_MEMORY ? __va(s->svc) : NULL;
	so->low = s->low;
	so->entry = s->entry;
	so->heartbeat = s->heartbeat;
	so->created_ns = s->created_ns;
	so->started_ns = s->started_ns;
	so->started_ktime = s->started_ktime;
	so->on_crash = s->on_crash;
	so->restarts = s->restarts;
	so->asks.max_cpus = s->max_cpus;
	so->asks.max_bytes = s->max_bytes;
	so->asks.count = s->asks;
	so->asks.refused = s->asks_refused;
	memcpy(so->stage_ns, s->stage_ns, sizeof(so->stage_ns));
	strscpy(so->name, s->name, sizeof(so->name));
	strscpy(so->reason, s->reason, sizeof(so->reason));
	strscpy(so->release, s->release, sizeof(so->release));
	strscpy(so->boot_id, s->boot_id, sizeof(so->boot_id));
}

static void subos_fill_granted(struct subos *so)
{
	struct rf_anchor_iter it;
	struct rf_anchor_cpu c;

	rf_anchor_first(&it, rfctl_adopted, RF_ANCHOR_CPU);
	while (rf_anchor_next(&it, &c, sizeof(c)))
		if (c.owner == so->id && c.flags & RF_ANCHOR_CPU_GRANTED)
			cpumask_set_cpu(c.cpu, &so->granted);
}

static int subos_adopt_one(const struct rf_anchor_subos *s, struct rf_anchor_console *room)
{
	struct subos *so = subos_alloc();

	if (!so || rfctl_console_create(so)) {
		kfree(so);
		return -ENOMEM;
	}
	subos_fill(so, s);
	scoped_guard(mutex, &rfctl_lock)
		list_add_tail(&so->node, &rfctl_subos_list);
	guard(mutex)(&so->lock);
	rfctl_cpus_adopt(so);
	subos_fill_granted(so);
	rfctl_mem_adopt(so);
	rfctl_pci_adopt_subos(so);
	rfctl_console_adopt(so, room);
	if (rfctl_image_adopt(so))
		return -ENOMEM;
	if (rfctl_mem_owned(so) == s->mem_bytes)
		return 0;
	pr_err("%s: the anchor says that it has %llu bytes, and lists %llu\n", so->name,
	       s->mem_bytes, rfctl_mem_owned(so));
	return -EBADMSG;
}

/**
 * rfctl_subos_forget - free what the module knows of subOSes; nothing of theirs
 */
void rfctl_subos_forget(void)
{
	struct subos *so, *next;

	list_for_each_entry_safe(so, next, &rfctl_subos_list, node) {
		rfctl_monitor_stop(so);
		list_del_init(&so->node);
		subos_put(so);
	}
}

/**
 * rfctl_subos_adopt - take all subOSes from the anchor, which was checked
 *
 * Nobody looks after them yet: see rfctl_subos_resume().
 *
 * Return: 0, -ENOMEM, -EBADMSG.
 */
int rfctl_subos_adopt(void)
{
	struct rf_anchor_machine machine;
	struct rf_anchor_console *room;
	struct rf_anchor_iter it;
	struct rf_anchor_subos s;
	int ret = 0;

	if (!rfctl_adopted)
		return 0;
	room = rfctl_alloc(kvzalloc(sizeof(*room), GFP_KERNEL));
	if (!room)
		return -ENOMEM;
	rfctl_adopt_machine(&machine);
	rfctl_next_id = machine.next_id;
	rf_anchor_first(&it, rfctl_adopted, RF_ANCHOR_SUBOS);
	while (!ret && rf_anchor_next(&it, &s, sizeof(s)))
		ret = subos_adopt_one(&s, room);
	kvfree(room);
	if (!ret && rfctl_fail("adopt_subos"))
		ret = -EIO;
	if (ret)
		rfctl_subos_forget();
	return ret;
}

/**
 * rfctl_subos_resume - look after all subOSes that were adopted
 *
 * Return: how many there are; each keeps the module.
 */
u32 rfctl_subos_resume(void)
{
	struct subos *so;
	u32 n = 0;

	list_for_each_entry(so, &rfctl_subos_list, node) {
		guard(mutex)(&so->lock);
		__module_get(THIS_MODULE);
		rfctl_console_resume(so);
		rfctl_event(so, RF_EVENT_STATE, so->state, 0, "adopted by a supervisor that was reloaded");
		subos_info_keep(so);
		if (so->running)
			rfctl_monitor_resume(so);
		n++;
	}
	return n;
}
