// SPDX-License-Identifier: GPL-2.0-only
/*
 * The terminal of a subOS over a change of the module: its rings lie in memory
 * of the subOS, our places in them and what was printed are carried over.
 */
#include <linux/mm.h>
#include <linux/string.h>
#include "anchor.h"
#include "console.h"
#include "internal.h"

static_assert(CON_BACKLOG == RF_ANCHOR_BACKLOG);

/**
 * rfctl_console_pause - take what is there, and leave the rings alone
 * @so: its kernel may run on: what it prints stays in its ring
 */
void rfctl_console_pause(struct subos *so)
{
	so->con->attached = so->con->svc;
	rfctl_console_detach(so);
}

/**
 * rfctl_console_resume - go on where it was paused
 * @so: the subOS
 */
void rfctl_console_resume(struct subos *so)
{
	struct rfctl_console *con = so->con;

	guard(mutex)(&con->lock);
	if (con->attached)
		con->svc = so->svc;
	wake_up_interruptible(&con->wait);
}

/**
 * rfctl_console_save - put it into the anchor
 * @so: the subOS, its console paused
 * @out: the anchor
 * @c: room for it, as it is too large for the stack
 */
void rfctl_console_save(struct subos *so, struct rf_anchor_out *out, struct rf_anchor_console *c)
{
	struct rfctl_console *con = so->con;

	guard(mutex)(&con->lock);
	c->id = so->id;
	c->broken = con->broken;
	c->attached = con->attached;
	c->reserved = 0;
	c->in_head = con->in_head;
	c->in_tail = con->in_tail;
	c->out_tail = con->out_tail;
	c->winsize_seq = con->winsize_seq;
	c->rows = con->rows;
	c->cols = con->cols;
	c->head = con->head;
	memcpy(c->backlog, con->backlog, sizeof(c->backlog));
	rf_anchor_put(out, RF_ANCHOR_CONSOLE, c, sizeof(*c));
}

/**
 * rfctl_console_adopt - take it from the anchor, which was checked
 * @so: the subOS, with its memory; its console is paused afterwards
 * @c: room for an element
 */
void rfctl_console_adopt(struct subos *so, struct rf_anchor_console *c)
{
	struct rfctl_console *con = so->con;
	struct rf_anchor_iter it;

	rf_anchor_first(&it, rfctl_adopted, RF_ANCHOR_CONSOLE);
	while (rf_anchor_next(&it, c, sizeof(*c))) {
		if (c->id != so->id)
			continue;
		guard(mutex)(&con->lock);
		con->broken = c->broken;
		con->attached = c->attached && so->svc;
		con->in_head = c->in_head;
		con->in_tail = c->in_tail;
		con->out_tail = c->out_tail;
		con->winsize_seq = c->winsize_seq;
		con->rows = c->rows;
		con->cols = c->cols;
		con->head = c->head;
		memcpy(con->backlog, c->backlog, sizeof(con->backlog));
		return;
	}
}
