// SPDX-License-Identifier: GPL-2.0-only
/*
 * What this kernel asks of the supervisor: at the start, that it takes notice
 * of somebody listening here; later, on behalf of whoever writes to
 * /sys/kernel/rainforest/ask, more or less of something. The supervisor
 * decides; what it gives or takes then comes as a request of its own.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/completion.h>
#include <linux/err.h>
#include <linux/jiffies.h>
#include <linux/kernel.h>
#include <linux/minmax.h>
#include <linux/mutex.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include <linux/workqueue.h>
#include <rainforest/ficm.h>

#include "con.h"
#include "subos.h"

#define ASK_AGAIN_MS	500	/* silence until the same is asked again */
#define ASK_WORDS_MS	30000	/* a core or a block changes hands within it, or never */
#define HELLO_MS	2000
#define HELLO_PAUSE_MS	1000
#define HELLO_TRIES	20

static DEFINE_MUTEX(ask_lock);		/* one question at a time; before answer_lock */
static u32 ask_seq;			/* of the last question */

static DEFINE_SPINLOCK(answer_lock);	/* protects answer */
static struct {
	bool wanted;
	__le32 seq;
	__le16 op;
	u16 error;
	u64 why, value;			/* see RF_WHY_* */
} answer;
static DECLARE_COMPLETION(answered);

/* What somebody here asked for last, and how that ended; under answer_lock. */
static struct {
	char words[32];
	int error;
	u64 why, value;
} last;

static int hello_tries;

/* In FICM's reading thread. */
static void answer_receive(u32 peer, const struct rf_msg *msg, void *arg)
{
	struct rf_reply reply;

	if (peer != FICM_SUPERVISOR || msg->len != sizeof(reply))
		return;
	memcpy(&reply, msg->body, sizeof(reply));
	spin_lock(&answer_lock);
	if (answer.wanted && reply.seq == answer.seq && reply.op == answer.op) {
		answer.wanted = false;
		answer.error = le16_to_cpu(reply.error);
		answer.why = le64_to_cpu(reply.value[0]);
		answer.value = le64_to_cpu(reply.value[1]);
		complete(&answered);
	}
	spin_unlock(&answer_lock);
}

static void answer_want(__le32 seq, __le16 op)
{
	spin_lock(&answer_lock);
	reinit_completion(&answered);
	answer.wanted = true;
	answer.seq = seq;
	answer.op = op;
	answer.why = 0;
	answer.value = 0;
	spin_unlock(&answer_lock);
}

static void answer_forget(void)
{
	spin_lock(&answer_lock);
	answer.wanted = false;
	spin_unlock(&answer_lock);
}

static void answer_keep(u16 op, u64 arg, int ret)
{
	lockdep_assert_held(&ask_lock);
	spin_lock(&answer_lock);
	if (op == RF_OP_ASK_CPUS)
		scnprintf(last.words, sizeof(last.words), "cpus %llu", arg);
	else
		scnprintf(last.words, sizeof(last.words), "memory %lluM", arg >> 20);
	last.error = ret;
	last.why = answer.why;
	last.value = answer.value;
	spin_unlock(&answer_lock);
}

/**
 * subos_ask_told() - how what was asked for last ended, in words
 * @buf: (out) a line
 * @size: bytes at @buf
 *
 * Return: length of the line, 0 when nothing was asked for.
 */
int subos_ask_told(char *buf, size_t size)
{
	const char *unit;
	int n = 0;
	u64 value;

	spin_lock(&answer_lock);
	unit = strstarts(last.words, "memory") ? "M" : "";
	value = *unit ? last.value >> 20 : last.value;
	if (!last.words[0])
		;
	else if (!last.error)
		n = scnprintf(buf, size, "%s: done, %llu%s in all\n", last.words, value, unit);
	else if (last.why == RF_WHY_NONE)
		n = scnprintf(buf, size, "%s: refused, the operator allows none\n", last.words);
	else if (last.why == RF_WHY_ABOVE)
		n = scnprintf(buf, size, "%s: refused, the operator allows %llu%s in all\n",
			      last.words, value, unit);
	else if (last.why == RF_WHY_OFTEN)
		n = scnprintf(buf, size, "%s: refused, too often; again in %llu ms\n", last.words,
			      last.value);
	else if (last.why == RF_WHY_FAILED)
		n = scnprintf(buf, size, "%s: failed, error %d; %llu%s in all\n", last.words,
			      -last.error, value, unit);
	else
		n = scnprintf(buf, size, "%s: error %d\n", last.words, -last.error);
	spin_unlock(&answer_lock);
	return n;
}

/* The same again and again: a message, or the answer to it, may have met a full ring. */
static int ask_until(const struct rf_msg *msg, u32 timeout_ms)
{
	unsigned long end = jiffies + msecs_to_jiffies(timeout_ms);
	bool sent = false;
	long left;
	int ret;

	do {
		ret = ficm_send(FICM_SUPERVISOR, msg);
		sent |= !ret;
		left = wait_for_completion_killable_timeout(&answered,
							    msecs_to_jiffies(ASK_AGAIN_MS));
		if (left > 0)
			return answer.error > MAX_ERRNO ? -EPROTO : -answer.error;
		if (left < 0)
			return left;
	} while (time_before(jiffies, end));
	return sent ? -ETIMEDOUT : ret;
}

/**
 * subos_ask() - ask the supervisor for something and wait for its answer
 * @op: RF_OP_*
 * @arg: argument 0
 * @timeout_ms: limit of the wait
 *
 * Context: sleeps; a deadly signal ends it.
 * Return: 0, the negative errno of the answer, -ETIMEDOUT there was none,
 * -ENOENT the supervisor cannot be reached, -EPIPE it writes nonsense, -EINTR,
 * -EPROTO its answer is none.
 */
int subos_ask(u16 op, u64 arg, u32 timeout_ms)
{
	struct rf_request request = {
		.op = cpu_to_le16(op),
		.timeout_ms = cpu_to_le32(timeout_ms),
		.arg = { cpu_to_le64(arg) },
	};
	struct rf_msg msg = { .type = cpu_to_le16(RF_MSG_REQUEST), .len = sizeof(request) };
	int ret;

	BUILD_BUG_ON(sizeof(request) > RF_MSG_BODY);
	ret = mutex_lock_killable(&ask_lock);
	if (ret)
		return ret;
	request.seq = cpu_to_le32(++ask_seq);
	msg.tag = request.seq;
	memcpy(msg.body, &request, sizeof(request));
	answer_want(request.seq, request.op);
	ret = ask_until(&msg, timeout_ms);
	answer_forget();
	if (op != RF_OP_HELLO)
		answer_keep(op, arg, ret);
	mutex_unlock(&ask_lock);
	return ret;
}

/**
 * subos_ask_words() - ask for what the words say
 * @words: "cpus N" or "memory BYTES", with K, M or G behind it if wanted; a total
 *
 * Return: see subos_ask(); -EINVAL for other words.
 */
int subos_ask_words(const char *words)
{
	char what[8], number[24];
	u64 value;
	char *end;
	int n = 0;

	if (sscanf(words, "%7s %23s %n", what, number, &n) != 2 || words[n])
		return -EINVAL;
	value = memparse(number, &end);
	if (end == number || *end || !value)
		return -EINVAL;
	if (!strcmp(what, "cpus"))
		return subos_ask(RF_OP_ASK_CPUS, value, ASK_WORDS_MS);
	if (!strcmp(what, "memory"))
		return subos_ask(RF_OP_ASK_MEMORY, value, ASK_WORDS_MS);
	return -EINVAL;
}

static void hello(struct work_struct *work)
{
	int ret = subos_ask(RF_OP_HELLO, RF_WIRE_VERSION, HELLO_MS);

	/* Not answered: it may not listen yet, and it sees our status page anyway. */
	if (ret && ++hello_tries < HELLO_TRIES)
		queue_delayed_work(system_long_wq, to_delayed_work(work),
				   msecs_to_jiffies(HELLO_PAUSE_MS));
	else if (ret)
		pr_warn("the supervisor takes no notice of us, error %d\n", ret);
}

static DECLARE_DELAYED_WORK(hello_work, hello);

/**
 * subos_ask_init() - begin to listen to answers, and say hello
 *
 * Return: 0, -EBUSY when somebody else listens.
 */
int subos_ask_init(void)
{
	int ret;

	ret = ficm_register(RF_MSG_REPLY, answer_receive, NULL);
	if (ret)
		return ret;
	queue_delayed_work(system_long_wq, &hello_work, 0);
	return 0;
}
