#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# rfm events, usage, top, metrics and log --ledger: for people, for programs,
# for pipes that end.
# timeout: 120

. "$(dirname "$0")/common.sh"
prepare plain

# value FILTER: of the JSON on standard input
value()
{
	python3 -c 'import json, sys; d = json.load(sys.stdin); print(eval(sys.argv[1]))' "$1"
}

# lines FILTER: of the JSON lines on standard input, as a list
lines()
{
	python3 -c 'import json, sys; d = [json.loads(l) for l in sys.stdin]; print(eval(sys.argv[1]))' "$1"
}

is "$(RFM events)" "" "no events yet"
is "$(RFM events --json | value 'd["schema"], d["events"]')" "(1, [])" "no events in JSON"
RFM create web --cpus 2 --memory 1G >/dev/null
is "$(RFM events | cut -d ' ' -f 3-)" "1 web is created
2 web is booting: the boot core was started
3 web is running: init was started" "events"
like "$(RFM events)" "^20[0-9-]+ [0-9:]+\.001 1 web is created$" "each with its time"
is "$(RFM events --json | value '[(e["seq"], e["kind"], e.get("state")) for e in d["events"]]')" \
	"[(1, 'created', None), (2, 'state', 'booting'), (3, 'state', 'running')]" "events --json"
is "$(RFM events --from 3 | cut -d ' ' -f 3-)" "3 web is running: init was started" "events --from"
refused 2 "events count from 1" "events: a strange number" RFM events --from 0
refused 2 "takes no operand" "events: an operand" RFM events web

# follow FILE OPTION...: rfm itself, not a shell around it, so that $! can be signalled
follow()
{
	to=$1
	shift
	env RFM_FAKE="$STATE" LD_PRELOAD="$T_DIR/fakedev.so" \
		"$T_TOP/build/rfm" --sysroot "$ROOT" events --follow "$@" >"$to" 2>"$to.err" &
	pid=$!
}

follow "$T_DIR/all" --from 1 --json
eventually 10 grep -q running "$T_DIR/all"
follow_all=$pid
RFM resize web --cpus +1 >/dev/null
check "a follower sees what happens" eventually 10 grep -q '"kind":"cpus"' "$T_DIR/all"
is "$(lines '[(e["seq"], e["kind"], e["value"]) for e in d][-1]' <"$T_DIR/all")" "(4, 'cpus', 3)" \
	"one object a line"
kill -INT $follow_all
wait $follow_all
is "$? $(cat "$T_DIR/all.err")" "0 " "Ctrl-C ends it quietly"

# who follows without --from gets what is new. That it has begun shows in what it gets.
follow "$T_DIR/new"
# shellcheck disable=SC2317 # called by eventually
more()
{
	RFM resize web --cpus -1 >/dev/null
	RFM resize web --cpus +1 >/dev/null
	[ -s "$T_DIR/new" ]
}
check "a follower without --from" eventually 20 more
unlike "$(cat "$T_DIR/new")" "created|running" "sees nothing of what was before"
kill -TERM $pid
wait $pid
is "$?" 0 "SIGTERM ends it, too"

# a reader that goes away ends it, though nothing happens any more
mkfifo "$T_DIR/pipe"
(
	env RFM_FAKE="$STATE" LD_PRELOAD="$T_DIR/fakedev.so" "$T_TOP/build/rfm" --sysroot "$ROOT" \
		events -f --from 1 >"$T_DIR/pipe" 2>"$T_DIR/pipe.err"
	echo $? >"$T_DIR/pipe.status"
) &
head -n 1 <"$T_DIR/pipe" >"$T_DIR/pipe.out"
check "a broken pipe ends a follower that waits" eventually 10 test -s "$T_DIR/pipe.status"
is "$(wc -l <"$T_DIR/pipe.out") $(cat "$T_DIR/pipe.err")" "1 " "quietly"

# more events than are kept
i=0
while [ $i -lt 40 ]; do
	RFM resize web --cpus -1 >/dev/null
	RFM resize web --cpus +1 >/dev/null
	i=$((i + 1))
done
is "$(RFM events | wc -l)" 64 "the oldest are forgotten"
like "$(RFM events --from 2 | head -n 1)" "^\[ [0-9]+ events were forgotten \]$" "and who asks is told"

# accounts: exact, and checked
out=$(RFM usage)
is "$?" 0 "usage"
like "$out" "^web +1 +3\.000000 +8\.000000 +1\.000000000 +-$" "CPU-seconds, block-seconds, GB-seconds"
like "$out" "^old +99 +0\.250000 +3\.000001 +0\.375000125 +ended$" "one that has ended, to the last digit"
like "$out" "^\(older ones\) +98 +0\.000001 " "older ones in one line"
like "$out" "^6 CPUs for 1\.000000 seconds: 6\.000000 CPU-seconds$" "and the sum"
is "$(RFM usage --json | value 'd["sum_cpu_us"], d["nr_cpus"] * (d["now_us"] - d["since_us"]), sum(u["cpu_us"] for u in d["usage"])')" \
	"(6000000, 6000000, 6000000)" "usage --json"
FAKE=RFM_FAKE_USAGE=1
refused 1 "do not add up: 6000001 us in all, 6 CPUs had 6000000" "accounts that are off by a microsecond" RFM usage
FAKE=RFM_FAKE_BOOT=run

# top
out=$(RFM top --once)
like "$out" "^NAME STATE +CPUS USER% SYS% IRQ% IDLE% MEMORY AVAIL INTR/S CSW/S RUNQ NOTE$" "top has headings"
like "$out" "^web +running +3 +25\.0 +15\.0 +5\.0 +60\.0 +1G +256M +100 +2000 +3 -$" "and the shares"
is "$(RFM top --json | value '[(t["user_percent"], t["interrupts_per_s"], t["run_queue"]) for t in d["top"]]')" \
	"[(25.0, 100, 3)]" "top --json"
is "$(RFM top -n 2 | grep -c ^web)" 2 "top -n 2"
refused 2 "write 1 to 3600 seconds" "top: a strange interval" RFM top --interval 0
refused 2 "write 1 to 1000000" "top: a strange count" RFM top --count none
FAKE=RFM_FAKE_FAIL=stats=110
like "$(RFM top)" "^web +running +3 +- +- +- +- +1G +- +- +- +- does not answer$" "top: one that does not answer"
is "$(RFM top --json | value 'd["top"][0]["user_percent"], d["top"][0]["note"]')" "(None, 'does not answer')" \
	"the same in JSON"
FAKE=RFM_FAKE_BOOT=run
RFM create gone --cpus 1 --memory 256M >/dev/null
RFM stop gone
like "$(RFM top)" "^gone +stopped +1 +- .* stopped$" "top: one that is stopped"
like "$(env TERM=dumb script -qec "env RFM_FAKE='$STATE' LD_PRELOAD='$T_DIR/fakedev.so' '$T_TOP/build/rfm' --sysroot '$ROOT' top -n 2" /dev/null | tr '\033' '^' | grep -c '\^\[H\^\[J')" \
	2 "on a terminal it is drawn again"

# metrics, against the rules of the format
cat >"$T_DIR/openmetrics.py" <<'END'
"""Complains about text that is not OpenMetrics, as far as rfm could get it wrong."""
import re, sys

NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
LABEL = r'[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\[\\"n])*"'
SAMPLE = re.compile(rf"({NAME})(\{{(?:{LABEL}(?:,{LABEL})*)?\}})? (\S+)$")
SUFFIX = {"counter": ("_total",), "gauge": ("",), "info": ("_info",)}

def fault(text):
    if not text.endswith("# EOF\n") or text.count("# EOF\n") != 1:
        return "does not end with one # EOF"
    family, kind, unit, met, samples, done, begun = None, None, None, set(), set(), set(), False
    for line in text.splitlines()[:-1]:
        if not line:
            return "an empty line"
        if m := re.match(rf"# (TYPE|UNIT|HELP) ({NAME}) (.*)$", line):
            what, name, rest = m.groups()
            if what == "TYPE":
                if name in done:
                    return f"{name} twice"
                done.add(name)
                family, kind, unit, begun = name, rest, None, False
                if kind not in SUFFIX:
                    return f"type {kind}"
                if kind == "counter" and name.endswith("_total"):
                    return f"{name}: a family that ends in _total"
            elif name != family or begun:
                return f"{what} of {name} stands at the wrong place"
            elif what == "UNIT" and not name.endswith("_" + rest):
                return f"{name} does not end in its unit {rest}"
            continue
        m = SAMPLE.match(line)
        if not m:
            return f"no sample: {line}"
        name, labels, value = m.groups()
        begun = True
        if family is None or name not in [family + s for s in SUFFIX[kind]]:
            return f"{name} is no sample of {family}"
        if (name, labels) in samples:
            return f"{name}{labels} twice"
        samples.add((name, labels))
        if not re.match(r"-?\d+(\.\d+)?$", value) or (kind == "counter" and value[0] == "-"):
            return f"value {value}"
        if kind == "info" and value != "1":
            return f"info with {value}"
    return "" if samples else "nothing at all"

print(fault(sys.stdin.read()))
END
openmetrics()
{
	python3 "$T_DIR/openmetrics.py"
}
out=$(RFM metrics)
is "$?" 0 "metrics"
is "$(RFM metrics | openmetrics)" "" "is OpenMetrics"
for line in 'rainforest_subos_cpus{subos="web"} 3' 'rainforest_subos_memory_bytes{subos="web"} 1073741824' \
	'rainforest_subos_state{subos="web",state="running"} 1' 'rainforest_subos_state{subos="web",state="hung"} 0' \
	'rainforest_subos_state{subos="gone",state="stopped"} 1' 'rainforest_subos_heartbeats_total{subos="web"} 0' \
	'rainforest_subos_restarts_total{subos="web"} 0' \
	'rainforest_usage_cpu_seconds_total{owner="web",id="1"} 3.000000000' \
	'rainforest_usage_block_seconds_total{owner="old",id="99"} 3.000001000' \
	'rainforest_build_info{version="9.9-fake",abi="3"} 1'; do
	is "$(echo "$out" | grep -cxF "$line")" 1 "it has $line"
done
like "$out" '^rainforest_subos_cpu_seconds_total\{subos="web",mode="user"\} [0-9]+\.[0-9]{9}$' "and the modes"
unlike "$out" 'cpu_seconds_total\{subos="gone"' "but no figures of one that does not run"
FAKE=RFM_FAKE_BOOT=crash
RFM create bad --cpus 1 --memory 256M >/dev/null 2>&1
FAKE=RFM_FAKE_BOOT=run
is "$(RFM metrics | openmetrics)" "" "also with one that crashed"
# the checker notices what is wrong
wrong()
{
	like "$(printf '%s\n' "$out" | sed "$1" | openmetrics)" "$2" "the checker notices: $2"
}
# shellcheck disable=SC2016 # the last line, for sed
wrong '$d' "does not end"
wrong 's/^rainforest_subos_heartbeats_total/rainforest_subos_heartbeats/' "is no sample of"
wrong 's/"web"/"w"eb"/' "no sample"
wrong 's/^# UNIT \(.*\) bytes$/# UNIT \1 octets/' "does not end in its unit"
wrong 's/^\(rainforest_subos_cpus{.*\) 3$/\1 three/' "value three"
wrong '/^rainforest_subos_cpus{/p' "twice"
wrong 's/^# TYPE rainforest_subos_cpus_online gauge/# TYPE rainforest_subos_cpus gauge/' "twice"

# the ledger with its events
is "$(RFM log --ledger | sed -n '$p' | cut -d ' ' -f 3-)" "bad is crashed: panic: \\x1b[31mNo init\\xff found" \
	"log --ledger has the events"
like "$(RFM log --ledger web)" " CPU 2: \(supervisor\) -> web, failed: Device or resource busy$" "and the changes of web"
unlike "$(RFM log --ledger gone)" "web|bad" "one subOS is told apart"
is "$(RFM log --ledger old)" "" "one that has ended is known"
refused 3 "none is remembered" "log --ledger: a name that never was" RFM log --ledger nosuch
refused 2 "goes with the messages" "log --ledger --follow" RFM log --ledger --follow
is "$(RFM log --ledger --json web | lines '[list(e) for e in d][0], d[0]["ledger"]["errno"]')" \
	"(['ledger'], 16)" "log --ledger --json"

# an older module
FAKE=RFM_FAKE_OLD=1
refused 7 "the loaded module has no events" "events of an older module" RFM events
refused 7 "keeps no accounts" "usage of an older module" RFM usage
like "$(RFM top)" "^web .* the module has no figures$" "top with an older module"
is "$(RFM metrics | openmetrics)" "" "metrics with an older module"
like "$(RFM log --ledger web)" "CPU 2: .* web, failed" "log --ledger with an older module"

# stop says when force was needed
FAKE=RFM_FAKE_FORCED=1
like "$(RFM stop web 2>&1)" "warning: it did not shut down in time and was stopped by force" "stop tells of force"
is "$(RFM stop web 2>&1)" "" "but once only"

done_testing
