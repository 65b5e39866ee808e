/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What files of rfcom want beside kernel.h.
 */
#ifndef _TESTS_FUZZ_RFCOM_KERNEL_H
#define _TESTS_FUZZ_RFCOM_KERNEL_H

#include "kernel.h"

/* a table by number, of pointers */
#define XA_ENTRIES	64UL

struct xarray {
	void *entry[XA_ENTRIES];
};

#define DEFINE_XARRAY_ALLOC1(x)	struct xarray x
#define xa_lock(x)		(kernel_spin++)
#define xa_unlock(x)		(kernel_spin--)
#define XA_LIMIT(a, b)		0
#define XA_PRESENT		0
#define xa_alloc_cyclic(x, id, p, limit, next, gfp)	xa_put(x, id, p, next)

static inline void *xa_load(struct xarray *x, unsigned long i)
{
	return i < XA_ENTRIES ? x->entry[i] : NULL;
}

static inline void *xa_erase(struct xarray *x, unsigned long i)
{
	void *p = xa_load(x, i);

	if (p)
		x->entry[i] = NULL;
	return p;
}

static inline int xa_put(struct xarray *x, u32 *id, void *p, u32 *next)
{
	u32 i, at = *next;

	for (i = 0; i < XA_ENTRIES; i++) {
		at = (at + 1) % XA_ENTRIES;
		if (!at || x->entry[at])
			continue;
		x->entry[at] = p;
		*next = at;
		*id = at;
		return 0;
	}
	return -EBUSY;
}

static inline void *xa_find_after(struct xarray *x, unsigned long *i, unsigned long most, int mark)
{
	(void)most;
	(void)mark;
	while (++*i < XA_ENTRIES)
		if (x->entry[*i])
			return x->entry[*i];
	return NULL;
}

/* what the exchange of messages calls */
struct notifier_block {
	int (*notifier_call)(struct notifier_block *nb, unsigned long action, void *data);
};

#define NOTIFY_DONE	0

/* the parameter "fetched" */
struct kernel_param;

struct kernel_param_ops {
	int (*get)(char *text, const struct kernel_param *param);
	int (*set)(const char *text, const struct kernel_param *param);
};

#define module_param_cb(name, ops, arg, mode)	\
	static const void *const name##_cb __attribute__((__unused__)) = (ops)

#include "internal.h"

#endif /* _TESTS_FUZZ_RFCOM_KERNEL_H */
