#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# What happens to subOSes is told in order and at once, a descriptor tells of
# death, and the accounts are exact while subOSes come and go.
# timeout: 600 1200
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
need_build

mkdir -p "$T_DIR"
${CC:-gcc} -static -O1 -Wall -I"$T_TOP/include/uapi" -o "$T_DIR/pollctl" "$T_TOP/tests/vm/pollctl.c" ||
	bail "pollctl does not compile"

run_guest --smp 4 --copy "$T_DIR/pollctl:/usr/local/bin/pollctl" \
	--copy "$T_TOP/tests/vm/lifecycle.lib:/rf/lifecycle.lib" <<'END'
. /rf/lifecycle.lib
modprobe rfcontroller

# --- events ---
is "$(rfm events)" "" "nothing has happened yet"
rfm events --follow --from 1 >/run/events 2>/run/events.err &
follower=$!
check "web is created" rfm create web --cpus 1 --memory 256M
id=$(number web id)

# sleeps: how often the follower went to sleep
sleeps()
{
	sed -n 's/^voluntary_ctxt_switches:[^0-9]*//p' /proc/$follower/status
}
follower_waits()
{
	[ "$(cut -d ' ' -f 3 /proc/$follower/stat)" = S ]
}
check "the follower has told of it" eventually 10 grep -q 'web is running' /run/events
eventually 10 follower_waits
before=$(sleeps)
beats=$(number web heartbeats)
more_beats() { [ "$(number web heartbeats)" -gt $((beats + 10)) ]; }
check "control: time passes, web lives" eventually 30 more_beats
is "$(sleeps)" "$before" "and the follower sleeps all the time: nobody polls by the clock"

# --- a descriptor as a pidfd: it sleeps over everything but death ---
watch()
{
	pollctl "$@" >"/run/poll.$2" 2>&1 &
	eventually 10 grep -q ready "/run/poll.$2"
}
watch web dead 400
dead=$!
watch web in 400
watch web gone 400
gone=$!
typed web 'echo 1 >/proc/sys/kernel/panic; echo c >/proc/sysrq-trigger'
check "web crashes" eventually 60 in_state web crashed
check "a descriptor that waits for death is woken" eventually 10 grep -q woken /run/poll.dead
is "$(tail -n 1 /run/poll.dead)" "woken: dead" "it is dead, not gone"
check "one that waits for a change is woken, too" eventually 10 grep -q 'woken: in' /run/poll.in
check "and the follower has told" eventually 10 grep -q 'web is crashed: panic: sysrq' /run/events
is "$(pollctl web dead 1 | tail -n 1)" "woken: dead" "who asks later is told at once"
is "$(tail -n 1 /run/poll.gone) $(kill -0 $gone && echo waits)" "ready waits" \
	"control: who waits for its end still does"

check "web is restarted" rfm restart web
is "$(pollctl web dead 1 | tail -n 1)" "timeout" "control: it is dead no longer"
check "web is stopped" rfm stop web
check "web is destroyed" rfm destroy web
check "who waits for its end is woken" eventually 10 grep -q '^woken:.* gone' /run/poll.gone
wait $dead

is "$(what web)" "created booting running crashed booting running stopping stopped gone " \
	"its life in order"
is "$(rfm events | awk '{ print $3 }')" "$(seq "$(rfm events | wc -l)")" "no number is missing"
check "the follower told all of it" eventually 10 grep -q 'web is gone' /run/events
is "$(cat /run/events)" "$(rfm events)" "the same as who asks afterwards gets"
kill -INT $follower
wait $follower
is "$? $(cat /run/events.err)" "0 " "the follower ends quietly"
like "$(rfm log --ledger web)" 'CPU [0-9]: \(pool\) -> web$' "the ledger of one that is gone: what it got"
like "$(rfm log --ledger web)" 'CPU [0-9]: web -> \(pool\)$' "and gave back"
is "$(rfm log --ledger web | sed -n 's/.* \(CPU\) [0-9].*/\1/p; s/.* web is \([a-z]*\).*/\1/p' | life)" \
	"created CPU booting running crashed booting running stopping stopped CPU gone " \
	"between the events that these belong to"

# --- accounts ---
# of OWNER KEY: a figure of it, of the reading in /run/usage; of the last of that name: QEMU may
# have ended the first (tests/README.md)
of()
{
	sed -n "/\"owner\": *\"$1\"/,/}/s/^ *\"$2\": *\([0-9]*\).*/\1/p" /run/usage | tail -n 1
}
total()
{
	sed -n "s/^ *\"$1\": *\([0-9]*\).*/\1/p" /run/usage | head -n 1
}
reading()
{
	rfm usage --json >/run/usage
}
check "the accounts add up after one life" reading
is "$(total sum_cpu_us)" "$((4 * ($(total now_us) - $(total since_us))))" "to the microsecond"
web_cpu=$(of web cpu_us)
web_block=$(of web block_us)
check "control: it had CPUs and blocks for a while" test "$web_cpu" -gt 1000000 -a "$web_block" -gt 2000000

check "another one" rfm create db --cpus 2 --memory 384M
rfm pool --memory 256M >/dev/null
reading
now=$(total now_us) cpu=$(of db cpu_us) block=$(of db block_us) free=$(of "(pool)" block_us)
beats=$(number db heartbeats)
more_beats() { [ "$(number db heartbeats)" -gt $((beats + 10)) ]; }
eventually 30 more_beats
reading
passed=$(($(total now_us) - now))
check "control: time passes" test "$passed" -gt 100000
is "$(($(of db cpu_us) - cpu))" $((2 * passed)) "two CPUs: twice the time, exactly"
is "$(($(of db block_us) - block))" $((3 * passed)) "three blocks: three times"
is "$(($(of "(pool)" block_us) - free))" $((2 * passed)) "two blocks in the pool: twice"
is "$(of web cpu_us) $(of web block_us)" "$web_cpu $web_block" "who has ended is charged no more"
is "$(of db id)" "$(number db id)" "the figures are db's"

# --- figures, and who looks at them beside a change ---
like "$(rfm top)" "^db +running +2 +[0-9.]+ +[0-9.]+ +[0-9.]+ +[0-9.]+ +384M +[0-9]+[KM] +[1-9][0-9]* +[1-9][0-9]* +[0-9]+ -$" \
	"top has the figures of db"
inside db 'i=0; while [ $i -lt 100000 ]; do i=$((i + 1)); done' >/dev/null &
works() { [ "$(rfm top --json | sed -n 's/.*"idle_percent": *\([0-9]*\).*/\1/p')" -lt 90 ]; }
check "and notices that it works" eventually 60 works
wait $!
(
	while [ ! -e /run/resized ]; do
		rfm metrics >/run/metrics 2>&1 || cat /run/metrics
		echo >>/run/metrics.count
	done
) >/run/metrics.failed 2>&1 &
looker=$!
n=$(rounds 8 100)
i=0
reading
now=$(total now_us) cpu=$(of db cpu_us)
while [ $i -lt "$n" ]; do
	rfm resize db --cpus -1 >/dev/null
	rfm resize db --cpus +1 >/dev/null
	i=$((i + 1))
done 2>/run/resize.failed
touch /run/resized
wait $looker
is "$(grep -v "warning: less than 512M" /run/resize.failed)" "" "who looks all the time keeps nobody from resizing"
is "$(cat /run/metrics.failed)" "" "and can look all the time"
check "control: it looked often" test "$(wc -l </run/metrics.count)" -gt "$n"
is "$(rfm events | grep -c ' db has 1 CPU: asked by rfm\[[0-9]*\]$') $(rfm events | grep -c ' db has 2 CPUs: ')" "$n $n" \
	"each change is an event, and who asked for it"
reading
passed=$(($(total now_us) - now)) cpu=$(($(of db cpu_us) - cpu))
check "db was charged one CPU at times, two at times" test $cpu -gt $passed -a $cpu -lt $((2 * passed))

# while they come and go
ended=$(rfm usage | grep -c ' ended$')
(
	i=0
	while [ $i -lt 6 ]; do
		rfm create "come$i" --cpus 1 --memory 256M --no-wait
		rfm destroy "come$i" --force
		i=$((i + 1))
	done
	touch /run/come.done
) >/run/come.log 2>&1 &
readings=0 wrong=0
while [ ! -e /run/come.done ] && [ $readings -lt 5000 ]; do
	rfm usage >/run/usage.text 2>&1 || wrong=$((wrong + 1))
	readings=$((readings + 1))
done
wait $!
is "$wrong" 0 "readings while they come and go: each adds up"
check "control: there were many of them, over all six lives" test $readings -gt 20 -a \
	"$(what 'come[0-5]' | tr ' ' '\n' | grep -c gone)" -eq 6
is "$(grep -c '^come[0-5] is booting: ' /run/come.log) $(wc -l </run/come.log)" "6 6" "none of them failed"
is "$(rfm usage | grep -c ' ended$')" $((ended + 6)) "six more have ended"
check "metrics" rfm metrics
like "$(rfm metrics)" '^rainforest_subos_state\{subos="db",state="running"\} 1$' "have the states"
rfm destroy db
rfm pool --memory 0 >/dev/null
audit "at the end, accounts and ledger included"
check "the module goes, with its readers" rmmod rfcontroller
END
done_testing
