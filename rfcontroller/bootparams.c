// SPDX-License-Identifier: GPL-2.0-only
/*
 * boot_params ("zero page") of a subOS, Documentation/arch/x86/boot.rst of the
 * kernel. All that is not set here stays zero: no screen, no EFI, no EDD.
 */
#include "tables.h"
#include <asm/bootparam.h>
#include <linux/rainforest.h>

#define HDR_START		0x1f1	/* of the setup header, in the bzImage and in boot_params */
#define HDR_JUMP		0x202	/* the byte before it: size of what follows */
#define HDR_LIMIT		0x290	/* the E820 area begins shortly behind */
#define HDR_MAGIC		0x53726448	/* "HdrS" */
#define HDR_VERSION_MIN		0x020c	/* the first with xloadflags */
#define BOOT_FLAG		0xaa55
#define LOADER_UNDEFINED	0xff

#define E820_RAM		1
#define E820_RESERVED		2

#define LOW_MIN			0x10000ULL	/* X86_RESERVE_LOW takes what is below */
#define LOW_MAX			0xa0000ULL
#define RANGE_MIN		0x100000ULL
#define RANGE_MAX		BIT_ULL(52)	/* physical addresses have no more bits */

/* Does [start, start + length) lie in [lo, hi)? */
static bool inside(u64 start, u64 length, u64 lo, u64 hi)
{
	return start >= lo && start <= hi && length <= hi - start;
}

static bool span_valid(const struct rf_span *s, u64 lo, u64 hi)
{
	return s->length && IS_ALIGNED(s->start | s->length, 4096) &&
	       inside(s->start, s->length, lo, hi);
}

static bool spans_overlap(const struct rf_span *a, const struct rf_span *b)
{
	return a->start < b->start + b->length && b->start < a->start + a->length;
}

static bool ranges_valid(const struct rf_bp_in *in)
{
	u32 i, k;

	if (!in->nr_ranges || in->ranges[0].start != in->base ||
	    in->ranges[0].length <= RF_SERVICE_SIZE)
		return false;
	for (i = 0; i < in->nr_ranges; i++) {
		if (!span_valid(&in->ranges[i], RANGE_MIN, RANGE_MAX))
			return false;
		for (k = 0; k < i; k++)
			if (spans_overlap(&in->ranges[k], &in->ranges[i]))
				return false;
	}
	return true;
}

/* The initrd lies in memory that the kernel is told of as RAM. */
static bool initrd_valid(const struct rf_bp_in *in)
{
	u32 i;

	if (!in->initrd_size)
		return true;
	if (in->initrd < in->base + RF_SERVICE_SIZE && in->initrd >= in->base)
		return false;
	for (i = 0; i < in->nr_ranges; i++)
		if (inside(in->initrd, in->initrd_size, in->ranges[i].start,
			   in->ranges[i].start + in->ranges[i].length))
			return true;
	return false;
}

static bool bp_in_valid(const struct rf_bp_in *in)
{
	u64 end = in->base + RF_SERVICE_SIZE;

	return !in->flags && ranges_valid(in) && initrd_valid(in) &&
	       span_valid(&in->low, LOW_MIN, LOW_MAX) &&
	       inside(in->cmdline, (u64)in->cmdline_size + 1, in->base, end) &&
	       inside(in->rsdp, 36, in->base, end);
}

/*
 * The header's length is its own second jump byte, as the boot protocol has
 * it. Fields behind it, and what a long header would bring behind our limit,
 * stay zero.
 */
static int copy_header(struct boot_params *bp, const void *src, u32 size)
{
	const u8 *bytes = src;
	u32 len;

	if (size <= HDR_JUMP - HDR_START || size > HDR_LIMIT - HDR_START)
		return -EINVAL;
	len = HDR_JUMP - HDR_START + bytes[HDR_JUMP - 1 - HDR_START];
	if (len > size || len < offsetof(struct setup_header, pref_address))
		return -EINVAL;
	if (len > sizeof(bp->hdr))
		len = sizeof(bp->hdr);
	memcpy(&bp->hdr, src, len);
	return 0;
}

static bool header_valid(const struct setup_header *hdr, const struct rf_bp_in *in)
{
	u64 initrd_last = in->initrd + in->initrd_size - 1;

	if (hdr->boot_flag != BOOT_FLAG || hdr->header != HDR_MAGIC ||
	    hdr->version < HDR_VERSION_MIN || !(hdr->xloadflags & XLF_KERNEL_64))
		return false;
	/* our memory may lie anywhere */
	if (!(hdr->xloadflags & XLF_CAN_BE_LOADED_ABOVE_4G) && in->initrd_size &&
	    initrd_last > hdr->initrd_addr_max)
		return false;
	return in->cmdline_size <= hdr->cmdline_size;
}

static void set_header(struct boot_params *bp, const struct rf_bp_in *in)
{
	u64 initrd = in->initrd_size ? in->initrd : 0;

	bp->hdr.type_of_loader = LOADER_UNDEFINED;
	bp->hdr.ext_loader_type = 0;
	bp->hdr.ext_loader_ver = 0;
	bp->hdr.loadflags = LOADED_HIGH;	/* no heap, segments not to be kept */
	bp->hdr.heap_end_ptr = 0;
	bp->hdr.setup_data = 0;
	bp->hdr.hardware_subarch = 0;
	bp->hdr.hardware_subarch_data = 0;
	bp->hdr.cmd_line_ptr = (u32)in->cmdline;
	bp->ext_cmd_line_ptr = in->cmdline >> 32;
	bp->hdr.ramdisk_image = (u32)initrd;
	bp->ext_ramdisk_image = initrd >> 32;
	bp->hdr.ramdisk_size = (u32)in->initrd_size;
	bp->ext_ramdisk_size = in->initrd_size >> 32;
	bp->acpi_rsdp_addr = in->rsdp;
}

/* Put an entry where it belongs by its address. */
static void e820_add(struct boot_params *bp, u64 start, u64 length, u32 type)
{
	struct boot_e820_entry entry = { .addr = start, .size = length, .type = type };
	u32 i = bp->e820_entries++;

	for (; i > 0 && bp->e820_table[i - 1].addr > start; i--)
		bp->e820_table[i] = bp->e820_table[i - 1];
	bp->e820_table[i] = entry;
}

/*
 * The service area, ACPI tables included, is "reserved" as a whole. "ACPI"
 * would tell the kernel that it may use the pages as RAM once it has read the
 * tables; the kernel maps tables in reserved memory just as well.
 */
static void set_e820(struct boot_params *bp, const struct rf_bp_in *in)
{
	u32 i;

	e820_add(bp, in->low.start, in->low.length, E820_RAM);
	e820_add(bp, in->base, RF_SERVICE_SIZE, E820_RESERVED);
	e820_add(bp, in->base + RF_SERVICE_SIZE, in->ranges[0].length - RF_SERVICE_SIZE, E820_RAM);
	for (i = 1; i < in->nr_ranges; i++)
		e820_add(bp, in->ranges[i].start, in->ranges[i].length, E820_RAM);
}

int rf_bootparams_build(const struct rf_bp_in *in, void *buf)
{
	struct boot_params *bp = buf;
	int ret;

	if (in->nr_ranges > E820_MAX_ENTRIES_ZEROPAGE - 2)
		return -ENOSPC;
	if (!bp_in_valid(in))
		return -EINVAL;
	memset(bp, 0, sizeof(*bp));
	ret = copy_header(bp, in->setup_header, in->setup_header_size);
	if (ret)
		return ret;
	if (!header_valid(&bp->hdr, in))
		return -EINVAL;
	set_header(bp, in);
	set_e820(bp, in);
	return 0;
}
