#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Two subOSes with an NVMe drive each: reading, writing, restart, crash, and a
# forced end in the middle of a write. What they wrote is checked from outside.
# timeout: 600
# beside
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
need_build

one=$(scratch one 32M)
two=$(scratch two 32M)
dd if=/dev/urandom of="$one" bs=1M count=32 conv=notrunc status=none
dd if=/dev/urandom of="$two" bs=1M count=32 conv=notrunc status=none
yes "rainforest was here" | head -c 1048576 >"$T_DIR/pattern"

run_guest --smp 6 --disk "$one" --disk "$two,port" --copy "$T_DIR/pattern:/root/pattern" <<'END'
modprobe rfcontroller
bdf_of()
{
	readlink -f "/sys/class/block/$(basename "$(readlink -f "$1")")" |
		grep -oE '[0-9a-f]{4}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-9a-f]' | tail -n 1
}
disk_of()
{
	for d in "/sys/bus/pci/devices/$1"/nvme/nvme*/nvme*n1; do
		[ -e "$d" ] && echo "/dev/${d##*/}"
	done
}
has_disk()
{
	[ -b "$(disk_of "$1")" ]
}
bus_master()
{
	echo $(($(od -An -tu1 -j4 -N1 "/sys/bus/pci/devices/$1/config") >> 2 & 1))
}
# inside NAME COMMANDS: what its shell prints for them
inside()
{
	echo >>/run/inside
	inside_n=$(wc -l </run/inside)
	printf '%s; echo ma""rk%s\n' "$2" $inside_n |
		timeout 60 rfm console "$1" --idle 30 >"/run/$1.out" 2>&1 &
	inside_pid=$!
	eventually 60 grep -q "^mark$inside_n" "/run/$1.out"
	kill $inside_pid 2>/dev/null
	wait $inside_pid 2>/dev/null
	awk -v last="^mark$inside_n" '$0 ~ last { printf "%s", text; exit }
		/^mark/ { text = ""; next } { text = text $0 "\n" }' "/run/$1.out" | tail -n 20
}
in_state()
{
	[ "$(rfm show "$1" --json | grep -o '"state": *"[a-z]*"' | grep -o '[a-z]*"$')" = "$2\"" ]
}
A=$(bdf_of /dev/rfdisk0)
B=$(bdf_of /dev/rfdisk1)
sum_a=$(md5sum <"$(disk_of "$A")" | cut -c1-32)
sum_b=$(md5sum <"$(disk_of "$B")" | cut -c1-32)
pattern=$(md5sum </root/pattern | cut -c1-32)

check "one starts with the first drive" \
	rfm create one --cpus 2 --memory 512M --pci "$A" --append console=hvc0
check "two starts with the second drive" \
	rfm create two --cpus 2 --memory 512M --pci "$B" --append console=hvc0
refused 4 one "one's drive is not for two" rfm create three --cpus 1 --memory 256M --pci "$A"
like "$(inside one 'dd if=/dev/nvme0n1 bs=1M iflag=direct | md5sum')" "$sum_a" \
	"one reads what stands on its drive"
like "$(inside two 'dd if=/dev/nvme0n1 bs=1M iflag=direct | md5sum')" "$sum_b" \
	"two reads what stands on its drive"
is "$(bus_master "$A") $(bus_master "$B")" "1 1" "both drives write to memory by themselves"
write='yes "rainforest was here" | head -c 1048576 >/p; dd if=/p of=/dev/nvme0n1 bs=64k seek=16 oflag=direct'
read='dd if=/dev/nvme0n1 bs=64k skip=16 count=16 iflag=direct | md5sum'
like "$(inside one "$write && $read")" "$pattern" "one writes and reads it again"
like "$(inside two "$write && $read")" "$pattern" "two writes and reads it again"
like "$(inside one 'grep -E nvme0q[1-9] /proc/interrupts | wc -l; grep nvme0q /proc/interrupts')" \
	'nvme0q[12]' "one has queues with interrupts of their own"
audit "both run: the invariants hold"
subos_log_clean one
subos_log_clean two

# --- stop and start again ---
check "one is stopped" rfm stop one
is "$(bus_master "$A")" 0 "stopped: its drive's bus mastering is off"
is "$(bus_master "$B")" 1 "control: two's is not"
audit "stopped: the invariants hold"
check "one is started again" rfm restart one
like "$(inside one "$read")" "$pattern" "one reads what it wrote before"

# --- crash ---
printf 'echo c >/proc/sysrq-trigger\n' | timeout 20 rfm console two --idle 2 >/dev/null 2>&1
check "two panics" eventually 30 in_state two crashed
is "$(bus_master "$B")" 0 "crashed: its drive's bus mastering is off"
audit "crashed: the invariants hold"
check "two is destroyed" rfm destroy two
check "the supervisor's driver has its drive" eventually 20 has_disk "$B"
is "$(dd if="$(disk_of "$B")" bs=1M skip=1 count=1 2>/dev/null | md5sum | cut -c1-32)" "$pattern" \
	"what two wrote stands there"

# --- a forced end in the middle of writes ---
printf 'while :; do dd if=/dev/zero of=/dev/nvme0n1 bs=64k seek=64 count=256 oflag=direct; done\n' |
	timeout 20 rfm console one --idle 1 >/dev/null 2>&1
check "one is ended by force while it writes" rfm destroy --force one
check "the supervisor's driver has its drive" eventually 20 has_disk "$A"
is "$(dd if="$(disk_of "$A")" bs=1M skip=1 count=1 2>/dev/null | md5sum | cut -c1-32)" "$pattern" \
	"what one wrote before stands there"
dd if=/root/pattern of="$(disk_of "$A")" bs=1M seek=2 conv=fsync 2>/dev/null
echo 3 >/proc/sys/vm/drop_caches
is "$(dd if="$(disk_of "$A")" bs=1M skip=2 count=1 2>/dev/null | md5sum | cut -c1-32)" "$pattern" \
	"the supervisor can write to it"
audit "in the end: the invariants hold"
END

# shellcheck disable=SC2317
same()
{
	dd if="$1" bs=1M skip="$2" count=1 status=none | cmp -s - "$T_DIR/pattern"
}
# shellcheck disable=SC2317
differs()
{
	! same "$@"
}
check "outside: what one wrote stands on its image" same "$one" 1
check "outside: what the supervisor wrote then, too" same "$one" 2
check "outside: what two wrote stands on its image" same "$two" 1
check "control: elsewhere there is something else" differs "$two" 2
done_testing
