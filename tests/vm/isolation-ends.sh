#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# The ends of the machine: the supervisor that reboots, powers off or starts
# another kernel stops all subOSes first, in bounded time; it does not sleep or
# lose its module while one lives; what a triple fault in a subOS does.
# timeout: 900
# beside
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
need_build

kexecctl=$T_DIR/kexecctl
mkdir -p "$T_DIR"
${CC:-gcc} -static -O1 -Wall -o "$kexecctl" "$T_TOP/tests/vm/kexecctl.c" ||
	bail "kexecctl does not compile"

cat >"$T_DIR/ends-lib" <<'END'
. /rf/isolation-lib
modprobe rfcontroller
more_for_initrd /usr/bin/kexecctl
initrd_with rftest
# refused_with ERROR DESCRIPTION FILE TEXT: the kernel refuses that TEXT in FILE
refused_with()
{
	refused 1 "$1" "$2" sh -c "echo $4 >$3"
}
END
machine() # OPTION... < SCRIPT
{
	run_guest --smp 5 --copy "$T_TOP/tests/vm/isolation-lib:/rf/isolation-lib" \
		--copy "$T_DIR/ends-lib:/rf/ends-lib" --copy "$kexecctl:/usr/bin/kexecctl" "$@"
}

# at TEXT: time stamp, in ms, of the first line of the kernel log that has it
at()
{
	tr -d '\r' <"$VM_LOGS/serial.log" | grep -a -m 1 -- "$1" |
		sed -n 's/^\[ *\([0-9]*\)\.\([0-9]\{3\}\).*/\1\2/p'
}
# stopped_before TEXT: subOS "good" was asked, "bad" forced, and then came TEXT
stopped_before()
{
	good=$(at 'rfcontroller: good: ') bad=$(at 'rfcontroller: bad: stopped by force') end=$(at "$1")
	check "the one that hangs was forced, after the other had ended" \
		test "${good:-0}" -gt 0 -a "${bad:-0}" -ge "${good:-0}"
	check "and then: $1" test "${end:-0}" -ge "${bad:-0}" -a "${bad:-0}" -gt 0
	# 5 s for all, and what an emulated machine on a busy host takes
	check "the one that hangs cost 5 s and not much more ($((${bad:-0} - ${good:-0})) ms)" \
		test "${bad:-0}" -gt 0 -a $((${bad:-0} - ${good:-0})) -lt 30000
}

# --- reboot; before it, what is refused ---
EXPECT_STATUS=123
machine <<'END'
. /rf/ends-lib
for state in freeze mem disk; do
	like "$(cat /sys/power/state)" $state "control: this machine could do $state"
done
check "a subOS" rfm create good --cpus 1 --memory 256M --initrd /run/initrd
for state in freeze mem disk; do
	refused_with 'Device or resource busy' "$state is refused" /sys/power/state $state
done
refused_with 'Invalid argument' "control: an unknown word is refused otherwise" /sys/power/state x
like "$(dmesg | tail -n 60)" 'suspend refused: subOSes' "and the log says why"
refused 1 'in use|temporarily unavailable' "the module cannot be unloaded" rmmod rfcontroller

# kexec inside, in a second one
check "another" rfm create bad --cpus 1 --memory 256M --initrd /run/initrd
boot=$(cat /proc/sys/kernel/random/boot_id)
like "$(inside bad '/usr/bin/kexecctl load')" 'Operation not permitted' \
	"kexec inside a subOS is refused"
like "$(inside bad '/usr/bin/kexecctl exec')" 'Invalid argument' "and so is the jump"
check "it lives" in_state bad running
is "$(cat /proc/sys/kernel/random/boot_id)" "$boot" "and so does the supervisor"

typed bad 'insmod /rf/rftest.ko what=spin-all'
check "it hangs" eventually 60 in_state bad hung
audit "the invariants hold"
reboot -f
sleep 600
END
stopped_before 'reboot: Restarting system'

# --- power off ---
EXPECT_STATUS=120
machine <<'END'
. /rf/ends-lib
check "a subOS" rfm create good --cpus 1 --memory 256M --initrd /run/initrd
check "another" rfm create bad --cpus 1 --memory 256M --initrd /run/initrd
typed bad 'insmod /rf/rftest.ko what=spin-all'
check "it hangs" eventually 60 in_state bad hung
check "one that is restarted when it crashes" rfm create again --cpus 1 --memory 256M --on-crash restart
typed again 'echo c >/proc/sysrq-trigger'
check "control: it is" eventually 90 eval 'rfm show again | grep -q "^restarts *1$" && in_state again running'
typed again 'echo c >/proc/sysrq-trigger'
poweroff -f
sleep 600
END
stopped_before 'reboot: Power down'
forced=$(at 'rfcontroller: bad: stopped by force')
late=$(tr -d '\r' <"$VM_LOGS/serial.log" | grep -a 'again: restarted after a crash' | tail -n 1 |
	sed -n 's/^\[ *\([0-9]*\)\.\([0-9]\{3\}\).*/\1\2/p')
check "nothing was restarted any more" test "${late:-0}" -gt 0 -a "${late:-0}" -lt "${forced:-0}"

# --- kexec ---
EXPECT_STATUS=123
machine <<'END'
. /rf/ends-lib
check "a subOS" rfm create good --cpus 1 --memory 256M --initrd /run/initrd
check "another" rfm create bad --cpus 1 --memory 256M --initrd /run/initrd
typed bad 'insmod /rf/rftest.ko what=spin-all'
check "it hangs" eventually 60 in_state bad hung
check "the next kernel is loaded" kexecctl load
kexecctl exec
sleep 600
END
stopped_before 'kexec_core: Starting new kernel'
check "the next kernel runs" grep -aq '^kexec arrived' "$VM_LOGS/serial.log"

# --- a triple fault in a subOS ---
EXPECT_STATUS=123
machine <<'END'
. /rf/ends-lib
check "a subOS" rfm create a --cpus 1 --memory 256M --initrd /run/initrd
audit "the invariants hold"
check "control: the machine runs" hmp info status
typed a 'insmod /rf/rftest.ko what=triple'
sleep 600
END
done_testing
