#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# rfm channel, rfm share: what they ask the modules for, and what they say.

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
like "$(RFM share list)" "^REGION +OWNER +SIZE HELD BY +ACCESS STATE$" "share list"
like "$(RFM share list)" "^frames +supervisor +8M supervisor +write +offers$" "who offers it"
like "$(RFM share list)" "^frames +supervisor +8M web +read +maps$" "who maps it"
like "$(RFM share list)" "^y +web +4K db +write +revoked$" "who holds on to one"
like "$(RFM share list)" "^a.+b +web +4K old +read +quarantined$" "and one in quarantine"
is "$(RFM share list --json | value '[(h["kernel_id"], h["bytes"], h["state"]) for h in d["regions"]][1:3]')" \
	"[(7, 8388608, 'maps'), (8, 4096, 'revoked')]" "share list --json"
is "$(RFM share revoke supervisor frames)" "" "revoke"
is "$(RFM share revoke supervisor frames --from web --timeout 0)" "" "from one alone"
refused 3 "db does not hold region frames of supervisor; rfm share list" "from one that does not have it" \
	RFM share revoke supervisor frames --from db
refused 3 "x offers no region frames; rfm share list" "a region that is not there" RFM share revoke x frames
refused 6 "db does not let go of region y of web; it is asked on, or destroy it" "one that holds on" \
	RFM share revoke web y
refused 6 "old is in quarantine and never lets go of region z of web; reboot" "one that never will" \
	RFM share revoke web z
refused 2 "a name has 1 to 31 characters" "a name too long" RFM share revoke web \
	01234567890123456789012345678901
refused 2 "timeout x: write 0 to 3600 seconds" "a time that is none" RFM share revoke web y --timeout x
for words in "" "revoke" "revoke web" "list web" "take web y"; do
	# shellcheck disable=SC2086 # words
	refused 2 "write list or revoke OWNER REGION" "share $words" RFM share $words
done
refused 2 "supervisor is the name of this kernel" "a subOS of that name" RFM \
	create supervisor --cpus 1 --memory 512M
done_testing
