#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# The audit while everything changes: others at work are no violation. And it finds what
# is one; that of a bus master is shown in pci.sh, those of the ledger's tables in its unit test.
# timeout: 600
# beside
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
need_build

pcictl=$T_DIR/pcictl
mkdir -p "$T_DIR"
disk=$(scratch disk 16M)
${CC:-gcc} -static -O1 -Wall -I"$T_TOP/include/uapi" -o "$pcictl" "$T_TOP/tests/vm/pcictl.c" ||
	bail "pcictl does not compile"

run_guest --smp 4 --memory 2G --disk "$disk" --copy "$pcictl:/usr/local/bin/pcictl" <<'END'
modprobe rfcontroller
bdf=$(basename "$(readlink -f /sys/class/nvme/nvme0/device)")
rounds=$(rounds 2 20)

# Until /run/stop is there: audit after audit; what they find is kept.
audits()
{
	n=0
	while [ ! -e /run/stop ]; do
		rfm audit >/run/audit 2>&1 || cat /run/audit >>/run/violations
		n=$((n + 1))
	done
	echo $n >/run/audits
}
devices()
{
	while [ ! -e /run/stop ]; do
		pcictl claim "$bdf" 2>/dev/null && echo >>/run/claims
	done
}
: >/run/violations
audits &
devices &
n=0 bad=0
while [ $n -lt "$rounds" ]; do
	rfm create a --cpus 3-3 --memory 256M --no-wait >/run/out 2>&1 || { bad=$((bad + 1)); cat /run/out; }
	rfm pool --cpus 2-2 --memory 128M >/run/out 2>&1 || { bad=$((bad + 1)); cat /run/out; }
	rfm destroy --force a >/run/out 2>&1 || { bad=$((bad + 1)); cat /run/out; }
	rfm pool --cpus none --memory 0 >/run/out 2>&1 || { bad=$((bad + 1)); cat /run/out; }
	n=$((n + 1))
done
: >/run/stop
wait
is $bad 0 "$rounds rounds of create, pool and destroy"
check "control: a device changed hands meanwhile ($(wc -l </run/claims) times)" test -s /run/claims
check "control: there were audits meanwhile ($(cat /run/audits))" test "$(cat /run/audits)" -ge 2
is "$(cat /run/violations)" "" "they found nothing"

# --- what is wrong is found: all at once, in long runs one by one, too ---
check "a subOS with a drive" rfm create a --cpus 3-3 --memory 256M --pci "$bdf" --no-wait
check "and a pool" rfm pool --cpus 2-2 --memory 256M
addresses=$(for name in rfctl_cpus rfctl_park rfctl_mem_blocks rfctl_subos_list rfctl_pci_held \
	accounts usage_lost ledger_breaks ledger_lost; do
	awk -v name=$name '$3 == name && $4 == "[rfcontroller]" { print name "=0x" $1 }' /proc/kallsyms
done)
cat >/run/wrongs <<'WRONGS'
present CPU 2 has left the supervisor but is present
unparked CPU 2 is free but not parked
fault CPU 2 took an exception while parked
cpu CPU 3: ledger and owner differ
cpu CPU: 1 units have left the supervisor, in the ledger 2
cpu a: CPU 3 belongs to somebody else
block memory 0x[0-9a-f]*: ledger and owner differ
block memory 0x[0-9a-f]* belongs to 999, which does not exist
block memory 0x[0-9a-f]* belongs to 999, in the ledger to [0-9]*
twice memory 0x[0-9a-f]* has two owners: [0-9]* and [0-9]*
shared memory 0x[0-9a-f]*: 1 pages are not ours alone
dirty memory 0x[0-9a-f]* in the pool is not zero
iomem memory 0x[0-9a-f]* is no longer System RAM in /proc/iomem
unreadable memory 0x[0-9a-f]*: 1 online pages are unreadable
range a: memory 0x[0-9a-f]* belongs to somebody else
low a: low memory 0x[0-9a-f]* belongs to somebody else
driver PCI [0-9a-f:.]*: not bound to our driver
account usage: 3 CPUs and 4 blocks on account, 2 and 4 in the ledger
usage-lost usage: 0 resources are on no account, 1 changes were lost
breaks ledger: 1 changes name an owner that it was not
ledger-lost ledger: no room for 1 owners
WRONGS
# wrong WHAT[,WHAT]...: what an audit says while that is so, in /run/found
wrong()
{
	# shellcheck disable=SC2086 # words
	insmod "/lib/modules/$(uname -r)/updates/rfwrong.ko" what="$1" cpu=2 $addresses || return
	rfm audit >/run/found
	wrong_status=$?
	rmmod rfwrong && return $wrong_status
}
# finds: each line of standard input, WHAT and a pattern, is in /run/found
finds()
{
	while read -r name pattern; do
		like "$(cat /run/found)" "^$pattern\$" "found: $name: $pattern"
	done
}
wrong "$(cut -d' ' -f1 /run/wrongs | uniq | tr '\n' ',' | sed 's/,$//')"
is $? 1 "an audit finds what is wrong"
finds </run/wrongs
audit "and nothing any more once it is put right"
for name in $(rounds "" "$(cut -d' ' -f1 /run/wrongs | uniq)"); do
	wrong "$name"
	is $? 1 "$name alone is found"
	grep "^$name " /run/wrongs >/run/wrong
	finds </run/wrong
	audit "$name: put right"
done
check "the subOS ends" rfm destroy --force a
check "so does the pool" rfm pool --cpus none --memory 0
check "nothing was lost" rfm audit --quick
changes=$(rfm ledger | tail -n +2 | wc -l)
check "the ledger has it all ($changes changes)" test "$changes" -gt $((rounds * 10))
is "$(rfm ledger --json | grep -c '"seq"')" "$changes" "as JSON, too"
rfm audit --json >/run/json
like "$(cat /run/json)" '"violations": *0' "the audit as JSON"
END
done_testing
