#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# The kernel's own selftests (selftests.list) give the same results in a subOS as
# on the same kernel alone, with as many CPUs and as much memory. Where the two
# differ, the test is done once more in each: some depend on how quick they are. A
# difference that stays is a failure, unless the list gives that very result inside
# and its reason ("= RESULT | REASON").
# timeout: 900 7200
# prepare: tests/vm/selftests.sh --build
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
need_build
VM_CPU=$(rounds quick,la57=on max) # five paging levels

mkdir -p "$T_DIR"
list=$T_DIR/list
grep "$(rounds '^+' '^[+ ]')" "$T_TOP/tests/vm/selftests.list" >"$list"
sed -n 's/^= //p' "$T_TOP/tests/vm/selftests.list" >"$T_DIR/explained"
"$T_TOP/tools/selftests" "$T_DIR/tests.ext4" "$list" >"$T_DIR/build.log" 2>&1 ||
	{ diag "$(tail -n 5 "$T_DIR/build.log")"; skip_all "the kernel's selftests cannot be built"; }
[ "${1-}" != --build ] || exit 0
root=$T_TOP/build/rootfs/minbase.ext4
[ -e "$root" ] || "$T_TOP/tools/vm/mkrootfs" "$root" >"$T_DIR/mkrootfs.log" 2>&1 ||
	skip_all "no Debian root could be made: see $T_DIR/mkrootfs.log"

# enter: mounts both drives, and what Debian needs. The kernel's own order of the
# drives may vary, their serial numbers do not.
mkdir -p "$T_DIR/more/root"
cat >"$T_DIR/more/root/enter" <<'END'
disk()
{
	for dir in /sys/block/nvme*n1; do
		! grep -q "$1" "$dir/device/serial" || echo "/dev/${dir##*/}"
	done
}
mkdir -p /mnt
mount -t ext4 "$(disk rfdisk0)" /mnt
mkdir -p /mnt/selftests /mnt/lib/modules
mount -t ext4 "$(disk rfdisk1)" /mnt/selftests
mount -o bind /mnt/selftests/modules /mnt/lib/modules
mount -t proc proc /mnt/proc
mount -t sysfs sysfs /mnt/sys
mount -t cgroup2 cgroup2 /mnt/sys/fs/cgroup
mount -t debugfs debugfs /mnt/sys/kernel/debug
mount -o bind /dev /mnt/dev
mkdir -p /mnt/dev/shm
for dir in dev/shm tmp run; do
	mount -t tmpfs tmpfs "/mnt/$dir"
done
END
(cd "$T_DIR/more" && find . | cpio --quiet -o -H newc -R 0:0) >"$T_DIR/more.cpio"

disks()
{
	cp --sparse=always "$root" "$T_DIR/$1.root"
	cp --sparse=always "$T_DIR/tests.ext4" "$T_DIR/$1.tests"
	/sbin/debugfs -w -R "rm list" "$T_DIR/$1.tests" 2>/dev/null
	/sbin/debugfs -w -R "write $list list" "$T_DIR/$1.tests" >/dev/null 2>&1
}

# What is a warning of the kernel there is the tests' own affair.
alone()
{
	disks alone
	"$T_TOP/tools/rf-vm" --quiet --name "$T_NAME-alone" --logs "$T_DIR/alone.logs" --smp 2 --cpu "$VM_CPU" \
		--memory 1G --timeout "$(rounds 600 3600)" --disk "$T_DIR/alone.root" \
		--disk "$T_DIR/alone.tests" --copy "$T_DIR/more/root/enter:/rf/enter" -- sh -c \
		'. /rf/enter; chroot /mnt /selftests/run /tmp/results >&2
		cat /mnt/tmp/results; cat /mnt/tmp/results.failed >&2' \
		>"$T_DIR/alone.results" 2>"$T_DIR/alone.err"
}

inside_subos()
{
	disks inside
	run_guest --smp 3 --timeout "$(rounds 600 3600)" --disk "$T_DIR/inside.root" \
		--disk "$T_DIR/inside.tests" --copy "$T_DIR/more.cpio:/root/more.cpio" \
		--copy "$T_TOP/tests/vm/lifecycle.lib:/rf/lifecycle.lib" <<'END'
. /rf/lifecycle.lib
modprobe rfcontroller
A=$(bdf_of /dev/rfdisk0)
B=$(bdf_of /dev/rfdisk1)
cat /usr/lib/rainforest/initrd-default /root/more.cpio >/run/initrd
check "a subOS of 2 CPUs and 1 GB" rfm create s --cpus 1-2 --memory 1G --initrd /run/initrd \
	--pci "$A" --pci "$B"
typed s '. /root/enter; chroot /mnt /selftests/run /tmp/results >/run/said 2>&1'
ended()
{
	[ "$(field s state)" != running ] || inside s 'tail -n 1 /mnt/tmp/results' | grep -q '^# end'
}
check "it runs the selftests to their end" eventually "$(rounds 300 3000)" ended
inside s 'cat /mnt/tmp/results' | sed 's/^/# result: /'
inside s 'cat /mnt/tmp/results.failed' | sed 's/^/# /'
check "it is as alive as before" in_state s running
check "it is destroyed" rfm destroy s
audit "the invariants hold"
check "rmmod" rmmod rfcontroller
END
	sed -n 's/^# result: //p' "$T_DIR/out$T_MACHINES" >"$T_DIR/inside.results"
}

# explained TEST: the list says why it ends like this in a subOS
explained()
{
	result=$(grep -F "$1:" "$T_DIR/inside.results")
	[ -n "$result" ] && grep -F "$result | " "$T_DIR/explained"
}

# different: those whose results are not the same stay in the list
different()
{
	grep -Fxv -f "$T_DIR/inside.results" "$T_DIR/alone.results" | sed 's/:[ 0-9]*$//' >"$T_DIR/differ"
	: >"$list"
	while read -r test; do
		explained "$test" >>"$T_DIR/other" || echo "$test" >>"$list"
	done <"$T_DIR/differ"
}

wanted=$(wc -l <"$list")
: >"$T_DIR/same"
: >"$T_DIR/other"
for try in 1 2 3; do
	[ -s "$list" ] || break
	diag "try $try: $(wc -l <"$list") selftests"
	alone
	inside_subos
	is "$(tail -n 1 "$T_DIR/alone.results")" "# end" "alone they came to their end"
	grep -Fx -f "$T_DIR/inside.results" "$T_DIR/alone.results" | grep -v '^#' >>"$T_DIR/same"
	cp "$T_DIR/alone.results" "$T_DIR/alone.$try"
	cp "$T_DIR/inside.results" "$T_DIR/inside.$try"
	different
done
while read -r line; do
	ok "as alone: $line"
done <"$T_DIR/same"
while read -r line; do
	ok "explained: $line"
done <"$T_DIR/other"
while read -r test; do
	not_ok "$test: in the subOS as alone"
	diag "alone  $(grep -F "$test:" "$T_DIR/alone.results")"
	diag "inside $(grep -F "$test:" "$T_DIR/inside.results")"
done <"$list"
check "control: most of $wanted passed somewhere" \
	test "$(grep -c ': 0 ' "$T_DIR/same")" -gt $((wanted / 2))
rm -f "$T_DIR"/*.root "$T_DIR"/*.tests
done_testing
