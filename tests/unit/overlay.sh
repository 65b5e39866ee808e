#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# The overlay: unpacked with cpio and compared; modules in an order in which
# they can be loaded; a kernel's module tree made by this test.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
PATH=$PATH:/usr/sbin:/sbin

here=$T_TOP/tests/unit
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
rel=6.12.3-test
mods=$tmp/root/lib/modules/$rel
lib=$tmp/rainforest

"${CC:-gcc}" -g -O1 -D_GNU_SOURCE -Wall -Wextra -Werror -fsanitize=address,undefined \
	-fno-sanitize-recover=all -I"$T_TOP/include/uapi" -o "$tmp/overlay_test" \
	"$here/overlay_test.c" "$T_TOP"/rfm/overlay*.c "$T_TOP/rfm/cpio.c" \
	"$T_TOP/rfm/decompress.c" "$T_TOP/rfm/image_cache.c" "$T_TOP/rfm/image_prune.c" \
	-lz -llzma -llz4 -lzstd -lgcrypt -lxxhash || bail "it does not compile"

# module NAME [ALIAS [NEEDS...]]: a module that exports NAME_fn, and uses NEEDS_fn
module()
{
	name=$1
	alias=${2-}
	[ $# -lt 2 ] || shift
	shift
	{
		echo "const char vermagic[] __attribute__((section(\".modinfo\"))) ="
		echo "	\"vermagic=$rel SMP mod_unload \";"
		[ -z "$alias" ] || {
			echo "const char alias[] __attribute__((section(\".modinfo\"))) ="
			echo "	\"alias=$alias\";"
		}
		[ -z "${SOFT-}" ] || {
			echo "const char soft[] __attribute__((section(\".modinfo\"))) ="
			echo "	\"softdep=pre: $SOFT\";"
		}
		echo "const char str[] __attribute__((section(\"__ksymtab_strings\"))) = \"${name}_fn\";"
		echo "int __ksymtab_${name}_fn = 1;"
		echo "void ${name}_fn(void) { }"
		for need; do
			echo "void ${need}_fn(void); void (*use_$need)(void) = ${need}_fn;"
		done
	} >"$tmp/mod.c"
	"${CC:-gcc}" -c -o "$mods/kernel/$name.ko" "$tmp/mod.c"
}

mkdir -p "$mods/kernel" "$lib/modules/$rel" "$tmp/out"
module base
module middle "" base
module top "pci:v00001B36d00000010*" middle base
module other "pci:v00001B36d00000010sv*" base
module softly
SOFT=softly module soft "virtio:d00000001v*"
module unused
xz -k --check=crc32 "$mods/kernel/middle.ko" && mv "$mods/kernel/middle.ko" "$tmp/middle.ko"
zstd -q --rm "$mods/kernel/soft.ko" -o "$mods/kernel/soft.ko.zst"
echo "kernel/built.ko" >"$mods/modules.builtin"
printf 'built.alias=pci:v00008086d*\0' >"$mods/modules.builtin.modinfo"
: >"$mods/modules.order"
depmod -b "$tmp/root" "$rel" 2>/dev/null
cp "$mods/kernel/base.ko" "$lib/modules/$rel/rfsubos.ko"
cp "$mods/kernel/softly.ko" "$lib/modules/$rel/ficm.ko"
cp "$mods/kernel/softly.ko" "$lib/modules/$rel/rfcom.ko"
head -c 5001 /dev/urandom >"$lib/init"
head -c 5003 /dev/urandom >"$lib/agent"

# grouped RELEASE DEVICES PATTERN DESCRIPTION: the groups, of which none is empty
grouped()
{
	rm -rf "$tmp/out"
	mkdir "$tmp/out"
	OVERLAY_DEVICES=$2 "$tmp/overlay_test" "$1" "$lib" "$root" |
		(cd "$tmp/out" && cpio -idm --quiet)
	like "$(order)" "^ficm.ko rfcom.ko rfsubos.ko < vsock.ko $3 $" "$1: $4"
	unlike "$(order)" "[<>-] [<>-]|[<>-] $" "$1: no group is empty"
}

# cached RELEASE: what is unpacked is kept, used, and not believed when it is damaged
cached()
{
	echo "vermagic=$1 SMP" >"$lib/modules/$1/rfvirtio.ko"
	export OVERLAY_CACHE="$tmp/cache"
	"$tmp/overlay_test" "$1" "$lib" "$root" >"$tmp/first"
	grouped "$1" "" '- rfcom_vsock.ko > failover.ko net_failover.ko virtio_net.ko > virtio_blk.ko .*(> )?rfvirtio.ko > rfloop.ko' \
		"no devices: init need not wait for their drivers"
	grouped "$1" yes '- rfcom_vsock.ko < failover.ko net_failover.ko virtio_net.ko < virtio_blk.ko .*- rfvirtio.ko > rfloop.ko' \
		"devices: it does"
	kept=$(find "$tmp/cache" -name '*.elf' | sort)
	check "$1: each module is kept" test "$(echo "$kept" | wc -l)" -ge 2
	"$tmp/overlay_test" "$1" "$lib" "$root" >"$tmp/again"
	check "$1: and is the same the next time" cmp "$tmp/first" "$tmp/again"
	one=$(echo "$kept" | head -n 1)
	two=$(echo "$kept" | tail -n 1)
	mv "$one" "$tmp/one"
	mv "$two" "$one"
	mv "$tmp/one" "$two"
	"$tmp/overlay_test" "$1" "$lib" "$root" >"$tmp/again"
	cmp -s "$tmp/first" "$tmp/again"
	is $? 1 "$1: control: what is kept is used"
	printf x | dd of="$one" bs=1 seek=1000 conv=notrunc status=none
	printf x | dd of="$two" bs=1 seek=1000 conv=notrunc status=none
	"$tmp/overlay_test" "$1" "$lib" "$root" >"$tmp/again"
	check "$1: but not when it is damaged" cmp "$tmp/first" "$tmp/again"
	unset OVERLAY_CACHE
}

# unpack ALIAS...: build and unpack into $tmp/out
unpack()
{
	rm -rf "$tmp/out"
	mkdir "$tmp/out"
	"$tmp/overlay_test" "$rel" "$lib" "$tmp/root" "$@" >"$tmp/archive" 2>"$tmp/err" &&
		(cd "$tmp/out" && cpio -idm --quiet <"$tmp/archive" 2>&1)
}

order()
{
	sed 's,.*/,,' "$tmp/out/.rainforest/modules" | tr '\n' ' '
}

# loadable LIST: every module comes after what it needs
loadable()
{
	seen=" "
	for ko in $1; do
		case $ko in
		middle.ko) needs=base.ko ;;
		top.ko) needs="middle.ko base.ko" ;;
		other.ko) needs=base.ko ;;
		soft.ko) needs=softly.ko ;;
		*) needs= ;;
		esac
		for need in $needs; do
			case $seen in
			*" $need "*) ;;
			*) return 1 ;;
			esac
		done
		seen="$seen$ko "
	done
}

check "no device: it unpacks" unpack
is "$(cd "$tmp/out" && find . | sort | tr '\n' ' ')" \
	". ./.rainforest ./.rainforest/agent ./.rainforest/ficm.ko ./.rainforest/init ./.rainforest/modules ./.rainforest/rfcom.ko ./.rainforest/rfsubos.ko " \
	"no device: nothing but init, the agent, our modules and the list"
is "$(xargs <"$tmp/out/.rainforest/modules")" "/.rainforest/ficm.ko /.rainforest/rfcom.ko /.rainforest/rfsubos.ko" \
	"the list names ficm.ko, then those that need it"
check "init is what it was" cmp "$lib/init" "$tmp/out/.rainforest/init"
check "the agent is what it was" cmp "$lib/agent" "$tmp/out/.rainforest/agent"
check "ficm.ko is what it was" cmp "$lib/modules/$rel/ficm.ko" "$tmp/out/.rainforest/ficm.ko"
check "rfsubos.ko is what it was" cmp "$lib/modules/$rel/rfsubos.ko" "$tmp/out/.rainforest/rfsubos.ko"
is "$(stat -c '%a %u %g %Y' "$tmp/out/.rainforest/init")" "755 0 0 0" "init can be executed, by root"
is "$(stat -c '%a %u %g %Y' "$tmp/out/.rainforest/agent")" "755 0 0 0" "the agent, too"
is "$(($(stat -c %s "$tmp/archive") % 4))" 0 "its size is a multiple of four"
cp "$tmp/archive" "$tmp/first"
unpack
check "the same request gives the same bytes" cmp "$tmp/first" "$tmp/archive"

nvme=pci:v00001B36d00000010sv00001AF4sd00001100bc01sc08i02
check "a device: it unpacks" unpack $nvme
list=$(order)
is "$(echo "$list" | tr ' ' '\n' | sort | xargs)" "base.ko ficm.ko middle.ko other.ko rfcom.ko rfsubos.ko top.ko" \
	"a device: both drivers and what they need, each once"
like "$list" "^ficm.ko rfcom.ko rfsubos.ko " "our modules are first"
check "they can be loaded in this order: $list" loadable "$list"
if loadable "$(echo "$list" | tr ' ' '\n' | tac | xargs)"; then
	not_ok "control: an order that does not work is noticed"
else
	ok "control: an order that does not work is noticed"
fi
while read -r file; do
	check "$file of the list is there" test -s "$tmp/out$file"
done <"$tmp/out/.rainforest/modules"
check "xz: it is unpacked" cmp "$tmp/middle.ko" "$tmp/out/.rainforest/middle.ko"

unpack virtio:d00000001v00001AF4 $nvme pci:v00008086d00001234 usb:nothing
list=$(order)
is "$(echo "$list" | tr ' ' '\n' | sort | xargs)" \
	"base.ko ficm.ko middle.ko other.ko rfcom.ko rfsubos.ko soft.ko softly.ko top.ko" \
	"several devices: built-in and unknown drivers add nothing, soft dependencies count"
check "they can be loaded in this order: $list" loadable "$list"
check "zstd: it is unpacked" sh -c "zstd -qdc $mods/kernel/soft.ko.zst | cmp - $tmp/out/.rainforest/soft.ko"

# refuse ERRNO PATTERN DESCRIPTION RELEASE LIB ROOT [ALIAS...]
refuse()
{
	want=$1 pattern=$2 desc=$3
	shift 3
	refused "$want" "$pattern" "$desc" "$tmp/overlay_test" "$@"
}

ENOENT=2
EIO=5
ELIBACC=79
refuse $ENOENT "no module for kernel 6.99.*; install" "no modules for this kernel" \
	6.99 "$lib" "$tmp/root"
refuse $ENOENT "does not say which version" "a kernel without a release" "" "$lib" "$tmp/root"
refuse $ENOENT "does not say which version" "a release that is a path" ../x "$lib" "$tmp/root"
mkdir -p "$lib/modules/6.13.0" "$tmp/half/modules/$rel"
cp "$lib/modules/$rel/ficm.ko" "$tmp/half/modules/$rel/"
refuse $ENOENT "half/modules/$rel/rfcom.ko is not there" "ficm.ko alone" $rel "$tmp/half" "$tmp/root"
cp "$lib/modules/$rel"/*.ko "$lib/modules/6.13.0/"
cp "$lib/modules/$rel/rfsubos.ko" "$lib/modules/$rel/rfcom.ko" "$tmp/half/modules/$rel/"
refuse $ENOENT "built for another kernel; run make" "a module of another kernel" \
	6.13.0 "$lib" "$tmp/root"
refuse $EIO "half/init cannot be read: .*; run make install" "no init" $rel "$tmp/half" "$tmp/root"
mkdir "$tmp/half/init"
refuse $EIO "half/init cannot be read: .*; run make install" "a directory for init" \
	$rel "$tmp/half" "$tmp/root"
refuse $EIO "modules.dep.bin cannot be read: .*; run depmod" "a device, but no module index" \
	$rel "$lib" "$tmp/nowhere" $nvme
check "no device: no module index is needed" "$tmp/overlay_test" $rel "$lib" "$tmp/nowhere"
rm "$mods/kernel/top.ko"
refuse $EIO "top.ko cannot be read: .*; install that kernel" "a driver that is in the index only" \
	$rel "$lib" "$tmp/root" $nvme
cp "$mods/kernel/base.ko" "$lib/modules/$rel/rfcom_vsock.ko"
unpack
is "$(order)" "ficm.ko rfcom.ko rfsubos.ko " "no sockets where that kernel has no vsock.ko"
xz -dc "$mods/kernel/middle.ko.xz" >"$mods/kernel/top.ko"
printf 'damaged' | dd of="$mods/kernel/middle.ko.xz" bs=1 seek=100 conv=notrunc 2>/dev/null
refuse $EIO "middle.ko.xz cannot be read" "a driver that does not unpack" \
	$rel "$lib" "$tmp/root" $nvme

echo 'int nothing;' | "${CC:-gcc}" -shared -o "$tmp/libkmod.so.2" -x c -
LD_LIBRARY_PATH=$tmp refuse $ELIBACC "libkmod.so.2 cannot be loaded: .*; install libkmod2" \
	"a libkmod without what we need" $rel "$lib" "$tmp/root"

# The tree of a stock kernel.
for stock in "$T_TOP"/build/kernels/*/lib/modules/*; do
	[ -e "$stock/modules.dep.bin" ] || continue
	r=$(basename "$stock")
	mkdir -p "$lib/modules/$r"
	echo "vermagic=$r SMP" >"$lib/modules/$r/rfsubos.ko"
	echo "vermagic=$r SMP" >"$lib/modules/$r/ficm.ko"
	echo "vermagic=$r SMP" >"$lib/modules/$r/rfcom.ko"
	root=${stock%/lib/modules/*}
	rm -rf "$tmp/out"
	mkdir "$tmp/out"
	check "$r: the overlay for a virtio network device" sh -c \
		"cd $tmp/out && $tmp/overlay_test $r $lib $root virtio:d00000001v00001AF4 |
		cpio -id --quiet"
	like "$(order)" "^ficm.ko rfcom.ko rfsubos.ko .*failover.ko net_failover.ko .*virtio_net.ko" \
		"$r: virtio_net after what it needs"
	ko=$(find "$stock" -name "virtio_net.ko*")
	case $ko in
	*.xz) xz -dc "$ko" >"$tmp/stock.ko" ;;
	*) cp "$ko" "$tmp/stock.ko" ;;
	esac
	check "$r: virtio_net.ko is what it was" cmp "$tmp/stock.ko" \
		"$tmp/out/.rainforest/virtio_net.ko"
	echo "vermagic=$r SMP" >"$lib/modules/$r/rfcom_vsock.ko"
	rm -rf "$tmp/out"
	mkdir "$tmp/out"
	check "$r: the overlay with sockets" sh -c \
		"cd $tmp/out && $tmp/overlay_test $r $lib $root | cpio -id --quiet"
	is "$(order)" "ficm.ko rfcom.ko rfsubos.ko < vsock.ko - rfcom_vsock.ko " \
		"$r: what they stand on beside ours, then they"
	echo "vermagic=$r SMP" >"$lib/modules/$r/rfloop.ko"
	rm -rf "$tmp/out"
	mkdir "$tmp/out"
	check "$r: the overlay with packets" sh -c \
		"cd $tmp/out && $tmp/overlay_test $r $lib $root | cpio -id --quiet"
	is "$(order)" "ficm.ko rfcom.ko rfsubos.ko < vsock.ko - rfcom_vsock.ko > rfloop.ko " \
		"$r: they as well, and nothing waits for them"
	case $ko in
	*.xz) cached "$r" ;;
	esac
done
done_testing
