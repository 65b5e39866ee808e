#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Who only looks does not wait for somebody who takes memory.
# timeout: 600
# beside
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
need_build

run_guest --smp 4 --memory 6G <<'END'
modprobe rfcontroller
# bytes OWNER: memory that it has
bytes()
{
	rfm resources --json | grep -A 6 '"kind": *"memory"' |
		awk -F '[:,]' -v owner="\"$1\"" '/"length"/ { n = $2 }
			/"owner"/ { gsub(/ /, "", $2); if ($2 == owner) sum += n } END { print sum + 0 }'
}

# All of 4 GB or none would be what a look shows that waits. A look at a part of
# it, before and after those at all else, means that these did not wait either.
partly() { [ "$1" -gt 0 ] && [ "$1" -lt 4294967296 ]; }
rfm create big --cpus 1 --memory 4G --no-wait &
seen=0
while kill -0 $! 2>/dev/null && ! partly $seen; do
	seen=$(bytes "(pool)")
done
check "rfm resources shows memory while it is taken" partly $seen
listed=$(rfm list)
shown=$(rfm show big)
pool=$(rfm pool)
then=$(bytes "(pool)")
check "rfm list, show and pool answered meanwhile: $((seen >> 20)), then $((then >> 20)) MB" \
	partly "$then"
check "control: it goes on" test "$then" -ge "$seen"
like "$listed" '^big +[0-9]+ created ' "rfm list tells how things stand"
like "$shown" '^cpus +[0-9]' "rfm show too: it has its CPU"
like "$pool" '^ +0B +[0-9]+M ' "rfm pool too: taken, and not meant to stay"
wait
is "$(bytes big)" 4294967296 "control: then it has all"
check "it ends" rfm destroy --force big
audit "the invariants hold"
check "the module can be unloaded" rmmod rfcontroller
END
done_testing
