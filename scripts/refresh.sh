#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# refresh.sh [--check]: exports the commits of build/linux to patches/, the same
# bytes on every machine, and proves that applying them gives the same tree.
#
# --check changes nothing, and fails when patches/ is not what would be written.
. "$(dirname "$0")/lib.sh"

lgit() { pgit -C "$LINUX" "$@"; }

topic_of() {
	local subject=$1 topic regex
	while read -r topic regex; do
		case $topic in ''|'#'*) continue ;; esac
		if [[ $subject =~ $regex ]]; then
			echo "$topic"
			return
		fi
	done <"$ROOT/scripts/topics"
	die "scripts/topics has no place for: $subject"
}

refuse_what_cannot_be_exported() {
	[ -d "$LINUX/.git" ] || die "there is no build/linux: run make prepare"
	if [ -d "$LINUX/.git/rebase-apply" ] || [ -d "$LINUX/.git/rebase-merge" ]; then
		die "build/linux is in the middle of a git am or rebase"
	fi
	[ -z "$(lgit status --porcelain | head -1)" ] ||
		die "build/linux has changes that are not committed"
	[ -z "$(lgit rev-list --merges refs/colo/base..HEAD)" ] ||
		die "build/linux has merges; the series is a line of patches"
	if lgit log --format=%s refs/colo/base..HEAD | grep -E '^(fixup|squash|amend)!' >&2; then
		die "fold these first: git rebase -i --autosquash refs/colo/base"
	fi
}

# Writes the series to DIR as patches/ would hold it.
export_series() {
	local dir=$1 raw=$1/.raw commit files n=0 topic name
	local -A count=()
	mkdir -p "$raw"
	lgit format-patch -q --zero-commit --no-signature -N --full-index \
		--no-renames --no-thread --no-base --src-prefix=a/ --dst-prefix=b/ \
		-o "$raw" refs/colo/base..HEAD
	{
		echo "# SPDX-License-Identifier: GPL-2.0-only"
		echo "# Written by make refresh; do not edit."
	} >"$dir/series"
	files=("$raw"/*.patch)
	while read -r commit; do
		topic=$(topic_of "$(lgit log -1 --format=%s "$commit")")
		count[$topic]=$((${count[$topic]:-0} + 1))
		# the number that format-patch gave becomes the topic's own
		name=$(basename "${files[n]}")
		name=$(printf '%s/%04d-%s' "$topic" "${count[$topic]}" "${name#*-}")
		mkdir -p "$dir/$topic"
		mv "${files[n]}" "$dir/$name"
		echo "$name" >>"$dir/series"
		n=$((n + 1))
	done < <(lgit rev-list --reverse refs/colo/base..HEAD)
	rm -rf "$raw"
	{
		echo "# SPDX-License-Identifier: GPL-2.0-only"
		echo "# Written by make refresh; do not edit."
		echo "refreshed-on: $(tree_version)"
		echo "minimum: $MIN_BASE"
	} >"$dir/BASE"
}

# The version that build/linux stands on, which is not always the installed one.
tree_version() {
	lgit log -1 --format=%s refs/colo/base | sed 's/.* //'
}

# Applies DIR's series to the base, in an index of its own and without fuzz.
prove() {
	local dir=$1 p got want
	export GIT_INDEX_FILE=$work/index
	lgit read-tree refs/colo/base
	while read -r p; do
		lgit apply --cached --whitespace=nowarn "$dir/$p" ||
			die "$p, just exported, does not apply"
	done < <(sed '/^#/d' "$dir/series")
	got=$(lgit write-tree)
	unset GIT_INDEX_FILE
	want=$(lgit rev-parse 'HEAD^{tree}')
	[ "$got" = "$want" ] || die "the exported series gives tree $got, build/linux is $want"
}

generated() { (cd "$1" && find . -name '*.patch' -o -name series -o -name BASE | sort); }

main() {
	local f
	refuse_what_cannot_be_exported
	work=$(mktemp -d "$BUILD/refresh.XXXXXX")
	trap 'rm -rf "$work"' EXIT
	mkdir "$work/new"
	export_series "$work/new"
	prove "$work/new"

	if [ "${1:-}" = --check ]; then
		if [ -f "$PATCHES/BASE" ] &&
		   ! grep -qxF "refreshed-on: $(tree_version)" "$PATCHES/BASE"; then
			# line numbers move with the base: the proof is all there is
			say "the base moved to $(tree_version): the series applies; make refresh when convenient"
			return
		fi
		mkdir -p "$work/old"
		[ ! -d "$PATCHES" ] || (cd "$PATCHES" && generated . | cpio -pdm --quiet "$work/old")
		diff -ru "$work/old" "$work/new" >"$BUILD/refresh.diff" || {
			head -40 "$BUILD/refresh.diff" >&2
			die "patches/ is not what build/linux holds (see build/refresh.diff): run make refresh"
		}
		return
	fi

	mkdir -p "$PATCHES"
	while read -r f; do
		[ -e "$work/new/$f" ] || rm -f "$PATCHES/$f"
	done < <(generated "$PATCHES")
	while read -r f; do
		mkdir -p "$(dirname "$PATCHES/$f")"
		cmp -s "$work/new/$f" "$PATCHES/$f" || cp "$work/new/$f" "$PATCHES/$f"
	done < <(generated "$work/new")
	find "$PATCHES" -mindepth 1 -type d -empty -delete
	# what prepare would apply is now what is there
	lgit update-ref refs/colo/applied HEAD
	"$ROOT/scripts/prepare.sh" --stamp "$(lgit rev-parse refs/colo/base)" >"$LINUX/.git/colo-stamp"
	say "patches/: $(sed '/^#/d' "$PATCHES/series" | wc -l) patches on $(tree_version)"
}
main "$@"
