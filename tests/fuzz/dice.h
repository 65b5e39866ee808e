/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * For targets that play: each byte of the input is a throw of dice, and zeros come after it.
 */
#ifndef _TESTS_FUZZ_DICE_H
#define _TESTS_FUZZ_DICE_H

#include "fuzz.h"

static const uint8_t *input;	/* what is left of it */
static size_t input_size;

static unsigned int dice(void)
{
	if (!input_size)
		return 0;
	input_size--;
	return *input++;
}

static inline unsigned int dice32(void)
{
	return dice() | dice() << 8 | dice() << 16 | dice() << 24;
}

/* Noise, of up to @few bytes; in one of sixteen, of up to @most. */
static inline size_t dice_make(uint8_t *data, uint64_t (*random)(void), size_t few, size_t most)
{
	size_t i, size = 1 + random() % (random() % 16 ? few : most);

	for (i = 0; i < size; i++)
		data[i] = random();
	return size;
}

#endif /* _TESTS_FUZZ_DICE_H */
