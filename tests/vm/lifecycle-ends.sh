#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Every way in which a kernel ends itself becomes a state of its subOS, with the
# reason beside it, and touches nobody else. CPUs off and on line inside.
# timeout: 600 1800
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
need_build

run_guest --smp 5 --copy "$T_TOP/tests/vm/lifecycle.lib:/rf/lifecycle.lib" <<'END'
. /rf/lifecycle.lib
modprobe rfcontroller
own=$(cat $BOOT_ID)
check "a subOS that only watches" \
	rfm create watch --cpus 1 --memory 256M --kernel "$OTHER_KERNEL"
watch_id=$(inside watch "cat $BOOT_ID")
refused 1 'panic=1.*would hit the whole machine' "--append panic=1 contradicts ours" \
	rfm create s --cpus 2 --memory 384M --append panic=1

# ends COMMAND STATE REASON: what is typed inside leads to that state
ends()
{
	start=$(field s boot_id)
	typed s "$1"
	check "$1: s is $2" eventually 60 in_state s "$2"
	like "$(field s reason)" "$3" "$1: the reason says so"
	is "$(cat $BOOT_ID) $(inside watch "cat $BOOT_ID")" "$own $watch_id" \
		"$1: neither the supervisor nor watch was reset"
	is "$(rfm log s | head -n 1 | grep -c 'Linux version')" 1 "$1: its log is still there"
	check "$1: the invariants hold" rfm audit --quick
	check "$1: s starts again" rfm restart s
	unlike "$(field s boot_id)" "^$start\$" "$1: and is another boot"
	is "$(inside s nproc)" 2 "$1: with its CPUs"
}

all_ends()
{
	ends 'reboot -f' stopped '^restart'
	ends 'poweroff -f' stopped '^power off'
	ends 'echo 1 >/proc/sys/kernel/panic; echo c >/proc/sysrq-trigger' crashed \
		'^panic: sysrq triggered crash'
	ends 'echo b >/proc/sysrq-trigger' stopped '^(emergency )?restart'
	ends 'halt -f' stopped '^halt'
	[ -z "$RF_LONG" ] || ends 'echo o >/proc/sysrq-trigger' stopped '^power off'
}

check "s starts: this kernel" rfm create s --cpus 2 --memory 384M
# --- CPUs inside ---
is "$(inside s 'echo 0 >/sys/devices/system/cpu/cpu1/online; nproc')" 1 "a CPU goes off line inside"
audit "off line inside: the invariants hold"
one_online() { [ "$(number s nr_online)" = 1 ]; }
check "rfm show counts what is on line" eventually 30 one_online
is "$(inside s 'echo 1 >/sys/devices/system/cpu/cpu1/online; nproc')" 2 "and on line again"
like "$(inside s 'cat /sys/devices/system/cpu/possible')" '^0-[2-9]' \
	"control: its kernel knows of cores that were not granted"
like "$(inside s 'for c in /sys/devices/system/cpu/cpu[2-9]/online; do echo 1 >$c; done; nproc')" \
	'^2$' "which it cannot take"
like "$(inside s 'for c in /sys/devices/system/cpu/cpu[2-9]/online; do echo 1 >$c; done')" \
	'not permitted' "they are refused"
audit "after the attempt: the invariants hold"
like "$(inside s 'kexec -l /none 2>&1; cat /proc/sys/kernel/kexec_load_disabled')" '^1$' \
	"kexec is disabled inside"

all_ends
subos_log_clean s
check "s is stopped by rfm" rfm stop s
like "$(field s state) $(field s reason)" '^stopped power off' "it powered itself off"
check "s is destroyed, stopped" rfm destroy s
if [ -n "$RF_LONG" ]; then
	check "s starts: the other kernel" \
		rfm create s --cpus 2 --memory 384M --kernel "$OTHER_KERNEL"
	all_ends
	check "s is destroyed, running" rfm destroy s
fi
is "$(inside watch "cat $BOOT_ID")" "$watch_id" "watch saw nothing of all that"
subos_log_clean watch
check "watch is destroyed" rfm destroy watch
audit "in the end: the invariants hold"
check "rmmod" rmmod rfcontroller
END
done_testing
