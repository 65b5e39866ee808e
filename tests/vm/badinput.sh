#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Bad input and bad luck: one line that names the thing and the way out, the
# documented exit code, and nothing lost.
# timeout: 1200 3600
# beside
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
need_build

mkdir -p "$T_DIR/tree" "$T_DIR/include/linux"
disk=$(scratch disk 32M)
other=$(scratch other 32M)
echo "still here" >"$T_DIR/tree/file"
mke2fs -q -t ext4 -d "$T_DIR/tree" "$disk" || bail "no file system could be made"

# rfm_of NAME SED: an rfm whose idea of the interface is another one
rfm_of()
{
	sed "$2" "$T_TOP/include/uapi/linux/rainforest.h" >"$T_DIR/include/linux/rainforest.h"
	! cmp -s "$T_TOP/include/uapi/linux/rainforest.h" "$T_DIR/include/linux/rainforest.h" ||
		bail "$1 has the same interface"
	objects=
	for src in "$T_TOP"/rfm/*.c; do
		name=$(basename "$src" .c)
		case $name in
		dev | cmd-check) objects="$objects $src" ;;
		*) objects="$objects $T_TOP/build/obj/rfm/$name.o" ;;
		esac
	done
	objects="$objects $T_TOP/build/obj/exec/*.o $T_TOP/build/librainforest.a"
	for name in $(sed -n 's/^device-obj := .*,//p' "$T_TOP/Makefile" | tr -d ')'); do
		objects="$objects $T_TOP/build/obj/backend/$name.o"
	done
	libs=$(sed -n 's/^rfm-libs := //p' "$T_TOP/Makefile")
	# shellcheck disable=SC2046,SC2086
	${CC:-gcc} -std=gnu11 -D_GNU_SOURCE -DRFM_VERSION='"9.9"' -I"$T_DIR/include" \
		-I"$T_TOP/include/uapi" -I"$T_TOP/include" -I"$T_TOP/backend" $(pkg-config --cflags $libs) \
		-o "$T_DIR/$1" $objects $(pkg-config --libs $libs) -lpthread ||
		bail "$1 cannot be built"
}
rfm_of rfm-newer 's/^\(#define RF_ABI_VERSION[[:space:]]*\)[0-9]*/\177/'
rfm_of rfm-larger 's/^\([[:space:]]char version\)\[32\]/\1[64]/'

order=$T_DIR/ioctlorder
${CC:-gcc} -static -O1 -Wall -I"$T_TOP/include/uapi" -o "$order" "$T_TOP/tests/vm/ioctlorder.c" ||
	bail "ioctlorder does not compile"

# --- one thing wrong at a time ---
run_guest --smp 4 --memory 2G --disk "$disk" --disk "$other" --module ext4 \
	--qemu -device --qemu edu --copy "$T_TOP/tests/vm/badinput.lib:/rf/badinput.lib" \
	--copy "$(command -v setpriv):/usr/local/bin/setpriv" \
	--copy "$order:/usr/local/bin/ioctlorder" \
	--copy "$T_DIR/rfm-newer:/usr/local/bin/rfm-newer" \
	--copy "$T_DIR/rfm-larger:/usr/local/bin/rfm-larger" <<'END'
. /rf/badinput.lib
A=$(bdf_of /dev/rfdisk0)
B=$(bdf_of /dev/rfdisk1)
edu=$(with_id 0x1234 0x11e8)
release=$(uname -r)
pattern=$(uname -r | sed 's/[+.]/\\&/g')
kernel=/boot/vmlinuz-$release
create() { rfm create x --cpus 1 --memory 256M "$@"; }

# the module
bad 7 'rfcontroller is not loaded; modprobe rfcontroller' "the module is not loaded" create
bad 7 'rfcontroller is not loaded; modprobe' "nor for a list" rfm list
like "$(rfm check)" 'warn +module +rfcontroller is not loaded: modprobe' "rfm check says so"
modprobe rfcontroller
bad 7 'module .* has ABI 3\..*, rfm .* has ABI 77\.' "a tool of another version" rfm-newer list
bad 7 'the module speaks no version known to rfm' "a tool with other structures" rfm-larger list
like "$(rfm-newer check)" 'fail +module .*install both' "its check says so, too"

# Control: the same command without anything wrong does, and gives all back. It
# fills the cache of images, too.
before
check "control: a creation" create
check "control: a lasting subOS is noticed" eval '! nothing_lost'
check "control: its end" rfm destroy --force x
check "control: nothing is lost" nothing_lost

# who
echo "nobody:x:65534:65534::/:/bin/sh" >>/etc/passwd
bad 5 'only root may do this; use sudo' "not root" \
	su nobody -c 'rfm create x --cpus 1 --memory 256M'
chmod 666 /dev/rainforest
bad 5 'only root may do this; use sudo' "not root, and the device lets anybody in" \
	su nobody -c 'rfm list'
chmod 600 /dev/rainforest
like "$(su nobody -c 'rfm check')" 'fail +root .*sudo' "rfm check as nobody says so"

# CPUs
bad 3 'no CPU 9; this machine has 0-3' "a CPU that is not there" \
	rfm create x --cpus 2,9 --memory 256M
bad 4 'CPU 0 stays with the supervisor; choose other' "CPU 0" \
	rfm create x --cpus 0-1 --memory 256M
bad 4 '6 CPUs are wanted, 3 can be had' "more CPUs than there are" \
	rfm create x --cpus 6 --memory 256M
echo 0 >/sys/devices/system/cpu/cpu3/online
bad 4 'CPU 3 is off line .*bring it on line' "a CPU that is off line" \
	rfm create x --cpus 3-3 --memory 256M
echo 1 >/sys/devices/system/cpu/cpu3/online

# names and numbers
bad 2 "'Web' is no name" "a malformed name" rfm create Web --cpus 1 --memory 256M
bad 2 "is no name" "a name that is a path" rfm create ../x --cpus 1 --memory 256M
bad 2 "neither a number" "no number of CPUs" rfm create x --cpus two --memory 256M
bad 2 "no size" "no size" rfm create x --cpus 1 --memory much
bad 2 "no machine has that much" "a size beyond everything" \
	rfm create x --cpus 1 --memory 99999999T
bad 3 'no NUMA node 7' "a NUMA node that is not there" create --node 7
for verb in show log console restart stop destroy; do
	refused 3 'there is no subOS of this name; rfm list' "$verb of a subOS that is not there" \
		rfm $verb x
done
printf '[subos]\nname = x\ncpus = 1\nmemory = 256M\ncolour = green\n' >/run/conf
bad 2 "conf:5: not one of name, .*'colour'" "an unknown key in a configuration file" \
	rfm create -f /run/conf

# files
bad 3 '/run/nosuch is not there; name the kernel' "a kernel that is not there" \
	create --kernel /run/nosuch
bad 7 '/run/conf is no Linux kernel' "a file that is no kernel" create --kernel /run/conf
bad 7 'is a directory' "a directory" create --kernel /boot
mkfifo /run/fifo
bad 7 'is not a regular file' "a pipe" create --kernel /run/fifo
for size in 1000 4000 30000 5000000; do
	head -c $size "$kernel" >/run/short
	bad 7 'truncated' "a kernel cut after $size bytes" create --kernel /run/short
done
cp "$kernel" /run/damaged
printf '\000\000' | dd of=/run/damaged bs=1 seek=566 conv=notrunc 2>/dev/null
bad 7 '32-bit' "a kernel that is 32-bit only" create --kernel /run/damaged
cp "$kernel" /run/damaged
dd if=/dev/zero of=/run/damaged bs=4096 seek=800 count=20 conv=notrunc 2>/dev/null
bad 7 'damaged|corrupt' "a kernel with a hole in it" create --kernel /run/damaged
cp "$kernel" /run/damaged
chmod 000 /run/damaged
bad 5 'damaged cannot be read: permission denied' "a kernel without read permission" \
	/usr/local/bin/setpriv --bounding-set -dac_override,-dac_read_search \
	rfm create x --cpus 1 --memory 256M --kernel /run/damaged
rm /run/damaged /run/short
bad 3 'no initrd /run/nosuch; name another' "an initrd that is not there" create --initrd /run/nosuch
bad 7 'initrd /boot is no file' "an initrd that is a directory" create --initrd /boot
: >/run/empty
bad 7 'is empty' "an empty initrd" create --initrd /run/empty

# memory
cp /usr/lib/rainforest/initrd-default /run/initrd
truncate -s 90M /run/initrd
bad 2 '256M of memory are too little: .* need --memory [0-9]+M$' \
	"less memory than kernel and initrd need" create --initrd /run/initrd
need=$(create --initrd /run/initrd 2>&1 | sed 's/.*--memory //')
check "what is needed is enough: $need" rfm create x --cpus 1 --memory "$need" --initrd /run/initrd
rfm destroy --force x
rm /run/initrd
bad 4 'MB of memory wanted, [0-9]+ MB can be had; ask for less' "more memory than there is" \
	rfm create x --cpus 1 --memory 64G
could=$(rfm create x --cpus 1 --memory 64G 2>&1 | sed 's/.*wanted, \([0-9]*\) MB.*/\1/')
check "what can be had can: $could MB" rfm create x --cpus 1 --memory "${could}M" --no-wait
rfm destroy --force x

# devices
modprobe ext4
bad 3 'no PCI function 0000:00:1e.7; lspci' "a device that is not there" create --pci 0000:00:1e.7
bad 2 'no PCI address' "a malformed address" create --pci disk
bad 4 'neither MSI nor MSI-X.*choose another' "a device without MSI" create --pci 0000:00:1f.3
bad 4 "$edu cannot be reset.*choose another" "a device that cannot be reset" create --pci "$edu"
mount -t ext4 /dev/rfdisk0 /mnt
bad 4 "$A carries nvme.*, mounted on /mnt; umount it" "a disk that is mounted" create --pci "$A"
is "$(cat /mnt/file)" "still here" "the file system on it still works"
umount /mnt
bad 3 "there is no PCI function 0000:00:1e.7" "a good device and a bad one" \
	create --pci "$B" --pci 0000:00:1e.7

# the command line of the kernel; control: a creation adds to the ledger
entries() { rfm ledger | wc -l; }
was=$(entries)
create && rfm destroy --force x
check "control: a creation takes something" test "$(entries)" -gt "$was"
was=$(entries)
for word in maxcpus=3 panic=5 pci=conf1 console=ttyS0 nr_cpus=0 'x="y'; do
	bad 2 "create x: .*($(echo "$word" | cut -d= -f1)|quote)" "--append $word" \
		create --append "$word"
done
is "$(entries)" "$was" "nothing was taken for the sake of any of these"

# calls in the wrong order: a kernel that is loaded was told what it has
before
cat >/run/order <<'EOF'
first cpus: OK
first memory: OK
cpus before: OK
pci before: OK
load: OK
cpus: EBUSY TOLD
memory: EBUSY TOLD
pci: EBUSY TOLD
cpus: EBUSY TOLD
memory: EBUSY TOLD
pci: EBUSY TOLD
bad load: EINVAL parameter maxcpus=3: which CPUs run is decided by the supervisor; use --cpus
cpus after: OK
pci after: OK
EOF
is "$(ioctlorder "$A" | sed 's/ *$//; s/order has a kernel loaded, which was told .*/TOLD/')" \
	"$(cat /run/order)" "nothing can be added between load and start"
check "... nothing is lost" nothing_lost

# a kernel without our module
mv "/usr/lib/rainforest/modules/$release" /run/away
bad 7 "no rfsubos.ko for kernel $pattern; install .*--unsafe-bare" "a kernel without our module" create
like "$(rfm check)" "warn +kernel +$pattern has no rfsubos.ko" "rfm check says so"
check "--unsafe-bare takes it" create --unsafe-bare
like "$(rfm list)" '^x .*\(bare\)' "rfm list says so"
rfm destroy --force x
mv /run/away "/usr/lib/rainforest/modules/$release"

# no room for the cache of images
mkdir -p /var/cache/rainforest
mount -t tmpfs -o size=64k,mode=700 tmpfs /var/cache/rainforest
before
check "no room for the cache: no matter" create
rfm destroy --force x
check "... nothing is lost" nothing_lost
umount /var/cache/rainforest

# what is taken
check "another subOS" rfm create web --cpus 2-3 --memory 256M --pci "$B"
bad 4 'there is a subOS of this name; choose another, or rfm destroy web' "a name that is taken" \
	rfm create web --cpus 1 --memory 256M
bad 4 'CPU 3 belongs to subOS web; choose other' "a CPU that is taken" \
	rfm create x --cpus 1,3 --memory 256M
bad 4 '4 CPUs are wanted, 1 can be had' "more CPUs than are left" \
	rfm create x --cpus 4 --memory 256M
bad 4 "$B belongs to web" "a device that is taken" create --pci "$B"
echo 0 >/sys/devices/system/cpu/cpu1/online
exec 9<"$(readlink -f /dev/rfdisk0)"
rfm create web --cpus 0-1,3,9 --memory 99G --pci "$A" --pci "$B" --pci "$edu" --append panic=5 \
	--dry-run 2>/run/dry
exec 9<&-
echo 1 >/sys/devices/system/cpu/cpu1/online
for what in 'there is a subOS of this name' 'CPU 0 stays' 'CPU 1 is off line' \
	'CPU 3 belongs to subOS web' 'no CPU 9' "$A: disk .* is open" "$B belongs to web" \
	'parameter panic=5: a panic must halt' "$edu cannot be reset" 'memory could be had, 99G are wanted'; do
	check "a dry run names it all: $what" grep -q "$what" /run/dry
done
is "$(rfm list --json | grep -c '"name"')" 1 "the other subOS is not touched"
check "its end" rfm destroy web
audit "the invariants hold"
check "the module can be unloaded" rmmod rfcontroller
END

# --- Secure Boot, without keys: only signed modules can be loaded ---
run_guest --smp 2 --memory 1G --append lockdown=integrity \
	--copy "$T_TOP/tests/vm/badinput.lib:/rf/badinput.lib" <<'END'
. /rf/badinput.lib
mount -t securityfs securityfs /sys/kernel/security
like "$(cat /sys/kernel/security/lockdown)" '\[integrity\]' "the kernel is locked down"
check "control: a module of the distribution can be loaded" modprobe msr
before
check "ours cannot" eval '! modprobe rfcontroller 2>/run/err'
check "nothing is lost" nothing_lost
like "$(rfm check)" 'fail +lockdown +the kernel is locked down \(Secure Boot\): sign the modules .*mokutil' \
	"rfm check says what to do"
bad 7 'rfcontroller is not loaded' "a creation" rfm create x --cpus 1 --memory 256M
END
done_testing
