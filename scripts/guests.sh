# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# Runs the lists in selftests/: one line is "name | options of vm.sh | command".
# Source lib.sh first. Sets, by adding: passed failed skipped.

passed=0 failed=0 skipped=0

# guest_lines LIST: its lines, "name|options|command", blanks trimmed.
guest_lines() {
	sed -e '/^[[:space:]]*#/d' -e '/^[[:space:]]*$/d' \
		-e 's/[[:space:]]*|[[:space:]]*/|/' -e 's/[[:space:]]*|[[:space:]]*/|/2' "$1"
}

# guest_run DIR NAME OPTIONS COMMAND: one boot; leaves NAME.{console,out,verdict,rc,time}.
guest_run() {
	local dir=$1 name=$2 options=$3 command=$4 start=$SECONDS rc=0
	# shellcheck disable=SC2086  # options are words
	"$ROOT/scripts/vm.sh" $options --log "$dir/$name.console" --out "$dir/$name.out" \
		-- "$command" >"$dir/$name.vm" 2>&1 || :	# verdict.py is the judge
	"$ROOT/scripts/verdict.py" "$dir/$name.console" "$dir/$name.out" \
		>"$dir/$name.verdict" 2>&1 || rc=$?
	echo $((SECONDS - start)) >"$dir/$name.time"
	echo $rc >"$dir/$name.rc"	# last: who sees it may read the others
}

# guest_report DIR LABEL NAME: prints the result of a run and counts it. In our
# own guest everything exists: a skipped test is one that did not run, and fails.
guest_report() {
	local dir=$1 label=$2 name=$3 rc p=0 f=0 s=0 word=ok
	rc=$(cat "$dir/$name.rc")
	read -r p f s < <(sed -nE \
		's/^[a-z ]+: ([0-9]+) passed, ([0-9]+) failed, ([0-9]+) skipped$/\1 \2 \3/p' \
		"$dir/$name.verdict" | tail -1) || :
	if [ "$rc" -ne 0 ] || [ "$s" -gt 0 ]; then
		word=FAIL
		[ "$f" -gt 0 ] || f=1
	fi
	passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
	printf '%-4s %-28s %3d passed, %d failed, %d skipped, %s\n' $word "$label" \
		"$p" "$f" "$s" "$(hms "$(cat "$dir/$name.time")")"
	[ $word = FAIL ] || return 0
	grep -vE '^  ok  ' "$dir/$name.verdict" | head -40 || :
	# without results the reason is what vm.sh said
	[ "$p" -gt 0 ] || tail -5 "$dir/$name.vm"
	echo "     see $dir/$name.{console,out,verdict}"
}

# guest_reports DIR LABEL NAME...: of those that ended since the last call.
guest_reports() {
	local dir=$1 label=$2 name
	shift 2
	for name; do
		if [ -f "$dir/$name.rc" ] && [ ! -f "$dir/$name.reported" ]; then
			guest_report "$dir" "$label/$name" "$name"
			touch "$dir/$name.reported"
		fi
	done
}

# guest_list LIST DIR LABEL VMFLAGS...: all of a list. Under icount time is
# virtual, so those boots share the host's CPUs without changing a result; the
# others get the host to themselves.
guest_list() {
	local list=$1 dir=$2 label=$3 name options command names=() alone=()
	shift 3
	if [ ! -f "$list" ] || [ -z "$(guest_lines "$list")" ]; then
		failed=$((failed + 1))
		echo "FAIL $label: ${list#"$ROOT"/} holds no test"
		return 0
	fi
	rm -rf "$dir"
	mkdir -p "$dir"
	while IFS='|' read -r name options command; do
		if [ -n "${ONLY:-}" ] && [[ ! $name =~ $ONLY ]]; then continue; fi
		case " $options " in
		*' --icount '*)
			while [ "$(jobs -pr | wc -l)" -ge "$JOBS" ]; do
				wait -n
				guest_reports "$dir" "$label" "${names[@]}"
			done
			guest_run "$dir" "$name" "$* $options" "$command" &
			names+=("$name")
			;;
		*)	alone+=("$name|$options|$command") ;;
		esac
	done < <(guest_lines "$list")
	while [ -n "$(jobs -pr)" ]; do
		wait -n
		guest_reports "$dir" "$label" "${names[@]}"
	done
	guest_reports "$dir" "$label" ${names[@]+"${names[@]}"}
	for name in ${alone[@]+"${alone[@]}"}; do
		IFS='|' read -r name options command <<<"$name"
		guest_run "$dir" "$name" "$* $options" "$command"
		guest_reports "$dir" "$label" "$name"
	done
	# a run that left no result did not happen, and that is a failure
	for name in ${names[@]+"${names[@]}"}; do
		[ -f "$dir/$name.rc" ] || {
			failed=$((failed + 1))
			echo "FAIL $label/$name: the run left no result"
		}
	done
}
