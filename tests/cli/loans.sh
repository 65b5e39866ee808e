#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# rfm borrow, return, loans, priority, and resize --preempt: what they ask the
# module for, and what they say.

. "$(dirname "$0")/common.sh"
prepare plain

# value FILTER: of the JSON on standard input
value()
{
	python3 -c 'import json, sys; d = json.load(sys.stdin); print(eval(sys.argv[1]))' "$1"
}

# cpus and MB of each subOS
now()
{
	RFM list --json | value '" ".join("%s:%s:%d" % (s["name"], s["cpus"], s["memory"] >> 20) for s in d["subos"])'
}

RFM create a --cpus 1-3 --memory 1G >/dev/null
RFM create b --cpus 4-4 --memory 512M >/dev/null

# borrow, loans, return
like "$(RFM loans)" "^ID KIND RESOURCE FROM TO SINCE$" "nothing is lent"
is "$(RFM loans --json | value 'd["schema"], d["loans"]')" "(1, [])" "nor in JSON"
is "$(RFM borrow a b --cpus 1)" 1 "borrow prints the number of the loan"
is "$(now)" "a:1-2:1024 b:3-4:512" "a CPU moved"
like "$(RFM loans)" "^ *1 cpu +3 +a +b +20[0-9-]+ [0-9:]+\.001$" "loans"
is "$(RFM borrow a b --cpus 2-2)" 2 "this CPU"
is "$(RFM borrow a b --memory 200M)" 3 "memory is rounded up to the block"
is "$(now)" "a:1:768 b:2-4:768" "and moved"
is "$(RFM loans | wc -l)" 5 "a line for each"
is "$(RFM loans --json | value '[(l["id"], l["kind"], l["start"] if l["kind"] == "cpu" else l["length"] >> 20, l["from"], l["to"], l["to_id"]) for l in d["loans"]]')" \
	"[(1, 'cpu', 3, 'a', 'b', 2), (2, 'cpu', 2, 'a', 'b', 2), (3, 'memory', 128, 'a', 'b', 2), (3, 'memory', 128, 'a', 'b', 2)]" \
	"loans --json"
is "$(RFM return 2)" "" "a loan goes back"
is "$(now)" "a:1-2:768 b:3-4:768" "only that one"
is "$(RFM return b --timeout 5)" "" "all others"
is "$(now)" "a:1-3:1024 b:4:512" "all as before"
is "$(RFM borrow a b --memory 128M --cpus 2)" "4
5" "both at once: two loans"
RFM return b
is "$(RFM borrow a b --cpus 1 --timeout 3 --json | value '[(l["id"], l["from"], l["to"], l["wanted"], l["lent"], l["errno"], l["stage_ns"]["park"]) for l in d["loans"]]')" \
	"[(6, 'a', 'b', 1, 1, 0, 4000000)]" "borrow --json"
RFM return 6

# the command line
before=$(now)
refuse()
{
	status=$1 pattern=$2 what=$3
	shift 3
	refused "$status" "$pattern" "refused: $what" RFM "$@"
}
refuse 2 "say what shall be lent" "nothing" borrow a b
refuse 2 "takes two names" "one name" borrow a --cpus 1
refuse 2 "takes two names" "three names" borrow a b c --cpus 1
refuse 2 "is no name" "a malformed name" borrow a ../b --cpus 1
refuse 2 "write 2 for any two" "words for CPUs" borrow a b --cpus two
refuse 2 "write 2 for any two" "a sign" borrow a b --cpus +1
refuse 2 "write 2 for any two" "no CPU" borrow a b --cpus 0
refuse 2 "write 512M" "words for memory" borrow a b --memory lots
refuse 2 "write 512M" "no memory" borrow a b --memory 0
refuse 2 "no machine has" "too much memory" borrow a b --memory 99999T
refuse 2 "write 1 to 3600" "a strange time" borrow a b --cpus 1 --timeout x
refuse 2 "number of a loan, or one name" "return: nothing" return
refuse 2 "number of a loan, or one name" "return: two" return 1 2
refuse 2 "no number of a loan, nor a name" "return: loan 0" return 0
refuse 2 "no number of a loan, nor a name" "return: something else" return a/b
refuse 3 "there is no loan 99" "return: a loan that is not there" return 99
refuse 3 "nothing is lent to a subOS" "return: nothing to return" return a
refuse 2 "takes no operand" "loans: an operand" loans a
refuse 3 "there is no subOS nobody" "from nobody" borrow nobody b --cpus 1
refuse 3 "there is no subOS nobody" "to nobody" borrow a nobody --cpus 1
refuse 4 "0 CPUs of 1 CPU from a: the module refuses" "from itself" borrow a a --cpus 1
refuse 4 "0 CPUs of 3 CPUs from a: not that many" "more than it has" borrow a b --cpus 3
refuse 4 "0B of 512M from b: b has less to lend" "memory it booted with" borrow b a --memory 512M
is "$(now)" "$before" "none of these changed anything"

# the module's answers become exit codes
answer()
{
	FAKE=RFM_FAKE_FAIL=$1
	refuse "$2" "0 CPUs of 2 CPUs from a: CPU 5 stays" "$3" borrow a b --cpus 2
}
answer borrow=107 4 "one does not listen"
answer borrow=110 6 "one does not answer"
answer borrow=95 7 "its kernel cannot let a CPU go"
answer borrow=16 4 "somebody else changes it"
answer borrow=32 1 "one ended meanwhile"
answer borrow=5 8 "a core is quarantined"
FAKE=RFM_FAKE_OLD=1
refuse 7 "the loaded module cannot do this" "an old module" borrow a b --cpus 1
refuse 7 "the loaded module knows no loans" "an old module: loans" loans
FAKE=RFM_FAKE_BOOT=run

# partly
env RFM_FAKE_PARTIAL=1 RFM_FAKE="$STATE" LD_PRELOAD="$T_DIR/fakedev.so" RFM_FAKE_FAIL=borrow=110 \
	"$T_TOP/build/rfm" --sysroot "$ROOT" borrow a b --cpus 2 >"$T_DIR/out" 2>"$T_DIR/err"
is "$? $(cat "$T_DIR/out" "$T_DIR/err")" \
	"8 7
rfm: borrow b: 1 CPU of 2 CPUs from a: CPU 5 stays: told to fail" "one of two: its loan is told"
env RFM_FAKE_PARTIAL=0 RFM_FAKE="$STATE" LD_PRELOAD="$T_DIR/fakedev.so" RFM_FAKE_FAIL=return=110 \
	"$T_TOP/build/rfm" --sysroot "$ROOT" return 7 >"$T_DIR/out" 2>"$T_DIR/err"
is "$? $(cat "$T_DIR/out" "$T_DIR/err")" "6 rfm: return 7: it did not let go: told to fail" \
	"a return that fails"
RFM borrow a b --memory 256M >/dev/null
env RFM_FAKE_PARTIAL=1 RFM_FAKE="$STATE" LD_PRELOAD="$T_DIR/fakedev.so" RFM_FAKE_FAIL=return=121 \
	"$T_TOP/build/rfm" --sysroot "$ROOT" return 8 >"$T_DIR/out" 2>"$T_DIR/err"
is "$? $(cat "$T_DIR/out" "$T_DIR/err")" \
	"8 rfm: return 8: it did not let go: told to fail; the rest of it went back" \
	"a return that does half"
is "$(RFM loans | wc -l)" 3 "what did not go back stays lent"
RFM return b
is "$(now)" "$before" "in the end all as before"

# Ctrl-C
rm -f "$STATE.blocked"
env RFM_FAKE="$STATE" LD_PRELOAD="$T_DIR/fakedev.so" RFM_FAKE_BLOCK=borrow "$T_TOP/build/rfm" --sysroot "$ROOT" \
	borrow a b --cpus 1 2>"$T_DIR/err" &
pid=$!
eventually 10 test -e "$STATE.blocked" || diag "never came to it"
kill -INT $pid
wait $pid
is "$? $(cat "$T_DIR/err")" "130 rfm: borrow b: 0 CPUs of 1 CPU from a: interrupted" "Ctrl-C"
RFM return b >/dev/null 2>&1

# priority
prio() { RFM show "$1" --json | value 'd["subos"]["priority"]'; }
is "$(prio a)" 0 "a priority is 0 at the start"
check "it is set" RFM priority b 10
is "$(prio b) $(RFM list --json | value '[s["priority"] for s in d["subos"]]')" "10 [0, 10]" "and shown"
like "$(RFM show b)" "^priority +10$" "also to people"
check "it can be negative" RFM priority a -7
is "$(prio a)" -7 "and is"
refuse 2 "is no priority; write -100 to 100" "too high" priority a 101
refuse 2 "is no priority" "too low" priority a -101
refuse 2 "is no priority" "words" priority a high
refuse 2 "takes one name and a number" "no number" priority a
refuse 2 "is no name" "a malformed name" priority a/b 3
refuse 3 "there is no subOS of this name" "nobody" priority nobody 3
is "$(prio a)" -7 "none of these changed it"

printf '[subos]\nname = d\ncpus = 5-5\nmemory = 512M\npriority = 30\n' >"$T_DIR/d.conf"
check "a configuration file has a priority" RFM create --config "$T_DIR/d.conf"
is "$(prio d)" 30 "and it is set"
RFM destroy d
check "the command line, too" RFM create d --config "$T_DIR/d.conf" --priority -3
is "$(prio d)" -3 "which comes first"
RFM destroy d
refuse 2 "priority 200: write -100 to 100" "one that cannot be" create d --cpus 1 --memory 512M --priority 200

# --preempt
check "the higher one takes" RFM borrow a b --cpus 1 --preempt
refuse 5 "only the higher priority takes" "the lower one does not" borrow b a --cpus 1 --preempt
RFM return b
RFM create c --cpus 5-5 --memory 512M >/dev/null
RFM destroy c
# one CPU is free, a has two to lend
is "$(RFM resize b --cpus +2 --preempt)" "b has CPUs 3-5 (3), 512M
1 CPU from a, loan 10" "the supervisor's first, then the lower one's"
is "$(RFM loans | wc -l)" 2 "only what was missing is lent"
RFM return b
RFM resize b --cpus 1 >/dev/null
# c has a lower priority than a, and one to lend
RFM resize a --cpus -1 >/dev/null
RFM create c --cpus 3,5 --memory 512M >/dev/null
RFM priority c -50
is "$(RFM resize b --cpus 3 --preempt)" "b has CPUs 2,4-5 (3), 512M
1 CPU from c, loan 11
1 CPU from a, loan 12" "the lowest first, then the next"
is "$(RFM resize b --memory +128M --preempt --json | value 'd["borrowed"], d["changes"][0]["reached"] >> 20')" \
	"([], 640)" "nothing is borrowed when the supervisor has it"
out=$(RFM resize b --cpus +1 --preempt 2>&1)
is "$? $out" "4 rfm: resize b: 3 of 4 CPUs wanted: neither the supervisor nor who has a lower priority than 10 has more; it has CPUs 2,4-5 (3), 640M as before" \
	"there is no more"
RFM return b
out=$(RFM resize b --cpus +3 --preempt --json 2>/dev/null)
is "$? $(echo "$out" | value '[(l["from"], l["kind"], l["lent"]) for l in d["borrowed"]], d["changes"][0]["reached"], d["changes"][0]["errno"]')" \
	"8 ([('c', 'cpu', 1), ('a', 'cpu', 1)], 3, 19)" "less than was wanted, in JSON"
RFM return b
is "$(RFM resize b --memory +3584M --preempt)" "b has CPU 4 (1), 4224M
128M from a, loan $(($(RFM loans --json | value 'd["loans"][0]["id"]')))" "memory, too"
is "$(now | cut -d' ' -f1)" "a:1-2:896" "from who has some that can leave"
RFM return b
RFM priority b -60
refuse 4 "has a lower priority than -60" "the lowest takes from nobody" resize b --cpus +1 --preempt
refuse 2 "say how many CPUs, not which" "--preempt with a list" resize b --cpus +2-2 --preempt
refuse 2 "leave --dry-run out" "--preempt with --dry-run" resize b --cpus +1 --preempt --dry-run
is "$(RFM loans | wc -l)" 1 "nothing is lent"

done_testing
