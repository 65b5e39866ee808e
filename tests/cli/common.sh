# shellcheck shell=sh
# SPDX-License-Identifier: GPL-2.0-only
# For the tests of rfm: a machine in files, and the module's double.
#
# RFM runs the tool on $ROOT with fakedev.c in place of the module; its state
# is in $STATE. FAKE holds more settings of the double, e.g. FAKE=RFM_FAKE_BOOT=hang.

. "$(dirname "$0")/../lib.sh"

CLI=$T_TOP/tests/cli
ROOT=$T_DIR/root
STATE=$T_DIR/state
FAKE=RFM_FAKE_BOOT=run
# shellcheck disable=SC2034 # for those who source this
WIRE=$(sed -n 's/^#define RF_WIRE_VERSION[[:space:]]*//p' "$T_TOP/include/uapi/linux/rainforest_wire.h")

[ -x "$T_TOP/build/rfm" ] || skip_all "rfm is not built: run make"
rm -rf "$T_DIR"
mkdir -p "$T_DIR"
${CC:-cc} -std=gnu11 -D_GNU_SOURCE -I"$T_TOP/include/uapi" -Wall -Wextra -O1 -shared -fPIC \
	-o "$T_DIR/fakedev.so" "$CLI/fakedev.c" -ldl || bail "fakedev.c does not build"

# A recorded machine: "== PATH" before the text of each file, "-> PATH TARGET" for
# a link. tests/cli/record makes one.
unpack_machine()
{
	rm -rf "$2"
	while IFS= read -r t_line; do
		case $t_line in
		"== "*)
			t_file=$2${t_line#== }
			mkdir -p "${t_file%/*}"
			: >"$t_file"
			;;
		"-> "*)
			# shellcheck disable=SC2086 # two words
			set -- "$1" "$2" $t_line
			mkdir -p "$2${4%/*}"
			ln -sfn "$5" "$2$4"
			set -- "$1" "$2"
			;;
		*)
			printf '%s\n' "$t_line" >>"$t_file"
			;;
		esac
	done <"$CLI/machines/$1"
}

# The machine with all that a create needs: kernel, module, init, initrd.
prepare()
{
	unpack_machine "$1" "$ROOT"
	mkdir -p "$ROOT/usr/lib/rainforest/modules/6.12.0-test" "$ROOT/boot" "$ROOT/run" \
		"$ROOT/var/cache"
	"$CLI/mkkernel" "$ROOT/boot/vmlinuz-6.12.0-test" 6.12.0-test
	for module in ficm rfcom rfsubos; do
		printf 'vermagic=6.12.0-test SMP ' \
			>"$ROOT/usr/lib/rainforest/modules/6.12.0-test/$module.ko"
	done
	mkdir -p "$ROOT/lib/modules/6.12.0-test"
	PATH=$PATH:/sbin:/usr/sbin depmod -b "$ROOT" 6.12.0-test 2>/dev/null
	echo init >"$ROOT/usr/lib/rainforest/init"
	echo agent >"$ROOT/usr/lib/rainforest/agent"
	echo 070701 >"$ROOT/usr/lib/rainforest/initrd-default"
	rm -f "$STATE"
}

RFM()
{
	env RFM_FAKE="$STATE" LD_PRELOAD="$T_DIR/fakedev.so" "$FAKE" \
		"$T_TOP/build/rfm" --sysroot "$ROOT" "$@"
}

# names of the subOSes that live
names()
{
	RFM list --json | sed -n 's/.*"name": "\(.*\)",/\1/p' | tr '\n' ' '
}
