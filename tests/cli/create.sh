#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# rfm create takes all or nothing, and refuses in one line what cannot be.
# timeout: 120

. "$(dirname "$0")/common.sh"
prepare plain

out=$(RFM create web --cpus 2 --memory 1G)
is "$?" 0 "create ends with 0"
is "$out" "web is running: CPUs 1-2, 1G, kernel 6.12.0-fake" "and says what was made"
is "$(names)" "web " "it is listed"
check "its settings are kept" grep -q '"kernel": ".*/boot/vmlinuz-6.12.0-test"' "$ROOT/run/rainforest/web.json"
out=$(RFM create db --cpus 4-5 --memory 300M 2>&1)
is "$?" 0 "a list of CPUs does, too"
like "$out" "warning: .* it gets 384M" "rounding is told"
like "$out" "warning: less than 512M for each of 2 CPUs" "little memory for each CPU is told"
like "$(RFM show db)" "^cpus +4-5$" "the CPUs are those asked for"
unlike "$out" "machine check" "of a kernel that has no config beside it nothing is said"

# a kernel whose config says that it does not take machine checks; that it does; the same by a link
configured()
{
	echo "$1" >"$ROOT/boot/config-6.12.0-test"
	RFM create mce --cpus 1 --memory 128M --kernel "$ROOT/$2" 2>&1
	RFM destroy mce
}
ln -s boot/vmlinuz-6.12.0-test "$ROOT/vmlinuz"
mce="warning: kernel 6.12.0-test has no X86_MCE: a machine check resets the whole machine$"
for kernel in boot/vmlinuz-6.12.0-test vmlinuz; do
	like "$(configured "# CONFIG_X86_MCE is not set" $kernel)" "$mce" "$kernel, without X86_MCE: told"
done
is "$(configured CONFIG_X86_MCE=y vmlinuz)" "mce is running: CPUs 3, 128M, kernel 6.12.0-fake" \
	"with X86_MCE: nothing"
rm "$ROOT/boot/config-6.12.0-test"

# refusals: nothing may be left of any
refuse()
{
	status=$1 pattern=$2 what=$3
	shift 3
	refused "$status" "$pattern" "refused: $what" RFM create "$@"
}
refuse 2 "rfm: create: a name is needed" "no name" --cpus 1 --memory 1G
refuse 2 "'Web' is no name" "a capital letter" Web --cpus 1 --memory 1G
refuse 2 "'\.\./x' is no name" "a path as name" ../x --cpus 1 --memory 1G
refuse 2 "up to 31" "a name too long" a123456789b123456789c123456789d12 --cpus 1 --memory 1G
refuse 2 "one too many" "two names" a b --cpus 1 --memory 1G
refuse 2 "CPUs are needed" "no CPUs" a --memory 1G
refuse 2 "neither a number" "words for CPUs" a --cpus two --memory 1G
refuse 2 "neither a number" "an open list" a --cpus 3- --memory 1G
refuse 2 "1 to 256" "no CPU" a --cpus 0 --memory 1G
refuse 2 "below number 1024" "a CPU out of all bounds" a --cpus 2-99999 --memory 1G
refuse 3 "no CPU 9; this machine has 0-5" "a CPU that is not there" a --cpus 3,9 --memory 1G
refuse 4 "CPU 0 stays" "CPU 0" a --cpus 0-1 --memory 1G
refuse 4 "create a: CPU 4 belongs to subOS db; choose other CPUs" "a CPU that is taken" \
	a --cpus 3-4 --memory 1G
refuse 4 "3 CPUs are wanted, 1 can be had" "more CPUs than are free" a --cpus 3 --memory 1G
refuse 2 "memory is needed" "no memory" a --cpus 1
refuse 2 "no size" "words for memory" a --cpus 1 --memory lots
refuse 2 "no size" "less than nothing" a --cpus 1 --memory -1G
refuse 2 "no machine" "a number too large" a --cpus 1 --memory 99999999999T
refuse 2 "needs memory" "no byte" a --cpus 1 --memory 0
refuse 4 "2688M of memory could be had, not 3G" "more memory than there is" a --cpus 1 --memory 3G
refuse 4 "there is a subOS of this name" "a name that is taken" web --cpus 1 --memory 1G
refuse 3 "no NUMA node 7" "a node that is not there" a --cpus 1 --memory 1G --node 7
refuse 2 "one line" "two command lines" a --cpus 1 --memory 1G --append "a
b"
refuse 2 "too long" "an endless command line" a --cpus 1 --memory 1G \
	--append "$(printf '%2000s' x)"
refuse 2 "write 1 to" "a strange time" a --cpus 1 --memory 1G --timeout soon
refuse 2 "said twice" "an option twice" a --cpus 1 --cpus 2 --memory 1G
refuse 2 "'--cores' is not known" "an unknown option" a --cores 1

# files
refuse 3 "nosuch" "a kernel that is not there" a --cpus 1 --memory 1G --kernel "$T_DIR/nosuch"
echo "this is no kernel" >"$T_DIR/text"
refuse 7 "text" "a file that is no kernel" a --cpus 1 --memory 1G --kernel "$T_DIR/text"
head -c 3000 "$ROOT/boot/vmlinuz-6.12.0-test" >"$T_DIR/short"
refuse 7 "truncated" "a kernel cut short" a --cpus 1 --memory 1G --kernel "$T_DIR/short"
refuse 7 "directory" "a directory as kernel" a --cpus 1 --memory 1G --kernel "$T_DIR"
refuse 3 "there is no initrd" "an initrd that is not there" a --cpus 1 --memory 1G \
	--initrd "$T_DIR/nosuch"
: >"$T_DIR/empty"
refuse 7 "is empty" "an empty initrd" a --cpus 1 --memory 1G --initrd "$T_DIR/empty"
truncate -s 400M "$T_DIR/large"
refuse 2 "128M of memory are too little: .* need --memory 1792M" "less than kernel and initrd need" \
	a --cpus 1 --memory 128M --initrd "$T_DIR/large"
"$CLI/mkkernel" "$T_DIR/foreign" 6.99.0-foreign
refuse 7 "no rfsubos.ko for kernel 6.99.0-foreign.*--unsafe-bare" "a kernel without our module" \
	a --cpus 1 --memory 1G --kernel "$T_DIR/foreign"

# devices; 0000:00:04.0 is fit
config()
{
	printf '%b' "$2" | dd of="$ROOT/sys/devices/pci0000:00/$1/config" conv=notrunc status=none bs=1 seek="$3"
}
for bdf in 0000:00:04.0 0000:00:07.0; do
	truncate -s 256 "$ROOT/sys/devices/pci0000:00/$bdf/config"
done
refuse 4 "0000:00:04.0 has neither MSI nor MSI-X" "a device without MSI" \
	a --cpus 1 --memory 1G --pci 0000:00:04.0
config 0000:00:04.0 '\0020' 6
config 0000:00:04.0 '\0100' 52
config 0000:00:04.0 '\0001\0120' 64
config 0000:00:04.0 '\0021\0000' 80
refuse 2 "no PCI address" "a malformed address" a --cpus 1 --memory 1G --pci 4.0
refuse 2 "named twice" "a device twice" a --cpus 1 --memory 1G --pci 00:04.0 --pci 0000:00:04.0
refuse 3 "no PCI function 0000:00:1f.7" "a device that is not there" \
	a --cpus 1 --memory 1G --pci 00:1f.7
refuse 4 "is a bridge" "a bridge" a --cpus 1 --memory 1G --pci 00:01.0
refuse 4 "carries nvme0n1p1, mounted on /srv/data; umount" "a disk with a mounted file system" \
	a --cpus 1 --memory 1G --pci 00:03.0
refuse 4 "carries nvme1n1, in use as swap" "a disk that is swapped to" \
	a --cpus 1 --memory 1G --pci 00:05.0
refuse 4 "eth0, which is up" "a network card at work" a --cpus 1 --memory 1G --pci 00:06.0
cp "$ROOT/sys/devices/pci0000:00/0000:00:04.0/config" "$ROOT/sys/devices/pci0000:00/0000:00:07.0/"
refuse 4 "cannot be reset" "a device that cannot be reset" a --cpus 1 --memory 1G --pci 00:07.0
refuse 4 "translating IOMMU" "a device behind an IOMMU" a --cpus 1 --memory 1G --pci 00:08.0
RFM destroy db
check "a fit device is given" RFM create disk --cpus 1 --memory 512M --pci 00:04.0
refuse 4 "0000:00:04.0 belongs to disk" "a device that is taken" \
	a --cpus 1 --memory 1G --pci 00:04.0
is "$(names)" "web disk " "none of these left anything"
RFM destroy --all
is "$(names)" "" "destroy --all leaves nothing"
is "$(ls "$ROOT/run/rainforest")" "" "no settings either"

# what the module says becomes the message; whatever fails, all is undone
for step in create=12 cpus=16 memory=62 pci=95 load=22 start=5; do
	FAKE=RFM_FAKE_FAIL=$step
	RFM create a --cpus 1 --memory 1G --pci 00:04.0 >/dev/null 2>"$T_DIR/err"
	case $? in
	0) not_ok "a failure of ${step%=*} is a failure" ;;
	*) ok "a failure of ${step%=*} is a failure" ;;
	esac
	is "$(wc -l <"$T_DIR/err") $(names)" "1 " "told in one line, nothing left"
done
# create would fail in another way: nothing may be begun for a line that will not do
FAKE=RFM_FAKE_FAIL=create=12
refuse 2 "create a: the parameter maxcpus= contradicts ours" "an --append that contradicts ours" \
	a --cpus 1 --memory 1G --append maxcpus=3
FAKE=RFM_FAKE_FAIL=cpus=5
refuse 8 "core 3 did not answer; rfm resources shows" "a core that does not answer" a --cpus 1 --memory 1G
FAKE=RFM_FAKE_ABI=77
refuse 7 "module 9.9-fake has ABI 77.$WIRE, rfm .* has ABI 3.$WIRE; install both" \
	"another version of the module" a --cpus 1 --memory 1G

# waiting
FAKE=RFM_FAKE_BOOT=crash
refuse 1 "crashed before its init ran: panic: .x1b.31mNo init.xff found; .* rfm log a, then rfm destroy a" \
	"a kernel that panics" a --cpus 1 --memory 1G
is "$(names)" "a " "and it stays to be looked at"
FAKE=RFM_FAKE_BOOT=hang
refuse 6 "init does not run after 1 s; .* rfm log b" "a boot that never ends" \
	b --cpus 1 --memory 1G --timeout 1
check "--no-wait returns at once" RFM create c --cpus 1 --memory 512M --no-wait
RFM destroy --all

# Ctrl-C, before the start and after it
interrupt()
{
	rm -f "$STATE.blocked"
	FAKE=$1
	RFM create a --cpus 1 --memory 1G 2>"$T_DIR/err" &
	pid=$!
	eventually 10 test -e "$2" || diag "never came to it"
	# the tool is the child of the shell function's process
	kill -INT "$(pgrep -P $pid -x rfm || echo $pid)"
	wait $pid
	is "$?" 130 "Ctrl-C $3: exit code 130"
	FAKE=RFM_FAKE_BOOT=run
	is "$(names)" "" "and nothing is left"
}
interrupt RFM_FAKE_BLOCK=memory "$STATE.blocked" "while memory is taken"
interrupt RFM_FAKE_BLOCK=cpus "$STATE.blocked" "while CPUs are taken"
interrupt RFM_FAKE_BOOT=hang "$ROOT/run/rainforest/a.json" "while it boots"
like "$(cat "$T_DIR/err")" "everything was given back" "which is said"

# --dry-run
FAKE=RFM_FAKE_BOOT=run
RFM create web --cpus 1-2 --memory 1G >/dev/null
RFM create a --cpus 0-2,9 --memory 9G --pci 00:01.0 --pci 00:1f.0 --dry-run >"$T_DIR/out" 2>"$T_DIR/err"
is "$?" 4 "a dry run ends with the code of the first conflict"
for what in "CPU 0 stays" "CPU 1 belongs to subOS web" "CPU 2 belongs to subOS web" "no CPU 9" \
	"is a bridge" "no PCI function" "of memory could be had, 9G are wanted"; do
	check "it names every conflict: $what" grep -q "$what" "$T_DIR/err"
done
is "$(RFM create a --cpus 2 --memory 1G --dry-run)" \
	"nothing stands in the way of a: 2 CPUs, 1G, 0 PCI functions" "or says that there is none"
is "$(RFM create a --cpus 0-1 --memory 1G --dry-run --json | grep -c exit_code)" 2 "in JSON, too"
# What the module alone can tell comes as well, though the tool found conflicts before.
echo 0 >"$ROOT/sys/devices/system/cpu/cpu2/online"
echo 0 >"$ROOT/sys/devices/system/cpu/cpu4/online"
FAKE=RFM_FAKE_FAIL=cpus=16,pci=16
RFM create web --cpus 0,2-4 --memory 99G --pci 00:01.0 --pci 00:04.0 --pci 00:06.0 --dry-run \
	2>"$T_DIR/err"
for what in "there is a subOS of this name" "CPU 0 stays" "CPU 2 belongs to subOS web" \
	"CPU 4 is off line" "CPUs: core 3 did not answer" "could be had, 99G are wanted" "is a bridge" \
	"0000:00:04.0: the function's driver does not let it go" "eth0, which is up"; do
	check "with the module's: $what" grep -q "$what" "$T_DIR/err"
done
is "$(wc -l <"$T_DIR/err")" 9 "each of them once"
FAKE=RFM_FAKE_BOOT=run
refuse 4 "CPU 4 is off line .*echo 1 >/sys/devices/system/cpu/cpu4/online" "a CPU that is off line" \
	a --cpus 3-4 --memory 1G --dry-run
rm "$ROOT"/sys/devices/system/cpu/cpu*/online
RFM create a --cpus 0-0 --memory 1G --kernel "$T_DIR/text" --initrd "$T_DIR/nosuch" \
	--dry-run --json 2>"$T_DIR/err" | grep '"text"' >"$T_DIR/out"
like "$(cat "$T_DIR/out")" "/text is no Linux kernel" "in JSON: what is wrong with the kernel"
like "$(cat "$T_DIR/out")" "there is no initrd .*/nosuch" "with the initrd"
like "$(cat "$T_DIR/out")" "CPU 0 stays" "and what comes after it"
is "$(cat "$T_DIR/err")" "" "all of it there"
is "$(names)" "web " "a dry run takes nothing"

# What takes long says on a terminal what it is doing, in one line, which is gone in the end.
# on_terminal WORDS: what comes there; a line for each return to its beginning
on_terminal()
{
	script -qec "env RFM_FAKE='$STATE' LD_PRELOAD='$T_DIR/fakedev.so' '$FAKE' \
		'$T_TOP/build/rfm' --sysroot '$ROOT' $*" /dev/null </dev/null |
		tr -d '\n' | tr '\r' '\n' | sed 's/\x1b\[K/<erased>/'
}
out=$(on_terminal create p --cpus 1 --memory 512M)
for step in "reading .*/vmlinuz-" "taking 1 CPUs" "taking memory, 512M" "handing over .*/vmlinuz-" \
	"starting" "booting, 0 s"; do
	like "$out" "^<erased>p: $step" "on a terminal: $step"
done
is "$(echo "$out" | grep -c '^<erased>')" "$(echo "$out" | grep -c .)" "each erases the one before"
like "$(echo "$out" | tail -n 1)" "^<erased>p is running: " "and the result the last"
is "$(on_terminal destroy p)" "
<erased>p: shutting down, then destroying
<erased>" "what says nothing leaves nothing"
FAKE=RFM_FAKE_FAIL=memory=62
like "$(on_terminal create p --cpus 1 --memory 512M | tail -n 1)" "^<erased>rfm: create p: memory was told" \
	"an error erases it, too"
FAKE=RFM_FAKE_BOOT=run
is "$(RFM create p --cpus 1 --memory 512M 2>&1 >/dev/null)" "" "control: without a terminal nothing"
is "$(on_terminal "destroy p 2>'$T_DIR/err'")$(cat "$T_DIR/err")" "" \
	"nor where only the output is on one"

# a kernel without our module
out=$(RFM create b --cpus 1 --memory 1G --kernel "$T_DIR/foreign" --unsafe-bare 2>&1)
is "$?" 0 "--unsafe-bare boots any kernel"
like "$out" "warning: --unsafe-bare" "with a warning"
like "$(RFM list)" "^b .*\(bare\)" "and the list says so"

# configuration file
cat >"$T_DIR/conf" <<END
# a comment
[subos]
name = fromfile
cpus = 2
memory = 1G
append = quiet loglevel=3
END
check "a configuration file does" RFM create -f "$T_DIR/conf" --cpus 1
like "$(RFM show fromfile)" "^append +quiet loglevel=3$" "what it says counts"
like "$(RFM show fromfile)" "^on line +1 of 1$" "the command line counts more"
printf '[subos]\nname = x\ncolour = green\n' >"$T_DIR/conf"
refuse 2 "conf:3: not one of name, .*: 'colour'" "an unknown key, with its line" -f "$T_DIR/conf"
printf '[subos]\nname = x\nname = y\n' >"$T_DIR/conf"
refuse 2 "conf:3: set twice: 'name'" "a key twice" -f "$T_DIR/conf"
printf 'name = x\n' >"$T_DIR/conf"
refuse 2 "conf:1: \[subos\] must come" "no section" -f "$T_DIR/conf"
refuse 3 "nosuch" "a configuration file that is not there" -f "$T_DIR/nosuch"

# no module
refused 7 "rfcontroller is not loaded; modprobe rfcontroller" "refused: the module is not loaded" \
	env "$T_TOP/build/rfm" --sysroot "$ROOT" create a --cpus 1 --memory 1G

done_testing
