#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# The rounds of tools/bench, in the test machine. Prints a JSON object a line.
# usage: create.sh ROUNDS
rounds=$1
gb=1073741824
# shellcheck source=tests/lib.sh
. /rf/lib.sh
# shellcheck source=tools/benchmark/subos.lib
. /rf/subos.lib
modprobe rfcontroller || exit 1

# record KIND ROUND WALL BEFORE FILE: the file is JSON already
record()
{
	printf '{"kind": "%s", "round": %d, "wall_ns": %s, "before_module_ns": [%s], "subos": %s}\n' \
		"$1" "$2" "$3" "$4" "$(tr -d '\n' <"$5")"
}

# before_module NAME: ns by its own clock until our module is there: from the first line
# of our init, which is the first program, and from where the kernel goes to run it
before_module()
{
	rfm log "$1" | awk -F '[][]' '/ Run \/.rainforest\/init as init process/ { run = $2 }
		/ rfinit: starts/ { init = $2 }
		/ rfsubos: the supervisor sees this kernel live/ { end = $2 }
		END { if (!run || init < run || end < init) exit 1
			printf "%.0f, %.0f\n", (end - init) * 1e9, (end - run) * 1e9 }'
}

# create NAME CPUS
create()
{
	timed_create "$1" --cpus "$2" --memory $gb
	rfm show "$1" --json >/run/show
	before=$(before_module "$1") || fail "the log of $1 does not tell when init began"
}

# destroy NAME
destroy()
{
	rfm destroy "$1" --force --json >/run/last || exit 1
}

# create_destroy KIND ROUND
create_destroy()
{
	create bench 4-5
	record "$1-create" "$2" "$wall" "$before" /run/show
	destroy bench
	record "$1-destroy" "$2" 0 "" /run/last
}

# cpus HOW ROUND: the same two CPUs off and back, by hot-plug alone (bare) or into our pool (take)
cpus()
{
	ns=$(stopwatch "$1" 4 5) || exit 1
	echo "{\"kind\": \"$1-cpus\", \"round\": $2, \"off_on_ns\": [$(echo "$ns" | tr ' ' ,)]}"
}

# ranges NAME KEY: start or length of each range of its memory, with commas
ranges()
{
	rfm show "$1" --json | grep -A 3 '"kind": *"memory"' |
		sed -n "s/^ *\"$2\": *\([0-9]*\).*/\1/p" | tr '\n' , | sed 's/,$//'
}

# zero NAME ROUND: a plain memset() of all memory that a stopped subOS used
zero()
{
	dmesg -c >/dev/null
	insmod /lib/rfbench.ko start="$(ranges "$1" start)" bytes="$(ranges "$1" length)" || exit 1
	rmmod rfbench
	ns=$(dmesg | sed -n "s/.*rfbench: memset $gb bytes in \([0-9]*\) ns.*/\1/p")
	[ "$ns" ] || exit 1
	echo "{\"kind\": \"memset\", \"round\": $2, \"ns\": $ns}"
}

# scrub NAME ROUND: what a destroy does instead
scrub()
{
	destroy "$1"
	record scrub "$2" 0 "" /run/last
}

# Two alike that ran and were stopped: one is zeroed plainly, the other as we do it. Which of
# them, and which first, changes from round to round.
scrub_pair()
{
	create even 2-3
	create odd 4-5
	stopwatch stop even || exit 1
	stopwatch stop odd || exit 1
	plain=even ours=odd
	[ $(($1 / 2 % 2)) -eq 0 ] || plain=odd ours=even
	[ $(($1 % 2)) -eq 0 ] || scrub $ours "$1"
	zero $plain "$1"
	[ $(($1 % 2)) -ne 0 ] || scrub $ours "$1"
	destroy $plain
}

# each FUNCTION ARGUMENT...: the rounds of it; the number of the round is the last argument
each()
{
	i=0
	while [ $i -lt "$rounds" ]; do
		"$@" $i
		i=$((i + 1))
	done
}

# ABBA: what drifts falls on both alike. More than one, as CPU hot-plug waits for every CPU of
# the machine, and so for the host: its times differ by a factor of five.
cpus_round()
{
	for how in bare take take bare bare take take bare bare take take bare; do
		cpus $how "$1"
	done
}

# The image's ELF is taken out and cached before anything is measured.
rfm create warm --cpus 1 --memory 256M >/dev/null 2>&1 && rfm destroy warm --force

each cpus_round
each create_destroy plain
rfm pool --cpus 2-5 --memory 2G >/dev/null || exit 1
each create_destroy pool
each scrub_pair
rfm audit >&2
