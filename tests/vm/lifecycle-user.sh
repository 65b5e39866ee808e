#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# What a user brings and sees: the own initrd and parameters, the log from its
# first line on, the terminal; both entries of a kernel, four and five levels of
# page tables.
# timeout: 600 900
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
need_build

# An initrd with an /init of its own, which says what it finds and stays.
mkdir -p "$T_DIR/initrd/bin" "$T_DIR/initrd/proc"
cp "$(command -v busybox)" "$T_DIR/initrd/bin/busybox"
cat >"$T_DIR/initrd/init" <<'END'
#!/bin/busybox sh
/bin/busybox mount -t proc proc /proc
echo "init of the user: pid $$, arguments: $*"
echo "command line: $(/bin/busybox cat /proc/cmdline)"
echo "what is here: $(/bin/busybox ls -A / | /bin/busybox tr '\n' ' ')"
echo "environment: $FOREST"
exec /bin/busybox sleep 100000
END
chmod 755 "$T_DIR/initrd/init"
(cd "$T_DIR/initrd" && find . | cpio --quiet -o -H newc -R 0:0 | gzip -1) >"$T_DIR/user.cpio.gz"

run_guest --smp 3 --copy "$T_TOP/tests/vm/lifecycle.lib:/rf/lifecycle.lib" \
	--copy "$T_DIR/user.cpio.gz:/root/user.cpio.gz" \
	--copy "$(command -v script):/usr/local/bin/script" <<'END'
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
like "$said" '^command line: .*quiet loglevel=3 FOREST=rain' "with the user's parameters"
like "$said" '^environment: rain' "and in its environment what the kernel does not know"
like "$said" '^what is here: .*bin .*init .*proc' "its own files are there"
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
audit "the invariants hold"

# --- the terminal ---
check "a subOS for the terminal" rfm create t --cpus 1 --memory 256M
check "control: it answers" inside t true
mkfifo /run/keys
rfm console t </run/keys >/run/writer 2>&1 &
writer=$!
exec 7>/run/keys
rfm console t --read-only --idle 600 </dev/null >/run/reader1 2>&1 &
reader1=$!
rfm console t --read-only --idle 600 </dev/null >/run/reader2 2>&1 &
reader2=$!
printf 'echo se""en by all\n' >&7
for who in writer reader1 reader2; do
	check "$who reads what is printed" eventually 60 grep -aq '^seen by all' /run/$who
done
refused 4 'somebody types there already.*--read-only' "a second one may not type" rfm console t
printf 'echo sl""eeps; sleep 10000; echo it ended by it""self\n' >&7
check "a program runs" eventually 60 grep -aq '^sleeps' /run/reader1
printf '\003' >&7
printf 'echo in""terrupted\n' >&7
check "Ctrl-C ends it" eventually 60 grep -aq '^interrupted' /run/reader1
check "control: it did not end by itself" eval '! grep -aq "it ended by itself" /run/reader1'
check "it starts again under its terminal" rfm restart t --force
printf 'echo af""terwards\n' >&7
for who in writer reader1 reader2; do
	check "$who goes on after the restart" eventually 60 grep -aq '^afterwards' /run/$who
done
exec 7>&-
kill $writer $reader1 $reader2
wait $writer $reader1 $reader2

mkfifo /run/keys2
{
	script --quiet --command 'stty rows 33 cols 99; readlink /proc/self/fd/0 >/run/tty; exec rfm console t' /dev/null
	echo $? >/run/detached
} </run/keys2 >/run/screen 2>&1 &
exec 7>/run/keys2
check "the terminal opens" eventually 60 grep -aq 'ends the session' /run/screen
printf 'echo si""ze $(stty size)\n' >&7
check "the size of the window goes inside" eventually 60 grep -aq '^size 33 99' /run/screen
stty -F "$(cat /run/tty)" rows 44 cols 111
resized() { printf 'echo si""ze $(stty size)\n' >&7; eventually 5 grep -aq '^size 44 111' /run/screen; }
check "and when it changes, too" eventually 60 resized
check "control: the session goes on" test ! -e /run/detached
printf '\035' >&7
check "the detach key ends the session" eventually 30 test -s /run/detached
exec 7>&-
check "the subOS goes on" in_state t running
check "control: now another may type" inside t true
subos_log_clean t
check "it is destroyed" rfm destroy t
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
run_guest --smp 3 --copy "$T_TOP/tests/vm/lifecycle.lib:/rf/lifecycle.lib" <"$T_DIR/five"
run_guest --smp 3 --copy "$T_TOP/tests/vm/lifecycle.lib:/rf/lifecycle.lib" \
	--qemu -cpu --qemu max,la57=off <"$T_DIR/four"
done_testing
