#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Packets between kernels without a device: programs that know nothing of it talk over the
# address of a card whose counters stand still; the firewall has its say; connections go on
# over the card when RFloop goes, is switched off, or may no more; who lies harms nobody; a third
# kernel has no part in what two others share.
# timeout: 900 3600
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
need_build

mkdir -p "$T_DIR"
${CC:-gcc} -std=gnu11 -D_GNU_SOURCE -static -O2 -Wall -Wextra -Wno-unused-result \
	-o "$T_DIR/netctl" "$T_TOP/tests/vm/netctl.c" 2>/dev/null || bail "netctl does not compile"
${CC:-gcc} -std=gnu11 -D_GNU_SOURCE -static -O2 -Wall -Wextra -I"$T_TOP/include/uapi" \
	-I"$T_TOP/rfcom/lib" -o "$T_DIR/share" "$T_TOP/tests/vm/share.c" \
	"$T_TOP/rfcom/lib/rainforest.c" || bail "share does not compile"
${CC:-gcc} -std=gnu11 -D_GNU_SOURCE -static -O2 -Wall -Wextra -I"$T_TOP/include/uapi" \
	-I"$T_TOP/rfcom/lib" -o "$T_DIR/chan" "$T_TOP/tests/vm/chan.c" \
	"$T_TOP/rfcom/lib/rainforest.c" || bail "chan does not compile"
${CC:-gcc} -std=gnu11 -D_GNU_SOURCE -static -O2 -Wall -Wextra \
	-o "$T_DIR/vsockctl" "$T_TOP/tests/vm/vsockctl.c" || bail "vsockctl does not compile"
set --
for tool in netctl share chan vsockctl; do
	set -- "$@" --copy "$T_DIR/$tool:/usr/bin/$tool"
done
for tool in iperf3 nft; do
	path=$(PATH=$PATH:/usr/sbin command -v $tool) && set -- "$@" --copy "$path:/usr/bin/$tool"
done
# iperf3 for subOSes, too, with its libraries.
if iperf=$(command -v iperf3); then
	rm -rf "$T_DIR/more"
	for file in $iperf $(ldd "$iperf" | grep -o '/[^ ]*'); do
		install -D "$file" "$T_DIR/more$file"
	done
	set -- "$@" --copy "$T_DIR/more:/rf/more"
fi
# Three cards on one wire, and a port that always listens: the hub holds up who sends when nobody does.
set -- "$@" --qemu -netdev --qemu socket,id=sink,udp=127.0.0.1:9,localaddr=127.0.0.1:0 \
	--qemu -netdev --qemu hubport,id=listens,hubid=0,netdev=sink
for n in 0 1 2; do
	set -- "$@" --qemu -netdev --qemu "hubport,id=wire$n,hubid=0" \
		--qemu -device --qemu "pcie-root-port,id=port$n,chassis=9$n" \
		--qemu -device --qemu "virtio-net-pci,netdev=wire$n,mac=52:54:00:00:00:1$n,bus=port$n"
done

run_guest --smp 5 "$@" --module nft_ct --module virtio_pci --copy "$T_TOP/tests/vm/lifecycle.lib:/rf/lifecycle.lib" <<'END'
. /rf/lifecycle.lib

CARD_MODULES="virtio virtio_ring virtio_pci_legacy_dev virtio_pci_modern_dev virtio_pci failover net_failover virtio_net"
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
# quiet NAME BEFORE DESCRIPTION: its card has carried nothing since but an ARP request or two
quiet()
{
	q_now=$(card "$1")
	check "$3: rx and tx bytes $2, then $q_now" \
		test $((${q_now%% *} + ${q_now##* } - ${2%% *} - ${2##* })) -lt 500
}
# long_in NAME KERNEL: packets of data that came to NAME, and how many of them it copied
long_in() { at "$1" "cd $PEERS/$2; cat received_long copies_in_long" | xargs; }
# attached BEFORE AFTER DESCRIPTION: of packets of data at most every twentieth was copied
attached()
{
	a_n=$((${2% *} - ${1% *})) a_copied=$((${2#* } - ${1#* }))
	check "$3: of $a_n packets $a_copied were copied once more" \
		test $((a_copied * 20)) -lt "$a_n"
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
for tool in netctl share chan vsockctl; do
	cp "/usr/bin/$tool" /run/more/usr/bin/
done
[ ! -d /rf/more ] || cp -a /rf/more/. /run/more/
# Drivers of PCI functions come by themselves, but not those of what such a function carries.
for dir in /lib/modules/*; do
	mkdir -p "/run/more/net/${dir##*/}"
	for name in $CARD_MODULES dummy; do
		file=$(find "$dir" -name "$name.ko" -o -name "$name.ko.xz")
		[ -n "$file" ] || continue
		case $file in
		*.xz) xzcat "$file" ;;
		*) cat "$file" ;;
		esac >"/run/more/net/${dir##*/}/$name.ko"
	done
done
initrd_with rflooplie
check "it loads" modprobe rfloop
setup='[ -e /sys/class/net/eth0 ] || for m in '"$CARD_MODULES"'; do insmod /net/$(uname -r)/$m.ko 2>/dev/null; done; sysctl -w net.ipv4.conf.all.rp_filter=1 net.ipv6.conf.all.router_solicitations=0 net.ipv6.conf.default.router_solicitations=0 net.ipv6.conf.eth0.router_solicitations=0 >/dev/null; ip addr add 10.9.0.N/24 dev eth0; ip link set eth0 up; ip -6 addr add fd09::N/64 dev eth0'
at - "$(echo "$setup" | sed 's/N/1/g')"
must "a starts" rfm create a --cpus 1-2 --memory 512M --initrd /run/initrd --pci "$(card_with 11)"
must "b starts" rfm create b --cpus 3-3 --memory 256M --initrd /run/initrd --kernel "$OTHER_KERNEL" --pci "$(card_with 12)"
# not 1 and 2 when QEMU failed and one was made again
A=$(number a id) B=$(number b id)
export A
at a "$(echo "$setup" | sed 's/N/2/g')"
at b "$(echo "$setup" | sed 's/N/3/g')"
serves - 5000 netctl serve 5000
serves - 5001 netctl sink 5001
for s in a b; do
	serves $s 5000 netctl serve 5000
	serves $s 5001 netctl sink 5001
done
# --- one link ---
is "$(cut -d' ' -f1,2 /sys/module/rfloop/addresses | grep -v : | xargs)" "0 10.9.0.1 $A 10.9.0.2 $B 10.9.0.3" \
	"the list has the addresses of all"
must "the card leads to a" eventually 20 ping -c 1 -W 1 10.9.0.2
must "packets make a link" eventually 10 link - $A 10.9.0.2
must "and back" eventually 10 is_up a 0
before=$(card -)
for address in 10.9.0.2 fd09::2; do
	is "$(netctl echo $address 5000 "$m")" "$(there_and_back "$m")" "$address: TCP, both ways at a time"
	is "$(netctl udp $address 5000 20 100)" "20 of 20" "UDP"
	is "$(netctl udp $address 5000 20 60000)" "20 of 20" "UDP longer than the card's mtu, which are not cut"
	check "ICMP" ping -c 2 -s 30000 $address
	n=$(count - $A sent)
	is "$(netctl frag $address 5000 20 20000)" "20 of 20" "fragments, the second one first"
	n=$(($(count - $A sent) - n))
	check "each of which went by itself: $n packets" test $n -ge 300
done
is "$(at a "netctl echo fd09::1 5000 $m")" "$(there_and_back "$m")" "a opens"
attached "0 0" "$(long_in - $A)" "pages are attached here"
if [ -x /usr/bin/iperf3 ]; then
	inside a 'iperf3 -s -D >/dev/null 2>&1' >/dev/null
	check "iperf3" eventually 10 iperf3 -c 10.9.0.2 -t 2
	check "iperf3, UDP, the other way" iperf3 -c 10.9.0.2 -u -b 0 -R -t 2
else
	skip "iperf3" "it is not installed"
fi
quiet - "$before" "nothing of that went over the card"
before=$(long_in a 0)
n=$(count - $A sent) d=$(count - $A doorbells)
timeout 20 netctl send 10.9.0.2 5001 2000 >/dev/null
n=$(($(count - $A sent) - n)) d=$(($(count - $A doorbells) - d))
attached "$before" "$(long_in a 0)" "in a pages of a stream are attached"
diag "$n packets of a stream, $d doorbells"
# A kernel with KASAN receives so slowly that it sleeps after nearly each of them.
[ -e /sys/kernel/debug/kmemleak ] ||
	check "far fewer doorbells; how few, the benchmark tells" test $((d * 3)) -lt "$n"
check "an mtu of 1000 does not matter" ip link set eth0 mtu 1000
is "$(netctl echo 10.9.0.2 5000 "$m")" "$(there_and_back "$m")" "TCP"
ip link set eth0 mtu 1500

# --- another interface, which leads nowhere ---
# What is routed to it comes to the other kernel's, and nowhere else: filters of reverse paths,
# which look for its sender there, take it.
modprobe dummy
second='[ -e /sys/class/net/dummy0 ] || insmod /net/$(uname -r)/dummy.ko; ip addr add 10.8.0.N/24 dev dummy0; ip link set dummy0 up; ip -6 addr add fd08::N/64 dev dummy0'
at - "$(echo "$second" | sed 's/N/1/g')"
at a "$(echo "$second" | sed 's/N/2/g')"
must "packets that are routed to it get there" eventually 10 link - $A 10.8.0.2
before=$(card -) there=$(cat /sys/class/net/dummy0/statistics/tx_bytes)
is "$(netctl echo 10.8.0.2 5000 "$m")" "$(there_and_back "$m")" "TCP"
is "$(at a "netctl echo fd08::1 5000 $m")" "$(there_and_back "$m")" "a opens, IPv6"
quiet - "$before" "nothing of that went over the card"
n=$(cat /sys/class/net/dummy0/statistics/tx_bytes)
check "nor into that interface: $there bytes, then $n" test $((n - there)) -lt 500
filtered() { at "$1" 'cat /proc/net/netstat' | awk '$1 == "TcpExt:" { for (i in name) if (name[i] == "IPReversePathFilter") print $i; split($0, name) }'; }
elsewhere() { ping -I 10.8.0.1 -c 1 -W 1 10.9.0.2; }
n=$(filtered a) sent=$(count - $A sent)
check "from its address to one of the card: it arrives on the card" eval '! elsewhere'
check "by RFloop" test "$(count - $A sent)" -gt "$sent"
now=$(filtered a)
check "where the filter of reverse paths drops it: $n, then $now" test "$now" -gt "$n"
for s in - a; do
	at $s 'sysctl -w net.ipv4.conf.all.rp_filter=0' >/dev/null
done
check "control: without that it is answered" eventually 5 elsewhere
for s in - a; do
	at $s 'sysctl -w net.ipv4.conf.all.rp_filter=1' >/dev/null
done

# --- the firewall ---
if [ -x /usr/bin/nft ]; then
	links=$(count - $A links) n=$(count - $A received)
	nft -f - <<-'RULES'
	table inet t {
		chain in {
			type filter hook input priority 0; policy accept;
			iifname "eth0" ct state established counter accept
			iifname "eth0" tcp dport 5000 counter drop
		}
		chain out {
			type filter hook output priority 0; policy accept;
			oifname "eth0" udp dport 5001 counter drop
		}
	}
	RULES
	is "$(at a '(timeout 3 netctl rr 10.9.0.1 5000 1 || echo no) 2>/dev/null' | tail -n 1)" no "what the input chain drops for the card"
	check "which came by RFloop" test "$(count - $A received)" -gt "$n"
	like "$(at a 'netctl send 10.9.0.1 5001 200' | tail -n 1)" '^[1-9][0-9]*$' "control: another port"
	is "$(netctl echo 10.9.0.2 5000 "$m")" "$(there_and_back "$m")" \
		"what was opened here is established: connections are tracked as elsewhere"
	is "$(netctl flood 10.9.0.2 5001 100 100)" "send: Operation not permitted" "what the output chain drops"
	check "control: on the way of the card the same" test "$(nft list table inet t | grep -c 'packets 0 ')" = 0
	is "$(count - $A state) $(count - $A links)" "up $links" "all the time there was the same link"
	nft delete table inet t
else
	skip "the firewall" "nft is not installed"
fi

# --- who may ---
at a 'ping -c 1 -W 1 10.9.0.3' >/dev/null
before=$(card a)
is "$(at a "netctl echo 10.9.0.3 5000 20000")" "$(there_and_back 20000)" "without a rule a and b talk over their cards"
check "control: these count" test "$(card a)" != "$before"
is "$(count a $B state)" device "there is no link"
like "$(at b "share try supervisor rfloop-$A-1 w 1000; share try supervisor rfloop-$A-1 r 1000")" "Permission denied" \
	"b cannot have a ring of a's, by its name"
unlike=$(at b "share try supervisor rfloop-$A-1 r 1000" | grep -c "Permission denied")
is "$unlike" 1 "nor to read"
rfm channel allow a b
must "with one they have a link" eventually 20 link a $B 10.9.0.3
must "and back" eventually 20 link b $A 10.9.0.2
before=$(card a)
sent=$(count - $A sent)
is "$(at a "netctl echo 10.9.0.3 5000 $m")" "$(there_and_back "$m")" "a and b, which runs $OTHER"
is "$(at b "netctl echo fd09::2 5000 $m")" "$(there_and_back "$m")" "b opens, IPv6"
is "$(at b 'netctl udp 10.9.0.2 5000 20 60000')" "20 of 20" "UDP"
quiet a "$before" "nothing of that went over the card"
check "nor through the supervisor" test $(($(count - $A sent) - sent)) -lt 100

# --- a third kernel has no part in any of it ---
must "c starts" rfm create c --cpus 4-4 --memory 256M --initrd /run/initrd
C=$(number c id) VB=$(number b vsock_cid)
at c 'insmod /net/$(uname -r)/dummy.ko numdummies=1; ip addr add 10.9.0.4/24 dev dummy0; ip link set dummy0 up' >/dev/null
serves b echo chan serve echo
serves b pages share offer pages 1000000 w
serves b 6000 vsockctl serve 6000
# its_part: what c has exchanged with a and b so far, packets and messages of a line
its_part()
{
	at c "for p in $A $B; do cd /sys/module/ficm/peers/\$p && cat sent received raised taken doorbells; cd $PEERS/\$p && cat sent received; done" | xargs
}
# sent_by NAME ID...: messages of a line to these
sent_by()
{
	name=$1
	shift
	at "$name" "cd /sys/module/ficm/peers; for p in $*; do cat \$p/sent; done" | awk '{ sum += $1 } END { print sum + 0 }'
}
part=$(its_part) here=$(sent_by - $A $B $C) there=$(sent_by a $B) packets=$(count a $B sent)
is "$(at a "chan ping b echo 200 1000; share look b pages 1; vsockctl echo $VB 6000 200000; netctl echo 10.9.0.3 5000 200000" | xargs)" \
	"200 there and back 1003520 bytes 200000 bytes there and back, end good $(there_and_back 200000)" \
	"a and b: a channel, a region, a socket, packets"
there=$(($(sent_by a $B) - there)) here=$(($(sent_by - $A $B $C) - here)) packets=$(($(count a $B sent) - packets))
is "$(its_part)" "$part" "nothing of that is c's"
check "control: a sent $there messages to b, and $packets packets" test "$there" -ge 200 -a "$packets" -ge 10
check "nor does the supervisor carry it: it sent $here" test "$here" -lt $((there / 8))
is "$(at c 'chan try b echo 3000')" "open: Permission denied" "c: no channel to b"
is "$(at c 'share try b pages r 1000')" "map: Permission denied" "no region of b's"
is "$(at c "vsockctl try $VB 6000")" "connect: Permission denied" "no socket"
at c 'ping -c 1 -W 1 10.9.0.3' >/dev/null
is "$(count c $B state)" device "no packets"
# ring_of OWNER PATTERN: a ring's region
ring_of() { rfm share list | awk -v o="$1" -v p="$2" '$1 ~ p && $2 == o { print $1; exit }'; }
RING=$(ring_of b "^rfloop-$A-")
like "$RING" '^rfloop-' "b has a ring that a sends through"
is "$(at c "share try b $RING r 1000")" "map: Permission denied" "c cannot have it"
rfm channel allow c b
is "$(at c 'chan ping b echo 5')" "5 there and back" "control: allowed, c has a channel"
is "$(at c 'share look b pages 1')" "1003520 bytes" "the region"
is "$(at c "vsockctl echo $VB 6000 1000")" "1000 bytes there and back, end good" "a socket"
must "and packets" eventually 20 link c $B 10.9.0.3
is "$(at c "share try b $RING r 1000")" "map: Permission denied" "but not the ring of a and b"
check "c is destroyed" rfm destroy c

rfm channel deny a b
check "without the rule the link is gone" eventually 10 is_down a $B
is "$(at a "netctl echo 10.9.0.3 5000 20000")" "$(there_and_back 20000)" "and the cards carry"

# --- in the middle of a connection ---
at_of() { wc -l </run/stop.at; }
past() { [ "$(at_of)" -gt "$1" ]; }
# longest_pause: ms between two pieces, since it was asked last
longest_pause()
{
	tail -n +$((seen + 1)) /run/stop.at | sort -n | tail -n 1
	seen=$(at_of)
}
# goes_on DESCRIPTION: the connection does, and did not wait for long. TCP sends what was in a ring
# again after 0.2 s, and where that does not come, either, after 0.6, 1.4 and 3 s: by then it
# cannot be said that packets took the card at once.
goes_on()
{
	now=$(at_of)
	check "$1" eventually 30 past $((now + 5))
	longest_pause >/run/pause
	check "nothing came for $(cat /run/pause) ms" test "$(cat /run/pause)" -lt 2500
}
seen=0
rm -f /run/stop
must "a link again" eventually 20 link - $A 10.9.0.2
netctl hold 10.9.0.2 5000 /run/stop >/run/hold 2>&1 &
holder=$!
eventually 5 test -s /run/stop.at
goes_on "a connection"
kill -STOP $holder
sleep 0.5 # which it has to notice
kill -CONT $holder
now=$(at_of)
eventually 5 past $((now + 1))
longest_pause >/run/pause
check "control: one that is stopped for 500 ms: $(cat /run/pause) ms" test "$(cat /run/pause)" -ge 500
before=$(card -)
echo $A >/sys/module/rfloop/off
is "$(cat /sys/module/rfloop/off)" $A "a is switched off"
goes_on "it goes on over the card"
check "control: which counts" test "$(card -)" != "$before"
is "$(grep -c "^$A " /sys/module/rfloop/addresses)" 0 "a has no part in the list"
check "control: the interface that leads nowhere leads nowhere" eval '! ping -c 1 -W 1 10.8.0.2'
echo $A >/sys/module/rfloop/on
check "switched on: a link again" eventually 20 is_up - $A
before=$(card -)
goes_on "it goes on"
quiet - "$before" "and the card does not count"
rmmod rfloop
goes_on "without RFloop here it goes on over the card"
check "control: which counts" test "$(card -)" != "$before"
modprobe rfloop
check "with it, a link again" eventually 20 is_up - $A
inside a 'rmmod rfloop' >/dev/null
goes_on "without RFloop there it goes on"
is "$(ls $PEERS)" "$B" "a is no peer"
inside a 'insmod /.rainforest/rfloop.ko' >/dev/null
check "a is back" eventually 20 is_up - $A
goes_on "it goes on"
touch /run/stop
check "all came as it was sent" eventually 20 grep -q 'there and back' /run/hold
diag "$(cat /run/hold)"

# --- who claims what another has ---
inside b 'ip addr add 10.9.0.2/32 dev lo scope global; ip link add d0 type dummy; insmod /net/$(uname -r)/dummy.ko numdummies=1; ip addr add 10.9.0.2/24 dev dummy0; ip link set dummy0 up' >/dev/null
refused_one() { grep -q "^$B 10.9.0.2 " /sys/module/rfloop/refused; }
check "b claims the address of a: refused" eventually 10 refused_one
is "$(grep -c ' 10.9.0.2 ' /sys/module/rfloop/addresses)" 1 "it is a's"
is "$(netctl echo 10.9.0.2 5000 20000)" "$(there_and_back 20000)" "a answers"
like "$(dmesg)" 'rfloop: kernel '$B' claims 10.9.0.2 .*refused' "the log says so"
inside b 'ip link del dummy0' >/dev/null
not_refused() { ! refused_one; }
check "it is taken back" eventually 10 not_refused
inside a 'ip addr del 10.9.0.2/24 dev eth0; ip addr add 10.9.0.7/24 dev eth0' >/dev/null
moved() { grep -q "^$A 10.9.0.7 " /sys/module/rfloop/addresses; }
check "a has another address" eventually 10 moved
must "packets go there" eventually 20 link - $A 10.9.0.7
before=$(card -)
is "$(netctl echo 10.9.0.7 5000 "$m")" "$(there_and_back "$m")" "by the short way"
quiet - "$before" "which is not the card's"

# --- one MAC address twice ---
mac=$(inside a 'cat /sys/class/net/eth0/address' | tail -n 1)
own_mac=$(inside b 'cat /sys/class/net/eth0/address' | tail -n 1)
inside b "ip link set eth0 address $mac" >/dev/null
refused_mac() { grep -q "^$B 10.9.0.3 " /sys/module/rfloop/refused; }
check "b takes the MAC address of a: refused" eventually 20 refused_mac
before=$(card -)
is "$(netctl echo 10.9.0.7 5000 "$m")" "$(there_and_back "$m")" "a is served"
quiet - "$before" "past the card"
inside b "ip link set eth0 address $own_mac" >/dev/null
ip neigh flush dev eth0
must "b has its own again" eventually 20 link - $B 10.9.0.3

# --- a slow reader ---
inside a 'rm -f /run/go' >/dev/null
rm -f /run/go
netctl stop 10.9.0.7 5000 /run/go >/run/slow 2>&1 &
is "$(netctl echo 10.9.0.7 5000 "$m")" "$(there_and_back "$m")" "beside one that does not read others go on"
touch /run/go
check "then it reads all" eventually 20 grep -q 'all came' /run/slow

# --- a kernel that does not keep the rules ---
gone() { [ ! -e $PEERS/$A ]; }
inside a 'rmmod rfloop' >/dev/null
check "a has no rfloop any more" eventually 20 gone
drops() { cat $PEERS/$A/drops_"$1" 2>/dev/null || echo 0; }
cat >/run/watch <<'SCRIPT'
while [ ! -e /run/lied ]; do
	ping -c 1 -W 1 10.9.0.7 >/dev/null 2>&1
	for what in broken drops_bad drops_spoofed drops_stray links; do
		cat /sys/module/rfloop/peers/$A/$what >/run/seen.$what.new 2>/dev/null &&
			mv /run/seen.$what.new /run/seen.$what
	done
done
SCRIPT
rm -f /run/lied
sh /run/watch &
watcher=$!
inside a "(insmod /rf/rflooplie.ko address=10.9.0.7 to=10.9.0.1 count=$(rounds 15 1000); rmmod rflooplie; touch /run/lied) </dev/null >/dev/null 2>&1 & true" >/dev/null
has_lied() { [ "$(at a 'ls /run/lied' | tail -n 1)" = /run/lied ]; }
check "a lies, and ends" eventually "$(rounds 120 2500)" has_lied
touch /run/lied
wait $watcher
like "$(rfm log a)" 'rflooplie: [0-9]{3,} packets, [1-9][0-9]* rings of the other.s given up, [1-9]' \
	"lies in both directions: rings are given up"
diag "$(rfm log a | grep rflooplie: | tail -n 1)"
for what in broken drops_bad drops_spoofed drops_stray; do
	check "counted: $what $(cat /run/seen.$what)" test "$(cat /run/seen.$what)" -gt 0
done
is "$(netctl echo 10.9.0.3 5000 "$m")" "$(there_and_back "$m")" "b is served"
inside a 'insmod /.rainforest/rfloop.ko' >/dev/null
must "a keeps the rules again" eventually 70 link - $A 10.9.0.7
is "$(netctl echo 10.9.0.7 5000 "$m")" "$(there_and_back "$m")" "and is served"

# --- ends ---
# A reader on another CPU than the doorbell's, which reads when both kernels are gone.
late='$3 == "0700090A:1388" && $5 !~ /:00000000$/'
has_late() { awk "$late { found = 1 } END { exit !found }" /proc/net/tcp; }
rm -f /run/go
taskset 0x10 netctl stop 10.9.0.7 5000 /run/go >/run/late 2>&1 &
check "data of a waits for a reader" eventually 20 has_late
netctl send 10.9.0.7 5001 20000 >/run/send 2>&1 &
sender=$!
typed a 'echo c >/proc/sysrq-trigger'
check "a crashes under a stream" eventually 60 in_state a crashed
check "it is no peer any more" eventually 20 gone
kill $sender
is "$(netctl echo 10.9.0.3 5000 20000)" "$(there_and_back 20000)" "b answers"
subos_log_clean b
if [ -x /usr/bin/iperf3 ]; then
	inside b 'iperf3 -s -D >/dev/null 2>&1' >/dev/null
	n=$(count - $B sent)
	iperf3 -c 10.9.0.3 -t 600 >/dev/null 2>&1 &
	streams() { [ $(($(count - $B sent) - n)) -gt 100 ]; }
	check "iperf3 sends to b" eventually 20 streams
	gone_b() { [ ! -e $PEERS/$B ]; }
	check "b is destroyed under it" rfm destroy b --force
	check "and is no peer" eventually 10 gone_b
else
	skip "b is destroyed under iperf3" "it is not installed"
	check "b is destroyed" rfm destroy b
fi
check "a is destroyed" rfm destroy a
has_late
is $? 0 "it still waits"
ip link set eth0 down # no packet comes any more, on any CPU
touch /run/go
none_late() { ! has_late; }
check "and is read" eventually 20 none_late
# Whoever does not read keeps pages of a ring.
# shellcheck disable=SC2046 # numbers
kill $(pidof netctl iperf3)
check "it unloads" rmmod rfloop
check "no packet keeps pages of a ring" eval '! dmesg | grep "rfloop: packets that nobody reads"'
none() { [ "$(rfm share list | wc -l)" = 1 ]; }
eventually 10 none || { rfm share list; dmesg | tail -5; }
check "no region stays" none
audit "the invariants hold"
END
done_testing
