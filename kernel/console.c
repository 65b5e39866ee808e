// SPDX-License-Identifier: GPL-2.0-only
/*
 * Console: /dev/hvc0 on the two rings that are shared with the supervisor.
 * Each ring has one writing kernel; the counters run modulo 2^32.
 *
 * The supervisor tells by message when there is input. Without messages, or when
 * one is lost, it is seen at the next heartbeat. Output never waits for long: when
 * the supervisor took nothing for a second, what does not fit is dropped and
 * counted until it takes something again.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/atomic.h>
#include <linux/err.h>
#include <linux/jiffies.h>
#include <linux/kthread.h>
#include <linux/ktime.h>
#include <linux/lockdep.h>
#include <linux/minmax.h>
#include <linux/sched.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include <linux/timekeeping.h>
#include <linux/wait.h>
#include <rainforest/compat.h>
#include <rainforest/ficm.h>

#include "subos.h"

#define SUBOS_CON_PATIENCE_NS	NSEC_PER_SEC
#define SUBOS_CON_OUTBUF	4096	/* of the tty layer */

static DEFINE_RAW_SPINLOCK(out_lock);	/* protects the six below; printk and tty both write */
static u32 out_head;
static u32 out_tail;		/* as last seen */
static u64 out_full_ns;		/* when the ring was first seen full, 0 when it is not */
static bool out_patient = true;
static u64 out_dropped;
static u64 out_nonsense;

static u32 in_tail;		/* hvc reads under its own lock */
static atomic_t opened;
static atomic_t opens;		/* a terminal that is opened anew has forgotten its size */
static struct hvc_struct *hvc;
static struct task_struct *look_thread;
static atomic_t look_wanted;
static DECLARE_WAIT_QUEUE_HEAD(look_wait);
static u32 window_seq;		/* these two are known; written by the thread only */
static int window_opens;

/* the words in struct rf_desc that carry the window's size, in this order */
struct window {
	__le16 rows;
	__le16 cols;
	__le32 seq;
};

static u32 out_room(void)
{
	u32 tail = le32_to_cpu(READ_ONCE(subos_facts.con_in->out_tail));

	if (out_head - tail > RF_CON_OUT_BYTES) {
		out_nonsense++;
		tail = out_tail;
	}
	if (tail != out_tail) {
		out_tail = tail;
		out_patient = true;
		out_full_ns = 0;
	}
	smp_mb();	/* bytes are overwritten only after the supervisor said it has them */
	return RF_CON_OUT_BYTES - (out_head - out_tail);
}

/* Nothing fits: come back, or has it taken too long? */
static rf_hvc_ret_t out_full(rf_hvc_count_t count)
{
	u64 now = ktime_get_mono_fast_ns();

	if (!out_full_ns)
		out_full_ns = now;
	if (now - out_full_ns > SUBOS_CON_PATIENCE_NS)
		out_patient = false;
	if (out_patient)
		return -EAGAIN;
	out_dropped += count;
	return count;
}

static void out_copy(const rf_hvc_char_t *buf, u32 count)
{
	u8 *ring = (u8 *)subos_facts.con_out + RF_CON_DATA;
	u32 at = out_head % RF_CON_OUT_BYTES;
	u32 first = min_t(u32, count, RF_CON_OUT_BYTES - at);

	memcpy(ring + at, buf, first);
	memcpy(ring, buf + first, count - first);
	out_head += count;
	smp_wmb();	/* the bytes before the count that announces them */
	WRITE_ONCE(subos_facts.con_out->out_head, cpu_to_le32(out_head));
}

static rf_hvc_ret_t out_put(const rf_hvc_char_t *buf, rf_hvc_count_t count)
{
	u32 room = out_room();

	lockdep_assert_held(&out_lock);
	if (!room)
		return out_full(count);
	count = min_t(u32, room, count);
	out_copy(buf, count);
	return count;
}

static rf_hvc_ret_t console_put(u32 vtermno, const rf_hvc_char_t *buf, rf_hvc_count_t count)
{
	unsigned long flags;
	rf_hvc_ret_t ret;

	/* in an oops, a core that was stopped may own the lock for ever */
	if (!oops_in_progress)
		raw_spin_lock_irqsave(&out_lock, flags);
	else if (!raw_spin_trylock_irqsave(&out_lock, flags))
		return count;
	ret = out_put(buf, count);
	raw_spin_unlock_irqrestore(&out_lock, flags);
	return ret;
}

static u32 in_available(void)
{
	u32 count = le32_to_cpu(READ_ONCE(subos_facts.con_in->in_head)) - in_tail;

	if (count > RF_CON_IN_BYTES) {
		in_tail += count;	/* nonsense: start anew where the supervisor stands */
		count = 0;
	}
	smp_rmb();	/* pairs with the supervisor's barrier between bytes and count */
	return count;
}

static rf_hvc_ret_t console_get(u32 vtermno, rf_hvc_char_t *buf, rf_hvc_count_t count)
{
	const u8 *ring = (const u8 *)subos_facts.con_in + RF_CON_DATA;
	u32 n = min_t(u32, count, in_available());
	u32 at = in_tail % RF_CON_IN_BYTES;
	u32 first = min_t(u32, n, RF_CON_IN_BYTES - at);

	memcpy(buf, ring + at, first);
	memcpy(buf + first, ring, n - first);
	in_tail += n;
	smp_mb();	/* the bytes are read before the supervisor may overwrite them */
	WRITE_ONCE(subos_facts.con_out->in_tail, cpu_to_le32(in_tail));
	return n;
}

static void look_later(void)
{
	atomic_set(&look_wanted, 1);
	wake_up(&look_wait);
}

static int console_open(struct hvc_struct *hp, int data)
{
	atomic_inc(&opens);
	atomic_set(&opened, 1);
	look_later();
	return 0;
}

static void console_close(struct hvc_struct *hp, int data)
{
	atomic_set(&opened, 0);
}

static const struct hv_ops console_ops = {
	.get_chars = console_get,
	.put_chars = console_put,
	.notifier_add = console_open,
	.notifier_del = console_close,
	.notifier_hangup = console_close,
};

/*
 * The size is handed over without hvc's lock, which only hvc can take. This
 * thread is its only writer, and the work that reads it runs once more after
 * every change.
 */
static void window_look(void)
{
	int now_opens = atomic_read(&opens);
	struct winsize ws = { };
	struct window window;

	BUILD_BUG_ON(offsetof(struct rf_desc, winsize_seq) !=
		     offsetof(struct rf_desc, rows) + offsetof(struct window, seq));
	if (subos_desc_read(offsetof(struct rf_desc, rows), &window, sizeof(window)))
		return;
	if (le32_to_cpu(window.seq) == window_seq && now_opens == window_opens)
		return;
	WRITE_ONCE(window_seq, le32_to_cpu(window.seq));
	WRITE_ONCE(window_opens, now_opens);
	ws.ws_row = le16_to_cpu(window.rows);
	ws.ws_col = le16_to_cpu(window.cols);
	if (ws.ws_row && ws.ws_col)
		__hvc_resize(hvc, ws);
}

static bool input_waits(void)
{
	return le32_to_cpu(READ_ONCE(subos_facts.con_in->in_head)) != READ_ONCE(in_tail);
}

/* A hint, without the care of window_look(). */
static bool window_waits(void)
{
	return le32_to_cpu(READ_ONCE(subos_facts.desc->winsize_seq)) != READ_ONCE(window_seq) ||
	       atomic_read(&opens) != READ_ONCE(window_opens);
}

static int look_loop(void *unused)
{
	while (!kthread_should_stop()) {
		wait_event_idle(look_wait, atomic_xchg(&look_wanted, 0) || kthread_should_stop());
		if (!atomic_read(&opened))
			continue;
		if (input_waits())
			hvc_kick();
		window_look();
	}
	return 0;
}

/**
 * subos_console_look() - look whether something was typed, or the window has another size
 *
 * Context: process; also before subos_console_init().
 */
void subos_console_look(void)
{
	if (atomic_read(&opened) && (input_waits() || window_waits()))
		look_later();
}

/* In FICM's reading thread. */
static void told(u32 peer, const struct rf_msg *msg, void *arg)
{
	if (peer == FICM_SUPERVISOR)
		subos_console_look();
}

static int areas_prepare(void)
{
	const struct rf_con_in *in = subos_facts.con_in;
	struct rf_con_out *out = subos_facts.con_out;

	if (le32_to_cpu(in->magic) != RF_CON_MAGIC ||
	    le32_to_cpu(in->version) != RF_WIRE_VERSION ||
	    le32_to_cpu(in->bytes) != RF_CON_IN_BYTES) {
		pr_err("the supervisor's console has version %u and %u bytes, this module expects version %u and %u bytes\n",
		       le32_to_cpu(in->version), le32_to_cpu(in->bytes),
		       RF_WIRE_VERSION, RF_CON_IN_BYTES);
		return -EPROTO;
	}
	out_tail = le32_to_cpu(in->out_tail);
	out_head = out_tail;
	in_tail = le32_to_cpu(in->in_head);
	out->version = cpu_to_le32(RF_WIRE_VERSION);
	out->bytes = cpu_to_le32(RF_CON_OUT_BYTES);
	out->out_head = cpu_to_le32(out_head);
	out->in_tail = cpu_to_le32(in_tail);
	smp_wmb();	/* the page counts from the moment its magic is there */
	WRITE_ONCE(out->magic, cpu_to_le32(RF_CON_MAGIC));
	return 0;
}

/**
 * subos_console_dropped() - bytes that nobody wanted
 *
 * Return: bytes of output dropped since the module was loaded.
 */
u64 subos_console_dropped(void)
{
	return READ_ONCE(out_dropped);
}

/**
 * subos_console_init() - make hvc0
 *
 * From here on console=hvc0 on the command line shows the kernel's messages,
 * those from before included.
 * Return: 0, -EPROTO the versions do not match, -ENOMEM, or as ficm_register().
 */
int subos_console_init(void)
{
	struct task_struct *thread;
	int ret;

	ret = areas_prepare();
	if (ret)
		return ret;
	hvc = hvc_alloc(0, 0, &console_ops, SUBOS_CON_OUTBUF);
	if (IS_ERR(hvc))
		return PTR_ERR(hvc);
	thread = kthread_create(look_loop, NULL, "subos_console");
	ret = PTR_ERR_OR_ZERO(thread);
	if (ret)
		goto err_hvc;
	sched_set_fifo_low(thread);
	look_thread = thread;
	wake_up_process(thread);
	ret = ficm_register(RF_MSG_CONSOLE, told, NULL);
	if (ret)
		goto err_thread;
	return 0;

err_thread:
	kthread_stop(thread);
err_hvc:
	hvc_remove(hvc);
	return ret;
}

/**
 * subos_console_exit() - undo subos_console_init()
 */
void subos_console_exit(void)
{
	ficm_unregister(RF_MSG_CONSOLE);
	kthread_stop(look_thread);
	hvc_remove(hvc);
}
