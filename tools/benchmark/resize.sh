#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# A core and 512 MB to a subOS that runs and back, and the native hot-plug
# operations that this consists of: the same core, the same memory, off and on in
# the supervisor and within the subOS. Prints a JSON object a line.
# usage: resize.sh ROUNDS
# shellcheck source=tests/lib.sh
. /rf/lib.sh
# shellcheck source=tests/vm/lifecycle.lib
. /rf/lifecycle.lib
# shellcheck source=tools/benchmark/subos.lib
. /rf/subos.lib
rounds=$1
mb512=536870912

modprobe rfcontroller || fail "rfcontroller does not load"
make_initrd
boots rfm create b --cpus 2-3 --memory 1G --initrd /run/initrd >/dev/null || fail "no subOS"

# said KIND ROUND "NS...": one line
said()
{
	case $3 in
	*[!0-9\ ]* | "") fail "$1: no figure: $3" ;;
	esac
	printf '{"kind": "%s", "round": %d, "ns": [%s]}\n' "$1" "$2" "$(echo "$3" | tr ' ' ,)"
}

# blocks: start of each block of 128 MB that b has
blocks()
{
	rfm show b --json | grep -A 3 '"kind": *"memory"' |
		sed -n 's/^ *"\(start\|length\)": *\([0-9]*\).*/\1 \2/p' |
		awk '$1 == "start" { at = $2 }
			$1 == "length" { for (; $2 > 0; $2 -= 134217728) {
				printf "%.0f\n", at; at += 134217728 } }' | sort
}

# take: what rfbench says; a page that is busy for a moment, or for good, is usual
take()
{
	dmesg -c >/dev/null
	for try in 1 2 3 4 5; do
		insmod /lib/rfbench.ko what=take start="$added" bytes="$sizes" 2>/dev/null && break
		sleep 0.$try
	done
	rmmod rfbench 2>/dev/null && dmesg | sed -n 's/.*rfbench: take: //p'
}

cpu_round()
{
	said cpu-here "$1" "$(stopwatch bare 5)"
	said cpu-in "$1" "$(stopwatch core b 5 +)"
	# The last CPU that is on line is the one that came. No tab: it is typed.
	# shellcheck disable=SC2016
	said cpu-there "$1" "$(inside b \
		'c=$(cat /sys/devices/system/cpu/online); stopwatch bare ${c##*[-,]}')"
	said cpu-out "$1" "$(stopwatch core b 5 -)"
}

memory_round()
{
	blocks >/run/before
	said memory-in "$1" "$(stopwatch memory b $mb512 +)"
	blocks >/run/after
	added=$(grep -vxFf /run/before /run/after | list)
	sizes=$(echo "$added" | sed 's/[0-9][0-9]*/134217728/g')
	there="insmod /root/rfbench.ko what=hot start=$added bytes=$sizes && rmmod rfbench"
	said memory-there "$1" "$(inside b "dmesg -c >/dev/null; $there; dmesg" |
		sed -n 's/.*rfbench: hot: //p')"
	said memory-out "$1" "$(stopwatch memory b $mb512 -)"
	took=$(take) && said memory-take "$1" "$took"
	off=$(stopwatch run sh -c "$(state_commands offline)") && said block-off "$1" "$off"
	on=$(stopwatch run sh -c "$(state_commands online)") && said block-on "$1" "$on"
}

# state_commands STATE: for a shell of its own, of which only the time counts
state_commands()
{
	for at in $(echo "$added" | tr , ' '); do
		echo "echo $1 >/sys/devices/system/memory/memory$((at / 134217728))/state &&"
	done
	echo true
}

r=0
while [ "$r" -lt "$rounds" ]; do
	for _ in 1 2 3; do cpu_round "$r"; done
	memory_round "$r"
	r=$((r + 1))
done
rfm destroy --force b >/dev/null
rfm audit >&2
