/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tests in C that print TAP: ok(condition, what) for each case, "return
 * tap_end();" at the end of main().
 */
#ifndef _TESTS_UNIT_TAP_H
#define _TESTS_UNIT_TAP_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>

static int tap_count, tap_failed;

static inline bool __attribute__((__format__(printf, 2, 3))) ok(bool good, const char *fmt, ...)
{
	va_list args;

	printf("%sok %d - ", good ? "" : "not ", ++tap_count);
	va_start(args, fmt);
	vprintf(fmt, args);
	va_end(args);
	putchar('\n');
	tap_failed += !good;
	return good;
}

static inline int tap_end(void)
{
	printf("1..%d\n", tap_count);
	return tap_failed ? 1 : 0;
}

#endif /* _TESTS_UNIT_TAP_H */
