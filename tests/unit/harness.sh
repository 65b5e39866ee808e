#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# The tests' own tools: tests/run and tests/lib.sh notice what went wrong.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

# run_one NAME < SCRIPT: the last line and the status of tests/run for it
run_one()
{
	{
		echo '#!/bin/sh'
		cat
	} >"$tmp/$1.sh"
	chmod +x "$tmp/$1.sh"
	RF_LONG='' "$T_TOP/tests/run" "$tmp/$1.sh" >"$tmp/out"
	echo "$? $(tail -n 1 "$tmp/out")"
}

is "$(printf 'echo "ok 1 - a"; echo "ok - b"; echo 1..2\n' | run_one harness-good)" \
	"0 2 passed, 0 failed" "run: good points are counted"
is "$(printf 'echo "ok - a"; echo 1..1\n' | RF_BEGIN=$(($(date +%s) - 100)) run_one harness-took)" \
	"0 1 passed, 0 failed" "run: with the time when the build began"
like "$(cat "$tmp/out")" '^took 10[0-9] s with the build, [0-9] s without$' "it is told"
is "$(printf 'echo "ok - a"; echo "not ok - b"; echo 1..2; exit 1\n' | run_one harness-bad)" \
	"1 1 passed, 1 failed" "run: a failed point fails the run"
is "$(printf 'echo "ok - a # SKIP no hardware"; echo "ok - b"; echo 1..2\n' |
	run_one harness-skip)" "0 1 passed, 0 failed, 1 skipped" "run: a skipped point is no pass"
is "$(printf 'echo "ok - a"\n' | run_one harness-noplan)" \
	"1 1 passed, 1 failed" "run: a missing plan is a failure"
is "$(printf 'echo "ok - a"; echo 1..3\n' | run_one harness-short)" \
	"1 1 passed, 1 failed" "run: fewer points than planned are a failure"
is "$(printf 'echo "ok - a"; echo 1..1; exit 3\n' | run_one harness-status)" \
	"1 1 passed, 1 failed" "run: a status without a failed point is a failure"
is "$(printf '# timeout: 1\necho "ok - a"; echo 1..1; sleep 60\n' | run_one harness-slow)" \
	"1 1 passed, 1 failed" "run: too slow is a failure"
is "$(printf 'echo "1..0 # SKIP not here"\n' | run_one harness-none)" \
	"1 0 passed, 0 failed, 1 skipped" "run: nothing but skips is no success"
is "$(printf 'echo "Bail out! broken"; exit 99\n' | run_one harness-bail)" \
	"1 0 passed, 2 failed" "run: bailing out is a failure"
is "$(printf '# prepare: touch %s/ready\n[ -e %s/ready ] && echo "ok - a"; echo 1..1\n' "$tmp" "$tmp" |
	run_one harness-ready)" "0 1 passed, 0 failed" "run: what a test wants prepared is"
rm "$tmp/ready"
is "$(printf '# prepare: false\n[ -e %s/ready ] && echo "ok - a"; echo 1..1\n' "$tmp" |
	run_one harness-unready)" "1 0 passed, 1 failed" "control: without it the test fails"

crash="echo 'crash QEMU crashed (SIGSEGV)' >>\"\$RF_BOOTS\""
is "$(printf '[ -e %s/once ] && echo "ok - a"; [ -e %s/once ] || %s; touch %s/once; echo 1..1\n' \
	"$tmp" "$tmp" "$crash" "$tmp" | run_one harness-crash)" \
	"0 1 passed, 0 failed" "run: once more when QEMU crashed"
like "$(cat "$tmp/out")" '^harness-crash.sh: QEMU crashed \(SIGSEGV\): once more$' "and that is told"
is "$(printf 'echo "not ok - a"; %s; echo 1..1\n' "$crash" | run_one harness-crashes)" \
	"1 0 passed, 1 failed" "run: not when it crashes again"

# counted NAME COUNT AGAIN: what the runner says of a good test with so many boots, of which so
# many were done again; it writes NAME.json
counted()
{
	{
		echo '#!/bin/sh'
		echo 'echo "ok - a"; echo 1..1'
		echo "{ echo boots $2; yes again one | head -n $3; } >>\"\$RF_BOOTS\""
	} >"$tmp/$1.sh"
	chmod +x "$tmp/$1.sh"
	RF_LONG='' RF_BEGIN='' "$T_TOP/tests/run" --results "$tmp/$1.json" "$tmp/$1.sh" >"$tmp/out"
	echo "$? $(tail -n 2 "$tmp/out" | tr '\n' ';')"
}
is "$(counted harness-few 60 10)" \
	"0 10 of 60 boots were done again, 10 may be;1 passed, 0 failed;" \
	"run: boots that were done again are told"
like "$(tr -d ' \n' <"$tmp/harness-few.json")" \
	'"boots":\{"counted":60,"again":10,"allowed":10\}.*"boots":60,"again":10' "and written down"
is "$(counted harness-many 60 11)" \
	"1 not ok - 11 of 60 boots were done again, 10 may be;1 passed, 2 failed;" \
	"run: too many of them are a failure"
like "$(cat "$tmp/out")" 'not ok - 11 of 60 boots were done again, more than 10' "of that test, too"
is "$(counted harness-three 9 3)" "0 3 of 9 boots were done again, 4 may be;1 passed, 0 failed;" \
	"run: three in a row of few are none"

# Which comes when: m* are machines, b* machines that can be beside others, p* machines that want
# something prepared, u* boot none.
cat >"$tmp/order.py" <<'END'
import importlib.machinery
import importlib.util
import os
import sys
import threading

loader = importlib.machinery.SourceFileLoader("run", sys.argv[1])
run = importlib.util.module_from_spec(importlib.util.spec_from_loader("run", loader))
loader.exec_module(run)
done = []
LINES = {"beside": "b", "prepare: (.+)": "p"}
run.header = lambda path, pattern: os.path.basename(path)[0] == LINES[pattern] and ["", "true"]
run.run_one = lambda path: done.append(os.path.basename(path)) or path
vm, unit = (os.path.join(run.TOP, "tests", name) for name in ("vm", "unit"))
paths = [f"{vm}/{name}" for name in ("b1", "p1", "m1", "b2", "m2")] + [f"{unit}/u1", f"{unit}/u2"]
returned = run.run_all(paths, 1)
print(returned == paths, sorted(done) == sorted(os.path.basename(path) for path in paths),
      *(done.index(f"{kind}1") < done.index(f"{kind}2") for kind in "bmu"))

# the order of machines that come one after the other: one lane has no end
done.clear()
run.run_one = lambda path: done.append(os.path.basename(path)) or \
    path.startswith(unit) and ended.wait(30) or len(done) == 6 and ended.set() or path
ended = threading.Event()
run.run_all([f"{vm}/{name}" for name in ("p1", "m1", "m2", "m3", "m4")] + [f"{unit}/u1"], 1)
print([name for name in done if name != "u1"])


def all_meet(jobs, *names):
    """Whether these are at work at one time."""
    meeting, met = threading.Barrier(len(names)), []
    run.run_one = lambda path: met.append(meeting.wait(30)) or path
    run.run_all(list(names), jobs)
    return len(met) == len(names)


print(all_meet(1, f"{vm}/m1", f"{vm}/b1", f"{unit}/u1"), all_meet(1, f"{vm}/m1", f"{vm}/m2"),
      all_meet(2, f"{vm}/m1", f"{vm}/m2", f"{vm}/b1", f"{unit}/u1"))
print(*("nice" in run.command_of(path) for path in (f"{unit}/u1", f"{vm}/m1", f"{vm}/b1")))
END
is "$(PYTHONDONTWRITEBYTECODE=1 python3 "$tmp/order.py" "$T_TOP/tests/run")" \
	"True True True True True
['m1', 'm2', 'p1', 'm3', 'm4']
True True True
True False False" "run: all once, what wants something prepared in the middle; what runs at one time;
	no machine gives way"

# A boot that a stale breakpoint of QEMU ended, told from others by what rfm says.
rfm()
{
	case $1 in
	log) echo "$said" ;;
	list) echo "one 7 $state 4-5 512M" ;;
	esac
}
while IFS='|' read -r t_status state said want; do
	is "$(t_stale rfm create one && echo again || echo no)" "$want" \
		"stale breakpoint: status $t_status, $state, '$said': $want"
done <<'END'
1|booting|Oops: int3: 0000 [#1]|again
1|hung|Oops: int3: 0000 [#1]|again
1|running|Oops: int3: 0000 [#1]|no
1|crashed|Kernel panic|no
1|crashed|Oops: int3: 0000 [#1]|again
6|booting|sched_clock: Marking stable (1, 2)|again
6|hung|nvme nvme0: 5/0/0 default/read/poll queues|no
4|booting|Oops: int3: 0000 [#1]|no
END
# as_often N COMMAND...: its status when so many boots end like that, how many there were, and how
# many were told of as done again
as_often()
{
	rm -f "$tmp/boots"
	n=$1
	shift
	# shellcheck disable=SC2317 # called by what is called
	rfm()
	{
		case $1 in
		log) echo "Oops: int3: 0000 [#1]" ;;
		list) echo "one 7 booting 4-5 512M" ;;
		create)
			echo boot >>"$tmp/boots"
			[ "$(wc -l <"$tmp/boots")" -gt "$n" ]
			;;
		esac
	}
	"$@" >/dev/null 9>"$tmp/told"
	echo "$t_status $(wc -l <"$tmp/boots") $(grep -c '^# .* while one booted: once more$' "$tmp/told")"
}
is "$(for n in 0 3 100; do as_often $n t_run rfm create one; done | tr '\n' ,)" \
	"0 1 0,0 4 3,1 5 4," "a boot that QEMU ended is done again, four times at most, and told"
# shellcheck disable=SC2317 # called through check
makes_one() { boots rfm create one; }
is "$(as_often 2 check x makes_one)" "0 3 2" "and told where check swallows what a command says"
unset -f rfm

# A machine's boots, its subOSes' and what was done again come to the runner.
(
	run_vm()
	{
		T_MACHINES=1 VM_LOGS=$tmp
		for ms in 148 0 9; do
			echo "[ 1.0] rfcontroller: one: destroyed, CPUs back in $ms ms, memory zeroed in 0 ms"
		done >"$tmp/serial.log"
		echo "# QEMU ran a stale breakpoint while one booted: once more"
		echo "# script ended"
	}
	RF_BOOTS=$tmp/journal T_DIR=$tmp EXPECT_COMPLAINTS=y
	run_guest </dev/null >/dev/null
)
is "$(tr '\n' ' ' <"$tmp/journal")" "boots 2 again one " "run_guest: tells the runner of boots"

# The scan: lines of real kernels, each of which must be noticed.
while IFS= read -r line; do
	is "$(printf 'x\n%s\ny\n' "$line" | complaints)" "$line" "scan: notices: $line"
done <<'END'
[    1.0] WARNING: CPU: 2 PID: 1 at mm/page_alloc.c:1 x+0x1/0x2
[    1.0] BUG: kernel NULL pointer dereference, address: 0000000000000000
[    1.0] Oops: Oops: 0002 [#1] PREEMPT SMP NOPTI
[    1.0] rcu: INFO: rcu_preempt self-detected stall on CPU
[    1.0] watchdog: BUG: soft lockup - CPU#1 stuck for 26s!
[    1.0] Failed to hand over CPU 3
[    1.0] INFO: task rfm:33 blocked for more than 120 seconds.
END
is "$(echo '[    1.0] please report a bug; 2 warnings' | complaints)" "" \
	"scan: ordinary lines are no complaint"

# What builds say of our files, each of which must be noticed; and of others.
while IFS= read -r line; do
	is "$(printf 'x\n%s\ny\n' "$line" | "$T_TOP/scripts/our-warnings")" "$line" \
		"our-warnings: notices: $line"
done <<'END'
/b/src/ficm/main.c:10:5: warning: no previous prototype for 'x' [-Wmissing-prototypes]
/b/src/rfcom/queue.c:12:27: warning: cast from restricted __le32
/b/src/rfcontroller/park.o: warning: objtool: x() falls through to next function y()
WARNING: modpost: missing MODULE_DESCRIPTION() in /b/src/kernel/rfsubos.o
WARNING: modpost: /b/src/rfloop/rfloop: section mismatch in reference: x (section: .text) -> y
ERROR: modpost: "x" [/b/src/virtio/rfvirtio.ko] undefined!
END
is "$("$T_TOP/scripts/our-warnings" <<'END'
In file included from /b/src/ficm/main.c:3:
/usr/src/linux-headers/include/linux/mm.h:3:1: warning: unused variable 'x'
WARNING: Module.symvers is missing.
END
)" "" "our-warnings: not what is said of others"

is "$(printf 'x\n[ 1.0] WARNING: y\n[ 1.1] RIP: z\n' | (log_clean log) | tr '\n' '|')" \
	"not ok - log|# [ 1.0] WARNING: y|# [ 1.1] RIP: z|" "log_clean: shows what came after a complaint"
is "$(printf 'x\n' | (log_clean log))" "ok - log" "log_clean: or passes"

# The assertions themselves.
is "$( (is 1 2 x) | head -n 1)" "not ok - x" "is: a difference fails"
is "$( (check x false) | head -n 1)" "not ok - x" "check: a failing command fails"
is "$( (refused 2 y x sh -c 'echo y >&2; exit 1') | head -n 1)" "not ok - x" \
	"refused: another status fails"
is "$( (refused 1 y x sh -c 'echo z >&2; exit 1') | head -n 1)" "not ok - x" \
	"refused: another message fails"
is "$( (refused 1 y x sh -c 'echo y >&2; exit 1') | head -n 1)" "ok - x" \
	"refused: the right status and message pass"
eventually 1 false
is $? 1 "eventually: gives up"

# A machine that QEMU's own fault ends is booted again, if its command had not begun.
# stale STATUS LINE...: would it be, with that status and these lines on the console?
# shellcheck disable=SC2317 # called through check
stale()
{
	status=$1
	shift
	printf '%s\n' "$@" >"$tmp/serial.log"
	python3 -B -c 'import sys
sys.path.insert(0, sys.argv[1])
from machine import Machine
m = object.__new__(Machine)
m.logs, m.status = sys.argv[2], int(sys.argv[3])
sys.exit(not m.met_stale_int3())' "$T_TOP/tools/vm" "$tmp" "$status"
}
check "a stale breakpoint before the command begins: once more" \
	stale 122 "Oops: int3: 0000 [#1]" "Kernel panic"
check "after it has begun: a failure" eval '! stale 122 "rf-vm: the command begins" "Oops: int3: 0000"'
check "another oops: a failure" eval '! stale 122 "Oops: 0002 [#1]" "Kernel panic"'
check "no panic: nothing to do again" eval '! stale 0 "Oops: int3: 0000 [#1]"'

# played MEGABYTES TEXT: does a played supervisor find it, that far in its memory?
# shellcheck disable=SC2317 # called through check
played()
{
	truncate -s 0 "$tmp/ram"
	truncate -s 64M "$tmp/ram"
	printf '%s' "$2" | dd of="$tmp/ram" bs=1M seek="$1" conv=notrunc status=none
	python3 -B -c 'import sys
sys.path.insert(0, sys.argv[1])
from fakesup import Machine
m = object.__new__(Machine)
m.file = open(sys.argv[2], "r+b")
sys.exit(not m.met_stale_int3())' "$T_TOP/tests/vm" "$tmp/ram"
}
check "a stale breakpoint of a kernel that has no console yet" \
	played 63 "[    0.1] Oops: int3: 0000 [#1] PREEMPT SMP NOPTI"
check "another oops of it is none" eval '! played 63 "Oops: 0002 [#1]"'
done_testing
