/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Numbers of requests: which is new, which was done already. A pure function,
 * for the tests.
 */
#ifndef _RFSUBOS_CON_SEQ_H
#define _RFSUBOS_CON_SEQ_H

#include <rainforest/pure.h>

/**
 * struct subos_seq - what is known of one sender's requests
 * @last: number of the request that was taken last
 * @any: one was taken
 * @busy: it is not done yet
 */
struct subos_seq {
	u32 last;
	bool any;
	bool busy;
};

/**
 * enum subos_seq_verdict - what to do with a request
 * @SUBOS_SEQ_NEW: do it; @busy is set until subos_seq_end()
 * @SUBOS_SEQ_AGAIN: it was done: answer again as before
 * @SUBOS_SEQ_BUSY: ignore it: it is being done, or the one before is; its
 *	sender will ask again
 * @SUBOS_SEQ_OLD: ignore it: its sender has gone on since
 */
enum subos_seq_verdict {
	SUBOS_SEQ_NEW,
	SUBOS_SEQ_AGAIN,
	SUBOS_SEQ_BUSY,
	SUBOS_SEQ_OLD,
};

enum subos_seq_verdict subos_seq_begin(struct subos_seq *state, u32 seq);
void subos_seq_end(struct subos_seq *state);

#endif /* _RFSUBOS_CON_SEQ_H */
