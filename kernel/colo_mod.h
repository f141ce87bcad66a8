/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the parts of colo.ko share, and the one place for #if on kernel
 * versions and features.
 */
#ifndef COLO_MOD_H
#define COLO_MOD_H

#include <linux/kconfig.h>
#include <linux/types.h>

#if !IS_ENABLED(CONFIG_SCHED_COLO)
#error "colo.ko needs a kernel with the colo series applied and CONFIG_SCHED_COLO=y"
#endif

#include <linux/colo.h>

#if COLO_API_VERSION != 1
#error "colo.ko is written for version 1 of <linux/colo.h>"
#endif

struct kernfs_open_file;
struct seq_file;

/* stat.c */
int colo_stat_show(struct seq_file *seq, void *v);

/* knobs.c */
int colo_knobs_add(void);
void colo_knobs_remove(void);

#endif /* COLO_MOD_H */
