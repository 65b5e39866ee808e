// SPDX-License-Identifier: GPL-2.0-only
/* Copies: the agent's side. */
#include "agent.h"

#include <errno.h>
#include <signal.h>
#include <unistd.h>

#include "tree.h"

static void warn(int chan, int error, const char *text, size_t len)
{
	char copy[EXEC_TEXT_MAX + 1] = "";

	for (len = len < EXEC_TEXT_MAX ? len : EXEC_TEXT_MAX; len--;)
		copy[len] = text[len];
	exec_send_error(chan, EXEC_WARNING, EXEC_STEP_READ, error, copy);
}

static void tell_error(int chan, const struct tree_error *e)
{
	if (e->step && !e->remote)
		exec_send_error(chan, EXEC_ERROR, e->step, e->error, e->text);
	else if (e->error == EPROTO)
		exec_send_error(chan, EXEC_ERROR, EXEC_STEP_START, EPROTO, "");
}

static void get(int chan, const char *path)
{
	struct tree_error e;

	if (tree_send(chan, path, warn, &e))
		tell_error(chan, &e);
}

static void put(int chan, const char *path, const char *name, bool into)
{
	static const struct exec_exit done = { .type = EXEC_EXIT };
	struct tree_place place;
	struct tree_error e;
	int ret;

	ret = tree_place_open(&place, path, name, into);
	if (ret)
		exec_send_error(chan, EXEC_ERROR, EXEC_STEP_WRITE, ret, path);
	else if (tree_receive(chan, &place, warn, &e))
		tell_error(chan, &e);
	else
		exec_send(chan, &done, sizeof(done));
}

void agent_copy(int chan, const struct exec_msg *m)
{
	char *args[2];
	bool is_get = m->start.kind == EXEC_GET;

	signal(SIGPIPE, SIG_IGN);
	if (m->start.nr_args != (is_get ? 1 : 2)) {
		exec_send_error(chan, EXEC_ERROR, EXEC_STEP_START, EPROTO, "");
		return;
	}
	exec_strings(m, 1, m->start.nr_args, args);
	if (is_get)
		get(chan, args[0]);
	else
		put(chan, args[0], args[1], m->start.flags & EXEC_INTO);
}
