// SPDX-License-Identifier: GPL-2.0-only
/*
 * DOC: Loader: images and the service area
 *
 * User space takes the image apart, the module decides where things lie and
 * what the kernel is told. Layout of the first range: rainforest_wire.h; above
 * the service area the kernel's segments where user space wants them (within
 * the range), then the initrd at the top of the highest range that has room.
 */
#include <linux/cpumask.h>
#include <linux/mm.h>
#include <linux/sched/signal.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/timekeeping.h>
#include <linux/uaccess.h>
#include <asm/apic.h>
#include <asm/tsc.h>
#include "fail.h"
#include "internal.h"
#include "tables.h"

static_assert(sizeof(struct rf_desc) <= RF_DESC_SIZE);
static_assert(sizeof(struct rf_status) <= RF_STATUS_SIZE);
static_assert(RF_CON_DATA + RF_CON_OUT_BYTES <= RF_CON_OUT_SIZE);
static_assert(RF_CON_DATA + RF_CON_IN_BYTES <= RF_CON_IN_SIZE);
static_assert(RF_OFF_CON_IN + RF_CON_IN_SIZE <= RF_SERVICE_SIZE);

#define LOAD_CHUNK	SZ_1M
#define SETUP_HEADER_MAX	(0x290 - 0x1f1)

/**
 * struct load_work - one load under way
 * @so: the subOS
 * @req: what user space asked for
 * @seg: its segments, copied
 * @msg: line about a failure
 * @kernel_end: end of the highest segment, relative to the base
 * @initrd: where the initrd goes
 * @setup: setup header, copied
 */
struct load_work {
	struct subos *so;
	const struct rf_load *req;
	struct rf_segment *seg;
	struct rfctl_msg *msg;
	u64 kernel_end;
	u64 initrd;
	u8 setup[SETUP_HEADER_MAX];
};

static u64 load_base(struct load_work *w)
{
	return w->so->ranges[0].start;
}

static int load_copy(u64 dest, u64 src, u64 size)
{
	while (size) {
		u64 n = min_t(u64, size, LOAD_CHUNK);

		if (copy_from_user(__va(dest), u64_to_user_ptr(src), n))
			return -EFAULT;
		if (signal_pending(current))
			return -EINTR;
		cond_resched();
		dest += n;
		src += n;
		size -= n;
	}
	return 0;
}

static int load_check_segment(struct load_work *w, const struct rf_segment *seg)
{
	u64 room = w->so->ranges[0].length;

	if (seg->filesz > seg->memsz || seg->memsz > RF_GRAIN * 1024 ||
	    seg->dest < RF_SERVICE_SIZE || seg->dest > RF_GRAIN * 1024) {
		rfctl_say(w->msg, "the kernel image has a segment at %#llx of %#llx bytes, which cannot be placed",
			  seg->dest, seg->memsz);
		return -EINVAL;
	}
	if (seg->dest + seg->memsz > room) {
		rfctl_say(w->msg, "the kernel needs %llu MB in one piece, the largest piece of memory has %llu MB; ask for more memory",
			  (seg->dest + seg->memsz + SZ_1M - 1) >> 20, room >> 20);
		return -ENOSPC;
	}
	w->kernel_end = max(w->kernel_end, seg->dest + seg->memsz);
	return 0;
}

static int load_check(struct load_work *w)
{
	const struct rf_load *req = w->req;
	unsigned int i;
	int ret;

	if (req->nr_segments < 1 || req->nr_segments > RF_SEGMENTS_MAX ||
	    req->setup_header_size > SETUP_HEADER_MAX || req->cmdline_size > RF_CMDLINE_MAX ||
	    req->initrd_size > SZ_1T || req->overlay_size > SZ_1T)
		return -EINVAL;
	if (copy_from_user(w->seg, u64_to_user_ptr(req->segments),
			   req->nr_segments * sizeof(*w->seg)) ||
	    copy_from_user(w->setup, u64_to_user_ptr(req->setup_header), req->setup_header_size))
		return -EFAULT;
	for (i = 0; i < req->nr_segments; i++) {
		ret = load_check_segment(w, &w->seg[i]);
		if (ret)
			return ret;
	}
	if (req->entry < RF_SERVICE_SIZE || req->entry >= w->kernel_end) {
		rfctl_say(w->msg, "the kernel's entry %#llx is outside of its segments",
			  req->entry);
		return -EINVAL;
	}
	return 0;
}

/* Initrd and overlay in one piece, at the top of the highest range with room. */
static int load_place_initrd(struct load_work *w)
{
	u64 need = ALIGN(ALIGN(w->req->initrd_size, 4) + w->req->overlay_size, PAGE_SIZE);
	struct subos *so = w->so;
	u64 best = 0;
	unsigned int i;

	for (i = 0; i < so->nr_ranges; i++) {
		u64 used = i ? 0 : ALIGN(w->kernel_end, PAGE_SIZE);

		if (so->ranges[i].length >= used + need)
			best = max(best, so->ranges[i].start + so->ranges[i].length - need);
	}
	if (need && !best) {
		rfctl_say(w->msg, "kernel (%llu MB) and initrd (%llu MB) do not fit into %llu MB in %u pieces; ask for more memory",
			  (w->kernel_end >> 20) + 1, (need >> 20) + 1,
			  so->ranges[0].length >> 20, so->nr_ranges);
		return -ENOSPC;
	}
	w->initrd = best;
	return 0;
}

static int load_copy_images(struct load_work *w)
{
	const struct rf_load *req = w->req;
	unsigned int i;
	int ret;

	for (i = 0; i < req->nr_segments; i++) {
		ret = load_copy(load_base(w) + w->seg[i].dest, w->seg[i].src, w->seg[i].filesz);
		if (ret)
			return ret;
	}
	ret = load_copy(w->initrd, req->initrd, req->initrd_size);
	if (ret)
		return ret;
	return load_copy(w->initrd + ALIGN(req->initrd_size, 4), req->overlay, req->overlay_size);
}

/* Length of the line in @out, or a negative error. */
static int load_build_cmdline(const struct rf_cmdline *req, char *out, struct rfctl_msg *msg)
{
	struct rf_cmdline_in in = {
		.user_len = req->cmdline_size,
		.kernel_version = req->kernel_version,
		.tsc_khz = tsc_khz,
		.nr_cpus = req->nr_cpus,
		.bare = req->flags & RF_LOAD_BARE,
	};
	char *user;
	int ret;

	user = memdup_user_nul(u64_to_user_ptr(req->cmdline), in.user_len);
	if (IS_ERR(user))
		return PTR_ERR(user);
	in.user = user;
	ret = rf_cmdline_build(&in, out, RF_CMDLINE_SIZE, msg->text, sizeof(msg->text));
	kfree(user);
	return ret;
}

/**
 * rfctl_check_cmdline - would this command line be accepted?
 * @req: the line and what it depends on, checked but for the line
 * @msg: (out) line about a failure
 *
 * Return: 0, or as RF_IOC_CMDLINE.
 */
int rfctl_check_cmdline(const struct rf_cmdline *req, struct rfctl_msg *msg)
{
	char *out;
	int ret;

	if (req->cmdline_size > RF_CMDLINE_MAX)
		return -EINVAL;
	out = rfctl_zalloc(RF_CMDLINE_SIZE);
	if (!out)
		return -ENOMEM;
	ret = load_build_cmdline(req, out, msg);
	kfree(out);
	return min(ret, 0);
}

static int load_cmdline(struct load_work *w, u32 *len)
{
	const struct rf_cmdline line = {
		.flags = w->req->flags,
		.kernel_version = w->req->kernel_version,
		.nr_cpus = cpumask_weight(&w->so->cpus),
		.cmdline = w->req->cmdline,
		.cmdline_size = w->req->cmdline_size,
	};
	int ret;

	ret = load_build_cmdline(&line, w->so->svc + RF_OFF_CMDLINE, w->msg);
	if (ret < 0)
		return ret;
	*len = ret;
	return 0;
}

/* Every core of the machine but its boot processor; the subOS's own come first. */
static unsigned int load_list_apicids(struct subos *so, u32 *ids)
{
	unsigned int cpu, n = 0;

	ids[n++] = rfctl_cpu_apicid(so->boot_cpu);
	for_each_cpu(cpu, &so->cpus)
		if (cpu != so->boot_cpu)
			ids[n++] = rfctl_cpu_apicid(cpu);
	for_each_possible_cpu(cpu)
		if (cpu && rfctl_cpu_exists(cpu) && !cpumask_test_cpu(cpu, &so->cpus))
			ids[n++] = rfctl_cpu_apicid(cpu);
	return n;
}

static int load_acpi(struct load_work *w, u64 *rsdp)
{
	struct rf_acpi_in in = {
		.base = load_base(w),
		.kernel_version = w->req->kernel_version,
		.bsp_apicid = rfctl_cpu_apicid(0),
		.mailbox = load_base(w) + RF_OFF_MAILBOX,
		.reset_vector = load_base(w) + RF_OFF_RESET_VECTOR,
	};
	u32 *ids;
	int ret;

	ids = rfctl_zalloc((nr_cpu_ids + 1) * sizeof(*ids));
	if (!ids)
		return -ENOMEM;
	in.apicid = ids;
	in.nr_apicid = load_list_apicids(w->so, ids);
	ret = rf_acpi_build(&in, w->so->svc + RF_OFF_ACPI, RF_ACPI_SIZE, rsdp);
	kfree(ids);
	return ret;
}

static int load_boot_params(struct load_work *w, u32 cmdline_len, u64 rsdp)
{
	struct rf_span ranges[RF_WIRE_RANGES];
	struct rf_bp_in in = {
		.base = load_base(w),
		.setup_header = w->setup,
		.setup_header_size = w->req->setup_header_size,
		.cmdline = load_base(w) + RF_OFF_CMDLINE,
		.cmdline_size = cmdline_len,
		.initrd = w->initrd,
		.rsdp = rsdp,
		.low = { .start = w->so->low, .length = RFCTL_LOW_SIZE },
		.ranges = ranges,
		.nr_ranges = w->so->nr_ranges,
	};
	unsigned int i;

	if (w->req->initrd_size || w->req->overlay_size)
		in.initrd_size = ALIGN(w->req->initrd_size, 4) + w->req->overlay_size;
	for (i = 0; i < w->so->nr_ranges; i++)
		ranges[i] = (struct rf_span){ w->so->ranges[i].start, w->so->ranges[i].length };
	return rf_bootparams_build(&in, w->so->svc + RF_OFF_BOOT_PARAMS);
}

static void load_desc_fill(struct subos *so, struct rf_desc *desc)
{
	unsigned int i = 1, cpu;
	u64 tsc;

	desc->id = cpu_to_le32(so->id);
	desc->generation = cpu_to_le32(so->generation);
	strscpy(desc->name, so->name, sizeof(desc->name));
	desc->heartbeat_ms = cpu_to_le32(rfctl_heartbeat_ms);
	desc->apicid[0] = cpu_to_le32(rfctl_cpu_apicid(so->boot_cpu));
	for_each_cpu(cpu, &so->cpus)
		if (cpu != so->boot_cpu && i < RF_WIRE_CPUS)
			desc->apicid[i++] = cpu_to_le32(rfctl_cpu_apicid(cpu));
	desc->nr_cpus = cpu_to_le32(i);
	for (i = 0; i < so->nr_ranges; i++) {
		desc->range[i].start = cpu_to_le64(so->ranges[i].start);
		desc->range[i].length = cpu_to_le64(so->ranges[i].length);
	}
	desc->nr_ranges = cpu_to_le32(so->nr_ranges);
	rfctl_pci_describe(so, desc->pci);
	desc->nr_pci = cpu_to_le32(so->nr_pci);
	desc->tsc_khz = cpu_to_le64(tsc_khz);
	tsc = rdtsc_ordered();
	desc->tsc = cpu_to_le64(tsc);
	desc->realtime_ns = cpu_to_le64(ktime_get_real_ns());
}

/**
 * rfctl_desc_update - change the resource description under its sequence count
 * @so: the subOS, its memory owned
 * @change: makes the changes
 *
 * Context: one caller at a time for a subOS: under so->lock, or under the
 * console's lock for the window size, whose fields nobody else writes; the
 * sequence count is guarded here.
 */
void rfctl_desc_update(struct subos *so, void (*change)(struct subos *so, struct rf_desc *desc))
{
	struct rf_desc *desc = so->svc + RF_OFF_DESC;

	guard(mutex)(&so->desc_lock);
	so->desc_seq++;
	WRITE_ONCE(desc->seq, cpu_to_le32(so->desc_seq));
	smp_wmb();		/* odd count before the change; pairs with subos_desc_read() */
	change(so, desc);
	smp_wmb();		/* change before the even count */
	so->desc_seq++;
	WRITE_ONCE(desc->seq, cpu_to_le32(so->desc_seq));
}

static void load_desc_init(struct subos *so, struct rf_desc *desc)
{
	desc->magic = cpu_to_le32(RF_DESC_MAGIC);
	desc->version = cpu_to_le32(RF_WIRE_VERSION);
	desc->size = cpu_to_le32(sizeof(*desc));
	load_desc_fill(so, desc);
}

static void desc_set_clock(struct subos *so, struct rf_desc *desc)
{
	desc->tsc = cpu_to_le64(rdtsc_ordered());
	desc->realtime_ns = cpu_to_le64(ktime_get_real_ns());
}

/**
 * rfctl_desc_clock - tell the subOS the wall clock as it is now
 * @so: the subOS, locked, loaded
 */
void rfctl_desc_clock(struct subos *so)
{
	rfctl_desc_update(so, desc_set_clock);
}

static void desc_poweroff(struct subos *so, struct rf_desc *desc)
{
	desc->request = cpu_to_le32(RF_REQ_POWEROFF);
	desc->request_seq = cpu_to_le32(++so->request_seq);
}

/**
 * rfctl_desc_request_poweroff - ask the subOS to power itself off
 * @so: the subOS, locked, running
 */
void rfctl_desc_request_poweroff(struct subos *so)
{
	rfctl_desc_update(so, desc_poweroff);
}

static int load_all(struct load_work *w)
{
	struct subos *so = w->so;
	u32 cmdline_len;
	u64 rsdp;
	int ret;

	ret = load_check(w);
	if (ret)
		return ret;
	ret = load_place_initrd(w);
	if (ret)
		return ret;
	rfctl_mem_scrub(so);		/* after a stop: nothing of the last boot stays */
	rfctl_mem_dirty(so);
	ret = rfctl_fail("load_cmdline") ? -ENOMEM : load_cmdline(w, &cmdline_len);
	if (ret)
		return ret;
	ret = rfctl_fail("load_acpi") ? -ENOMEM : load_acpi(w, &rsdp);
	if (ret)
		return ret;
	ret = load_boot_params(w, cmdline_len, rsdp);
	if (ret) {
		rfctl_say(w->msg, "the kernel image's setup header is not usable");
		return ret;
	}
	ret = rfctl_fail("load_copy") ? -EFAULT : load_copy_images(w);
	if (ret)
		return ret;
	rfctl_park_return_code(so->svc + RF_OFF_RESET_VECTOR);
	so->entry = load_base(w) + w->req->entry;
	so->generation++;
	rfctl_desc_update(so, load_desc_init);
	rfctl_console_attach(so);
	return 0;
}

/**
 * rfctl_load - put a kernel and all that it is told into the subOS's memory
 * @so: the subOS, locked; it has CPUs and memory and does not run
 * @req: what to load
 * @msg: (out) line about a failure
 *
 * Return: 0, or as RF_IOC_LOAD.
 */
int rfctl_load(struct subos *so, const struct rf_load *req, struct rfctl_msg *msg)
{
	u64 start = ktime_get_ns();
	struct load_work *w;
	int ret;

	if (so->running || !so->nr_ranges || cpumask_empty(&so->cpus)) {
		rfctl_say(msg, so->running ? "%s runs; stop it first" :
			  "%s has no CPU or no memory yet", so->name);
		return -EBUSY;
	}
	w = rfctl_zalloc(sizeof(*w));
	if (!w)
		return -ENOMEM;
	w->seg = rfctl_zalloc(RF_SEGMENTS_MAX * sizeof(*w->seg));
	w->so = so;
	w->req = req;
	w->msg = msg;
	rfctl_console_detach(so);
	so->loaded = false;
	ret = w->seg ? load_all(w) : -ENOMEM;
	if (!ret) {
		so->loaded = true;
		so->info_flags = req->flags & RF_LOAD_BARE ? RF_INFO_BARE : 0;
		so->stage_ns[RF_STAGE_LOAD] = ktime_get_ns() - start -
					      so->stage_ns[RF_STAGE_SCRUB];
	}
	kfree(w->seg);
	kfree(w);
	return ret;
}
