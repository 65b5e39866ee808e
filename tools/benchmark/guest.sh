#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# The rounds of tools/bench, in the test machine. Prints a JSON object a line.
# usage: guest.sh ROUNDS
rounds=$1
modprobe rfcontroller || exit 1

# record KIND ROUND FILE...: the files are JSON already
record()
{
	printf '{"kind": "%s", "round": %d, "wall_ns": %s, "subos": %s}\n' \
		"$1" "$2" "$3" "$(tr -d '\n' <"$4")"
}

# create_destroy KIND ROUND
create_destroy()
{
	wall=$(stopwatch run rfm create bench --cpus 4-5 --memory 1G 2>/run/err) || {
		cat /run/err >&2
		exit 1
	}
	rfm show bench --json >/run/show
	record "$1-create" "$2" "$wall" /run/show
	start=$(sed -n 's/^ *"start": \([0-9]*\).*/\1/p' /run/show | head -n 1)
	length=$(sed -n 's/^ *"length": \([0-9]*\).*/\1/p' /run/show | head -n 1)
	rfm destroy bench --force --json >/run/last || exit 1
	record "$1-destroy" "$2" 0 /run/last
}

# The image's ELF is taken out and cached before anything is measured.
rfm create warm --cpus 1 --memory 256M >/dev/null 2>&1 && rfm destroy warm --force

i=0
while [ $i -lt "$rounds" ]; do
	for cpu in 4 5; do
		echo "{\"kind\": \"bare-cpu\", \"round\": $i, \"off_on_ns\": [$(stopwatch offon $cpu | tr ' ' ,)]}"
	done
	create_destroy plain $i
	# its first range is free again: the same bytes, by a plain memset()
	dmesg -c >/dev/null
	insmod /lib/rfbench.ko start="$start" bytes="$length" 2>/dev/null
	dmesg | sed -n 's/.*rfbench: memset \([1-9][0-9]*\) bytes in \([0-9]*\) ns.*/{"kind": "memset", "bytes": \1, "ns": \2, /p' |
		sed "s/$/\"round\": $i}/"
	i=$((i + 1))
done
rfm pool --cpus 4-5 --memory 1G >/dev/null || exit 1
i=0
while [ $i -lt "$rounds" ]; do
	create_destroy pool $i
	i=$((i + 1))
done
rfm audit >&2
