#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Channels between two kernels, and AF_UNIX within one, in the test machine. Prints a
# JSON object a line.
#
# usage: channels.sh ROUNDS
# shellcheck source=tests/lib.sh
. /rf/lib.sh
# shellcheck source=tests/vm/lifecycle.lib
. /rf/lifecycle.lib
# shellcheck source=tools/benchmark/subos.lib
. /rf/subos.lib
rounds=$1

# Two cores on either side: the writer's reads what comes back for it, too.
modprobe ficm cpu=4 || fail "ficm does not load"
modprobe rfcontroller || fail "rfcontroller does not load"
modprobe rfcom || fail "rfcom does not load"
mkdir -p /run/more/usr/bin
cp /usr/bin/chanbench /run/more/usr/bin
make_initrd
boots rfm create b --cpus 2-2 --memory 256M --initrd /run/initrd >/dev/null || fail "no subOS"
boots rfm create wide --cpus 3,5 --memory 256M --initrd /run/initrd >/dev/null || fail "no second subOS"
ready() { inside "$1" 'cat /run/bench' | grep -q ready; }
for name in b wide; do
	inside $name 'chanbench sink bench >/run/bench 2>&1 & true' >/dev/null
	eventually 30 ready $name || fail "nobody listens in the subOS"
done

# record KIND ROUND SIZE COUNT NS
record()
{
	[ "$5" ] || fail "$1 failed"
	printf '{"kind": "%s", "round": %d, "size": %d, "count": %d, "ns": %d}\n' "$@"
}

d=/sys/module/ficm/peers/$(number b id)
r=0
while [ "$r" -lt "$rounds" ]; do
	for size in 40 1000 60000; do
		n=$((size < 1000 ? 20000 : size < 60000 ? 10000 : 500))	# some 100 ms each
		for kind in channel wide unix unix wide channel; do
			sent=$(cat "$d/sent") rang=$(cat "$d/doorbells")
			case $kind in
			channel) ns=$(taskset 0x10 chanbench channel b bench $size $n) ;;
			wide) ns=$(taskset 0x10 chanbench channel wide bench $size $n) ;;
			unix) ns=$(chanbench unix 1 4 $size $n) ;;
			esac
			record $kind "$r" $size $n "$ns"
			[ $kind != channel ] || printf '{"kind": "lines", "round": %d, "size": %d, "sent": %d, "doorbells": %d}\n' \
				"$r" $size $(($(cat "$d/sent") - sent)) $(($(cat "$d/doorbells") - rang))
		done
	done
	record open "$r" 0 50 "$(taskset 0x10 chanbench open b bench 50)"
	r=$((r + 1))
done

# --- regions ---
chanbench offer bench >/run/offer &
eventually 10 grep -q ready /run/offer || fail "no region"
inside b 'chanbench bounce supervisor bench >/run/bench 2>&1 & true' >/dev/null
# A ball that comes back: somebody is there.
timeout 60 chanbench region bench 1 >/dev/null || fail "nobody maps the region in the subOS"
r=0
while [ "$r" -lt "$rounds" ]; do
	for kind in region memory memory region; do
		# shellcheck disable=SC2046 # two numbers
		case $kind in
		region) set -- $(taskset 0x10 chanbench region bench 20000) ;;
		memory) set -- $(chanbench memory 4 1 20000) ;;
		esac
		record $kind "$r" 0 20000 "$1"
		record "$kind-copy" "$r" 4194304 50 "$2"
	done
	r=$((r + 1))
done
kill %1
rfm destroy --force b >/dev/null
rfm destroy --force wide >/dev/null
rfm audit >&2
