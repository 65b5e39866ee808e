// SPDX-License-Identifier: GPL-2.0-only
/*
 * Numbers of requests. They count up modulo 2^32, and one request is under way
 * at a time. What arrives may be late, twice, or both.
 */
#include "con_seq.h"

/**
 * subos_seq_begin() - what to do with a request
 * @state: what is known of its sender
 * @seq: its number
 *
 * Return: see enum subos_seq_verdict.
 */
enum subos_seq_verdict subos_seq_begin(struct subos_seq *state, u32 seq)
{
	u32 ahead = seq - state->last;

	if (state->any && ahead > U32_MAX / 2)
		return SUBOS_SEQ_OLD;
	if (state->busy)
		return SUBOS_SEQ_BUSY;
	if (state->any && !ahead)
		return SUBOS_SEQ_AGAIN;
	state->last = seq;
	state->any = true;
	state->busy = true;
	return SUBOS_SEQ_NEW;
}

/**
 * subos_seq_end() - the request that was new is done, its answer is kept
 * @state: what is known of its sender
 */
void subos_seq_end(struct subos_seq *state)
{
	state->busy = false;
}
