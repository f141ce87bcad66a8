#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# check.sh [GATE...]: every test, in order of cost; what CI runs. Without GATE
# all of them:
#
#   prepare   the machine and build/linux			exit status 10
#   static    checkpatch, shellcheck, licences, refresh		11
#   harness   our own parser and scripts, the benchmark's sums	12
#   tools     unit tests of the tool				13
#   build     kernels, module (with sparse), selftests		14
#   perf      selftests in the guest, perf kernel		15
#   debug     selftests in the guest, debug kernel		16
#
# The exit status is that of the first gate that failed. A gate that could not
# run has failed. ONLY=REGEX limits the guest gates to tests of that name.
# Logs: build/check/. The last line: N passed, N failed, N skipped.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/guests.sh"

LOGS=$BUILD/check
first_failure=0
started=$SECONDS

# Remembers CODE as the exit status if anything failed since FAILED_BEFORE.
note_failures() {
	if [ "$failed" -gt "$1" ] && [ "$first_failure" -eq 0 ]; then
		first_failure=$2
	fi
}

# A function of this script in a shell of its own: errexit does not hold in one
# whose status somebody looks at, nor in a subshell of it.
alone() { "$ROOT/scripts/check.sh" --alone "$@"; }

# run NAME CMD...: one test that is its exit status.
run() {
	local name=$1 start=$SECONDS rc=0
	shift
	alone "$@" >"$LOGS/$name.log" 2>&1 || rc=$?
	if [ "$rc" -eq 0 ]; then
		passed=$((passed + 1))
		printf 'ok   %-28s %s\n' "$name" "$(hms $((SECONDS - start)))"
	else
		failed=$((failed + 1))
		printf 'FAIL %-28s %s, status %d\n' "$name" "$(hms $((SECONDS - start)))" "$rc"
		tail -n 25 "$LOGS/$name.log" | sed 's/^/     /'
		echo "     see $LOGS/$name.log"
	fi
	return "$rc"
}

# run_tap NAME CMD...: a program that prints TAP or is a unittest; its results count one by one,
# and none at all is a failure.
run_tap() {
	local name=$1 start=$SECONDS rc=0 p f word=ok
	shift
	alone "$@" >"$LOGS/$name.log" 2>&1 || rc=$?
	p=$(grep -cE '^ok [0-9]' "$LOGS/$name.log" || :)
	f=$(grep -cE '^not ok ' "$LOGS/$name.log" || :)
	if [ "$p" -eq 0 ]; then		# Python's unittest gives the sum only
		p=$(sed -nE 's/^Ran ([0-9]+) tests? in .*/\1/p' "$LOGS/$name.log" | tail -1)
		: "${p:=0}"
	fi
	if [ "$rc" -ne 0 ] || [ "$f" -gt 0 ] || [ "$p" -eq 0 ]; then
		word=FAIL
		[ "$f" -gt 0 ] || f=1
	fi
	passed=$((passed + p)) failed=$((failed + f))
	printf '%-4s %-28s %3d passed, %d failed, %s\n' "$word" "$name" "$p" "$f" \
		"$(hms $((SECONDS - start)))"
	[ "$word" = ok ] || {
		grep -A8 '^not ok' "$LOGS/$name.log" | head -40 || tail -n 25 "$LOGS/$name.log"
		echo "     status $rc, see $LOGS/$name.log"
	}
}

# The project's files, those not yet added included.
files() { git -C "$ROOT" ls-files -co --exclude-standard --deduplicate | while read -r f; do
	[ ! -f "$ROOT/$f" ] || echo "$f"
done; }

shell_files() {
	files | while read -r f; do
		case $f in
		*.sh|.ci/run|tools/completion/*) echo "$f" ;;
		esac
	done
}

# SC2317: it does not see functions that are called by name
static_shellcheck() {
	cd "$ROOT"
	shell_files | xargs shellcheck -x -s bash -P SCRIPTDIR -e SC2317
}

static_python() {
	cd "$ROOT"
	files | grep '\.py$' | while read -r f; do
		python3 -c 'import ast, sys; ast.parse(open(sys.argv[1]).read(), sys.argv[1])' "$f"
	done
}

# Each file says its licence; generated data and the licence itself cannot.
static_spdx() {
	local bad
	cd "$ROOT"
	bad=$(files | grep -vE '^COPYING$|\.(patch|json|csv|tsv|png|svg)$' |
		while read -r f; do
			head -n 4 "$f" | grep -q 'SPDX-License-Identifier: GPL-2.0-only' || echo "$f"
		done)
	[ -z "$bad" ] || { printf 'no SPDX line:\n%s\n' "$bad"; return 1; }
}

# checkpatch, as strict as it goes, less what cannot hold here: nobody signs
# (whoever submits the series upstream will), and MAINTAINERS is upstream's.
# Prints what it finds as FILE:LINE: TYPE: TEXT.
checkpatch() {
	local rc=0
	# the python3 that Debian's modules are for
	PATH=/usr/bin:$PATH "$LINUX/scripts/checkpatch.pl" --strict --no-signoff \
		--show-types --no-summary --terse --showfile --ignore FILE_PATH_CHANGES "$@" \
		2>"$LOGS/checkpatch.stderr" || rc=$?
	# 1 is "found something"; anything else is "did not run", or not all of it
	if [ "$rc" -gt 1 ] || [ -s "$LOGS/checkpatch.stderr" ]; then
		cat "$LOGS/checkpatch.stderr"
		die "checkpatch: status $rc"
	fi
}

static_checkpatch_series() {
	local p
	cd "$LINUX"
	series | while read -r p; do
		checkpatch "$PATCHES/$p"
	done >"$LOGS/checkpatch.found"
	sed -e 's/^#.*//' -e '/^$/d' "$ROOT/scripts/checkpatch.allow" >"$LOGS/checkpatch.allow"
	if grep -vEf "$LOGS/checkpatch.allow" "$LOGS/checkpatch.found"; then
		return 1
	fi
}

# The modules are C of the kernel's, judged outside of its tree.
static_checkpatch_module() {
	local found
	[ -n "$(ls "$ROOT"/kernel/*.[ch])" ] || die "kernel/ holds no source"
	cd "$LINUX"
	found=$(checkpatch -f "$ROOT"/kernel/*.[ch] "$ROOT"/selftests/torture/*.[ch])
	[ -z "$found" ] || { printf '%s\n' "$found"; return 1; }
}

tools_check() { make -C "$ROOT/tools" O="$BUILD" check; }

build_kernel() {
	"$ROOT/scripts/kernel.sh" "$1"
	if [ -s "$BUILD/$1/warnings" ]; then
		cat "$BUILD/$1/warnings"
		die "the compiler warned"
	fi
}

# patches/20-memcg needs nothing of patches/10-sched: it applies to the base alone,
# builds and boots.
build_memcg_alone() {
	local p
	export GIT_INDEX_FILE=$LOGS/memcg.index COLO_NAME=memcg COLO_TREE
	git -C "$LINUX" read-tree refs/colo/base
	series | grep '^20-memcg/' | while read -r p; do
		git -C "$LINUX" apply --cached "$PATCHES/$p"
	done
	COLO_TREE=$(git -C "$LINUX" write-tree)
	unset GIT_INDEX_FILE
	"$ROOT/scripts/kernel.sh" perf
	[ ! -s "$BUILD/memcg/warnings" ] || die "the compiler warned"
	"$ROOT/scripts/vm.sh" --kernel memcg --no-module --timeout 120 -- \
		'grep pgsteal_wmark /proc/vmstat'
}

build_module() { WERROR=1 "$ROOT/scripts/module.sh" "$1"; }
build_sparse() { SPARSE=1 "$ROOT/scripts/module.sh" perf; }
build_tools() { make -C "$ROOT/tools" O="$BUILD"; }
build_selftests() { make -C "$ROOT/selftests" O="$BUILD"; }

gate_prepare() { run prepare "$ROOT/scripts/prepare.sh"; }

gate_static() {
	run static-shellcheck static_shellcheck || :
	run static-python static_python || :
	run static-spdx static_spdx || :
	run static-refresh "$ROOT/scripts/refresh.sh" --check || :
	run static-checkpatch-series static_checkpatch_series || :
	run static-checkpatch-module static_checkpatch_module || :
}

gate_harness() {
	local t
	for t in "$ROOT"/selftests/harness/test_*; do
		run_tap "harness-$(basename "$t")" "$t"
	done
	run_tap harness-test_bench.py python3 "$ROOT/scripts/test_bench.py"
}

gate_tools() {
	run build-tools build_tools && run_tap tools tools_check
}

gate_build() {
	run kernel-perf build_kernel perf && run module-perf build_module perf &&
		run module-sparse build_sparse
	run kernel-debug build_kernel debug && run module-debug build_module debug
	run kernel-memcg-alone build_memcg_alone
	run build-tools build_tools && run selftests build_selftests
}

need() {
	local f
	for f; do
		[ -f "$BUILD/$f" ] || {
			failed=$((failed + 1))
			echo "FAIL not run: there is no build/$f"
			return 1
		}
	done
}

gate_guest() {
	need "$1/bzImage" "$1/colo.ko" tools/colo || return 0
	[ "$1" != perf ] || run_tap guest "$ROOT/selftests/harness/guest_vm.sh"
	guest_list "$ROOT/selftests/guest-$1.list" "$LOGS/guest-$1" "$1" --kernel "$1"
}

main() {
	local gate before code=9
	local -a all=(prepare static harness tools build perf debug)
	[ $# -gt 0 ] || set -- "${all[@]}"
	# long steps speak to the terminal, their words else go to a log
	exec 5>&2
	export COLO_PROGRESS=5
	rm -rf "$LOGS"
	mkdir -p "$LOGS"
	for gate in "${all[@]}"; do
		code=$((code + 1))
		case " $* " in *" $gate "*) ;; *) continue ;; esac
		before=$failed
		step "$gate ($(hms $((SECONDS - started))) so far)"
		case $gate in
		perf|debug) gate_guest "$gate" ;;
		*)	# its tests have counted themselves
			"gate_$gate" || : ;;
		esac
		note_failures "$before" $code
		# without the tree nothing below can run
		if [ "$gate" = prepare ] && [ "$failed" -gt 0 ]; then break; fi
	done
	if [ $((passed + failed)) -eq 0 ]; then
		echo "no test ran"
		first_failure=1
	fi
	say "took $(hms $((SECONDS - started)))"
	echo "$passed passed, $failed failed, $skipped skipped"
	exit "$first_failure"
}

if [ "${1:-}" = --alone ]; then
	shift
	"$@"
else
	main "$@"
fi
