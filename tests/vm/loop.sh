#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Packets between kernels
# timeout: 900 3600
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
need_build

run_guest --smp 5 --copy "$T_TOP/tests/vm/lifecycle.lib:/rf/lifecycle.lib" <<'END'
. /rf/lifecycle.lib
modprobe rfcontroller
modprobe rfloop
mkdir -p /run/more/rf
for r in /lib/modules/*; do
	mkdir -p /run/more/net/${r##*/}
	cp $(find $r -name 'dummy.ko*') /run/more/net/${r##*/}/
done
initrd_more
ls -R /run/more
modprobe dummy numdummies=0
ip link add d0 type dummy
ip addr add 10.9.0.1/24 dev d0
ip link set d0 up
check "a starts" rfm create a --cpus 1-2 --memory 512M --initrd /run/initrd
check "b starts" rfm create b --cpus 3-3 --memory 256M --initrd /run/initrd --kernel "$OTHER_KERNEL"
n=2
for s in a b; do
inside $s 'insmod /net/$(uname -r)/dummy.ko* numdummies=1; ip addr add 10.9.0.'$n'/24 dev dummy0; ip link set dummy0 up; lsmod'
n=3
done
rfm channel allow a b
dmesg | tail -20
cat /sys/module/rfloop/addresses
timeout 10 ping -c 5 10.9.0.2
timeout 10 ping -c 5 10.9.0.3
inside a 'ping -c 5 10.9.0.3; ping -c 3 10.9.0.1; cat /sys/module/rfloop/addresses; cd /sys/module/rfloop/peers; grep . */*' 
cd /sys/module/rfloop/peers; grep . */*
rfm log a | tail -5
rfm log b | tail -5
audit "the invariants hold"
END
done_testing
