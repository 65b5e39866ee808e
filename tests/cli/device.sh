#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# rfm device, and the devices of rfm create: what is refused before anything is taken, and
# what the process that keeps devices is told. That one is played here.
# timeout: 120

. "$(dirname "$0")/common.sh"
prepare plain

# value FILTER: of the JSON on standard input
value()
{
	python3 -c 'import json, sys; d = json.load(sys.stdin); print(eval(sys.argv[1]))' "$1"
}
install -m 755 "$CLI/fakekeeper.py" "$ROOT/usr/lib/rainforest/rfbackend"
# a socket's path is short
short=$(mktemp -d) || bail "no temporary directory"
trap 'rm -rf "$short"' EXIT
export RFM_RUNDIR="$short"
mkdir -p "$T_DIR/dir" "$ROOT/dev/net" "$ROOT/usr/bin" "$ROOT/usr/lib/qemu" \
	"$ROOT/sys/class/net/br0/bridge" "$ROOT/sys/class/net/tap7" "$ROOT/sys/class/net/eth7"
echo 0x1002 >"$ROOT/sys/class/net/tap7/tun_flags"
truncate -s 1M "$T_DIR/image"
dir=$(realpath "$T_DIR/dir") image=$(realpath "$T_DIR/image")

# refuse STATUS PATTERN DESCRIPTION OPTION...: by create, which takes nothing
refuse()
{
	r_status=$1 r_pattern=$2 r_what=$3
	shift 3
	refused "$r_status" "$r_pattern" "refused: $r_what" RFM create a --cpus 1 --memory 512M "$@"
}

# --- what the machine lacks ---
refuse 7 "the module rfvhost is not loaded; modprobe rfvhost" "without rfvhost" --net bridge=br0
: >"$ROOT/dev/rfvhost"
refuse 7 "there is no /dev/vhost-net; modprobe vhost_net" "without vhost-net" --net bridge=br0
: >"$ROOT/dev/vhost-net"
refuse 7 "there is no /dev/net/tun; modprobe tun" "without TAP interfaces" --net bridge=br0
: >"$ROOT/dev/net/tun"
refuse 7 "there is no /usr/lib/qemu/virtiofsd; apt install qemu-system-common" "without virtiofsd" \
	--fs "x=$dir"
: >"$ROOT/usr/lib/qemu/virtiofsd"
refuse 7 "there is no /usr/bin/qemu-storage-daemon; apt install qemu-system-common" \
	"without qemu-storage-daemon" --disk "$image"
: >"$ROOT/usr/bin/qemu-storage-daemon"

# --- what cannot be ---
refuse 3 "there is no bridge br9; ip link add br9 type bridge" "a bridge that is not there" --net bridge=br9
refuse 4 "eth7 is there and no TAP interface" "a real card" --net tap=eth7
refuse 2 "write 02:00:00:00:00:01" "a malformed address" --net tap=t,mac=2
refuse 2 "no address of one card" "an address of many" --net tap=t,mac=01:00:00:00:00:00
refuse 2 "two cards with the address 02:00:00:00:00:01" "an address twice" \
	--net tap=t,mac=02:00:00:00:00:01 --net tap=u,mac=02:00:00:00:00:01
refuse 2 "two cards with the interface t" "an interface twice" --net tap=t --net tap=t
refuse 3 "there is no directory .*nosuch" "a directory that is not there" --fs "x=$T_DIR/nosuch"
refuse 3 "is no directory; name one, or give it as --disk" "a file as directory" --root "$image"
refuse 3 "there is no file .*nosuch.*truncate" "an image that is not there" --disk "$T_DIR/nosuch"
refuse 3 "neither a file nor a block device" "a directory as image" --disk "$dir"
refuse 2 "the tag x twice" "a tag twice" --fs "x=$dir" --fs "x=/usr"
refuse 2 "that of --root" "the tag of a root" --fs "root=$dir"
refuse 2 "'colour=red' is not known" "an unknown option" --disk "$image,colour=red"
refuse 2 "twice" "an image twice" --disk "$image" --disk "$image"
refuse 2 "said twice" "two roots" --root "$dir" --root "$dir"
refuse 2 "a bare subOS has no module of ours" "a bare subOS" --unsafe-bare --net bridge=br0
is "$(names)" "" "none of these left anything"
is "$(ls "$short")" "" "nor started anything"
export FAKE_KEEPER_REFUSE=badluck
refuse 4 "badluck was refused; take another" "what the keeper cannot do" --net tap=badluck
is "$(names)" "" "and what was taken is given back"
pid=$(ls "$short")
is "$pid" "a" "control: it was started"
rm -rf "$short/a"

# --- what is told ---
check "create with devices" RFM create web --cpus 1-1 --memory 512M --net bridge=br0,queues=2 \
	--net tap=tap7 --fs "data=$T_DIR/dir/../dir,ro" --disk "$image"
is "$(RFM device list web --json | value 'd["schema"], [(x["subos"], x["device"], x["kind"], x["what"]) for x in d["devices"]]')" \
	"(1, [('web', 'net0', 'net', 'bridge=br0,queues=2'), ('web', 'net1', 'net', 'tap=tap7'), ('web', 'fs0', 'fs', 'data=$dir,ro'), ('web', 'disk0', 'disk', '$image')])" \
	"list --json: paths are absolute"
like "$(RFM device list)" "^SUBOS DEVICE KIND STATE +WHAT$" "list of all"
like "$(RFM device list)" "^web +net1 +net +offered tap=tap7$" "has its devices"
like "$(RFM show web)" "^net1 +tap=tap7 \(offered\)$" "show has them"
is "$(RFM show web --json | value '[x["device"] for x in d["subos"]["devices"]]')" \
	"['net0', 'net1', 'fs0', 'disk0']" "show --json, too"
is "$(RFM device add web --fs "more=$dir" --net tap=t9)" "" "add"
is "$(RFM device list web --json | value 'len(d["devices"])')" 6 "two more"
is "$(RFM device remove web net1)" "" "remove"
is "$(RFM device list web --json | value '[x["device"] for x in d["devices"]]')" \
	"['net0', 'fs0', 'disk0', 'fs1', 'net2']" "one less"
refused 3 "it has no device net1; rfm device list" "remove: not there" RFM device remove web net1
refused 3 "there is no subOS of this name" "add: no subOS" RFM device add db --net tap=t
refused 3 "there is no subOS of this name" "remove: no subOS" RFM device remove db net0
refused 3 "there is no subOS of this name" "list: no subOS" RFM device list db
refused 2 "say which: --net, --fs or --disk" "add: nothing" RFM device add web
refused 2 "write list" "no verb" RFM device
refused 2 "write list" "remove: no device" RFM device remove web
refused 2 "'WEB' is no name" "a name that cannot be" RFM device list WEB
refused 3 "there is no bridge br9" "add: looked at first" RFM device add web --net tap=t8 --net bridge=br9
is "$(RFM device list web --json | value 'len(d["devices"])')" 5 "nothing was added"
check "a subOS without devices" RFM create db --cpus 2-2 --memory 512M
is "$(RFM device list db --json | value 'd["devices"]')" "[]" "has none"
printf '0\tnet0\tnet\ttap=x,mac=02:00:00:00:00:99\n' >"$short/web/devices"
refuse 4 "02:00:00:00:00:99 is the address of a card of web; take another" "an address of another subOS" \
	--net tap=t5,mac=02:00:00:00:00:99
printf '1\tdisk0\tdisk\t%s,ro\n' "$image" >>"$short/web/devices"
refuse 4 "x is the interface of a card of web; take another" "an interface of another subOS" \
	--net tap=x
refuse 4 "image is a disk of web; several can have it only with ,ro" "an image of another subOS" \
	--disk "$image"
RFM create a --cpus 0-0 --memory 512M --net bridge=br9 --net tap=x,mac=02:00:00:00:00:99 \
	--fs "a=$T_DIR/nosuch" --disk "$image" --dry-run 2>"$T_DIR/err"
is "$?" 3 "a dry run ends with the code of the first conflict"
for what in "no bridge br9" "the address of a card of web" "the interface of a card of web" \
	"no directory .*nosuch" "a disk of web" "CPU 0 stays"; do
	check "it names every conflict: $what" grep -q "$what" "$T_DIR/err"
done
is "$(wc -l <"$T_DIR/err")" 6 "each once"
is "$(RFM create a --cpus 3-3 --memory 512M --disk "$image,ro" --dry-run 2>&1)" \
	"nothing stands in the way of a: 1 CPUs, 512M, 0 PCI functions" "control: an image that both read"
mkdir "$short/gone"
mv "$short/web/devices" "$short/gone/"
is "$(RFM create a --cpus 3-3 --memory 512M --net tap=x --disk "$image" --dry-run 2>&1)" \
	"nothing stands in the way of a: 1 CPUs, 512M, 0 PCI functions" \
	"control: what a subOS had that is gone"
rm -r "$short/gone"

# --- a directory that two can write to ---
# warned DESCRIPTION OPTION...: by create, in a dry run, and by add
warned()
{
	w_what=$1
	shift
	w_text="warning: web can write to $dir, too: locks on files do not hold between them; give one of them ,ro"
	is "$(RFM create a --dry-run --cpus 3-3 --memory 512M "$@" 2>&1 >/dev/null)" \
		"rfm: create a: $w_text" "$w_what: create warns"
	is "$(RFM device add db "$@" 2>&1 >/dev/null)" "rfm: device db: $w_text" "$w_what: add warns"
}
# silent DESCRIPTION OPTION...
silent()
{
	s_what=$1
	shift
	is "$(RFM create a --dry-run --cpus 3-3 --memory 512M "$@" 2>&1 >/dev/null)" "" \
		"control: no warning of $s_what"
}
mkdir -p "$dir/below" "$T_DIR/other"
printf '0\tfs0\tfs\tdata=%s\n' "$dir" >"$short/web/devices"
warned "the same directory" --fs "a=$T_DIR/other/../dir"
warned "one in it" --fs "b=$dir/below"
warned "one around it" --fs "c=$T_DIR"
silent "one beside it" --fs "a=$T_DIR/other"
silent "one that is only read" --root "$dir,ro"
printf '0\tfs0\tfs\tdata=%s,ro\n' "$dir" >"$short/web/devices"
silent "one that web only reads" --fs "a=$dir"
rm "$short/web/devices"

# --- a root ---
check "create with a root" RFM create boots --cpus 3-3 --memory 512M --root "$dir" --append quiet
is "$(RFM show boots --json | value 'd["subos"]["append"], d["subos"].get("initrd")')" \
	"('quiet rf.root=root', None)" "it learns of its root, and has no initrd"
cat >"$T_DIR/conf" <<END
[subos]
name = conf
cpus = 4-4
memory = 512M
net = bridge=br0
net = tap=t4
disk = $image,ro
END
check "from a configuration file" RFM create -f "$T_DIR/conf"
is "$(RFM device list conf --json | value '[x["what"] for x in d["devices"]]')" \
	"['bridge=br0', 'tap=t4', '$image,ro']" "with all of its devices"
check "destroy --all" RFM destroy --all
is "$(ls "$short")" "" "leaves nothing"
done_testing
