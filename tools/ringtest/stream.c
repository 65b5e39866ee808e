// SPDX-License-Identifier: GPL-2.0-only
/*
 * Numbered messages from one thread to the other: none lost, none twice, in
 * order, whole; the reader polls, or sleeps on a doorbell, which is a futex.
 */
#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "ringtest.h"

#define PATIENCE_S	20	/* asleep for so long: look whether that is right */

static struct ficm_ring_mem mem;
static struct ficm_ring_out out;
static struct ficm_ring_in in;
static u32 doorbell;
static u64 sleeps;

static void bell_ring(void)
{
	__atomic_store_n(&doorbell, 1, __ATOMIC_RELEASE);
	syscall(SYS_futex, &doorbell, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

/* False when it did not ring for very long. */
static bool bell_wait(void)
{
	static const struct timespec patience = { .tv_sec = PATIENCE_S };
	struct timespec begin, now;

	sleeps++;
	clock_gettime(CLOCK_MONOTONIC, &begin);
	while (!__atomic_exchange_n(&doorbell, 0, __ATOMIC_ACQUIRE)) {
		syscall(SYS_futex, &doorbell, FUTEX_WAIT_PRIVATE, 0, &patience, NULL, 0);
		clock_gettime(CLOCK_MONOTONIC, &now);
		if (now.tv_sec - begin.tv_sec >= PATIENCE_S)
			return __atomic_exchange_n(&doorbell, 0, __ATOMIC_ACQUIRE);
	}
	return true;
}

static void put_one(const struct rf_msg *msg)
{
	unsigned int spins = 0;
	int ret;

	while ((ret = ficm_ring_put(&out, msg)) == -EAGAIN) {
		if (ficm_ring_bell(&out))
			bell_ring();
		relax(&spins);
	}
	if (ret)
		fail("put: %d, %s", ret, ficm_ring_fault_name(out.fault));
}

/* One to four messages at a time, now and then a rest, so that the reader catches up. */
static void *writer(void *arg)
{
	u64 number = 0, state = 1, dice;
	struct rf_msg msg;

	while (number < opt.count) {
		dice = rng(&state);
		do {
			msg_fill(&msg, number++, 0);
			put_one(&msg);
		} while (number < opt.count && dice & 1 && (dice >>= 1) & 1);
		if (ficm_ring_bell(&out))
			bell_ring();
		for (dice = dice >> 8 & 0x7f; opt.sleep && dice; dice--)
			__builtin_ia32_pause();
	}
	return NULL;
}

static void rest(unsigned int *spins)
{
	if (!opt.sleep || *spins < opt.spin) {
		relax(spins);
		return;
	}
	*spins = 0;
	if (!ficm_ring_arm(&in) || bell_wait())
		return;
	fail("%s after %llu messages", ficm_ring_arm(&in) ? "nothing came" : "a wake-up was lost",
	     (unsigned long long)in.got);
}

static void *reader(void *arg)
{
	unsigned int spins = 0;
	struct rf_msg msg;
	u64 number = 0;
	int ret;

	while (number < opt.count) {
		ret = ficm_ring_get(&in, &msg);
		if (!ret) {
			msg_check(&msg, number++, 0);
			spins = 0;
		} else if (ret == -EAGAIN) {
			rest(&spins);
		} else {
			fail("get: %d, %s", ret, ficm_ring_fault_name(in.fault));
		}
	}
	if (ficm_ring_get(&in, &msg) != -EAGAIN)
		fail("more came than was sent");
	return NULL;
}

void stream(void)
{
	mem_make(&mem);
	if (ficm_ring_out_open(&out, &mem, 1, 2) || ficm_ring_in_open(&in, &mem, 2, 1))
		fail("a ring of %u slots is refused", opt.slots);
	both(writer, reader);
	printf("messages %llu full %llu arms %llu sleeps %llu bells %llu\n",
	       (unsigned long long)in.got, (unsigned long long)out.full,
	       (unsigned long long)in.arms, (unsigned long long)sleeps,
	       (unsigned long long)out.bells);
	mem_free(&mem);
}
