#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# The ring of events in user space, under the sanitizers.
set -u
here=$(dirname "$0")
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT

name=$(basename "$0" .sh)
mkdir "$tmp/linux"
sed -n 's/^#include <linux\/\(.*\)>/\1/p' "$here/../../rfcontroller/$name".[ch] |
	while read -r header; do
		[ "$header" = types.h ] || : >"$tmp/linux/$header"
	done
"${CC:-gcc}" -g -O1 -Wall -Wno-unused-function -Werror -pthread -fsanitize=address,undefined \
	-fno-sanitize-recover=all -I"$here/../../include" \
	-I"$here/../../include/uapi" -isystem "$tmp" -o "$tmp/test" \
	"$here/${name}_test.c" || exit 1
"$tmp/test"
