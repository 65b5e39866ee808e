// SPDX-License-Identifier: GPL-2.0-only
/*
 * subOScon: carries out what the supervisor asks for by message. FICM's
 * reading thread only hands a request over; a thread of our own works, one
 * request after the other, and answers. It has the answer ready for the
 * supervisor that asks for the same once more.
 *
 * A thread and no work queue: taking memory away ends on a signal only, and a
 * worker of a queue cannot be sent one.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/atomic.h>
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/kthread.h>
#include <linux/minmax.h>
#include <linux/sched.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include <linux/wait.h>
#include <rainforest/ficm.h>

#include "con.h"
#include "con_seq.h"
#include "subos.h"

#define CON_NICE		(-20)
#define CON_TIMEOUT_MS		10000	/* when the supervisor gives none */
#define CON_TIMEOUT_MAX_MS	600000
#define CON_SEND_TRIES		50	/* while the ring is full */
#define CON_SEND_MS		10

static DEFINE_SPINLOCK(con_lock);	/* protects con */
static struct {
	struct subos_seq seq;
	struct rf_msg reply;		/* to request @seq.last, when it is done */
	struct rf_request request;	/* @seq.last, while it is @seq.busy */
	ktime_t arrived;
	__le32 tag;
	bool waiting;			/* the worker has not seen it yet */
} con;

static DECLARE_WAIT_QUEUE_HEAD(con_wait);
static struct task_struct *con_thread;
static atomic_long_t con_counts[SUBOS_CON_COUNTS];
static unsigned int con_last_op;

static int op_ping(struct subos_call *call)
{
	return 0;
}

static int op_clock(struct subos_call *call)
{
	return subos_clock_set();
}

static int op_poweroff(struct subos_call *call)
{
	subos_request_take(RF_REQ_POWEROFF);
	return 0;
}

static int op_restart(struct subos_call *call)
{
	subos_request_take(RF_REQ_RESTART);
	return 0;
}

/* What is not here goes the other way, or is not known. */
static const subos_op_t con_ops[RF_OP_MAX] = {
	[RF_OP_PING]		= op_ping,
	[RF_OP_CPU_ADD]		= subos_cpu_add,
	[RF_OP_CPU_REMOVE]	= subos_cpu_remove,
	[RF_OP_MEM_ADD]		= subos_mem_add,
	[RF_OP_MEM_REMOVE]	= subos_mem_remove,
	[RF_OP_PCI_ADD]		= subos_pci_add,
	[RF_OP_PCI_REMOVE]	= subos_pci_remove,
	[RF_OP_STAT]		= subos_stat_fill,
	[RF_OP_CLOCK]		= op_clock,
	[RF_OP_POWEROFF]	= op_poweroff,
	[RF_OP_RESTART]		= op_restart,
};

static void count(enum subos_con_count which)
{
	atomic_long_inc(&con_counts[which]);
}

/**
 * subos_con_count() - how often something happened since the module was loaded
 * @which: what
 *
 * Return: the count.
 */
unsigned long subos_con_count(enum subos_con_count which)
{
	return atomic_long_read(&con_counts[which]);
}

/**
 * subos_con_last_op() - the request that was carried out last
 *
 * Return: RF_OP_*, 0 before the first.
 */
unsigned int subos_con_last_op(void)
{
	return READ_ONCE(con_last_op);
}

/**
 * subos_con_stage() - a stage of a request is over
 * @call: the request
 */
void subos_con_stage(struct subos_call *call)
{
	ktime_t now = ktime_get();

	if (call->stage == RF_REPLY_STAGES)
		return;
	call->stage_us[call->stage++] = min_t(s64, ktime_us_delta(now, call->mark), U32_MAX);
	call->mark = now;
}

static int con_run(const struct rf_request *request, struct subos_call *call)
{
	u16 op = le16_to_cpu(request->op);
	u32 timeout_ms = le32_to_cpu(request->timeout_ms);
	int i;

	for (i = 0; i < ARRAY_SIZE(call->arg); i++)
		call->arg[i] = le64_to_cpu(request->arg[i]);
	call->timeout_ms = timeout_ms ? min_t(u32, timeout_ms, CON_TIMEOUT_MAX_MS) : CON_TIMEOUT_MS;
	if (request->flags || request->reserved)
		return -EINVAL;
	if (op >= RF_OP_MAX || !con_ops[op])
		return -EOPNOTSUPP;
	WRITE_ONCE(con_last_op, op);
	return con_ops[op](call);
}

static void con_reply(struct rf_msg *msg, const struct rf_request *request,
		      const struct subos_call *call, int ret)
{
	struct rf_reply reply = { .seq = request->seq, .op = request->op };
	int i;

	BUILD_BUG_ON(sizeof(reply) > RF_MSG_BODY);
	reply.error = cpu_to_le16(-ret);
	for (i = 0; i < RF_REPLY_STAGES; i++)
		reply.stage_us[i] = cpu_to_le32(call->stage_us[i]);
	for (i = 0; i < SUBOS_VALUES; i++)
		reply.value[i] = cpu_to_le64(call->value[i]);
	memset(msg, 0, sizeof(*msg));
	msg->type = cpu_to_le16(RF_MSG_REPLY);
	msg->len = sizeof(reply);
	memcpy(msg->body, &reply, sizeof(reply));
}

/* An answer that is lost is asked for again. */
static void con_send(const struct rf_msg *msg)
{
	int i;

	for (i = 0; i < CON_SEND_TRIES && ficm_send(FICM_SUPERVISOR, msg) == -EAGAIN; i++)
		msleep(CON_SEND_MS);
}

static void con_work(void)
{
	struct subos_call call = { };
	struct rf_request request;
	struct rf_msg msg;
	__le32 tag;
	int ret;

	spin_lock(&con_lock);
	con.waiting = false;
	request = con.request;
	call.mark = con.arrived;
	tag = con.tag;
	spin_unlock(&con_lock);

	subos_con_stage(&call);
	ret = con_run(&request, &call);
	con_reply(&msg, &request, &call, ret);
	msg.tag = tag;

	spin_lock(&con_lock);
	con.reply = msg;
	subos_seq_end(&con.seq);
	spin_unlock(&con_lock);
	count(SUBOS_CON_REQUESTS);
	con_send(&msg);
}

static int con_loop(void *unused)
{
	while (!kthread_should_stop()) {
		wait_event_idle(con_wait, READ_ONCE(con.waiting) || kthread_should_stop());
		if (READ_ONCE(con.waiting))
			con_work();
	}
	return 0;
}

static void con_take(const struct rf_request *request, __le32 tag)
{
	lockdep_assert_held(&con_lock);
	con.request = *request;
	con.tag = tag;
	con.arrived = ktime_get();
	WRITE_ONCE(con.waiting, true);
	wake_up(&con_wait);
}

/* In FICM's reading thread. */
static void con_receive(u32 peer, const struct rf_msg *msg, void *arg)
{
	enum subos_seq_verdict verdict;
	struct rf_request request;
	struct rf_msg reply;

	if (peer != FICM_SUPERVISOR || msg->len != sizeof(request)) {
		count(SUBOS_CON_REFUSED);
		return;
	}
	memcpy(&request, msg->body, sizeof(request));

	spin_lock(&con_lock);
	verdict = subos_seq_begin(&con.seq, le32_to_cpu(request.seq));
	if (verdict == SUBOS_SEQ_NEW)
		con_take(&request, msg->tag);
	else if (verdict == SUBOS_SEQ_AGAIN)
		reply = con.reply;
	spin_unlock(&con_lock);

	if (verdict == SUBOS_SEQ_OLD)
		count(SUBOS_CON_REFUSED);
	else if (verdict != SUBOS_SEQ_NEW)
		count(SUBOS_CON_REPEATED);
	if (verdict != SUBOS_SEQ_AGAIN)
		return;
	reply.tag = msg->tag;
	ficm_send(FICM_SUPERVISOR, &reply);	/* when the ring is full, it is asked for again */
}

/**
 * subos_con_init() - begin to listen to the supervisor's requests, and say so
 *
 * Return: 0, -ENOMEM, -EBUSY when somebody else listens.
 */
int subos_con_init(void)
{
	struct task_struct *thread;
	int ret;

	thread = kthread_create(con_loop, NULL, "subos_con");
	if (IS_ERR(thread))
		return PTR_ERR(thread);
	set_user_nice(thread, CON_NICE);
	con_thread = thread;
	wake_up_process(thread);
	ret = ficm_register(RF_MSG_REQUEST, con_receive, NULL);
	if (ret)
		goto err_stop_thread;
	ret = subos_ask_init();
	if (ret)
		goto err_unregister;
	return 0;

err_unregister:
	ficm_unregister(RF_MSG_REQUEST);
err_stop_thread:
	kthread_stop(con_thread);
	return ret;
}
