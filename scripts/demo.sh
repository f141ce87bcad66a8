#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The demo: builds the kernel, the module and the tools, and shows in a guest
# what offline work costs an online service, with the class and with its rivals.
. "$(dirname "$0")/lib.sh"

usage() {
	cat <<'END'
usage: demo.sh [--no-build] [OPTIONS of demo.py]

  --groups LIST    numbers of offline groups (1,4,16,64,256)
  --quick          short windows and few groups: a look
  --jobs N         guests at a time (2)
  --out DIR        where the results go (build/demo)
  --no-build       take what is in build/

`demo.py --help` lists the others.

Exit status: 0 measured, 3 a guest failed. What was shown, and where not, is the
last line that it prints and "sentence" in demo.json; `make bench` is what judges.
END
}

build=1 args=()
for arg in "$@"; do
	case $arg in
	-h|--help)	usage; exit 0 ;;
	--no-build)	build='' ;;
	*)		args+=("$arg") ;;
	esac
done

# with jump labels: the guest has one CPU, see scripts/config/jump.config
[ -z "$build" ] || EXTRA=jump make -C "$ROOT" --no-print-directory kernel module tools
exec python3 "$ROOT/scripts/demo.py" ${args[@]+"${args[@]}"}
