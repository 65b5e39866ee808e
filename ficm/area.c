// SPDX-License-Identifier: GPL-2.0-only
/*
 * The directory and the areas, which lie in the supervisor's memory: mapping,
 * reading and checking them, and setting up our own. What others write is read
 * once and checked. An area stays mapped until we leave, even when its kernel is
 * gone: the supervisor does not free it before.
 */
#include <linux/io.h>
#include <linux/ioport.h>
#include <linux/mm.h>
#include <linux/rcupdate.h>
#include <linux/string.h>
#include <asm/processor.h>

#include "internal.h"

static_assert(sizeof(struct rf_ficm_pair) == 12288);
static_assert(offsetof(struct rf_ficm_pair, signals) == 8384);
static_assert(offsetof(struct rf_ficm_area, pair) == 4096);
static_assert(sizeof(struct rf_ficm_area) == 4096 + RF_WIRE_PEERS * 12288);
static_assert(sizeof(struct rf_com_bulk) == PAGE_SIZE + RF_COM_CHUNKS * RF_COM_CHUNK);
static_assert(RF_FICM_SLOTS >= RF_RING_SLOTS_MIN && RF_FICM_SLOTS <= RF_RING_SLOTS_MAX);

#define DIR_TRIES	1000	/* the supervisor writes for microseconds */

static const struct rf_ficm_dir __rcu *dir;	/* changed under exchange_lock */
static u32 dir_seen;			/* its sequence count when it was read last */

static struct {
	u64 phys;
	struct rf_ficm_area *area;
} mapped[RF_WIRE_PEERS];

static struct {
	u64 phys;
	struct rf_com_bulk *bulk;
} bulk_mapped[RF_WIRE_PEERS][2];

/* Memory that can be mapped without a complaint: all of it ours, or none of it. */
static bool address_good(u64 phys, size_t size)
{
	u64 limit = 1ULL << boot_cpu_data.x86_phys_bits;

	return phys && PAGE_ALIGNED(phys) && phys < limit && limit - phys >= size &&
	       region_intersects(phys, size, IORESOURCE_SYSTEM_RAM, IORES_DESC_NONE) !=
	       REGION_MIXED;
}

/**
 * ficm_dir_map() - map the directory
 * @phys: where it lies
 *
 * Return: 0, -EINVAL for an address that cannot be, -ENOMEM.
 */
int ficm_dir_map(u64 phys)
{
	const struct rf_ficm_dir *map;

	if (!address_good(phys, sizeof(*map)))
		return -EINVAL;
	map = memremap(phys, sizeof(*map), MEMREMAP_WB);
	if (!map)
		return -ENOMEM;
	rcu_assign_pointer(dir, map);
	return 0;
}

/**
 * ficm_dir_unmap() - undo ficm_dir_map()
 */
void ficm_dir_unmap(void)
{
	const struct rf_ficm_dir *map = rcu_dereference_protected(dir, true);

	RCU_INIT_POINTER(dir, NULL);
	synchronize_rcu();
	memunmap((void *)map);
}

static bool dir_read_once(const struct rf_ficm_dir *map, struct rf_ficm_dir *copy, u32 *seq)
{
	*seq = le32_to_cpu(READ_ONCE(map->seq));
	if (*seq & 1)
		return false;
	smp_rmb();	/* pairs with the supervisor's barrier after it made seq odd */
	memcpy(copy, map, sizeof(*copy));
	smp_rmb();	/* pairs with the supervisor's barrier before it makes seq even */
	return le32_to_cpu(READ_ONCE(map->seq)) == *seq;
}

/**
 * ficm_dir_read() - copy the directory
 * @copy: where to
 *
 * Context: process, the directory is mapped and stays so.
 * Return: 0, -EAGAIN it never came to rest, -EPROTO it is none, or one of another
 * version.
 */
int ficm_dir_read(struct rf_ficm_dir *copy)
{
	const struct rf_ficm_dir *map = rcu_dereference_protected(dir, true);
	unsigned int i;
	u32 seq;

	for (i = 0; i < DIR_TRIES; i++) {
		if (dir_read_once(map, copy, &seq))
			break;
		cpu_relax();
	}
	if (i == DIR_TRIES)
		return -EAGAIN;
	WRITE_ONCE(dir_seen, seq);
	if (le32_to_cpu(copy->magic) != RF_FICM_DIR_MAGIC ||
	    le32_to_cpu(copy->version) != RF_WIRE_VERSION ||
	    le32_to_cpu(copy->size) != sizeof(*copy))
		return -EPROTO;
	return 0;
}

/**
 * ficm_dir_changed() - is the directory another than when it was read last?
 *
 * Return: true when it should be read again.
 */
bool ficm_dir_changed(void)
{
	const struct rf_ficm_dir *map;
	bool changed = false;
	u32 seq;

	rcu_read_lock();
	map = rcu_dereference(dir);
	if (map) {
		seq = le32_to_cpu(READ_ONCE(map->seq));
		changed = !(seq & 1) && seq != READ_ONCE(dir_seen);
	}
	rcu_read_unlock();
	return changed;
}

/**
 * ficm_area_map() - map a kernel's area
 * @slot: its entry in the directory; nobody uses a mapping made for that before, but
 *	the reading thread, which may still look
 * @phys: where the area lies
 *
 * Return: the area, or NULL for an address that cannot be, or without memory.
 */
struct rf_ficm_area *ficm_area_map(u32 slot, u64 phys)
{
	if (mapped[slot].phys == phys)
		return mapped[slot].area;
	if (!address_good(phys, sizeof(struct rf_ficm_area)))
		return NULL;
	if (mapped[slot].area) {
		synchronize_rcu();
		memunmap(mapped[slot].area);
	}
	mapped[slot].area = memremap(phys, sizeof(struct rf_ficm_area), MEMREMAP_WB);
	mapped[slot].phys = mapped[slot].area ? phys : 0;
	return mapped[slot].area;
}

static void bulk_unmap(u32 slot, bool out)
{
	if (bulk_mapped[slot][out].bulk)
		memunmap(bulk_mapped[slot][out].bulk);
	bulk_mapped[slot][out].bulk = NULL;
	bulk_mapped[slot][out].phys = 0;
}

/**
 * ficm_areas_unmap() - unmap them all; nobody uses them but the reading thread, which
 * may still look
 */
void ficm_areas_unmap(void)
{
	unsigned int i;

	synchronize_rcu();
	for (i = 0; i < RF_WIRE_PEERS; i++) {
		if (mapped[i].area)
			memunmap(mapped[i].area);
		mapped[i].area = NULL;
		mapped[i].phys = 0;
		bulk_unmap(i, 0);
		bulk_unmap(i, 1);
	}
}

/**
 * ficm_bulk_map() - map what one kernel writes for another beside messages
 * @slot: the other's entry in the directory
 * @out: this kernel writes it
 * @phys: where it lies
 *
 * It stays mapped until we leave. The supervisor gives two entries the same memory
 * each time; with another address there is none.
 *
 * Return: that memory, or NULL for an address that cannot be, or without memory.
 */
struct rf_com_bulk *ficm_bulk_map(u32 slot, bool out, u64 phys)
{
	if (bulk_mapped[slot][out].phys)
		return bulk_mapped[slot][out].phys == phys ? bulk_mapped[slot][out].bulk : NULL;
	if (!address_good(phys, sizeof(struct rf_com_bulk)))
		return NULL;
	bulk_mapped[slot][out].bulk = memremap(phys, sizeof(struct rf_com_bulk), MEMREMAP_WB);
	bulk_mapped[slot][out].phys = bulk_mapped[slot][out].bulk ? phys : 0;
	return bulk_mapped[slot][out].bulk;
}

/**
 * ficm_area_init() - begin to use our own area, which the supervisor zeroed
 * @area: the area
 * @generation: ours
 *
 * From now on the supervisor tells us of changes: who reads the directory after
 * this misses none.
 */
void ficm_area_init(struct rf_ficm_area *area, u32 generation)
{
	WRITE_ONCE(area->version, cpu_to_le32(RF_WIRE_VERSION));
	WRITE_ONCE(area->size, cpu_to_le32(sizeof(*area)));
	WRITE_ONCE(area->generation, cpu_to_le32(generation));
	ficm_doorbell_publish(&area->doorbell);
	/* The rest before the magic: pairs with ficm_area_check(). */
	smp_store_release(&area->magic, cpu_to_le32(RF_FICM_AREA_MAGIC));
	/* Joined before the directory is read: pairs with change_end(). */
	smp_mb();
}

/**
 * ficm_area_exit() - stop using our own area
 * @area: the area
 */
void ficm_area_exit(struct rf_ficm_area *area)
{
	ficm_doorbell_publish(NULL);
	WRITE_ONCE(area->magic, 0);
	WRITE_ONCE(area->doorbell, 0);
}

/**
 * ficm_area_check() - has a peer set up its area?
 * @area: the area
 * @generation: the peer's
 *
 * Return: 0, -ENOTCONN not yet, -EPROTO it is of another version, or nonsense.
 */
int ficm_area_check(const struct rf_ficm_area *area, u32 generation)
{
	/* Pairs with ficm_area_init(). */
	u32 magic = le32_to_cpu(smp_load_acquire(&area->magic));

	if (!magic)
		return -ENOTCONN;
	if (magic != RF_FICM_AREA_MAGIC ||
	    le32_to_cpu(READ_ONCE(area->version)) != RF_WIRE_VERSION ||
	    le32_to_cpu(READ_ONCE(area->size)) != sizeof(*area))
		return -EPROTO;
	return le32_to_cpu(READ_ONCE(area->generation)) == generation ? 0 : -ENOTCONN;
}
