#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Hostile calls on /dev/rainforest from two processes at once do no harm.
# timeout: 1200 7200
# beside
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
need_build

disk=$(scratch disk 16M)
fuzz=$T_DIR/ioctlfuzz
${CC:-gcc} -static -O1 -Wall -I"$T_TOP/include/uapi" -o "$fuzz" "$T_TOP/tests/vm/ioctlfuzz.c" ||
	bail "ioctlfuzz does not compile"

run_guest --smp 8,sockets=1,cores=4,threads=2 --memory 3G --disk "$disk" \
	--copy "$T_TOP/tests/vm/badinput.lib:/rf/badinput.lib" \
	--copy "$fuzz:/usr/local/bin/ioctlfuzz" <<'END'
. /rf/badinput.lib
modprobe rfcontroller
A=$(bdf_of /dev/rfdisk0)

# Control: what the calls are to leave alone is a subOS that goes on, too.
check "a subOS that must not notice" rfm create web --cpus 2-3 --memory 256M
beats() { rfm show web --json | sed -n 's/.*"heartbeats": *\([0-9]*\).*/\1/p'; }
goes_on() { [ "$(beats)" -gt "$1" ]; }
before

n=$(rounds 5000 100000)
for seed in $(rounds "1" "$(seq 1 3 | tr '\n' ' ')"); do
	beat=$(beats)
	ioctlfuzz "$n" "$seed" "$A" >/run/fuzz
	is "$?" 0 "seed $seed: $n calls each, errors as documented"
	sed 's/^/# /' /run/fuzz
	missing=
	for call in VERSION CREATE OPEN LIST RESOURCES LEDGER AUDIT POOL EVENTS USAGE ADD_CPUS ADD_MEMORY ADD_PCI \
		LOAD STOP DESTROY INFO CONSOLE WINSIZE POLICY pread poll console-read console-write; do
		grep -Eq "^$call ok=[1-9]" /run/fuzz || missing="$missing $call"
	done
	is "$missing" "" "seed $seed: control: each call succeeds at times, behind all checks"
	like "$(grep ^START /run/fuzz)" 'ok=0 failed=[1-9]' "seed $seed: nothing was started"
	check "seed $seed: the other subOS goes on" eventually 60 goes_on "$beat"
	check "seed $seed: nothing is lost" nothing_lost
	audit "seed $seed: the invariants hold"
done
check "the subOS ends" rfm destroy web
check "its CPUs come back" test "$(nproc)" -eq 8
check "the module can be unloaded" rmmod rfcontroller
END
done_testing
