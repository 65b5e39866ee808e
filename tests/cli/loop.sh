#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# rfm loop: what it reads of the module, what it writes there, and what it says.

. "$(dirname "$0")/common.sh"
prepare plain

# value FILTER: of the JSON on standard input
value()
{
	python3 -c 'import json, sys; d = json.load(sys.stdin); print(eval(sys.argv[1]))' "$1"
}

RFM create web --cpus 1-1 --memory 512M >/dev/null
for words in "list" "addresses" "off web"; do
	# shellcheck disable=SC2086 # words
	refused 7 "the module rfloop is not loaded; modprobe rfloop" "$words, without the module" \
		RFM loop $words
done
module=$ROOT/sys/module/rfloop
mkdir -p "$module/peers"
touch "$module/addresses" "$module/refused" "$module/on" "$module/off"
like "$(RFM loop list)" "^KERNEL STATE SENT BYTES RECEIVED BYTES DOORBELLS COPIES IN BROKEN DROPPED$" \
	"no peer"
is "$(RFM loop addresses --json | value 'd["schema"], d["addresses"]')" "(1, [])" "no address, JSON"

mkdir "$module/peers/1"
for pair in name=web state=up sent=7 sent_bytes=4096 received=5 received_bytes=1048576 doorbells=3 \
	received_long=6 copies_in=2 copies_in_long=9 broken=0 drops_bad=1 drops_stray=3; do
	echo "${pair#*=}" >"$module/peers/1/${pair%%=*}"
done
like "$(RFM loop list)" "^web +up +7 +4K +5 +1M +3 +2 +0 +4$" "a peer"
is "$(RFM loop list --json | value '[(p["id"], p["sent_bytes"], p["received_long"], p["copies_in_long"], p["drops_stray"]) for p in d["peers"]]')" \
	"[(1, 4096, 6, 9, 3)]" "JSON"
printf '0 10.9.0.1 52:54:00:00:00:10\n1 fd09::2 52:54:00:00:00:11\n' >"$module/addresses"
printf '1 10.9.0.1 52:54:00:00:00:11\nnonsense\n' >"$module/refused"
is "$(RFM loop addresses | tail -n +2 | tr -s ' ' | sed 's/^ //' | tr '\n' ';')" \
	"0 10.9.0.1 52:54:00:00:00:10 used;1 fd09::2 52:54:00:00:00:11 used;1 10.9.0.1 52:54:00:00:00:11 refused;" \
	"addresses, those that were refused too, and what is no line of the list is none"

is "$(RFM loop off web)" "" "off"
is "$(cat "$module/off")" 1 "asks for its id"
is "$(RFM loop on supervisor; cat "$module/on")" 0 "on, this kernel"
refused 3 "loop x: there is no subOS of this name" "one that is not there" RFM loop off x
for words in "" "on" "off a b" "web"; do
	# shellcheck disable=SC2086 # words
	refused 2 "write list, addresses, on NAME or off NAME" "loop $words" RFM loop $words
done
done_testing
