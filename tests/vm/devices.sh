#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Virtio devices of a subOS, served by processes of the supervisor: network cards, directories,
# disks. They come and go while it runs; what serves them is killed under load, and nothing is
# lost but what has to be. One lies to those who serve it, which costs its own devices and
# nobody else's.
# timeout: 1200 5400
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
need_build

for program in /usr/lib/qemu/virtiofsd /usr/bin/qemu-storage-daemon; do
	[ -x "$program" ] || skip_all "there is no $program: run tools/setup"
done
mkdir -p "$T_DIR"
for program in virtiolie netctl; do
	${CC:-gcc} -std=gnu11 -D_GNU_SOURCE -static -O2 -Wall -Wextra -Wno-unused-function \
		-I"$T_TOP/include/uapi" -I"$T_TOP/rfcom/lib" -o "$T_DIR/$program" \
		"$T_TOP/tests/vm/$program.c" "$T_TOP/rfcom/lib/rainforest.c" 2>/dev/null ||
		bail "$program does not compile"
done

run_guest --smp 5 --memory 4G --module bridge --module virtiofs \
	--copy "$T_DIR/virtiolie:/usr/bin/virtiolie" --copy "$T_DIR/netctl:/usr/bin/netctl" \
	--copy /usr/lib/qemu/virtiofsd:/usr/lib/qemu/virtiofsd \
	--copy /usr/bin/qemu-storage-daemon:/usr/bin/qemu-storage-daemon \
	--copy "$T_TOP/tests/vm/lifecycle.lib:/rf/lifecycle.lib" <<'END'
. /rf/lifecycle.lib

# inside NAME COMMANDS: by its agent, in a fraction of the time that its console takes
inside() { rfm exec "$1" sh -c "$2" </dev/null 2>&1; }
# state_of NAME DEVICE: in the list
state_of() { rfm device list "$1" --json | tr -d '\n' | sed 's/}/}\n/g' | sed -n "s/.*\"device\": *\"$2\".*\"state\": *\"\([^\"]*\)\".*/\1/p"; }
state_is() { [ "$(state_of "$1" "$2")" = "$3" ]; }
# worker NAME: pid of the process without privileges
worker() { for w_pid in $(cat "/sys/fs/cgroup/rainforest/$1/cgroup.procs"); do [ "$(cat /proc/$w_pid/comm)" != rfworker ] || echo "$w_pid"; done; }
# helpers NAME PROGRAM: pids of it
helpers() { for w_pid in $(cat "/sys/fs/cgroup/rainforest/$1/cgroup.procs"); do case $(cat "/proc/$w_pid/comm") in "$2"*) echo "$w_pid" ;; esac; done; }
# status PID KEY: what /proc says of it
status() { sed -n "s/^$2:[[:space:]]*//p" "/proc/$1/status" | tr '\t' ' '; }
# opened PID: what its descriptors are
opened() { for w_fd in "/proc/$1"/fd/*; do readlink "$w_fd"; done; }
# windows PID: which memory it has
windows() { for w_fd in "/proc/$1"/fd/*; do case $(readlink "$w_fd") in *rainforest-window*) stat -L -c %i "$w_fd" ;; esac; done; }
# cpu NAME: microseconds that its control group took
cpu() { sed -n 's/^usage_usec //p' "/sys/fs/cgroup/rainforest/$1/cpu.stat"; }
# count INTERFACE WHAT
count() { cat "/sys/class/net/$1/statistics/$2"; }
more_than() { [ "$(count "$1" "$2")" -gt "$3" ]; }
answers() { ping -c 1 -W 2 "$1"; }
another_worker() { [ -n "$(worker "$1")" ] && [ "$(worker "$1")" != "$2" ]; }
# fetches NAME ADDRESS: the checksum of the supervisor's file, as it comes there
fetches() { inside "$1" "wget -q -O - http://$2:8000/file | md5sum | cut -c1-32"; }
# load NAME ADDRESS: it fetches the file again and again, in the background; what differed
# is in /run/bad there, how often it was done in /run/loads
# shellcheck disable=SC2016 # its shell shall expand this
load() { inside "$1" '(i=0; while [ ! -e /run/enough ]; do s=$(wget -q -O - http://'"$2"':8000/file | md5sum | cut -c1-32); i=$((i+1)); [ "$s" = '"$sum"' ] || echo "$i $s" >>/run/bad; echo $i >/run/loads; done) </dev/null >/dev/null 2>&1 & true' >/dev/null; }
loads() { inside "$1" 'cat /run/loads 2>/dev/null || echo 0' | tail -n 1; }
more_loads() { [ "$(loads "$1")" -gt "$2" ]; }
# loads_on NAME NUMBER: until there were more; or says how both ends stand
loads_on()
{
	eventually 90 more_loads "$1" "$2" && return
	inside "$1" 'cat /run/loads; ps; cat /proc/net/dev /proc/net/arp /proc/net/tcp'
	ip -s link
	cat /proc/net/arp /proc/net/tcp
	return 1
}
# goes_on NAME DESCRIPTION: the load does
goes_on()
{
	g_n=$(loads "$1")
	check "$2" loads_on "$1" "$((g_n + 1))"
}
# sum_of NAME FILE: of what is on the device, past the page cache
sum_of() { inside "$1" "echo 3 >/proc/sys/vm/drop_caches; md5sum <$2 | cut -c1-32"; }
has() { [ "$(inside "$1" "[ -e $2 ] && echo yes")" = yes ]; }
has_not() { [ "$(inside "$1" "[ -e $2 ] || echo no")" = no ]; }
gone() { [ ! -e "$1" ]; }
lists_not() { [ -z "$(state_of "$1" "$2")" ]; }
# removes NAME DEVICE: in time; a kernel with checks built in needs longer under this load
removes() { rfm device remove "$1" "$2" || { [ -e /sys/kernel/debug/kmemleak ] && eventually 60 lists_not "$1" "$2"; }; }
mb=$(rounds 2 64)

mount -t cgroup2 none /sys/fs/cgroup 2>/dev/null
for module in rfcontroller rfcom rfvhost tun vhost_net bridge; do modprobe $module; done
mkdir -p /srv/data /srv/ro /srv/www
echo constant >/srv/ro/file
dd if=/dev/urandom of=/srv/www/file bs=1M count="$mb" 2>/dev/null
sum=$(md5sum </srv/www/file | cut -c1-32)
dd if=/dev/zero of=/srv/disk bs=1M count=32 2>/dev/null
httpd -p 8000 -h /srv/www
# An address of its own: else it is that of the port with the lowest, and goes with a's.
ip link add br0 address 02:00:00:00:00:f0 type bridge
ip addr add 10.2.0.1/24 dev br0
ip link set br0 up

# --- what cannot be is refused before anything is taken ---
taken() { rfm resources --json | grep -c '"owner": "a"'; }
refused 3 "there is no bridge br7; ip link add br7" "no such bridge" rfm create a --cpus 1 --memory 256M --net bridge=br7
refused 4 "lo is there and no TAP interface" "an interface that is none" rfm create a --cpus 1 --memory 256M --net tap=lo
refused 3 "there is no directory /srv/none" "no such directory" rfm create a --cpus 1 --memory 256M --fs x=/srv/none
refused 3 "there is no file /srv/none" "no such file" rfm create a --cpus 1 --memory 256M --disk /srv/none
refused 1 "/srv/www/file: .*[Ii]mage is not in qcow2 format" "an image of another format" \
	rfm create a --cpus 1 --memory 256M --disk /srv/www/file,format=qcow2
check "and leaves nothing" eval '[ "$(taken)" = 0 ] && gone /run/rainforest/a && gone /sys/fs/cgroup/rainforest/a'

# --- network cards, directories, disks, in both kernels ---
cp /usr/bin/virtiolie /usr/bin/netctl /srv/data
check "a starts" rfm create a --cpus 1-2 --memory 512M --net tap=tapa,mac=02:00:00:00:00:0a \
	--fs data=/srv/data --fs ro=/srv/ro,ro --fs kept=/srv/ro,ro,cache=always --disk /srv/disk
refused 4 "02:00:00:00:00:0a is the address of a card of a; take another" "a's address, for b" \
	rfm create b --cpus 3 --memory 256M --net bridge=br0,mac=02:00:00:00:00:0a
check "b starts" rfm create b --cpus 3-3 --memory 256M --kernel "$OTHER_KERNEL" --net bridge=br0 \
	--fs data=/srv/data
like "$t_out" 'warning: a can write to /srv/data, too: locks' "and it is told who can write there, too"
for device in "a net0" "a fs0" "a fs1" "a disk0" "b net0" "b fs0"; do
	# shellcheck disable=SC2086 # two words
	check "$device is used" eventually 60 state_is $device "in use"
done
refused 4 "02:00:00:00:00:0a is the address of a card of a; take another" "nor later" \
	rfm device add b --net bridge=br0,mac=02:00:00:00:00:0a
refused 4 "tapa is in use by another program" "a's interface, for b" rfm device add b --net tap=tapa
refused 4 "/srv/disk is a disk of another subOS" "a's disk, for b" rfm device add b --disk /srv/disk
is "$(rfm device list b --json | grep -c '"device"')" 2 "none of them stays"

# --- who serves them can do nothing else ---
keeper=$(helpers a rfbackend) serves=$(worker a)
is "$(status "$serves" Uid), $(status "$serves" Gid), $(status "$serves" Groups)" \
	"65534 65534 65534 65534, 65534 65534 65534 65534, " "a's worker is nobody"
is "$(for key in CapInh CapPrm CapEff CapAmb; do status "$serves" $key; done | sort -u) $(status "$serves" NoNewPrivs)" \
	"0000000000000000 1" "it has no capability, and gets none"
unlike "$(status "$keeper" CapEff)" '^0*$' "control: the keeper has some"
is "$(opened "$serves" | grep -Ev '^(socket:.*|anon_inode:\[(eventfd|eventpoll|rainforest-window|rfcom-channel)\]|/dev/(null|kmsg|rfvhost|vhost-net|net/tun)|/run/rainforest/a/begun\.[0-9]+)$')" \
	"" "nothing is open there that it does not serve with"
is "$(cat "/proc/$serves/fdinfo"/* | sed -n 's/^iff:[[:space:]]*//p')" tapa "of interfaces a's own"
is "$(windows "$serves")" "$(windows "$keeper")" "of memory a's own"
check "control: b's is another" eval '[ -n "$(windows "$serves")" ] && [ "$(windows "$(worker b)")" != "$(windows "$serves")" ]'

ip addr add 10.1.0.1/24 dev tapa
inside a 'ip addr add 10.1.0.2/24 dev eth0; ip link set eth0 up' >/dev/null
inside b 'ip addr add 10.2.0.2/24 dev eth0; ip link set eth0 up' >/dev/null
is "$(inside a 'cat /sys/class/net/eth0/address')" "02:00:00:00:00:0a" "a has the address"
like "$(inside b 'cat /sys/class/net/eth0/address')" '^.[26ae]:' "b has one that was made"
for at in "a 10.1.0" "b 10.2.0"; do
	name=${at% *} net=${at#* }
	check "$name answers" eventually 30 answers "$net.2"
	other=$([ "$name" = a ] && echo b || echo a)
	took=$(cpu "$name") idle=$(cpu "$other")
	is "$(fetches "$name" "$net.1")" "$sum" "$name fetches a file"
	took=$(($(cpu "$name") - took)) idle=$(($(cpu "$other") - idle))
	check "at the cost of $name's control group: $took us, of $other's $idle" test "$took" -gt $((4 * idle))
	inside "$name" "mkdir -p /data; mount -t virtiofs data /data; dd if=/dev/urandom of=/data/$name.new bs=64k count=$((mb * 16)) conv=fsync 2>/dev/null; mv /data/$name.new /data/$name; chown 12:34 /data/$name; chmod 640 /data/$name" >/dev/null
	is "$(md5sum <"/srv/data/$name")" "$(inside "$name" "md5sum </data/$name")" "$name: what it writes is there"
	is "$(stat -c '%u %g %a' "/srv/data/$name")" "12 34 640" "$name: with owner and mode"
	inside "$name" "exec 5>/data/open; rm /data/open; echo still >&5; cat /proc/self/fd/5 >/run/still; ln -s x /data/$name.link" >/dev/null
	is "$(inside "$name" 'cat /run/still' | tr '\n' ' ')" "still " "$name: an open file that was removed"
done
inside a 'mkdir -p /ro /kept; mount -t virtiofs ro /ro; mount -t virtiofs kept /kept' >/dev/null
is "$(inside a 'cat /kept/file')" constant "a directory with cache=always"
is "$(inside a 'cat /ro/file; echo x 2>/dev/null >/ro/file || echo refused')" "constant
refused" "a directory that may only be read"
echo else >/srv/ro/file
check "what changes there is seen" eventually 20 eval '[ "$(inside a "cat /ro/file")" = else ]'
is "$(inside a 'cat /kept/file')" constant "but with cache=always: it was read before"

# --- the disk ---
is "$(inside a 'cat /sys/block/vda/size')" 65536 "the disk has its size"
inside a 'dd if=/dev/urandom of=/run/data bs=1M count=4 2>/dev/null; dd if=/run/data of=/dev/vda bs=64k conv=fsync 2>/dev/null' >/dev/null
is "$(dd if=/srv/disk bs=1M count=4 2>/dev/null | md5sum)" "$(inside a 'md5sum </run/data')" "what a writes is in the file"

# --- the worker is killed under load ---
load a 10.1.0.1
load b 10.2.0.1
for i in $(seq "$(rounds 2 50)"); do
	goes_on a "a fetches, round $i"
	pid=$(worker a)
	kill -9 "$pid"
	check "another worker for a" eventually 20 another_worker a "$pid"
	check "its card comes back" eventually 20 state_is a net0 "in use"
done
goes_on a "a goes on"
is "$(inside a 'cat /run/bad 2>/dev/null')" "" "and got nothing wrong"
check "its root and directories are those from before" eventually 20 state_is a fs0 "in use"
is "$(inside a 'md5sum </data/a')" "$(md5sum <"/srv/data/a")" "the directory goes on"
check "the disk, too" eventually 20 state_is a disk0 "in use"

# --- what serves the disk is killed under load ---
# shellcheck disable=SC2016 # its shell shall expand this
inside a '(i=0; while [ ! -e /run/enough ]; do dd if=/run/data of=/dev/vda bs=64k seek=$((16 + i % 4 * 64)) conv=fsync 2>/dev/null || echo write >>/run/diskbad; echo 3 >/proc/sys/vm/drop_caches; [ "$(dd if=/dev/vda bs=64k skip=$((16 + i % 4 * 64)) count=64 2>/dev/null | md5sum)" = "$(md5sum </run/data)" ] || echo $i >>/run/diskbad; i=$((i+1)); echo $i >/run/disks; done) </dev/null >/dev/null 2>&1 & true' >/dev/null
disks() { inside a 'cat /run/disks 2>/dev/null || echo 0' | tail -n 1; }
more_disks() { [ "$(disks)" -gt "$1" ]; }
for i in $(seq "$(rounds 2 50)"); do
	n=$(disks)
	check "a writes and reads, round $i" eventually 60 more_disks "$n"
	pid=$(helpers a qemu-storage)
	kill -9 $pid
	check "another one serves the disk" eventually 20 eval '[ -n "$(helpers a qemu-storage)" ] && [ "$(helpers a qemu-storage)" != "$pid" ]'
done
n=$(disks)
check "a goes on" eventually 60 more_disks "$((n + 1))"
is "$(inside a 'cat /run/diskbad 2>/dev/null')" "" "nothing was lost or wrong"

# --- devices come and go ---
check "another card for a" rfm device add a --net bridge=br0,queues=2
check "it is there" eventually 30 has a /sys/class/net/eth1
inside a 'ip addr add 10.2.0.3/24 dev eth1; ip link set eth1 up' >/dev/null
check "it answers" eventually 30 answers 10.2.0.3
netctl serve 5000 >/run/serve 2>&1 &
netctl=$!
eventually 10 grep -q ready /run/serve
tap=$(basename /sys/class/net/br0/brif/rf"$(number a id)"n*)
rx_n=$(count "$tap" rx_packets) rx_b=$(count "$tap" rx_bytes)
tx_n=$(count "$tap" tx_packets) tx_b=$(count "$tap" tx_bytes)
# Each stream from a core of its own: a driver sends through its core's pair. What comes to a is
# counted by interface and queue, from 1 on, where it is handed on.
trace=/sys/kernel/tracing/events/net/napi_gro_receive_entry by=hist:keys=name,queue_mapping
inside a "cp /data/netctl /run; mount -t tracefs t /sys/kernel/tracing; echo $by >$trace/trigger; ping -c 2 -i 0.1 10.1.0.1 >/dev/null; (for c in 0 1; do taskset -c \$c /run/netctl echo 10.2.0.1 5000 800000 & done; wait) >/run/streams 2>&1; cat $trace/hist >/run/came; echo !$by >$trace/trigger" >/dev/null
is "$(inside a 'cat /run/streams' | sort | uniq -c | tr -s ' ')" " 2 800000 bytes there and back" "two streams over its two pairs of queues"
inside a 'cat /run/came' >/run/came
# queues INTERFACE: through which queues how much came
queues() { sed -n "s/^{ name: $1 *, queue_mapping: *\([0-9]*\) } hitcount: *\([0-9]*\).*/\1 \2/p" /run/came | sort; }
# A stream is twelve packets at least, of at most 64 KB.
is "$(queues eth1 | awk '$2 >= 10 { print $1 }' | tr '\n' ' ')" "1 2 " "packets came through both: $(queues eth1 | tr '\n' ';')"
is "$(queues eth0 | cut -d' ' -f1)" 1 "control: a card with one pair has one"
rx=$((($(count "$tap" rx_bytes) - rx_b) / ($(count "$tap" rx_packets) - rx_n + 1)))
tx=$((($(count "$tap" tx_bytes) - tx_b) / ($(count "$tap" tx_packets) - tx_n + 1)))
check "what TCP sends is cut, if at all, behind the card: $rx bytes a packet from a, $tx to it" test $rx -gt 1500 -a $tx -gt 1500
kill $netctl
check "another directory" rfm device add a --fs more=/srv/www
check "it can be mounted" eventually 30 eval '[ "$(inside a "mkdir -p /more; mount -t virtiofs more /more && md5sum </more/file | cut -c1-32")" = "$sum" ]'
check "a card is removed" rfm device remove a net1
check "it is not there any more" has_not a /sys/class/net/eth1
refused 3 "it has no device net1; rfm device list a" "twice" rfm device remove a net1
is "$(inside a 'umount /more; echo $?')" 0 "a lets go of the directory"
check "it is removed" removes a fs3
is "$(rfm device list a --json | grep -c '"device"')" 5 "what was there before is left"

# --- memory moves while all of it works ---
check "a gets more memory" rfm resize a --memory 768M
goes_on a "a fetches on"
check "a gives it back" rfm resize a --memory 512M
goes_on a "and on"
is "$(inside a 'cat /run/bad /run/diskbad 2>/dev/null')" "" "nothing was wrong"

# --- a restart ---
goes_on b "b fetches"
check "b restarts" rfm restart b --force
check "its card is there" eventually 60 state_is b net0 "in use"
inside b 'ip addr add 10.2.0.2/24 dev eth0; ip link set eth0 up; mkdir -p /data; mount -t virtiofs data /data' >/dev/null
check "it answers" eventually 30 answers 10.2.0.2
is "$(inside b 'md5sum </data/b')" "$(md5sum <"/srv/data/b")" "it has its directory"

# --- a lets go of its devices, which nobody removes ---
inside a 'touch /run/enough; cp /data/virtiolie /run; mkfifo /run/lie'
lets_go() { inside a 'umount /data /ro /kept 2>/dev/null; rmmod rfvirtio 2>/dev/null'; }
check "a has no rfvirtio any more" eventually 60 lets_go
is "$(rfm device list a --json | grep -c '"device"')" 5 "its devices stay listed"
# all_are STATE: a's five devices
all_are() { [ "$(rfm device list a --json | grep -c "\"state\": *\"$1\"")" = 5 ]; }
check "and have no driver" eventually 30 all_are offered

# --- a lies to those who serve it, and b goes on ---
# lie COMMAND...: what it says meanwhile, looked at again and again until it is done
lie() { inside a ">/run/said; echo $* >/run/lie; i=0; until grep -q ^did /run/said || [ \$i -gt 300 ]; do i=\$((i + 1)); sleep 0.1; done; cat /run/said"; }
# lies STATE DESCRIPTION COMMAND...: and how its devices stand then
lies()
{
	l_state=$1 l_text=$2
	shift 2
	lie "$@" >/run/lied
	eventually 30 all_are "$l_state" || rfm device list a >>/run/lied
	check "$l_text: $l_state" eval 'all_are "$l_state" || { cat /run/lied; false; }'
}
# what serves b, and a's keeper: they must not change
others() { echo "$(worker b) $(helpers b rfbackend) $(helpers b virtiofsd) $(helpers a rfbackend)"; }
sector() { dd if=/srv/disk bs=512 skip=8 count=1 2>/dev/null | md5sum; }
memory=$(rfm resources --json | tr -d ' ,"' | awk -F: '/^kind/ { kind = $2 } /^start/ { start = $2 } /^owner:/ && kind == "memory" && $2 == "b" { printf "%.0f\n", start; exit }')
before=$(others)
inside a '/run/virtiolie /run/lie >>/run/said 2>&1 </dev/null & true' >/dev/null
check "a program of a's is heard in its place" eventually 30 said a said 'device 4'
serves=$(worker a)
lies "in use" "control: queues that can be" true
pid=$(helpers a virtiofsd | head -n 1)
threads=$(ls "/proc/$pid/task" | wc -l)
lie long >/run/lied
check "a message that is too long: another worker" eventually 20 another_worker a "$serves"
check "which announces all of them" eventually 30 all_are offered
check "and nobody serves what is announced" eventually 20 eval '[ "$(ls "/proc/$pid/task" | wc -l)" -lt "$threads" ]'
serves=$(worker a)
n=$(count tapa rx_packets)
is "$(lie send 0 | grep done | tr '\n' ' ')" "packet done sector done 0 " "control: a packet and a sector from a's memory"
is "$(dd if=/srv/disk bs=512 skip=8 count=1 2>/dev/null | tr -d L | wc -c)" 0 "control: the sector is written"
check "control: the packet comes" eventually 10 more_than tapa rx_packets "$n"
n=$(count tapa rx_packets) was=$(sector)
is "$(lie send "$memory" | grep done | tr '\n' ' ')" "packet not done sector done 1 " "from b's memory: an error"
is "$(sector) $(count tapa rx_packets)" "$was $n" "nothing is written, and nothing comes"
lies broken "queues in b's memory" at "$memory"
lies "in use" "queues that can be, again" true
lie small >/run/lied
check "a shorter queue for what was begun in a longer one: broken" eventually 30 state_is a disk0 broken
is "$(state_of a net0)" "in use" "control: a card's queue may be shorter"
lies broken "queues behind all memory" far
lies offered "a says that all are removed" removed
lie noise 1 "$(rounds 300 20000)" >/run/lied
like "$(cat /run/lied)" '^did noise' "a says what cannot be"
is "$(worker a)" "$serves" "its worker reads all of it"
is "$(rfm device list a --json | grep -c '"device"')" 5 "its keeper answers"
# What serves its directories ends, what serves its disk hangs up.
for i in $(seq "$(rounds 2 100)"); do
	lie garbage "$i" "$memory" >/run/lied
	grep -q '^did garbage' /run/lied || diag "$(cat /run/lied)"
	[ $((i % 10)) != 9 ] || for device in fs0 fs1 fs2; do rfm device remove a $device; rfm device add a --fs "$device=/srv/ro,ro"; done
done
check "queues full of nonsense: the card is broken" eventually 30 state_is a net0 broken
like "$(state_of a fs0)" 'lost|broken' "a directory is lost, or broken"
is "$(worker a)" "$serves" "its worker lives"
is "$(others)" "$before" "who serves b, and a's keeper, are the same"
check "b answers" answers 10.2.0.2
is "$(fetches b 10.2.0.1)" "$sum" "b fetches a file"
is "$(inside b 'md5sum </data/b')" "$(md5sum <"/srv/data/b")" "b has its directory"
audit "nothing was lost"
lie removed >/run/lied
inside a 'kill $(pidof virtiolie); insmod /.rainforest/rfvirtio.ko' >/dev/null
for device in net0 disk0; do check "with rfvirtio again: $device" eventually 60 state_is a $device "in use"; done
inside a 'ip addr add 10.1.0.2/24 dev eth0; ip link set eth0 up' >/dev/null
check "a answers" eventually 30 answers 10.1.0.2
is "$(fetches a 10.1.0.1)" "$sum" "a fetches a file"
is "$(inside a 'dd if=/dev/vda bs=64k count=1 2>/dev/null | md5sum')" "$(dd if=/srv/disk bs=64k count=1 2>/dev/null | md5sum)" "a reads its disk"

# --- bad luck ---
# writes: programs of b's that use /data until that fails, why is in /run/N.why
# shellcheck disable=SC2016 # its shell shall expand this
writes() { inside b 'rm -f /run/*.why /run/*.end; for i in 1 2 3 4 5 6; do (while [ $i = 6 ] && ls -l /data >/dev/null 2>/run/$i.why || dd if=/dev/zero of=/data/w$i bs=64k count=4 conv=fsync 2>/run/$i.why; do :; done; touch /run/$i.end) </dev/null >/dev/null 2>&1 & done; true' >/dev/null; }
# waiting: how many of them wait for an answer of virtiofsd
waiting() { inside b 'for p in /proc/[0-9]*; do w=$(cat $p/wchan 2>/dev/null); [ "$w" != request_wait_answer ] || echo waits; done | grep -c waits' | tail -n 1; }
some_wait() { [ "$(waiting)" -ge 2 ]; }
all_ended() { [ "$(inside b 'ls /run/*.end | wc -l' | tail -n 1)" = 6 ]; }
for i in $(seq "$(rounds 1 20)"); do
	[ "$i" = 1 ] || check "another directory for b" eval 'inside b "umount /data" >/dev/null; rfm device remove b fs0 && rfm device add b --fs data=/srv/data && inside b "mount -t virtiofs data /data" >/dev/null'
	writes
	eventually 30 eval '[ -e /srv/data/w5 ]'
	# Stopped in the midst of it: what it has taken, and what not, nobody has answered.
	# shellcheck disable=SC2046 # numbers
	kill -STOP $(helpers b virtiofsd)
	check "control: requests of b's wait" eventually 20 some_wait
	# shellcheck disable=SC2046 # numbers
	kill -9 $(helpers b virtiofsd)
	check "it is killed: all of b's programs end" eventually 30 all_ended
	why=$(inside b 'cat /run/*.why | grep -v records | sed "s/.*: //" | sort -u')
	like "$why" "not connected|I/O error" "they are told"
	is "$(printf '%s\n' "$why" | grep -Ev 'not connected|I/O error')" "" "and nothing else: $(echo $why)"
	is "$(waiting)" 0 "none waits any longer"
	rm -f /srv/data/w[1-6]
done
check "a directory whose helper was killed is lost" eventually 20 state_is b fs0 lost
like "$(inside b 'ls /data 2>&1')" "not connected" "b's programs are told"
is "$(inside b 'umount /data; echo $?')" 0 "b can let go of it"
ip link del tapa
check "a's interface is removed: the card is lost" eventually 20 state_is a net0 lost
check "a's driver knows" eventually 30 eval '[ "$(inside a "cat /sys/class/net/eth0/carrier")" = 0 ]'
pid=$(for w_pid in $(cat /sys/fs/cgroup/rainforest/b/cgroup.procs); do [ "$(cat /proc/$w_pid/comm)" != rfbackend ] || echo "$w_pid"; done)
kill -9 $pid
check "b's keeper is killed: another one takes its devices up" eval 'rfm device list b | grep -q net0'
check "its card is used" eventually 30 state_is b net0 "in use"
check "it answers" eventually 30 answers 10.2.0.2
is "$(state_of b fs0)" lost "its directory is lost still: no other helper for the same kernel"

# --- the end, under load ---
load b 10.2.0.1
goes_on b "b fetches"
check "b is destroyed" rfm destroy b --force
check "all of its processes are gone" eval 'gone /sys/fs/cgroup/rainforest/b && gone /run/rainforest/b'
check "a is destroyed" rfm destroy a --force
check "all of its processes are gone" eval 'gone /sys/fs/cgroup/rainforest/a && gone /run/rainforest/a'
is "$(pidof rfbackend virtiofsd qemu-storage-daemon)" "" "nobody is left"
check "rfvhost can go" rmmod rfvhost
audit "nothing was lost"
END
done_testing
