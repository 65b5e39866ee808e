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
#include <linux/uio.h>
#include <asm/apic.h>
#include <asm/tsc.h>
#include "fail.h"
#include "image.h"
#include "internal.h"
#include "tables.h"

static_assert(sizeof(struct rf_status) <= RF_STATUS_SIZE);
static_assert(RF_CON_DATA + RF_CON_OUT_BYTES <= RF_CON_OUT_SIZE);
static_assert(RF_CON_DATA + RF_CON_IN_BYTES <= RF_CON_IN_SIZE);
static_assert(RF_OFF_CON_IN + RF_CON_IN_SIZE <= RF_SERVICE_SIZE);

#define LOAD_CHUNK	SZ_1M
#define SETUP_HEADER_MAX	(0x290 - 0x1f1)

/**
 * struct load_work - one load under way
 * @so: the subOS
 * @req: what is asked for
 * @kept: addresses in @req are those of a copy that we keep, not user space's
 * @seg: its segments, copied
 * @msg: line about a failure
 * @kernel_end: end of the highest segment, relative to the base
 * @initrd: where the initrd goes
 * @setup: setup header, copied
 */
struct load_work {
	struct subos *so;
	const struct rf_load *req;
	bool kept;
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

static int load_fetch(const struct load_work *w, void *dest, u64 src, u64 size)
{
	if (!w->kept)
		return copy_from_user(dest, u64_to_user_ptr(src), size) ? -EFAULT : 0;
	memcpy(dest, (const void *)(uintptr_t)src, size);
	return 0;
}

/* Past the caches: they hold what the supervisor works on, and it does not read this again. */
static int load_fetch_past(const struct load_work *w, void *dest, u64 src, u64 size)
{
	struct iov_iter iter;
	int ret;

	if (w->kept) {
		memcpy_flushcache(dest, (const void *)(uintptr_t)src, size);
		/* SDM volume 1, 10.4.6.2: SFENCE orders such stores; the other copy has one. */
		wmb();
		return 0;
	}
	ret = import_ubuf(ITER_SOURCE, u64_to_user_ptr(src), size, &iter);
	if (ret)
		return ret;
	return copy_from_iter_nocache(dest, size, &iter) == size ? 0 : -EFAULT;
}

static int load_copy(const struct load_work *w, u64 dest, u64 src, u64 size)
{
	while (size) {
		u64 n = min_t(u64, size, LOAD_CHUNK);

		if (load_fetch_past(w, __va(dest), src, n))
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

static bool load_counts_ok(const struct rf_load *req)
{
	return req->nr_segments >= 1 && req->nr_segments <= RF_SEGMENTS_MAX &&
	       req->setup_header_size <= SETUP_HEADER_MAX &&
	       req->cmdline_size <= RF_CMDLINE_MAX &&
	       req->initrd_size <= SZ_1T && req->overlay_size <= SZ_1T;
}

static int load_check(struct load_work *w)
{
	const struct rf_load *req = w->req;
	unsigned int i;
	int ret;

	if (load_fetch(w, w->seg, req->segments, req->nr_segments * sizeof(*w->seg)) ||
	    load_fetch(w, w->setup, req->setup_header, req->setup_header_size))
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
		ret = load_copy(w, load_base(w) + w->seg[i].dest, w->seg[i].src,
				w->seg[i].filesz);
		if (ret)
			return ret;
	}
	ret = load_copy(w, w->initrd, req->initrd, req->initrd_size);
	if (ret)
		return ret;
	return load_copy(w, w->initrd + ALIGN(req->initrd_size, 4), req->overlay,
			 req->overlay_size);
}

/* Length of the line in @out, or a negative error. @kept: see struct load_work. */
static int load_build_cmdline(const struct rf_cmdline *req, bool kept, char *out,
			      struct rfctl_msg *msg)
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

	if (kept)
		user = rfctl_alloc(kmemdup_nul((const char *)(uintptr_t)req->cmdline, in.user_len,
					       GFP_KERNEL));
	else
		user = rfctl_alloc(memdup_user_nul(u64_to_user_ptr(req->cmdline), in.user_len));
	if (IS_ERR_OR_NULL(user))
		return user ? PTR_ERR(user) : -ENOMEM;
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
	ret = load_build_cmdline(req, false, out, msg);
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

	ret = load_build_cmdline(&line, w->kept, w->so->svc + RF_OFF_CMDLINE, w->msg);
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
	if (w->req->flags & RF_LOAD_BARE)
		rfctl_exchange_release(so);
	else
		ret = rfctl_exchange_reserve(so, w->msg);
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
	rfctl_desc_init(so);
	rfctl_console_attach(so);
	return 0;
}

static struct load_work *load_begin(struct subos *so, const struct rf_load *req, bool kept,
				    struct rfctl_msg *msg)
{
	struct load_work *w = rfctl_zalloc(sizeof(*w));

	if (!w)
		return NULL;
	w->seg = rfctl_zalloc(RF_SEGMENTS_MAX * sizeof(*w->seg));
	w->so = so;
	w->req = req;
	w->kept = kept;
	w->msg = msg;
	if (w->seg)
		return w;
	kfree(w);
	return NULL;
}

static void load_end(struct load_work *w)
{
	kfree(w->seg);
	kfree(w);
}

/* @req is user space's, or that of a copy (@kept); its counts were checked. */
static int load(struct subos *so, const struct rf_load *req, bool kept, struct rfctl_msg *msg)
{
	u64 start = ktime_get_ns();
	struct load_work *w;
	int ret;

	w = load_begin(so, req, kept, msg);
	if (!w)
		return -ENOMEM;
	rfctl_console_detach(so);
	so->loaded = false;
	rfctl_mem_settle(so);
	ret = load_all(w);
	if (!ret) {
		so->loaded = true;
		so->info_flags = req->flags & RF_LOAD_BARE ? RF_INFO_BARE : 0;
		so->stage_ns[RF_STAGE_LOAD] = ktime_get_ns() - start -
					      so->stage_ns[RF_STAGE_SCRUB];
	}
	load_end(w);
	return ret;
}

static int load_may(struct subos *so, const struct rf_load *req, struct rfctl_msg *msg)
{
	if (!so->running && so->nr_ranges && !cpumask_empty(&so->cpus))
		return load_counts_ok(req) ? 0 : -EINVAL;
	rfctl_say(msg, so->running ? "%s runs; stop it first" :
		  "%s has no CPU or no memory yet", so->name);
	return -EBUSY;
}

/**
 * rfctl_load - put a kernel and all that it is told into the subOS's memory
 * @so: the subOS, locked; it has CPUs and memory and does not run
 * @req: what to load, from user space
 * @msg: (out) line about a failure
 *
 * Where its policy wants restarts a copy is kept, in place of the last one.
 *
 * Return: 0, or as RF_IOC_LOAD.
 */
int rfctl_load(struct subos *so, const struct rf_load *req, struct rfctl_msg *msg)
{
	struct rfctl_image *image;
	int ret;

	ret = load_may(so, req, msg);
	if (ret)
		return ret;
	if (req->flags & RF_LOAD_BARE && so->on_crash != RF_ON_CRASH_KEEP) {
		rfctl_say(msg, "a bare subOS does not tell of a crash: only --on-crash keep can be had");
		return -EOPNOTSUPP;
	}
	if (so->on_crash != RF_ON_CRASH_RESTART)
		return load(so, req, false, msg);
	image = rfctl_image_copy(req, rfctl_mem_owned(so), msg);
	if (IS_ERR(image))
		return PTR_ERR(image);
	ret = load(so, &image->req, true, msg);
	if (!ret)
		swap(so->image, image);
	rfctl_image_free(image);
	return ret;
}

/**
 * rfctl_load_again - load what was kept
 * @so: the subOS, locked; it does not run
 * @msg: (out) line about a failure
 *
 * Return: 0, or as RF_IOC_LOAD; -ENODATA nothing was kept.
 */
int rfctl_load_again(struct subos *so, struct rfctl_msg *msg)
{
	int ret;

	if (!so->image) {
		rfctl_say(msg, "nothing is kept to boot %s from; rfm restart %s boots it from its files",
			  so->name, so->name);
		return -ENODATA;
	}
	ret = load_may(so, &so->image->req, msg);
	return ret ?: load(so, &so->image->req, true, msg);
}

/**
 * rfctl_load_keep - keep a copy to boot from, load nothing
 * @so: the subOS, locked; it has memory and may run
 * @req: what to keep, from user space
 * @msg: (out) line about a failure
 *
 * Return: 0, or as RF_IOC_LOAD.
 */
int rfctl_load_keep(struct subos *so, const struct rf_load *req, struct rfctl_msg *msg)
{
	struct rfctl_image *image;
	struct load_work *w;
	int ret;

	if (!load_counts_ok(req) || req->flags & RF_LOAD_BARE || !so->nr_ranges)
		return -EINVAL;
	image = rfctl_image_copy(req, rfctl_mem_owned(so), msg);
	if (IS_ERR(image))
		return PTR_ERR(image);
	w = load_begin(so, &image->req, true, msg);
	ret = w ? load_check(w) : -ENOMEM;
	if (w)
		load_end(w);
	if (!ret)
		swap(so->image, image);
	rfctl_image_free(image);
	return ret;
}
