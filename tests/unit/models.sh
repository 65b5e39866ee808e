#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# The models of tools/model hold in every state that they can reach, and each
# way of spoiling one, a word after #ifdef or #ifndef in it, is noticed. LARGE
# is no such word, but the bounds of long runs.
# timeout: 1200 7200
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

command -v spin >/dev/null || skip_all "spin is not installed: run tools/setup"
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
cd "$tmp" || bail "no directory to work in"

memory=$(rounds 800 6000)
seconds=$(rounds 300 3600)
optimize=$(rounds -O0 -O2)	# few states take less time than gcc does

# explore MODEL [NAME]: every state, in bounded memory and time, into the file said
explore()
{
	rm -f pan* said
	spin -a ${2:+-D"$2"} "$T_TOP/tools/model/$1.pml" >said 2>&1 &&
		"${CC:-gcc}" "$optimize" -w -DSAFETY -DCOLLAPSE -DMEMLIM="$memory" -o pan pan.c >>said 2>&1 &&
		nice -n 19 timeout "$seconds" ./pan -m500000 >>said 2>&1
}

# All of it was seen: neither depth, memory nor time ended the search.
all_seen()
{
	grep -q '^State-vector .* errors: 0$' said &&
		! grep -Eq 'max search depth too small|Search not completed|out of memory|MEMLIM' said
}

spoilers()
{
	sed -n 's/^#ifn\{0,1\}def //p' "$T_TOP/tools/model/$1.pml" | sort -u | grep -vx LARGE
}

for model in ring signal restart resize; do
	explore $model "$(rounds '' LARGE)"
	states=$(sed -n 's/^ *\([0-9.e+]*\) states, stored.*/\1/p' said)
	if all_seen; then
		ok "$model: holds in all $states states"
	else
		not_ok "$model: holds in all states"
		diag "$(tail -n 30 said)"
	fi
	for name in $(spoilers $model); do
		explore $model "$name"
		found=$(grep -Eo '^pan:1: (assertion violated|invalid end state)' said)
		like "$found" . "control: $model with $name: ${found#pan:1: }"
	done
done
done_testing
