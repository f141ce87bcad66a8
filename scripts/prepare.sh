#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# From a fresh Debian machine to build/linux, a git tree of the base kernel
# with the series applied.  Safe to run at any time: it does nothing when all
# is in place, and never throws work away unless FORCE=1 says so.
#
#   UPDATE=1   take a newer linux-source-6.12 if apt serves one
#   FORCE=1    rebuild build/linux from the series; commits and changes in it
#              that the series does not hold are kept as a branch saved/DATE
. "$(dirname "$0")/lib.sh"

install_packages() {
	local want missing=() p sudo=
	want=$(sed -e 's/#.*//' -e '/^[[:space:]]*$/d' "$ROOT/scripts/packages.txt")
	for p in $want; do
		dpkg-query -W -f '${db:Status-Status}' "$p" 2>/dev/null |
			grep -qx installed || missing+=("$p")
	done
	[ -z "${UPDATE:-}" ] || missing+=(linux-source-6.12)
	[ ${#missing[@]} -gt 0 ] || return 0

	step "installing from Debian: ${missing[*]}"
	if [ "$(id -u)" -ne 0 ]; then
		command -v sudo >/dev/null ||
			die "not root and no sudo: apt-get install ${missing[*]}"
		sudo=sudo
	fi
	$sudo apt-get -q update >"$BUILD/apt.log" 2>&1 ||
		{ tail "$BUILD/apt.log" >&2; die "apt-get update failed"; }
	$sudo env DEBIAN_FRONTEND=noninteractive apt-get -qy install \
		--no-install-recommends "${missing[@]}" >>"$BUILD/apt.log" 2>&1 ||
		{ tail "$BUILD/apt.log" >&2; die "apt-get install failed, see build/apt.log"; }
}

# Unpacks the installed source package and commits it, the same commit on
# every machine.
import_base() {
	local version=$1 ref tmp tree commit
	ref=$(base_ref "$version")
	[ -d "$BASES" ] || pgit init -q --bare "$BASES"
	git -C "$BASES" show-ref -q "$ref" && return

	tmp=$(mktemp -d "$CACHE/import.XXXXXX")
	# shellcheck disable=SC2064  # this very directory
	trap "rm -rf '$tmp'" EXIT
	long_step "unpacking linux-source-6.12 $version" "$BUILD/import.log" 0 '^' \
		tar -xf /usr/src/linux-source-6.12.tar.xz -C "$tmp" --strip-components=1
	# Debian ends it with rules that hide every new file from git.
	sed -i '/^# Debian packaging: ignore everything/,$d' "$tmp/.gitignore"
	export GIT_DIR=$BASES GIT_WORK_TREE=$tmp GIT_INDEX_FILE=$tmp.index
	long_step "importing $version" "$BUILD/import.log" 0 '^' \
		pgit -c core.autocrlf=false -c core.safecrlf=false add -f -A
	tree=$(pgit write-tree)
	commit=$(GIT_AUTHOR_DATE='@1700000000 +0000' GIT_COMMITTER_DATE='@1700000000 +0000' \
		pgit commit-tree -m "Linux: Debian linux-source-6.12 $version" "$tree")
	unset GIT_DIR GIT_WORK_TREE GIT_INDEX_FILE
	pgit -C "$BASES" update-ref "$ref" "$commit"
	rm -rf "$tmp" "$tmp.index"
	trap - EXIT
}

# wanted_stamp BASE_COMMIT: what build/linux is to be made from.
wanted_stamp() {
	{
		echo "$1"
		series | while read -r p; do cat "$PATCHES/$p"; done
	} | sha256sum | cut -d' ' -f1
}

has_local_work() {
	[ -n "$(git -C "$LINUX" status --porcelain | head -1)" ] ||
	[ "$(git -C "$LINUX" rev-parse 'HEAD^{tree}')" != \
	  "$(git -C "$LINUX" rev-parse 'refs/colo/applied^{tree}')" ]
}

save_local_work() {
	local branch
	branch=saved/$(date -u +%Y%m%d-%H%M%S)
	step "keeping what was in build/linux as branch $branch"
	git -C "$LINUX" am --quit 2>/dev/null || :	# there may be none in progress
	git -C "$LINUX" add -A
	pgit -C "$LINUX" commit -q --no-verify --allow-empty -m 'Saved by make prepare'
	git -C "$LINUX" branch "$branch"
}

make_tree() {
	local base=$1
	if [ ! -d "$LINUX/.git" ]; then
		step "making build/linux"
		rm -rf "$LINUX"
		pgit clone -q --shared --no-checkout "$BASES" "$LINUX"
		git -C "$LINUX" config user.name 'colo developers'
		git -C "$LINUX" config user.email colo@localhost
		git -C "$LINUX" config core.autocrlf false
		git -C "$LINUX" config gc.auto 0
	fi
	git -C "$LINUX" fetch -q origin '+refs/heads/base/*:refs/remotes/origin/base/*'
	git -C "$LINUX" checkout -q --force -B colo "$base"
	git -C "$LINUX" update-ref refs/colo/base "$base"
}

apply_series() {
	local p n=0 total
	total=$(series | wc -l)
	git -C "$LINUX" update-ref refs/colo/applied HEAD
	while read -r p; do
		n=$((n + 1))
		[ -f "$PATCHES/$p" ] || die "patches/series names $p, which does not exist"
		[ ! -t 2 ] || printf '\r\033[Kapplying %d of %d: %s' $n "$total" "$p" >&2
		if ! pgit -C "$LINUX" -c apply.whitespace=nowarn am -q -3 \
			--committer-date-is-author-date "$PATCHES/$p" >"$BUILD/am.log" 2>&1; then
			[ ! -t 2 ] || say
			cat "$BUILD/am.log" >&2
			say
			say "patches/$p ($n of $total) does not apply to $(base_version)."
			say "Files: $(git -C "$LINUX" diff --name-only --diff-filter=U | tr '\n' ' ')"
			say "To resume: cd build/linux; mend the files; git add them; git am --continue;"
			say "then apply the rest (git am -3 ../../patches/...) and run: make refresh"
			say "To start over: make prepare FORCE=1"
			exit 1
		fi
		git -C "$LINUX" update-ref refs/colo/applied HEAD
	done < <(series)
	[ ! -t 2 ] || printf '\r\033[K' >&2
	say "build/linux: $(base_version) with $total patches"
}

main() {
	local version base stamp
	install_packages
	version=$(base_version) || die "linux-source-6.12 is not installed"
	dpkg --compare-versions "$version" ge "$MIN_BASE" ||
		die "linux-source-6.12 is $version, the series needs $MIN_BASE or later (make prepare UPDATE=1)"
	with_lock "$CACHE/import.lock" import_base "$version"
	base=$(git -C "$BASES" rev-parse "$(base_ref "$version")")
	stamp=$(wanted_stamp "$base")

	if [ -d "$LINUX/.git" ] && [ -z "${FORCE:-}" ]; then
		if [ -d "$LINUX/.git/rebase-apply" ] || [ -d "$LINUX/.git/rebase-merge" ]; then
			die "build/linux is in the middle of a git am or rebase: finish or abort it, or FORCE=1"
		fi
		if [ "$(cat "$LINUX/.git/colo-stamp" 2>/dev/null)" = "$stamp" ]; then
			return 0	# current; local work in it is the user's own
		fi
		if git -C "$LINUX" show-ref -q refs/colo/applied && has_local_work; then
			die "the base or patches/ changed, and build/linux holds work that patches/ does not:
  'make refresh' writes it to patches/; 'make prepare FORCE=1' rebuilds the tree
  and keeps that work as a branch of build/linux"
		fi
	elif [ -d "$LINUX/.git" ]; then
		save_local_work
	fi
	make_tree "$base"
	apply_series
	printf '%s\n' "$stamp" >"$LINUX/.git/colo-stamp"
}

case ${1:-} in
--stamp) wanted_stamp "$2" ;;	# refresh.sh asks
*)	with_lock "$BUILD/prepare.lock" main ;;
esac
