// SPDX-License-Identifier: GPL-2.0-only
/* Channels to agents, and what to say when there is none. */
#include "exec.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "dev.h"
#include "fmt.h"
#include "rainforest.h"
#include "rfm.h"

#define OPEN_MS		3000	/* for the subOS's kernel to answer */
#define BUSY_TRIES	200	/* of BUSY_US: others are being let in */
#define BUSY_US		20000

/* Is there such a subOS, and does it run? 0, or an exit code after saying that. */
static int check_running(const char *name)
{
	struct rf_info info;
	int ret;

	ret = dev_subos_info(name, &info);
	if (ret)
		return -ret;
	if (info.state == RF_STATE_RUNNING)
		return 0;
	return rfm_fail(RFM_CONFLICT,
			"it does not run, it is %s; rfm restart %s, or see rfm log %s",
			fmt_state(info.state), name, name);
}

static int explain(const char *name, int err)
{
	int com = dev_connect_com(), ret;

	if (com < 0)
		return -com;
	close(com);
	ret = check_running(name);
	if (ret)
		return ret;
	if (err == ECONNREFUSED)
		return rfm_fail(RFM_CONFLICT,
				"no agent listens there: it was ended, or came with an older rfm; rfm restart %s, or use rfm console %s",
				name, name);
	if (err == ETIMEDOUT)
		return rfm_fail(RFM_TIMEOUT, "its kernel does not answer; see rfm log %s", name);
	return rfm_fail_errno(err, NULL, "cannot open a channel to its agent");
}

int exec_connect(const char *name)
{
	int tries = BUSY_TRIES, fd;

	while ((fd = rf_open(name, EXEC_SERVICE, OPEN_MS, RF_NONBLOCK)) < 0) {
		if (errno != EAGAIN || !tries--)
			break;
		usleep(BUSY_US);
	}
	return fd < 0 ? -explain(name, errno) : fd;
}

int exec_lost(int err)
{
	err = err < 0 ? -err : err;
	if (err == EPROTO)
		return rfm_fail(RFM_EXEC, "its agent does not speak as it should; rfm restart %s",
				rfm.object);
	if (!err || err == EPIPE)
		return rfm_fail(RFM_EXEC,
				"its agent ended in the middle, with the command; see rfm list");
	if (err == ECONNRESET)
		return rfm_fail(RFM_EXEC, "the subOS ended in the middle; see rfm list");
	return rfm_fail(RFM_EXEC, "the channel to its agent broke: %s; see rfm list",
			strerror(err));
}

static int not_started(const struct exec_error *e, const char *what)
{
	const char *why = strerror(e->error);

	switch (e->step) {
	case EXEC_STEP_EXEC:
		rfm_fail(RFM_EXEC, "'%s' cannot be started: %s", what, why);
		return e->error == ENOENT || e->error == ENOTDIR ? RFM_NO_COMMAND : RFM_NO_EXEC;
	case EXEC_STEP_DIR:
		return rfm_fail(RFM_EXEC, "cannot go to the directory '%s': %s", what, why);
	case EXEC_STEP_TTY:
		return rfm_fail(RFM_EXEC, "it has no terminal for the command: %s; use --no-tty",
				why);
	case EXEC_STEP_ROOT:
		return rfm_fail(RFM_EXEC, "its agent cannot enter the root of its init: %s", why);
	default:
		return rfm_fail(RFM_EXEC, "it cannot start a process: %s", why);
	}
}

int exec_failed(const struct exec_msg *m)
{
	const struct exec_error *e = &m->error;
	char what[4 * EXEC_TEXT_MAX + 1];

	units_clean(m->data, m->len, what, sizeof(what));
	if (e->step == EXEC_STEP_START && e->error == EPROTONOSUPPORT)
		return rfm_fail(RFM_EXEC, "its agent came with another version of rfm; rfm restart %s",
				rfm.object);
	if (e->step == EXEC_STEP_START)
		return rfm_fail(RFM_EXEC, "its agent refuses: %s", strerror(e->error));
	if (e->step == EXEC_STEP_READ || e->step == EXEC_STEP_WRITE)
		return rfm_fail_errno(e->error, NULL, "cannot %s %s there",
				      e->step == EXEC_STEP_READ ? "read" : "write", what);
	return not_started(e, what);
}
