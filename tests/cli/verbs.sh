#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# The other verbs of rfm, for people and in JSON.

. "$(dirname "$0")/common.sh"
prepare plain

# value FILTER: of the JSON on standard input
value()
{
	python3 -c 'import json, sys; d = json.load(sys.stdin); print(eval(sys.argv[1]))' "$1"
}

like "$(RFM list)" "^NAME ID STATE CPUS MEMORY KERNEL UPTIME REASON$" "an empty list has its heading"
is "$(RFM list --json | value 'd["schema"], d["subos"]')" "(1, [])" "and is JSON"
RFM create web --cpus 1-2 --memory 1G --append "quiet" >/dev/null
RFM create db --cpus 3-3 --memory 512M >/dev/null
like "$(RFM list)" "^web +1 running +1-2 +1G +6.12.0-fake .* init was started$" "list"
is "$(RFM list --json | value '[(s["name"], s["id"], s["state"], s["cpus"], s["memory"]) for s in d["subos"]]')" \
	"[('web', 1, 'running', '1-2', 1073741824), ('db', 2, 'running', '3', 536870912)]" "list --json"
is "$(RFM --json list | value 'd["subos"][1]["name"]')" db "--json may come first"
refused 1 "cannot write the output" "a full disk is noticed" \
	sh -c "env RFM_FAKE='$STATE' LD_PRELOAD='$T_DIR/fakedev.so' '$T_TOP/build/rfm' list >/dev/full"

like "$(RFM show web)" "^append +quiet$" "show"
like "$(RFM show web)" "^take_cpus +1.500 ms$" "show has the times of the stages"
like "$(RFM show web)" "^resize +nothing inside listens" "show tells that nothing listens inside"
like "$(RFM show web)" "^memory +0x200000000-0x23fffffff 1G$" "and the ranges of memory"
is "$(RFM show web --json | value 'd["subos"]["stage_ns"]["take_cpus"], d["subos"]["resources"][0]["kind"]')" \
	"(1500000, 'memory')" "show --json"
is "$(RFM show web --json | value 'd["subos"]["append"]')" quiet "show --json has the settings"

like "$(RFM resources)" "^cpu +0 +- +APIC 0 +\(supervisor\)$" "resources: CPUs of the supervisor"
like "$(RFM resources)" "^memory +0x200000000-0x23fffffff +1G +node 0 +web$" "resources: memory of web"
is "$(RFM resources --json | value '[(r["resource"], r["owner"]) for r in d["resources"] if r["owner_id"] == 2]')" \
	"[('3', 'db'), ('0x300000000-0x31fffffff', 'db')]" "resources --json"
like "$(RFM ledger)" "^ +3 .* cpu +2 +- +\(supervisor\) subOS 1 Device or resource busy$" "ledger"
is "$(RFM ledger --json | value 'd["ledger"][0]["seq"], d["ledger"][0]["errno"]')" "(3, 16)" "ledger --json"
refused 2 "entries count from 1" "ledger: a strange number" RFM ledger --from x

like "$(RFM pool --memory 2G --cpus 4-5)" "^ +2G +2G 4-5$" "pool is set"
like "$(RFM pool --cpus none)" "^ +2G +2G -$" "what is not said stays"
is "$(RFM pool --json | value 'd["pool"][0]["memory"]')" 2147483648 "pool --json"
refused 4 "4G could be had" "a pool too large" RFM pool --memory 8G
refused 4 "CPU 0 stays" "a pool with CPU 0" RFM pool --cpus 0-1
refused 2 "write 2-3,6, or 2-2 for one" "a pool with a bare number" RFM pool --cpus 2
refused 2 "no list" "a pool with words" RFM pool --cpus some
like "$(RFM pool)" "^ +2G" "after a failure the pool is what it was"

is "$(RFM audit)" "42 facts checked, 0 violations" "audit"
is "$(RFM audit --json | value 'd["checks"], d["violations"], d["findings"]')" "(42, 0, [])" "audit --json"
FAKE=RFM_FAKE_AUDIT=1
out=$(RFM audit)
is "$? $out" "1 CPU 3 has two owners
42 facts checked, 1 violations" "violations give exit code 1"
FAKE=RFM_FAKE_BOOT=run

refused 1 "no kernel log found" "log: memory without one" RFM log web
for verb in show log console restart stop destroy; do
	refused 3 "rfm: $verb nosuch: there is no subOS of this name" "$verb: not there" RFM $verb nosuch
	refused 2 "takes one name" "$verb: no name" RFM $verb
	refused 2 "is no name" "$verb: a malformed name" RFM $verb ../etc
done

check "restart" RFM restart web
is "$(RFM show web --json | value 'd["subos"]["state"]')" running "it runs again"
check "stop" RFM stop db
like "$(RFM list)" "^db +2 stopped" "it is stopped"
check "restart of a stopped one" RFM restart db
rm "$ROOT/run/rainforest/db.json"
refused 3 "its settings are not known" "restart without settings" RFM restart db
mv "$ROOT/run/rainforest/web.json" "$ROOT/run/rainforest/db.json"
refused 3 "its settings are not known" "restart with another's settings" RFM restart db
rm "$ROOT/run/rainforest/db.json"
RFM destroy web
RFM create web --cpus 1 --memory 512M >/dev/null
mv "$ROOT/boot/vmlinuz-6.12.0-test" "$ROOT/boot/gone"
refused 3 "vmlinuz-6.12.0-test" "restart without its kernel" RFM restart web
like "$(RFM list)" "^web +3 running" "and it was not stopped for that"
mv "$ROOT/boot/gone" "$ROOT/boot/vmlinuz-6.12.0-test"
FAKE=RFM_FAKE_FAIL=stop=5
refused 8 "core 3 did not answer" "a core that does not stop" RFM restart web

FAKE=RFM_FAKE_FAIL=destroy=5
refused 8 "core 3 did not answer.*quarantined" "destroy with a core that does not answer" RFM destroy web
FAKE=RFM_FAKE_FAIL=destroy=16
refused 4 "destroy was told to fail" "destroy by two at a time" RFM destroy db
FAKE=RFM_FAKE_BOOT=run
refused 2 "takes a name or --all" "destroy: both" RFM destroy db --all
refused 2 "write 1 to 3600" "destroy: a strange time" RFM destroy db --timeout 0
is "$(RFM destroy db --force --timeout 3 --json | value 'd["schema"]')" 1 "destroy --json"
is "$(names)" "" "nothing is left"

like "$(RFM version)" "^module 9.9-fake, ABI 3, wire $WIRE$" "version"
is "$(RFM version --json | value 'd["module"]')" 9.9-fake "version --json"
FAKE=RFM_FAKE_ABI=77
refused 7 "ABI 77" "a module of another version" RFM list
like "$(RFM version)" "ABI 77" "version still tells"

# who is not root is told
if [ "$(id -u)" = 0 ]; then
	FAKE=RFM_FAKE_BOOT=run
	mkdir "$T_DIR/dev"
	mknod "$T_DIR/dev/rainforest" c 1 3
	chmod 600 "$T_DIR/dev/rainforest"
	chmod a+rx "$T_DIR"
	cp "$T_TOP/build/rfm" "$T_DIR/dev/rfm"
	if setpriv --reuid=65534 --clear-groups "$T_DIR/dev/rfm" version >/dev/null 2>&1; then
		refused 5 "only root" "not root" setpriv --reuid=65534 --clear-groups \
			"$T_DIR/dev/rfm" --sysroot "$T_DIR" list
	else
		skip "not root" "this tree cannot be read by others"
	fi
	rm -r "${T_DIR:?}/dev"
else
	skip "not root" "this is not root"
fi

# the module is replaced while subOSes run
living=$(RFM list --json | value 'len(d["subos"])')
is "$(RFM detach)" "$living subOSes run on by themselves; now rmmod rfcontroller and load it again" "detach"
refused 1 "detached already" "detached twice" RFM detach
refused 7 "is detached; rmmod rfcontroller and load it again, or rfm detach --undo" "list while detached" RFM list
refused 7 "is detached" "audit while detached" RFM audit
is "$(RFM detach --undo)" "$living subOSes are looked after again" "detach --undo"
refused 1 "not detached" "undone twice" RFM detach --undo
check "list afterwards" RFM list
FAKE=RFM_FAKE_OPEN=1
like "$(RFM detach 2>&1)" "warning: rmmod must wait for 2 open descriptors" "detach tells of open descriptors"
FAKE=RFM_FAKE_BOOT=run
RFM detach --undo >/dev/null

done_testing
