#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Tests rfsubos.ko and rfinit without a supervisor: fakesup.py plays it.

usage: subos-module.py [--release RELEASE]... [NAME...]

Prints TAP. Each case is a boot of its own (about 5 s), but for those in SHARED in
short runs. Those about the end of a kernel have a control: "control_restart" runs without our hooks and shows that
the machine is then reset, and that this test would see it.
"""

# timeout: 900 2400
# beside

import ctypes
import hashlib
import os
import re
import subprocess
import sys
import tempfile
import time

from fakesup import (CON_OUT_BYTES, HALTED, INIT, PANIC, POWEROFF, REQ_POWEROFF, REQ_RESTART,
                     RESTART, STATUS_MAGIC, TOP, VERSION, Desc, Failure, Machine, check, ends, main)

EARLYCON = "earlycon=uart8250,io,0x3f8,115200"	# for what happens before there is hvc0
INIT_CATCHES = b"""#!/bin/sh
trap 'echo told >/dev/hvc0; /bin/busybox poweroff -f' USR2
/bin/busybox --install -s /bin
ln -s /bin/busybox /sbin/poweroff
mount -t devtmpfs dev /dev
echo 'MB: a shell # ' >/dev/hvc0
while :; do sleep 1; done
"""
INIT_KEXEC = b"""#!/bin/busybox sh
/bin/busybox mount -t proc proc /proc
/bin/busybox insmod /.rainforest/ficm.ko
/bin/busybox insmod /.rainforest/rfsubos.ko
/bin/guest kexec /vmlinuz >/dev/kmsg 2>&1
"""


def case_life(machine):
    """facts, status page, console, window size, clock, vetoed core, power off"""
    machine.desc.nr_cpus = 1
    machine.desc.realtime_ns = 1924992000 * 10**9		# 2031-01-01
    machine.desc.tsc, machine.desc.tsc_khz = 0, 2000000
    machine.start(append="maxcpus=1")
    machine.boot()
    status = machine.status
    check(status.magic == STATUS_MAGIC and status.generation == 3, "status page not filled")
    check(status.release.decode() == machine.release, f"release {status.release!r}")
    check(status.flags & 1, "the kprobe was not placed")
    check(b"Linux version" in machine.output, "the log is not on the console from its first line")
    check(machine.run("cat /proc/sys/kernel/random/boot_id")[0] == status.boot_id.decode(),
          "boot id differs")
    names = machine.run("cd /sys/kernel/rainforest; cat name id generation; cd")[0]
    check(names.split() == ["fake", "7", "3"], f"sysfs says {names!r}")
    now = int(machine.run("date +%s")[0])
    check(1 <= now - 1924992000 < 600, f"clock {now}: the time to boot is not in it, or nonsense")
    machine.beats()

    check(status.nr_online == 1, "a core came up before it was asked for")
    veto = machine.run("echo 1 >/sys/devices/system/cpu/cpu1/online")
    check("Operation not permitted" in veto[0] and veto[1], f"online said {veto}")
    machine.desc.seq += 1
    machine.desc.nr_cpus = 2
    machine.desc.seq += 1
    check(not machine.run("echo 1 >/sys/devices/system/cpu/cpu1/online")[1], "granted core refused")
    machine.wait("two cores", lambda: status.nr_online == 2)

    machine.desc.seq += 1
    machine.desc.rows, machine.desc.cols, machine.desc.winsize_seq = 41, 133, 1
    machine.desc.seq += 1
    machine.wait("window size", lambda: machine.run("stty size")[0] == "41 133")
    # A shell's child that is not yet the program would miss it: this one dies of it at any time.
    # The sleep orders nothing: it is what Ctrl-C is to end.
    machine.type("sh -c 'echo go; exec sleep 1000'\r")
    machine.expect("\ngo\r\n")
    machine.type("\x03")
    check(machine.run("true")[1] == 0, "Ctrl-C did not end sleep")

    machine.request(REQ_POWEROFF)
    ends(machine, POWEROFF, "power off")
    check(status.request_seq == 1, "request not acknowledged")


def guest_program():
    """guest.c, as a file for the machine's initramfs."""
    with tempfile.TemporaryDirectory() as tmp:
        program = os.path.join(tmp, "guest")
        subprocess.run([os.environ.get("CC", "gcc"), "-D_GNU_SOURCE", "-static", "-O1", "-Wall",
                        "-o", program, os.path.join(TOP, "tests/vm/guest.c")], check=True)
        with open(program, "rb") as src:
            return ("bin/guest", src.read())


def begin(machine, quiet=True):
    """Boots with that program; a machine that another case has left goes on."""
    if not machine.process:
        machine.start(extra=[guest_program()])
        machine.boot(quiet=quiet)


def case_silence(machine):
    """nobody reads the console: output is dropped and counted, the kernel lives on"""
    begin(machine, quiet=False)
    machine.draining = False
    machine.type("i=0; while [ $i -lt 2000 ]; do echo line $i of many lines >/dev/kmsg; "
                 "i=$((i+1)); done; echo done >/sys/kernel/rainforest/reason\r")
    machine.wait("the loop's end", lambda: machine.status.reason == b"done", 120)
    check(machine.con_out.out_head - machine.con_in.out_tail == CON_OUT_BYTES, "ring not full")
    machine.beats()
    machine.draining = True
    machine.drain()
    dropped = machine.run("cat /sys/kernel/rainforest/console_dropped")[0]
    check(int(dropped) > 10000, f"{dropped} bytes dropped")
    machine.type("dmesg -n 1\r")


def case_nonsense(machine):
    """wild counters and an unfinished description: nothing breaks, both recover"""
    begin(machine)
    tail, head = machine.con_in.out_tail, machine.con_in.in_head
    machine.draining = False
    machine.con_in.out_tail = tail + 0x12345678
    machine.con_in.in_head = head + 0x7654321
    machine.desc.seq += 1
    machine.beats(5)
    machine.con_in.out_tail = tail
    machine.con_in.in_head = head + 0x7654321
    machine.desc.seq += 1
    machine.draining = True
    machine.wait("input counter", lambda: machine.con_out.in_tail == machine.con_in.in_head)
    check(machine.run("echo still here")[0] == "still here", "the console did not recover")


def case_reboot(machine):
    """reboot -f typed: reported as restart"""
    machine.start()
    machine.boot()
    machine.type("reboot -f\r")
    ends(machine, RESTART, "restart")


def case_halt(machine):
    """halt -f typed: reported as halted"""
    machine.start()
    machine.boot()
    machine.type("halt -f\r")
    ends(machine, HALTED, "halt")


def case_poweroff(machine):
    """poweroff -f typed: reported as power off"""
    machine.start()
    machine.boot()
    machine.type("poweroff -f\r")
    ends(machine, POWEROFF, "power off")


def case_panic(machine):
    """panic, also with kernel.panic=1: reported with its text, no restart"""
    begin(machine)
    machine.type("echo 1 >/proc/sys/kernel/panic; echo c >/proc/sysrq-trigger\r")
    ends(machine, PANIC, "panic: sysrq triggered crash")
    machine.drain()
    check(b"end Kernel panic" in machine.output, "the last line is not on the console")


def emergency(machine, params):
    machine.start(params=params)
    machine.boot()
    machine.type("echo b >/proc/sysrq-trigger\r")


def case_sysrq_b(machine):
    """SysRq b: reported as restart"""
    emergency(machine, "")
    ends(machine, RESTART, "emergency restart")


def case_sysrq_b_probe(machine):
    """SysRq b with the kprobe alone"""
    emergency(machine, "catch_dump=0")
    ends(machine, RESTART, "emergency restart")


def case_sysrq_b_dump(machine):
    """SysRq b with the log dumper alone"""
    emergency(machine, "catch_probe=0")
    check(not machine.status.flags & 1, "the flag says that there is a kprobe")
    ends(machine, RESTART, "emergency restart")


def case_control_restart(machine):
    """control: without both hooks SysRq b does reset the machine"""
    emergency(machine, "catch_dump=0 catch_probe=0")
    limit = time.monotonic() + 60
    while machine.alive() and time.monotonic() < limit:
        time.sleep(0.05)
    check(not machine.alive(), "the machine was not reset")
    check(machine.status.state == INIT, f"state {machine.status.state}")


def case_request_told(machine):
    """power off asked for: an init that listens is told, and does it"""
    machine.start(extra=[("init", INIT_CATCHES)])
    machine.boot(quiet=False)
    machine.request(REQ_POWEROFF)
    machine.expect("told")
    ends(machine, POWEROFF, "power off")


def case_request_restart(machine):
    """restart asked for: done though pid 1 is a plain shell"""
    machine.start()
    machine.boot()
    machine.request(REQ_RESTART)
    ends(machine, RESTART, "restart", 20)


def case_request_twice(machine):
    """an init that listens and does nothing: the second request does without it"""
    machine.start(extra=[("init", INIT_CATCHES.replace(b"; /bin/busybox poweroff -f", b""))])
    machine.boot(quiet=False)
    machine.request(REQ_POWEROFF)
    machine.expect("told")
    machine.beats()
    check(machine.status.state == INIT, "it went down by itself")
    machine.request(REQ_POWEROFF)
    ends(machine, POWEROFF, "power off", 6)


def case_kexec(machine):
    """kexec is refused"""
    begin(machine)
    check(machine.run("cat /proc/sys/kernel/kexec_load_disabled")[0] == "1", "not disabled")
    answer = machine.run("guest kexec-load")[0]
    check(answer == "kexec_load -1 1", f"kexec_load() said {answer!r}")


def case_kexec_net(machine):
    """kexec where nobody disabled it: the kernel halts and starts no other"""
    kernel = os.path.join(TOP, "build/kernels", machine.release, "boot/vmlinuz-" + machine.release)
    with open(kernel, "rb") as src:
        machine.start(extra=[guest_program(), ("init", INIT_KEXEC), ("vmlinuz", src.read())],
                      rdinit="/init")
    ends(machine, HALTED, "kexec, which a subOS cannot do", 90)


def case_load(machine):
    """the heartbeat goes on under real-time load; control: not under one above its own"""
    begin(machine)
    below, above = (8, 5) if os.environ.get("RF_LONG") else (4, 3)		# seconds
    machine.type(f"guest hog 10 {below}; guest hog 60 {above}\r")
    machine.expect("\nhog 10\r")
    machine.beats(below * 5 // 2, below - 1)
    check(b"10 has had" not in machine.output, "the load was over too early")
    machine.expect("\nhog 60\r")
    before = machine.status.heartbeat
    machine.expect("60 has had enough")
    check(machine.status.heartbeat - before < 6 * above, "a load above the heartbeat did not matter")
    machine.beats()


def case_suspend(machine):
    """suspend is refused, the kernel lives on"""
    begin(machine)
    words = machine.run("cat /sys/power/state")[0].split()
    check("freeze" in words, f"nothing to refuse: {words}")
    for word in words:
        text, status = machine.run(f"echo {word} >/sys/power/state")
        check(status and "Operation not permitted" in text, f"{word}: {text!r}")
    machine.beats()


def case_reboot_probe(machine):
    """reboot with the kprobe alone, behind the kernel's own shutdown"""
    machine.start(params="catch_dump=0")
    machine.boot()
    machine.type("reboot -f\r")
    ends(machine, RESTART, "restart")


def case_poweroff_handler(machine):
    """power off with the power-off handler alone"""
    machine.start(params="catch_dump=0")
    machine.boot()
    machine.type("poweroff -f\r")
    ends(machine, POWEROFF, "power off")


def case_no_init(machine):
    """no /init: power off with the reason"""
    machine.start(initrd=None)
    ends(machine, POWEROFF, "there is no /init in the initrd that could be started", 90)


def refused(machine, text):
    """rfsubos.ko refuses, rfinit halts: the serial port has the messages."""
    serial = lambda: text in machine.serial()		# pylint: disable=unnecessary-lambda-assignment
    machine.wait(f"message {text!r}", serial, 90)
    machine.wait("halt", lambda: b"System halted" in machine.serial(), 30)
    check(machine.status.state == 0, "a state was reported")
    check(machine.alive(), "the machine has ended")


def case_wire_version(machine):
    """other version of the description: refused with both versions, halted, not reset"""
    machine.desc.version = VERSION + 1
    machine.start(append=EARLYCON)
    refused(machine, b"description has version %d and %d bytes, this module expects version %d" %
            (VERSION + 1, ctypes.sizeof(Desc), VERSION))


def case_no_table(machine):
    """a machine that is no subOS: the module stays out, quietly"""
    machine.start(append=EARLYCON)
    refused(machine, b"rfsubos.ko: No such device")
    check(b"rfsubos: the" not in machine.serial() and b"ACPI table" not in machine.serial(),
          "the module was not quiet")


def pci_devices(images):
    """Slot 4: NVMe that could have virtual functions, 5: NVMe, 6: a NIC with an I/O BAR,
    7: a 64-bit prefetchable BAR, 8: not to be granted."""
    args = []
    for i, image in enumerate(images):
        args += ["-drive", f"if=none,id=d{i},format=raw,file={image}"]
    return args + [
        "-device", "nvme-subsys,id=s0", "-device",
        "nvme,id=n0,serial=zero,subsys=s0,addr=4,sriov_max_vfs=1,sriov_vq_flexible=2,"
        "sriov_vi_flexible=1,max_ioqpairs=6,msix_qsize=6",
        "-device", "nvme-ns,drive=d0,bus=n0", "-device", "nvme,serial=one,drive=d1,addr=5",
        "-device", "e1000e,addr=6,romfile=,netdev=net0",
        "-netdev", "hubport,hubid=0,id=net0", "-device", "virtio-rng-pci,addr=7,disable-legacy=on",
        "-device", "edu,addr=8"]


def pci_checks(machine, images):
    """What the kernel sees, and what it can do with it."""
    seen = machine.run("ls /sys/bus/pci/devices")[0].split()
    check(seen == [f"10000:00:0{n}.0" for n in range(4)], f"functions {seen}")
    resources = machine.run("cat /sys/bus/pci/devices/*/resource")[0].split("\r\n")
    check(not [r for r in resources if int(r.split()[2], 16) & 0x100], "there is an I/O BAR")
    claimed = machine.run("cat /proc/iomem")[0].count(" : 10000:00:0")
    check(claimed == 7, f"{claimed} memory BARs are in use, not 7")
    drive = machine.wait("nvme", lambda: machine.run(
        "cd /sys/bus/pci/devices/10000:00:01.0/nvme/*/ && echo nvme*n1; cd")[0])
    check(re.fullmatch("nvme[01]n1", drive), f"drive {drive!r}")
    check(machine.run("test -e /sys/bus/pci/devices/10000:00:00.0/sriov_totalvfs")[1],
          "SR-IOV is there")
    text = machine.run(f"head -c 1048576 /dev/{drive} | sha256sum")[0].split()[0]
    with open(images[1], "rb") as src:
        check(text == hashlib.sha256(src.read(1 << 20)).hexdigest(), "read other data")
    machine.run(f"echo written inside | dd of=/dev/{drive} bs=512 seek=4096 conv=sync,fsync")
    with open(images[1], "rb") as src:
        src.seek(4096 * 512)
        check(src.read(14) == b"written inside", "the write is not on the image")
    check(not machine.run("echo 1 >/sys/bus/pci/devices/10000:00:01.0/reset")[1], "no reset")
    again = machine.run(f"dd if=/dev/{drive} bs=512 skip=4096 count=1 iflag=direct 2>/dev/null "
                        "| head -c 14")[0]
    check(again == "written inside", "nothing to read after a reset of the function")
    check(re.search(f"{drive[:5]}q1", machine.run("cat /proc/interrupts")[0]), "no MSI-X of the queue")


def case_pci(machine):
    """granted functions only, NVMe works, BARs do not move"""
    with tempfile.TemporaryDirectory() as tmp:
        images = [os.path.join(tmp, name) for name in ("d0", "d1")]
        for image in images:
            with open(image, "wb") as out:
                out.write(os.urandom(4 << 20))
        with make_machine("firmware", machine.release) as other:
            other.launch(pci_devices(images))
            bars = other.find_bars((4, 5, 6, 7))
        for slot in (4, 5, 6, 7):
            machine.grant_pci(slot, bars[slot])
        machine.start(qemu=pci_devices(images))
        machine.boot()
        pci_checks(machine, images)

        config = "/sys/bus/pci/devices/10000:00:00.0/config"
        before = machine.run(f"hexdump -s 16 -n 24 {config}")[0]
        machine.run(rf"printf '\000\000\000\100' | dd of={config} bs=4 seek=4 conv=notrunc")
        check(machine.run("cat /sys/kernel/rainforest/pci_refused")[0] == "1", "not refused")
        check(machine.run(f"hexdump -s 16 -n 24 {config}")[0] == before, "a BAR has changed")
        now = machine.find_bars((4,))[4]["regions"]
        check(now == bars[4]["regions"], "the machine's BARs have moved")
        machine.type("reboot -f\r")
        ends(machine, RESTART, "restart")


CASES = {name[5:]: function for name, function in list(globals().items())
         if name.startswith("case_")}


FEW = ("life", "halt", "panic", "sysrq_b_probe", "sysrq_b_dump", "pci")
SHARED = (("silence", "nonsense", "kexec", "suspend", "load", "panic"),)


def make_machine(name, release):
    return Machine(release, table=name != "no_table")


if __name__ == "__main__":
    sys.exit(main(__doc__, CASES, FEW, make_machine, SHARED))
