#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# rfm exec and rfm cp on real kernels: commands in two subOSes, one of which went to
# another root; that nobody else is served, that a liar harms nobody, and what is said
# when a subOS ends in the middle. tests/cli/exec.sh and cp.sh have the finer points.
# timeout: 600 900
# beside
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
need_build

# An init that goes to another root, which becomes the default one's.
rm -rf "$T_DIR/more"
mkdir -p "$T_DIR/more/usr/bin"
${CC:-gcc} -std=gnu11 -D_GNU_SOURCE -static -O2 -Wall -Wextra -I"$T_TOP/include/uapi" \
	-I"$T_TOP/rfcom/lib" -I"$T_TOP/exec" -o "$T_DIR/more/usr/bin/liar" \
	"$T_TOP/tests/cli/liar.c" "$T_TOP/exec/proto.c" "$T_TOP/exec/chan.c" \
	"$T_TOP/rfcom/lib/rainforest.c" || bail "the liar does not compile"
(cd "$T_DIR/more" && cpio -i --quiet init <"$T_TOP/build/initrd-default" && mv init init.real) ||
	bail "the default initrd has no init"
cat >"$T_DIR/more/init" <<'END'
#!/bin/busybox sh
/bin/busybox mount -t tmpfs -o mode=755 root /mnt
cd /mnt
/bin/busybox mkdir proc sys dev run tmp root mnt
/bin/busybox cp -a /bin /sbin /lib /etc /usr /init.real .
echo "the real root" >real
exec /bin/busybox switch_root /mnt /init.real
END
chmod 755 "$T_DIR/more/init"

run_guest --smp 4 --copy "$T_TOP/tests/vm/lifecycle.lib:/rf/lifecycle.lib" \
	--copy "$T_DIR/more:/rf/more" <<'END'
. /rf/lifecycle.lib
exec </dev/null
refused 125 "exec a: the module rfcom is not loaded; modprobe rfcom" "without the module" \
	rfm exec a true
modprobe rfcom
modprobe rfcontroller
refused 125 "exec a: there is no subOS of this name" "without a subOS" rfm exec a true
refused 3 "cp a: there is no subOS of this name" "nor for cp" rfm cp a:/x /run
mkdir -p /run/more
cp -a /rf/more/. /run/more
cp /rf/more/usr/bin/liar /usr/bin
initrd_more
mv /run/initrd /run/initrd-a
check "a starts, and goes to another root" rfm create a --cpus 1-1 --memory 256M \
	--initrd /run/initrd-a
is_there() { [ "$(rfm exec a cat /real 2>&1)" = "the real root" ]; }
check "a command is in the root where its init is" eventually 20 is_there
is_there || bail "nothing works in a: $(rfm log a | tail)"
rm /run/more/init
initrd_more
check "b starts: another kernel" rfm create b --cpus 2-2 --memory 256M --initrd /run/initrd \
	--kernel "$OTHER_KERNEL"
like "$(rfm exec b uname -r)" "^$OTHER" "at once a command in it"

# --- commands ---
is "$(rfm exec a -- sh -c 'echo out; echo err >&2' 2>/dev/null)" out "output"
is "$(rfm exec a -- sh -c 'echo out; echo err >&2' 2>&1 >/dev/null)" err "errors"
rfm exec a sh -c 'exit 7'
is $? 7 "exit status"
rfm exec b sh -c 'kill -9 $$'
is $? 137 "ended by a signal"
refused 127 "exec a: 'nosuch' cannot be started: No such file" "a command that is not there" \
	rfm exec a nosuch
refused 126 "Permission denied" "one that is none" rfm exec a /real
is "$(rfm exec -w /bin -e X=y a sh -c 'pwd; echo $X $HOME' | xargs)" "/bin y /" \
	"directory and environment"
is "$(rfm exec a sh -c 'for n in mnt pid net uts ipc; do
	[ "$(readlink /proc/self/ns/$n)" = "$(readlink /proc/1/ns/$n)" ] || echo $n; done')" "" \
	"in the name spaces of its init"
is "$(rfm exec a sh -c 'cat /proc/self/oom_score_adj; for pid in $(pidof rfagent); do
	cat /proc/$pid/oom_score_adj; done; ls /proc/self/fd' | xargs)" "0 -900 -900 0 1 2 3" \
	"the agent stays longest when memory is short, not the command; which has no files of its"
n=$(rounds 3000000 30000000)
head -c "$n" /dev/urandom >/run/data
sum=$(md5sum </run/data)
is "$(rfm exec a md5sum </run/data)" "$sum" "$n bytes in"
is "$(rfm exec b sh -c 'cat >/run/data; md5sum </run/data; cat /run/data >&2' </run/data 2>/run/back)" \
	"$sum" "and in the other"
check "and out" cmp /run/data /run/back
is "$(rfm exec a cat </run/data | md5sum)" "$sum" "both ways"
like "$(rfm exec -t a sh -c 'tty; stty size; test -t 2 && echo three' | tr -d '\r' | xargs)" \
	"/dev/pts/0 24 80 three" "a terminal"
twenty()
{
	for i in $(seq 20); do
		rfm exec a sh -c "sleep 0.3; echo $i" &
	done >/run/twenty
	wait
	sort -n /run/twenty | xargs
}
is "$(twenty)" "$(seq 20 | xargs)" "twenty at a time"

# --- ends ---
running() { [ "$(rfm exec a pidof "$1" | wc -w)" -gt 0 ]; }
gone() { ! running "$1"; }
rfm exec a sleep 1000 </run/data &
pid=$!
check "a command that never reads" eventually 20 running sleep
kill -INT $pid
wait $pid
is $? 130 "is interrupted when rfm is"
rfm exec a sh -c 'trap "" HUP; sleep 1000' &
pid=$!
check "another one, that does not hear SIGHUP" eventually 20 running sleep
kill -KILL $pid
wait $pid
check "rfm is killed: the command goes, too" eventually 20 gone sleep
is "$(rfm exec a sh -c 'sleep 1000 & echo $!' | wc -l)" 1 \
	"a child that holds the output is not waited for"
check "but lives on" running sleep
rfm exec a killall sleep
agents() { [ "$(rfm exec a ps | grep -c '[r]fagent')" -eq 2 ]; }
check "two agents are left: the one that listens, and that of this command" eventually 20 agents

# --- others ---
is "$(liar ask a 2>&1)" "done: 0" "control: whoever asks from here gets it"
is "$(rfm exec a sh -c 'ls /run/asked; rm /run/asked')" /run/asked "and it is done"
is "$(rfm exec b liar ask a)" "open: Permission denied" "b may not, by the rules"
rfm channel allow b a
# it closes at once: whoever opens may see just that
like "$(rfm exec b liar ask a)" "^(refused: Permission denied|open: Connection refused)$" \
	"with a rule the agent refuses"
is "$(rfm exec a sh -c 'test -e /run/asked || echo nothing')" nothing "and nothing was done"
rfm channel deny b a

# --- copies ---
tree=/run/tree
mkdir -p $tree/deep/er "$tree/a b"
head -c 200000 /dev/urandom >$tree/deep/er/file
echo x >"$tree/a b/c"
ln -s er/file $tree/deep/link
chmod 640 $tree/deep/er/file
touch -d '2001-02-03 04:05:06' $tree/deep/er/file $tree/deep
what()
{
	(cd "$1" || exit
		find . -type f -exec md5sum {} \; -o -type l -exec readlink {} \; | sort
		find . ! -type l -exec stat -c '%n %a %Y' {} \; | sort)
}
check "a tree to a" rfm cp $tree a:/run/copy
is "$(rfm exec a sh -c 'cd /run/copy/deep; md5sum er/file; readlink link; stat -c %a er/file')" \
	"$(cd $tree/deep && md5sum er/file; readlink $tree/deep/link; stat -c %a $tree/deep/er/file)" \
	"is there"
check "and back" rfm cp a:/run/copy /run/copy
is "$(what /run/copy)" "$(what $tree)" "as it was: contents, links, modes, times"
check "a file to b" rfm cp /run/data b:/run/one
check "and back" rfm cp b:/run/one /run/one
check "is the same" cmp /run/data /run/one
refused 3 "cp b: cannot read /nosuch there: No such file" "one that is not there" \
	rfm cp b:/nosuch /run
rfm exec b sh -c 'mkdir /small; mount -t tmpfs -o size=1M small /small'
refused 4 "cp b: cannot write data there: No space left" "no space" rfm cp /run/data b:/small
is "$(rfm exec b ls -A /small)" "" "leaves nothing"

# --- a liar in the agent's place ---
subos_log_clean a
inside b 'kill $(pidof rfagent); while pidof rfagent >/dev/null; do sleep 0.1; done; (liar >/run/liar 2>&1 &)' >/dev/null
lies() { inside b "echo $1 >/run/lie; until [ -s /run/liar ]; do sleep 1; done" >/dev/null; }
for lie in nonsense status; do
	lies $lie
	refused 125 "does not speak as it should; rfm restart b" "lie: $lie" rfm exec b true
done
mkdir -p /run/jail/in
for lie in in-dots in-link; do
	lies $lie
	refused 1 "does not speak as it should|cannot write x/l here: Not a directory" "lie: $lie" \
		rfm cp b:/x /run/jail/in
	is "$(find /run/jail -name '*evil*'; find /run/jail -name '.rfm*')" "" "nothing went astray"
done
inside b 'kill $(pidof liar)' >/dev/null
refused 125 "no agent listens there" "without an agent" rfm exec b true
subos_log_clean b

# --- the subOS ends in the middle ---
rfm exec a sleep 1000 2>/run/said &
pid=$!
check "a command runs" eventually 20 running sleep
typed a 'echo c >/proc/sysrq-trigger'
wait $pid
is "$? $(cat /run/said)" "125 rfm: exec a: the subOS ended in the middle; see rfm list" \
	"a crashes under it"
eventually 20 in_state a crashed
refused 125 "it does not run, it is crashed; rfm restart a" "a command in what crashed" \
	rfm exec a true
check "a restarts" rfm restart a
check "commands run again" eventually 20 is_there
rfm exec a sleep 1000 2>/run/said &
pid=$!
check "a command runs" eventually 20 running sleep
check "a is destroyed" rfm destroy a --force
wait $pid
is "$? $(cat /run/said)" "125 rfm: exec a: the subOS ended in the middle; see rfm list" \
	"under a command"
check "b is destroyed" rfm destroy b --force
is "$(rfm channel list | wc -l)" 1 "no channel is left"
audit "in the end: the invariants hold"
END
done_testing
