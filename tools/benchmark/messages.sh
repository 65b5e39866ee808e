#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Messages between two kernels, and what they are compared with, in the test
# machine. Prints a JSON object a line. At most two CPUs are busy at a time.
#
#	supervisor: CPU 1 leads, CPU 4 is its partner within the kernel
#	subOS:      CPUs 2 and 3, the first of which is its own CPU 0 and follows
#
# usage: messages.sh ROUNDS
# shellcheck source=tests/lib.sh
. /rf/lib.sh
# shellcheck source=tests/vm/lifecycle.lib
. /rf/lifecycle.lib
# shellcheck source=tools/benchmark/subos.lib
. /rf/subos.lib
P=/sys/module/rfping/parameters
T=/sys/kernel/tracing
rounds=$1

modprobe ficm cpu=1 || fail "ficm does not load"
modprobe rfcontroller || fail "rfcontroller does not load"
make_initrd
boots rfm create b --cpus 2-3 --memory 256M --initrd /run/initrd >/dev/null || fail "no subOS"
id=$(number b id)
# No tab: it is typed.
# shellcheck disable=SC2016
slot=$(inside b 'set -- $(cat /sys/module/ficm/directory); insmod /root/rfping.ko dir=$1 slot=$2 cpu=0 && echo slot $2' |
	sed -n 's/^slot //p')
[ "$slot" ] || fail "rfping does not load in the subOS"
dir=$(cut -d' ' -f1 /sys/module/ficm/directory)
insmod /lib/rfping.ko dir="$dir" slot=0 cpu=1 partner=4 || fail "rfping does not load"
C=/sys/module/ficm/peers/$id

counters()
{
	echo "$(cat "$C/sent") $(cat "$C/doorbells") $(cat "$C/full")"
}

# ipis: reschedule and function call interrupts that CPUs 1 and 4 took
ipis()
{
	awk 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i + 1 }
		$1 == "RES:" || $1 == "CAL:" { n += $at["CPU1"] + $at["CPU4"] }
		END { print n }' /proc/interrupts
}

# run MODE ROUND TRIPS BATCHES
run()
{
	# shellcheck disable=SC2046
	set -- "$@" $(counters) "$(ipis)"
	echo "$1 $id $slot $3 $4" >$P/run || fail "$1 failed"
	printf '{"kind": "%s", "round": %d, "trips": %d, "batches": %d, "ns": [%s],' \
		"$1" "$2" "$3" "$4" "$(list <$P/result)"
	i=$(ipis)
	# shellcheck disable=SC2046
	set -- "$5" "$6" "$7" "$8" "$i" $(counters)
	printf ' "ipis": %d, "sent": %d, "doorbells": %d, "full": %d}\n' \
		$(($5 - $4)) $(($6 - $1)) $(($7 - $2)) $(($8 - $3))
}

# traced MODE ROUND COUNT: what is recorded of the sending thread while it sends
traced()
{
	echo >$T/trace
	run "$1" "$2" "$3" 1 >/dev/null
	# The third of the flags tells interrupts, which are not the sender's work.
	awk -v mode="$1" -v round="$2" '
		!/^#/ && $1 ~ /^rfping\// && substr($3, 3, 1) !~ /[hHsZz]/ { n[$5]++ }
		END { printf "{\"kind\": \"%s\", \"round\": %d, \"sent\": %d, \"allocations\": %d, \"contentions\": %d}\n",
			mode, round, n["ficm_send:"],
			n["kmalloc:"] + n["kmem_cache_alloc:"] + n["mm_page_alloc:"],
			n["contention_begin:"] }' $T/trace
}

# functions ROUND: which functions ficm_send() calls, of the kernel and of ficm.ko
functions()
{
	echo ficm_send >$T/set_graph_function && echo function_graph >$T/current_tracer || return
	echo >$T/trace
	run traced "$1" 50 1 >/dev/null
	sed -n 's/.*|  *\([a-z_][a-z0-9_.]*\)\( \[[a-z]*\]\)*(.*/\1/p' $T/trace | sort | uniq -c |
		awk -v round="$1" '{ printf "%s\"%s\": %d", (NR > 1 ? ", " : ""), $2, $1 }
			BEGIN { printf "{\"kind\": \"functions\", \"round\": %d, \"calls\": {", round }
			END { print "}}" }'
	echo nop >$T/current_tracer
	echo >$T/set_graph_function
}

echo 0 >$T/tracing_on
# ABBA: what drifts falls on both alike.
r=0
while [ "$r" -lt "$rounds" ]; do
	for mode in line msg ring poll poll ring msg line; do
		run $mode "$r" 500 20
	done
	for mode in call bell bell call; do
		run $mode "$r" 50 20
	done
	for mode in thread wake wake thread; do
		run $mode "$r" 1 25
	done
	run flood "$r" 5000 4
	r=$((r + 1))
done
for event in kmem/kmalloc kmem/kmem_cache_alloc kmem/mm_page_alloc lock/contention_begin \
	ficm/ficm_send; do
	echo 1 >$T/events/$event/enable || fail "no tracepoint $event"
done
traced traced 0 100
traced alloc 0 100
echo 0 >$T/events/enable
functions 0
rfm destroy --force b >/dev/null
rfm audit >&2
