#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# A subOS dies or hangs at each point of each change: before and after each step
# that its kernel takes, and before and after it answers. Everything has one owner
# then, and all of it comes back when the subOS goes.
# timeout: 900 3600
# beside
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
need_build

disk=$(scratch disk 16M)

run_guest --smp 5 --timeout "$(rounds 600 3400)" --disk "$disk" \
	--copy "$T_TOP/tests/vm/lifecycle.lib:/rf/lifecycle.lib" \
	--copy "$T_TOP/tests/vm/isolation-lib:/rf/isolation-lib" <<'END'
. /rf/isolation-lib
. /rf/lifecycle.lib
modprobe rfcontroller
disk=$(bdf_of /dev/rfdisk0)
initrd_with rftest
held() { rfm resources | grep -c ' w$'; }
# dead_or_stuck HOW: as the subOS should be in the end. Who spins on one core may
# live on with the other, and does not answer.
dead_or_stuck()
{
	case $(field w state) in
	crashed) [ "$1" = panic ] ;;
	hung | running) [ "$1" = spin ] ;;
	*) false ;;
	esac
}

# prepare CHANGE: a subOS that can take it
prepare()
{
	set -- "$1" --cpus 2 --memory 512M --initrd /run/initrd
	[ "$1" != pci-out ] || set -- "$@" --pci "$disk"
	shift
	boots rfm create w "$@" || { rfm log w | tail -n 25; return 1; }
	[ "$change" != memory-out ] || rfm resize w --memory 640M
}

do_change()
{
	case $1 in
	cpu-in) set -- --cpus +1 ;;
	cpu-out) set -- --cpus -1 ;;
	memory-in) set -- --memory +128M ;;
	memory-out) set -- --memory 512M ;;
	pci-in) set -- --pci "+$disk" ;;
	pci-out) set -- --pci "-$disk" ;;
	esac
	rfm resize w "$@" --timeout 3 >/run/said 2>&1
}

# point CHANGE FUNCTION panic|spin AFTER: what happens there, and what comes of it
point()
{
	change=$1
	title="$1, $3 $([ "$4" = 1 ] && echo after || echo before) $2"
	check "$title: a subOS" prepare "$1"
	is "$(inside w "insmod /rf/rftest.ko what=at-$3 at=$2 after=$4 && echo set")" set \
		"$title: it waits there"
	do_change "$1"
	status=$?
	# After the answer has been sent the change is done, whatever comes then.
	like "$status $2 $4 $(cat /run/said)" '^([1-9]|0 ficm_send 1)' "$title: it fails ($status)"
	check "$title: it is said in one line at most" test "$(wc -l </run/said)" -le 1
	check "$title: the subOS is $3" eventually 60 dead_or_stuck "$3"
	audit "$title: each thing has one owner"
	check "$title: it goes" rfm destroy --force w
	is "$(held) $(nproc)" "0 5" "$title: all has come back"
	check "$title: the drive, too" eventually 60 has_disk "$disk"
	audit "$title: the invariants hold"
}

# points CHANGE FUNCTION
points()
{
	for how in panic spin; do
		for after in 0 1; do
			point "$1" "$2" $how $after
		done
	done
}

change=none
check "control: without a fault" prepare cpu-in
check "control: a core comes" do_change cpu-in
check "control: dead_or_stuck tells" eval '! dead_or_stuck panic'
check "control: something is held" test "$(held)" -gt 0
check "control: it goes" rfm destroy w
if [ -n "$RF_LONG" ]; then
	for step in "cpu-in add_cpu" "cpu-out remove_cpu" "memory-in add_memory_driver_managed" \
		"memory-in online_pages" "memory-out offline_and_remove_memory" \
		"pci-in pci_scan_single_device" "pci-in pci_bus_add_device" \
		"pci-out pci_stop_and_remove_bus_device" "cpu-in ficm_send" "cpu-out ficm_send" \
		"memory-in ficm_send" "memory-out ficm_send" "pci-in ficm_send" "pci-out ficm_send"; do
		# shellcheck disable=SC2086
		points $step
	done
else
	point cpu-in add_cpu panic 1
	point cpu-out ficm_send spin 0
	point memory-in add_memory_driver_managed panic 0
	point memory-out offline_and_remove_memory panic 1
	point pci-out pci_stop_and_remove_bus_device spin 1
fi
check "rmmod" rmmod rfcontroller
END
done_testing
