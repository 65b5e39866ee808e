#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# The test machine: status, output, disks, copies, monitor, and how it ends.
# timeout: 600
# beside
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

disk=$(scratch disk 16M)
other=$(scratch other 16M)
echo "from outside" | dd of="$disk" conv=notrunc status=none

cat >"$T_DIR/script" <<'END'
echo "arguments: $*"
echo "to standard error" >&2
echo "reopened" >/dev/stdout
echo "disk: $(dd if=/dev/rfdisk0 bs=12 count=1 2>/dev/null)"
printf 'from inside!' | dd of=/dev/rfdisk1 conv=notrunc 2>/dev/null
echo "copied: $(cat /root/copied)"
echo "program: $(/usr/local/bin/xz --version | head -n 1)"
echo "monitor: $(hmp info status)"
echo "cpus: $(nproc)"
echo "strict: $(cat /proc/sys/kernel/panic_on_warn)"
seq 1 200000 | tail -c 1000000
exit 42
END
{ echo '#!/bin/sh'; cat "$T_DIR/script"; } >"$T_DIR/script.sh"
echo "hello" >"$T_DIR/copied"
run_vm --smp 3 --memory 1G --disk "$disk" --disk "$other,port" \
	--copy "$T_DIR/copied:/root/copied" --copy "$(command -v xz):/usr/local/bin/xz" \
	--script "$T_DIR/script.sh" -- one 'two words' >"$T_DIR/out" 2>"$T_DIR/err"
is $? 42 "the command's exit status comes through"
out=$(head -n 20 "$T_DIR/out")
like "$out" '^arguments: one two words$' "arguments come through"
is "$(cat "$T_DIR/err")" "to standard error" "standard error comes through, apart"
like "$out" '^reopened$' "a program may open /dev/stdout"
like "$out" '^disk: from outside$' "the first disk is the first --disk"
is "$(head -c 12 "$other")" "from inside!" "what is written to a disk is in its file"
like "$out" '^copied: hello$' "a file is copied"
like "$out" '^program: .*XZ' "a dynamic program is copied with its libraries"
like "$out" '^monitor: VM status: running$' "the monitor answers inside"
like "$out" '^cpus: 3$' "--smp"
like "$out" '^strict: 1$' "a warning of the kernel is fatal"
is "$(tail -n 1 "$T_DIR/out")" 200000 "a megabyte of output comes through to its last line"
check "the command line holds only the console" command_line_bare

# The command sleeps until time is up.
rm -rf "$T_DIR/vm2"
run_vm --smp 2 --timeout 25 -- sleep 1000 2>"$T_DIR/err" &
eventually 20 grep -aq 'the command begins' "$T_DIR/vm2/serial.log"
pkill -STOP -f "rf-vm .*$T_DIR/vm2"
sleep 7	# for so long rf-vm stands still: that is what it shall tell
pkill -CONT -f "rf-vm .*$T_DIR/vm2"
wait $!
is $? 124 "124 when time is up"
like "$(cat "$T_DIR/err")" 'the host stood still for [0-9]+ s' "a host that stands still is told"
run_vm --smp 2 -- reboot -f 2>/dev/null
is $? 123 "123 when the machine is reset"
run_vm --smp 2 -- poweroff -f 2>/dev/null
is $? 120 "120 when it is powered off"
run_vm --smp 2 -- sh -c 'echo c >/proc/sysrq-trigger' 2>"$T_DIR/err"
is $? 122 "122 when its kernel panics"
like "$(cat "$T_DIR/err")" 'sysrq triggered crash' "the panic's reason is told"
(log_clean "control") <"$VM_LOGS/serial.log" >"$T_DIR/control"
like "$(cat "$T_DIR/control")" '^not ok' "control: a panic is no clean log"
RF_BOOTS=$T_DIR/crashes
export RF_BOOTS
rm -f "$RF_BOOTS"
# The sleep orders nothing: the machine is to be there, and silent, when QEMU crashes.
run_vm --smp 2 --timeout 60 -- sh -c 'echo up; sleep 1000' 2>"$T_DIR/err" | {
	read -r line
	echo "$line" >"$T_DIR/line"
	pkill -SEGV -f -- "qemu.* -name $T_NAME .*$T_DIR"
}
is "$(cat "$T_DIR/line")" up "a short line comes through at once"
like "$(cat "$T_DIR/err")" 'QEMU ended \(status -11\)' "a crash of QEMU itself is told"
like "$(cat "$RF_BOOTS")" '^crash QEMU crashed \(SIGSEGV\), logs in .*vm-machine/vm' \
	"and written down for tests/run"
rm -f "$RF_BOOTS"
unset RF_BOOTS
# A terminal; what is typed comes through a FIFO, as rf-vm waits for it with epoll.
rm -f "$T_DIR/typed"
mkfifo "$T_DIR/typed"
# shellcheck disable=SC2016 # for the shell inside
printf '%s\n' 'echo "the shell has $((40 + 2))"' 'tty' 'stty size' 'exit 7' >"$T_DIR/typed" &
LINES=33 COLUMNS=77 run_vm --smp 2 --append nosmt --shell <"$T_DIR/typed" >"$T_DIR/shell" 2>&1
is $? 7 "--shell: the shell's exit status comes through"
out=$(tr -d '\r' <"$T_DIR/shell")
like "$out" '^the shell has 42$' "--shell: what is typed is run"
like "$out" '^/dev/hvc0$' "--shell: on a terminal"
like "$out" '^33 77$' "--shell: of our size"
check "control: another parameter is noticed" eval '! command_line_bare'
"$T_TOP/tools/rf-vm" --quiet --logs "$T_DIR/broken" --qemu -nonsense -- true 2>"$T_DIR/err"
is $? 125 "125 when QEMU does not start"
like "$(cat "$T_DIR/err")" 'nonsense: invalid option' "QEMU's reason is told"

done_testing
