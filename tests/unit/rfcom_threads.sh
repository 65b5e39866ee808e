#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# The queue of a channel's end between two threads, under TSan, which must notice an
# order that is not kept.
. "$(dirname "$0")/../lib.sh"
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

# build FOLDER: with the queue.c there
build()
{
	"${CC:-gcc}" -g -O1 -Wall -Wextra -Wno-unused-parameter -fsanitize=thread -I"$1" -I"$T_TOP/rfcom" -I"$T_TOP/tests/unit" \
		-I"$T_TOP/include" -I"$T_TOP/include/uapi" -pthread -o "$tmp/test" \
		"$T_TOP/tests/unit/rfcom_queue_test.c"
}

check "it compiles" build "$T_TOP/rfcom"
check "messages of one thread reach the other as they were" "$tmp/test" threads "$(rounds 20000 2000000)"
mkdir "$tmp/spoiled"
sed 's/smp_store_release(&q->tail, \(.*\));/q->tail = \1;/' "$T_TOP/rfcom/queue.c" >"$tmp/spoiled/queue.c"
build "$tmp/spoiled"
"$tmp/test" threads 20000 >/dev/null 2>&1
check "control: an order that is not kept is noticed" test $? -ne 0
done_testing
