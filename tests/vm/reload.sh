#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# The controller is detached, unloaded and loaded again under two subOSes at work,
# one with a drive, one with what it got while it ran and what it borrowed, while
# all kernels send each other numbered messages. Nothing of it is lost, whatever
# fails on the way; and what died meanwhile shows as that.
# timeout: 1500 5400
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
need_build
VM_CPU=$(rounds quick,la57=on max) # five paging levels

disk=$(scratch disk 16M)
# A later build, with other structures.
check "another build of the controller" "$T_TOP/tools/other-build" "$T_DIR/other.ko" 0.2.0

run_guest --smp 6 --memory 4G --disk "$disk" \
	--copy "$T_TOP/tests/vm/lifecycle.lib:/rf/lifecycle.lib" \
	--copy "$T_DIR/other.ko:/rf/other.ko" --copy "$T_TOP/tests/vm/loans.lib:/rf/loans.lib" <<'END'
. /rf/lifecycle.lib
. /rf/loans.lib
P=/sys/module/rfpeer/parameters

initrd_with rfpeer

anchor() { grep 'RainForest anchor' /proc/iomem; }
anchor_at() { anchor | sed -n 's/^ *\([0-9a-f]*\)-.*/0x\1/p'; }
away() { ! grep -q '^rfcontroller ' /proc/modules; }
master_of() { echo $(($(od -An -tu1 -j4 -N1 "/sys/bus/pci/devices/$1/config") >> 2 & 1)); }

# All that must be the same, whoever loaded the controller.
facts()
{
	rfm list | sed 's/ *[0-9hmsd]* -$//'
	rfm resources
	rfm loans
	rfm ledger
	rfm pool
	rfm list --json | grep -E '"(id|started|created|base|priority|boot_id)"'
	rfm show b --json | grep -E '"(on_crash|max_cpus|max_bytes|restarts|kept_bytes)"'
	cat /sys/devices/system/cpu/present
	driver_of "$A"
}

# What must come back in the end, to the last byte.
machine()
{
	cat /proc/iomem
	grep -E 'spanned|present|managed|start_pfn' /proc/zoneinfo
	grep MemTotal /proc/meminfo
	cat /sys/devices/system/cpu/present /sys/devices/system/cpu/online
	find /proc/irq -maxdepth 1 | wc -l
	driver_of "$A"
}

reload() { rfm detach >/run/said 2>&1 && rmmod rfcontroller && away && modprobe rfcontroller; }

# what the kernel said of a module that does not load
refuses_to_load()
{
	dmesg -c >/dev/null
	! modprobe rfcontroller 2>/dev/null && away && dmesg | grep -q "$1"
}

received() { cat "/sys/module/ficm/peers/$1/received"; }
got_more() { [ "$(received "$1")" -gt "$2" ]; }
quiet() { [ "$(inside "$1" "cat $P/sending" | tail -n 1)" = "0 0" ]; }
got() { inside "$1" "sed -n 's/^$2 //p' $P/got" | tail -n 1; }
# Nobody takes messages there any more, not within a second: silence has no event to
# wait for. Should it be but slow, it dies while somebody looks again, and the test goes on.
no_room() { echo "$1" >$P/fill; [ "$(cat $P/fill)" = "0 -11" ]; }
is_dead() { no_room "$1" && sleep 1 && no_room "$1"; }

A=$(bdf_of /dev/rfdisk0)
machine >/run/machine.before
modprobe ficm
modprobe rfcontroller
modprobe rfpeer
check "a starts, with a drive" rfm create a --cpus 2 --memory 512M --pci "$A" --initrd /run/initrd
check "b starts" rfm create b --cpus 1 --memory 256M --initrd /run/initrd \
	--on-crash restart --max-cpus 3
check "b gets a core and memory" rfm resize b --cpus +1 --memory +256M
check "b borrows a core" rfm borrow a b --cpus 1
check "there is a pool" rfm pool --memory 128M
a=$(number a id) b=$(number b id)
for s in a b; do
	like "$(inside $s 'insmod /rf/rfpeer.ko && echo loaded')" '^loaded' "$s sends messages"
	start_work $s
done
# shellcheck disable=SC2016 # its shell shall expand this
inside a '(i=0; until [ -e /stop ]; do i=$((i+1)); echo "round $i" >/p; dd if=/p of=/dev/nvme0n1 bs=512 seek=9 count=1 conv=sync oflag=direct; dd if=/dev/nvme0n1 bs=512 skip=9 count=1 iflag=direct | grep -aqx "round $i" || echo spoiled >/run/bad; echo $i >/run/io.new; mv /run/io.new /run/io; sleep '"$(rounds 0.2 0)"'; done) </dev/null >/dev/null 2>&1 & true'
io_of() { inside a 'cat /run/io || echo 0' | tail -n 1; }
io_goes_on() { [ "$(io_of)" -gt "$1" ]; }
check "a works on its drive" eventually 60 io_goes_on 0
boot_a=$(inside a "cat $BOOT_ID") boot_b=$(inside b "cat $BOOT_ID")
online_a=$(online a) online_b=$(online b)
audit "before: the invariants hold"

# --- refused ---
refused 1 'in use|temporarily' "rmmod refuses without detach" rmmod rfcontroller
# The taint of our own module is made deadly: it boots and never says that it has.
check "a third one boots" rfm create c --cpus 1 --memory 256M --append panic_on_taint=0x1000 --no-wait
refused 4 'at work on c|c is being created|c boots' "which refuses to be detached" rfm detach
check "and was not disturbed" in_state c booting
is "$(anchor)" "" "no anchor was left"
check "it is ended" rfm destroy c --force
check "another third one starts" rfm create c --cpus 1 --memory 256M --initrd /run/initrd
like "$(inside c 'insmod /rf/rfpeer.ko && echo loaded')" '^loaded' "c sends messages"
c=$(number c id)

# --- detached: one line for everything, until it is undone ---
facts >/run/facts
like "$(rfm detach)" '^3 subOSes run on' "detach"
like "$(anchor)" 'RainForest anchor' "the anchor is in the tree of resources"
refused 1 'detached already' "a second detach" rfm detach
for verb in list resources ledger loans pool usage audit "show a" "log a" "destroy a" \
	"resize a --cpus +1" "borrow a b --memory 128M" "stop b" "console b"; do
	# shellcheck disable=SC2086 # words
	refused 7 'detached; rmmod rfcontroller and load it again' "$verb" rfm $verb
done
check "undone" rfm detach --undo
refused 1 'not detached' "undone twice" rfm detach --undo
is "$(anchor)" "" "the anchor is gone"
facts >/run/facts.now
check "all is as before" diff /run/facts /run/facts.now
works a
audit "undone: the invariants hold"

# --- detaching fails ---
echo anchor_alloc >/sys/module/rfcontroller/parameters/fail_point
refused 1 'anchor cannot be written' "no memory for the anchor" rfm detach
echo anchor_seal >/sys/module/rfcontroller/parameters/fail_point
refused 4 'anchor cannot be written' "the anchor cannot be listed" rfm detach
is "$(anchor)" "" "no anchor was left"
facts >/run/facts.now
check "all is as before" diff /run/facts /run/facts.now
works b

# --- descriptors that are open ---
rfm events -f >/run/followed 2>&1 &
follower=$!
check "somebody follows the events" eventually 30 eval '[ "$(ls -l /proc/$follower/fd | grep -c rainforest)" -ge 1 ]'
like "$(rfm detach 2>&1)" 'must wait for [1-9][0-9]* open' "detach tells of open descriptors"
check "for which rmmod waits" eval '! rmmod rfcontroller 2>/dev/null'
kill $follower
wait $follower 2>/dev/null
check "and no longer" eventually 10 rmmod rfcontroller

# --- away, and an anchor that is no good ---
is "$(driver_of "$A") $(master_of "$A")" " 1" "no driver has the drive, its bus mastering is on"
modprobe nvme 2>/dev/null
echo "$A" >/sys/bus/pci/drivers_probe 2>/dev/null
is "$(driver_of "$A")" "" "and none gets it"
check "its cores are away" test "$(cat /sys/devices/system/cpu/present)" != 0-5
refused 1 'in use|temporarily' "ficm stays" rmmod ficm
mod=/lib/modules/$(uname -r)/updates/rfanchor.ko
spoiled()
{
	insmod "$mod" phys="$(anchor_at)" "$@" || return 1
	refuses_to_load "$why"
	spoiled_status=$?
	rmmod rfanchor && return $spoiled_status
}
why='checksum differs'
for at in 20 333 1000 4000; do
	check "a bit of the data, in byte $at: refused" spoiled at=$at data=1
done
why='head of the anchor .* is spoiled'
for at in 17 24 40 1024; do
	check "a bit of the head, in byte $at: refused" spoiled at=$at
done
why='has version 77, this build knows 1'
check "another version: refused" spoiled version=77
why='left alone'
like "$(anchor)" 'RainForest anchor' "each time the anchor was left alone"
is "$(driver_of "$A") $(master_of "$A")" " 1" "and the drive"
# shellcheck disable=SC2046 # words
for point in $(rounds "alloc:1 alloc:12 alloc:28" "$(seq 30 | sed 's,^,alloc:,')") adopt_subos; do
	check "adopting fails ($point)" eval '! modprobe rfcontroller fail_point='$point' 2>/dev/null && away'
	is "$(driver_of "$A") $(master_of "$A")" " 1" "which leaves the drive alone"
done
was=$(received "$a")
echo "$a 2000" >$P/send
echo "$b 2000" >$P/send
check "messages are sent meanwhile" eventually 60 eval '[ "$(cat $P/sending)" = "0 0" ]'

# --- it comes again ---
check "the anchor is good again: the controller loads" modprobe rfcontroller
is "$(driver_of "$A") $(master_of "$A")" "rfcontroller 1" "it has the drive, and did not touch it"
is "$(anchor)" "" "the anchor is gone"
facts >/run/facts.now
check "all is as before" diff /run/facts /run/facts.now
check "a had all messages" eventually 60 eval '[ "$(got a 0)" = "1 2000 0" ]'
check "b, too" eventually 60 eval '[ "$(got b 0)" = "1 2000 0" ]'
audit "adopted: the invariants hold"
check "the accounts add up" rfm usage
check "an event tells of it" eval 'rfm events | grep -q "adopted by a supervisor"'

# --- one that dies while nobody looks ---
# It polls in there: its shell has no event to wait for.
# shellcheck disable=SC2016
typed c "(until grep -q '^0 ' $P/got; do sleep 0.1; done; echo c >/proc/sysrq-trigger) &"
check "detached" rfm detach
check "gone" rmmod rfcontroller
echo "$c 1" >$P/send
check "c dies of a message" eventually 60 is_dead "$c"
check "loaded again" modprobe rfcontroller
check "c shows as crashed" eventually 30 in_state c crashed
like "$(rfm list)" '^c .* crashed .*sysrq' "with its reason"
like "$(rfm log c)" 'Kernel panic' "and its log"
in_state a running && in_state b running && ok "the others run" || not_ok "the others run: $(rfm list)"
check "a crashed one is carried over" reload
check "it is still crashed" in_state c crashed
check "and can be destroyed" rfm destroy c
audit "one died meanwhile: the invariants hold"

# --- over and over ---
# streams N: each kernel sends each other so many messages
streams()
{
	echo "$a $1" >$P/send
	echo "$b $1" >$P/send
	typed a "echo 0 $1 >$P/tick; echo $b $1 >$P/send"
	typed b "echo 0 $1 >$P/tick; echo $a $1 >$P/send"
}
n=$(rounds 2 20) i=0 bad=0 m=$(rounds 12000 20000) during=0
reload
free=$(free_kb)
facts >/run/facts
while [ $i -lt "$n" ]; do
	i=$((i + 1))
	streams $m
	rfm detach >/run/said 2>&1 && rmmod rfcontroller && away || bad=$((bad + 1))
	was=$(received "$a")
	! eventually 5 got_more "$a" "$was" || during=$((during + 1))
	modprobe rfcontroller || bad=$((bad + 1))
	facts >/run/facts.now
	diff /run/facts /run/facts.now >/run/diff || { bad=$((bad + 1)); diag "$(cat /run/diff)"; }
	rfm audit >/run/audit 2>&1 || { bad=$((bad + 1)); diag "$(cat /run/audit)"; }
	eventually 120 quiet a && eventually 120 quiet b || bad=$((bad + 1))
done
is $bad 0 "$n times: all is as before each time"
check "while messages came, in $during of them" test $during -ge $((n / 2))
total=$((n * m))
mine() { sed -n "s/^$1 //p" $P/got; }
check "the supervisor had all of a's" eventually 60 eval "[ '$n $total 0' = \"\$(mine $a)\" ]"
check "and all of b's" eventually 60 eval "[ '$n $total 0' = \"\$(mine $b)\" ]"
diag "from a: $(mine "$a"), from b: $(mine "$b")"
is "$(got a "$b")" "$n $total 0" "a had all of b's"
is "$(got b "$a")" "$n $total 0" "b had all of a's"
is "$(got a 0)" "$((n + 1)) $((total + 2000)) 0" "a had all of the supervisor's"
is "$(got b 0)" "$((n + 1)) $((total + 2000)) 0" "b had all of the supervisor's"
now=$(free_kb)
check "free memory is flat ($free -> $now kB)" test $((free - now)) -le 3072

# --- a later build ---
# all_same WHO: what they say of it under another controller
all_same()
{
	facts >/run/facts.now
	check "$1: all is as before" diff /run/facts /run/facts.now
	audit "$1: the invariants hold"
	works a
	works b
}
# replaced WHO VERSION COMMAND...: detached, unloaded, another one loaded by COMMAND
replaced()
{
	who=$1 version=$2
	shift 2
	facts >/run/facts
	check "$who: detached" rfm detach
	check "$who: the old one goes" rmmod rfcontroller
	check "$who: adopts them" "$@"
	is "$(cat /sys/module/rfcontroller/version)" "$version" "control: $who has its version"
	all_same "$who"
}
first=$(cat /sys/module/rfcontroller/version)
replaced "another build" 0.2.0 insmod /rf/other.ko
check "under which one gets a core and memory" rfm resize a --cpus +1 --memory +128M
check "and loses them" rfm resize a --cpus -1 --memory -128M
replaced "the first build" "$first" modprobe rfcontroller

# --- they are what they were, and all can be done with them ---
is "$(inside a "cat $BOOT_ID") $(inside b "cat $BOOT_ID")" "$boot_a $boot_b" "the same boots"
is "$(online a) $(online b)" "$online_a $online_b" "with as many CPUs"
works a
works b
io=$(io_of)
check "a works on its drive" eventually 60 io_goes_on "$io"
like "$(rfm log a)" 'Linux version' "a's log"
check "the loan is given back" rfm return b
check "a's kernel uses the core" eventually 60 has_online a 2
check "b loses a core and gets one" eval 'rfm resize b --cpus -1 && rfm resize b --cpus +1'
check "b loses memory that it got before" rfm resize b --memory -128M
check "and gets more" rfm resize b --memory +256M
inside a 'touch /stop' >/dev/null
check "a gives up its drive" rfm resize a --pci -"$A"
check "which the supervisor has" eventually 30 has_disk "$A"
check "and gets it again" rfm resize a --pci +"$A"
audit "resized: the invariants hold"
typed b 'echo c >/proc/sysrq-trigger'
acted b 1 "b crashes, and boots again from what was kept"
is "$(inside b nproc | tail -n 1)" 2 "with its CPUs"
check "one that was born under the old supervisor, one under the new: carried over" reload
check "a third one starts" rfm create d --cpus 1 --memory 256M
subos_log_clean a
subos_log_clean b
check "all are destroyed" rfm destroy --all --force
check "the drive is back" eventually 30 has_disk "$A"
audit "in the end: the invariants hold"
check "nothing but the pool is detached" rfm detach
check "rmmod" rmmod rfcontroller
check "modprobe" modprobe rfcontroller
like "$(rfm pool)" '128M +128M' "the pool is there"
check "rmmod without detach gives the pool back" rmmod rfcontroller
check "rmmod" rmmod rfpeer
check "ficm goes, too" rmmod ficm
machine >/run/machine.now
check "the machine is as before" diff /run/machine.before /run/machine.now
END
done_testing
