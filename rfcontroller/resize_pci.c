// SPDX-License-Identifier: GPL-2.0-only
/*
 * DOC: PCI functions of a subOS that runs, and its own figures
 */
#include <linux/ktime.h>
#include <linux/string.h>
#include "internal.h"
#include "resize.h"

#define ASK_STATS_MS	1000

static int pci_add(struct rfctl_resize *rs, const struct rf_resize_pci *req)
{
	bool dry = req->flags & RF_RESIZE_DRY_RUN;
	struct subos *so = rs->so;
	u64 start = ktime_get_ns();
	struct rf_reply reply;
	int ret, place;

	ret = rfctl_pci_claim(so, req->segment, req->bus, req->devfn, dry, rs->msg);
	rfctl_resize_stage(rs, RF_RESIZE_TAKE, start);
	if (ret || dry)
		return ret;
	place = rfctl_pci_place(so, req->segment, req->bus, req->devfn);
	rfctl_desc_pci(so);
	ret = rfctl_resize_ask(rs, RF_OP_PCI_ADD, place, 0, &reply, "the PCI function");
	if (!so->running || !rfctl_resize_said_no(ret))
		return ret;
	rfctl_pci_drop(so, place, rs->msg);
	rfctl_desc_pci(so);
	return ret;
}

static int pci_remove(struct rfctl_resize *rs, const struct rf_resize_pci *req)
{
	struct subos *so = rs->so;
	struct rf_reply reply;
	u64 start;
	int ret, place;

	place = rfctl_pci_place(so, req->segment, req->bus, req->devfn);
	if (place < 0) {
		rfctl_say(rs->msg, "%s does not have PCI function %04x:%02x:%02x.%x", so->name,
			  req->segment, req->bus, req->devfn >> 3, req->devfn & 7);
		return -ENOENT;
	}
	if (req->flags & RF_RESIZE_DRY_RUN)
		return 0;
	ret = rfctl_resize_ask(rs, RF_OP_PCI_REMOVE, place, 0, &reply, "the PCI function");
	if (!so->running)
		return ret ?: -EPIPE;
	if (ret)
		return ret;
	start = ktime_get_ns();
	ret = rfctl_pci_drop(so, place, rs->msg);
	rfctl_desc_pci(so);
	rfctl_resize_stage(rs, RF_RESIZE_PARK, start);
	return ret;
}

/**
 * subos_resize_pci - give a PCI function to a subOS that runs, or take it
 * @so: the subOS
 * @req: which, and the direction; @req->stage_ns is set
 * @msg: (out) line about a failure
 *
 * Return: 0, or as RF_IOC_RESIZE_PCI.
 */
int subos_resize_pci(struct subos *so, struct rf_resize_pci *req, struct rfctl_msg *msg)
{
	struct rfctl_resize rs = {
		.so = so,
		.msg = msg,
		.timeout_ms = req->timeout_ms ?: RFCTL_ASK_MS,
		.stage_ns = req->stage_ns,
	};
	int ret;

	guard(mutex)(&so->lock);
	ret = rfctl_resize_begin(so, msg);
	if (ret)
		return ret;
	ret = req->flags & RF_RESIZE_ADD ? pci_add(&rs, req) : pci_remove(&rs, req);
	if (!(req->flags & RF_RESIZE_DRY_RUN))
		rfctl_event(so, RF_EVENT_PCI, so->nr_pci, -ret, msg->text);
	rfctl_resize_end(so);
	return ret;
}

static int stats_read(struct subos *so, struct rf_stat *stat)
{
	struct rf_status *page = so->svc + RF_OFF_STATUS;
	u32 seq;

	seq = le32_to_cpu(READ_ONCE(page->stat.seq));
	smp_rmb();		/* pairs with the subOS's barriers around the change */
	memcpy(stat, &page->stat, sizeof(*stat));
	smp_rmb();		/* likewise */
	return seq & 1 || le32_to_cpu(READ_ONCE(page->stat.seq)) != seq ? -EREMOTEIO : 0;
}

/**
 * subos_stats - what a subOS says of its work
 * @so: the subOS
 * @req: (out) the figures
 *
 * Return: 0, or as RF_IOC_STATS.
 */
int subos_stats(struct subos *so, struct rf_stats *req)
{
	struct rfctl_msg msg = { "" };
	struct rf_reply reply;
	struct rf_stat stat;
	int ret;

	guard(mutex)(&so->lock);
	ret = rfctl_resize_begin(so, &msg);
	if (ret)
		return ret;
	so->looking = true;
	ret = rfctl_con_ask(so, RF_OP_STAT, NULL, req->timeout_ms ?: ASK_STATS_MS, &reply);
	if (!ret)
		ret = stats_read(so, &stat);
	rfctl_resize_end(so);
	if (ret)
		return ret == -ECANCELED ? -EPIPE : ret;
	req->nr_cpus = le32_to_cpu(stat.nr_cpus);
	req->time_ns = le64_to_cpu(stat.time_ns);
	req->user_ns = le64_to_cpu(stat.user_ns);
	req->system_ns = le64_to_cpu(stat.system_ns);
	req->idle_ns = le64_to_cpu(stat.idle_ns);
	req->irq_ns = le64_to_cpu(stat.irq_ns);
	req->interrupts = le64_to_cpu(stat.interrupts);
	req->switches = le64_to_cpu(stat.switches);
	req->mem_total = le64_to_cpu(stat.mem_total);
	req->mem_free = le64_to_cpu(stat.mem_free);
	req->mem_available = le64_to_cpu(stat.mem_available);
	req->processes = le32_to_cpu(stat.processes);
	return 0;
}
