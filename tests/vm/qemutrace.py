# SPDX-License-Identifier: GPL-2.0-only
"""Reads traces of QEMU 7.2.

usage: python3 qemutrace.py ipi TRACE THREADS CPU... [APICID:VECTOR]
       python3 qemutrace.py ports TRACE CPU...

ipi: TRACE holds apic_mem_writel with QEMU's -msg timestamp=on, so that each line
begins with the thread of the core that wrote; THREADS is what "info cpus" said.
Prints for the named cores, taken as one kernel's: how many interrupts they sent
to others, how many of them with a shorthand (all, all but self), and the APIC
ids of the others; what went to the doorbell APICID:VECTOR is told apart.
"apic_deliver_irq" would not show interrupts between cores.

ports: TRACE holds memory_region_ops_read and _write. Prints each port that the
named cores touched, with r or w, and how often.
"""

import collections
import re
import sys

THREAD = re.compile(r"CPU #(\d+): thread_id=(\d+)")
WRITE = re.compile(r"^(\d+)@[\d.]+:apic_mem_writel 0x(3[01]0) = 0x([0-9a-f]+)")
PORT = re.compile(r"memory_region_ops_(read|write) cpu (\d+) mr \S+ addr 0x([0-9a-f]+) value \S+"
                  r" size (\d)")
SELF, ALL, OTHERS = 1, 2, 3
LOGICAL = 1 << 11
NOT_VECTOR = 0xfff00 & ~(1 << 14)	# all but the vector, and the level bit, which is set


def interrupts(trace, threads, cpus, doorbell):
    with open(threads, encoding="utf-8") as src:
        cpu_of = {thread: int(cpu) for cpu, thread in THREAD.findall(src.read())}
    target = {}
    sent = shorthand = doorbells = 0
    targets = set()
    with open(trace, encoding="utf-8", errors="replace") as src:
        for line in src:
            found = WRITE.match(line)
            if not found or cpu_of.get(found[1]) not in cpus:
                continue
            value = int(found[3], 16)
            if found[2] == "310":
                target[found[1]] = value >> 24
                continue
            kind = value >> 18 & 3
            if kind == SELF:
                continue
            if not value & NOT_VECTOR and f"{target.get(found[1])}:{value & 0xff}" == doorbell:
                doorbells += 1
                continue
            sent += 1
            if kind in (ALL, OTHERS):
                shorthand += 1
            elif value & LOGICAL:
                targets.add(f"logical:{target.get(found[1]):#x}")
            else:
                targets.add(str(target.get(found[1])))
    rung = f" doorbells={doorbells}" if doorbell else ""
    print(f"sent={sent} shorthand={shorthand} targets={','.join(sorted(targets)) or '-'}{rung}")


def ports(trace, cpus):
    touched = collections.Counter()
    with open(trace, encoding="utf-8", errors="replace") as src:
        for line in src:
            found = PORT.search(line)
            if not found or int(found[2]) not in cpus or int(found[3], 16) > 0xffff:
                continue
            for byte in range(int(found[4])):
                touched[int(found[3], 16) + byte, found[1][0]] += 1
    for (port, way), count in sorted(touched.items()):
        print(f"{port:04x} {way} {count}")


if sys.argv[1] == "ipi":
    bells = [word for word in sys.argv[4:] if ":" in word]
    interrupts(sys.argv[2], sys.argv[3], {int(cpu) for cpu in sys.argv[4:] if ":" not in cpu},
               bells[0] if bells else None)
else:
    ports(sys.argv[2], {int(cpu) for cpu in sys.argv[3:]})
