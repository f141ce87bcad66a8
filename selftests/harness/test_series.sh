#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# prepare.sh and refresh.sh themselves, on a base of three small files in a
# cache of its own: round trip, refusal to destroy work, failure to apply.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export XDG_CACHE_HOME=$work/cache
export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_SYSTEM=/dev/null
export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@localhost
export GIT_COMMITTER_NAME=c GIT_COMMITTER_EMAIL=c@localhost
project=$work/project
linux=$project/build/linux

n=0 failed=0
# check NAME CMD...: one result.
check() {
	local name=$1
	shift
	n=$((n + 1))
	if "$@" >"$work/output" 2>&1; then
		echo "ok $n - $name"
	else
		echo "not ok $n - $name"
		sed 's/^/# /' "$work/output"
		failed=1
	fi
}
fails() { ! "$@"; }
prepare() { "$project/scripts/prepare.sh"; }
refresh=$project/scripts/refresh.sh
says() { grep -qF "$1" "$work/output.kept"; }
keep() { "$@" >"$work/output.kept" 2>&1; }

# commit FILE TEXT SUBJECT
commit() {
	echo "$2" >>"$linux/$1"
	git -C "$linux" add -A
	git -C "$linux" commit -q -m "$3"
}

saved_holds() { git -C "$linux" log --format=%s --branches='saved/*' | grep -xF "$1" >/dev/null; }

setup() {
	local version ref base=$work/base
	mkdir -p "$project" "$work/cache/colo"
	cp -r "$here/../../scripts" "$project/"
	version=$(dpkg-query -W -f '${Version}' linux-source-6.12)
	ref=refs/heads/base/${version//[^A-Za-z0-9.+-]/_}
	git init -q "$base"
	mkdir "$base/mm"
	seq 1 40 >"$base/core.c"
	seq 1 40 >"$base/mm/memcontrol.c"
	git -C "$base" add -A
	git -C "$base" commit -q -m "Linux: Debian linux-source-6.12 $version"
	git clone -q --bare "$base" "$work/cache/colo/linux.git"
	git -C "$work/cache/colo/linux.git" update-ref "$ref" HEAD
}

snapshot() { (cd "$project/patches" && find . -type f -exec sha256sum {} + | sort -k2); }
same_snapshot() { snapshot | diff "$work/snapshot" -; }
refresh_again() { "$refresh" && same_snapshot; }
rebuilt_is() { [ "$(git -C "$linux" rev-parse 'HEAD^{tree}')" = "$1" ]; }
clean_prepare() { rm -rf "$linux"; prepare; }
series_is() { sed '/^#/d' "$project/patches/series" | diff - <(printf '%s\n' "$@"); }

echo "TAP version 13"
echo "1..17"
setup
check "prepare with no series at all" prepare
check "refresh of an empty series" "$refresh"
check "an empty series passes --check" "$refresh" --check

commit core.c one "sched/colo: Add one"
commit mm/memcontrol.c two "mm/memcg_wmark: Add two"
commit core.c three "sched/colo: Add three"
check "--check fails when a commit is not exported" fails  "$refresh" --check
check "prepare leaves local commits alone" prepare
check "refresh exports them" "$refresh"
check "topics and numbers" series_is 10-sched/0001-sched-colo-Add-one.patch \
	20-memcg/0001-mm-memcg_wmark-Add-two.patch \
	10-sched/0002-sched-colo-Add-three.patch
snapshot >"$work/snapshot"
tree=$(git -C "$linux" rev-parse 'HEAD^{tree}')
check "a fresh prepare applies them" clean_prepare
check "it gives the same tree" rebuilt_is "$tree"
check "and refresh the same bytes" refresh_again

echo dirty >>"$linux/core.c"
check "refresh refuses what is not committed" fails "$refresh"
git -C "$linux" checkout -q .
commit core.c four "fixup! sched/colo: Add three"
check "refresh refuses a fixup" fails "$refresh"
echo "# a word more" >>"$project/patches/10-sched/0001-sched-colo-Add-one.patch"
check "prepare refuses to drop local work" fails prepare
check "FORCE=1 rebuilds and keeps it" env FORCE=1 "$project/scripts/prepare.sh"
check "as a branch" saved_holds "fixup! sched/colo: Add three"

sed -i 's/^ 3[0-9]$/ wrong/; s/^index .*//' "$project/patches/10-sched/0001-sched-colo-Add-one.patch"
rm -rf "$linux"
check "a patch that does not apply stops it" fails keep prepare
check "and is named, with how to resume" says \
	"patches/10-sched/0001-sched-colo-Add-one.patch (1 of 3) does not apply"
exit $failed
