# SPDX-License-Identifier: GPL-2.0-only
"""One run of QEMU: its ports, its monitor, and how it ended."""

import ctypes
import json
import os
import re
import selectors
import signal
import socket
import subprocess
import sys
import time

POWERED_OFF, PANICKED, RESET, TIMEOUT, FAILED = 120, 122, 123, 124, 125

PANIC = re.compile(rb"Kernel panic - not syncing[^\r\n]*")
PANIC_END = b"end Kernel panic"
BEGIN = b"rf-vm: the command begins"
STALE_INT3 = b"Oops: int3"
PANIC_GRACE = 10		# seconds from the first line of a panic to its last
STOOD_STILL = 5			# seconds in which we did not run, although we wanted to
QUIT_GRACE = 20			# seconds that QEMU has to flush its disks
# Boots in two thirds of the time that "max" takes. Four paging levels; no fast strings, which
# QEMU emulates a byte at a time; an Atom, which Linux knows for a TSC of constant rate, so
# that no core measures its delay loop, and for one that needs no retpolines. It would idle in
# MWAIT there, for QEMU a busy loop.
QUICK_CPU = ("max,la57=off,erms=off,fsrm=off,monitor=off,"
             "vendor=GenuineIntel,family=6,model=28,stepping=10")
ACCEL = "tcg,thread=multi"
PR_SET_PDEATHSIG, PR_SET_THP_DISABLE = 1, 41
CRASHES = (signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS, signal.SIGILL, signal.SIGFPE)


def note(line):
    """For tests/run: in the file $RF_BOOTS stands what became of boots, a line each: "boots N",
    "again WHY" for one that is done again, "crash WHAT" for an end of QEMU itself."""
    path = os.environ.get("RF_BOOTS")
    if path:
        with open(path, "a", encoding="utf-8") as log:
            log.write(line + "\n")


def before_qemu():
    """QEMU does not outlive us, however we end, and the host clears only what it touches:
    huge pages for a machine's memory cost a sixth of the CPU time of a boot."""
    prctl = ctypes.CDLL(None).prctl
    prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0)


def ram_file(size):
    """A file of so many bytes for a machine's memory, and a name by which QEMU opens it. It lies on
    no disk: to that all of it would be written back."""
    file = os.fdopen(os.memfd_create("ram"), "r+b")
    file.truncate(size)
    return file, f"/proc/{os.getpid()}/fd/{file.fileno()}"


class Output:
    """A port whose bytes go to a stream of ours, up to the mark and the status."""

    def __init__(self, stream, mark):
        self.stream, self.mark = stream, mark
        self.held, self.status = b"", None

    def feed(self, data):
        self.held += data
        at = self.held.find(self.mark)
        if at < 0:
            self._pass(len(self.held) - self._beginning())
            return
        if self.held.find(b"\n", at) < 0:
            return
        self.status = int(self.held[at + len(self.mark):].split(b"\n")[0])
        self._pass(at)

    def _beginning(self):
        """How many bytes at the end may be the beginning of the mark."""
        most = min(len(self.held), len(self.mark) - 1)
        return next((n for n in range(most, 0, -1) if self.held.endswith(self.mark[:n])), 0)

    def _pass(self, count):
        data, self.held = self.held[:count], self.held[count:]
        try:
            self.stream.write(data)
            self.stream.flush()
        except BrokenPipeError:
            pass

    def flush(self):
        if self.status is None:
            self._pass(len(self.held))


class Machine:
    """Starts QEMU with a socket pair for each port and serves them until it ends."""

    def __init__(self, argv, logs, options):
        self.argv, self.logs, self.options = list(argv), logs, options
        self.selector = selectors.DefaultSelector()
        self.theirs = []
        self.outputs = {}
        self.qmp_line, self.hmp_line, self.serial_tail = b"", b"", b""
        self.pending = 0		# answers to hmp commands that QEMU still owes
        self.panic_at = None
        self.panic_text = ""
        self.reason = None
        self.status = None
        self.process = None
        self.serial = None

    def _pair(self, handler):
        ours, theirs = socket.socketpair()
        os.set_inheritable(theirs.fileno(), True)
        self.theirs.append(theirs)
        self.selector.register(ours, selectors.EVENT_READ, handler)
        return ours, theirs.fileno()

    def _chardev(self, name, handler, extra=""):
        ours, number = self._pair(handler)
        self.argv += ["-chardev", f"socket,id={name},fd={number}{extra}"]
        return ours

    def ports(self, mark):
        # A file: QEMU drops what a socket does not take at once, byte by byte.
        serial_log = os.path.join(self.logs, "serial.log")
        self.serial = open(serial_log, "w+b")
        self.argv += ["-chardev", "file,id=serial,path=" + serial_log.replace(",", ",,"),
                      "-serial", "chardev:serial", "-device", "virtio-serial-pci,max_ports=6"]
        for name, stream in (("out", sys.stdout.buffer), ("err", sys.stderr.buffer)):
            self.outputs[name] = Output(stream, mark)
            self._chardev(name, lambda data, out=self.outputs[name]: out.feed(data))
            self.argv += ["-device", f"virtserialport,chardev={name},name=rf.{name}"]
        self.hmp = self._chardev("hmp", self.on_hmp)
        self.argv += ["-device", "virtserialport,chardev=hmp,name=rf.hmp"]
        self.qmp = self._chardev("qmp", self.on_qmp)
        self.argv += ["-mon", "chardev=qmp,mode=control"]

    def console(self):
        """A terminal of the machine on our own."""
        tty = self._chardev("tty", lambda data: os.write(1, data))
        self.argv += ["-device", "virtconsole,chardev=tty"]

        def from_terminal(data):
            tty.sendall(data)
        self.selector.register(0, selectors.EVENT_READ, from_terminal)

    def _look_at_serial(self):
        data = self.serial.read()
        if not data:
            return
        self.serial_tail = (self.serial_tail + data)[-65536:]
        found = PANIC.search(self.serial_tail)
        if found and self.panic_at is None:
            self.panic_at = time.monotonic()
        if found:
            self.panic_text = found.group().decode(errors="replace")
        if found and PANIC_END in self.serial_tail:
            self.panic_at -= PANIC_GRACE

    def on_hmp(self, data):
        """A command line from the guest, for QEMU's human monitor."""
        self.hmp_line += data
        while b"\n" in self.hmp_line:
            line, self.hmp_line = self.hmp_line.split(b"\n", 1)
            self.tell_qmp("human-monitor-command", "hmp",
                          **{"command-line": line.decode(errors="replace")})

    def tell_qmp(self, command, label=None, **arguments):
        message = {"execute": command}
        if arguments:
            message["arguments"] = arguments
        if label:
            message["id"] = label
        try:
            self.qmp.sendall(json.dumps(message).encode() + b"\n")
        except OSError:
            pass		# QEMU is going; its exit is what will be reported

    def on_qmp(self, data):
        self.qmp_line += data
        while b"\n" in self.qmp_line:
            line, self.qmp_line = self.qmp_line.split(b"\n", 1)
            self.on_qmp_message(json.loads(line))

    def on_qmp_message(self, message):
        if "QMP" in message:
            self.tell_qmp("qmp_capabilities")
        elif message.get("event") == "SHUTDOWN":
            self.reason = self.reason or message["data"]["reason"]
        elif message.get("id") == "hmp":
            if "error" in message:
                answer = "rf-hmp-error " + message["error"]["desc"] + "\n"
            else:
                text = message["return"].replace("\r", "")
                answer = text + ("" if not text or text.endswith("\n") else "\n") + "rf-hmp-ok\n"
            try:
                self.hmp.sendall(answer.encode())
            except OSError:
                pass		# that command ended the machine

    def start(self):
        with open(os.path.join(self.logs, "qemu.log"), "wb") as log:
            self.process = subprocess.Popen(
                self.argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                pass_fds=[s.fileno() for s in self.theirs], preexec_fn=before_qemu,
                start_new_session=True)
        for sock in self.theirs:
            sock.close()

    def serve(self, deadline):
        """Until COMMAND or the machine has ended. Returns the exit status."""
        while self.status is None:
            now = time.monotonic()
            events = self.selector.select(min(1.0, max(0, deadline - now)))
            self._tell_pause(time.monotonic() - now)
            for key, _ in events:
                self._receive(key)
            self._look_at_serial()
            self._judge(deadline)
        return self.status

    @staticmethod
    def _tell_pause(seconds):
        """QEMU probably did not run either: for whoever wonders at what its machine says."""
        if seconds > STOOD_STILL:
            print(f"rf-vm: the host stood still for {seconds:.0f} s", file=sys.stderr)

    def _receive(self, key):
        try:
            data = os.read(key.fd, 65536)
        except ConnectionResetError:
            data = b""
        if data:
            key.data(data)
        else:
            self.selector.unregister(key.fileobj)

    def _judge(self, deadline):
        ended = [out.status for out in self.outputs.values()]
        if None not in ended:
            self.status = ended[0]
        elif self.process.poll() is not None:
            self._drain()
            if None not in (out.status for out in self.outputs.values()):
                self.status = self.outputs["out"].status
            else:
                self.status = self._ended_early()
        elif self.panic_at and not self.options.panic_ok and \
                time.monotonic() - self.panic_at > PANIC_GRACE:
            self.status = PANICKED
        elif time.monotonic() >= deadline:
            self.status = TIMEOUT

    def _drain(self):
        """What QEMU had written when it ended."""
        while events := self.selector.select(0):
            for key, _ in events:
                if key.fileobj != 0:
                    self._receive(key)
            if all(key.fileobj == 0 for key, _ in events):
                return

    def _ended_early(self):
        return {"guest-reset": RESET, "guest-shutdown": POWERED_OFF,
                "guest-panic": PANICKED}.get(self.reason, FAILED)

    def met_stale_int3(self):
        """QEMU ran a breakpoint that the booting kernel had taken out again: no fault of the
        kernel's, nor of COMMAND's, which had not begun."""
        with open(os.path.join(self.logs, "serial.log"), "rb") as log:
            said = log.read()
        return self.status in (PANICKED, RESET) and STALE_INT3 in said and BEGIN not in said

    def crashed(self):
        """The signal by which QEMU, not the machine, died; None."""
        code = self.process.poll()
        return next((sig for sig in CRASHES if code == -sig), None)

    def stop(self):
        """Let QEMU flush and end; bounded."""
        for out in self.outputs.values():
            out.flush()
        if self.process is None:
            return
        if self.process.poll() is None:
            self.tell_qmp("quit")
        try:
            self.process.wait(QUIT_GRACE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
