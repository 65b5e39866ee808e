#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Cores, memory and PCI functions move to and from subOSes that run and work,
# one of which has another kernel; what must be refused is.
# timeout: 900 1800
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
need_build

disk=$(scratch disk 32M)
dd if=/dev/urandom of="$disk" bs=1M count=4 conv=notrunc status=none

run_guest --smp 6 --disk "$disk" --copy "$T_TOP/tests/vm/lifecycle.lib:/rf/lifecycle.lib" \
	--copy "$T_TOP/tests/vm/isolation-lib:/rf/isolation-lib" <<'END'
. /rf/isolation-lib
. /rf/lifecycle.lib
# a beat so slow that nothing here may wait for one
modprobe rfcontroller heartbeat_ms=3000 hung_ms=12000
disk=$(bdf_of /dev/rfdisk0)
sum=$(dd if=/dev/rfdisk0 bs=1M count=4 2>/dev/null | md5sum | cut -c1-32)
check "web starts" rfm create web --cpus 2 --memory 512M
check "db starts, with another kernel" \
	rfm create db --cpus 1 --memory 256M --kernel "$OTHER_KERNEL"
id=$(inside web "cat $BOOT_ID")
boot=$(rfm resources | awk '$1 == "cpu" && $NF == "web" { print $2; exit }')

start_work web
start_work db

cpus_of() { rfm resources | awk -v n="$1" '$1 == "cpu" && $NF == n { printf "%s ", $2 }'; }
mem_kb() { inside "$1" 'sed -n "s/^MemTotal: *\([0-9]*\).*/\1/p" /proc/meminfo' | tail -n 1; }
online() { inside "$1" 'cat /sys/devices/system/cpu/online' | tail -n 1; }

# --- cores ---
own=$(nproc)
before=$(inside web nproc)
is "$before" 2 "web has two CPUs"
check "one core more" rfm resize web --cpus +1
is "$(inside web nproc)" 3 "web has three"
is "$(nproc)" $((own - 1)) "the supervisor has one less"
is "$(cpus_of web | wc -w)" 3 "three are web's"
is "$(number web nr_online)" 3 "and rfm show knows"
audit "more cores: the invariants hold"
check "a total: two" rfm resize web --cpus 2
is "$(inside web nproc)" 2 "web has two"
is "$(nproc)" $own "the supervisor has it back"
like "$(inside web 'echo 1 >/sys/devices/system/cpu/cpu2/online' 2>&1; online web)" '^0-1$|^0,' \
	"web cannot bring it on line by itself"
check "which is the one that was not granted" \
	test "$(inside web 'ls -d /sys/devices/system/cpu/cpu[0-9]* | wc -l')" -gt 2
audit "fewer cores: the invariants hold"

check "a list of CPUs" rfm resize web --cpus "$boot,1"
is "$(cpus_of web)" "$(printf '%s\n' 1 "$boot" | sort -n | tr '\n' ' ')" "exactly these"
is "$(inside web nproc)" 2 "web has two"
refused 4 'CPU 0' "CPU 0 is refused" rfm resize web --cpus "0,$boot"
refused 4 "boot core" "the boot core stays" rfm resize web --cpus 1-1
refused 4 'boot core' "and so does the last one" rfm resize web --cpus -2
refused 4 'CPUs wanted' "more than there are" rfm resize web --cpus +9
taken=$(cpus_of db | cut -d' ' -f1)
refused 4 "CPU $taken belongs to .*db" "one that db has" rfm resize web --cpus "$boot,1,$taken"
check "another kernel gets a core" rfm resize db --cpus 2
is "$(inside db nproc)" 2 "db has two"
refused 7 "cannot do that" "it cannot let one go (before 6.11)" rfm resize db --cpus 1
is "$(inside db nproc)" 2 "it has both"
audit "cores moved: the invariants hold"

# --- memory ---
free=$(mem_kb web)
check "256 MB more" rfm resize web --memory +256M
now=$(mem_kb web)
is "$((now - free))" 262144 "web has them"
check "a total is rounded up" rfm resize web --memory 800M
is "$(($(mem_kb web) - free))" $((384 * 1024)) "to the block"
check "and a smaller total down" rfm resize web --memory 790M
is "$(($(mem_kb web) - free))" $((384 * 1024)) "so that nothing changes"
audit "more memory: the invariants hold"
fill='mount -t tmpfs -o size=700M t /mnt; cat /w >/mnt/f1; for i in 1 2 3 4 5 6; do dd if=/dev/zero of=/mnt/z$i bs=1M count=75; cat /w >/mnt/g$i; done 2>/dev/null'
is "$(inside web "$fill; ls /mnt | wc -l" | tail -n 1)" 13 "web fills it"
rfm resize web --memory 512M >/run/said 2>&1
like $? '^(4|8)$' "what is in use cannot leave: $(cat /run/said)"
is "$(inside web 'bad=0; for f in /mnt/f1 /mnt/g?; do cmp -s $f /w || bad=$((bad + 1)); done; echo $bad' | tail -n 1)" 0 \
	"and is not spoiled"
subos_log_clean web
inside web 'rm /mnt/*; umount /mnt; echo 3 >/proc/sys/vm/drop_caches' >/dev/null
rfm resources | awk '$1 == "memory" && $NF == "web" { print $2 }' >/run/ranges
check "then it can" rfm resize web --memory 512M
is "$(mem_kb web)" "$free" "web has what it booted with"
refused 4 'booted with' "which stays" rfm resize web --memory 256M
like "$(dmesg | tail -n 300)" '.' "control: the log can be read"
check "another kernel gets memory" rfm resize db --memory 384M
check "and gives it back" rfm resize db --memory 256M
refused 4 'can be had' "more than there is" rfm resize web --memory 64G
audit "memory moved: the invariants hold"

# --- a PCI function ---
check "a drive for web" rfm resize web --pci "+$disk"
check "web sees it" eventually 60 eval 'inside web "ls /dev/nvme0n1" | grep -q "^/dev/nvme0n1"'
is "$(inside web 'dd if=/dev/nvme0n1 bs=1M count=4 2>/dev/null | md5sum | cut -c1-32' | tail -n 1)" "$sum" \
	"with what is on it"
refused 4 'belongs to .*web' "db cannot have it too" rfm resize db --pci "+$disk"
inside web 'mkswap /dev/nvme0n1 && swapon /dev/nvme0n1' >/dev/null
refused 4 'is in use' "not while it is in use" rfm resize web --pci "-$disk"
like "$(inside web 'cat /proc/swaps' | tail -n 1)" '^/dev/nvme0n1' "and nothing happens to it"
inside web 'swapoff /dev/nvme0n1' >/dev/null
check "and gives it back" rfm resize web --pci "-$disk"
check "its driver is back" eventually 30 has_disk "$disk"
check "once more" rfm resize web --pci "+$disk"
check "web sees it again" eventually 60 eval 'inside web "ls /dev/nvme*n1" | grep -q "^/dev/nvme.*n1"'
check "and back" rfm resize web --pci "-$disk"
refused 3 'does not have' "what it does not have" rfm resize web --pci "-$disk"
refused 3 'no PCI function' "a function that is not there" rfm resize web --pci +0000:00:1e.7
audit "a function moved: the invariants hold"

# --- all the while ---
works web
works db
is "$(inside web "cat $BOOT_ID")" "$id" "web never booted anew"

# --- with what it has it starts again ---
check "web gets more" rfm resize web --cpus 3 --memory 768M
check "web restarts" rfm restart web
is "$(inside web nproc)" 3 "with three CPUs"
# Less the kernel itself, and its bounce buffers when some of it is above 4 GB.
kb=$(mem_kb web)
check "with 768 MB ($kb kB)" test "$kb" -gt $((640 << 10)) -a "$kb" -lt $((768 << 10))
check "then they can leave" rfm resize web --cpus 1
refused 3 'no subOS' "a subOS that is not there" rfm resize nobody --cpus 2
inside db 'echo c >/proc/sysrq-trigger' >/dev/null 2>&1 &
check "db crashes" eventually 60 in_state db crashed
refused 4 'does not run' "one that does not run" rfm resize db --memory 512M
subos_log_clean web
check "the end" rfm destroy --all
is "$(nproc)" 6 "all CPUs are back"
audit "in the end: the invariants hold"
check "rmmod" rmmod rfcontroller
END
done_testing
