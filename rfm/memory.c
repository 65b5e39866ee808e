// SPDX-License-Identifier: GPL-2.0-only
/*
 * DOC: Memory that is not there
 *
 * Whoever asks for memory here, the libraries too, gets it or ends the program with one line:
 * json-c and libsmartcols leave out what they have no memory for, and a file that cannot be
 * opened would pass for one that is not there. What was taken is given back then, as the
 * descriptor of a subOS that was not started is closed.
 */
#include "memory.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

#include "rfm.h"

/* Those of the C library, or what a test has put before them. */
static void *(*next_malloc)(size_t size) = __libc_malloc;
static void *(*next_calloc)(size_t nr, size_t size) = __libc_calloc;
static void *(*next_realloc)(void *old, size_t size) = __libc_realloc;

static __attribute__((constructor)) void find_next(void)
{
	next_malloc = dlsym(RTLD_NEXT, "malloc");
	next_calloc = dlsym(RTLD_NEXT, "calloc");
	next_realloc = dlsym(RTLD_NEXT, "realloc");
}

static int exit_code(void)
{
	if (rfm.verb && !strcmp(rfm.verb, "exec"))
		return RFM_EXEC;
	return rfm.done ? RFM_PARTIAL : RFM_FAILED;
}

static void *need(void *p)
{
	if (p)
		return p;
	rfm_fail(exit_code(), "out of memory%s",
		 rfm.done ? " for more than the work itself, which is done" : "");
	exit(exit_code());
}

void *malloc(size_t size)
{
	return need(next_malloc(size));
}

void *calloc(size_t nr, size_t size)
{
	return need(next_calloc(nr, size));
}

/* That of nothing frees. */
void *realloc(void *old, size_t size)
{
	void *p = next_realloc(old, size);

	return size ? need(p) : p;
}
