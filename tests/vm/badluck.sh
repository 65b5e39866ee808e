#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Bad luck: several rfm at the same time want the same thing, and one that is
# interrupted or killed at each step of a creation. With SMT.
# timeout: 1200 3600
# beside
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
need_build

disk=$(scratch disk 16M)

run_guest --smp 8,sockets=1,cores=4,threads=2 --disk "$disk" \
	--copy "$T_TOP/tests/vm/badinput.lib:/rf/badinput.lib" <<'END'
. /rf/badinput.lib
modprobe rfcontroller
A=$(bdf_of /dev/rfdisk0)
is "$(cat /sys/devices/system/cpu/cpu2/topology/thread_siblings_list)" 2-3 \
	"control: cores have two threads"
check "control: a creation" rfm create x --cpus 2-3 --memory 256M --pci "$A"
check "and its end" rfm destroy --force x

# --- half cores ---
bad 4 'CPU 3 is one core with CPU 2; name all of 2-3, or none' "half a core" \
	rfm create x --cpus 3-3 --memory 256M
bad 4 'CPU 1 is one core with CPU 0' "CPU 0's sibling" rfm create x --cpus 1-1 --memory 256M
bad 4 'CPU 5 is one core with CPU 4' "a core and a half" rfm create x --cpus 2,3,5 --memory 256M
bad 4 '1 CPUs wanted, 0 can be had in whole cores .*; ask for another number' "an odd number of CPUs" \
	rfm create x --cpus 1 --memory 256M
bad 4 '8 CPUs are wanted, 6 can be had' "all CPUs" rfm create x --cpus 8 --memory 256M
check "a whole core" rfm create web --cpus 2-3 --memory 256M --no-wait
bad 4 'CPU 3 belongs to subOS web|CPU 3 belongs to web' "half a core that is taken" \
	rfm create x --cpus 3-3 --memory 256M
rfm destroy --force web

# --- three at the same time ---
# race DESCRIPTION PATTERN ARGUMENTS...: rfm create r1, r2, r3 together, each with
# the arguments, in which @ stands for its number: one wins, the others say who did
race()
{
	desc=$1 pattern=$2
	shift 2
	won=0 told=0 round=0 strange=
	before
	while [ $round -lt "$(rounds 2 100)" ]; do
		round=$((round + 1))
		for n in 1 2 3; do
			# shellcheck disable=SC2046
			rfm create $(echo "$*" | sed "s/@/$n/g") --no-wait >/run/out$n 2>/run/err$n &
			eval "pid$n=$!"
		done
		winner=
		for n in 1 2 3; do
			eval "wait \$pid$n"
			status=$?
			echo "$status" >/run/status$n
			[ $status -ne 0 ] || winner="$winner$n"
		done
		[ ${#winner} -ne 1 ] || won=$((won + 1))
		name=$(rfm list --json | sed -n 's/.*"name": *"\([^"]*\)".*/\1/p')
		for n in 1 2 3; do
			[ "$n" != "$winner" ] || continue
			if [ "$(cat /run/status$n)" -eq 4 ] && [ "$(grep -vc warning: /run/err$n)" -eq 1 ] &&
			   grep -Eq "$(echo "$pattern" | sed "s/NAME/$name/")" /run/err$n; then
				told=$((told + 1))
			else
				strange="$strange
$(cat /run/status$n): $(cat /run/err$n)"
			fi
		done
		[ "$(rfm show "$name" --json | grep -c '"cpus"')" -gt 0 ] && rfm audit --quick >/dev/null ||
			strange="$strange; the winner $name is not whole"
		rfm destroy --force --all >/dev/null 2>&1
	done
	is "$won of $round" "$round of $round" "$desc: one wins each time"
	is "$told$strange" "$((round * 2))" "$desc: the others name the owner"
	check "$desc: nothing is lost" nothing_lost
}
race "the same CPUs" "CPU [45] belongs to (subOS )?NAME; choose other" r@ --cpus 4-5 --memory 256M
race "the same name" "there is a subOS of this name; .* rfm destroy NAME" r --cpus 2 --memory 256M
race "the same device" "PCI function $A belongs to (subOS )?NAME; " r@ --cpus 2 --memory 256M --pci "$A"
race "too many CPUs" "CPUs (are )?wanted, [02] can be had" r@ --cpus 4 --memory 256M

# --- interrupted ---
entries() { rfm ledger --from 1 | wc -l; }
grown() { [ "$(entries)" -ge "$1" ]; }
booting() { rfm list --json | grep -q '"state": *"booting"'; }
event_or_end() { "$@" || ! kill -0 $pid; }

# end_by SIGNAL EVENT...: a creation gets the signal as soon as EVENT holds; its
# exit status is in got then, what it said in /run/err
end_by()
{
	by=$1
	shift
	rfm create x --cpus 4-5 --memory 256M --pci "$A" >/run/out 2>/run/err &
	pid=$!
	eventually 100 event_or_end "$@"
	kill "-$by" $pid 2>/dev/null
	wait $pid
	got=$?
}

# at_each_step SIGNAL STATUS: 10 changes of owner are made before the start; the
# last of them may be seen when all is done
at_each_step()
{
	odd='' met=0 of=0
	before
	for n in $(rounds "1 4 8" "$(seq 0 10 | tr '\n' ' ')"); do
		end_by "$1" grown $(($(entries) + n))
		lives=$(rfm list --json | grep -c '"name"')
		# killed after the start it lives on
		[ "$lives" -eq 0 ] || rfm destroy --force x
		# On a busy host the change may be seen when it is running already.
		of=$((of + 1))
		case $got,$lives in
		"$2",*) met=$((met + 1)) ;;
		0,1) ;;
		*) odd="$odd $n:$got" ;;
		esac
		[ "$(grep -vc warning: /run/err)" -le 1 ] || odd="$odd $n:$(cat /run/err)"
		check "$1 after $n changes of owner (status $got, $lives lives): nothing is lost" \
			nothing_lost
	done
	is "$odd" "" "$1: the exit status is $2, said in one line at most"
	check "control: most signals came in time ($met of $of)" test $((2 * met)) -ge $of
}
at_each_step INT 130
at_each_step KILL 137

before
end_by INT booting
like "$(cat /run/err)" 'interrupted; everything was given back' "interrupted while it boots"
is "$got" 130 "the exit status is 130"
check "nothing is lost" nothing_lost
end_by KILL booting
like "$(rfm list)" '^x .*(booting|running)' "killed while it boots: the subOS lives on"
check "and can be waited for" eventually 100 sh -c 'rfm list | grep -q "^x .*running"'
check "and can be destroyed" rfm destroy x
check "nothing is lost" nothing_lost

# --- one waits for another that takes all the memory there is ---
gone() { dmesg | grep -c 'is now offline'; }
opened() { ls -l "/proc/$1/fd" | grep -q /dev/rainforest; }
before
offline=$(gone)
rfm create big --cpus 6-7 --memory 64G >/run/big 2>&1 &
big=$!
check "one takes its CPUs, then memory" eventually 100 eval "[ \$(gone) -eq $((offline + 2)) ]"
rfm create x --cpus 4-5 --memory 256M >/run/out 2>/run/err &
pid=$!
check "another comes" eventually 60 opened $pid
kill -INT $pid
wait $pid
is "$? $(cat /run/err)" "130 rfm: create x: interrupted" "Ctrl-C: it does not wait any more"
if kill -0 $big 2>/dev/null; then
	ok "the first is still at it"
else
	skip "the first is still at it" "it gave up before the other was interrupted"
fi
wait $big
like "$(cat /run/big)" 'MB of memory wanted, [0-9]* MB can be had' "until it has to give up"
check "nothing is lost" nothing_lost
audit "the invariants hold"
check "the module can be unloaded" rmmod rfcontroller
END
done_testing
