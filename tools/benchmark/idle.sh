#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# What an idle kernel does by itself: interrupts of its timers and all, and switches between
# threads, in ten seconds. Of a subOS with two CPUs, of the supervisor with four while that
# runs, and of the same kernel with as many before there was RainForest. Prints a JSON object
# a line.
# usage: idle.sh ROUNDS
# shellcheck source=tests/lib.sh
. /rf/lib.sh
# shellcheck source=tests/vm/lifecycle.lib
. /rf/lifecycle.lib
# shellcheck source=tools/benchmark/subos.lib
. /rf/subos.lib
rounds=$1
seconds=10

mkdir -p /run/more/usr/bin
cat >/run/more/usr/bin/idle <<'SCRIPT'
counts()
{
	awk '$1 == "LOC:" { for (i = 2; $i ~ /^[0-9]+$/; i++) timer += $i }
		$1 == "intr" { all = $2 }
		$1 == "ctxt" { switches = $2 }
		END { print timer, all, switches }' /proc/interrupts /proc/stat
}
before=$(counts)
sleep "$1"
echo "$before $(counts)"
SCRIPT

# said WHERE ROUND "COUNTS BEFORE, AFTER": one line
said()
{
	case $3 in
	*[!0-9\ ]* | "") fail "$1: no figure: $3" ;;
	esac
	kind=$1 round=$2
	# shellcheck disable=SC2086 # six numbers
	set -- $3
	printf '{"kind": "%s", "round": %d, "seconds": %d, "timer": %d, "all": %d, "switches": %d}\n' \
		"$kind" "$round" "$seconds" $(($4 - $1)) $(($5 - $2)) $(($6 - $3))
}

# alone CPUS: the supervisor's kernel with so many on line, N rounds of it
alone()
{
	for cpu in 1 2 3 4 5; do
		on=/sys/devices/system/cpu/cpu$cpu/online
		[ "$(cat $on)" -eq $((cpu < $1)) ] || echo $((cpu < $1)) >$on
	done
	i=0
	while [ $i -lt "$rounds" ]; do
		said "alone$1" $i "$(sh /run/more/usr/bin/idle $seconds)"
		i=$((i + 1))
	done
}

alone 2
alone 4
for cpu in 4 5; do
	echo 1 >/sys/devices/system/cpu/cpu$cpu/online
done
modprobe rfcontroller || fail "rfcontroller does not load"
make_initrd
boots rfm create b --cpus 4-5 --memory 512M --initrd /run/initrd >/dev/null || fail "no subOS"
i=0
while [ $i -lt "$rounds" ]; do
	said subos $i "$(inside b "sh /usr/bin/idle $seconds")"
	said supervisor $i "$(sh /run/more/usr/bin/idle $seconds)"
	i=$((i + 1))
done
rfm destroy b >/dev/null
