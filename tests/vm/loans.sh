#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Cores and memory go from one subOS to another and back while both work; who
# may take from whom; what must be refused is; two at once, and Ctrl-C.
# timeout: 900 1800
# beside
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
need_build

mkdir -p "$T_DIR"
${CC:-gcc} -static -O1 -Wall -I"$T_TOP/include/uapi" -o "$T_DIR/memctl" "$T_TOP/tests/vm/memctl.c" ||
	skip_all "cannot build memctl"

run_guest --smp 6 --copy "$T_TOP/tests/vm/lifecycle.lib:/rf/lifecycle.lib" \
	--copy "$T_TOP/tests/vm/loans.lib:/rf/loans.lib" --copy "$T_DIR/memctl:/rf/memctl" <<'END'
. /rf/lifecycle.lib
. /rf/loans.lib
modprobe rfcontroller
check "a starts" rfm create a --cpus 3 --memory 512M
check "b starts" rfm create b --cpus 1 --memory 256M
check "a gets memory that can leave it" rfm resize a --memory +384M
start_work a
start_work b
a_kb=$(mem_kb a) b_kb=$(mem_kb b)
a_cpus=$(cpus_of a) own=$(nproc)
boot=$(echo "$a_cpus" | cut -d' ' -f1)
last=$(echo "$a_cpus" | awk '{ print $NF }')

# --- a core ---
seq=$(last_seq)
id=$(rfm borrow a b --cpus 1)
like "$id" '^[0-9]+$' "a core is lent: loan $id"
is "$(nproc)" "$own" "the supervisor has as many as before"
is "$(moves "$seq")" "cpu $last a->b" "the core went from a to b, and nowhere else"
is "$(cpus_of b | wc -w) $(cpus_of a | wc -w)" "2 2" "rfm resources: two and two"
is "$(inside a nproc | tail -n 1) $(inside b nproc | tail -n 1)" "2 2" "and so say their kernels"
like "$(rfm loans)" "^ *$id cpu +$last +a +b +20" "rfm loans names it"
audit "a core is lent: the invariants hold"
works a
works b

# --- memory: not seen by the borrower, nor by the supervisor ---
inside a 'mkdir -p /m; mount -t tmpfs -o size=90% t /m; dd if=/dev/zero bs=1M count=4 2>/dev/null | tr "\000" "\245" >/p; i=0; while [ $i -lt 130 ]; do cat /p; i=$((i + 1)); done >/m/f; rm /m/f /p; umount /m' >/dev/null
# filled RANGE... < RANGES OF a: "START PAGES", what is there of a's pattern, for each block
rfm resources --json | tr -d ' ,"' | awk -F: '/^kind/ { kind = $2 } /^start/ { start = $2 }
	/^length/ { len = $2 } /^owner:/ && kind == "memory" && $2 == "a" {
	for (at = start; at < start + len; at += 134217728) printf "%.0f\n", at }' >/run/blocks
while read -r at; do
	echo "$at $(/rf/memctl a "$at" 134217728 0xa5)"
done </run/blocks >/run/filled
free=$(sed -n 's/^MemFree: *\([0-9]*\).*/\1/p' /proc/meminfo)
seq=$(last_seq)
mid=$(rfm borrow a b --memory 128M)
like "$mid" '^[0-9]+$' "a block is lent: loan $mid"
is "$(moves "$seq")" "memory block a->b" "the block went from a to b, and nowhere else"
start=$(rfm loans | sed -n "s/^ *$mid memory *\(0x[0-9a-f]*\)-.* a *b .*/\1/p")
seen=$(grep "^$((start)) " /run/filled)
like "$seen" ' [1-9][0-9]{2,} filled' "control: before, what a left there could be seen: $seen"
now=$(sed -n 's/^MemFree: *\([0-9]*\).*/\1/p' /proc/meminfo)
check "the supervisor's free memory did not move by a block ($free -> $now kB)" \
	test $((now - free)) -lt 60000 -a $((free - now)) -lt 60000
seen=$(/rf/memctl b "$start" 134217728 0xa5)
like "$seen" ' 0 filled' "b does not see what a left there: $seen"
is "$(($(mem_kb a) - a_kb)) $(($(mem_kb b) - b_kb))" "-131072 131072" "their kernels lost and got it"
check "b uses it" test "$(inside b 'mkdir -p /m; mount -t tmpfs -o size=90% t /m; dd if=/dev/zero bs=1M count=4 2>/dev/null | tr "\000" "\132" >/p; i=0; while [ $i -lt 35 ]; do cat /p; i=$((i + 1)); done >/m/f; wc -c </m/f; rm /m/f /p; umount /m' | tail -n 1)" = 146800640
audit "a block is lent: the invariants hold"

seen=$(/rf/memctl b "$start" 134217728 0x5a)
like "$seen" ' [1-9][0-9]{2,} filled' "control: what b left there can be seen: $seen"

# --- and back ---
seq=$(last_seq)
check "the core goes back" rfm return "$id"
is "$(moves "$seq")" "cpu $last b->a" "from b to a, and nowhere else"
is "$(nproc)" "$own" "the supervisor has as many as before"
check "a's kernel uses it again" eventually 60 has_online a 3
seq=$(last_seq)
check "all that b borrowed goes back" rfm return b
is "$(moves "$seq")" "memory block b->a" "from b to a, and nowhere else"
check "a's kernel uses it again" eventually 60 has_mem_kb a "$a_kb"
is "$(mem_kb b)" "$b_kb" "b has what it had"
seen=$(/rf/memctl a "$start" 134217728 0x5a)
like "$seen" ' 0 filled' "a does not see what b left there: $seen"
is "$(rfm loans | wc -l)" 1 "nothing is lent any more"
is "$(cpus_of a)" "$a_cpus" "a has its own CPUs"
seq=$(last_seq)
rfm resize a --cpus -1 >/dev/null
like "$(moves "$seq")" 'supervisor' "control: what passes through the supervisor can be seen"
rfm resize a --cpus +1 >/dev/null
audit "all went back: the invariants hold"

# --- this core, both at once, more than one block ---
last=$(cpus_of a | awk '{ print $NF }')
ids=$(rfm borrow a b --cpus "$last-$last" --memory 200M)
is "$(echo "$ids" | wc -l) $(rfm loans | awk '$2 == "memory"' | wc -l)" "2 2" "memory and this core: two loans, two blocks"
is "$(cpus_of b | wc -w) $(cpus_of a | grep -c "\b$last\b")" "2 0" "it is b's"

# what the borrower gives up is the lender's
check "b shrinks" rfm resize b --cpus 1
is "$(nproc)" "$own" "what it gives up is not the supervisor's"
check "but a's" eventually 60 has_online a 3
is "$(rfm loans | awk '$2 == "cpu"' | wc -l)" 0 "and that loan is over"
audit "a borrower shrank: the invariants hold"
check "the rest goes back" rfm return b
check "a has it" eventually 60 has_mem_kb a "$a_kb"

# --- what must be refused ---
state() { rfm resources | grep -v supervisor; rfm loans; }
state >/run/state
refused 4 'borrow from itself' "a to a" rfm borrow a a --cpus 1
refused 3 'no subOS nobody' "from nobody" rfm borrow nobody b --cpus 1
refused 3 'no subOS nobody' "to nobody" rfm borrow a nobody --memory 128M
refused 4 'boot core' "the boot core" rfm borrow a b --cpus "$boot-$boot"
refused 4 'can in whole cores' "more cores than it has" rfm borrow a b --cpus 3
refused 4 'not all of 0' "one of the supervisor's" rfm borrow a b --cpus 0-0
refused 4 'not all of' "one that b has itself" rfm borrow a b --cpus "$(cpus_of b | tr -d ' ')-$(cpus_of b | tr -d ' ')"
is "$(rfm loans | wc -l)" 1 "which is no loan"
refused 4 'less to lend' "memory that b booted with" rfm borrow b a --memory 128M
refused 3 'no loan 999' "a loan that is not there" rfm return 999
refused 3 'nothing is lent' "the loans of one that has none" rfm return a
refused 3 'no subOS' "the priority of nobody" rfm priority nobody 3
state >/run/now
check "none of these changed anything" cmp /run/state /run/now

# --- who may take from whom ---
refused 5 'only the higher' "equal priorities" rfm borrow a b --cpus 1 --preempt
check "priority" rfm priority b -5
refused 5 'only the higher' "the lower one does not take" rfm borrow a b --cpus 1 --preempt
check "nor is it asked for" test "$(rfm show b --json | sed -n 's/.*"priority": *\(-*[0-9]*\).*/\1/p')" = -5
check "priority" rfm priority b 5
id=$(rfm borrow a b --cpus 1 --preempt)
like "$id" '^[0-9]+$' "the higher one does: loan $id"
check "and gives back" rfm return "$id"
check "control: without --preempt priorities do not matter" rfm borrow a b --cpus 1
refused 5 'only the higher' "back by preemption" rfm borrow b a --cpus 1 --preempt
check "back" rfm return b
refused 4 'can be had' "b wants more than the supervisor has" rfm resize b --cpus +3
said=$(rfm resize b --cpus +3 --preempt)
is "$?" 0 "with --preempt it gets it: $said"
like "$said" '2 CPUs from a, loan' "and is told from whom"
is "$(cpus_of b | wc -w) $(nproc) $(online b)" "4 1 4" "one of the supervisor's, two of a's"
audit "preempted: the invariants hold"
refused 4 'lower priority than 5 has more|0 can' "then there is no more" rfm resize b --cpus +1 --preempt
check "back" rfm return b
check "the supervisor's goes back, too" rfm resize b --cpus 1
is "$(nproc) $(cpus_of a | wc -w)" "2 3" "all as before"
audit "all as before: the invariants hold"

# --- what is lent on is owed to the first lender ---
check "a core is lent" rfm borrow a b --cpus 1
check "and borrowed back" rfm borrow b a --cpus 1
is "$(rfm loans | wc -l) $(cpus_of a | wc -w) $(online a)" "1 3 3" "which is no loan: it is a's own"
check "c starts" rfm create c --cpus 1 --memory 256M
check "a core is lent to b" rfm borrow a b --cpus 1
check "and lent on to c" rfm borrow b c --cpus 1
like "$(rfm loans | sed 1d)" '^ *[0-9]+ cpu +[0-9] +a +c ' "it is a's, with c"
is "$(rfm loans | wc -l)" 2 "and lent once"
audit "lent on: the invariants hold"
check "c ends" rfm destroy c --force
check "a has it" eventually 60 has_online a 3
is "$(cpus_of a | wc -w) $(rfm loans | wc -l)" "3 1" "and nobody else"
audit "back from who it was lent on to: the invariants hold"

# --- two at once, and Ctrl-C ---
round=0
while [ $round -lt "$(rounds 3 20)" ]; do
	round=$((round + 1))
	rfm borrow a b --cpus 1 >/run/1 2>&1 & p1=$!
	rfm borrow a b --memory 128M >/run/2 2>&1 & p2=$!
	wait $p1; s1=$?
	wait $p2; s2=$?
	like "$s1 $s2" '^(0 0|0 4|4 0)$' "two at once: both, or one"
	is "$(cat /run/1 /run/2 | grep -c '^[0-9]*$')" "$(rfm loans | sed 1d | wc -l)" "each has its loan"
	[ "$(rfm loans | wc -l)" = 1 ] || rfm return b
	timeout -s INT 0.$((round % 10)) rfm borrow a b --memory 256M >/run/1 2>&1
	timeout -s INT 0.$((round % 5 + 1)) rfm return b >/run/1 2>&1
	eventually 60 eval 'rfm return b; [ $? = 3 ]'
	rfm audit >/run/audit || not_ok "Ctrl-C: $(cat /run/audit)"
done
check "interrupted: a has its CPUs" eventually 60 has_online a 3
check "and its memory" eventually 60 has_mem_kb a "$a_kb"
audit "interrupted: the invariants hold"
works a
works b
subos_log_clean a
subos_log_clean b
check "the end" rfm destroy --all
is "$(nproc)" 6 "all CPUs are back"
audit "in the end: the invariants hold"
check "rmmod" rmmod rfcontroller
END
done_testing
