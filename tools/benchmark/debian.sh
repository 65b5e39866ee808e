#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Boots of a Debian root, until its login service (sshd) takes connections: from a directory of
# the supervisor (rfm create --root), also with cache=always, and from a drive of the subOS's own
# (--pci), with the same kernel, CPUs and memory. In the test machine; prints a JSON object a line.
#
# usage: debian.sh ROUNDS
# shellcheck source=tests/lib.sh
. /rf/lib.sh
# shellcheck source=tests/vm/lifecycle.lib
. /rf/lifecycle.lib
# shellcheck source=tools/benchmark/subos.lib
. /rf/subos.lib
rounds=$1

mount -t cgroup2 none /sys/fs/cgroup 2>/dev/null
for module in rfcontroller rfcom rfvhost ext4; do
	modprobe $module || fail "$module does not load"
done
mkdir -p /srv/debian
mount /dev/rfdisk0 /srv/debian || fail "no Debian root"
drive=$(bdf_of /dev/rfdisk1)
bytes=$(($(df -k /srv/debian | awk 'END { print $3 }') * 1024))

# A root that stands on a drive needs an initrd that goes there.
mkdir -p /run/goes/bin
cp /bin/busybox /run/goes/bin/
cp /rf/drive-init /run/goes/init
(cd /run/goes && find . | cpio -o -H newc 2>/dev/null) >/run/goes.cpio

# there COMMAND...
there() { rfm exec d -- "$@" </dev/null 2>/dev/null; }

# It waits for that: asking again and again would slow the boot down.
up() { there timeout 300 systemctl is-system-running --wait | grep -Eq '^(running|degraded)'; }

# since UNIT... PROPERTY: a time of systemd's, us since the kernel's start
since()
{
	unit=
	[ $# -eq 1 ] || { unit=$1; shift; }
	# shellcheck disable=SC2086 # none, or one word
	there systemctl show $unit -p "$1" --value
}

# create WAY: sets wall
create()
{
	way=$1
	set -- d --cpus 2-3 --memory 1G
	case $way in
	root) set -- "$@" --root /srv/debian ;;
	kept) set -- "$@" --root /srv/debian,cache=always ;;
	drive) set -- "$@" --pci "$drive" --initrd /run/goes.cpio ;;
	esac
	timed_create "$@"
}

# boot WAY ROUND: false when QEMU's stale breakpoint ended it later
boot()
{
	create "$1"
	eventually 300 up || {
		rfm log d | grep -q 'Oops: int3' || fail "$1: it does not come up: $(rfm log d | tail -n 20)"
		rfm destroy --force d >/dev/null
		return 1
	}
	init=$(since UserspaceTimestampMonotonic)
	login=$(since ssh.service ActiveEnterTimestampMonotonic)
	all=$(since FinishTimestampMonotonic)
	[ "${login:-0}" -gt 0 ] || fail "$1: there is no login service"
	printf '{"kind": "debian", "way": "%s", "round": %d, "bytes": %d, "wall_ns": %d, "init_us": %d, "login_us": %d, "all_us": %d, "subos": %s}\n' \
		"$1" "$2" "$bytes" "$wall" "$init" "$login" "$all" "$(rfm show d --json | tr -d '\n')"
	rfm stop d --timeout 300 >/dev/null || fail "$1: it does not shut down"
	rfm destroy d >/dev/null
}

# The image's ELF is taken out and cached before anything is measured.
rfm create warm --cpus 1 --memory 256M >/dev/null 2>&1 && rfm destroy warm --force

# ABBA: what drifts falls on both alike.
r=0
while [ "$r" -lt "$rounds" ]; do
	for next in root kept drive drive kept root; do
		until boot $next "$r"; do :; done
	done
	r=$((r + 1))
done
umount /srv/debian || fail "somebody still holds the file system"
rfm audit >&2
