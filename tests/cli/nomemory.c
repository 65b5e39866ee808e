// SPDX-License-Identifier: GPL-2.0-only
/*
 * A C library that runs out of memory once: preloaded, it makes the N-th allocation from main()
 * on fail, whoever asks for it.
 *
 *	NOMEMORY=N LD_PRELOAD=nomemory.so PROGRAM...
 *	NOMEMORY_MET=FILE	is written when it has failed
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "../../rfm/memory.h"

static atomic_long left;	/* allocations until the one that fails; 0: never */
static const char *met;
static int (*real_main)(int argc, char **argv, char **envp);

static int fails(void)
{
	int fd;

	if (!atomic_load(&left) || atomic_fetch_sub(&left, 1) != 1)
		return 0;
	fd = met ? open(met, O_WRONLY | O_CREAT, 0600) : -1;
	if (fd >= 0)
		close(fd);
	errno = ENOMEM;
	return 1;
}

void *malloc(size_t size)
{
	return fails() ? NULL : __libc_malloc(size);
}

void *calloc(size_t nr, size_t size)
{
	return fails() ? NULL : __libc_calloc(nr, size);
}

void *realloc(void *old, size_t size)
{
	return fails() ? NULL : __libc_realloc(old, size);
}

static int begin(int argc, char **argv, char **envp)
{
	const char *nth = getenv("NOMEMORY");

	met = getenv("NOMEMORY_MET");
	atomic_store(&left, nth ? atol(nth) : 0);
	unsetenv("NOMEMORY");	/* not in what it starts */
	return real_main(argc, argv, envp);
}

int __libc_start_main(int (*program)(int argc, char **argv, char **envp), int argc, char **argv,
		      void (*init)(void), void (*fini)(void), void (*rtld_fini)(void), void *stack)
{
	__typeof__(__libc_start_main) *start = dlsym(RTLD_NEXT, "__libc_start_main");

	real_main = program;
	return start(begin, argc, argv, init, fini, rtld_fini, stack);
}
