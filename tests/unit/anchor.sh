#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# The format in which a detached supervisor leaves what it knows: written, read by
# other builds, and spoiled.
set -u
here=$(dirname "$0")
top=$here/../..
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT

"${CC:-gcc}" -g -O1 -Wall -Wextra -Werror -fsanitize=address,undefined \
	-fno-sanitize-recover=all -I"$top/rfcontroller" -I"$top/include" -I"$top/include/uapi" \
	-o "$tmp/anchor_test" "$here/anchor_test.c" || exit 1
"$tmp/anchor_test" "$@"
