#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# At most so often in such a time: the limits of restarts and of requests. A model
# beside it, and mutations that the test must notice.
set -u
cd "$(dirname "$0")/../.." || exit 1
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT

# build DIRECTORY: with the limit.c that is there
build()
{
	"${CC:-gcc}" -g -O1 -Wall -Wextra -Werror -fsanitize=address,undefined \
		-fno-sanitize-recover=all -I"$1" -Irfcontroller -Itests/unit -Iinclude -Iinclude/uapi \
		-o "$tmp/test" tests/unit/limit_test.c
}

build rfcontroller || exit 1
"$tmp/test" >"$tmp/out"
status=$?
points=$(grep -c '^ok\|^not ok' "$tmp/out")
grep -v '^1\.\.' "$tmp/out"

# what is spoiled | sed
mkdir "$tmp/spoiled"
cp rfcontroller/limit.h "$tmp/spoiled"
while IFS='|' read -r what how; do
	points=$((points + 1))
	sed "$how" rfcontroller/limit.c >"$tmp/spoiled/limit.c"
	if cmp -s rfcontroller/limit.c "$tmp/spoiled/limit.c" || ! build "$tmp/spoiled" ||
	   "$tmp/test" >/dev/null; then
		echo "not ok $points - control: $what"
		status=1
	else
		echo "ok $points - control: $what"
	fi
done <<'END'
one more than is allowed|s/window) >= max/window) > max/
the window is a moment longer|s/< window; i++/<= window; i++/
the time to come again is that of the newest|s/limit_at(limit, max - 1)/limit_at(limit, 0)/
nothing is ever forgotten|s/now - limit_at(limit, i) < window/(now | window)/
the ring does not go round|s/(limit->next + 1) % RF_LIMIT_MAX/0/
END
echo "1..$points"
exit $status
