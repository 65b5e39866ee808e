#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# At most so often in such a time: the limits of restarts and of requests. A model
# beside it, and mutations that the test must notice.
set -u
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=tests/unit/mutations.lib
. tests/unit/mutations.lib
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT

# build SOURCE: the test takes limit.c from the folder that it finds first
build()
{
	"${CC:-gcc}" -g -O1 -Wall -Wextra -Werror -fsanitize=address,undefined \
		-fno-sanitize-recover=all -I"$(dirname "$1")" -Irfcontroller -Itests/unit -Iinclude -Iinclude/uapi \
		-o "$tmp/test" tests/unit/limit_test.c
}

# what is spoiled | sed
mutations rfcontroller/limit.c <<'END'
one more than is allowed|s/window) >= max/window) > max/
the window is a moment longer|s/< window; i++/<= window; i++/
the time to come again is that of the newest|s/limit_at(limit, max - 1)/limit_at(limit, 0)/
nothing is ever forgotten|s/now - limit_at(limit, i) < window/(now | window)/
the ring does not go round|s/(limit->next + 1) % RF_LIMIT_MAX/0/
END
