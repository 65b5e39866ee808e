// SPDX-License-Identifier: GPL-2.0-only
/*
 * rfm/image.h against damaged and hostile files. The input is the file.
 */
#include <limits.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../../rfm/image.h"
#include "../unit/image_make.h"
#include "fuzz.h"

static unsigned long whole, elfs;

/* What the supervisor module relies on, or checks again. */
static void check_image(const struct rfm_image *image)
{
	const struct rf_segment *s;
	volatile char sum = 0;
	unsigned int i, entries = 0;
	__u64 end = RF_SERVICE_SIZE;

	if (!image->nr_segments || image->nr_segments > RF_SEGMENTS_MAX ||
	    image->setup_header_size > sizeof(image->setup_header) ||
	    strnlen(image->release, sizeof(image->release)) == sizeof(image->release) ||
	    strchr(image->release, '/'))
		abort();
	for (i = 0; i < image->nr_segments; i++) {
		s = &image->segments[i];
		if (s->dest < end || s->filesz > s->memsz || s->memsz > 4ULL << 30)
			abort();
		end = s->dest + s->memsz;
		entries += image->entry >= s->dest && image->entry < s->dest + s->filesz;
		if (s->filesz)
			sum += ((char *)(uintptr_t)s->src)[0] +
			       ((char *)(uintptr_t)s->src)[s->filesz - 1];
	}
	if (end > image->span || image->span > 4ULL << 30 || entries != 1)
		abort();
	whole++;
	elfs += image->elf;
}

static void try_mode(const char *path, enum rfm_image_mode mode)
{
	struct rfm_image image;
	char err[256] = "";
	int ret = rfm_image_open(&image, path, NULL, mode, err, sizeof(err));

	if (ret) {
		if ((ret != -ENOEXEC && ret != -ENOMEM) || !*err || strchr(err, '\n'))
			abort();
		return;
	}
	check_image(&image);
	rfm_image_close(&image);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char path[64];
	static int fd = -1;

	if (fd < 0) {
		fd = memfd_create("kernel", MFD_CLOEXEC);
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	}
	if (fd < 0 || ftruncate(fd, 0) || pwrite(fd, data, size, 0) != (ssize_t)size)
		abort();
	try_mode(path, RFM_IMAGE_AUTO);
	try_mode(path, RFM_IMAGE_BZIMAGE);
	return 0;
}

/* The ELF and a bzImage of each compression, made once. */
static struct bytes seed(unsigned int i)
{
	static size_t (*const packers[])(unsigned char *, size_t, struct bytes) = {
		pack_gzip, pack_xz, pack_lzma, pack_lz4, pack_zstd, pack_unknown,
	};
	static struct bytes seeds[7];

	if (!seeds[6].data) {
		seeds[6] = make_elf();
		for (int k = 0; k < 6; k++)
			seeds[k] = make_bzimage(seeds[6], packers[k]);
	}
	return seeds[i];
}

static const uint64_t interesting[] = {
	0, 1, 0x7f, 0x80, 0xff, 0x7fff, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff, 0x1000000,
	0x200000, -1ULL, -0x1000ULL, 1ULL << 63, 0x40000000,
};

size_t fuzz_make(uint8_t *data, uint64_t (*random)(void))
{
	unsigned int which = random() % 7, changes = random() % 6;
	struct bytes from = seed(which);
	size_t size = from.size, at;
	uint64_t val;

	memcpy(data, from.data, size);
	while (changes--) {
		/* the headers are where fields are; the payload where streams are */
		at = which == 6 ? random() % 400 : 0x1f0 + random() % 0xb0;
		if (random() % 4 == 0)
			at = random() % (size - 8);
		val = random() & 1 ? random() : interesting[random() % 16];
		memcpy(data + at, &val, 1ULL << random() % 4);
	}
	if (random() % 8 == 0)
		size = random() % size;
	return size;
}

int fuzz_summary(char *text, size_t size)
{
	snprintf(text, size, "%lu kernels accepted, %lu of them as ELF", whole, elfs);
	return !whole || !elfs;
}
