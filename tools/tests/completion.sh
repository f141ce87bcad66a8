#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# What bash offers after a few beginnings of command lines.
# Usage: completion.sh PATH_OF_COLO
set -u

dir=$(dirname "$0")
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
n=0
failed=0

# shellcheck source=/dev/null
. "$dir/../completion/colo" || exit 1

# offers WORDS... CURRENT -- EXPECTED...: the completions, in any order
offers() {
	local got expected
	COMP_WORDS=(colo)
	while [ "$1" != '=>' ]; do
		COMP_WORDS+=("$1")
		shift
	done
	shift
	COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
	_colo
	got=$(printf '%s\n' "${COMPREPLY[@]}" | sort | tr '\n' ' ')
	expected=$(printf '%s\n' "$@" | sort | tr '\n' ' ')
	n=$((n + 1))
	if [ "$got" = "$expected" ]; then
		echo "ok $n - ${COMP_WORDS[*]}"
	else
		echo "not ok $n - ${COMP_WORDS[*]}"
		echo "# got:      $got"
		echo "# expected: $expected"
		failed=1
	fi
}

echo 1..15
export COLO_CGROUP_ROOT=$tmp
mkdir -p "$tmp/be/pod1" "$tmp/be/pod2" "$tmp/best" "$tmp/on"
for f in cpu.weight cpu.offline cpu.stat cgroup.procs cgroup.freeze; do
	: >"$tmp/be/$f"
done
: >"$tmp/be/cpu.offline.effective"
for f in memory.wmark_high memory.wmark_stat memory.offline memory.current; do
	: >"$tmp/on/$f"
done
chmod 444 "$tmp/be/cpu.offline.effective"

offers '' '=>' check status set run off
offers s '=>' status set
offers --j '=>' --json
offers -R /x --js '=>' --json
offers status --a '=>' --all
offers off --d '=>' --dry-run
offers status b '=>' be best
offers status be/ '=>' be/pod1 be/pod2
offers set be '' '=>' cpu.weight= cpu.offline= cgroup.freeze=
offers set on '' '=>' memory.offline= memory.wmark_high=
offers run memory.w '=>' memory.wmark_high= memory.wmark_low=
offers run --of '=>' --offline
offers run --parent o '=>' on
offers run --offline -- compge '=>' compgen
offers run --name x --ke '=>' --keep

# the commands it knows are the commands there are
[ "$("$1" --help | sed -n '/^Commands:/,/^$/s/^  \([a-z]*\) .*/\1/p' | sort)" = \
	"$(COMP_WORDS=(colo '') COMP_CWORD=1; _colo; printf '%s\n' "${COMPREPLY[@]}" | sort)" ] ||
	{ echo "Bail out! completion and help disagree about the commands"; failed=1; }
exit $failed
