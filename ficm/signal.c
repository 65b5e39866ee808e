// SPDX-License-Identifier: GPL-2.0-only
/*
 * Signals between two kernels. Signal n is pending while bit n of the raiser's @sent differs
 * from that of the taker's @taken: each has one writer, nothing is ever set back. Every value
 * of what the other kernel writes is harmless: it makes us take signals that nobody raised, or
 * not ring for some.
 *
 *	raising                                   taking
 *	store what it is about                    copy @sent to @taken
 *	full barrier                              full barrier
 *	look at @taken: pending?  -> no ring      look at what it is about
 *
 * As with ficm_ring_arm() at least one sees what the other stored: whoever finds his signal
 * pending need not ring, as the other has yet to look.
 */
#include "ring.h"
#include "signal.h"

static_assert(RF_SIGNALS == 64 * RF_SIGNAL_WORDS);
static_assert(sizeof(struct rf_signals) == 576);
static_assert(offsetof(struct rf_signals, sent) == 16);
static_assert(offsetof(struct rf_signals, taken) == 320);

static __le64 open_of(u32 writer, u32 reader)
{
	return cpu_to_le64((u64)ficm_ring_pair(writer, reader) << 32);
}

/**
 * ficm_signals_open() - no signal is pending, from now on
 * @s: to set up
 * @own: where we write
 * @other: where the other kernel does
 * @self: own generation
 * @peer: the other's
 *
 * What is raised before the other one has opened is pending until it does: the caller looks
 * once after this, without a doorbell.
 */
void ficm_signals_open(struct ficm_signals *s, struct rf_signals *own,
		       const struct rf_signals *other, u32 self, u32 peer)
{
	unsigned int i;

	*s = (struct ficm_signals) {
		.own = own,
		.other = other,
		.other_open = open_of(peer, self),
	};
	WRITE_ONCE(own->open, 0);
	for (i = 0; i < RF_SIGNAL_WORDS; i++) {
		WRITE_ONCE(own->sent[i], 0);
		WRITE_ONCE(own->taken[i], 0);
	}
	WRITE_ONCE(own->count, 0);
	/* Empty before open: pairs with other_opened(). */
	smp_store_release(&own->open, open_of(self, peer));
	/* Open before the first look: pairs with ficm_signal_raise(). */
	smp_mb();
}

/**
 * ficm_signals_close() - nothing is raised or taken any more
 * @s: as ficm_signals_open() made it
 */
void ficm_signals_close(struct ficm_signals *s)
{
	WRITE_ONCE(s->own->open, 0);
}

/* Until it has opened for this very kernel its words are those of somebody else. */
static bool other_opened(const struct ficm_signals *s)
{
	/* Pairs with ficm_signals_open(). */
	return smp_load_acquire(&s->other->open) == s->other_open;
}

/* What the other one has not taken, as far as is known. */
static u64 pending(struct ficm_signals *s, unsigned int word)
{
	__le64 sent = READ_ONCE(s->own->sent[word]);

	s->met = s->met || other_opened(s);
	return le64_to_cpu(s->met ? sent ^ READ_ONCE(s->other->taken[word]) : sent);
}

/**
 * ficm_signal_raise() - have the other kernel look
 * @s: the signals
 * @n: which, below RF_SIGNALS
 *
 * The other one looks after this at what was stored before.
 *
 * Return: true: ring its doorbell. Otherwise it is pending, and was rung for.
 */
bool ficm_signal_raise(struct ficm_signals *s, unsigned int n)
{
	unsigned int word = n / 64;
	u64 bit = BIT_ULL(n % 64);

	/* What it is about before the look at what was taken: pairs with ficm_signals_take(). */
	smp_mb();
	if (pending(s, word) & bit)
		return false;
	WRITE_ONCE(s->own->sent[word], s->own->sent[word] ^ cpu_to_le64(bit));
	s->raised++;
	/* The signal before its count: pairs with ficm_signals_look(). */
	smp_store_release(&s->own->count, cpu_to_le64(s->raised));
	/* Before the look where the doorbell is: pairs with bell_set_affinity(). */
	smp_mb();
	return true;
}

/**
 * ficm_signals_look() - was a signal raised since the last look?
 * @s: the signals
 *
 * Return: true: take all words.
 */
bool ficm_signals_look(struct ficm_signals *s)
{
	u64 count;

	if (!other_opened(s))
		return false;
	/* The count before the signals: pairs with ficm_signal_raise(). */
	count = le64_to_cpu(smp_load_acquire(&s->other->count));
	if (count == s->seen)
		return false;
	s->seen = count;
	return true;
}

/**
 * ficm_signals_take() - take the signals that are pending
 * @s: the signals
 * @word: 0 to RF_SIGNAL_WORDS, exclusive
 *
 * Return: a bit for each, from 64 * @word on. What they are about is to be looked at now.
 */
u64 ficm_signals_take(struct ficm_signals *s, unsigned int word)
{
	__le64 sent = READ_ONCE(s->other->sent[word]);
	u64 some = le64_to_cpu(sent ^ s->own->taken[word]);

	if (!some)
		return 0;
	WRITE_ONCE(s->own->taken[word], sent);
	/* Taken before the look at what it is about: pairs with ficm_signal_raise(). */
	smp_mb();
	return some;
}
