#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# What a core, a kernel or a former owner leaves behind reaches nobody: NMI and
# machine check into parked cores, hung kernels, memory that changes its owner.
# timeout: 900
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
need_build

lib=$T_TOP/tests/vm/isolation-lib
mkdir -p "$T_DIR"
echo "$T_DIR" >"$T_DIR/hostdir"

# The vendor decides what a kernel makes of a machine check that came upon its
# neighbour: as Intel's, which "quick" is, it goes on.
intel()
{
	run_guest --cpu quick --copy "$lib:/rf/isolation-lib" \
		--copy "$T_DIR/hostdir:/rf/hostdir" "$@"
}

intel --smp 6 <<'END'
. /rf/isolation-lib
modprobe rfcontroller
nmi_to()
{
	modprobe rftest what=nmi apicid="$1"
	rmmod rftest
}
initrd_with rftest
# QEMU's monitor sends an NMI by way of every core's LINT1, which the supervisor's first core alone
# does not mask. Returns when that one has taken it.
nmis() { sed -n 's/^ *NMI: *\([0-9]*\).*/\1/p' /proc/interrupts; }
more_nmis() { [ "$(nmis)" -gt "$nmis_before" ]; }
monitor_nmi()
{
	nmis_before=$(nmis)
	hmp nmi
	check "control: core 0 takes an NMI of the monitor" eventually 20 more_nmis
}

# --- NMI and machine check into cores that run no kernel ---
check "control: core 4 is met in a kernel" eventually 20 eval 'register 4 RIP | grep -q "^ffffffff"'
check "two cores go into the pool" rfm pool --cpus 4-5
is "$(cat /sys/devices/system/cpu/online)" 0-3 "the supervisor has four left"
is "$(($(printf %d "0x$(register 4 CR4)") & 0x40))" 64 "parked: CR4.MCE is set"
unlike "$(register 4 RIP)" '^ffffffff' "parked: the core is at no address of a kernel"
is "$(irr 4)" "(none)" "parked: no interrupt is pending"
monitor_nmi
is "$(counter 4 nmi)$(counter 5 nmi)" 00 "parked cores do not: they mask LINT1"
nmi_to 4
check "NMI into a parked core: it takes it" eventually 20 eval '[ "$(counter 4 nmi)" -eq 1 ]'
is "$(counter 5 nmi)" 0 "control: the other parked core took none"
for n in $(seq "$(rounds 2 50)"); do
	hmp mce 5 1 0xb200000000000000 5 0 0
	check "machine check $n into a parked core: it takes it" \
		eventually 20 eval '[ "$(counter 5 mce)" -eq $n ]'
done
is "$(counter 4 mce)" 0 "control: the other parked core took none"
hmp mce -b 0 9 0xb1000000000000c0 5 0 0	# for core 0 a memory scrubbing error
check "broadcast machine check: core 4 takes it" eventually 20 eval '[ "$(counter 4 mce)" -eq 1 ]'
check "broadcast machine check: core 5 takes it" eventually 20 eval '[ "$(counter 5 mce)" -eq $((n + 1)) ]'
is "$(counter 4 other)$(counter 5 other)" 00 "no other exception came"
check "pool: the invariants hold" rfm audit --quick
check "the cores come back on line" rfm pool --cpus none
is "$(cat /sys/devices/system/cpu/online)" 0-5 "the supervisor has all six"
check "and execute" eval 'taskset 0x10 true && taskset 0x20 true'

# --- the same into a core of a subOS that waits for being woken ---
check "a subOS with two cores" rfm create a --cpus 3-4 --memory 256M --initrd /run/initrd
monitor_nmi
like "$(inside a 'grep NMI: /proc/interrupts; echo 0 >/sys/devices/system/cpu/cpu1/online')" \
	'^NMI: +0 +0 ' "no core of a subOS does"
monitor_nmi
is "$(counter 4 nmi)" 1 "nor one that waits"
nmi_to 4
check "NMI into a waiting core: it takes it" eventually 20 eval '[ "$(counter 4 nmi)" -eq 2 ]'
hmp mce 4 1 0xb200000000000000 5 0 0
check "machine check into a waiting core: it takes it" \
	eventually 20 eval '[ "$(counter 4 mce)" -eq 2 ]'
like "$(inside a 'echo 1 >/sys/devices/system/cpu/cpu1/online; echo "has $(nproc)"')" '^has 2' \
	"and the subOS brings it on line again"
is "$(counter 4 other)" 0 "no other exception came"

# --- a kernel that loops with interrupts off ---
inside a 'echo "the last word" >/dev/kmsg' >/dev/null
typed a 'insmod /rf/rftest.ko what=spin-all'
check "it hangs, and the list says so" eventually 60 in_state a hung
like "$(rfm list)" 'a .*hung .*no sign of life' "and why"
for cpu in 3 4; do
	is "$(($(printf %d "0x$(register $cpu RFL)") & 0x200))" 0 "core $cpu: interrupts are off"
	like "$(register $cpu RIP)" '^ffffffffc' "core $cpu: it is in the module"
done
check "its log can be read" eval 'rfm log a >/run/hung.log'
like "$(head -n 1 /run/hung.log)" 'Linux version' "from the first line"
like "$(cat /run/hung.log)" '\] the last word$' "to what was said at last"
check "it is hung all the while" in_state a hung
begin=$(cut -d. -f1 /proc/uptime)
check "destroy, asked politely with a limit of 2 s, ends" rfm destroy a --timeout 2
check "in bounded time" test $(($(cut -d. -f1 /proc/uptime) - begin)) -lt 60
is "$(cat /sys/devices/system/cpu/online)" 0-5 "its cores are back"
check "and execute" eval 'taskset 0x8 true && taskset 0x10 true'
check "hung: the invariants hold" rfm audit --quick

# --- memory that changes its owner ---
# fill NAME SEED: its kernel writes a pattern over all memory that it has left
fill()
{
	check "$1: a subOS" rfm create "$1" --cpus 1 --memory 256M --initrd /run/initrd
	inside "$1" "insmod /rf/rftest.ko what=pattern seed=$2" >/dev/null
	like "$(rfm log "$1")" 'rftest: filled [0-9]{5} pages' "$1: its kernel filled its memory"
}
save()
{
	hmp pmemsave "$1" "$2" "\"$(cat /rf/hostdir)/$3\""
}
# The memory may be in several ranges.
ranges_of()
{
	rfm resources | awk -v name="$1" '$1 == "memory" && $NF == name { split($2, end, "-"); print end[1], end[2] }' |
		while read -r first last; do
			printf '0x%x 0x%x\n' "$((first))" $((last - first + 1))
		done
}
# save_all WHAT: each of the ranges in a file of its own
save_all()
{
	while read -r first size <&3; do
		save "$first" "$size" "$1.$first"
	done 3</run/ranges
}
check "pool: 256M" rfm pool --memory 256M
fill pooled 3
ranges_of pooled >/run/ranges
echo "# in $(wc -l </run/ranges) ranges"
low=0x$(rfm resources | grep -w pooled | sed -n 's/^low[a-z]* *0x\([0-9a-f]*\).*/\1/p')
save_all pooled-before
save "$low" 0x8000 low-before
check "pooled: destroyed" rfm destroy --force pooled
save_all pooled-after
save "$low" 0x8000 low-after
check "pooled: the invariants hold" rfm audit --quick
check "pool: 0" rfm pool --memory 0
fill loose 5
ranges_of loose >/run/ranges
echo "# in $(wc -l </run/ranges) ranges"
save_all loose-before
check "loose: destroyed" rfm destroy --force loose
save_all loose-after
audit "loose: the invariants hold"
check "the module can be unloaded" rmmod rfcontroller
END

# words WHAT SEED: how many 64-bit words of what was saved are the pattern
words()
{
	cat "$T_DIR/$1".* | python3 -c '
import sys
word = (int(sys.argv[1]) * 0x9e3779b97f4a7c15 % 2**64).to_bytes(8, "little")
print(sys.stdin.buffer.read().count(word))' "$2"
}
# bytes FILE...: how many of them are not zero
bytes()
{
	cat "$@" | tr -d '\0' | wc -c
}
is "$(cat "$T_DIR"/pooled-before.* | wc -c) $(cat "$T_DIR"/loose-before.* | wc -c)" \
	"268435456 268435456" "all of their memory was saved"
# A third of 256 MB is more than a kernel and its initrd leave of it.
check "control: before destroy the pattern is all over (pool)" \
	test "$(words pooled-before 3)" -gt 11000000
is "$(cat "$T_DIR"/pooled-after.* | wc -c) $(bytes "$T_DIR"/pooled-after.*)" "268435456 0" \
	"after destroy every byte in the pool is zero"
check "control: the slice below 1 MB was in use" test "$(bytes "$T_DIR/low-before")" -gt 100
is "$(wc -c <"$T_DIR/low-after") $(bytes "$T_DIR/low-after")" "32768 0" \
	"after destroy every byte of the slice is zero"
check "control: before destroy the pattern is all over (no pool)" \
	test "$(words loose-before 5)" -gt 11000000
is "$(words loose-after 5)" 0 "after destroy it is nowhere"
rm -f "$T_DIR"/*-before* "$T_DIR"/*-after*

# The control of it all: a core in wait-for-SIPI, with CR4.MCE clear as INIT leaves it.
EXPECT_STATUS=123
intel --smp 4 --append maxcpus=2 <<'END'
hmp mce -b 0 1 0xa000000000000000 5 0 0
sleep 30
END

done_testing
