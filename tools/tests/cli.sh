#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# The finished program and its documents: what unit tests cannot see.
# Usage: cli.sh PATH_OF_COLO
set -u

colo=$1
dir=$(dirname "$0")
man=$dir/../man/colo.8
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
n=0
failed=0

# result NAME STATUS: one line of TAP
result() {
	n=$((n + 1))
	if [ "$2" -eq 0 ]; then
		echo "ok $n - $1"
	else
		echo "not ok $n - $1"
		failed=1
	fi
}

echo 1..8

readelf -lW "$colo" >"$tmp/elf" && grep -q LOAD "$tmp/elf" && ! grep -q INTERP "$tmp/elf"
result 'is linked statically' $?

"$colo" --help >/dev/full 2>"$tmp/err"
[ $? -eq 1 ] && grep -q 'standard output: No space left' "$tmp/err"
result 'lost output is an error' $?

mkdir -p "$tmp/cg/be" && : >"$tmp/cg/cgroup.controllers" &&
	echo 5 >"$tmp/cg/be/cpu.weight"
COLO_CGROUP_ROOT=$tmp/cg "$colo" status -a 2>/dev/null | grep -q '^/be .* 5 '
result 'COLO_CGROUP_ROOT is used' $?

groff -man -ww -b -z "$man" 2>"$tmp/groff" && [ ! -s "$tmp/groff" ]
result 'the man page has no groff warning' $?
sed 's/^/# /' "$tmp/groff"

groff -man -Tascii -rLL=78n -P-cbou "$man" >"$tmp/man"
! grep -nE '.{81}' "$tmp/man" | sed 's/^/# /' | grep . && [ -s "$tmp/man" ]
result 'the man page fits 80 columns' $?

bad=0
for section in NAME SYNOPSIS DESCRIPTION COMMANDS OPTIONS KNOBS 'EXIT STATUS' \
	ENVIRONMENT EXAMPLES OVERHEAD CAVEATS; do
	grep -qx "$section" "$tmp/man" || { echo "# no $section"; bad=1; }
done
result 'the man page has all sections' $bad

# every command and option of the help is in the man page and the completion
bad=0
for word in $("$colo" --help | sed -n '/^Commands:/,/^$/s/^  \([a-z]*\) .*/\1/p') \
	$(for cmd in '' check status set run off; do
		"$colo" $cmd --help | sed -n '/^EXAMPLES/q; p' | grep -oE -- '^ +-.*  ' |
			grep -oE -- '--[a-z-]+'
	  done | sort -u); do
	grep -q -- "$word" "$tmp/man" || { echo "# man page: no $word"; bad=1; }
	grep -q -- "$word" "$dir/../completion/colo" ||
		{ echo "# completion: no $word"; bad=1; }
done
result 'commands and options are documented' $bad

# and every exit code
bad=0
for code in 0 1 2 3 4 125 126 127 128+; do
	sed -n '/^EXIT STATUS/,/^ENVIRONMENT/p' "$tmp/man" |
		grep -qE "^ +$code" || { echo "# no exit code $code"; bad=1; }
done
result 'exit codes are documented' $bad

exit $failed
