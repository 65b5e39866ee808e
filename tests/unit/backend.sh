#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# What the back ends' processes read, from users, subOSes and each other.
set -u
here=$(dirname "$0")
top=$here/../..
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
mkdir "$tmp/web"

"${CC:-gcc}" -std=gnu11 -D_GNU_SOURCE -g -O1 -Wall -Wextra -Wno-unused-parameter -Werror \
	-fsanitize=address,undefined -fno-sanitize-recover=all -I"$top/backend" \
	-I"$top/include" -I"$top/include/uapi" -o "$tmp/test" "$here/backend_test.c" \
	"$top/backend/spec.c" "$top/backend/ctrlq.c" "$top/backend/ready.c" \
	"$top/backend/vuser.c" "$top/backend/maclist.c" || exit 1
"$tmp/test" "$tmp"
