/* SPDX-License-Identifier: GPL-2.0-only */
/* What the running kernel offers; found by looking for files. */
#ifndef COLO_PROBE_H
#define COLO_PROBE_H

#include "cgroup.h"

struct probe_vendor {
	const char *file;
	const char *of;
	char *where;		/* a path that exists */
};

struct probe {
	char *release;
	bool cls;		/* the scheduling class is built in */
	bool module;		/* something makes the knob files */
	bool cpu;		/* the cpu controller is there */
	bool cpu_enabled;	/* and on for the groups below the root */
	bool groups;		/* there is a group below the root; if not, */
				/* idle, wmark, cgroup_kill are not known */
	bool idle;		/* cpu.idle */
	bool wmark;		/* memory.wmark_high */
	bool wmark_kernel;	/* the kernel has watermarks, or seems to */
	bool mem;		/* the memory controller is there */
	bool mem_enabled;	/* and on for the groups below the root */
	bool cgroup_kill;
	bool psi;
	bool smt;		/* more than one hardware thread per core */
	bool smt_expel;
	struct probe_vendor *vendor;
	size_t n_vendor;
};

void probe_kernel(struct probe *p, const struct cgfs *fs, const char *sysroot);
void probe_free(struct probe *p);

/* Whether groups have memory watermarks, and what they lack if not. */
enum probe_wmark {
	PROBE_WMARK_YES,
	PROBE_WMARK_NO_KERNEL,
	PROBE_WMARK_NO_CONTROLLER,
	PROBE_WMARK_NO_MODULE,
	PROBE_WMARK_NOT_ENABLED,
	PROBE_WMARK_OLD_MODULE,		/* all is there but the files */
	PROBE_WMARK_UNKNOWN,		/* no group to look into */
};

enum probe_wmark probe_wmark(const struct probe *p);

/* The exit code for a kernel on which cpu.offline cannot be used, else 0. */
int probe_verdict(const struct probe *p);

#endif
