/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A command in a group of its own: the group in each hierarchy that is needed,
 * the process, its signals, and removing it all.
 */
#ifndef COLO_JOB_H
#define COLO_JOB_H

#include <signal.h>
#include <sys/types.h>

#include "cgroup.h"

struct job_dir {
	const struct cg_hier *h;
	char *group;
	bool made;
};

struct job {
	struct job_dir *dirs;	/* the first one has the cpu controller */
	size_t n;
	pid_t pid;
};

/*
 * Make group @name below @parent in hierarchy @h, with @controllers on. On an
 * error nothing is left and *@where is the path that failed.
 */
int job_make_group(struct job *j, const struct cg_hier *h, const char *parent,
		   const char *name, const struct strv *controllers,
		   char **where);

/* Block what job_wait() passes on; job_start() undoes it in the command. */
void job_signals(void);

/*
 * Start @argv in the groups. Returns 0, or -errno with *@where the path that
 * failed, or *@where = NULL if it is execvp(3) that failed.
 */
int job_start(struct job *j, char **argv, char **where);

/* Pass on signals until the command ends. Returns its wait status. */
int job_wait(struct job *j);

/*
 * Wait until the groups are empty, with SIGKILL to all that is left if
 * @kill_rest or once a signal asks us to end. @slow is called once when it
 * takes seconds; from then on a signal ends it with -EINTR.
 */
int job_drain(struct job *j, bool kill_rest, void (*slow)(void *arg, int procs),
	      void *arg);

/* Remove the groups. Returns 0 or -errno with *@where. */
int job_remove(struct job *j, char **where);
void job_free(struct job *j);

#endif
