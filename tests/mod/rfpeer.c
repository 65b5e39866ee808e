// SPDX-License-Identifier: GPL-2.0-only
/*
 * rfpeer.ko: numbered messages between kernels, both roles. Its parameters are
 * its controls, in /sys/module/rfpeer/parameters:
 *
 *	send "ID COUNT"	a thread sends a stream of so many messages to that peer
 *	post "ID COUNT"	likewise, through the writing thread
 *	tick "ID COUNT"	likewise, by the interrupt of a timer
 *	sending		streams that are still sent, and messages that were given up
 *	fill ID		sends to that peer until it is refused; read: how many went,
 *			and the error
 *	broadcast 1	one stream of one message to all; read: how many were reached
 *	got		for each peer: id, streams begun, messages, messages that were
 *			none of those expected next
 *	hold		1: the handler, and with it the reading thread, waits
 *	mute IRQ	the doorbell's interrupt is held back; 0: no longer
 */
#include <linux/atomic.h>
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/hrtimer.h>
#include <linux/interrupt.h>
#include <linux/jiffies.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/random.h>
#include <linux/slab.h>
#include <rainforest/ficm.h>

#define TYPE		254
#define PEERS		64
#define PATIENCE	(20 * HZ)	/* with a ring that stays full */
#define HOLD_MS		300000
#define TICK_NS		(200 * NSEC_PER_USEC)

struct text {
	__le32 stream;
	__le32 number;
	__le32 check;
};

struct job {
	u32 peer;
	u32 count;
	int (*send)(u32 peer, const struct rf_msg *msg);
};

/* what came from one peer; the handler's own */
static struct {
	u32 id;
	u32 stream;
	u32 next;
	u32 streams;
	u32 got;
	u32 wrong;
} from[PEERS];
static unsigned int nr_from;

static atomic_t sending;
static atomic_t given_up;
static int fill_count;
static int fill_error;
static int reached;
static bool hold;
module_param(hold, bool, 0600);

static void wait_held(void)
{
	unsigned long end = jiffies + msecs_to_jiffies(HOLD_MS);

	while (READ_ONCE(hold) && time_before(jiffies, end))
		msleep(20);
}

static void receive(u32 peer, const struct rf_msg *msg, void *arg)
{
	u32 stream, number;
	struct text text;
	unsigned int i;

	for (i = 0; i < nr_from && from[i].id != peer; i++)
		;
	if (i == PEERS)
		return;
	if (i == nr_from) {
		from[i].id = peer;
		nr_from++;
	}
	memcpy(&text, msg->body, sizeof(text));
	stream = le32_to_cpu(text.stream);
	number = le32_to_cpu(text.number);
	if (stream != from[i].stream && !number) {
		from[i].stream = stream;
		from[i].streams++;
		from[i].next = 0;
	}
	from[i].got++;
	if (msg->len != sizeof(text) || stream != from[i].stream || number != from[i].next ||
	    le32_to_cpu(text.check) != (stream ^ ~number))
		from[i].wrong++;
	from[i].next = number + 1;
	wait_held();
}

static struct rf_msg message(u32 stream, u32 number)
{
	struct text text = {
		.stream = cpu_to_le32(stream),
		.number = cpu_to_le32(number),
		.check = cpu_to_le32(stream ^ ~number),
	};
	struct rf_msg msg = { .type = cpu_to_le16(TYPE), .len = sizeof(text) };

	memcpy(msg.body, &text, sizeof(text));
	return msg;
}

/* Streams are told apart by their names; 0 is none. */
static u32 new_stream(void)
{
	return get_random_u32() | 1;
}

static int send_all(void *arg)
{
	struct job *job = arg;
	u32 stream = new_stream(), i;

	for (i = 0; i < job->count; i++) {
		struct rf_msg msg = message(stream, i);
		unsigned long end = jiffies + PATIENCE;
		int ret;

		while ((ret = job->send(job->peer, &msg)) == -EAGAIN && time_before(jiffies, end))
			usleep_range(20, 100);
		if (ret) {
			pr_err("message %u to %u: error %d\n", i, job->peer, ret);
			atomic_inc(&given_up);
			break;
		}
		cond_resched();
	}
	kfree(job);
	atomic_dec(&sending);
	module_put_and_kthread_exit(0);
}

static int start(const char *val, int (*send)(u32 peer, const struct rf_msg *msg))
{
	struct task_struct *thread;
	struct job *job;

	job = kzalloc(sizeof(*job), GFP_KERNEL);
	if (!job)
		return -ENOMEM;
	job->send = send;
	if (sscanf(val, "%u %u", &job->peer, &job->count) != 2) {
		kfree(job);
		return -EINVAL;
	}
	__module_get(THIS_MODULE);
	atomic_inc(&sending);
	thread = kthread_run(send_all, job, "rfpeer/%u", job->peer);
	if (!IS_ERR(thread))
		return 0;
	atomic_dec(&sending);
	module_put(THIS_MODULE);
	kfree(job);
	return PTR_ERR(thread);
}

static int send_set(const char *val, const struct kernel_param *kp)
{
	return start(val, ficm_send);
}

static const struct kernel_param_ops send_ops = { .set = send_set };
module_param_cb(send, &send_ops, NULL, 0200);

static int post_set(const char *val, const struct kernel_param *kp)
{
	return start(val, ficm_post);
}

static const struct kernel_param_ops post_ops = { .set = post_set };
module_param_cb(post, &post_ops, NULL, 0200);

static struct hrtimer timer;
static struct job tick_job;
static u32 tick_stream;
static u32 tick_number;

/* In hard interrupt context. A full ring is tried again by the next one. */
static enum hrtimer_restart tick(struct hrtimer *unused)
{
	struct rf_msg msg = message(tick_stream, tick_number);
	int ret = tick_number < tick_job.count ? tick_job.send(tick_job.peer, &msg) : -ENODATA;

	if (ret && ret != -EAGAIN) {
		if (ret != -ENODATA)
			atomic_inc(&given_up);
		atomic_dec(&sending);
		return HRTIMER_NORESTART;
	}
	if (!ret)
		tick_number++;
	hrtimer_forward_now(&timer, ns_to_ktime(TICK_NS));
	return HRTIMER_RESTART;
}

static int tick_set(const char *val, const struct kernel_param *kp)
{
	if (hrtimer_active(&timer))
		return -EBUSY;
	if (sscanf(val, "%u %u", &tick_job.peer, &tick_job.count) != 2)
		return -EINVAL;
	tick_job.send = ficm_send;
	tick_stream = new_stream();
	tick_number = 0;
	atomic_inc(&sending);
	hrtimer_start(&timer, ns_to_ktime(TICK_NS), HRTIMER_MODE_REL_HARD);
	return 0;
}

static const struct kernel_param_ops tick_ops = { .set = tick_set };
module_param_cb(tick, &tick_ops, NULL, 0200);

static int sending_get(char *buf, const struct kernel_param *kp)
{
	return sprintf(buf, "%d %d\n", atomic_read(&sending), atomic_read(&given_up));
}

static const struct kernel_param_ops sending_ops = { .get = sending_get };
module_param_cb(sending, &sending_ops, NULL, 0400);

static int fill_set(const char *val, const struct kernel_param *kp)
{
	u32 stream = new_stream();
	struct rf_msg msg;
	u32 peer;
	int ret;

	ret = kstrtou32(val, 0, &peer);
	if (ret)
		return ret;
	fill_count = 0;
	do {
		msg = message(stream, fill_count);
		fill_error = ficm_send(peer, &msg);
	} while (!fill_error && ++fill_count < 100000);
	return 0;
}

static int fill_get(char *buf, const struct kernel_param *kp)
{
	return sprintf(buf, "%d %d\n", fill_count, fill_error);
}

static const struct kernel_param_ops fill_ops = { .set = fill_set, .get = fill_get };
module_param_cb(fill, &fill_ops, NULL, 0600);

static int broadcast_set(const char *val, const struct kernel_param *kp)
{
	struct rf_msg msg = message(new_stream(), 0);

	reached = ficm_broadcast(&msg);
	return 0;
}

static int broadcast_get(char *buf, const struct kernel_param *kp)
{
	return sprintf(buf, "%d\n", reached);
}

static const struct kernel_param_ops broadcast_ops = {
	.set = broadcast_set,
	.get = broadcast_get,
};
module_param_cb(broadcast, &broadcast_ops, NULL, 0600);

static int got_get(char *buf, const struct kernel_param *kp)
{
	unsigned int i;
	int len = 0;

	for (i = 0; i < nr_from; i++)
		len += sprintf(buf + len, "%u %u %u %u\n", from[i].id, from[i].streams,
			       from[i].got, from[i].wrong);
	return len;
}

static const struct kernel_param_ops got_ops = { .get = got_get };
module_param_cb(got, &got_ops, NULL, 0400);

static unsigned int muted;

static int mute_set(const char *val, const struct kernel_param *kp)
{
	unsigned int irq;
	int ret;

	ret = kstrtouint(val, 0, &irq);
	if (ret || !irq == !muted)
		return ret ?: -EBUSY;
	if (irq)
		disable_irq(irq);
	else
		enable_irq(muted);
	muted = irq;
	return 0;
}

static const struct kernel_param_ops mute_ops = { .set = mute_set };
module_param_cb(mute, &mute_ops, NULL, 0200);

static int __init rfpeer_init(void)
{
	hrtimer_init(&timer, CLOCK_MONOTONIC, HRTIMER_MODE_REL_HARD);
	timer.function = tick;
	return ficm_register(TYPE, receive, NULL);
}

static void __exit rfpeer_exit(void)
{
	WRITE_ONCE(hold, false);
	hrtimer_cancel(&timer);
	if (muted)
		enable_irq(muted);
	ficm_unregister(TYPE);
}

module_init(rfpeer_init);
module_exit(rfpeer_exit);
MODULE_IMPORT_NS(RAINFOREST_FICM);
MODULE_DESCRIPTION("RainForest: test of FICM between kernels");
MODULE_AUTHOR("RainForest developers");
MODULE_LICENSE("GPL");
