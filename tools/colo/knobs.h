/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the tool knows about the files of a group. Files that it does not know
 * can be set too; it then leaves the judgement of the value to the kernel.
 */
#ifndef COLO_KNOBS_H
#define COLO_KNOBS_H

#include <stdbool.h>
#include <stddef.h>

#include "cgroup.h"

enum knob_type {
	KNOB_TEXT,		/* judged by the kernel */
	KNOB_INT,		/* min to max, or one of words */
	KNOB_SIZE,		/* bytes, K, M, G, T, or one of words */
	KNOB_SIZE_PERCENT,	/* the same, or N% */
	KNOB_WORD,		/* one of words */
	KNOB_QUOTA,		/* max or N, and perhaps a period */
};

struct knob {
	const char *name;
	enum knob_type type;
	long long min, max;
	const char *words;	/* further values, parted by spaces */
	const char *allowed;	/* the same for people */
	const char *neutral;	/* `colo off` puts it back to this */
	const char *v1_name;	/* what does this on the v1 hierarchy */
	/*
	 * Files of marks show what holds now, in bytes. What was asked for, and
	 * has to be written to get it again, is this key of memory.wmark_stat.
	 */
	const char *asked;
	const char *same_as;	/* another name of this knob, put back by that one */
};

extern const struct knob knobs[];
extern const size_t n_knobs;

const struct knob *knob_find(const char *name);

/*
 * Whether @name can be the name of a settable file of a group. On false, *why
 * is what is wrong with it.
 */
bool knob_name_ok(const char *name, const char **why);

/*
 * The text to write for @value, with sizes in bytes. @k may be NULL.
 * Returns 0, -EINVAL or -ERANGE.
 */
int knob_value(const struct knob *k, const char *value, char **text);

/*
 * What has to be written into the file @path of @k to get its state again: what
 * it shows, but for marks what was asked for. @k may be NULL. As cg_read().
 */
int knob_read(const struct knob *k, const char *path, char **text);

/* "cpu" of "cpu.max"; NULL for the core files ("cgroup.freeze"). */
char *knob_controller(const char *name);

/* The hierarchy that has the file @name, or NULL. */
const struct cg_hier *knob_hier(const struct cgfs *fs, const char *name);

#endif
