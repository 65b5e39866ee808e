#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Accounts of CPUs and blocks: exact, whatever moves when.
set -u
here=$(dirname "$0")
top=$here/../..
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT

"${CC:-gcc}" -g -O1 -Wall -Wextra -Werror -fsanitize=address,undefined \
	-fno-sanitize-recover=all -I"$top/rfcontroller" -I"$top/include" -I"$top/include/uapi" \
	-o "$tmp/usage_test" "$here/usage_test.c" || exit 1
"$tmp/usage_test" "$@"
