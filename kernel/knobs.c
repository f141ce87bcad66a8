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
 * not take cgroup_mutex, nor wait for somebody who does; colo_set_offline() has a
 * mutex of its own, below cgroup_mutex and below the active references.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/cgroup.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/kernfs.h>
#include <linux/seq_file.h>
#include <linux/string.h>

#include "colo_mod.h"

/* The controllers whose directories our files appear in. */
enum colo_ctrl {
	COLO_CTRL_CPU,
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
 * @show: prints it
 * @write: takes a value, or NULL for a read-only file; 0644 or 0444 follows
 * @flags: CFTYPE_*
 */
struct colo_knob {
	const char	*name;
	enum colo_ctrl	ctrl;
	int		(*show)(struct seq_file *seq, void *v);
	ssize_t		(*write)(struct kernfs_open_file *of, char *buf,
				 size_t nbytes, loff_t off);
	unsigned int	flags;
};

/**
 * colo_parse_u64 - the one parser of knob values
 * @buf: what the user wrote, NUL-terminated by kernfs; is edited
 * @max: the largest allowed value
 * @val: set only on success
 *
 * White space around the number is dropped, its base follows C's prefixes.
 *
 * Return: 0; -EINVAL for nothing, for a negative number and for anything else
 * that is not a number from end to end; -ERANGE for a number above @max, also
 * for one that fits no u64.
 */
static int colo_parse_u64(char *buf, u64 max, u64 *val)
{
	u64 v;
	int ret;

	ret = kstrtou64(strstrip(buf), 0, &v);
	if (ret)
		return ret;
	if (v > max)
		return -ERANGE;

	*val = v;
	return 0;
}

static int offline_show(struct seq_file *seq, void *v)
{
	seq_printf(seq, "%d\n", colo_offline(seq_css(seq)));
	return 0;
}

static ssize_t offline_write(struct kernfs_open_file *of, char *buf,
			     size_t nbytes, loff_t off)
{
	u64 val;
	int ret;

	ret = colo_parse_u64(buf, 1, &val);
	if (ret)
		return ret;

	ret = colo_set_offline(of_css(of), val);
	return ret ?: nbytes;
}

static int effective_show(struct seq_file *seq, void *v)
{
	seq_printf(seq, "%d\n", colo_offline_effective(seq_css(seq)));
	return 0;
}

static const struct colo_knob colo_knobs[] = {
	{
		.name	= "offline",
		.ctrl	= COLO_CTRL_CPU,
		.show	= offline_show,
		.write	= offline_write,
		.flags	= CFTYPE_NOT_ON_ROOT,
	},
	{
		.name	= "offline.effective",
		.ctrl	= COLO_CTRL_CPU,
		.show	= effective_show,
		.flags	= CFTYPE_NOT_ON_ROOT,
	},
	{
		.name	= "offline.stat",
		.ctrl	= COLO_CTRL_CPU,
		.show	= colo_stat_show,
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

static struct cgroup_subsys *colo_subsys(enum colo_ctrl ctrl)
{
	switch (ctrl) {
	case COLO_CTRL_CPU:
		return &cpu_cgrp_subsys;
	case COLO_NR_CTRLS:
		break;
	}
	return NULL;
}

static void colo_fill_files(enum colo_ctrl ctrl, struct cftype *cft)
{
	const struct colo_knob *knob;

	for (knob = colo_knobs; knob < colo_knobs + ARRAY_SIZE(colo_knobs);
	     knob++) {
		if (knob->ctrl != ctrl)
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
 * They can be used before this returns.
 *
 * Return: 0, or -errno and no file is left
 */
int colo_knobs_add(void)
{
	int ctrl, hier, ret;

	for (ctrl = 0; ctrl < COLO_NR_CTRLS; ctrl++) {
		struct cgroup_subsys *ss = colo_subsys(ctrl);

		for (hier = 0; hier < COLO_NR_HIERS; hier++) {
			struct cftype *cfts = colo_files[ctrl][hier];

			colo_fill_files(ctrl, cfts);
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
