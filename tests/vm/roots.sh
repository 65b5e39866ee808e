#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# SubOSes that boot from a directory of the supervisor: files behave there as POSIX says, and
# as they do on the supervisor's own file system; who loses the root has crashed, and is
# booted again if that was wanted. A real Debian, without a device of its own, serves a page
# to another subOS.
# timeout: 1200 3600
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
need_build

[ -x /usr/lib/qemu/virtiofsd ] || skip_all "there is no virtiofsd: run tools/setup"
mkdir -p "$T_DIR"
${CC:-gcc} -std=gnu11 -D_GNU_SOURCE -static -O2 -Wall -Wextra -o "$T_DIR/fsops" \
	"$T_TOP/tests/vm/fsops.c" || bail "fsops does not compile"
root=$T_TOP/build/rootfs/services.ext4
if [ ! -e "$root" ]; then
	# shellcheck disable=SC2016
	printf '#!/bin/sh\nchroot "$1" passwd -d root\nchroot "$1" systemctl disable redis-server nginx\n' >"$T_DIR/configure"
	chmod 755 "$T_DIR/configure"
	"$T_TOP/tools/vm/mkrootfs" --run "$T_DIR/configure" "$root" systemd-sysv udev redis-server procps \
		nginx-light iproute2 curl >"$T_DIR/mkrootfs.log" 2>&1 ||
		skip_all "no Debian root could be made: see $T_DIR/mkrootfs.log"
fi
disk=$T_DIR/disk
cp --sparse=always "$root" "$disk"

run_guest --smp 5 --memory 4G --disk "$disk" --module bridge --module virtiofs --module ext4 \
	--copy "$T_DIR/fsops:/usr/bin/fsops" --copy /usr/lib/qemu/virtiofsd:/usr/lib/qemu/virtiofsd \
	--copy "$T_TOP/tests/vm/lifecycle.lib:/rf/lifecycle.lib" <<'END'
. /rf/lifecycle.lib

there() { rfm exec "$@" </dev/null 2>&1; }
on_virtiofs() { [ "$(there "$1" cat /proc/mounts | grep ' / ' | cut -d' ' -f3)" = virtiofs ]; }
page() { inside "$1" "wget -q -O - http://$2/ | head -n 1"; }
page_is() { [ "$(page "$1" "$2")" = "$3" ]; }

mount -t cgroup2 none /sys/fs/cgroup 2>/dev/null
for module in rfcontroller rfcom rfvhost tun vhost_net bridge ext4; do modprobe $module; done
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

check "control: the supervisor's own file system is as POSIX says" eval 'mkdir /srv/debian/srv/own && fsops posix /srv/debian/srv/own >/run/own'
diag "$(grep -v ^ok /run/own)"

n=$(rounds 300 20000)
for name in a b; do
	kernel=
	[ $name = a ] || kernel="--kernel $OTHER_KERNEL"
	# shellcheck disable=SC2086 # two words, or none
	check "$name boots from a directory" rfm create $name --cpus $((1 + ($(printf %d "'$name") - 97))) \
		--memory 256M --on-crash restart --root /srv/debian/srv/$name $kernel
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
inside_d() { there d "$@"; }
check "Debian boots from a directory" rfm create d --cpus 1-2 --memory 768M --root /srv/debian --net bridge=br0
check "e, with a card on the same bridge" rfm create e --cpus 3-3 --memory 256M --net bridge=br0
up() { there d systemctl is-system-running | grep -Eq '^(running|degraded)'; }
check "the whole system comes up" eventually 300 up
diag "$(there d systemctl --failed --no-legend --plain; there d systemd-analyze time | head -n 1)"
is "$(there d cat /proc/1/comm)" systemd "its init is systemd"
like "$(there d findmnt -n -o FSTYPE,SOURCE /)" '^virtiofs +root' "its root is the supervisor's directory"
there d sh -c 'ip addr add 10.3.0.1/24 dev eth0; ip link set eth0 up; echo "from d" >/var/www/html/index.html; systemctl start nginx redis-server'
inside e 'ip addr add 10.3.0.2/24 dev eth0; ip link set eth0 up' >/dev/null
check "another subOS fetches a page from its nginx" eventually 60 page_is e 10.3.0.1 "from d"
is "$(there d redis-cli set where rainforest-was-here)" OK "its redis takes data"
is "$(there d redis-cli save)" OK "and writes it to its root"
check "where the supervisor sees it" grep -aq rainforest-was-here /srv/debian/var/lib/redis/dump.rdb
audit "while they run the invariants hold"
check "Debian shuts down" rfm stop d --timeout 200
check "it is destroyed" rfm destroy d
check "e, too" rfm destroy e
check "the directory can be unmounted" umount /srv/debian
check "rfvhost can go" rmmod rfvhost
audit "in the end: the invariants hold"
END
rm -f "$disk"
done_testing
