#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Every stage of create and destroy, and every allocation, fails once: everything comes back, or
# is quarantined in so many words, and the exit code is the documented one.
# timeout: 900 3600
# beside
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
need_build

disk=$(scratch disk 16M)
subosctl=$T_DIR/subosctl
${CC:-gcc} -static -O1 -Wall -I"$T_TOP/include/uapi" -o "$subosctl" "$T_TOP/tests/vm/subosctl.c" ||
	bail "subosctl does not compile"

run_guest --smp 6 --disk "$disk" --copy "$subosctl:/usr/local/bin/subosctl" <<'END'
param=/sys/module/rfcontroller/parameters/fail_point
# Which allocations fail: each in long runs, every so many-th in short ones.
step() { rounds "$1" 1; }

# Every allocation of loading the module fails once.
left_nothing()
{
	! grep -q '^rfcontroller ' /proc/modules && [ ! -e /dev/rainforest ] &&
		[ ! -e /sys/bus/pci/drivers/rfcontroller ]
}
modprobe ficm
n=1 met=0
while ! modprobe rfcontroller fail_point=alloc:$n 2>/run/err; do
	met=$((met + 1))
	grep -q 'annot allocate memory' /run/err && left_nothing ||
		{ not_ok "alloc:$n: loading fails, and leaves nothing ($(cat /run/err))"; break; }
	n=$((n + $(step 4)))
done
check "loading failed for want of memory at $met allocations, left nothing, then it loads" \
	test -e /dev/rainforest -a -n "$(cat $param)" -a $n -gt 16
check "and unloads" rmmod rfcontroller
modprobe rfcontroller
bdf=$(basename "$(readlink -f /sys/class/nvme/nvme0/device)")
cpus=$(nproc)

# A first creation leaves what is kept for later: the cache of images.
check "a creation without a fault" rfm create f --cpus 2 --memory 256M --pci "$bdf"
check "and its end" rfm destroy --force f

as_before()
{
	[ "$(nproc)" = "$cpus" ] && [ -z "$(rfm list --json | grep '"name"')" ] &&
		[ -e /dev/nvme0n1 ] && rfm audit >/dev/null
}

create() { rfm create f --cpus 2 --memory 384M --pci "$bdf" --no-wait 2>/run/err >/dev/null; }

echo nosuch >$param
check "control: a point that is not passed changes nothing" create
like "$(cat $param)" '^nosuch:1$' "control: it is still waiting"
check "control: as_before notices a subOS" eval '! as_before'
echo >$param
rfm destroy --force f

for point in lowmem=4 cpu_remove=4 cpu_remove:2=4 mem_ranges=4 load_cmdline=1 load_acpi=1 \
	load_copy=1 exchange_slot=4 exchange_area=1; do
	want=${point#*=} point=${point%=*}
	echo "$point" >$param
	create
	status=$?
	check "$point: create fails in one line ($status: $(cat /run/err))" \
		test $status -eq "$want" -a "$(grep -c . /run/err)" -eq 1
	check "$point: the fault was met" test -z "$(cat $param)"
	check "$point: everything is as before" as_before
done

echo mem_block:2 >$param
check "mem_block: a block that cannot be had is passed over" create
check "mem_block: the fault was met" test -z "$(cat $param)"
rfm destroy --force f
check "mem_block: everything is as before" as_before

# Every allocation of the way there and back fails once.
# without_memory STEP COMMAND...: it, with each STEP-th of its allocations failing. It goes on
# without, or fails in one line, with exit code 1; where not, /run/odd tells.
without_memory()
{
	step=$(step "$1") n=1 met=0 failed=0
	shift
	: >/run/odd
	while [ $n -lt 200 ]; do
		echo alloc:$n >$param
		"$@" </dev/null 2>/run/err >/dev/null
		status=$?
		[ -z "$(cat $param)" ] || break
		met=$((met + 1))
		[ $status -eq 0 ] || failed=$((failed + 1))
		[ $status -eq 0 ] || [ "$status $(grep -c . /run/err)" = "1 1" ] ||
			echo "alloc:$n: $status $(cat /run/err)" >>/run/odd
		[ "$1" != create ] || [ $status -ne 0 ] || rfm destroy --force f
		[ "$1" != create ] || as_before || echo "alloc:$n: not as before" >>/run/odd
		n=$((n + step))
	done
	echo >$param
}
without_memory 3 create
rfm destroy --force f 2>/dev/null
check "allocations: $met failed once ($failed creations failed), all came back" \
	test $met -gt 5 -a $failed -gt 5 -a $n -lt 200
is "$(cat /run/odd)" "" "allocations: each time with exit code 1, in one line"
check "allocations: everything is as before" as_before

# The same where nothing changes owner.
while read -r command; do
	# shellcheck disable=SC2086 # words
	without_memory 2 $command
	check "allocations: $command: $failed of $met made it fail" \
		test $met -ge 1 -a $failed -ge 1 -a $n -lt 200
	is "$(cat /run/odd)" "" "allocations: $command: exit code 1, in one line"
done <<'COMMANDS'
rfm list
rfm resources
rfm audit --quick
rfm ledger
rfm events
rfm usage
rfm pool
subosctl open
COMMANDS
check "allocations: everything is as before" as_before

for point in core_wait core_boot; do
	echo $point >$param
	create
	status=$?
	check "$point: create fails in one line ($status: $(cat /run/err))" \
		test $status -eq 1 -a "$(grep -c . /run/err)" -eq 1
	rfm destroy --force f 2>/dev/null
	check "$point: everything is as before" as_before
done

# All memory below 1 MB is lent, to subOSes that are never started.
subosctl crowd rfm create f --cpus 2 --memory 384M --no-wait >/run/crowd 2>/run/err
status=$?
like "$(cat /run/crowd)" '^[1-9][0-9]* ENOSPC all slices of memory below 1 MB are lent' \
	"so many subOSes until memory below 1 MB is used up"
is "$status $(cat /run/err)" \
	"4 rfm: create f: all slices of memory below 1 MB are lent; destroy a subOS first" \
	"rfm says so, with exit code 4"
check "everything is as before" as_before
check "control: then it goes" create
rfm destroy --force f
audit "the invariants hold"
check "rmmod" rmmod rfcontroller
END

# A core that finds its timer too slow, and one that does not answer INIT.
run_guest --smp 6 --copy "$T_TOP/tests/vm/lifecycle.lib:/rf/lifecycle.lib" <<'END'
. /rf/lifecycle.lib
# Ticks between two looks of a core that waits at its mailbox.
ticks() { hmp info lapic 3 | sed -n 's/.*initial_count *= *\([0-9]*\).*/\1/p'; }
# a_core_waits DESCRIPTION: the second of subOS w, which lives on
a_core_waits()
{
	check "$1" rfm create w --cpus 2-3 --memory 256M
	inside w 'echo 0 >/sys/devices/system/cpu/cpu1/online' >/dev/null
	check "it waits" eventually 30 waits 3
}
modprobe rfcontroller
a_core_waits "a core comes back"
right=$(ticks)
check "control: it looks each millisecond ($right)" test "$right" -ge 20000
check "it can be used again" eval \
	'[ -z "$(inside w "echo 1 >/sys/devices/system/cpu/cpu1/online")" ]'
check "its subOS ends" rfm destroy w
check "rmmod" rmmod rfcontroller
modprobe rfcontroller fail_point=park_timer
a_core_waits "a core that was held up while it measured"
is "$(ticks)" 1000 "does not look all the time"
check "it can be used again, too" eval \
	'[ -z "$(inside w "echo 1 >/sys/devices/system/cpu/cpu1/online")" ]'
check "its subOS ends, too" rfm destroy w
param=/sys/module/rfcontroller/parameters/fail_point
echo core_park >$param
refused 8 'quarantined' "a core that does not reach the parking loop" \
	rfm create f --cpus 2 --memory 256M
like "$(rfm resources)" 'quarantine' "the quarantine shows"
is "$(nproc)" 5 "the other cores are the supervisor's"
audit "the audit is clean with a core in quarantine"
check "other cores still make a subOS" rfm create g --cpus 1 --memory 256M
echo core_park >$param
refused 8 'quarantined' "a running subOS whose core does not answer" rfm destroy --force g
like "$(rfm resources)" '^memory .*quarantine' "its memory is in quarantine"
unlike "$(rfm list)" '^g ' "the rest of it is gone"
audit "the audit is clean with memory in quarantine"
check "control: yet another subOS lives" rfm create h --cpus 1 --memory 256M
check "and ends" rfm destroy h
check "rmmod refuses: the quarantine needs our tables" eval '! rmmod rfcontroller 2>/dev/null'
refused 4 'CPU [0-9] is quarantined' "so does detach" rfm detach
check "which leaves all in place" rfm list
END
done_testing
