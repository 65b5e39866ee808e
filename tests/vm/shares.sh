#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Memory that kernels share: who may map it and how, that what one writes the others
# read, that it is taken back from programs and kernels, and that whatever dies, nothing
# stays behind.
# timeout: 900 3600
# beside
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
need_build

disk=$(scratch disk 16M)
${CC:-gcc} -std=gnu11 -D_GNU_SOURCE -static -O2 -Wall -Wextra -I"$T_TOP/include/uapi" \
	-I"$T_TOP/rfcom/lib" -o "$T_DIR/share" "$T_TOP/tests/vm/share.c" \
	"$T_TOP/rfcom/lib/rainforest.c" || bail "share does not compile"
${CC:-gcc} -std=gnu11 -D_GNU_SOURCE -static -O2 -Wall -Wextra -I"$T_TOP/include/uapi" \
	-I"$T_TOP/rfcom/lib" -o "$T_DIR/chan" "$T_TOP/tests/vm/chan.c" \
	"$T_TOP/rfcom/lib/rainforest.c" || bail "chan does not compile"

run_guest --smp 5 --disk "$disk" --copy "$T_DIR/share:/usr/bin/share" \
	--copy "$T_DIR/chan:/usr/bin/chan" --copy "$T_TOP/tests/vm/slope:/usr/bin/slope" --module brd \
	--copy "$T_TOP/tests/vm/lifecycle.lib:/rf/lifecycle.lib" <<'END'
. /rf/lifecycle.lib

# offer NAME REGION BYTES r|w: share in that kernel, in the background; "-": here. What
# it says lies in /run/REGION there.
offer() { serves "$1" "$2" share offer "$2" "$3" "$4"; }
# share_in NAME ARGUMENTS...: and what it says
share_in()
{
	name=$1
	shift
	inside "$name" "share $* 2>&1"
}
# hold NAME KERNEL REGION: share hold there, in the background
hold()
{
	inside "$1" "share hold $2 $3 >/run/hold 2>&1 & true" >/dev/null
	eventually 30 said "$1" hold mapped
}
stop_in() { inside "$1" 'kill $(pidof share); true' >/dev/null; }
# holds PATTERN: lines of the list, with single blanks
holds() { rfm share list | tail -n +2 | tr -s ' ' | sed 's/ $//' | grep -E "$1"; }
none() { [ -z "$(holds "$1")" ]; }
shows() { [ -n "$(holds "$1")" ]; }

# --- one kernel ---
refused 7 "the module rfcom is not loaded; modprobe rfcom" "without the module" rfm share list
modprobe rfcom
is "$(share offer x 4096 r 2>&1)" "offer: Transport endpoint is not connected" \
	"without an exchange nothing can be offered"
check "and the module can go" rmmod rfcom
modprobe rfcom
modprobe rfcontroller
offer - one 5000 r
is "$(share look - one 1)" "8192 bytes" "whole pages, zeroed, then what was written"
is "$(share look supervisor one 1)" "8192 bytes" "by its own name, too"
is "$(share offer one 4096 r 2>&1)" "offer: File exists" "a name can be had once"
is "$(holds .)" "one supervisor 8K supervisor write offers" "the list shows it"
is "$(share direct - one /dev/rfdisk0)" "Bad address" "no direct I/O from it"
offer - large 300000000 r
is "$(share look - large 1)" "300003328 bytes" "300 MB, of many pieces"
check "rmmod refuses while it is there" eval '! rmmod rfcom 2>/dev/null'

# --- three kernels ---
mkdir -p /run/more/usr/bin
cp /usr/bin/share /usr/bin/chan /usr/bin/slope /run/more/usr/bin/
cp "/lib/modules/$(subos_release)/updates/rfmap.ko" /run/more/
file=$(find "/lib/modules/$(subos_release)" -name 'brd.ko*')
case $file in
*.xz) xzcat "$file" ;;
*) cat "$file" ;;
esac >/run/more/brd.ko
initrd_with rfcomlie
check "a starts" rfm create a --cpus 1-2 --memory 512M --initrd /run/initrd
check "b starts" rfm create b --cpus 3-3 --memory 256M --initrd /run/initrd --kernel "$OTHER_KERNEL"
is "$(share_in a bad supervisor one)" "all refused" "what cannot be is refused"
is "$(share_in a look supervisor one 1)" "8192 bytes" "a reads what the supervisor wrote"
is "$(share_in b look supervisor one 1)" "8192 bytes" "so does b, which runs $OTHER"
is "$(share_in a look supervisor large 1)" "300003328 bytes" "300 MB as well"
# A program gets memory that is not its kernel's uncached, but where the kernel has it mapped as
# memory: then as that. (Here both are uncached-minus: INIT clears MTRRs under TCG alone.)
ranges() { inside "$1" 'mount -t debugfs d /sys/kernel/debug 2>/dev/null; cat /sys/kernel/debug/x86/pat_memtype_list' | grep -c 'PAT: .mem'; }
no_more() { [ "$(ranges "$1")" = "$2" ]; }
for s in a b; do
	n=$(ranges $s)
	hold $s supervisor large
	more=$(ranges $s)
	check "$s itself has it mapped, too ($n ranges of others' memory, then $more)" \
		test "$more" -ge $((n + 72))
	stop_in $s
	check "and no longer than its program" eventually 10 no_more $s "$n"
done
offer a two 9000000 w
is "$(share look a two 1)" "9003008 bytes" "the supervisor reads what a wrote"
is "$(share fill a two 2)" "9003008 bytes" "and writes"
is "$(share_in a look - two 2)" "9003008 bytes" "a reads that"
inside a 'insmod /brd.ko rd_nr=1 rd_size=1024' >/dev/null
is "$(share_in a direct supervisor one /dev/ram0)" "Bad address" "no direct I/O from it in a, to a disk of memory"
is "$(share_in a direct - two /dev/ram0)" "Bad address" "nor from its own region"
is "$(share_in a try supervisor one w 1000)" "map: Permission denied" "where it may not write it does not"
is "$(share_in a offer big 60000000 r)" "offer: Disk quota exceeded" "more than a subOS may offer in all"

# --- who may ---
is "$(share_in b look a two 2)" "map: Permission denied" "between subOSes nothing is allowed"
is "$(share_in b try a nothing r 1000)" "map: Permission denied" "nor told"
rfm channel allow b a
is "$(share_in b fill a two 3)" "9003008 bytes" "allowed, b writes"
is "$(share_in a look - two 3)" "9003008 bytes" "a reads what b wrote"
is "$(share look a two 3)" "9003008 bytes" "the supervisor, too"
is "$(share_in b try a nothing r 1000)" "map: No such file or directory" "no such region"
hold b a two
check "b maps it" shows '^two a [0-9.]*[KM] b read maps$'
rfm channel deny b a
check "denied, it is taken from b" eventually 30 said b hold taken
check "b holds it no more" eventually 10 none '^two a .* b '
rfm channel allow b a

# --- taking it back ---
hold b a two
share hold a two >/run/hold 2>&1 &
holder=$!
eventually 10 grep -q mapped /run/hold
check "revoked from b alone" rfm share revoke a two --from b
check "b's program is told" eventually 30 said b hold taken
check "the supervisor's goes on" kill -0 $holder
is "$(share_in b look a two 3)" "9003008 bytes" "b can map it again"
share keep a two >/run/keep 2>&1 &
eventually 10 eval '[ "$(grep -c mapped /run/keep)" = 2 ]'
check "revoked from all" rfm share revoke a two
check "the supervisor's program is told" eventually 10 grep -q taken /run/hold
is "$(holds '^two ' | cut -d' ' -f1,2,4-)" "two a a write offers" "only its owner has it, also where it was forked"
is "$(share try a two r 1000 2>&1)" "map: No such file or directory" "nobody can map it any more"
refused 3 "a offers no region none; rfm share list" "one that is not there" rfm share revoke a none
refused 3 "b does not hold region two of a" "from a kernel that does not have it" \
	rfm share revoke a two --from b
kill $(pidof share | tr ' ' '\n' | sort -n | tail -n 2)
stop_in a
check "the owner's program ends: it is gone" eventually 30 none '^two '

# --- a kernel maps it ---
offer - three 6000000 r
check "a module of a maps it, piece by piece" eval \
	'[ -z "$(inside a "insmod /rfmap.ko kernel=supervisor region=three")" ]'
check "it has it" shows '^three supervisor [0-9.]*[KM] a read maps$'
refused 6 "a does not let go of region three of supervisor; it is asked on" \
	"a kernel that goes on using it" rfm share revoke supervisor three --timeout 1
check "it shows" shows '^three supervisor .* a read revoked$'
is "$(inside a 'cat /sys/module/rfmap/parameters/revoked')" 1 "the module can see that"
# shellcheck disable=SC2046 # numbers
kill $(pidof share)
check "its owner is gone, it holds on" eventually 10 eval 'none "^three .* offers" && shows "^three .* a "'
check "rmmod refuses still" eval '! rmmod rfcom 2>/dev/null'
inside a 'rmmod rfmap' >/dev/null
check "then it lets go" eventually 10 none .
is "$(share_in b try supervisor three r 1000)" "map: No such file or directory" "nothing is offered"

# --- the end of a kernel ---
offer a four 4096 w
offer b five 4096 w
offer - six 4096 w
rfm channel allow a b
hold a b five
hold b a four
share hold a four >/run/hold 2>&1 &
eventually 10 grep -q mapped /run/hold
typed a 'echo c >/proc/sysrq-trigger'
check "the owner crashes" eventually 60 in_state a crashed
check "its region is taken from b" eventually 30 said b hold taken
check "and from the supervisor" eventually 10 grep -q taken /run/hold
check "what it held, and offered, is gone" eventually 10 eval 'none "^four " && none " a "'
is "$(holds . | cut -d' ' -f1,2,4- | sort | tr '\n' ';')" \
	"five b b write offers;six supervisor supervisor write offers;" "the others' are there"
check "a restarts" rfm restart a
offer a four 4096 w
is "$(share_in b look a four 1)" "4096 bytes" "a new one of that name is another"

# --- without the controller ---
hold b a four
check "the controller is detached" rfm detach
check "and gone" rmmod rfcontroller
is "$(share look b five 1)" "4096 bytes" "kernels go on to map regions"
modprobe rfcontroller
check "it is back, and b has its region" eval 'shows "^four a 4K b read maps$" && ! said b hold taken'

# --- rounds ---
r=$(rounds 40 2000)
slope share churn b five "$r" >/run/slope
flat /run/slope "$r" "mapped and unmapped, 6 times $r: memory here stays as it is"
slope_begin a "share churn b five $r"
is "$(share_in b churn a four "$((5 * r))")" "$((5 * r)) rounds" "across two others"
slope_end a "$r"
before=$(memory_kb Slab PageTables VmallocUsed)
offers=0
while [ $offers -lt "$(rounds 50 1000)" ]; do
	share offer "x$offers" 40960 r >/run/x 2>&1 &
	eventually 10 grep -q ready /run/x
	kill $!
	offers=$((offers + 1))
done
check "nothing stays" eventually 10 none '^x'
is "$(holds . | wc -l)" 4 "but what was there before"
after=$(memory_kb Slab PageTables VmallocUsed)
diag "slab, page tables, vmalloc, KB: $before before, $after after"
[ -e /sys/kernel/debug/kmemleak ] ||
	check "nor memory" awk "BEGIN { split(\"$before $after\", m); exit !(m[4] < m[1] + 4096 && m[5] < m[2] + 1024 && m[6] < m[3] + 1024) }"

# --- a kernel that does not keep the rules ---
# shellcheck disable=SC2046 # numbers
kill $(pidof share)
chan serve victim 32 >/run/victim 2>&1 &
eventually 10 grep -q ready /run/victim
offer - one 4096 w
stop_in a
check "a has no rfcom any more" eventually 30 no_rfcom a
inside a "insmod /rf/rfcomlie.ko service=victim what=regions count=$(rounds 3000 200000); rmmod rfcomlie" >/dev/null
like "$(rfm log a)" 'rfcomlie: regions: ' "random messages about regions"
is "$(share_in b look supervisor one 1)" "4096 bytes" "b is served"
check "what it asked for it has" eventually 10 shows '^one supervisor 4K a read maps$'
check "they are not more than it may have" test "$(holds ' a ' | wc -l)" -le 1024
like "$(rfm log b)" 'Linux version' "b's log is there"
subos_log_clean b
refused 6 "a does not let go" "it answers nothing" rfm share revoke supervisor one --from a --timeout 1
check "a is destroyed by force" rfm destroy a --force
check "and with it all that it had" eventually 10 none ' a '

# --- a kernel in quarantine may still run ---
echo core_park >/sys/module/rfcontroller/parameters/fail_point
hold b supervisor one
refused 8 quarantined "b's core does not answer" rfm destroy --force b
check "b never lets go of it" eventually 10 shows '^one supervisor 4K b read quarantined$'
check "what it offered it has, nobody else" shows '^five b 4K b write quarantined$'
chan try b x 100 >/run/try 2>&1
is "$(cat /run/try)" "open: No such file or directory" "nobody talks to it"
audit "the invariants hold"
END

# What is freed is free: without the quarantine.
run_guest --smp 3 --copy "$T_DIR/share:/usr/bin/share" \
	--copy "$T_TOP/tests/vm/lifecycle.lib:/rf/lifecycle.lib" <<'END'
. /rf/lifecycle.lib
modprobe rfcom
modprobe rfcontroller
mkdir -p /run/more/usr/bin
cp /usr/bin/share /run/more/usr/bin/
initrd_more
ready_in_a() { inside a 'cat /run/two' | grep -q ready; }
none() { [ "$(rfm share list | wc -l)" = 1 ]; }
round()
{
	share offer one 50000000 w >/run/one 2>&1 &
	offerer=$!
	eventually 10 grep -q ready /run/one
	inside a 'share look supervisor one 1; share offer two 50000000 w >/run/two 2>&1 & true' >/dev/null
	eventually 30 ready_in_a
	share fill a two 2 >/dev/null
	kill $offerer
	inside a 'kill $(pidof share); rm /run/two' >/dev/null
	eventually 20 none
}
check "a starts" rfm create a --cpus 1-1 --memory 256M --initrd /run/initrd
round
before=$(free_kb)
i=0
while [ $i -lt "$(rounds 3 50)" ]; do
	round
	i=$((i + 1))
done
after=$(free_kb)
diag "free: $before KB before, $after KB after $i rounds of 100 MB"
# A kernel that looks for leaks by itself keeps what was freed for a while.
[ -e /sys/kernel/debug/kmemleak ] || check "nothing of the memory is lost" test "$after" -gt $((before - 8192))
no_leaks
inside a 'share offer two 4096 w >/run/two 2>&1 & true' >/dev/null
eventually 30 ready_in_a
share hold a two >/run/hold 2>&1 &
check "the supervisor reads a region of a" eventually 10 grep -q mapped /run/hold
check "a is destroyed meanwhile" rfm destroy a --force
check "the region is taken from who reads it" eventually 10 grep -q taken /run/hold
check "and gone" eventually 20 none
audit "the invariants hold"
check "rmmod" rmmod rfcontroller rfcom
END
done_testing
