/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A fuzz target is LLVMFuzzerTestOneInput(), which libFuzzer calls, or the
 * main() of driver.c: that one makes inputs by itself, the same in each run,
 * or reads files (afl-fuzz: "TARGET @@").
 */
#ifndef _TESTS_FUZZ_FUZZ_H
#define _TESTS_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>

#define FUZZ_MAX	(256 << 10)	/* bytes of an input that driver.c makes */

/**
 * LLVMFuzzerTestOneInput - run once; abort() when something must not be
 * @data: input
 * @size: its size
 */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/**
 * fuzz_make - make an input
 * @data: (out) FUZZ_MAX bytes of room
 * @random: gives the next number
 *
 * Return: its size.
 */
size_t fuzz_make(uint8_t *data, uint64_t (*random)(void));

/**
 * fuzz_summary - what the runs so far came to
 * @text: (out) a line for people
 * @size: of @text
 *
 * Return: 0, or 1 when the target was not reached often enough to mean anything.
 */
int fuzz_summary(char *text, size_t size);

#endif /* _TESTS_FUZZ_FUZZ_H */
