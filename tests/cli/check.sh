#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# rfm check on recorded machines: one that can do it, two that cannot.

. "$(dirname "$0")/common.sh"

CHECK()
{
	"$T_TOP/build/rfm" --sysroot "$ROOT" check "$@"
}

prepare plain
out=$(CHECK)
is "$?" 0 "a fit machine"
unlike "$out" "^fail" "has no failure"
for line in "^ok +lockdown +modules need no signature" "^ok +cpu +vendor AuthenticAMD" \
	"^ok +paging +five levels" "^ok +cpus +0-5 are present" "^ok +smt +each CPU is a core" \
	"^ok +iommu +none" "^ok +kdump" "^ok +kvm " "^ok +memory +.*blocks of 128M" \
	"^ok +kernel +6.12.0-test can boot" "^ok +files +.*initrd-default is there" \
	"^warn +module +rfcontroller is not loaded: modprobe"; do
	like "$out" "$line" "it says: $line"
done

mv "$ROOT/usr/lib/rainforest/modules/6.12.0-test/ficm.ko" "$T_DIR/"
like "$(CHECK)" "^warn +kernel +6.12.0-test has no ficm.ko: install" "without ficm.ko that kernel is not fit"
mv "$T_DIR/ficm.ko" "$ROOT/usr/lib/rainforest/modules/6.12.0-test/"
rm "$ROOT/usr/lib/rainforest/modules/6.12.0-test/rfsubos.ko"
out=$(CHECK)
is "$?" 1 "without our module it is not fit"
like "$out" "^warn +kernel +6.12.0-test has no rfsubos.ko: install linux-headers-6.12.0-test" "why"
like "$out" "^fail +kernel +no kernel in /boot" "and that no other will do"

prepare locked
out=$(CHECK)
is "$?" 1 "a locked machine is not fit"
for line in "^fail +lockdown +the kernel is locked down .*mokutil" "^warn +tsc" "^warn +cpu +no pages of 1 GB" \
	"^ok +apic +x2APIC can be had" "^ok +smt +cores have 2 threads \(CPU 0 is one core with 0-1\)" \
	"^warn +iommu +interrupts are remapped.*intremap=off" "^warn +kdump.*kdump-config unload" \
	"^warn +kvm +kvm_intel is loaded"; do
	like "$out" "$line" "it says: $line"
done

unpack_machine single "$ROOT"
out=$(CHECK)
is "$?" 1 "a small machine is not fit"
for line in "^fail +cpus +there is one CPU only" "^fail +memory +only 100000K" \
	"^warn +cpu +vendor CentaurHauls: nobody" "^warn +iommu +an IOMMU translates.*iommu=pt" \
	"^ok +module +rfcontroller is loaded" "^fail +files +.*init is missing"; do
	like "$out" "$line" "it says: $line"
done
like "$(CHECK --json)" '"status": "fail"' "check --json"

rm -rf "$ROOT"
mkdir "$ROOT"
out=$(CHECK)
is "$?" 1 "nothing at all is not fit"
like "$out" "^fail +cpu +/proc/cpuinfo tells no x86" "and no reason to crash"

done_testing
