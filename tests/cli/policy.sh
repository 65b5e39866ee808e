#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# rfm set, and the same options of rfm create: what they ask the module for, what
# they say.

. "$(dirname "$0")/common.sh"
prepare plain

# of NAME KEYS: figures of it
of()
{
	RFM show "$1" --json | python3 -c 'import json, sys
d = json.load(sys.stdin)["subos"]
print(*[d[k] for k in sys.argv[1:]])' on_crash max_cpus max_memory
}
kept()
{
	RFM show "$1" --json | sed -n 's/.*"kept_bytes": *\([0-9]*\).*/\1/p'
}
refuse()
{
	status=$1 pattern=$2 what=$3
	shift 3
	refused "$status" "$pattern" "refused: $what" RFM "$@"
}

# create
RFM create a --cpus 1 --memory 512M >/dev/null
is "$(of a)" "keep 0 0" "nothing said: kept, and it may ask for nothing"
like "$(RFM show a)" '^on crash +keep$' "also to people"
unlike "$(RFM show a)" '^(kept|restarts|may ask for|asked) ' "no more than there is to say"
unlike "$(RFM events)" 'policy' "and the module was not asked"
check "all of it" RFM create b --cpus 1 --memory 512M --on-crash restart --max-cpus 3 --max-memory 1G
is "$(of b)" "restart 3 $((1 << 30))" "is set"
check "before it is loaded: the module keeps a copy" test "$(kept b)" -gt 0
like "$(RFM show b)" '^may ask for +up to 3 CPUs, 1G of memory$' "also to people"
like "$(RFM events)" 'b has the policy on-crash restart: asked by rfm' "an event tells"
printf '[subos]\nname = c\ncpus = 1\nmemory = 512M\non-crash = destroy\nmax-cpus = 2\nmax-memory = 2G\n' >"$T_DIR/c.conf"
check "a configuration file" RFM create -f "$T_DIR/c.conf"
is "$(of c)" "destroy 2 $((2 << 30))" "has the same keys"
RFM destroy c
check "the command line comes first" RFM create -f "$T_DIR/c.conf" --on-crash keep --max-memory none
is "$(of c)" "keep 2 0" "as always"
RFM destroy c

refuse 2 "^rfm: create c: --on-crash retry: write keep, restart or destroy$" "a word that is none" \
	create c --cpus 1 --memory 512M --on-crash retry
refuse 2 "--max-cpus 0: write a number of CPUs, 1 to [0-9]+ in all, or none" "no CPU" \
	create c --cpus 1 --memory 512M --max-cpus 0
refuse 2 "--max-cpus 1-2: write a number" "a list" create c --cpus 1 --memory 512M --max-cpus 1-2
refuse 2 "--max-memory 64M: write a size in all, from 128M on, as 2G, or none" "less than a block" \
	create c --cpus 1 --memory 512M --max-memory 64M
refuse 2 "--max-memory much: write a size" "words" create c --cpus 1 --memory 512M --max-memory much
refuse 2 "--on-crash restart: a bare subOS does not tell of a crash; leave" "bare" \
	create c --cpus 1 --memory 512M --unsafe-bare --on-crash restart
printf 'on-crush = keep\n' >>"$T_DIR/c.conf"
refuse 2 "c.conf:8: not one of .*, on-crash, max-cpus, max-memory: 'on-crush'" "a key that is none" \
	create -f "$T_DIR/c.conf"
FAKE=RFM_FAKE_FAIL=policy=12
refuse 1 "policy was told to fail" "the module has no memory" create c --cpus 1 --memory 512M --on-crash restart
FAKE=RFM_FAKE_BOOT=run
refuse 3 "there is no subOS of this name" "control: none of these left anything" show c

# one that crashes while it boots, and is started again: create waits on
FAKE=RFM_FAKE_BOOT=again
like "$(RFM create c --cpus 1 --memory 512M --on-crash restart)" '^c is running' "create waits for the restart"
is "$(RFM show c --json | sed -n 's/.*"restarts": *\([0-9]*\).*/\1/p')" 1 "control: there was one"
like "$(RFM show c)" '^restarts +1$' "people are told"
like "$(RFM events)" 'c on-crash restart: 1 of 5 within 600 s: panic' "an event tells"
RFM destroy c
FAKE=RFM_FAKE_BOOT=crash
refuse 1 "crashed before its init ran: panic" "without a restart it is over" create c --cpus 1 --memory 512M --on-crash keep
RFM destroy c
FAKE=RFM_FAKE_BOOT=run

# set
check "restart, of one that runs" RFM set a --on-crash restart
check "its files are handed over first" test "$(kept a)" -gt 0
is "$(of a)" "restart 0 0" "the rest stays as it is"
check "a maximum" RFM set a --max-cpus 4
check "another" RFM set a --max-memory 768M
is "$(of a)" "restart 4 $((768 << 20))" "each by itself"
check "both away, and the restarts" RFM set a --max-cpus none --max-memory none --on-crash keep
is "$(of a) $(kept a)" "keep 0 0 0" "nothing is kept any more"
refuse 2 "say what shall be set" "nothing" set a
refuse 2 "takes one name" "no name" set --on-crash keep
refuse 2 "takes one name" "two names" set a b --on-crash keep
refuse 2 "is no name" "a malformed name" set a/b --on-crash keep
refuse 2 "--on-crash KEEP: write keep, restart or destroy" "capitals" set a --on-crash KEEP
refuse 2 "--max-cpus -1: write a number" "less than none" set a --max-cpus -1
refuse 2 "option '--on-crash' needs an argument" "no word" set a --on-crash
refuse 3 "there is no subOS of this name" "nobody" set nobody --on-crash keep
rm "$ROOT/run/rainforest/a.json"
refuse 3 "its settings are not known .*; use keep or destroy" "one whose files are not known" set a --on-crash restart
check "destroy needs none" RFM set a --on-crash destroy
is "$(of a)" "destroy 0 0" "and is set"
mv "$ROOT/boot/vmlinuz-6.12.0-test" "$ROOT/boot/away"
refuse 3 "vmlinuz" "the kernel is not there any more" set b --on-crash restart
mv "$ROOT/boot/away" "$ROOT/boot/vmlinuz-6.12.0-test"
FAKE=RFM_FAKE_FAIL=keep=12
refuse 1 "keep was told to fail" "no memory for the copy" set b --on-crash restart
FAKE=RFM_FAKE_OLD=1
refuse 7 "knows no policies" "an older module" set b --max-cpus 1
FAKE=RFM_FAKE_BOOT=run
is "$(of b)" "restart 3 $((1 << 30))" "none of these changed anything"
RFM create bare --cpus 1 --memory 512M --unsafe-bare >/dev/null 2>&1
refuse 4 "bare is bare" "a bare one" set bare --on-crash restart
check "but it may be kept" RFM set bare --on-crash keep

done_testing
