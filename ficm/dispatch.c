// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who gets what was received.
 */
#include <linux/export.h>
#include <linux/mutex.h>
#include <rainforest/ficm.h>

#include "internal.h"

#define CREATE_TRACE_POINTS
#include "trace.h"

static DEFINE_MUTEX(handlers_lock);	/* protects handlers; held while they run */
static struct {
	ficm_handler_t fn;
	void *arg;
} handlers[FICM_TYPES];
static struct ficm_end *ends;	/* under handlers_lock */

/**
 * ficm_register() - receive the messages of a type
 * @type: of the messages
 * @fn: called for each, in the order in which a peer sent them
 * @arg: handed to @fn
 *
 * Context: sleeps.
 * Return: 0, -EINVAL for a type that cannot be, -EBUSY when somebody has it, as
 * ficm itself has RF_MSG_DIR.
 */
int ficm_register(u16 type, ficm_handler_t fn, void *arg)
{
	int ret = -EBUSY;

	if (type >= FICM_TYPES)
		return -EINVAL;
	mutex_lock(&handlers_lock);
	if (type != RF_MSG_DIR && !handlers[type].fn) {
		handlers[type].fn = fn;
		handlers[type].arg = arg;
		ret = 0;
	}
	mutex_unlock(&handlers_lock);
	return ret;
}
EXPORT_SYMBOL_NS_GPL(ficm_register, RAINFOREST_FICM);

/**
 * ficm_unregister() - receive no more; the handler does not run when it returns
 * @type: of the messages
 *
 * Context: sleeps.
 */
void ficm_unregister(u16 type)
{
	mutex_lock(&handlers_lock);
	handlers[type].fn = NULL;
	mutex_unlock(&handlers_lock);
}
EXPORT_SYMBOL_NS_GPL(ficm_unregister, RAINFOREST_FICM);

/**
 * ficm_at_end() - have something done when the handlers have run for now
 * @end: what, until it is called: it may be handed in again then
 *
 * For what a handler keeps from one message to the next, and what is better done once
 * for several. A few messages of one peer are one round.
 *
 * Context: a handler.
 */
void ficm_at_end(struct ficm_end *end)
{
	lockdep_assert_held(&handlers_lock);
	end->next = ends;
	ends = end;
}
EXPORT_SYMBOL_NS_GPL(ficm_at_end, RAINFOREST_FICM);

/**
 * ficm_dispatch_begin() - handlers stay as they are, from now on
 */
void ficm_dispatch_begin(void)
{
	mutex_lock(&handlers_lock);
}

/**
 * ficm_dispatch_end() - no handler runs
 */
void ficm_dispatch_end(void)
{
	struct ficm_end *end;

	while (ends) {
		end = ends;
		ends = end->next;
		end->fn(end);
	}
	mutex_unlock(&handlers_lock);
}

/**
 * ficm_dispatch() - hand a message to whoever registered for its type
 * @peer: who sent it
 * @msg: a copy of it
 *
 * Context: between ficm_dispatch_begin() and ficm_dispatch_end().
 * Return: whether there was somebody.
 */
bool ficm_dispatch(struct ficm_peer *peer, const struct rf_msg *msg)
{
	u16 type = le16_to_cpu(msg->type);

	lockdep_assert_held(&handlers_lock);
	trace_ficm_recv(peer->id, type, le32_to_cpu(msg->tag));
	if (type >= FICM_TYPES)
		return false;
	if (type == RF_MSG_DIR) {
		if (peer->id != FICM_SUPERVISOR)
			return false;
		ficm_refresh_later();
		return true;
	}
	if (!handlers[type].fn)
		return false;
	handlers[type].fn(peer->id, msg, handlers[type].arg);
	return true;
}
