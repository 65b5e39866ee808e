// SPDX-License-Identifier: GPL-2.0-only
/*
 * The supervisor's end of the console against a subOS that behaves, one that
 * does not, and one that is gone.
 */
#include "kshim.h"
#include "tap.h"

#include <poll.h>

#define EPOLLIN		POLLIN
#define EPOLLOUT	POLLOUT
#define EPOLLHUP	POLLHUP
#define EPOLLRDNORM	POLLRDNORM
#define EPOLLWRNORM	POLLWRNORM
#define __poll_t	unsigned int
#define poll_table	void
#define poll_wait(file, wait, table)	((void)(wait))
#define THIS_MODULE	NULL
#define compat_ptr_ioctl	NULL
#define CHUNK		5000

struct inode;
struct notifier_block;

struct file {
	unsigned int f_flags;
	void *private_data;
};

struct file_operations {
	void *owner;
	ssize_t (*read)(struct file *file, char *dest, size_t count, loff_t *pos);
	ssize_t (*write)(struct file *file, const char *src, size_t count, loff_t *pos);
	unsigned int (*poll)(struct file *file, void *wait);
	long (*unlocked_ioctl)(struct file *file, unsigned int cmd, unsigned long arg);
	void *compat_ioctl;
	int (*release)(struct inode *inode, struct file *file);
};

struct kref {
	int n;
};

struct subos {
	u32 id;
	bool running;
	struct kref ref;
	bool gone;
	void *svc;
	wait_queue_head_t wait;
	struct rfctl_console *con;
};

static struct subos subos = { .id = 7 };
static const struct file_operations *fops;
static struct file files[16];
static unsigned int nr_files;
static void (*while_asleep)(void);
static int signal_after;	/* sleeps until a signal comes, 0: none comes */

static void kshim_sleep(void)
{
	if (while_asleep)
		while_asleep();
}

#undef wait_event_interruptible_timeout
#define wait_event_interruptible_timeout(w, cond, t)	\
	(jiffies += (t), kshim_sleep(), signal_after && !--signal_after ? -EINTR : !!(cond))

static void kref_get(struct kref *ref)
{
	ref->n++;
}

static void subos_put(struct subos *so)
{
	so->ref.n--;
}

static int anon_inode_getfd(const char *name, const struct file_operations *ops, void *data,
			    int flags)
{
	(void)name;
	if (nr_files == ARRAY_SIZE(files))
		return -EMFILE;
	fops = ops;
	files[nr_files] = (struct file) { .f_flags = flags, .private_data = data };
	return nr_files++;
}

static void rfctl_desc_update(struct subos *so,
			      void (*change)(struct subos *so, struct rf_desc *desc))
{
	change(so, so->svc + RF_OFF_DESC);
}

static void rfctl_monitor_typed(struct subos *so)
{
	(void)so;
}

#include "../../rfcontroller/console.c"

static unsigned int told;	/* times that the subOS was told to look */

int ficm_send(u32 peer, const struct rf_msg *msg)
{
	told += peer == subos.id && msg->type == cpu_to_le16(RF_MSG_CONSOLE) && !msg->len;
	return -EAGAIN;		/* which is nobody's fault */
}

/*
 * A subOS
 */

static u32 sub_head, sub_tail;

static struct rf_con_out *out_page(void)
{
	return subos.svc + RF_OFF_CON_OUT;
}

static struct rf_con_in *in_page(void)
{
	return subos.svc + RF_OFF_CON_IN;
}

static void sub_boot(void)
{
	free(subos.svc);
	subos.running = true;
	subos.svc = calloc(1, RF_OFF_CON_IN + RF_CON_IN_SIZE);
	rfctl_console_attach(&subos);
	sub_head = in_page()->out_tail;
	sub_tail = in_page()->in_head;
	*out_page() = (struct rf_con_out) {
		.magic = RF_CON_MAGIC,
		.version = RF_WIRE_VERSION,
		.bytes = RF_CON_OUT_BYTES,
		.out_head = sub_head,
		.in_tail = sub_tail,
	};
}

static u32 sub_print(const u8 *text, u32 len)
{
	u8 *data = subos.svc + RF_OFF_CON_OUT + RF_CON_DATA;
	u32 i;

	len = min(len, RF_CON_OUT_BYTES - (sub_head - in_page()->out_tail));
	for (i = 0; i < len; i++)
		data[sub_head++ % RF_CON_OUT_BYTES] = text[i];
	out_page()->out_head = sub_head;
	return len;
}

static u32 sub_type(u8 *dest, u32 max)
{
	u8 *data = subos.svc + RF_OFF_CON_IN + RF_CON_DATA;
	u32 n;

	for (n = 0; n < max && sub_tail != in_page()->in_head; n++)
		dest[n] = data[sub_tail++ % RF_CON_IN_BYTES];
	out_page()->in_tail = sub_tail;
	return n;
}

/* What byte number @at of an endless text is. */
static u8 pattern(u64 at)
{
	return at * 7 + (at >> 8) * 13 + (at >> 16);
}

static u32 sub_print_pattern(u64 at, u32 len)
{
	u8 text[CHUNK];
	u32 i;

	for (i = 0; i < len; i++)
		text[i] = pattern(at + i);
	return sub_print(text, len);
}

static struct file *open_con(u32 flags)
{
	int fd = rfctl_console_open(&subos, flags);
	struct file *file;

	if (fd < 0)
		return ERR_PTR(fd);
	file = &files[fd];
	file->f_flags |= O_NONBLOCK;
	return file;
}

static void close_con(struct file *file)
{
	if (file->private_data)
		fops->release(NULL, file);
	file->private_data = NULL;
}

static ssize_t get(struct file *file, void *dest, size_t n)
{
	return fops->read(file, dest, n, NULL);
}

static ssize_t put(struct file *file, const void *src, size_t n)
{
	return fops->write(file, src, n, NULL);
}

static void test_output(void)
{
	struct file *file = open_con(0);
	static u8 text[CON_BACKLOG + 100];
	u64 printed = 0, seen = 0, wrong = 0;
	ssize_t n;
	u32 i;

	ok(get(file, text, 10) == -EAGAIN, "nothing was printed yet");
	while (printed < 1000000) {
		printed += sub_print_pattern(printed, 1 + random() % CHUNK);
		wrong += !rfctl_console_poll(&subos);
		n = get(file, text, 1 + random() % (2 * CHUNK));
		for (i = 0; n > 0 && i < n; i++)
			wrong += text[i] != pattern(seen++);
	}
	while ((n = get(file, text, sizeof(text))) > 0)
		for (i = 0; i < n; i++)
			wrong += text[i] != pattern(seen++);
	ok(seen == printed && !wrong, "a reader gets every byte in order");
	ok(!rfctl_console_poll(&subos), "nothing moves when nothing was printed");
	file = open_con(0);
	n = get(file, text, sizeof(text));
	for (i = 0, wrong = 0; n > 0 && i < n; i++)
		wrong += text[i] != pattern(printed - CON_BACKLOG + i);
	ok(n == CON_BACKLOG && !wrong, "who comes late gets the last 64 KB");
	ok(get(file, NULL, 0) == 0, "a read of nothing");
	sub_print_pattern(printed, 10);
	rfctl_console_poll(&subos);
	ok(get(file, NULL, 5) == -EFAULT, "a bad address");
	ok(get(file, text, 5) == 5 && text[0] == pattern(printed), "costs no byte");
}

static void test_slow_reader(void)
{
	static u8 text[CON_BACKLOG + 100];
	struct file *file = open_con(0);
	u64 at, seen, wrong;
	ssize_t n;
	u32 i;

	jiffies = 1000;
	while (get(file, text, sizeof(text)) > 0)
		;
	for (i = 0, at = 5000000; i < 200; i++) {
		at += sub_print_pattern(at, CHUNK);
		rfctl_console_poll(&subos);
	}
	ok(at == 5000000 + CON_BACKLOG + RF_CON_OUT_BYTES, "output waits for a slow reader");
	for (i = 0, seen = 5000000, wrong = 0; i < 200; i++, jiffies += CON_HOLD_MS) {
		n = get(file, text, 1000);
		while (n-- > 0)
			wrong += text[n] != pattern(seen + n);
		seen += 1000;
		at += sub_print_pattern(at, CHUNK);
		rfctl_console_poll(&subos);
	}
	ok(!wrong, "as long as he reads he loses nothing");
	for (i = 0; i < 100; i++, jiffies += CON_HOLD_MS / 10) {
		at += sub_print_pattern(at, CHUNK);
		rfctl_console_poll(&subos);
	}
	ok(at > seen + CON_BACKLOG + 80 * CHUNK, "but not for one that does not read");
	ok(get(file, text, sizeof(text)) == CON_BACKLOG && text[0] == pattern(at - CON_BACKLOG),
	   "he goes on with the oldest byte kept");
	while (sub_print_pattern(at, CHUNK))
		rfctl_console_poll(&subos);
	subos.running = false;
	ok(rfctl_console_poll(&subos) && sub_print_pattern(at, CHUNK) == CHUNK,
	   "of one that has ended all is taken at once");
}

static void test_wrap(void)
{
	struct rfctl_console *con = subos.con;
	static u8 text[CON_BACKLOG];
	struct file *file;
	u32 i, wrong = 0;

	sub_boot();
	sub_head = con->out_tail = 0xfffffff0;
	in_page()->out_tail = 0xfffffff0;
	out_page()->out_head = 0xfffffff0;
	file = open_con(0);
	while (get(file, text, sizeof(text)) > 0)
		;
	sub_print_pattern(3, 100);
	rfctl_console_poll(&subos);
	ok(get(file, text, 1000) == 100, "output counters wrap");
	for (i = 0; i < 100; i++)
		wrong += text[i] != pattern(3 + i);
	ok(!wrong && con->out_tail == 84 && in_page()->out_tail == 84, "and the bytes are right");
}

static void make_room(void)
{
	u8 text[100];

	sub_type(text, sizeof(text));
	rfctl_console_poll(&subos);
}

static void test_input(void)
{
	u8 text[2 * RF_CON_IN_BYTES], back[2 * RF_CON_IN_BYTES];
	struct file *file, *reader = open_con(0);
	u32 i;

	sub_boot();
	file = open_con(RF_CONSOLE_WRITE);
	ok(!IS_ERR(file) && open_con(RF_CONSOLE_WRITE) == ERR_PTR(-EBUSY), "one writer");
	for (i = 0; i < sizeof(text); i++)
		text[i] = pattern(i);
	ok(fops->poll(file, NULL) & EPOLLOUT && !(fops->poll(reader, NULL) & EPOLLOUT),
	   "poll: only the writer may write");
	ok(put(file, text, 10) == 10 && sub_type(back, 100) == 10 && !memcmp(text, back, 10),
	   "typing");
	ok(told == 1, "of which the subOS is told");
	ok(put(file, text, sizeof(text)) == RF_CON_IN_BYTES, "a full ring takes a part");
	told = 0;
	ok(put(file, text, 1) == -EAGAIN && !told, "then nothing");
	ok(!(fops->poll(file, NULL) & EPOLLOUT), "poll: full");
	ok(sub_type(back, 1000) == 1000 && !memcmp(text, back, 1000) &&
	   put(file, text, 2000) == 1000,
	   "as much again as was taken");
	file->f_flags &= ~O_NONBLOCK;
	while_asleep = make_room;
	ok(put(file, text, sizeof(text)) == sizeof(text), "a blocking write ends");
	while_asleep = NULL;
	while (put(file, text, 1) == 1)
		;
	ok(put(file, text, 1) == -ETIMEDOUT, "a blocking write to one that takes nothing ends, too");
	signal_after = 1;
	ok(put(file, text, 1) == -EINTR, "a signal ends it sooner");
	ok(put(file, NULL, 1) == -EFAULT, "a bad address");
	close_con(file);
	ok(!IS_ERR(open_con(RF_CONSOLE_WRITE)), "a new writer when the old one left");
}

static bool said_damaged(struct file *file)
{
	char text[CON_BACKLOG + 1];
	ssize_t n = get(file, text, CON_BACKLOG);

	text[n < 0 ? 0 : n] = '\0';
	return n > 0 && strstr(text, "damaged");
}

/* Each thing that a subOS can get wrong; afterwards its next start works again. */
static void test_nonsense(void)
{
	static const struct {
		const char *what;
		u32 magic, version, bytes, head, tail;
	} t[] = {
		{ "magic", 1, RF_WIRE_VERSION, RF_CON_OUT_BYTES, 0, 0 },
		{ "version", RF_CON_MAGIC, RF_WIRE_VERSION + 1, RF_CON_OUT_BYTES, 0, 0 },
		{ "size", RF_CON_MAGIC, RF_WIRE_VERSION, 0x80000000, 0, 0 },
		{ "more than the ring holds", RF_CON_MAGIC, RF_WIRE_VERSION, RF_CON_OUT_BYTES,
		  RF_CON_OUT_BYTES + 1, 0 },
		{ "head goes back", RF_CON_MAGIC, RF_WIRE_VERSION, RF_CON_OUT_BYTES, -1, 0 },
		{ "more taken than was typed", RF_CON_MAGIC, RF_WIRE_VERSION, RF_CON_OUT_BYTES,
		  0, 1 },
		{ "tail goes back", RF_CON_MAGIC, RF_WIRE_VERSION, RF_CON_OUT_BYTES, 0, -1 },
	};
	struct file *file = open_con(0), *writer = open_con(RF_CONSOLE_WRITE);
	u32 i;

	for (i = 0; i < ARRAY_SIZE(t); i++) {
		sub_boot();
		said_damaged(file);
		*out_page() = (struct rf_con_out) { t[i].magic, t[i].version, t[i].bytes,
						    t[i].head, t[i].tail };
		ok(rfctl_console_poll(&subos) && said_damaged(file), "nonsense: %s", t[i].what);
		ok(!rfctl_console_poll(&subos) && put(writer, "x", 1) == -EAGAIN &&
		   !said_damaged(file), "said once, and left alone");
		sub_boot();
		sub_print((const u8 *)"hello", 5);
		ok(rfctl_console_poll(&subos) && put(writer, "x", 1) == 1,
		   "the next start works again");
	}
	close_con(writer);
}

/* Anything at all, in every word: no access outside, which the sanitizer would show. */
static void test_random(void)
{
	struct file *file = open_con(0), *writer = open_con(RF_CONSOLE_WRITE);
	static u8 text[CON_BACKLOG];
	u32 i, *word;

	for (i = 0; i < 300000; i++) {
		if (!(random() % 20))
			sub_boot();
		word = &out_page()->magic + random() % 5;
		*word = random() % 2 ? random() * 3 : *word + random() % 0x9000;
		word = &in_page()->magic + random() % 5;
		*word = random();
		rfctl_console_poll(&subos);
		put(writer, text, random() % 600);
		get(file, text, random() % 600);
	}
	ok(true, "300000 rounds of random words");
	close_con(writer);
}

static void test_winsize(void)
{
	struct file *file = open_con(0), *writer = open_con(RF_CONSOLE_WRITE);
	struct rf_winsize size = { 24, 80 };
	struct rf_desc *desc;

	sub_boot();
	desc = subos.svc + RF_OFF_DESC;
	ok(fops->unlocked_ioctl(file, RF_IOC_WINSIZE, (uintptr_t)&size) == -EPERM,
	   "window size: not from a reader");
	ok(fops->unlocked_ioctl(writer, RF_IOC_VERSION, 0) == -ENOTTY, "no other call");
	told = 0;
	ok(!fops->unlocked_ioctl(writer, RF_IOC_WINSIZE, (uintptr_t)&size) && desc->rows == 24 &&
	   desc->cols == 80 && desc->winsize_seq == 1 && told == 1, "window size");
	ok(fops->unlocked_ioctl(writer, RF_IOC_WINSIZE, 0) == -EFAULT, "a bad address");
	rfctl_console_detach(&subos);
	size.rows = 50;
	ok(!fops->unlocked_ioctl(writer, RF_IOC_WINSIZE, (uintptr_t)&size) && told == 1,
	   "while it is stopped");
	sub_boot();
	desc = subos.svc + RF_OFF_DESC;
	ok(desc->rows == 50 && desc->winsize_seq == 2, "the next start gets it");
	close_con(writer);
}

static void end_it(void)
{
	subos.gone = true;
}

static void test_end(void)
{
	struct file *file = open_con(0), *writer = open_con(RF_CONSOLE_WRITE);
	static u8 text[CON_BACKLOG];

	sub_boot();
	while (get(file, text, sizeof(text)) > 0)
		;
	sub_print((const u8 *)"last words", 10);
	rfctl_console_detach(&subos);
	free(subos.svc);	/* the sanitizer knows whoever touches it now */
	subos.svc = NULL;
	rfctl_console_detach(&subos);
	ok(!rfctl_console_poll(&subos) && put(writer, "x", 1) == -EAGAIN, "detached: left alone");
	ok(get(file, text, 100) == 10 && !memcmp(text, "last words", 10),
	   "the last output was saved");
	ok(get(file, text, 100) == -EAGAIN && !(fops->poll(file, NULL) & EPOLLHUP),
	   "stopped is no end of file");
	file->f_flags &= ~O_NONBLOCK;
	signal_after = 3;
	ok(get(file, text, 100) == -EINTR, "a blocking read ends with a signal");
	while_asleep = end_it;
	ok(get(file, text, 100) == 0, "a blocking read ends with the subOS");
	ok(fops->poll(file, NULL) & EPOLLHUP && get(file, text, 100) == 0, "gone: end of file");
	ok(put(writer, "x", 1) == -EIO, "gone: no typing");
	ok(open_con(0) == ERR_PTR(-ENOENT), "gone: no new descriptor");
	while_asleep = NULL;
	subos.gone = false;
	close_con(writer);
}

static void test_refusals(void)
{
	int refs = subos.ref.n;

	ok(rfctl_console_open(&subos, 2) == -EINVAL, "unknown flags");
	kshim_fail = 1;
	ok(rfctl_console_open(&subos, 1) == -ENOMEM, "no memory");
	nr_files = ARRAY_SIZE(files);
	ok(rfctl_console_open(&subos, 1) == -EMFILE, "no descriptor");
	nr_files = 0;
	ok(subos.ref.n == refs && !subos.con->writer, "these leave no trace");
}

static void run(void (*test)(void))
{
	test();
	while (nr_files)
		close_con(&files[--nr_files]);
}

int main(void)
{
	srandom(1);
	kshim_fail = 1;
	ok(rfctl_console_create(&subos) == -ENOMEM, "create: no memory");
	ok(!rfctl_console_create(&subos), "create");
	sub_boot();
	run(test_output);
	run(test_slow_reader);
	run(test_wrap);
	run(test_input);
	run(test_nonsense);
	run(test_random);
	run(test_winsize);
	run(test_end);
	run(test_refusals);
	ok(subos.ref.n == 0, "every reference was given back");
	rfctl_console_free(&subos);
	return tap_end();
}
