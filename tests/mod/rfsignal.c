// SPDX-License-Identifier: GPL-2.0-only
/*
 * rfsignal.ko: signals of FICM to the loopback peer. Loading it is the test: it fails with
 * -EIO when one is lost, or comes where it must not, and with -ETIMEDOUT when one does not come
 * for ten seconds.
 */
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/jiffies.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <rainforest/ficm.h>

#define SENDERS		8U
#define PATIENCE	(10 * HZ)
#define AGAIN		(SENDERS + 1)	/* raises others from its handler */
#define OTHER		(RF_SIGNALS - 1)

static unsigned int senders = 2;
module_param(senders, uint, 0444);
MODULE_PARM_DESC(senders, "threads that raise signals (2)");
static unsigned int count = 10000;
module_param(count, uint, 0444);
MODULE_PARM_DESC(count, "signals of each (10000)");
static unsigned int rest_us;
module_param(rest_us, uint, 0444);
MODULE_PARM_DESC(rest_us, "rest between two (0)");
static bool spoil;
module_param(spoil, bool, 0444);
MODULE_PARM_DESC(spoil, "the last one is not raised, which must be noticed");

static u32 stored[SENDERS];	/* what signals are about */
static u32 seen[SENDERS];	/* written by the handler only, as what follows */
static u32 calls[RF_SIGNALS];
static u32 raised_again;
static bool wrong;
static u32 heard;

/* The handler's own signal has been taken and is rung for anew; the other one is, once. */
static void raise_again(void)
{
	unsigned int i;

	if (raised_again++)
		return;
	for (i = 0; i < 3; i++)
		if (ficm_signal(FICM_LOOPBACK, OTHER) || ficm_signal(FICM_LOOPBACK, AGAIN))
			wrong = true;
}

static void signalled(u32 peer, unsigned int n)
{
	if (peer != FICM_LOOPBACK || n >= RF_SIGNALS || !in_hardirq()) {
		wrong = true;
		return;
	}
	if (n < senders)
		WRITE_ONCE(seen[n], READ_ONCE(stored[n]));
	if (n == AGAIN)
		raise_again();
	WRITE_ONCE(calls[n], calls[n] + 1);
}

static void another(u32 peer, unsigned int n)
{
	wrong = true;
}

static bool rang(void)
{
	WRITE_ONCE(heard, heard + 1);
	return false;
}

/* Until that word has come to a value, or has not moved for long. */
static int wait_for(const u32 *word, u32 value)
{
	unsigned long end = jiffies + PATIENCE;
	u32 last = 0, now;

	while ((now = READ_ONCE(*word)) != value) {
		if (now != last)
			end = jiffies + PATIENCE;
		else if (time_after(jiffies, end))
			return -ETIMEDOUT;
		last = now;
		usleep_range(50, 100);
	}
	return READ_ONCE(wrong) ? -EIO : 0;
}

/* What was raised before has been taken then: the second interrupt began after the first. */
static int wait_taken(void)
{
	unsigned long end = jiffies + PATIENCE;
	u32 before = READ_ONCE(heard);

	while (READ_ONCE(heard) - before < 2) {
		if (ficm_knock(FICM_LOOPBACK) || time_after(jiffies, end))
			return -ETIMEDOUT;
		usleep_range(50, 100);
	}
	return 0;
}

static int refusals(void)
{
	if (ficm_signal(FICM_LOOPBACK, RF_SIGNALS) != -EINVAL ||
	    ficm_signal(12345, 0) != -ENOENT || ficm_signals_listen(another) != -EBUSY)
		return -EIO;
	ficm_signals_end(another);	/* who does not listen ends nothing */
	return 0;
}

static int each_once(void)
{
	unsigned int n;
	int ret;

	for (n = 0; n < RF_SIGNALS; n++) {
		if (n == AGAIN)
			continue;
		ret = ficm_signal(FICM_LOOPBACK, n) ?: wait_for(&calls[n], 1);
		if (ret)
			return ret;
	}
	return 0;
}

/* Three times from within the handler: pending all the while, so it comes once. */
static int from_handler(void)
{
	int ret = ficm_signal(FICM_LOOPBACK, AGAIN) ?: wait_for(&calls[AGAIN], 2);

	ret = ret ?: wait_for(&calls[OTHER], 2) ?: wait_taken();
	return ret ?: calls[AGAIN] == 2 && calls[OTHER] == 2 ? 0 : -EIO;
}

static int raise_all(void *arg)
{
	u32 n = (unsigned long)arg, i;
	int ret = 0;

	for (i = 1; !ret && i <= count; i++) {
		bool last = spoil && i == count;

		if (last)
			ret = wait_for(&seen[n], i - 1);
		WRITE_ONCE(stored[n], i);
		if (!last)
			ret = ficm_signal(FICM_LOOPBACK, n);
		if (rest_us)
			usleep_range(rest_us, 2 * rest_us);
	}
	while (!kthread_should_stop())
		schedule_timeout_interruptible(HZ / 100);
	return ret;
}

static int run_senders(void)
{
	struct task_struct *thread[SENDERS];
	int ret = 0, ended;
	u32 n, i;

	for (n = 0; n < senders; n++) {
		thread[n] = kthread_run(raise_all, (void *)(unsigned long)n, "rfsignal/%u", n);
		if (IS_ERR(thread[n])) {
			ret = PTR_ERR(thread[n]);
			break;
		}
	}
	for (i = 0; !ret && i < n; i++)
		ret = wait_for(&stored[i], count) ?: wait_for(&seen[i], count);
	while (n--) {
		ended = kthread_stop(thread[n]);
		ret = ret ?: ended;
	}
	return ret;
}

/* Who listens no more is not called; who comes then is not told of what was before. */
static int after_end(void)
{
	u32 before = calls[OTHER];
	int ret;

	ret = ficm_signal(FICM_LOOPBACK, OTHER) ?: wait_taken();
	if (ret || calls[OTHER] != before)
		return ret ?: -EIO;
	ret = ficm_signals_listen(signalled) ?: ficm_signal(FICM_LOOPBACK, OTHER);
	ret = ret ?: wait_for(&calls[OTHER], before + 1);
	ficm_signals_end(signalled);
	return ret;
}

static int __init rfsignal_init(void)
{
	int ret;

	if (senders > SENDERS)
		return -EINVAL;
	ret = ficm_signals_listen(signalled);
	if (ret)
		return ret;
	ret = ficm_listen(rang);
	if (ret) {
		ficm_signals_end(signalled);
		return ret;
	}
	ret = refusals() ?: each_once() ?: from_handler() ?: run_senders();
	ficm_signals_end(signalled);
	ret = ret ?: after_end();
	ficm_listen_end(rang);
	pr_info("%u raised of each, %u taken of the first: %d\n", count, calls[0], ret);
	return ret;
}

static void __exit rfsignal_exit(void)
{
}

module_init(rfsignal_init);
module_exit(rfsignal_exit);
MODULE_IMPORT_NS(RAINFOREST_FICM);
MODULE_DESCRIPTION("RainForest: test of FICM's signals on one kernel");
MODULE_AUTHOR("RainForest developers");
MODULE_LICENSE("GPL");
