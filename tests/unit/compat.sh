#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# rfcontroller's use of driver_override also builds for 6.12 as it was before that moved.
# timeout: 600
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

kdir=$(find /usr/src -maxdepth 1 -name 'linux-headers-6.12*-amd64' | sort -V | tail -n 1)
[ "$kdir" ] || bail "no headers of 6.12"
new=$(find /usr/src -maxdepth 1 -name 'linux-headers-6.12*-common' | sort -V | tail -n 1)/include/linux
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT

# Before: a string in struct pci_dev. After: a string and a lock in struct device.
mkdir -p "$tmp/include/linux"
awk '/^\tstruct \{$/ { held = $0; next }
	held != "" { held = held "\n" $0; if (/^\t}/) { if (!/driver_override/) print held; held = "" }; next }
	/^static inline .*driver_override\(/, /^}/ { next }
	/^int __device_set_driver_override/ { next }
	{ print }' "$new/device.h" >"$tmp/include/linux/device.h"
sed 's/^\tu8\t\trevision;.*/&\n\tconst char\t*driver_override;/' "$new/pci.h" >"$tmp/include/linux/pci.h"
is "$(grep -c 'driver_override;' "$tmp/include/linux/device.h")" 0 "an old device.h was made"
is "$(grep -c 'driver_override;' "$tmp/include/linux/pci.h")" 1 "an old pci.h was made"

# build NAME HAVE: the one file that uses it, with the old headers in front, and what Kbuild
# finds in them
# shellcheck disable=SC2317 # called by check
build()
{
	mkdir "$tmp/$1" && cp -rs "$T_TOP/include" "$T_TOP/rfcontroller" \
		"$T_TOP/Kbuild" "$tmp/$1" &&
		make -s -C "$kdir" M="$tmp/$1" RF_VERSION=0 \
			NOSTDINC_FLAGS="-nostdinc -I$tmp/include" rf-have="$2" rfcontroller/pci.o \
			>"$tmp/$1.log" 2>&1
}

is "$(cd "$T_TOP" && grep -rl rf_pci_set_override rfcontroller kernel ficm rfcom virtio rfloop)" \
	rfcontroller/pci.c "one file alone uses it"
check "it builds" build old ""
sed 's/^/# /' "$tmp/old.log"
like "$(nm "$tmp/old/rfcontroller/pci.o")" " U driver_set_override$" "with the old call"
check "control: the headers are old ones" eval '! build new -DRF_HAVE_DEVICE_OVERRIDE'
like "$(cat "$tmp/new.log")" "no member named .driver_override" "control: that is why"
check "control: the real headers have the new call" \
	grep -q device_set_driver_override "$new/device.h"
like "$(nm "$T_TOP/build/${kdir##*/linux-headers-}/rfcontroller.ko")" \
	" U __device_set_driver_override$" "which is used with them"
done_testing
