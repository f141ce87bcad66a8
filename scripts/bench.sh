#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The benchmark gate: builds what it needs, runs the boots that are missing,
# writes the tables and judges the targets.
. "$(dirname "$0")/lib.sh"

usage() {
	cat <<'END'
usage: bench.sh [--no-build] [--report-only] [OPTIONS of bench.py]

The gate (five boots per arm, HZ=250, preempt=full, one CPU, icount) needs about
an hour on two cores. It can be stopped at any time and goes on where it was.

  --boots N        boots per arm (5)
  --only B1,B4     some of B1 B3 B4 B6 B7 B8 B10 B11, and of memory B14 to B19
  --quick          short windows, two boots: a look, not the gate
  --jobs N         guests at a time (2)
  --out DIR        raw results (Documentation/benchmarks/results)
  --no-build       take what is in build/
  --report-only    judge the results that are there

`bench.py run --help` lists the others, all window lengths among them.

Exit status: 0 all targets met, 1 some not met, 2 void (identical runs differ),
3 a boot failed or there is nothing to judge.
END
}

build=1 command=run args=()
for arg in "$@"; do
	case $arg in
	-h|--help)	usage; exit 0 ;;
	--no-build)	build='' ;;
	--report-only)	command=report build='' ;;
	*)		args+=("$arg") ;;
	esac
done

if [ -n "$build" ]; then
	make -C "$ROOT" --no-print-directory kernel module tools selftests
	EXTRA=jump "$ROOT/scripts/kernel.sh" perf vanilla
	EXTRA=jump "$ROOT/scripts/module.sh" perf
	# on several CPUs, and only if asked for
	case " ${args[*]-} " in
	*vanilla*) "$ROOT/scripts/kernel.sh" vanilla ;;
	esac
fi
exec python3 "$ROOT/scripts/bench.py" "$command" ${args[@]+"${args[@]}"}
