#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# The audit while everything changes: others at work are no violation. That it
# finds violations is shown in pci.sh and in the unit test of the ledger.
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

run_guest --smp 4 --disk "$disk" --copy "$pcictl:/usr/local/bin/pcictl" <<'END'
modprobe rfcontroller
bdf=$(basename "$(readlink -f /sys/class/nvme/nvme0/device)")
rounds=$([ -n "$RF_LONG" ] && echo 20 || echo 3)

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
audit "nor does one at the end"
changes=$(rfm ledger | tail -n +2 | wc -l)
check "the ledger has it all ($changes changes)" test "$changes" -gt $((rounds * 10))
is "$(rfm ledger --json | grep -c '"seq"')" "$changes" "as JSON, too"
rfm audit --json >/run/json
like "$(cat /run/json)" '"violations": *0' "the audit as JSON"
END
done_testing
