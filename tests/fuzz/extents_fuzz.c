// SPDX-License-Identifier: GPL-2.0-only
/*
 * rfcom/extents.h against a supervisor that lies: a table of any numbers. What is taken
 * over must be memory that there can be, page after page, and no more than the region has.
 */
#include <stdio.h>
#include <stdlib.h>

#include "../../rfcom/extents.h"
#include "fuzz.h"

#define LIMIT	(1ULL << 40)	/* physical addresses */

static unsigned long accepted, refused, found;

static void must(bool good)
{
	if (!good)
		abort();
}

static void look(const struct rfcom_extent *e, uint32_t nr, uint64_t bytes, uint64_t page)
{
	const struct rfcom_extent *hit = rfcom_extents_find(e, nr, page);

	must(!hit == (page >= bytes / RFCOM_PAGE));
	if (!hit)
		return;
	found++;
	must(hit >= e && hit < e + nr && page >= hit->first && page - hit->first < hit->pages);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rf_com_extent *table;
	struct rfcom_extent *e;
	uint64_t bytes, sum = 0;
	uint32_t nr, i;
	int ret;

	if (size < 8)
		return 0;
	memcpy(&bytes, data, sizeof(bytes));
	nr = (size - 8) / sizeof(*table);
	if (nr > RF_COM_EXTENTS)
		nr = RF_COM_EXTENTS;
	/* Exactly as many as there are: who reads or writes beyond is caught. */
	table = malloc(nr * sizeof(*table) + 1);
	e = malloc(nr * sizeof(*e) + 1);
	memcpy(table, data + 8, nr * sizeof(*table));
	ret = rfcom_extents_check(e, table, nr, bytes, LIMIT);
	must(!ret || ret == -EPROTO);
	for (i = 0; !ret && i < nr; i++) {
		must(e[i].first == sum / RFCOM_PAGE && e[i].pages && e[i].start &&
		     !(e[i].start % RFCOM_PAGE) && e[i].start < LIMIT &&
		     e[i].pages <= (LIMIT - e[i].start) / RFCOM_PAGE);
		sum += e[i].pages * RFCOM_PAGE;
	}
	if (!ret) {
		must(sum == bytes && bytes <= RF_COM_REGION_MAX);
		look(e, nr, bytes, 0);
		look(e, nr, bytes, bytes / RFCOM_PAGE - 1);
		look(e, nr, bytes, bytes / RFCOM_PAGE);
		look(e, nr, bytes, data[8] % (bytes / RFCOM_PAGE));
		look(e, nr, bytes, UINT64_MAX);
	}
	accepted += !ret;
	refused += !!ret;
	free(table);
	free(e);
	return 0;
}

size_t fuzz_make(uint8_t *data, uint64_t (*random)(void))
{
	uint32_t nr = random() % 40, i, spoiled = random() % (2 * nr + 1);
	uint64_t value[2], sum = 0;

	for (i = 0; i < nr; i++) {
		value[0] = (1 + random() % ((LIMIT - (4 << 20)) / RFCOM_PAGE)) * RFCOM_PAGE;
		value[1] = (1 + random() % 1024) * RFCOM_PAGE;
		sum += value[1];
		if (i == spoiled && random() % 2)	/* near the end of all memory */
			value[0] = LIMIT - (1 + random() % 1024) * RFCOM_PAGE;
		else if (i == spoiled)
			value[random() % 2] = random() >> random() % 64;
		memcpy(data + 8 + 16 * i, value, sizeof(value));
	}
	if (random() % 8 == 0)
		sum = random() >> random() % 64;
	memcpy(data, &sum, sizeof(sum));
	return 8 + 16 * nr;
}

int fuzz_summary(char *text, size_t size)
{
	snprintf(text, size, "%lu tables taken over, %lu refused, %lu pages found", accepted,
		 refused, found);
	return !accepted || !refused || !found;
}
