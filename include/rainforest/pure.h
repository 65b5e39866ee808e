/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * For the files that compile in the kernel and in user space alike: table
 * builders, range algebra, rings; no allocation, no globals. Tests run them in
 * user space, under sanitizers.
 */
#ifndef _RAINFOREST_PURE_H
#define _RAINFOREST_PURE_H

#ifdef __KERNEL__

#include <linux/align.h>
#include <linux/bits.h>
#include <linux/build_bug.h>
#include <linux/compiler.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/limits.h>
#include <linux/string.h>
#include <linux/types.h>
#include <asm/barrier.h>
#include <asm/byteorder.h>

#else

#include <assert.h>
#include <endian.h>
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <linux/const.h>
#include <linux/types.h>

#define u8			__u8
#define u16			__u16
#define u32			__u32
#define u64			__u64
#define s32			__s32

#define __printf(...)		__attribute__((				\
		__format__(printf, __VA_ARGS__)))
#define U32_MAX			UINT32_MAX
#define U64_MAX			UINT64_MAX
#define BIT(nr)			(1UL << (nr))
#define BIT_ULL(nr)		(1ULL << (nr))
#define ARRAY_SIZE(a)		(sizeof(a) / sizeof((a)[0]))
#define ALIGN(x, a)		__ALIGN_KERNEL(x, a)
#define IS_ALIGNED(x, a)	((x) % (a) == 0)
#define cpu_to_le16(x)		htole16(x)
#define cpu_to_le32(x)		htole32(x)
#define cpu_to_le64(x)		htole64(x)
#define le16_to_cpu(x)		le16toh(x)
#define le32_to_cpu(x)		le32toh(x)
#define le64_to_cpu(x)		le64toh(x)

/* Scalars only. Atomic accesses, so that a sanitizer for threads knows what is meant. */
#define READ_ONCE(x)		__atomic_load_n(&(x), __ATOMIC_RELAXED)
#define WRITE_ONCE(x, v)	__atomic_store_n(&(x), v, __ATOMIC_RELAXED)
/* keeps what follows behind it */
#define smp_load_acquire(p)	__atomic_load_n(p, __ATOMIC_ACQUIRE)
/* keeps what comes before it before it */
#define smp_store_release(p, v)	__atomic_store_n(p, v, __ATOMIC_RELEASE)
/* x86 keeps loads in order by itself */
#define smp_rmb()		__atomic_signal_fence(__ATOMIC_SEQ_CST)
#ifndef smp_mb
/* the same instruction as in the kernel; a test builds without it and must fail */
#define smp_mb() ({ \
	__asm__ __volatile__("lock; addl $0,-4(%%rsp)" : : : "memory", "cc"); \
})
#endif

#endif

#endif /* _RAINFOREST_PURE_H */
