// SPDX-License-Identifier: GPL-2.0-only
/*
 * cpu.offline.stat: what the class did to the tasks of a group and of the
 * groups below it.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/cgroup.h>
#include <linux/math64.h>
#include <linux/seq_file.h>
#include <linux/time64.h>

#include "colo_mod.h"

static void show_usec(struct seq_file *seq, const char *key, u64 ns)
{
	seq_printf(seq, "%s %llu\n", key, div_u64(ns, NSEC_PER_USEC));
}

/**
 * colo_stat_show - print cpu.offline.stat
 * @seq: the file; its css is pinned by the active reference that kernfs holds
 * @v: unused, the file is shown in one piece
 *
 * Flat keyed; keys are only ever added at the end, readers go by name.
 *
 * Return: 0
 */
int colo_stat_show(struct seq_file *seq, void *v)
{
	struct colo_stat st = {};

	colo_read_stat(seq_css(seq), &st);

	show_usec(seq, "run_usec", st.run_ns);
	show_usec(seq, "wait_usec", st.wait_ns);
	show_usec(seq, "steal_usec", st.steal_ns);
	show_usec(seq, "wait_max_usec", st.wait_max_ns);
	seq_printf(seq, "preemptions %llu\n", st.preemptions);
	seq_printf(seq, "migrations %llu\n", st.migrations);
	seq_printf(seq, "switches %llu\n", st.switches);
	seq_printf(seq, "lift_net %llu\n", st.lift_net);
	seq_printf(seq, "lift_kill %llu\n", st.lift_kill);
	seq_printf(seq, "lift_freeze %llu\n", st.lift_freeze);
	seq_printf(seq, "lift_ptrace %llu\n", st.lift_ptrace);
	seq_printf(seq, "lift_lock %llu\n", st.lift_lock);
	seq_printf(seq, "lift_drain %llu\n", st.lift_drain);
	seq_printf(seq, "tasks %u\n", st.tasks);
	seq_printf(seq, "lifted %u\n", st.lifted);
	return 0;
}
