#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# The ring between two kernels: step by step, and under stress of two threads,
# under the sanitizers. Builds with one line of it spoiled have to fail.
# timeout: 1200 7200
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
here=$T_TOP/tests/unit
flags="-g -Wall -Wextra -Werror -Wno-unused-parameter -Wno-missing-field-initializers -std=gnu11
	-D_GNU_SOURCE -pthread -I$T_TOP/include -I$T_TOP/include/uapi -I$T_TOP/ficm"

# compile OUTPUT FLAG-OR-FILE...
compile()
{
	output=$tmp/$1
	shift
	# shellcheck disable=SC2086 # a list of flags
	nice -n 19 "${CC:-gcc}" $flags -o "$output" "$@" || bail "$output does not compile"
}

# ringtest PROGRAM OPTION...: what it printed last
ringtest()
{
	program=$tmp/$1
	shift
	nice -n 10 "$program" "$@" 2>&1
}

# spoil NAME SED-COMMAND: ring.c with that line changed, as NAME.c
spoil()
{
	sed "$2" "$T_TOP/ficm/ring.c" >"$tmp/$1.c"
	if cmp -s "$tmp/$1.c" "$T_TOP/ficm/ring.c"; then
		not_ok "control: $1: there is no such line in ring.c"
		return 1
	fi
}

# spoiled NAME SED-COMMAND OPTION...: with that line changed, the stress fails. Two
# threads must meet for that, which they need not do in one run.
spoiled()
{
	name=$1
	spoil "$1" "$2" || return
	shift 2
	compile "$name" -O2 "$T_TOP"/tools/ringtest/*.c "$tmp/$name.c"
	for run in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
		said=$(ringtest "$name" "$@")
		case $said in
		*ringtest:*) break ;;
		esac
	done
	like "$said" '^ringtest: ' "control: $name is noticed in run $run: $(echo "$said" | tail -n 1)"
}

# spoiled_step NAME SED-COMMAND: with that line changed, a step fails
spoiled_step()
{
	spoil "$1" "$2" || return
	compile "$1" -O1 "$here/ficm_ring_test.c" "$tmp/$1.c"
	like "$("$tmp/$1" 2>&1)" '^not ok' "control: $1 is noticed"
}

compile step -O1 -fsanitize=address,undefined -fno-sanitize-recover=all \
	"$here/ficm_ring_test.c" "$T_TOP/ficm/ring.c"
"$tmp/step" >"$tmp/tap"
step_status=$?
grep -v '^1\.\.' "$tmp/tap"
T_COUNT=$((T_COUNT + $(grep -c '^\(not \)\?ok' "$tmp/tap")))
T_FAILED=$((T_FAILED + $(grep -c '^not ok' "$tmp/tap")))
is "$step_status" 0 "the steps came to their end"

compile plain -O2 "$T_TOP"/tools/ringtest/*.c "$T_TOP/ficm/ring.c"
compile asan -O1 -fsanitize=address,undefined -fno-sanitize-recover=all \
	"$T_TOP"/tools/ringtest/*.c "$T_TOP/ficm/ring.c"
compile tsan -O1 -fsanitize=thread "$T_TOP"/tools/ringtest/*.c "$T_TOP/ficm/ring.c"
export TSAN_OPTIONS=halt_on_error=1:exitcode=66

n=$(rounds 100000 100000000)
check "$n messages, polled" ringtest plain --limit 3600 --poll --slots 4096 --count "$n" stream
n=$(rounds 100000 20000000)
check "$n messages, asleep in between" \
	ringtest plain --limit 3600 --sleep --slots 1024 --count "$n" stream
check "the same, always asleep at once, 8 slots" \
	ringtest plain --limit 3600 --sleep --spin 0 --slots 8 --count $((n / 20)) stream
n=$(rounds 30000 5000000)
check "$n messages against as many armings at the same moment" \
	ringtest plain --limit 3600 --count "$n" race
n=$(rounds 1000 100000)
check "$n times nonsense, from either end" ringtest plain --slots 16 --count "$n" garbage
check "$n other incarnations of either end" ringtest plain --slots 8 --count "$n" restart
for sanitizer in asan tsan; do
	n=$(rounds 10000 3000000)
	check "$sanitizer: $n messages, polled" \
		ringtest $sanitizer --slots 1024 --count "$n" stream
	check "$sanitizer: $n messages, asleep in between" \
		ringtest $sanitizer --sleep --spin 10 --slots 256 --count "$n" stream
	n=$(rounds 300 30000)
	check "$sanitizer: $n times nonsense" \
		ringtest $sanitizer --slots 16 --count "$n" garbage
	check "$sanitizer: $n other incarnations" \
		ringtest $sanitizer --slots 8 --count "$n" restart
done
diag "round trips: $(ringtest plain --count "$(rounds 10000 1000000)" pingpong)"

# Controls. A barrier that is missing shows only where two threads run at once.
if [ "$(nproc)" -ge 2 ]; then
	spoiled "no-barrier" 's/^\tsmp_mb();$/\t__atomic_signal_fence(5);/' --count 3000000 race
	spoiled "no-second-look-at-the-stamp" \
		's/if (READ_ONCE(slot->word\[0\]) != line->word\[0\])/if (0)/' \
		--slots 8 --count 300000 restart
else
	skip "control: no-barrier" "one CPU"
	skip "control: no-second-look-at-the-stamp" "one CPU"
fi
spoiled "no-look-after-arming" 's/return in_empty(in);/return in_empty(in) || true;/' --count 1000000 race
spoiled_step "the-stamp-says-nothing-of-the-writer" 's/(writer % 65535 + 1) << 16/0 * writer/'
spoiled_step "the-stamp-says-nothing-of-the-reader" 's/(reader % 65535 + 1)/0 * reader/'
spoiled_step "what-stands-behind-the-end-goes-too" 's/~(U64_MAX/~(0 * U64_MAX/'
spoiled "full-is-not-noticed" 's/>= out->mem.slots) {/> out->mem.slots) {/' \
	--slots 8 --count 1000000 stream
spoiled "nonsense-is-nothing-new" 's/stamp == in_before(in) ? -EAGAIN : in_stray(in)/-EAGAIN/' \
	--slots 16 --count 100 garbage
spoiled "the-length-is-not-checked" \
	's/line->msg.len > RF_MSG_BODY || line->msg.flags/0/' --slots 16 --count 100000 garbage
done_testing
