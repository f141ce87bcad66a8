#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# vm.sh and the guest's init, by booting: what comes out, and with which status.
# Needs build/perf; check.sh runs it before the tests in the guest.
#
# Commands stand in single quotes because they are for the guest's shell (SC2016).
# shellcheck disable=SC2016
set -euo pipefail

root=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

n=0 failed=0
# boot NAME STATUS TEXT OPTIONS... -- COMMAND: TEXT must be in what is printed.
boot() {
	local name=$1 want=$2 text=$3 got=0
	shift 3
	n=$((n + 1))
	"$root/scripts/vm.sh" --timeout 120 --no-module "$@" >"$work/out" 2>&1 || got=$?
	if [ "$got" -eq "$want" ] && grep -qF -- "$text" "$work/out"; then
		echo "ok $n - $name"
	else
		echo "not ok $n - $name"
		echo "# wanted status $want and '$text', got $got and:"
		sed 's/^/# /' "$work/out"
		failed=1
	fi
}

echo hello >"$work/file"
echo rubbish >"$work/bad.ko"

echo "TAP version 13"
echo "1..11"
boot "a command's output and status" 7 "spoken" -- 'echo spoken; exit 7'
boot "several words are one command" 0 "a  b|c" -- printf '%s|%s\n' 'a  b' c
boot "descriptor 3 is the results" 0 "by three" -- 'echo by three >&3'
boot "so is COLO_OUT" 0 "by name" -- 'echo by name >$COLO_OUT'
boot "a file added" 0 "hello" --add "$work/file:/data/file" -- cat /data/file
boot "virtual time" 0 "one" --icount -- '[ $(nproc) -eq 1 ] && echo one'
boot "what is left running ends" 0 "left" -- 'sleep 1000 & trap "" TERM; echo left'
boot "a splat" 2 "console line" -- 'echo "<4>WARNING: CPU: 0 PID: 1 at a test" >/dev/kmsg'
boot "a guest that dies" 3 "guest died" -- 'echo c >/proc/sysrq-trigger'
boot "a time limit" 124 "timeout" --timeout 15 -- 'sleep 1000'
boot "a module that does not load" 126 "init: cannot load" --module "$work/bad.ko" -- true
exit $failed
