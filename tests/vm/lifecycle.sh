#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Two subOSes with different stock kernels, 2 CPUs and an NVMe drive each. One
# crashes and starts again while the other writes; then all is given back.
# timeout: 600 900
# beside
VM_CPU=max	# five paging levels
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
need_build

one=$(scratch one 32M)
two=$(scratch two 64M)
dd if=/dev/urandom of="$one" bs=1M count=8 conv=notrunc status=none
yes "rainforest was here" | head -c 1048576 >"$T_DIR/pattern"

run_guest --smp 6 --disk "$one" --disk "$two" --copy "$T_DIR/pattern:/root/pattern" \
	--copy "$T_TOP/tests/vm/lifecycle.lib:/rf/lifecycle.lib" <<'END'
. /rf/lifecycle.lib
modprobe rfcontroller
A=$(bdf_of /dev/rfdisk0)
B=$(bdf_of /dev/rfdisk1)
sum_one=$(dd if=/dev/rfdisk0 bs=1M count=8 2>/dev/null | md5sum | cut -c1-32)
own=$(cat $BOOT_ID)
cpus=$(nproc)
grep MemTotal /proc/meminfo >/run/total

check "one starts: the supervisor's kernel" rfm create one --cpus 2 --memory 512M --pci "$A"
check "two starts: another kernel" \
	rfm create two --cpus 2 --memory 512M --pci "$B" --kernel "$OTHER_KERNEL"
is "$(nproc)" $((cpus - 4)) "the supervisor has four CPUs less"
is "$(inside one 'uname -r')" "$(uname -r)" "one runs the supervisor's kernel"
like "$(inside two 'uname -r')" "^$OTHER" "two runs the other"
is "$(inside one nproc) $(inside two nproc)" "2 2" "each has two CPUs"
is "$(field one kernel)" "$(uname -r)" "rfm show names one's kernel"
like "$(field two kernel)" "^$OTHER" "rfm show names two's kernel"
id_one=$(inside one "cat $BOOT_ID")
id_two=$(inside two "cat $BOOT_ID")
is "$(printf '%s\n' "$own" "$id_one" "$id_two" | grep -E '^.{36}$' | sort -u | wc -l)" 3 \
	"three kernels, three boot ids"
is "$(field one boot_id) $(field two boot_id)" "$id_one $id_two" "rfm show tells them"
like "$(inside one 'grep MemTotal /proc/meminfo')" ' (4[0-9]|5[0-2])[0-9]{4} kB' \
	"one has its 512 MB and no more"
for name in one two; do
	like "$(rfm log $name | head -n 1)" 'Linux version 6\.' "$name: its log has the first line"
	subos_log_clean $name
done
rfm log one | cut -c16- | head -n 100 | md5sum >/run/log.outside
inside one 'dmesg | cut -c16- | head -n 100 | md5sum' >/run/log.inside
check "one's log, read from its memory, is what it reads itself" \
	cmp /run/log.outside /run/log.inside

# --- the drives ---
is "$(inside one 'dd if=/dev/nvme0n1 bs=64k count=128 iflag=direct 2>/dev/null | md5sum | cut -c1-32')" \
	"$sum_one" "one reads, past its cache, what stands on its drive"
pattern=$(md5sum </root/pattern | cut -c1-32)
write='yes "rainforest was here" | head -c 1048576 >/p'
write="$write; dd if=/p of=/dev/nvme0n1 bs=64k seek=160 oflag=direct 2>/dev/null"
read='dd if=/dev/nvme0n1 bs=64k skip=160 count=16 iflag=direct 2>/dev/null | md5sum | cut -c1-32'
unlike "$(inside one "$read")" "$pattern" "control: the pattern is not there yet"
is "$(inside one "$write; $read")" "$pattern" "one writes, past its cache, and reads it again"
is "$(inside two "$write; $read")" "$pattern" "two writes, past its cache, and reads it again"
is "$(inside two 'ls -d /dev/nvme* | grep -c n1')" 1 "two sees one drive"

# --- a crash, while the other writes ---
ticks='i=0; while [ ! -e /stop ] && dd if=/p of=/dev/nvme0n1 bs=64k seek=320 oflag=direct 2>/dev/null; do'
inside two "($ticks i=\$((i + 1)); echo \$i >/run/ticks.new; mv /run/ticks.new /run/ticks; done) </dev/null >/dev/null 2>&1 & true" >/dev/null
ticks() { inside two 'cat /run/ticks || echo 0' | tail -n 1; }
more_ticks() { [ "$(ticks)" -gt "$1" ]; }
check "control: two writes all the time" eventually 60 more_ticks 0
up=$(uptime_of two)
{ rfm log one -f --json >/run/follow; echo $? >/run/follow.status; } 2>/run/follow.err &
boots_followed() { grep -c 'Linux version' /run/follow; }
check "control: what follows one's log has one boot" eventually 20 eval '[ "$(boots_followed)" = 1 ]'
typed one 'echo c >/proc/sysrq-trigger'
check "one panics" eventually 60 in_state one crashed
before=$(ticks)
like "$(rfm list)" '^one .* crashed .*panic: sysrq triggered crash' "rfm list says why"
like "$(rfm log one | tail -n 3)" 'end Kernel panic' "its log ends with the panic"
like "$(rfm log one | head -n 1)" 'Linux version' "and still has the first line"
check "who follows its log sees the panic" eventually 20 grep -q 'end Kernel panic' /run/follow
check "two goes on writing" eventually 60 more_ticks "$before"
is "$(inside two "cat $BOOT_ID")" "$id_two" "two has the same boot id"
check "and a later uptime" test "$(uptime_of two)" -ge "$up"
check "two is running" in_state two running
is "$(cat $BOOT_ID)" "$own" "the supervisor has the same boot id"
audit "crashed: the invariants hold"
check "one starts again" rfm restart one
id_again=$(inside one "cat $BOOT_ID")
like "$id_again" '^[0-9a-f-]{36}$' "one answers again"
unlike "$id_again" "$id_one" "with another boot id"
is "$(inside one "$read")" "$pattern" "and reads what it wrote before the crash"
check "who follows its log sees another boot" eventually 20 eval '[ "$(boots_followed)" -ge 2 ]'
was=$(boots_followed)
check "one starts again while it runs" rfm restart one
unlike "$(inside one "cat $BOOT_ID")" "$id_again" "with yet another boot id"
check "who follows its log sees it, too" eventually 20 eval '[ "$(boots_followed)" -gt $was ]'
is "$(rfm log one | grep -c 'Linux version')" 1 "control: without -f there is one boot"
check "and still follows" test ! -e /run/follow.status
before=$(ticks)
check "two goes on writing" eventually 60 more_ticks "$before"
inside two 'touch /stop; wait; sync' >/dev/null
subos_log_clean two
subos_log_clean one

# --- the end ---
check "two is destroyed" rfm destroy two
check "one is destroyed" rfm destroy one
check "who followed its log has ended" eventually 20 test -s /run/follow.status
is "$(cat /run/follow.status /run/follow.err)" 0 "without an error"
is "$(rfm list | grep -cE '^(one|two) ')" 0 "none is left"
check "one's drive is back" eventually 30 has_disk "$A"
check "two's drive is back" eventually 30 has_disk "$B"
is "$(driver_of "$A") $(driver_of "$B")" "nvme nvme" "both have their driver"
is "$(dd if="$(disk_of "$A")" bs=64k skip=160 count=16 2>/dev/null | md5sum | cut -c1-32)" \
	"$pattern" "the supervisor reads what one wrote"
dd if=/run/follow of="$(disk_of "$B")" bs=1M seek=40 conv=fsync 2>/dev/null
is "$(nproc)" "$cpus" "the CPUs are back"
is "$(grep MemTotal /proc/meminfo)" "$(cat /run/total)" "the memory is back"
audit "in the end: the invariants hold"
check "rmmod" rmmod rfcontroller
END

# shellcheck disable=SC2317 # called through check
same()
{
	dd if="$1" bs=1M skip="$2" count=1 status=none | cmp -s - "$T_DIR/pattern"
}
# shellcheck disable=SC2317
not()
{
	! "$@"
}
check "outside: what one wrote stands in its image" same "$one" 10
check "outside: what two wrote stands in its image" same "$two" 10
check "outside: and what it wrote during the crash" same "$two" 20
check "control: elsewhere there is nothing" not same "$two" 12
# Each line is an object; within a boot no message is missing or there twice, as its kernel counts.
dd if="$two" bs=1M skip=40 count=4 status=none | tr -d '\0' >"$T_DIR/follow"
out=$(python3 - "$T_DIR/follow" <<'END'
import json, sys
boots = []
for line in open(sys.argv[1]):
    message = json.loads(line)
    if not message["seq"]:
        boots.append([])
    boots[-1].append(message)
for boot in boots:
    print("begins" if "Linux version" in boot[0]["text"] else "odd",
          sum(m["lost"] for m in boot), sum(b["seq"] - a["seq"] != 1 for a, b in zip(boot, boot[1:])),
          "panics" if any("end Kernel panic" in m["text"] for m in boot) else "ends")
END
)
like "$(echo "$out" | head -n 1)" '^begins 0 0 panics$' "outside: what was followed, to the panic"
is "$(echo "$out" | tail -n 1)" "begins 0 0 ends" "and the last boot after it"
unlike "$out" 'odd|[1-9]' "all of them whole"
done_testing
