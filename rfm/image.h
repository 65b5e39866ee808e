/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Kernel images: what a subOS is booted from.
 *
 * A bzImage is taken apart once: its payload (gzip, xz, lzma, lz4, zstd) is the
 * ELF vmlinux, which is kept in a cache under the SHA-256 of the bzImage, so
 * that no subOS decompresses on its own core. Where the ELF cannot be had, the
 * bzImage's own 64-bit entry is used.
 */
#ifndef RFM_IMAGE_H
#define RFM_IMAGE_H

#include <linux/rainforest.h>
#include <stdbool.h>
#include <stddef.h>

/**
 * struct rfm_image - a kernel image, ready for RF_IOC_LOAD
 * @release: release string ("6.12.117+deb12-cloud-amd64"), empty if not known
 * @version: major << 16 | minor << 8 | patch (patch at most 255)
 * @elf: true when @segments come from the ELF, false for the bzImage's own entry
 * @segments: @nr_segments pieces; src points into memory of this object
 * @nr_segments: see @segments
 * @entry: 64-bit entry point relative to the base of the subOS's first range
 * @setup_header: bytes of the setup header, from offset 0x1f1 of the image on;
 *	all zero but for the fields a loader needs when the image is a bare ELF
 * @setup_header_size: see @setup_header
 * @span: bytes from the base of the range that the kernel needs while it boots
 * @priv: mappings and buffers, private
 */
struct rfm_image {
	char release[64];
	unsigned int version;
	bool elf;
	struct rf_segment segments[RF_SEGMENTS_MAX];
	unsigned int nr_segments;
	unsigned long long entry;
	unsigned char setup_header[0x290 - 0x1f1];
	unsigned int setup_header_size;
	unsigned long long span;
	void *priv;
};

/* How rfm_image_open() may take the image apart. */
enum rfm_image_mode {
	RFM_IMAGE_AUTO,		/* ELF where it can be had, else bzImage */
	RFM_IMAGE_BZIMAGE,	/* the bzImage's own entry */
};

/**
 * rfm_image_open - read a kernel image, bzImage or ELF vmlinux
 * @image: (out) result, to be closed with rfm_image_close()
 * @path: file
 * @cache_dir: directory of the cache of ELFs, made when it is not there; an
 *	unusable cache is not an error
 * @mode: see enum rfm_image_mode
 * @err: (out) on failure one line that names the file, the fact and the way out
 * @err_size: size of @err
 *
 * Return: 0, or a negative errno: -ENOENT, -EACCES, -EISDIR, -ENOEXEC (no
 * kernel, truncated, 32-bit only, too old), -ENOMEM, -EIO.
 */
int rfm_image_open(struct rfm_image *image, const char *path, const char *cache_dir,
		   enum rfm_image_mode mode, char *err, size_t err_size);

/**
 * rfm_image_release - the release of a bzImage, of which only the header is read
 * @release: (out) the release, empty when the file does not tell or is none
 * @size: size of @release
 * @path: file
 *
 * For work that can begin before rfm_image_open() has the kernel unpacked and
 * checked; whether the file is any good is told there.
 */
void rfm_image_release(char *release, size_t size, const char *path);

/**
 * rfm_image_lacks - whether a kernel was built without an option
 * @path: its image
 * @release: its release
 * @option: without CONFIG_
 *
 * Return: true where config-RELEASE beside the image says that it is not set; false when there
 * is no such file.
 */
bool rfm_image_lacks(const char *path, const char *release, const char *option);

/**
 * rfm_image_close - free what rfm_image_open() took
 * @image: the image, may be zeroed
 */
void rfm_image_close(struct rfm_image *image);

#endif /* RFM_IMAGE_H */
