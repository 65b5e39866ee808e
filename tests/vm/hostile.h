/* SPDX-License-Identifier: GPL-2.0-only */
/* For tests: arguments of system calls as nobody expects them, repeatable by a seed. */
#ifndef HOSTILE_H
#define HOSTILE_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))
#define PAGE		4096UL

static unsigned char *arena;	/* a page, one that is not there, a read-only one, another none */
static uint64_t seed;

static uint64_t rnd(uint64_t n)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (seed >> 11) % n;
}

static bool one_in(unsigned int n)
{
	return !rnd(n);
}

static uint64_t address(const void *p)
{
	return (uintptr_t)p;
}

static uint64_t strange(void)
{
	static const uint64_t values[] = {
		0, 1, 2, 3, 7, 8, 64, 4095, 4096, 4097, 0x7fffffff, 0x80000000, 0xffffffff,
		1ULL << 32, 1ULL << 62, 1ULL << 63, ~0ULL, ~0ULL - 7, ~0ULL << 12,
		0xffff888000000000, 0xffffffff81000000, 0x800000000000, 0x7ffffffff000,
	};
	unsigned int i = rnd(ARRAY_SIZE(values) + 3);

	if (i < ARRAY_SIZE(values))
		return values[i];
	if (i == ARRAY_SIZE(values))
		return address(arena) + rnd(4 * PAGE);
	return rnd(~0ULL);
}

static uint32_t strange_size(uint32_t right)
{
	switch (rnd(8)) {
	case 0:
		return strange();
	case 1:
		return right - 4 * rnd(4);
	case 2:
		return right + rnd(64);
	case 3:
		return rnd(2) ? PAGE : PAGE + 1;
	default:
		return right;
	}
}

/* A structure's words, the first is its size: some of them changed. */
static void mutate(void *arg, size_t size)
{
	unsigned char *bytes = arg;
	unsigned int n = rnd(4);
	uint64_t value;

	while (n--) {
		value = strange();
		if (one_in(2))
			memcpy(bytes + rnd(size / 4) * 4, &value, 4);
		else if (size >= 8)
			memcpy(bytes + rnd(size / 8) * 8, &value, 8);
	}
	if (one_in(3)) {
		uint32_t wrong = strange_size(size);

		memcpy(bytes, &wrong, sizeof(wrong));
	}
}

/* Where the argument lies: mostly well, else over an edge, read-only, or nowhere. */
static void *place(const void *arg, size_t size)
{
	unsigned int at = rnd(24);

	memset(arena, one_in(4) ? 0xff : 0, PAGE);
	switch (at) {
	case 0:
		return (void *)strange();
	case 1:
		at = PAGE - size + 4 * rnd(size / 4 + 1);
		memcpy(arena + at, arg, PAGE - at < size ? PAGE - at : size);
		return arena + at;
	case 2:
		mprotect(arena + 2 * PAGE, PAGE, PROT_READ | PROT_WRITE);
		memcpy(arena + 2 * PAGE, arg, size);
		mprotect(arena + 2 * PAGE, PAGE, PROT_READ);
		return arena + 2 * PAGE;
	default:
		memcpy(arena + 64, arg, size);
		return arena + 64;
	}
}

static int make_arena(void)
{
	arena = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (arena == MAP_FAILED)
		return -1;
	mprotect(arena + PAGE, PAGE, PROT_NONE);
	mprotect(arena + 2 * PAGE, PAGE, PROT_READ);
	return mprotect(arena + 3 * PAGE, PAGE, PROT_NONE);
}

#endif
