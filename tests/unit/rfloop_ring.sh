#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Rings of packets: both ends, room, bells, and ends that lie; and mutations that the test
# must notice.
set -u
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=tests/unit/mutations.lib
. tests/unit/mutations.lib
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT

# build SOURCE: the test takes ring.c from the folder that it finds first
build()
{
	"${CC:-gcc}" -g -O1 -Wall -Wextra -Werror -fsanitize=address,undefined \
		-fno-sanitize-recover=all -I"$(dirname "$1")" -Irfloop -Itests/unit \
		-Iinclude -Iinclude/uapi -o "$tmp/test" tests/unit/rfloop_ring_test.c
}

# what is spoiled | sed
mutations rfloop/ring.c <<'END'
more taken than was put|s/taken - o->taken > o->put - o->taken || //
a page that there is not, back|s/page >= o->pages || //
a page twice, back|s/ || !o->away\[page\]//
a page stays away|s/o->away\[page\] = 0/o->away[page] = 1/
more packets than slots|s/put - in->taken > RF_LOOP_SLOTS/0/
no bytes|s/!packet->len || //
too many bytes|s/ || packet->len > RF_LOOP_PACKET//
a page that there is not|s/page >= in->pages || //
a page that is with us|s/ || in->here\[page\])/)/
a bell for each packet|s/return passed(le32_to_cpu(READ_ONCE(o->ring/return true || passed(le32_to_cpu(READ_ONCE(o->ring/
no bell for who sleeps|s/return passed(le32_to_cpu(READ_ONCE(o->ring/return false \&\& passed(le32_to_cpu(READ_ONCE(o->ring/
no bell for who waits|s/return passed(le32_to_cpu(READ_ONCE(in->ring/return false \&\& passed(le32_to_cpu(READ_ONCE(in->ring/
a bell one page early|s/steps - 1)/steps - 20)/
sleeps over a packet|s/return le32_to_cpu(READ_ONCE(in->ring->sender.put)) == in->taken/return true/
one slot too many|s/o->put - o->taken < RF/o->put - o->taken <= RF/
more pages than there are|s/o->pages > data_pages(bytes)/!bytes/
another version|s/ != RF_LOOP_VERSION/ == 77/
END
