#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# What a user brings and sees: the own initrd and parameters, the log from its
# first line on, an ELF of theirs as kernel; both entries of a kernel, four and five
# levels of page tables, on which a core comes home by the reset vector.
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

# Both entries of a kernel. An ELF is entered with four levels of page tables; the
# bzImage's own code makes five where the machine has them.
cat >"$T_DIR/entries.lib" <<'END'
# entered WHAT LA57 OPTION...: a subOS, so many of whose CPUs have five levels; both CPUs come
entered()
{
	e_what=$1 e_la57=$2
	shift 2
	check "$e_what: a subOS" rfm create e --cpus 2-3 --memory 384M "$@"
	is "$(inside e 'grep -cw la57 /proc/cpuinfo; nproc' | xargs)" "$e_la57 2" \
		"$e_what: the levels of its page tables, and both CPUs came"
}

left()
{
	subos_log_clean e
	check "$e_what: destroyed" rfm destroy e
}

own_tables()
{
	e_cr3=$(printf %d "0x$(register 3 CR3)") e_base=$(printf %d "$(base e)")
	[ "$e_cr3" -lt "$e_base" ] || [ "$e_cr3" -ge $((e_base + (384 << 20))) ]
}

# comes_home LA57: its second core leaves it by the reset vector. It keeps the number of levels,
# which cannot be changed in 64-bit mode; a core that came by INIT would have four.
comes_home()
{
	check "$e_what: control: a core that is in it is on its page tables" eval '! own_tables'
	is "$(inside e 'echo 0 >/sys/devices/system/cpu/cpu1/online; nproc')" 1 \
		"$e_what: that core goes off line"
	check "$e_what: it waits at its mailbox" eventually 30 waits 3
	is $(($(printf %d "0x$(register 3 CR4)") >> 12 & 1)) "$1" "$e_what: CR4.LA57 of it"
	check "$e_what: it walks page tables of ours" own_tables
	audit "$e_what: the invariants hold"
	is "$(inside e 'echo 1 >/sys/devices/system/cpu/cpu1/online; nproc')" 2 \
		"$e_what: it can be used again"
}

# both_entries WHAT KERNEL LA57
both_entries()
{
	entered "$1: ELF" 0 --kernel "$2"
	left
	entered "$1: bzImage" "$3" --kernel "$2" --bzimage
	left
}
END
set -- --smp 4 --copy "$T_TOP/tests/vm/lifecycle.lib:/rf/lifecycle.lib" \
	--copy "$T_TOP/tests/vm/isolation-lib:/rf/isolation-lib" \
	--copy "$T_DIR/entries.lib:/rf/entries.lib"

run_guest "$@" --copy "$T_DIR/user.cpio.gz:/rf/user.cpio.gz" <<'END'
. /rf/lifecycle.lib
modprobe rfcontroller

# --- the user's initrd and parameters ---
check "a subOS with the user's initrd" rfm create u --cpus 1 --memory 256M \
	--initrd /rf/user.cpio.gz --append 'quiet loglevel=3 FOREST=rain -- first "second word"'
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
head -c 100000 /dev/urandom >/run/broken
check "a subOS with a broken initrd starts" \
	rfm create early --cpus 1 --memory 256M --initrd /run/broken --no-wait
first_line() { rfm log early 2>/dev/null | head -n 1 | grep -q 'Linux version'; }
check "its log can be read while it boots" eventually 60 first_line
booting() { in_state early booting; }
check "control: it never gets further than booting" booting
gave_up() { rfm log early | grep -q 'Kernel panic - not syncing: .*root fs'; }
check "its log tells how that ended, without any help of it" eventually 90 gave_up
check "and still has the first line" first_line
refused 6 'time|init' "rfm restart does not wait for ever" rfm restart early --force --timeout 5
check "it is destroyed" rfm destroy --force early

# --- an ELF of the user's ---
. /rf/isolation-lib
. /rf/lifecycle.lib
. /rf/entries.lib
unpacked() { find /var/cache/rainforest -name '*.elf' -size +8192k | grep .; }
mv "$(unpacked)" /run/vmlinux
is "$(head -c 4 /run/vmlinux | tail -c 3)" ELF "what was unpacked of the bzImage is an ELF"
entered "the user's ELF" 0 --kernel /run/vmlinux
is "$(field e image) $(field e kernel)" "/run/vmlinux $(subos_release)" "rfm show names it, and its release"
check "control: none was unpacked this time" eval '! unpacked'
left
audit "in the end: the invariants hold"
check "rmmod" rmmod rfcontroller
END

# Five levels. Kernels before 6.10 do not know the reset vector.
run_guest "$@" --cpu max <<'END'
. /rf/isolation-lib
. /rf/lifecycle.lib
. /rf/entries.lib
modprobe rfcontroller
is "$(grep -cw la57 /proc/cpuinfo)" 4 "control: the supervisor has five levels"
entered "ELF" 0
comes_home 0
left
entered "bzImage" 2 --bzimage
comes_home 1
left
if [ -n "$RF_LONG" ]; then
	both_entries "the other kernel" "$OTHER_KERNEL" 2
else
	entered "the other kernel: bzImage" 2 --kernel "$OTHER_KERNEL" --bzimage
	left
fi
audit "in the end: the invariants hold"
check "rmmod" rmmod rfcontroller
END

# The same processor with four; in short runs other tests have to do, isolation-ports.sh with
# the bzImage's entry.
[ -z "$RF_LONG" ] || run_guest "$@" --cpu max,la57=off <<'END'
. /rf/isolation-lib
. /rf/lifecycle.lib
. /rf/entries.lib
modprobe rfcontroller
is "$(grep -cw la57 /proc/cpuinfo)" 0 "control: the supervisor has four levels"
both_entries "this kernel" "/boot/vmlinuz-$(uname -r)" 0
both_entries "the other kernel" "$OTHER_KERNEL" 0
audit "in the end: the invariants hold"
check "rmmod" rmmod rfcontroller
END
done_testing
