#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Virtio devices of a subOS, served by processes of the supervisor: network cards, directories,
# disks. They come and go while it runs; what serves them is killed under load, and nothing is
# lost but what has to be.
# timeout: 1200 3600
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
need_build

for program in /usr/lib/qemu/virtiofsd /usr/bin/qemu-storage-daemon; do
	[ -x "$program" ] || skip_all "there is no $program: run tools/setup"
done
mkdir -p "$T_DIR"

run_guest --smp 5 --memory 4G --module bridge --module virtiofs \
	--copy /usr/lib/qemu/virtiofsd:/usr/lib/qemu/virtiofsd \
	--copy /usr/bin/qemu-storage-daemon:/usr/bin/qemu-storage-daemon \
	--copy "$T_TOP/tests/vm/lifecycle.lib:/rf/lifecycle.lib" <<'END'
. /rf/lifecycle.lib

# state_of NAME DEVICE: in the list
state_of() { rfm device list "$1" --json | tr -d '\n' | sed 's/}/}\n/g' | sed -n "s/.*\"device\": *\"$2\".*\"state\": *\"\([^\"]*\)\".*/\1/p"; }
state_is() { [ "$(state_of "$1" "$2")" = "$3" ]; }
# worker NAME: pid of the process without privileges
worker() { for w_pid in $(cat "/sys/fs/cgroup/rainforest/$1/cgroup.procs"); do [ "$(cat /proc/$w_pid/comm)" != rfworker ] || echo "$w_pid"; done; }
# helpers NAME PROGRAM: pids of it
helpers() { for w_pid in $(cat "/sys/fs/cgroup/rainforest/$1/cgroup.procs"); do case $(cat "/proc/$w_pid/comm") in "$2"*) echo "$w_pid" ;; esac; done; }
answers() { ping -c 1 -W 2 "$1"; }
another_worker() { [ -n "$(worker "$1")" ] && [ "$(worker "$1")" != "$2" ]; }
mb=$(rounds 4 64)

mount -t cgroup2 none /sys/fs/cgroup 2>/dev/null
modprobe rfcontroller
modprobe rfcom
modprobe rfvhost
modprobe tun
modprobe vhost_net
mkdir -p /srv/data /srv/www
dd if=/dev/urandom of=/srv/www/file bs=1M count="$mb" 2>/dev/null
cp /srv/www/file /srv/data/file
dd if=/dev/zero of=/srv/disk bs=1M count=64 2>/dev/null
sum=$(md5sum </srv/www/file | cut -c1-32)

check "a starts with a card, a directory, a disk" rfm create a --cpus 1-2 --memory 512M \
	--net tap=tapa,mac=02:00:00:00:00:0a --fs data=/srv/data --disk /srv/disk
rfm device list
check "the card is used" eventually 60 state_is a net0 "in use"
rfm device list
cat /sys/fs/cgroup/rainforest/a/cgroup.procs
ip addr add 10.1.0.1/24 dev tapa
inside a 'ip link; ip addr add 10.1.0.2/24 dev eth0; ip link set eth0 up; ip addr'
check "a answers over it" eventually 30 answers 10.1.0.2
inside a 'ls -l /sys/bus/virtio/devices/; mkdir /mnt; mount -t virtiofs data /mnt; ls -l /mnt /dev/vda; md5sum /mnt/file'
rfm device list
dmesg | tail -n 20
rfm log a | tail -n 20
check "a is destroyed" rfm destroy a
ls /sys/fs/cgroup/rainforest /run/rainforest
audit "nothing was lost"
END
done_testing
