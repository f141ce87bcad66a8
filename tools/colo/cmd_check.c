// SPDX-License-Identifier: GPL-2.0-only
#include <stdlib.h>
#include <string.h>

#include "colo.h"
#include "output.h"
#include "probe.h"

struct item {
	const char *id;
	const char *title;
	const char *state;	/* "yes", "no", "unneeded", "unknown" */
	const char *cost;	/* what one does without */
	const char *remedy;
};

#define N_ITEMS 8

static const char *yes_no(bool yes)
{
	return yes ? "yes" : "no";
}

/* Files that only groups below the root have. */
static const char *in_groups(const struct probe *p, bool yes)
{
	return p->groups ? yes_no(yes) : "unknown";
}

static const char *wmark_state(const struct probe *p)
{
	switch (probe_wmark(p)) {
	case PROBE_WMARK_YES:
		return "yes";
	case PROBE_WMARK_UNKNOWN:
		return "unknown";
	default:
		return "no";
	}
}

static const char *wmark_remedy(const struct probe *p)
{
	switch (probe_wmark(p)) {
	case PROBE_WMARK_NO_KERNEL:
		return "Boot a kernel with CONFIG_MEMCG_WMARK, and load its colo.ko.";
	case PROBE_WMARK_NO_CONTROLLER:
		return "Look for cgroup_disable=memory on the kernel's command line.";
	case PROBE_WMARK_NO_MODULE:
		return "modprobe colo";
	case PROBE_WMARK_NOT_ENABLED:
		return "echo +memory > cgroup.subtree_control in the root group (`colo run` "
		       "does it by itself for memory knobs).";
	case PROBE_WMARK_OLD_MODULE:
		return "Load the colo.ko that belongs to this kernel.";
	case PROBE_WMARK_YES:
	case PROBE_WMARK_UNKNOWN:
		break;
	}
	return "";
}

static void fill(struct item *items, const struct probe *p)
{
	size_t n = 0;

	items[n++] = (struct item){
		"class", "offline scheduling class", yes_no(p->cls),
		p->idle ?
		"Offline work cannot be kept strictly behind online work. The nearest "
		"thing here is cpu.idle=1: such groups still take a small share of a busy "
		"CPU, and now and then an online task waits for a tick or longer." :
		"Offline work cannot be kept strictly behind online work. The nearest "
		"thing is a low cpu.weight: such groups still take a share of a busy CPU.",
		"Boot a kernel with CONFIG_SCHED_COLO.",
	};
	items[n++] = (struct item){
		"module", "knob files (colo.ko)", yes_no(p->module),
		"No group has a cpu.offline file, so nothing can be made offline; and none "
		"has memory watermarks.",
		p->cls || p->wmark_kernel ? "modprobe colo" :
		"The module needs a kernel with the class, or with watermarks, first.",
	};
	items[n++] = (struct item){
		"cpu", "cpu controller", yes_no(p->cpu && p->cpu_enabled),
		p->cpu ?
		"The controller is not on for any group below the root, so no group has "
		"cpu.* files." :
		"No cgroup hierarchy has the cpu controller: CPU time cannot be divided "
		"between groups.",
		p->cpu ?
		"echo +cpu > cgroup.subtree_control in the root group (`colo run` does it "
		"by itself)." :
		"Look for cgroup_disable=cpu on the kernel's command line.",
	};
	items[n++] = (struct item){
		"watermarks", "memory watermarks", wmark_state(p),
		"A group at its memory limit frees page cache in the middle of its own "
		"reads and page faults; nothing frees it ahead of time. And when the "
		"machine runs out of memory, offline work's cache goes no sooner than "
		"online's.",
		wmark_remedy(p),
	};
	items[n++] = (struct item){
		"smt_expel", "SMT expelling",
		p->smt ? yes_no(p->smt_expel) : "unneeded",
		"Hardware threads are on: offline work on one slows the online work on "
		"its sibling, and nothing keeps it away.",
		"Bind offline work to cores of its own with cpuset.cpus, or boot with "
		"nosmt.",
	};
	items[n++] = (struct item){
		"psi", "pressure figures (PSI)", yes_no(p->psi),
		"cpu.pressure and memory.pressure are missing: stalls that colocation "
		"causes cannot be seen.",
		"CONFIG_PSI, and psi=1 on the kernel's command line.",
	};
	items[n++] = (struct item){
		"cpu_idle", "cpu.idle", in_groups(p, p->idle),
		"There is no low-priority setting between groups but their weight.",
		"A kernel from 5.15 on, and the cpu controller on.",
	};
	items[n++] = (struct item){
		"cgroup_kill", "cgroup.kill", in_groups(p, p->cgroup_kill),
		"`colo run` kills what its command leaves behind one process at a time; "
		"a fork bomb can outrun that.",
		"The v2 hierarchy of a kernel from 5.14 on.",
	};
}

static bool is_no(const struct item *item)
{
	return !strcmp(item->state, "no");
}

static const char *verdict_text(const struct probe *p)
{
	switch (probe_verdict(p)) {
	case COLO_EXIT_NO_CLASS:
		return "This kernel has no offline class: nothing can be made offline.";
	case COLO_EXIT_NO_KNOB:
		return p->module ?
			"The class is there, but no group below the root has cpu files." :
			"The class is there, but its module is not loaded.";
	}
	return "Ready: groups can be made offline.";
}

static void print_text(const struct colo *c, const struct probe *p,
		       const struct item *items)
{
	const struct cg_hier *h = cgfs_hier(&c->fs, "cpu");
	bool missing = false;
	char *name;

	name = out_name(p->release ? p->release : "unknown");
	printf("kernel   %s\n", name);
	free(name);
	name = out_name(h ? h->path : "none");
	printf("cgroups  %s, cpu at %s\n\n", cgfs_kind(&c->fs), name);
	free(name);

	for (size_t i = 0; i < N_ITEMS; i++) {
		printf("%-26s %s\n", items[i].title, items[i].state);
		missing |= is_no(&items[i]);
	}
	if (p->n_vendor) {
		printf("\nKnobs of other kernels:\n");
		for (size_t i = 0; i < p->n_vendor; i++)
			printf("  %s (%s)\n", p->vendor[i].file,
			       p->vendor[i].of);
	}
	if (missing)
		printf("\nWhat is missing, and what that costs:\n");
	for (size_t i = 0; i < N_ITEMS; i++) {
		if (!is_no(&items[i]))
			continue;
		printf("\n%s\n", items[i].title);
		out_wrap(stdout, 2, items[i].cost);
		printf("  To get it:\n");
		out_wrap(stdout, 4, items[i].remedy);
	}
	printf("\n%s\n", verdict_text(p));
}

static void print_json(const struct colo *c, const struct probe *p,
		       const struct item *items)
{
	static const char *const verdicts[] = {
		[COLO_EXIT_OK] = "ready",
		[COLO_EXIT_NO_CLASS] = "no-class",
		[COLO_EXIT_NO_KNOB] = "no-knob",
	};
	const struct cg_hier *h = cgfs_hier(&c->fs, "cpu");
	struct json_object *o = json_object_new_object();
	struct json_object *list = json_object_new_array();

	json_object_object_add(o, "verdict",
			       out_string(verdicts[probe_verdict(p)]));
	json_object_object_add(o, "kernel", out_string(p->release));
	json_object_object_add(o, "hierarchy", out_string(cgfs_kind(&c->fs)));
	json_object_object_add(o, "cpu_root", out_string(h ? h->path : NULL));
	for (size_t i = 0; i < N_ITEMS; i++) {
		struct json_object *e = json_object_new_object();

		json_object_object_add(e, "id", out_string(items[i].id));
		json_object_object_add(e, "state", out_string(items[i].state));
		if (is_no(&items[i])) {
			json_object_object_add(e, "cost",
					       out_string(items[i].cost));
			json_object_object_add(e, "remedy",
					       out_string(items[i].remedy));
		}
		json_object_array_add(list, e);
	}
	json_object_object_add(o, "items", list);
	list = json_object_new_array();
	for (size_t i = 0; i < p->n_vendor; i++) {
		struct json_object *e = json_object_new_object();

		json_object_object_add(e, "file", out_string(p->vendor[i].file));
		json_object_object_add(e, "of", out_string(p->vendor[i].of));
		json_object_object_add(e, "path", out_string(p->vendor[i].where));
		json_object_array_add(list, e);
	}
	json_object_object_add(o, "vendor_knobs", list);
	out_json(stdout, o, c->pretty);
}

static int check(struct colo *c, int argc, char **argv)
{
	static const struct option longs[] = { COLO_LONG_OPTS, { 0 } };
	struct item items[N_ITEMS];
	struct probe p;
	int code;

	colo_getopt(c, argc, argv, COLO_SHORT_OPTS, longs);
	if (optind < argc)
		colo_usage(c, "%s: no argument is wanted", argv[optind]);
	if (colo_open_cgroups(c))
		return COLO_EXIT_FAIL;

	probe_kernel(&p, &c->fs, c->sysroot);
	fill(items, &p);
	if (c->json)
		print_json(c, &p, items);
	else
		print_text(c, &p, items);
	code = probe_verdict(&p);
	probe_free(&p);
	return code;
}

const struct subcommand cmd_check = {
	.name = "check",
	.run = check,
	.synopsis = "[OPTIONS]",
	.summary = "Tell what this kernel offers, what is missing and what that costs",
	.help =
"Exit status: 0 groups can be made offline (other parts may be missing),\n"
"3 the kernel has no offline class, 4 it has the class but no group has the\n"
"cpu.offline file, 1 error, 2 wrong usage.\n\n"
"EXAMPLES\n"
"  colo check\n"
"  colo check --json | jq -r .verdict\n"
"  colo check --json | jq -r '.items[] | select(.id == \"watermarks\").state'\n"
"  colo check >/dev/null || echo 'no offline work on this machine'\n",
};
