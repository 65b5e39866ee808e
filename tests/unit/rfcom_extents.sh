#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Where a region lies: tables that can be and that cannot; and mutations that the test
# must notice.
set -u
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=tests/unit/mutations.lib
. tests/unit/mutations.lib
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT

# build SOURCE: the test takes extents.c from the folder that it finds first
build()
{
	"${CC:-gcc}" -g -O1 -Wall -Wextra -Werror -fsanitize=address,undefined \
		-fno-sanitize-recover=all -I"$(dirname "$1")" -Irfcom -Itests/unit \
		-Iinclude -Iinclude/uapi -o "$tmp/test" tests/unit/rfcom_extents_test.c
}

# what is spoiled | sed
mutations rfcom/extents.c <<'END'
an empty piece|s/return bytes \&\& /return /
half a page|s/!(bytes % RFCOM_PAGE) \&\& start/start/
the middle of a page|s/\&\& !(start % RFCOM_PAGE)//
page 0|s/\&\& start \&\&/\&\&/
behind the last page|s/start < limit \&\&/1 \&\&/
over the last page|s/limit - start >= bytes/1/
less than the region|s/at == bytes ? 0/at <= bytes ? 0/
a region too large|s/ || bytes > RF_COM_REGION_MAX//
an empty region|s/!bytes || bytes > RF/bytes > RF/
another first page|s/first = at \/ RFCOM_PAGE/first = at \/ RFCOM_PAGE + 1/
the page behind a piece|s/first >= e\[middle\].pages/first > e[middle].pages/
the page before a piece|s/page < e\[middle\].first/page + 1 < e[middle].first/
END
