// SPDX-License-Identifier: GPL-2.0-only
/*
 * rfask.ko: in a subOS, asks the supervisor for CPUs as fast as the ring takes
 * messages, each time with a number of its own, for so many milliseconds.
 * Loading it is the flood; "sent" says how many messages went out.
 */
#include <linux/jiffies.h>
#include <linux/module.h>
#include <linux/rainforest_wire.h>
#include <linux/sched.h>
#include <rainforest/ficm.h>

static unsigned int ms = 3000;
module_param(ms, uint, 0444);
MODULE_PARM_DESC(ms, "how long (3000)");

static unsigned int cpus = 1;
module_param(cpus, uint, 0444);
MODULE_PARM_DESC(cpus, "how many CPUs it asks for (1)");

static unsigned int sent;
module_param(sent, uint, 0444);
MODULE_PARM_DESC(sent, "messages that went out");

static int __init rfask_init(void)
{
	unsigned long end = jiffies + msecs_to_jiffies(ms);
	u32 seq;

	for (seq = 0x10000; time_before(jiffies, end); seq++) {
		struct rf_request request = {
			.seq = cpu_to_le32(seq),
			.op = cpu_to_le16(RF_OP_ASK_CPUS),
			.timeout_ms = cpu_to_le32(1000),
			.arg = { cpu_to_le64(cpus) },
		};
		struct rf_msg msg = {
			.type = cpu_to_le16(RF_MSG_REQUEST),
			.len = sizeof(request),
			.tag = request.seq,
		};

		memcpy(msg.body, &request, sizeof(request));
		if (!ficm_send(FICM_SUPERVISOR, &msg))
			sent++;
		cond_resched();
	}
	return 0;
}

static void __exit rfask_exit(void)
{
}

module_init(rfask_init);
module_exit(rfask_exit);
MODULE_LICENSE("GPL");
MODULE_IMPORT_NS(RAINFOREST_FICM);
MODULE_DESCRIPTION("RainForest: a subOS that asks and asks");
