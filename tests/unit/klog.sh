#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# The reader of kernel logs, on memory made for the purpose.
set -u
here=$(cd "$(dirname "$0")" && pwd)
top=$here/../..
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT

"${CC:-gcc}" -g -O1 -D_GNU_SOURCE -Wall -Wextra -Werror -fsanitize=address,undefined \
	-fno-sanitize-recover=all -I"$top/include/uapi" -o "$tmp/klog_test" \
	"$here/klog_test.c" "$top"/rfm/klog*.c || exit 1
"$tmp/klog_test"
