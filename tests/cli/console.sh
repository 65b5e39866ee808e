#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# rfm console, with pipes and on a terminal. The double echoes what is typed;
# Ctrl-D makes it hang up.

. "$(dirname "$0")/common.sh"
prepare plain
RFM create web --cpus 1 --memory 512M >/dev/null

is "$(printf 'hello\n\004' | RFM console web | tr -d '\r')" "console of web
hello" "input from a pipe is typed, output comes back, the hang-up ends it"
is "$(printf 'hello\n' | RFM console web --idle 0 | head -n 1 | tr -d '\r')" "console of web" \
	"without a hang-up it ends after the silence"
out=$(printf 'hello\n' | RFM console web --read-only --idle 0)
unlike "$out" "hello" "--read-only types nothing"
refused 2 "write \^A to" "a strange detach key" RFM console web --detach-key x
refused 2 "write 0 to 3600" "a strange idle time" RFM console web --idle x

# On a terminal: made raw, put back, ended by the detach key, by a signal, by a hang-up
cat >"$T_DIR/terminal.py" <<'END'
import os, pty, select, signal, sys, termios

def session(argv, act):
    pid, tty = pty.fork()
    if pid == 0:
        os.execvp(argv[0], argv)
    before, text = None, b""
    while b"console of web\r\n" not in text.replace(b"ends the session", b""):
        text += os.read(tty, 1000)
    raw = not termios.tcgetattr(tty)[3] & termios.ICANON
    act(pid, tty)
    try:
        while chunk := os.read(tty, 1000):
            text += chunk
            back = bool(termios.tcgetattr(tty)[3] & termios.ICANON)
    except OSError:
        pass
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    return f"raw={raw} status={status} " + ("echo " if b"typed" in text else "")

argv = sys.argv[2:]
if sys.argv[1] == "key":
    print(session(argv, lambda pid, tty: os.write(tty, b"typed\r\x1d")))
elif sys.argv[1] == "other-key":
    print(session(argv + ["--detach-key", "^A"], lambda pid, tty: os.write(tty, b"\x1dtyped\x01")))
elif sys.argv[1] == "term":
    print(session(argv, lambda pid, tty: os.kill(pid, signal.SIGTERM)))
else:
    print(session(argv, lambda pid, tty: os.write(tty, b"typed\r\x04")))
END
run_terminal()
{
	env RFM_FAKE="$STATE" timeout 20 python3 "$T_DIR/terminal.py" "$1" \
		env LD_PRELOAD="$T_DIR/fakedev.so" "$T_TOP/build/rfm" --sysroot "$ROOT" console web
}
like "$(run_terminal key)" "raw=True status=0" "Ctrl-] ends a session on a terminal"
like "$(run_terminal other-key)" "raw=True status=0" "so does another key, if asked for"
like "$(run_terminal term)" "raw=True status=0" "so does a signal"
like "$(run_terminal hangup)" "raw=True status=0" "so does the end of the subOS"
# the terminal of a shell, which goes on after the session
out=$(env RFM_FAKE="$STATE" LD_PRELOAD= timeout 20 python3 - "$T_DIR/fakedev.so" "$T_TOP/build/rfm" "$ROOT" <<'END'
import os, pty, sys
so, rfm, root = sys.argv[1:]
pid, tty = pty.fork()
if pid == 0:
    os.execvp("sh", ["sh", "-c", f"stty -a >/tmp/a.$$; LD_PRELOAD={so} {rfm} --sysroot {root} console web;"
                     " stty -a | cmp - /tmp/a.$$ && echo same-as-before; rm /tmp/a.$$"])
text = b""
typed = False
while True:
    try:
        chunk = os.read(tty, 1000)
    except OSError:
        break
    text += chunk
    if not typed and text.count(b"console of web") == 2:
        typed = True
        os.write(tty, b"\x1d")
print(text.decode())
END
)
like "$out" "same-as-before" "the terminal is as it was before"

done_testing
