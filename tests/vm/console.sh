#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# The terminal of a subOS: typing, Ctrl-C, window size, several readers, one
# writer, much output, a restart, and the end.
# timeout: 600
# beside
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
need_build

run_guest --smp 4 --copy "$(command -v script):/usr/bin/script" <<'END'
# A heartbeat takes as long as it can: nothing here may wait for one.
modprobe rfcontroller heartbeat_ms=10000 hung_ms=60000
mkfifo /run/never /run/typist
exec 4<>/run/never 5<>/run/typist
# watch FILE: a reader of its own, its process number in $watcher. Its input does not end.
watch()
{
	rfm console one --read-only >"$1" 2>&1 </run/never &
	watcher=$!
}
# type FILE: what is in FILE is typed; the writer leaves when nothing more comes
type_file()
{
	timeout 30 rfm console one --idle 1 <"$1" >/dev/null 2>&1
}
type_line()
{
	printf '%s\n' "$1" >/run/line
	type_file /run/line
}
shows()
{
	eventually 60 grep -q "$2" "$1"
}

check "a subOS starts" rfm create one --cpus 1 --memory 256M
watch /run/first
first=$watcher
type_line 'echo gree""tings from $((6 * 7))'
check "what is typed is done, and answered" shows /run/first '^greetings from 42'
check "what was typed is echoed" grep -q 'echo gree""tings' /run/first
watch /run/second
check "who comes later reads it, too" shows /run/second '^greetings from 42'
kill "$watcher"

# --- one writer ---
rfm console one </run/typist >/run/writer 2>&1 &
writer=$!
echo 'echo wri""ter' >&5
check "a writer types" shows /run/first '^writer'
refused 4 'one' "a second writer is refused" rfm console one
kill $writer
wait $writer 2>/dev/null
type_line 'echo ano""ther'
check "control: when the first has left, another may" shows /run/first '^another'

# --- who waits for input ---
rfm console one </run/typist >/run/writer 2>&1 &
writer=$!
# shellcheck disable=SC2016 # typed
echo 'cd /proc/$(grep -lx subos_console /proc/[0-9]*/comm | cut -d/ -f3); switches() { echo $1 $(grep ctxt status); }' >&5
# The sleep orders nothing: in that time a thread that looks for input would be seen.
echo 'switches fi""rst; sleep 3; switches la""ter' >&5
check "nobody types for a while" shows /run/first '^later voluntary'
# Of both kinds: one that is preempted before it sleeps finds the next line without having slept;
# on the only CPU it cannot stay, as the shell answers in between.
switched()
{
	echo $(($(tr -d '\r' </run/first |
		sed -n "s/^$1 vol[^:]*: *\([0-9]*\) nonvol[^:]*: *\([0-9]*\).*/\1 + \2/p" | tail -n 1)))
}
check "and no thread looks for input meanwhile" test "$(switched later)" -eq "$(switched first)"
i=0
while [ $i -lt 20 ]; do
	i=$((i + 1))
	echo "echo li\"\"ne $i; switches at$i" >&5
	eventually 60 grep -q "^at$i vol" /run/first || break
done
check "what is typed is read at once" test "$i" -eq 20
check "control: a thread was told of it" test "$(switched at20)" -ge $(($(switched later) + 20))
kill $writer
wait $writer 2>/dev/null

# --- the line discipline ---
# A shell's child that is not yet the program would miss it: this one dies of it at any time.
# The sleep orders nothing: it is what Ctrl-C is to end.
type_line "sh -c 'echo start\"\"ed; exec sleep 1000'; echo sle\"\"pt"
check "a program runs" shows /run/first '^started'
printf '\003echo status $?\n' >/run/line
type_file /run/line
check "Ctrl-C ends what runs" shows /run/first '^status 130'
check "control: it had not come to its end" sh -c '! grep -q ^slept /run/first'
TERM=linux script -qec 'stty rows 33 cols 101; rfm console one' /dev/null \
	</run/typist >/run/pty 2>&1 &
terminal=$!
size_arrived()
{
	# shellcheck disable=SC2016
	echo 'echo size is $(stty size)' >&5
	sleep 0.5
	grep -q '^size is 33 101' /run/first
}
check "the window size arrives" eventually 60 size_arrived
detached()
{
	printf '\035' >&5
	[ ! -e /proc/$terminal/fd/0 ]
}
check "the detach key ends the session" eventually 20 detached
exec 5>&-

# --- much output ---
type_line 'seq 1 200000; echo en""ded'
check "a megabyte of output" shows /run/first '^ended'
seq 1 200000 >/run/seq
check "comes through without a gap" \
	sh -c "tr -d '\r' </run/first | sed -n '/^1\$/,/^200000\$/p' | cmp - /run/seq"

# --- stop, start, end ---
boots=$(grep -c 'a shell' /run/first)
check "it is stopped" rfm stop one
check "and started again" rfm restart one
again()
{
	[ "$(grep -c 'a shell' /run/first)" -gt "$boots" ]
}
check "the same reader sees the new start" eventually 60 again
type_line 'echo once mo""re'
check "and it can be typed to" shows /run/first '^once more'
check "the reader is still the same" test -e "/proc/$first/fd/0"
check "it is destroyed" rfm destroy --force one
ended()
{
	[ ! -e "/proc/$first/fd/0" ]	# a zombie has none
}
check "the reader comes to the end" eventually 20 ended
check "its last words are there" grep -q '^once more' /run/first
audit "the invariants hold"
check "nothing holds the module" rmmod rfcontroller
END
done_testing
