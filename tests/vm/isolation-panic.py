#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""The supervisor's kernel panics, by an NMI: two subOSes go on, which only QEMU's monitor
and the image of a disk can show, as nobody in the machine is left to ask."""
# timeout: 900

import os
import re
import signal
import socket
import subprocess
import sys
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
OUT = os.path.join(TOP, "build/test/isolation-panic")
LIMIT = 150			# seconds for each thing that is waited for
ROUNDS = 20 if os.environ.get("RF_LONG") else 4
HEARTBEAT, ONLINE = 0x22020, 0x2201c	# struct rf_status, from the base of the memory
RING, RING_SIZE = 0x24000, 0x8000	# bytes of the console

GUEST = r"""#!/bin/sh
. /rf/lib.sh
. /rf/isolation-lib
modprobe rfcontroller
bdf=$(basename "$(readlink -f /sys/class/nvme/nvme0/device)")
rfm create a --cpus 3-4 --memory 256M --pci "$bdf" || { rfm log a | tail -n 25; exit 1; }
rfm create b --cpus 1 --memory 256M || { rfm log b | tail -n 25; exit 1; }
cat >/run/loops <<'END'
for c in 0 1; do taskset $((c+1)) sh -c 'n=0; while :; do n=$((n+1)); echo "t""ick'$c' $n."; sleep 0.5; done' & done
n=0; while :; do n=$((n+1)); echo "w""rote $n." | dd of=/dev/nvme0n1 bs=512 conv=sync,fsync 2>/dev/null; sleep 0.2; done &
END
rfm console a --idle 60 </run/loops >/run/typed &
for what in "tick0 2" "tick1 2"; do
	eventually 90 grep -q "^$what" /run/typed || exit 1
done
kill $!
rfm audit || exit 1
echo 1 >/proc/sys/kernel/unknown_nmi_panic
echo "bases $(base a) $(base b) end"
while :; do echo "alive"; sleep 0.2; done
"""


class Tap:
    count = failed = 0

    def point(self, good, text, why=""):
        self.count += 1
        self.failed += not good
        print(f"{'ok' if good else 'not ok'} - {text}", flush=True)
        if not good and why:
            print("".join(f"# {line}\n" for line in why.splitlines()), end="", flush=True)

    def end(self):
        print(f"1..{self.count}")
        return 1 if self.failed else 0


class Monitor:
    """QEMU's human monitor on a unix socket."""

    def __init__(self, path):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(60)
        self.sock.connect(path)
        self._answer()

    def _answer(self):
        data = b""
        while not data.endswith(b"(qemu) "):
            data += self.sock.recv(65536)
        return data.decode(errors="replace")

    def ask(self, command):
        self.sock.sendall(command.encode() + b"\n")
        return self._answer()

    def number(self, address, size="g"):
        return int(re.search(r": (0x[0-9a-f]+)", self.ask(f"xp /1x{size} {address:#x}"))[1], 16)

    def memory(self, address, size):
        path = os.path.join(OUT, "memory")
        self.ask(f'pmemsave {address:#x} {size:#x} "{path}"')
        with open(path, "rb") as src:
            return src.read()


def highest(pattern, data):
    return max((int(n) for n in re.findall(pattern, data)), default=0)


def wait_for(condition):
    end = time.monotonic() + LIMIT
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.2)
    return False


def contents(name):
    with open(os.path.join(OUT, name), "rb") as src:
        return src.read()


def look(monitor, bases):
    """What grows as long as the two subOSes live."""
    ring = monitor.memory(bases[0] + RING, RING_SIZE)
    with open(os.path.join(OUT, "disk"), "rb") as disk:
        block = disk.read(512)
    return {
        "a: its heart beats": monitor.number(bases[0] + HEARTBEAT),
        "a: its first core prints": highest(rb"tick0 (\d+)\.", ring),
        "a: its second core prints": highest(rb"tick1 (\d+)\.", ring),
        "a: it writes to its disk": highest(rb"wrote (\d+)\.", block),
        "b: its heart beats": monitor.number(bases[1] + HEARTBEAT),
    }


def grown(monitor, bases, before):
    now = look(monitor, bases)
    return all(now[what] > before[what] for what in before)


def check_life(tap, monitor, bases):
    begin = look(monitor, bases)
    before = begin
    rounds = 0
    while rounds < ROUNDS and wait_for(lambda: grown(monitor, bases, before)):
        before = look(monitor, bases)
        rounds += 1
    for what, first in begin.items():
        tap.point(before[what] > first and rounds == ROUNDS,
                  f"{what}, in each of {ROUNDS} looks", f"{first}, then {before[what]}")


def test(tap, vm):
    if not wait_for(lambda: b" end\n" in contents("out") or vm.poll() is not None) or \
            b" end\n" not in contents("out"):
        tap.point(False, "two subOSes run", contents("out").decode(errors="replace"))
        return
    bases = [int(n, 0) for n in re.search(rb"bases (\w+) (\w+) end", contents("out")).groups()]
    tap.point(True, "two subOSes run")
    line = re.search(rb"Kernel command line: ([^\r\n]*)", contents("vm/serial.log"))
    tap.point(line and line[1] == b"console=ttyS0", "no boot parameter but the console", str(line))
    monitor = Monitor(os.path.join(OUT, "monitor"))
    wait_for(lambda: contents("out").count(b"alive") > 3)
    monitor.ask("nmi")		# which was made fatal for the supervisor
    tap.point(wait_for(lambda: b"end Kernel panic" in contents("vm/serial.log")),
              "the supervisor's kernel panics, with no reset after it")
    begin = look(monitor, bases)
    wait_for(lambda: grown(monitor, bases, begin))
    before = contents("out").count(b"alive")
    tap.point(before > 0, "control: before, the supervisor printed")
    check_life(tap, monitor, bases)
    tap.point(monitor.number(bases[0] + ONLINE, "w") == 2, "a: two cores are on line")
    after = contents("out").count(b"alive")
    tap.point(before == after, "control: since the panic the supervisor printed nothing",
              f"{before}, then {after} lines")
    tap.point(vm.poll() is None, "the machine was not reset")


def main():
    if not os.path.exists(os.path.join(TOP, "build/rfm")):
        print("1..0 # SKIP rfm is not built: run make")
        return 0
    os.makedirs(OUT, exist_ok=True)
    with open(os.path.join(OUT, "script"), "w", encoding="utf-8") as script:
        script.write(GUEST)
    with open(os.path.join(OUT, "disk"), "wb") as disk:
        disk.truncate(16 << 20)
    tap = Tap()
    with open(os.path.join(OUT, "out"), "wb") as out:
        argv = [os.path.join(TOP, "tools/rf-vm"), "--quiet", "--panic-ok", "--timeout", "560",
                "--cpu", "quick",
                "--logs", os.path.join(OUT, "vm"), "--monitor", os.path.join(OUT, "monitor"),
                "--disk", os.path.join(OUT, "disk"), "--script", os.path.join(OUT, "script"),
                "--copy", os.path.join(TOP, "tests/lib.sh") + ":/rf/lib.sh",
                "--copy", os.path.join(TOP, "tests/vm/isolation-lib") + ":/rf/isolation-lib"]
        with subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=out, stderr=out) as vm:
            try:
                test(tap, vm)
            finally:
                vm.send_signal(signal.SIGTERM)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
