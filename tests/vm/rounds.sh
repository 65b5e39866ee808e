#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Creates and destroys over and over; each time the machine is as it was: ranges,
# zones, direct map, interrupts, free memory. On small, large and NUMA machines,
# each boot of which has another KASLR seed.
# timeout: 900 7200
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
need_build

disk=$(scratch disk 16M)

cat >"$T_DIR/rounds-lib" <<'END'
. /rf/lifecycle.lib
echo "# kaslr: $(sed -n 's/ T _text$//p' /proc/kallsyms)"

# What must be the same to the last byte.
figures()
{
	cat /proc/iomem
	grep -E '^Node|spanned|present|managed|start_pfn' /proc/zoneinfo
	grep MemTotal /proc/meminfo
	direct_map
	head -n 1 /proc/interrupts
	find /proc/irq -maxdepth 1 | wc -l
	cat /sys/devices/system/cpu/present /sys/devices/system/cpu/online
	cat /sys/devices/system/memory/memory*/state | sort | uniq -c
	cat /sys/devices/system/node/node*/cpulist
	driver_of "$A"
}

# The kernel splits large pages of the direct map where a module's code lies, and
# never joins them again: a load of ours changes that once, after a while, when the
# kernel gets to free what only modprobe needed. A round must not.
direct_map()
{
	if grep -q '^rfcontroller ' /proc/modules; then
		grep DirectMap /proc/meminfo
	else
		awk '/^DirectMap/ { sum += $2 } END { print "DirectMap", sum }' /proc/meminfo
	fi
}

same_figures()
{
	figures >/run/figures.now
	diff "$1" /run/figures.now
}

meminfo() { sed -n "s/^$1: *\([0-9]*\).*/\1/p" /proc/meminfo; }

kernel_kb()
{
	echo $(($(meminfo SUnreclaim) + $(meminfo KernelStack) + $(meminfo PageTables) +
		$(meminfo Percpu)))
}

# Median of some lines of numbers: one reading may be some MB too high.
median() { sort -n | awk '{ n[NR] = $1 } END { print n[int((NR + 1) / 2)] }'; }

near() { [ $(($1 - $2)) -le "$3" ] && [ $(($2 - $1)) -le "$3" ]; }

crashed() { in_state r crashed; }

# round I OPTION...: one life, which ends in one of three ways
round()
{
	round=$1
	shift
	boots rfm create r "$@" >/run/said || return 1
	case $((round % 3)) in
	0) rfm destroy r ;;
	1) rfm destroy --force r ;;
	2) typed r 'echo c >/proc/sysrq-trigger'; eventually 60 crashed; rfm destroy r ;;
	esac >>/run/said 2>&1 || return 1
	eventually 30 has_disk "$A"
}

FREE_KB=2048	# what free memory may differ by: slabs and page tables move
TREND_KB=1024

# rounds_of COUNT OPTION...
rounds_of()
{
	count=$1
	shift
	A=$(bdf_of /dev/rfdisk0)
	figures >/run/figures.before
	modprobe rfcontroller
	check "a first round, after which caches are warm" round 0 --pci "$A" "$@"
	figures >/run/figures.warm
	free=$(free_kb) kernel=$(kernel_kb)
	: >/run/free
	i=1 bad=0
	while [ $i -le "$count" ]; do
		round $i --pci "$A" "$@" && same_figures /run/figures.warm >>/run/said &&
			rfm audit --quick >>/run/said || {
			bad=$((bad + 1))
			diag "round $i: $(tail -n 20 /run/said; rfm list; rfm log r | tail -n 15)"
			rfm destroy --force r
		}
		free_kb >>/run/free
		i=$((i + 1))
	done
	is $bad 0 "$count rounds: each ends as it began"
	free_now=$(tail -n 2 /run/free | median) kernel_now=$(kernel_kb)
	diag "free kB: $free before, then $(tr '\n' ' ' </run/free); kernel kB: $kernel, $kernel_now"
	check "free memory is within $FREE_KB kB" near "$free" "$free_now" $FREE_KB
	check "the kernel's own memory is within 2048 kB" near "$kernel" "$kernel_now" 2048
	half=$((count / 2))
	[ $half -lt 4 ] || check "no trend: the medians of both halves are within $TREND_KB kB" near \
		"$(head -n $half /run/free | median)" "$(tail -n $half /run/free | median)" $TREND_KB
	dd if=/dev/zero of=/leak bs=1M count=12 2>/dev/null
	check "control: a leak of 12 MB is noticed" eval '! near "$free" "$(free_kb)" $FREE_KB'
	rm /leak
	check "control: a subOS that lives is noticed" rfm create r "$@" --no-wait
	check "control: in the figures" eval '! same_figures /run/figures.warm >/dev/null'
	rfm destroy --force r
	audit "the invariants hold"
	check "rmmod" rmmod rfcontroller
	check "and ficm, which came with it" rmmod ficm
	check "without the module all is as before it: iomem, zones, size of the direct map, interrupts" \
		same_figures /run/figures.before
}
END

# machine OPTION... < SCRIPT
machine()
{
	run_guest --disk "$disk" --copy "$T_TOP/tests/vm/lifecycle.lib:/rf/lifecycle.lib" \
		--copy "$T_DIR/rounds-lib:/rf/rounds-lib" "$@"
}

machine --smp 4 <<END
. /rf/rounds-lib
rounds_of $(rounds 2 50) --cpus 2 --memory 512M
END

machine --smp 4 --memory 12G <<END
. /rf/rounds-lib
rounds_of $(rounds 1 50) --cpus 2 --memory $(rounds 1G 3G)
END

machine --smp 4,sockets=2 --qemu -object --qemu memory-backend-ram,id=m0,size=2G \
	--qemu -object --qemu memory-backend-ram,id=m1,size=2G \
	--qemu -numa --qemu node,nodeid=0,cpus=0-1,memdev=m0 \
	--qemu -numa --qemu node,nodeid=1,cpus=2-3,memdev=m1 <<END
. /rf/rounds-lib
is "\$(cat /sys/devices/system/node/online)" 0-1 "control: this machine has two nodes"
modprobe rfcontroller
check "a subOS of node 1" rfm create n --cpus 2-3 --memory 768M --node 1
rfm resources >/run/resources
is "\$(grep '^memory .* n\$' /run/resources | grep -c 'node 0')" 0 "it has no memory of node 0"
like "\$(cat /run/resources)" '^memory .*node 1 +n\$' "its memory is of node 1"
refused 4 'memory' "node 1 does not have that much" \
	rfm create m --cpus 1 --memory 1500M --node 1
check "another of node 0" rfm create m --cpus 1-1 --memory 512M --node 0
rfm resources >/run/resources
is "\$(grep '^memory .* m\$' /run/resources | grep -c 'node 1')" 0 "it has no memory of node 1"
is "\$(inside n nproc) \$(inside m nproc)" "2 1" "both run"
check "they end" rfm destroy --all
rmmod rfcontroller ficm
rounds_of $(rounds 1 20) --cpus 2-3 --memory 768M --node 1
END

seeds=$(sed -n 's/^# kaslr: //p' "$T_DIR"/out[0-9]* | grep -E '^f{8}[0-9a-f]{8}$')
is "$(echo "$seeds" | wc -l)" 3 "each machine tells where its kernel lies"
check "and KASLR put them elsewhere" test "$(echo "$seeds" | sort -u | wc -l)" -gt 1
done_testing
