/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Iterators over the memory of a program, which may be absent, and in the middle of whose use
 * other kernels do something: the target's meddle().
 */
#ifndef _TESTS_FUZZ_ITER_H
#define _TESTS_FUZZ_ITER_H

#include "kernel.h"

struct iov_iter {
	u8 *at;
	size_t count;
	unsigned int absent;	/* copies without faults that do not succeed */
	bool bad;		/* it is not there at all */
};

struct kvec {
	void *iov_base;
	size_t iov_len;
};

#define ITER_SOURCE	1
#define ITER_DEST	0
#define iov_iter_kvec(i, way, v, nr, n)		\
	(*(i) = (struct iov_iter){ .at = (v)->iov_base, .count = (n) })
#define iov_iter_count(i)	((i)->count)
#define iov_iter_revert(i, n)	((i)->at -= (n), (i)->count += (n))

static int kernel_nofault;
static void meddle(void);	/* the target's: another kernel writes what is its own */

#define pagefault_disable()	(kernel_nofault++)
#define pagefault_enable()	(kernel_nofault--)

static size_t iter_reach(struct iov_iter *i, size_t n)
{
	must(kernel_nofault || (!kernel_spin && !kernel_rcu));
	meddle();
	n = n < i->count ? n : i->count;
	if (i->bad || (kernel_nofault && i->absent)) {
		i->absent -= !!i->absent;
		n /= 2;
	}
	return n;
}

static inline size_t copy_to_iter(const void *from, size_t n, struct iov_iter *i)
{
	n = iter_reach(i, n);
	memcpy(i->at, from, n);
	i->at += n;
	i->count -= n;
	meddle();
	return n;
}

static inline size_t copy_from_iter(void *to, size_t n, struct iov_iter *i)
{
	n = iter_reach(i, n);
	memcpy(to, i->at, n);
	i->at += n;
	i->count -= n;
	return n;
}

static inline size_t fault_in(const struct iov_iter *i)
{
	might_sleep();
	must(!kernel_nofault);
	return i->bad;
}

#define fault_in_iov_iter_readable(i, n)	fault_in(i)
#define fault_in_iov_iter_writeable(i, n)	fault_in(i)

#endif /* _TESTS_FUZZ_ITER_H */
