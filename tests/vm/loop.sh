#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Packets between kernels without a device: programs that know nothing of it talk over the
# address of a card whose counters stand still; the firewall has its say; connections go on
# over the card when RFloop goes, is switched off, or may no more; who lies harms nobody.
# timeout: 900 3600
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
need_build

mkdir -p "$T_DIR"
${CC:-gcc} -std=gnu11 -D_GNU_SOURCE -static -O2 -Wall -Wextra -Wno-unused-result \
	-o "$T_DIR/netctl" "$T_TOP/tests/vm/netctl.c" 2>/dev/null || bail "netctl does not compile"
set -- --copy "$T_DIR/netctl:/usr/bin/netctl"
for tool in iperf3 nft; do
	path=$(PATH=$PATH:/usr/sbin command -v $tool) && set -- "$@" --copy "$path:/usr/bin/$tool"
done
# Three cards on one wire, and a port that always listens: the hub holds up who sends when nobody does.
set -- "$@" --qemu -netdev --qemu user,id=sink,restrict=on,ipv6=off \
	--qemu -netdev --qemu hubport,id=listens,hubid=0,netdev=sink
for n in 0 1 2; do
	set -- "$@" --qemu -netdev --qemu "hubport,id=wire$n,hubid=0" \
		--qemu -device --qemu "pcie-root-port,id=port$n,chassis=9$n" \
		--qemu -device --qemu "virtio-net-pci,netdev=wire$n,mac=52:54:00:00:00:1$n,bus=port$n"
done

run_guest --smp 5 "$@" --module nft_ct --copy "$T_TOP/tests/vm/lifecycle.lib:/rf/lifecycle.lib" <<'END'
. /rf/lifecycle.lib

PEERS=/sys/module/rfloop/peers
# count NAME KERNEL COUNTER: a counter of that kernel, "-": of this one
count()
{
	if [ "$1" = - ]; then
		cat "$PEERS/$2/$3" 2>/dev/null
	else
		inside "$1" "cat $PEERS/$2/$3"
	fi
}
# card NAME: bytes that went over its card
card()
{
	if [ "$1" = - ]; then
		cat /sys/class/net/eth0/statistics/[rt]x_bytes | xargs
	else
		inside "$1" 'cat /sys/class/net/eth0/statistics/[rt]x_bytes' | xargs
	fi
}
# at NAME COMMAND: what it prints there; "-": here
at()
{
	if [ "$1" = - ]; then
		sh -c "$2" 2>&1
	else
		inside "$1" "$2 2>&1"
	fi
}
is_up() { [ "$(count "$1" "$2" state)" = up ]; }
is_down() { [ "$(count "$1" "$2" state)" != up ]; }
# link NAME ID ADDRESS: have one made
link()
{
	at "$1" "ping -c 1 -W 1 $3" >/dev/null
	is_up "$1" "$2"
}
there_and_back() { echo "$1 bytes there and back"; }
m=$(rounds 3000000 100000000)

modprobe virtio_net
modprobe rfcontroller
# card_with N: PCI address of the card whose MAC address ends with that
card_with()
{
	for dir in /sys/class/net/eth*; do
		[ "$(cat "$dir/address")" != "52:54:00:00:00:$1" ] ||
			readlink -f "$dir/device" | grep -oE '[0-9a-f]{4}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-9a-f]' | tail -n 1
	done
}
# must DESCRIPTION COMMAND...: without it nothing that follows makes sense
must()
{
	must_before=$T_FAILED
	check "$@"
	[ $T_FAILED = $must_before ] || exit 1
}
mkdir -p /run/more/usr/bin
cp /usr/bin/netctl /run/more/usr/bin/
# Drivers of PCI functions come by themselves, but not those of what such a function carries.
for dir in /lib/modules/*; do
	mkdir -p "/run/more/net/${dir##*/}"
	for name in failover net_failover virtio_net dummy; do
		file=$(find "$dir" -name "$name.ko" -o -name "$name.ko.xz")
		case $file in
		*.xz) xzcat "$file" ;;
		*) cat "$file" ;;
		esac >"/run/more/net/${dir##*/}/$name.ko"
	done
done
initrd_with rftest
check "it loads" modprobe rfloop
setup='[ -e /sys/class/net/eth0 ] || for m in failover net_failover virtio_net; do insmod /net/$(uname -r)/$m.ko; done; sysctl -w net.ipv6.conf.all.router_solicitations=0 net.ipv6.conf.default.router_solicitations=0 net.ipv6.conf.eth0.router_solicitations=0 >/dev/null; ip addr add 10.9.0.N/24 dev eth0; ip link set eth0 up; ip -6 addr add fd09::N/64 dev eth0'
at - "$(echo "$setup" | sed 's/N/1/g')"
must "a starts" rfm create a --cpus 1-2 --memory 512M --initrd /run/initrd --pci "$(card_with 11)"
must "b starts" rfm create b --cpus 3-3 --memory 256M --initrd /run/initrd --kernel "$OTHER_KERNEL" --pci "$(card_with 12)"
at a "$(echo "$setup" | sed 's/N/2/g')"
at b "$(echo "$setup" | sed 's/N/3/g')"
serves - 5000 netctl serve 5000
serves - 5001 netctl sink 5001
for s in a b; do
	serves $s 5000 netctl serve 5000
	serves $s 5001 netctl sink 5001
done
at a 'ip addr; lsmod' | sed 's/^/# /'
cat /sys/module/rfloop/addresses
ping -c 3 -W 1 10.9.0.2 || at a 'ip addr; ip neigh; dmesg | tail -5'
must "card: a is there" eventually 20 ping -c 1 -W 1 10.9.0.2
must "a link is made" eventually 10 link - 1 10.9.0.2
for a in 10.9.0.2 fd09::2; do
is "$(netctl echo $a 5000 $m)" "$(there_and_back $m)" "TCP $a"
is "$(netctl udp $a 5000 20 100)" "20 of 20" "udp $a"
is "$(netctl udp $a 5000 20 60000)" "20 of 20" "udp large $a"
done
netctl rr 10.9.0.2 5000 100
netctl send 10.9.0.2 5001 1000
netctl flood 10.9.0.2 5001 1000 60000
netctl send 127.0.0.1 5001 1000
netctl rr 127.0.0.1 5000 100
grep . $PEERS/*/*
audit "the invariants hold"
END
done_testing
