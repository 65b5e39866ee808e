/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One core or one block of memory goes to a subOS and comes back, while either
 * side may die after any step. What each side may touch stands apart from what
 * the ledger says: the kernel of a dead subOS goes on touching until its cores
 * are proved parked.
 *
 *	SUPERVISOR -> RESERVED -> OFFERED -> SUBOS -> WITHDRAWN -> SCRUB -> SUPERVISOR
 *	any that the subOS may touch -> QUARANTINE, when a core does not answer
 *
 * Requests have sequence numbers and are repeated when no answer comes; requests
 * and answers may be repeated and overtake each other. The ledger and the last
 * sequence number survive the death of the supervisor's module.
 *
 * Checked: never do both touch it; whoever touches it is the owner in the
 * ledger; in the end it is with one of them or locked away. -DNAME of the names
 * below spoils the protocol, and must be noticed.
 */
#ifdef LARGE
#define MOVES	3	/* requests, repetitions not counted */
#else
#define MOVES	2
#endif
#define REPEATS	1	/* of requests and answers */
#define KILLS	1	/* of the subOS */
#define RELOADS	1	/* of the supervisor's module */

mtype = { SUPERVISOR, RESERVED, OFFERED, SUBOS, WITHDRAWN, SCRUB, QUARANTINE };
mtype = { OFFER, WITHDRAW, YES, NO };

/* in the supervisor's memory, and surviving its module */
mtype ledger = SUPERVISOR;
byte seq;

bool sup_touches = true, sub_touches;
bool sub_alive = true, halted;
bool unloading;
byte moves, repeats, kills, reloads;

chan request = [2] of { mtype, byte };
chan answer = [2] of { mtype, byte };

#define sub_owns (ledger == OFFERED || ledger == SUBOS || ledger == WITHDRAWN || \
		  ledger == QUARANTINE)
#define one_owner (!(sup_touches && sub_touches) && (!sub_touches || sub_owns) && \
		   (!sup_touches || !sub_owns))

#define settled ((ledger == SUPERVISOR && sup_touches) || (ledger == SUBOS && sub_touches) || \
		 ledger == QUARANTINE)

/* Looks after every step, and when nothing moves any more. */
active proctype checker()
{
	if
	:: !one_owner -> assert(one_owner)
	:: timeout -> assert(settled)
	fi
}

/* Messages are repeated and overtake each other. */
active proctype weather()
{
	mtype what;
	byte n;

end:	do
	:: d_step { len(request) == 2 -> request?what,n; request!what,n }
	:: d_step { len(answer) == 2 -> answer?what,n; answer!what,n }
	:: d_step { repeats < REPEATS && len(request) == 1 ->
			repeats++; request?what,n; request!what,n; request!what,n }
	:: d_step { repeats < REPEATS && len(answer) == 1 ->
			repeats++; answer?what,n; answer!what,n; answer!what,n }
	od
}

/*
 * The subOS: takes each request once, in order, and repeats its answer when
 * asked again. It may say no to either.
 */
proctype subos()
{
	mtype what, said = NO;
	byte n, done = seq;

	{
end:		do
		:: request?what,n ->
			if
#ifdef REQUESTS_NOT_NUMBERED
			:: true ->
#else
			:: n > done ->
#endif
				if
				:: what == OFFER ->
					if
					:: sub_touches = true; said = YES
					:: said = NO
					fi
				:: what == WITHDRAW ->
					if
#ifdef YES_BEFORE_STOPPING
					:: answer!YES,n; sub_touches = false; said = YES
#else
					:: sub_touches = false; said = YES
#endif
					:: said = NO
					fi
				fi;
				done = n;
				answer!said,n
			:: n == done -> answer!said,n
			:: n < done		/* old */
			fi
		od
	} unless { !sub_alive };
	halted = true
}

inline give()
{
#ifdef OFFERED_BEFORE_STOPPING
	ledger = RESERVED;
	ledger = OFFERED;
	sup_touches = false;
#else
	sup_touches = false;
	ledger = RESERVED;
#ifdef SENT_BEFORE_WRITTEN_DOWN
	seq = seq + 1;
	request!OFFER,seq;
	ledger = OFFERED;
#else
	seq = seq + 1;
	ledger = OFFERED;
#endif
#endif
}

inline withdraw()
{
	seq = seq + 1;
	ledger = WITHDRAWN
}

/* From the subOS for good: it said so, or it is dead and parked. */
inline take_back()
{
	ledger = SCRUB;
	sup_touches = true;
	ledger = SUPERVISOR
}

/* What is pending is asked again, until an answer comes or the subOS is dead. */
inline ask()
{
	if
	:: ledger == OFFERED && len(request) == 0 -> request!OFFER,seq
	:: ledger == WITHDRAWN && len(request) == 0 -> request!WITHDRAW,seq
	:: len(request) > 0
	fi
}

inline hear()
{
	if
#ifdef ANSWERS_NOT_NUMBERED
	:: true ->
#else
	:: n == seq ->
#endif
		if
		:: ledger == OFFERED && what == YES -> ledger = SUBOS
		:: ledger == OFFERED && what == NO -> take_back()
		:: ledger == WITHDRAWN && what == YES -> take_back()
		:: ledger == WITHDRAWN && what == NO -> ledger = SUBOS
		:: else			/* a repetition */
		fi
	:: else
	fi
}

#define pending (ledger == OFFERED || ledger == WITHDRAWN)

/* Stops it by force. Its cores are proved parked, or one does not answer. */
inline bury()
{
#ifdef TAKEN_BEFORE_PARKED
	if
	:: sub_owns -> take_back()
	:: else
	fi;
	halted;
	sub_touches = false;
#else
	halted;
	if
	:: sub_touches = false;
		if
		:: sub_owns -> take_back()
		:: else
		fi
	:: sub_owns -> ledger = QUARANTINE
	fi;
#endif
	d_step {	/* rings of a dead incarnation do not reach the next one */
		do
		:: request?what,n
		:: answer?what,n
		:: empty(request) && empty(answer) -> break
		od;
		what = 0; n = 0
	}
}

/* What the last one of us left half done. */
inline adopt()
{
	if
	:: ledger == RESERVED || ledger == SCRUB ->
		sup_touches = true;
		ledger = SUPERVISOR
	:: ledger == SUPERVISOR && !sup_touches -> sup_touches = true
#ifdef ADOPTED_BLINDLY
	:: ledger == WITHDRAWN -> take_back()
#endif
	:: else
	fi
}

proctype supervisor()
{
	mtype what;
	byte n;

	{
#ifndef NOTHING_ADOPTED
		adopt();
#endif
end:		do
		:: !sub_alive && ledger != QUARANTINE ->
			bury();
			if
			:: ledger != QUARANTINE -> atomic { halted = false; sub_alive = true; run subos() }
			:: else
			fi
		:: sub_alive && moves < MOVES && ledger == SUPERVISOR -> moves++; give()
		:: sub_alive && moves < MOVES && ledger == SUBOS -> moves++; withdraw()
		:: sub_alive && pending -> ask()
#ifdef TAKEN_AFTER_SILENCE
		:: ledger == WITHDRAWN -> take_back()
#endif
		:: answer?what,n -> hear()
		od
	} unless { unloading };
	unloading = false
}

active proctype fate()
{
	atomic { run subos(); run supervisor() }
end:	do
	:: sub_alive && kills < KILLS -> kills++; sub_alive = false
	:: reloads < RELOADS && !unloading -> reloads++; unloading = true; !unloading; run supervisor()
	od
}
