# shellcheck shell=sh
# SPDX-License-Identifier: GPL-2.0-only
# For tests in shell: TAP, test machines, scans of kernel logs. The same file is
# sourced by a test on the host and by the script that it runs in a machine.
#
#	#!/bin/sh
#	# One line that says what is shown
#	. "$(dirname "$0")/../lib.sh"
#	run_guest --smp 4 <<'END'
#	modprobe rfcontroller
#	check "the pool is empty" test -z "$(rfm list --raw)"
#	audit "nothing was lost"
#	END
#	done_testing
#
# A test point is one line without number; the runner counts. done_testing is
# the last line of every script, on the host (the guest's comes by itself).

T_COUNT=0
T_FAILED=0
exec 9>&1	# what t_again tells comes through, wherever the output of its caller goes
RF_LONG=${RF_LONG:-}

ok()
{
	T_COUNT=$((T_COUNT + 1))
	echo "ok - $*"
}

not_ok()
{
	T_COUNT=$((T_COUNT + 1))
	T_FAILED=$((T_FAILED + 1))
	echo "not ok - $*"
}

# skip DESCRIPTION REASON
skip()
{
	T_COUNT=$((T_COUNT + 1))
	echo "ok - $1 # SKIP $2"
}

skip_all()
{
	echo "1..0 # SKIP $*"
	exit 0
}

diag()
{
	printf '%s\n' "$*" | sed 's/^/# /'
}

bail()
{
	echo "Bail out! $*"
	exit 99
}

# is ACTUAL EXPECTED DESCRIPTION
is()
{
	if [ "$1" = "$2" ]; then
		ok "$3"
	else
		not_ok "$3"
		diag "is:       $1"
		diag "expected: $2"
	fi
}

# like TEXT PATTERN DESCRIPTION: an extended regular expression, on any line
like()
{
	if printf '%s\n' "$1" | grep -Eq -- "$2"; then
		ok "$3"
	else
		not_ok "$3"
		diag "no match for: $2"
		diag "$1"
	fi
}

# unlike TEXT PATTERN DESCRIPTION
unlike()
{
	if printf '%s\n' "$1" | grep -Eq -- "$2"; then
		not_ok "$3"
		diag "matches: $2"
		diag "$1"
	else
		ok "$3"
	fi
}

# check DESCRIPTION COMMAND...: it ends with 0; its output shows when it does not
check()
{
	t_desc=$1
	shift
	t_run "$@"
	if [ $t_status -eq 0 ]; then
		ok "$t_desc"
	else
		not_ok "$t_desc"
		diag "$* ended with $t_status"
		diag "$t_out"
		t_boot_log "$@"
	fi
}

# boots COMMAND...: a create or restart that is no test point of its own
boots()
{
	t_run "$@"
	printf '%s\n' "$t_out"
	return $t_status
}

# Runs it, sets t_out and t_status.
t_run()
{
	t_out=$("$@" 2>&1)
	t_status=$? t_tries=1
	while [ $t_tries -lt 5 ] && t_stale "$@"; do
		t_again "$@"
		t_tries=$((t_tries + 1))
	done
}

# Was it a create or restart that QEMU's stale breakpoints ended (tests/README.md),
# while the kernel booted? 6.1 does not die of one, it tries the instruction again for
# ever: seen where the clock is marked stable.
t_stale()
{
	case "$t_status $1 $2" in
	"1 rfm create" | "1 rfm restart")
		rfm log "$3" 2>/dev/null | grep -q 'Oops: int3' || return 1 ;;
	"6 rfm create" | "6 rfm restart")
		rfm log "$3" 2>/dev/null | tail -n 1 | grep -q 'sched_clock: Marking stable' ||
			return 1 ;;
	*) return 1 ;;
	esac
	# Hung: no sign of life, for longer than it took us to look. Crashed: our module was there.
	case $(rfm list | awk -v n="$3" '$1 == n { print $3 }') in
	booting | hung | crashed) ;;
	*) return 1 ;;
	esac
}

# Told of, and done once more.
t_again()
{
	{
		diag "QEMU ran a stale breakpoint while $3 booted: once more"
		diag "$(rfm log "$3" 2>&1 | tail -n 25)"
	} >&9
	[ "$2" = create ] || set -- "$@" --force
	[ "$2" = restart ] || rfm destroy "$3" --force
	t_out=$("$@" 2>&1)
	t_status=$?
}

# What a kernel said that did not come up; nothing for other commands.
t_boot_log()
{
	case "$1 $2" in
	"rfm create" | "rfm restart") diag "$(rfm log "$3" 2>&1 | tail -n 25)" ;;
	esac
}

# refused STATUS PATTERN DESCRIPTION COMMAND...: ends with that status, and says
# one line on standard error that matches
refused()
{
	t_want=$1 t_pattern=$2 t_desc=$3
	shift 3
	t_err=$("$@" 2>&1 >/dev/null)
	t_status=$?
	if [ $t_status -eq "$t_want" ] && printf '%s\n' "$t_err" | grep -Eq -- "$t_pattern" &&
	   [ "$(printf '%s\n' "$t_err" | wc -l)" -eq 1 ]; then
		ok "$t_desc"
	else
		not_ok "$t_desc"
		diag "$* ended with $t_status, expected $t_want; one line matching: $t_pattern"
		diag "$t_err"
	fi
}

# eventually SECONDS COMMAND...: waits until it succeeds; 1 when it does not. Looks ever more
# seldom: what is looked at wants the same CPUs.
eventually()
{
	t_end=$(($(cut -d. -f1 /proc/uptime) + $1)) t_looks=2
	shift
	until "$@" >/dev/null 2>&1; do
		[ "$(cut -d. -f1 /proc/uptime)" -lt $t_end ] || return 1
		sleep 0.$((t_looks / 2))	# between two looks: it orders nothing
		[ $t_looks -ge 18 ] || t_looks=$((t_looks + 1))
	done
}

# rounds SHORT LONG: how often; the second under make check-long
rounds()
{
	if [ -n "$RF_LONG" ]; then echo "$2"; else echo "$1"; fi
}

done_testing()
{
	echo "1..$T_COUNT"
	[ $T_FAILED -eq 0 ]
	exit
}

# Complaints of a kernel in a log on standard input, one a line; not those about
# what tools/vm/init does to the scheduler before the test.
complaints()
{
	sed '/rf-vm: fair servers: off/,/rf-vm: fair servers: done/d' | grep -aE 'WARNING:|BUG:|Oops|rcu: .*stall|Failed to hand over CPU|KASAN:|kmemleak: [1-9]|general protection fault|possible (circular|recursive) locking|blocked for more than|unchecked MSR|Call Trace:'
}

# log_clean DESCRIPTION < LOG: or it shows what came from the first complaint on
log_clean()
{
	t_log=$(tr -d '\000\r')
	t_bad=$(printf '%s\n' "$t_log" | complaints | head -n 1)
	if [ -z "$t_bad" ]; then
		ok "$1"
		return
	fi
	not_ok "$1"
	diag "$(printf '%s\n' "$t_log" | grep -aF -m 1 -A 35 -- "$t_bad")"
	return 1
}

# --- inside the machine ---

# audit DESCRIPTION: the invariants hold
audit()
{
	check "$1" rfm audit
}

# subos_log_clean NAME: its kernel had nothing to complain about
subos_log_clean()
{
	rfm log "$1" >/run/rf-log.$$ 2>&1
	log_clean "the kernel log of $1 is clean" </run/rf-log.$$
	rm -f /run/rf-log.$$
}

# The release of the kernel that rfm boots by default, a stock one also when ours is a
# debugging one: kernel_version of Documentation/arch/x86/boot.rst.
subos_release()
{
	t_kernel=/boot/vmlinuz-$(uname -r)
	t_at=$(od -An -tu2 -j526 -N2 "$t_kernel")
	dd if="$t_kernel" bs=1 skip=$((t_at + 512)) count=64 2>/dev/null | cut -d' ' -f1 | head -n 1
}

# initrd_more: /run/initrd is the default one with what lies in /run/more
initrd_more()
{
	cat /usr/lib/rainforest/initrd-default >/run/initrd
	(cd /run/more && find . | cpio -o -H newc 2>/dev/null) >>/run/initrd
}

# initrd_with MODULE: with /rf/MODULE.ko, too
initrd_with()
{
	mkdir -p /run/more/rf
	cp "/lib/modules/$(subos_release)/updates/$1.ko" /run/more/rf/
	initrd_more
}

# On a kernel that looks for leaks: there are none. Two scans, with the age
# between them that kmemleak asks of an object before it speaks of it.
no_leaks()
{
	t_leaks=/sys/kernel/debug/kmemleak
	[ -e $t_leaks ] || return 0
	echo scan >$t_leaks
	sleep 6
	echo scan >$t_leaks
	is "$(grep -c '^unreferenced object' $t_leaks)" 0 "kmemleak finds nothing"
	sed 's/^/# /' $t_leaks | head -n 60
}

# --- on the host ---

T_TOP=$(cd "$(dirname "$0")/../.." 2>/dev/null && pwd)
T_NAME=$(basename "$0" .sh)
T_DIR=$T_TOP/build/test/$(basename "$(dirname "$(readlink -f "$0")")")-$T_NAME
T_MACHINES=0

# Only for the first line of a script that needs the modules and rfm.
need_build()
{
	set -- "$T_TOP"/build/*/rfcontroller.ko
	[ -e "$1" ] || skip_all "the modules are not built: run make"
	[ -x "$T_TOP/build/rfm" ] || skip_all "rfm is not built: run make"
}

# scratch NAME SIZE: path of a new empty file in this test's directory
scratch()
{
	mkdir -p "$T_DIR"
	rm -f "$T_DIR/$1"
	truncate -s "$2" "$T_DIR/$1"
	echo "$T_DIR/$1"
}

# The model of rf-vm's --cpu; "max" has five paging levels, retpolines, fast strings and more.
: "${VM_CPU:=quick}"

# run_vm OPTION... -- COMMAND...: rf-vm, strict, with its logs in this test's
# directory, named in VM_LOGS. What QEMU translated of code that is overwritten later, as all of a
# subOS's when its memory is zeroed, it forgets block by block, each time with a look at every CPU;
# with a buffer of its default size, which never runs full, debian-root.sh takes a third longer.
# Benchmarks have that all the same: it would run full in one round and not in the next.
run_vm()
{
	T_MACHINES=$((T_MACHINES + 1))
	VM_LOGS=$T_DIR/vm$T_MACHINES
	rm -rf "$VM_LOGS"
	mkdir -p "$VM_LOGS"
	"$T_TOP/tools/rf-vm" --strict --quiet --name "$T_NAME" --logs "$VM_LOGS" \
		--timeout "$(rounds 600 7200)" --cpu "$VM_CPU" --tb-size 96 "$@"
}

# The supervisor's kernel had no parameter but its console.
command_line_bare()
{
	tr -d '\r' <"$VM_LOGS/serial.log" | grep -a -m 1 'Kernel command line:' |
		grep -q 'Kernel command line: console=ttyS0$'
}

# run_guest OPTION... < SCRIPT: runs SCRIPT, which sources this file by itself, in
# a machine; its test points become ours. Three more: it came to its end (or the
# machine ended with $EXPECT_STATUS, for this once), the serial log is clean
# (unless $EXPECT_COMPLAINTS), the command line bare (unless --append was used).
run_guest()
{
	mkdir -p "$T_DIR"
	t_n=$((T_MACHINES + 1))
	{
		printf '#!/bin/sh\nRF_LONG=%s\n. /rf/lib.sh\n' "$RF_LONG"
		cat
		printf '\nno_leaks\necho "# script ended"\nexit 0\n'
	} >"$T_DIR/script$t_n"
	run_vm --script "$T_DIR/script$t_n" --copy "$T_TOP/tests/lib.sh:/rf/lib.sh" "$@" \
		>"$T_DIR/out$t_n" 2>"$T_DIR/err$t_n"
	t_status=$?
	cat "$T_DIR/out$t_n"
	sed 's/^/# stderr: /' "$T_DIR/err$t_n"
	t_points=$(grep -Ec '^(not )?ok' "$T_DIR/out$t_n")
	T_COUNT=$((T_COUNT + t_points))
	T_FAILED=$((T_FAILED + $(grep -c '^not ok' "$T_DIR/out$t_n")))
	t_note_boots
	guest_ended
	[ -n "${EXPECT_COMPLAINTS-}" ] ||
		log_clean "machine $t_n: the kernel log is clean" <"$VM_LOGS/serial.log" ||
		sed 's/^/# stderr: /' "$T_DIR/err$t_n"
	case " $* " in
	*" --append"*) ;;
	*) check "machine $t_n: no boot parameter but the console" command_line_bare ;;
	esac
	EXPECT_STATUS=
	EXPECT_COMPLAINTS=
}

# For the runner: how many subOSes lived, as rfcontroller tells of those whose cores came back,
# and what t_again told (tools/vm/machine.py: note()).
t_note_boots()
{
	[ -n "${RF_BOOTS-}" ] || return 0
	{
		echo "boots $(grep -ac 'destroyed, CPUs back in [1-9]' "$VM_LOGS/serial.log")"
		sed -n 's/^# QEMU ran a stale breakpoint while \(.*\) booted: once more$/again \1/p' \
			"$T_DIR/out$t_n"
	} >>"$RF_BOOTS"
}

guest_ended()
{
	if [ -n "${EXPECT_STATUS-}" ]; then
		is "$t_status" "$EXPECT_STATUS" "machine $t_n: ended with status $EXPECT_STATUS"
	elif [ "$t_status" -eq 0 ] && grep -q '^# script ended$' "$T_DIR/out$t_n"; then
		ok "machine $t_n: the script came to its end"
	else
		not_ok "machine $t_n: the script came to its end"
		diag "status $t_status, logs in $VM_LOGS"
		diag "$(tail -n 15 "$VM_LOGS/serial.log" | tr -d '\r')"
	fi
}
