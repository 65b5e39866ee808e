#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# rfm channel: what it asks the modules for, and what it says.

. "$(dirname "$0")/common.sh"
prepare plain

# value FILTER: of the JSON on standard input
value()
{
	python3 -c 'import json, sys; d = json.load(sys.stdin); print(eval(sys.argv[1]))' "$1"
}

RFM create web --cpus 1-1 --memory 512M >/dev/null
RFM create db --cpus 2-2 --memory 512M >/dev/null
like "$(RFM channel rules)" "^FROM TO$" "no rule"
is "$(RFM channel rules --json | value 'd["schema"], d["rules"]')" "(1, [])" "nor in JSON"
is "$(RFM channel allow web db)" "" "allow"
RFM channel allow db web
is "$(RFM channel rules | tr -s ' ' | tr '\n' ';')" "FROM TO;web db;db web;" "two rules"
is "$(RFM channel rules --json | value '[(r["from"], r["from_id"], r["to"], r["to_id"]) for r in d["rules"]]')" \
	"[('web', 1, 'db', 2), ('db', 2, 'web', 1)]" "rules --json"
is "$(RFM channel deny web db)" "" "deny"
is "$(RFM channel rules | tail -n +2 | tr -s ' ')" "db web" "one is left"

refused 7 "the module rfcom is not loaded; modprobe rfcom" "the list, without rfcom" RFM channel list
export RFM_FAKE_COM=1
like "$(RFM channel list)" "^ID KERNEL +SERVICE +OPENED BY +STATE +SENT +RECEIVED$" "list"
like "$(RFM channel list)" "^ 1 web +query +here +open +5 +4$" "one that was opened here"
like "$(RFM channel list)" "^ 2 \(this one\) +a.+b +there +broken +0 +0$" \
	"one that broke; what another kernel calls itself cannot move the cursor"
is "$(RFM channel list --json | value '[(c["kernel_id"], c["sent_bytes"], c["waiting_cells"]) for c in d["channels"]]')" \
	"[(7, 500, 0), (4294967295, 0, 3)]" "list --json"

refused 3 "there is no subOS of this name: x" "a rule for nobody" RFM channel allow web x
refused 2 "web needs no rule to talk to itself" "one for itself" RFM channel allow web web
refused 2 "'WEB' is no name of a subOS" "a name that cannot be" RFM channel allow WEB db
for words in "" "allow" "allow web" "list web" "permit web db" "deny web db x"; do
	# shellcheck disable=SC2086 # words
	refused 2 "write list, rules, allow FROM TO or deny FROM TO" "channel $words" RFM channel $words
done
refused 2 "supervisor is the name of this kernel" "a subOS of that name" RFM \
	create supervisor --cpus 1 --memory 512M
done_testing
