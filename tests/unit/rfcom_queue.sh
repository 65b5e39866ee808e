#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# The queue of a channel's end: single cases, hostile lines, a random peer beside a
# model; and mutations that the test must notice.
set -u
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=tests/unit/mutations.lib
. tests/unit/mutations.lib
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT

# build SOURCE: the test takes queue.c from the folder that it finds first
build()
{
	"${CC:-gcc}" -g -O1 -Wall -Wextra -Wno-unused-parameter -Werror -fsanitize=address,undefined \
		-fno-sanitize-recover=all -I"$(dirname "$1")" -Irfcom -Itests/unit -Iinclude \
		-Iinclude/uapi -pthread -o "$tmp/test" tests/unit/rfcom_queue_test.c
}

# what is spoiled | sed
mutations rfcom/queue.c <<'END'
an empty line is taken|s/len <= offsetof/len < offsetof/
a line longer than it can be|s/ || len > sizeof(\*body)//
unknown flags|s/flags & ~RF_COM_LAST || //
a short line in the middle|s/(!flags \&\& bytes != RF_COM_LINE)/0/
a message without an end|s/q->part + bytes > RF_COM_MESSAGE_MAX/0/
one line more than fits|s/>= RF_COM_LINES)/> RF_COM_LINES)/
the length of the last message sticks|s/q->part = flags ? 0 : /q->part = /
a message is there with its first line|s/^	if (flags)	/	if (!(head \& 1))	/
the first line is taken twice|s/q->tail + lines/q->tail + lines - 1/
the sender is told too late|s/< RFCOM_TELL/< 2 * RFCOM_TELL/
more taken than was sent|s/more > READ_ONCE/more > 99999 + READ_ONCE/
old news are news|s/(s32)more <= 0/!more/
a line uses no credit|s/c->sent + 1/c->sent/
a line that was not sent uses credit|s/c->sent - 1)/c->sent)/
credit is not used up|s/RF_COM_LINES - (/RF_COM_LINES + (/
END
