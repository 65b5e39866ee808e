#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Sockets of the family AF_VSOCK between kernels: programs that know nothing of RainForest
# talk; every byte comes, in order; half-closed, full, refused and reset connections are
# what they are elsewhere; nothing stays behind, whatever another kernel sends.
# timeout: 900 3600
# beside
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
need_build

mkdir -p "$T_DIR"
${CC:-gcc} -std=gnu11 -D_GNU_SOURCE -static -O2 -Wall -Wextra \
	-o "$T_DIR/vsockctl" "$T_TOP/tests/vm/vsockctl.c" || bail "vsockctl does not compile"
set -- --copy "$T_DIR/vsockctl:/usr/bin/vsockctl" --copy "$T_TOP/tests/vm/slope:/usr/bin/slope"
socat=$(command -v socat) && set -- "$@" --copy "$socat:/usr/bin/socat"

run_guest --smp 5 "$@" --copy "$T_TOP/tests/vm/lifecycle.lib:/rf/lifecycle.lib" <<'END'
. /rf/lifecycle.lib

# serve NAME PORT: vsockctl serve in that kernel, in the background; "-": here.
# What it says lies in /run/PORT there.
serve() { serves "$1" "$2" vsockctl serve "$2"; }
# vsock_in NAME ARGUMENTS...: and what it says
vsock_in()
{
	name=$1
	shift
	inside "$name" "vsockctl $*"
}
users()
{
	sed -n 's/^rfcom_vsock [0-9]* \([0-9]*\) .*/\1/p' /proc/modules
}
unused() { [ "$(users)" = 0 ]; }
there_and_back() { echo "$1 bytes there and back, end good"; }
m=$(rounds 3000000 100000000)

# --- who has the role already ---
modprobe rfcontroller
modprobe vhost_vsock
check "control: beside vhost_vsock it is not loaded" eval '! modprobe rfcom_vsock 2>/dev/null'
like "$(dmesg)" 'rfcom_vsock: another module carries sockets to guests: rmmod vhost_vsock first' "and says why"
rmmod vhost_vsock
rmmod rfcontroller

# --- nobody there yet ---
check "it loads before the controller" modprobe rfcom_vsock
modprobe rfcontroller
has_cid() { [ "$(vsockctl cid)" = 2 ]; }
check "with the controller the supervisor is CID 2" eventually 10 has_cid
is "$(vsockctl try 77 5000)" "connect: No such device" "there is no such kernel"
is "$(vsockctl try 1 5000)" "connect: No such device" "nor does it play loopback"

# --- with subOSes ---
mkdir -p /run/more/usr/bin /run/more/rf/other
cp /usr/bin/vsockctl /usr/bin/slope /run/more/usr/bin/
cp "/lib/modules/$OTHER"*/updates/rftest.ko /run/more/rf/other/
initrd_with rfcomlie
check "a starts" rfm create a --cpus 1-2 --memory 256M --initrd /run/initrd
check "b starts" rfm create b --cpus 3-3 --memory 256M --initrd /run/initrd --kernel "$OTHER_KERNEL"
A=$(number a vsock_cid) B=$(number b vsock_cid)
is "$A" $(($(number a id) + 2)) "rfm show tells the CID"
like "$(rfm show b)" "^vsock CID +$B$" "to people, too"
is "$(vsock_in a cid)" "$A" "a knows its own"
is "$(vsock_in b cid)" "$B" "so does b, which runs $OTHER"
is "$(vsockctl try "$A" 5000)" "connect: Connection reset by peer" "nobody listens in a"
is "$(vsock_in b try 2 5000)" "connect: Connection reset by peer" "nor in the supervisor"
serve - 5000
serve a 5000
serve b 5000
is "$(vsockctl echo "$A" 5000 "$m")" "$(there_and_back "$m")" "supervisor to a"
is "$(vsockctl echo "$B" 5000 "$m")" "$(there_and_back "$m")" "supervisor to b"
is "$(vsock_in a echo 2 5000 "$m")" "$(there_and_back "$m")" "a to the supervisor"
is "$(vsock_in b echo 2 5000 "$m")" "$(there_and_back "$m")" "b to the supervisor"
is "$(vsock_in a echo "$A" 5000 100000)" "$(there_and_back 100000)" "a to itself"
is "$(sort /run/5000 | uniq -c | tr -s ' ' | tr '\n' ,)" " 1 from $A, 1 from $B, 1 ready," \
	"who listens knows who they are"
is "$(vsockctl peek "$A" 5000)" "as it should be" "peeking, waiting for all, after shutting down"
is "$(vsock_in b peek 2 5000)" "as it should be" "in b as well"
is "$(vsockctl poll "$A" 5000)" "connected, out" "connecting without waiting"
is "$(vsockctl poll "$A" 5001)" "Connection reset by peer, out" "where nobody listens"
is "$(vsockctl many "$A" 5000 20 200000)" "20 good" "20 connections at once"
is "$(vsock_in a many 2 5000 20 200000)" "20 good" "the other way"

# --- who may ---
is "$(vsock_in a try "$B" 5000)" "connect: Permission denied" "between subOSes nothing is allowed"
check "a may" rfm channel allow a b
is "$(vsock_in a echo "$B" 5000 "$m")" "$(there_and_back "$m")" "now a connects to b"
is "$(inside b "grep -c 'from $A' /run/5000")" 1 "which knows who it is"
is "$(vsock_in b try "$A" 5000)" "connect: Permission denied" "control: b may not"
inside a "vsockctl hold $B 5000 >/run/hold 2>&1 & true" >/dev/null
check "a is connected to b" eventually 30 said a hold open
check "a may no longer" rfm channel deny a b
check "that is a reset" eventually 30 said a hold 'end: Connection reset by peer'
rfm channel allow a b

# --- full ---
rm -f /run/go
vsockctl sink 6000 >/run/6000 2>&1 &
eventually 10 grep -q ready /run/6000
inside a 'vsockctl full 2 6000 >/run/full 2>&1 & true' >/dev/null
check "without a reader it is full" eventually 30 said a full 'Resource temporarily unavailable; poll: none'
n=$(inside a 'cat /run/full' | sed -n 's/ bytes.*//p')
# 8192 cells of 40 bytes
check "after $n bytes" test "$n" -ge 280000 -a "$n" -le 327680
is "$(vsock_in a echo 2 5000 100000)" "$(there_and_back 100000)" "others go on"
touch /run/go
check "with one there is room" eventually 30 said a full '^then'
n=$(inside a 'sed -n "s/then //p" /run/full')
check "and all comes" eventually 10 grep -q "^$n bytes, 0 bad, end: good" /run/6000
rm -f /run/go
vsockctl sink 6001 3 >/run/6001 2>&1 &
eventually 10 grep -q ready /run/6001
is "$(vsock_in b fill 2 6001 10)" "4 connected, 6 reset" "more than the backlog of who listens are reset"
touch /run/go
eventually 10 grep -q end /run/6001
rm -f /run/go

# --- socat ---
if [ -x /usr/bin/socat ]; then
	dd if=/dev/urandom of=/run/data bs=1M count=2 2>/dev/null
	socat -u VSOCK-LISTEN:7000 CREATE:/run/got &
	socat -t 30 STDIO "VSOCK-CONNECT:$A:5000" </run/data >/run/back
	is "$(md5sum </run/back)" "$(md5sum </run/data)" "socat to a and back: half-closed, then the end"
	inside a 'dd if=/dev/urandom of=/run/data bs=1M count=2; (cat /run/data; md5sum </run/data >/run/sum) | vsockctl send 2 7000' >/dev/null
	wait $!
	is "$(md5sum </run/got)" "$(inside a 'cat /run/sum')" "a to socat, which listens"
else
	skip "socat" "it is not installed"
fi

# --- opened and closed ---
vsockctl churn "$A" 5000 50 >/dev/null
eventually 10 no_ends
r=$(rounds 40 2000)
slope vsockctl churn "$A" 5000 "$r" >/run/slope
flat /run/slope "$r" "connected and closed, 6 times $r: memory here stays as it is"
slope_begin a "vsockctl churn 2 5000 $r"
is "$(vsockctl churn "$B" 5000 "$((5 * r))")" "$((5 * r)) rounds" "both ways at a time"
slope_end a "$r"
check "no channel stays" eventually 10 no_ends

# --- the end of a kernel ---
vsockctl hold "$A" 5000 >/run/hold 2>&1 &
eventually 10 grep -q open /run/hold
# Nobody takes what comes back: it waits for room.
dd if=/dev/zero bs=1M count=2 2>/dev/null | vsockctl send "$A" 5000 >/run/blocked 2>&1 &
full_queue() { rfm channel list --json | grep -qE '"waiting_cells": *8[01][0-9][0-9]'; }
check "another sends until it is full" eventually 30 full_queue
typed a 'echo c >/proc/sysrq-trigger'
check "a crashes" eventually 60 in_state a crashed
check "who waits for room is told" eventually 10 grep -q '^send: Connection reset by peer' /run/blocked
check "who reads is told" eventually 10 grep -q 'end: Connection reset by peer' /run/hold
check "who sends, and who polls" eventually 10 \
	grep -q 'then send: Connection reset by peer; poll: in rdhup' /run/hold
is "$(vsockctl try "$A" 5000)" "connect: No such device" "it cannot be connected to"
check "a restarts" rfm restart a
serve a 5000
is "$(vsockctl echo "$A" 5000 100000)" "$(there_and_back 100000)" "and is served again"
is "$(vsock_in a echo "$B" 5000 100000)" "$(there_and_back 100000)" "with its rule"
subos_log_clean a

# --- a kernel that does not keep the rules ---
# shellcheck disable=SC2016 # its shell shall expand this
inside a 'kill $(pidof vsockctl)' >/dev/null
check "a has no rfcom any more" eventually 30 no_rfcom a
is "$(vsockctl try "$A" 5000 500)" "connect: Connection timed out" "nobody answers in a"
# lies WAY COUNT: what a's log says
lies()
{
	inside a "insmod /rf/rfcomlie.ko service=vsock what=$1 count=$2; rmmod rfcomlie" >/dev/null
	rfm log a | sed -n "s/.*rfcomlie: $1: //p" | tail -n 1
}
still_works()
{
	is "$(vsock_in b echo 2 5000 100000)" "$(there_and_back 100000)" "$1: others are served"
}
like "$(lies knock "$(rounds 300 10000)")" "let in" "first messages of random bytes"
still_works "knock"
like "$(lies after 5000)" "^closed, 1 let in" "data after its end: the connection is reset"
still_works "after"
# What it asked for as it should be was let in, and stays: it closes nothing.
n=$(ends)
ends_as_before() { [ "$(ends)" = "$n" ]; }
like "$(lies opens 3000)" "let in" "thousands that say nothing"
still_works "opens"
check "none of these stays" eventually 10 ends_as_before
typed a 'echo c >/proc/sysrq-trigger'
check "the liar crashes" eventually 60 in_state a crashed
check "nor what was let in" eventually 30 no_ends

# --- the end ---
vsockctl hold "$B" 5000 >/run/hold 2>&1 &
eventually 10 grep -q open /run/hold
refused 1 "in use|unavailable" "the module stays while somebody uses it" rmmod rfcom_vsock
subos_log_clean b
dd if=/dev/zero bs=1M count=2 2>/dev/null | vsockctl send "$B" 5000 >/run/blocked 2>&1 &
check "another sends until it is full" eventually 30 full_queue
typed b 'insmod /rf/other/rftest.ko what=halt-all'
check "b hangs" eventually 10 in_state b hung
check "who waits for room is told after 10 s" eventually 30 grep -q '^send: Connection timed out' /run/blocked
check "b is destroyed" rfm destroy b --force
check "who is connected to it is told" eventually 10 grep -q 'end: Connection reset by peer' /run/hold
check "a is destroyed" rfm destroy a
# shellcheck disable=SC2046 # numbers
kill $(pidof vsockctl)
check "nobody uses it" eventually 10 unused
check "then it goes" rmmod rfcom_vsock
check "and rfcom" rmmod rfcom
audit "all is where it was"
check "and rfcontroller" rmmod rfcontroller
END
done_testing
