#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# A subOS's card, directory and disk, and what the supervisor has natively: a veth pair between
# two network namespaces, the same directory, the same file. Boots from a directory and from an
# initrd; and files on QEMU's own virtiofs. In the test machine; prints a JSON object a line.
#
# usage: devices.sh ROUNDS
# shellcheck source=tests/lib.sh
. /rf/lib.sh
# shellcheck source=tests/vm/lifecycle.lib
. /rf/lifecycle.lib
# shellcheck source=tools/benchmark/subos.lib
. /rf/subos.lib
rounds=$1
mb=16

mount -t cgroup2 none /sys/fs/cgroup 2>/dev/null
for module in rfcontroller rfcom rfvhost tun vhost_net veth ext4 virtio_pci virtiofs; do
	modprobe $module || fail "$module does not load"
done
mkdir -p /run/more/usr/bin /srv/disk
mount /dev/rfdisk0 /srv/disk || fail "no file system"
mkdir -p /srv/disk/dir /srv/reference
mount -t virtiofs reference /srv/reference || fail "no virtiofs of QEMU"
dd if=/dev/urandom of=/srv/disk/image bs=1M count=$mb 2>/dev/null
cp /usr/bin/netctl /usr/bin/filebench /run/more/usr/bin
make_initrd
boots rfm create b --cpus 2-3 --memory 256M --initrd /run/initrd --net tap=tapb \
	--fs data=/srv/disk/dir --disk /srv/disk/image >/dev/null || fail "no subOS"
ip addr add 10.1.0.1/24 dev tapb
listen='taskset 0x02 netctl sink 5001 >/run/sink$$ & taskset 0x02 netctl serve 5000 >/run/serve$$ & echo $$ >/run/namespace; wait'
inside b 'ip addr add 10.1.0.2/24 dev eth0; ip link set eth0 up; mkdir /data; mount -t virtiofs data /data' >/dev/null
taskset 0x02 netctl sink 5001 >/run/sink &
taskset 0x02 netctl serve 5000 >/run/serve &
unshare -n sh -c "$listen" &
eventually 10 [ -s /run/namespace ] || fail "no network namespace"
there=$(cat /run/namespace)
# The other end gets the name veth0.
ip link add native0 type veth || fail "no pair of interfaces"
ip link set veth0 netns "$there"
ip addr add 10.4.0.1/24 dev native0
ip link set native0 up
nsenter -t "$there" -n sh -c 'ip addr add 10.4.0.2/24 dev veth0; ip link set veth0 up'
answer() { ping -c 1 -W 1 10.1.0.2 && ping -c 1 -W 1 10.4.0.2; }
eventually 60 answer || fail "no answer"
has_all() { [ "$(inside b '[ -b /dev/vda ] && grep -c virtiofs /proc/mounts')" = 1 ]; }
eventually 60 has_all || fail "no directory, or no disk"

# record KIND WAY ROUND NS
record()
{
	case $4 in
	"" | 0 | *[!0-9]*) fail "$1-$2 failed: $4" ;;
	esac
	printf '{"kind": "%s", "way": "%s", "round": %d, "ns": %d}\n' "$@"
}

# run_on WAY COMMAND: in the subOS, or here. What either keeps in memory is dropped before.
run_on()
{
	sync
	echo 3 >/proc/sys/vm/drop_caches
	case $1 in
	subos) inside b "sync; echo 3 >/proc/sys/vm/drop_caches; $2" ;;
	*) taskset 0x10 sh -c "$2" ;;
	esac
}

network()
{
	case $1 in
	subos) to=10.1.0.1 ;;
	native) to=10.4.0.2 ;;
	esac
	kbs=$(run_on "$1" "netctl send $to 5001 1000")
	case $kbs in
	"" | 0 | *[!0-9]*) fail "stream-$1 failed: $kbs" ;;
	esac
	record stream "$1" "$2" $((1000000000000 / kbs))
	record rr "$1" "$2" "$(run_on "$1" "netctl rr $to 5000 300")"
}

# files WAY ROUND DIR
files()
{
	record write "$1" "$2" "$(run_on "$1" "filebench write $3/file $mb")"
	record read "$1" "$2" "$(run_on "$1" "filebench read $3/file $mb")"
	# shellcheck disable=SC2046 # three numbers
	set -- "$1" "$2" $(run_on "$1" "filebench small $3 100")
	record create "$1" "$2" "$3"
	record stat "$1" "$2" "$4"
	record unlink "$1" "$2" "$5"
}

# disk WAY ROUND IMAGE
disk()
{
	record disk-read "$1" "$2" "$(run_on "$1" "filebench read $3 $mb")"
	record disk-random "$1" "$2" "$(run_on "$1" "filebench random $3 $mb 500")"
}

# ABBA: what drifts falls on all alike.
r=0
while [ "$r" -lt "$rounds" ]; do
	for way in subos native virtiofs virtiofs native subos; do
		case $way in
		subos) files $way "$r" /data ;;
		native) files $way "$r" /srv/disk/dir ;;
		virtiofs) files $way "$r" /srv/reference ;;
		esac
	done
	for way in subos native native subos; do
		network $way "$r"
		case $way in
		subos) disk $way "$r" /dev/vda ;;
		native) disk $way "$r" /srv/disk/image ;;
		esac
	done
	r=$((r + 1))
done
is_same=$(inside b 'md5sum </dev/vda')
[ "$is_same" = "$(md5sum </srv/disk/image)" ] || fail "the disk holds something else than its file"
rfm destroy --force b >/dev/null
kill %1 %2 "$there"

# --- boots ---
root=/srv/disk/root
mkdir -p $root/bin $root/sbin $root/dev $root/proc $root/sys $root/tmp $root/run
cp /bin/busybox $root/bin/
for applet in sh mount setsid cttyhack; do ln -s busybox $root/bin/$applet; done
cat >$root/sbin/init <<'INIT'
#!/bin/sh
mount -t proc proc /proc
while :; do setsid cttyhack sh; done
INIT
chmod 755 $root/sbin/init

# boot WAY ROUND
boot()
{
	way=$1 round=$2
	set -- b --cpus 2-3 --memory 256M
	[ "$way" = native ] || set -- "$@" --root $root
	timed_create "$@"
	printf '{"kind": "boot", "way": "%s", "round": %d, "ns": %d, "subos": %s}\n' \
		"$way" "$round" "$wall" "$(rfm show b --json | tr -d '\n')"
	rfm destroy --force b >/dev/null
}

r=0
while [ "$r" -lt "$rounds" ]; do
	for way in subos native native subos; do
		boot $way "$r"
	done
	r=$((r + 1))
done
umount /srv/reference
umount /srv/disk || fail "somebody still holds the file system"
rfm audit >&2
