# SPDX-License-Identifier: GPL-2.0-only
#
# What people type. The work is done by the scripts in scripts/, which say in
# their first lines what they do and which variables they know.

SHELL := /bin/bash
O := $(CURDIR)/build
# The kernels that `make kernel` and `make module` build: perf, debug, vanilla.
KERNELS ?= perf

# One step after the other; each uses all CPUs by itself.
.NOTPARALLEL:
.PHONY: help demo check prepare refresh kernel module tools selftests vm bench \
	torture bisect deb clean

help:
	@echo 'colo: online latency that offline load does not touch'
	@echo
	@echo '  make demo       all of it: build, boot, measure, chart (under 45 minutes cold)'
	@echo '  make vm         a shell in the patched kernel; CMD="..." runs that instead'
	@echo '  make check      every test; what CI runs'
	@echo
	@echo '  make prepare    install what is missing, get Linux, apply the series: build/linux'
	@echo '  make refresh    export the commits of build/linux to patches/'
	@echo '  make kernel     build/perf/bzImage; KERNELS="perf debug vanilla" for others'
	@echo '  make module     build/perf/colo.ko, likewise'
	@echo '  make tools      build/tools/colo and the probes'
	@echo
	@echo '  make bench      the benchmark gate, on virtual time (hours)'
	@echo '  make torture    ten minutes of storm on the debug kernel, and more'
	@echo '  make bisect     each patch builds and boots, its option on and off (hours)'
	@echo '  make deb        Debian packages of kernel, module and tool (an hour)'
	@echo '  make clean      removes build/ except build/linux; the caches stay in'
	@echo '                  $${XDG_CACHE_HOME:-~/.cache}/colo'

prepare:
	@scripts/prepare.sh

refresh:
	@scripts/refresh.sh

kernel: prepare
	@scripts/kernel.sh $(KERNELS)

module: prepare
	@scripts/module.sh $(KERNELS)

tools:
	@$(MAKE) --no-print-directory -C tools O=$(O)

selftests:
	@$(MAKE) --no-print-directory -C selftests O=$(O)

vm: module tools selftests
	@scripts/vm.sh $(VMFLAGS) $(if $(CMD),-- '$(subst ','\'',$(CMD))')

check:
	@scripts/check.sh $(GATES)

demo:
	@scripts/demo.sh

bench:
	@scripts/bench.sh

torture: KERNELS = perf debug
torture: module tools selftests
	@EXTRA=torture scripts/module.sh debug
	@scripts/torture.sh

bisect: prepare
	@scripts/bisect.sh

deb: prepare tools
	@scripts/deb.sh

# build/linux may hold work; it goes by hand only.
clean:
	@find build -mindepth 1 -maxdepth 1 ! -name linux -exec rm -rf {} +
