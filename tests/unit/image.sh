#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Kernel images: all compressions, bad files, the cache, and the stock kernels there are.
set -u
here=$(cd "$(dirname "$0")" && pwd)
top=$here/../..
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT

"${CC:-gcc}" -g -O1 -D_GNU_SOURCE -Wall -Wextra -Werror -fsanitize=address,undefined \
	-fno-sanitize-recover=all -I"$top/include/uapi" -o "$tmp/image_test" \
	"$here/image_test.c" "$top"/rfm/image*.c "$top/rfm/elf_image.c" "$top/rfm/decompress.c" \
	-lz -llzma -llz4 -lzstd -lgcrypt -lxxhash || exit 1
set -- "$top"/build/kernels/*/boot/vmlinuz-*
[ -e "$1" ] || shift
"$tmp/image_test" "$@"
