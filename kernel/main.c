// SPDX-License-Identifier: GPL-2.0-only
/*
 * colo.ko shows the knobs of the colo scheduling class as cgroup files. The
 * class itself is part of the kernel (CONFIG_SCHED_COLO) and needs nothing from
 * here to be safe: this module only translates between text and
 * <linux/colo.h>, and none of it is in a hot path.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/cgroup.h>
#include <linux/init.h>
#include <linux/module.h>
#include <linux/printk.h>

#include "colo_mod.h"

static int __init colo_init(void)
{
	int ret;

	/*
	 * With cgroup_disable=cpu the cgroup core takes the files, says
	 * nothing and shows none of them.
	 */
	if (!cgroup_subsys_enabled(cpu_cgrp_subsys)) {
		pr_err("the cpu controller is disabled on the command line\n");
		return -EOPNOTSUPP;
	}

	ret = colo_knobs_add();
	if (ret) {
		pr_err("cannot make the cgroup files: %d\n", ret);
		/* Some were there for a moment and may have been written. */
		colo_online_all();
	}
	return ret;
}

/*
 * Order matters. Once the files are gone nobody can call colo_set_offline()
 * any more, and whoever was inside has returned (see knobs.c); then one pass
 * over the groups makes all of them online, and they stay so. It is synchronous:
 * no timer, work item, RCU callback or hook of this module remains.
 */
static void __exit colo_exit(void)
{
	colo_knobs_remove();
	colo_online_all();
}

module_init(colo_init);
module_exit(colo_exit);

MODULE_DESCRIPTION("Knobs of the colo (offline) scheduling class");
MODULE_AUTHOR("colo developers <colo@localhost>");
MODULE_LICENSE("GPL");
MODULE_IMPORT_NS(COLO);
