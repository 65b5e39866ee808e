# SPDX-License-Identifier: GPL-2.0-only
"""A supervisor in Python, for tests of rfsubos.ko alone.

An ordinary QEMU machine gets our ACPI table and a reserved range; its memory is
a file, so that the test reads and writes the shared areas while the kernel in
it runs. QEMU is told to end when that kernel resets or powers off the machine:
a kernel with rfsubos.ko must never do so.

The newest kernel is started as rfm starts it, as an ELF file, with four paging levels (from
there Linux does not switch to five by itself); others, and with RF_LONG all, as bzImages, with
five.
"""

import argparse
import ctypes
import json
import mmap
import os
import re
import socket
import struct
import subprocess
import sys
import tempfile
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(TOP, "tools/vm"))

# pylint: disable=wrong-import-position
from cpio import Archive
from machine import ACCEL, QUICK_CPU, note, ram_file


def wire_version():
    with open(os.path.join(TOP, "include/uapi/linux/rainforest_wire.h"), encoding="utf-8") as src:
        return int(re.search(r"#define RF_WIRE_VERSION\s+(\d+)", src.read())[1])


VERSION = wire_version()
MEMORY = 320 << 20
BASE = 0x0C000000		# 192 MB
ECAM = 0xB0000000		# of q35
SERVICE_SIZE = 2 << 20
OFF_DESC, OFF_STATUS, OFF_CON_OUT, OFF_CON_IN = 0x20000, 0x22000, 0x23000, 0x30000
CON_DATA, CON_OUT_BYTES, CON_IN_BYTES = 0x1000, 0x8000, 0x1000
DESC_MAGIC, STATUS_MAGIC, CON_MAGIC = 0x43534452, 0x54415352, 0x4E4F4352
# Documentation/arch/x86/boot.rst, "The Real-Mode Kernel Header"
SETUP_SECTS, PAYLOAD_OFFSET, PAYLOAD_LENGTH = 0x1F1, 0x248, 0x24C
ZSTD_MAGIC = bytes.fromhex("28b52ffd")
LIVELY = 10			# seconds to boot in; longer only where the kernel did not die
BOOTS = 5			# of a case, when QEMU fails while the kernel boots
MODULE, INIT, STOPPING, HALTED, POWEROFF, RESTART, PANIC = range(1, 8)
REQ_POWEROFF, REQ_RESTART = 1, 2

U8, U16, U32, U64 = ctypes.c_uint8, ctypes.c_uint16, ctypes.c_uint32, ctypes.c_uint64


class Bar(ctypes.LittleEndianStructure):
    _fields_ = [("start", U64), ("size", U64), ("flags", U64)]


class Pci(ctypes.LittleEndianStructure):
    _fields_ = [("ecam", U64), ("segment", U16), ("bus", U8), ("devfn", U8), ("vendor", U16),
                ("device", U16), ("class_code", U32), ("flags", U32), ("reserved", U64),
                ("bar", Bar * 7)]


class Desc(ctypes.LittleEndianStructure):
    _fields_ = [("magic", U32), ("version", U32), ("size", U32), ("seq", U32), ("id", U32),
                ("generation", U32), ("name", ctypes.c_char * 32), ("nr_cpus", U32),
                ("nr_ranges", U32), ("nr_pci", U32), ("heartbeat_ms", U32), ("request", U32),
                ("request_seq", U32), ("rows", U16), ("cols", U16), ("winsize_seq", U32),
                ("realtime_ns", U64), ("tsc", U64), ("tsc_khz", U64), ("ficm_dir", U64),
                ("ficm_slot", U32), ("probe_seq", U32), ("apicid", U32 * 256),
                ("range", U64 * 128), ("pci", Pci * 16)]


class Status(ctypes.LittleEndianStructure):
    _fields_ = [("magic", U32), ("version", U32), ("size", U32), ("state", U32), ("flags", U32),
                ("generation", U32), ("request_seq", U32), ("nr_online", U32),
                ("heartbeat", U64), ("release", ctypes.c_char * 64),
                ("boot_id", ctypes.c_char * 40), ("reason", ctypes.c_char * 128),
                ("probe_seq", U32), ("reserved", U32),
                ("stat_seq", U32), ("stat_cpus", U32), ("stat", U64 * 10), ("stat_tasks", U64)]


class ConOut(ctypes.LittleEndianStructure):
    _fields_ = [("magic", U32), ("version", U32), ("bytes", U32), ("out_head", U32),
                ("in_tail", U32)]


class ConIn(ctypes.LittleEndianStructure):
    _fields_ = [("magic", U32), ("version", U32), ("bytes", U32), ("in_head", U32),
                ("out_tail", U32)]


class Failure(Exception):
    """What was expected did not come."""


class Skip(Exception):
    """This cannot be tested here."""


def overlay(path, release, params="", ficm="", extra=()):
    """Our archive: rfinit, our modules, the list of modules; extra is (name, data) pairs.

    Before ours goes rfstale.ko, which makes up for a fault of the emulator."""
    with open(path, "wb") as out:
        root = Archive(out)
        root.file(".rainforest/init", os.path.join(TOP, "build/rfinit"))
        for name in ("rfstale.ko", "ficm.ko", "rfsubos.ko"):
            root.file(f".rainforest/{name}", os.path.join(TOP, "build", release, name))
        listed = "# in this order\n\n/.rainforest/rfstale.ko\n" + f"/.rainforest/ficm.ko {ficm}".rstrip() + "\n" + \
                 f"/.rainforest/rfsubos.ko {params}".rstrip() + "\n"
        root.data(".rainforest/modules", listed.encode())
        for name, data in extra:
            root.data(name, data, 0o755)
        root.close()


def kernel_image(release):
    """(what QEMU boots, whether it is an ELF file, which spares each boot the unpacking)."""
    bzimage = os.path.join(TOP, "build/kernels", release, "boot/vmlinuz-" + release)
    if release != releases()[0] or os.environ.get("RF_LONG"):
        return bzimage, False
    with open(bzimage, "rb") as src:
        data = src.read()
    start = (data[SETUP_SECTS] + 1) * 512 + struct.unpack_from("<I", data, PAYLOAD_OFFSET)[0]
    end = start + struct.unpack_from("<I", data, PAYLOAD_LENGTH)[0] - 4	# its size follows
    if data[start:start + 4] != ZSTD_MAGIC:
        return bzimage, False
    elf = os.path.join(TOP, "build", release, "vmlinux")
    if not os.path.exists(elf) or os.stat(elf).st_mtime < os.stat(bzimage).st_mtime:
        with open(f"{elf}.{os.getpid()}", "wb") as out:
            subprocess.run(["zstd", "-dcq"], input=data[start:end], stdout=out, check=True)
        os.rename(f"{elf}.{os.getpid()}", elf)
    return elf, True


class Machine:
    """One boot. The areas are prepared by the constructor, start() boots."""

    def __init__(self, release, smp=2, table=True, memory=MEMORY):
        """With more than MEMORY the kernel does not find the rest by itself."""
        self.release, self.smp, self.table, self.memory = release, smp, table, memory
        self.tmp = tempfile.TemporaryDirectory(prefix="fakesup-")
        self.output, self.seen = b"", 0
        self.draining = True
        self.process = None
        self.file, self.ram = ram_file(memory)
        self.map = mmap.mmap(self.file.fileno(), SERVICE_SIZE, offset=BASE)
        self.desc = Desc.from_buffer(self.map, OFF_DESC)
        self.status = Status.from_buffer(self.map, OFF_STATUS)
        self.con_out = ConOut.from_buffer(self.map, OFF_CON_OUT)
        self.con_in = ConIn.from_buffer(self.map, OFF_CON_IN)
        self._prepare()

    def _path(self, name):
        return os.path.join(self.tmp.name, name)

    def _prepare(self):
        desc = self.desc
        desc.magic, desc.version, desc.size = DESC_MAGIC, VERSION, ctypes.sizeof(Desc)
        desc.id, desc.generation, desc.name = 7, 3, b"fake"
        desc.heartbeat_ms, desc.nr_cpus = 100, self.smp
        desc.apicid[:self.smp] = range(self.smp)
        self.con_in.magic, self.con_in.version = CON_MAGIC, VERSION
        self.con_in.bytes = CON_IN_BYTES

    def _acpi_table(self):
        path = self._path("rfbf")
        with open(path, "wb") as out:
            out.write(struct.pack("<IQIIII", VERSION, BASE, 0x2000, 0x1000, 0x9000, 0x2000))
        return ["-acpitable", f"sig=RFBF,data={path}"] if self.table else []

    def start(self, append="", qemu=(), initrd="build/initrd-default",
              rdinit="/.rainforest/init", **archive):
        """Boots; archive: see overlay()."""
        image = self._path("initrd")
        overlay(self._path("overlay"), self.release, **archive)
        with open(image, "wb") as out:
            for part in ([os.path.join(TOP, initrd)] if initrd else []) + [self._path("overlay")]:
                with open(part, "rb") as src:
                    out.write(src.read())
                out.write(b"\0" * (-out.tell() % 4))
        boot, elf = kernel_image(self.release)
        line = (f"nokaslr no_ipi_broadcast=1 pci=off 8250.nr_uarts=0 panic=0 memmap=2M${BASE:#x} "
                f"rdinit={rdinit} console=hvc0 {append}")
        if self.memory > MEMORY:
            line += f" mem={MEMORY >> 20}M"
        note("boots 1")
        self.launch(["-kernel", boot, "-initrd", image, "-append", line, *qemu], five_levels=not elf)

    def launch(self, args, five_levels=False):
        """Starts QEMU; not for tests that boot a kernel."""
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(self._path("qmp"))
        listener.listen(1)
        listener.settimeout(30)
        # pylint: disable=consider-using-with
        self.process = subprocess.Popen(
            ["qemu-system-x86_64", "-machine", "q35,memory-backend=ram",
             "-accel", ACCEL, "-cpu", QUICK_CPU + (",la57=on" if five_levels else ""),
             "-smp", str(self.smp), "-m", f"{self.memory >> 20}M",
             "-object", f"memory-backend-file,id=ram,size={self.memory},mem-path={self.ram},share=on",
             "-nodefaults", "-display", "none", "-no-reboot", "-serial",
             f"file:{self._path('serial')}", "-qmp", f"unix:{self._path('qmp')}",
             *self._acpi_table(), *args], stdin=subprocess.DEVNULL)
        self.qmp = listener.accept()[0].makefile("rw")
        listener.close()
        self.qmp.readline()
        self.ask("qmp_capabilities")

    def ask(self, command, **arguments):
        """A command for QEMU's monitor; events that come first are thrown away."""
        self.qmp.write(json.dumps({"execute": command, "arguments": arguments}) + "\n")
        self.qmp.flush()
        while True:
            answer = json.loads(self.qmp.readline())
            if "event" not in answer:
                return answer["return"]

    def grant_pci(self, slot, found, place=None):
        """Describes the function in that slot, found by find_bars(), as granted."""
        place = self.desc.nr_pci if place is None else place
        pci = self.desc.pci[place]
        pci.ecam, pci.devfn, pci.flags = ECAM + (slot << 15), slot << 3, 1
        pci.vendor, pci.device = found["id"]["vendor"], found["id"]["device"]
        for region in found["regions"]:
            bar = pci.bar[region["bar"]]
            bar.start, bar.size = region["address"], region["size"]
            bar.flags = 0x100 if region["type"] == "io" else 0x200
        self.desc.nr_pci = max(self.desc.nr_pci, place + 1)

    def find_bars(self, slots, timeout=30):
        """Once the firmware has placed them: {slot: what QEMU says about that function}."""
        limit = time.monotonic() + timeout
        while time.monotonic() < limit:
            found = {d["slot"]: d for d in self.ask("query-pci")[0]["devices"]}
            regions = [r for s in slots for r in found[s]["regions"] if r["bar"] < 6]
            if all(0 < r["address"] < 1 << 63 for r in regions):
                return {s: found[s] for s in slots}
            time.sleep(0.05)
        raise Failure("the firmware did not place the BARs")

    def serial(self):
        with open(self._path("serial"), "rb") as src:
            return src.read()

    def alive(self):
        return self.process.poll() is None

    def drain(self):
        """Takes what the kernel printed."""
        head, tail = self.con_out.out_head, self.con_in.out_tail
        ring = OFF_CON_OUT + CON_DATA
        while tail != head:
            at = tail % CON_OUT_BYTES
            count = min((head - tail) % (1 << 32), CON_OUT_BYTES - at)
            self.output += self.map[ring + at:ring + at + count]
            tail = (tail + count) % (1 << 32)
        self.con_in.out_tail = tail

    def type(self, text):
        head = self.con_in.in_head
        for byte in text.encode():
            self.map[OFF_CON_IN + CON_DATA + head % CON_IN_BYTES] = byte
            head = (head + 1) % (1 << 32)
        self.con_in.in_head = head

    def wait(self, what, condition, timeout=60):
        """Until condition() is true; fails when the machine ends before, or time is up."""
        limit = time.monotonic() + timeout
        while True:
            if self.draining:
                self.drain()
            value = condition()
            if value:
                return value
            if not self.alive():
                raise Failure(f"{what}: the machine was reset or powered off")
            if time.monotonic() > limit:
                raise Failure(f"{what}: not within {timeout} s, state {self.status.state}, "
                              f"reason {self.status.reason!r}")
            time.sleep(0.01)

    def expect(self, pattern, timeout=60):
        """Waits for output; what came before it counts as seen."""
        regex = re.compile(pattern.encode(), re.S)
        found = self.wait(f"output {pattern!r}", lambda: regex.search(self.output, self.seen),
                          timeout)
        self.seen = found.end()
        return found

    def run(self, command, timeout=60):
        """Types a command for the shell on the console, returns what it printed."""
        self.number = getattr(self, "number", 100) + 1
        self.type(f"echo \"<$(({self.number}))>\"; {command}; echo =$(({self.number}))= $?\r")
        found = self.expect(rf"<{self.number}>\r?\n(.*?)={self.number}= ([0-9]+)\r?\n", timeout)
        return found.group(1).decode(errors="replace").strip(), int(found.group(2))

    def boot(self, timeout=90, quiet=True):
        """Waits for the shell of the default initrd; not long when its kernel is known to be dead."""
        born = lambda: self.status.state == INIT		# pylint: disable=unnecessary-lambda-assignment
        try:
            self.wait("state init", born, LIVELY)
        except Failure:
            if self.met_stale_int3():
                raise
            self.wait("state init", born, timeout)
        self.expect(r"MB: a shell.*?# ", timeout)
        if quiet:
            self.type("dmesg -n 1\r")		# no message in the middle of an answer

    def beats(self, count=3, timeout=20):
        """Waits for so many signs of life from now on."""
        goal = self.status.heartbeat + count
        self.wait("heartbeat", lambda: self.status.heartbeat >= goal, timeout)

    def request(self, kind):
        self.desc.seq += 1
        self.desc.request, self.desc.request_seq = kind, self.desc.request_seq + 1
        self.desc.seq += 1

    def met_stale_int3(self):
        """Whether its kernel said so: in its memory, as it has no console before our module."""
        with mmap.mmap(self.file.fileno(), 0, access=mmap.ACCESS_READ) as ram:
            return ram.find(b"Oops: int3: 0000 [#") >= 0

    def why_no_life(self):
        """Why our module never spoke: a breakpoint that the kernel had taken out again, as its
        log tells, or nobody knows (tests/README.md)."""
        if self.status.state:
            return None
        if self.met_stale_int3():
            return "QEMU ran a stale breakpoint while the kernel booted"
        return "the kernel gave no sign of life, and its log does not say why"

    def halted(self):
        """Whether every core stands still with interrupts off."""
        text = self.ask("human-monitor-command", **{"command-line": "info registers -a"})
        flags = re.findall(r"(?:RFL|EFL)=([0-9a-f]+).*?HLT=([01])", text)
        return len(flags) == self.smp and all(h == "1" and not int(f, 16) & 0x200
                                              for f, h in flags)

    def close(self):
        if self.process:
            self.process.kill()
            self.process.wait()
            self.qmp.close()
        del self.desc, self.status, self.con_out, self.con_in
        self.map.close()
        self.file.close()
        self.tmp.cleanup()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def check(condition, what):
    if not condition:
        raise Failure(what)


def ends(machine, state, reason, timeout=30):
    """The kernel reports this end, and its cores stand still in a machine that runs on."""
    machine.wait(f"state {state}", lambda: machine.status.state == state, timeout)
    check(machine.status.reason == reason.encode(),
          f"reason {machine.status.reason!r}, {reason!r} expected")
    machine.wait("cores halted", machine.halted, 20)
    check(machine.alive(), "the machine has ended")


def run_case(title, function, make, machine, keep):
    """One case, on a machine of its own or the one given; once more where QEMU failed, not the
    kernel. Returns its result, and that machine when it is to be kept and the case went well."""
    for again in range(BOOTS):
        machine = machine or make()
        result = try_case(f"{title}: {function.__doc__}", function, machine, again < BOOTS - 1)
        if keep and result:
            return result, machine
        machine.close()
        if result is not None:
            break
        note(f"again {machine.why}")
        print(f"# {machine.why}: once more", flush=True)
        machine = None
    return result, None


def run_cases(number, release, names, cases, make_machine):
    """Cases that share a boot, as long as they go well. Yields their results."""
    machine = None
    for name in names:
        result, machine = run_case(f"{number} - {release} {name}", cases[name],
                                   lambda n=name: make_machine(n, release), machine,
                                   name != names[-1])
        number += 1
        yield result


def try_case(title, function, machine, may_again):
    """True, False; None where it is to be done again."""
    try:
        function(machine)
        bad = re.search(rb"[^\n]*(WARNING:|BUG:|Oops|stall)[^\r\n]*", machine.output)
        check(not bad, f"the log says {bad and bad[0].decode(errors='replace')!r}")
        print(f"ok {title}", flush=True)
        return True
    except Skip as why:
        print(f"ok {title} # SKIP {why}", flush=True)
        return True
    except Failure as failure:
        machine.why = machine.why_no_life()
        if may_again and machine.why:
            return None
        machine.drain()
        print(f"not ok {title}\n# {failure}", flush=True)
        for line in (machine.serial() + machine.output)[-1500:].decode(errors="replace").split("\n"):
            print("#   " + line.rstrip())
        return False


def releases():
    """Those that our module was built for, the newest first."""
    kernels = os.path.join(TOP, "build/kernels")
    found = os.listdir(kernels) if os.path.isdir(kernels) else []
    return sorted((r for r in found
                   if os.path.exists(os.path.join(TOP, "build", r, "rfsubos.ko"))),
                  key=lambda r: [int(n) for n in re.findall("[0-9]+", r)], reverse=True)


def make_plan(args, cases, few, shared):
    """[(release, cases of one boot)]: every case on the newest kernel, a few on older ones, and
    those of "shared" in one boot; with RF_LONG every case on each, in a boot of its own."""
    plan, long = [], os.environ.get("RF_LONG")
    for i, release in enumerate(args.release or releases()):
        names = args.names or (few if i and not args.release and not long else cases)
        groups = [] if long else [tuple(n for n in group if n in names) for group in shared]
        alone = [(n,) for n in names if not any(n in group for group in groups)]
        plan += [(release, group) for group in groups + alone if group]
    return plan


def main(doc, cases, few, make_machine, shared=()):
    """Runs {name: function}; make_machine(name, release) makes the machine of one. Each tuple of
    names in "shared" may run in one boot, in this order; only the last may end the kernel."""
    parser = argparse.ArgumentParser(description=doc,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--release", action="append", help="kernel to boot (default: every one)")
    parser.add_argument("names", nargs="*", choices=[*cases, []], metavar="NAME",
                        help="cases (default: all): " + " ".join(cases))
    plan = make_plan(parser.parse_args(), cases, few, shared)
    count = sum(len(names) for _, names in plan)
    print(f"1..{count}" if plan else "1..0 # SKIP no module and no kernel: run make", flush=True)
    results = []
    for release, names in plan:
        results += run_cases(len(results) + 1, release, names, cases, make_machine)
    return 0 if all(results) else 1
