#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Signals between two kernels: step by step, and with two threads, where nothing that was
# raised may be lost; and mutations that must be noticed.
# timeout: 600 3600
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=tests/unit/mutations.lib
. "$T_TOP/tests/unit/mutations.lib"

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
cd "$T_TOP" || exit 1
sanitize="-fsanitize=address,undefined -fno-sanitize-recover=all"

# compile OUTPUT SOURCE FLAG...: the test with that signal.c
compile()
{
	output=$1
	source=$2
	shift 2
	"${CC:-gcc}" -g -Wall -Wextra -Werror -Wno-unused-parameter -Wno-missing-field-initializers \
		-std=gnu11 -D_GNU_SOURCE -pthread -Ificm -Itests/unit -Iinclude -Iinclude/uapi "$@" \
		-o "$output" tests/unit/ficm_signal_test.c "$source" ficm/ring.c
}

# build SOURCE: for mutations
build()
{
	# shellcheck disable=SC2086 # a list of flags
	compile "$tmp/test" "$1" -O1 $sanitize
}

# race PROGRAM ROUNDS: what it said
race()
{
	nice -n 10 "$1" race "$2" 2>&1
}

# spoiled WHAT SED-COMMAND: then a signal is lost. Two threads must meet for that, which they
# need not do in one run.
spoiled()
{
	sed "$2" ficm/signal.c >"$tmp/signal.c"
	if cmp -s "$tmp/signal.c" ficm/signal.c; then
		not_ok "control: $1: there is no such line in signal.c"
		return
	fi
	compile "$tmp/raced" "$tmp/signal.c" -O2 || bail "signal.c does not compile"
	for run in 1 2 3 4 5 6 7 8 9 10; do
		said=$(race "$tmp/raced" 1000000)
		case $said in
		*not*) break ;;
		esac
	done
	like "$said" '^not ok' "control: $1 is noticed in run $run: $(echo "$said" | head -n 1)"
}

# what is spoiled | sed
mutations ficm/signal.c >"$tmp/tap" <<'LIST'
rung for while it is pending|s/if (pending(s, word) & bit)/if (0 \&\& pending(s, word) \& bit)/
pending for ever|s/sent ^ READ_ONCE(s->other->taken\[word\])/sent/
not what it was, but all|s/\^ cpu_to_le64(bit))/^ cpu_to_le64(~0ULL))/
raised and not counted|/smp_store_release(&s->own->count/d
the wrong word|s/word = n \/ 64;/word = n \/ 65;/
taken and not said|/WRITE_ONCE(s->own->taken/d
taken without a look whether it is news|s/if (count == s->seen)/if (0)/
news for ever|/s->seen = count/d
words of who it does not know are taken|s/if (!other_opened(s))/if (0)/
words of who it does not know are pending|s/s->met = s->met || other_opened(s)/s->met = true/
it never gets to know the taker|s/s->met = s->met || other_opened(s)/s->met = false/
begins with what was sent|/WRITE_ONCE(own->sent/d
begins with what was taken|/WRITE_ONCE(own->taken/d
never open|/smp_store_release(&own->open/d
open for others|s/\.other_open = open_of(peer, self)/.other_open = open_of(0 * peer, self)/
never closed|/WRITE_ONCE(s->own->open, 0)/d
LIST
mutations_status=$?
grep -v '^1\.\.' "$tmp/tap"
T_COUNT=$((T_COUNT + $(grep -c '^\(not \)\?ok' "$tmp/tap")))
T_FAILED=$((T_FAILED + $(grep -c '^not ok' "$tmp/tap")))
is "$mutations_status" 0 "the steps came to their end, and no mutation passed"

n=$(rounds 100000 100000000)
compile "$tmp/plain" ficm/signal.c -O2 || bail "it does not compile"
like "$(race "$tmp/plain" "$n")" '^ok' "two threads: none is lost in $n rounds"
n=$(rounds 10000 3000000)
compile "$tmp/tsan" ficm/signal.c -O1 -fsanitize=thread || bail "it does not compile"
like "$(TSAN_OPTIONS=halt_on_error=1:exitcode=66 race "$tmp/tsan" "$n")" '^ok' \
	"tsan: none is lost in $n rounds"

# A barrier that is missing shows only where two threads run at once.
if [ "$(nproc)" -ge 2 ]; then
	spoiled "no barrier before the look whether it is pending" \
		'/look at what was taken: pairs/,/smp_mb();/s/smp_mb();/__atomic_signal_fence(5);/'
	spoiled "no barrier after taking" \
		'/look at what it is about: pairs/,/smp_mb();/s/smp_mb();/__atomic_signal_fence(5);/'
else
	skip "control: no barrier before the look whether it is pending" "one CPU"
	skip "control: no barrier after taking" "one CPU"
fi
done_testing
