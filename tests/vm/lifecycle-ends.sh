#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Every way in which a kernel ends itself becomes a state of its subOS, with the
# reason beside it, and touches nobody else. CPUs off and on line inside.
# timeout: 600 1800
# beside
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
need_build

run_guest --smp 5 --copy "$T_TOP/tests/vm/lifecycle.lib:/rf/lifecycle.lib" <<'END'
. /rf/lifecycle.lib
modprobe rfcontroller
own=$(cat $BOOT_ID)
check "watch: the other kernel" \
	rfm create watch --cpus 2 --memory 256M --kernel "$OTHER_KERNEL"
refused 2 'panic=1.*would hit the whole machine' "--append panic=1 contradicts ours" \
	rfm create s --cpus 2 --memory 384M --append panic=1

# witness NAME: who must not notice what happens to the other
witness()
{
	witness=$1
	seen=$(inside "$witness" "cat $BOOT_ID")
}

# ended NAME COMMAND STATE REASON: what is typed inside leads to that state
ended()
{
	what="$1: $2"
	typed "$1" "$2"
	check "$what: $1 is $3" eventually 60 in_state "$1" "$3"
	like "$(field "$1" reason)" "$4" "$what: the reason says so"
	is "$(cat $BOOT_ID) $(inside "$witness" "cat $BOOT_ID")" "$own $seen" \
		"$what: neither the supervisor nor $witness was reset"
	is "$(rfm log "$1" | head -n 1 | grep -c 'Linux version')" 1 "$what: its log is still there"
	check "$what: the invariants hold" rfm audit --quick
}

# ends NAME COMMAND STATE REASON: and it can be started again
ends()
{
	start=$(field "$1" boot_id)
	ended "$@"
	check "$what: $1 starts again" rfm restart "$1"
	unlike "$(field "$1" boot_id)" "^$start\$" "$what: and is another boot"
	is "$(inside "$1" nproc)" 2 "$what: with its CPUs"
}

# The last one leaves it stopped: a boot is what costs here. Short runs have of the other kernel
# those two that do not end in its pm_power_off(), as rfm stop does below; isolation-ports.sh has
# its reboot.
all_ends()
{
	ends "$1" 'echo 1 >/proc/sys/kernel/panic; echo c >/proc/sysrq-trigger' crashed \
		'^panic: sysrq triggered crash'
	ends "$1" 'echo b >/proc/sysrq-trigger' stopped '^(emergency )?restart'
	[ "$1" = s ] || [ -n "$RF_LONG" ] || return
	ends "$1" 'reboot -f' stopped '^restart'
	ends "$1" 'poweroff -f' stopped '^power off'
	ends "$1" 'halt -f' stopped '^halt'
	ended "$1" 'echo o >/proc/sysrq-trigger' stopped '^power off'
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

# --- the ends ---
witness s
all_ends watch
in_state watch running || check "watch starts once more" rfm restart watch
witness watch
all_ends s
subos_log_clean s
check "s is destroyed, stopped" rfm destroy s
is "$(inside watch "cat $BOOT_ID")" "$seen" "watch saw nothing of all that"
subos_log_clean watch
check "watch is stopped by rfm" rfm stop watch
like "$(field watch state) $(field watch reason)" '^stopped power off' "it powered itself off"
check "watch is destroyed, stopped" rfm destroy watch
audit "in the end: the invariants hold"
check "rmmod" rmmod rfcontroller
END
done_testing
