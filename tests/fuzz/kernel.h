/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * As much of the kernel as files of rfcom and rfloop need to run in user space, one thread,
 * under a fuzzer: the target includes this, defines what else they want, and then includes
 * the real .c files. The kernel headers that those name are empty there (fuzz.sh).
 *
 * Locks know whether they are held, memory and work are counted: kernel_end() aborts where
 * something is left. What sleeps must not be called under a spinlock, or RCU.
 */
#ifndef _TESTS_FUZZ_KERNEL_H
#define _TESTS_FUZZ_KERNEL_H

#include <rainforest/pure.h>

#include <limits.h>
#include <sanitizer/asan_interface.h>
#include <stdlib.h>
#include <sys/types.h>

#define __maybe_unused		__attribute__((__unused__))

typedef long long s64;
typedef unsigned int gfp_t;

/* What has to be. */
#define must(good)							\
	((good) ? (void)0 :						\
	 (fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #good), abort()))

/* ordinary things */
#define __user
#define __rcu
#define __init
#define __exit
#define __force
#define HZ			250L
#define NSEC_PER_USEC		1000L
#define NSEC_PER_MSEC		1000000L
#define SZ_1M			0x100000UL
#define SZ_4M			0x400000UL
#define PAGE_SIZE		4096UL
#define PAGE_SHIFT		12
#define PAGE_ALIGN(x)		ALIGN(x, PAGE_SIZE)
#define MAX_ERRNO		4095
#define ERESTARTSYS		512
#define THIS_MODULE		NULL
#define EXPORT_SYMBOL_NS_GPL(symbol, space)
#define MODULE_PARM_DESC(name, text)
#define module_param(name, type, mode)
#define WARN_ON_ONCE(x)		({ bool _x = (x); must(!_x); _x; })
#define container_of(p, type, member)	((type *)((char *)(p) - offsetof(type, member)))
#define cond_resched()
#define cpu_relax()
#define fatal_signal_pending(task)	false
#define current			NULL
#define sysfs_emit(text, ...)	sprintf(text, __VA_ARGS__)
#define pr_info(...)

#define min(a, b)		({ __auto_type _a = (a); __auto_type _b = (b); _a < _b ? _a : _b; })
#define max(a, b)		({ __auto_type _a = (a); __auto_type _b = (b); _a > _b ? _a : _b; })
#define min_t(t, a, b)		({ t _a = (a); t _b = (b); _a < _b ? _a : _b; })

#define ERR_PTR(e)		((void *)(long)(e))
#define PTR_ERR(p)		((long)(p))
#define IS_ERR(p)		((unsigned long)(p) >= (unsigned long)-MAX_ERRNO)
#define PTR_ERR_OR_ZERO(p)	(IS_ERR(p) ? (int)PTR_ERR(p) : 0)

static inline ssize_t strscpy(char *to, const char *from, size_t size)
{
	size_t n = strnlen(from, size);

	must(size);
	memcpy(to, from, n < size ? n + 1 : size);
	to[size - 1] = 0;
	return n < size ? (ssize_t)n : -E2BIG;
}

#define strscpy_pad(to, from, size)	(memset(to, 0, size), strscpy(to, from, size))

/* locks */
static int kernel_spin, kernel_rcu;	/* how many are held */

typedef struct {
	bool held;
} spinlock_t;

struct mutex {
	bool held;
};

static inline void might_sleep(void)
{
	must(!kernel_spin && !kernel_rcu);
}

static inline void spin_lock(spinlock_t *l)
{
	must(!l->held);
	l->held = true;
	kernel_spin++;
}

static inline void spin_unlock(spinlock_t *l)
{
	must(l->held);
	l->held = false;
	kernel_spin--;
}

static inline void mutex_lock(struct mutex *l)
{
	might_sleep();
	must(!l->held);
	l->held = true;
}

static inline void mutex_unlock(struct mutex *l)
{
	must(l->held);
	l->held = false;
}

#define __SPIN_LOCK_UNLOCKED(x)		{ false }
#define DEFINE_SPINLOCK(x)		spinlock_t x
#define DEFINE_MUTEX(x)			struct mutex x
#define spin_lock_init(l)		((l)->held = false)
#define mutex_init(l)			((l)->held = false)
#define mutex_trylock(l)		({ bool _free = !(l)->held; (l)->held = true; _free; })
#define mutex_lock_interruptible(l)	(mutex_lock(l), 0)
#define lockdep_assert_held(l)		must((l)->held)
#define lockdep_is_held(l)		((l)->held)

#define rcu_read_lock()			(kernel_rcu++)
#define rcu_read_unlock()		(kernel_rcu--)
#define synchronize_rcu()		might_sleep()
#define rcu_dereference(p)		(must(kernel_rcu), (p))
#define rcu_dereference_protected(p, c)	(must(c), (p))
#define rcu_assign_pointer(p, v)	((p) = (v))
#define RCU_INIT_POINTER(p, v)		((p) = (v))

/* memory */
#define GFP_KERNEL		1U
#define GFP_KERNEL_ACCOUNT	1U
#define GFP_NOWAIT		0U
#define GFP_ATOMIC		0U
#define __GFP_ZERO		2U
#define __GFP_NOWARN		0U
#define __GFP_NORETRY		0U
#define __GFP_RETRY_MAYFAIL	0U

static unsigned long kernel_pieces;

static inline void *kernel_alloc(size_t size, gfp_t gfp, bool zero)
{
	void *p;

	if (gfp & GFP_KERNEL)
		might_sleep();
	p = zero || gfp & __GFP_ZERO ? calloc(1, size) : malloc(size);
	must(p);
	kernel_pieces++;
	return p;
}

static inline void kfree(const void *p)
{
	kernel_pieces -= !!p;
	free((void *)p);
}

/* of bytes */
#define struct_size(p, member, n)	(offsetof(__typeof__(*(p)), member) + (n))
#define kmalloc(size, gfp)		kernel_alloc(size, gfp, false)
#define kzalloc(size, gfp)		kernel_alloc(size, gfp, true)
#define kvcalloc(n, size, gfp)		kernel_alloc((n) * (size), gfp, true)
#ifndef kvmalloc
#define kvmalloc(size, gfp)		kernel_alloc(size, gfp, false)
#define kvfree(p)			kfree(p)
#endif

struct kref {
	int n;
};

#define kref_init(r)		((r)->n = 1)

static inline void kref_get(struct kref *r)
{
	must(r->n > 0);
	r->n++;
}

static inline void kref_put(struct kref *r, void (*fn)(struct kref *r))
{
	must(r->n > 0);
	if (!--r->n)
		fn(r);
}

/* lists */
struct list_head {
	struct list_head *next, *prev;
};

#define LIST_HEAD(x)		struct list_head x = { &(x), &(x) }
#define INIT_LIST_HEAD(l)	((l)->next = (l)->prev = (l))

static inline void list_add(struct list_head *item, struct list_head *head)
{
	item->next = head->next;
	item->prev = head;
	head->next->prev = item;
	head->next = item;
}

#define list_add_tail(item, head)	list_add(item, (head)->prev)

static inline void list_del(struct list_head *item)
{
	item->prev->next = item->next;
	item->next->prev = item->prev;
	item->next = NULL;
	item->prev = NULL;
}

/* What is in a list behind this, the place of whose head in each is that. */
static inline void *list_step(const void *item, size_t place)
{
	const struct list_head *head = (const void *)((const char *)item + place);

	return (char *)head->next - place;
}

#define list_empty(head)		((head)->next == (head))
#define list_is_last(item, head)	((item)->next == (head))
#define list_entry(p, type, member)	container_of(p, type, member)
#define list_next_entry(p, member)	((typeof(p))list_step(p, offsetof(typeof(*(p)), member)))
#define list_first_entry(head, type, member)	list_entry((head)->next, type, member)
#define list_for_each_entry(p, head, member)				\
	for (p = list_first_entry(head, typeof(*p), member); &p->member != (head);	\
	     p = list_next_entry(p, member))
#define list_for_each_entry_safe(p, n, head, member)			\
	for (p = list_first_entry(head, typeof(*p), member), n = list_next_entry(p, member);	\
	     &p->member != (head); p = n, n = list_next_entry(n, member))
#define list_for_each_entry_continue(p, head, member)			\
	for (p = list_next_entry(p, member); &p->member != (head); p = list_next_entry(p, member))

/* waiting: nobody else runs, a wait is over at once, one way or the other */
struct wait_queue_head {
	struct list_head entries;
};

struct wait_queue_entry {
	int (*func)(struct wait_queue_entry *entry, unsigned int mode, int sync, void *key);
	struct list_head node;
};

typedef struct wait_queue_head wait_queue_head_t;

#define DECLARE_WAIT_QUEUE_HEAD(x)	wait_queue_head_t x = { { &(x).entries, &(x).entries } }
#define init_waitqueue_head(w)		INIT_LIST_HEAD(&(w)->entries)
#define init_waitqueue_func_entry(e, fn)	((e)->func = (fn))
#define add_wait_queue(w, e)		list_add(&(e)->node, &(w)->entries)
#define remove_wait_queue(w, e)		list_del(&(e)->node)
#define wq_has_sleeper(w)		(!list_empty(&(w)->entries))

static inline void wake_up_all(struct wait_queue_head *w)
{
	struct wait_queue_entry *e, *next;

	list_for_each_entry_safe(e, next, &w->entries, node)
		e->func(e, 0, 0, NULL);
}

/* Other kernels may do something meanwhile: the target's own. */
static void kernel_wait(void);

#define wait_event_timeout(w, cond, t)					\
({									\
	long _left = (t);						\
	might_sleep();							\
	if (!(cond))							\
		kernel_wait();						\
	(cond) ? _left ?: 1 : 0;					\
})
#define wait_event_interruptible_timeout	wait_event_timeout
#define wait_event_interruptible(w, cond)	\
	(wait_event_timeout(w, cond, 1) ? 0 : -ERESTARTSYS)

static unsigned long jiffies __maybe_unused;

#define time_after(a, b)	((long)((b) - (a)) < 0)
#define time_before(a, b)	time_after(b, a)
#define msecs_to_jiffies(ms)	((long)(ms) / 4)
#define jiffies_to_msecs(j)	((unsigned int)((j) * 4))
#define usleep_range(a, b)	(might_sleep(), jiffies += HZ)
#define msleep(ms)		(might_sleep(), jiffies += HZ)

/* A clock on which every wait is over when it has begun. */
static inline u64 ktime_get_mono_fast_ns(void)
{
	static u64 now;

	return now += 1000000000;
}

/* work, and timers: done when the target says so */
struct workqueue_struct;

struct work_struct {
	void (*fn)(struct work_struct *work);
	struct list_head node;
	bool queued;
};

struct delayed_work {
	struct work_struct work;
};

static LIST_HEAD(kernel_work);
static LIST_HEAD(kernel_timers);

static inline bool kernel_queue(struct work_struct *w, unsigned long delay)
{
	if (w->queued)
		return false;
	w->queued = true;
	list_add_tail(&w->node, delay ? &kernel_timers : &kernel_work);
	return true;
}

static inline bool kernel_unqueue(struct work_struct *w)
{
	if (!w->queued)
		return false;
	w->queued = false;
	list_del(&w->node);
	return true;
}

/* Up to so many of them; whether also those whose time has not come. */
static inline void kernel_do_work(unsigned int most, bool timers)
{
	struct work_struct *w;

	while (timers && !list_empty(&kernel_timers)) {
		w = list_first_entry(&kernel_timers, struct work_struct, node);
		kernel_unqueue(w);
		kernel_queue(w, 0);
	}
	while (most-- && !list_empty(&kernel_work)) {
		w = list_first_entry(&kernel_work, struct work_struct, node);
		kernel_unqueue(w);
		w->fn(w);
	}
}

#define INIT_WORK(w, f)			(*(w) = (struct work_struct){ .fn = (f) })
#define INIT_DELAYED_WORK(w, f)		INIT_WORK(&(w)->work, f)
#define DECLARE_WORK(x, f)		struct work_struct x = { .fn = (f) }
#define DECLARE_DELAYED_WORK(x, f)	struct delayed_work x = { .work = { .fn = (f) } }
#define system_unbound_wq		NULL
#define queue_work(q, w)		kernel_queue(w, 0)
#define queue_delayed_work(q, w, t)	kernel_queue(&(w)->work, t)
#define mod_delayed_work(q, w, t)	(kernel_unqueue(&(w)->work), kernel_queue(&(w)->work, t))
#define schedule_delayed_work(w, t)	kernel_queue(&(w)->work, t)
#define cancel_work_sync(w)		kernel_unqueue(w)
#define cancel_delayed_work(w)		kernel_unqueue(&(w)->work)
#define cancel_delayed_work_sync(w)	(might_sleep(), kernel_unqueue(&(w)->work))
#define alloc_ordered_workqueue(name, f)	((struct workqueue_struct *)1)
#define alloc_workqueue(name, f, n)		((struct workqueue_struct *)1)
#define WQ_UNBOUND				0
#define destroy_workqueue(q)
#define flush_workqueue(q)		kernel_do_work(UINT_MAX, false)

/* Nothing is held, and nothing left. */
static inline void kernel_end(void)
{
	must(!kernel_spin && !kernel_rcu && !kernel_pieces);
	must(list_empty(&kernel_work) && list_empty(&kernel_timers));
}

#endif /* _TESTS_FUZZ_KERNEL_H */
