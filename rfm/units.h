/* SPDX-License-Identifier: GPL-2.0-only */
/* Sizes, CPU lists, PCI addresses, names: text to values and back. */
#ifndef RFM_UNITS_H
#define RFM_UNITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define UNITS_CPUS	1024
#define UNITS_NAME_RULE	"names are up to 31 of a-z, 0-9, '.', '_', '-' and begin with a letter or digit"

/**
 * struct cpus - a set of logical CPUs
 * @mask: a bit each
 */
struct cpus {
	unsigned long long mask[UNITS_CPUS / 64];	/* as __u64 */
};

bool units_valid_name(const char *name);

/* "512M", "2G", "1048576": bytes. Return 0 or -EINVAL, -ERANGE. */
int units_parse_size(const char *text, uint64_t *bytes);
/* A whole number in [min, max]. Return 0 or -EINVAL, -ERANGE. */
int units_parse_number(const char *text, long min, long max, long *value);
/* "2-3,6": Return 0 or -EINVAL, -ERANGE. */
int units_parse_cpus(const char *text, struct cpus *cpus);
/* "0000:00:04.0" or "00:04.0": segment << 16 | bus << 8 | devfn. Return 0 or -EINVAL. */
int units_parse_bdf(const char *text, uint32_t *bdf);

/* These write to @buf and return it. */
const char *units_size(uint64_t bytes, char *buf, size_t size);
const char *units_cpus(const struct cpus *cpus, char *buf, size_t size);
const char *units_bdf(uint32_t bdf, char *buf, size_t size);
const char *units_duration(uint64_t ns, char *buf, size_t size);
/* A copy of @text with everything that is not printable ASCII as \xNN. */
const char *units_clean(const char *text, size_t len, char *buf, size_t size);

static inline bool cpus_has(const struct cpus *c, unsigned int cpu)
{
	return c->mask[cpu / 64] >> (cpu % 64) & 1;
}

static inline void cpus_add(struct cpus *c, unsigned int cpu)
{
	c->mask[cpu / 64] |= 1ULL << (cpu % 64);
}

unsigned int cpus_count(const struct cpus *c);

#endif /* RFM_UNITS_H */
