#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The table of verbs, --help, the man page and the completion agree.

. "$(dirname "$0")/common.sh"
prepare plain
cd "$T_DIR" || bail "no $T_DIR"

PATH=$T_TOP/build:$PATH
rfm help --table >table
verbs=$(cut -f 1 table)

# man_section PAGE VERB: its part of the source
man_section()
{
	awk -v verb="$2" '$0 ~ /^---+$/ { on = last == verb } /^===+$/ { on = 0 }
		on { print } { last = $0 }' "$1"
}

# options that a text names, one a line
options_in()
{
	grep -oE -- '--[a-z][a-z-]*' | sort -u
}

table_options()
{
	sed -n "s/^$1\t//p" table | tr -d = | tr ' ' '\n' | sort -u
}

# What disagrees between the table and a man page. An option that the page names
# in passing belongs to the verb too, or to another verb that is named before it.
disagreements()
{
	for verb in $verbs; do
		man_section "$1" "$verb" >section
		[ -s section ] || echo "$verb: no section"
		options_in <section >inman
		table_options "$verb" | grep -vx -e --help >intable
		sed "s/^/$verb: not in the man page: /" <(comm -13 inman intable)
		sed "s/^/$verb: not in the table: /" <(comm -23 inman intable)
	done
}

check "there are verbs" test "$(wc -l <table)" -ge 15
is "$(disagreements "$T_TOP/rfm/rfm.8.rst")" "" "the man page has each verb and its options, and no other"
sed 's/--quick/--quiet/' "$T_TOP/rfm/rfm.8.rst" >wrong.rst
is "$(disagreements wrong.rst)" "audit: not in the man page: --quick
audit: not in the table: --quiet" "a man page that is wrong is noticed"
check "the man page can be built" rst2man --halt=2 "$T_TOP/rfm/rfm.8.rst" rfm.8

# exit codes: the enum and the man page
sed -n '/^enum rfm_exit/,/^}/s/.*= \([0-9]*\),.*/\1/p' "$T_TOP/rfm/rfm.h" >codes
sed -n '/^EXIT STATUS/,/^FILES/s/^\([0-9]\{1,3\}\) .*/\1/p' "$T_TOP/rfm/rfm.8.rst" >documented
is "$(cat documented)" "$(cat codes)" "the man page has each exit code"

# --help
for verb in $verbs; do
	out=$(rfm "$verb" --help)
	is "$?" 0 "rfm $verb --help"
	is "$(echo "$out" | options_in | grep -Fxf <(table_options "$verb"))" "$(table_options "$verb")" \
		"names the options of $verb"
	is "$(rfm help "$verb")" "$out" "rfm help $verb says the same"
done
is "$(rfm help | sed -n '/^commands:/,/^$/s/^  \([a-z]*\) .*/\1/p')" "$verbs" "rfm help lists the verbs"
is "$(rfm --help)" "$(rfm help)" "rfm --help is rfm help"
is "$(rfm --version)" "$(rfm version)" "rfm --version is rfm version"
refused 2 "there is no command 'lis'" "a verb must be exact" rfm lis
refused 2 "what shall be done" "no verb" rfm
refused 2 "option '--colour' is not known" "an unknown option" rfm --colour
for verb in list resources ledger pool detach check audit version; do
	refused 2 "takes no operand" "$verb: an operand too many" rfm "$verb" x
done

# completion
. "$T_TOP/rfm/rfm.bash-completion"
complete_line()
{
	COMP_WORDS=("$@")
	COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
	_rfm
	printf '%s\n' "${COMPREPLY[@]}" | sort
}
is "$(complete_line rfm "" | grep -v ^-)" "$(echo "$verbs" | sort)" "completion has the verbs"
is "$(complete_line rfm --json cre)" "create" "also behind an option"
for verb in $verbs; do
	is "$(complete_line rfm "$verb" -)" "$(table_options "$verb")" "completion has the options of $verb"
done
touch kernel-here
is "$(complete_line rfm create a --kernel kernel-h)" kernel-here "completion has files"
is "$(complete_line rfm create a --memory "")" "" "but not where none belong"
RFM create web --cpus 1 --memory 512M >/dev/null
mkdir bin
cat >bin/rfm <<END
#!/bin/sh
exec env RFM_FAKE="$STATE" LD_PRELOAD="$T_DIR/fakedev.so" "$T_TOP/build/rfm" --sysroot "$ROOT" "\$@"
END
chmod +x bin/rfm
PATH=$T_DIR/bin:$PATH
is "$(complete_line rfm --json show "")" web "completion has the names of subOSes"

done_testing
