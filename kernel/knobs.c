// SPDX-License-Identifier: GPL-2.0-only
/*
 * The cgroup files of colo.ko: one table, from which the arrays that the
 * cgroup core wants are made, one per controller and kind of hierarchy.
 *
 * Why the files may go at any moment
 * ----------------------------------
 * The files live in kernfs and their kernfs_ops are the cgroup core's own, so
 * an open file pins neither this module nor its cftypes. What keeps our code
 * and tables alive while they are used is kernfs' active reference:
 *
 * - show() and write() run with an active reference on their node. The cftype
 *   (kn->priv) is looked at only under one, too: open, read, write, poll and
 *   release all take it first, and without it answer -ENODEV.
 * - cgroup_rm_cftypes() removes each file with kernfs_remove_by_name(), which
 *   first forbids new active references and then waits for those held
 *   (kernfs_drain()). It also ends the private state of every file still open
 *   (->release() from kernfs_drain_open_files()), so the last close(), however
 *   late, calls nothing through the cftype.
 * - A group that appears or goes meanwhile: css_populate_dir() and
 *   css_clear_dir() run under cgroup_mutex, as do cgroup_add_cftypes() and
 *   cgroup_rm_cftypes(). A group sees our files before or after a change of the
 *   list, never in the middle, and each node is removed by exactly one of them.
 *
 * So when colo_knobs_remove() returns, no CPU is in show() or write(), none can
 * enter, and nothing points here that is still followed.
 *
 * Locking: removal waits for writers with cgroup_mutex held. A writer hence must
 * not take cgroup_mutex, nor wait for somebody who does; colo_set_offline() and the
 * setters of <linux/memcg_wmark.h> have mutexes of their own, below cgroup_mutex
 * and below the active references.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/cgroup.h>
#include <linux/kernel.h>
#include <linux/kernfs.h>
#include <linux/seq_file.h>
#include <linux/string.h>

#include "colo_mod.h"

/* The controllers whose directories our files appear in. */
enum colo_ctrl {
	COLO_CTRL_CPU,
	COLO_CTRL_MEM,
	COLO_NR_CTRLS
};

/* The kinds of hierarchy; both get the same files. */
enum colo_hier {
	COLO_HIER_DFL,		/* version 2 */
	COLO_HIER_LEGACY,	/* version 1 */
	COLO_NR_HIERS
};

/**
 * struct colo_knob - one cgroup file
 * @name: name of the file after the controller's prefix
 * @ctrl: controller whose groups have the file
 * @compat: the kernels whose name this is, COLO_COMPAT_*; 0 if it is our own
 * @show: prints it
 * @write: takes a value, or NULL for a read-only file; 0644 or 0444 follows
 * @flags: CFTYPE_*
 */
struct colo_knob {
	const char	*name;
	enum colo_ctrl	ctrl;
	unsigned int	compat;
	int		(*show)(struct seq_file *seq, void *v);
	ssize_t		(*write)(struct kernfs_open_file *of, char *buf,
				 size_t nbytes, loff_t off);
	unsigned int	flags;
};

static const struct colo_knob colo_knobs[] = {
	{
		.name	= "offline",
		.ctrl	= COLO_CTRL_CPU,
		.show	= COLO_CPU_FN(colo_offline_show),
		.write	= COLO_CPU_FN(colo_offline_write),
		.flags	= CFTYPE_NOT_ON_ROOT,
	},
	{
		.name	= "offline.effective",
		.ctrl	= COLO_CTRL_CPU,
		.show	= COLO_CPU_FN(colo_effective_show),
		.flags	= CFTYPE_NOT_ON_ROOT,
	},
	{
		.name	= "offline.stat",
		.ctrl	= COLO_CTRL_CPU,
		.show	= COLO_CPU_FN(colo_stat_show),
		.flags	= CFTYPE_NOT_ON_ROOT,
	},
	{
		.name	= "wmark_high",
		.ctrl	= COLO_CTRL_MEM,
		.show	= COLO_MEM_FN(colo_wmark_high_show),
		.write	= COLO_MEM_FN(colo_wmark_high_write),
		.flags	= CFTYPE_NOT_ON_ROOT,
	},
	{
		.name	= "wmark_low",
		.ctrl	= COLO_CTRL_MEM,
		.show	= COLO_MEM_FN(colo_wmark_low_show),
		.write	= COLO_MEM_FN(colo_wmark_low_write),
		.flags	= CFTYPE_NOT_ON_ROOT,
	},
	{
		.name	= "wmark_ratio",
		.ctrl	= COLO_CTRL_MEM,
		.show	= COLO_MEM_FN(colo_wmark_ratio_show),
		.write	= COLO_MEM_FN(colo_wmark_ratio_write),
		.flags	= CFTYPE_NOT_ON_ROOT,
	},
	{
		.name	= "wmark_scale_factor",
		.ctrl	= COLO_CTRL_MEM,
		.show	= COLO_MEM_FN(colo_wmark_scale_show),
		.write	= COLO_MEM_FN(colo_wmark_scale_write),
		.flags	= CFTYPE_NOT_ON_ROOT,
	},
	{
		.name	= "wmark_type",
		.ctrl	= COLO_CTRL_MEM,
		.show	= COLO_MEM_FN(colo_wmark_type_show),
		.write	= COLO_MEM_FN(colo_wmark_type_write),
		.flags	= CFTYPE_NOT_ON_ROOT,
	},
	{
		.name	= "wmark_basis",
		.ctrl	= COLO_CTRL_MEM,
		.show	= COLO_MEM_FN(colo_wmark_basis_show),
		.write	= COLO_MEM_FN(colo_wmark_basis_write),
		.flags	= CFTYPE_NOT_ON_ROOT,
	},
	{
		.name	= "wmark_period_ms",
		.ctrl	= COLO_CTRL_MEM,
		.show	= COLO_MEM_FN(colo_wmark_period_show),
		.write	= COLO_MEM_FN(colo_wmark_period_write),
		.flags	= CFTYPE_NOT_ON_ROOT,
	},
	{
		.name	= "wmark_stat",
		.ctrl	= COLO_CTRL_MEM,
		.show	= COLO_MEM_FN(colo_wmark_stat_show),
		.flags	= CFTYPE_NOT_ON_ROOT,
	},
	{
		.name	= "offline",
		.ctrl	= COLO_CTRL_MEM,
		.show	= COLO_MEM_FN(colo_mem_offline_show),
		.write	= COLO_MEM_FN(colo_mem_offline_write),
		.flags	= CFTYPE_NOT_ON_ROOT,
	},
	{
		.name	= "wmark_min_adj",
		.ctrl	= COLO_CTRL_MEM,
		.compat	= COLO_COMPAT_ANOLIS,
		.show	= COLO_MEM_FN(colo_min_adj_show),
		.write	= COLO_MEM_FN(colo_min_adj_write),
		.flags	= CFTYPE_NOT_ON_ROOT,
	},
	{
		.name	= "qos_level",
		.ctrl	= COLO_CTRL_MEM,
		.compat	= COLO_COMPAT_OPENEULER,
		.show	= COLO_MEM_FN(colo_qos_level_show),
		.write	= COLO_MEM_FN(colo_qos_level_write),
		.flags	= CFTYPE_NOT_ON_ROOT,
	},
};

/*
 * What the cgroup core is given; each array ends with an entry without a name.
 * They have to be static objects: with lockdep a cftype carries the lock class
 * of its files, and a class key on the heap is refused.
 */
static struct cftype colo_files[COLO_NR_CTRLS][COLO_NR_HIERS]
			       [ARRAY_SIZE(colo_knobs) + 1];

/* NULL if this kernel has nothing of ours for the controller. */
static struct cgroup_subsys *colo_subsys(enum colo_ctrl ctrl)
{
	switch (ctrl) {
	case COLO_CTRL_CPU:
		return COLO_CPU_SUBSYS;
	case COLO_CTRL_MEM:
		return COLO_MEM_SUBSYS;
	case COLO_NR_CTRLS:
		break;
	}
	return NULL;
}

static void colo_fill_files(enum colo_ctrl ctrl, unsigned int compat,
			    struct cftype *cft)
{
	const struct colo_knob *knob;

	for (knob = colo_knobs; knob < colo_knobs + ARRAY_SIZE(colo_knobs);
	     knob++) {
		if (knob->ctrl != ctrl)
			continue;
		if (knob->compat && !(knob->compat & compat))
			continue;
		strscpy(cft->name, knob->name, sizeof(cft->name));
		cft->seq_show = knob->show;
		cft->write = knob->write;
		cft->flags = knob->flags;
		cft++;
	}
}

/**
 * colo_knobs_remove - take the files away, in the reverse order of adding
 *
 * Context: process; takes cgroup_mutex and waits for readers and writers that
 * are inside a file. Harmless for files that were never added.
 */
void colo_knobs_remove(void)
{
	int ctrl, hier;

	for (ctrl = COLO_NR_CTRLS - 1; ctrl >= 0; ctrl--) {
		for (hier = COLO_NR_HIERS - 1; hier >= 0; hier--) {
			struct cftype *cfts = colo_files[ctrl][hier];

			/* The core sets ->ss exactly while it knows them. */
			if (cfts->ss)
				WARN_ON_ONCE(cgroup_rm_cftypes(cfts));
		}
	}
}

/**
 * colo_knobs_add - make the files in every group, those to come included
 *
 * @compat: COLO_COMPAT_* whose names are wanted too
 *
 * They can be used before this returns. Of a controller that was disabled on the
 * command line the core shows none.
 *
 * Return: 0, or -errno and no file is left
 */
int colo_knobs_add(unsigned int compat)
{
	int ctrl, hier, ret;

	for (ctrl = 0; ctrl < COLO_NR_CTRLS; ctrl++) {
		struct cgroup_subsys *ss = colo_subsys(ctrl);

		if (!ss)
			continue;
		for (hier = 0; hier < COLO_NR_HIERS; hier++) {
			struct cftype *cfts = colo_files[ctrl][hier];

			colo_fill_files(ctrl, compat, cfts);
			if (hier == COLO_HIER_DFL)
				ret = cgroup_add_dfl_cftypes(ss, cfts);
			else
				ret = cgroup_add_legacy_cftypes(ss, cfts);
			if (ret)
				goto err_remove;
		}
	}
	return 0;

err_remove:
	colo_knobs_remove();
	return ret;
}
