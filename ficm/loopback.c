// SPDX-License-Identifier: GPL-2.0-only
/*
 * The peer that is this kernel itself: both ends of one ring, and of signals, for tests.
 */
#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <rainforest/ficm.h>

#include "internal.h"

#define LOOPBACK_SLOTS	256U

struct ficm_peer ficm_loopback = {
	.id = FICM_LOOPBACK,
	.generation = 1,
	.open = true,
	.out_lock = __SPIN_LOCK_UNLOCKED(ficm_loopback.out_lock),
	.in_lock = __SPIN_LOCK_UNLOCKED(ficm_loopback.in_lock),
	.signal_lock = __SPIN_LOCK_UNLOCKED(ficm_loopback.signal_lock),
};

static struct ficm_ring_mem loopback_mem = { .slots = LOOPBACK_SLOTS };
static struct rf_signals *loopback_signals;

/**
 * ficm_loopback_init() - open both ends
 *
 * Return: 0 or -ENOMEM.
 */
int ficm_loopback_init(void)
{
	loopback_mem.head = alloc_pages_exact(ficm_ring_size(LOOPBACK_SLOTS), GFP_KERNEL);
	loopback_mem.ack = (void *)get_zeroed_page(GFP_KERNEL);
	loopback_signals = (void *)get_zeroed_page(GFP_KERNEL);
	if (!loopback_mem.head || !loopback_mem.ack || !loopback_signals) {
		ficm_loopback_exit();
		return -ENOMEM;
	}
	ficm_ring_out_open(&ficm_loopback.out, &loopback_mem, 1, 1);
	ficm_ring_in_open(&ficm_loopback.in, &loopback_mem, 1, 1);
	ficm_signals_open(&ficm_loopback.signals, loopback_signals, loopback_signals, 1, 1);
	return 0;
}

/**
 * ficm_loopback_exit() - free the ring; nobody uses either end
 */
void ficm_loopback_exit(void)
{
	if (loopback_mem.head)
		free_pages_exact(loopback_mem.head, ficm_ring_size(LOOPBACK_SLOTS));
	free_page((unsigned long)loopback_mem.ack);
	free_page((unsigned long)loopback_signals);
}
