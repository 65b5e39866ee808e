// SPDX-License-Identifier: GPL-2.0-only
/* One step of borrowing, from what is wanted to the module's answer. */
#include "loans.h"

#include <string.h>

unsigned int loans_borrow(int dev, const char *from, const char *to, struct resize_step *s,
			  unsigned int flags, unsigned int timeout_ms)
{
	struct rf_borrow b = { .flags = flags, .count = s->count, .bytes = s->bytes,
			       .timeout_ms = timeout_ms };
	unsigned int i;

	s->tried = true;
	strncpy(b.from, from, sizeof(b.from) - 1);
	strncpy(b.to, to, sizeof(b.to) - 1);
	s->err = dev_borrow(dev, cpus_count(&s->cpus) ? &s->cpus : NULL, &b, &s->msg);
	s->got = b.got;
	for (i = 0; i < RF_RESIZE_STAGES; i++)
		s->stage_ns[i] += b.stage_ns[i];
	return b.id;
}
