#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# ACPI tables: what is in them (acpi_test.c), and what iasl says of them.
set -u
here=$(dirname "$0")
top=$here/../..
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT

"${CC:-gcc}" -g -O1 -Wall -Wextra -Werror -fsanitize=address,undefined -fno-sanitize-recover=all \
	-I"$top/rfcontroller" -I"$top/include" -I"$top/include/uapi" -o "$tmp/acpi_test" \
	"$here/acpi_test.c" "$top/rfcontroller/acpi.c" || exit 1
"$tmp/acpi_test" > "$tmp/tap"
status=$?
sed '/^1\.\./d' "$tmp/tap"
count=$(grep -c '^\(not \)\?ok ' "$tmp/tap")

report() {	# RESULT DESCRIPTION...
	result=$1
	shift
	count=$((count + 1))
	if [ "$result" = 0 ]; then
		echo "ok $count - $*"
	else
		echo "not ok $count - $*"
		status=1
	fi
}

# Disassemble; succeed when iasl neither fails nor grumbles. Two remarks are
# expected: a signature of our own, and the wake-up structure in releases that
# do not know it yet (it is the last one, so that the rest is decoded).
disassemble() {
	iasl -vt -d "$1" > "$1.log" 2>&1 || return 1
	sed -i '/^Unknown ACPI table signature \[RFBF\], decoding/d' "$1.log"
	sed -n '/^\*\*\*\*/p' "${1%.dat}.dsl" |
		grep -Ev 'signature \[RFBF\]$|MADT subtable type 0x10$' >> "$1.log"
	! grep -Ei 'error|warning|incorrect|invalid|unknown|exceed|beyond|\*\*\*\*' "$1.log"
}

# The same bytes, but for the checksum and the name of the compiler.
same_table() {
	for f in "$1" "$2"; do
		{ head -c 9 "$f"; tail -c +11 "$f" | head -c 18; tail -c +37 "$f"; } > "$f.cut"
	done
	cmp -s "$1.cut" "$2.cut"
}

if ! command -v iasl > /dev/null; then
	count=$((count + 1))
	echo "ok $count - iasl # SKIP acpica-tools is not installed"
	echo "1..$count"
	exit $status
fi

for case in old new x2apic; do
	mkdir "$tmp/$case"
	"$tmp/acpi_test" --dump "$case" "$tmp/$case" || status=1
	for table in "$tmp/$case"/*.dat; do
		name=$(basename "$table" .dat)
		disassemble "$table"
		report $? "$case: iasl disassembles $name without a complaint"
		case $name in
		RFBF | APIC) continue ;;	# see above; CPUS is the rest of APIC
		esac
		mkdir "$table.d"
		iasl -p "$table.d/again" "${table%.dat}.dsl" > "$table.log2" 2>&1 &&
			same_table "$table" "$table.d/again.aml"
		report $? "$case: iasl compiles $name to the same bytes"
	done
done

# Controls: what is wrong is noticed.
bad=$tmp/bad.dat
cp "$tmp/new/APIC.dat" "$bad"
printf '\377' | dd of="$bad" bs=1 seek=9 conv=notrunc 2> /dev/null
! disassemble "$bad" > /dev/null
report $? "control: a wrong checksum is noticed"
cp "$tmp/new/APIC.dat" "$bad"
printf '\003' | dd of="$bad" bs=1 seek=45 conv=notrunc 2> /dev/null
! disassemble "$bad" > /dev/null
report $? "control: a wrong length of an entry is noticed"
head -c 100 "$tmp/new/FACP.dat" > "$bad"
! disassemble "$bad" > /dev/null
report $? "control: a table that is cut off is noticed"

echo "1..$count"
exit $status
