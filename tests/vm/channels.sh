#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Channels between kernels: who may open them, that every message comes whole, in order
# and once, that a full queue, a dead kernel and a closed end are told of, and that
# nothing stays behind.
# timeout: 900 3600
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
need_build

mkdir -p "$T_DIR"
${CC:-gcc} -std=gnu11 -D_GNU_SOURCE -static -O2 -Wall -Wextra -I"$T_TOP/include/uapi" \
	-I"$T_TOP/rfcom/lib" -o "$T_DIR/chan" "$T_TOP/tests/vm/chan.c" \
	"$T_TOP/rfcom/lib/rainforest.c" || bail "chan does not compile"

run_guest --smp 5 --copy "$T_DIR/chan:/usr/bin/chan" --copy "$T_TOP/tests/vm/slope:/usr/bin/slope" \
	--copy "$T_TOP/tests/vm/lifecycle.lib:/rf/lifecycle.lib" <<'END'
. /rf/lifecycle.lib

# serve NAME HOW SERVICE ARGUMENTS...: chan in that kernel, in the background; "-": here.
# What it says lies in /run/SERVICE there.
serve()
{
	name=$1 how=$2 service=$3
	shift 3
	serves "$name" "$service" chan "$how" "$service" "$@"
}
# chan_in NAME ARGUMENTS...: and what it says
chan_in()
{
	name=$1
	shift
	inside "$name" "chan $* 2>&1"
}

# --- nobody there yet ---
refused 7 "the module rfcom is not loaded; modprobe rfcom" "without the module" rfm channel list
check "rfcom loads" modprobe rfcom
is "$(chan try supervisor x 1000 2>&1)" "open: Transport endpoint is not connected" \
	"without an exchange there is nobody"
modprobe rfcontroller
is "$(chan try supervisor x 1000 2>&1)" "open: Connection refused" "nobody listens"
is "$(chan try nobody x 1000 2>&1)" "open: No such file or directory" "no such kernel"
refused 2 "supervisor is the name of this kernel" "a subOS cannot have that name" \
	rfm create supervisor --cpus 1 --memory 256M

# --- both ends in one kernel ---
serve - serve echo 16
is "$(chan serve echo 2>&1)" "listen: Address already in use" "a name can be had once"
is "$(chan ping supervisor echo "$(rounds 200 2000)")" "$(rounds 200 2000) there and back" \
	"messages of all lengths come back as they were"
is "$(chan bad supervisor echo 2>&1)" "all refused" "what cannot be is refused, and nothing is lost"
fetched() { cat /sys/module/rfcom/parameters/fetched; }
f=$(fetched)
is "$(chan ping supervisor echo 50 60000)" "50 there and back" "the longest ones"
is "$(fetched)" "$f" "their chunks are copied to the reader, and not before"
is "$(chan race supervisor echo "$(rounds 200 5000)")" "$(rounds 200 5000) there and back" \
	"while others poll the same end"
rm -f /run/go
chan sink pit >/run/pit 2>&1 &
eventually 10 grep -q ready /run/pit
chan full supervisor pit >/run/full 2>&1 &
full=$!
check "a queue that nobody reads is full" eventually 30 grep -q 'Resource temporarily unavailable; poll:$' /run/full
n=$(sed -n 's/,.*//p' /run/full)
is "$n" 819 "after 819 messages of 400 bytes: ten cells each, of 8192"
check "whoever waits goes on waiting" kill -0 $full
f=$(fetched)
is "$(chan ping supervisor echo 20 60000)" "20 there and back" "others go on"
check "control: chunks that were not read are copied for them" test "$(fetched)" -gt "$f"
touch /run/go
wait $full
check "until it is read" eventually 10 grep -q "^then $((n + 1))" /run/full
check "then all is there" eventually 10 grep -q "^$((n + 1)) messages, 0 bad, end good" /run/pit
r=$(rounds 40 2000)
slope chan churn supervisor echo "$r" >/run/slope
check "no end stays, of 6 times $r that were opened and closed" eventually 10 no_ends
flat /run/slope "$r" "nor memory"
slope sh -c 'chan leave supervisor echo 1 10 >/dev/null 2>&1 & echo $! >>/run/leavers' >/run/leaks
check "control: an end more in each block shows" eval '! awk -v slack=66 "$FLAT" /run/leaks'
# shellcheck disable=SC2046 # numbers
kill $(cat /run/leavers)
eventually 10 no_ends

# --- with subOSes ---
mkdir -p /run/more/usr/bin /run/more/rf/other
cp /usr/bin/chan /usr/bin/slope /run/more/usr/bin/
cp "/lib/modules/$OTHER"*/updates/rftest.ko /run/more/rf/other/
initrd_with rfcomlie
initrd_with rftest
check "a starts" rfm create a --cpus 1-2 --memory 256M --initrd /run/initrd
check "b starts" rfm create b --cpus 3-3 --memory 256M --initrd /run/initrd --kernel "$OTHER_KERNEL"
serve a serve echo 16
serve b serve echo 16
m=$(rounds 200 2000)
is "$(chan ping a echo "$m")" "$m there and back" "the supervisor opens one to a"
is "$(inside a 'head -n 2 /run/echo | tail -n 1')" "from supervisor" "a knows who it is"
is "$(chan ping b echo "$m")" "$m there and back" "and to b, which runs $OTHER"
is "$(chan_in a ping supervisor echo "$m")" "$m there and back" "a opens one to the supervisor"
is "$(grep -c 'from a' /run/echo)" 1 "which knows who it is"

# --- who may ---
is "$(rfm channel rules | wc -l)" 1 "no rule"
is "$(chan_in a try b echo 3000)" "open: Permission denied" "between subOSes nothing is allowed"
check "a may" rfm channel allow a b
like "$(rfm channel rules)" "^a +b$" "there is a rule"
is "$(chan_in a ping b echo "$m")" "$m there and back" "now a opens one to b"
is "$(inside b 'grep -c "from a" /run/echo')" 1 "which knows who it is"
is "$(chan_in b try a echo 3000)" "open: Permission denied" "control: b may not"
# The only core of b is wanted by the thread that reads, by who reads, and by another.
inside b 'while :; do :; done & echo $! >/run/hog' >/dev/null
is "$(chan_in a ping b echo "$m" 1000)" "$m there and back" "with somebody else on b's core, too"
serve b sink flow
inside b 'touch /run/go' >/dev/null
f=$(rounds 3000 50000)
chan_in a flood b flow "$f" 1000 >/dev/null
check "and all of a flood" eventually 120 said b flow "^$f messages, 0 bad, end good"
inside b 'kill $(cat /run/hog); rm /run/go' >/dev/null
inside a 'chan hold b echo >/run/hold 2>&1 & true' >/dev/null
check "a has a channel to b" eventually 30 said a hold open
check "a may no longer" rfm channel deny a b
check "it is closed" eventually 30 said a hold 'read: end; write: Broken pipe; poll: hup$'
is "$(chan_in a try b echo 3000)" "open: Permission denied" "and no other can be opened"
refused 3 "there is no subOS of this name: x" "a rule for nobody" rfm channel allow a x
refused 2 "needs no rule to talk to itself" "for one alone" rfm channel allow a a
refused 2 "write list, rules, allow FROM TO or deny FROM TO" "half a rule" rfm channel allow a
rfm channel allow a b

# --- the end of a kernel ---
chan hold a echo >/run/hold.a 2>&1 &
eventually 10 grep -q open /run/hold.a
rm -f /run/go
chan sink pit >/run/pit 2>&1 &
eventually 10 grep -q ready /run/pit
inside a 'chan flood supervisor pit 1000000 400 >/run/flood 2>&1 & true' >/dev/null
full_queue()
{
	rfm channel list --json | grep -q '"waiting_cells": *8190'
}
check "a sends until the queue is full" eventually 30 full_queue
like "$(rfm channel list)" '^ *[0-9]+ +a +pit +there +open ' "the list shows it"
# They write, one until nobody takes what comes back, one in the middle of something.
inside a 'touch /run/go' >/dev/null
serve a sink flow
chan flood a echo 1000000 400 >/run/blocked 2>&1 &
chan flood a flow 1000000 60000 >/run/middle 2>&1 &
middle=$!
# pit's end and this one's are full
both_full() { [ "$(rfm channel list --json | grep -c '"waiting_cells": *8190')" = 2 ]; }
check "a writer waits for credit" eventually 30 both_full
check "another writes" kill -0 $middle
typed a 'echo c >/proc/sysrq-trigger'
check "a crashes" eventually 60 in_state a crashed
check "who waits for credit is told" eventually 10 grep -q '^write: Connection reset by peer' /run/blocked
check "and who is in the middle" eventually 10 grep -q '^write: Connection reset by peer' /run/middle
check "whoever waits for it is told" eventually 10 \
	grep -q 'read: Connection reset by peer; write: Connection reset by peer; poll: hup err' /run/hold.a
touch /run/go
check "what had come can be read, then the end is told" eventually 10 \
	grep -q '^819 messages, 0 bad, end Connection reset by peer' /run/pit
is "$(chan try a echo 1000 2>&1)" "open: No such file or directory" "it cannot be opened"
check "a restarts" rfm restart a
like "$(rfm channel rules)" "^a +b$" "the rule is still there"
serve a serve echo 16
is "$(chan_in a ping b echo 20)" "20 there and back" "a opens one to b again"
is "$(chan ping a echo 20)" "20 there and back" "and the supervisor one to a"

# --- a reader comes so late that the bytes of its messages are a successor's ---
# held: "pit" has 320 messages of 1000 bytes, nearly as many as a queue has cells for, each in
# a chunk
held() { rfm channel list --json | grep -q '"waiting_cells": *8000'; }
# fills_pit: a sends them to whoever reads when there is /run/go
fills_pit()
{
	rm -f /run/go
	chan sink pit >/run/pit 2>&1 &
	eventually 10 grep -q ready /run/pit
	f=$(fetched)
	inside a 'chan leave supervisor pit 320 1000 >/run/flood 2>&1 & true' >/dev/null
	check "a sends a queue full, all in chunks" eventually 30 held
	is "$(fetched)" "$f" "they are in its memory, and not copied yet"
}
fills_pit
check "changes of who is there are not noticed" \
	modprobe rftest what=at-skip at=rfcom:directory_changed
typed a 'echo c >/proc/sysrq-trigger'
check "a crashes, with what it sent" eventually 60 in_state a crashed
check "its successor comes" rfm restart a
check "control: nobody has heard of that" held
touch /run/go
eventually 60 grep -q '^[0-9]* messages' /run/pit
is "$(tail -n 1 /run/pit)" "0 messages, 0 bad, end Connection reset by peer" \
	"no message is read that is not what was sent"
rmmod rftest
rfm channel deny a b
rfm channel allow a b
serve a serve echo 16
is "$(chan ping a echo 10 60000)" "10 there and back" "the successor is heard, in chunks"
is "$(chan_in a ping supervisor echo 10 60000)" "10 there and back" "both ways"

# --- news of what was read are lost ---
serve a sink deep
chan wait a deep >/run/wait 2>&1 &
waiter=$!
check "a sends until the queue is full" eventually 30 grep -q full /run/wait
inside a 'insmod /rf/rftest.ko what=at-skip at=ficm_send ret=-22; touch /run/go' >/dev/null
is "$(inside a 'true')$(cat /run/wait)" full "whoever polls is not told of what was read"
check "and goes on waiting" kill -0 $waiter
inside a 'rmmod rftest' >/dev/null
check "until it has asked" eventually 30 grep -q writable /run/wait
check "then all was there" eventually 30 said a deep ' 0 bad, end good'

# --- a ring that nobody empties ---
inside a 'touch /run/go' >/dev/null
serve a sink kept
chan press a kept /run/go.kept 400 leave >/run/leave 2>&1 &
eventually 10 grep -q open /run/leave
# It ends that by itself: what is typed comes through the ring, too. Nothing in there tells that
# the ring is full; 5 s later the channel would break.
inside a '(sleep 3; rmmod rftest) </dev/null >/dev/null 2>&1 & insmod /rf/rftest.ko what=at-skip at=ficm_ring_get ret=-11' >/dev/null
touch /run/go.kept
check "it fills, and no write waits" eventually 10 \
	grep -q ' went, Resource temporarily unavailable' /run/leave
n=$(sed -n 's/ went.*//p' /run/leave)
check "control: that is the ring of 128 lines, and one more, not the queue: $n" test "${n:-819}" -le 129
check "all comes, though its sender has closed" eventually 30 said a kept "^$n messages, 0 bad, end good"

# --- rounds across kernels ---
r=$(rounds 20 1000)
slope chan churn a echo "$r" >/run/slope
flat /run/slope "$r" "opened by the supervisor and closed: memory here stays as it is"
slope_begin a "chan churn supervisor echo $r"
is "$(chan churn b echo "$((5 * r))")" "$((5 * r)) rounds" "both ways at a time"
slope_end a "$r"
check "no end stays here" eventually 10 no_ends
dropped=$(cat /sys/module/ficm/dropped)
is "$dropped" 0 "no message was given up"

subos_log_clean a

# --- loaded again ---
kill_servers() { inside a 'kill $(pidof chan); true' >/dev/null; }
# lines: that 10 messages of 60000 bytes there and back take; 3000 where each has 40 bytes
lines()
{
	sent=$(cat "/sys/module/ficm/peers/$(number a id)/sent")
	chan ping a echo 10 60000 >/run/ping 2>&1
	echo $(($(cat "/sys/module/ficm/peers/$(number a id)/sent") - sent))
}
n=$(lines)
check "control: long messages go in chunks ($n lines)" test "$n" -le 400
inside a 'cp /.rainforest/rfcom.ko /run/' >/dev/null
kill_servers
check "a has no rfcom any more" eventually 30 no_rfcom a
is "$(chan try a echo 300 2>&1)" "open: Connection timed out" "nobody answers"
inside a 'insmod /run/rfcom.ko' >/dev/null
serve a serve echo 16
n=$(lines)
is "$(cat /run/ping)" "10 there and back" "loaded again, a is served"
check "in chunks as before ($n lines)" test "$n" -le 400

# --- loaded again while what it sent is still in its chunks ---
fills_pit
inside a 'insmod /rf/rftest.ko what=at-skip at=rfcom_tell_end; kill $(pidof chan); true' >/dev/null
eventually 30 eval '[ -z "$(inside a "pidof chan")" ]'
inside a 'rmmod rftest' >/dev/null
check "a has none any more, which it did not say" eventually 30 no_rfcom a
check "control: what it sent waits" held
is "$(fetched)" "$f" "and is still in its memory"
inside a 'insmod /run/rfcom.ko' >/dev/null
serve a serve echo 16
is "$(chan ping a echo 10 60000)" "10 there and back" "chunks go on where they were"
check "and push out those that wait" test "$(fetched)" -gt "$f"
touch /run/go
eventually 60 grep -q '^[0-9]* messages' /run/pit
is "$(tail -n 1 /run/pit)" "320 messages, 0 bad, end good" "which come as they were"

# --- a kernel that does not keep the rules ---
serve - serve victim 32
kill_servers
check "a has no rfcom any more, again" eventually 30 no_rfcom a
# lies WAY [COUNT]: what a's log says
lies()
{
	inside a "insmod /rf/rfcomlie.ko service=victim what=$1 count=${2-1}; rmmod rfcomlie" >/dev/null
	rfm log a | sed -n "s/.*rfcomlie: $1: //p" | tail -n 1
}
still_works()
{
	is "$(chan ping supervisor victim 50)" "50 there and back" "$1: others are served"
	is "$(chan ping b echo 50)" "50 there and back" "$1: b as well"
}
is "$(lies overrun)" "closed, 1 let in, 0 refused" "more than the credit: the channel is closed"
still_works "overrun"
is "$(lies line)" "closed, 1 let in, 0 refused" "a line that cannot be: closed"
is "$(lies chunk)" "closed, 1 let in, 0 refused" "more than a chunk holds: closed"
is "$(lies taken)" "closed, 1 let in, 0 refused" "more taken than was sent: closed"
still_works "taken"
like "$(lies opens 3000)" "^open, [0-9]+ let in, [0-9]+ refused$" "thousands of requests"
still_works "opens"
f=$(fetched)
like "$(lies bulk "$(rounds 300 100000)")" "^open, [0-9]+ let in" \
	"chunks that cannot be, that change, and were not taken: before and after the truth is echoed"
still_works "bulk"
check "control: some of these waited in chunks, and were pushed out" test "$(fetched)" -gt "$f"
like "$(lies random "$(rounds 20000 1000000)")" "let in" "random messages"
still_works "random"
typed a 'echo c >/proc/sysrq-trigger'
check "the liar crashes" eventually 60 in_state a crashed
check "and none of its channels stays" eventually 30 no_ends

# --- a kernel that takes nothing ---
subos_log_clean b
# presses FILE GO SIZE [HOW]: chan press to b in the background. One after the other: more than
# four that are opened at a time are refused.
presses()
{
	file=$1
	shift
	chan press b echo "$@" >"/run/$file" 2>&1 &
	check "a channel to b" eventually 10 grep -q '^open$' "/run/$file"
}
for n in 1 2 3; do
	presses large.$n /run/go.large 60000
done
presses now /run/go.now 100 now
chan flood b echo 1000000 400 >/run/blocked 2>&1 &
check "one of them is full" eventually 30 full_queue
typed b 'insmod /rf/other/rftest.ko what=halt-all'
check "b hangs" eventually 10 in_state b hung
touch /run/go.now
check "who does not wait finds its ring full" eventually 20 grep -q full /run/now
touch /run/go.large
# 4 is 4.99: jiffies may be a tick late where a wait begins.
timed_out='^write: Connection timed out; after [4-9] s'
for n in 1 2 3; do
	check "who waits for the ring waits for 5 s, like others: $n" \
		eventually 15 grep -q "$timed_out" /run/large.$n
	diag "$(cat /run/large.$n)"
done
check "who polls is told then, and no call of his waited" \
	eventually 15 grep -q "$timed_out, longest [01] s; poll: hup err" /run/now
check "who waits for credit waits for 10 s" eventually 20 \
	grep -q '^write: Connection timed out' /run/blocked
check "no end stays here" eventually 10 no_ends

# --- the end ---
check "b is destroyed" rfm destroy b --force
is "$(rfm channel rules | wc -l)" 1 "its rules go with it"
check "a is destroyed" rfm destroy a
refused 1 "temporarily unavailable" "the module stays while somebody uses it" rmmod rfcom
# shellcheck disable=SC2046 # numbers
kill $(pidof chan)
eventually 10 eval '! pidof chan'
check "then it goes" rmmod rfcom
audit "the invariants hold"
check "and rfcontroller" rmmod rfcontroller
END
done_testing
