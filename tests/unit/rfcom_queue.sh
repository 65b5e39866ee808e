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
an empty line is taken|s/len <= offsetof/len < offsetof/; s/!bytes || //
unknown flags|s/flags & ~(RF_COM_LAST | RF_COM_IN_CHUNK | RF_COM_MARK)/0/
a short line in the middle|s/bytes % full))/bytes % full > full))/
a line longer than it can be|s/bytes > most/bytes > 99999 + most/
more chunks than a line names|s/left < RF_COM_RUN ? left : RF_COM_RUN/left/
chunks beyond the last|s/left < RF_COM_RUN ? left/left < 1 ? left/
a chunk where there are none|s/!chunks || //
another chunk|s/chunk.count) % RF_COM_CHUNKS/chunk.count) % (RF_COM_CHUNKS \/ 2)/
what is held is copied|s/if (hold \&\& data != body->data)/if (0)/
another chunk is held|s/RF_COM_CHUNK + 1;/RF_COM_CHUNK + 2;/
a line is held that is not|s/line\[cell\].chunk = 0/line[cell].chunk |= 0/
what is held is forgotten|s/smp_load_acquire(&q->store->line\[cell % RF_COM_CELLS\].chunk) - 1/-1/
fetched bytes are sought in the chunk|s/smp_store_release(&q->store->line\[cell % RF_COM_CELLS\].chunk, 0)/(void)q/
fetched into other cells|s/store(q, cell, chunks/store(q, cell + 1, chunks/
a line at the end of the queue is not cut|s/bytes < STORE_BYTES - at ?/1 ?/
a message without an end|s/q->part + bytes > RF_COM_MESSAGE_MAX/0/
one cell more than fits|s/ > RF_COM_CELLS)/ > RF_COM_CELLS + 1)/
the length of the last message sticks|s/q->part = last ? 0 : /q->part = /
a mark is lost|s/= flags & RF_COM_MARK/= 0/
a message is there with its first line|s/^	if (last)	/	if (!(q->head \& 1))	/
the first cell is taken twice|s/q->tail + cells/q->tail + cells - 1/
the sender is told too late|s/< RFCOM_TELL/< 7 * RFCOM_TELL/
more taken than was sent|s/more > READ_ONCE/more > 99999 + READ_ONCE/
old news are news|s/(s32)more <= 0/!more/
a line uses no credit|s/c->sent + rfcom_cells/c->sent + 0 * rfcom_cells/
a line that was not sent uses credit|s/c->sent - rfcom_cells/c->sent - 0 * rfcom_cells/
credit is not used up|s/RF_COM_CELLS - (READ/RF_COM_CELLS + (READ/
END
