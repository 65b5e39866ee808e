#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Devices of a subOS whose back ends are in the supervisor: the stock virtio_blk drives disks
# that a test program serves. Nothing is lost when that is restarted, no kick or call is,
# hostile words end the channel only; the window shows the subOS's memory while it runs, and
# nothing else ever.
# timeout: 900 3600
# beside
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
need_build

mkdir -p "$T_DIR"
${CC:-gcc} -std=gnu11 -D_GNU_SOURCE -static -O2 -Wall -Wextra -I"$T_TOP/include/uapi" \
	-I"$T_TOP/rfcom/lib" -o "$T_DIR/virtioctl" "$T_TOP/tests/vm/virtioctl.c" \
	"$T_TOP/build/librainforest.a" || bail "virtioctl does not compile"

run_guest --smp 5 --copy "$T_DIR/virtioctl:/usr/bin/virtioctl" \
	--copy "$T_TOP/tests/vm/lifecycle.lib:/rf/lifecycle.lib" <<'END'
. /rf/lifecycle.lib

# back_ends NAME: serves disks; commands go to /run/NAME.in, what it says to /run/NAME.out
back_ends()
{
	rm -f "/run/$1.in"
	mkfifo "/run/$1.in"
	virtioctl serve "$1" <"/run/$1.in" >"/run/$1.out" 2>&1 &
	echo $! >"/run/$1.pid"
	exec 7>"/run/$1.in"
	eventually 60 grep -q '^hello' "/run/$1.out"
}
# tell WORDS...: a command
tell() { echo "$*" >&7; }
# tells NAME PATTERN: it said so, COUNT times if given
tells() { [ "$(grep -c "$2" "/run/$1.out")" -ge "${3:-1}" ]; }
# sum_in NAME DEVICE KB: checksum of its beginning, past the page cache
# shellcheck disable=SC2329 # called by name
sum_in() { inside "$1" "echo 3 >/proc/sys/vm/drop_caches; dd if=/dev/$2 bs=64k count=$(($3 / 64)) 2>/dev/null | md5sum | cut -c1-32"; }
has_device() { [ "$(inside "$1" "[ -b /dev/$2 ] && echo yes")" = yes ]; }
has_no_device() { [ "$(inside "$1" "[ -b /dev/$2 ] || echo no")" = no ]; }
size_in() { inside "$1" "cat /sys/block/$2/size"; }
size_is() { [ "$(size_in "$1" "$2")" = "$3" ]; }
kb=$(rounds 2048 65536)

modprobe rfcontroller
modprobe rfcom
modprobe rfvhost
initrd_with rfraise
check "a starts" rfm create a --cpus 1-2 --memory 256M --initrd /run/initrd
check "b starts" rfm create b --cpus 3-3 --memory 256M --kernel "$OTHER_KERNEL"

# --- the window ---
say=$(virtioctl binds a)
is "$(printf '%s\n' "$say" | tr '\n' ';')" "a queue before: Transport endpoint is not connected;\
twice: Device or resource busy;the same subOS: Device or resource busy;\
the supervisor: Invalid argument;another size: Invalid argument;\
no such device: Invalid argument;no such queue: Invalid argument;no eventfd: Invalid argument;\
no descriptor: Bad file descriptor;nothing: done;another call: Inappropriate ioctl for device;\
private mapping: Invalid argument;code: Operation not permitted;\
nobody binds: Invalid argument;nobody binds: Operation not permitted;nobody sets: done;" \
	"what is refused, and what needs a privilege"
seen=$(virtioctl window a)
is "${seen%% *}" 254 "256 MB less the service area are seen: $seen"
mkfifo /run/peek.in
virtioctl peek a </run/peek.in >/run/peek.out 2>&1 &
exec 8>/run/peek.in
eventually 30 grep -q mapped /run/peek.out
echo >&8
check "control: memory is there" eventually 10 grep -q page /run/peek.out

# --- disks ---
for name in a b; do
	rel=6.12
	[ $name = a ] || rel=$OTHER
	back_ends $name
	check "$name: its back ends are heard" tells $name '^hello 1'
	tell add 0 "$kb" 1
	check "$name: a disk is found by $rel" eventually 60 has_device $name vda
	is "$(size_in $name vda)" $((kb * 2)) "$name: of the right size"
	inside $name "dd if=/dev/urandom of=/run/data bs=1024 count=$kb 2>/dev/null; dd if=/run/data of=/dev/vda bs=64k 2>/dev/null; sync" >/dev/null
	want=$(inside $name 'md5sum </run/data | cut -c1-32')
	is "$(sum_in $name vda "$kb")" "$want" "$name: what was written is read"
	tell size 0 $((kb * 2))
	check "$name: it grows" eventually 30 size_is $name vda $((kb * 4))
	tell call 0 0
	tell kick 0 0
	is "$(sum_in $name vda "$kb")" "$want" "$name: spurious kicks and calls do no harm"

	# every signal there is, for queues or not, while the disk is read
	if [ $name = a ]; then
		n=$(number a id)
		had=$(cat "/sys/module/ficm/peers/$n/taken")
		inside a "insmod /rf/rfraise.ko count=$(rounds 100 5000) >/run/raise 2>&1 & true" >/dev/null
		is "$(sum_in a vda "$kb")" "$want" "a: all of its signals do no harm"
		check "a: they were raised" eventually 60 said a raise 'Operation canceled'
		# each is taken at least once, however many doorbells are one
		taken() { echo $(($(cat "/sys/module/ficm/peers/$n/taken") - had)); }
		all_taken() { [ "$(taken)" -ge 2048 ]; }
		check "a: and taken" eventually 30 all_taken
		is "$(sum_in a vda "$kb")" "$want" "a: what is read afterwards is right"
	fi

	# in the middle of reading, served no more, the program killed, another one
	tell hold 0
	inside $name "echo 3 >/proc/sys/vm/drop_caches; (dd if=/dev/vda bs=64k count=4 2>/dev/null | md5sum | cut -c1-32 >/run/sum.new; mv /run/sum.new /run/sum) & true" >/dev/null
	tell close
	tell open
	check "$name: another channel: the device stays" eventually 30 tells $name 'disk 0 ready, resumed'
	is "$(inside $name 'cat /run/sum 2>/dev/null')" "" "$name: control: nobody serves it yet"
	tell go 0
	check "$name: what was asked for comes" eventually 30 said $name sum .
	is "$(inside $name 'cat /run/sum')" "$(inside $name 'dd if=/run/data bs=64k count=4 2>/dev/null | md5sum | cut -c1-32')" \
		"$name: and is right"

	# the driver lets go and takes it again
	inside $name 'd=$(ls /sys/bus/virtio/drivers/virtio_blk | grep ^virtio); echo $d >/sys/bus/virtio/drivers/virtio_blk/unbind; echo $d >/sys/bus/virtio/drivers/virtio_blk/bind' >/dev/null
	check "$name: its driver let go" eventually 30 tells $name '^disk 0 reset'
	check "$name: and took it again" eventually 30 tells $name '^disk 0 ready' 3
	is "$(sum_in $name vda "$kb")" "$want" "$name: the data is there"
	tell add 1 1024 1
	check "$name: another disk comes" eventually 30 has_device $name vdb
	tell remove 1
	check "$name: and goes" eventually 30 has_no_device $name vdb
	check "$name: which is said" eventually 30 tells $name 'disk 1 removed'

	# one goes while a request waits for back ends that are restarted
	tell add 1 1024 1
	check "$name: a disk again" eventually 30 has_device $name vdb
	tell hold 1
	inside $name "(dd if=/dev/vdb bs=64k count=1 2>/dev/null | wc -c >/run/late.new; mv /run/late.new /run/late) & true" >/dev/null
	tell remove 1
	tell close
	tell open
	check "$name: it is served until it has gone" eventually 30 tells $name 'disk 1 ready, resumed'
	tell go 1
	check "$name: then it goes" eventually 30 tells $name 'disk 1 removed' 2
	check "$name: and who asked waits no longer" eventually 30 said $name late '[0-9]'

	# nonsense: a message too short, an unknown one, devices that cannot be
	n=0
	for raw in "00" "63 00 00 00 00 00 00 00" "03 00 09 00 00 00 00 00" "02 00 07 00 00 00 00 00 02" \
		"04 00 ff 7f 00 00 00 00"; do
		n=$((n + 1))
		tell raw "$raw"
		check "$name: nonsense $n ends the channel" eventually 30 tells $name '^channel: ' $n
		tell open
		eventually 30 tells $name '^hello' $((n + 3))
		tell go 0
	done
	is "$(sum_in $name vda "$kb")" "$want" "$name: the disk goes on"
	tell hold 0
	like "$(inside $name 'dmesg | grep -c nonsense')" '^[1-5]$' "$name: its log tells"

	# many kicks and calls: none may be lost, or this stops for ever
	tell go 0
	inside $name "(i=0; while [ \$i -lt $(rounds 300 20000) ]; do dd if=/dev/vda of=/dev/null bs=512 count=1 skip=\$((i % 64)) iflag=direct 2>/dev/null; i=\$((i+1)); done; echo \$i >/run/many) </dev/null >/dev/null 2>&1 & true" >/dev/null
	all_requests() { [ "$(inside $name 'cat /run/many')" = "$(rounds 300 20000)" ]; }
	check "$name: one request after the other" eventually "$(rounds 100 3600)" all_requests
	exec 7>&-
	kill "$(cat /run/$name.pid)"
	wait "$(cat /run/$name.pid)" 2>/dev/null
done

# --- memory that comes and goes ---
check "a gets more memory" rfm resize a --memory 384M
now=$(virtioctl window a)
is "${now%% *}" 382 "it is seen: $now"
check "a gives it back" rfm resize a --memory 256M
is "$(virtioctl window a)" "$seen" "and is no longer seen"

# --- without back ends it ends as without devices ---
check "a is destroyed while its memory is mapped" rfm destroy a
echo >&8
check "then there is nothing to be seen" eventually 10 grep -q SIGBUS /run/peek.out
is "$(cat /run/peek.out | tail -n 2 | tr '\n' ' ')" "page SIGBUS " "control: there was before"
exec 8>&-
check "b is destroyed with a disk that nobody serves" rfm destroy b
rmmod rfvhost
audit "nothing was lost"
END
done_testing
