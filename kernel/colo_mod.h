/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the parts of colo.ko share, and the one place for #if on kernel
 * versions and features.
 */
#ifndef COLO_MOD_H
#define COLO_MOD_H

#include <linux/cgroup.h>
#include <linux/errno.h>
#include <linux/kconfig.h>
#include <linux/kernel.h>
#include <linux/types.h>

/*
 * Each half of the series stands on its own, and so does each half of this
 * module. The Makefile (Kbuild) builds the files of a half only if it is there;
 * rows of the table name their functions with COLO_CPU_FN() and COLO_MEM_FN().
 */
#if !IS_ENABLED(CONFIG_SCHED_COLO) && !IS_ENABLED(CONFIG_MEMCG_WMARK)
#error "colo.ko needs the colo series and CONFIG_SCHED_COLO=y or CONFIG_MEMCG_WMARK=y"
#endif

#if IS_ENABLED(CONFIG_SCHED_COLO)
#include <linux/colo.h>

#if COLO_API_VERSION != 2
#error "colo.ko is written for version 2 of <linux/colo.h>"
#endif

#define COLO_CPU_SUBSYS		(&cpu_cgrp_subsys)
#define colo_cpu_enabled()	cgroup_subsys_enabled(cpu_cgrp_subsys)
#else
#define COLO_CPU_SUBSYS		NULL
#define colo_cpu_enabled()	false

static inline void colo_online_all(void)
{
}
#endif /* CONFIG_SCHED_COLO */

#if IS_ENABLED(CONFIG_MEMCG_WMARK)
#include <linux/memcg_wmark.h>

#if MEMCG_WMARK_API_VERSION != 1
#error "colo.ko is written for version 1 of <linux/memcg_wmark.h>"
#endif

#define COLO_MEM_SUBSYS		(&memory_cgrp_subsys)
#define colo_mem_enabled()	cgroup_subsys_enabled(memory_cgrp_subsys)

/* wmark.c */
int colo_wmark_init(void);
void colo_wmark_exit(void);
#else
#define COLO_MEM_SUBSYS		NULL
#define colo_mem_enabled()	false

static inline int colo_wmark_init(void)
{
	return 0;
}

static inline void colo_wmark_exit(void)
{
}
#endif /* CONFIG_MEMCG_WMARK */

/* A function of a half, or NULL without it. */
#define COLO_CPU_FN(fn)		PTR_IF(IS_ENABLED(CONFIG_SCHED_COLO), (fn))
#define COLO_MEM_FN(fn)		PTR_IF(IS_ENABLED(CONFIG_MEMCG_WMARK), (fn))

struct kernfs_open_file;
struct seq_file;

/* Whose names are wanted beside our own; bits of a mask. */
enum colo_compat {
	COLO_COMPAT_ANOLIS	= 1 << 0,
	COLO_COMPAT_OPENEULER	= 1 << 1,
	COLO_COMPAT_TENCENT	= 1 << 2,
};

#define COLO_SHOW(name) int name(struct seq_file *seq, void *v)
#define COLO_WRITE(name) ssize_t name(struct kernfs_open_file *of, char *buf, \
				      size_t nbytes, loff_t off)

/* cpu.c, stat.c: the cpu controller */
COLO_SHOW(colo_offline_show);
COLO_WRITE(colo_offline_write);
COLO_SHOW(colo_effective_show);
COLO_SHOW(colo_stat_show);

/* wmark.c: the memory controller */
COLO_SHOW(colo_wmark_high_show);
COLO_WRITE(colo_wmark_high_write);
COLO_SHOW(colo_wmark_low_show);
COLO_WRITE(colo_wmark_low_write);
COLO_SHOW(colo_wmark_ratio_show);
COLO_WRITE(colo_wmark_ratio_write);
COLO_SHOW(colo_wmark_scale_show);
COLO_WRITE(colo_wmark_scale_write);
COLO_SHOW(colo_wmark_type_show);
COLO_WRITE(colo_wmark_type_write);
COLO_SHOW(colo_wmark_basis_show);
COLO_WRITE(colo_wmark_basis_write);
COLO_SHOW(colo_wmark_period_show);
COLO_WRITE(colo_wmark_period_write);
COLO_SHOW(colo_mem_offline_show);
COLO_WRITE(colo_mem_offline_write);
COLO_SHOW(colo_wmark_stat_show);
COLO_SHOW(colo_min_adj_show);
COLO_WRITE(colo_min_adj_write);
COLO_SHOW(colo_qos_level_show);
COLO_WRITE(colo_qos_level_write);

/* compat.c */
int colo_compat_parse(unsigned int *mask);
int colo_compat_add(unsigned int mask);
void colo_compat_remove(void);
bool colo_qos_enabled(void);

/* parse.c */
int colo_parse_u64(char *buf, u64 max, u64 *val);
int colo_parse_s64(char *buf, s64 min, s64 max, s64 *val);
int colo_parse_mark(char *buf, const char *none, u64 *val, bool *percent);
int colo_parse_word(char *buf, const char * const *words, int n);

/* knobs.c */
int colo_knobs_add(unsigned int compat);
void colo_knobs_remove(void);

#endif /* COLO_MOD_H */
