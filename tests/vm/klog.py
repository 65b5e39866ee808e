#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""The log of stock kernels, read out of their memory from outside.

The memory of a QEMU machine is a file, which the reader looks at while the
kernel boots, runs, fills its log several times over, and panics. What it
gives is compared with dmesg. The kernels know nothing of it.
"""
# timeout: 600
# beside

import glob
import mmap
import os
import queue
import re
import subprocess
import sys
import tempfile
import threading
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(TOP, "tools/vm"))
sys.dont_write_bytecode = True

# pylint: disable=wrong-import-position
from machine import ram_file

MEMORY = 256 << 20
SPAM = 6000
LIMIT = 120		# seconds for anything that the machine is asked for

INIT = """#!/bin/busybox sh
busybox mount -t proc proc /proc
busybox mount -t devtmpfs dev /dev
echo READY
while read word; do
	case $word in
	dmesg) busybox dmesg -r; echo DONE ;;
	spam) n=0
		while [ $n -lt %d ]; do
			echo "<6>spam $n, of various length ${n##*[0-4]}xxxxxxxxxxxxxxxxxxxxxx" >/dev/kmsg
			n=$((n + 1))
		done
		echo DONE ;;
	crash) echo c >/proc/sysrq-trigger ;;
	esac
done
""" % SPAM

points = []


def ok(good, what, *said):
    points.append(bool(good))
    print(f"{'ok' if good else 'not ok'} {len(points)} - {what}", flush=True)
    if not good:
        for line in said:
            print(f"# {line}")
    return good


class Lines:
    """The lines that a stream gives, as they come."""

    def __init__(self, stream):
        self.all = []
        self.queue = queue.Queue()
        self.thread = threading.Thread(target=self._read, args=(stream,), daemon=True)
        self.thread.start()

    def _read(self, stream):
        for line in stream:
            self.queue.put(line.decode(errors="replace").rstrip("\r\n"))
        self.queue.put(None)

    def next(self, until):
        line = self.queue.get(timeout=max(0.01, until - time.monotonic()))
        if line is None:
            raise EOFError
        self.all.append(line)
        return line

    def wait(self, pattern):
        """The lines before one that matches."""
        begin, until = len(self.all), time.monotonic() + LIMIT
        while not re.search(pattern, self.next(until)):
            pass
        return self.all[begin:-1]


class Machine:
    def __init__(self, tmp, dump, kernel, cpu, append=""):
        self.file, self.ram = ram_file(MEMORY)
        self.dump = dump
        monitor = os.path.join(tmp, "monitor")
        args = ["qemu-system-x86_64", "-accel", "tcg", "-cpu", cpu, "-S", "-nodefaults", "-nographic",
                "-m", str(MEMORY >> 20), "-no-reboot", "-serial", "stdio",
                "-M", "q35,memory-backend=m", "-object",
                f"memory-backend-file,id=m,size={MEMORY},mem-path={self.ram},share=on",
                "-chardev", f"pipe,id=mon,path={monitor}", "-mon", "chardev=mon",
                "-kernel", kernel, "-initrd", os.path.join(tmp, "initrd"),
                "-append", "console=ttyS0 nokaslr no_timer_check quiet loglevel=1 panic=0 " + append]
        for end in (".in", ".out"):
            if not os.path.exists(monitor + end):
                os.mkfifo(monitor + end)
        self.qemu = subprocess.Popen(args, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.monitor_in = open(monitor + ".in", "wb", buffering=0)
        self.monitor = Lines(open(monitor + ".out", "rb", buffering=0))
        self.serial = Lines(self.qemu.stdout)
        # the machine does not run yet: nothing of its log can be missed
        self.tell("info status", "paused")
        self.reader = subprocess.Popen([dump, "-f", self.ram], stdin=subprocess.PIPE,
                                       stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.log = Lines(self.reader.stdout)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in (self.qemu, self.reader):
            process.kill()
            process.wait()
        self.monitor_in.close()
        self.file.close()

    def tell(self, command, pattern=None):
        self.monitor_in.write(command.encode() + b"\n")
        if pattern:
            self.monitor.wait(pattern)

    def ask(self, word):
        self.qemu.stdin.write(word.encode() + b"\n")
        self.qemu.stdin.flush()
        return [line for line in self.serial.wait("^DONE$") if re.match(r"<\d+>\[", line)]

    def freeze(self):
        self.tell("stop")
        self.tell("info status", "paused")

    def read_once(self):
        run = subprocess.run([self.dump, self.ram], capture_output=True, check=False)
        return run.returncode, run.stdout.decode(errors="replace").splitlines()

    def has_vmcoreinfo(self):
        with open(self.ram, "rb") as ram, mmap.mmap(ram.fileno(), 0, prot=mmap.PROT_READ) as mem:
            return any(mem[page:page + 10] == b"OSRELEASE=" for page in range(0, MEMORY, 4096))


def texts(lines):
    """As dmesg shows them: additions belong to the line before."""
    found = []
    for line in lines:
        _, lost, text = line.split(" ", 2)
        if lost == "+" and found:
            found[-1] += text.split("] ", 1)[1]
        else:
            found.append(text)
    return found


def no_gap(lines):
    """Each number is the one after the last, but for what is reported lost."""
    expected = 0
    for line in lines:
        seq, lost = (int(word.replace("+", "0")) for word in line.split(" ", 2)[:2])
        if seq not in (expected + lost, expected - 1):	# a further line of the same message
            return f"after {expected - 1} came: {line}"
        expected = seq + 1
    return None


def difference(got, want):
    for i, line in enumerate(want):
        if i >= len(got) or got[i] != line:
            return [f"line {i}", f"is:       {got[i] if i < len(got) else None}",
                    f"expected: {line}"]
    return []


def ends_with(machine, want):
    """The follower's newest lines, once it has caught up with the last one."""
    until = time.monotonic() + LIMIT
    while not (machine.log.all and texts(machine.log.all[-5:])[-1] == want[-1]):
        machine.log.next(until)
    return texts(machine.log.all)[-len(want):]


def boot(machine, name):
    machine.tell("cont")
    machine.log.wait(r"Linux version")
    machine.freeze()
    ok(not machine.has_vmcoreinfo(), f"{name}: the first message is seen before VMCOREINFO exists")
    status, lines = machine.read_once()
    ok(not status and re.search("^0 0 <5>.*Linux version", lines[0]),
       f"{name}: another reader finds it at that time, too", *lines[:3])
    machine.tell("cont")
    machine.serial.wait("READY")
    ok(machine.has_vmcoreinfo(), f"{name}: control: it does exist later")


def compare(machine, name):
    want = machine.ask("dmesg")
    machine.freeze()
    status, lines = machine.read_once()
    bad = difference(texts(lines), want)
    ok(not status and len(want) > 100 and not bad, f"{name}: as dmesg says, {len(want)} lines", *bad)
    machine.tell("cont")
    bad = difference(ends_with(machine, want), want)
    ok(not bad, f"{name}: who followed from the start has the same", *bad)
    gap = no_gap(machine.log.all)
    ok(not gap, f"{name}: and nothing is missing", gap)


def wrap(machine, name):
    machine.ask("spam")
    want = machine.ask("dmesg")
    status, lines = machine.read_once()
    have, first = texts(lines), int(lines[0].split(" ")[0])
    # dmesg may begin later by what was overwritten in between
    start = have.index(want[0]) if want[0] in have else -1
    bad = difference(have[start:], want) if start >= 0 else [want[0]]
    ok(not status and not bad, f"{name}: the same after {SPAM} more", *bad)
    ok(first > 1000 and int(lines[0].split(" ")[1]) == first, f"{name}: {first} are counted as lost")
    bad = difference(ends_with(machine, want), want)
    ok(not bad, f"{name}: who followed has the same", *bad)
    gap = no_gap(machine.log.all)
    spam = sum(": spam " in line or "] spam " in line for line in machine.log.all)
    lost = sum(int(line.split(" ")[1].replace("+", "0")) for line in machine.log.all)
    ok(not gap and spam + lost >= SPAM, f"{name}: {spam} were followed, {lost} reported lost", gap)


def crash(machine, name):
    machine.qemu.stdin.write(b"crash\n")
    machine.qemu.stdin.flush()
    machine.log.wait("Kernel panic - not syncing")
    machine.log.wait(r"end Kernel panic")
    ok(True, f"{name}: the panic is seen by who followed")
    machine.freeze()
    status, lines = machine.read_once()
    ok(not status and any("sysrq triggered crash" in line for line in lines),
       f"{name}: and by who comes later", *lines[-3:])


def prepare(tmp):
    root = os.path.join(tmp, "root")
    for folder in ("bin", "dev", "proc"):
        os.makedirs(os.path.join(root, folder))
    subprocess.run(["cp", "/bin/busybox", os.path.join(root, "bin")], check=True)
    with open(os.path.join(root, "init"), "w", encoding="ascii") as init:
        init.write(INIT)
    os.chmod(os.path.join(root, "init"), 0o755)
    with open(os.path.join(tmp, "initrd"), "wb") as initrd:
        subprocess.run("find . | cpio -o -H newc --quiet", shell=True, cwd=root, stdout=initrd,
                       check=True)
    dump = os.path.join(tmp, "klog_dump")
    subprocess.run([os.environ.get("CC", "gcc"), "-g", "-O2", "-D_GNU_SOURCE", "-Wall", "-Wextra",
                    "-fsanitize=address,undefined", "-fno-sanitize-recover=all",
                    f"-I{TOP}/include/uapi", "-o", dump, f"{TOP}/tests/unit/klog_dump.c"] +
                   glob.glob(f"{TOP}/rfm/klog*.c"), check=True)
    return dump


def kernels():
    """One of each series: (release, path, a CPU with five or four paging levels)."""
    found = sorted(glob.glob(f"{TOP}/build/kernels/*/boot/vmlinuz-*"))
    return [(os.path.basename(path)[8:], path, "max" if i % 2 else "qemu64")
            for i, path in enumerate(found)]


def run(machine, name, steps):
    with machine:
        try:
            for step in steps:
                step(machine, name)
        except (queue.Empty, EOFError) as error:
            ok(False, f"{name}: it went on", repr(error),
               f"qemu {machine.qemu.poll()}, reader {machine.reader.poll()}", *machine.serial.all[-5:],
               *machine.log.all[-5:])


def main():
    found = kernels()
    if not found:
        print("1..0 # SKIP no stock kernels: run tools/get-kernels")
        return 0
    with tempfile.TemporaryDirectory() as tmp:
        dump = prepare(tmp)
        for release, path, cpu in found:
            name = f"{release.split('-')[0]}, -cpu {cpu}"
            run(Machine(tmp, dump, path, cpu), name, (boot, compare, wrap, crash))
            # printk then moves to a ring that is not part of the kernel's image
            run(Machine(tmp, dump, path, cpu, "log_buf_len=4M"), f"{name}, large log",
                (boot, compare))
    print(f"1..{len(points)}")
    return 0 if all(points) else 1


if __name__ == "__main__":
    sys.exit(main())
