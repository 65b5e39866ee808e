// SPDX-License-Identifier: GPL-2.0-only
/*
 * rfspoil.ko: a kernel that writes nonsense into its own area of the exchange,
 * where it alone writes and all others read, or into the directory. Loading it does
 * it, with the numbers in /sys/module/ficm/directory:
 *
 *	insmod rfspoil.ko dir=0x... slot=N what=bell apicid=0 vector=0x40
 *	insmod rfspoil.ko dir=0x... slot=N what=stamps
 *	insmod rfspoil.ko dir=0x... slot=N what=acks
 *	insmod rfspoil.ko dir=0x... slot=N what=signals
 *	insmod rfspoil.ko dir=0x... what=dir		until it is unloaded
 */
#include <linux/io.h>
#include <linux/module.h>
#include <linux/random.h>
#include <linux/rainforest_wire.h>

static unsigned long long dir;
module_param(dir, ullong, 0400);
static unsigned int slot;
module_param(slot, uint, 0400);
static char *what = "";
module_param(what, charp, 0400);
static unsigned int apicid;
module_param(apicid, uint, 0400);
static unsigned int vector;
module_param(vector, uint, 0400);

static struct rf_ficm_dir *map;	/* while it is spoiled */

static void spoil_stamps(struct rf_ficm_area *area)
{
	unsigned int i;

	for (i = 0; i < RF_WIRE_PEERS; i++)
		get_random_bytes(area->pair[i].slot, sizeof(area->pair[i].slot));
}

/* More was read than was written. */
static void spoil_acks(struct rf_ficm_area *area)
{
	unsigned int i;

	for (i = 0; i < RF_WIRE_PEERS; i++) {
		__le64 *taken = &area->pair[i].ack.taken;

		WRITE_ONCE(*taken, cpu_to_le64(le64_to_cpu(READ_ONCE(*taken)) + (1 << 20)));
	}
}

/* All but which kernels they are of. */
static void spoil_signals(struct rf_ficm_area *area)
{
	unsigned int i;

	for (i = 0; i < RF_WIRE_PEERS; i++) {
		struct rf_signals *s = &area->pair[i].signals;

		get_random_bytes(&s->count, sizeof(*s) - offsetof(struct rf_signals, count));
	}
}

static int spoil(struct rf_ficm_area *area)
{
	if (!strcmp(what, "bell"))
		WRITE_ONCE(area->doorbell, cpu_to_le64((u64)apicid << 32 | vector));
	else if (!strcmp(what, "stamps"))
		spoil_stamps(area);
	else if (!strcmp(what, "acks"))
		spoil_acks(area);
	else if (!strcmp(what, "signals"))
		spoil_signals(area);
	else
		return -EINVAL;
	return 0;
}

static int __init rfspoil_init(void)
{
	struct rf_ficm_area *area;
	u64 phys;
	int ret;

	if (slot >= RF_WIRE_PEERS)
		return -EINVAL;
	map = memremap(dir, sizeof(*map), MEMREMAP_WB);
	if (!map)
		return -ENOMEM;
	if (!strcmp(what, "dir")) {
		map->magic ^= cpu_to_le32(1);
		return 0;
	}
	phys = le64_to_cpu(map->entry[slot].area);
	memunmap(map);
	map = NULL;
	area = memremap(phys, sizeof(*area), MEMREMAP_WB);
	if (!area)
		return -ENOMEM;
	ret = spoil(area);
	memunmap(area);
	return ret;
}

static void __exit rfspoil_exit(void)
{
	if (!map)
		return;
	map->magic ^= cpu_to_le32(1);
	memunmap(map);
}

module_init(rfspoil_init);
module_exit(rfspoil_exit);
MODULE_DESCRIPTION("RainForest: a peer of FICM that writes nonsense");
MODULE_AUTHOR("RainForest developers");
MODULE_LICENSE("GPL");
