#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# rfm without memory: whichever allocation fails, its own or a library's, it ends with one line
# and the documented code, and a subOS is there or it is not.
# timeout: 240

. "$(dirname "$0")/common.sh"
prepare plain
${CC:-cc} -std=gnu11 -D_GNU_SOURCE -Wall -Wextra -O1 -shared -fPIC -o "$T_DIR/nomemory.so" \
	"$CLI/nomemory.c" -ldl || bail "nomemory.c does not build"

# nth N COMMAND...: rfm, its N-th allocation fails; $T_DIR/met is there when there was one
nth()
{
	export NOMEMORY="$1" NOMEMORY_MET="$T_DIR/met"
	shift
	rm -f "$T_DIR/met"
	env RFM_FAKE="$STATE" LD_PRELOAD="$T_DIR/fakedev.so:$T_DIR/nomemory.so" "$FAKE" \
		"$T_TOP/build/rfm" --sysroot "$ROOT" "$@" </dev/null >"$T_DIR/out" 2>"$T_DIR/err"
}

# What it says for want of memory is in its last line; what is there agrees with its code.
right()
{
	case "$status $(tail -n 1 "$T_DIR/err")" in
	"1 rfm: $1"*": out of memory") left= ;;
	"8 rfm: $1"*": out of memory for more than the work itself, which is done") left="new " ;;
	*) return 1 ;;
	esac
	[ "$1" != create ] || [ "$(names)" = "$left" ]
}

# each STEP COMMAND...: with each STEP-th of its allocations failing, all in long runs
each()
{
	step=$(rounds "$1" 1) n=1 met=0 wrong=
	shift
	while cp "$T_DIR/before" "$STATE" && nth $n "$@"; status=$?; [ -e "$T_DIR/met" ]; do
		met=$((met + 1))
		right "$1" || wrong="$wrong $n: $status $(tail -n 1 "$T_DIR/err")"
		n=$((n + step))
	done
	is "$wrong" "" "$*: out of memory $met times"
	check "control: it asks for memory, and with all of it ends as it should ($status)" \
		test $met -gt 0 -a $status -eq "$want"
}

RFM list >/dev/null
cp "$STATE" "$T_DIR/before"
want=0
each 2 create new --cpus 2 --memory 1G
each 40 create new --cpus 2 --memory 1G --json
want=4
each 20 create new --cpus 2 --memory 1G --pci 00:03.0
like "$(cat "$T_DIR/err")" 'mounted on /srv/data' "control: it is a disk that is in use"
want=0
RFM create w --cpus 1 --memory 512M >/dev/null
cp "$STATE" "$T_DIR/before"
each 8 restart w
for command in list "list --json" "show w" resources usage "ledger --json" check pool; do
	# shellcheck disable=SC2086 # words
	each 40 $command
done
each 4 events
each 1 audit
is "$(names)" "w " "it lives"
done_testing
