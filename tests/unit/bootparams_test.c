// SPDX-License-Identifier: GPL-2.0-only
/*
 * The zero page builder: every field that is set, random memory layouts, and
 * what it must refuse. "bootparams_test SEED" repeats a run.
 */
#include <stdlib.h>
#include <time.h>
#include "tables.h"
#include <asm/bootparam.h>
#include <linux/rainforest.h>
#include <linux/rainforest_wire.h>
#include "tap.h"

#define BASE		0x138000000ULL
#define GRAIN		((u64)RF_GRAIN)
#define HEADER_SIZE	(0x290 - 0x1f1)
#define HEADER_USED	0x7b		/* as in 6.x: up to kernel_info_offset */
#define ROUNDS		20000

static u8 header[HEADER_SIZE];
static struct rf_span one[1] = { { BASE, RF_GRAIN } };
static u8 page[4096 + 64];

static struct boot_params *bp(void)
{
	return (struct boot_params *)page;
}

/* A setup header like that of a kernel of today; every unused byte is set. */
static void make_header(void)
{
	struct setup_header hdr = {
		.setup_sects = 31, .boot_flag = 0xaa55, .header = 0x53726448, .version = 0x20f,
		.jump = 0x66eb, .type_of_loader = 0, .loadflags = LOADED_HIGH | CAN_USE_HEAP | 0x42,
		.code32_start = 0x100000, .heap_end_ptr = 0x1234, .ext_loader_type = 3,
		.initrd_addr_max = 0x7fffffff, .kernel_alignment = 0x200000,
		.xloadflags = XLF_KERNEL_64 | XLF_CAN_BE_LOADED_ABOVE_4G, .cmdline_size = 2047,
		.setup_data = 0x1000, .pref_address = 0x1000000, .init_size = 0x3000000,
		.payload_offset = 0x300, .payload_length = 0x900000, .hardware_subarch = 1,
	};

	memset(header, 0xee, sizeof(header));
	memcpy(header, &hdr, HEADER_USED);
	header[0x201 - 0x1f1] = HEADER_USED - (0x202 - 0x1f1);
}

static struct setup_header *hdr(void)
{
	return (struct setup_header *)header;
}

static struct rf_bp_in input(void)
{
	struct rf_bp_in in = {
		.base = BASE, .setup_header = header, .setup_header_size = HEADER_SIZE,
		.cmdline = BASE + RF_OFF_CMDLINE, .cmdline_size = 300,
		.initrd = BASE + 0x6000000, .initrd_size = 0x123457,
		.rsdp = BASE + RF_OFF_ACPI, .low = { 0x20000, 0x10000 },
		.ranges = one, .nr_ranges = 1,
	};

	make_header();
	return in;
}

static int build(const struct rf_bp_in *in)
{
	memset(page, 0xa5, sizeof(page));
	return rf_bootparams_build(in, page);
}

static bool all_zero(u32 from, u32 to)
{
	for (; from < to; from++)
		if (page[from])
			return false;
	return true;
}

static u64 join(u32 low, u32 high)
{
	return (u64)high << 32 | low;
}

static void test_fields(void)
{
	struct rf_bp_in in = input();
	struct boot_params *p = bp();
	struct boot_e820_entry *e = p->e820_table;

	ok(!build(&in), "built");
	ok(page[4096] == 0xa5, "not more than 4096 bytes are written");
	ok(p->hdr.type_of_loader == 0xff && p->hdr.loadflags == LOADED_HIGH &&
	   !p->hdr.heap_end_ptr && !p->hdr.ext_loader_type && !p->hdr.setup_data &&
	   !p->hdr.hardware_subarch, "loader's fields");
	ok(p->hdr.kernel_alignment == 0x200000 && p->hdr.init_size == 0x3000000 &&
	   p->hdr.version == 0x20f && p->hdr.payload_length == 0x900000 &&
	   p->hdr.setup_sects == 31, "kernel's fields");
	ok(join(p->hdr.cmd_line_ptr, p->ext_cmd_line_ptr) == in.cmdline, "command line");
	ok(join(p->hdr.ramdisk_image, p->ext_ramdisk_image) == in.initrd &&
	   join(p->hdr.ramdisk_size, p->ext_ramdisk_size) == in.initrd_size, "initrd");
	ok(p->acpi_rsdp_addr == in.rsdp, "RSDP");
	ok(!p->sentinel && all_zero(0, 0x70) && all_zero(0x78, 0xc0) && all_zero(0xcc, 0x1e8),
	   "no screen, no EFI, no EDD, no sentinel");
	ok(all_zero(0x1f1 + HEADER_USED, 0x2d0), "bytes behind the header's own length stay zero");
	ok(p->e820_entries == 3 && e[0].addr == 0x20000 && e[0].size == 0x10000 && e[0].type == 1 &&
	   e[1].addr == BASE && e[1].size == RF_SERVICE_SIZE && e[1].type == 2 &&
	   e[2].addr == BASE + RF_SERVICE_SIZE && e[2].size == GRAIN - RF_SERVICE_SIZE &&
	   e[2].type == 1, "E820: low slice, service area reserved, the rest RAM");
	in.initrd_size = 0;
	in.initrd = 1;
	ok(!build(&in) && !p->hdr.ramdisk_image && !p->ext_ramdisk_image && !p->hdr.ramdisk_size,
	   "no initrd: no address");
}

/* Blocks in random order; what E820 says must be exactly them. */
static bool random_layout(void)
{
	struct rf_span ranges[64];
	static u8 taken[512];
	struct rf_bp_in in = input();
	struct boot_e820_entry *e = bp()->e820_table;
	u64 ram = 0, reserved = 0, end = 0, want = 0;
	u32 i, k;

	memset(taken, 0, sizeof(taken));
	in.nr_ranges = 1 + rand() % 64;
	for (i = 0; i < in.nr_ranges; i++) {
		do
			k = 1 + rand() % (ARRAY_SIZE(taken) - 1);
		while (taken[k]);
		taken[k] = 1;
		ranges[i].start = k * GRAIN;
		ranges[i].length = GRAIN;
		want += GRAIN;
	}
	in.base = ranges[0].start;
	in.ranges = ranges;
	in.cmdline = in.base + RF_OFF_CMDLINE;
	in.rsdp = in.base + RF_OFF_ACPI;
	in.initrd = ranges[rand() % in.nr_ranges].start + RF_SERVICE_SIZE + rand() % 0x1000;
	if (build(&in) || bp()->e820_entries != in.nr_ranges + 2)
		return false;
	for (i = 0; i < bp()->e820_entries; end = e[i].addr + e[i].size, i++) {
		if (e[i].addr < end || (e[i].type != 1 && e[i].type != 2))
			return false;
		if (e[i].type == 2)
			reserved += e[i].addr == in.base ? e[i].size : 0;
		else if (e[i].addr >= 0x100000)
			ram += e[i].size;
		if (e[i].addr >= 0x100000 && !taken[e[i].addr / GRAIN])
			return false;
	}
	return reserved == RF_SERVICE_SIZE && ram == want - reserved;
}

static void test_layouts(u32 seed)
{
	u32 i;

	srand(seed);
	for (i = 0; i < ROUNDS && random_layout(); i++)
		;
	ok(i == ROUNDS, "seed %u: %u random layouts: sorted, nothing twice, all of it", seed, i);
}

static void test_many(void)
{
	static struct rf_span ranges[200];
	struct rf_bp_in in = input();
	u32 i;

	for (i = 0; i < ARRAY_SIZE(ranges); i++) {
		ranges[i].start = BASE + i * GRAIN;
		ranges[i].length = GRAIN;
	}
	in.ranges = ranges;
	in.nr_ranges = 126;
	ok(!build(&in) && bp()->e820_entries == 128, "126 ranges fill E820");
	in.nr_ranges = 127;
	ok(build(&in) == -ENOSPC, "127 ranges do not fit");
	in.nr_ranges = U32_MAX;
	ok(build(&in) == -ENOSPC, "absurdly many ranges are refused unread");
}

#define REFUSED(change, what) do {						\
		struct rf_bp_in in = input();					\
		change;								\
		ok(build(&in) == -EINVAL, "refused: " what);			\
	} while (0)

static void test_bad_header(void)
{
	REFUSED(hdr()->boot_flag = 0, "no boot flag");
	REFUSED(hdr()->header = 0, "no magic");
	REFUSED(hdr()->version = 0x20b, "a protocol without xloadflags");
	REFUSED(hdr()->xloadflags = XLF_CAN_BE_LOADED_ABOVE_4G, "no 64-bit entry");
	REFUSED(hdr()->xloadflags = XLF_KERNEL_64, "an initrd where the kernel cannot read it");
	REFUSED(hdr()->cmdline_size = 299, "a command line longer than the kernel takes");
	REFUSED(header[0x10] = 0, "a header of no length");
	REFUSED(header[0x10] = 0x30, "a header that ends too early");
	REFUSED(header[0x10] = 0xff, "a header longer than what was given");
	REFUSED(in.setup_header_size = 0, "no header");
	REFUSED(in.setup_header_size = 0x11, "a header without its magic");
	REFUSED(in.setup_header_size = HEADER_USED - 1, "a header that is cut off");
	REFUSED(in.setup_header_size = HEADER_SIZE + 1, "a header beyond its area");
	REFUSED(in.setup_header_size = U32_MAX, "a header of absurd size");
}

static bool two_ranges(const struct rf_span *two)
{
	struct rf_bp_in in = input();

	in.ranges = two;
	in.nr_ranges = 2;
	return !build(&in) && bp()->e820_entries == 4;
}

static void test_bad_memory(void)
{
	static struct rf_span two[2] = { { BASE, RF_GRAIN }, { BASE + RF_GRAIN, RF_GRAIN } };

	REFUSED(in.nr_ranges = 0, "no memory");
	REFUSED(in.base += 0x1000, "a base that is not the first range's");
	REFUSED(one[0].length = RF_SERVICE_SIZE, "a range with nothing but our area");
	one[0].length = RF_GRAIN;
	ok(two_ranges(two), "control: two ranges side by side are accepted");
	REFUSED((in.ranges = two, in.nr_ranges = 2, two[1].start = BASE), "a range given twice");
	REFUSED((in.ranges = two, in.nr_ranges = 2, two[1].start = BASE + RF_GRAIN - 4096),
		"ranges that overlap");
	REFUSED((in.ranges = two, in.nr_ranges = 2, two[1].start = 0), "a range at 0");
	REFUSED((in.ranges = two, in.nr_ranges = 2, two[1].start = BASE + RF_GRAIN + 1),
		"a range that is not aligned");
	REFUSED((in.ranges = two, in.nr_ranges = 2, two[1].start = ~0xfffULL),
		"a range at the end of the address space");
	REFUSED((in.ranges = two, in.nr_ranges = 2, two[1].start = 1ULL << 52),
		"a range beyond what can be addressed");
	two[1].start = BASE + RF_GRAIN;
	REFUSED((in.ranges = two, in.nr_ranges = 2, two[1].length = 0), "an empty range");
	REFUSED((in.ranges = two, in.nr_ranges = 2, two[1].length = ~0xfffULL), "an endless range");
	REFUSED(in.low.length = 0, "no low memory");
	REFUSED(in.low.start = 0xf000, "low memory that the kernel reserves");
	REFUSED(in.low.start = 0x98000, "low memory that reaches the video memory");
	REFUSED(in.low.start += 8, "low memory that is not aligned");
	REFUSED(in.low.start = ~0xfffULL, "low memory at the end of the address space");
}

static void test_bad_places(void)
{
	REFUSED(in.cmdline = BASE - 1, "a command line outside our area");
	REFUSED(in.cmdline = BASE + RF_SERVICE_SIZE - 300, "no room for the NUL");
	REFUSED(in.cmdline_size = U32_MAX, "a command line of absurd length");
	REFUSED(in.rsdp = 0, "no RSDP");
	REFUSED(in.rsdp = BASE + RF_SERVICE_SIZE - 35, "an RSDP that leaves our area");
	REFUSED(in.initrd = BASE + 0x1000, "an initrd in our area");
	REFUSED(in.initrd = BASE - 0x1000, "an initrd in front of the memory");
	REFUSED(in.initrd = BASE + RF_GRAIN - 0x123456, "an initrd one byte too long");
	REFUSED(in.initrd_size = ~0ULL, "an endless initrd");
	REFUSED(in.initrd = ~0ULL, "an initrd at the end of the address space");
	REFUSED(in.flags = 1, "an unknown flag");
}

/* Any header, however broken, is refused or leaves E820 and our fields right. */
static void test_hostile_header(u32 seed)
{
	u32 i, good = 0;

	srand(seed);
	for (i = 0; i < ROUNDS; i++) {
		struct rf_bp_in in = input();
		u32 flips = 1 + rand() % 4;
		int ret;

		while (flips--)
			header[rand() % HEADER_SIZE] = rand();
		ret = build(&in);
		if (ret && ret != -EINVAL)
			break;
		if (ret)
			continue;
		good++;
		if (page[4096] != 0xa5 || bp()->e820_entries != 3 ||
		    bp()->e820_table[1].addr != BASE ||
		    join(bp()->hdr.cmd_line_ptr, bp()->ext_cmd_line_ptr) != in.cmdline ||
		    bp()->hdr.setup_data || bp()->sentinel)
			break;
	}
	ok(i == ROUNDS && good > ROUNDS / 10 && good < ROUNDS,
	   "seed %u: %u of %u damaged headers taken, our fields right in all", seed, good, i);
}

int main(int argc, char **argv)
{
	u32 seed = argc > 1 ? strtoul(argv[1], NULL, 0) : (u32)time(NULL);

	test_fields();
	test_layouts(seed);
	test_many();
	test_bad_header();
	test_bad_memory();
	test_bad_places();
	test_hostile_header(seed);
	return tap_end();
}
