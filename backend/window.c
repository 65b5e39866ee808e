// SPDX-License-Identifier: GPL-2.0-only
/*
 * A subOS's memory. It can shrink or end between any two instructions: an access then
 * ends with SIGBUS, out of which we jump.
 */
#include "window.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>

static sigjmp_buf out;
static volatile sig_atomic_t copying;

static void on_sigbus(int sig)
{
	if (copying)
		siglongjmp(out, 1);
	signal(sig, SIG_DFL);
	raise(sig);
}

int window_map(struct window *w, int fd, uint64_t bytes)
{
	struct sigaction sa = { .sa_handler = on_sigbus, .sa_flags = SA_NODEFER };
	void *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, fd, 0);

	if (at == MAP_FAILED)
		return -errno;
	*w = (struct window){ .fd = fd, .base = at, .bytes = bytes };
	return sigaction(SIGBUS, &sa, NULL) ? -errno : 0;
}

static bool inside(const struct window *w, uint64_t address, uint32_t bytes)
{
	return address < w->bytes && bytes <= w->bytes - address;
}

static int copy(void *to, const void *from, uint32_t bytes)
{
	if (sigsetjmp(out, 0)) {
		copying = false;
		return -EFAULT;
	}
	copying = true;
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	memcpy(to, from, bytes);
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	copying = false;
	return 0;
}

int window_read(void *ctx, uint64_t address, void *to, uint32_t bytes)
{
	const struct window *w = ctx;

	return inside(w, address, bytes) ? copy(to, w->base + address, bytes) : -EFAULT;
}

int window_write(void *ctx, uint64_t address, const void *from, uint32_t bytes)
{
	const struct window *w = ctx;

	return inside(w, address, bytes) ? copy(w->base + address, from, bytes) : -EFAULT;
}
