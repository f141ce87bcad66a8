/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Control groups as files below any root: the mounted hierarchies of this
 * machine or a directory that looks like one.
 *
 * A group is named by its path inside a hierarchy: "/" or "/be/pod1", never
 * with a slash at its end. All functions return 0 or -errno, unless said
 * otherwise.
 */
#ifndef COLO_CGROUP_H
#define COLO_CGROUP_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "util.h"

struct cg_hier {
	char *path;		/* where it is mounted */
	char *controllers;	/* words; "*" stands for all */
	bool v2;
};

struct cgfs {
	struct cg_hier *hier;
	size_t nhier;
};

/*
 * Find the hierarchies below @root, or those listed in the file @mounts when
 * @root is NULL. -ENOENT: there is none.
 */
int cgfs_open(struct cgfs *fs, const char *root, const char *mounts);
void cgfs_close(struct cgfs *fs);

/* "v2", "v1" or "hybrid" */
const char *cgfs_kind(const struct cgfs *fs);

/*
 * The hierarchy that @controller is bound to, else the unified one, else
 * NULL. A hierarchy without controllers still groups processes.
 */
const struct cg_hier *cgfs_hier(const struct cgfs *fs, const char *controller);

/*
 * The group that @name means in @h: relative, with a leading slash, or with
 * the mount point in front. NULL with errno = EINVAL if it is empty or has
 * "..", ENAMETOOLONG if no such path can exist.
 */
char *cg_canon(const struct cg_hier *h, const char *name);

/* The path of @file in @group; of the group itself if @file is NULL. */
char *cg_path(const struct cg_hier *h, const char *group, const char *file);
bool cg_has(const struct cg_hier *h, const char *group, const char *file);

/* The content without the newline at its end. */
int cg_read(const char *path, char **content);
int cg_read_file(const struct cg_hier *h, const char *group, const char *file,
		 char **content);
/* The value of @key in a flat-keyed file; -ENOENT also if there is no such key. */
int cg_read_key(const char *path, const char *key, char **value);
/* The same in a text that was read already; NULL if it is not there. */
char *cg_find_key(const char *text, const char *key);
/* One write(2) of @value and a newline. */
int cg_write(const char *path, const char *value);

/* Append @group and all groups below it, parents first, sorted by name. */
int cg_list(const struct cg_hier *h, const char *group, struct strv *out);

/*
 * Make @controller available to the children of @group: walks down from the
 * root and enables it where it is not. v1: nothing to do. On an error
 * *@where is the path that failed.
 */
int cg_enable(const struct cg_hier *h, const char *group,
	      const char *controller, char **where);

/* The group of process @proc_self (/proc/self) in @h. */
int cg_of_process(const struct cg_hier *h, const char *proc_self, char **group);

/* Number of processes in @group and below, or -errno. */
int cg_count_procs(const struct cg_hier *h, const char *group);
/* SIGKILL to every process in @group and below. */
int cg_kill(const struct cg_hier *h, const char *group);
/* Remove @group and all groups below it. */
int cg_remove(const struct cg_hier *h, const char *group);

#endif
