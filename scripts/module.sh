#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# module.sh [FLAVOUR...]: builds colo.ko against the kernel of build/FLAVOUR
# (default: perf) and leaves it there. Builds that kernel first if need be.
# SPARSE=1 runs sparse over its source instead, and fails on what sparse says.
# EXTRA=torture also builds selftests/torture, into build/FLAVOUR-torture/modules/.
. "$(dirname "$0")/kernel.sh"

# What the module is made from, copied so that the checkout stays clean.
stage() {
	local dir=$1
	mkdir -p "$dir"
	rsync -a --delete --include='/Kbuild' --include='/kernel/' \
		--include='/kernel/*.[ch]' --include='/kernel/Kbuild' --exclude='*' \
		"$ROOT/" "$dir/src/"
}

module_key() {
	{
		cat "$BUILD/$NAME/key"
		cd "$ROOT"
		sha256sum Kbuild kernel/*
		[ "${EXTRA:-}" != torture ] || sha256sum selftests/torture/*
	} | sha256sum | cut -c1-32
}

# The objects of another tree may be there by now (another clone, or an older
# result was taken from the cache): the module must match its kernel.
match_objects() {
	if [ "$(cat "$OBJ/key" 2>/dev/null)" != "$(cat "$BUILD/$NAME/key")" ]; then
		compile "$1" "$(cat "$BUILD/$NAME/key")"
	fi
}

# The torture tests are the kernel's own files, so W=1 is not for them.
build_torture() {
	local dir=$1 out=$2 log=$BUILD/$NAME/torture.log
	mkdir -p "$dir" "$out"
	rsync -a --delete --include='/Kbuild' --include='/*.[ch]' --exclude='*' \
		"$ROOT/selftests/torture/" "$dir/"
	if ! kmake M="$dir" ${WERROR:+KCFLAGS=-Werror} modules >"$log" 2>&1; then
		cat "$log" >&2
		die "the torture tests for $NAME do not build"
	fi
	grep -E 'warning:|WARNING:' "$log" >&2 || :
	cp "$dir"/*.ko "$out/"
}

build_module() {
	local flavour=$1 key=$2 dir=$CACHE/mod/$NAME log=$BUILD/$NAME/module.log
	match_objects "$flavour"
	stage "$dir"
	if ! kmake M="$dir/src" W=1 ${WERROR:+KCFLAGS=-Werror} modules >"$log" 2>&1; then
		cat "$log" >&2
		die "colo.ko for $NAME does not build"
	fi
	# warnings are worth reading even when they do not stop
	grep -E 'warning:|WARNING:' "$log" >&2 || :
	mkdir -p "$CACHE/out/$key"
	[ "${EXTRA:-}" != torture ] || build_torture "$dir-tests" "$CACHE/out/$key/modules"
	find "$dir/src" -name colo.ko -exec cp {} "$CACHE/out/$key/colo.ko" \;
	[ -f "$CACHE/out/$key/colo.ko" ] || die "the build made no colo.ko, see $log"
}

sparse_module() {
	local flavour=$1 dir=$CACHE/mod/$NAME-sparse log=$BUILD/$NAME/sparse.log
	match_objects "$flavour"
	stage "$dir"
	kmake M="$dir/src" C=2 CF=-D__CHECK_ENDIAN__ modules >"$log" 2>&1 ||
		{ cat "$log" >&2; die "sparse could not run"; }
	grep -q '^  CHECK ' "$log" || die "sparse did not run, see $log"
	# what it says of the kernel's own headers is not ours to mend
	if grep -E "^$dir/src/.*: (warning|error):" "$log" >&2; then
		die "sparse has something to say"
	fi
	say "sparse: $(grep -c '^  CHECK ' "$log") files, nothing to say"
}

module() {
	local flavour=$1 key
	kernel "$flavour"
	# either half of the series is enough
	if ! grep -qE '^CONFIG_(SCHED_COLO|MEMCG_WMARK)=y' "$BUILD/$NAME/config"; then
		die "the kernel of build/$NAME has neither CONFIG_SCHED_COLO nor CONFIG_MEMCG_WMARK: is the series applied?"
	fi
	if [ -n "${SPARSE:-}" ]; then
		with_lock "$SRC.lock" sparse_module "$flavour"
		return
	fi
	key=$(module_key)
	if [ ! -f "$CACHE/out/$key/colo.ko" ]; then
		with_lock "$SRC.lock" build_module "$flavour" "$key"
	fi
	cmp -s "$CACHE/out/$key/colo.ko" "$BUILD/$NAME/colo.ko" ||
		cp "$CACHE/out/$key/colo.ko" "$BUILD/$NAME/colo.ko"
	rm -rf "$BUILD/$NAME/modules"
	[ ! -d "$CACHE/out/$key/modules" ] ||
		cp -r "$CACHE/out/$key/modules" "$BUILD/$NAME/modules"
	say "build/$NAME/colo.ko is ready"
}

[ $# -gt 0 ] || set -- perf
for f; do module "$f"; done
