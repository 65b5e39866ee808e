#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# FICM on one kernel, which is its own peer: order, doorbells, a full ring, a
# doorbell that moves because its CPU goes off line. Nothing here depends on how
# quick the machine is.
# timeout: 600
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
need_build

run_guest --smp 2 --memory 1G <<'END'
SELF=4294967295
P=/sys/module/rfpeer/parameters
of()
{
	cat "/sys/module/ficm/loopback/$1"
}
# With these parameters the messages arrive, each once and in order.
arrive()
{
	modprobe rfficm "$@" && rmmod rfficm
}
# With these parameters signals are taken, each after it was raised for the last time.
signalled()
{
	modprobe rfsignal "$@" && rmmod rfsignal
}
# received N: messages that the test module had, and none wrong
received()
{
	sed -n "s/^$SELF //p" $P/got | grep -Eq "^[0-9]+ $1 0\$"
}
sent_all()
{
	[ "$(cat $P/sending)" = "0 0" ]
}
refused 1 'No such|Invalid' "a CPU that is not there is refused" modprobe ficm cpu=99
check "ficm loads" modprobe ficm cpu=1
n=$(rounds 20000 500000)
check "$n messages of each of two senders" arrive count="$n"
is "$(of received)" "$((2 * n))" "all are counted"
check "doorbells: $(of doorbells), no more than times armed: $(of armed)" \
	test "$(of doorbells)" -le "$(of armed)"
bells=$(of doorbells) arms=$(of armed)
check "100 messages, asleep before each" arrive count=100 senders=1 rest_us=2000
rang=$(($(of doorbells) - bells))
check "$rang of them rang, each once at most" test $rang -ge 1 -a $rang -le 100
check "and no more than it was armed anew" test $rang -le $(($(of armed) - arms + 1))
check "likewise, where somebody else hears each doorbell, and says that it is for him" \
	arrive count=100 senders=1 rest_us=2000 listen=1
like "$(dmesg | grep rfficm: | tail -n 1)" ' 100 messages, .*, [1-9][0-9]+ doorbells heard: 0$' "he did"

# --- signals ---
raised=$(of raised)
check "each signal comes; one that is pending comes once" signalled senders=0
is "$(($(of raised) - raised))" 2052 "what is pending is not rung for: of 2056 so many are"
is "$(of taken)" "$(of raised)" "all are taken, and counted"
raised=$(of raised)
check "$n signals of each of two senders" signalled count="$n"
check "$(($(of raised) - raised)) doorbells, no more than signals" \
	test $(($(of raised) - raised)) -le $((2052 + 2 * n))
check "likewise with a rest after each" signalled count="$(rounds 500 20000)" rest_us=200
refused 1 '.' "control: one that is not raised is noticed" modprobe rfsignal count=10 spoil=1
like "$(dmesg | tail -n 5)" 'rfsignal: .*: -110$' "control: as such"

# --- saturated: the reader does not come back from its first message ---
modprobe rfpeer
bells=$(of doorbells) full=$(of full)
echo 1 >$P/hold
echo $SELF >$P/fill
filled=$(cut -d' ' -f1 $P/fill)
is "$(cut -d' ' -f2 $P/fill)" -11 "a full ring is EAGAIN"
check "after $filled messages" test "$filled" -ge 256 -a "$filled" -le 257
check "which is counted" test "$(of full)" -gt "$full"
rang=$(($(of doorbells) - bells))
check "a reader that does not sleep is rung for $rang of them, once at most" test $rang -le 1
posted=$(cat /sys/module/ficm/posted) dropped=$(cat /sys/module/ficm/dropped)
echo "$SELF 60" >$P/post
check "the writing thread takes 60 more" eventually 60 sent_all
# written N: so many left the queue
written()
{
	posts=$(($(cat /sys/module/ficm/posted) - posted))
	drops=$(($(cat /sys/module/ficm/dropped) - dropped))
	[ $((posts + drops)) -eq "$1" ]
}
check "it gives them up when the peer takes nothing for a while" eventually 60 written 60
written 60
check "$posts had room, as one might" test $posts -le 1
given_up=$drops
echo 0 >$P/hold
check "all that was sent arrives" eventually 60 received $((filled + posts)) ||
	cat $P/got
echo "$SELF 3000" >$P/post
check "what the writing thread sends arrives in order" \
	eventually 60 received $((filled + posts + 3000))
written 3060
is $drops $given_up "and nothing more was given up"
echo "$SELF 1000" >$P/tick
check "what an interrupt sends arrives in order" \
	eventually 60 received $((filled + posts + 1000))
check "all of it" eventually 60 sent_all
rmmod rfpeer

# --- the doorbell's CPU ---
# Its CPU goes off line and comes back, several times.
moves()
{
	i=0
	while [ $i -lt "$(rounds 3 50)" ]; do
		echo 0 >/sys/devices/system/cpu/cpu1/online
		away=$(cat /sys/module/ficm/doorbell)
		echo 1 >/sys/devices/system/cpu/cpu1/online
		i=$((i + 1))
	done
}
before=$(cat /sys/module/ficm/doorbell)
modprobe rfficm count="$(rounds 2000 50000)" rest_us=300 listen=1 &
load=$!
moves
wait $load
is $? 0 "none is lost while the doorbell's CPU goes off line"
rmmod rfficm
modprobe rfsignal count="$(rounds 2000 50000)" rest_us=300 &
load=$!
moves
wait $load
is $? 0 "nor is a signal"
rmmod rfsignal
unlike "$away" "^$before\$" "the doorbell moved: $before, then $away"

refused 1 '.' "control: a message that comes twice is noticed" modprobe rfficm spoil=1
like "$(dmesg | tail -n 5)" 'rfficm: .*: -5$' "control: as such"

# A message that is sent before the reader sleeps arrives without; the first one
# after that does not.
modprobe rfpeer
sed -n 's/^ *\([0-9]*\):.*FICM.*/\1/p' /proc/interrupts >$P/mute
stuck=0
while [ $stuck -lt 50 ]; do
	stuck=$((stuck + 1))
	echo "$SELF 1" >$P/send
	check_sent=$(eventually 60 sent_all && echo sent)
	eventually 3 received $stuck || break
done
is "$check_sent" sent "control: a message is sent"
check "control: without the doorbell it does not arrive (try $stuck)" eval '! received $stuck'
refused 1 '.' "control: nor do signals" modprobe rfsignal
echo 0 >$P/mute
check "and with it it does" eventually 60 received $stuck
check "and they do" signalled count=1000
rmmod rfpeer
check "and afterwards all is well" arrive count=1000
is "$(of fault)" "good good" "no ring is broken"
check "ficm goes" rmmod ficm
check "and comes again" modprobe ficm
check "and works" arrive count=1000
rmmod ficm
END
done_testing
