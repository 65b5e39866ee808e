#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# FICM between kernels: a supervisor and two subOSes, one of them another stock
# kernel.
#
#	supervisor, CPUs 0 and 1; its communication core 1 goes off line and on
#	    |  \
#	    |   b, CPUs 4 and 5 (6.1)
#	    |  /
#	    a, CPUs 2 and 3
# timeout: 1200 7200
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
need_build

mkdir -p "$T_DIR"
cat >"$T_DIR/peers.lib" <<'END'
. /rf/lifecycle.lib
P=/sys/module/rfpeer/parameters
# The default initrd with the test modules of both kernels.
make_initrd()
{
	mkdir -p /run/more/root
	for dir in /lib/modules/*; do
		for m in rfpeer rfspoil; do
			cp "$dir/updates/$m.ko" "/run/more/root/$m-${dir##*/}.ko"
		done
	done
	cat /usr/lib/rainforest/initrd-default >/run/initrd
	(cd /run/more && find . | cpio -o -H newc 2>/dev/null) >>/run/initrd
}
# on NAME COMMANDS: in that kernel, "-" is this one
on()
{
	if [ "$1" = - ]; then sh -c "$2"; else inside "$1" "$2"; fi
}
id_of()
{
	number "$1" id
}
# got NAME ID: streams, messages, wrong ones that NAME had from ID
got()
{
	on "$1" "sed -n 's/^$2 //p' $P/got"
}
# of NAME ID FILE: a counter
of()
{
	on "$1" "cat /sys/module/ficm/peers/$2/$3"
}
# quiet NAME...: nobody there sends any more
quiet()
{
	for q in "$@"; do
		n=0
		until [ "$(on "$q" "cut -d' ' -f1 $P/sending")" = 0 ]; do
			n=$((n + 1))
			[ $n -lt 300 ] || return 1
			sleep 0.2
		done
	done
}
got_is()
{
	[ "$(got "$1" "$2")" = "$3" ]
}
END

run_guest --smp 6 --memory 4G --copy "$T_TOP/tests/vm/lifecycle.lib:/rf/lifecycle.lib" \
	--copy "$T_DIR/peers.lib:/rf/peers.lib" <<'END'
. /rf/peers.lib
[ "$OTHER" != 6.12 ] || diag "no 6.1 here: 6.12 takes its place"
make_initrd
check "ficm loads on CPU 1" modprobe ficm cpu=1
check "rfcontroller loads" modprobe rfcontroller
check "so does the test module" modprobe rfpeer
check "a subOS" rfm create a --cpus 2-3 --memory 256M --initrd /run/initrd
if [ -e "$OTHER_KERNEL" ]; then
	check "and another, $OTHER" rfm create b --cpus 4-5 --memory 256M --initrd /run/initrd \
		--kernel "$OTHER_KERNEL"
else
	check "and another" rfm create b --cpus 4-5 --memory 256M --initrd /run/initrd
fi
a=$(id_of a)
b=$(id_of b)
for s in a b; do
	like "$(inside $s 'insmod /root/rfpeer-$(uname -r).ko && echo loaded')" '^loaded' \
		"$s loads the test module"
	unlike "$(rfm log $s)" 'no messages' "$s has joined"
done
is "$(ls /sys/module/ficm/peers | xargs)" "$a $b" "the supervisor sees both"
is "$(inside a 'ls /sys/module/ficm/peers' | xargs)" "0 $b" "a sees the supervisor and b"
is "$(inside b 'ls /sys/module/ficm/peers' | xargs)" "0 $a" "b sees the supervisor and a"

# --- numbered messages ---
n=$(rounds 20000 1000000)
echo "$a $n" >$P/send
echo "$b $n" >$P/send
inside a "echo 0 $n >$P/send; echo $b $n >$P/send"
inside b "echo 0 $n >$P/send; echo $a $n >$P/send"
check "all have been sent" quiet - a b
for s in - a b; do
	is "$(on $s "cat $P/sending")" "0 0" "nothing was given up: $s"
done
for pair in "- $a a" "- $b b" "a 0 supervisor" "a $b b" "b 0 supervisor" "b $a a"; do
	set -- $pair
	check "$1 had $n messages from $3, none twice, none out of order" \
		eventually 60 got_is "$1" "$2" "1 $n 0" ||
		diag "$(got "$1" "$2")"
	is "$(of "$1" "$2" fault)" "good good" "and no ring is broken"
done
audit "the invariants hold"
END
done_testing
