// SPDX-License-Identifier: GPL-2.0-only
/*
 * The files of the memory controller: text to and from <linux/memcg_wmark.h>,
 * and telling those who poll memory.wmark_stat.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/cgroup.h>
#include <linux/kernel.h>
#include <linux/kernfs.h>
#include <linux/limits.h>
#include <linux/math64.h>
#include <linux/seq_file.h>
#include <linux/time64.h>

#include "colo_mod.h"

/* A number of bytes, or what stands for none. */
static void show_bytes(struct seq_file *seq, const char *key, u64 bytes,
		       const char *none)
{
	seq_puts(seq, key);
	if (bytes == U64_MAX)
		seq_printf(seq, "%s\n", none);
	else
		seq_printf(seq, "%llu\n", bytes);
}

/* What one has to write to get this mark again. */
static void show_asked(struct seq_file *seq, const char *key,
		       enum memcg_wmark_unit unit, u64 val, const char *none)
{
	if (unit == MEMCG_WMARK_PERCENT)
		seq_printf(seq, "%s%llu%%\n", key, val);
	else
		show_bytes(seq, key, unit == MEMCG_WMARK_NONE ? U64_MAX : val,
			   none);
}

static int parse_mark(char *buf, const char *none, enum memcg_wmark_unit *unit,
		      u64 *val)
{
	bool percent;
	int ret;

	ret = colo_parse_mark(buf, none, val, &percent);
	if (ret)
		return ret;

	if (percent) {
		*unit = MEMCG_WMARK_PERCENT;
	} else if (*val == U64_MAX) {
		*unit = MEMCG_WMARK_NONE;
		*val = 0;
	} else {
		*unit = MEMCG_WMARK_BYTES;
	}
	return 0;
}

int colo_wmark_high_show(struct seq_file *seq, void *v)
{
	struct memcg_wmark_conf conf;

	memcg_wmark_get(seq_css(seq), &conf);
	show_bytes(seq, "", conf.high_bytes, "max");
	return 0;
}

ssize_t colo_wmark_high_write(struct kernfs_open_file *of, char *buf,
			      size_t nbytes, loff_t off)
{
	enum memcg_wmark_unit unit;
	u64 val;
	int ret;

	ret = parse_mark(buf, "max", &unit, &val);
	if (!ret)
		ret = memcg_wmark_set_high(of_css(of), unit, val);
	return ret ?: nbytes;
}

int colo_wmark_low_show(struct seq_file *seq, void *v)
{
	struct memcg_wmark_conf conf;

	memcg_wmark_get(seq_css(seq), &conf);
	show_bytes(seq, "", conf.low_bytes, "auto");
	return 0;
}

ssize_t colo_wmark_low_write(struct kernfs_open_file *of, char *buf,
			     size_t nbytes, loff_t off)
{
	enum memcg_wmark_unit unit;
	u64 val;
	int ret;

	ret = parse_mark(buf, "auto", &unit, &val);
	if (!ret)
		ret = memcg_wmark_set_low(of_css(of), unit, val);
	return ret ?: nbytes;
}

/* Another way to write memory.wmark_high, by the name that Anolis gave it. */
int colo_wmark_ratio_show(struct seq_file *seq, void *v)
{
	struct memcg_wmark_conf conf;

	memcg_wmark_get(seq_css(seq), &conf);
	seq_printf(seq, "%llu\n",
		   conf.high_unit == MEMCG_WMARK_PERCENT ? conf.high : 0);
	return 0;
}

ssize_t colo_wmark_ratio_write(struct kernfs_open_file *of, char *buf,
			       size_t nbytes, loff_t off)
{
	u64 val;
	int ret;

	ret = colo_parse_u64(buf, 100, &val);
	if (!ret)
		ret = memcg_wmark_set_high(of_css(of), val ?
					   MEMCG_WMARK_PERCENT :
					   MEMCG_WMARK_NONE, val);
	return ret ?: nbytes;
}

int colo_wmark_scale_show(struct seq_file *seq, void *v)
{
	struct memcg_wmark_conf conf;

	memcg_wmark_get(seq_css(seq), &conf);
	seq_printf(seq, "%u\n", conf.scale_factor);
	return 0;
}

ssize_t colo_wmark_scale_write(struct kernfs_open_file *of, char *buf,
			       size_t nbytes, loff_t off)
{
	u64 val;
	int ret;

	ret = colo_parse_u64(buf, MEMCG_WMARK_SCALE_MAX, &val);
	if (!ret)
		ret = memcg_wmark_set_scale_factor(of_css(of), val);
	return ret ?: nbytes;
}

static const char * const wmark_types[] = {
	[MEMCG_WMARK_FILE]	= "file",
	[MEMCG_WMARK_ALL]	= "all",
};

int colo_wmark_type_show(struct seq_file *seq, void *v)
{
	struct memcg_wmark_conf conf;

	memcg_wmark_get(seq_css(seq), &conf);
	seq_printf(seq, "%s\n", wmark_types[conf.type]);
	return 0;
}

ssize_t colo_wmark_type_write(struct kernfs_open_file *of, char *buf,
			      size_t nbytes, loff_t off)
{
	int ret;

	ret = colo_parse_word(buf, wmark_types, ARRAY_SIZE(wmark_types));
	if (ret >= 0)
		ret = memcg_wmark_set_type(of_css(of), ret);
	return ret ?: nbytes;
}

static const char * const wmark_bases[] = {
	[MEMCG_WMARK_USAGE]	= "usage",
	[MEMCG_WMARK_CACHE]	= "cache",
};

int colo_wmark_basis_show(struct seq_file *seq, void *v)
{
	struct memcg_wmark_conf conf;

	memcg_wmark_get(seq_css(seq), &conf);
	seq_printf(seq, "%s\n", wmark_bases[conf.basis]);
	return 0;
}

ssize_t colo_wmark_basis_write(struct kernfs_open_file *of, char *buf,
			       size_t nbytes, loff_t off)
{
	int ret;

	ret = colo_parse_word(buf, wmark_bases, ARRAY_SIZE(wmark_bases));
	if (ret >= 0)
		ret = memcg_wmark_set_basis(of_css(of), ret);
	return ret ?: nbytes;
}

int colo_wmark_period_show(struct seq_file *seq, void *v)
{
	struct memcg_wmark_conf conf;

	memcg_wmark_get(seq_css(seq), &conf);
	seq_printf(seq, "%u\n", conf.period_ms);
	return 0;
}

ssize_t colo_wmark_period_write(struct kernfs_open_file *of, char *buf,
				size_t nbytes, loff_t off)
{
	u64 val;
	int ret;

	ret = colo_parse_u64(buf, MEMCG_WMARK_PERIOD_MAX, &val);
	if (!ret)
		ret = memcg_wmark_set_period(of_css(of), val);
	return ret ?: nbytes;
}

int colo_mem_offline_show(struct seq_file *seq, void *v)
{
	struct memcg_wmark_conf conf;

	memcg_wmark_get(seq_css(seq), &conf);
	seq_printf(seq, "%d\n", conf.offline);
	return 0;
}

ssize_t colo_mem_offline_write(struct kernfs_open_file *of, char *buf,
			       size_t nbytes, loff_t off)
{
	u64 val;
	int ret;

	ret = colo_parse_u64(buf, 1, &val);
	if (!ret)
		ret = memcg_set_offline(of_css(of), val);
	return ret ?: nbytes;
}

/* ------------------------------------- names of other kernels, see compat.c */

int colo_min_adj_show(struct seq_file *seq, void *v)
{
	struct memcg_wmark_conf conf;

	memcg_wmark_get(seq_css(seq), &conf);
	seq_printf(seq, "%d\n", conf.min_adj);
	return 0;
}

ssize_t colo_min_adj_write(struct kernfs_open_file *of, char *buf,
			   size_t nbytes, loff_t off)
{
	s64 val;
	int ret;

	ret = colo_parse_s64(buf, MEMCG_WMARK_MIN_ADJ_MIN,
			     MEMCG_WMARK_MIN_ADJ_MAX, &val);
	if (!ret)
		ret = memcg_wmark_set_min_adj(of_css(of), val);
	return ret ?: nbytes;
}

int colo_qos_level_show(struct seq_file *seq, void *v)
{
	struct memcg_wmark_conf conf;

	memcg_wmark_get(seq_css(seq), &conf);
	seq_printf(seq, "%d\n", conf.offline ? -1 : 0);
	return 0;
}

ssize_t colo_qos_level_write(struct kernfs_open_file *of, char *buf,
			     size_t nbytes, loff_t off)
{
	s64 val;
	int ret;

	ret = colo_parse_s64(buf, -1, 0, &val);
	if (!ret && !colo_qos_enabled())
		ret = -EACCES;
	if (!ret)
		ret = memcg_set_offline(of_css(of), val);
	return ret ?: nbytes;
}

/* -------------------------------------------------------- memory.wmark_stat */

#define STAT_FILE	"memory.wmark_stat"

static void show_count(struct seq_file *seq, const char *key, u64 n)
{
	seq_printf(seq, "%s %llu\n", key, n);
}

/**
 * colo_wmark_stat_show - print memory.wmark_stat
 * @seq: the file; its css is pinned by the active reference that kernfs holds
 * @v: unused, the file is shown in one piece
 *
 * Flat keyed; keys are only ever added at the end, readers go by name. high_set
 * and low_set are what one has to write to get these marks again, which the files
 * of the marks, showing what holds, do not tell.
 *
 * Return: 0
 */
int colo_wmark_stat_show(struct seq_file *seq, void *v)
{
	struct memcg_wmark_stat st = {};
	struct memcg_wmark_conf conf;

	memcg_wmark_get(seq_css(seq), &conf);
	memcg_wmark_read_stat(seq_css(seq), &st);

	show_bytes(seq, "high_bytes ", conf.high_bytes, "max");
	show_bytes(seq, "low_bytes ", conf.low_bytes, "max");
	show_bytes(seq, "limit_bytes ", conf.limit_bytes, "max");
	show_count(seq, "low_auto", conf.low_unit == MEMCG_WMARK_NONE);
	show_asked(seq, "high_set ", conf.high_unit, conf.high, "max");
	show_asked(seq, "low_set ", conf.low_unit, conf.low, "auto");
	show_count(seq, "offline_effective", conf.offline_effective);
	show_count(seq, "runs", st.runs);
	show_count(seq, "run_max_usec", div_u64(st.run_max_ns, NSEC_PER_USEC));
	show_count(seq, "cpu_usec", div_u64(st.cpu_ns, NSEC_PER_USEC));
	show_count(seq, "scanned", st.scanned);
	show_count(seq, "reclaimed", st.reclaimed);
	show_count(seq, "refaulted", st.refaulted);
	show_count(seq, "backoffs", st.backoffs);
	show_count(seq, "widened", st.widened);
	show_count(seq, "failed", st.failed);
	show_count(seq, "crossed", st.crossed);
	return 0;
}

/*
 * A mark was crossed, or reclaim gave up: wakes those who poll the file. The node
 * is looked for by name, because a struct cgroup_file would have to live in the
 * css; the kernel calls this at most every 100 ms for a group.
 *
 * The group's own node lives as long as the css. A file that is not there, in a
 * group that is being removed or before and after its time, has nobody to wake.
 */
static void wmark_notify(struct cgroup_subsys_state *css)
{
	struct kernfs_node *kn;

	kn = kernfs_find_and_get(css->cgroup->kn, STAT_FILE);
	if (!kn)
		return;
	kernfs_notify(kn);
	kernfs_put(kn);
}

/* Return: 0 or -errno */
int colo_wmark_init(void)
{
	return memcg_wmark_register_notify(wmark_notify);
}

/* The files are gone; makes all groups neutral. */
void colo_wmark_exit(void)
{
	memcg_wmark_reset_all();
	/* Waits for a call that is under way. */
	memcg_wmark_unregister_notify(wmark_notify);
}
