/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A cgroup root, /proc and /sys made of plain files below a temporary
 * directory, and running the tool against them.
 *
 * fake.c stands between the tool and mkdir(2), rmdir(2), open(2) and write(2)
 * (ld --wrap) and does below that directory what kernfs does there: new groups
 * have files, groups with processes cannot be removed, dead processes are not
 * listed, "0" in cgroup.procs is the writer.
 */
#ifndef COLO_FAKE_H
#define COLO_FAKE_H

#include <stdbool.h>
#include <sys/types.h>

struct result {
	int code;		/* 128 + N if a signal ended it */
	char *out, *err;
};

/* A patched kernel with the module, v2, groups /be, /be/pod1, /be/pod2, /on. */
void fake_setup(void);
void fake_teardown(void);

/* The path of @name below the directory; in a buffer that is used again. */
const char *fake(const char *name);
void put(const char *name, const char *text);
char *get(const char *name);			/* NULL if there is none */
void make_group(const char *group);		/* with all its files */
void del(const char *name);			/* a file or a tree */

/* Files that groups made by the tool get; the default is a patched kernel. */
extern bool fake_offline_knob;

/* Runs in the process of the tool before it starts. */
extern void (*fake_in_child)(void);

/* The next write(2) to this file fails, after @skip good ones; err 0: halfway. */
void fail_write(const char *name, int skip, int err);

/* Files of the last tool that were written, in order, one a line. */
char *writes(void);

/* colo with these words, on the fake root; the result lives until the next. */
const struct result *colo(const char *words);
const struct result *colo_argv(const char *const *argv);
pid_t colo_start(const char *const *argv);
const struct result *colo_finish(pid_t pid);
/* What a started colo has written so far. */
const char *colo_output(void);

#endif
