#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# FICM between kernels: a supervisor and two subOSes, one of them another stock
# kernel.
#
#	supervisor, CPUs 0 and 1; its communication core 1 goes off line and on
#	    |  \
#	    |   b, CPUs 4 and 5 (6.1)
#	    |  /
#	    a, CPUs 2 and 3
# timeout: 1200 7200
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
need_build

mkdir -p "$T_DIR"
rm -f "$T_DIR"/trace-*
echo "$T_DIR" >"$T_DIR/hostdir"
cat >"$T_DIR/peers.lib" <<'END'
. /rf/lifecycle.lib
P=/sys/module/rfpeer/parameters
# The default initrd with the test modules of both kernels.
make_initrd()
{
	mkdir -p /run/more/rf
	for dir in /lib/modules/*; do
		for m in rfpeer rfspoil; do
			cp "$dir/updates/$m.ko" "/run/more/rf/$m-${dir##*/}.ko"
		done
	done
	initrd_more
}
# on NAME COMMANDS: in that kernel, "-" is this one
on()
{
	if [ "$1" = - ]; then sh -c "$2"; else inside "$1" "$2"; fi
}
id_of()
{
	number "$1" id
}
# got NAME ID: streams, messages, wrong ones that NAME had from ID
got()
{
	on "$1" "sed -n 's/^$2 //p' $P/got"
}
# of NAME ID FILE: a counter
of()
{
	on "$1" "cat /sys/module/ficm/peers/$2/$3"
}
# quiet NAME...: nobody there sends any more
quiet()
{
	for q in "$@"; do
		n=0
		until [ "$(on "$q" "cut -d' ' -f1 $P/sending")" = 0 ]; do
			n=$((n + 1))
			[ $n -lt "$(rounds 300 20000)" ] || return 1
			sleep 0.2
		done
	done
}
got_is()
{
	[ "$(got "$1" "$2")" = "$3" ]
}
counter_is()
{
	[ "$(of "$1" "$2" "$3")" = "$4" ]
}
# fill NAME ID: messages until it is refused, and the error
fill()
{
	on "$1" "echo $2 >$P/fill; cat $P/fill"
}
# sends NAME ID COUNT
sends()
{
	on "$1" "echo $2 $3 >$P/send" && quiet "$1"
}
# Its reading thread looks at all rings once more, and asks for the doorbell anew.
nudge()
{
	on "$1" "echo 4294967295 1 >$P/send"
}
# spoil NAME PARAMETERS: it writes nonsense into its area
spoil()
{
	on "$1" "set -- \$(cat /sys/module/ficm/directory)
		insmod /rf/rfspoil-\$(uname -r).ko dir=\$1 slot=\$2 $2 && rmmod rfspoil && echo spoiled"
}
# trace NAME COMMAND...: with its own trace file on the host
trace()
{
	hmp logfile "\"$(cat /rf/hostdir)/trace-$1\""
	shift
	hmp trace-event apic_mem_writel on
	"$@"
	hmp trace-event apic_mem_writel off
}
END

run_guest --smp 6 --memory 4G --qemu -msg --qemu timestamp=on \
	--qemu -D --qemu "$T_DIR/trace-none" --copy "$T_DIR/hostdir:/rf/hostdir" \
	 --copy "$T_TOP/tests/vm/lifecycle.lib:/rf/lifecycle.lib" \
	--copy "$T_DIR/peers.lib:/rf/peers.lib" <<'END'
. /rf/peers.lib
hmp info cpus | sed 's/^/# /'
[ "$OTHER" != 6.12 ] || diag "no 6.1 here: 6.12 takes its place"
make_initrd
check "ficm loads on CPU 1" modprobe ficm cpu=1
check "rfcontroller loads" modprobe rfcontroller
check "so does the test module" modprobe rfpeer
check "a subOS" rfm create a --cpus 2-3 --memory 256M --initrd /run/initrd
if [ -e "$OTHER_KERNEL" ]; then
	check "and another, $OTHER" rfm create b --cpus 4-5 --memory 256M --initrd /run/initrd \
		--kernel "$OTHER_KERNEL"
else
	check "and another" rfm create b --cpus 4-5 --memory 256M --initrd /run/initrd
fi
a=$(id_of a)
b=$(id_of b)
for s in a b; do
	like "$(inside $s 'insmod /rf/rfpeer-$(uname -r).ko && echo loaded')" '^loaded' \
		"$s loads the test module"
	unlike "$(rfm log $s)" 'no messages' "$s has joined"
done
is "$(ls /sys/module/ficm/peers | xargs)" "$a $b" "the supervisor sees both"
is "$(inside a 'ls /sys/module/ficm/peers' | xargs)" "0 $b" "a sees the supervisor and b"
is "$(inside b 'ls /sys/module/ficm/peers' | xargs)" "0 $a" "b sees the supervisor and a"

# --- numbered messages, while the supervisor's communication core comes and goes ---
n=$(rounds 20000 1000000)
before=$(cat /sys/module/ficm/doorbell)
# Off and on until /run/stop is there; a line for each time that it was off.
: >/run/moves
come_and_go()
{
	while [ ! -e /run/stop ]; do
		echo 0 >/sys/devices/system/cpu/cpu1/online
		cat /sys/module/ficm/doorbell >>/run/moves
		echo 1 >/sys/devices/system/cpu/cpu1/online
	done
}
# It was away N times
away()
{
	[ "$(grep -vcx "$before" /run/moves)" -ge "$1" ]
}
come_and_go &
mover=$!
check "the doorbell's CPU goes off line" eventually 60 away 1
moves=$(grep -vcx "$before" /run/moves)
echo "$a $n" >$P/send
echo "$b $n" >$P/send
typed a "echo 0 $n >$P/send; echo $b $n >$P/send"
typed b "echo 0 $n >$P/send; echo $a $n >$P/send"
check "all have been sent" quiet - a b
check "meanwhile the doorbell moved away from $before" eventually 60 away $((moves + 1))
touch /run/stop
wait $mover
for s in - a b; do
	is "$(on $s "cat $P/sending")" "0 0" "nothing was given up: $s"
done
all_arrived()
{
	for pair in "- $a a 0" "- $b b 0" "a 0 - $a" "a $b b $a" "b 0 - $b" "b $a a $b"; do
		# shellcheck disable=SC2086
		set -- $pair
		check "$1 had $n messages from $3, none twice, none out of order" \
			eventually 60 got_is "$1" "$2" "1 $n 0"
		[ "$(got "$1" "$2")" = "1 $n 0" ] || diag "$(got "$1" "$2")"
		is "$(of "$1" "$2" fault)" "good good" "and no ring is broken"
		is "$(of "$1" "$2" refused)" 0 "and no doorbell was refused"
		rang=$(of "$3" "$4" doorbells) armed=$(of "$1" "$2" armed)
		check "it was rung $rang times, it asked $armed times" test "$rang" -le "$armed"
	done
}
all_arrived

# --- to all ---
echo 1 >$P/broadcast
is "$(cat $P/broadcast)" 2 "a broadcast reaches both"
is "$(inside a "echo 1 >$P/broadcast; cat $P/broadcast")" 2 "one from a as well"
check "a had it" eventually 30 got_is a 0 "2 $((n + 1)) 0"
check "b had it" eventually 30 got_is b 0 "2 $((n + 1)) 0"
check "b had that of a" eventually 30 got_is b "$a" "2 $((n + 1)) 0"
check "the supervisor too" eventually 30 got_is - "$a" "2 $((n + 1)) 0"
is "$(fill - 99)" "0 -2" "nobody is number 99"

# --- a full ring ---
inside b "echo 1 >$P/hold" >/dev/null
full=$(fill - "$b")
like "$full" '^12[89] -11$' "a ring that nobody reads is full: $full"
check "others are not held up" sends - "$a" 1000
check "and have it" eventually 30 got_is a 0 "3 $((n + 1001)) 0"
echo 1 >$P/broadcast
is "$(cat $P/broadcast)" 1 "a broadcast reaches the other alone"
inside b "echo 0 >$P/hold" >/dev/null
check "then all comes" eventually 30 got_is b 0 "3 $((n + 1 + ${full% *})) 0"

# --- where doorbells go ---
quiet - a b
trace honest sends - "$a" 50
trace honest2 sends a 0 50
trace honest3 sends a "$b" 50

# --- the end of a, and its next life ---
echo 1 >$P/hold
streams=$(got - "$a" | cut -d' ' -f1) had=$(got - "$a" | cut -d' ' -f2)
check "a sends to a supervisor that does not read" sends a 0 50
check "the first one came" eventually 30 got_is - "$a" "$((streams + 1)) $((had + 1)) 0"
typed a 'echo c >/proc/sysrq-trigger'
check "a crashes" eventually 60 in_state a crashed
check "the supervisor sees it no more" test ! -e "/sys/module/ficm/peers/$a"
is "$(fill - "$a")" "0 -2" "nothing can be sent to it"
check "nor does b" eventually 30 eval '! inside b "ls /sys/module/ficm/peers" | grep -qx $a'
is "$(fill b "$a")" "0 -2" "nothing can be sent from there"
rfm restart a >/run/restart 2>&1 &
restart=$!
early=$(fill - "$a")
while [ "$early" = "0 -2" ] && kill -0 $restart 2>/dev/null; do early=$(fill - "$a"); done
is "$early" "0 -107" "one that is listed and has not joined: not connected"
wait $restart
t_status=$?
second=2
if t_stale rfm restart a; then
	t_again rfm restart a
	second=3
fi
is $t_status 0 "a lives again"
is "$(id_of a)" "$a" "with the same number"
is "$(of - "$a" generation)" $second "the supervisor knows that it is another one"
is "$(of b "$a" generation)" $second "so does b"
echo 0 >$P/hold
inside a 'insmod /rf/rfpeer-$(uname -r).ko' >/dev/null
check "it sends to the supervisor" sends a 0 100
check "which has that, and nothing more of its former life" \
	eventually 30 got_is - "$a" "$((streams + 2)) $((had + 101)) 0"
streams=$(got b "$a" | cut -d' ' -f1) had=$(got b "$a" | cut -d' ' -f2)
check "and to b" sends a "$b" 100
check "which has that" eventually 30 got_is b "$a" "$((streams + 1)) $((had + 100)) 0"
check "it is sent to" sends - "$a" 100
check "and has that" eventually 30 got_is a 0 "1 100 0"

# --- a peer that points elsewhere with its doorbell ---
refused=0
for bell in "apicid=0 vector=64" "apicid=4 vector=64" "apicid=2 vector=240" "apicid=2 vector=31" \
	"apicid=255 vector=64" "apicid=2 vector=320"; do
	had=$(got a 0 | cut -d' ' -f2)
	like "$(spoil a "what=bell $bell")" spoiled "a says that its doorbell is $bell"
	trace "spoiled$refused" sends - "$a" 1
	refused=$((refused + 1))
	is "$(of - "$a" refused)" $refused "it is not rung, and counted"
	nudge a
	check "when a looks by itself the message is there" \
		eventually 30 got_is a 0 "$((refused + 1)) $((had + 1)) 0"
done
check "b is told the same" sends b "$a" 1
is "$(of b "$a" refused)" 1 "b does not ring either"

# --- a peer that writes noise ---
taken=$(of - "$a" taken)
like "$(spoil a what=signals)" spoiled "a writes noise into its signals"
check "a sends to the supervisor, and rings" sends a 0 1
takes_noise() { [ "$(of - "$a" taken)" -gt "$taken" ]; }
check "the supervisor has taken signals that were none" eventually 30 takes_noise
like "$(spoil a what=acks)" spoiled "a says that it read what was never written"
like "$(fill - "$a")" ' -32$' "the ring to it is broken"
is "$(of - "$a" fault)" "bad-acknowledgment good" "for that reason"
like "$(spoil a what=stamps)" spoiled "a writes noise into its rings"
nudge -
check "the ring from it is broken" eventually 30 counter_is - "$a" fault "bad-acknowledgment bad-stamp"
nudge b
check "b finds the same" eventually 30 counter_is b "$a" fault "good bad-stamp"
had=$(got b 0 | cut -d' ' -f2) streams=$(got b 0 | cut -d' ' -f1)
check "the supervisor and b go on" sends - "$b" 1000
check "with messages there" eventually 30 got_is b 0 "$((streams + 1)) $((had + 1000)) 0"
had=$(got - "$b" | cut -d' ' -f2)
check "and back" sends b 0 1000
check "with messages here" eventually 30 got_is - "$b" "2 $((had + 1000)) 0"
check "a lives" in_state a running
check "a is ended" rfm destroy --force a
check "another a begins" rfm create a --cpus 2-3 --memory 256M --initrd /run/initrd
a=$(id_of a)
inside a 'insmod /rf/rfpeer-$(uname -r).ko' >/dev/null
check "the supervisor sends to it" sends - "$a" 100
check "and it has that" eventually 30 got_is a 0 "1 100 0"
is "$(of - "$a" fault)" "good good" "its rings are whole"
subos_log_clean a
subos_log_clean b
audit "the invariants hold"
check "a ends" rfm destroy a

# --- the supervisor's communication core goes to a subOS ---
check "CPU 1 goes to another" rfm create c --cpus 1 --memory 256M --initrd /run/initrd
like "$(cat /sys/module/ficm/doorbell)" '^0 ' "the doorbell has moved to CPU 0"
inside c 'insmod /rf/rfpeer-$(uname -r).ko' >/dev/null
c=$(id_of c)
check "it sends to the supervisor" sends c 0 1000
check "which has all" eventually 30 got_is - "$c" "1 1000 0"
check "b sends to the supervisor" sends b 0 1000
check "which has all" eventually 30 got_is - "$b" "3 $((had + 2000)) 0"
is "$(of b 0 refused) $(of c 0 refused)" "0 0" "at a core that both know as the supervisor's"
check "c ends" rfm destroy c

# --- a directory that is none ---
listens() { rfm show "$1" --json | grep -q '"listens": *true'; }
check "the directory is spoiled" insmod "/lib/modules/$(uname -r)/updates/rfspoil.ko" \
	dir="$(cut -d' ' -f1 /sys/module/ficm/directory)" what=dir
check "a subOS boots all the same" rfm create d --cpus 1 --memory 256M --initrd /run/initrd
like "$(rfm log d)" 'no messages: directory at 0x[0-9a-f]*, entry [0-9]*, error -71' \
	"it says that it has no messages, and why"
check "so does the list" eval '! listens d'
check "b sends to the supervisor" sends b 0 1000
check "which has all" eventually 30 got_is - "$b" "4 $((had + 3000)) 0"
check "the directory is good again" rmmod rfspoil
check "it boots again" rfm restart d
check "and listens" eventually 30 listens d
check "d ends" rfm destroy d
check "b ends" rfm destroy b
rmmod rfpeer
check "rfcontroller goes" rmmod rfcontroller
is "$(ls /sys/module/ficm/peers)" "" "nobody is there any more"
check "ficm goes" rmmod ficm
END

grep '^# .*thread_id=' "$T_DIR/out1" >"$T_DIR/threads"
# ipi PHASE CPU...: what these cores sent
ipi()
{
	phase=$1
	shift
	python3 "$T_TOP/tests/vm/qemutrace.py" ipi "$T_DIR/trace-$phase" "$T_DIR/threads" "$@"
}
like "$(ipi honest 0 1)" 'shorthand=0 targets=[01,]*2$' \
	"seen from outside: the supervisor rings at a's communication core"
like "$(ipi honest2 2 3)" 'shorthand=0 targets=[01,]+[23,]*$' "a rings at the supervisor's cores"
like "$(ipi honest3 2 3)" 'shorthand=0 targets=([23],)*4$' "a rings at b's communication core"
for i in 0 1 2 3 4 5; do
	like "$(ipi spoiled$i 0 1)" 'shorthand=0 targets=([01,]*|-)$' \
		"the supervisor does not ring at $i, where a points"
done
rm -f "$T_DIR"/trace-*
done_testing
