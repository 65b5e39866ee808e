// SPDX-License-Identifier: GPL-2.0-only
/*
 * Runs a fuzz target without a fuzzer.
 *
 * usage: TARGET [-runs=N] [-seed=N] | TARGET --write DIR N | TARGET FILE...
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"

static uint64_t state;

static uint64_t next_random(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state * 0x2545f4914f6cdd1dULL;
}

static size_t make(uint8_t *data, uint64_t seed)
{
	state = (seed + 1) * 0x9e3779b97f4a7c15ULL;
	return fuzz_make(data, next_random);
}

/* A copy of exactly the right size: what reads beyond it is noticed. */
static void run(const uint8_t *data, size_t size)
{
	uint8_t *copy = malloc(size ? size : 1);

	if (!copy)
		exit(1);
	memcpy(copy, data, size);
	LLVMFuzzerTestOneInput(copy, size);
	free(copy);
}

static int run_file(const char *name, uint8_t *data)
{
	FILE *file = fopen(name, "rb");

	if (!file) {
		perror(name);
		return 1;
	}
	run(data, fread(data, 1, FUZZ_MAX, file));
	fclose(file);
	return 0;
}

/* Seeds for libFuzzer and afl-fuzz. */
static int write_files(const char *dir, uint64_t count, uint8_t *data)
{
	char name[4096];
	uint64_t i;
	size_t size;
	FILE *file;

	for (i = 0; i < count; i++) {
		snprintf(name, sizeof(name), "%s/%llu", dir, (unsigned long long)i);
		file = fopen(name, "wb");
		size = make(data, i);
		if (!file || fwrite(data, 1, size, file) != size || fclose(file)) {
			perror(name);
			return 1;
		}
	}
	return 0;
}

int main(int argc, char **argv)
{
	uint8_t *data = malloc(FUZZ_MAX);
	unsigned long long runs = 1000, seed = 0, i;
	char text[128];
	int ret = 0;

	if (!data)
		return 1;
	if (argc == 4 && !strcmp(argv[1], "--write")) {
		ret = write_files(argv[2], strtoull(argv[3], NULL, 10), data);
		argc = 0;
	}
	for (; argc > 1 && argv[1][0] == '-'; argc--, argv++) {
		sscanf(argv[1], "-runs=%llu", &runs);
		sscanf(argv[1], "-seed=%llu", &seed);
	}
	if (argc == 1) {
		for (i = 0; i < runs; i++)
			run(data, make(data, seed + i));
		ret = fuzz_summary(text, sizeof(text));
		printf("%llu runs: %s\n", runs, text);
	}
	for (i = 1; i < (unsigned int)argc; i++)
		ret |= run_file(argv[i], data);
	free(data);
	return ret;
}
