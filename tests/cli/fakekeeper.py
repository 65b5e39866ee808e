#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Plays rfbackend for tests of rfm: it keeps a list, and serves nothing.

FAKE_KEEPER_REFUSE=WORD: what has WORD in it is refused. Ends with the file of the subOS's
settings, or after a minute.
"""

import os
import select
import socket
import sys
import time


def answer(devices, request, refuse):
    """(errno, text) for a request."""
    verb, _, rest = request.partition(" ")
    if verb == "list":
        return 0, "".join(f"{d}\t{k}\toffered\t{t}\n" for d, k, t in devices)
    if verb == "add":
        kind, _, text = rest.partition(" ")
        if refuse and refuse in text:
            return 16, f"{text} was refused; take another"
        number = sum(1 for d in devices if d[1] == kind)
        devices.append(("root" if kind == "root" else f"{kind}{number}", kind, text))
        return 0, ""
    for device in devices:
        if verb == "remove" and device[0] == rest:
            devices.remove(device)
            return 0, ""
    return 2, f"it has no device {rest}; rfm device list shows them"


def serve(listener, settings):
    """Until the subOS has ended."""
    devices, clients, seen, end = [], [], False, time.monotonic() + 60
    refuse = os.environ.get("FAKE_KEEPER_REFUSE", "")
    while time.monotonic() < end:
        there = os.path.exists(settings)
        if seen and not there:
            break
        seen = seen or there
        ready, _, _ = select.select([listener, *clients], [], [], 0.02)
        for sock in ready:
            if sock is listener:
                clients.append(sock.accept()[0])
                continue
            request = sock.recv(65536).decode()
            if not request:
                clients.remove(sock)
                sock.close()
                continue
            err, text = answer(devices, request, refuse)
            sock.send(f"{err} {text}".encode())


def main():
    run, name = sys.argv[2], sys.argv[3]
    directory = os.path.join(run, name)
    os.makedirs(directory, exist_ok=True)
    path = os.path.join(directory, "backend.sock")
    if os.path.exists(path):
        os.unlink(path)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    listener.bind(path)
    listener.listen(8)
    if os.fork():
        return
    for fd in (0, 1, 2):
        os.dup2(os.open("/dev/null", os.O_RDWR), fd)
    serve(listener, os.path.join(run, f"{name}.json"))
    os.unlink(path)
    os.rmdir(directory)


if __name__ == "__main__":
    os.environ.pop("LD_PRELOAD", None)
    main()
