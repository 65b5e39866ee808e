#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# A change of a subOS that runs goes wrong at each of its steps: everything has one
# owner in the end, and what was not done can be done again.
# timeout: 600 1800
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
need_build

disk=$(scratch disk 16M)

run_guest --smp 5 --disk "$disk" --copy "$T_TOP/tests/vm/lifecycle.lib:/rf/lifecycle.lib" \
	--copy "$T_TOP/tests/vm/isolation-lib:/rf/isolation-lib" <<'END'
. /rf/isolation-lib
. /rf/lifecycle.lib
modprobe rfcontroller
disk=$(bdf_of /dev/rfdisk0)
param=/sys/module/rfcontroller/parameters/fail_point
initrd_with rftest
check "w starts" rfm create w --cpus 2 --memory 512M --initrd /run/initrd
cpus_of() { rfm resources | awk -v n="$1" '$1 == "cpu" && $NF == n { printf "%s ", $2 }'; }
blocks() { rfm resources --json | awk -F '[:,]' -v o="\"$1\"" '/"kind": *"/ { mem = /memory/ } /"length"/ { n = $2 } /"owner"/ { gsub(/ /, "", $2); if (mem && $2 == o) sum += n } END { print sum / 134217728 }'; }
state_is() { [ "$(cpus_of w | wc -w) $(blocks w) $(nproc)" = "$1" ]; }
# As it was: two CPUs, four blocks, three CPUs here; each kernel thinks so, too.
as_before()
{
	state_is "2 4 3" && [ "$(inside w nproc | tail -n 1)" = 2 ] && rfm audit --quick >/dev/null
}
change() { rfm resize w "$@" >/run/said 2>&1; }

check "control: as_before holds" as_before
change --cpus +1
check "control: it notices a core" eval '! as_before'
change --cpus 2
check "and holds again" as_before

# Every allocation of a change fails once (in long runs): it is done, or w has what it had, as the
# exit code says.
# without_memory WHAT BACK: two changes, the second undoes the first
# shellcheck disable=SC2086 # words
without_memory()
{
	n=1 failed=0 odd=
	while :; do
		echo alloc:$n >$param
		change $1
		status=$?
		[ -z "$(cat $param)" ] || break
		[ $status -eq 0 ] || failed=$((failed + 1))
		case $status in
		1 | 4) [ "$(wc -l </run/said)" -eq 1 ] && as_before ;;
		0 | 8) change $2 && as_before ;; # it is done
		*) false ;;
		esac || odd="$odd $n: $status $(cat /run/said)"
		n=$((n + 1))
	done
	echo >$param
	change $2
	is "$odd" "" "$1: $failed of $((n - 1)) allocations made it fail, w has what the exit code says"
	check "$1: everything is as before" as_before
}
if [ -n "$RF_LONG" ]; then
	without_memory "--cpus +1" "--cpus 2"
	without_memory "--memory +256M" "--memory 512M"
	without_memory "--pci +$disk" "--pci -$disk"
fi

# --- messages that are lost are sent again ---
echo con_send >$param
check "a request is lost: a core comes all the same" change --cpus +1
is "$(cat $param)" "" "it was lost"
echo con_send >$param
check "and goes" change --cpus 2
echo con_send:1 >$param
check "memory comes although a request is lost" change --memory +128M
echo con_send:1 >$param
check "and goes" change --memory 512M
is "$(cat $param)" "" "it was lost"
check "everything is as before" as_before

# --- the supervisor's own steps fail ---
for point in resize_wait cpu_remove mem_grow alloc:9; do
	echo $point >$param
	case $point in
	mem_grow) change --memory +256M ;;
	*) change --cpus +1 ;;
	esac
	status=$?
	check "$point: it fails in one line ($status: $(cat /run/said))" \
		test $status -ne 0 -a "$(wc -l </run/said)" -eq 1
	is "$(cat $param)" "" "$point: the fault was met"
	check "$point: everything is as before" as_before
done
echo core_park >$param
change --cpus +1
status=$?
check "core_park: a core that does not come is quarantined ($status)" test $status -eq 8
is "$(cat $param)" "" "core_park: the fault was met"
like "$(rfm resources)" '^cpu .*quarantine' "core_park: the list says so"
check "core_park: w has what it had" test "$(cpus_of w | wc -w) $(inside w nproc | tail -n 1)" = "2 2"
audit "core_park: the invariants hold"

# --- somebody ends it in the middle ---
(sleep 0.3; killall -INT rfm) 2>/dev/null &
change --memory +512M
wait
audit "Ctrl-C: the invariants hold ($(cat /run/said))"
check "what came of it can be taken back" change --memory 512M
is "$(blocks w)" 4 "w has what it had"
rfm resize w --memory +512M >/run/said2 2>&1 &
change --memory +128M
first=$?
wait $!
like "$first $?" '^[048] [048]$' "two at once: $(cat /run/said) / $(cat /run/said2)"
check "and back" change --memory 512M
is "$(blocks w)" 4 "w has what it had"

# --- the subOS ends or hangs in the middle ---
rfm resize w --memory +512M >/run/said2 2>&1 &
check "destroyed by force while it grows" rfm destroy --force w
wait $!
like "$? $(cat /run/said2)" '^([134] |8 .*is being stopped)' \
	"the change is given up, or has come as far as it has: $(cat /run/said2)"
is "$(rfm resources | grep -c ' w$')" 0 "nothing is left with it"
audit "destroyed while it grows: the invariants hold"
check "w starts" rfm create w --cpus 2 --memory 512M --initrd /run/initrd
typed w 'echo c >/proc/sysrq-trigger' &
while change --memory +128M && change --memory 512M; do :; done
check "it crashes while it changes: $(cat /run/said)" eventually 60 in_state w crashed
audit "crashed while it changes: the invariants hold"
check "it starts again" rfm restart w
check "control: w answers" eventually 90 eval 'inside w "echo yes" | grep -q "^yes"'
typed w 'insmod /rf/rftest.ko what=spin-all'
check "it hangs" eventually 60 in_state w hung
like "$(rfm list)" 'w .*hung .*its boot core executes' "and its boot core answers an NMI"
change --cpus +1 --timeout 2
like "$? $(cat /run/said)" '^[68] .*did not answer' "who hangs does not answer in time"
is "$(cpus_of w | wc -w)" 3 "what was offered is its own"
audit "hung: the invariants hold"
check "and comes back with it" rfm destroy --force w
check "nothing is left" test "$(rfm resources | grep -c ' w$')" = 0
audit "in the end: the invariants hold"
END
done_testing
