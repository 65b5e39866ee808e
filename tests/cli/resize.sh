#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# rfm resize: what it asks the module for, in which order, and what it says of
# what was reached.

. "$(dirname "$0")/common.sh"
prepare plain

# value FILTER: of the JSON on standard input
value()
{
	python3 -c 'import json, sys; d = json.load(sys.stdin); print(eval(sys.argv[1]))' "$1"
}

now()
{
	RFM list --json | value '[(s["cpus"], s["memory"] >> 20, s["nr_pci"]) for s in d["subos"] if s["name"] == "web"][0]'
}

# kinds of events since event $1
kinds()
{
	RFM events --json --from "$1" | value '" ".join(e["kind"] for e in d["events"])'
}

# put BDF: a function that is fit to be given
config()
{
	printf '%b' "$2" | dd of="$ROOT/sys/devices/pci0000:00/$1/config" conv=notrunc status=none bs=1 seek="$3"
}
truncate -s 256 "$ROOT/sys/devices/pci0000:00/0000:00:04.0/config"
config 0000:00:04.0 '\0020' 6
config 0000:00:04.0 '\0100' 52
config 0000:00:04.0 '\0001\0120' 64
config 0000:00:04.0 '\0021\0000' 80

RFM create web --cpus 2-3 --memory 1G >/dev/null
RFM create db --cpus 5-5 --memory 512M >/dev/null

# totals, more, less, these
is "$(RFM resize web --cpus 3)" "web has CPUs 2-4 (3), 1G" "--cpus 3: so many in all"
is "$(RFM resize web --cpus +1)" "web has CPUs 1-4 (4), 1G" "--cpus +1: one more" 2>/dev/null
is "$(RFM resize web --cpus -2)" "web has CPUs 1-2 (2), 1G" "--cpus -2: two less"
is "$(RFM resize web --cpus 1-1)" "web has CPU 1 (1), 1G" "--cpus 1-1: this one in all"
is "$(RFM resize web --cpus +3-4)" "web has CPUs 1,3-4 (3), 1G" "--cpus +3-4: these more"
is "$(RFM resize web --cpus -3-3)" "web has CPUs 1,4 (2), 1G" "--cpus -3-3: this one less"
is "$(RFM resize web --cpus 1-2)" "web has CPUs 1-2 (2), 1G" "--cpus 1-2: one goes, another comes"
is "$(RFM resize web --memory 2G)" "web has CPUs 1-2 (2), 2G" "--memory 2G: so much in all"
is "$(RFM resize web --memory +512M)" "web has CPUs 1-2 (2), 2560M" "--memory +512M: more"
is "$(RFM resize web --memory -1G)" "web has CPUs 1-2 (2), 1536M" "--memory -1G: less"
is "$(RFM resize web --memory 1600M)" "web has CPUs 1-2 (2), 1664M" "growth is rounded up, and that is said"
is "$(RFM resize web --memory 1600M)" "web has CPUs 1-2 (2), 1664M" "shrinking down: less than a block is nothing"
is "$(RFM resize web --pci +00:04.0)" "web has CPUs 1-2 (2), 1664M, 1 PCI function" "--pci +: given"
like "$(cat "$ROOT/run/rainforest/web.json")" '"pci": *\[' "rfm restart will know of it"
is "$(value 'd["pci"], d["memory"]' <"$ROOT/run/rainforest/web.json")" "([32], 1744830464)" "with its address"
is "$(RFM resize web --pci -0000:00:04.0)" "web has CPUs 1-2 (2), 1664M" "--pci -: taken back"
is "$(value 'd["pci"]' <"$ROOT/run/rainforest/web.json")" "[]" "and forgotten"

# several at once: what gives comes first
last=$(RFM events --json | value 'd["events"][-1]["seq"] + 1')
is "$(RFM resize web --cpus -1 --memory +128M --pci +00:04.0)" \
	"web has CPU 1 (1), 1792M, 1 PCI function" "several at once"
is "$(kinds "$last")" "memory pci cpus" "memory and device are given before the CPU is taken"
last=$(RFM events --json | value 'd["events"][-1]["seq"] + 1')
RFM resize web --memory -128M --pci -00:04.0 --cpus +1 >/dev/null
is "$(kinds "$last")" "cpus pci memory" "and the other way round"
like "$(RFM resize web --cpus +2 2>&1 >/dev/null)" "less than 512M for each of 4 CPUs" "little memory for each CPU is told"
is "$(RFM resize web --memory +128M 2>&1 >/dev/null)" "" "but not again"
is "$(RFM resize web --cpus 2 --json | value '[(c["kind"], c["before"], c["wanted"], c["reached"], c["errno"], c["stage_ns"]) for c in d["changes"]]')" \
	"[('cpu', 4, 2, 2, 0, {'take': 1000000, 'ask': 2000000, 'work': 3000000, 'park': 4000000, 'scrub': 5000000, 'give': 6000000})]" \
	"--json has the times of the stages"
is "$(RFM resize web --memory 1664M --json | value 'd["schema"], d["subos"]["memory"] >> 20')" "(1, 1664)" \
	"and the subOS"

# the command line
before=$(now)
refuse()
{
	status=$1 pattern=$2 what=$3
	shift 3
	refused "$status" "$pattern" "refused: $what" RFM resize "$@"
}
refuse 2 "say what shall change" "nothing" web
refuse 2 "takes one name" "no name" --cpus 2
refuse 3 "there is no subOS of this name" "a name that is not there" nosuch --cpus 2
refuse 2 "write 4 for so many" "words for CPUs" web --cpus two
refuse 2 "write 4 for so many" "a sign alone" web --cpus +
refuse 2 "write 4 for so many" "two signs" web --cpus +-1
refuse 2 "1 to 256 CPUs" "no CPU" web --cpus 0
refuse 2 "1 to 256 CPUs" "nothing more" web --cpus +0
refuse 2 "write 2G for so much" "words for memory" web --memory lots
refuse 2 "write 2G for so much" "no memory" web --memory 0
refuse 2 "no machine has" "more than any machine has" web --memory +99999T
refuse 2 "write \+0000" "a device without sign" web --pci 00:04.0
refuse 2 "write \+0000" "a malformed device" web --pci +4
refuse 2 "named twice" "a device both ways" web --pci +00:04.0 --pci -00:04.0
refuse 2 "said before" "an option twice" web --cpus 2 --cpus 3
refuse 2 "write 1 to 3600" "a strange time" web --cpus 2 --timeout 0

# what cannot be is refused before anything is touched
refuse 3 "there is no CPU 9; this machine has 0-5" "a CPU that is not there" web --cpus +9-9
refuse 4 "CPU 0 stays" "CPU 0" web --cpus 0-2
refuse 4 "CPU 5 belongs to subOS db" "a CPU that is taken" web --cpus +5-5 --memory +1G
refuse 4 "0000:00:03.0.*mounted on /srv/data" "a disk with a mounted file system" web --pci +00:03.0 --memory +1G
refuse 4 "2 of 9 CPUs wanted: there are not that many CPUs; it has CPUs 1-2 \(2\), 1664M as before" \
	"more CPUs than there are" web --cpus 9
refuse 4 "still 2 CPUs, 1 wanted: CPU 1 booted it and stays" "the CPU that it booted on" web --cpus -1-1
refuse 4 "1664M of 9856M wanted: that much is not to be had" "more memory than there is" web --memory +8G
refuse 4 "still 1664M, 0B wanted: it booted with the rest" "less than it booted with" web --memory -8G
refuse 3 "0000:00:04.0 was not taken back: it does not have that function" "a device that it does not have" \
	web --pci -00:04.0
is "$(now)" "$before" "none of these changed anything"
RFM stop db
refuse 4 "1 of 2 CPUs wanted: it is powered off; it has CPU 5 \(1\), 512M as before" "one that does not run" db --cpus 2

# the module's answers become exit codes
answer()
{
	FAKE=RFM_FAKE_FAIL=$1
	refuse "$2" "$3" "$4" web --cpus +1
}
answer resize_cpus=107 4 "CPU 5 stays" "it does not listen"
answer resize_cpus=121 4 "CPU 5 stays" "it refuses"
answer resize_cpus=110 6 "CPU 5 stays" "it does not answer"
answer resize_cpus=95 7 "CPU 5 stays" "its kernel cannot"
answer resize_cpus=16 4 "CPU 5 stays" "somebody else changes it"
answer resize_cpus=32 1 "CPU 5 stays" "it ended meanwhile"
answer resize_cpus=5 8 "CPU 5 stays" "a core is quarantined"
is "$(now)" "$before" "none of these changed anything, either"

# partial success: what was reached, and why not more
partly()
{
	# shellcheck disable=SC2086 # several options
	out=$(env RFM_FAKE_PARTIAL="$1" RFM_FAKE="$STATE" LD_PRELOAD="$T_DIR/fakedev.so" "RFM_FAKE_FAIL=$2" \
		"$T_TOP/build/rfm" --sysroot "$ROOT" resize web $3 2>&1)
	is "$? $out" "$4" "$5"
}
partly 1 resize_cpus=110 "--cpus +2" \
	"8 rfm: resize web: 3 of 4 CPUs wanted: CPU 5 stays: told to fail; it has CPUs 1-3 (3), 1664M" "CPUs, one of two"
partly 1 resize_memory=121 "--memory 1G" \
	"8 rfm: resize web: still 1536M, 1G wanted: a page cannot be moved (the page at 0x123456000 held it back); it has CPUs 1-3 (3), 1536M" \
	"memory, one of four blocks, with the page"
partly 0 resize_memory=110 "--cpus -1 --memory 1G --pci +00:04.0" \
	"8 rfm: resize web: still 1536M, 1G wanted: a page cannot be moved; it has CPUs 1-2 (2), 1536M, 1 PCI function" \
	"the last of three"
partly 0 resize_pci=121 "--memory 1G --pci -00:04.0" \
	"4 rfm: resize web: 0000:00:04.0 was not taken back: a file system on it is mounted; not tried: memory; it has CPUs 1-2 (2), 1536M, 1 PCI function as before" \
	"the first of two: nothing changed"
out=$(env RFM_FAKE_PARTIAL=1 RFM_FAKE="$STATE" LD_PRELOAD="$T_DIR/fakedev.so" RFM_FAKE_FAIL=resize_memory=121 \
	"$T_TOP/build/rfm" --sysroot "$ROOT" resize web --memory 1G --json 2>/dev/null)
is "$? $(echo "$out" | value '[(c["reached"] >> 20, c["errno"], c["reason"][:13]) for c in d["changes"]]')" \
	"8 [(1408, 121, 'a page cannot')]" "the same in JSON"

# Ctrl-C: while the module works, and what comes after it is not tried
FAKE=RFM_FAKE_BLOCK=resize_memory
rm -f "$STATE.blocked"
env RFM_FAKE="$STATE" LD_PRELOAD="$T_DIR/fakedev.so" "$FAKE" "$T_TOP/build/rfm" --sysroot "$ROOT" \
	resize web --memory +1G --cpus +1 2>"$T_DIR/err" &
pid=$!
eventually 10 test -e "$STATE.blocked" || diag "never came to it"
kill -INT $pid
wait $pid
is "$? $(cat "$T_DIR/err")" \
	"130 rfm: resize web: 1408M of 2432M wanted: interrupted; not tried: CPUs; it has CPUs 1-2 (2), 1408M, 1 PCI function as before" \
	"Ctrl-C"
FAKE=RFM_FAKE_BOOT=run

# dry run
before=$(now)
is "$(RFM resize web --dry-run --cpus +1 --memory 2G)" "nothing stands in the way of this change of web" "--dry-run"
out=$(RFM resize web --dry-run --cpus +5-5 --pci +00:01.0 --memory +8G 2>&1)
is "$?" 4 "--dry-run with conflicts"
like "$out" "CPU 5 belongs to subOS db" "names one"
like "$out" "0000:00:01.0 is a bridge" "and the other"
like "$out" "memory: that much is not to be had" "and the module's, which is asked all the same"
is "$(echo "$out" | wc -l)" 3 "each once"
refused 4 "memory: that much is not to be had" "--dry-run asks the module" RFM resize web --dry-run --memory +8G
is "$(RFM resize web --dry-run --memory +8G --json 2>/dev/null | value 'd["conflicts"]')" \
	"[{'exit_code': 4, 'text': 'memory: that much is not to be had'}]" "--dry-run --json"
is "$(now)" "$before" "and changes nothing"

done_testing
