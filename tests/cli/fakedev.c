// SPDX-License-Identifier: GPL-2.0-only
/*
 * A double of /dev/rainforest for tests of rfm: LD_PRELOAD it and name a state
 * file in RFM_FAKE. Six CPUs, 4 GB; subOSes live in the state file, so that
 * they outlive one rfm.
 *
 *	RFM_FAKE_ABI=N		version of the ABI that it speaks
 *	RFM_FAKE_FAIL=STEP=N	that step fails with errno N, and others after a comma;
 *				steps are create,
 *				cpus, memory, pci, load, start, stop, destroy,
 *				resize_cpus, resize_memory, resize_pci, stats, borrow, return,
 *				policy, keep
 *	RFM_FAKE_PARTIAL=N	a resize or loan that fails moves N cores or blocks first
 *	RFM_FAKE_USAGE=N	the accounts are off by N
 *	RFM_FAKE_BLOCK=STEP	that step waits for a signal, after making $RFM_FAKE.blocked
 *	RFM_FAKE_BOOT=WORD	run (default), crash, hang, or again: as crash, but a
 *				policy of restarts works
 *	RFM_FAKE_FORCED=1	what is stopped did not end by itself
 *	RFM_FAKE_OLD=1		it does not know what came with ABI 2
 *	RFM_FAKE_AUDIT=N	violations that an audit finds
 *	RFM_FAKE_COM=1		there is a /dev/rfcom
 *	RFM_FAKE_AGENT=PROGRAM	what answers a channel; its argument is a descriptor
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/rainforest.h>
#include <linux/rainforest_wire.h>
#include <linux/rfcom.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#define CPUS	6
#define BASE	0x100000000ULL
#define TOTAL	(4ULL << 30)
#define SUBOSES	8
#define FDS	256

struct subos {
	bool started;
	unsigned int looks;
	unsigned int readings;
	struct rf_info info;
	unsigned int pci[RF_WIRE_PCI];
};

#define EVENTS	64	/* kept; the oldest are forgotten */
#define LOANS	64
#define RULES	16

static struct state {
	unsigned int last_id;
	unsigned long long pool_bytes, pool_cpus;
	unsigned long long last_event;
	struct rf_event events[EVENTS];
	unsigned int last_loan;
	bool detached;
	struct rf_loan loans[LOANS];
	struct rf_rule_entry rules[RULES];
	struct subos subos[SUBOSES];
} *state;

enum kind { NONE, DEVICE, COM, CREATOR, OPENER, CONSOLE };

static struct {
	enum kind kind;
	unsigned int id;
	int peer;
	unsigned long long next;	/* event that comes next */
} fds[FDS];

static int real_close(int fd)
{
	return ((int (*)(int))dlsym(RTLD_NEXT, "close"))(fd);
}

static int real_open(const char *path, int flags, int mode)
{
	return ((int (*)(const char *, int, ...))dlsym(RTLD_NEXT, "open"))(path, flags, mode);
}

static int fail(int err)
{
	errno = err;
	return -1;
}

static int say(__u64 msg, int err, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	if (msg)
		vsnprintf((char *)(uintptr_t)msg, RF_MSG_MAX, format, ap);
	va_end(ap);
	return fail(err);
}

/* Whoever sees the file may send one at once: it is held back until we wait. */
static void wait_for_signal(const char *path)
{
	sigset_t all, before;

	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, &before);
	real_close(real_open(path, O_CREAT | O_WRONLY, 0600));
	sigsuspend(&before);
	sigprocmask(SIG_SETMASK, &before, NULL);
}

/* 0, or an errno that the environment asks for at this step */
static int fault(const char *step)
{
	const char *f = getenv("RFM_FAKE_FAIL"), *b = getenv("RFM_FAKE_BLOCK"), *comma;
	char path[256];
	size_t len = strlen(step);

	if (b && !strcmp(b, step)) {
		snprintf(path, sizeof(path), "%s.blocked", getenv("RFM_FAKE"));
		wait_for_signal(path);
		return EINTR;
	}
	for (; f; f = comma ? comma + 1 : NULL) {
		comma = strchr(f, ',');
		if (!strncmp(f, step, len) && f[len] == '=')
			return atoi(f + len + 1);
	}
	return 0;
}

static void event(const struct subos *s, unsigned int kind, __u64 value, int err,
		  const char *text)
{
	struct rf_event *e = &state->events[state->last_event++ % EVENTS];

	*e = (struct rf_event){ .seq = state->last_event, .kind = kind, .id = s->info.id,
				.time_ns = 1700000000000000000ULL + state->last_event * 1000000,
				.value = value, .error = err };
	strcpy(e->name, s->info.name);
	snprintf(e->text, sizeof(e->text), "%s", text);
}

static int new_fd(enum kind kind, unsigned int id)
{
	int fd = memfd_create("fakedev", MFD_CLOEXEC);

	fds[fd].kind = kind;
	fds[fd].id = id;
	return fd;
}

static int open_device(void)
{
	const char *path = getenv("RFM_FAKE");
	int fd;

	if (!path)
		return fail(ENOENT);
	fd = real_open(path, O_RDWR | O_CREAT, 0600);
	if (fd < 0 || ftruncate(fd, sizeof(*state)))
		return fail(EACCES);
	state = mmap(NULL, sizeof(*state), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	real_close(fd);
	fd = new_fd(DEVICE, 0);
	fds[fd].next = state->last_event + 1;
	return fd;
}

static struct subos *by_id(unsigned int id)
{
	for (struct subos *s = state->subos; s < state->subos + SUBOSES; s++)
		if (id && s->info.id == id)
			return s;
	return NULL;
}

static struct subos *by_name(const char *name)
{
	for (struct subos *s = state->subos; s < state->subos + SUBOSES; s++)
		if (s->info.id && !strcmp(s->info.name, name))
			return s;
	return NULL;
}

static int do_create(struct rf_create *c)
{
	struct subos *s = state->subos;
	int err = fault("create");

	if (err)
		return say(c->msg, err, "create was told to fail");
	if (by_name(c->name))
		return say(c->msg, EEXIST, "the name %s is in use", c->name);
	while (s->info.id)
		s++;
	memset(s, 0, sizeof(*s));
	s->info.id = c->id = ++state->last_id;
	strcpy(s->info.name, c->name);
	strcpy(s->info.reason, "resources are collected");
	event(s, RF_EVENT_CREATED, 0, 0, "");
	return new_fd(CREATOR, c->id);
}

static unsigned long long taken_cpus(void)
{
	unsigned long long mask = 1;

	for (struct subos *s = state->subos; s < state->subos + SUBOSES; s++)
		mask |= s->info.id ? s->info.cpumask[0] : 0;
	return mask;
}

static int do_cpus(struct subos *s, struct rf_cpus *c)
{
	__u64 *mask = (__u64 *)(uintptr_t)c->mask, want = mask[0];
	int err = fault("cpus");

	if (err)
		return say(c->msg, err, "core 3 did not answer");
	for (unsigned int cpu = 1; c->count && cpu < CPUS; cpu++)
		if (!(taken_cpus() >> cpu & 1) && c->count) {
			want |= 1ULL << cpu;
			c->count--;
		}
	if (c->count || want & taken_cpus() || want >> CPUS)
		return say(c->msg, EBUSY, "the module refuses these CPUs");
	mask[0] = want;
	if (c->flags & RF_CPUS_DRY_RUN)
		return 0;
	s->info.cpumask[0] = want;
	s->info.nr_cpus = s->info.nr_online = __builtin_popcountll(want);
	s->info.stage_ns[RF_STAGE_CPUS] = 1500000;
	return 0;
}

static int do_memory(struct subos *s, struct rf_memory *m)
{
	unsigned long long used = 0, bytes = (m->bytes + RF_GRAIN - 1) / RF_GRAIN * RF_GRAIN;
	int err = fault("memory");

	if (err)
		return err == EINTR ? fail(err) : say(m->msg, err, "memory was told to fail");
	for (struct subos *o = state->subos; o < state->subos + SUBOSES; o++)
		used += o->info.id ? o->info.mem_bytes : 0;
	m->got = TOTAL - used;
	if (bytes > m->got)
		return fail(ENOMEM);
	if (m->flags & RF_MEMORY_DRY_RUN)
		return 0;
	s->info.base = BASE + s->info.id * TOTAL;
	s->info.mem_bytes = m->got = bytes;
	s->info.nr_ranges = 1;
	return 0;
}

static int do_pci(struct subos *s, struct rf_pci *p)
{
	int err = fault("pci");

	if (err)
		return say(p->msg, err, "the function's driver does not let it go");
	if (!(p->flags & RF_PCI_DRY_RUN))
		s->pci[s->info.nr_pci++] = p->segment << 16 | p->bus << 8 | p->devfn;
	return 0;
}

#include "fakepolicy.h"

static int do_start(struct subos *s)
{
	int err = fault("start");

	if (err)
		return fail(err);
	s->started = true;
	s->looks = 0;
	s->info.started_ns += 1000000000ULL * 1700000000;
	s->info.state = RF_STATE_BOOTING;
	strcpy(s->info.reason, "the boot core was started");
	event(s, RF_EVENT_STATE, RF_STATE_BOOTING, 0, s->info.reason);
	return 0;
}

static int do_end(struct subos *s, const char *step, __u64 msg)
{
	int err = fault(step);

	if (err && err != EIO)
		return say(msg, err, "%s was told to fail", step);
	if (!strcmp(step, "stop")) {
		s->info.state = RF_STATE_STOPPED;
		strcpy(s->info.reason, getenv("RFM_FAKE_FORCED") ? "stopped by force" :
		       "powered off");
		event(s, RF_EVENT_STATE, RF_STATE_STOPPED, 0, s->info.reason);
	} else {
		event(s, RF_EVENT_GONE, 0, 0, "");
		memset(s, 0, sizeof(*s));
	}
	return err ? say(msg, err, "core 3 did not answer: it and 1G are quarantined") : 0;
}

static int do_list(struct rf_list *l)
{
	struct rf_info *out = (struct rf_info *)(uintptr_t)l->infos;

	l->count = 0;
	for (struct subos *s = state->subos; s < state->subos + SUBOSES; s++)
		if (s->info.id && l->count++ < l->capacity) {
			*out = s->info;
			out->hot_bytes = s->info.mem_bytes > 4 * RF_GRAIN ?
					 s->info.mem_bytes - 4 * RF_GRAIN : 0;
			out++;
		}
	return 0;
}

static void add(struct rf_resources *r, unsigned int kind, __u64 start, __u64 length,
		const struct subos *s)
{
	struct rf_resource *out = (struct rf_resource *)(uintptr_t)r->entries + r->count;

	if (r->count++ >= r->capacity)
		return;
	*out = (struct rf_resource){ .kind = kind, .start = start, .length = length,
				     .owner = s ? s->info.id : RF_OWNER_SUPERVISOR };
	if (s)
		strcpy(out->owner_name, s->info.name);
}

static int do_resources(struct rf_resources *r)
{
	struct subos *s;

	r->count = 0;
	for (unsigned int cpu = 0; cpu < CPUS; cpu++) {
		for (s = state->subos; s < state->subos + SUBOSES; s++)
			if (s->info.id && s->info.cpumask[0] >> cpu & 1)
				break;
		add(r, RF_RES_CPU, cpu, 1, s < state->subos + SUBOSES ? s : NULL);
	}
	for (s = state->subos; s < state->subos + SUBOSES; s++) {
		if (s->info.id && s->info.mem_bytes)
			add(r, RF_RES_MEMORY, s->info.base, s->info.mem_bytes, s);
		for (unsigned int i = 0; s->info.id && i < s->info.nr_pci; i++)
			add(r, RF_RES_PCI, s->pci[i], 1, s);
	}
	return 0;
}

static int do_audit(struct rf_audit *a)
{
	const char *n = getenv("RFM_FAKE_AUDIT");

	a->checks = 42;
	a->violations = n ? atoi(n) : 0;
	a->text_len = snprintf((char *)(uintptr_t)a->text, a->text_len, "%s",
			       a->violations ? "CPU 3 has two owners\n" : "");
	return 0;
}

static int do_pool(struct rf_pool *p)
{
	__u64 *mask = (__u64 *)(uintptr_t)p->mask;

	if (p->flags & RF_POOL_SET) {
		if (p->mem_bytes > TOTAL)
			return say(p->msg, ENOMEM, "4G could be had");
		state->pool_bytes = p->mem_bytes;
		state->pool_cpus = mask[0];
	}
	p->mem_bytes = p->mem_free = state->pool_bytes;
	mask[0] = state->pool_cpus;
	return 0;
}

static int do_ledger(struct rf_ledger *l)
{
	struct rf_ledger_entry *out = (struct rf_ledger_entry *)(uintptr_t)l->entries;

	l->count = l->first <= 2 ? 1 : 0;	/* the first two were forgotten */
	if (l->count)
		*out = (struct rf_ledger_entry){ .seq = 3, .kind = RF_RES_CPU, .from = 0, .to = 1,
						 .start = 2, .length = 1, .error = EBUSY };
	if (l->first < 3)
		l->first = 3;
	return 0;
}

/* What is typed comes back; ^D ends the terminal. */
static int do_console(const struct subos *s)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair))
		return -1;
	dprintf(pair[1], "console of %s\r\n", s->info.name);
	fds[pair[0]].kind = CONSOLE;
	fds[pair[0]].peer = pair[1];
	return pair[0];
}

#include "fakelive.h"
#include "fakeloans.h"
#include "fakechannels.h"

static int on_device(int fd, unsigned long request, void *arg)
{
	struct rf_version *v = arg;
	const char *abi = getenv("RFM_FAKE_ABI");
	struct subos *s;

	switch (request) {
	case RF_IOC_VERSION:
		v->abi = abi ? atoi(abi) : RF_ABI_VERSION;
		v->wire = RF_WIRE_VERSION;
		strcpy(v->version, "9.9-fake");
		v->flags = state->detached ? RF_VERSION_DETACHED : 0;
		return 0;
	case RF_IOC_DETACH:
		return do_detach(arg);
	case RF_IOC_CREATE:
		return do_create(arg);
	case RF_IOC_OPEN:
		s = by_name(((struct rf_open *)arg)->name);
		return s ? new_fd(OPENER, s->info.id) : fail(ENOENT);
	case RF_IOC_LIST:
		return do_list(arg);
	case RF_IOC_RESOURCES:
		return do_resources(arg);
	case RF_IOC_AUDIT:
		return do_audit(arg);
	case RF_IOC_POOL:
		return do_pool(arg);
	case RF_IOC_LEDGER:
		return do_ledger(arg);
	case RF_IOC_EVENTS:
		return getenv("RFM_FAKE_OLD") ? fail(ENOTTY) : do_events(fd, arg);
	case RF_IOC_USAGE:
		return getenv("RFM_FAKE_OLD") ? fail(ENOTTY) : do_usage(arg);
	case RF_IOC_CMDLINE:
		return do_cmdline(arg);
	case RF_IOC_BORROW:
		return getenv("RFM_FAKE_OLD") ? fail(ENOTTY) : do_borrow(arg);
	case RF_IOC_RETURN:
		return do_return(arg);
	case RF_IOC_LOANS:
		return getenv("RFM_FAKE_OLD") ? fail(ENOTTY) : do_loans(arg);
	case RF_IOC_RULE:
		return do_rule(arg);
	case RF_IOC_RULES:
		return do_rules(arg);
	default:
		return fail(ENOTTY);
	}
}

static int on_subos(struct subos *s, unsigned long request, void *arg)
{
	switch (request) {
	case RF_IOC_ADD_CPUS:
		return do_cpus(s, arg);
	case RF_IOC_ADD_MEMORY:
		return do_memory(s, arg);
	case RF_IOC_ADD_PCI:
		return do_pci(s, arg);
	case RF_IOC_LOAD:
		return do_load(s, arg);
	case RF_IOC_KEEP:
		return do_keep(s, arg);
	case RF_IOC_START:
		return do_start(s);
	case RF_IOC_STOP:
		return do_end(s, "stop", ((struct rf_stop *)arg)->msg);
	case RF_IOC_DESTROY:
		return do_end(s, "destroy", ((struct rf_destroy *)arg)->msg);
	case RF_IOC_INFO:
		boot_on(s);
		*(struct rf_info *)arg = s->info;
		return 0;
	case RF_IOC_CONSOLE:
		return do_console(s);
	case RF_IOC_RESIZE_CPUS:
		return do_resize_cpus(s, arg);
	case RF_IOC_RESIZE_MEMORY:
		return do_resize_memory(s, arg);
	case RF_IOC_RESIZE_PCI:
		return do_resize_pci(s, arg);
	case RF_IOC_PRIORITY:
		return do_priority(s, arg);
	case RF_IOC_POLICY:
		return getenv("RFM_FAKE_OLD") ? fail(ENOTTY) : do_policy(s, arg);
	case RF_IOC_STATS:
		return getenv("RFM_FAKE_OLD") ? fail(ENOTTY) : do_stats(s, arg);
	default:
		return fail(ENOTTY);
	}
}

static void at_exit(void);
static atomic_bool exiting;

/* Another thread may be about to end the program: then nothing new stays. */
static int on_device_or_exit(int fd, unsigned long request, void *arg)
{
	int ret = on_device(fd, request, arg);

	if (atomic_load(&exiting))
		at_exit();
	return ret;
}

int ioctl(int fd, unsigned long request, ...)
{
	int (*next)(int fd, unsigned long request, ...);
	struct subos *s;
	va_list ap;
	void *arg;

	va_start(ap, request);
	arg = va_arg(ap, void *);
	va_end(ap);
	next = dlsym(RTLD_NEXT, "ioctl");
	if (fd < 0 || fd >= FDS || fds[fd].kind == NONE)
		return next(fd, request, arg);
	if (fds[fd].kind == COM)
		return on_com(request, arg);
	if (fds[fd].kind == DEVICE)
		return on_device_or_exit(fd, request, arg);
	s = by_id(fds[fd].id);
	return s ? on_subos(s, request, arg) : fail(fds[fd].kind == CONSOLE ? EPERM : ENOENT);
}

int open(const char *path, int flags, ...)
{
	size_t len = strlen(path), tail = strlen("/dev/rainforest");
	va_list ap;
	int mode;

	va_start(ap, flags);
	mode = va_arg(ap, int);
	va_end(ap);
	if (len >= tail && !strcmp(path + len - tail, "/dev/rainforest"))
		return open_device();
	if (getenv("RFM_FAKE_COM") && len >= 10 && !strcmp(path + len - 10, "/dev/rfcom"))
		return new_fd(COM, 0);
	return real_open(path, flags, mode);
}

ssize_t write(int fd, const void *buf, size_t len)
{
	ssize_t (*next)(int fd, const void *buf, size_t len) = dlsym(RTLD_NEXT, "write");
	const char *end;

	if (fd < 0 || fd >= FDS || fds[fd].kind != CONSOLE)
		return next(fd, buf, len);
	end = memchr(buf, 4, len);
	next(fds[fd].peer, buf, end ? (size_t)(end - (const char *)buf) : len);
	if (end)
		real_close(fds[fd].peer);
	return len;
}

/* The device is ready when there is an event behind the last one that was read. */
int poll(struct pollfd *p, nfds_t nr, int timeout)
{
	int (*next)(struct pollfd *p, nfds_t nr, int timeout) = dlsym(RTLD_NEXT, "poll");
	int ret;

	if (!nr || p->fd < 0 || p->fd >= FDS || fds[p->fd].kind != DEVICE)
		return next(p, nr, timeout);
	for (;;) {
		ret = next(p + 1, nr - 1, 10);
		p->revents = state->last_event >= fds[p->fd].next ? POLLIN : 0;
		if (ret || p->revents)
			return ret < 0 ? ret : ret + !!p->revents;
	}
}

/* The kernel does this when a tool dies; here the tool must close or exit. */
static void undo(int fd)
{
	struct subos *s = fds[fd].kind == CREATOR ? by_id(fds[fd].id) : NULL;

	if (s && !s->started)
		memset(s, 0, sizeof(*s));
	fds[fd].kind = NONE;
}

int close(int fd)
{
	if (fd >= 0 && fd < FDS)
		undo(fd);
	return real_close(fd);
}

static void __attribute__((destructor)) at_exit(void)
{
	atomic_store(&exiting, true);
	for (int fd = 0; fd < FDS; fd++)
		undo(fd);
}
