#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# rfm exec with the agent itself, which ASan watches, and a socket for a channel: input,
# output, statuses, signals, terminals, and an agent that lies.

# shellcheck disable=SC2016,SC2317 # expanded by eval or there; called through check
. "$(dirname "$0")/common.sh"
. "$CLI/agent.lib"

# --- nobody there ---
refused 125 "no agent listens there: it was ended, .*; rfm restart web, or use rfm console web" \
	"without an agent" RFM exec web true
export RFM_FAKE_AGENT="$T_DIR/agent"
refused 125 "db: there is no subOS of this name; rfm list" "no such subOS" RFM exec db true
refused 125 "write the name of a subOS" "no name" RFM exec
refused 125 "'WEB' is no name of a subOS" "a name that cannot be" RFM exec WEB true
refused 125 "option '--colour' is not known" "an unknown option" RFM exec --colour web true
refused 125 "write VAR=VALUE" "half a variable" RFM exec -e HOME web true
refused 125 "longer than 61440 bytes; pass them through its input" "a command line that is too long" \
	RFM exec web echo "$(head -c 62000 /dev/zero | tr '\0' x)"
is "$(RFM exec web echo "$(head -c 61000 /dev/zero | tr '\0' x)" | wc -c)" 61001 "one that just fits"

# --- what a command gets and gives ---
is "$(RFM exec web echo hello)" hello "output"
is "$(RFM exec web -- echo -- -n)" "-- -n" "what comes behind the name is the command's"
is "$(RFM exec web sh -c 'echo out; echo err >&2' 2>/dev/null)" out "output is output"
is "$(RFM exec web sh -c 'echo out; echo err >&2' 2>&1 >/dev/null)" err "errors are errors"
for status in 0 1 7 255; do
	RFM exec web sh -c "exit $status"
	is $? $status "exit status $status"
done
RFM exec web sh -c 'kill -KILL $$'
is $? 137 "128 and the signal that ended it"
refused 127 "'nosuch' cannot be started: No such file" "a command that is not there" RFM exec web nosuch
refused 126 "'/etc/passwd' cannot be started: Permission denied" "one that is none" \
	RFM exec web /etc/passwd
refused 125 "cannot go to the directory '/nosuch'" "a directory that is not there" \
	RFM exec -w /nosuch web true
is "$(RFM exec -w /usr web pwd)" /usr "a directory"
is "$(RFM exec web env | sort | xargs)" \
	"HOME=/ PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" "the environment"
is "$(RFM exec -e A=1 --env HOME=/x -e A=2 -e B= web sh -c 'echo $A $HOME .$B.')" "2 /x .." \
	"and what is added to it"
is "$(echo 'echo $0 $((6 * 7))' | RFM exec web)" "/bin/sh 42" "no command: a shell"
is "$(RFM exec web sh -c 'ls /proc/self/fd | xargs')" "0 1 2 3" "no descriptor of the agent's"

# --- much of it ---
head -c 5000000 /dev/urandom >"$T_DIR/data"
sum=$(md5sum <"$T_DIR/data")
is "$(RFM exec web md5sum <"$T_DIR/data")" "$sum" "5 MB in"
is "$(RFM exec web cat "$T_DIR/data" | md5sum)" "$sum" "5 MB out"
is "$(RFM exec web cat <"$T_DIR/data" | md5sum)" "$sum" "both ways"
is "$(RFM exec web cat "$T_DIR/data" | { sleep 1; md5sum; })" "$sum" "to somebody who is slow"
RFM exec web yes | head -n 1 >/dev/null
check "nobody reads any more: yes ends" eventually 5 eval '! pgrep -x yes'
is "$(yes | RFM exec web cat | head -n 1)" y "while much goes in"
check "the same: cat ends" eventually 5 eval '! pgrep -x cat'
is "$(RFM exec web sh -c 'printf "y\ny\ny\n"; yes & exit' | head -n 3 | xargs)" "y y y" \
	"the command ended, a child prints on"
pkill -x yes
# It is a zombie from its end until the agent has told of that.
is "$(RFM exec web sh -c '(until grep -q "^State:.Z" /proc/$$/status; do :; done; echo late) & exit 3'; echo $?)" "late
3" "what its children still say is waited for, a little"
start=$(date +%s)
RFM exec web sh -c 'sleep 61 & exit 4'
is $? 4 "a child that holds the output open"
check "is not waited for" test $(($(date +%s) - start)) -lt 30
pkill -f '^sleep 61$'
RFM exec web sleep 30 <"$T_DIR/data" &
pid=$!
eventually 5 pgrep -f "^sleep 30$"
to_rfm INT
wait $pid
is $? 130 "a command that reads nothing can be interrupted: SIGINT is passed on"
check "and ended" eventually 5 eval '! pgrep -f "^sleep 30$"'
is "$(RFM exec web sh -c 'exec >&-; exec 2>&-; exit 5'; echo $?)" 5 "output closed by the command"
is "$(seq 20 | xargs -P 20 -I{} env RFM_FAKE="$STATE" LD_PRELOAD="$T_DIR/fakedev.so" \
	"$T_TOP/build/rfm" --sysroot "$ROOT" exec web sh -c 'sleep 0.2; echo {}' | sort -n | xargs)" \
	"$(seq 20 | xargs)" "twenty at a time"
RFM exec web sh -c 'trap "" INT QUIT TERM; sleep 32' &
pid=$!
eventually 5 pgrep -f "^sleep 32$"
for signal in INT QUIT TERM; do to_rfm $signal; done
wait $pid
is $? 143 "a command that does not listen: the third signal ends rfm"
check "and the command, hung up" eventually 8 eval '! pgrep -f "sleep 32$"'

# --- rfm dies ---
RFM exec web sh -c 'trap "" HUP; sleep 33; sleep 34' &
pid=$!
check "it runs" eventually 5 pgrep -f '^sleep 33$'
to_rfm KILL
wait $pid
check "rfm was killed: so is the command's group, if it ignores that" \
	eventually 8 eval '! pgrep -f "^sleep 3[34]$"'

# --- a terminal ---
tty_says()
{
	RFM exec -t "$@" | tr -d '\r'
}
like "$(tty_says web tty)" '^/dev/pts/[0-9]+$' "--tty"
is "$(tty_says web stty size)" "24 80" "of a size that is usual"
like "$(printf 'echo $((6*7))\nexit 3\n' | RFM exec -t web; echo "st $?")" "42.?$" "a shell on it"
is "$(printf 'x\n' | RFM exec -t web cat | tr -d '\r' | xargs)" "x x" "the end of input is typed"
is "$(TERM=vt52 RFM exec -t web sh -c 'echo $TERM' | tr -d '\r')" vt52 "TERM is passed on"
is "$(TERM=vt52 RFM exec -t -e TERM=vt100 web sh -c 'echo $TERM' | tr -d '\r')" vt100 "unless it is given"
cat >"$T_DIR/terminal.py" <<'PY'
import fcntl, os, pty, signal, struct, sys, termios, time
what, argv = sys.argv[1], sys.argv[2:]
pid, tty = pty.fork()
if pid == 0:
    os.execvp(argv[0], argv)
fcntl.ioctl(tty, termios.TIOCSWINSZ, struct.pack("HHHH", 31, 91, 0, 0))
text = b""
def until(word):
    global text
    while word not in text:
        text += os.read(tty, 1000)
try:
    until(b"ready")
    raw = not termios.tcgetattr(tty)[3] & termios.ICANON
    if what == "size":
        fcntl.ioctl(tty, termios.TIOCSWINSZ, struct.pack("HHHH", 33, 99, 0, 0))
        os.kill(pid, signal.SIGWINCH)
    elif what == "ctrl-c":
        os.write(tty, b"\x03")
    elif what == "term":
        os.kill(pid, signal.SIGTERM)
    while chunk := os.read(tty, 1000):
        text += chunk
        back = bool(termios.tcgetattr(tty)[3] & termios.ICANON)
except OSError:
    pass
print(f"raw={raw} status={os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])}", text.decode().split())
PY
terminal()
{
	how=$1
	shift
	env RFM_FAKE="$STATE" timeout 20 python3 "$T_DIR/terminal.py" "$how" \
		env LD_PRELOAD="$T_DIR/fakedev.so" "$T_TOP/build/rfm" --sysroot "$ROOT" exec "$@"
}
like "$(terminal size web sh -c 'trap "stty size; exit 9" WINCH; echo ready; while :; do sleep 0.1; done')" \
	"raw=True status=9 .*'33', '99'" "a terminal here is one there, and its size follows"
like "$(terminal ctrl-c web sh -c 'echo ready; exec sleep 35')" "raw=True status=130" "Ctrl-C is typed there"
like "$(terminal term web sh -c 'echo ready; exec sleep 36')" "raw=True status=143" "SIGTERM ends it"
check "and hangs the command up" eventually 8 eval '! pgrep -f "^sleep 36$"'
like "$(terminal none --no-tty web sh -c 'echo ready; tty')" "raw=False status=1 .*'not'" "--no-tty"

# --- an agent that lies ---
export RFM_FAKE_AGENT="$T_DIR/liar"
lie()
{
	LIE=$1 RFM exec web true </dev/null
}
for lie in nonsense empty-data long-data taken status error-text start entry; do
	refused 125 "its agent does not speak as it should; rfm restart web" "lie: $lie" lie $lie
done
refused 125 "its agent ended in the middle" "it closes without a word" lie close
refused 125 "came with another version of rfm; rfm restart web" "another version" lie version
refused 126 "'a.x1b.2Jb' cannot be started" "what it says cannot move the cursor" lie escape
done_testing
