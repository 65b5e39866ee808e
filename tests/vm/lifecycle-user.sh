#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# What a user brings and sees: the own initrd and parameters, the log from its
# first line on; both entries of a kernel, four and five levels of
# page tables.
# timeout: 600 900
# beside
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
need_build

# An initrd with an /init of its own, which says what it finds and stays.
mkdir -p "$T_DIR/initrd/bin" "$T_DIR/initrd/proc"
cp "$(command -v busybox)" "$T_DIR/initrd/bin/busybox"
cat >"$T_DIR/initrd/init" <<'END'
#!/bin/busybox sh
/bin/busybox rm -r /.rainforest
/bin/busybox mount -t proc proc /proc
echo "init of the user: pid $$, arguments: $*"
echo "command line: $(/bin/busybox cat /proc/cmdline)"
echo "what is here: $(/bin/busybox ls -A / | /bin/busybox tr '\n' ' ')"
until /bin/busybox grep -q '^rfloop ' /proc/modules; do /bin/busybox sleep 0.1; done
echo "modules beside it: $(/bin/busybox cut -d' ' -f1 /proc/modules | /bin/busybox tr '\n' ' ')"
echo "environment: $FOREST"
exec /bin/busybox sleep 100000
END
chmod 755 "$T_DIR/initrd/init"
(cd "$T_DIR/initrd" && find . | cpio --quiet -o -H newc -R 0:0 | gzip -1) >"$T_DIR/user.cpio.gz"

run_guest --smp 3 --copy "$T_TOP/tests/vm/lifecycle.lib:/rf/lifecycle.lib" \
	--copy "$T_DIR/user.cpio.gz:/root/user.cpio.gz" <<'END'
. /rf/lifecycle.lib
modprobe rfcontroller

# --- the user's initrd and parameters ---
check "a subOS with the user's initrd" rfm create u --cpus 1 --memory 256M \
	--initrd /root/user.cpio.gz --append 'quiet loglevel=3 FOREST=rain -- first "second word"'
rfm console u --read-only --idle 600 </dev/null >/run/u.out 2>&1 &
watcher=$!
check "the user's init runs" eventually 60 grep -aq '^environment' /run/u.out
kill $watcher
said=$(tr -d '\r' </run/u.out)
like "$said" '^init of the user: pid 1, arguments: first second word' "as pid 1, with its arguments"
like "$said" '^command line: .* cryptomgr.notests .*quiet loglevel=3 FOREST=rain' "with the user's parameters"
like "$said" '^environment: rain' "and in its environment what the kernel does not know"
like "$said" '^what is here: .*bin .*init .*proc' "its own files are there"
unlike "$said" '^what is here: .*rainforest' "and ours are not, it removed them first"
like "$said" '^modules beside it: .*virtio_blk ' \
	"what is loaded beside it was, all the same: drivers of devices to come, packets"
subos_log_clean u
check "it is destroyed" rfm destroy --force u

# --- a log of one that never came so far ---
head -c 100000 /dev/urandom >/root/broken
check "a subOS with a broken initrd starts" \
	rfm create early --cpus 1 --memory 256M --initrd /root/broken --no-wait
first_line() { rfm log early 2>/dev/null | head -n 1 | grep -q 'Linux version'; }
check "its log can be read while it boots" eventually 60 first_line
booting() { in_state early booting; }
check "control: it never gets further than booting" booting
gave_up() { rfm log early | grep -q 'Kernel panic - not syncing: .*root fs'; }
check "its log tells how that ended, without any help of it" eventually 90 gave_up
check "and still has the first line" first_line
refused 6 'time|init' "rfm restart does not wait for ever" rfm restart early --force --timeout 5
check "it is destroyed" rfm destroy --force early
audit "in the end: the invariants hold"
check "rmmod" rmmod rfcontroller
END

# Both entries of a kernel, with five levels of page tables and with four. An ELF is
# entered with four; the bzImage's own code makes five where the machine has them.
cat >"$T_DIR/entries" <<'END'
. /rf/lifecycle.lib
modprobe rfcontroller
levels() { inside e 'grep -cw la57 /proc/cpuinfo'; }
both_entries()
{
	check "$1: entered as ELF" rfm create e --cpus 2 --memory 384M --kernel "$2"
	is "$(levels)" 0 "$1: ELF: four levels"
	is "$(inside e nproc)" 2 "$1: ELF: both CPUs came"
	check "$1: ELF: destroyed" rfm destroy e
	check "$1: entered as bzImage" rfm create e --cpus 2 --memory 384M --kernel "$2" --bzimage
	is "$(levels)" "$BZIMAGE_LA57" "$1: bzImage: the levels that the machine has"
	is "$(inside e nproc)" 2 "$1: bzImage: both CPUs came"
	subos_log_clean e
	check "$1: bzImage: destroyed" rfm destroy e
}
is "$(grep -cw la57 /proc/cpuinfo)" "$SUPERVISOR_LA57" "control: the supervisor's levels"
both_entries "this kernel" "/boot/vmlinuz-$(uname -r)"
if [ -n "$RF_LONG" ]; then
	both_entries "the other kernel" "$OTHER_KERNEL"
fi
audit "in the end: the invariants hold"
check "rmmod" rmmod rfcontroller
END
{ echo "SUPERVISOR_LA57=3 BZIMAGE_LA57=2"; cat "$T_DIR/entries"; } >"$T_DIR/five"
{ echo "SUPERVISOR_LA57=0 BZIMAGE_LA57=0"; cat "$T_DIR/entries"; } >"$T_DIR/four"
run_guest --smp 3 --copy "$T_TOP/tests/vm/lifecycle.lib:/rf/lifecycle.lib" \
	--cpu max <"$T_DIR/five"
run_guest --smp 3 --copy "$T_TOP/tests/vm/lifecycle.lib:/rf/lifecycle.lib" \
	--cpu max,la57=off <"$T_DIR/four"
done_testing
