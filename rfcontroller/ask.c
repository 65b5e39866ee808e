// SPDX-License-Identifier: GPL-2.0-only
/*
 * DOC: What a subOS asks of us by itself
 *
 * "cpus N" and "memory BYTES" in all, as far as the operator allows it, through
 * the same code as rfm resize. Whoever asks deserves no trust: each is heard so
 * often in such a time, one request of it is under way at a time, in a thread
 * that no other subOS waits for, and each step of it is bounded. A refusal says
 * why in its reply.
 */
#include <linux/cpumask.h>
#include <linux/errno.h>
#include <linux/ktime.h>
#include <linux/moduleparam.h>
#include <linux/slab.h>
#include <linux/string.h>
#include "fail.h"
#include "internal.h"

#define ASK_STEP_MS	5000	/* for each core, and for each block */

static unsigned int ask_max = 10;
module_param(ask_max, uint, 0644);
MODULE_PARM_DESC(ask_max, "requests of a subOS's own that are heard in ask_s, at most 64 (default 10)");

static unsigned int ask_s = 60;
module_param(ask_s, uint, 0644);
MODULE_PARM_DESC(ask_s, "time for ask_max of them, s (default 60)");

static void ask_answer(struct rf_reply *reply, int ret, u64 why, u64 value)
{
	reply->error = cpu_to_le16(-ret);
	reply->value[0] = cpu_to_le64(why);
	reply->value[1] = cpu_to_le64(value);
}

static bool ask_is_the_last(const struct rfctl_asks *asks, const struct rf_request *req)
{
	return asks->valid && asks->req.seq == req->seq && asks->req.op == req->op &&
	       asks->req.arg[0] == req->arg[0];
}

static void ask_tell_above(struct subos *so, bool cpus, u64 want)
{
	char text[RF_REASON_MAX];

	if (cpus)
		scnprintf(text, sizeof(text), "asked for %llu CPUs, at most %u are allowed", want,
			  so->asks.max_cpus);
	else
		scnprintf(text, sizeof(text), "asked for %lluM of memory, at most %lluM are allowed",
			  want >> 20, so->asks.max_bytes >> 20);
	rfctl_event(so, RF_EVENT_REFUSED, want, 0, text);
}

/* May it have so much? Returns 0, or the answer is in @reply. */
static int ask_check(struct subos *so, bool cpus, u64 want, struct rf_reply *reply)
{
	u64 max = cpus ? so->asks.max_cpus : so->asks.max_bytes;
	int ret = 0;
	u64 again;

	again = rf_limit_take(&so->asks.limit, ktime_get_ns(), ask_max,
			      (u64)ask_s * NSEC_PER_SEC);
	if (again) {
		ret = -EAGAIN;
		ask_answer(reply, ret, RF_WHY_OFTEN, min(again / NSEC_PER_MSEC + 1, U64_MAX / 2));
	} else if (!max) {
		ret = -EPERM;
		ask_answer(reply, ret, RF_WHY_NONE, 0);
	} else if (want > max) {
		ret = -ERANGE;
		ask_tell_above(so, cpus, want);
		ask_answer(reply, ret, RF_WHY_ABOVE, max);
	}
	return ret;
}

static int ask_cpus(struct subos *so, u64 want, u64 *got)
{
	struct rf_resize_cpus req = { .count = want, .timeout_ms = ASK_STEP_MS };
	struct rfctl_msg msg = { "" };
	struct cpumask *mask;
	int ret;

	if (!want)
		return -EINVAL;
	mask = rfctl_zalloc(sizeof(*mask));
	if (!mask)
		return -ENOMEM;
	ret = subos_resize_cpus(so, &req, mask, &msg);
	*got = req.got;
	kfree(mask);
	return ret;
}

static int ask_memory(struct subos *so, u64 want, u64 *got)
{
	struct rf_resize_memory req = { .bytes = want, .timeout_ms = ASK_STEP_MS, .node = -1 };
	struct rfctl_msg msg = { "" };
	int ret;

	if (!want)
		return -EINVAL;
	ret = subos_resize_memory(so, &req, &msg);
	*got = req.got;
	return ret;
}

/**
 * rfctl_ask() - carry out a request of a subOS, or refuse it
 * @so: the subOS that asks
 * @req: RF_OP_ASK_CPUS or RF_OP_ASK_MEMORY, untrusted
 * @reply: (out) @error and @value
 *
 * The last request once more, as when the reply to it was lost, gets the last
 * reply once more.
 *
 * Context: may sleep for as long as a change of resources takes.
 */
void rfctl_ask(struct subos *so, const struct rf_request *req, struct rf_reply *reply)
{
	bool cpus = le16_to_cpu(req->op) == RF_OP_ASK_CPUS;
	u64 want = le64_to_cpu(req->arg[0]), got = 0;
	struct rfctl_asks *asks = &so->asks;
	int ret;

	mutex_lock(&so->lock);
	if (ask_is_the_last(asks, req)) {
		*reply = asks->reply;
		goto out;
	}
	asks->count++;
	ret = ask_check(so, cpus, want, reply);
	if (!ret) {
		mutex_unlock(&so->lock);
		ret = cpus ? ask_cpus(so, want, &got) : ask_memory(so, want, &got);
		mutex_lock(&so->lock);
		ask_answer(reply, ret, ret ? RF_WHY_FAILED : 0, got);
	}
	if (ret)
		asks->refused++;
	asks->req = *req;
	asks->reply = *reply;
	asks->valid = so->running;
out:
	mutex_unlock(&so->lock);
}
