#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# A loan ends with the kernel that borrowed, whatever ends it: then the lender's
# kernel has everything again, or the supervisor when the lender is gone.
# timeout: 1200 1800
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
need_build

run_guest --smp 6 --copy "$T_TOP/tests/vm/lifecycle.lib:/rf/lifecycle.lib" \
	--copy "$T_TOP/tests/vm/loans.lib:/rf/loans.lib" <<'END'
. /rf/lifecycle.lib
. /rf/loans.lib
modprobe rfcontroller
make_b() { boots rfm create b --cpus 1 --memory 256M; }
check "a starts" rfm create a --cpus 3 --memory 256M
check "b starts" make_b
check "a gets memory that can leave it" rfm resize a --memory +256M
start_work a
own=$(nproc) a_cpus=$(cpus_of a) a_kb=$(mem_kb a)

lend()
{
	check "a core and a block are lent" rfm borrow a b --cpus 1 --memory 128M
	is "$(rfm loans | sed 1d | wc -l) $(cpus_of b | wc -w) $(blocks a)" "2 2 3" "two loans; b has them, a has not"
}

# home WHAT
home()
{
	check "$1: the core is on line in a again" eventually 60 has_online a 3
	check "$1: and so is the block" eventually 60 has_mem_kb a "$a_kb"
	is "$(cpus_of a) $(blocks a) $(rfm loans | wc -l)" "$a_cpus 4 1" "$1: a owns what it had, nothing is lent"
	audit "$1: the invariants hold"
}

lend
inside b 'echo c >/proc/sysrq-trigger' >/dev/null 2>&1 &
check "b crashes" eventually 60 in_state b crashed
home "a crash"
is "$(nproc)" "$own" "the supervisor had no part in it"
check "b starts again" rfm restart b
is "$(cpus_of b | wc -w) $(blocks b)" "1 2" "with what is its own"

lend
check "b is stopped" rfm stop b
home "a stop"
check "b starts again" rfm restart b
lend
check "b restarts" rfm restart b
home "a restart"
is "$(online b) $(blocks b)" "1 2" "b runs with what is its own"
lend
check "b is destroyed" rfm destroy b --force
home "a destruction"
is "$(nproc)" $((own + 1)) "what was b's own is the supervisor's"
works a

# --- it goes wrong in the middle ---
check "b starts" make_b
echo loan_in >/sys/module/rfcontroller/parameters/fail_point
refused 8 'cannot be asked' "the borrower cannot be asked" rfm borrow a b --cpus 1
home "not taken"
echo loan_in >/sys/module/rfcontroller/parameters/fail_point
refused 8 'cannot be asked' "nor about memory" rfm borrow a b --memory 128M
home "not taken, memory"
for nth in 1 2 3 4; do
	echo alloc:$nth >/sys/module/rfcontroller/parameters/fail_point
	rfm borrow a b --memory 128M >/run/said 2>&1
	[ -z "$(cat /sys/module/rfcontroller/parameters/fail_point)" ] || break
	is "$(blocks a) $(rfm loans | wc -l)" "4 1" "out of memory, $nth: nothing moved ($(cat /run/said))"
done
echo >/sys/module/rfcontroller/parameters/fail_point
rfm return b >/dev/null 2>&1
home "out of memory"

# --- the lender does not run when it ends ---
lend
check "a is stopped" rfm stop a
is "$(cpus_of b | wc -w) $(online b)" "2 2" "b keeps what it borrowed"
audit "the lender is stopped: the invariants hold"
check "it goes back" rfm return b
is "$(cpus_of a | wc -w) $(blocks a)" "3 4" "to a, which does not run"
audit "back to one that is stopped: the invariants hold"
check "a starts with it" rfm restart a
is "$(inside a nproc | tail -n 1)" 3 "all three on line"
check "a gets memory that can leave it" rfm resize a --memory +128M
inside a 'echo c >/proc/sysrq-trigger' >/dev/null 2>&1 &
rfm borrow a b --memory 128M >/dev/null 2>&1
check "a crashes" eventually 60 in_state a crashed
refused 4 'does not run' "one that does not run lends nothing" rfm borrow a b --cpus 1
rfm destroy b --force
audit "both ended: the invariants hold"
is "$(blocks a) $(cpus_of a | wc -w)" "5 3" "a has everything"
check "a starts again" rfm restart a
refused 3 'no subOS' "one that is gone borrows nothing" rfm borrow a b --cpus 1

# --- the lender is destroyed first ---
check "b starts" make_b
check "a gets memory that can leave it" rfm resize a --memory +128M
check "a core and a block are lent" rfm borrow a b --cpus 1 --memory 128M
check "a is destroyed" rfm destroy a
is "$(cpus_of b | wc -w) $(online b) $(blocks b)" "2 2 3" "b keeps them"
is "$(rfm loans | wc -l)" 1 "as its own"
is "$(nproc)" 4 "what a had left is the supervisor's"
audit "the lender is gone: the invariants hold"
subos_log_clean b
check "b is destroyed" rfm destroy b
is "$(nproc)" 6 "then it is the supervisor's"
is "$(rfm resources | awk '$1 == "memory"' | wc -l)" 0 "and so is the memory"
audit "in the end: the invariants hold"
check "rmmod" rmmod rfcontroller
END
done_testing
