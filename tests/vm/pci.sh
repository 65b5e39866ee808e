#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# PCI functions: which are refused and why, and that they come back as they were.
# timeout: 600
# beside
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
need_build

pcictl=$T_DIR/pcictl
disk=$(scratch disk 64M)
other=$(scratch other 64M)
${CC:-gcc} -static -O1 -Wall -I"$T_TOP/include/uapi" -o "$pcictl" "$T_TOP/tests/vm/pcictl.c" ||
	bail "pcictl does not compile"
mkdir -p "$T_DIR/tree"
echo "still here" >"$T_DIR/tree/file"
mke2fs -q -t ext4 -d "$T_DIR/tree" "$disk" || bail "no file system could be made"

# machine OPTION... < SCRIPT: run_guest with what all machines here have
machine()
{
	run_guest --smp 4 --disk "$disk" --disk "$other,port" --module ext4 \
		--copy "$pcictl:/usr/local/bin/pcictl" --copy "$T_DIR/pci-lib:/rf/pci-lib" \
		--qemu -netdev --qemu user,id=net \
		--qemu -device --qemu pcie-root-port,id=netport,chassis=99 \
		--qemu -device --qemu virtio-net-pci,netdev=net,bus=netport "$@"
}

cat >"$T_DIR/pci-lib" <<'END'
SYS=/sys/bus/pci/devices
bdf_of()
{
	readlink -f "$1" | grep -oE '[0-9a-f]{4}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-9a-f]' | tail -n 1
}
# A and B are the disks, B behind a port; N is a network interface
find_functions()
{
	modprobe rfcontroller
	modprobe virtio_net
	A=$(bdf_of "/sys/class/block/$(basename "$(readlink -f /dev/rfdisk0)")")
	B=$(bdf_of "/sys/class/block/$(basename "$(readlink -f /dev/rfdisk1)")")
	N=$(bdf_of /sys/class/net/eth0)
	export A B N
}
# its name may be another after each rebind
disk_of()
{
	for d in "$SYS/$1"/nvme/nvme*/nvme*n1; do
		[ -e "$d" ] && echo "/dev/${d##*/}"
	done
}
has_disk()
{
	[ -b "$(disk_of "$1")" ]
}
driver_of()
{
	[ -e "$SYS/$1/driver" ] && basename "$(readlink "$SYS/$1/driver")"
}
bus_master()
{
	echo $(($(od -An -tu1 -j4 -N1 "$SYS/$1/config") >> 2 & 1))
}
header()
{
	od -An -tx4 -N64 "$SYS/$1/config"
}
sum()
{
	md5sum <"$(disk_of "$1")"
}
END

machine <<'END'
. /rf/pci-lib
find_functions
modprobe ext4

# --- what cannot be given away ---
refused 1 'ENODEV: there is no PCI function 0000:00:1e.7' "a function that is not there" \
	pcictl dry 0000:00:1e.7
refused 3 '0000:00:1e.7' "rfm: a function that is not there" \
	rfm create x --cpus 1 --memory 256M --pci 0000:00:1e.7
port=$(basename "$(dirname "$(readlink -f $SYS/$B)")")
refused 1 "EOPNOTSUPP: PCI function $port is a bridge" "a bridge" pcictl dry "$port"
refused 1 'EOPNOTSUPP: .*neither MSI nor MSI-X' "a function without MSI" pcictl dry 0000:00:1f.3
refused 4 'neither MSI nor MSI-X' "rfm: a function without MSI" \
	rfm create x --cpus 1 --memory 256M --pci 0000:00:1f.3
refused 1 'EOPNOTSUPP: .*cannot be reset' "a function that cannot be reset" \
	pcictl dry 0000:00:1f.2
check "control: the NVMe drive is accepted" pcictl dry "$A"
check "control: the one behind a port is accepted" pcictl dry "$B"
is "$(driver_of "$A")" nvme "a dry run changes nothing"

# --- what is in use ---
mount -t ext4 "$(disk_of "$A")" /mnt
refused 1 'EBUSY: disk nvme.* is in use' "a mounted disk" pcictl claim "$A"
refused 4 'mounted on /mnt' "rfm: a mounted disk" \
	rfm create x --cpus 1 --memory 256M --pci "$A"
is "$(cat /mnt/file)" "still here" "the mounted disk still works"
umount /mnt
check "control: unmounted, it is accepted" pcictl dry "$A"
exec 3<"$(disk_of "$A")"
refused 1 'EBUSY: disk nvme.* is open' "a disk that a program has open" pcictl claim "$A"
exec 3<&-
check "control: closed, it is accepted" pcictl dry "$A"
mkswap "$(disk_of "$B")" >/dev/null
swapon "$(disk_of "$B")"
refused 1 'EBUSY: disk nvme.* is in use' "a disk with swap" pcictl claim "$B"
swapoff "$(disk_of "$B")"
ip link set eth0 up
refused 1 'EBUSY: network interface eth0 is up' "a network interface that is up" \
	pcictl claim "$N"
ip link set eth0 down
check "control: taken down, it is accepted" pcictl dry "$N"

# --- what happens to one that is taken ---
before=$(sum "$A")
config=$(header "$A")
is "$(bus_master "$A")" 1 "control: with its driver, bus mastering is on"
cat >/run/held <<'SCRIPT'
. /rf/lib.sh
. /rf/pci-lib
is "$(driver_of "$A")" rfcontroller "held: bound to our driver"
is "$(bus_master "$A")" 0 "held: bus mastering is off"
refused 1 "EBUSY: PCI function $A belongs to subOS pcictl-" "held: nobody else gets it" \
	pcictl claim "$A"
check "held: it cannot be unbound by hand" test ! -e /sys/bus/pci/drivers/rfcontroller/unbind
like "$(rfm resources)" "pci +$A .*pcictl-" "held: rfm resources names its owner"
like "$(rfm ledger | grep pci | tail -n 1)" "$A .*\(supervisor\) .* -$" "held: the ledger has it"
audit "held: the invariants hold"
printf '\377' | dd of=$SYS/$A/config bs=1 seek=60 conv=notrunc 2>/dev/null
printf '\006' | dd of=$SYS/$A/config bs=1 seek=4 conv=notrunc 2>/dev/null
is "$(bus_master "$A")" 1 "held: bus mastering was turned on behind our back"
refused 1 . "held: the audit notices" sh -c 'rfm audit >/run/found 2>&1 || { echo x >&2; exit 1; }'
like "$(cat /run/found)" "$A: bus master is on" "held: and says what"
SCRIPT
pcictl claim "$A" -- sh /run/held
check "its driver takes it back" eventually 20 has_disk "$A"
is "$(driver_of "$A")" nvme "the driver is the one from before"
is "$(cat $SYS/$A/driver_override)" "(null)" "driver_override is the one from before"
is "$(header "$A")" "$config" "the configuration header is the one from before"
is "$(sum "$A")" "$before" "the data is intact"
is "$(bus_master "$A")" 1 "bus mastering is on again"
audit "given back: the invariants hold"

echo nvme >$SYS/$A/driver_override
pcictl claim "$A" -- true
is "$(cat $SYS/$A/driver_override)" nvme "a driver_override of the user is kept"
eventually 20 has_disk "$A"
echo >$SYS/$A/driver_override
echo "$A" >/sys/bus/pci/drivers/nvme/unbind
pcictl claim "$A" -- true
is "$(driver_of "$A")" "" "what had no driver gets none"
echo "$A" >/sys/bus/pci/drivers/nvme/bind
check "control: it could have had one" eventually 20 has_disk "$A"

# --- bad luck ---
pcictl claim "$A" "$B" 0000:00:1f.3 2>/dev/null
check "a claim that fails in the middle gives back the first" eventually 20 has_disk "$A"
check "and the second" eventually 20 has_disk "$B"
# shellcheck disable=SC2016
pcictl claim "$A" -- sh -c 'kill -9 $PPID' 2>/dev/null
check "the holder is killed: it comes back" eventually 20 has_disk "$A"
is "$(sum "$A")" "$before" "the data is intact after all that"
pcictl claim "$B" -- sh -c "echo 1 >$SYS/$B/remove; rfm audit" >/run/out 2>&1
is "$?" 0 "unplugged while it is held: the audit has no complaint"
check "and it is gone" test ! -e $SYS/$B
echo 1 >/sys/bus/pci/rescan
check "plugged in again, it is the supervisor's" eventually 20 has_disk "$B"
is "$(cat $SYS/$B/driver_override)" "(null)" "with nothing of ours left"
audit "the invariants hold in the end"

# --- a reset fails ---
fail=/sys/module/rfcontroller/parameters/fail_point
echo pci_reset >$fail
refused 1 'EIO: PCI function .* could not be taken from driver nvme' "the reset fails at the start" \
	pcictl claim "$A"
check "its driver takes it back" eventually 20 has_disk "$A"
like "$(rfm ledger | grep pci | tail -n 1)" "$A .*\(supervisor\) +\(supervisor\) +[^-]" \
	"the ledger has the failure"
check "a subOS has the other" rfm create q --cpus 1 --memory 256M --pci "$B" --no-wait
echo pci_reset >$fail
check "its reset fails when it is stopped" rfm stop --force q
is "$(cat $fail)" "" "control: it did"
is "$(bus_master "$B")" 0 "bus mastering is off all the same"
echo pci_reset >$fail
refused 8 "$B cannot be reset and is quarantined" "and again when it is destroyed" \
	rfm destroy --force q
like "$(rfm resources)" "pci +$B .*quarantine" "it is quarantined"
is "$(driver_of "$B")" rfcontroller "no driver has it"
audit "the invariants hold"
refused 1 'EBUSY: .* belongs to the quarantine' "nobody gets it" pcictl claim "$B"
check "the module can be unloaded" rmmod rfcontroller
check "and is no PCI driver any more" test ! -e /sys/bus/pci/drivers/rfcontroller
echo "$B" >/sys/bus/pci/drivers_probe
is "$(driver_of "$B")" "" "even then no driver gets it"
echo >$SYS/$B/driver_override
echo "$B" >/sys/bus/pci/drivers_probe
check "control: unless the user says so" eventually 20 has_disk "$B"
END

# --- IOMMU: each refusal beside the same machine with the way out ---
iommu()
{
	append=$1
	remap=$2
	shift 2
	# shellcheck disable=SC2016
	printf '. /rf/pci-lib\nfind_functions\n%s "$A"\n' "$*" >"$T_DIR/iommu"
	machine --append "intel_iommu=on $append" \
		--qemu -device --qemu "intel-iommu,intremap=$remap" <"$T_DIR/iommu"
}
iommu "" off "refused 1 'EOPNOTSUPP: .*translating IOMMU' 'behind a translating IOMMU' pcictl dry"
iommu "iommu=pt" off "check 'control: with iommu=pt it is accepted' pcictl dry"
iommu "iommu=pt" on "refused 1 'EOPNOTSUPP: .*remapping' 'behind interrupt remapping' pcictl dry"
iommu "iommu=pt intremap=off" on "check 'control: with intremap=off it is accepted' pcictl dry"
done_testing
