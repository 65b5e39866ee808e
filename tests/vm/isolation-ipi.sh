#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Broadcast interrupts never cross, in either direction. Seen in QEMU's trace of
# what each core writes into its interrupt controller, and in the controllers of
# parked cores, where what arrived would stay pending.
# timeout: 900
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
need_build

mkdir -p "$T_DIR"
rm -f "$T_DIR"/trace-*
echo "$T_DIR" >"$T_DIR/hostdir"
cat >"$T_DIR/ipi-lib" <<'END'
. /rf/isolation-lib
# What makes a kernel interrupt all its other cores: code that is patched, here
# each time the tracing of an event is turned on or off.
cat >/run/storm <<'STORM'
mount -t tracefs tracefs /sys/kernel/tracing 2>/dev/null
cd /sys/kernel/tracing/events/sched
for n in 1 2 3; do
	for e in 1 0; do echo $e >sched_switch/enable; echo $e >sched_wakeup/enable; done
done
echo 1 >/proc/sys/vm/drop_caches
echo l >/proc/sysrq-trigger
STORM
# trace NAME COMMAND...: with its own trace file on the host
trace()
{
	hmp logfile "\"$(cat /rf/hostdir)/trace-$1\""
	shift
	hmp trace-event apic_mem_writel on
	"$@"
	hmp trace-event apic_mem_writel off
}
storm()
{
	sh /run/storm
}
storm_inside()
{
	inside a "$(cat /run/storm)" >/dev/null
}
END

# The backtraces of sysrq l look like complaints.
EXPECT_COMPLAINTS=1
run_guest --smp 7 --qemu -msg --qemu timestamp=on --qemu -D --qemu "$T_DIR/trace-none" \
	--copy "$T_TOP/tests/vm/isolation-lib:/rf/isolation-lib" \
	--copy "$T_DIR/ipi-lib:/rf/ipi-lib" --copy "$T_DIR/hostdir:/rf/hostdir" <<'END'
. /rf/ipi-lib
hmp info cpus | sed 's/^/# /'
modprobe rfcontroller
initrd_with rftest
like "$(dmesg)" 'IPI shorthand broadcast: enabled' "control: this kernel uses the shorthand"
trace whole storm

check "a core goes into the pool" rfm pool --cpus 6-6
check "a subOS gets three cores" rfm create a --cpus 3-5 --memory 256M --initrd /run/initrd
in_state a running ||
	diag "$(rfm show a; rfm log a | tail -n 12; where 3; where 4; where 5; where 3; where 4; where 5)"
like "$(rfm log a)" 'IPI shorthand broadcast: disabled' "its kernel, the same, does not use it"
is "$(irr 6)" "(none)" "nothing is pending in the parked core"

# --- the supervisor broadcasts ---
trace supervisor storm
is "$(irr 6)" "(none)" "after the supervisor's storm nothing is pending in the parked core"
is "$(counter 6 nmi)" 0 "and it took no NMI"
for cpu in 3 4 5 6; do
	refused 1 'Invalid argument' "cpu$cpu cannot be brought on line by hand" \
		sh -c "echo 1 >/sys/devices/system/cpu/cpu$cpu/online"
done
echo 0 >/sys/devices/system/cpu/cpu2/online
echo 1 >/sys/devices/system/cpu/cpu2/online
trace hotplug storm
is "$(irr 6)" "(none)" "off and on with another CPU: still nothing is pending"

# --- the subOS broadcasts ---
echo "# doorbell=$(inside a 'tr " " : </sys/module/ficm/doorbell' | grep -x '[0-9]*:[0-9]*')"
trace subos storm_inside
is "$(irr 6)" "(none)" "after the subOS's storm nothing is pending in the parked core"
is "$(counter 6 nmi)" 0 "and it took no NMI"
check "the subOS lives" in_state a running
audit "the invariants hold"
trace shorthand inside a 'insmod /rf/rftest.ko what=broadcast' >/dev/null
check "control: the shorthand in the subOS would reach the parked core" \
	eventually 20 eval '[ "$(irr 6)" != "(none)" ]'
typed a 'echo c >/proc/sysrq-trigger'
check "it panics" eventually 60 in_state a crashed
check "destroyed" rfm destroy a

# --- the control of the first direction: the cure turned off ---
check "the core comes back" rfm pool --cpus none
echo 1 >/sys/module/rfcontroller/parameters/test_keep_present
check "a core goes into the pool" rfm pool --cpus 6-6
is "$(irr 6)" "(none)" "nothing is pending in it"
trace nocure storm
check "control: without the cure the storm reaches it" \
	eventually 20 eval '[ "$(irr 6)" != "(none)" ]'
echo 0 >/sys/module/rfcontroller/parameters/test_keep_present
check "the core comes back" rfm pool --cpus none
audit "the invariants hold in the end"
END

grep '^# .*thread_id=' "$T_DIR/out1" >"$T_DIR/threads"
# ipi PHASE CPU...: what these cores sent
ipi()
{
	phase=$1
	shift
	python3 "$T_TOP/tests/vm/qemutrace.py" ipi "$T_DIR/trace-$phase" "$T_DIR/threads" "$@"
}
like "$(ipi whole 0 1 2 3 4 5 6)" 'sent=[0-9]+ shorthand=[1-9]' \
	"control: with all CPUs the supervisor's storm uses the shorthand"
for p in supervisor hotplug; do
	like "$(ipi $p 0 1 2)" '^sent=[0-9]{2,} shorthand=0 targets=0,1,2$' \
		"$p: the supervisor interrupts its own cores only, without shorthand"
done
like "$(ipi subos 3 4 5)" '^sent=[0-9]{2,} shorthand=0 targets=3,4,5$' \
	"subos: the subOS interrupts its own cores only, without shorthand"
# what is typed there is told to the subOS
doorbell=$(sed -n 's/^# doorbell=//p' "$T_DIR/out1")
like "$(ipi subos 0 1 2 "$doorbell")" '^sent=[0-9]+ shorthand=0 targets=[0-2,]* doorbells=[1-9]' \
	"meanwhile the supervisor interrupts its own cores, and rings the subOS's doorbell"
like "$(ipi shorthand 3 4 5)" 'shorthand=1' "control: one shorthand in the subOS is noticed"
like "$(ipi nocure 0 1 2 3 4 5)" 'shorthand=[1-9]' \
	"control: without the cure the supervisor uses the shorthand"
rm -f "$T_DIR"/trace-*
done_testing
