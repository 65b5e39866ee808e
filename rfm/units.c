// SPDX-License-Identifier: GPL-2.0-only
/* Sizes, CPU lists, PCI addresses, names: text to values and back. */
#include "units.h"

#include <ctype.h>
#include <errno.h>
#include <linux/rainforest.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

bool units_valid_name(const char *name)
{
	size_t len = strlen(name);

	return len && len < RF_NAME_MAX && name[0] != '.' && name[0] != '_' && name[0] != '-' &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789._-") == len;
}

static int parse_suffix(const char *suffix)
{
	static const char letters[] = "KMGT";
	const char *at;

	if (!*suffix || !strcasecmp(suffix, "B"))
		return 0;
	at = strchr(letters, toupper((unsigned char)*suffix));
	if (!at || (suffix[1] && strcasecmp(suffix + 1, "iB") && strcasecmp(suffix + 1, "B")))
		return -EINVAL;
	return 10 * (at - letters + 1);
}

int units_parse_size(const char *text, uint64_t *bytes)
{
	unsigned long long n;
	int shift;
	char *end;

	if (!isdigit((unsigned char)*text))
		return -EINVAL;
	errno = 0;
	n = strtoull(text, &end, 10);
	if (errno)
		return -ERANGE;
	shift = parse_suffix(end);
	if (shift < 0)
		return shift;
	if (n > UINT64_MAX >> shift)
		return -ERANGE;
	*bytes = n << shift;
	return 0;
}

int units_parse_number(const char *text, long min, long max, long *value)
{
	char *end;
	long n;

	if (!isdigit((unsigned char)*text) && *text != '-')
		return -EINVAL;
	errno = 0;
	n = strtol(text, &end, 10);
	if (*end || end == text)
		return -EINVAL;
	if (errno || n < min || n > max)
		return -ERANGE;
	*value = n;
	return 0;
}

/* One "N" or "N-M"; moves *text behind it. */
static int parse_cpu_range(const char **text, struct cpus *cpus)
{
	unsigned long first, last;
	char *end;

	if (!isdigit((unsigned char)**text))
		return -EINVAL;
	first = last = strtoul(*text, &end, 10);
	if (*end == '-') {
		if (!isdigit((unsigned char)end[1]))
			return -EINVAL;
		last = strtoul(end + 1, &end, 10);
	}
	if (last < first)
		return -EINVAL;
	if (last >= UNITS_CPUS)
		return -ERANGE;
	for (; first <= last; first++)
		cpus_add(cpus, first);
	*text = end;
	return 0;
}

int units_parse_cpus(const char *text, struct cpus *cpus)
{
	int ret;

	memset(cpus, 0, sizeof(*cpus));
	for (;;) {
		ret = parse_cpu_range(&text, cpus);
		if (ret)
			return ret;
		if (!*text)
			return 0;
		if (*text++ != ',')
			return -EINVAL;
	}
}

int units_parse_bdf(const char *text, uint32_t *bdf)
{
	unsigned int seg = 0, bus, dev, fn;
	int used = 0;

	if (sscanf(text, "%4x:%2x:%2x.%1u%n", &seg, &bus, &dev, &fn, &used) != 4 || text[used]) {
		seg = 0;
		used = 0;
		if (sscanf(text, "%2x:%2x.%1u%n", &bus, &dev, &fn, &used) != 3 || text[used])
			return -EINVAL;
	}
	if (dev > 31 || fn > 7)
		return -EINVAL;
	*bdf = seg << 16 | bus << 8 | dev << 3 | fn;
	return 0;
}

const char *units_size(uint64_t bytes, char *buf, size_t size)
{
	static const char letters[] = "BKMGT";
	unsigned int i = 0;

	while (bytes && !(bytes & 1023) && i < 4) {
		bytes >>= 10;
		i++;
	}
	/* 12345M reads worse than 12.1G, but is exact; only bytes are rounded */
	if (i == 0 && bytes >= 1024) {
		bytes = (bytes + 1023) >> 10;
		i = 1;
		for (; bytes >= 10240 && i < 4; i++)
			bytes = (bytes + 1023) >> 10;
	}
	snprintf(buf, size, "%llu%c", (unsigned long long)bytes, letters[i]);
	return buf;
}

const char *units_cpus(const struct cpus *cpus, char *buf, size_t size)
{
	unsigned int cpu, first;
	size_t used = 0;
	int n;

	snprintf(buf, size, "-");
	for (cpu = 0; cpu < UNITS_CPUS; cpu++) {
		if (!cpus_has(cpus, cpu))
			continue;
		first = cpu;
		while (cpu + 1 < UNITS_CPUS && cpus_has(cpus, cpu + 1))
			cpu++;
		n = snprintf(buf + used, size - used, first == cpu ? "%s%u" : "%s%u-%u",
			     used ? "," : "", first, cpu);
		if (n < 0 || used + n >= size)
			break;
		used += n;
	}
	return buf;
}

const char *units_bdf(uint32_t bdf, char *buf, size_t size)
{
	snprintf(buf, size, "%04x:%02x:%02x.%u", bdf >> 16, bdf >> 8 & 0xff, bdf >> 3 & 31,
		 bdf & 7);
	return buf;
}

const char *units_duration(uint64_t ns, char *buf, size_t size)
{
	unsigned long long s = ns / 1000000000;

	if (s < 60)
		snprintf(buf, size, "%llus", s);
	else if (s < 3600)
		snprintf(buf, size, "%llum%02llus", s / 60, s % 60);
	else if (s < 86400)
		snprintf(buf, size, "%lluh%02llum", s / 3600, s / 60 % 60);
	else
		snprintf(buf, size, "%llud%02lluh", s / 86400, s / 3600 % 24);
	return buf;
}

const char *units_clean(const char *text, size_t len, char *buf, size_t size)
{
	size_t i, used = 0;

	for (i = 0; i < len && text[i]; i++) {
		unsigned char c = text[i];
		bool plain = c >= 0x20 && c < 0x7f;

		if (used + (plain ? 1 : strlen("\\xNN")) >= size)
			break;
		if (plain)
			buf[used++] = c;
		else
			used += snprintf(buf + used, size - used, "\\x%02x", c);
	}
	buf[used] = '\0';
	return buf;
}

unsigned int cpus_count(const struct cpus *c)
{
	unsigned int i, n = 0;

	for (i = 0; i < UNITS_CPUS / 64; i++)
		n += __builtin_popcountll(c->mask[i]);
	return n;
}
