#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Random changes of three subOSes that work all the while, each checked: one owner
# for everything, nothing lost, each kernel has what rfm says. Then cores and
# blocks back and forth; in the end memory and slabs are as they were.
# timeout: 900 14400
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
need_build

run_guest --smp 8 --timeout "$(rounds 800 14000)" \
	--copy "$T_TOP/tests/vm/lifecycle.lib:/rf/lifecycle.lib" <<'END'
. /rf/lifecycle.lib
modprobe rfcontroller
for name in a b c; do
	case $name in
	c) kernel=$OTHER_KERNEL ;;
	*) kernel=/boot/vmlinuz-$(uname -r) ;;
	esac
	check "$name starts" rfm create $name --cpus 1 --memory 256M --kernel "$kernel"
	start_work $name
done
seed=$(($(cut -d. -f1 /proc/uptime) * 7919 + $$))
diag "seed $seed"
# random N: 0 to N - 1
random()
{
	seed=$(((seed * 1103515245 + 12345) % 2147483648))
	echo $((seed / 65536 % $1)) >/run/random
}
pick() { random "$1"; picked=$(cat /run/random); }

# All CPUs have one owner, and each kernel says of itself what rfm says of it.
checked()
{
	rfm audit --quick >/run/audit || return 1
	[ "$(rfm resources | grep -c '^cpu')" -eq 8 ] || return 1
	for n in a b c; do
		[ "$(number $n nr_online)" = "$(rfm resources | awk -v n=$n '$1 == "cpu" && $NF == n' | wc -l)" ] ||
			return 1
	done
}
# The heartbeat carries the number of CPUs; it may be late.
settled() { eventually 20 checked; }

# A refusal is a result; what must not be is another exit code than these.
change()
{
	rfm resize "$@" >/run/said 2>&1
	changed=$?
	case $changed in
	0 | 4 | 7 | 8) return 0 ;;
	esac
	return 1
}

bad=0 refused=0 i=0
count=$(rounds 9 500)
while [ $i -lt "$count" ]; do
	i=$((i + 1))
	pick 3
	case $picked in
	0) name=a ;;
	1) name=b ;;
	*) name=c ;;
	esac
	pick 2
	if [ "$picked" = 0 ]; then
		pick 3
		what="--cpus $((picked + 1))"
	else
		pick 4
		what="--memory $((picked * 128 + 256))M"
	fi
	# shellcheck disable=SC2086 # an option and its argument
	if ! change $name $what || ! settled; then
		bad=$((bad + 1))
		diag "round $i: $name $what: $changed $(cat /run/said); $(cat /run/audit); $(rfm list)"
	fi
	[ $changed = 0 ] || refused=$((refused + 1))
done
is $bad 0 "$count random changes ($refused refused), a check after each"

for name in a b; do
	rfm resize $name --cpus 1 --memory 256M >/run/said 2>&1
	is "$(inside $name nproc | tail -n 1)" 1 "$name is back to one CPU"
done
own=$(nproc)
slab() { sed -n 's/^SUnreclaim: *\([0-9]*\).*/\1/p' /proc/meminfo; }
move() { rfm resize a --cpus +1 && rfm resize a --cpus -1 && rfm resize a --memory +128M && rfm resize a --memory -128M; }
check "a first move, after which caches are warm" move
free=$(free_kb) slabs=$(slab)
moves=$(rounds 3 200) done=0 i=0
while [ $i -lt "$moves" ]; do
	i=$((i + 1))
	move >/run/said 2>&1 && done=$((done + 1)) || diag "move $i: $(cat /run/said)"
done
is $done "$moves" "$moves times a core and a block there and back"
is "$(nproc)" "$own" "the supervisor has the CPUs that it had"
now=$(free_kb)
check "free memory is flat: $free kB, then $now" test $((free - now)) -le 12288
check "slabs are flat: $slabs kB, then $(slab)" test $(($(slab) - slabs)) -le 4096
for name in a b c; do
	works $name
	subos_log_clean $name
done
check "the end" rfm destroy --all
is "$(nproc)" 8 "all CPUs are back"
audit "the invariants hold"
check "rmmod" rmmod rfcontroller
END
done_testing
