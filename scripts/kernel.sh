#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# kernel.sh FLAVOUR...: builds kernels and leaves them in build/FLAVOUR/.
#
#   perf      build/linux (with what is not committed), for numbers
#   debug     the same, with every checker on
#   vanilla   the base alone, configured as perf: the yardstick
#
# EXTRA=hz1000 adds scripts/config/hz1000.config, EXTRA=jump jump.config (what is
# measured on one CPU), EXTRA=torture torture.config (see module.sh), OFF=1 turns the
# options of scripts/config/colo*.config off; the results are left in
# build/FLAVOUR-hz1000/, -jump/, -torture/ and -off/. COLO_TREE=TREE
# with COLO_NAME=NAME builds that git tree of build/linux into build/NAME/
# (bisect.sh). WERROR=1 makes warnings errors.
#
# Sources and objects live in the cache, at one path per tree, so that a clean
# checkout does not cost a clean build. The result is kept under a key made of
# tree, fragments and compiler; what was built once is only copied.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

# The object directory is a child of the source directory: kbuild then uses
# relative paths, and ccache sees the same command line for every tree.
export CCACHE_DIR=$CACHE/ccache CCACHE_MAXSIZE=10G CCACHE_NOHASHDIR=1
export CCACHE_COMPILERCHECK=content
export CCACHE_SLOPPINESS=include_file_mtime,include_file_ctime,time_macros,locale
export KBUILD_BUILD_TIMESTAMP='Sat Jan  1 00:00:00 UTC 2000' KBUILD_BUILD_VERSION=1
export KBUILD_BUILD_USER=colo KBUILD_BUILD_HOST=localhost

CONFIGS=$ROOT/scripts/config

kmake() { make -C "$SRC" O="$OBJ" CC='ccache gcc' HOSTCC='ccache gcc' LOCALVERSION= "$@"; }

# Sets REPO TREE SRC OBJ NAME for the flavour.
locate() {
	local variant=$1${EXTRA:+-$EXTRA}${OFF:+-off}
	[ -d "$LINUX/.git" ] || die "there is no build/linux: run make prepare"
	REPO=$LINUX/.git
	# a source each: a build of one must not wait for a build of the other
	case $1 in
	perf)
		SRC=$CACHE/src/patched
		TREE=$(worktree_tree)
		;;
	debug)
		SRC=$CACHE/src/debug
		TREE=$(worktree_tree)
		;;
	vanilla)
		SRC=$CACHE/src/vanilla
		TREE=$(git -C "$LINUX" rev-parse 'refs/colo/base^{tree}')
		;;
	*)	die "no such kernel: $1 (perf, debug, vanilla)" ;;
	esac
	if [ -n "${COLO_TREE:-}" ]; then
		SRC=$CACHE/src/bisect
		TREE=$COLO_TREE
	fi
	OBJ=$SRC/obj-$variant
	NAME=${COLO_NAME:-$variant}
}

# Lines of the flavour's fragments; of colo.config, and of colo-FLAVOUR.config if
# there is one, only symbols this tree has.
fragments() {
	local f=$1 sym line
	local -a own=("$CONFIGS/colo.config")
	[ "$f" != vanilla ] || f=perf
	[ ! -f "$CONFIGS/colo-$f.config" ] || own+=("$CONFIGS/colo-$f.config")
	cat "$CONFIGS/base.config" "$CONFIGS/$f.config"
	[ -z "${EXTRA:-}" ] || cat "$CONFIGS/$EXTRA.config"
	while read -r line; do
		sym=${line%%=*}
		sym=${sym#CONFIG_}
		if git --git-dir="$REPO" grep -qE "^(menu)?config $sym\$" "$TREE" -- \
			init/Kconfig kernel mm/Kconfig; then
			if [ -n "${OFF:-}" ]; then
				echo "# CONFIG_$sym is not set"
			else
				echo "$line"
			fi
		fi
	done < <(grep -h '^CONFIG_' "${own[@]}")
}

key_of() {
	{
		echo "$TREE"
		fragments "$1"
		gcc --version | head -1
		ld --version | head -1
	} | sha256sum | cut -c1-32
}

# Brings the source to TREE, touching only files that differ, so that the next
# make compiles only what they reach.
switch_source() {
	local idx=$SRC.index
	mkdir -p "$SRC"
	export GIT_INDEX_FILE=$idx
	if [ -f "$idx" ]; then
		git --git-dir="$REPO" --work-tree="$SRC" update-index -q --refresh >/dev/null || :
	fi
	if ! git --git-dir="$REPO" --work-tree="$SRC" -c core.autocrlf=false \
		read-tree --reset -u "$TREE"; then
		# an index left by another clone may name objects that are gone
		rm -f "$idx"
		git --git-dir="$REPO" --work-tree="$SRC" read-tree --reset -u "$TREE"
	fi
	unset GIT_INDEX_FILE
}

# Fails if a line of a fragment did not survive kconfig's dependencies.
check_config() {
	local line sym lost=()
	while read -r line; do
		case $line in
		CONFIG_*=*)
			grep -qxF "$line" "$OBJ/.config" || lost+=("$line") ;;
		'# CONFIG_'*' is not set')
			sym=${line#\# }
			sym=${sym%% *}
			! grep -q "^$sym=" "$OBJ/.config" || lost+=("$line") ;;
		esac
	done <"$OBJ/fragments"
	[ ${#lost[@]} -eq 0 ] ||
		die "kconfig did not take these lines of scripts/config: $(printf '\n  %s' "${lost[@]}")"
}

# Later lines win in kconfig; drop the earlier ones so that check_config does
# not miss what was meant to be overridden.
last_word() {
	tac | awk '{ s = $0; sub(/^# /, "", s); sub(/[= ].*/, "", s)
		if (s ~ /^CONFIG_/ && !seen[s]++) print }' | tac
}

compile() {
	local flavour=$1 key=$2 log=$BUILD/$NAME/build.log total=0 fresh=
	switch_source
	mkdir -p "$OBJ" "$CACHE/out"
	[ -f "$OBJ/vmlinux" ] || fresh=1
	fragments "$flavour" | last_word >"$OBJ/fragments"
	if ! [ -f "$OBJ/.config" ] || ! cmp -s "$OBJ/fragments" "$OBJ/fragments.done" ||
	   [ "$TREE" != "$(cat "$OBJ/tree.done" 2>/dev/null)" ]; then
		kmake KCONFIG_ALLCONFIG="$OBJ/fragments" allnoconfig >"$log" 2>&1 ||
			{ tail "$log" >&2; die "configuration failed, see $log"; }
		check_config
		cp "$OBJ/fragments" "$OBJ/fragments.done"
	fi
	# an incremental build's length is anybody's guess: no total then
	[ -z "$fresh" ] || total=$(cat "$CACHE/out/objects.$flavour" 2>/dev/null || echo 0)
	rm -f "$OBJ/key"
	long_step "kernel $NAME (objects)" "$log" "$total" '^  (CC|AS|AR|LD|HOSTCC)' \
		kmake -j"$JOBS" ${WERROR:+KCFLAGS=-Werror} bzImage modules
	# what the compiler had to say is shown even when it did not stop
	grep -E '(warning|WARNING): ' "$log" >"$BUILD/$NAME/warnings" || :
	cat "$BUILD/$NAME/warnings" >&2
	[ -z "$fresh" ] || grep -cE '^  (CC|AS|AR|LD|HOSTCC)' "$log" >"$CACHE/out/objects.$flavour"
	echo "$TREE" >"$OBJ/tree.done"
	echo "$key" >"$OBJ/key"

	rm -rf "$CACHE/out/$key.new"
	mkdir -p "$CACHE/out/$key.new"
	cp "$OBJ/arch/x86/boot/bzImage" "$CACHE/out/$key.new/"
	cp "$OBJ/.config" "$CACHE/out/$key.new/config"
	cp "$OBJ/System.map" "$OBJ/usr/gen_init_cpio" "$CACHE/out/$key.new/"
	cp "$BUILD/$NAME/warnings" "$CACHE/out/$key.new/"
	rm -rf "${CACHE:?}/out/$key"
	mv "$CACHE/out/$key.new" "$CACHE/out/$key"
}

# Under the lock, because whoever held it may have built just this.
compile_once() {
	if [ ! -f "$CACHE/out/$2/bzImage" ]; then
		compile "$@"
	fi
}

kernel() {
	local flavour=$1 key
	locate "$flavour"
	key=$(key_of "$flavour")
	mkdir -p "$BUILD/$NAME" "$CACHE/src"
	if [ ! -f "$CACHE/out/$key/bzImage" ]; then
		with_lock "$SRC.lock" compile_once "$flavour" "$key"
	fi
	if [ "$(cat "$BUILD/$NAME/key" 2>/dev/null)" != "$key" ]; then
		rm -f "$BUILD/$NAME/colo.ko"	# it belongs to the kernel before
		cp "$CACHE/out/$key"/* "$BUILD/$NAME/"
		echo "$key" >"$BUILD/$NAME/key"
	fi
	echo "$TREE" >"$BUILD/$NAME/tree"	# what the image was built from
	touch "$CACHE/out/$key"
}

# Results that no build asked for in a month go.
prune() {
	find "$CACHE/out" -mindepth 1 -maxdepth 1 -type d -mtime +30 -exec rm -rf {} +
}

if [ "${BASH_SOURCE[0]}" = "$0" ]; then
	[ $# -gt 0 ] || set -- perf
	mkdir -p "$CACHE/out"
	prune
	for f; do
		kernel "$f"
		say "build/$NAME/bzImage is ready ($(cat "$BUILD/$NAME/key"))"
	done
fi
