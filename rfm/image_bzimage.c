// SPDX-License-Identifier: GPL-2.0-only
/*
 * The bzImage: Documentation/arch/x86/boot.rst. All fields are little endian,
 * at fixed offsets in the first sectors of the file.
 */
#include "image_priv.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "decompress.h"

#define SECTOR			512
#define HDR_START		0x1f1
#define HDR_MIN_END		0x264	/* init_size is the last field that we need */
#define HDR_MAX_END		0x290
#define MIN_PROTOCOL		0x20c	/* the first one with XLF_KERNEL_64 */
#define KERNEL_START		(16ULL << 20)	/* where each x86-64 kernel wants to be */
#define KERNEL_MAX		(1ULL << 30)	/* size of the kernel's own mapping */
#define ENTRY_64		0x200
#define KERNEL_ALIGN		(2U << 20)
#define CMDLINE_MAX		2047

enum {
	OFF_SETUP_SECTS		= 0x1f1,
	OFF_SYSSIZE		= 0x1f4,
	OFF_BOOT_FLAG		= 0x1fe,
	OFF_JUMP		= 0x200,
	OFF_MAGIC		= 0x202,
	OFF_VERSION		= 0x206,
	OFF_KERNEL_VERSION	= 0x20e,
	OFF_TYPE_OF_LOADER	= 0x210,
	OFF_LOADFLAGS		= 0x211,
	OFF_INITRD_ADDR_MAX	= 0x22c,
	OFF_KERNEL_ALIGNMENT	= 0x230,
	OFF_RELOCATABLE		= 0x234,
	OFF_MIN_ALIGNMENT	= 0x235,
	OFF_XLOADFLAGS		= 0x236,
	OFF_CMDLINE_SIZE	= 0x238,
	OFF_PAYLOAD_OFFSET	= 0x248,
	OFF_PAYLOAD_LENGTH	= 0x24c,
	OFF_PREF_ADDRESS	= 0x258,
	OFF_INIT_SIZE		= 0x260,
};

#define XLF_KERNEL_64			1
#define XLF_CAN_BE_LOADED_ABOVE_4G	2
#define LOADED_HIGH			1
#define UNDEFINED_LOADER		0xff

static __u32 get(const unsigned char *data, size_t off, size_t bytes)
{
	__u32 val = 0;

	while (bytes--)
		val = val << 8 | data[off + bytes];
	return val;
}

static void put(unsigned char *header, size_t off, size_t bytes, __u32 val)
{
	for (; bytes; bytes--, off++, val >>= 8)
		header[off - HDR_START] = val;
}

bool rfm_bzimage_is(const struct rfm_source *src)
{
	return src->size >= OFF_MAGIC + 4 && !memcmp(src->data + OFF_MAGIC, "HdrS", 4) &&
	       get(src->data, OFF_BOOT_FLAG, 2) == 0xaa55;
}

static int check_protocol(const struct rfm_source *src)
{
	__u32 version = get(src->data, OFF_VERSION, 2);

	if (version < MIN_PROTOCOL)
		return rfm_image_fail(src, -ENOEXEC,
				      "is too old: boot protocol %u.%u, a subOS needs 2.12; "
				      "use Linux 6.1 or newer", version >> 8, version & 0xff);
	if (!(get(src->data, OFF_LOADFLAGS, 1) & LOADED_HIGH))
		return rfm_image_fail(src, -ENOEXEC,
				      "is a zImage; a subOS needs a bzImage of Linux 6.1 or newer");
	if (!(get(src->data, OFF_XLOADFLAGS, 2) & XLF_KERNEL_64))
		return rfm_image_fail(src, -ENOEXEC,
				      "is a 32-bit kernel; a subOS needs an x86-64 one");
	return 0;
}

static int truncated(const struct rfm_source *src, size_t needed)
{
	return rfm_image_fail(src, -ENOEXEC,
			      "is truncated: %zu bytes, its header speaks of %zu; copy it again",
			      src->size, needed);
}

static int damaged(const struct rfm_source *src, const char *field)
{
	return rfm_image_fail(src, -ENOEXEC,
			      "has a damaged header (%s); copy it again", field);
}

static int find_parts(struct rfm_bzimage *bz, const struct rfm_source *src)
{
	size_t sects = get(src->data, OFF_SETUP_SECTS, 1);
	size_t setup = ((sects ? sects : 4) + 1) * SECTOR;
	size_t offset = get(src->data, OFF_PAYLOAD_OFFSET, 4);
	size_t length = get(src->data, OFF_PAYLOAD_LENGTH, 4);

	bz->pm_size = (size_t)get(src->data, OFF_SYSSIZE, 4) * 16;
	if (bz->pm_size <= ENTRY_64)
		return damaged(src, "syssize");
	/* what follows, such as a signature, is not loaded */
	if (setup > src->size || bz->pm_size > src->size - setup)
		return truncated(src, setup + bz->pm_size);
	bz->pm = src->data + setup;
	if (offset > bz->pm_size || length > bz->pm_size - offset)
		return damaged(src, "payload");
	bz->payload = length > 4 ? bz->pm + offset : NULL;
	bz->payload_size = length;
	return 0;
}

static int find_sizes(struct rfm_image *image, struct rfm_bzimage *bz,
		      const struct rfm_source *src)
{
	bz->init_size = get(src->data, OFF_INIT_SIZE, 4);
	bz->pref_address = get(src->data, OFF_PREF_ADDRESS, 4) |
			   (__u64)get(src->data, OFF_PREF_ADDRESS + 4, 4) << 32;
	if (bz->init_size < bz->pm_size || bz->init_size > KERNEL_MAX)
		return damaged(src, "init_size");
	if (bz->pref_address < KERNEL_START || bz->pref_address > KERNEL_MAX ||
	    bz->pref_address % KERNEL_ALIGN)
		return damaged(src, "pref_address");
	image->span = bz->pref_address + bz->init_size;
	return 0;
}

static void find_release(struct rfm_image *image, const struct rfm_source *src)
{
	size_t off = get(src->data, OFF_KERNEL_VERSION, 2);

	if (off && off + 0x200 < src->size)
		rfm_image_set_release(image, (const char *)src->data + off + 0x200,
				      src->size - off - 0x200);
}

int rfm_bzimage_parse(struct rfm_image *image, struct rfm_bzimage *bz,
		      const struct rfm_source *src)
{
	size_t end;
	int ret;

	if (src->size < HDR_MIN_END)
		return truncated(src, HDR_MIN_END);
	ret = check_protocol(src);
	if (ret)
		return ret;
	/* the jump over the header ends where the header ends */
	end = OFF_MAGIC + get(src->data, OFF_JUMP + 1, 1);
	if (end < HDR_MIN_END || end > HDR_MAX_END)
		return damaged(src, "length");
	if (src->size < end)
		return truncated(src, end);
	image->setup_header_size = end - HDR_START;
	memcpy(image->setup_header, src->data + HDR_START, image->setup_header_size);
	ret = find_parts(bz, src);
	if (ret)
		return ret;
	find_release(image, src);
	return find_sizes(image, bz, src);
}

void rfm_bzimage_segments(struct rfm_image *image, const struct rfm_bzimage *bz)
{
	image->segments[0].src = (__u64)(uintptr_t)bz->pm;
	image->segments[0].filesz = bz->pm_size;
	image->segments[0].dest = bz->pref_address;
	image->segments[0].memsz = bz->init_size;
	image->nr_segments = 1;
	image->entry = bz->pref_address + ENTRY_64;
	image->elf = false;
}

/*
 * All but gzip, which ends with the size by itself, have the size of the
 * contents appended.
 */
static int unpack_payload(struct rfm_map *map, const struct rfm_bzimage *bz)
{
	const char *format = rfm_decompress_format(bz->payload, bz->payload_size);
	size_t size = bz->payload_size;
	size_t got;
	int ret;

	if (strcmp(format, "gzip"))
		size -= 4;
	ret = rfm_decompress(map->addr, map->size, &got, bz->payload, size);
	if (!ret && got != map->size)
		return -EILSEQ;
	return ret == -ENOSPC ? -EILSEQ : ret;
}

static int unpack_error(const struct rfm_source *src, int error)
{
	if (error == -ENOMEM)
		return rfm_image_fail(src, error, "cannot be unpacked: out of memory");
	return rfm_image_fail(src, -ENOEXEC,
			      "is damaged: its compressed kernel does not unpack; copy it again");
}

/* Return: 0, -ENOTSUP it is compressed in a way that is not known, others: as rfm_image_open() */
int rfm_bzimage_unpack(struct rfm_map *elf, const struct rfm_bzimage *bz,
		       const char *cache_dir, const struct rfm_source *src)
{
	unsigned char key[RFM_DIGEST_SIZE];
	struct rfm_cache_new entry = { 0 };
	size_t size;
	int ret;

	if (!bz->payload || !rfm_decompress_format(bz->payload, bz->payload_size))
		return -ENOTSUP;
	rfm_cache_key(key, cache_dir, &src->st, src->data, src->size);
	if (rfm_cache_find(elf, cache_dir, key))
		return 0;
	/* the kernel unpacks itself within init_size */
	size = get(bz->payload, bz->payload_size - 4, 4);
	if (!size || size > bz->init_size)
		return unpack_error(src, -EILSEQ);
	ret = rfm_cache_begin(&entry, cache_dir, size);
	if (ret)
		return unpack_error(src, ret);
	ret = unpack_payload(&entry.map, bz);
	if (ret) {
		rfm_cache_abort(&entry);
		return unpack_error(src, ret);
	}
	rfm_cache_commit(&entry, cache_dir, key);
	*elf = entry.map;
	return 0;
}

/* A bare ELF has no header: the fields that a boot loader would set or look at. */
void rfm_bzimage_synthesise(struct rfm_image *image)
{
	unsigned char *h = image->setup_header;

	image->setup_header_size = 0x26c - HDR_START;
	put(h, OFF_BOOT_FLAG, 2, 0xaa55);
	put(h, OFF_JUMP, 2, 0xeb | (0x26c - OFF_MAGIC) << 8);
	memcpy(h + OFF_MAGIC - HDR_START, "HdrS", 4);
	put(h, OFF_VERSION, 2, 0x20f);
	put(h, OFF_TYPE_OF_LOADER, 1, UNDEFINED_LOADER);
	put(h, OFF_LOADFLAGS, 1, LOADED_HIGH);
	put(h, OFF_INITRD_ADDR_MAX, 4, 0x7fffffff);
	put(h, OFF_KERNEL_ALIGNMENT, 4, KERNEL_ALIGN);
	put(h, OFF_RELOCATABLE, 1, 1);
	put(h, OFF_MIN_ALIGNMENT, 1, __builtin_ctz(KERNEL_ALIGN));
	put(h, OFF_XLOADFLAGS, 2, XLF_KERNEL_64 | XLF_CAN_BE_LOADED_ABOVE_4G);
	put(h, OFF_CMDLINE_SIZE, 4, CMDLINE_MAX);
	put(h, OFF_PREF_ADDRESS, 4, KERNEL_START);
	put(h, OFF_INIT_SIZE, 4, image->span > KERNEL_START ? image->span - KERNEL_START : 0);
}
