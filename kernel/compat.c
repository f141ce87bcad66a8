// SPDX-License-Identifier: GPL-2.0-only
/*
 * Names that agents written for other kernels know: which of them are wanted
 * (compat=), and what is no cgroup file. The cgroup files themselves are rows of
 * the table in knobs.c, marked with the kernel that they come from.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/printk.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/sysctl.h>

#include "colo_mod.h"

static char *compat = "";
module_param(compat, charp, 0444);
MODULE_PARM_DESC(compat,
		 "Kernels whose knob names exist too: a comma list of anolis, openeuler, tencent");

static const struct {
	const char	*name;
	enum colo_compat bit;
} compat_names[] = {
	{ "anolis",	COLO_COMPAT_ANOLIS },
	{ "openeuler",	COLO_COMPAT_OPENEULER },
	{ "tencent",	COLO_COMPAT_TENCENT },
};

static int compat_bit(const char *name)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(compat_names); i++)
		if (!strcmp(compat_names[i].name, name))
			return compat_names[i].bit;
	return -EINVAL;
}

/**
 * colo_compat_parse - read the parameter compat=
 * @mask: set on success to the bits of enum colo_compat
 *
 * Spaces around names are dropped, so is an empty list; an empty name in a list
 * is as wrong as an unknown one.
 *
 * Return: 0; -EINVAL after saying what is wrong; -ENOMEM
 */
int colo_compat_parse(unsigned int *mask)
{
	unsigned int found = 0;
	char *list, *rest, *name;
	int bit = 0;

	list = kstrdup(compat, GFP_KERNEL);
	if (!list)
		return -ENOMEM;

	rest = strstrip(list);
	if (!*rest)
		rest = NULL;
	while ((name = strsep(&rest, ","))) {
		name = strstrip(name);
		bit = compat_bit(name);
		if (bit < 0) {
			pr_err("compat=: \"%s\" is not known; anolis, openeuler and tencent are\n",
			       name);
			break;
		}
		found |= bit;
	}
	kfree(list);
	if (bit < 0)
		return bit;

	*mask = found;
	return 0;
}

/*
 * vm.memcg_qos_enable of openEuler. Who loads the module with that name wants
 * memory.qos_level to work, so it begins with 1, and agents that never write it
 * work too. With 0 the level of a group cannot be written (-EACCES); what was
 * written holds.
 */
static u8 qos_enable = 1;

static struct ctl_table qos_table[] = {
	{
		.procname	= "memcg_qos_enable",
		.data		= &qos_enable,
		.maxlen		= sizeof(qos_enable),
		.mode		= 0644,
		.proc_handler	= proc_dou8vec_minmax,
		.extra1		= SYSCTL_ZERO,
		.extra2		= SYSCTL_ONE,
	},
};

static struct ctl_table_header *qos_header;

bool colo_qos_enabled(void)
{
	return READ_ONCE(qos_enable);
}

/**
 * colo_compat_add - make what is no cgroup file
 * @mask: bits of enum colo_compat
 *
 * Return: 0 or -ENOMEM
 */
int colo_compat_add(unsigned int mask)
{
	if (!(mask & COLO_COMPAT_OPENEULER) || !colo_mem_enabled())
		return 0;

	qos_header = register_sysctl("vm", qos_table);
	return qos_header ? 0 : -ENOMEM;
}

/* Takes it away; harmless if it was never made. */
void colo_compat_remove(void)
{
	unregister_sysctl_table(qos_header);
	qos_header = NULL;
}
