/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The ring of ficm/ring.c with its doorbell, on a processor whose stores wait in
 * a buffer, in order, while its loads go ahead (x86). The names are those of
 * ring.c. Each shared cell has one writer, so no load is served from a buffer.
 *
 * Checked: every message once, in order and whole; the reader never sees
 * nonsense; nobody sleeps for ever (no invalid end state). -DNAME of the names
 * below spoils the protocol, and must be noticed.
 */
#define SLOTS	2
#define SENT	6	/* messages: each slot is used more than twice */
#define DEPTH	4	/* stores that one buffer holds */

#define STAMP(n)	((n) % SLOTS)
#define BODY(n)		(SLOTS + (n) % SLOTS)
#define TAKEN		(2 * SLOTS)
#define WANTED		(2 * SLOTS + 1)

byte mem[2 * SLOTS + 2];
bool doorbell;		/* an interrupt that is pending */
chan buf[2] = [DEPTH] of { byte, byte };
#define WRITER	0
#define READER	1

#define store(who, cell, value)	buf[who]!cell,value
#define fence(who)		empty(buf[who])

active proctype memory()
{
	byte cell, value;

end:	do
	:: d_step { buf[WRITER]?cell,value; mem[cell] = value }
	:: d_step { buf[READER]?cell,value; mem[cell] = value }
	od
}

/* A stamp is the number of the message plus 1; 0 is none. */
inline ring_put()
{
#ifdef STAMP_FIRST
	store(WRITER, STAMP(next), next + 1);
	store(WRITER, BODY(next), next + 1);
#else
	store(WRITER, BODY(next), next + 1);
	store(WRITER, STAMP(next), next + 1);
#endif
	next++
}

inline ring_bell()
{
#ifndef NO_FENCE_IN_BELL
	fence(WRITER);
#endif
	wanted = mem[WANTED];
	if
	:: wanted > belled && wanted <= next -> doorbell = true
	:: else
	fi;
	belled = next
}

inline wait_for_room()
{
	if
#ifdef FULL_IGNORED
	:: false ->
#else
	:: next - taken == SLOTS ->
#endif
#ifndef NO_BELL_BEFORE_WAITING
		ring_bell();
#endif
		mem[TAKEN] != taken;
		taken = mem[TAKEN]
	:: else
	fi
}

active proctype writer()
{
	byte next, taken, belled, wanted;

	do
	:: next < SENT ->
		wait_for_room();
		ring_put();
		if
		:: ring_bell()
		:: skip		/* several at a time */
		fi
	:: next == SENT ->
		ring_bell();
		break
	od
}

inline ring_get()
{
	stamp = mem[STAMP(next)];
	if
	:: stamp == next + 1 ->
#ifdef TAKEN_BEFORE_READ
		store(READER, TAKEN, next + 1);
#endif
		assert(mem[BODY(next)] == next + 1);
		next++;
#ifndef TAKEN_BEFORE_READ
		store(READER, TAKEN, next);
#endif
	:: else ->
		assert(stamp == (next < SLOTS -> 0 : next + 1 - SLOTS));
		nothing = true
	fi
}

inline ring_arm()
{
	store(READER, WANTED, next + 1);
#ifndef NO_FENCE_IN_ARM
	fence(READER);
#endif
#ifndef NO_LOOK_AFTER_ARMING
	nothing = (mem[STAMP(next)] != next + 1);
#endif
	if
	:: nothing ->
#ifdef BELL_CLEARED_AFTER_ARMING
		doorbell = false;
#endif
		d_step { doorbell; doorbell = false }
	:: else
	fi
}

active proctype reader()
{
	byte next, stamp;
	bool nothing;

	do
	:: next < SENT ->
		nothing = false;
		ring_get();
		if
		:: nothing -> ring_arm()
		:: skip		/* look again */
		fi
	:: next == SENT -> break
	od;
	assert(mem[STAMP(next)] == next + 1 - SLOTS)
}
