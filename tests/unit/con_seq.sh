#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Numbers of requests, in user space, under the sanitizers. Controls: spoiled
# in one place it must fail.
set -u
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=tests/unit/mutations.lib
. tests/unit/mutations.lib
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT

build()
{
	"${CC:-gcc}" -g -O1 -D_GNU_SOURCE -Wall -Wextra -Werror -Iinclude -Iinclude/uapi -Ikernel \
		-fsanitize=address,undefined -fno-sanitize-recover=all -o "$tmp/test" \
		tests/unit/con_seq_test.c "$1"
}

# what is spoiled | sed
mutations kernel/con_seq.c <<'END'
old ones are done|s/ahead > U32_MAX/false \&\& ahead > U32_MAX/
the one under way is done twice|s/if (state->busy)/if (false)/
what was done is done again|s/state->any && !ahead/false/
the wrap is forgotten|s/ahead > U32_MAX . 2/seq < state->last/
END
