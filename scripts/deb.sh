#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# deb.sh: build/deb/*.deb: the patched kernel with Debian's cloud configuration
# and ours, colo.ko for it, and the tool. Then boots that kernel with that
# module and runs that tool.
. "$(dirname "$0")/kernel.sh"

DEBIAN_CONFIG=/usr/src/linux-config-6.12/config.amd64_none_cloud-amd64.xz
OUT=$BUILD/deb

version() { sed -n 's/^#define COLO_VERSION "\(.*\)"/\1/p' "$ROOT/tools/colo/version.h"; }

deb_fragments() {
	cat "$CONFIGS/deb.config"
	fragments perf | grep -xFf <(grep '^CONFIG_' "$CONFIGS/colo.config") || :
}

configure() {
	deb_fragments | last_word >"$OBJ/fragments"
	# the last line for a symbol wins
	{ xz -dc "$DEBIAN_CONFIG"; cat "$OBJ/fragments"; } >"$OBJ/.config"
	kmake olddefconfig >"$OUT/config.log" 2>&1 ||
		{ tail "$OUT/config.log" >&2; die "configuration failed"; }
	check_config
}

kernel_packages() {
	rm -f "$SRC"/*.deb "$SRC"/*.buildinfo "$SRC"/*.changes
	long_step "kernel packages (objects)" "$OUT/build.log" \
		"$(cat "$CACHE/out/objects.deb" 2>/dev/null || echo 0)" '^  (CC|AS|AR|LD)' \
		kmake -j"$JOBS" KBUILD_VERBOSE= KDEB_SOURCENAME=linux-colo \
		KDEB_PKGVERSION="$(base_version)+colo$(version)" DPKG_FLAGS=-d bindeb-pkg
	grep -cE '^  (CC|AS|AR|LD)' "$OUT/build.log" >"$CACHE/out/objects.deb"
	cp "$SRC"/*.deb "$OUT/"
}

# package NAME VERSION DIR DEPENDS DESCRIPTION: DIR, holding the files, as a .deb.
package() {
	local name=$1 version=$2 dir=$3 depends=$4 description=$5
	mkdir -p "$dir/DEBIAN" "$dir/usr/share/doc/$name"
	cp "$ROOT/COPYING" "$dir/usr/share/doc/$name/copyright"
	{
		echo "Package: $name"
		echo "Version: $version"
		echo "Architecture: amd64"
		echo "Maintainer: colo developers <colo@localhost>"
		echo "Installed-Size: $(du -sk "$dir" | cut -f1)"
		[ -z "$depends" ] || echo "Depends: $depends"
		echo "Section: kernel"
		echo "Priority: optional"
		echo "Description: $description"
	} >"$dir/DEBIAN/control"
	dpkg-deb --root-owner-group --build "$dir" "$OUT" >/dev/null
}

module_package() {
	local release=$1 dir=$OUT/module mod=$CACHE/mod/deb ko hash
	rm -rf "$dir" "$mod"
	mkdir -p "$mod/kernel" "$dir/lib/modules/$release/updates" "$dir/DEBIAN"
	cp "$ROOT/Kbuild" "$mod/"
	cp "$ROOT"/kernel/* "$mod/kernel/"
	kmake M="$mod" modules >"$OUT/module.log" 2>&1 ||
		{ cat "$OUT/module.log" >&2; die "colo.ko does not build"; }
	ko=$dir/lib/modules/$release/updates/colo.ko
	cp "$mod/colo.ko" "$ko"
	# with the key that this kernel was built with: no taint of its own
	if grep -q '^CONFIG_MODULE_SIG=y' "$OBJ/.config"; then
		hash=$(sed -n 's/^CONFIG_MODULE_SIG_HASH="\(.*\)"/\1/p' "$OBJ/.config")
		"$OBJ/scripts/sign-file" "$hash" "$OBJ/certs/signing_key.pem" \
			"$OBJ/certs/signing_key.x509" "$ko"
	fi
	printf '#!/bin/sh\nset -e\ndepmod %s\n' "$release" |
		tee "$dir/DEBIAN/postinst" >"$dir/DEBIAN/postrm"
	chmod 755 "$dir/DEBIAN/postinst" "$dir/DEBIAN/postrm"
	package "colo-module-$release" "$(version)" "$dir" "linux-image-$release" \
		"knobs of the colo offline scheduling class, for Linux $release"
}

tool_package() {
	local dir=$OUT/tool
	rm -rf "$dir"
	make -C "$ROOT/tools" O="$BUILD" prefix=/usr DESTDIR="$dir" install >"$OUT/tool.log" 2>&1 ||
		{ cat "$OUT/tool.log" >&2; die "the tool does not install"; }
	gzip -9n "$dir"/usr/share/man/man8/*.8
	package colo "$(version)" "$dir" "" "sets cgroups offline: batch work beside latency-sensitive services"
}

# What was packed is what boots: taken out of the packages again.
boot_packages() {
	local release=$1 dir=$OUT/boot
	rm -rf "$dir"
	mkdir -p "$dir"
	dpkg-deb -x "$OUT/linux-image-${release}_"*.deb "$dir"
	dpkg-deb -x "$OUT/colo-module-${release}_"*.deb "$dir"
	dpkg-deb -x "$OUT/colo_"*.deb "$dir"
	# vm.sh makes the initramfs with what it finds beside the kernel
	cp "$OBJ/usr/gen_init_cpio" "$dir/boot/"
	step "booting $release"
	"$ROOT/scripts/vm.sh" --kernel "$dir/boot/vmlinuz-$release" \
		--module "$dir/lib/modules/$release/updates/colo.ko" \
		--add "$dir/usr/bin/colo:/usr/bin/colo" --timeout 300 -- \
		'uname -r; colo check && colo run --offline -- sh -c "grep colo.state /proc/self/sched"'
}

build_all() {
	local release
	mkdir -p "$SRC" "$OUT"
	rm -f "$OUT"/*.deb
	switch_source
	mkdir -p "$OBJ"
	configure
	kernel_packages
	release=$(cat "$OBJ/include/config/kernel.release")
	module_package "$release"
	tool_package
	boot_packages "$release"
}

main() {
	[ -f "$DEBIAN_CONFIG" ] || die "no $DEBIAN_CONFIG: run make prepare"
	locate perf
	SRC=$CACHE/src/deb
	OBJ=$SRC/obj-deb
	NAME=deb
	mkdir -p "$CACHE/src" "$CACHE/out"
	with_lock "$SRC.lock" build_all
	say "build/deb/:"
	(cd "$OUT" && ls -sh1 ./*.deb) >&2
}
main
