# SPDX-License-Identifier: GPL-2.0-only
"""A writer of cpio archives (newc), as the kernel takes them for its initramfs."""

import os
import stat


class Archive:
    """Collects files in memory-friendly pieces; parent directories come by themselves."""

    def __init__(self, out):
        self.out = out
        self.ino = 0
        self.seen = set()

    def _pad(self, size):
        self.out.write(b"\0" * (-size % 4))

    def _entry(self, name, mode, data=b"", rdev=(0, 0)):
        self.ino += 1
        raw = name.encode() + b"\0"
        fields = (self.ino, mode, 0, 0, 1, 0, len(data), 0, 0, *rdev, len(raw), 0)
        self.out.write(b"070701" + b"".join(b"%08X" % f for f in fields))
        self.out.write(raw)
        self._pad(110 + len(raw))
        self.out.write(data)
        self._pad(len(data))

    def _new(self, path):
        """The normalised name, or None when it is there already."""
        name = os.path.normpath(path).lstrip("/")
        if name in ("", ".") or name in self.seen:
            return None
        parent = os.path.dirname(name)
        if parent:
            self.directory(parent)
        self.seen.add(name)
        return name

    def directory(self, path, mode=0o755):
        name = self._new(path)
        if name:
            self._entry(name, stat.S_IFDIR | mode)

    def data(self, path, data, mode=0o644):
        name = self._new(path)
        if name:
            self._entry(name, stat.S_IFREG | mode, data)

    def symlink(self, path, target):
        name = self._new(path)
        if name:
            self._entry(name, stat.S_IFLNK | 0o777, target.encode())

    def device(self, path, major, minor, mode=0o600):
        name = self._new(path)
        if name:
            self._entry(name, stat.S_IFCHR | mode, rdev=(major, minor))

    def file(self, path, source):
        """A file, a symbolic link or a whole directory of the host."""
        info = os.lstat(source)
        if stat.S_ISLNK(info.st_mode):
            self.symlink(path, os.readlink(source))
        elif stat.S_ISDIR(info.st_mode):
            self.directory(path, stat.S_IMODE(info.st_mode))
            for entry in sorted(os.listdir(source)):
                self.file(os.path.join(path, entry), os.path.join(source, entry))
        elif stat.S_ISREG(info.st_mode):
            with open(source, "rb") as src:
                self.data(path, src.read(), stat.S_IMODE(info.st_mode))

    def close(self):
        self.ino = -1
        self._entry("TRAILER!!!", 0)
        self.out.write(b"\0" * (-self.out.tell() % 512))
