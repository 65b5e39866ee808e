#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# make install into a directory: what the test machine has, whole sets of modules, a library that
# pkg-config finds, a manual page for each function; make uninstall takes all of it away.
# timeout: 300

. "$(dirname "$0")/../lib.sh"
need_build

ROOT=$T_DIR/root
rm -rf "$T_DIR"
mkdir -p "$T_DIR"

# What another make says to its children is not for this one.
# shellcheck disable=SC2317 # called through check
MAKE()
{
	env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL make -s -C "$T_TOP" "$@"
}
t_run MAKE install "DESTDIR=$ROOT"
is "$t_status" 0 "make install ends with 0"
[ "$t_status" -eq 0 ] || diag "$t_out"

# --- what the test machine has ---
# The machine's archive is filled with a list in its place.
cat >"$T_DIR/compare.py" <<'END'
import glob, os, re, subprocess, sys
top, root = sys.argv[1:]
sys.path.insert(0, os.path.join(top, "tools/vm"))
sys.dont_write_bytecode = True
import initramfs

class Listing:
    def __init__(self):
        self.files = {}
    def file(self, path, source, *_):
        self.files[path] = source
    def data(self, *_):
        pass

def said(what, odd):
    if odd:
        print(f"{what}: {' '.join(sorted(odd))}")

def content(path):
    with open(path, "rb") as src:
        return src.read()

def installed(pattern):
    return {os.path.relpath(p, root) for p in glob.glob(os.path.join(root, pattern))
            if os.path.isfile(p)}

def names(paths):
    return {os.path.basename(p)[:-3] for p in paths}

def needs(path):
    run = subprocess.run(["/sbin/modinfo", "-F", "depends", os.path.join(root, path)],
                         capture_output=True, text=True, check=True)
    return set(run.stdout.strip().split(",")) & ours

build = os.path.join(top, "build")
releases = [r for r in os.listdir(build) if os.path.exists(f"{build}/{r}/rfsubos.ko") and
            (os.path.exists(f"/usr/src/linux-headers-{r}") or os.path.exists(f"/lib/modules/{r}/build"))]
machine = initramfs.Root(None, build, os.path.join(os.path.dirname(root), "scratch"))
os.makedirs(machine.scratch, exist_ok=True)
machine.archive = Listing()
initramfs.stage_modules = lambda *_: None
machine.rainforest([])
for release in releases:
    machine.kernel("", release, [], False, "")
there = {p: s for p, s in machine.archive.files.items() if "rainforest" in p or p.endswith("/rfm")}
here = {re.sub("^usr/local/sbin", "usr/sbin", p): p
        for p in installed("usr/lib/rainforest/**") | installed("usr/lib/rainforest/modules/*/*") |
        installed("usr/local/sbin/*")}
print(f"compared: {len(set(there) & set(here))} files, {len(releases)} kernels")
said("in the machine only", set(there) - set(here))
said("installed only", set(here) - set(there))
said("different", {p for p in set(there) & set(here) if p != "usr/lib/rainforest/initrd-default" and
                   content(there[p]) != content(os.path.join(root, here[p]))})

kbuild = content(os.path.join(top, "tests/mod/Kbuild")).decode()
for_tests = set(re.findall(r"^obj-m\s.*?(\w+)\.o$", kbuild, re.M))
for release in releases:
    ours = names(glob.glob(f"{build}/{release}/*.ko"))
    host = installed(f"lib/modules/{release}/updates/*")
    subos = installed(f"usr/lib/rainforest/modules/{release}/*")
    said("never installed", ours - for_tests - names(host | subos))
    said("of the tests", names(host | subos) & for_tests)
    for which in (host, subos):
        said("missing", {n for path in which for n in needs(path)} - names(which))
END
out=$(python3 "$T_DIR/compare.py" "$T_TOP" "$ROOT" 2>&1)
like "$out" '^compared: [1-9][0-9]+ files, [1-9]' "what stands where in the test machine is known"
is "$(echo "$out" | sed 1d)" "" \
	"installed is what the test machine has, in whole sets, and nothing of the tests"
rm "$ROOT/usr/lib/rainforest/agent" "$ROOT"/lib/modules/*/updates/rfcom.ko
echo more >>"$ROOT/usr/lib/rainforest/init"
out=$(python3 "$T_DIR/compare.py" "$T_TOP" "$ROOT" 2>&1)
like "$out" '^in the machine only: usr/lib/rainforest/agent$' "control: a file that is missing is noticed"
like "$out" '^different: usr/lib/rainforest/init$' "control: a file that is another one, too"
like "$out" '^missing: rfcom$' "control: and a module that another one needs"

# --- the library ---
export PKG_CONFIG_PATH="$ROOT/usr/local/lib/pkgconfig" PKG_CONFIG_SYSROOT_DIR="$ROOT"
lib=$ROOT/usr/local/lib/librainforest.so
cat >"$T_DIR/prog.c" <<'END'
#include <errno.h>
#include <rainforest.h>
#include <stdio.h>

int main(void)
{
	int channel = rf_open("nobody", "nothing", 0, 0);

	printf("%d, there is no device: %d\n", channel, errno == ENOENT || errno == ENODEV);
	return 0;
}
END
# shellcheck disable=SC2046 # words
check "a program compiles with what pkg-config says" "${CC:-gcc}" -Wall -Wextra -Werror \
	-o "$T_DIR/prog" "$T_DIR/prog.c" $(pkg-config --cflags --libs librainforest)
"${CC:-gcc}" -o "$T_DIR/no" "$T_DIR/prog.c" 2>"$T_DIR/err"
like "$(cat "$T_DIR/err")" 'rainforest.h: No such file' "control: without that it does not"
is "$(pkg-config --modversion librainforest)" "$(sed -n 's/^VERSION := //p' "$T_TOP/Makefile")" \
	"pkg-config has the version"
like "$(readelf -d "$T_DIR/prog")" 'NEEDED.*\[librainforest\.so\.0\]' "it needs the shared library by its soname"
is "$(LD_LIBRARY_PATH=$ROOT/usr/local/lib "$T_DIR/prog")" "-1, there is no device: 1" \
	"it runs with it"
# What the header declares, what the library offers, what a page is for: one and the same.
sed -n 's/^[a-z].*[ *]\(rf_[a-z]*\)(.*/\1/p' "$ROOT/usr/local/include/rainforest.h" | sort >"$T_DIR/declared"
nm -D --defined-only "$lib" | sed -n 's/.* T //p' | sort >"$T_DIR/offered"
is "$(wc -l <"$T_DIR/declared")" 9 "nine functions are declared"
is "$(cat "$T_DIR/offered")" "$(sed 's/$/@@RAINFOREST_0.1/' "$T_DIR/declared")" \
	"the library offers these, with a version, and nothing else"
is "$(nm -D --defined-only "$lib" | grep -vc ' [TA] ')" 0 "no data either"
cd "$ROOT/usr/local/share/man/man3" || bail "no manual pages"
is "$(printf '%s\n' *)" "$(sed 's/$/.3/' "$T_DIR/declared")" "each has a manual page, and no page is left over"
is "$(while read -r name; do
	grep -A 1 '^\.SH NAME' "$name.3" | tail -n 1 | sed 's/ .*//'
	sed -n '/^\.SH SYNOPSIS/,/^\.SH DESC/p' "$name.3" | tr -d '\134' | grep -o "$name(" | head -n 1
done <"$T_DIR/declared")" "$(sed 'p; s/$/(/' "$T_DIR/declared")" "of its name, with how it is called"
cd "$T_TOP" || bail "the tree is gone"

# --- and away with it ---
check "make uninstall ends with 0" MAKE uninstall "DESTDIR=$ROOT"
is "$(find "$ROOT" ! -type d)" "" "and leaves no file"

# --- for clangd ---
cp -a compile_commands.json "$T_DIR/" 2>/dev/null
check "make compile_commands.json ends with 0" MAKE -o all compile_commands.json
mv compile_commands.json "$T_DIR/commands"
[ ! -e "$T_DIR/compile_commands.json" ] || mv "$T_DIR/compile_commands.json" .
# Each source file of the product is in it; the first of rfm's is compiled as it says.
find backend exec ficm kernel rfcom rfcontroller rfloop rfm virtio -name '*.c' | sort >"$T_DIR/sources"
python3 - "$T_DIR/commands" "$T_TOP" >"$T_DIR/named" 2>&1 <<'END'
import json, os, shlex, subprocess, sys
path, top = sys.argv[1:]
with open(path, encoding="utf-8") as src:
    entries = json.load(src)
for e in entries:
    if not os.path.isdir(e["directory"]) or e["file"] not in shlex.split(e["command"])[-1:] + \
       [os.path.realpath(os.path.join(e["directory"], w)) for w in shlex.split(e["command"])]:
        print("odd:", e["file"])
names = sorted(os.path.relpath(e["file"], top) for e in entries)
print("\n".join(n for n in names if n.endswith(".c") and not n.startswith("tests/")))
one = next(e for e in entries if e["file"].endswith("rfm/units.c"))
subprocess.run(shlex.split(one["command"]) + ["-fsyntax-only"], cwd=one["directory"], check=True)
END
is "$(diff "$T_DIR/sources" "$T_DIR/named")" "" "it parses, and has each source file of the product"

done_testing
