#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Command line of a subOS: what is refused, and that ours cannot be overridden.
set -u
here=$(dirname "$0")
top=$here/../..
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT

"${CC:-gcc}" -g -O1 -Wall -Wextra -Wno-missing-field-initializers -Werror -fsanitize=address,undefined -fno-sanitize-recover=all \
	-I"$top/rfcontroller" -I"$top/include" -I"$top/include/uapi" -o "$tmp/cmdline_test" \
	"$here/cmdline_test.c" "$top/rfcontroller/cmdline.c" || exit 1
"$tmp/cmdline_test" "$@"
