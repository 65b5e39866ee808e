#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# The I/O ports that a subOS touches from its first instruction to its end are
# those that Documentation/io-ports.rst lists. QEMU's trace says which.
# timeout: 900
# beside
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
need_build

mkdir -p "$T_DIR"
rm -f "$T_DIR"/trace-*
disk=$(scratch disk 16M)
list=$T_TOP/Documentation/io-ports.rst

# Rows of the table: port or ports, r w or rw, why.
sed -n 's/^\([0-9a-f]\{4\}\(-[0-9a-f]\{4\}\)\?\)  *\(r\|w\|rw\)  .*/\1 \3/p' "$list" >"$T_DIR/allowed"
check "the list can be read" test "$(wc -l <"$T_DIR/allowed")" -gt 3

cat >"$T_DIR/life" <<'END'
# life NAME KERNEL OPTION...: a subOS from beginning to end, traced
life()
{
	name=$1
	shift
	hmp logfile "\"$(cat /rf/hostdir)/trace-$name\""
	hmp trace-event memory_region_ops_read on
	hmp trace-event memory_region_ops_write on
	check "$name: a subOS" rfm create "$name" --cpus 4-5 --memory 256M --timeout 300 "$@"
	off=$(inside "$name" 'echo 0 >/sys/devices/system/cpu/cpu1/online; echo "$(nproc) left"' |
		grep -a '^[0-9] left')
	inside "$name" 'echo 1 >/sys/devices/system/cpu/cpu1/online
		[ ! -b /dev/nvme0n1 ] || dd if=/dev/nvme0n1 of=/dev/null bs=64k count=4
		hwclock; date' >/dev/null
}
elcr()
{
	echo "$(hmp i /b 0x4d0) $(hmp i /b 0x4d1)"
}
ends()
{
	check "$1: it ends" eventually 120 in_state "$1" "$2"
	check "$1: destroyed" rfm destroy "$1"
	hmp trace-event memory_region_ops_read off
	hmp trace-event memory_region_ops_write off
}
END
echo "$T_DIR" >"$T_DIR/hostdir"

EXPECT_COMPLAINTS=1	# a panic inside is no complaint here
run_guest --smp 6 --disk "$disk" --qemu -D --qemu "$T_DIR/trace-none" \
	--copy "$T_TOP/tests/vm/isolation-lib:/rf/isolation-lib" \
	--copy "$T_DIR/life:/rf/life" --copy "$T_DIR/hostdir:/rf/hostdir" <<'END'
. /rf/isolation-lib
. /rf/life
modprobe rfcontroller
initrd_with rftest
old=$(ls /boot/vmlinuz-6.1.* | head -n 1)
bdf=$(basename "$(readlink -f /sys/class/nvme/nvme0/device)")

# From here on they execute nothing of the supervisor's.
check "the cores to be traced leave the supervisor" rfm pool --cpus 4-5
elcr=$(elcr)
life poweroff --pci "$bdf"
check "what its boot did to the ELCR ($elcr) was put back" eventually 30 eval '[ "$(elcr)" = "$elcr" ]'
is "$off" "1 left" "a core of it can go off line"
typed poweroff 'poweroff -f'
ends poweroff stopped
life reboot --bzimage
is "$off" "1 left" "the same by the bzImage's entry: both cores came, one can go"
typed reboot 'echo b >/proc/sysrq-trigger'
ends reboot stopped
life panic --initrd /run/initrd
hmp logfile "\"$(cat /rf/hostdir)/trace-control\""
inside panic 'insmod /rf/rftest.ko what=port' >/dev/null
typed panic 'echo c >/proc/sysrq-trigger'
ends panic crashed
life old --kernel "$old"
is "$off" "2 left" "6.1, which could not wake it again, keeps its cores on line"
typed old 'reboot -f'
ends old stopped
audit "the invariants hold"
END

# Ports of the trace that the list does not allow.
foreign()
{
	python3 "$T_TOP/tests/vm/qemutrace.py" ports "$1" 4 5 >"$T_DIR/touched"
	sed 's/^/# /' "$T_DIR/touched"
	python3 - "$T_DIR/allowed" "$T_DIR/touched" <<'END' >"$T_DIR/foreign"
import sys
allowed = set()
for row in open(sys.argv[1], encoding="ascii"):
    ports, ways = row.split()
    first, _, last = ports.partition("-")
    for port in range(int(first, 16), int(last or first, 16) + 1):
        allowed.update((port, way) for way in ways)
for row in open(sys.argv[2], encoding="ascii"):
    port, way, count = row.split()
    if (int(port, 16), way) not in allowed:
        print(f"port {port} {way} {count} times")
END
}
is "$(cd "$T_DIR" && echo trace-*)" \
	"trace-control trace-none trace-old trace-panic trace-poweroff trace-reboot" \
	"each life was traced, and nothing else"
for name in poweroff reboot panic old; do
	foreign "$T_DIR/trace-$name"
	is "$(cat "$T_DIR/foreign")" "" "$name: its cores touched no other port than those listed"
	# 04d0 is the boot core's, 0071 is written around each start of another.
	is "$(grep -cE '^(0071 [rw]|04d0 [rw]) ' "$T_DIR/touched")" 4 \
		"$name: control: the trace has its boot, and the start of its second core"
done
foreign "$T_DIR/trace-control"
like "$(cat "$T_DIR/foreign")" 'port 0080 w' "control: a port that is not listed is noticed"
rm -f "$T_DIR"/trace-*
done_testing
