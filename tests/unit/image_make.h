/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Makes small kernels for tests: an ELF as a kernel's, and a bzImage around it.
 */
#ifndef _TESTS_UNIT_IMAGE_MAKE_H
#define _TESTS_UNIT_IMAGE_MAKE_H

#include <elf.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <lz4.h>
#include <lzma.h>
#include <zlib.h>
#include <zstd.h>

#define MB		(1ULL << 20)
#define RELEASE		"6.12.3-test"
#define BANNER		"Linux version " RELEASE " (someone@somewhere) #1 SMP"
#define SETUP		(2 * 512)
#define PAYLOAD_OFF	0x2cc
#define ELF_SIZE	0x9000
#define MORE		0x1000	/* relocations behind the ELF */

struct bytes {
	unsigned char *data;
	size_t size;
};

static void put(unsigned char *p, uint64_t val, int bytes)
{
	while (bytes--) {
		*p++ = val;
		val >>= 8;
	}
}

static void fail_hard(const char *what)
{
	printf("Bail out! %s: %s\n", what, strerror(errno));
	exit(99);
}

/* ---- the ELF ---- */

static void set_phdr(unsigned char *elf, int i, const Elf64_Phdr *ph)
{
	memcpy(elf + sizeof(Elf64_Ehdr) + i * sizeof(*ph), ph, sizeof(*ph));
}

/* As a kernel: text, data, the per-CPU segment at address 0, init with bss. */
static struct bytes make_elf(void)
{
	static const Elf64_Phdr phdrs[] = {
		{ .p_type = PT_LOAD, .p_offset = 0x1000, .p_vaddr = 0xffffffff81000000,
		  .p_paddr = 0x1000000, .p_filesz = 0x4000, .p_memsz = 0x4000,
		  .p_align = 0x200000 },
		{ .p_type = PT_LOAD, .p_offset = 0x6000, .p_vaddr = 0,
		  .p_paddr = 0x1202000, .p_filesz = 0x800, .p_memsz = 0x800,
		  .p_align = 0x200000 },
		{ .p_type = PT_LOAD, .p_offset = 0x5000, .p_vaddr = 0xffffffff81200000,
		  .p_paddr = 0x1200000, .p_filesz = 0x1000, .p_memsz = 0x3000,
		  .p_align = 0x200000 },
		{ .p_type = PT_NOTE, .p_offset = 0x1100, .p_paddr = 1, .p_filesz = 0x10,
		  .p_memsz = 0x10, .p_align = 4 },
		{ .p_type = PT_LOAD, .p_offset = 0x7000, .p_vaddr = 0xffffffff81203000,
		  .p_paddr = 0x1203000, .p_filesz = 0x2000, .p_memsz = 0x100000,
		  .p_align = 0x200000 },
	};
	struct bytes elf = { calloc(1, ELF_SIZE + MORE), ELF_SIZE };
	Elf64_Ehdr ehdr = {
		.e_ident = { 0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, 1 },
		.e_type = ET_EXEC, .e_machine = EM_X86_64, .e_version = 1,
		.e_entry = 0x1000040, .e_phoff = sizeof(ehdr), .e_ehsize = sizeof(ehdr),
		.e_phentsize = sizeof(Elf64_Phdr), .e_phnum = 5,
	};
	size_t i;

	if (!elf.data)
		fail_hard("memory");
	for (i = 0x1000; i < ELF_SIZE; i++)
		elf.data[i] = i * 131 >> 4;
	memcpy(elf.data, &ehdr, sizeof(ehdr));
	for (i = 0; i < 5; i++)
		set_phdr(elf.data, i, &phdrs[i]);
	memcpy(elf.data + 0x2000, BANNER, sizeof(BANNER));
	return elf;
}

/* ---- compression ---- */

static size_t pack_gzip(unsigned char *out, size_t room, struct bytes in)
{
	z_stream strm = { .next_in = in.data, .avail_in = in.size, .next_out = out,
			  .avail_out = room };

	deflateInit2(&strm, 9, Z_DEFLATED, MAX_WBITS + 16, 8, Z_DEFAULT_STRATEGY);
	deflate(&strm, Z_FINISH);
	deflateEnd(&strm);
	return strm.total_out;	/* gzip ends with the size by itself */
}

static size_t add_size(unsigned char *out, size_t used, struct bytes in)
{
	put(out + used, in.size, 4);
	return used + 4;
}

static size_t pack_xz(unsigned char *out, size_t room, struct bytes in)
{
	size_t used = 0;

	if (lzma_easy_buffer_encode(6, LZMA_CHECK_CRC32, NULL, in.data, in.size, out, &used, room))
		fail_hard("xz");
	return add_size(out, used, in);
}

static size_t pack_lzma(unsigned char *out, size_t room, struct bytes in)
{
	lzma_stream strm = LZMA_STREAM_INIT;
	lzma_options_lzma options;

	lzma_lzma_preset(&options, 6);
	if (lzma_alone_encoder(&strm, &options) != LZMA_OK)
		fail_hard("lzma");
	strm.next_in = in.data;
	strm.avail_in = in.size;
	strm.next_out = out;
	strm.avail_out = room;
	if (lzma_code(&strm, LZMA_FINISH) != LZMA_STREAM_END)
		fail_hard("lzma");
	lzma_end(&strm);
	return add_size(out, strm.total_out, in);
}

static size_t pack_lz4(unsigned char *out, size_t room, struct bytes in)
{
	int used = LZ4_compress_default((char *)in.data, (char *)out + 8, in.size, room - 8);

	put(out, 0x184c2102, 4);
	put(out + 4, used, 4);
	return add_size(out, used + 8, in);
}

static size_t pack_zstd(unsigned char *out, size_t room, struct bytes in)
{
	ZSTD_CCtx *cctx = ZSTD_createCCtx();
	size_t used;

	/* as the zstd command, which kernels are packed with */
	ZSTD_CCtx_setParameter(cctx, ZSTD_c_checksumFlag, 1);
	used = ZSTD_compress2(cctx, out, room, in.data, in.size);
	ZSTD_freeCCtx(cctx);
	return add_size(out, used, in);
}

static size_t pack_unknown(unsigned char *out, size_t room, struct bytes in)
{
	(void)room;
	memcpy(out, "BZh91AY", 8);
	return add_size(out, 64, in);
}

/* ---- the bzImage ---- */

static struct bytes make_bzimage(struct bytes elf,
				 size_t (*pack)(unsigned char *, size_t, struct bytes))
{
	struct bytes with_relocs = { elf.data, elf.size + MORE };
	struct bytes bz = { calloc(1, 256 << 10), 0 };
	unsigned char *h = bz.data;
	size_t packed, pm;

	packed = pack(bz.data + SETUP + PAYLOAD_OFF, (256 << 10) - SETUP - PAYLOAD_OFF - 1024,
		      with_relocs);
	pm = (PAYLOAD_OFF + packed + 64 + 15) & ~15UL;
	bz.size = SETUP + pm;
	h[0x1f1] = 1;
	put(h + 0x1f4, pm / 16, 4);
	put(h + 0x1fe, 0xaa55, 2);
	put(h + 0x200, 0x6aeb, 2);
	memcpy(h + 0x202, "HdrS", 4);
	put(h + 0x206, 0x20f, 2);
	put(h + 0x20e, 0x280 - 0x200, 2);
	h[0x211] = 1;
	put(h + 0x230, 0x200000, 4);
	put(h + 0x236, 0x7f, 2);
	put(h + 0x248, PAYLOAD_OFF, 4);
	put(h + 0x24c, packed, 4);
	put(h + 0x258, 0x1000000, 8);
	put(h + 0x260, 0x400000, 4);
	strcpy((char *)h + 0x280, RELEASE " (someone@somewhere) #1 SMP");
	return bz;
}

#endif /* _TESTS_UNIT_IMAGE_MAKE_H */
