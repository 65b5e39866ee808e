# SPDX-License-Identifier: GPL-2.0-only
"""What stands in the test machine's root: busybox, kmod, rfm, kernels, our modules."""

import functools
import os
import shutil
import subprocess

from cpio import Archive

# Modules of the stock kernel that tests load, each with all that it depends on.
STOCK_MODULES = (
    "virtio_net", "virtio_blk", "virtio-rng", "virtio_balloon", "tun", "vhost_net",
    "vhost_vsock", "vsock_loopback", "vmw_vsock_virtio_transport", "overlay", "loop", "squashfs",
    "fuse", "msr", "cpuid", "kvm", "kvm-amd", "kvm-intel", "vfio-pci", "vfio_iommu_type1",
    "e1000e", "e1000", "dummy", "veth",
)
MODULE_INDEXES = ("modules.order", "modules.builtin", "modules.builtin.modinfo")
KMOD_NAMES = ("modprobe", "insmod", "rmmod", "lsmod", "modinfo", "depmod")


class ImageError(Exception):
    """Something that the root needs is not there; the text says what to do."""


def shared_libraries(path):
    """Paths of the dynamic linker and libraries of an ELF program; none for other files."""
    with open(path, "rb") as src:
        if src.read(4) != b"\x7fELF":
            return []
    run = subprocess.run(["ldd", path], capture_output=True, text=True, check=False)
    libs = []
    for line in run.stdout.splitlines():
        words = line.split()
        for word in words:
            if word.startswith("/"):
                libs.append(word)
                break
        else:
            if "not found" in line:
                raise ImageError(f"{path}: {words[0]} is not on this host")
    return libs


def library(soname):
    """Path of one that a program loads by itself."""
    run = subprocess.run(["/sbin/ldconfig", "-p"], capture_output=True, text=True, check=False)
    for line in run.stdout.splitlines():
        if line.split()[:1] == [soname] and "x86-64" in line:
            return line.split()[-1]
    raise ImageError(f"{soname}: not on this host")


def module_name(path):
    return os.path.basename(path).split(".ko")[0].replace("-", "_")


def module_closure(moddir, names):
    """Paths, relative to moddir, of the named modules and their dependencies."""
    deps = {}
    with open(os.path.join(moddir, "modules.dep"), encoding="ascii") as src:
        for line in src:
            path, needs = line.rstrip("\n").split(":", 1)
            deps[module_name(path)] = (path, [module_name(n) for n in needs.split()])
    wanted, todo = set(), [n.replace("-", "_") for n in names]
    while todo:
        name = todo.pop()
        if name in deps and deps[name][0] not in wanted:
            wanted.add(deps[name][0])
            todo += deps[name][1]
    return sorted(wanted)


def stage_modules(root, kernel_dir, release, build, names, whole):
    """Make root/lib/modules/RELEASE and index it."""
    src = os.path.join(kernel_dir, "lib/modules", release)
    dst = os.path.join(root, "lib/modules", release)
    os.makedirs(dst, exist_ok=True)
    for index in MODULE_INDEXES:
        if os.path.exists(os.path.join(src, index)):
            shutil.copy(os.path.join(src, index), dst)
    if whole:
        shutil.copytree(os.path.join(src, "kernel"), os.path.join(dst, "kernel"))
    else:
        for path in module_closure(src, names):
            os.makedirs(os.path.dirname(os.path.join(dst, path)), exist_ok=True)
            shutil.copy(os.path.join(src, path), os.path.join(dst, path))
    for ours in our_modules(build, release):
        os.makedirs(os.path.join(dst, "updates"), exist_ok=True)
        shutil.copy(ours, os.path.join(dst, "updates"))
    subprocess.run(["depmod", "-b", root, release], check=True)


def our_modules(build, release):
    """The modules that make put into build/RELEASE."""
    folder = os.path.join(build, release)
    if not os.path.isdir(folder):
        return []
    return sorted(os.path.join(folder, f) for f in os.listdir(folder) if f.endswith(".ko"))


def add_rfstale(initrd, build, releases):
    """The default initrd of a subOS loads rfstale.ko first, as our own init does."""
    with open(initrd, "ab") as out:
        more = Archive(out)
        more.data("etc/rc", b"#!/bin/sh\nmod=/lib/rfstale-$(uname -r).ko\n"
                            b"[ ! -e $mod ] || insmod $mod\n", 0o755)
        for release in releases:
            module = os.path.join(build, release, "rfstale.ko")
            if os.path.exists(module):
                more.file(f"lib/rfstale-{release}.ko", module)
        more.close()


class Root:
    """Fills the archive of one test machine."""

    def __init__(self, out, build, scratch):
        self.archive = Archive(out)
        self.build = build
        self.scratch = scratch

    def program(self, path, source):
        """A file, and for a dynamic program the libraries that it needs."""
        if not os.path.exists(source):
            raise ImageError(f"{source}: no such file")
        source = os.path.realpath(source)
        self.archive.file(path, source)
        if os.path.isfile(source):
            for lib in shared_libraries(source):
                with open(lib, "rb") as src:
                    self.archive.data(lib, src.read(), 0o755)

    def base(self):
        for folder in ("proc", "sys", "dev", "run", "tmp", "root", "mnt", "newroot", "var"):
            self.archive.directory(folder)
        self.archive.device("dev/console", 5, 1)
        self.archive.device("dev/null", 1, 3, 0o666)
        self.archive.symlink("var/run", "../run")
        self.archive.data("etc/passwd", b"root:x:0:0:root:/root:/bin/sh\n")
        self.archive.data("etc/group", b"root:x:0:\n")
        self._busybox()
        self.program("bin/kmod", find_program("kmod"))
        # Not modprobe yet (init makes it): the booting kernel calls it a dozen times, for
        # nothing that is here, which takes a second under QEMU.
        for name in KMOD_NAMES[1:]:
            self.archive.symlink(f"sbin/{name}", "../bin/kmod")
        here = os.path.dirname(os.path.abspath(__file__))
        self.archive.file("init", os.path.join(here, "init"))
        self.archive.file("usr/bin/hmp", os.path.join(here, "hmp"))

    def _busybox(self):
        busybox = find_program("busybox")
        if shared_libraries(busybox):
            raise ImageError("busybox is not static: apt-get install busybox-static")
        self.archive.file("bin/busybox", busybox)
        for name in busybox_applets(busybox):
            if name not in KMOD_NAMES:
                self.archive.symlink(f"bin/{name}", "busybox")

    def kernel(self, kernel_dir, release, extra, whole, image):
        """A kernel's image, where rfm looks for it, and its modules."""
        self.archive.file(f"boot/vmlinuz-{release}", image)
        stage = os.path.join(self.scratch, "modules")
        stage_modules(stage, kernel_dir, release, self.build, STOCK_MODULES + tuple(extra), whole)
        self.archive.file(f"lib/modules/{release}", os.path.join(stage, "lib/modules", release))
        for name in ("ficm.ko", "rfsubos.ko", "rfcom.ko", "rfcom_vsock.ko", "rfvirtio.ko",
                     "rfloop.ko"):
            module = os.path.join(self.build, release, name)
            if os.path.exists(module):
                self.archive.file(f"usr/lib/rainforest/modules/{release}/{name}", module)

    def rainforest(self, releases):
        """What make install would put there, as far as it has been built."""
        for path, name in (("usr/lib/rainforest/init", "rfinit"), ("usr/lib/rainforest/agent", "rfagent"),
                           ("usr/lib/rainforest/rfbackend", "rfbackend"),
                           ("usr/sbin/rfm", "rfm")):
            source = os.path.join(self.build, name)
            if os.path.isfile(source):
                self.program(path, source)
        libkmod = library("libkmod.so.2")
        self.program(libkmod, libkmod)
        default = os.path.join(self.build, "initrd-default")
        if os.path.isfile(default):
            staged = os.path.join(self.scratch, "initrd-default")
            shutil.copy(default, staged)
            add_rfstale(staged, self.build, releases)
            self.archive.file("usr/lib/rainforest/initrd-default", staged)

    def close(self):
        self.archive.close()


@functools.lru_cache(maxsize=None)
def find_program(name):
    path = shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin:/usr/bin:/bin")
    if not path:
        raise ImageError(f"{name} is not on this host: run tools/setup")
    return os.path.realpath(path)


def busybox_applets(busybox):
    run = subprocess.run([busybox, "--list"], capture_output=True, text=True, check=True)
    return [name for name in run.stdout.split() if name != "busybox"]
