// SPDX-License-Identifier: GPL-2.0-only
/*
 * colo.ko shows the knobs of the colo scheduling class and of the memory
 * watermarks as cgroup files. Both are part of the kernel (CONFIG_SCHED_COLO,
 * CONFIG_MEMCG_WMARK), each does without the other, and neither needs anything
 * from here to be safe: this module only translates between text and
 * <linux/colo.h> and <linux/memcg_wmark.h>, and none of it is in a hot path.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/cgroup.h>
#include <linux/init.h>
#include <linux/module.h>
#include <linux/printk.h>

#include "colo_mod.h"

/* With cgroup_disable= the core takes the files, says nothing and shows none. */
static void say_what_is_off(void)
{
	if (IS_ENABLED(CONFIG_SCHED_COLO) && !colo_cpu_enabled())
		pr_notice("the cpu controller is disabled on the command line: no cpu files\n");
	if (IS_ENABLED(CONFIG_MEMCG_WMARK) && !colo_mem_enabled())
		pr_notice("the memory controller is disabled on the command line: no memory files\n");
}

static int __init colo_init(void)
{
	unsigned int compat;
	int ret;

	ret = colo_compat_parse(&compat);
	if (ret)
		return ret;

	say_what_is_off();
	if (!colo_cpu_enabled() && !colo_mem_enabled()) {
		pr_err("there is no controller that could have files\n");
		return -EOPNOTSUPP;
	}

	if (colo_mem_enabled()) {
		ret = colo_wmark_init();
		if (ret) {
			pr_err("cannot ask for events of watermarks: %d\n", ret);
			return ret;
		}
	}
	ret = colo_compat_add(compat);
	if (ret) {
		pr_err("cannot make the sysctls: %d\n", ret);
		goto err_wmark;
	}
	ret = colo_knobs_add(compat);
	if (ret) {
		pr_err("cannot make the cgroup files: %d\n", ret);
		goto err_compat;
	}
	return 0;

err_compat:
	colo_compat_remove();
	/* Some files were there for a moment and may have been written. */
	if (colo_cpu_enabled())
		colo_online_all();
err_wmark:
	if (colo_mem_enabled())
		colo_wmark_exit();
	return ret;
}

/*
 * Order matters. Once the files are gone nobody can call a setter any more, and
 * whoever was inside has returned (see knobs.c); then one pass over the groups
 * makes all of them online and takes their marks away, and they stay so. Both
 * are synchronous: no timer, work item, RCU callback or hook of this module
 * remains, and no work is left queued for a group.
 */
static void __exit colo_exit(void)
{
	colo_knobs_remove();
	colo_compat_remove();
	if (colo_cpu_enabled())
		colo_online_all();
	if (colo_mem_enabled())
		colo_wmark_exit();
}

module_init(colo_init);
module_exit(colo_exit);

MODULE_DESCRIPTION("Knobs of the colo (offline) scheduling class and of memory watermarks");
MODULE_AUTHOR("colo developers <colo@localhost>");
MODULE_LICENSE("GPL");
MODULE_IMPORT_NS(COLO);
