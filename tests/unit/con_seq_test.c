// SPDX-License-Identifier: GPL-2.0-only
/*
 * Numbers of requests: every order in which a network of one sender can bring
 * them, near the wrap of the counter as well.
 */
#include "../../kernel/con_seq.h"
#include "tap.h"

#define START	0xfffffffdU	/* the counter wraps on the way */
#define COUNT	8

static const char *const names[] = { "new", "again", "busy", "old" };

/* One step: a number relative to START, and what has to come out. */
struct step {
	int seq;
	bool end;		/* the one under way is done before */
	enum subos_seq_verdict want;
};

static const struct {
	const char *what;
	struct step step[6];
	int steps;
} tables[] = {
	{ "one after the other",
	  { { 0, false, SUBOS_SEQ_NEW }, { 1, true, SUBOS_SEQ_NEW }, { 2, true, SUBOS_SEQ_NEW },
	    { 3, true, SUBOS_SEQ_NEW }, { 4, true, SUBOS_SEQ_NEW } }, 5 },
	{ "twice, while it is being done and after",
	  { { 2, false, SUBOS_SEQ_NEW }, { 2, false, SUBOS_SEQ_BUSY }, { 2, true, SUBOS_SEQ_AGAIN },
	    { 2, false, SUBOS_SEQ_AGAIN }, { 3, false, SUBOS_SEQ_NEW } }, 5 },
	{ "the next before the answer",
	  { { 2, false, SUBOS_SEQ_NEW }, { 3, false, SUBOS_SEQ_BUSY }, { 2, true, SUBOS_SEQ_AGAIN },
	    { 3, false, SUBOS_SEQ_NEW } }, 4 },
	{ "late ones",
	  { { 2, false, SUBOS_SEQ_NEW }, { 1, false, SUBOS_SEQ_OLD }, { 1, true, SUBOS_SEQ_OLD },
	    { 0, false, SUBOS_SEQ_OLD }, { 5, false, SUBOS_SEQ_NEW },
	    { 2, false, SUBOS_SEQ_OLD } }, 6 },
};

static void run_table(int t)
{
	struct subos_seq state = { .any = false };
	bool good = true;
	int i;

	for (i = 0; i < tables[t].steps; i++) {
		const struct step *step = &tables[t].step[i];
		enum subos_seq_verdict got;

		if (step->end)
			subos_seq_end(&state);
		got = subos_seq_begin(&state, START + step->seq);
		if (got != step->want) {
			printf("# step %d: %s, %s expected\n", i, names[got], names[step->want]);
			good = false;
		}
	}
	ok(good, "%s", tables[t].what);
}

/*
 * A sender that counts up and repeats, a network that delivers any of what was
 * sent so far, in any order: each number is begun at most once, and in order.
 */
static void run_random(void)
{
	unsigned int seed = 1, begun = 0, sent = 1, late = 0, i;
	struct subos_seq state = { .any = false };
	bool good = true;

	for (i = 0; i < 200000 && good; i++) {
		unsigned int dice = (seed = seed * 1103515245 + 12345) >> 16;
		unsigned int at = dice % COUNT < sent ? sent - dice % COUNT : sent;

		switch (subos_seq_begin(&state, START + at)) {
		case SUBOS_SEQ_NEW:
			good = at > begun;
			begun = at;
			break;
		case SUBOS_SEQ_AGAIN:
			good = at == begun && !state.busy;
			break;
		case SUBOS_SEQ_BUSY:
			good = state.busy && at >= begun;
			break;
		case SUBOS_SEQ_OLD:
			good = at < begun;
			late++;
			break;
		}
		if (dice & 0x100)
			subos_seq_end(&state);
		if (!state.busy && begun == sent)
			sent++;		/* answered: it goes on */
	}
	ok(good && late > 1000 && sent > 1000, "any order: none twice, none out of order: %u, %u late",
	   sent, late);
}

int main(void)
{
	unsigned int t;

	for (t = 0; t < ARRAY_SIZE(tables); t++)
		run_table(t);
	run_random();
	return tap_end();
}
