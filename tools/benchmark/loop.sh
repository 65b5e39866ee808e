#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Packets to a subOS: by RFloop, by loopback within one kernel, and over emulated cards, in
# the test machine. Prints a JSON object a line.
#
# usage: loop.sh ROUNDS
# shellcheck source=tests/lib.sh
. /rf/lib.sh
# shellcheck source=tests/vm/lifecycle.lib
. /rf/lifecycle.lib
# shellcheck source=tools/benchmark/subos.lib
. /rf/subos.lib
rounds=$1

modprobe ficm cpu=1 || fail "ficm does not load"
modprobe rfcontroller || fail "rfcontroller does not load"
modprobe rfloop || fail "rfloop does not load"
modprobe virtio_net || fail "no driver for the cards"
mkdir -p /run/more/usr/bin /run/more/net
cp /usr/bin/netctl /run/more/usr/bin
for name in failover net_failover virtio_net; do
	xzcat "$(find "/lib/modules/$(subos_release)" -name $name.ko.xz)" >/run/more/net/$name.ko
done
make_initrd
card_with()
{
	for dir in /sys/class/net/eth*; do
		[ "$(cat "$dir/address")" != "52:54:00:00:00:$1" ] ||
			readlink -f "$dir/device" | grep -oE '[0-9a-f]{4}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-9a-f]' | tail -n 1
	done
}
boots rfm create b --cpus 2-3 --memory 256M --initrd /run/initrd --pci "$(card_with 11)" >/dev/null ||
	fail "no subOS"
up() { echo "ip addr add 10.9.0.$1/24 dev eth0; ip link set eth0 up"; }
sh -c "$(up 1)"
inside b "cd /net; for m in failover net_failover virtio_net; do insmod \$m.ko; done; $(up 2); netctl sink 5001 >/run/sink 2>&1 & taskset 1 netctl serve 5000 >/run/serve 2>&1 & taskset 2 netctl serve 5002 >/run/beside 2>&1 & true" >/dev/null
taskset 0x02 netctl sink 5001 >/run/sink &
taskset 0x02 netctl serve 5000 >/run/serve &
ID=$(number b id)
d=/sys/module/rfloop/peers/$ID
is_up() { ping -c 1 -W 1 10.9.0.2 >/dev/null; [ "$(cat "$d/state")" = up ]; }
eventually 30 is_up || fail "no link"

# record KIND ROUND VALUE
record()
{
	[ "${3:-0}" -gt 0 ] || fail "$1 failed: $3"
	printf '{"kind": "%s", "round": %d, "value": %d}\n' "$@"
}

# measure KIND ADDRESS: KB/s, ns
measure()
{
	case $1 in
	stream-*) taskset 0x10 netctl send "$2" 5001 1000 ;;
	udp-*) taskset 0x10 netctl flood "$2" 5001 1000 32000 ;;
	# Two cores in either case: with the doorbell at the programs', or two programs here.
	rr-loop) taskset 0x02 netctl rr "$2" 5000 300 ;;
	rr-lo) taskset 0x10 netctl rr "$2" 5000 300 ;;
	rr-beside) taskset 0x10 netctl rr "$2" 5002 300 ;;
	esac
}

# counted: packets sent here, doorbells, copies; in b packets of data, and those copied once more
counted()
{
	cat "$d/sent" "$d/doorbells" "$d/copies_out"
	inside b 'cd /sys/module/rfloop/peers/0; cat received_long copies_in_long'
}

# tally KIND ROUND BEFORE... AFTER...: of what was counted, the differences
tally()
{
	printf '{"kind": "%s-count", "round": %d, "sent": %d, "doorbells": %d, "copies": %d, "data_in": %d, "copies_in": %d}\n' \
		"$1" "$2" $(($8 - $3)) $(($9 - $4)) $((${10} - $5)) $((${11} - $6)) $((${12} - $7))
}

is_off() { [ "$(cat "$d/state")" != up ]; }
r=0
while [ "$r" -lt "$rounds" ]; do
	for kind in stream udp rr; do
		case $kind in
		stream) ways="loop lo card card lo loop" ;;
		udp) ways="loop lo lo loop" ;;
		rr) ways="loop lo beside beside lo loop" ;;
		esac
		for way in $ways; do
			there=10.9.0.2
			case $way in
			lo) there=127.0.0.1 ;;
			card) rfm loop off b; eventually 30 is_off || fail "it is not off" ;;
			loop) before=$(counted) ;;
			esac
			record "$kind-$way" "$r" "$(measure "$kind-$way" $there)"
			# shellcheck disable=SC2046,SC2086 # numbers
			[ "$way" != loop ] || tally $kind "$r" $before $(counted)
			[ "$way" != card ] || { rfm loop on b && eventually 30 is_up; } ||
				fail "no link any more"
		done
	done
	r=$((r + 1))
done
kill %1 %2
rfm destroy --force b >/dev/null
rfm audit >&2
