/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Signals between two kernels, apart from all that is around them: bits that say "look there",
 * RF_SIGNALS each way. Like ring.h it compiles in the kernel and in user space, waits for
 * nothing, and knows no doorbell. What lies in shared memory is struct rf_signals.
 *
 *	raising kernel                                    taking kernel
 *	ficm_signal_raise()  --- sent, count --->         ficm_signals_look()
 *	  not if pending     <------ taken ------         ficm_signals_take()
 *	  true: ring         --- the doorbell --->        looks
 *
 * One at a time raises, and one at a time takes; both ways share nothing but what stays as it
 * is while they are open.
 */
#ifndef _FICM_SIGNAL_H
#define _FICM_SIGNAL_H

#include <rainforest/pure.h>
#include <linux/rainforest_wire.h>

/**
 * struct ficm_signals - signals to a kernel, and from it
 * @own: what we write for it
 * @other: what it writes for us: it deserves no trust
 * @other_open: @open of @other, when it has opened for us: see struct rf_signals
 * @met: it was seen to have opened; the raiser's, as @raised
 * @raised: signals raised, each of them with a doorbell
 * @seen: @count of @other at the last look; the taker's, as @taken
 * @taken: signals taken
 */
struct ficm_signals {
	struct rf_signals *own;
	const struct rf_signals *other;
	__le64 other_open;
	bool met;
	u64 raised;
	u64 seen;
	u64 taken;
};

void ficm_signals_open(struct ficm_signals *s, struct rf_signals *own,
		       const struct rf_signals *other, u32 self, u32 peer);
void ficm_signals_close(struct ficm_signals *s);
bool ficm_signal_raise(struct ficm_signals *s, unsigned int n);
bool ficm_signals_look(struct ficm_signals *s);
u64 ficm_signals_take(struct ficm_signals *s, unsigned int word);

#endif /* _FICM_SIGNAL_H */
