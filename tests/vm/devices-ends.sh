#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Devices of a subOS where things come to an end: file systems that are full or unmounted, lost
# directories, other formats and sizes. All in one machine.
# timeout: 900 1800
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
need_build

for program in /usr/lib/qemu/virtiofsd /usr/bin/qemu-storage-daemon; do
	[ -x "$program" ] || skip_all "there is no $program: run tools/setup"
done
mkdir -p "$T_DIR"
# An empty image of 16 MB: a header, a table of the reference counts, these, one of clusters.
python3 - "$T_DIR/qcow2" <<'END' || bail "no image"
import struct
import sys
cluster = 1 << 16
header = struct.pack(">4sIQIIQIIQQIIQ", b"QFI\xfb", 2, 0, 0, 16, 16 << 20, 0, 1, 3 * cluster,
                     cluster, 1, 0, 0)
parts = [header, struct.pack(">Q", 2 * cluster), struct.pack(">4H", 1, 1, 1, 1), b""]
with open(sys.argv[1], "wb") as image:
    image.write(b"".join(part.ljust(cluster, b"\0") for part in parts))
END
${CC:-gcc} -std=gnu11 -D_GNU_SOURCE -static -O2 -Wall -Wextra -o "$T_DIR/directctl" \
	"$T_TOP/tests/vm/directctl.c" || bail "directctl does not compile"

run_guest --smp 4 --memory 3G --module virtiofs --copy "$T_DIR/qcow2:/srv/qcow2" \
	--copy "$T_DIR/directctl:/usr/bin/directctl" \
	--copy /usr/lib/qemu/virtiofsd:/usr/lib/qemu/virtiofsd \
	--copy /usr/bin/qemu-storage-daemon:/usr/bin/qemu-storage-daemon \
	--copy "$T_TOP/tests/vm/lifecycle.lib:/rf/lifecycle.lib" <<'END'
. /rf/lifecycle.lib

# state_of DEVICE: of a's, in the list
state_of() { rfm device list a --json | tr -d '\n' | sed 's/}/}\n/g' | sed -n "s/.*\"device\": *\"$1\".*\"state\": *\"\([^\"]*\)\".*/\1/p"; }
state_is() { [ "$(state_of "$1")" = "$2" ]; }
helpers() { for w_pid in $(cat /sys/fs/cgroup/rainforest/a/cgroup.procs); do case $(cat "/proc/$w_pid/comm") in "$1"*) echo "$w_pid" ;; esac; done; }
# Disks of a are named as their drivers come: their sizes tell which is which.
# shellcheck disable=SC2016 # its shell shall expand this
name_disks() { inside a 'for d in vda vdb; do case $(cat /sys/block/$d/size) in 65536) ln -s $d /dev/thin ;; 32768) ln -s $d /dev/qcow2 ;; esac; done' >/dev/null; }
answers() { ping -c 1 -W 2 10.1.0.2; }
# sum_of FILE: of a's, past its page cache
sum_of() { inside a "sync; echo 3 >/proc/sys/vm/drop_caches; md5sum <$1 | cut -c1-32"; }
# sum FILE [MB]: of the supervisor's
sum() { dd if="$1" bs=1M count="${2:-9999}" 2>/dev/null | md5sum | cut -c1-32; }
# says COMMANDS: what they say in a, and "ended 0" or another number
says() { inside a "($1) 2>&1; echo ended \$?"; }
# mounts TAG DIR: in a
mounts() { inside a "mkdir -p $2; mount -t virtiofs $1 $2" >/dev/null; }

mount -t cgroup2 none /sys/fs/cgroup 2>/dev/null
for module in rfcontroller rfcom rfvhost tun vhost_net; do modprobe $module; done
mkdir -p /run/more/usr/bin /srv/small /srv/thin /srv/data
mount -t tmpfs -o size=8m small /srv/small
mount -t tmpfs -o size=8m thin /srv/thin
dd if=/dev/urandom of=/srv/data/file bs=1M count=4 2>/dev/null
truncate -s 32M /srv/thin/disk
cp /usr/bin/directctl /run/more/usr/bin
initrd_more
check "a starts" rfm create a --cpus 1-2 --memory 1G --initrd /run/initrd --net tap=tapa --fs small=/srv/small \
	--fs data=/srv/data --disk /srv/thin/disk --disk /srv/qcow2,format=qcow2
for device in net0 fs0 fs1 disk0 disk1; do
	check "$device is used" eventually 60 state_is $device "in use"
done
mounts small /small
mounts data /data
name_disks
inside a 'dd if=/dev/urandom of=/run/mb bs=1M count=1 2>/dev/null' >/dev/null
mb=$(sum_of /run/mb)

# --- full: a directory ---
like "$(says 'dd if=/dev/zero of=/small/much bs=64k count=256')" "No space left on device" "a full directory: a is told"
is "$(df -k /srv/small | awk 'END { print $4 }')" 0 "it is full indeed"
like "$(says 'dd if=/run/mb of=/small/mb bs=64k')" "No space left on device" "and stays so"
is "$(says 'rm /small/much /small/mb' | tail -n 1)" "ended 0" "a makes space"
is "$(says 'cat /run/mb >/small/mb && sync' | tail -n 1)" "ended 0" "a writes again"
is "$(sum /srv/small/mb) $(sum_of /small/mb)" "$mb $mb" "and all of it is there"

# --- full: what a disk lies on ---
is "$(says 'dd if=/run/mb of=/dev/thin bs=64k conv=fsync' | tail -n 1)" "ended 0" "a disk with space is written"
like "$(says 'dd if=/dev/urandom of=/dev/thin bs=64k seek=16 count=256 conv=fsync')" \
	"error|No space left" "an image that cannot grow: a is told"
is "$(df -k /srv/thin | awk 'END { print $4 }')" 0 "there is no space indeed"
check "the disk is used still" state_is disk0 "in use"
is "$(inside a 'echo 3 >/proc/sys/vm/drop_caches; dd if=/dev/thin bs=1M count=1 2>/dev/null | md5sum | cut -c1-32')" "$mb" "what was written can be read"
mount -o remount,size=64m /srv/thin
is "$(says 'dd if=/run/mb of=/dev/thin bs=64k seek=400 conv=fsync' | tail -n 1)" "ended 0" "with more space a writes again"
is "$(dd if=/srv/thin/disk bs=64k skip=400 count=16 2>/dev/null | md5sum | cut -c1-32)" "$mb" "and all of it is there"

# --- an image of format qcow2 ---
is "$(inside a 'cat /sys/block/$(readlink /dev/qcow2)/size')" 32768 "an image has the size that it says"
before=$(stat -c %s /srv/qcow2)
is "$(says "dd if=/run/mb of=/dev/qcow2 bs=64k seek=32 conv=fsync" | tail -n 1)" "ended 0" "it is written"
is "$(inside a "echo 3 >/proc/sys/vm/drop_caches; dd if=/dev/qcow2 bs=64k skip=32 count=16 2>/dev/null | md5sum | cut -c1-32")" "$mb" "and read"
is "$(inside a "dd if=/dev/qcow2 bs=1M count=1 2>/dev/null | tr -d '\\0' | wc -c")" 0 "a hole reads as zeroes"
check "the image is of that format still, and has grown" eval \
	'[ "$(head -c 3 /srv/qcow2)" = QFI ] && [ "$(stat -c %s /srv/qcow2)" -gt "$before" ]'

# --- past the page cache ---
m=1048576
# direct FILE OFFSET: the checksum of a MB there, read by a with O_DIRECT; or what went wrong
direct() { inside a "directctl read $1 $2 $m 2>&1 | md5sum | cut -c1-32"; }
# at FILE MB: the checksum of that MB of the supervisor's
at() { dd if="$1" bs=1M skip="$2" count=1 2>/dev/null | md5sum | cut -c1-32; }
is "$(says "directctl write /data/direct 0 $m </run/mb" | tail -n 1)" "ended 0" "O_DIRECT: a directory is written"
is "$(sum /srv/data/direct)" "$mb" "it is there at once"
is "$(direct /data/file $m)" "$(at /srv/data/file 1)" "and read"
like "$(says 'directctl read /data/file 5 100 | wc -c')" "^100$|Invalid argument" "a piece of a sector: data, or refused"
is "$(says "directctl write /dev/thin $((20 * m)) $m </run/mb" | tail -n 1)" "ended 0" "O_DIRECT: a disk is written"
is "$(at /srv/thin/disk 20)" "$mb" "it is there at once"
is "$(direct /dev/thin $((20 * m)))" "$mb" "and read"
buffered() { inside a 'exec 5</dev/thin; dd bs=1M skip=20 count=1 <&5 2>/dev/null | md5sum | cut -c1-32'; }
is "$(buffered)" "$mb" "a keeps a page of it"
dd if=/srv/data/file of=/srv/thin/disk bs=1M seek=20 skip=2 count=1 conv=notrunc 2>/dev/null
is "$(buffered)" "$mb" "control: as it was, whatever the supervisor writes"
is "$(direct /dev/thin $((20 * m)))" "$(at /srv/data/file 2)" "O_DIRECT: as it is now"
like "$(says 'directctl read /dev/thin 0 100')" "Invalid argument" "a piece of a sector is refused"

# --- the MTU of an interface ---
ip addr add 10.1.0.1/24 dev tapa
inside a 'ip addr add 10.1.0.2/24 dev eth0; ip link set eth0 up' >/dev/null
check "a answers" eventually 30 answers
# packets: how many a question of 8000 bytes is
packets()
{
	p_n=$(cat /sys/class/net/tapa/statistics/tx_packets)
	ping -c 1 -W 5 -s 8000 10.1.0.2 >/dev/null || return 1
	echo $(($(cat /sys/class/net/tapa/statistics/tx_packets) - p_n))
}
fits() { p_sent=$(packets) && [ "$p_sent" -lt 6 ]; }
split() { p_sent=$(packets) && [ "$p_sent" -ge 6 ]; }
check "control: with an MTU of 1500 it is six packets" eventually 30 split
like "$(ping -c "$(rounds 20 500)" -i 0.1 -W 10 -s 8000 10.1.0.2 2>&1 | grep -v ' bytes from ')" ", 0% packet loss" "none is lost"
ip link set tapa mtu 9000
inside a 'ip link set eth0 mtu 9000' >/dev/null
check "with one of 9000 it is one" eventually 30 fits
httpd -p 8000 -h /srv/data
fetched() { inside a 'wget -q -O - http://10.1.0.1:8000/file | md5sum | cut -c1-32'; }
is "$(fetched)" "$(sum /srv/data/file)" "a fetches a file"
ip link set tapa mtu 1400
is "$(fetched)" "$(sum /srv/data/file)" "and with an MTU that is less than a's"
check "the card is used still" state_is net0 "in use"

# --- the file system of a directory is unmounted ---
check "control: without a subOS it can be unmounted" eval 'mkdir /srv/free && mount -t tmpfs none /srv/free && umount /srv/free'
like "$(umount /srv/small 2>&1)" "busy" "while it is a directory of a's it is busy"
is "$(sum_of /small/mb)" "$mb" "a has it still"
check "it is unmounted as soon as nobody uses it" umount -l /srv/small
is "$(ls -A /srv/small)" "" "the supervisor sees it no more"
is "$(says 'cp /small/mb /small/again && rm /small/mb && sync' | tail -n 1)" "ended 0" "a uses it on"
is "$(sum_of /small/again)" "$mb" "and all of it is there"

# --- a directory that is lost is back after a restart ---
mount -t tmpfs small /srv/small
cp /srv/data/direct /srv/small/other
# shellcheck disable=SC2046 # numbers
kill -9 $(helpers virtiofsd)
for device in fs0 fs1; do check "$device is lost" eventually 20 state_is $device lost; done
check "a restarts" rfm restart a --force
for device in fs0 fs1 disk0 disk1 net0; do
	check "$device is used" eventually 60 state_is $device "in use"
done
mounts small /small
mounts data /data
is "$(sum_of /small/other)" "$mb" "a has what is mounted there now"
is "$(sum_of /data/direct)" "$mb" "and what the other one has"
name_disks
is "$(inside a "dd if=/dev/qcow2 bs=64k skip=32 count=16 2>/dev/null | md5sum | cut -c1-32")" "$mb" "the qcow2 image has what was written before"

check "a is destroyed" rfm destroy a --force
check "the directory can be unmounted" umount /srv/small
check "the image's file system, too" umount /srv/thin
is "$(pidof rfbackend virtiofsd qemu-storage-daemon)" "" "nobody is left"
audit "nothing was lost"
END
done_testing
