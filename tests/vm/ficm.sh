#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# FICM on one kernel, which is its own peer: order, doorbells, a full ring, a
# doorbell that moves because its CPU goes off line.
# timeout: 600
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
need_build

run_guest --smp 2 --memory 1G <<'END'
of()
{
	cat "/sys/module/ficm/loopback/$1"
}
# With these parameters the messages arrive, each once and in order.
arrive()
{
	modprobe rfficm "$@" && rmmod rfficm
}
refused 1 'No such|Invalid' "a CPU that is not there is refused" modprobe ficm cpu=99
check "ficm loads" modprobe ficm cpu=1
n=$(rounds 20000 500000)
check "$n messages of each of two senders" arrive count="$n"
is "$(of received)" "$((2 * n))" "all are counted"
bells=$(of doorbells)
check "doorbells: $bells, at most one for 16 messages" test $((bells * 16)) -le $((2 * n))
check "the ring was full, which is nothing unusual" test "$(of full)" -gt 0
bells=$(of doorbells)
check "100 messages, asleep before each" arrive count=100 senders=1 rest_us=2000
rang=$(($(of doorbells) - bells))
check "$rang of them rang" test $rang -ge 50 -a $rang -le 101

before=$(cat /sys/module/ficm/doorbell)
modprobe rfficm count="$(rounds 2000 50000)" rest_us=300 &
load=$!
i=0
while [ $i -lt "$(rounds 3 50)" ]; do
	echo 0 >/sys/devices/system/cpu/cpu1/online
	away=$(cat /sys/module/ficm/doorbell)
	echo 1 >/sys/devices/system/cpu/cpu1/online
	i=$((i + 1))
done
wait $load
is $? 0 "none is lost while the doorbell's CPU goes off line"
rmmod rfficm
unlike "$away" "^$before\$" "the doorbell moved: $before, then $away"

refused 1 '.' "control: a message that comes twice is noticed" modprobe rfficm spoil=1
like "$(dmesg | tail -n 5)" 'rfficm: .*: -5$' "control: as such"
irq=$(sed -n 's/^ *\([0-9]*\):.*FICM.*/\1/p' /proc/interrupts)
refused 1 '.' "control: without the doorbell nothing arrives" modprobe rfficm count=10 mute="$irq"
like "$(dmesg | tail -n 5)" 'rfficm: 0 messages.*: -110$' "control: as such"
check "and afterwards all is well" arrive count=1000
is "$(of fault)" "good good" "no ring is broken"
check "ficm goes" rmmod ficm
check "and comes again" modprobe ficm
check "and works" arrive count=1000
rmmod ficm
END
done_testing
