#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# What happens to a subOS without the operator: after a crash it is kept,
# restarted or destroyed; what it asks for itself is given within its allowance.
# timeout: 900 1800
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
need_build

run_guest --smp 5 --memory 4G --copy "$T_TOP/tests/vm/lifecycle.lib:/rf/lifecycle.lib" <<'END'
. /rf/lifecycle.lib
modprobe rfcontroller
P=/sys/module/rfcontroller/parameters
A=/sys/kernel/rainforest/ask
CRASH='echo c >/proc/sysrq-trigger'

# reason_has NAME TEXT
reason_has()
{
	field "$1" reason | grep -Fq -- "$2"
}
# acts NAME: what its policy did, one a line
acts()
{
	rfm events | sed -n "s/^[^ ]* [^ ]* [0-9]* $1 on-crash //p"
}
gone()
{
	[ -z "$(rfm list | awk -v n="$1" '$1 == n')" ]
}

# --- keep, restart ---
all=$(nproc)
check "kept is what nothing is said of" rfm create kept --cpus 1 --memory 256M
check "web shall be restarted" rfm create web --cpus 1 --memory 256M --on-crash restart
is "$(field kept on_crash) $(field web on_crash)" "keep restart" "show tells"
like "$(rfm show web)" '^kept +[0-9]+ MB in the supervisor' "and what the copy costs"
is "$(number kept kept_bytes)" 0 "control: nobody else pays for one"
first=$(field web boot_id)
typed kept "$CRASH"
check "control: kept crashes" eventually 60 in_state kept crashed
typed web "$CRASH"
acted web 1 "web crashes and runs again, and no process did it"
unlike "$(field web boot_id)" "^$first\$" "it is another boot"
is "$(inside web 'echo works')" works "that works"
is "$(what web)" "created booting running crashed booting running " "its life in order"
is "$(acts web)" "restart: 1 of 5 within 600 s: panic: sysrq triggered crash" "an event says what was done, and why"
like "$(rfm log --ledger web)" 'web on-crash restart: 1 of 5' "between the changes of owner, too"
is "$(field kept state) $(number kept restarts)" "crashed 0" "control: kept stays crashed"
is "$(acts kept)" "" "control: and nothing was done"

# --- who is asked to end is left alone ---
check "web is stopped" rfm stop web
is "$(field web state)" stopped "and stays so"
like "$(rfm events | tail -n 2 | head -n 1)" 'web is stopping: asked to power off$' \
	"it was asked by message"
unlike "$(rfm events)" 'by its description' "control: and not by its description"
check "by hand it starts again" rfm restart web
echo con_poweroff >$P/fail_point
check "one that does not listen is stopped, too" rfm stop web
like "$(rfm events | tail -n 3)" 'web is stopping: asked to power off by its description, as it does not listen$' \
	"by its description"
unlike "$(field web reason)" 'by force' "in good order"
check "by hand it starts again" rfm restart web
typed web 'poweroff -f'
check "it powers off by itself" eventually 60 in_state web stopped
is "$(acts web | wc -l)" 1 "control: neither is a crash"
check "once more by hand" rfm restart web

# --- what it got meanwhile is there again ---
check "it gets a CPU and a block" rfm resize web --cpus +1 --memory +128M
typed web "$CRASH"
acted web 2 "it crashes, and is restarted"
is "$(inside web nproc)" 2 "with what it had"
is "$(number web memory)" $((384 << 20)) "all of it"

# It crashes while it is being changed.
typed web "$CRASH" &
while rfm resize web --cpus 1 && rfm resize web --cpus 2; do :; done >/dev/null 2>&1
wait $!
acted web 3 "one that crashes while it is changed is restarted, too"
audit "the invariants hold"

# --- a loop of crashes ends ---
echo 3 >$P/restart_max
typed web "$CRASH"
check "the fourth crash within the time: it gives up" eventually 60 reason_has web \
	"restarted 3 times within 600 s; on-crash gives up: panic: sysrq"
is "$(field web state) $(number web restarts)" "crashed 3" "and it stays crashed"
like "$(rfm events | tail -n 1)" 'web is crashed: restarted 3 times within 600 s; on-crash gives up' \
	"the event says so"
check "set starts counting anew" rfm set web --on-crash restart
check "by hand" rfm restart web
typed web "$CRASH"
acted web 4 "the policy acts again"
audit "after restarts"

# an init that ends at once: a crash in each boot, and nobody types
mkdir -p /run/bad
printf '#!/bin/sh\nexit 1\n' >/run/bad/init
chmod 755 /run/bad/init
(cat /usr/lib/rainforest/initrd-default; cd /run/bad && find . | cpio -o -H newc 2>/dev/null) >/run/bad.cpio
echo 2 >$P/restart_max
rfm create loop --cpus 1 --memory 256M --on-crash restart --initrd /run/bad.cpio --no-wait >/dev/null
check "one that crashes in each boot ends crashed" eventually 120 reason_has loop \
	"restarted 2 times within 600 s; on-crash gives up: panic: Attempted to kill init"
is "$(acts loop | wc -l) $(number loop restarts)" "2 2" "after two restarts"
is "$(field web state)" running "control: web does not mind"
check "it is destroyed" rfm destroy loop

# --- a restart that cannot be ---
echo policy_restart >$P/fail_point
typed web "$CRASH"
check "a restart that fails" eventually 60 reason_has web "on-crash restart failed (error 12): panic: sysrq"
is "$(field web state)" crashed "leaves it crashed"
check "by hand it goes on" rfm restart web

echo image >$P/fail_point
refused 1 "the supervisor has no [0-9]+ MB of memory for the copy" "no memory for a copy" \
	rfm create none --cpus 1 --memory 256M --on-crash restart
audit "nothing was lost"

# --- destroy ---
check "a policy can change: destroy" rfm set web --on-crash destroy
is "$(field web on_crash) $(number web kept_bytes)" "destroy 0" "the copy is given up"
typed web "$CRASH"
check "it crashes and is gone" eventually 60 gone web
like "$(acts web | tail -n 1)" "^destroy: panic: sysrq" "an event says why"
refused 3 "there is no subOS of this name" "nothing of it is left" rfm show web
check "its name is free" rfm create web --cpus 1 --memory 256M
audit "after the destruction"
is "$(what web | tail -c 38)" " crashed gone created booting running " "its life in order"

# --- set on one that lives ---
refused 2 "write keep, restart or destroy" "a word that is none" rfm set web --on-crash retry
check "restart, afterwards" rfm set web --on-crash restart
check "the copy is there" test "$(number web kept_bytes)" -gt 1000000
echo 5 >$P/restart_max
typed web "$CRASH"
acted web 1 "and it is used"
check "kept is destroyed" rfm destroy kept

# --- a kernel that dies before our module runs in it ---
# The taint of our own module is made deadly: nobody inside can report.
old=$(cat $P/boot_ms)
check "web is gone, so that nobody boots meanwhile" rfm destroy web
echo 3000 >$P/boot_ms
echo 1 >$P/restart_max
rfm create mute --cpus 1 --memory 256M --on-crash restart --append panic_on_taint=0x1000 --no-wait >/dev/null
rfm create mutekept --cpus 1 --memory 256M --append panic_on_taint=0x1000 --no-wait >/dev/null
check "one that never gave a sign of life is restarted once, and given up" eventually 180 \
	reason_has mute "restarted 1 times within 600 s; on-crash gives up: no sign of life for"
is "$(field mute state) $(number mute restarts)" "crashed 1" "it is crashed, its cores are parked"
is "$(field mutekept state) $(number mutekept restarts)" "hung 0" "control: without a policy it is hung, nothing is done"
echo "$old" >$P/boot_ms
check "both are destroyed" rfm destroy mute
check "both" rfm destroy mutekept --force

# --- what it asks for itself ---
initrd_with rfask
check "web asks" rfm create web --cpus 1 --memory 256M --initrd /run/initrd
check "db is another one" rfm create db --cpus 1 --memory 256M
like "$(inside web "echo cpus 2 >$A; cat $A")" 'cpus 2: refused, the operator allows none' "without an allowance nothing is given"
is "$(number web nr_cpus) $(number web asks) $(number web asks_refused)" "1 1 1" "control: it has what it had"
check "it may have two CPUs and 512M" rfm set web --max-cpus 2 --max-memory 512M
like "$(rfm show web)" '^may ask for +up to 2 CPUs, 512M of memory' "show tells"
is "$(inside web "echo cpus 2 >$A; cat $A; nproc")" "cpus 2: done, 2 in all
2" "a CPU"
is "$(inside web "echo memory 384M >$A; cat $A")" "memory 384M: done, 384M in all" "a block"
is "$(number web nr_cpus) $(number web memory)" "2 $((384 << 20))" "show tells"
like "$(rfm events)" 'web has 2 CPUs: asked by itself$' "the event says who asked"
like "$(inside web "echo cpus 3 >$A; cat $A")" 'cpus 3: refused, the operator allows 2 in all' "more than that is refused"
like "$(inside web "echo memory 1G >$A; cat $A")" 'memory 1024M: refused, the operator allows 512M in all' "memory, too"
like "$(rfm events)" 'web is refused: asked for 3 CPUs, at most 2 are allowed$' "and told"
is "$(number web nr_cpus) $(number web memory)" "2 $((384 << 20))" "control: nothing moved"
is "$(inside web "echo cpus 1 >$A; echo memory 256M >$A; cat $A; nproc")" "memory 256M: done, 256M in all
1" "it can give back"
is "$(number web nr_cpus) $(number web memory)" "1 $((256 << 20))" "and does"
check "control: the operator may do more" rfm resize web --cpus 3
check "and back" rfm resize web --cpus 1

# more than there is
echo 64 >$P/ask_max	# enough until here
check "it may have more than there is" rfm set web --max-cpus 64
like "$(inside web "echo cpus 60 >$A; cat $A")" 'cpus 60: failed, error [0-9]+; 1 in all' "a request that cannot be met fails as rfm resize does"

# --- a flood ---
echo 4 >$P/ask_max
like "$(inside web "echo cpus 1 >$A; cat $A")" 'cpus 1: refused, too often; again in [0-9]+ ms' "asked too often"
echo 5 >$P/ask_s
heard() { inside web "echo cpus 1 >$A; cat $A" | grep -q '^cpus 1: done, 1 in all'; }
check "later it is heard again" eventually 30 heard
before=$(number web asks) events=$(rfm events | wc -l) start=$(cut -d. -f1 /proc/uptime)
typed web "insmod /rf/rfask.ko ms=$(rounds 5000 8000) cpus=2" &
typist=$!
looked() { [ "$(number web asks)" -gt $((before + 5)) ]; }
check "a flood of requests begins" eventually 60 looked
check "others are served meanwhile" rfm resize db --cpus +1
check "who floods can be changed" rfm set web --max-cpus 2
wait $typist
sent=$(inside web 'cat /sys/module/rfask/parameters/sent')
took=$(($(cut -d. -f1 /proc/uptime) - start))
asks=$(($(number web asks) - before))
diag "$sent messages, $asks of them looked at in $took s"
check "control: it was a flood" test "$sent" -gt 1000
check "of 32 in a second the rest is dropped" test "$asks" -le $((33 * (took + 2)))
told=$(($(rfm events | wc -l) - events))
check "and few are carried out or told of: $told events" test "$told" -le $((4 * (took / 5 + 2) + 2))
is "$(number web nr_cpus)" 2 "it got what it may have"
check "it goes as others go" rfm stop web
check "and starts" rfm restart web
check "the allowance is taken away" rfm set web --max-cpus none --max-memory none
audit "at the end"
check "all are destroyed" rfm destroy --all
is "$(nproc)" "$all" "all CPUs are back"
check "the module goes" rmmod rfcontroller
END
done_testing
