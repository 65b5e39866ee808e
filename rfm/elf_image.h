/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The ELF form of an x86-64 kernel (vmlinux): checks and load segments.
 */
#ifndef RFM_ELF_IMAGE_H
#define RFM_ELF_IMAGE_H

#include <stdbool.h>
#include <stddef.h>

struct rfm_image;

/**
 * rfm_elf_is - is this an ELF file at all
 * @data: first bytes
 * @size: their number
 *
 * Return: true when it begins like one.
 */
bool rfm_elf_is(const void *data, size_t size);

/**
 * rfm_elf_segments - fill in segments, entry, span and elf of an image
 * @image: (out) its @segments point into @data
 * @data: whole file
 * @size: its size; what stands behind the ELF is ignored
 * @why: (out) on failure what is wrong, in words that follow "it "
 *
 * Return: 0 or -ENOEXEC.
 */
int rfm_elf_segments(struct rfm_image *image, const void *data, size_t size, const char **why);

/**
 * rfm_elf_banner - find the kernel's banner ("Linux version 6.12.1 (...")
 * @image: an image with segments
 *
 * Return: what follows "Linux version ", readable up to 64 bytes, or NULL.
 */
const char *rfm_elf_banner(const struct rfm_image *image);

#endif /* RFM_ELF_IMAGE_H */
