// SPDX-License-Identifier: GPL-2.0-only
/*
 * Opens a kernel image and decides how it is taken apart. The file is mapped,
 * never copied; the segments point into the mapping of the file or of the ELF
 * in the cache.
 */
#include "image_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "elf_image.h"

#define FILE_MAX	(2ULL << 30)	/* larger than any kernel, debug information included */
#define OLDEST_VERSION	(6U << 16 | 1U << 8)

/* Both mappings may be empty: image->priv of an open image. */
struct image_maps {
	struct rfm_map file;
	struct rfm_map elf;
};

int rfm_image_fail(const struct rfm_source *src, int error, const char *fmt, ...)
{
	va_list ap;
	int len;

	len = snprintf(src->err, src->err_size, "%s ", src->path);
	if (len < 0 || (size_t)len >= src->err_size)
		return error;
	va_start(ap, fmt);
	vsnprintf(src->err + len, src->err_size - len, fmt, ap);
	va_end(ap);
	return error;
}

/* Characters of a release: it becomes part of paths. */
static bool is_release_char(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c && strchr(".+-_~", c));
}

static unsigned int parse_number(const char **p)
{
	unsigned int val = 0;

	for (; **p >= '0' && **p <= '9'; (*p)++)
		val = val < 1000 ? val * 10 + (**p - '0') : 255;
	return val > 255 ? 255 : val;
}

static unsigned int parse_version(const char *release)
{
	unsigned int version = 0;
	int shift;

	for (shift = 16; shift >= 0; shift -= 8) {
		version |= parse_number(&release) << shift;
		if (*release++ != '.')
			break;
	}
	return version;
}

/* Takes "6.12.117+deb12-amd64 (user@host) ..."; leaves the image as it was if it is not that. */
void rfm_image_set_release(struct rfm_image *image, const char *text, size_t size)
{
	size_t len = 0;

	while (len < size && is_release_char(text[len]))
		len++;
	if (!len || len == size || len >= sizeof(image->release) || *text < '0' || *text > '9')
		return;
	memcpy(image->release, text, len);
	image->release[len] = '\0';
	image->version = parse_version(image->release);
}

static int check_age(const struct rfm_image *image, const struct rfm_source *src)
{
	if (!image->version || image->version >= OLDEST_VERSION)
		return 0;
	return rfm_image_fail(src, -ENOEXEC, "is Linux %s, too old; use 6.1 or newer",
			      image->release);
}

static int open_failed(const struct rfm_source *src, int error)
{
	if (error == ENOENT || error == ENOTDIR)
		return rfm_image_fail(src, -ENOENT, "is not there; name the kernel with --kernel");
	if (error == EACCES || error == EPERM)
		return rfm_image_fail(src, -EACCES,
				      "cannot be read: permission denied; run as root");
	if (error == ENOMEM || error == ENFILE || error == EMFILE)
		return rfm_image_fail(src, -ENOMEM, "cannot be opened: %s", strerror(error));
	return rfm_image_fail(src, -EIO, "cannot be read: %s", strerror(error));
}

static int check_file(const struct stat *st, const struct rfm_source *src)
{
	if (S_ISDIR(st->st_mode))
		return rfm_image_fail(src, -EISDIR,
				      "is a directory; name a kernel file, such as /boot/vmlinuz-VERSION");
	if (!S_ISREG(st->st_mode))
		return rfm_image_fail(src, -ENOEXEC,
				      "is not a regular file; name a vmlinuz or vmlinux file");
	if (!st->st_size)
		return rfm_image_fail(src, -ENOEXEC, "is empty; copy it again");
	if (st->st_size > (off_t)FILE_MAX)
		return rfm_image_fail(src, -ENOEXEC,
				      "is larger than any kernel; name a vmlinuz or vmlinux file");
	return 0;
}

static int map_file(struct rfm_map *map, struct rfm_source *src)
{
	struct stat *st = &src->st;
	void *addr;
	int ret, fd;

	/* O_NONBLOCK: opening a FIFO must not wait */
	fd = open(src->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return open_failed(src, errno);
	ret = fstat(fd, st) ? open_failed(src, errno) : check_file(st, src);
	if (!ret) {
		addr = mmap(NULL, st->st_size, PROT_READ, MAP_PRIVATE, fd, 0);
		if (addr == MAP_FAILED)
			ret = open_failed(src, errno);
		else
			*map = (struct rfm_map){ addr, st->st_size, st->st_size };
	}
	close(fd);
	src->data = map->addr;
	src->size = map->size;
	return ret;
}

/* The ELF in the bzImage. Return: -ENOTSUP it cannot be had from this one. */
static int load_payload(struct rfm_image *image, const struct rfm_bzimage *bz,
			const char *cache_dir, const struct rfm_source *src)
{
	struct image_maps *maps = image->priv;
	const char *why;
	int ret;

	ret = rfm_bzimage_unpack(&maps->elf, bz, cache_dir, src);
	if (ret)
		return ret;
	if (!rfm_elf_segments(image, maps->elf.addr, maps->elf.size, &why))
		return 0;
	rfm_unmap(&maps->elf);
	return -ENOTSUP;
}

static int load_bzimage(struct rfm_image *image, const char *cache_dir,
			enum rfm_image_mode mode, const struct rfm_source *src)
{
	struct rfm_bzimage bz;
	int ret;

	ret = rfm_bzimage_parse(image, &bz, src);
	if (!ret)
		ret = check_age(image, src);
	if (ret)
		return ret;
	ret = -ENOTSUP;
	if (mode != RFM_IMAGE_BZIMAGE)
		ret = load_payload(image, &bz, cache_dir, src);
	if (ret == -ENOTSUP) {
		rfm_bzimage_segments(image, &bz);
		ret = 0;
	}
	return ret;
}

static int load_elf(struct rfm_image *image, const struct rfm_source *src)
{
	const char *why, *banner;

	if (rfm_elf_segments(image, src->data, src->size, &why))
		return rfm_image_fail(src, -ENOEXEC, "%s", why);
	banner = rfm_elf_banner(image);
	if (!banner)
		return rfm_image_fail(src, -ENOEXEC,
				      "is an ELF file without a Linux banner; name a vmlinux file");
	rfm_image_set_release(image, banner, sizeof(image->release));
	rfm_bzimage_synthesise(image);
	return check_age(image, src);
}

static int load_any(struct rfm_image *image, const char *cache_dir, enum rfm_image_mode mode,
		    const struct rfm_source *src)
{
	if (rfm_bzimage_is(src))
		return load_bzimage(image, cache_dir, mode, src);
	if (rfm_elf_is(src->data, src->size))
		return load_elf(image, src);
	return rfm_image_fail(src, -ENOEXEC,
			      "is no Linux kernel for x86; name a vmlinuz or vmlinux file");
}

int rfm_image_open(struct rfm_image *image, const char *path, const char *cache_dir,
		   enum rfm_image_mode mode, char *err, size_t err_size)
{
	struct rfm_source src = { .path = path, .err = err, .err_size = err_size };
	struct image_maps *maps = calloc(1, sizeof(*maps));
	int ret;

	memset(image, 0, sizeof(*image));
	if (!maps)
		return rfm_image_fail(&src, -ENOMEM, "cannot be read: out of memory");
	image->priv = maps;
	ret = map_file(&maps->file, &src);
	if (!ret)
		ret = load_any(image, cache_dir, mode, &src);
	/* the segments of the ELF do not need the bzImage any more */
	if (!ret && maps->elf.addr)
		rfm_unmap(&maps->file);
	if (ret)
		rfm_image_close(image);
	return ret;
}

void rfm_image_release(char *release, size_t size, const char *path)
{
	struct rfm_source src = { .path = path };
	struct rfm_image image = { 0 };
	struct rfm_map file = { 0 };
	struct rfm_bzimage bz;

	if (!map_file(&file, &src) && rfm_bzimage_is(&src))
		rfm_bzimage_parse(&image, &bz, &src);
	snprintf(release, size, "%s", image.release);
	rfm_unmap(&file);
}

void rfm_image_close(struct rfm_image *image)
{
	struct image_maps *maps = image->priv;

	if (maps) {
		rfm_unmap(&maps->elf);
		rfm_unmap(&maps->file);
		free(maps);
	}
	memset(image, 0, sizeof(*image));
}
