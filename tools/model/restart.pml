/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The ring of ficm/ring.c while either end dies at any step and comes back as
 * another incarnation. The supervisor keeps the list of generations and changes
 * it when the dead one is parked. Stores wait in buffers as in ring.pml.
 *
 * Checked: a reader gets what the writer that it knows sent to it, whole, in
 * order and from the first message on, and never takes honest ends for nonsense.
 */
#define SLOTS	2
#define SENT	3	/* messages of one incarnation to another */
#ifdef LARGE
#define DEATHS	2	/* of both together */
#define DEPTH	2	/* stores that one buffer holds */
#else
#define DEATHS	1
#define DEPTH	3
#endif

#define STAMP(n)	((n) % SLOTS)
#define BODY(n)		(SLOTS + (n) % SLOTS)
#define OPEN		(2 * SLOTS)
#define TAKEN		(2 * SLOTS + 1)

byte mem[2 * SLOTS + 2];
chan buf[2] = [DEPTH] of { byte, byte };
#define WRITER	0
#define READER	1
#define store(who, cell, value)	buf[who]!cell,value
#define fence(who)		empty(buf[who])

byte list[2];		/* generations */
bool dying[2], parked[2];
byte deaths;

#ifdef NO_WRITER_IN_STAMP
#define pair(w, r)	(r)
#else
#ifdef NO_READER_IN_STAMP
#define pair(w, r)	(w)
#else
#define pair(w, r)	((w) * (DEATHS + 1) + (r))
#endif
#endif
#define code(p, n)	(1 + (p) * (SENT + 1) + (n))
#define body(w, r, n)	(1 + ((w) * (DEATHS + 1) + (r)) * (SENT + 1) + (n))

active proctype memory()
{
	byte cell, value;

end:	do
	:: d_step { buf[WRITER]?cell,value; mem[cell] = value }
	:: d_step { buf[READER]?cell,value; mem[cell] = value }
	od
}

inline out_open()
{
	peer = list[READER];
	p = pair(self, peer);
	next = 0;
	taken = 0;
	store(WRITER, OPEN, 0);
#ifndef SLOTS_NOT_EMPTIED
	store(WRITER, STAMP(0), 0);
	store(WRITER, STAMP(1), 0);
#endif
	store(WRITER, OPEN, code(p, 0))
}

/* Full, or the reader has not come yet: look again later. */
inline out_look()
{
	seen = mem[TAKEN];
	if
	:: seen >= code(p, taken) && seen <= code(p, next) -> taken = seen - code(p, 0)
	:: else
	fi
}

proctype writer()
{
	byte self = list[WRITER], peer, p, next, taken, seen;

	{
		out_open();
end:		do
		:: list[READER] != peer -> out_open()
		:: next < SENT && next - taken < SLOTS ->
			store(WRITER, BODY(next), body(self, peer, next));
			store(WRITER, STAMP(next), code(p, next));
			next++
		:: next < SENT && next - taken == SLOTS && mem[TAKEN] != code(p, taken) ->
			out_look()
		od
	} unless { dying[WRITER] };
	parked[WRITER] = true
}

inline in_open()
{
	peer = list[WRITER];
	p = pair(peer, self);
	next = 0;
	met = false;
	store(READER, TAKEN, code(p, 0))
}

/* It is not our writer's ring any more, or the writer never was honest. */
inline in_stray()
{
	assert(mem[OPEN] != code(p, 0));
	gone = true
}

inline ring_get()
{
	stamp = mem[STAMP(next)];
	if
	:: stamp == code(p, next) ->
		text = mem[BODY(next)];
#ifndef NO_SECOND_LOOK
		if
		:: mem[STAMP(next)] != stamp -> in_stray()
		:: else
		fi;
#endif
		if
		:: !gone ->
			assert(text == body(peer, self, next));
			next++;
			store(READER, TAKEN, code(p, next))
		:: else
		fi
	:: stamp != code(p, next) && stamp != (next < SLOTS -> 0 : code(p, next - SLOTS)) ->
		in_stray()
	:: else
	fi
}

proctype reader()
{
	byte self = list[READER], peer, p, next, stamp, text;
	bool met, gone;

	{
		in_open();
end:		do
		:: list[WRITER] != peer -> gone = false; in_open()
		:: !gone && !met && mem[OPEN] == code(p, 0) -> met = true
		:: !gone && met && mem[STAMP(next)] != (next < SLOTS -> 0 : code(p, next - SLOTS)) ->
			ring_get()
		od
	} unless { dying[READER] };
	parked[READER] = true
}

/* Killed, and parked: what its buffer held has arrived. */
inline kill(who)
{
	deaths++;
	dying[who] = true;
	parked[who] && fence(who);
	parked[who] = false;
	list[who] = list[who] + 1;
	dying[who] = false
}

active proctype supervisor()
{
	atomic { run writer(); run reader() }
end:	do
	:: deaths < DEATHS -> kill(WRITER); run writer()
	:: deaths < DEATHS -> kill(READER); run reader()
	od
}
