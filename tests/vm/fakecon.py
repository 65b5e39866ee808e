# SPDX-License-Identifier: GPL-2.0-only
"""Messages with the kernel in a fakesup.Machine: the supervisor's end of FICM.

The directory and both areas lie in the machine's memory behind the service
area, which this program shares; the rings are written and read as ring.c does
it. The doorbell is a write of an MSI to the local APICs, which QEMU's test
interface does for us.
"""

import socket
import struct
import time

from fakesup import BASE, VERSION, Failure

OFF_DIR, OFF_AREAS = 0x100000, (0x110000, 0x150000)
DIR_MAGIC, AREA_MAGIC, RING_MAGIC = 0x52494446, 0x45524146, 0x474E5252
SLOTS, PEERS, PAIR = 128, 16, 12288
ENTRY = 24 + 8 * PEERS + 32 + 4 * 256	# struct rf_ficm_entry
ACK, HEAD, SLOT = 0, 128, 192			# offsets in struct rf_ficm_pair
NOBODY = 0xFFFFFFFF
SUPERVISOR, SUBOS = 0, 1			# entries of the directory
GENERATION = 9					# of the supervisor

MSG_REQUEST, MSG_REPLY = 1, 2
(PING, HELLO, CPU_ADD, CPU_REMOVE, MEM_ADD, MEM_REMOVE, PCI_ADD, PCI_REMOVE, STAT, CLOCK, POWEROFF,
 RESTART, ASK_CPUS, ASK_MEMORY) = range(1, 15)


def stamp(writer, reader, number):
    return (writer % 65535 + 1) << 48 | (reader % 65535 + 1) << 32 | number % (1 << 32)


class Reply:
    """struct rf_reply, of which only what a test asks for is kept."""

    def __init__(self, body):
        self.seq, self.op, self.error, *rest = struct.unpack("<IHH4I3Q", body)
        self.stage_us, self.value = rest[:4], rest[4:]

    def __repr__(self):
        return f"{self.seq} op {self.op} error {self.error} value {[hex(v) for v in self.value]}"


class Exchange:
    """The supervisor's end. To be made before the machine starts, with qemu_args() for it."""

    def __init__(self, machine):
        self.machine, self.map = machine, machine.map
        self.sent = self.got = self.seq = 0
        self.replies, self.asked = [], []
        self.answers = {HELLO: 0}		# op: errno; no answer to others
        self.values = {}		# op: the first two values of the answer
        self.qtest = None
        self._directory()
        self._area()

    def qemu_args(self):
        # pylint: disable=protected-access
        return ["-qtest", f"unix:{self.machine._path('qtest')},server=on,wait=off",
                "-qtest-log", "none"]

    def _directory(self):
        desc = self.machine.desc
        entries = [(0, GENERATION, BASE + OFF_AREAS[SUPERVISOR], ()),
                   (desc.id, desc.generation, BASE + OFF_AREAS[SUBOS], range(self.machine.smp))]
        size = 16 + PEERS * ENTRY
        struct.pack_into("<4I", self.map, OFF_DIR, DIR_MAGIC, VERSION, size, 2)
        for i in range(PEERS):
            who, generation, area, cpus = entries[i] if i < len(entries) else (NOBODY, 0, 0, ())
            struct.pack_into(f"<IIQII{8 * PEERS}x32s{len(cpus)}I", self.map,
                             OFF_DIR + 16 + i * ENTRY, who, generation, area, len(cpus), 0,
                             b"a name", *cpus)
        desc.ficm_dir, desc.ficm_slot = BASE + OFF_DIR, SUBOS

    def _pair(self, kernel):
        """Where that kernel writes what is for the other."""
        return OFF_AREAS[kernel] + 4096 + PAIR * (1 - kernel)

    def _out(self, number):
        return stamp(GENERATION, self.machine.desc.generation, number)

    def _in(self, number):
        return stamp(self.machine.desc.generation, GENERATION, number)

    def _area(self):
        pair = self._pair(SUPERVISOR)
        struct.pack_into("<4IQ", self.map, pair + ACK, RING_MAGIC, VERSION, 128, SLOTS, self._in(0))
        struct.pack_into("<4IQ", self.map, pair + HEAD, RING_MAGIC, VERSION, 64 + 64 * SLOTS, SLOTS,
                         self._out(0))
        struct.pack_into("<4IQ", self.map, OFF_AREAS[SUPERVISOR], AREA_MAGIC, VERSION,
                         4096 + PEERS * PAIR, GENERATION, 0)

    def joined(self):
        return struct.unpack_from("<I", self.map, OFF_AREAS[SUBOS])[0] == AREA_MAGIC

    def ring(self):
        """The doorbell, wherever it is now."""
        where, = struct.unpack_from("<Q", self.map, OFF_AREAS[SUBOS] + 16)
        if not where:
            return
        if not self.qtest:
            with socket.socket(socket.AF_UNIX) as sock:
                # pylint: disable=protected-access
                sock.connect(self.machine._path("qtest"))
                self.qtest = sock.makefile("rw")
        apicid = where >> 32
        if self.machine.release.startswith("6.1."):
            # Without the flag in the FADT that a subOS has, it thinks in masks of CPUs.
            apicid = apicid.bit_length() - 1
        self.qtest.write(f"writel {0xfee00000 | apicid << 12:#x} {where & 0xff:#x}\n")
        self.qtest.flush()
        answer = self.qtest.readline()
        if not answer.startswith("OK"):
            raise Failure(f"the doorbell: {answer!r}")

    def put(self, kind, body, tag=0, length=None):
        """Sends a message."""
        slot = self._pair(SUPERVISOR) + SLOT + self.sent % SLOTS * 64
        length = len(body) if length is None else length
        struct.pack_into("<HBBI48s", self.map, slot + 8, kind, length, 0, tag, body)
        struct.pack_into("<Q", self.map, slot, self._out(self.sent))
        self.sent += 1
        self.ring()

    def poll(self):
        """Takes what came: replies are kept, requests noted and answered."""
        while True:
            slot = self._pair(SUBOS) + SLOT + self.got % SLOTS * 64
            mark, kind, length, _, tag, body = struct.unpack_from("<QHBBI48s", self.map, slot)
            if mark != self._in(self.got):
                return
            self.got += 1
            struct.pack_into("<Q", self.map, self._pair(SUPERVISOR) + ACK + 16, self._in(self.got))
            if kind == MSG_REPLY:
                self.replies.append((tag, Reply(body)))
            elif kind == MSG_REQUEST and length == 48:
                self._asked(tag, body)

    def _asked(self, tag, body):
        seq, op, _, _, _, arg, *_ = struct.unpack("<IHHII4Q", body)
        self.asked.append((seq, op, arg))
        if self.answers.get(op) is not None:
            self.put(MSG_REPLY, struct.pack("<IHH4I3Q", seq, op, self.answers[op], 0, 0, 0, 0,
                                            *self.values.get(op, (0, 0)), 0), tag)

    def request(self, op, *args, seq=None, tag=0, flags=0, timeout_ms=20000):
        """Sends a request, returns its number."""
        if seq is None:
            self.seq += 1
            seq = self.seq
        args += (0,) * (4 - len(args))
        self.put(MSG_REQUEST, struct.pack("<IHHII4Q", seq, op, flags, timeout_ms, 0, *args), tag)
        return seq

    def wait(self, what, condition, timeout=30):
        def polled():
            self.poll()
            return condition()
        return self.machine.wait(what, polled, timeout)

    def ask(self, op, *args, timeout=60, **how):
        """Sends a request and returns the reply."""
        self.poll()
        self.replies.clear()
        seq = self.request(op, *args, **how)
        self.wait(f"answer to {op}", lambda: [r for _, r in self.replies if r.seq == seq], timeout)
        return self.replies[-1][1]

    def silent(self, seconds=0.5):
        """Whether no reply comes meanwhile."""
        self.poll()
        self.replies.clear()
        limit = time.monotonic() + seconds
        while time.monotonic() < limit:
            self.poll()
            time.sleep(0.01)
        return not self.replies

    def grant(self, change):
        """Calls change(description) as the supervisor changes it."""
        self.machine.desc.seq += 1
        change(self.machine.desc)
        self.machine.desc.seq += 1

    def close(self):
        if self.qtest:
            self.qtest.close()
        self.map = None
