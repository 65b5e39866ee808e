// SPDX-License-Identifier: GPL-2.0-only
/* Copies: the agent's side. */
#include "agent.h"

#include <errno.h>

void agent_copy(int chan, const struct exec_msg *m)
{
	exec_send_error(chan, EXEC_ERROR, EXEC_STEP_START, ENOSYS, "");
}
