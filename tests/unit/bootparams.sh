#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# boot_params: what a kernel is told of its header, initrd and memory.
set -u
here=$(dirname "$0")
top=$here/../..
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT

"${CC:-gcc}" -g -O1 -Wall -Wextra -Werror -fsanitize=address,undefined -fno-sanitize-recover=all \
	-I"$top/rfcontroller" -I"$top/include" -I"$top/include/uapi" -o "$tmp/bootparams_test" \
	"$here/bootparams_test.c" "$top/rfcontroller/bootparams.c" || exit 1
"$tmp/bootparams_test" "$@"
