#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# The tool on a real kernel. Prints KTAP; the exit status is 1 if a test failed.
# Usage: guest.sh MODE, which says what the kernel is meant to be, so that a
# kernel that lacks something fails instead of being tested for less:
#   module     the patched kernel with colo.ko
#   no-module  the patched kernel without it
#   stock      a kernel without the class
# Runs as root, with cgroup v2 mounted and its controllers on.
#
# The tests are called by their names (SC2317), and scripts for the command
# stand in single quotes on purpose (SC2016).
# shellcheck disable=SC2317,SC2016
set -u

mode=${1:?module, no-module or stock}
cg=/sys/fs/cgroup
tmp=$(mktemp -d) || exit 1
n=0
failed=0

# t NAME COMMAND...: one test, which passes if the command succeeds
t() {
	name=$1
	shift
	n=$((n + 1))
	if "$@" >"$tmp/log" 2>&1; then
		echo "ok $n $name"
	else
		echo "not ok $n $name"
		sed 's/^/# /' "$tmp/log"
		failed=1
	fi
}

# run_colo ARGUMENTS: what it did, in $code, $tmp/out and $tmp/err
run_colo() {
	colo "$@" >"$tmp/out" 2>"$tmp/err"
	code=$?
	echo "colo $*: exit status $code"
	cat "$tmp/out" "$tmp/err"
}

# expect CODE ARGUMENTS
expect() {
	want=$1
	shift
	run_colo "$@"
	[ "$code" -eq "$want" ]
}

out_has() { grep -q -- "$1" "$tmp/out"; }
err_has() { grep -q -- "$1" "$tmp/err"; }
is() { [ "$(cat "$cg/$1")" = "$2" ] || { echo "$1 is $(cat "$cg/$1")"; false; }; }
# near FILE BYTES: a page more or less
near() {
	v=$(cat "$cg/$1")
	echo "$1 is $v"
	[ "$v" -ge $(($2 - 4096)) ] && [ "$v" -le $(($2 + 4096)) ]
}
no_groups_left() {
	set -- "$cg"/colo-run-* "$cg"/job
	[ ! -e "$1" ] && [ ! -e "$2" ]
}
no_process() { ! pgrep -f "$1"; }
# wait_for COMMAND...: until it succeeds, for 20 s
wait_for() {
	for _ in $(seq 200); do
		"$@" && return
		sleep 0.1
	done
	false
}

# ---- any kernel ----

set_knobs() {
	expect 0 set t cpu.weight=50 memory.max=64M pids.max=100 &&
		is t/cpu.weight 50 && is t/memory.max 67108864 &&
		is t/pids.max 100
}
set_rolls_back() {
	# the kernel refuses a burst above the quota: a late write fails
	echo '50000 100000' >"$cg/t/cpu.max"
	expect 1 set t cpu.weight=77 pids.max=7 cpu.max.burst=60000 &&
		err_has "$cg/t/cpu.max.burst: Invalid argument" &&
		err_has 'put back: pids.max=100' &&
		err_has 'put back: cpu.weight=50' &&
		is t/cpu.weight 50 && is t/pids.max 100
}
set_refuses() {
	expect 1 set t cpu.weight=0 && err_has '1 to 10000 allowed' &&
		expect 1 set t cpu.none=1 && err_has 'No such file' &&
		expect 1 set none cpu.weight=5 && err_has "$cg/none: No such file" &&
		expect 2 set t cgroup.procs=1 && is t/cpu.weight 50
}
run_status() {
	expect 7 run -- sh -c 'exit 7' && no_groups_left &&
		expect 143 run -- sh -c 'kill -TERM $$' &&
		expect 137 run -- sh -c 'kill -KILL $$' &&
		expect 127 run -- /none && expect 126 run -- /proc/version &&
		no_groups_left
}
run_inside() {
	expect 0 run --name job cpu.weight=42 memory.max=32M -- sh -c \
		'cat /proc/self/cgroup /sys/fs/cgroup/job/cpu.weight
		 cat /sys/fs/cgroup/job/memory.max' &&
		out_has '^0::/job$' && out_has '^42$' && out_has '^33554432$' &&
		no_groups_left
}
run_parent() {
	# enables what it needs on the way, in a group without processes
	mkdir -p "$cg/p/q" && is p/q/cgroup.subtree_control '' || return
	expect 0 run --parent p/q cpu.weight=9 -- cat /proc/self/cgroup &&
		out_has '^0::/p/q/colo-run-' &&
		grep -qw cpu "$cg/p/q/cgroup.subtree_control" &&
		rmdir "$cg/p/q" "$cg/p"
}
run_busy_parent() {
	# a group with processes cannot give controllers to groups below it
	mkdir "$cg/busy" || return
	sleep 1000 &
	pid=$!
	echo "$pid" >"$cg/busy/cgroup.procs"
	expect 125 run --parent busy cpu.weight=9 -- echo ran
	result=$?
	kill "$pid"
	wait "$pid"
	rmdir "$cg/busy"
	[ "$result" -eq 0 ] && ! out_has ran && err_has 'use --parent'
}
run_signal() {
	colo run --name job -- sh -c \
		"trap 'exit 9' $1; echo ready; while :; do sleep 0.1; done" \
		>"$tmp/sig" &
	pid=$!
	wait_for grep -q ready "$tmp/sig"
	kill -"$1" "$pid"
	wait "$pid"
	code=$?
	echo "$1: exit status $code"
	[ "$code" -eq 9 ] && no_groups_left
}
run_signals() {
	# a shell starts what it puts in the background with INT and QUIT
	# ignored, and nothing can be trapped that was: see the unit tests
	for sig in TERM HUP USR1 USR2 CONT; do
		run_signal "$sig" || return
	done
}
run_stops() {
	colo run --name job -- sh -c 'kill -STOP $$; exit 4' &
	pid=$!
	wait_for grep -q '^State:.*T' "/proc/$pid/status" || return
	kill -CONT "$pid"
	wait "$pid"
	[ $? -eq 4 ] && no_groups_left
}
run_kills_rest() {
	# daemons in sessions of their own and in groups below
	expect 3 run --name job -- sh -c \
		'mkdir /sys/fs/cgroup/job/sub; for i in 1 2 3; do
		 setsid sh -c "echo \$\$ >/sys/fs/cgroup/job/sub/cgroup.procs
			       exec sleep 98765" & done
		 setsid sleep 98765 & sleep 0.5; exit 3' &&
		no_process 'sleep 98765' && no_groups_left
}
run_waits_for_rest() {
	expect 0 run --wait -- sh -c 'setsid sh -c "sleep 1; echo late" & exit 0' &&
		out_has late && no_groups_left
}
run_keeps() {
	expect 0 run --keep --name job -- true && [ -d "$cg/job" ] &&
		rmdir "$cg/job"
}
run_unprivileged() {
	# a delegated subtree: a group for processes and one to make groups in
	mkdir -p "$cg/user/own" && echo '+cpu' >"$cg/user/cgroup.subtree_control" &&
		chown 1000:1000 "$cg/user" "$cg/user/cgroup.procs" \
			"$cg/user/cgroup.subtree_control" \
			"$cg/user/own" "$cg/user/own/cgroup.procs" || return
	echo 'root:x:0:0::/:/bin/sh' >/etc/passwd
	echo 'user:x:1000:1000::/:/bin/sh' >>/etc/passwd
	sh -c "echo \$\$ >$cg/user/own/cgroup.procs
	       exec su user -c 'id -u; colo run cpu.weight=5 -- cat /proc/self/cgroup'" \
		>"$tmp/out" 2>"$tmp/err"
	code=$?
	cat "$tmp/out" "$tmp/err"
	rmdir "$cg/user/own" "$cg/user" || return
	[ "$code" -eq 0 ] && out_has '^1000$' && out_has '^0::/user/colo-run-'
}
mount_v1() {
	mount -t cgroup -o cpu,cpuacct,cpuset none /tmp/v1
}
cpu_back_on_v2() {
	# a hierarchy goes at its last umount, unless a removed group is still
	# being freed: then at the next one
	echo +cpu +cpuset >"$cg/cgroup.subtree_control" && return
	mount_v1 && umount /tmp/v1
	false
}
v1_hierarchy() {
	# the controllers move to a v1 hierarchy once v2 lets go of them (EBUSY
	# until the last group is freed); a new group of cpuset takes a task only
	# if it is given CPUs
	echo -cpu >"$cg/t/cgroup.subtree_control"
	echo -cpu -cpuset >"$cg/cgroup.subtree_control" && mkdir -p /tmp/v1 &&
		wait_for mount_v1 || return
	run_colo run cpu.shares=77 -- sh -c \
		'd=/tmp/v1$(sed -n s/^.*cpuacct://p /proc/self/cgroup)
		 cat /proc/self/cgroup $d/cpu.shares'
	result=$code
	out_has 'cpuacct:/colo-run-' && out_has '^77$' || result=1
	set -- /tmp/v1/colo-run-*
	[ ! -e "$1" ] || result=1
	if [ "$mode" = module ]; then
		mkdir /tmp/v1/g && expect 0 set g cpu.offline=1 &&
			expect 0 status && out_has '^/g .*yes yes' &&
			expect 0 run --offline -- sh -c 'cat /proc/$$/sched' &&
			out_has 'colo.state *: *offline' &&
			expect 0 off && out_has '^/g: cpu.offline 1 -> 0' ||
			result=1
		rmdir /tmp/v1/g
	fi
	umount /tmp/v1 && wait_for cpu_back_on_v2 && rmdir /tmp/v1 || result=1
	[ "$result" -eq 0 ]
}

# ---- a kernel without cpu.offline; $1 is the exit status for that ----

check_missing() {
	expect "$1" check && out_has "$2" && expect "$1" check --json &&
		out_has "\"verdict\":\"$3\""
}
set_missing() {
	is t/cpu.weight 50 && expect "$1" set t cpu.weight=60 cpu.offline=1 &&
		err_has "$cg/t/cpu.offline: No such file" && err_has "$2" &&
		is t/cpu.weight 50
}
run_missing() {
	expect "$1" run --offline -- echo ran && ! out_has ran && err_has "$2" &&
		no_groups_left
}
others_missing() {
	expect 0 status && err_has 'colo check' && expect 0 status t &&
		out_has '^/t  *-  *-  *50 ' &&
		expect 0 off && out_has 'Nothing to undo'
}

wmark_missing() {
	expect 1 set t cpu.weight=60 memory.wmark_high=90% &&
		err_has "$cg/t/memory.wmark_high: No such file" && err_has "$1" &&
		is t/cpu.weight 50 && run_colo check &&
		out_has '^memory watermarks *no'
}

# ---- with cpu.offline ----

check_ready() {
	expect 0 check && out_has 'Ready: groups can be made offline' &&
		expect 0 check --json && out_has '"verdict":"ready"'
}
set_offline() {
	mkdir -p "$cg/t/pod1" "$cg/t/pod2" &&
		echo +cpu >"$cg/t/cgroup.subtree_control" &&
		expect 0 set t cpu.offline=1 && is t/cpu.offline 1 &&
		is t/pod1/cpu.offline 0
}
set_offline_refuses() {
	expect 1 set / cpu.offline=1 && err_has 'the root group has no such file' &&
		expect 1 set t cpu.offline=2 &&
		err_has 'Numerical result out of range (0 or 1 allowed)' &&
		expect 1 set t cpu.offline=-1 && err_has 'Invalid argument' &&
		expect 1 set t cpu.offline.effective=0 && err_has 'read-only' &&
		is t/cpu.offline 1
}
set_offline_rolls_back() {
	expect 0 set t cpu.offline=0 &&
		expect 1 set t cpu.offline=1 cpu.max.burst=60000 &&
		err_has 'put back: cpu.offline=0' && is t/cpu.offline 0 &&
		expect 0 set t cpu.offline=1
}
status_table() {
	expect 0 status && out_has '^/t  *yes  *yes ' &&
		out_has '^/t/pod1  *no  *yes ' && ! out_has '^/p ' &&
		! grep -qE '.{81}' "$tmp/out"
}
status_counts() {
	# three tasks that use the CPU are seen, with the time that they ran
	for _ in 1 2 3; do
		sh -c "echo \$\$ >$cg/t/pod1/cgroup.procs
		       while :; do :; done" &
	done
	wait_for sh -c "colo status t 2>/dev/null | grep -q '^/t/pod1 .* 3\$'"
	result=$?
	sleep 2
	run_colo --json status t/pod1
	usec=$(sed -n 's/.*"run_usec":\([0-9]*\).*/\1/p' "$tmp/out")
	echo "run_usec $usec"
	echo 1 >"$cg/t/pod1/cgroup.kill"
	wait
	[ "$result" -eq 0 ] && [ "$usec" -gt 100000 ] &&
		out_has '"tasks":3' && out_has '"lifted":'
}
run_offline() {
	expect 5 run --offline --name job -- sh -c \
		'cat /proc/$$/sched /sys/fs/cgroup/job/cpu.offline.effective; exit 5' &&
		out_has 'colo.state *: *offline' && out_has '^1$' && no_groups_left &&
		expect 0 run -- sh -c 'cat /proc/$$/sched' &&
		out_has 'colo.state *: *online'
}
run_below_offline() {
	expect 0 run --parent t -- sh -c 'cat /proc/$$/sched' &&
		out_has 'colo.state *: *offline'
}
run_offline_signals() {
	colo run --offline --name job -- sh -c 'echo ready; exec sleep 1000' \
		>"$tmp/sig" &
	pid=$!
	wait_for grep -q ready "$tmp/sig"
	kill -TERM "$pid"
	wait "$pid"
	[ $? -eq 143 ] && no_groups_left
}
off_dry_run() {
	expect 0 off --dry-run && out_has '^/t: cpu.offline 1 -> 0' &&
		is t/cpu.offline 1
}
off_undoes() {
	expect 0 set t/pod2 cpu.offline=1 && expect 0 off --json &&
		out_has '"undone":2' && is t/cpu.offline 0 &&
		is t/pod2/cpu.offline 0 && is t/pod1/cpu.offline.effective 0 &&
		expect 0 off && out_has 'Nothing to undo' &&
		expect 0 status && out_has 'No group is offline'
}
off_running() {
	# a task that runs goes back online at once
	mkdir -p "$cg/o/a" && echo 1 >"$cg/o/cpu.offline" || return
	sh -c "echo \$\$ >$cg/o/a/cgroup.procs; exec sleep 1000" &
	pid=$!
	wait_for grep -q 'colo.state *: *offline' "/proc/$pid/sched" &&
		expect 0 off && grep 'colo.state *: *online' "/proc/$pid/sched"
	result=$?
	kill "$pid"
	wait "$pid"
	rmdir "$cg/o/a" "$cg/o" && return "$result"
}

# ---- with memory watermarks ----

wmark_set() {
	expect 0 check && out_has '^memory watermarks *yes' &&
		expect 0 set t memory.wmark_low=80% memory.wmark_high=90% \
			memory.max=64M memory.offline=1 &&
		is t/memory.wmark_ratio 90 && is t/memory.offline 1 &&
		near t/memory.wmark_high 60397977
}
wmark_refuses() {
	expect 1 set t memory.wmark_high=101% && err_has 'out of range' &&
		expect 1 set t memory.wmark_high=0% &&
		expect 1 set t memory.wmark_high=lots && err_has 'Invalid' &&
		expect 1 set t memory.wmark_low=100% && err_has 'Invalid' &&
		expect 1 set / memory.wmark_high=90% &&
		err_has 'the root group has no such file' &&
		is t/memory.wmark_ratio 90
}
wmark_rolls_back() {
	# as it was asked for, in percent, not in the bytes that the file shows
	expect 1 set t memory.wmark_high=16M memory.wmark_type=all \
		memory.offline=0 cpu.max.burst=60000 &&
		err_has 'put back: memory.wmark_high=90%' &&
		! err_has 'NOT put back' && is t/memory.wmark_ratio 90 &&
		is t/memory.wmark_type file && is t/memory.offline 1 &&
		grep -q '^low_set 80%$' "$cg/t/memory.wmark_stat" &&
		expect 1 set t memory.wmark_ratio=50 cpu.max.burst=60000 &&
		is t/memory.wmark_ratio 90
}
wmark_rolls_back_bytes() {
	# the ratio of a mark in bytes reads 0, and that is not what it was
	expect 0 set t memory.wmark_high=48M && is t/memory.wmark_ratio 0 &&
		expect 1 set t memory.wmark_ratio=50 cpu.max.burst=60000 &&
		is t/memory.wmark_high 50331648 &&
		expect 0 set t memory.wmark_high=90%
}
wmark_status() {
	expect 0 status && out_has '^/t  *yes  *[0-9.]*[KM]* ' &&
		! grep -qE '.{81}' "$tmp/out" && expect 0 status --json &&
		out_has '"high_set":"90%"'
}
wmark_run() {
	expect 0 run --name job memory.max=32M memory.wmark_high=95% -- \
		cat /sys/fs/cgroup/job/memory.wmark_ratio && out_has '^95$' &&
		no_groups_left
}
wmark_off() {
	expect 0 off && out_has '^/t: memory.wmark_high 90% -> max' &&
		out_has '^/t: memory.wmark_low 80% -> auto' &&
		out_has '^/t: memory.offline 1 -> 0' &&
		is t/memory.wmark_high max && is t/memory.wmark_low auto &&
		is t/memory.max 67108864 &&
		expect 0 off && out_has 'Nothing to undo'
}

common='set_knobs set_rolls_back set_refuses run_status run_inside run_parent
	run_busy_parent run_signals run_stops run_kills_rest run_waits_for_rest
	run_keeps run_unprivileged'
offline='check_ready set_offline set_offline_refuses set_offline_rolls_back
	status_table status_counts run_offline run_below_offline
	run_offline_signals off_dry_run off_undoes off_running'
wmark='wmark_set wmark_refuses wmark_rolls_back wmark_rolls_back_bytes
	wmark_status wmark_run wmark_off'

mkdir "$cg/t" || exit 1
echo 'KTAP version 1'
case $mode in
module)
	# shellcheck disable=SC2086 # words
	set -- $common $offline $wmark v1_hierarchy
	echo "1..$#"
	for f in "$@"; do t "$f" "$f"; done
	;;
no-module | stock)
	# shellcheck disable=SC2086
	set -- $common
	echo "1..$(($# + 6))"
	for f in "$@"; do t "$f" "$f"; done
	if [ "$mode" = stock ]; then
		code=3 what='no offline class' verdict=no-class
		wmark='no memory watermarks'
	else
		code=4 what='module is not loaded' verdict=no-knob
		wmark=$what
	fi
	missing=$code
	t check_missing check_missing "$missing" "$what" $verdict
	t set_missing set_missing "$missing" "$what"
	t run_missing run_missing "$missing" "$what"
	t wmark_missing wmark_missing "$wmark"
	t others_missing others_missing
	t v1_hierarchy v1_hierarchy
	;;
*)
	echo "Bail out! unknown mode $mode"
	exit 1
	;;
esac
rmdir "$cg/t/pod1" "$cg/t/pod2" 2>/dev/null
rmdir "$cg/t" || failed=1
exit $failed
