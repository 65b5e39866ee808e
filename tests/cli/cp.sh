#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# rfm cp, with the agent itself, both ways: what is kept, what is refused, what a failure
# leaves, and what an agent that lies comes to.

# shellcheck disable=SC2016,SC2317 # expanded by eval; called through check
. "$(dirname "$0")/common.sh"
. "$CLI/agent.lib"
export RFM_FAKE_AGENT="$T_DIR/agent"
umask 022
here=$T_DIR/here
there=$T_DIR/there
mkdir "$here" "$there"

# what NAME: everything that is to be kept of a tree
what()
{
	(cd "$1" && find . -printf '%P %y %m %l %T@ ' -type f -exec md5sum {} \; -o -printf '\n' | sort)
}

mkdir -p "$here/tree/a/b" "$here/tree/empty" "$here/tree/sp ace"
head -c 300000 /dev/urandom >"$here/tree/a/large"
: >"$here/tree/a/b/none"
echo x >"$here/tree/sp ace/a
b"
ln -s large "$here/tree/a/link"
ln -s /nosuch/../x "$here/tree/dangling"
chmod 640 "$here/tree/a/large"
chmod 1777 "$here/tree/empty"
touch -d '2001-02-03 04:05:06.789' "$here/tree/a/large" "$here/tree/empty" "$here/tree/a/b"
touch -h -d '2002-02-03' "$here/tree/a/link"

check "a tree goes there" RFM cp "$here/tree" "web:$there/new"
is "$(what "$there/new")" "$(what "$here/tree")" "names, modes, times, links and contents are kept"
check "and comes back" RFM cp "web:$there/new" "$here/back"
is "$(what "$here/back")" "$(what "$here/tree")" "as it was"
rm -rf "$there/new"
check "into a directory that is there, with -r" RFM cp -r "$here/tree/" "web:$there"
is "$(what "$there/tree")" "$(what "$here/tree")" "it has its own name"
chmod 700 "$there/tree/a"
echo mine >"$there/tree/a/mine"
check "again, over it" RFM cp "$here/tree" "web:$there"
is "$(cat "$there/tree/a/mine"; stat -c %a "$there/tree/a")" "mine
700" "what was there stays, a directory with its mode"
mkdir "$there/dir"
check "SOURCE/.: its contents" RFM cp "$here/tree/." "web:$there/dir"
is "$(cd "$there/dir" && echo *)" "a dangling empty sp ace" "lie in the directory"

check "a file" RFM cp "$here/tree/a/large" "web:$there/one"
check "is the same" cmp "$here/tree/a/large" "$there/one"
echo short >"$here/short"
check "another in its place" RFM cp "$here/short" "web:$there/one"
is "$(cat "$there/one")" short "is complete"
check "several into a directory" RFM cp "$here/short" "$here/tree/a/large" "web:$there/dir"
check "are there" cmp "$here/tree/a/large" "$there/dir/large"
check "a file from there, to ." eval '(cd "$here/back" && RFM cp "web:$there/one" .)'
is "$(cat "$here/back/one")" short "is here"
check "a name with a colon" RFM cp "web:$there/one" "$here/a:b"
is "$(cat "$here/a:b")" short "is a file here, with a path"
ln -s "$here/back" "$here/to-back"
check "a destination that is a link to a directory" RFM cp "web:$there/one" "$here/to-back/two"
is "$(cat "$here/back/two")" short "is followed"
chmod 6755 "$there/one"
check "a set-uid file" RFM cp "web:$there/one" "$here/suid"
is "$(stat -c %a "$here/suid")" 755 "is none here"
check "nor there" RFM cp "$here/suid" "web:$there/suid"
is "$(stat -c %a "$there/suid")" 755 "of course"

# --- what is left out ---
mkfifo "$there/tree/fifo"
refused 8 "left out: $there/tree/fifo: neither file, directory nor link" "a FIFO from there" \
	RFM cp "web:$there/tree" "$here/fifo"
check "the rest came" cmp "$here/tree/a/large" "$here/fifo/a/large"
check "and no FIFO" test ! -e "$here/fifo/fifo"
mkfifo "$here/fifo1"
refused 8 "left out: $here/fifo1: neither" "a FIFO from here" RFM cp "$here/fifo1" "web:$there"

# --- what cannot be ---
refused 3 "cp web: cannot read /nosuch there: No such file" "no such source there" RFM cp web:/nosuch "$here"
refused 3 "cp web: cannot read $here/nosuch here: No such file" "nor here" RFM cp "$here/nosuch" web:/
refused 3 "cannot write /nosuch/x there: No such file" "no such destination there" \
	RFM cp "$here/short" web:/nosuch/x
refused 3 "cannot write $here/nosuch/x here: No such file" "nor here" RFM cp "web:$there/one" "$here/nosuch/x"
refused 3 "cannot write $there/nosuch/ there" "what must be a directory" RFM cp "$here/short" "web:$there/nosuch/"
refused 3 "cannot write $here/nosuch here" "several sources, no directory" \
	RFM cp "web:$there/one" "web:$there/suid" "$here/nosuch"
refused 7 "cannot write short there: Is a directory" "a file over a directory" \
	eval 'mkdir "$there/dir2" "$there/dir2/short"; RFM cp "$here/short" "web:$there/dir2"'
refused 1 "cannot write ./a there: Not a directory" "a directory over a link to another" \
	eval 'mkdir "$there/new"; ln -s "$here" "$there/new/a"; RFM cp "$here/tree/." "web:$there/new"'
check "which it was not led through" test ! -e "$here/b"
refused 2 "write what to copy, and where to" "one path" RFM cp web:/x
refused 2 "are both here; one is written NAME:PATH" "nothing there" RFM cp a b
refused 2 "are both in a subOS" "nothing here" RFM cp web:/a db:/b
refused 2 "'WEB' is no name of a subOS.*; a file here with a colon is ./WEB:x" "no name" RFM cp WEB:x y
refused 2 "write NAME:PATH" "no path" RFM cp web: y
refused 3 "there is no subOS of this name" "no such subOS" RFM cp db:/x y

# --- half of it ---
is "$(find "$here" "$there" -name '.rfm-cp-*')" "" "no half file is left by all that"
head -c 3000000 /dev/zero >"$here/zero"
# a file system that is too small for it
if mkdir "$there/small" && mount -t tmpfs -o size=1M none "$there/small" 2>/dev/null; then
	refused 4 "cannot write zero there: No space left" "no space there" RFM cp "$here/zero" "web:$there/small"
	is "$(ls -A "$there/small")" "" "leaves nothing"
	eventually 5 umount "$there/small"
else
	skip "no space" "not root"
fi
too_large()
{
	(ulimit -f 1000; trap "" XFSZ; RFM cp "web:$here/zero" "$here/back")
}
refused 1 "cannot write zero here: File too large" "too large here" too_large
check "leaves nothing" test ! -e "$here/back/zero"

# Interrupted, killed: something that takes long, as long as it is not whole.
truncate -s 20G "$here/endless"
half() { [ -n "$(find "$there" -name '.rfm-cp-*')" ]; }
whole() { ! half; }
for signal in INT KILL; do
	RFM cp "$here/endless" "web:$there" 2>"$T_DIR/said" &
	pid=$!
	check "a copy is on its way" eventually 10 half
	to_rfm $signal
	wait $pid
	is "$? $(grep -c 'cp web: interrupted' "$T_DIR/said")" "$([ $signal = INT ] && echo 130 1 || echo 137 0)" \
		"SIG$signal"
	check "nothing of it stays" eventually 10 whole
	check "nor under its name" test ! -e "$there/endless"
done
is "$(find "$here" "$there" -name '.rfm-cp-*')" "" "no temporary name either"

# --- an agent that lies ---
export RFM_FAKE_AGENT="$T_DIR/liar"
in=$T_DIR/in
lie()
{
	rm -rf "$in"
	mkdir -p "$in/jail"
	LIE=$1 RFM cp web:/x "$in/jail"
}
lie suid
is "$?:$(stat -c %a "$in/jail/x"):$(cat "$in/jail/x")" "0:777:evil" "control: one that does not; without set-uid"
for lie in in-dots in-path in-root two-tops up half; do
	refused 1 "its agent (does not speak as it should|ended in the middle)|the subOS ended in the middle" \
		"lie: $lie" lie $lie
	is "$(find "$in" -name '*evil*' -o -name '.rfm*' -o -name y)" "" "$lie: nothing outside, nothing half"
done
refused 1 "cannot write x/l here: Not a directory" "a link, then what lies behind it" lie in-link
is "$(find "$in" -name '*evil*')" "" "nothing went through it"
refused 1 "too long" "directories without end" lie deep
LIE=suid refused 1 "does not speak as it should|ended in the middle" "a copy to a liar" RFM cp "$here/short" web:/x
done_testing
