// SPDX-License-Identifier: GPL-2.0-only
/*
 * cpu.offline and cpu.offline.effective: text to and from <linux/colo.h>.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/cgroup.h>
#include <linux/seq_file.h>

#include "colo_mod.h"

int colo_offline_show(struct seq_file *seq, void *v)
{
	seq_printf(seq, "%d\n", colo_offline(seq_css(seq)));
	return 0;
}

ssize_t colo_offline_write(struct kernfs_open_file *of, char *buf,
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

int colo_effective_show(struct seq_file *seq, void *v)
{
	seq_printf(seq, "%d\n", colo_offline_effective(seq_css(seq)));
	return 0;
}
