#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Every stage of create and destroy fails once: everything comes back, or is
# quarantined in so many words.
# timeout: 900 3600
# beside
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
need_build

disk=$(scratch disk 16M)

run_guest --smp 6 --disk "$disk" <<'END'
modprobe rfcontroller
param=/sys/module/rfcontroller/parameters/fail_point
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

for point in lowmem cpu_remove cpu_remove:2 mem_ranges load_cmdline load_acpi load_copy \
	exchange_slot exchange_area; do
	echo $point >$param
	create
	status=$?
	check "$point: create fails in one line ($status: $(cat /run/err))" \
		test $status -ne 0 -a "$(grep -c . /run/err)" -eq 1
	check "$point: the fault was met" test -z "$(cat $param)"
	check "$point: everything is as before" as_before
done

echo mem_block:2 >$param
check "mem_block: a block that cannot be had is passed over" create
check "mem_block: the fault was met" test -z "$(cat $param)"
rfm destroy --force f
check "mem_block: everything is as before" as_before

# Every allocation of the way there and back fails once.
n=1 met=0 failed=0
while [ $n -lt 100 ]; do
	echo alloc:$n >$param
	create
	status=$?
	[ -n "$(cat $param)" ] && break
	met=$((met + 1))
	[ $status -eq 0 ] || failed=$((failed + 1))
	[ $status -ne 0 ] || rfm destroy --force f
	as_before || { not_ok "alloc:$n: everything is as before"; break; }
	n=$((n + 1))
done
echo >$param
rfm destroy --force f 2>/dev/null
check "allocations: each of $met failed once ($failed creations failed), all came back" \
	test $met -gt 5 -a $failed -gt 5 -a $n -lt 100
check "allocations: everything is as before" as_before

for point in core_wait core_boot; do
	echo $point >$param
	create
	status=$?
	check "$point: create fails ($status)" test $status -ne 0
	rfm destroy --force f 2>/dev/null
	check "$point: everything is as before" as_before
done
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
