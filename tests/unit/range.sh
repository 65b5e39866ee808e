#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Range algebra against a bitmap. "range.sh SEED" repeats a run.
set -u
here=$(dirname "$0")
top=$here/../..
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT

"${CC:-gcc}" -g -O1 -Wall -Wextra -Werror -fsanitize=address,undefined -fno-sanitize-recover=all \
	-I"$top/rfcontroller" -I"$top/include/uapi" -o "$tmp/range_test" \
	"$here/range_test.c" "$top/rfcontroller/range.c" || exit 1
"$tmp/range_test" "$@"
