# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# shellcheck disable=SC2034  # what is set here is used by those who source it
#
# Shared by the scripts beside it: where things are, how we talk, how a long
# step reports, and the few git helpers that several of them need.
# Source it first: it also sets the shell options.

set -euo pipefail

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
CACHE=${XDG_CACHE_HOME:-${HOME:-~}/.cache}/colo
BUILD=$ROOT/build
LINUX=$BUILD/linux
PATCHES=$ROOT/patches
# One cached repository for all clones of the project: one commit per imported
# base.  `git am -3` needs the blobs of older bases, so none is ever dropped.
BASES=$CACHE/linux.git
JOBS=${JOBS:-$(nproc)}
# mke2fs and depmod, which need no root, are out of a user's way in Debian.
PATH=$PATH:/usr/sbin:/sbin

# The oldest 6.12 that the series can sit on: 6.12.113 rewrote
# __pick_next_task() and added rq->donor.
MIN_BASE=6.12.113

mkdir -p "$BUILD" "$CACHE"

say()  { printf '%s\n' "$*" >&2; }
step() { printf '==> %s\n' "$*" >&2; }
die()  { printf '%s: error: %s\n' "${0##*/}" "$*" >&2; exit 1; }

# git as the project wants it on every machine: the user's own configuration
# (signing, hooks, diff algorithm, prefixes) must not reach what we generate.
pgit() {
	GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_SYSTEM=/dev/null \
	GIT_COMMITTER_NAME='colo developers' GIT_COMMITTER_EMAIL=colo@localhost \
	GIT_AUTHOR_NAME='colo developers' GIT_AUTHOR_EMAIL=colo@localhost \
	git "$@"
}

# with_lock FILE CMD...: two clones share the cache, so whoever changes it
# holds a lock meanwhile; the lock goes with the process.
with_lock() {
	local file=$1 fd
	shift
	exec {fd}>"$file"
	if ! flock -n "$fd"; then
		say "waiting for another run that holds $file"
		flock "$fd"
	fi
	"$@"	# no "||" here: it would switch errexit off inside
	exec {fd}>&-
}

hms() { printf '%d:%02d' $(($1 / 60)) $(($1 % 60)); }

# long_step WHAT LOG TOTAL REGEX CMD...: runs CMD with its output in LOG and
# says how far it is: lines of LOG matching REGEX, out of about TOTAL (0 when
# nobody knows), and how long it has taken.  Every second on a terminal, every
# half minute elsewhere.  On failure it shows the end of the log.
# COLO_PROGRESS names the descriptor to say it on, for those who keep stderr.
long_step() {
	local what=$1 log=$2 total=$3 regex=$4 start=$SECONDS last=$SECONDS pid rc=0 n
	local to=${COLO_PROGRESS:-2}
	shift 4
	: >"$log"
	[ -t "$to" ] || echo "$what ..." >&"$to"
	"$@" >"$log" 2>&1 </dev/null &
	pid=$!
	# shellcheck disable=SC2064  # expand now: this very child
	trap "kill $pid 2>/dev/null; trap - INT; kill -INT $$" INT
	while kill -0 "$pid" 2>/dev/null; do
		sleep 1
		n=$(grep -cE "$regex" "$log" || :)
		if [ "$total" -gt "$n" ]; then
			n="$n of about $total"
		fi
		if [ -t "$to" ]; then
			printf '\r\033[K%s: %s, %s' "$what" "$n" \
				"$(hms $((SECONDS - start)))" >&"$to"
		elif [ $((SECONDS - last)) -ge 30 ]; then
			echo "$what: $n, $(hms $((SECONDS - start)))" >&"$to"
			last=$SECONDS
		fi
	done
	wait "$pid" || rc=$?
	trap - INT
	[ ! -t "$to" ] || printf '\r\033[K' >&"$to"
	if [ $rc -ne 0 ]; then
		grep -nE '(error|Error|undefined reference|No such file)' "$log" | head -20 >&2 || :
		tail -n 15 "$log" >&2
		say "$what: failed after $(hms $((SECONDS - start))); the whole log: $log"
		return $rc
	fi
	say "$what: done in $(hms $((SECONDS - start)))"
}

# The series as a list of paths below patches/; empty when there is none yet.
series() {
	[ ! -f "$PATCHES/series" ] || sed -e 's/#.*//' -e '/^[[:space:]]*$/d' "$PATCHES/series"
}

# The version apt installed, e.g. 6.12.117-1~deb12u1.
base_version() { dpkg-query -W -f '${Version}' linux-source-6.12 2>/dev/null; }

# The name of its commit in the cached repository ('~' is not for ref names).
base_ref() { printf 'refs/heads/base/%s' "${1//[^A-Za-z0-9.+-]/_}"; }

# worktree_tree: the tree of build/linux as it is now, with what is not
# committed, without touching its index.
worktree_tree() {
	local idx
	idx=$(mktemp "$LINUX/.git/colo-index.XXXXXX")
	cp "$LINUX/.git/index" "$idx"
	GIT_INDEX_FILE=$idx git -C "$LINUX" add -A
	GIT_INDEX_FILE=$idx git -C "$LINUX" write-tree
	rm -f "$idx" "$idx.lock"
}
