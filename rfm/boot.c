// SPDX-License-Identifier: GPL-2.0-only
/* Booting a subOS: image, initrd, overlay; load, start, wait. */
#include "boot.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "dev.h"
#include "fmt.h"
#include "overlay.h"
#include "rfm.h"
#include "sysroot.h"

#define MB		(1ULL << 20)
#define PANIC_FIRST_MS	10000	/* of boot before its log is looked at */
#define PANIC_AGAIN_MS	5000	/* between two looks: they read much memory */
#define ROOM_TO_RUN	(64 * MB)	/* least that a stock kernel wants beside its image */

static int open_image(struct boot *b)
{
	enum rfm_image_mode mode = b->s->bzimage ? RFM_IMAGE_BZIMAGE : RFM_IMAGE_AUTO;
	char err[400] = "";
	int ret;

	rfm_progress("reading %s", b->s->kernel);
	ret = rfm_image_open(&b->image, b->s->kernel, b->cache_dir, mode, err, sizeof(err));
	return ret ? rfm_fail_errno(ret, err, "cannot use the kernel %s", b->s->kernel) : 0;
}

static int map_initrd(struct boot *b, int fd)
{
	struct stat st;

	if (fstat(fd, &st))
		return rfm_fail_errno(errno, NULL, "cannot read the initrd %s", b->s->initrd);
	if (!S_ISREG(st.st_mode) || !st.st_size)
		return rfm_fail(RFM_INCOMPATIBLE, "the initrd %s is %s; name another with --initrd",
				b->s->initrd, st.st_size ? "no file" : "empty");
	b->initrd = mmap(NULL, st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (b->initrd == MAP_FAILED) {
		b->initrd = NULL;
		return rfm_fail_errno(errno, NULL, "cannot map the initrd %s", b->s->initrd);
	}
	b->initrd_size = st.st_size;
	return 0;
}

static int open_initrd(struct boot *b)
{
	int fd, ret;

	if (!b->s->initrd)
		return 0;
	fd = open(b->s->initrd, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0 && errno == ENOENT)
		return rfm_fail(RFM_NOT_FOUND,
				"there is no initrd %s; name another with --initrd, or run make install for ours",
				b->s->initrd);
	if (fd < 0)
		return rfm_fail_errno(errno, NULL, "cannot open the initrd %s", b->s->initrd);
	ret = map_initrd(b, fd);
	close(fd);
	return ret;
}

/* Without our module inside, a reboot of the subOS would reset the machine. */
static int check_module(const struct boot *b)
{
	const char *missing;

	if (b->s->bare)
		return 0;
	if (!*b->image.release)
		return rfm_fail(RFM_INCOMPATIBLE,
				"%s does not say its release, so that no module can be chosen; use the bzImage, or --unsafe-bare",
				b->s->kernel);
	missing = rfm_overlay_missing(b->lib_dir, b->image.release);
	if (!missing)
		return 0;
	return rfm_fail(RFM_INCOMPATIBLE,
			"there is no %s for kernel %s; install linux-headers-%s and run make install, or take the risk with --unsafe-bare",
			missing, b->image.release, b->image.release);
}

/* An archive that is not packed is as large unpacked; packed ones triple. */
static uint64_t unpacked_size(const struct boot *b)
{
	bool packed = b->initrd_size > 6 && memcmp(b->initrd, "07070", 5);

	return b->initrd_size * (packed ? 3 : 1);
}

static int check_size(const struct boot *b)
{
	uint64_t need = b->image.span + b->initrd_size + unpacked_size(b) + ROOM_TO_RUN;
	uint64_t given = (b->s->memory + RF_GRAIN - 1) / RF_GRAIN * RF_GRAIN;
	char has[24], wants[24], kernel[24], initrd[24];

	if (given >= need)
		return 0;
	need = (need + RF_GRAIN - 1) / RF_GRAIN * RF_GRAIN;
	return rfm_fail(RFM_USAGE,
			"%s of memory are too little: this kernel (%s while it boots) and initrd (%s) need --memory %s",
			units_size(b->s->memory, has, sizeof(has)),
			units_size((b->image.span + MB - 1) / MB * MB, kernel, sizeof(kernel)),
			units_size(b->initrd_size, initrd, sizeof(initrd)),
			units_size(need, wants, sizeof(wants)));
}

static void read_modaliases(struct boot *b)
{
	char text[256], bdf[24];
	unsigned int i, n = 0;

	for (i = 0; i < b->s->nr_pci; i++) {
		units_bdf(b->s->pci[i], bdf, sizeof(bdf));
		if (!sysroot_read(text, sizeof(text), "/sys/bus/pci/devices/%s/modalias", bdf))
			b->modaliases[n++] = strdup(text);
	}
}

static void *build_overlay(void *arg)
{
	struct boot *b = arg;
	const struct rfm_overlay_request req = {
		.release = b->release,
		.lib_dir = b->lib_dir,
		.cache_dir = b->cache_dir,
		.module_root = *sysroot_prefix() ? sysroot_prefix() : "/",
		.modaliases = (const char *const *)b->modaliases,
		.devices = b->s->nr_devices,
	};

	b->ret = rfm_overlay_build(&b->overlay, &req, b->err, sizeof(b->err));
	if (b->initrd)	/* read ahead: loading shall not wait for the disk */
		madvise(b->initrd, b->initrd_size, MADV_WILLNEED);
	return NULL;
}

static int start_overlay(struct boot *b)
{
	int ret = pthread_create(&b->thread, NULL, build_overlay, b);

	b->running = !ret;
	return ret;
}

static void wait_for_overlay(struct boot *b)
{
	if (b->running)
		pthread_join(b->thread, NULL);
	b->running = false;
}

static int join_overlay(struct boot *b)
{
	wait_for_overlay(b);
	return b->ret ? rfm_fail_errno(b->ret, b->err, "cannot build the overlay") : 0;
}

/* While the kernel is read and checked. Where that cannot be it begins afterwards. */
static void start_overlay_early(struct boot *b)
{
	if (b->s->bare)
		return;
	read_modaliases(b);
	rfm_image_release(b->release, sizeof(b->release), b->s->kernel);
	if (*b->release && !rfm_overlay_missing(b->lib_dir, b->release))
		start_overlay(b);
}

static int settle_overlay(struct boot *b)
{
	int ret;

	if (b->s->bare)
		return 0;
	if (b->running && strcmp(b->release, b->image.release))
		return rfm_fail(RFM_FAILED, "the kernel %s changed while it was read; try again",
				b->s->kernel);
	if (b->running)
		return 0;
	snprintf(b->release, sizeof(b->release), "%s", b->image.release);
	ret = start_overlay(b);
	return ret ? rfm_fail_errno(ret, NULL, "cannot start a thread") : 0;
}

int boot_prepare(struct boot *b, const struct settings *s, bool all)
{
	int ret, initrd;

	memset(b, 0, sizeof(*b));
	b->s = s;
	b->lib_dir = sysroot_lib_dir();
	b->cache_dir = sysroot_cache_dir();
	start_overlay_early(b);
	ret = open_image(b);
	initrd = !ret || all ? open_initrd(b) : 0;
	ret = ret ? ret : initrd;
	if (!ret)
		ret = check_module(b);
	if (!ret)
		ret = check_size(b);
	if (!ret)
		ret = settle_overlay(b);
	return ret;
}

static __u64 pointer(const void *p)
{
	return (uintptr_t)p;
}

/* @call: dev_load() or dev_keep() */
static int hand_over(struct boot *b, int fd, const char *what,
		     int (*call)(int fd, struct rf_load *load, struct dev_msg *msg))
{
	struct rf_load load = {
		.flags = b->s->bare ? RF_LOAD_BARE : 0,
		.segments = pointer(b->image.segments),
		.nr_segments = b->image.nr_segments,
		.kernel_version = b->image.version,
		.entry = b->image.entry,
		.setup_header = pointer(b->image.setup_header),
		.setup_header_size = b->image.setup_header_size,
		.cmdline = pointer(b->s->append),
		.cmdline_size = b->s->append ? strlen(b->s->append) : 0,
		.initrd = pointer(b->initrd),
		.initrd_size = b->initrd_size,
	};
	struct dev_msg msg;
	int ret;

	ret = join_overlay(b);
	if (ret)
		return ret;
	load.overlay = pointer(b->overlay.data);
	load.overlay_size = b->overlay.size;
	rfm_progress("handing over %s", b->s->kernel);
	ret = call(fd, &load, &msg);
	return ret ? rfm_fail_errno(ret, msg.text, "cannot %s %s", what, b->s->kernel) : 0;
}

int boot_load(struct boot *b, int fd)
{
	return hand_over(b, fd, "load", dev_load);
}

int boot_keep(struct boot *b, int fd)
{
	return hand_over(b, fd, "keep", dev_keep);
}

int boot_start(int fd)
{
	int ret;

	rfm_progress("starting");
	ret = dev_start(fd);
	rfm.done = !ret;
	return ret ? rfm_fail_errno(ret, NULL, "cannot start it") : 0;
}

static uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000ULL + t.tv_nsec / 1000000;
}

/* Its init may have run and ended between two looks: that is a success, too. */
static int ended(const struct rf_info *info)
{
	bool ran = info->stage_ns[RF_STAGE_INIT];

	if (ran && (info->state == RF_STATE_STOPPED || info->state == RF_STATE_STOPPING))
		return RFM_OK;
	return rfm_fail(RFM_FAILED, "%s%s%s%s; it stays for a look: rfm log %s, then rfm destroy %s",
			fmt_state(info->state), ran ? "" : " before its init ran",
			*info->reason ? ": " : "", info->reason, rfm.object, rfm.object);
}

/* RFM_OK: it runs; -1: go on waiting; else it came to an end. */
static int arrived(int fd)
{
	struct rf_info info;
	int ret = dev_info(fd, &info);

	if (ret == -ENOENT)
		return rfm_fail(RFM_FAILED, "it was destroyed while it booted");
	if (ret)
		return rfm_fail_errno(ret, NULL, "cannot watch it boot");
	if (info.state == RF_STATE_RUNNING)
		return RFM_OK;
	if (info.state == RF_STATE_CREATED || info.state == RF_STATE_BOOTING ||
	    info.flags & RF_INFO_RESTARTS)
		return -1;
	return ended(&info);
}

int boot_wait(int fd, unsigned int timeout_ms)
{
	uint64_t start = now_ms(), spent, look = PANIC_FIRST_MS;
	char why[200];
	struct pollfd p = { .fd = fd, .events = POLLIN };
	int ret;

	for (;;) {
		ret = arrived(fd);
		if (ret >= 0)
			return ret;
		spent = now_ms() - start;
		if (rfm.interrupted)
			return RFM_INTERRUPTED;
		if (spent >= timeout_ms)
			return rfm_fail(RFM_TIMEOUT,
					"init does not run after %u s; it goes on: rfm log %s shows how far it came, rfm destroy %s ends it",
					timeout_ms / 1000, rfm.object, rfm.object);
		if (spent >= look && boot_panicked(fd, why, sizeof(why)))
			return rfm_fail(RFM_FAILED,
					"its kernel panicked while it booted: %s; rfm log %s has more, rfm destroy %s ends it",
					why, rfm.object, rfm.object);
		if (spent >= look)
			look = now_ms() - start + PANIC_AGAIN_MS;
		rfm_progress("booting, %u s", (unsigned int)(spent / 1000));
		poll(&p, 1, timeout_ms - spent < 500 ? timeout_ms - spent : 500);
	}
}

void boot_free(struct boot *b)
{
	unsigned int i;

	wait_for_overlay(b);
	if (b->initrd)
		munmap(b->initrd, b->initrd_size);
	rfm_image_close(&b->image);
	free(b->overlay.data);
	for (i = 0; b->modaliases[i]; i++)
		free(b->modaliases[i]);
	memset(b, 0, sizeof(*b));
}
