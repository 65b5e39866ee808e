#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Fuzzing of what reads other kernels' bytes: ASan and UBSan, inputs that are
# the same in each run. "fuzz.sh libfuzzer TARGET DIR" builds DIR/TARGET with
# clang's libFuzzer instead, and makes seeds for it in DIR/corpus.
# timeout: 600 7200
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

here=$T_TOP/tests/fuzz
flags="-g -O2 -D_GNU_SOURCE -DKLOG_PATIENCE_MS=0 -Wall -Wextra -Wno-unused-parameter -fno-sanitize-recover=all"
flags="$flags -I$T_TOP/include -I$T_TOP/include/uapi -I$T_TOP/exec -I$T_TOP/backend"

sources()
{
	case $1 in
	klog) echo "$T_TOP"/rfm/klog*.c ;;
	rfcom) echo "$T_TOP/rfcom/queue.c" ;;
	rfloop) echo "$T_TOP/rfloop/ring.c" "$T_TOP/rfloop/list.c" ;;
	extents) echo "$T_TOP/rfcom/extents.c" ;;
	exec) echo "$T_TOP"/exec/proto.c "$T_TOP"/exec/chan.c "$T_TOP"/exec/tree_receive.c ;;
	backend) echo "$T_TOP/backend/ctrlq.c" "$T_TOP/backend/ready.c" ;;
	image) echo "$T_TOP"/rfm/image*.c "$T_TOP/rfm/elf_image.c" "$T_TOP/rfm/decompress.c" ;;
	esac
}

# build COMPILER SANITIZERS OUTPUT TARGET [SOURCE]
build()
{
	# shellcheck disable=SC2046,SC2086 # lists of words
	"$1" $flags -fsanitize="$2" -o "$3" "$here/$4_fuzz.c" ${5-} $(sources "$4") \
		-lz -llzma -llz4 -lzstd -lgcrypt -lxxhash -lxxhash
}

if [ "${1-}" = libfuzzer ]; then
	mkdir -p "$3/corpus" || exit 1
	build clang fuzzer,address,undefined "$3/$2" "$2" &&
		build gcc address,undefined "$3/$2-driver" "$2" "$here/driver.c" &&
		"$3/$2-driver" --write "$3/corpus" 200 &&
		echo "run: $3/$2 $3/corpus"
	exit
fi

tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
export TMPDIR="$tmp"

# fuzz TARGET RUNS
fuzz()
{
	if ! build "${CC:-gcc}" address,undefined "$tmp/$1" "$1" "$here/driver.c" 2>"$tmp/log"; then
		not_ok "$1: compiles"
		diag "$(head -n 20 "$tmp/log")"
		return
	fi
	if "$tmp/$1" "-runs=$2" >"$tmp/log" 2>&1; then
		ok "$1: $(cat "$tmp/log")"
	else
		not_ok "$1: $2 runs"
		diag "$(head -n 30 "$tmp/log")"
	fi
}

fuzz klog "$(rounds 25000 3000000)"
fuzz image "$(rounds 25000 1000000)"
fuzz rfcom "$(rounds 2000 1000000)"
fuzz extents "$(rounds 100000 60000000)"
fuzz rfloop "$(rounds 50000 30000000)"
fuzz exec "$(rounds 2000 200000)"
fuzz backend "$(rounds 20000 10000000)"

# Control: an overflow is noticed. A reader that believes the length in the
# record writes beyond the text.
sed 's/if (rec->len > len)/if (rec->len > 65535)/
	s/if (rec->len > sizeof(rec->text))/if (rec->len > 65535)/' \
	"$T_TOP/rfm/klog.c" >"$tmp/klog.c"
# shellcheck disable=SC2086 # a list of words
"${CC:-gcc}" $flags -I"$T_TOP/rfm" -fsanitize=address,undefined -o "$tmp/control" \
	"$here/klog_fuzz.c" "$here/driver.c" "$tmp/klog.c" "$T_TOP"/rfm/klog_*.c
check "control: the target is built with a fault" test -x "$tmp/control"
"$tmp/control" -runs=100000 >"$tmp/log" 2>&1
check "control: and the fault is found" grep -q "AddressSanitizer\|runtime error" "$tmp/log"

# A queue that believes the length of a chunk.
sed 's/bytes > most ||/0 ||/' "$T_TOP/rfcom/queue.c" >"$tmp/queue.c"
# shellcheck disable=SC2086
"${CC:-gcc}" $flags -I"$T_TOP/rfcom" -fsanitize=address,undefined -o "$tmp/control" \
	"$here/rfcom_fuzz.c" "$here/driver.c" "$tmp/queue.c"
check "control: rfcom is built with a fault" test -x "$tmp/control"
"$tmp/control" -runs=1000 >"$tmp/log" 2>&1
check "control: and the fault is found" test $? -ne 0

# Commands that are longer than there is room.
sed 's/if (bytes > CTRLQ_DATA_MAX - c->command.bytes)/if (0)/' "$T_TOP/backend/ctrlq.c" >"$tmp/ctrlq.c"
# shellcheck disable=SC2086
"${CC:-gcc}" $flags -fsanitize=address,undefined -o "$tmp/control" "$here/backend_fuzz.c" \
	"$here/driver.c" "$tmp/ctrlq.c" "$T_TOP/backend/ready.c"
check "control: backend is built with a fault" test -x "$tmp/control"
"$tmp/control" -runs=20000 >"$tmp/log" 2>&1
check "control: and the fault is found" test $? -ne 0

# A ring that takes back whichever page the other end names.
sed 's/ || !o->away\[page\]//' "$T_TOP/rfloop/ring.c" >"$tmp/ring.c"
# shellcheck disable=SC2086
"${CC:-gcc}" $flags -I"$T_TOP/rfloop" -fsanitize=address,undefined -o "$tmp/control" \
	"$here/rfloop_fuzz.c" "$here/driver.c" "$tmp/ring.c" "$T_TOP/rfloop/list.c"
check "control: rfloop is built with a fault" test -x "$tmp/control"
"$tmp/control" -runs=20000 >"$tmp/log" 2>&1
check "control: and the fault is found" test $? -ne 0

# Names that lead elsewhere.
sed "s/!strchr(name, '\/') && //" "$T_TOP/exec/proto.c" >"$tmp/proto.c"
# shellcheck disable=SC2086
"${CC:-gcc}" $flags -fsanitize=address,undefined -o "$tmp/control" "$here/exec_fuzz.c" \
	"$here/driver.c" "$tmp/proto.c" "$T_TOP/exec/chan.c" "$T_TOP/exec/tree_receive.c"
check "control: exec is built with a fault" test -x "$tmp/control"
"$tmp/control" -runs=2000 >"$tmp/log" 2>&1
check "control: and the fault is found" test $? -ne 0
done_testing
