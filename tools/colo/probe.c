// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "colo.h"
#include "probe.h"

/*
 * Files that agents of other kernels write. Those of groups are looked for in
 * every group: they exist where their controller is on.
 */
static const struct {
	const char *file;
	const char *of;
} vendor_group_files[] = {
	{ "cpu.bvt_warp_ns",		"Anolis OS" },
	{ "cpu.identity",		"Anolis OS" },
	{ "memory.wmark_min_adj",	"Anolis OS" },
	{ "cpu.qos_level",		"openEuler" },
	{ "memory.qos_level",		"openEuler" },
	{ "memory.high_async_ratio",	"openEuler" },
	{ "memory.pagecache.max_ratio",	"TencentOS" },
}, vendor_proc_files[] = {
	{ "/proc/sys/kernel/sched_group_identity_enabled", "Anolis OS" },
	{ "/proc/sys/vm/memcg_qos_enable", "openEuler" },
	{ "/proc/offline",		"TencentOS" },
};

#define N_GROUP_FILES (sizeof(vendor_group_files) / sizeof(*vendor_group_files))
#define N_PROC_FILES (sizeof(vendor_proc_files) / sizeof(*vendor_proc_files))

static bool exists(const char *sysroot, const char *path)
{
	char *full = xasprintf("%s%s", sysroot, path);
	bool yes = !access(full, F_OK);

	free(full);
	return yes;
}

static bool reads(const char *sysroot, const char *path, const char *expected)
{
	char *full = xasprintf("%s%s", sysroot, path);
	char *text;
	bool yes = !cg_read(full, &text) && (!expected || !strcmp(text, expected));

	free(text);
	free(full);
	return yes;
}

static void add_vendor(struct probe *p, const char *file, const char *of,
		       char *where)
{
	for (size_t i = 0; i < p->n_vendor; i++) {
		if (!strcmp(p->vendor[i].file, file)) {
			free(where);
			return;
		}
	}
	p->vendor = xgrow(p->vendor, p->n_vendor + 1, sizeof(*p->vendor));
	p->vendor[p->n_vendor++] = (struct probe_vendor){ file, of, where };
}

static void probe_groups(struct probe *p, const struct cg_hier *h)
{
	struct strv groups = { 0 };

	cg_list(h, "/", &groups);
	for (size_t i = 0; i < groups.n; i++) {
		const char *g = groups.v[i];

		for (size_t k = 0; k < N_GROUP_FILES; k++)
			if (cg_has(h, g, vendor_group_files[k].file))
				add_vendor(p, vendor_group_files[k].file,
					   vendor_group_files[k].of,
					   cg_path(h, g, vendor_group_files[k].file));
		/* the others are not in the root group, or mean nothing there */
		if (!strcmp(g, "/"))
			continue;
		p->groups = true;
		p->module |= cg_has(h, g, "cpu.offline");
		p->idle |= cg_has(h, g, "cpu.idle");
		p->wmark |= cg_has(h, g, "memory.wmark_high");
		p->cgroup_kill |= cg_has(h, g, "cgroup.kill");
		p->cpu_enabled |= cg_has(h, g, "cpu.weight") ||
				  cg_has(h, g, "cpu.shares");
		p->mem_enabled |= cg_has(h, g, "memory.max") ||
				  cg_has(h, g, "memory.limit_in_bytes");
	}
	strv_free(&groups);
}

/* Whether @controller is there, and on for groups below the root. */
static void probe_controller(const struct cgfs *fs, const char *controller,
			     bool *there, bool *on)
{
	const struct cg_hier *h = cgfs_hier(fs, controller);
	char *enabled;

	if (!h)
		return;
	*there = !h->v2 || has_word(h->controllers, controller);
	*on |= !h->v2;
	if (!cg_read_file(h, "/", "cgroup.subtree_control", &enabled))
		*on |= has_word(enabled, controller);
	free(enabled);
}

void probe_kernel(struct probe *p, const struct cgfs *fs, const char *sysroot)
{
	char *path, *text;

	*p = (struct probe){ 0 };
	path = xasprintf("%s/proc/sys/kernel/osrelease", sysroot);
	cg_read(path, &p->release);
	free(path);

	p->cls = exists(sysroot, "/proc/sys/kernel/colo_net_grace_ms");
	p->module = exists(sysroot, "/sys/module/colo");
	/* with psi=0 the files exist and cannot be opened */
	p->psi = reads(sysroot, "/proc/pressure/cpu", NULL);
	p->smt = reads(sysroot, "/sys/devices/system/cpu/smt/active", "1");
	p->smt_expel = exists(sysroot, "/proc/sys/kernel/colo_smt_expel");

	for (size_t i = 0; i < fs->nhier; i++)
		probe_groups(p, &fs->hier[i]);
	probe_controller(fs, "cpu", &p->cpu, &p->cpu_enabled);
	probe_controller(fs, "memory", &p->mem, &p->mem_enabled);
	/* without the module nothing but its counter shows it */
	path = xasprintf("%s/proc/vmstat", sysroot);
	p->wmark_kernel = p->wmark;
	if (!cg_read_key(path, "pgsteal_wmark", &text))
		p->wmark_kernel = true;
	free(text);
	free(path);
	for (size_t k = 0; k < N_PROC_FILES; k++)
		if (exists(sysroot, vendor_proc_files[k].file))
			add_vendor(p, vendor_proc_files[k].file,
				   vendor_proc_files[k].of,
				   xasprintf("%s%s", sysroot,
					     vendor_proc_files[k].file));
}

void probe_free(struct probe *p)
{
	for (size_t i = 0; i < p->n_vendor; i++)
		free(p->vendor[i].where);
	free(p->vendor);
	free(p->release);
	*p = (struct probe){ 0 };
}

int probe_verdict(const struct probe *p)
{
	if (!p->cls)
		return COLO_EXIT_NO_CLASS;
	if (!p->module || !p->cpu || !p->cpu_enabled)
		return COLO_EXIT_NO_KNOB;
	return COLO_EXIT_OK;
}

enum probe_wmark probe_wmark(const struct probe *p)
{
	if (p->wmark)
		return PROBE_WMARK_YES;
	if (!p->wmark_kernel)
		return PROBE_WMARK_NO_KERNEL;
	if (!p->mem)
		return PROBE_WMARK_NO_CONTROLLER;
	if (!p->module)
		return PROBE_WMARK_NO_MODULE;
	if (!p->mem_enabled)
		return PROBE_WMARK_NOT_ENABLED;
	return p->groups ? PROBE_WMARK_OLD_MODULE : PROBE_WMARK_UNKNOWN;
}
