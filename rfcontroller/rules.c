// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who may open channels to whom, as the operator says. The rules stand in the
 * directory of the exchange (exchange.c): the kernel that is opened a channel to
 * follows them.
 */
#include <linux/uaccess.h>
#include "internal.h"

static int rule_subos(const char *name, u32 *id, struct rfctl_msg *msg)
{
	struct subos *so = subos_find_get(name);

	if (!so) {
		rfctl_say(msg, "there is no subOS of this name: %s", name);
		return -ENOENT;
	}
	*id = so->id;
	subos_put(so);
	return 0;
}

/**
 * rfctl_rule - allow a subOS to open channels to another, or no longer
 * @req: what the user passed, its names ended
 * @msg: (out) line about a failure
 *
 * Return: 0. -ENOENT there is no such subOS, or it was never loaded; -EINVAL the
 * two are one.
 */
int rfctl_rule(const struct rf_rule *req, struct rfctl_msg *msg)
{
	u32 from, to;
	int ret;

	ret = rule_subos(req->from, &from, msg) ?: rule_subos(req->to, &to, msg);
	if (ret)
		return ret;
	if (from == to) {
		rfctl_say(msg, "%s needs no rule to talk to itself", req->from);
		return -EINVAL;
	}
	ret = rfctl_exchange_rule(from, to, req->flags & RF_RULE_ALLOW);
	if (ret)
		rfctl_say(msg, "%s or %s is still being created; try again", req->from, req->to);
	return ret;
}

/**
 * rfctl_rules - list what is allowed
 * @req: copy of what the user passed; its (out) fields are set
 *
 * Return: 0, -EFAULT.
 */
int rfctl_rules(struct rf_rules *req)
{
	struct rf_rule_entry e = { 0 };

	for (req->count = 0; rfctl_exchange_nth_rule(req->count, &e.from, &e.to); req->count++) {
		u64 to = req->entries + (u64)req->count * sizeof(e);

		if (req->count >= req->capacity)
			continue;
		rfctl_subos_name(e.from, e.from_name);
		rfctl_subos_name(e.to, e.to_name);
		if (copy_to_user(u64_to_user_ptr(to), &e, sizeof(e)))
			return -EFAULT;
	}
	return 0;
}
