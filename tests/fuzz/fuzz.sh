#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Fuzzing of what reads other kernels' bytes: ASan and UBSan, inputs that are
# the same in each run; at full counts as many targets at a time as there are
# CPUs, and clang's libFuzzer too. "fuzz.sh libfuzzer TARGET DIR" only builds
# DIR/TARGET with that, and makes seeds for it in DIR/corpus.
# timeout: 600 10800
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

here=$T_TOP/tests/fuzz
flags="-g -D_GNU_SOURCE -DKLOG_PATIENCE_MS=0 -Wall -Wextra -Wno-unused-parameter -fno-sanitize-recover=all"
flags="$flags -I$T_TOP/include -I$T_TOP/include/uapi -I$T_TOP/exec -I$T_TOP/backend"
optimise=$(rounds -O1 -O2)

# target, executions in make check, and in make fuzz: 100 million of issue 4's, whose
# parsers are all but the last two, with more for who is fed by every message
targets()
{
	cat <<-END
		bulk 5000 12000000
		exec 10000 4000000
		lend 5000 10000000
		rfcom 10000 12000000
		vsock 10000 14000000
		receive 10000 14000000
		rfloop 25000 14000000
		backend 20000 10000000
		extents 50000 10000000
		image 25000 1000000
		klog 25000 3000000
	END
}

# What is compiled beside the target; those that include what they test have none.
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

# The module whose files a target includes, with kernel.h around them.
module()
{
	case $1 in
	bulk | lend | vsock) echo rfcom ;;
	receive) echo rfloop ;;
	esac
}

# The kernel's headers are empty there: kernel.h has what is needed of them.
empty_headers()
{
	cat "$T_TOP"/rfcom/*.[ch] "$T_TOP"/rfloop/*.[ch] "$T_TOP"/include/rainforest/ficm.h |
		sed -n 's/^#include <\(\(linux\|net\|trace\)\/.*\)>.*/\1/p' | sort -u |
		while read -r header; do
			[ -e "$T_TOP/include/uapi/$header" ] || [ "$header" = linux/types.h ] && continue
			mkdir -p "$1/$(dirname "$header")"
			: >"$1/$header"
		done
}

# build COMPILER SANITIZERS OUTPUT TARGET [SOURCE]: files in $spoiled take the place of ours
spoiled=
build()
{
	b_module=$(module "$4")
	b_sources=$(sources "$4")
	for b_file in ${spoiled:+"$spoiled"/*}; do
		b_sources=$(echo "$b_sources" | sed "s|[^ ]*/$(basename "$b_file")|$b_file|")
	done
	# shellcheck disable=SC2086 # lists of words
	"$1" $flags $optimise -fsanitize="$2" -o "$3" \
		${b_module:+${spoiled:+"-I$spoiled"} "-I$T_TOP/$b_module" -isystem "$tmp/empty" \
		-Wno-sign-compare -Wno-missing-field-initializers -Wno-unused-function} \
		"$here/$4_fuzz.c" ${5-} $b_sources ${spoiled:+"-I$T_TOP/rfm" "-I$T_TOP/rfcom" "-I$T_TOP/rfloop"} \
		-lz -llzma -llz4 -lzstd -lgcrypt -lxxhash
}

tmp=$(mktemp -d) || exit 1
# Trees of the exec target are made and removed many times.
shm=$(mktemp -d -p /dev/shm 2>/dev/null) || shm=$tmp
trap 'rm -rf "$tmp" "$shm"' EXIT
export TMPDIR="$shm"
empty_headers "$tmp/empty"

# libfuzzer TARGET DIR
libfuzzer()
{
	mkdir -p "$2/corpus" &&
		build clang fuzzer,address,undefined "$2/$1" "$1" &&
		build gcc address,undefined "$2/$1-driver" "$1" "$here/driver.c" &&
		"$2/$1-driver" --write "$2/corpus" 200
}

if [ "${1-}" = libfuzzer ]; then
	libfuzzer "$2" "$3" && echo "run: $3/$2 $3/corpus"
	exit
fi

# in_turns: lines "NAME COMMAND..." of standard input, at full counts several at a time;
# NAME.log is what they wrote, and there is NAME.good when they ended with 0
in_turns()
{
	# shellcheck disable=SC2016 # the inner shell's
	xargs -P "$(rounds 1 "$(nproc)")" -L 1 sh -c \
		'cd "$0" && name=$1 && shift && "$@" >"$name.log" 2>&1 && : >"$name.good"' "$tmp"
}

# told NAME WHAT: how one of these ended
told()
{
	if [ -e "$tmp/$1.good" ]; then
		ok "$2"
	else
		not_ok "$2"
		diag "$(head -n 30 "$tmp/$1.log")"
	fi
}

for target in $(targets | cut -d' ' -f1); do
	if ! build "${CC:-gcc}" address,undefined "$tmp/$target" "$target" "$here/driver.c" 2>"$tmp/log"; then
		not_ok "$target: compiles"
		diag "$(head -n 20 "$tmp/log")"
	fi
done
targets | while read -r target short long; do
	echo "$target ./$target -runs=$(rounds "$short" "$long")"
done | in_turns
for target in $(targets | cut -d' ' -f1); do
	told "$target" "$target: $(cat "$tmp/$target.log")"
done

# Guided by what is reached, from seeds of the same inputs.
if [ -n "$RF_LONG" ] && echo 'int LLVMFuzzerTestOneInput(void) { return 0; }' |
	clang -fsanitize=fuzzer,address -o "$tmp/try" -x c - 2>/dev/null; then
	mkdir -p "$T_DIR"
	for target in $(targets | cut -d' ' -f1); do
		check "$target: compiles with libFuzzer" libfuzzer "$target" "$tmp/lib-$target"
	done
	for target in $(targets | cut -d' ' -f1); do
		echo "lib-$target ./lib-$target/$target lib-$target/corpus -seed=1 -runs=500000" \
			"-max_total_time=900 -max_len=4096 -artifact_prefix=$T_DIR/$target-"
	done | in_turns
	for target in $(targets | cut -d' ' -f1); do
		told "lib-$target" "$target: libFuzzer: $(grep '^Done ' "$tmp/lib-$target.log")"
	done
elif [ -n "$RF_LONG" ]; then
	skip "libFuzzer" "clang, or its libclang-rt, is not installed"
fi

# control TARGET FILE SED RUNS WHAT: the fault that sed makes in the file is found
optimise=-O0
control()
{
	spoiled=$tmp/spoiled
	rm -rf "$spoiled"
	mkdir "$spoiled"
	sed "$3" "$T_TOP/$2" >"$spoiled/$(basename "$2")"
	if cmp -s "$T_TOP/$2" "$spoiled/$(basename "$2")" ||
		! build "${CC:-gcc}" address,undefined "$tmp/control" "$1" "$here/driver.c" 2>"$tmp/log"; then
		not_ok "control: $1 is built with a fault: $5"
		diag "$(head -n 20 "$tmp/log")"
		return
	fi
	timeout 60 "$tmp/control" "-runs=$4" >"$tmp/log" 2>&1
	c_status=$?
	check "control: $1: it is found that $5" test $c_status -ne 0 -a $c_status -ne 124
}

control klog rfm/klog.c 's/if (rec->len > len)/if (rec->len > 65535)/
	s/if (rec->len > sizeof(rec->text))/if (rec->len > 65535)/' 100000 \
	"the length in a record is believed"
control rfcom rfcom/queue.c 's/bytes > most ||/0 ||/' 10000 "the length of a chunk is believed"
control bulk rfcom/hold.c 's/if (!hold_same(b, in))/if (0)/' 5000 \
	"the memory of a kernel's successor is read as what it sent"
control lend rfcom/lend.c 's/if (only && !same(who, &r->only))/if (0)/' 5000 \
	"what is for one kernel alone is lent to another"
control vsock rfcom/vsock_end.c 's/ || how & end->heard)/)/' 5000 "the same is said twice"
control extents rfcom/extents.c 's/limit - start >= bytes/1/' 20000 \
	"memory beyond all that there can be is taken over"
control receive rfloop/receive.c 's/!source || source->kernel != peer->id/!source/' 5000 \
	"a packet is from somebody else's address"
control rfloop rfloop/ring.c 's/ || !o->away\[page\]//' 20000 \
	"the other end gives back whichever page it names"
control backend backend/ctrlq.c 's/if (bytes > CTRLQ_DATA_MAX - c->command.bytes)/if (0)/' 20000 \
	"a command is longer than there is room"
control exec exec/proto.c "s/!strchr(name, '\/') && //" 20000 "names lead elsewhere"
done_testing
