// SPDX-License-Identifier: GPL-2.0-only
/*
 * Two kernels that poll: a bare cache line, and the ring of FICM. The ring's
 * source is included, not linked: ficm.ko exports messages, not rings.
 *
 * No PAUSE while polling: emulation leaves its translated code for it, which
 * costs more than all that is measured here.
 */
#include <linux/compiler.h>
#include <linux/errno.h>

#include "rfping.h"
#include "../../ficm/ring.c"

static int wait_word(const __le64 *word, u64 wanted)
{
	u64 spins = PING_SPINS;

	/* Pairs with put_line(). */
	while (smp_load_acquire(word) != cpu_to_le64(wanted))
		if (!--spins)
			return -ETIMEDOUT;
	return 0;
}

/* The stamp last, all of the line before it if it is a message, as in the ring. */
static void put_line(const struct ping_run *run, u64 stamp)
{
	unsigned int i;

	if (run->mode == PING_MSG)
		for (i = 1; i < 8; i++)
			WRITE_ONCE(run->own->line.word[i], cpu_to_le64(stamp + i));
	/* The line before its stamp: pairs with wait_word(). */
	smp_store_release(&run->own->line.word[0], cpu_to_le64(stamp));
}

static int get_line(const struct ping_run *run, u64 stamp)
{
	u64 wrong = 0;
	unsigned int i;
	int ret;

	ret = wait_word(&run->peer->line.word[0], stamp);
	if (ret || run->mode != PING_MSG)
		return ret;
	for (i = 1; i < 8; i++)
		wrong |= le64_to_cpu(READ_ONCE(run->peer->line.word[i])) - (stamp + i);
	return wrong ? -EIO : 0;
}

/**
 * ping_poll_lines() - send a cache line there and back
 * @run: the run
 *
 * Return: 0, -ETIMEDOUT, -EIO what came was not what was sent.
 */
int ping_poll_lines(const struct ping_run *run)
{
	u32 trip, trips = 1 + run->trips * run->batches;
	int ret = 0;

	for (trip = 0; trip < trips && !ret; trip++) {
		u64 stamp = (u64)run->number << 32 | trip;

		if (run->leads)
			put_line(run, stamp);
		ret = get_line(run, stamp);
		if (!run->leads)
			put_line(run, stamp);
		else
			ping_account(run, trip);
	}
	return ret;
}

static int put_ring(struct ficm_ring_out *out, u32 trip)
{
	struct rf_msg msg = { .len = RF_MSG_BODY, .tag = cpu_to_le32(trip) };
	int ret = ficm_ring_put(out, &msg);

	/* Nobody is armed; a sender has to look, however. */
	return ret ?: ficm_ring_bell(out) ? -EIO : 0;
}

static int get_ring(struct ficm_ring_in *in, u32 trip)
{
	u64 spins = PING_SPINS;
	struct rf_msg msg;
	int ret;

	while ((ret = ficm_ring_get(in, &msg)) == -EAGAIN)
		if (!--spins)
			return -ETIMEDOUT;
	return ret ?: le32_to_cpu(msg.tag) == trip ? 0 : -EIO;
}

/**
 * ping_poll_rings() - send messages there and back through two rings
 * @run: the run
 *
 * Return: 0, -ETIMEDOUT, -EPIPE the ring broke, -EIO.
 */
int ping_poll_rings(const struct ping_run *run)
{
	struct ping_lines *peer = (struct ping_lines *)run->peer;
	struct ficm_ring_mem to = { &run->own->head, &peer->ack, PING_SLOTS };
	struct ficm_ring_mem from = { &peer->head, &run->own->ack, PING_SLOTS };
	u32 trip, trips = 1 + run->trips * run->batches;
	struct ficm_ring_out out;
	struct ficm_ring_in in;
	int ret;

	ret = ficm_ring_out_open(&out, &to, run->number, run->number) ?:
	      ficm_ring_in_open(&in, &from, run->number, run->number);
	for (trip = 0; trip < trips && !ret; trip++) {
		if (run->leads)
			ret = put_ring(&out, trip);
		ret = ret ?: get_ring(&in, trip);
		if (!run->leads)
			ret = ret ?: put_ring(&out, trip);
		else
			ping_account(run, trip);
	}
	return ret;
}
