// SPDX-License-Identifier: GPL-2.0-only
/*
 * A kernel's load segments. Each is copied to its physical address relative to
 * the base of the memory, as the kernel's own decompressor does: p_vaddr says
 * nothing (it is 0 for the per-CPU segment), p_paddr is where the kernel
 * expects the bytes.
 */
#include "elf_image.h"

#include <elf.h>
#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "image.h"

#define SEGMENT_ALIGN	(2ULL << 20)	/* the kernel maps itself in pages of this size */
#define PADDR_MAX	(2ULL << 30)	/* a kernel image spans 1 GB at most */
#define BANNER_MIN	64

bool rfm_elf_is(const void *data, size_t size)
{
	return size >= SELFMAG && !memcmp(data, ELFMAG, SELFMAG);
}

static const char *check_ident(const unsigned char *ident)
{
	if (ident[EI_CLASS] == ELFCLASS32)
		return "is a 32-bit program; a subOS needs an x86-64 kernel";
	if (ident[EI_CLASS] != ELFCLASS64 || ident[EI_DATA] != ELFDATA2LSB)
		return "has a damaged ELF header; copy it again";
	return NULL;
}

static const char *check_header(const Elf64_Ehdr *ehdr, size_t size)
{
	if (ehdr->e_machine != EM_X86_64)
		return "is for another processor; a subOS needs an x86-64 kernel";
	if (ehdr->e_type != ET_EXEC && ehdr->e_type != ET_DYN)
		return "is an ELF file that cannot be executed; name a vmlinux or vmlinuz file";
	if (ehdr->e_phentsize != sizeof(Elf64_Phdr) || !ehdr->e_phnum)
		return "has no ELF program headers; name a vmlinux or vmlinuz file";
	if (ehdr->e_phoff > size || size - ehdr->e_phoff < ehdr->e_phnum * sizeof(Elf64_Phdr))
		return "is truncated in its program headers; copy it again";
	return NULL;
}

static const char *check_load(const Elf64_Phdr *ph, size_t size)
{
	if (ph->p_paddr < RF_SERVICE_SIZE)
		return "is an ELF program, but no kernel; name a vmlinux or vmlinuz file";
	if (ph->p_paddr > PADDR_MAX || ph->p_memsz > PADDR_MAX - ph->p_paddr ||
	    ph->p_filesz > ph->p_memsz)
		return "has an impossible load segment; copy it again";
	if (!ph->p_align || ph->p_align % SEGMENT_ALIGN)
		return "has a load segment that is not aligned to 2 MB; name a stock kernel";
	if (ph->p_offset > size || ph->p_filesz > size - ph->p_offset)
		return "is truncated in a load segment; copy it again";
	return NULL;
}

/* Keeps the array sorted by destination. */
static void insert_segment(struct rfm_image *image, const struct rf_segment *seg)
{
	unsigned int i = image->nr_segments++;

	for (; i && image->segments[i - 1].dest > seg->dest; i--)
		image->segments[i] = image->segments[i - 1];
	image->segments[i] = *seg;
}

static const char *add_load(struct rfm_image *image, const Elf64_Phdr *ph,
			    const unsigned char *data, size_t size)
{
	struct rf_segment seg;
	const char *why;

	if (ph->p_type != PT_LOAD || !ph->p_memsz)
		return NULL;
	why = check_load(ph, size);
	if (why)
		return why;
	if (image->nr_segments == RF_SEGMENTS_MAX)
		return "has more load segments than can be handed over; name a stock kernel";
	seg.src = (__u64)(uintptr_t)(data + ph->p_offset);
	seg.filesz = ph->p_filesz;
	seg.dest = ph->p_paddr;
	seg.memsz = ph->p_memsz;
	insert_segment(image, &seg);
	return NULL;
}

/* Zero fill must not run over the next segment; bytes of two must not overlap. */
static const char *settle_overlaps(struct rfm_image *image)
{
	struct rf_segment *seg, *next;
	unsigned int i;

	for (i = 0; i + 1 < image->nr_segments; i++) {
		seg = &image->segments[i];
		next = seg + 1;
		if (next->dest - seg->dest < seg->filesz)
			return "has load segments that overlap; copy it again";
		if (next->dest - seg->dest < seg->memsz)
			seg->memsz = next->dest - seg->dest;
	}
	return NULL;
}

static bool entry_is_loaded(const struct rfm_image *image, __u64 entry)
{
	const struct rf_segment *seg;
	unsigned int i;

	for (i = 0; i < image->nr_segments; i++) {
		seg = &image->segments[i];
		if (entry >= seg->dest && entry - seg->dest < seg->filesz)
			return true;
	}
	return false;
}

static const char *read_segments(struct rfm_image *image, const unsigned char *data, size_t size)
{
	const char *why;
	Elf64_Ehdr ehdr;
	Elf64_Phdr ph;
	unsigned int i;

	if (size < EI_NIDENT)
		return "is truncated in its ELF header; copy it again";
	why = check_ident(data);
	if (why)
		return why;
	if (size < sizeof(ehdr))
		return "is truncated in its ELF header; copy it again";
	memcpy(&ehdr, data, sizeof(ehdr));
	why = check_header(&ehdr, size);
	for (i = 0; !why && i < ehdr.e_phnum; i++) {
		memcpy(&ph, data + ehdr.e_phoff + i * sizeof(ph), sizeof(ph));
		why = add_load(image, &ph, data, size);
	}
	if (!why)
		why = settle_overlaps(image);
	if (!why && !entry_is_loaded(image, ehdr.e_entry))
		why = "has its entry point outside of what is loaded; name a stock kernel";
	image->entry = ehdr.e_entry;
	return why;
}

int rfm_elf_segments(struct rfm_image *image, const void *data, size_t size, const char **why)
{
	const struct rf_segment *last;
	__u64 end;

	image->nr_segments = 0;
	*why = read_segments(image, data, size);
	if (*why) {
		image->nr_segments = 0;
		return -ENOEXEC;
	}
	last = &image->segments[image->nr_segments - 1];
	end = (last->dest + last->memsz + SEGMENT_ALIGN - 1) & ~(SEGMENT_ALIGN - 1);
	if (image->span < end)
		image->span = end;
	image->elf = true;
	return 0;
}

const char *rfm_elf_banner(const struct rfm_image *image)
{
	static const char word[] = "Linux version ";
	const size_t len = sizeof(word) - 1;
	const struct rf_segment *seg;
	const char *p, *end;
	unsigned int i;

	for (i = 0; i < image->nr_segments; i++) {
		seg = &image->segments[i];
		p = (const char *)(uintptr_t)seg->src;
		end = p + seg->filesz;
		while ((p = memmem(p, end - p, word, len))) {
			p += len;
			if ((size_t)(end - p) >= BANNER_MIN && *p >= '0' && *p <= '9')
				return p;
		}
	}
	return NULL;
}
