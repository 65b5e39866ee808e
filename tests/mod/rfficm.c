// SPDX-License-Identifier: GPL-2.0-only
/*
 * rfficm.ko: several senders to the loopback peer of FICM. Loading it is the
 * test: it fails with -EIO when a message is lost, comes twice, out of order or
 * spoiled, and with -ETIMEDOUT when nothing came for ten seconds.
 */
#include <linux/atomic.h>
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/jiffies.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <rainforest/ficm.h>

#define TYPE		255
#define SENDERS		8U
#define PATIENCE	(10 * HZ)

static unsigned int senders = 2;
module_param(senders, uint, 0444);
MODULE_PARM_DESC(senders, "threads that send (2)");
static unsigned int count = 10000;
module_param(count, uint, 0444);
MODULE_PARM_DESC(count, "messages of each (10000)");
static unsigned int rest_us;
module_param(rest_us, uint, 0444);
MODULE_PARM_DESC(rest_us, "rest between two messages, so that the reader sleeps (0)");

static bool spoil;
module_param(spoil, bool, 0444);
MODULE_PARM_DESC(spoil, "send the fifth message twice, which must be noticed");

static bool listen;
module_param(listen, bool, 0444);
MODULE_PARM_DESC(listen, "somebody else says of each doorbell that it was for him");

static u32 expected[SENDERS];	/* used by the handler only */
static atomic_t wrong;
static atomic_t got;
static atomic_t full;
static atomic_t gave_up;
static atomic_t heard;

struct text {
	__le32 sender;
	__le32 number;
	__le32 check;
};

static void receive(u32 peer, const struct rf_msg *msg, void *arg)
{
	struct text text;
	u32 sender, number;

	memcpy(&text, msg->body, sizeof(text));
	sender = le32_to_cpu(text.sender);
	number = le32_to_cpu(text.number);
	if (peer != FICM_LOOPBACK || msg->len != sizeof(text) || sender >= senders ||
	    number != expected[sender] || le32_to_cpu(text.check) != (sender ^ ~number)) {
		atomic_inc(&wrong);
		return;
	}
	expected[sender]++;
	atomic_inc(&got);
}

/* A full ring is tried again, for a limited time. */
static int send_one(u32 sender, u32 number)
{
	struct text text = {
		.sender = cpu_to_le32(sender),
		.number = cpu_to_le32(number),
		.check = cpu_to_le32(sender ^ ~number),
	};
	struct rf_msg msg = { .type = cpu_to_le16(TYPE), .len = sizeof(text) };
	unsigned long end = jiffies + PATIENCE;
	int ret;

	memcpy(msg.body, &text, sizeof(text));
	while ((ret = ficm_send(FICM_LOOPBACK, &msg)) == -EAGAIN && time_before(jiffies, end)) {
		atomic_inc(&full);
		cond_resched();
	}
	return ret;
}

static int send_all(void *arg)
{
	u32 sender = (unsigned long)arg, i;

	for (i = 0; i < count; i++) {
		if (send_one(sender, i) || (spoil && i == 4 && send_one(sender, i))) {
			atomic_inc(&gave_up);
			break;
		}
		if (rest_us)
			usleep_range(rest_us, 2 * rest_us);
	}
	while (!kthread_should_stop())
		schedule_timeout_interruptible(HZ / 100);
	return 0;
}

/* Until all came, something went wrong, or nothing moves any more. */
static int wait_for_all(u32 total)
{
	unsigned long end = jiffies + PATIENCE;
	int seen = 0, now;

	for (;;) {
		now = atomic_read(&got);
		if (atomic_read(&wrong) || atomic_read(&gave_up))
			return -EIO;
		if (now >= total)
			return 0;
		if (now != seen)
			end = jiffies + PATIENCE;
		else if (time_after(jiffies, end))
			return -ETIMEDOUT;
		seen = now;
		msleep(20);
	}
}

static int refusals(void)
{
	struct rf_msg msg = { .len = RF_MSG_BODY + 1 };

	if (ficm_send(FICM_LOOPBACK, &msg) != -EINVAL)
		return -EIO;
	msg = (struct rf_msg) { .type = cpu_to_le16(FICM_TYPES) };
	if (ficm_send(FICM_LOOPBACK, &msg) != -EINVAL)
		return -EIO;
	msg.type = 0;
	if (ficm_send(12345, &msg) != -ENOENT)
		return -EIO;
	return ficm_register(TYPE, receive, NULL) == -EBUSY ? 0 : -EIO;
}

/* Takes all doorbells for his: messages arrive nevertheless. */
static bool rang(void)
{
	atomic_inc(&heard);
	return true;
}

/* A knock alone is heard; not by whoever has ended. */
static int knocks(void)
{
	unsigned long end = jiffies + PATIENCE;
	unsigned int i;
	int ret = 0, before = 0;

	for (i = 0; !ret && i < FICM_LISTENERS; i++)
		ret = ficm_listen(rang);
	if (ret || ficm_listen(rang) != -EBUSY || ficm_knock(12345) != -ENOENT)
		ret = -EIO;
	while (!ret && atomic_read(&heard) < (int)FICM_LISTENERS && !ficm_knock(FICM_LOOPBACK)) {
		if (time_after(jiffies, end))
			ret = -ETIMEDOUT;
		usleep_range(100, 200);
	}
	ficm_listen_end(rang);
	before = atomic_read(&heard);
	if (!ret && (before < (int)FICM_LISTENERS || ficm_knock(FICM_LOOPBACK) || send_one(0, 0)))
		ret = -EIO;
	if (!ret)
		ret = wait_for_all(1);
	expected[0] = 0;
	atomic_set(&got, 0);
	return ret ?: atomic_read(&heard) == before ? 0 : -EIO;
}

static int run_senders(void)
{
	struct task_struct *thread[SENDERS];
	u32 n;
	int ret = 0;

	for (n = 0; n < senders; n++) {
		thread[n] = kthread_run(send_all, (void *)(unsigned long)n, "rfficm/%u", n);
		if (IS_ERR(thread[n])) {
			ret = PTR_ERR(thread[n]);
			break;
		}
	}
	if (!ret)
		ret = wait_for_all(senders * count);
	while (n--)
		kthread_stop(thread[n]);
	return ret;
}

static int __init rfficm_init(void)
{
	int ret;

	if (senders > SENDERS)
		return -EINVAL;
	ret = ficm_register(TYPE, receive, NULL);
	if (ret)
		return ret;
	ret = refusals();
	if (!ret && listen)
		ret = knocks() ?: ficm_listen(rang);
	if (!ret)
		ret = run_senders();
	if (listen)
		ficm_listen_end(rang);
	ficm_unregister(TYPE);
	pr_info("%d messages, %d wrong, %d times full, %d doorbells heard: %d\n",
		atomic_read(&got), atomic_read(&wrong), atomic_read(&full), atomic_read(&heard),
		ret);
	return ret;
}

static void __exit rfficm_exit(void)
{
}

module_init(rfficm_init);
module_exit(rfficm_exit);
MODULE_IMPORT_NS(RAINFOREST_FICM);
MODULE_DESCRIPTION("RainForest: test of FICM on one kernel");
MODULE_AUTHOR("RainForest developers");
MODULE_LICENSE("GPL");
