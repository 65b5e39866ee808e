// SPDX-License-Identifier: GPL-2.0-only
/*
 * Two processes that share their descriptors make hostile calls on
 * /dev/rainforest: structures of wrong sizes, words of them changed, pointers
 * into nothing, descriptors closed under each other's calls.
 *
 *	ioctlfuzz COUNT SEED BDF
 *
 * COUNT calls each. BDF is the one PCI function that may really be taken.
 * Nothing that was loaded is ever started: a core that runs garbage ends the
 * machine. Undoes everything at the end, prints how often each call succeeded
 * and which errors it gave, and ends with 1 when an error is not a documented one.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/rainforest.h>

#include "hostile.h"

#define MB		(1UL << 20)
#define DEV		90	/* descriptors with fixed numbers: what one process means */
#define START_FD	100	/* by a number stays of that kind when the other reuses it */
#define LOAD_FD		110
#define OTHER_FD	120
#define CONSOLE_FD	130
#define SLOTS		4
#define ERRNOS		134

enum op {
	VERSION, CREATE, OPEN, LIST, RESOURCES, LEDGER, AUDIT, POOL, EVENTS, USAGE, DETACH,
	ADD_CPUS, ADD_MEMORY, ADD_PCI, LOAD, START, STOP, DESTROY, INFO, CONSOLE, WINSIZE,
	WINDOW, CRASH, POLICY, UNKNOWN, PREAD, POLL, CON_READ, CON_WRITE, CLOSE, NR_OPS
};

static const char *const names[NR_OPS] = {
	"VERSION", "CREATE", "OPEN", "LIST", "RESOURCES", "LEDGER", "AUDIT", "POOL", "EVENTS", "USAGE",
	"DETACH",
	"ADD_CPUS", "ADD_MEMORY", "ADD_PCI", "LOAD", "START", "STOP", "DESTROY", "INFO",
	"CONSOLE", "WINSIZE", "WINDOW", "CRASH", "POLICY", "unknown", "pread", "poll", "console-read",
	"console-write", "close",
};

/* what comes of mutated calls, over both processes */
struct count {
	unsigned long ok;
	unsigned long failed;
	unsigned char seen[ERRNOS];
};

static struct count *counts;
static unsigned int disk;	/* segment << 16 | bus << 8 | devfn */

static long note(enum op op, long ret)
{
	if (ret >= 0)
		__atomic_add_fetch(&counts[op].ok, 1, __ATOMIC_RELAXED);
	else
		__atomic_add_fetch(&counts[op].failed, 1, __ATOMIC_RELAXED);
	if (ret < 0 && errno < ERRNOS)
		counts[op].seen[errno] = 1;
	return ret;
}

static long call(enum op op, int fd, unsigned long request, void *arg, size_t size)
{
	return note(op, ioctl(fd, request, place(arg, size)));
}

/* A descriptor that a call gave, to one of the fixed numbers. */
static void keep(int fd, int number)
{
	if (fd < 0)
		return;
	dup3(fd, number + rnd(SLOTS), O_CLOEXEC);
	close(fd);
}

static int any_subos(void)
{
	static const int kinds[] = { START_FD, LOAD_FD, OTHER_FD };

	return kinds[rnd(ARRAY_SIZE(kinds))] + rnd(SLOTS);
}

static void do_version(void)
{
	struct rf_version v = { .size = sizeof(v) };

	mutate(&v, sizeof(v));
	call(VERSION, DEV, RF_IOC_VERSION, &v, sizeof(v));
}

/* Names tell whether the subOS may be started: s, or loaded: l. */
static void subos_name(char *name)
{
	snprintf(name, RF_NAME_MAX, "%c%u", rnd(2) ? 's' : 'l', (unsigned int)rnd(SLOTS));
}

static void do_create(void)
{
	struct rf_create c = { .size = sizeof(c), .msg = address(arena + 2048), .msg_len = 240 };

	subos_name(c.name);
	if (one_in(3))
		mutate(&c, sizeof(c));
	if (c.name[0] != 's' && c.name[0] != 'l')
		c.name[0] = '#';	/* neither kind: malformed */
	keep(call(CREATE, DEV, RF_IOC_CREATE, &c, sizeof(c)),
	     c.name[0] == 's' ? START_FD : LOAD_FD);
}

static void do_open(void)
{
	struct rf_open o = { .size = sizeof(o) };

	subos_name(o.name);
	if (one_in(3))
		mutate(&o, sizeof(o));
	keep(call(OPEN, DEV, RF_IOC_OPEN, &o, sizeof(o)), OTHER_FD);
}

static void do_list(void)
{
	static struct rf_info infos[16];
	struct rf_list l = { .size = sizeof(l), .infos = address(infos),
			     .info_size = sizeof(*infos), .capacity = rnd(17) };

	mutate(&l, sizeof(l));
	if (l.infos == address(infos) && l.capacity > ARRAY_SIZE(infos))
		l.capacity = ARRAY_SIZE(infos);
	call(LIST, DEV, RF_IOC_LIST, &l, sizeof(l));
}

static void do_resources(void)
{
	static struct rf_resource res[64];
	struct rf_resources r = { .size = sizeof(r), .entries = address(res),
				  .capacity = rnd(65) };

	mutate(&r, sizeof(r));
	if (r.entries == address(res) && r.capacity > ARRAY_SIZE(res))
		r.capacity = ARRAY_SIZE(res);
	call(RESOURCES, DEV, RF_IOC_RESOURCES, &r, sizeof(r));
}

static void do_ledger(void)
{
	static struct rf_ledger_entry entries[64];
	struct rf_ledger l = { .size = sizeof(l), .entries = address(entries), .first = rnd(1000),
			       .capacity = rnd(65) };

	mutate(&l, sizeof(l));
	if (l.entries == address(entries) && l.capacity > ARRAY_SIZE(entries))
		l.capacity = ARRAY_SIZE(entries);
	call(LEDGER, DEV, RF_IOC_LEDGER, &l, sizeof(l));
}

static void do_events(void)
{
	static struct rf_event entries[64];
	struct rf_events e = { .size = sizeof(e), .entries = address(entries), .first = rnd(1000),
			       .capacity = rnd(65) };

	mutate(&e, sizeof(e));
	if (e.entries == address(entries) && e.capacity > ARRAY_SIZE(entries))
		e.capacity = ARRAY_SIZE(entries);
	call(EVENTS, DEV, RF_IOC_EVENTS, &e, sizeof(e));
}

static void do_usage(void)
{
	static struct rf_usage_entry entries[64];
	struct rf_usage u = { .size = sizeof(u), .entries = address(entries),
			      .capacity = rnd(65) };

	mutate(&u, sizeof(u));
	if (u.entries == address(entries) && u.capacity > ARRAY_SIZE(entries))
		u.capacity = ARRAY_SIZE(entries);
	call(USAGE, DEV, RF_IOC_USAGE, &u, sizeof(u));
}

/* Refused while anything is being created, which is nearly always. */
static void do_detach(void)
{
	struct rf_detach d = { .size = sizeof(d), .msg = address(arena + 2048), .msg_len = 240 };
	struct rf_detach undo = { .size = sizeof(undo), .flags = RF_DETACH_UNDO };

	mutate(&d, sizeof(d));
	call(DETACH, DEV, RF_IOC_DETACH, &d, sizeof(d));
	ioctl(DEV, RF_IOC_DETACH, &undo);	/* whoever did it: all shall go on */
}

static void do_audit(void)
{
	struct rf_audit a = { .size = sizeof(a), .text = address(arena + 2048), .text_len = 1024 };

	mutate(&a, sizeof(a));
	if (!one_in(50))
		a.flags &= ~RF_AUDIT_READ_PAGES;	/* takes its time */
	call(AUDIT, DEV, RF_IOC_AUDIT, &a, sizeof(a));
}

/* Large amounts take long and prove nothing more: beyond all bounds instead. */
static uint64_t modest(uint64_t bytes)
{
	return bytes > 128 * MB ? bytes | 1ULL << 60 : bytes;
}

static void fill_mask(uint64_t *mask)
{
	unsigned int i;

	mask[0] = one_in(4) ? strange() : 3ULL << (2 + 2 * rnd(3));
	for (i = 1; i < 16; i++)
		mask[i] = one_in(40) ? strange() : 0;
}

static void do_pool(void)
{
	uint64_t mask[16];
	struct rf_pool p = { .size = sizeof(p), .flags = one_in(4) ? RF_POOL_SET : 0,
			     .mem_bytes = one_in(4) ? MB : 0, .mask = address(mask),
			     .mask_bytes = sizeof(mask) };

	fill_mask(mask);
	if (one_in(2))
		memset(mask, 0, sizeof(mask));
	mutate(&p, sizeof(p));
	p.mem_bytes = modest(p.mem_bytes);
	if (p.mask == address(mask) && p.mask_bytes > sizeof(mask))
		p.mask = strange();
	call(POOL, DEV, RF_IOC_POOL, &p, sizeof(p));
}

static void do_add_cpus(void)
{
	uint64_t mask[16];
	struct rf_cpus c = { .size = sizeof(c), .mask = address(mask), .mask_bytes = sizeof(mask),
			     .flags = one_in(5) ? 0 : RF_CPUS_DRY_RUN,
			     .msg = address(arena + 2048), .msg_len = rnd(300) };

	fill_mask(mask);
	if (one_in(3)) {
		memset(mask, 0, sizeof(mask));
		c.count = one_in(2) ? 2 : strange();
	}
	if (one_in(2))
		mutate(&c, sizeof(c));
	if (c.mask == address(mask) && c.mask_bytes > sizeof(mask))
		c.mask = strange();
	call(ADD_CPUS, any_subos(), RF_IOC_ADD_CPUS, &c, sizeof(c));
}

static void do_add_memory(void)
{
	struct rf_memory m = { .size = sizeof(m), .bytes = 1 + rnd(128 * MB), .node = -1,
			       .flags = one_in(20) ? 0 : RF_MEMORY_DRY_RUN,
			       .msg = address(arena + 2048), .msg_len = rnd(300) };

	if (one_in(2))
		mutate(&m, sizeof(m));
	m.bytes = modest(m.bytes);
	call(ADD_MEMORY, any_subos(), RF_IOC_ADD_MEMORY, &m, sizeof(m));
}

/* Other functions carry our own output, and are only looked at. */
static void do_add_pci(void)
{
	struct rf_pci p = { .size = sizeof(p), .segment = disk >> 16, .bus = disk >> 8,
			    .devfn = disk, .flags = one_in(20) ? 0 : RF_PCI_DRY_RUN,
			    .msg = address(arena + 2048), .msg_len = rnd(300) };

	if (one_in(2))
		mutate(&p, sizeof(p));
	if (((unsigned int)p.segment << 16 | p.bus << 8 | p.devfn) != disk)
		p.flags |= RF_PCI_DRY_RUN;
	call(ADD_PCI, any_subos(), RF_IOC_ADD_PCI, &p, sizeof(p));
}

static void fill_segments(struct rf_segment *s, unsigned int n, const void *bytes)
{
	unsigned int i;

	for (i = 0; i < n; i++) {
		s[i] = (struct rf_segment){ address(bytes), rnd(MB), 2 * MB + rnd(64 * MB), MB };
		if (one_in(16))
			mutate(&s[i], sizeof(s[i]));
	}
}

/* The setup header of a bzImage, from offset 0x1f1 on: what the loader looks at. */
static void fill_header(unsigned char *header)
{
	const uint16_t boot_flag = 0xaa55, version = 0x20f, xloadflags = 3;
	const uint32_t cmdline_size = 2047;

	memcpy(header + 0x1fe - 0x1f1, &boot_flag, 2);
	header[0x201 - 0x1f1] = 0x6a;
	memcpy(header + 0x202 - 0x1f1, "HdrS", 4);
	memcpy(header + 0x206 - 0x1f1, &version, 2);
	memcpy(header + 0x236 - 0x1f1, &xloadflags, 2);
	memcpy(header + 0x238 - 0x1f1, &cmdline_size, 4);
}

static void do_load(void)
{
	static unsigned char bytes[MB], header[0x9f];
	static struct rf_segment segments[RF_SEGMENTS_MAX];
	struct rf_load l = {
		.size = sizeof(l), .segments = address(segments),
		.nr_segments = 1 + rnd(one_in(4) ? RF_SEGMENTS_MAX : 3),
		.kernel_version = 6 << 16 | 12 << 8, .entry = 2 * MB + rnd(MB),
		.setup_header = address(header),
		.setup_header_size = sizeof(header), .cmdline = address("quiet loglevel=3"),
		.cmdline_size = 16, .initrd = address(bytes), .initrd_size = rnd(MB),
		.overlay = address(bytes), .overlay_size = rnd(MB),
		.msg = address(arena + 2048), .msg_len = rnd(300),
	};

	fill_segments(segments, RF_SEGMENTS_MAX, bytes);
	fill_header(header);
	if (one_in(2))
		mutate(&l, sizeof(l));
	call(LOAD, LOAD_FD + rnd(SLOTS), one_in(4) ? RF_IOC_KEEP : RF_IOC_LOAD, &l, sizeof(l));
}

/* CPUs and memory for one that is to be loaded, as they are to be asked for. */
static void outfit(void)
{
	uint64_t mask[16] = { 0 };
	struct rf_cpus c = { .size = sizeof(c), .mask = address(mask), .mask_bytes = sizeof(mask),
			     .count = 2 };
	struct rf_memory m = { .size = sizeof(m), .bytes = 128 * MB, .node = -1 };
	int fd = LOAD_FD + rnd(SLOTS);

	note(ADD_CPUS, ioctl(fd, RF_IOC_ADD_CPUS, &c));
	note(ADD_MEMORY, ioctl(fd, RF_IOC_ADD_MEMORY, &m));
}

static void do_start(void)
{
	note(START, ioctl(START_FD + rnd(SLOTS), RF_IOC_START, strange()));
}

static void do_end(enum op op, unsigned long request)
{
	struct rf_destroy d = { .size = sizeof(d), .flags = rnd(2), .timeout_ms = rnd(100),
				.msg = address(arena + 2048), .msg_len = rnd(300) };

	if (one_in(2))
		mutate(&d, sizeof(d));
	call(op, any_subos(), request, &d, sizeof(d));
}

static void do_stop(void)
{
	do_end(STOP, RF_IOC_STOP);
}

static void do_destroy(void)
{
	do_end(DESTROY, RF_IOC_DESTROY);
}

static void do_policy(void)
{
	struct rf_policy p = { .size = sizeof(p), .flags = rnd(8), .on_crash = rnd(3),
			       .max_cpus = rnd(8), .max_bytes = strange() };

	if (one_in(2))
		mutate(&p, sizeof(p));
	call(POLICY, any_subos(), RF_IOC_POLICY, &p, sizeof(p));
}

static void do_info(void)
{
	struct rf_info i = { .size = sizeof(i) };

	if (one_in(2))
		mutate(&i, sizeof(i));
	call(INFO, any_subos(), RF_IOC_INFO, &i, sizeof(i));
}

static void do_console(void)
{
	struct rf_console c = { .size = sizeof(c), .flags = rnd(2) };
	int fd;

	if (one_in(3))
		mutate(&c, sizeof(c));
	fd = call(CONSOLE, any_subos(), RF_IOC_CONSOLE, &c, sizeof(c));
	if (fd >= 0)
		fcntl(fd, F_SETFL, O_NONBLOCK);
	keep(fd, CONSOLE_FD);
}

static void do_winsize(void)
{
	struct rf_winsize w = { .rows = strange(), .cols = strange() };

	call(WINSIZE, CONSOLE_FD + rnd(SLOTS), RF_IOC_WINSIZE, &w, sizeof(w));
}

/* What the descriptor shows is looked at by tests/vm/virtio.sh; here it is closed soon. */
static void do_window(void)
{
	struct rf_window w = { .size = sizeof(w) };
	int fd;

	if (one_in(3))
		mutate(&w, sizeof(w));
	fd = call(WINDOW, any_subos(), RF_IOC_WINDOW, &w, sizeof(w));
	if (fd >= 0)
		close(fd);
}

static void do_crash(void)
{
	struct rf_crash c = { .size = sizeof(c), .reason = "the fuzzer wants it" };

	if (one_in(2))
		mutate(&c, sizeof(c));
	call(CRASH, any_subos(), RF_IOC_CRASH, &c, sizeof(c));
}

static void do_unknown(void)
{
	unsigned long request = one_in(2) ? strange() : _IOC(rnd(4), RF_IOC_MAGIC, rnd(256),
							     rnd(1 << 14));
	unsigned int nr = _IOC_NR(request);

	/* requests of ours differ from these in their size: never a real one */
	if (_IOC_TYPE(request) != RF_IOC_MAGIC || nr > 64)
		note(UNKNOWN, ioctl(one_in(2) ? DEV : any_subos(), request, strange()));
}

/* Somewhere, or in the memory that the subOS has. */
static void do_pread(void)
{
	struct rf_info info = { .size = sizeof(info) };
	unsigned char buf[256];
	uint64_t at = strange();
	int fd = any_subos();

	if (one_in(2) && !ioctl(fd, RF_IOC_INFO, &info))
		at = info.base + (one_in(4) ? info.mem_bytes - rnd(512) : rnd(128 * MB));
	note(PREAD, pread(fd, one_in(4) ? (void *)strange() : buf, rnd(sizeof(buf)), at));
}

static void do_poll(void)
{
	const int fds[] = { any_subos(), CONSOLE_FD + rnd(SLOTS), DEV };
	struct pollfd p = { .fd = fds[rnd(ARRAY_SIZE(fds))], .events = rnd(65536) };

	note(POLL, poll(&p, 1, 0));
}

static void do_con_read(void)
{
	unsigned char buf[512];

	note(CON_READ, read(CONSOLE_FD + rnd(SLOTS), one_in(4) ? (void *)strange() : buf,
			    rnd(sizeof(buf))));
}

static void do_con_write(void)
{
	unsigned char buf[512];

	memset(buf, rnd(256), sizeof(buf));
	note(CON_WRITE, write(CONSOLE_FD + rnd(SLOTS), one_in(4) ? (void *)strange() : buf,
			      rnd(sizeof(buf))));
}

static void do_close(void)
{
	note(CLOSE, close(one_in(2) ? any_subos() : CONSOLE_FD + (int)rnd(SLOTS)));
}

/* Else nothing would live for long enough to come to own something. */
static void do_seldom(void)
{
	static void (*const some[])(void) = { do_destroy, do_close, outfit, outfit, outfit };

	some[rnd(ARRAY_SIZE(some))]();
}

/* What is done more often stands here more than once. */
static void (*const steps[])(void) = {
	do_version, do_list, do_resources, do_ledger, do_audit, do_pool, do_events, do_usage,
	do_create, do_create, do_create, do_open, do_open, do_open,
	do_add_cpus, do_add_cpus, do_add_memory, do_add_memory, do_add_pci, do_add_pci,
	do_load, do_load, do_load, do_policy, do_start, do_start, do_info, do_info, do_stop,
	do_console, do_console, do_winsize, do_window, do_crash,
	do_con_read, do_con_read, do_con_write, do_con_write,
	do_unknown, do_pread, do_pread, do_poll, do_seldom, do_detach,
};

static void run(unsigned long count, uint64_t own_seed)
{
	seed = own_seed;
	while (count--)
		steps[rnd(ARRAY_SIZE(steps))]();
}

static void destroy(const char *name)
{
	struct rf_open o = { .size = sizeof(o) };
	struct rf_destroy d = { .size = sizeof(d), .flags = RF_DESTROY_FORCE };
	int fd;

	memcpy(o.name, name, RF_NAME_MAX);
	fd = ioctl(DEV, RF_IOC_OPEN, &o);
	if (fd < 0 || ioctl(fd, RF_IOC_DESTROY, &d))
		printf("not destroyed: %.31s: %s\n", name, strerror(errno));
	close(fd);
}

static int clean_up(void)
{
	static struct rf_info infos[64];
	struct rf_list l = { .size = sizeof(l), .infos = address(infos),
			     .info_size = sizeof(*infos), .capacity = ARRAY_SIZE(infos) };
	uint64_t none[16] = { 0 };
	struct rf_pool p = { .size = sizeof(p), .flags = RF_POOL_SET, .mask = address(none),
			     .mask_bytes = sizeof(none) };
	unsigned int i;
	int fd;

	for (fd = START_FD; fd < CONSOLE_FD + SLOTS; fd++)
		close(fd);
	if (ioctl(DEV, RF_IOC_LIST, &l))
		return 1;
	for (i = 0; i < l.count && i < l.capacity; i++)
		if (*infos[i].name == 's' || *infos[i].name == 'l')
			destroy(infos[i].name);
	return ioctl(DEV, RF_IOC_POOL, &p) ? 1 : 0;
}

/* EINTR would be a signal, of which there are none; EIO is for a console without a kernel. */
static bool documented(enum op op, int err)
{
	static const int fine[] = { EBADF, EFAULT, EINVAL, EIO, E2BIG, EBUSY, EEXIST, ENOENT,
				    ENOSPC, ENODEV, ENOMEM, EOPNOTSUPP, ENOTTY, EPERM, EAGAIN,
				    ETIME, ENODATA, ESHUTDOWN };
	unsigned int i;

	if ((op == DETACH && err == EALREADY) || (op == CRASH && err == ESRCH))
		return true;
	if ((err == EIO && op != CON_WRITE) || (err == ENOTTY && op != UNKNOWN))
		return false;	/* EIO: a core that does not answer */
	for (i = 0; i < ARRAY_SIZE(fine); i++)
		if (fine[i] == err)
			return true;
	return false;
}

static int report(void)
{
	int bad = 0, err;
	enum op op;

	for (op = 0; op < NR_OPS; op++) {
		printf("%s ok=%lu failed=%lu", names[op], counts[op].ok, counts[op].failed);
		for (err = 1; err < ERRNOS; err++) {
			if (!counts[op].seen[err])
				continue;
			printf(" %s", strerrorname_np(err));
			if (!documented(op, err)) {
				printf("(!)");
				bad = 1;
			}
		}
		printf("\n");
	}
	return bad;
}

static int prepare(const char *bdf)
{
	unsigned int seg, bus, dev, fn;
	int fd = open("/dev/rainforest", O_RDWR | O_CLOEXEC);

	if (fd < 0 || dup3(fd, DEV, O_CLOEXEC) < 0 ||
	    sscanf(bdf, "%x:%x:%x.%x", &seg, &bus, &dev, &fn) != 4)
		return -1;
	close(fd);
	disk = seg << 16 | bus << 8 | dev << 3 | fn;
	counts = mmap(NULL, sizeof(*counts) * NR_OPS, PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	return counts == MAP_FAILED ? -1 : make_arena();
}

int main(int argc, char **argv)
{
	unsigned long count;
	uint64_t first;
	int status = 0;
	pid_t pid;

	if (argc != 4 || prepare(argv[3])) {
		fprintf(stderr, "usage: ioctlfuzz COUNT SEED BDF, as root, rfcontroller loaded\n");
		return 2;
	}
	count = strtoul(argv[1], NULL, 0);
	first = strtoull(argv[2], NULL, 0) * 0x9e3779b97f4a7c15 + 1;
	/* CLONE_FILES: what one closes is closed for the other, too */
	pid = syscall(SYS_clone, CLONE_FILES | SIGCHLD, NULL, NULL, NULL, NULL);
	if (pid < 0)
		return 2;
	run(count, pid ? first : ~first);
	if (!pid)
		_exit(0);
	if (waitpid(pid, &status, 0) != pid || status)
		printf("the other process ended with status %#x\n", status);
	return clean_up() | report() | !!status;
}
