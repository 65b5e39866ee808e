/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * As much of the kernel as a file of rfcontroller needs to run in user space,
 * under the sanitizers. The test defines what else it wants and then includes
 * the real .c file; the kernel headers that this names are empty there.
 */
#ifndef _TESTS_UNIT_KSHIM_H
#define _TESTS_UNIT_KSHIM_H

#define _GNU_SOURCE
#define _RFCTL_INTERNAL_H	/* what the file needs of it stands in the test */
#define _RFCTL_FAIL_H
#define _RFCTL_ANCHOR_H
#define _RAINFOREST_PURE_H

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

#include "../../include/uapi/linux/rainforest.h"
#include "../../include/uapi/linux/rainforest_wire.h"

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef int32_t s32;
typedef unsigned long long u64;
typedef long long s64;

#define __user
#define __force
#define __printf(a, b)		__attribute__((__format__(printf, a, b)))
#define GFP_KERNEL		0
#define U64_MAX			UINT64_MAX
#define BIT(nr)			(1UL << (nr))
#define PAGE_SHIFT		12
#define PAGE_SIZE		4096UL
#define SZ_1M			0x100000
#define NSEC_PER_MSEC		1000000ULL

#define READ_ONCE(x)		(*(const volatile typeof(x) *)&(x))
#define WRITE_ONCE(x, v)	(*(volatile typeof(x) *)&(x) = (v))
/* orders what follows behind it */
#define smp_load_acquire(p)	__atomic_load_n(p, __ATOMIC_ACQUIRE)
/* orders what comes before it before it */
#define smp_store_release(p, v)	__atomic_store_n(p, v, __ATOMIC_RELEASE)
#define cpu_to_le16(x)		((__le16)(x))
#define cpu_to_le32(x)		((__le32)(x))
#define le32_to_cpu(x)		((u32)(x))
#define ARRAY_SIZE(a)		(sizeof(a) / sizeof((a)[0]))
#define max(a, b)		({ typeof(a) _a = (a); typeof(b) _b = (b); _a > _b ? _a : _b; })
#define min(a, b)		({ typeof(a) _a = (a); typeof(b) _b = (b); _a < _b ? _a : _b; })
#define min_t(t, a, b)		({ t _t[] = { (a), (b) }; _t[0] < _t[1] ? _t[0] : _t[1]; })
#define u64_to_user_ptr(x)	((void *)(uintptr_t)(x))
#define IS_ERR(p)		((unsigned long)(p) >= (unsigned long)-4095)
#define PTR_ERR(p)		((long)(p))
#define ERR_PTR(e)		((void *)(long)(e))

static inline int order_base_2(u64 n)
{
	return n < 2 ? 0 : 64 - __builtin_clzll(n - 1);
}

static inline int ilog2(u64 n)
{
	return 63 - __builtin_clzll(n);
}

static inline u32 hash_64(u64 value, unsigned int bits)
{
	return value * 0x61C8864680B583EBull >> (64 - bits);
}

/* memory; a test may set kshim_fail to make the next allocation fail */
static int kshim_fail __attribute__((__unused__));

static inline void *kcalloc(size_t n, size_t size, int gfp)
{
	(void)gfp;
	return kshim_fail && !--kshim_fail ? NULL : calloc(n, size);
}

#define kvcalloc(n, size, gfp)		kcalloc(n, size, gfp)
#define kmalloc_array(n, size, gfp)	kcalloc(n, size, gfp)
#define kzalloc(size, gfp)		kcalloc(1, size, gfp)
#define kvzalloc(size, gfp)		kcalloc(1, size, gfp)
#define rfctl_zalloc(size)		kcalloc(1, size, 0)
#define rfctl_alloc(call)		(call)
#define rfctl_fail(point)		false
#define kfree(p)			free(p)
#define kvfree(p)			free(p)

static inline void kshim_kfree(void *p)
{
	free(*(void **)p);
}

#define __free(how)		__attribute__((__cleanup__(kshim_##how)))

/* user memory is ours; NULL stands for a bad address */
static inline size_t copy_to_user(void *to, const void *from, size_t n)
{
	return to || !n ? (memcpy(to ?: (void *)&to, from, n), 0) : n;
}

static inline size_t copy_from_user(void *to, const void *from, size_t n)
{
	return from || !n ? (memcpy(to, from ?: (void *)&from, n), 0) : n;
}

/* locks */
struct mutex {
	pthread_mutex_t m;
};

#define DEFINE_SPINLOCK(x)	struct mutex x = { PTHREAD_MUTEX_INITIALIZER }
#define spin_lock(l)		pthread_mutex_lock(&(l)->m)
#define spin_unlock(l)		pthread_mutex_unlock(&(l)->m)
#define mutex_init(l)		pthread_mutex_init(&(l)->m, NULL)
#define mutex_destroy(l)	pthread_mutex_destroy(&(l)->m)
#define mutex_lock(l)		pthread_mutex_lock(&(l)->m)
#define mutex_unlock(l)		pthread_mutex_unlock(&(l)->m)
#define lockdep_assert_held(l)	((void)(l))

static inline struct mutex *kshim_lock(struct mutex *lock)
{
	pthread_mutex_lock(&lock->m);
	return lock;
}

static inline void kshim_unlock(struct mutex **lock)
{
	pthread_mutex_unlock(&(*lock)->m);
}

#define KSHIM_NAME2(line)	kshim_held_##line
#define KSHIM_NAME(line)	KSHIM_NAME2(line)
#define kshim_guard_mutex(l)						\
	struct mutex *KSHIM_NAME(__LINE__)				\
	__attribute__((__cleanup__(kshim_unlock), __unused__)) = kshim_lock(l)
#define guard(kind)		kshim_guard_##kind

struct list_head {
	struct list_head *next, *prev;
};

static inline void INIT_LIST_HEAD(struct list_head *list)
{
	list->next = list->prev = list;
}

static inline void list_add(struct list_head *item, struct list_head *head)
{
	item->next = head->next;
	item->prev = head;
	head->next->prev = item;
	head->next = item;
}

static inline void list_del(struct list_head *item)
{
	item->prev->next = item->next;
	item->next->prev = item->prev;
}

#define list_entry(p, type, member)	((type *)((char *)(p) - offsetof(type, member)))
#define list_for_each_entry(pos, head, member)					\
	for (pos = list_entry((head)->next, typeof(*pos), member); &pos->member != (head);	\
	     pos = list_entry(pos->member.next, typeof(*pos), member))

/* waiting: nobody else runs, so that a wait ends at once, by the clock or a signal */
struct kshim_wait {
	int woken;
};

static unsigned long jiffies __attribute__((__unused__));

#define wait_queue_head_t	struct kshim_wait
#define init_waitqueue_head(w)	((w)->woken = 0)
#define wake_up_interruptible(w)	((w)->woken++)
#define msecs_to_jiffies(ms)	((unsigned long)(ms))
#define time_after(a, b)	((long)((b) - (a)) < 0)
#define wait_event_interruptible_timeout(w, cond, t)	\
	((w).woken = 0, jiffies += (t), kshim_sleep(), (cond) ? 1 : 0)

static void kshim_sleep(void);

/* the anchor: there is none, and we are not detached */
#include "../../rfcontroller/anchor_format.c"

static const struct rf_anchor *rfctl_adopted __attribute__((__unused__));

static inline void rfctl_adopt_machine(struct rf_anchor_machine *machine)
{
	memset(machine, 0, sizeof(*machine));
}

static inline bool rfctl_detached(void)
{
	return false;
}

#endif /* _TESTS_UNIT_KSHIM_H */
