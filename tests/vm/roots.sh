#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# SubOSes that boot from a directory of the supervisor: files behave there as POSIX says, and
# as they do on the supervisor's own file system; who loses the root has crashed, and is
# booted again if that was wanted. One of them is an unpacked container image. A real Debian,
# without a device of its own, serves a page to another subOS, over a bridge and by RFloop past
# it, lets it and the supervisor in by ssh over AF_VSOCK, and its fio verifies what it wrote to
# its root and to a disk.
# timeout: 1200 3600
# beside
# prepare: tests/vm/services-root
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
need_build

for program in /usr/lib/qemu/virtiofsd /usr/bin/qemu-storage-daemon; do
	[ -x "$program" ] || skip_all "there is no $program: run tools/setup"
done
mkdir -p "$T_DIR"
${CC:-gcc} -std=gnu11 -D_GNU_SOURCE -static -O2 -Wall -Wextra -o "$T_DIR/fsops" \
	"$T_TOP/tests/vm/fsops.c" || bail "fsops does not compile"
root=$("$T_TOP/tests/vm/services-root" 2>"$T_DIR/mkrootfs.log") ||
	skip_all "no Debian root could be made: see $T_DIR/mkrootfs.log"
disk=$T_DIR/disk
cp --sparse=always "$root" "$disk"

run_guest --smp 5 --memory 4G --disk "$disk" --module bridge --module virtiofs --module ext4 \
	--copy "$T_DIR/fsops:/usr/bin/fsops" --copy /usr/lib/qemu/virtiofsd:/usr/lib/qemu/virtiofsd \
	--copy /usr/bin/qemu-storage-daemon:/usr/bin/qemu-storage-daemon \
	--copy "$T_TOP/tests/vm/lifecycle.lib:/rf/lifecycle.lib" <<'END'
. /rf/lifecycle.lib

there() { rfm exec "$@" </dev/null 2>&1; }
on_virtiofs() { [ "$(there "$1" cat /proc/mounts | grep ' / ' | cut -d' ' -f3)" = virtiofs ]; }
page() { inside "$1" "wget -q -O - http://$2/ | head -n 1"; }
page_is() { [ "$(page "$1" "$2")" = "$3" ]; }

mount -t cgroup2 none /sys/fs/cgroup 2>/dev/null
for module in rfcontroller rfcom rfcom_vsock rfvhost tun vhost_net bridge ext4; do modprobe $module; done
ip link add br0 type bridge
ip link set br0 up
mkdir -p /srv/debian
mount /dev/rfdisk0 /srv/debian

# A root of a few files, on a file system that is as good as the Debian's.
for name in a b; do
	tiny=/srv/debian/srv/$name
	mkdir -p $tiny/bin $tiny/sbin $tiny/dev $tiny/proc $tiny/sys $tiny/tmp $tiny/run $tiny/files
	cp /bin/busybox /usr/bin/fsops $tiny/bin/
	for applet in sh mount ls cat stat sync sleep mkdir dmesg grep head setsid cttyhack; do ln -s busybox $tiny/bin/$applet; done
	cat >$tiny/sbin/init <<'INIT'
#!/bin/sh
mount -t proc proc /proc
mount -t sysfs sys /sys
while :; do setsid cttyhack sh; done
INIT
	chmod 755 $tiny/sbin/init
done
# b's is made of the layers of a container image: there is no init, only a shell, files have
# other owners, and what a layer removes is a whiteout.
layers=/srv/debian/srv/layers
mkdir -p $layers/run
mv /srv/debian/srv/b/bin/fsops $layers/run/
rm /srv/debian/srv/b/sbin/init
echo data >/srv/debian/srv/b/run/app
chown 1000:2000 /srv/debian/srv/b/run/app
chmod 640 /srv/debian/srv/b/run/app
touch /srv/debian/srv/b/run/old $layers/run/.wh.old
tar czf $layers/1 -C /srv/debian/srv/b . && tar czf $layers/2 -C $layers run && rm -r /srv/debian/srv/b/*
for n in 1 2; do
	tar xzf $layers/$n -C /srv/debian/srv/b
	find /srv/debian/srv/b -name '.wh.*' | while read -r file; do
		rm -r "$file" "${file%/*}/${file##*/.wh.}"
	done
done
mv /srv/debian/srv/b/run/fsops /srv/debian/srv/b/bin/

check "control: the supervisor's own file system is as POSIX says" eval 'mkdir /srv/debian/srv/own && fsops posix /srv/debian/srv/own >/run/own'
diag "$(grep -v ^ok /run/own)"

n=$(rounds 300 20000)
for name in a b; do
	kernel=
	[ $name = a ] || kernel="--kernel $OTHER_KERNEL"
	# shellcheck disable=SC2086 # two words, or none
	check "$name boots from a directory" rfm create $name --cpus $((1 + ($(printf %d "'$name") - 97))) \
		--memory 256M --on-crash restart --root /srv/debian/srv/$name $kernel
	# by rfm exec: the shell that is the image's first program does not
	[ $name = a ] || eventually 30 there b mount -t proc proc /proc
	check "$name: that is its root" eventually 30 on_virtiofs $name
	is "$(there $name ls -a / | xargs)" ". .. bin dev files proc run sbin sys tmp" "$name: nothing else is there"
	there $name fsops posix /files >"/run/$name.posix"
	for case in $(seq "$(grep -c . /run/own)"); do
		line=$(sed -n "${case}p" "/run/$name.posix")
		is "${line%%:*}" "$(sed -n "${case}p" /run/own)" "$name: ${line#*ok }"
	done
	is "$(there $name fsops random /files 1 "$n")" "$n operations" "$name: random operations on a file"
	is "$(there $name fsops churn /files 2 "$n")" "$n operations" "$name: random names"
	is "$(there $name fsops verify /files/big 3 "$(rounds 4 200)")" "$(rounds 4 200) MB" "$name: much data"
	check "$name: the same bytes are in the supervisor" eval \
		'[ "$(md5sum </srv/debian/srv/$name/files/big | cut -c1-32)" = "$(inside $name "busybox md5sum </files/big | cut -c1-32")" ]'
done

is "$(there b cat /proc/1/comm; there b stat -c '%u:%g %a %n' /run/app /run/old)" "sh
1000:2000 640 /run/app
stat: can't stat '/run/old': No such file or directory" "b: its first program is the image's shell, files have their owners, removed ones are not there"

# --- the root is lost ---
pids=$(for pid in $(cat /sys/fs/cgroup/rainforest/a/cgroup.procs); do case $(cat /proc/$pid/comm) in virtiofsd) echo $pid ;; esac; done)
# shellcheck disable=SC2086 # numbers
kill -9 $pids
lost() { rfm events | grep -q ' a is crashed.*root lost'; }
check "a loses its root: it has crashed" eventually 30 lost
again() { in_state a running && [ "$(there a cat /proc/1/comm)" = init ]; }
check "and boots again, as was wanted" eventually 100 again
is "$(there a cat /files/big | md5sum)" "$(md5sum </srv/debian/srv/a/files/big)" "with what it had"
check "a is destroyed" rfm destroy a --force
check "b, too" rfm destroy b --force

# --- Debian ---
dd if=/dev/zero of=/srv/disk bs=1M count=32 2>/dev/null
check "Debian boots from a directory" rfm create d --cpus 1-2 --memory 768M --root /srv/debian,cache=always \
	--net bridge=br0 --disk /srv/disk
check "e, with a card on the same bridge" rfm create e --cpus 3-3 --memory 256M --net bridge=br0 --fs debian=/srv/debian,ro
# It waits for that: asking again and again would slow the boot down.
up() { timeout 300 rfm exec d systemctl is-system-running --wait </dev/null 2>&1 | grep -Eq '^(running|degraded)'; }
check "the whole system comes up" eventually 300 up
diag "$(there d systemctl --failed --no-legend --plain; there d systemd-analyze time | head -n 1)"
is "$(there d cat /proc/1/comm)" systemd "its init is systemd"
like "$(there d findmnt -n -o FSTYPE,SOURCE /)" '^virtiofs +root' "its root is the supervisor's directory"
there d sh -c 'ip addr add 10.3.0.1/24 dev eth0; ip link set eth0 up; mkdir -p /srv/files; echo "from d" >/var/www/html/index.html'
inside e 'ip addr add 10.3.0.2/24 dev eth0; ip link set eth0 up' >/dev/null
check "another subOS fetches a page from its nginx" eventually 60 page_is e 10.3.0.1 "from d"
is "$(there d redis-cli set where rainforest-was-here)" OK "its redis takes data"
is "$(there d redis-cli save)" OK "and writes it to its root"
check "where the supervisor sees it" grep -aq rainforest-was-here /srv/debian/var/lib/redis/dump.rdb

# --- ssh, to a socket of systemd's, through socat, over AF_VSOCK ---
cid=$(($(number d id) + 2))
far='cat /proc/1/comm; md5sum | cut -c1-32; exit 7'
want="systemd $(md5sum </rf/lifecycle.lib | cut -c1-32) 7"
# Where d cannot see it: what is mounted in its root is mounted there, too.
from_here() { unshare -m sh -c "mount -o bind /dev /srv/debian/dev && exec chroot /srv/debian ssh $cid '$far'" </rf/lifecycle.lib 2>&1; echo $?; }
is "$(from_here)" "$(echo "$want" | tr ' ' '\n')" "the supervisor logs in by ssh"
there e sh -c 'mkdir /d && mount -t virtiofs -o ro debian /d && mount -o bind /dev /d/dev'
from_e() { rfm exec e chroot /d ssh "$cid" "$far" </rf/lifecycle.lib 2>&1; echo $?; }
like "$(from_e)" '^255$' "without a rule no other subOS does"
rfm channel allow e d
is "$(from_e)" "$(echo "$want" | tr ' ' '\n')" "with one it does"
is "$(there e chroot /d curl -s http://10.3.0.1/)" "from d" "where curl fetches the page, too"

# --- the same past the bridge ---
there d dd if=/dev/urandom of=/var/www/html/much bs=1M count=2 >/dev/null
much=$(md5sum </srv/debian/var/www/html/much)
state_of_d=/sys/module/rfloop/peers/$(number d id)/state
linked() { page e 10.3.0.1; there e cat $state_of_d | grep -qx up; }
# by_card COMMAND...: bytes that its card carried meanwhile
by_card()
{
	sum='cat /sys/class/net/eth0/statistics/[rt]x_bytes | xargs | sed "s/ /+/"'
	card=$(($(there e sh -c "$sum")))
	"$@" >/run/got
	echo $(($(there e sh -c "$sum") - card))
}
fetch() { there e chroot /d sh -c 'curl -s http://10.3.0.1/much | md5sum'; }
log_in() { rfm exec e chroot /d ssh -o ProxyCommand=none 10.3.0.1 "$far" </rf/lifecycle.lib 2>&1; echo $?; }
check "once there is RFloop here, too, the two have a link" eval 'modprobe rfloop && eventually 30 linked'
n=$(by_card fetch)
is "$(cat /run/got)" "$much" "by it curl fetches much from nginx"
check "of which the card carries $n bytes" test "$n" -lt 2000
n=$(by_card log_in)
is "$(cat /run/got)" "$(echo "$want" | tr ' ' '\n')" "and ssh logs in over TCP"
check "of which the card carries $n bytes" test "$n" -lt 2000
rmmod rfloop
over_bridge() { [ "$(by_card fetch)" -gt 2000000 ] && [ "$(cat /run/got)" = "$much" ]; }
check "control: without it the card carries all of that" eventually 20 over_bridge

# --- fio ---
fio="fio --name=v --rw=randrw --bs=4k --verify=crc32c --verify_state_save=0 --output=/dev/null"
# fio_d DESCRIPTION ARGUMENT...: writes, reads what it wrote, and finds it as it was
fio_d()
{
	f_what=$1
	shift
	# shellcheck disable=SC2086 # words
	check "$f_what" there d $fio "$@"
}
m=$(rounds 2m 64m)
fio_d "fio verifies files of the root" --directory=/srv/files --size="$m" --ioengine=psync --fsync=64
fio_d "mapped" --directory=/srv/files --size="$m" --ioengine=mmap
fio_d "past the cache, several at a time" --directory=/srv/files --size="$m" --ioengine=libaio --direct=1 --iodepth=8
fio_d "a disk" --filename=/dev/vda --size="$m" --ioengine=libaio --direct=1 --iodepth=16
again="--filename=/dev/vda --size=$m --ioengine=psync --direct=1"
# shellcheck disable=SC2086 # words
check "written in order" there d $fio --rw=write $again
# shellcheck disable=SC2086
check "fio finds it once more" there d $fio --rw=write --verify_only $again
printf 'not what was there' | dd of=/srv/disk bs=1 seek=70000 conv=notrunc 2>/dev/null
# shellcheck disable=SC2086
like "$(there d $fio --rw=write --verify_only $again; echo "exit $?")" '^exit [1-9]' \
	"control: bytes that the supervisor changed are found"

audit "while they run the invariants hold"
check "rfm stop: Debian shuts down" rfm stop d --timeout 200
like "$(field d reason)" '^power off' "by itself"
check "it is destroyed" rfm destroy d
check "e, too" rfm destroy e
check "the directory can be unmounted" umount /srv/debian
check "rfvhost can go" rmmod rfvhost
audit "in the end: the invariants hold"
END
rm -f "$disk"
done_testing
