#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# A real Debian on a passed-through drive, booted by its own init (systemd), runs
# an unmodified service: a database, asked inside, and from outside by what stands
# in its file on the drive's image once the subOS has shut down.
# timeout: 900 1800
# beside
# prepare: tests/vm/services-root
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
need_build

mkdir -p "$T_DIR/initrd/bin"
root=$("$T_TOP/tests/vm/services-root" 2>"$T_DIR/mkrootfs.log") ||
	skip_all "no Debian root could be made: see $T_DIR/mkrootfs.log"
disk=$T_DIR/disk
cp --sparse=always "$root" "$disk"

# What outside QEMU is in the file system of the image.
# shellcheck disable=SC2317 # called through check
on_image()
{
	/sbin/debugfs -R "cat /var/lib/redis/dump.rdb" "$disk" 2>/dev/null | grep -aq "$1"
}
# shellcheck disable=SC2317
not()
{
	! "$@"
}
check "control: the data is not on the image yet" not on_image "rainforest-was-here"

# An initrd that mounts the drive and goes there.
cp "$(command -v busybox)" "$T_DIR/initrd/bin/busybox"
cp "$T_TOP/tests/vm/drive-init" "$T_DIR/initrd/init"
(cd "$T_DIR/initrd" && find . | cpio --quiet -o -H newc -R 0:0 | gzip -1) >"$T_DIR/root.cpio.gz"

run_guest --smp 4 --disk "$disk" --copy "$T_TOP/tests/vm/lifecycle.lib:/rf/lifecycle.lib" \
	--copy "$T_DIR/root.cpio.gz:/root/root.cpio.gz" <<'END'
. /rf/lifecycle.lib
modprobe rfcontroller
A=$(bdf_of /dev/rfdisk0)

# log_in NAME: waits for the distribution's login on the terminal, as root
log_in()
{
	rfm console "$1" --read-only --idle 600 </dev/null >"/run/$1.boot" 2>&1 &
	watcher=$!
	eventually 200 grep -aq "login: *$" "/run/$1.boot"
	waited=$?
	kill $watcher
	wait $watcher
	typed "$1" root
	return $waited
}

# One CPU: QEMU 7.2 can run a stale INT3 when one CPU patches code that another
# executes (an Oops in any emulated SMP machine), and the first connections of a
# service make the kernel patch its network code.
check "a subOS with a Debian root on its drive" rfm create d --cpus 1 --memory 1G \
	--pci "$A" --initrd /root/root.cpio.gz
check "Debian asks for a login on the terminal" log_in d
like "$(inside d 'cat /etc/debian_version; cat /proc/1/comm')" '^systemd$' "its init is systemd"
is "$(inside d 'findmnt -n -o SOURCE / 2>/dev/null || sed -n "s, / .*,,p" /proc/mounts | head -n 1')" \
	/dev/nvme0n1 "its root is the drive"
is "$(inside d 'systemctl is-active --wait redis-server')" active "the service was started by it"
is "$(inside d 'redis-cli ping')" PONG "the service answers"
is "$(inside d 'redis-cli set where rainforest-was-here')" OK "it takes data"
is "$(inside d 'redis-cli --raw get where')" rainforest-was-here "and gives it back"
is "$(inside d 'redis-cli save')" OK "and writes it to the drive"
like "$(inside d 'systemctl is-system-running --wait; systemctl --failed --no-legend --plain')" \
	'^(running|degraded)' "the whole system came up"
diag "$(inside d 'systemctl --failed --no-legend --plain; systemd-analyze time | head -n 1')"

# The agent, which began in the initrd, whose files are gone.
modprobe rfcom
is "$(rfm exec d sh -c 'cat /proc/1/comm; readlink /proc/self/root; findmnt -n -o SOURCE /' </dev/null | xargs)" \
	"systemd / /dev/nvme0n1" "rfm exec: in the root of its init"
is "$(rfm exec d -- redis-cli --raw get where </dev/null)" rainforest-was-here "a program of Debian's"
rfm exec d systemctl is-active nosuch </dev/null >/dev/null
check "with its exit status" test $? -gt 2
like "$(rfm exec -t d tty </dev/null)" '^/dev/pts/[0-9]' "on a terminal of its own"
is "$(rfm exec d cat /proc/self/cgroup </dev/null)" "0::/init.scope" "in the cgroup of its init"
rfm exec d sh -c 'echo "copied out" >/srv/out'
check "rfm cp to the drive" rfm cp /rf/lifecycle.lib d:/srv/copied
check "and from it" rfm cp d:/srv/out /run/out
is "$(cat /run/out)" "copied out" "is what was there"
rfm exec d sleep 10000 </dev/null 2>/run/said &
exec_pid=$!

audit "while it runs the invariants hold"
subos_log_clean d
typed d reboot
check "reboot, typed inside: the distribution shuts down" eventually 200 in_state d stopped
like "$(field d reason)" '^restart' "and wants a restart"
if [ -n "$RF_LONG" ]; then	# a Debian once more; roots.sh has an rfm stop of one, too
	check "it starts again" rfm restart d
	check "Debian asks for a login again" log_in d
	is "$(inside d 'redis-cli --raw get where')" rainforest-was-here "the service has its data"
	rfm exec d sleep 10000 </dev/null 2>/run/said &
	exec_pid=$!
	check "rfm stop: the distribution shuts down" rfm stop d --timeout 200
	like "$(field d reason)" '^power off' "by itself"
fi
wait $exec_pid
like "$? $(cat /run/said)" '^(125|1[0-9][0-9]) ' "and no command holds it up"
check "it is destroyed" rfm destroy d
check "its drive is back" eventually 30 has_disk "$A"
audit "in the end: the invariants hold"
check "rmmod" rmmod rfcontroller
END

check "outside: the data is on the image" on_image "rainforest-was-here"
is "$(/sbin/debugfs -R "cat /srv/copied" "$disk" 2>/dev/null | md5sum)" \
	"$(md5sum <"$T_TOP/tests/vm/lifecycle.lib")" "outside: what was copied to it, too"
like "$(/sbin/dumpe2fs -h "$disk" 2>/dev/null)" '^Filesystem state: +clean$' \
	"outside: the file system was unmounted cleanly"
check "outside: and is without fault" /sbin/e2fsck -fn "$disk"
rm -f "$disk"
done_testing
