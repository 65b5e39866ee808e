/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Signals of ficm/signal.c, on a processor whose stores wait in a buffer, in order,
 * while its loads go ahead (x86). The names are those of signal.c and take.c; a word has
 * one signal here. Each shared cell has one writer, so no load is served from a buffer.
 *
 * Checked: what was stored before a signal was raised is seen by whoever takes it, or
 * nobody ends (an invalid end state). -DNAME of the names below spoils the protocol, and
 * must be noticed.
 */
#ifdef LARGE
#define RAISED	6
#else
#define RAISED	3	/* times that each signal is raised */
#endif
#define DEPTH	4	/* stores that one buffer holds */

#define ABOUT(n)	(n)		/* what a signal is about */
#define SENT(n)		(2 + (n))
#define TAKEN(n)	(4 + (n))
#define COUNT		6

byte mem[7];
bool doorbell;		/* an interrupt that is pending */
chan buf[2] = [DEPTH] of { byte, byte };
#define RAISER	0
#define TAKER	1

#define store(who, cell, value)	buf[who]!cell,value
#define fence(who)		empty(buf[who])

active proctype memory()
{
	byte cell, value;

end:	do
	:: d_step { buf[RAISER]?cell,value; mem[cell] = value }
	:: d_step { buf[TAKER]?cell,value; mem[cell] = value }
	od
}

inline ficm_signal_raise(n)
{
#ifndef NO_FENCE_BEFORE_THE_LOOK
	fence(RAISER);
#endif
	if
	:: mem[TAKEN(n)] == sent[n] ->
		sent[n] = 1 - sent[n];
		raised++;
#ifdef COUNT_BEFORE_SIGNAL
		store(RAISER, COUNT, raised);
		store(RAISER, SENT(n), sent[n]);
#else
		store(RAISER, SENT(n), sent[n]);
		store(RAISER, COUNT, raised);
#endif
#ifndef NO_FENCE_BEFORE_THE_BELL
		fence(RAISER);
#endif
		doorbell = true
	:: else		/* pending */
	fi
}

active proctype raiser()
{
	byte sent[2], about[2], raised, n;

	do
	:: about[0] < RAISED || about[1] < RAISED ->
		if
		:: about[0] < RAISED -> n = 0
		:: about[1] < RAISED -> n = 1
		fi;
		about[n]++;
		store(RAISER, ABOUT(n), about[n]);
		ficm_signal_raise(n)
	:: else -> break
	od
}

inline ficm_signals_take(n)
{
	word = mem[SENT(n)];
	if
	:: word != taken[n] ->
#ifdef TAKEN_AFTER_THE_LOOK
		known[n] = mem[ABOUT(n)];
#endif
		taken[n] = word;
		store(TAKER, TAKEN(n), word);
#ifndef TAKEN_AFTER_THE_LOOK
#ifndef NO_FENCE_AFTER_TAKING
		fence(TAKER);
#endif
		known[n] = mem[ABOUT(n)]
#endif
	:: else
	fi
}

active proctype taker()
{
	byte taken[2], known[2], seen, count, word;

	do
	:: known[0] == RAISED && known[1] == RAISED -> break
	:: else ->
#ifdef BELL_CLEARED_LAST
		doorbell;
#else
		d_step { doorbell; doorbell = false };
#endif
		count = mem[COUNT];
		if
		:: count != seen ->
			ficm_signals_take(0);
			ficm_signals_take(1);
#ifdef COUNT_AFTER_WORDS
			count = mem[COUNT];
#endif
			seen = count
		:: else
		fi;
#ifdef BELL_CLEARED_LAST
		doorbell = false
#endif
	od
}
