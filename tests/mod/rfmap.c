// SPDX-License-Identifier: GPL-2.0-only
/*
 * rfmap.ko: a kernel that maps a region of another into itself, for tests. Loading it maps
 * the region and looks at each piece; unloading it lets go.
 *
 *	insmod rfmap.ko kernel=NAME region=NAME seed=N	filled as share.c fills it with seed N
 *	/sys/module/rfmap/parameters/revoked	whether it was taken from us
 */
#include <linux/err.h>
#include <linux/module.h>
#include <rainforest/rfcom.h>

static char *kernel = "";
module_param(kernel, charp, 0400);
static char *region = "";
module_param(region, charp, 0400);
static ulong seed = 1;
module_param(seed, ulong, 0400);

static struct rf_region *held;

static int revoked_get(char *buffer, const struct kernel_param *kp)
{
	return sysfs_emit(buffer, "%d\n", held && rf_region_revoked(held));
}

static const struct kernel_param_ops revoked_ops = { .get = revoked_get };

module_param_cb(revoked, &revoked_ops, NULL, 0400);

static u64 word(u64 i)
{
	return ((u64)seed << 48) ^ (i * 0x9E3779B97F4A7C15ULL);
}

static int look(const u64 *at, size_t bytes, u64 offset)
{
	size_t i;

	for (i = 0; i < bytes / sizeof(*at); i++)
		if (READ_ONCE(at[i]) != word(offset / sizeof(*at) + i))
			return -EILSEQ;
	return 0;
}

/* Piece after piece; it comes to an odd place, too. */
static int look_at_all(void)
{
	unsigned int pieces = 0;
	size_t bytes;
	u64 at = 0;
	void *map;
	int ret = 0;

	for (; !ret && at < rf_region_bytes(held); at += bytes, pieces++) {
		map = rf_map(held, at, &bytes);
		if (IS_ERR(map))
			return PTR_ERR(map);
		ret = look(map, bytes, at);
		rf_unmap(held);
	}
	pr_info("rfmap: %llu bytes in %u pieces: %d\n", at, pieces, ret);
	map = ret ? NULL : rf_map(held, rf_region_bytes(held) - 8, &bytes);
	if (!IS_ERR_OR_NULL(map)) {
		ret = bytes == 8 ? look(map, bytes, rf_region_bytes(held) - 8) : -EIO;
		rf_unmap(held);
	}
	return ret;
}

static int __init rfmap_init(void)
{
	size_t bytes;
	void *map;
	int ret;

	held = rf_attach(kernel, region, 0, 10000);
	if (IS_ERR(held))
		return PTR_ERR(held);
	ret = look_at_all();
	if (!ret && PTR_ERR(rf_map(held, rf_region_bytes(held), &bytes)) != -EINVAL)
		ret = -EIO;
	map = ret ? NULL : rf_map(held, 0, &bytes);
	if (!ret && IS_ERR(map))
		ret = PTR_ERR(map);
	if (ret)
		rf_detach(held);
	return ret;
}

static void __exit rfmap_exit(void)
{
	rf_unmap(held);
	rf_detach(held);
}

module_init(rfmap_init);
module_exit(rfmap_exit);
MODULE_DESCRIPTION("RainForest: maps a region, for tests");
MODULE_AUTHOR("RainForest developers");
MODULE_LICENSE("GPL");
MODULE_IMPORT_NS(RAINFOREST_RFCOM);
