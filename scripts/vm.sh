#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Boots a kernel in QEMU with the project's own init and initramfs.
. "$(dirname "$0")/lib.sh"

usage() {
	cat <<'END'
usage: vm.sh [OPTIONS] [-- CMD...]

Boots a kernel of build/ in QEMU (emulation, no disk, no network). Without CMD:
an interactive shell. With CMD: runs it by /bin/sh as root, prints what it prints
to stdout, and ends with its status; a single argument is taken as a shell line.

  --kernel K       perf (default), debug, vanilla, or a bzImage
  --smp N          CPUs (default 2; 1 with --icount), or QEMU's 4,threads=2
  --mem MIB        memory (default 1024; 2048 for debug)
  --icount         one CPU, virtual time counts instructions: latencies repeat
  --timeout SEC    end QEMU after so long (default 600; none for a shell)
  --append WORDS   more of the kernel's command line
  --module FILE    the colo.ko to load (default: the one beside the kernel)
  --no-module      do not load colo.ko
  --add HOST:GUEST put a file or a directory into the guest; may be repeated
  --log FILE       keep the console here
  --out FILE       keep the results (second serial port) here; prints nothing then

Exit status: 124 timeout, 3 the guest died, 2 the kernel complained, else CMD's.
END
}

kernel=perf smp='' mem='' icount='' limit='' append='' module=auto log='' out=''
adds=() cmd=()
while [ $# -gt 0 ]; do
	case $1 in
	--kernel)	kernel=$2; shift ;;
	--smp)		smp=$2; shift ;;
	--mem)		mem=$2; shift ;;
	--icount)	icount=1 ;;
	--timeout)	limit=$2; shift ;;
	--append)	append="$append $2"; shift ;;
	--module)	module=$2; shift ;;
	--no-module)	module='' ;;
	--add)		adds+=("$2"); shift ;;
	--log)		log=$2; shift ;;
	--out)		out=$2; shift ;;
	-h|--help)	usage; exit 0 ;;
	--)		shift; cmd=("$@"); break ;;
	*)		usage >&2; die "unknown option: $1" ;;
	esac
	shift
done

find_kernel() {
	if [ -f "$kernel" ]; then
		image=$kernel
	else
		image=$BUILD/$kernel/bzImage
		[ -f "$image" ] || die "no $image: run scripts/kernel.sh $kernel"
	fi
	if [ "$module" = auto ]; then
		module=$(dirname "$image")/colo.ko
		[ -f "$module" ] || module=''
	elif [ -n "$module" ] && [ ! -f "$module" ]; then
		die "no such module: $module"
	fi
	for maker in "$(dirname "$image")/gen_init_cpio" "$BUILD"/*/gen_init_cpio; do
		[ ! -x "$maker" ] || return 0
	done
	die "no gen_init_cpio: run scripts/kernel.sh perf"
}

build_init() {
	local dst=$BUILD/guest/init src=$ROOT/scripts/guest/init.c
	mkdir -p "$BUILD/guest"
	[ "$dst" -nt "$src" ] && return
	gcc -O2 -Wall -Wextra -Werror -static -o "$dst.$$" "$src"
	mv "$dst.$$" "$dst"
}

# put HOST GUEST: a file, with the libraries it asks for, or a directory.
declare -A placed=()
mkdirs() {
	local d=$1
	[ "$d" != / ] && [ "$d" != . ] && [ -z "${placed[$d]:-}" ] || return 0
	mkdirs "$(dirname "$d")"
	placed[$d]=1
	echo "dir $d 0755 0 0"
}
put() {
	local host=$1 guest=$2 mode=0644 f
	if [ -d "$host" ]; then
		for f in "$host"/*; do
			[ ! -e "$f" ] || put "$f" "$guest/${f##*/}"
		done
		return
	fi
	[ -f "$host" ] || die "--add: no such file: $host"
	[ -z "${placed[$guest]:-}" ] || return 0
	[ ! -x "$host" ] || mode=0755
	mkdirs "$(dirname "$guest")"
	placed[$guest]=1
	echo "file $guest $(realpath "$host") $mode 0 0"
}
put_program() {
	local path lib
	path=$(command -v "$1") || die "$1 is not installed: run make prepare"
	put "$path" "/usr/bin/$1"
	for lib in $(ldd "$path" | grep -o '/[^ ]*'); do
		put "$lib" "$lib"
	done
}

# The programs in build/DIR, not the objects that they are made from.
put_built() {
	local f
	for f in "$BUILD/$1"/*; do
		if [ -f "$f" ] && [ -x "$f" ]; then put "$f" "$2/${f##*/}"; fi
	done
}

# The initramfs as gen_init_cpio reads it.
image_list() {
	local d a
	for d in /dev /proc /sys /tmp /run /root /etc /lib /bin /usr/bin; do mkdirs $d; done
	echo 'nod /dev/console 0600 0 0 c 5 1'
	put "$BUILD/guest/init" /init
	put "$ROOT/scripts/guest/profile" /etc/profile
	put "$(command -v busybox)" /bin/busybox
	for a in $(busybox --list); do
		[ "$a" = busybox ] || echo "slink /bin/$a busybox 0777 0 0"
	done
	echo 'slink /bin/bash busybox 0777 0 0'
	put_program stress-ng
	put_program hackbench
	put_program mke2fs
	put_built tools /usr/bin
	put_built bench /bench
	put_built selftests /selftests
	for a in "$ROOT"/selftests/*.sh "$ROOT"/selftests/*/*.sh; do
		[ ! -f "$a" ] || put "$a" "/selftests/${a#"$ROOT"/selftests/}"
	done
	put "$ROOT/tools/tests/guest.sh" /selftests/tool.sh
	[ -z "$module" ] || put "$module" /lib/colo.ko
	a=$(dirname "$image")/modules		# of EXTRA=torture
	[ ! -d "$a" ] || put "$a" /lib/modules
	for a in ${adds[@]+"${adds[@]}"}; do put "${a%%:*}" "${a#*:}"; done
	if [ ${#cmd[@]} -gt 0 ]; then
		if [ ${#cmd[@]} -eq 1 ]; then
			printf '%s\n' "${cmd[0]}"
		else
			printf '%q ' "${cmd[@]}"
			echo
		fi >"$work/run.sh"
		put "$work/run.sh" /run.sh
	fi
}

qemu_args() {
	# erms and fsrm make a copy one instruction per byte in the count
	echo "-nodefaults -no-user-config -display none -no-reboot -machine pc"
	echo "-cpu max,-erms,-fsrm -m $mem -smp $smp"
	if [ -n "$icount" ]; then
		echo "-accel tcg,thread=single -icount shift=0,sleep=off"
	elif [ "${smp%%,*}" -gt 1 ]; then
		echo "-accel tcg,thread=multi"
	else
		echo "-accel tcg"
	fi
}

command_line() {
	echo "console=ttyS0 panic=-1 preempt=full nokaslr"
	case $kernel in
	debug*|*/debug*/*)
		# Emulated and checked, seconds are long: the detectors get
		# time, and a warning ends the run where it happened.
		echo "panic_on_warn=1 rcupdate.rcu_cpu_stall_timeout=120 watchdog_thresh=60"
		echo "sysctl.kernel.hung_task_timeout_secs=300" ;;
	*)	# threads of a busy host: virtual CPUs may stand still for long
		[ -n "$icount" ] || echo "rcupdate.rcu_cpu_stall_timeout=60 watchdog_thresh=30" ;;
	esac
	[ ${#cmd[@]} -gt 0 ] || echo "quiet"
	echo "$append"
}

main() {
	local rc=0 verdict=0 pid show=''
	case $kernel in
	debug*|*/debug*/*) : "${mem:=2048}" ;;
	*) : "${mem:=1024}" ;;
	esac
	if [ -n "$icount" ]; then
		[ "${smp:-1}" = 1 ] || die "--icount is for one CPU"
		smp=1
	fi
	: "${smp:=2}"
	find_kernel
	build_init
	mkdir -p "$BUILD/vm"
	work=$(mktemp -d "$BUILD/vm/run.XXXXXX")
	trap 'rm -rf "$work"' EXIT
	image_list >"$work/list"
	"$maker" -t 0 "$work/list" >"$work/initramfs"

	# shellcheck disable=SC2046  # words on purpose
	set -- qemu-system-x86_64 $(qemu_args) -kernel "$image" \
		-initrd "$work/initramfs" -append "$(command_line | xargs)"
	if [ ${#cmd[@]} -eq 0 ]; then
		# the second port must exist, nobody reads it
		"$@" -serial mon:stdio -serial null
		return
	fi

	: "${log:=$work/console.log}"
	[ "$log" != "$work/console.log" ] || own_log=1
	: >"$log"
	[ -n "$out" ] || show=1
	: "${out:=$work/out}"
	: >"$out"
	timeout -k 5 "${limit:-600}" "$@" -serial "file:$log" \
		-serial "file:$out" -monitor none </dev/null &
	pid=$!
	# shellcheck disable=SC2064  # this very child
	trap "kill $pid 2>/dev/null; exit 130" INT TERM
	if [ -n "${show:-}" ]; then
		# what the command prints, as it comes
		tail -n +1 -s 0.2 --pid=$pid -f "$out" | sed -u '/^COLO-/d' &
	fi
	wait $pid || rc=$?
	wait		# for the end of what it prints
	[ $rc -ne 124 ] && [ $rc -ne 137 ] ||
		printf '\nCOLO-TIMEOUT after %s s\n' "${limit:-600}" >>"$out"
	"$ROOT/scripts/verdict.py" --no-ktap "$log" "$out" >"$work/verdict" || verdict=$?
	if [ $verdict -ne 0 ] && [ $verdict -ne 1 ]; then
		cat "$work/verdict" >&2
		if [ -n "${own_log:-}" ]; then
			cp "$log" "$BUILD/vm/failed-console.log"
			say "console: build/vm/failed-console.log"
		fi
		return $verdict
	fi
	# verdict 1 is the command's own failure: its status says more
	rc=$(sed -n 's/^COLO-DONE status=\([0-9]*\) .*/\1/p' "$out" | tail -1)
	[ "$rc" -ne 0 ] || rc=$verdict
	[ "$rc" -eq 0 ] || grep '^init: ' "$log" >&2 || :	# it may know why
	return "$rc"
}
main
