#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# bisect.sh [RANGE]: every commit of build/linux (default: the whole series)
# builds without a warning and boots, its options on and off.
. "$(dirname "$0")/lib.sh"

# try COMMIT on|off
try() {
	local commit=$1 how=$2 name=bisect-$2
	export COLO_NAME=$name OFF=
	COLO_TREE=$(git -C "$LINUX" rev-parse "$commit^{tree}")
	export COLO_TREE
	[ "$how" = on ] || OFF=1
	"$ROOT/scripts/kernel.sh" perf &&
	[ ! -s "$BUILD/$name/warnings" ] &&
	"$ROOT/scripts/vm.sh" --kernel "$name" --no-module --timeout 120 -- true
}

main() {
	local range=${1:-refs/colo/base..HEAD} commit how passed=0 failed=0 n=0 total
	total=$(git -C "$LINUX" rev-list --count "$range")
	[ "$total" -gt 0 ] || die "no commit in $range"
	while read -r commit; do
		n=$((n + 1))
		step "$n of $total: $(git -C "$LINUX" log -1 --format=%s "$commit")"
		for how in on off; do
			# in a shell of its own: errexit and the exports stay there
			if (try "$commit" "$how"); then
				passed=$((passed + 1))
			else
				failed=$((failed + 1))
				say "FAILED with its options $how"
			fi
		done
	done < <(git -C "$LINUX" rev-list --reverse "$range")
	echo "$passed passed, $failed failed"
	[ $failed -eq 0 ]
}
main "$@"
