#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Tests subOScon, the part of rfsubos.ko that follows the supervisor's requests.

usage: subos-con.py [--release RELEASE]... [NAME...]

A script plays the supervisor (fakesup.py, fakecon.py): it sends requests by
message, late, twice and wrong ones, and looks at what the kernel did. Prints
TAP; each case is a boot of its own, but for those in SHARED in short runs.
"""

# timeout: 1200 2400
# beside

import errno
import lzma
import os
import re
import struct
import sys
import tempfile
import time

import fakecon
from fakecon import Exchange
from fakesup import (MEMORY, PANIC, POWEROFF, RESTART, TOP, VERSION, Machine, Skip, check, ends,
                     main)

GIB = 1 << 30
BLOCK = 128 << 20
ROUNDS = 10 if os.environ.get("RF_LONG") else 3		# of what takes long
MORE = 512 << 20		# memory that the kernel does not know of begins there
CPU1 = "/sys/devices/system/cpu/cpu1/online"
SYSFS = "/sys/kernel/rainforest"


def begin(machine, qemu=(), **how):
    """Boots with a supervisor that listens; a machine that another case has left goes on."""
    if machine.process:
        return machine.con
    con = machine.con = Exchange(machine)
    machine.start(qemu=[*con.qemu_args(), *qemu], **how)
    machine.boot()
    con.wait("hello", lambda: con.asked)
    return con


def result(con, op, *args, **how):
    """The errno of the answer to a request."""
    return con.ask(op, *args, **how).error


def expect(con, error, what, op, *args, **how):
    """A request has that answer, which is returned."""
    reply = con.ask(op, *args, **how)
    check(reply.error == error, f"{what}: {reply}, {errno.errorcode.get(error, 'no error')} expected")
    return reply


def counter(machine, name):
    return int(machine.run(f"cat {SYSFS}/{name}")[0])


def case_hello(machine):
    """it says hello until it is answered, with one number"""
    con = machine.con = Exchange(machine)
    con.answers = {}
    machine.start(qemu=con.qemu_args())
    con.wait("hello, again and again", lambda: len(con.asked) > 2)
    check(len(set(con.asked[:3])) == 1, f"the same hello has other words: {con.asked[:3]}")
    check(con.asked[0][1:] == (fakecon.HELLO, VERSION), f"hello says {con.asked[0]}")
    con.answers = {fakecon.HELLO: 0}
    seen = len(con.asked)
    con.wait("hello, answered", lambda: len(con.asked) > seen)
    machine.boot()
    con.poll()
    seen = len(con.asked)
    check(con.silent(3) and len(con.asked) == seen, "it went on after the answer")
    check(result(con, fakecon.PING) == 0, "ping")


def case_numbers(machine):
    """requests: new, repeated, old, nonsense, while another is under way"""
    con = begin(machine)
    done = counter(machine, "requests")
    reply = expect(con, 0, "ping", fakecon.PING, tag=5)
    check(con.replies[-1][0] == 5, "another tag")
    check(counter(machine, "requests") == done + 1 and counter(machine, "last_op") == fakecon.PING,
          "counted")

    # The same number again: the old answer, whatever is asked; nothing is done.
    again = con.ask(fakecon.POWEROFF, seq=reply.seq, tag=6)
    check((again.op, again.error, con.replies[-1][0]) == (fakecon.PING, 0, 6), f"again: {again}")
    check(counter(machine, "requests") == done + 1 and counter(machine, "repeated") == 1, "done twice")
    con.request(fakecon.POWEROFF, seq=reply.seq - 1)
    check(con.silent() and counter(machine, "refused") == 1, "an old one was not ignored")

    expect(con, errno.EOPNOTSUPP, "unknown", 99)
    expect(con, errno.EOPNOTSUPP, "wrong way", fakecon.ASK_CPUS, 1)
    expect(con, errno.EOPNOTSUPP, "none", 0)
    expect(con, errno.EINVAL, "flags", fakecon.PING, flags=1)
    con.put(fakecon.MSG_REQUEST, b"\xff" * 48, length=20)
    check(con.silent() and counter(machine, "refused") == 2, "a short one was not ignored")
    con.put(fakecon.MSG_REPLY, b"\xff" * 48)		# an answer to nothing
    check(result(con, fakecon.PING) == 0, "ping after nonsense")

    con.seq = 0x7FFFFFF0
    check(result(con, fakecon.PING) == 0, "far ahead")
    con.request(fakecon.PING, seq=1)
    check(con.silent(), "far behind was not ignored")


def case_cpu(machine):
    """a core comes and goes; ungranted ones are refused, inside as well"""
    goes = not machine.release.startswith("6.1.")
    machine.desc.nr_cpus = 1
    con = begin(machine, append="maxcpus=1")
    two = lambda desc: setattr(desc, "nr_cpus", 2)		# pylint: disable=unnecessary-lambda-assignment
    one = lambda desc: setattr(desc, "nr_cpus", 1)		# pylint: disable=unnecessary-lambda-assignment
    expect(con, errno.EPERM, "not granted", fakecon.CPU_ADD, 1)
    expect(con, errno.ENODEV, "unknown", fakecon.CPU_ADD, 77)
    expect(con, errno.ENODEV, "nonsense", fakecon.CPU_ADD, 1 << 32 | 1)
    expect(con, errno.EINVAL, "boot core", fakecon.CPU_REMOVE, 0)
    for i in range(10 if goes else 1):
        con.grant(two)
        reply = expect(con, 0, f"add {i}", fakecon.CPU_ADD, 1)
        check(reply.value[0] == 2 and machine.run("nproc")[0] == "2", f"one CPU: {reply}")
        expect(con, 0, "add again", fakecon.CPU_ADD, 1)
        expect(con, errno.EINVAL, "still granted", fakecon.CPU_REMOVE, 1)
        con.grant(one)
        if not goes:
            expect(con, errno.EOPNOTSUPP, "remove", fakecon.CPU_REMOVE, 1)
            check(machine.run("nproc")[0] == "2", "it went all the same")
            return
        reply = expect(con, 0, f"remove {i}", fakecon.CPU_REMOVE, 1)
        check(reply.value[0] == 1 and machine.run("nproc")[0] == "1", f"two CPUs: {reply}")
        expect(con, 0, "remove again", fakecon.CPU_REMOVE, 1)
        check("not permitted" in machine.run(f"echo 1 >{CPU1}")[0], "user space took it back")
    # User space was quicker, both ways.
    con.grant(two)
    check(not machine.run(f"echo 1 >{CPU1}")[1], "user space was refused a granted core")
    expect(con, 0, "on line already", fakecon.CPU_ADD, 1)
    machine.run(f"echo 0 >{CPU1}")
    con.grant(one)
    expect(con, 0, "off line already", fakecon.CPU_REMOVE, 1)


def case_reader_moves(machine):
    """the core that reads messages leaves: they are read by another"""
    if machine.release.startswith("6.1."):
        raise Skip("no core leaves this kernel")
    con = begin(machine, ficm="cpu=1")
    check(struct.unpack_from("<II", con.map, fakecon.OFF_AREAS[1] + 16)[1] == 1, "not on core 1")
    con.grant(lambda desc: setattr(desc, "nr_cpus", 1))
    expect(con, 0, "remove", fakecon.CPU_REMOVE, 1)
    check(struct.unpack_from("<II", con.map, fakecon.OFF_AREAS[1] + 16)[1] == 0, "still on core 1")
    for _ in range(20):
        expect(con, 0, "ping", fakecon.PING)
    machine.beats()


def grant_memory(con, *ranges):
    def change(desc):
        for i, (start, length) in enumerate(ranges):
            desc.range[2 * i], desc.range[2 * i + 1] = start, length
        desc.nr_ranges = len(ranges)
    con.grant(change)


def total(machine):
    return int(machine.run("sed -n 's/MemTotal: *\\([0-9]*\\).*/\\1/p' /proc/meminfo")[0]) << 10


def test_module(machine):
    with open(os.path.join(TOP, "build", machine.release, "rftest.ko"), "rb") as src:
        return ("rftest.ko", src.read())


def case_memory(machine):
    """memory comes and goes by block, in use meanwhile; nonsense is refused"""
    con = begin(machine, extra=[test_module(machine)])
    before = total(machine)
    expect(con, errno.EPERM, "not granted", fakecon.MEM_ADD, MORE, BLOCK)
    grant_memory(con, (MORE, BLOCK), (MORE + BLOCK, BLOCK), (MORE + 3 * BLOCK, BLOCK // 2))
    for start, length in ((MORE, 0), (MORE + 4096, BLOCK), (MORE, BLOCK // 2), (MORE, BLOCK + 4096),
                          (0, 0), (BLOCK, (1 << 64) - BLOCK)):
        expect(con, errno.EINVAL, f"add {start:#x} {length:#x}", fakecon.MEM_ADD, start, length)
        expect(con, errno.EINVAL, f"remove {start:#x} {length:#x}", fakecon.MEM_REMOVE, start, length)
    for length in (3 * BLOCK, 1 << 62):
        expect(con, errno.EPERM, "more than granted", fakecon.MEM_ADD, MORE, length)
    expect(con, errno.EPERM, "half granted", fakecon.MEM_ADD, MORE + 3 * BLOCK, BLOCK)
    expect(con, errno.EPERM, "there from the start", fakecon.MEM_REMOVE, 0, BLOCK)
    expect(con, 0, "never added", fakecon.MEM_REMOVE, MORE, 2 * BLOCK)
    check(total(machine) == before, "memory has changed")

    machine.run("mount -t tmpfs -o size=450m tmpfs /mnt")
    for i in range(ROUNDS):
        reply = expect(con, 0, f"add {i}", fakecon.MEM_ADD, MORE, 2 * BLOCK)
        check(reply.value[0] == 0, f"not movable: {reply}")
        check(total(machine) - before == 2 * BLOCK, f"total {total(machine)}, {before} before")
        expect(con, 0, "add again", fakecon.MEM_ADD, MORE, 2 * BLOCK)
        # More than fits without it, then less: what is left lies in the new memory, too.
        # (busybox's head takes byte after byte, which is a minute for these.)
        check(not machine.run("dd if=/dev/zero of=/mnt/more bs=1M count=286 2>/dev/null; "
                              "dd if=/dev/urandom of=/mnt/data bs=1M count=19 2>/dev/null; "
                              "sha256sum /mnt/data >/mnt/sum && rm /mnt/more")[1],
              "the memory cannot be used")
        expect(con, 0, f"remove {i}", fakecon.MEM_REMOVE, MORE, 2 * BLOCK)
        check(total(machine) == before, f"total {total(machine)}, {before} before")
        check(machine.run("sha256sum -c /mnt/sum")[1] == 0, "data of a program has changed")
        expect(con, 0, "remove again", fakecon.MEM_REMOVE, MORE, 2 * BLOCK)
    # A block at a time of what was added in one, and user space that has a hand in it.
    expect(con, 0, "add", fakecon.MEM_ADD, MORE, 2 * BLOCK)
    state = f"/sys/devices/system/memory/memory{MORE // BLOCK + 1}/state"
    check(not machine.run(f"echo offline >{state}")[1], "offline by hand")
    expect(con, 0, "remove what is off line", fakecon.MEM_REMOVE, MORE + BLOCK, BLOCK)
    check(total(machine) - before == BLOCK, "another block left")
    expect(con, 0, "remove the first", fakecon.MEM_REMOVE, MORE, BLOCK)
    check("RainForest" not in machine.run("cat /proc/iomem")[0], "there is some left")
    policy = "/sys/devices/system/memory/auto_online_blocks"
    usual = machine.run(f"cat {policy}")[0]
    machine.run(f"echo offline >{policy}")
    reply = expect(con, 0, "add where it stays off line", fakecon.MEM_ADD, MORE, BLOCK)
    check(reply.value[0] == 0 and total(machine) - before == BLOCK, "it is not on line")
    expect(con, 0, "remove it", fakecon.MEM_REMOVE, MORE, BLOCK)
    machine.run(f"echo {usual} >{policy}; umount /mnt")


def case_memory_held(machine):
    """a page that cannot be moved: bounded time, its address, nothing has changed"""
    con = begin(machine, extra=[test_module(machine)])
    grant_memory(con, (MORE, 2 * BLOCK))
    before = total(machine)
    expect(con, 0, "add", fakecon.MEM_ADD, MORE, 2 * BLOCK)
    text = machine.run(f"insmod /rftest.ko what=pin start={MORE + BLOCK} bytes={BLOCK}; "
                       "dmesg | grep 'rftest: pinned' | tail -n 1")[0]
    pinned = int(re.search("pinned (0x[0-9a-f]+)", text).group(1), 16)
    check(MORE + BLOCK <= pinned < MORE + 2 * BLOCK, f"pinned {pinned:#x}")

    # Without the signal this would never end: it is the kernel that goes on trying.
    start = time.monotonic()
    reply = expect(con, errno.ETIMEDOUT, "held", fakecon.MEM_REMOVE, MORE, 2 * BLOCK, timeout_ms=4000)
    check(1 < time.monotonic() - start < 30, f"it took {time.monotonic() - start:.1f} s")
    check(reply.value[:2] == [pinned, 0], f"page {reply}, {pinned:#x} pinned")
    check(total(machine) - before == 2 * BLOCK, "something has left all the same")
    expect(con, 0, "the other block", fakecon.MEM_REMOVE, MORE, BLOCK)
    expect(con, 0, "and back", fakecon.MEM_ADD, MORE, BLOCK)
    check(not machine.run("rmmod rftest")[1], "rmmod")
    expect(con, 0, "not held any more", fakecon.MEM_REMOVE, MORE, 2 * BLOCK)
    check(total(machine) == before, "total")
    # The thread that was sent the signal still works as before.
    expect(con, 0, "ping", fakecon.PING)


NET_MODULES = ("virtio/virtio_ring", "virtio/virtio", "virtio/virtio_pci_legacy_dev",
               "virtio/virtio_pci_modern_dev", "virtio/virtio_pci", "../net/core/failover",
               "net/net_failover", "net/virtio_net")


def net_modules(release):
    """What virtio_net needs and this kernel has not built in, in this order."""
    found = []
    top = os.path.join(TOP, "build/kernels", release, "lib/modules", release, "kernel/drivers")
    for name in NET_MODULES:
        for path, how in ((f"{top}/{name}.ko", open), (f"{top}/{name}.ko.xz", lzma.open)):
            if os.path.exists(path):
                with how(path, "rb") as src:
                    found.append((os.path.basename(name) + ".ko", src.read()))
    return found


def pci_devices(image):
    return ["-drive", f"if=none,id=d0,format=raw,file={image}",
            "-device", "nvme,serial=one,drive=d0,addr=5",
            "-device", "virtio-net-pci,addr=6,disable-legacy=on,romfile=,netdev=net0",
            "-netdev", "hubport,hubid=0,id=net0", "-device", "edu,addr=8"]


def pci_disk(machine, con, image):
    """The disk at place 3 is used, kept, and given up."""
    expect(con, 0, "add disk", fakecon.PCI_ADD, 3)
    machine.wait("disk", lambda: machine.run("test -b /dev/nvme0n1")[1] == 0)
    check(machine.run("ls /sys/bus/pci/devices")[0] == "10000:00:03.0", "another place")
    expect(con, 0, "add again", fakecon.PCI_ADD, 3)
    machine.run("mke2fs /dev/nvme0n1; mkdir -p /mnt; mount -t ext2 /dev/nvme0n1 /mnt")
    check(not machine.run("echo some words >/mnt/file; sync")[1], "no file system")
    expect(con, errno.EBUSY, "mounted", fakecon.PCI_REMOVE, 3)
    check(machine.run("cat /mnt/file")[0] == "some words", "it went all the same")
    machine.run("umount /mnt; exec 7</dev/nvme0n1")
    expect(con, errno.EBUSY, "open", fakecon.PCI_REMOVE, 3)
    machine.run("exec 7<&-")
    expect(con, 0, "remove disk", fakecon.PCI_REMOVE, 3)
    check(machine.run("ls /sys/bus/pci/devices; ls /dev/nvme*n1")[0].startswith("ls:"), "it is there")
    check("RainForest" not in machine.run("cat /proc/iomem")[0], "a window is left")
    with open(image, "rb") as src:
        check(b"some words" in src.read(), "the words are not on the image")


def case_pci(machine):
    """functions come and go, again and again; those in use stay"""
    with tempfile.TemporaryDirectory() as tmp:
        image = os.path.join(tmp, "d0")
        with open(image, "wb") as out:
            out.truncate(8 << 20)
        with make_machine("firmware", machine.release) as other:
            other.launch(pci_devices(image))
            bars = other.find_bars((5, 6))
        modules = net_modules(machine.release)
        con = begin(machine, qemu=pci_devices(image), extra=modules)
        for name, _ in modules:
            check(not machine.run(f"insmod /{name}")[1], f"insmod {name}")
        expect(con, errno.EINVAL, "no such place", fakecon.PCI_ADD, 0)
        expect(con, errno.EINVAL, "nonsense", fakecon.PCI_ADD, 1 << 40)
        expect(con, errno.EINVAL, "nonsense", fakecon.PCI_REMOVE, 1 << 40)
        expect(con, 0, "nothing there", fakecon.PCI_REMOVE, 3)
        con.grant(lambda desc: machine.grant_pci(5, bars[5], 3))
        expect(con, errno.EPERM, "empty place", fakecon.PCI_ADD, 2)
        pci_disk(machine, con, image)

        con.grant(lambda desc: machine.grant_pci(6, bars[6], 0))
        for i in range(ROUNDS):
            expect(con, 0, f"add disk {i}", fakecon.PCI_ADD, 3)
            expect(con, 0, f"add net {i}", fakecon.PCI_ADD, 0)
            machine.wait("disk", lambda: machine.run("test -b /dev/nvme0n1")[1] == 0)
            check(machine.run("dd if=/dev/nvme0n1 bs=1M count=1 iflag=direct 2>/dev/null | "
                              "wc -c")[0]
                  .endswith("1048576"), "not readable")
            net = machine.wait("interface", lambda: machine.run(
                "cd /sys/bus/pci/devices/10000:00:00.0/virtio*/net/ && echo *; cd")[0])
            check(not machine.run(f"ip link set {net} up")[1], f"interface {net!r}")
            expect(con, errno.EBUSY, "up", fakecon.PCI_REMOVE, 0)
            machine.run(f"ip link set {net} down")
            expect(con, 0, f"remove net {i}", fakecon.PCI_REMOVE, 0)
            expect(con, 0, f"remove disk {i}", fakecon.PCI_REMOVE, 3)
        check("RainForest" not in machine.run("cat /proc/iomem")[0], "a window is left")
        command = machine.ask("human-monitor-command", **{"command-line": "xp/1hx 0xb0028004"})
        check(int(command.split()[1], 16) & 6 == 0, f"memory or bus mastering is on: {command}")


def stat(machine):
    """struct rf_stat, by name."""
    status = machine.status
    names = ("time", "user", "system", "idle", "irq", "interrupts", "switches", "total", "free",
             "available")
    for _ in range(1000):
        seq = status.stat_seq
        values = dict(zip(names, status.stat), cpus=status.stat_cpus,
                      tasks=status.stat_tasks & 0xFFFFFFFF)
        if not seq & 1 and status.stat_seq == seq:
            return values
    raise fakecon.Failure("the figures never came to rest")


def case_stat(machine):
    """figures agree with the kernel's own proc, and come by themselves"""
    con = begin(machine)
    machine.wait("figures", lambda: machine.status.stat_seq)
    seq = machine.status.stat_seq
    beat = machine.status.heartbeat
    machine.wait("new figures", lambda: machine.status.stat_seq >= seq + 4)
    check(10 <= machine.status.heartbeat - beat <= 40, "not with every tenth sign of life")

    expect(con, 0, "stat", fakecon.STAT)
    before = stat(machine)
    check(before["cpus"] == 2 and before["tasks"] >= 1, f"CPUs, tasks: {before}")
    check(abs(before["total"] - total(machine)) < 4096, f"total {before}")
    check(before["free"] < before["available"] + (64 << 20) < before["total"] + (64 << 20), "free")
    machine.run("i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done")
    line = machine.run("head -n 1 /proc/stat; sed -n 's/^intr \\([0-9]*\\).*/\\1/p;s/^ctxt //p' "
                       "/proc/stat")[0].split()
    expect(con, 0, "stat", fakecon.STAT)
    after = stat(machine)
    proc = [int(n) * 10**7 for n in line[1:8]]
    sums = {"user": proc[0] + proc[1], "system": proc[2] + proc[5] + proc[6],
            "idle": proc[3] + proc[4], "irq": proc[5] + proc[6]}
    for name, value in sums.items():
        check(before[name] <= value <= after[name] + 10**7,
              f"{name}: proc {value}, between {before[name]} and {after[name]} expected")
    check(after["user"] - before["user"] > 5 * 10**7, "the loop is not in the figures")
    check(before["interrupts"] < int(line[-2]) <= after["interrupts"], f"interrupts {line[-2]}")
    check(before["switches"] < int(line[-1]) <= after["switches"], f"switches {line[-1]}")
    check(after["time"] > before["time"], "time stands still")
    # What user space does to its proc makes no difference.
    machine.run("umount /proc")
    expect(con, 0, "stat without /proc", fakecon.STAT)
    machine.run("mount -t proc proc /proc")


def case_clock(machine):
    """the wall clock is taken again when asked for"""
    machine.desc.tsc, machine.desc.tsc_khz = 0, 2000000
    con = begin(machine)
    expect(con, errno.ENODATA, "no time", fakecon.CLOCK)
    con.grant(lambda desc: setattr(desc, "realtime_ns", 1924992000 * 10**9))	# 2031-01-01
    expect(con, 0, "clock", fakecon.CLOCK)
    now = int(machine.run("date +%s")[0])
    check(0 <= now - 1924992000 < 600, f"clock {now}")


def case_poweroff(machine):
    """power off by message; a repetition while it goes down changes nothing"""
    con = begin(machine)
    reply = expect(con, 0, "power off", fakecon.POWEROFF)
    con.request(fakecon.POWEROFF, seq=reply.seq)
    ends(machine, POWEROFF, "power off")


def case_restart(machine):
    """restart by message"""
    con = begin(machine)
    expect(con, 0, "restart", fakecon.RESTART)
    ends(machine, RESTART, "restart")


def answered(machine, con, words, op, arg):
    """A program's question arrives, and the answer at the program."""
    con.asked.clear()
    machine.type(f"echo {words} >{SYSFS}/ask; echo =$?=\r")
    con.wait(words, lambda: con.asked)
    check(con.asked[0][1:] == (op, arg), f"{words}: {con.asked[0]}")
    return int(machine.expect("=([0-9]+)=\r").group(1))


def case_ask(machine):
    """a program inside asks for more; the answer is the result of its write"""
    con = begin(machine)
    con.answers = {fakecon.ASK_CPUS: 0, fakecon.ASK_MEMORY: errno.ENOSPC}
    con.values = {fakecon.ASK_CPUS: (0, 3)}
    check(machine.run(f"cat {SYSFS}/ask")[0] == "", "an answer before the first question")
    check(answered(machine, con, "cpus 3", fakecon.ASK_CPUS, 3) == 0, "cpus")
    check(answered(machine, con, "memory 1G", fakecon.ASK_MEMORY, GIB) == 1, "memory")
    check(b"No space left" in machine.output, "the program was not told why")
    check(machine.run(f"cat {SYSFS}/ask")[0] == "memory 1024M: error 28", "the answer in words")
    # Why not, in words; nonsense is only a number.
    for error, why, value, words in ((0, 0, 3, "done, 3 in all"),
                                     (errno.EPERM, 1, 0, "refused, the operator allows none"),
                                     (errno.ERANGE, 2, 2, "refused, the operator allows 2 in all"),
                                     (errno.EAGAIN, 3, 700, "refused, too often; again in 700 ms"),
                                     (errno.ENODEV, 4, 1, "failed, error 19; 1 in all"),
                                     (errno.EPERM, 1 << 40, 7, "error 1")):
        con.answers, con.values = {fakecon.ASK_CPUS: error}, {fakecon.ASK_CPUS: (why, value)}
        check((answered(machine, con, "cpus 3", fakecon.ASK_CPUS, 3) == 0) == (error == 0), words)
        text = machine.run(f"cat {SYSFS}/ask")[0]
        check(text == f"cpus 3: {words}", f"{words!r} expected: {text!r}")
    for words in ("cpus", "cpus 0", "cpus 3 4", "disks 3", "memory x", "cpus -1", ""):
        text = machine.run(f"echo '{words}' >{SYSFS}/ask")[0]
        check("Invalid" in text, f"{words!r}: {text!r}")


def case_under_way(machine):
    """what comes while a request is under way is ignored, and can be asked again"""
    con = begin(machine, extra=[test_module(machine)])
    grant_memory(con, (MORE, BLOCK))
    repeated = counter(machine, "repeated")
    expect(con, 0, "add", fakecon.MEM_ADD, MORE, BLOCK)
    machine.run(f"insmod /rftest.ko what=pin start={MORE} bytes={BLOCK}")
    con.poll()
    con.replies.clear()
    first = con.request(fakecon.MEM_REMOVE, MORE, BLOCK, timeout_ms=8000)
    con.request(fakecon.MEM_REMOVE, MORE, BLOCK, seq=first)
    second = con.request(fakecon.PING)
    check(con.silent(2), f"answered while one is under way: {con.replies}")
    check(counter(machine, "repeated") == repeated + 2, "not counted")
    con.wait("answer", lambda: con.replies)
    check((con.replies[0][1].seq, con.replies[0][1].error) == (first, errno.ETIMEDOUT),
          f"answer {con.replies}")
    check(con.ask(fakecon.PING, seq=second).error == 0, "the second, again")
    check(con.silent(), "one was answered twice")
    check(not machine.run("rmmod rftest")[1], "rmmod")
    expect(con, 0, "not held any more", fakecon.MEM_REMOVE, MORE, BLOCK)


def case_lost_answer(machine):
    """an answer is lost after the deed: asked again it is answered, not done again"""
    con = begin(machine, extra=[test_module(machine)])
    grant_memory(con, (MORE, BLOCK))
    before, done = total(machine), counter(machine, "requests")
    check(not machine.run("insmod /rftest.ko what=at-skip at=ficm_send")[1], "no probe")
    con.poll()
    con.replies.clear()
    seq = con.request(fakecon.MEM_ADD, MORE, BLOCK)
    machine.wait("memory", lambda: total(machine) - before == BLOCK)
    check(con.silent(), "control: an answer came")
    check(not machine.run("rmmod rftest")[1], "rmmod")
    reply = con.ask(fakecon.MEM_ADD, MORE, BLOCK, seq=seq)
    check(reply.error == 0 and counter(machine, "requests") == done + 1, f"again: {reply}")
    expect(con, 0, "remove", fakecon.MEM_REMOVE, MORE, BLOCK)


def case_death(machine):
    """a panic in the middle of a request is reported, and is silence on the ring"""
    con = begin(machine, extra=[test_module(machine)])
    grant_memory(con, (MORE, BLOCK))
    check(not machine.run("insmod /rftest.ko what=at-panic after=1 at=add_memory_driver_managed")[1],
          "no probe")
    con.poll()
    con.replies.clear()
    con.request(fakecon.MEM_ADD, MORE, BLOCK)
    ends(machine, PANIC, "panic: rftest: after add_memory_driver_managed")
    check(con.silent(), "the dead answer")


CASES = {name[5:]: function for name, function in list(globals().items())
         if name.startswith("case_")}
FEW = ("numbers", "cpu", "memory_held", "pci", "ask")
WITH_MEMORY = ("memory", "memory_held", "under_way", "lost_answer", "death")
SHARED = (("hello", "numbers", "ask", "stat", "clock", "poweroff"), WITH_MEMORY)


def make_machine(name, release):
    return Machine(release, memory=GIB if name in WITH_MEMORY else MEMORY)


if __name__ == "__main__":
    sys.exit(main(__doc__, CASES, FEW, make_machine, SHARED))
